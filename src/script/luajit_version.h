#ifndef CDCL_LUAJIT_VERSION_H
#define CDCL_LUAJIT_VERSION_H

/* "LuaJIT 2.1.0-beta3", for `cdcl version`. */
const char *luajit_version(void);

#endif
