#ifndef CDCL_PLACE_H
#define CDCL_PLACE_H

/*
 * Where in a script's text something stands: LuaJIT gives the line of a call, never a column, so
 * the offending word is looked for from that line on to the end of the call (its brackets counted,
 * strings and comments stepped over).
 */

#include "cdcl/error.h"
#include "base/str.h"

enum place_kind {
	PLACE_WORD, /* a name outside of strings and comments: an option */
	PLACE_TEXT /* exact bytes, also in strings: an SQL text, a value */
};

/* Line `line` (from 1) of a text, without its line end; absent when there is none. */
struct str place_line(struct str text, int line);

/* Finds `wanted` in the call that begins on line *line; sets *line and the byte column. */
bool place_find(struct str text, int *line, enum place_kind kind, struct str wanted, int *column);

/* Sets source_line and, with len > 0, the caret of `err`; replaces what was there. */
void place_show(struct error *err, struct str text, int line, int column, int len);

#endif
