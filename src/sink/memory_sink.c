#include "sink/sink_kinds.h"

#include "base/check.h"
#include "sink/row_keeper.h"

#include <stdlib.h>

/*
 * Rows kept in memory, for tests: those of all batches, or of the last batch in complete mode. What
 * a batch wrote is seen when it is published.
 */

struct memory_sink {
	struct sink base;
	struct row_keeper shown;
	struct row_keeper next;
};

static struct memory_sink *memory_of(struct sink *s)
{
	return container_of(s, struct memory_sink, base);
}

static int open_memory(struct sink *s, int64_t *last_batch_id, struct error *err)
{
	(void)s, (void)err;
	*last_batch_id = -1;
	return 0;
}

static int write_rows(struct sink *s, const struct chunk *in, struct error *err)
{
	s->rows_written += chunk_live_count(in);
	int answer = row_keeper_add(&memory_of(s)->next, in, s->schema, err);
	return answer < 0 ? error_prefix(err, "memory sink: ") : 0;
}

static int prepare(struct sink *s, const struct batch *b, struct error *err)
{
	(void)s, (void)b, (void)err;
	return 0;
}

static int publish(struct sink *s, const struct batch *b, struct error *err)
{
	(void)b;
	struct memory_sink *m = memory_of(s);
	if (s->mode == OUTPUT_COMPLETE) {
		row_keeper_clear(&m->shown);
	}
	for (uint32_t i = 0; i < m->next.count; i++) {
		if (row_keeper_add(&m->shown, m->next.chunks[i], s->schema, err) < 0) {
			return error_prefix(err, "memory sink: ");
		}
	}
	row_keeper_clear(&m->next);
	return 0;
}

static void close_memory(struct sink *s)
{
	struct memory_sink *m = memory_of(s);
	row_keeper_release(&m->shown);
	row_keeper_release(&m->next);
	free(m);
}

static const struct sink_ops memory_ops = {
	.kind = "memory",
	.open = open_memory,
	.write = write_rows,
	.prepare = prepare,
	.publish = publish,
	.close = close_memory,
};

struct sink *memory_sink_open(const struct sink_config *config)
{
	(void)config;
	struct memory_sink *m = calloc(1, sizeof *m);
	check(m != NULL); /* out of memory */
	m->base.ops = &memory_ops;
	row_keeper_init(&m->shown);
	row_keeper_init(&m->next);
	return &m->base;
}

uint32_t memory_sink_chunks(const struct sink *s, struct chunk *const **chunks)
{
	check(s->ops == &memory_ops);
	const struct memory_sink *m = (const struct memory_sink *)(const void *)s;
	*chunks = m->shown.chunks;
	return m->shown.count;
}
