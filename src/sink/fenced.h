#ifndef CDCL_FENCED_H
#define CDCL_FENCED_H

#include "cdcl/error.h"

/* To an error of a file or folder that another process writes to: what can be done. */
static inline int fenced_help(struct error *err)
{
	error_help(err, "stop one of the two, or give it another path; this batch was not written");
	return -(int)CDCL_E_FENCED;
}

#endif
