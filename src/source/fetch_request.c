#include "source/fetch_source.h"

#include "base/check.h"

enum {
	small_bytes = 4096,
	answer_head_bytes = 16 * 1024 /* of an answer beside its records */
};

bool fetch_may_read(const struct fetch_source *fs, const struct fetch_lane *l)
{
	const struct kafka_partition *p = fetch_partition(fs, l);
	if (fs->turns && p != fs->in_turn)
		return false;
	return l->phase == LANE_READS && (p->position < p->limit || p->witness.until > 0);
}

/*
 * Beyond the limit of a batch one answer is fetched ahead: it also tells where the end is now, for
 * the shares of the next batch.
 */
static bool wants_records(const struct fetch_source *fs, const struct fetch_lane *l)
{
	const struct kafka_partition *p = fetch_partition(fs, l);
	const struct kafka_progress *progress = &fs->progress;
	if (l->phase != LANE_READS || l->part_count == lane_parts_max)
		return false;
	if (fetch_may_read(fs, l))
		return l->next < (progress->finite || progress->replays ? p->limit : INT64_MAX) ||
			p->witness.until > 0;
	bool ahead = progress->by_partition && !progress->replays && l->part_count == 0;
	return ahead && (!progress->finite || p->position < p->target);
}

static bool may_ask(const struct fetch_source *fs, const struct fetch_lane *l,
	const struct fetch_broker *b, int64_t now)
{
	return !kafka_partition_gone(fetch_partition(fs, l)) && l->leader == b->id &&
		l->asked_at < 0 && now >= l->retry_us;
}

static void question(const struct fetch_source *fs, struct fetch_lane *l,
	const struct fetch_broker *b, struct fetch_question *out)
{
	const struct kafka_partition *p = fetch_partition(fs, l);
	*out = (struct fetch_question){.topic = p->topic->name,
		.partition = p->partition,
		.leader_epoch = l->epoch,
		.record_epoch = l->reader.leader_epoch,
		.bytes_max = fs->settings.partition_max,
		.offset = l->phase == LANE_ASKS_BEGIN ? cluster_begin
			: l->phase == LANE_ASKS_END   ? cluster_end
						      : l->next};
	l->asked_at = b->id;
	l->asked_first = out == fs->questions;
	l->outdated = false;
}

/* A question of that kind for all partitions that have it. False: none has. */
static bool ask_phase(struct fetch_source *fs, struct fetch_broker *b, enum fetch_phase phase)
{
	struct fetch_connection *c = &b->connection;
	int64_t now = fetch_now_us(fs);
	uint32_t count = 0;
	enum fetch_api api = phase == LANE_ASKS_EPOCH ? API_EPOCHS : API_OFFSETS;
	for (uint32_t i = 0; i < fs->progress.count; i++) {
		struct fetch_lane *l = &fs->lanes[i];
		if (l->phase != phase || !may_ask(fs, l, b, now))
			continue;
		if (c->versions.of[api] < 0)
			l->phase = LANE_READS; /* a broker that cannot tell */
		else
			question(fs, l, b, &fs->questions[count++]);
	}
	if (count == 0)
		return false;
	b->asked = phase;
	b->block = NULL;
	fetch_connection_begin(c, api);
	if (api == API_EPOCHS)
		fetch_put_epochs(&c->request, &c->versions, fs->questions, count);
	else
		fetch_put_offsets(&c->request, &c->versions, fs->settings.read_committed,
			fs->questions, count);
	fetch_buffer_fit(&b->small, small_bytes);
	fetch_connection_send(c, &b->small, 0);
	return true;
}

/* Those that were starved first, then from b->first on around. */
static uint32_t gather(struct fetch_source *fs, struct fetch_broker *b)
{
	int64_t now = fetch_now_us(fs);
	uint32_t n = fs->progress.count;
	uint32_t count = 0;
	for (int starved = 1; starved >= 0; starved--)
		for (uint32_t i = 0; i < n; i++) {
			struct fetch_lane *l = &fs->lanes[(b->first + i) % n];
			if (l->starved == (starved == 1) && may_ask(fs, l, b, now) &&
				wants_records(fs, l))
				question(fs, l, b, &fs->questions[count++]);
		}
	return count;
}

static bool any_wants(const struct fetch_source *fs, const struct fetch_broker *b)
{
	int64_t now = fetch_now_us(fs);
	for (uint32_t i = 0; i < fs->progress.count; i++)
		if (may_ask(fs, &fs->lanes[i], b, now) && wants_records(fs, &fs->lanes[i]))
			return true;
	return false;
}

static bool holds_block(const struct fetch_lane *l, const struct fetch_broker *b)
{
	for (uint32_t i = 0; i < l->part_count; i++)
		if (l->parts[i].block >= b->blocks && l->parts[i].block < b->blocks + broker_blocks)
			return true;
	return false;
}

/*
 * Both blocks are held by records that may not be read now, and others wait: what is held is
 * dropped, to be fetched again in its turn.
 */
static void make_room(struct fetch_source *fs, const struct fetch_broker *b)
{
	bool starves = false;
	for (uint32_t i = 0; i < fs->progress.count; i++) {
		const struct fetch_lane *l = &fs->lanes[i];
		bool reads = fetch_may_read(fs, l);
		if (reads && holds_block(l, b))
			return; /* it will be read, which gives room */
		starves = starves || (reads && l->leader == b->id);
	}
	for (uint32_t i = 0; starves && i < fs->progress.count; i++)
		if (holds_block(&fs->lanes[i], b))
			fetch_lane_drop(&fs->lanes[i]);
}

static int32_t answer_bytes(const struct fetch_source *fs)
{
	int64_t share =
		fs->settings.memory_bytes / 2 / (broker_blocks * (int64_t)fs->broker_count);
	return share < fs->settings.bytes_max ? (int32_t)share : fs->settings.bytes_max;
}

static bool ask_records(struct fetch_source *fs, struct fetch_broker *b)
{
	struct fetch_connection *c = &b->connection;
	if (!any_wants(fs, b))
		return false;
	struct fetch_block *block = fetch_broker_block(b, fs->chunk);
	if (block == NULL) {
		make_room(fs, b);
		block = fetch_broker_block(b, fs->chunk);
	}
	if (block == NULL) {
		fs->waits_for_chunk = true;
		return false;
	}
	uint32_t count = gather(fs, b);
	check(count > 0);
	struct fetch_limits limits = {.wait_ms = fs->settings.wait_ms,
		.bytes_min = fs->settings.bytes_min,
		.bytes_max = answer_bytes(fs),
		.read_committed = fs->settings.read_committed};
	fetch_connection_begin(c, API_FETCH);
	fetch_put_fetch(&c->request, &c->versions, &limits, fs->questions, count);
	fetch_buffer_fit(&block->buffer, (size_t)limits.bytes_max + answer_head_bytes);
	block->aborted_count = 0;
	b->block = block;
	b->first++;
	fetch_connection_send(c, &block->buffer, limits.wait_ms);
	return true;
}

bool fetch_ask_next(struct fetch_source *fs, struct fetch_broker *b)
{
	return ask_phase(fs, b, LANE_ASKS_EPOCH) || ask_phase(fs, b, LANE_ASKS_BEGIN) ||
		ask_phase(fs, b, LANE_ASKS_END) ||
		(fetch_now_us(fs) >= b->rest_until_us && ask_records(fs, b));
}
