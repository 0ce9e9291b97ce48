#include "script/luajit_version.h"

#include <luajit.h>

const char *luajit_version(void)
{
	return LUAJIT_VERSION;
}
