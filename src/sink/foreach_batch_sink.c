#include "sink/sink_kinds.h"

#include "base/check.h"
#include "sink/row_keeper.h"

#include <stdlib.h>

/* All rows of a batch handed to one function, once per batch, also when there are none. */

struct foreach_batch_sink {
	struct sink base;
	struct batch_function *function;
	struct row_keeper rows;
};

static struct foreach_batch_sink *foreach_of(struct sink *s)
{
	return container_of(s, struct foreach_batch_sink, base);
}

static int open_foreach(struct sink *s, int64_t *last_batch_id, struct error *err)
{
	*last_batch_id = -1;
	if (foreach_of(s)->function == NULL) {
		return error_set(err, CDCL_E_SCRIPT, "foreach_batch needs a function");
	}
	return 0;
}

static int write_rows(struct sink *s, const struct chunk *in, struct error *err)
{
	s->rows_written += chunk_live_count(in);
	int answer = row_keeper_add(&foreach_of(s)->rows, in, s->schema, err);
	return answer < 0 ? error_prefix(err, "foreach_batch: ") : 0;
}

static int prepare(struct sink *s, const struct batch *b, struct error *err)
{
	(void)s, (void)b, (void)err;
	return 0;
}

static int publish(struct sink *s, const struct batch *b, struct error *err)
{
	struct foreach_batch_sink *f = foreach_of(s);
	int answer = f->function->call(f->function, f->rows.chunks, f->rows.count, b, err);
	row_keeper_clear(&f->rows);
	return answer < 0 ? answer : 0;
}

static void close_foreach(struct sink *s)
{
	struct foreach_batch_sink *f = foreach_of(s);
	row_keeper_release(&f->rows);
	free(f);
}

static const struct sink_ops foreach_ops = {
	.kind = "foreach_batch",
	.open = open_foreach,
	.write = write_rows,
	.prepare = prepare,
	.publish = publish,
	.close = close_foreach,
};

struct sink *foreach_batch_sink_open(const struct sink_config *config)
{
	struct foreach_batch_sink *f = calloc(1, sizeof *f);
	check(f != NULL); /* out of memory */
	f->base.ops = &foreach_ops;
	f->function = config->function;
	row_keeper_init(&f->rows);
	return &f->base;
}
