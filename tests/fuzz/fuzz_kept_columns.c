/*
 * The file COLUMNS of a checkpoint, any bytes, and lines of any bytes with a good checksum: refused
 * with the line, or read; what was read comes back the same when it is written and read again.
 */

#include "base/check.h"
#include "base/checked_line.h"
#include "state/kept_columns.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(struct str text, struct arena *arena)
{
	struct kept_columns *list, *again;
	uint32_t count, count_again;
	struct error err;
	error_init(&err);
	if (kept_columns_parse(text, "COLUMNS", arena, &list, &count, &err) < 0) {
		check(err.code == CDCL_E_STATE);
		return;
	}
	struct strbuf first, second;
	strbuf_init(&first);
	strbuf_init(&second);
	kept_columns_text(list, count, &first);
	check(kept_columns_parse(strbuf_str(&first), "COLUMNS", arena, &again, &count_again,
		      &err) == 0);
	kept_columns_text(again, count_again, &second);
	check(str_eq(strbuf_str(&first), strbuf_str(&second)));
	strbuf_release(&first);
	strbuf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena arena;
	if (arena.block_bytes == 0)
		arena_init(&arena, 64 * 1024);
	char *exact = malloc(size + (size == 0));
	check(exact != NULL);
	memcpy(exact, data, size);
	read_again((struct str){exact, size}, &arena);
	struct strbuf lines;
	strbuf_init(&lines);
	for (size_t at = 0; at < size;) {
		const char *end = memchr(exact + at, '\n', size - at);
		size_t len = end == NULL ? size - at : (size_t)(end - exact) - at;
		checked_line_add((struct str){exact + at, len}, &lines);
		at += len + 1;
	}
	read_again(strbuf_str(&lines), &arena);
	strbuf_release(&lines);
	free(exact);
	arena_reset(&arena);
	return 0;
}
