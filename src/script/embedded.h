#ifndef CDCL_EMBEDDED_H
#define CDCL_EMBEDDED_H

/* The files of lib-lua and the declarations of cdcl/abi.h, put into the binary by
 * src/script/embed.cmake. */

#include <stddef.h>

struct embedded_file {
	const char *name; /* "cdcl.lua", relative to lib-lua; "abi.h" */
	const char *data;
	size_t len;
};

extern const struct embedded_file embedded_files[];
extern const size_t embedded_file_count;

/* NULL when there is none of that name. */
const struct embedded_file *embedded_find(const char *name);

#endif
