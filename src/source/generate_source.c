/*
 * The generator as a source: messages at its rate, offsets counted from 0, one partition named
 * after the kind.
 */

#include "base/arena.h"
#include "base/check.h"
#include "source/generator.h"
#include "source/source_kinds.h"

#include <stdlib.h>

struct generate_source {
	struct source source;
	const struct generate_config *config;
	struct generator *generator;
	struct source_partition partition;
	int64_t begun_us;
};

static struct generate_source *of(struct source *s)
{
	return container_of(s, struct generate_source, source);
}

static int open_source(struct source *s, enum source_run run, struct error *err)
{
	struct generate_source *gs = of(s);
	if (run != SOURCE_RUN_FOREVER && gs->config->count == 0) {
		error_set(err, CDCL_E_SCRIPT, "generated events without a count never end");
		error_help(err, "give count = N, or end the run with --max-batches");
		return -(int)err->code;
	}
	gs->generator = generator_open(gs->config);
	gs->begun_us = clock_monotonic_us(s->clock);
	gs->partition.latest = gs->config->count > 0 ? gs->config->count : -1;
	return 0;
}

static int begin_batch(struct source *s, struct error *err)
{
	(void)err;
	s->partitions[0].batch_start = s->partitions[0].position;
	return 0;
}

/* How many messages may go out by now. */
static int64_t due(struct generate_source *gs)
{
	if (gs->config->rate <= 0)
		return chunk_rows_max;
	int64_t elapsed_us = clock_monotonic_us(gs->source.clock) - gs->begun_us;
	double all = (double)elapsed_us * (double)gs->config->rate / 1e6 + 1;
	return (int64_t)all - gs->partition.position;
}

static struct str copy(struct arena *arena, struct str s)
{
	char *to = arena_alloc(arena, s.len, 1);
	memcpy(to, s.data, s.len);
	return (struct str){to, s.len};
}

static int fill(struct source *s, struct messages *out, struct error *err)
{
	(void)err;
	struct generate_source *gs = of(s);
	int64_t wall_us = clock_wall_us(s->clock);
	int64_t room = messages_room(out);
	int64_t wanted = due(gs);
	struct generated event;
	int64_t taken = 0;
	bool more = true;
	while (taken < wanted && taken < room && (more = generator_next(gs->generator, &event))) {
		uint32_t i = out->count++;
		out->topic[i] = gs->partition.topic;
		out->partition[i] = 0;
		out->offset[i] = gs->partition.position++;
		out->timestamp_us[i] = wall_us;
		out->timestamp_type[i] = 0;
		out->key[i] = copy(out->arena, event.key);
		out->value[i] = copy(out->arena, event.value);
		out->headers[i] = NULL;
		out->header_count[i] = 0;
		s->bytes_read += (int64_t)(event.key.len + event.value.len);
		taken++;
	}
	s->messages_read += taken;
	if (taken > 0)
		return SOURCE_MORE;
	return more && room > 0 ? SOURCE_IDLE : more ? SOURCE_MORE : SOURCE_END;
}

static int end_batch(struct source *s, struct error *err)
{
	(void)s;
	(void)err;
	return 0;
}

static void close_source(struct source *s)
{
	struct generate_source *gs = of(s);
	generator_close(gs->generator);
	free(gs);
}

static const struct source_ops generate_source_ops = {.kind = "generate",
	.open = open_source,
	.begin_batch = begin_batch,
	.fill = fill,
	.end_batch = end_batch,
	.close = close_source};

struct source *generate_source_make(const struct generate_config *config, struct error *err)
{
	(void)err;
	struct generate_source *gs = calloc(1, sizeof(*gs));
	check(gs != NULL);
	bool orders = config->kind == GENERATE_ORDERS;
	gs->config = config;
	gs->source.ops = &generate_source_ops;
	gs->source.description =
		orders ? str_lit("Generate[orders]") : str_lit("Generate[customers]");
	gs->source.wake_fd = -1;
	gs->source.poll_ms = config->rate >= 100 || config->rate <= 0 ? 10 : 100;
	gs->source.partitions = &gs->partition;
	gs->source.partition_count = 1;
	gs->partition.topic = orders ? str_lit("orders") : str_lit("customers");
	return &gs->source;
}
