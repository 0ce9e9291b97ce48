#ifndef CDCL_EMBEDDED_H
#define CDCL_EMBEDDED_H

/*
 * The files of lib-lua and the declarations of cdcl/abi.h, put into the binary by
 * src/script/embed.cmake. Compiling the texts would be most of what Lua needs to start, so they are
 * there as bytecode, too; the text is for another LuaJIT than the one of the build.
 */

#include <stddef.h>

struct embedded_file {
	const char *name; /* "cdcl.lua", relative to lib-lua; "abi.h" */
	const char *data;
	size_t len;
	const char *code; /* bytecode */
	size_t code_len;  /* 0: none */
};

extern const struct embedded_file embedded_files[];
extern const size_t embedded_file_count;

/* NULL when there is none of that name. */
const struct embedded_file *embedded_find(const char *name);

#endif
