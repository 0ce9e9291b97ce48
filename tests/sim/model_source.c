#include "model_source.h"

#include "base/check.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model_source {
	struct source source;
	const struct kafka_config *config;
	const struct topic *topic;
	bool replays;
	bool is_input;          /* "orders"; else a sink reads what its topic holds */
	bool ends;
	int64_t limits[broker_partitions_max];
};

static struct model_source *of(struct source *s)
{
	return container_of(s, struct model_source, source);
}

static int64_t named(const struct partition_offset *offsets, uint32_t count, int32_t partition,
	int64_t otherwise)
{
	for (uint32_t i = count; i-- > 0;)
		if (offsets[i].partition == partition)
			return offsets[i].offset;
	return otherwise;
}

static int open_source(struct source *s, enum source_run run, struct error *err)
{
	struct model_source *m = of(s);
	const struct source_resume *resume = m->config->resume;
	const struct starting_offsets *starting = &m->config->starting;
	(void)err;
	world_call("source open");
	char name[40];
	check(m->config->topic_count == 1 && m->config->topics[0].len < sizeof(name));
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(m->config->topics[0]));
	m->topic = broker_topic(world->broker, name, 0);
	m->is_input = strcmp(name, "orders") == 0;
	m->ends = run == SOURCE_RUN_AVAILABLE_NOW;
	check(m->topic != NULL);
	s->partition_count = m->topic->partition_count;
	s->partitions = calloc(s->partition_count, sizeof(*s->partitions));
	check(s->partitions != NULL);
	m->replays = resume != NULL && resume->replays;
	bool goes_on = starting->kind == OFFSETS_EXPLICIT;
	for (uint32_t i = 0; i < s->partition_count; i++) {
		struct source_partition *p = &s->partitions[i];
		int64_t from = goes_on ? named(starting->explicit_offsets, starting->explicit_count,
						 (int32_t)i, 0)
				       : 0;
		*p = (struct source_partition){.topic = m->config->topics[0],
			.partition = (int32_t)i,
			.first = from,
			.batch_start = from,
			.position = from,
			.latest = -1};
		m->limits[i] = !m->replays ? INT64_MAX
					   : named(resume->until, resume->until_count, (int32_t)i,
						     from);
		if (m->is_input)
			world->positions[i] = from;
	}
	return 0;
}

static int begin_batch(struct source *s, struct error *err)
{
	(void)err;
	world_call("source begin_batch");
	for (uint32_t i = 0; i < s->partition_count; i++)
		s->partitions[i].batch_start = s->partitions[i].position;
	return 0;
}

static struct str copied(struct messages *out, struct str s)
{
	if (s.data == NULL)
		return s;
	char *to = arena_alloc(out->arena, s.len + 1, 1);
	memcpy(to, s.data, s.len);
	return (struct str){to, s.len};
}

static void add_message(struct source *s, struct messages *out, struct source_partition *p,
	const struct record *r)
{
	uint32_t i = out->count++;
	out->topic[i] = p->topic;
	out->partition[i] = p->partition;
	out->offset[i] = p->position - 1;
	out->timestamp_us[i] = r->timestamp_us;
	out->timestamp_type[i] = 0;
	out->key[i] = copied(out, r->key);
	out->value[i] = copied(out, r->value);
	out->headers[i] = NULL;
	out->header_count[i] = 0;
	s->messages_read++;
	s->bytes_read += (int64_t)r->value.len;
}

/* Positions pass markers and aborted records, as with the end-of-partition events of Kafka. */
static int take(struct model_source *m, uint32_t partition, uint32_t count, struct messages *out,
	struct error *err)
{
	struct source_partition *p = &m->source.partitions[partition];
	const struct source_turn *turn = m->source.turn;
	int64_t limit = m->limits[partition];
	if (m->replays && turn != NULL) {
		if (turn->partition != (int32_t)partition)
			return 0;
		limit = turn->until < limit ? turn->until : limit;
	}
	const struct partition_log *log = &m->topic->logs[partition];
	if (p->position < log->start)
		return error_set(err, CDCL_E_DATA, "orders/%u: messages from %lld on are gone",
			partition, (long long)p->position);
	for (uint32_t i = 0; i < count && p->position < limit; i++) {
		int64_t at = p->position;
		const struct record *r = broker_next(world->broker, log, &at);
		bool beyond = at > limit;
		p->position = beyond ? limit : at;
		if (r == NULL || beyond)
			break;
		add_message(&m->source, out, p, r);
	}
	p->latest = log->end;
	if (m->is_input)
		world->positions[partition] = p->position;
	return 0;
}

static bool reached(const struct model_source *m)
{
	for (uint32_t i = 0; i < m->source.partition_count; i++)
		if (m->source.partitions[i].position < m->limits[i])
			return false;
	return true;
}

/* Nothing that a reader may see is left. */
static bool is_read(const struct model_source *m)
{
	for (uint32_t i = 0; i < m->source.partition_count; i++) {
		int64_t at = m->source.partitions[i].position;
		if (broker_next(world->broker, &m->topic->logs[i], &at) != NULL)
			return false;
	}
	return true;
}

static int fill(struct source *s, struct messages *out, struct error *err)
{
	struct model_source *m = of(s);
	uint32_t before = out->count;
	world_call("source fill");
	if (world->broker->deaf > 0)
		world->broker->deaf--;
	else if (world->faults && world_once_in(30))
		world->broker->deaf = (int32_t)world_choose(10);
	bool deaf = world->broker->deaf > 0;
	uint32_t first = world_choose(s->partition_count);
	for (uint32_t i = 0; i < s->partition_count && !deaf; i++) {
		uint32_t room = chunk_rows_max - out->count;
		uint32_t count = world_choose(30);
		int r = take(m, (first + i) % s->partition_count, count < room ? count : room, out,
			err);
		if (r < 0)
			return r;
	}
	if (out->count > before)
		return SOURCE_MORE;
	if (m->ends)
		return is_read(m) ? SOURCE_END : SOURCE_WAITING;
	if (m->replays)
		return reached(m) ? SOURCE_LIMIT : SOURCE_WAITING;
	return SOURCE_IDLE;
}

static int end_batch(struct source *s, struct error *err)
{
	struct model_source *m = of(s);
	(void)err;
	world_call("source end_batch");
	m->replays = false;
	for (uint32_t i = 0; i < s->partition_count; i++)
		m->limits[i] = INT64_MAX;
	return 0;
}

static void close_source(struct source *s)
{
	free(s->partitions);
	free(of(s));
}

static const struct source_ops ops = {.kind = "model",
	.open = open_source,
	.begin_batch = begin_batch,
	.fill = fill,
	.end_batch = end_batch,
	.close = close_source};

struct source *model_source_make(const struct source_config *config)
{
	if (config->kind != SOURCE_KAFKA)
		return NULL;
	struct model_source *m = calloc(1, sizeof(*m));
	check(m != NULL);
	m->config = &config->kafka;
	m->source.ops = &ops;
	m->source.description = str_lit("model");
	m->source.wake_fd = -1;
	return &m->source;
}

bool model_source_is_at_end(void)
{
	const struct topic *t = broker_topic(world->broker, "orders", 0);
	for (uint32_t i = 0; i < t->partition_count; i++)
		if (world->positions[i] < t->logs[i].end)
			return false;
	return true;
}
