#include "sink/sink_kinds.h"

#include "base/check.h"
#include "base/file.h"
#include "data/value.h"

#include <stdlib.h>

/*
 * Rows as JSON lines on stdout, for pipes: one object a row, the columns in their order, every NULL
 * written. Whole numbers and decimals are written with all their digits, dates and timestamps as
 * the console prints them but quoted, binary as base64, json columns with their own text (made
 * standard JSON where the input was lenient). The row's kind comes first as "@kind" in changelog
 * mode; in the others only on rows that take something back (-U, -D), where it changes the meaning.
 *
 * Lines leave in blocks and at the end of every batch: at least once, like the console.
 */

enum { block_bytes = 1024 * 1024 };

struct changes_sink {
	struct sink base;
	struct strbuf lines;
	struct strbuf *names; /* one per column: ,"name": */
};

static struct changes_sink *changes_of(struct sink *s)
{
	return container_of(s, struct changes_sink, base);
}

static int open_changes(struct sink *s, int64_t *last_batch_id, struct error *err)
{
	(void)err;
	*last_batch_id = -1;
	struct changes_sink *c = changes_of(s);
	c->names = calloc(s->schema->column_count + 1, sizeof *c->names);
	check(c->names != NULL); /* out of memory */
	for (uint32_t i = 0; i < s->schema->column_count; i++) {
		strbuf_add_byte(&c->names[i], ',');
		json_text_string(s->schema->columns[i].name, &c->names[i]);
		strbuf_add_byte(&c->names[i], ':');
	}
	return 0;
}

static void add_line(struct changes_sink *c, const struct chunk *in, uint32_t row)
{
	static const char *const kinds[] = {"+I", "-U", "+U", "-D"};
	enum row_kind kind = chunk_kind(in, row);
	size_t start = c->lines.len;
	if (c->base.mode == OUTPUT_CHANGELOG || kind == ROW_UPDATE_BEFORE || kind == ROW_DELETE) {
		strbuf_addf(&c->lines, ",\"@kind\":\"%s\"", kinds[kind]);
	}
	for (uint32_t i = 0; i < in->schema->column_count; i++) {
		struct value v =
			value_from_column(&in->columns[i], c->base.schema->columns[i].type, row);
		strbuf_add(&c->lines, strbuf_str(&c->names[i]));
		value_text(&v, VALUE_JSON, c->base.timezone, &c->lines);
	}
	if (c->lines.len == start) {
		strbuf_add_byte(&c->lines, '{');
	} else {
		c->lines.data[start] = '{'; /* the first comma */
	}
	strbuf_add_c(&c->lines, "}\n");
}

static int flush(struct changes_sink *c, struct error *err)
{
	int answer = file_write_stdout(strbuf_str(&c->lines), err);
	strbuf_reset(&c->lines);
	return answer;
}

static int write_rows(struct sink *s, const struct chunk *in, struct error *err)
{
	struct changes_sink *c = changes_of(s);
	check(in->column_count == schema_total(s->schema));
	for (uint32_t row = chunk_next_live(in, 0); row < chunk_rows_max;
		row = chunk_next_live(in, row + 1)) {
		add_line(c, in, row);
		s->rows_written++;
		int answer = c->lines.len >= block_bytes ? flush(c, err) : 0;
		if (answer < 0) {
			return answer;
		}
	}
	return 0;
}

static int prepare(struct sink *s, const struct batch *b, struct error *err)
{
	(void)s, (void)b, (void)err;
	return 0;
}

static int publish(struct sink *s, const struct batch *b, struct error *err)
{
	(void)b;
	return flush(changes_of(s), err);
}

static void close_changes(struct sink *s)
{
	struct changes_sink *c = changes_of(s);
	for (uint32_t i = 0; c->names != NULL && i < s->schema->column_count; i++) {
		strbuf_release(&c->names[i]);
	}
	free(c->names);
	strbuf_release(&c->lines);
	free(c);
}

static const struct sink_ops changes_ops = {
	.kind = "changes",
	.open = open_changes,
	.write = write_rows,
	.prepare = prepare,
	.publish = publish,
	.close = close_changes,
};

struct sink *changes_sink_open(const struct sink_config *config)
{
	(void)config;
	struct changes_sink *c = calloc(1, sizeof *c);
	check(c != NULL); /* out of memory */
	c->base.ops = &changes_ops;
	strbuf_init(&c->lines);
	return &c->base;
}
