/*
 * A headers column and a line of dead letters, any bytes: read within their bounds or refused; what
 * was a record comes back the same when it is written as a dead letter and read again.
 */

#include "base/check.h"
#include "sink/dead_letter_line.h"
#include "sink/kafka_headers.h"
#include "source/record_line.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(struct str a, struct str b)
{
	return (a.data == NULL) == (b.data == NULL) && str_eq(a, b);
}

static void read_record(struct str line, struct arena *arena)
{
	static struct messages first;
	static struct messages again;
	struct error err;
	first.count = again.count = 0;
	first.arena = again.arena = arena;
	if (record_line_add(line, NULL, 0, &first, &err) < 0 || first.count == 0)
		return;
	struct schema none = {.column_count = 0};
	struct chunk *c = chunk_alloc(arena, &none);
	chunk_set_rows(c, 1);
	c->messages = &first;
	error_set(&err, CDCL_E_DATA, "why");
	struct strbuf out;
	strbuf_init(&out);
	dead_letter_line(DEAD_ENVELOPE, c, 0, &err, &out);
	int r = record_line_add(strbuf_str(&out), NULL, 0, &again, &err);
	check(r >= 0 && again.count == 1);
	check(same(again.value[0], first.value[0]));
	check(same(again.key[0], first.key[0]));
	check(again.offset[0] == first.offset[0]);
	strbuf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena arena;
	if (arena.block_bytes == 0)
		arena_init(&arena, 64 * 1024);
	char *exact = malloc(size + (size == 0));
	check(exact != NULL);
	memcpy(exact, data, size);
	struct str text = {exact, size};
	struct kafka_letter letter = {.partition = -1};
	if (kafka_headers_read(text, &arena, &letter))
		check(letter.header_count <= kafka_headers_max);
	read_record(text, &arena);
	free(exact);
	arena_reset(&arena);
	return 0;
}
