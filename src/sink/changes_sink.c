#include "sink/sink_kinds.h"

#include "base/check.h"
#include "base/file.h"
#include "sink/row_json.h"

#include <stdlib.h>

/*
 * Rows as JSON lines (sink/row_json.h) on stdout, for pipes. The row's kind is "@kind" in
 * changelog mode; in the others only on rows that take something back (-U, -D), where it changes
 * the meaning.
 *
 * Lines leave in blocks and at the end of every batch: at least once, like the console.
 */

enum { block_bytes = 1024 * 1024 };

struct changes_sink {
	struct sink base;
	struct strbuf lines;
	struct row_json json;
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
	row_json_init(&c->json, s->schema, s->timezone, false);
	return 0;
}

static void add_line(struct changes_sink *c, const struct chunk *in, uint32_t row)
{
	enum row_kind kind = chunk_kind(in, row);
	bool taken = kind == ROW_UPDATE_BEFORE || kind == ROW_DELETE;
	row_json_object(&c->json, in, row, c->base.mode == OUTPUT_CHANGELOG || taken, &c->lines);
	strbuf_add_byte(&c->lines, '\n');
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
	row_json_release(&c->json);
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
