/*
 * Kafka by our own requests: Fetch to the leader of each partition, over non-blocking sockets that
 * the engine's thread serves, with the keeper (kafka_keeper.h) for all that may block.
 *
 *	leaders --> blocks --(record_batch.h walks in place)--> struct messages --> pipeline
 *	keeper thread --> found partitions, failures, the map of leaders
 *
 * Nothing is copied: keys, values and headers are slices of the block that the kernel filled.
 * wake_fd is an epoll instance that holds all sockets, the keeper's eventfd and a timer, each
 * edge-triggered: fill takes its events and remembers which socket has more, so that what is not
 * read yet does not keep the loop awake.
 *
 * A broker has one request in flight. What it asks for next, in this order: whether the log was cut
 * (LANE_ASKS_EPOCH), where a partition begins and ends whose offset is gone, records of all its
 * partitions that may go on and have less than two answers waiting. An answer brings the first
 * batch of its first partition even if that is larger than what was asked for; so partitions take
 * turns to be first, starved ones before others.
 */

#include "base/check.h"
#include "base/log.h"
#include "source/fetch_broker.h"
#include "source/kafka_progress.h"
#include "source/source_kinds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	open_wait_ms = 300, /* usually a few; then open's caller sees the partitions */
	events_max = 64,
	turns_max = 64, /* of one broker in one fill */
	look_pause_us = 100 * 1000,
	leaderless_us = 250 * 1000,
	unknown_pause_us = 400 * 1000,
	empty_us_max = 2000 * 1000,
	small_bytes = 4096,
	answer_head_bytes = 16 * 1024 /* of an answer beside its records */
};

struct fetch_source {
	struct source source;
	struct kafka_progress progress;
	const struct kafka_config *config;
	struct kafka_keeper *keeper;
	struct kafka_cluster *cluster;
	struct fetch_settings settings;
	int event_fd; /* the keeper writes there */
	int timer_fd;
	int64_t timer_us; /* what it is set to; 0: not set */
	struct fetch_lane *lanes; /* parallel to progress.partitions */
	uint32_t lane_capacity;
	struct fetch_broker **brokers;
	uint32_t broker_count;
	struct fetch_map *map; /* the newest */
	struct record_space space;
	struct fetch_question *questions; /* scratch, lane_capacity of them */
	const struct kafka_partition *in_turn;
	bool turns; /* only in_turn may read */
	uint32_t read_from; /* the partition that is read next: they take turns */
	int64_t looked_us;
	/* The chunk: blocks that its messages point into stay as they are. */
	uint64_t chunk;
	const struct messages *last_out;
	uint32_t last_count;
	bool waits_for_chunk; /* a request waits for such a block */
};

static struct fetch_source *of(struct source *s)
{
	return container_of(s, struct fetch_source, source);
}

static int64_t now_us(const struct fetch_source *fs)
{
	return clock_monotonic_us(fs->source.clock);
}

static struct kafka_partition *partition_of(
	const struct fetch_source *fs, const struct fetch_lane *l)
{
	return &fs->progress.partitions[l - fs->lanes];
}

/* Something is odd about leaders or topics: the keeper looks, but not all the time. */
static void look(struct fetch_source *fs)
{
	int64_t now = now_us(fs);
	if (fs->looked_us != 0 && now - fs->looked_us < look_pause_us)
		return;
	fs->looked_us = now;
	kafka_keeper_look(fs->keeper);
}

static void try_later(const struct fetch_source *fs, struct fetch_lane *l)
{
	l->retry_us = now_us(fs) + (int64_t)fs->settings.retry_ms * 1000;
}

/* ---- Leaders ---- */

static struct fetch_broker *broker_find(const struct fetch_source *fs, int32_t id)
{
	for (uint32_t i = 0; i < fs->broker_count; i++)
		if (fs->brokers[i]->id == id)
			return fs->brokers[i];
	return NULL;
}

static void broker_meet(struct fetch_source *fs, uint32_t number)
{
	const struct cluster_broker *told = &fs->map->view.brokers[number];
	const struct fetch_addresses *addresses = &fs->map->addresses[number];
	struct fetch_broker *b = broker_find(fs, told->id);
	if (addresses->count == 0)
		return;
	if (b == NULL) {
		b = fetch_broker_open(
			told->id, &fs->settings, fs->source.clock, fs->source.wake_fd);
		fs->brokers = realloc(fs->brokers, (fs->broker_count + 1) * sizeof(b));
		check(fs->brokers != NULL);
		fs->brokers[fs->broker_count++] = b;
	}
	char name[300];
	snprintf(name, sizeof(name), STR_FMT ":%" PRId32, STR_ARG(told->host), told->port);
	fetch_connection_to(&b->connection, name, addresses);
}

static const struct cluster_partition *map_find(
	const struct fetch_source *fs, const struct kafka_partition *p)
{
	for (uint32_t i = 0; fs->map != NULL && i < fs->map->view.topic_count; i++) {
		const struct cluster_topic *t = &fs->map->view.topics[i];
		if (!str_eq(t->name, p->topic->name))
			continue;
		uint32_t at = (uint32_t)p->partition; /* where it usually stands */
		if (at < t->partition_count && t->partitions[at].id == p->partition)
			return &t->partitions[at];
		for (uint32_t k = 0; k < t->partition_count; k++)
			if (t->partitions[k].id == p->partition)
				return &t->partitions[k];
	}
	return NULL;
}

/* A new leader may not have all that the old one gave us. */
static void lane_lead(struct fetch_source *fs, struct fetch_lane *l)
{
	const struct cluster_partition *told = map_find(fs, partition_of(fs, l));
	if (told == NULL)
		return;
	bool newer = told->leader_epoch > l->epoch && l->epoch >= 0;
	l->leader = told->leader;
	l->epoch = told->leader_epoch;
	if (!newer || l->phase != LANE_READS || l->reader.leader_epoch < 0)
		return;
	l->phase = LANE_ASKS_EPOCH;
	fetch_lane_drop(l); /* also what came from the old one and was not read */
}

static void take_map(struct fetch_source *fs)
{
	struct fetch_map *map = fetch_cluster_map(fs->cluster);
	if (map == NULL)
		return;
	fetch_map_release(fs->map);
	fs->map = map;
	for (uint32_t i = 0; i < map->view.broker_count; i++)
		broker_meet(fs, i);
	for (uint32_t i = 0; i < fs->progress.count; i++)
		lane_lead(fs, &fs->lanes[i]);
}

static void take_found(struct fetch_source *fs)
{
	uint32_t i;
	enum kafka_found_kind kind;
	while ((kind = kafka_progress_take(&fs->progress, &i)) != FOUND_NOTHING) {
		if (fs->lane_capacity != fs->progress.capacity) {
			fs->lane_capacity = fs->progress.capacity;
			fs->lanes = realloc(fs->lanes, fs->lane_capacity * sizeof(*fs->lanes));
			fs->questions = realloc(
				fs->questions, fs->lane_capacity * sizeof(*fs->questions));
			check(fs->lanes != NULL && fs->questions != NULL);
		}
		struct fetch_lane *l = &fs->lanes[i];
		if (kind == FOUND_NEW) {
			fetch_lane_init(l, &fs->progress.partitions[i], &fs->space,
				fs->config->headers);
		} else {
			fetch_lane_reset(l, fs->progress.partitions[i].position);
			l->phase = LANE_READS;
			l->epoch = -1; /* those of the new topic begin anew */
		}
		lane_lead(fs, l);
	}
}

/* ---- What may be asked and read ---- */

static bool may_read(const struct fetch_source *fs, const struct fetch_lane *l)
{
	const struct kafka_partition *p = partition_of(fs, l);
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
	const struct kafka_partition *p = partition_of(fs, l);
	const struct kafka_progress *progress = &fs->progress;
	if (l->phase != LANE_READS || l->part_count == lane_parts_max)
		return false;
	if (may_read(fs, l))
		return l->next < (progress->finite || progress->replays ? p->limit : INT64_MAX) ||
			p->witness.until > 0;
	bool ahead = progress->by_partition && !progress->replays && l->part_count == 0;
	return ahead && (!progress->finite || p->position < p->target);
}

static bool may_ask(const struct fetch_lane *l, const struct fetch_broker *b, int64_t now)
{
	return l->leader == b->id && l->asked_at < 0 && now >= l->retry_us;
}

/* ---- Requests ---- */

static void question(const struct fetch_source *fs, struct fetch_lane *l,
	const struct fetch_broker *b, struct fetch_question *out)
{
	const struct kafka_partition *p = partition_of(fs, l);
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
	int64_t now = now_us(fs);
	uint32_t count = 0;
	enum fetch_api api = phase == LANE_ASKS_EPOCH ? API_EPOCHS : API_OFFSETS;
	for (uint32_t i = 0; i < fs->progress.count; i++) {
		struct fetch_lane *l = &fs->lanes[i];
		if (l->phase != phase || !may_ask(l, b, now))
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
	int64_t now = now_us(fs);
	uint32_t n = fs->progress.count;
	uint32_t count = 0;
	for (int starved = 1; starved >= 0; starved--)
		for (uint32_t i = 0; i < n; i++) {
			struct fetch_lane *l = &fs->lanes[(b->first + i) % n];
			if (l->starved == (starved == 1) && may_ask(l, b, now) &&
				wants_records(fs, l))
				question(fs, l, b, &fs->questions[count++]);
		}
	return count;
}

static bool any_wants(const struct fetch_source *fs, const struct fetch_broker *b)
{
	int64_t now = now_us(fs);
	for (uint32_t i = 0; i < fs->progress.count; i++)
		if (may_ask(&fs->lanes[i], b, now) && wants_records(fs, &fs->lanes[i]))
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
		bool reads = may_read(fs, l);
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

static bool ask_next(struct fetch_source *fs, struct fetch_broker *b)
{
	return ask_phase(fs, b, LANE_ASKS_EPOCH) || ask_phase(fs, b, LANE_ASKS_BEGIN) ||
		ask_phase(fs, b, LANE_ASKS_END) ||
		(now_us(fs) >= b->rest_until_us && ask_records(fs, b));
}

/* ---- Answers ---- */

static void say_code(const struct kafka_partition *p, int code)
{
	log_debug("kafka", STR_FMT "/%" PRId32 ": %s", STR_ARG(p->topic->name), p->partition,
		kafka_error_text(code));
}

/* The offset is not there any more: the oldest that is, or the end of the run. */
static int lost(struct fetch_source *fs, struct fetch_lane *l, struct error *err)
{
	struct kafka_partition *p = partition_of(fs, l);
	if (p->witness.until > 0) {
		/* It was asked for and is gone; the position itself may well be there. */
		fetch_lane_reset(l, p->position);
		kafka_progress_judged(&fs->progress, p);
		return 0;
	}
	if (fs->config->continue_on_data_loss) {
		log_warn("kafka",
			STR_FMT "/%" PRId32 ": offset %" PRId64
				" is no longer there; going on with the oldest record",
			STR_ARG(p->topic->name), p->partition, l->next);
		fetch_lane_drop(l);
		l->phase = LANE_ASKS_BEGIN;
		return 0;
	}
	error_set(err, CDCL_E_DATA, "offset %" PRId64 " of " STR_FMT "/%" PRId32
		" is no longer there: %s", l->next, STR_ARG(p->topic->name), p->partition,
		kafka_error_text(CODE_OFFSET_OUT_OF_RANGE));
	error_help(err,
		"records were deleted before they were read, or the topic was made again; "
		"on_data_loss = \"continue\" goes on with the oldest");
	return -(int)err->code;
}

static int take_code(
	struct fetch_source *fs, struct fetch_lane *l, int code, struct error *err)
{
	const struct kafka_partition *p = partition_of(fs, l);
	switch (code) {
	case CODE_OFFSET_OUT_OF_RANGE:
		if (l->part_count == 0)
			return lost(fs, l, err);
		try_later(fs, l); /* when all before it was read */
		return 0;
	case CODE_TOPIC_AUTHORIZATION_FAILED:
		return error_set(err, CDCL_E_UNREACHABLE, "topic '" STR_FMT "': %s",
			STR_ARG(p->topic->name), kafka_error_text(code));
	case CODE_CORRUPT_MESSAGE:
	case CODE_UNSUPPORTED_COMPRESSION:
		return error_set(err, CDCL_E_DATA, STR_FMT "/%" PRId32 " at offset %" PRId64 ": %s",
			STR_ARG(p->topic->name), p->partition, l->next, kafka_error_text(code));
	default:
		say_code(p, code);
		try_later(fs, l);
		if (code == CODE_UNKNOWN_TOPIC_OR_PARTITION) /* first see whether it is the same */
			l->retry_us += unknown_pause_us;
		look(fs);
		return 0;
	}
}

static struct fetch_lane *lane_find(
	struct fetch_source *fs, const struct fetch_broker *b, const struct fetch_answer *answer)
{
	const struct kafka_partition *p = NULL;
	for (uint32_t i = 0; i < fs->progress.count; i++) {
		const struct kafka_topic *t = fs->progress.partitions[i].topic;
		if (!str_eq(t->name, answer->topic))
			continue;
		p = kafka_progress_find(&fs->progress, t, answer->partition);
		break;
	}
	struct fetch_lane *l = p == NULL ? NULL : &fs->lanes[p - fs->progress.partitions];
	return l != NULL && l->asked_at == b->id ? l : NULL;
}

/*
 * Compaction may have taken all records before the end: then nobody waits for them any more. The
 * position stays, because a broker may also be slow to get at records that are there.
 */
static void end_early(struct fetch_source *fs, struct fetch_lane *l)
{
	struct kafka_partition *p = partition_of(fs, l);
	int64_t now = now_us(fs);
	if (l->empty_us == 0)
		l->empty_us = now;
	if (now - l->empty_us < empty_us_max || (p->reached && p->position >= p->limit))
		return;
	if (!p->reached)
		log_warn("kafka",
			STR_FMT "/%" PRId32 " has no record from offset %" PRId64
				" to its end, %" PRId64,
			STR_ARG(p->topic->name), p->partition, p->position, l->end);
	if (p->target > p->position)
		p->target = p->position;
	if (p->limit != INT64_MAX && p->limit > p->position && !fs->progress.replays)
		p->limit = p->position;
	kafka_progress_reach(&fs->progress, p);
}

static int take_fetched(struct fetch_source *fs, struct fetch_broker *b,
	const struct fetch_answer *answer, struct error *err)
{
	struct fetch_lane *l = lane_find(fs, b, answer);
	if (l == NULL)
		return 0; /* nobody asked */
	l->asked_at = -1;
	if (l->outdated)
		return 0;
	if (answer->error != CODE_NONE)
		return take_code(fs, l, answer->error, err);
	l->end = fs->settings.read_committed && answer->last_stable >= 0 ? answer->last_stable
									 : answer->high_watermark;
	int64_t before = l->next;
	fetch_lane_take(l, answer, b->block);
	struct kafka_partition *p = partition_of(fs, l);
	/* A throttled answer is empty, too. */
	bool nothing = l->asked_first && answer->records.len == 0 && l->part_count == 0 &&
		now_us(fs) >= b->rest_until_us;
	if (p->witness.until > 0 && nothing && l->end <= p->position)
		return lost(fs, l, err); /* nothing is there any more */
	if (nothing && l->next < l->end)
		end_early(fs, l);
	else
		l->empty_us = 0;
	/* A broker that gives bytes and no offsets is not asked all the time. */
	if (answer->records.len > 0 && l->next == before && !l->starved)
		try_later(fs, l);
	return 0;
}

/* The first pass sees that all of it can be read, and how many aborted transactions it names. */
static bool count_aborted(struct fetch_broker *b, struct str body, uint32_t *count)
{
	struct fetch_answers answers;
	struct fetch_answer answer;
	enum fetch_next next = FETCH_BROKEN;
	*count = 0;
	if (fetch_answers_begin(&answers, API_FETCH, &b->connection.versions, body))
		while ((next = fetch_answers_next(&answers, &answer)) == FETCH_ANSWER)
			*count += answer.aborted_count;
	return next == FETCH_DONE;
}

static int take_records(
	struct fetch_source *fs, struct fetch_broker *b, struct str body, struct error *err)
{
	uint32_t aborted;
	if (!count_aborted(b, body, &aborted)) {
		fetch_connection_fail(&b->connection, "an answer that cannot be read");
		return 0;
	}
	struct fetch_block *block = b->block;
	if (aborted > block->aborted_capacity) {
		block->aborted_capacity = aborted * 2;
		block->aborted = realloc(
			block->aborted, block->aborted_capacity * sizeof(*block->aborted));
		check(block->aborted != NULL);
	}
	struct fetch_answers answers;
	struct fetch_answer answer;
	int r = 0;
	fetch_answers_begin(&answers, API_FETCH, &b->connection.versions, body);
	if (answers.throttle_ms > 0)
		b->rest_until_us = now_us(fs) + (int64_t)answers.throttle_ms * 1000;
	if (answers.error != CODE_NONE)
		log_debug("kafka", "%s: %s", b->connection.name, kafka_error_text(answers.error));
	while (r == 0 && fetch_answers_next(&answers, &answer) == FETCH_ANSWER)
		r = take_fetched(fs, b, &answer, err);
	return r;
}

static void move_to(struct fetch_source *fs, struct fetch_lane *l, int64_t position)
{
	struct kafka_partition *p = partition_of(fs, l);
	fetch_lane_reset(l, position);
	p->position = position;
	if (fs->progress.by_partition)
		p->limit = position; /* a limit counts from there */
	kafka_progress_reach(&fs->progress, p);
}

/* The log of the new leader ends before what was read: it was cut back. */
static int take_epoch(struct fetch_source *fs, struct fetch_lane *l,
	const struct fetch_answer *answer, struct error *err)
{
	const struct kafka_partition *p = partition_of(fs, l);
	l->phase = LANE_READS;
	if (answer->offset >= 0 && answer->offset >= p->position)
		return 0;
	if (answer->offset < 0 || answer->leader_epoch < 0)
		return lost(fs, l, err);
	if (fs->config->continue_on_data_loss) {
		log_warn("kafka",
			STR_FMT "/%" PRId32 ": a new leader has no records from offset %" PRId64
				" on that were read up to %" PRId64 "; going on there",
			STR_ARG(p->topic->name), p->partition, answer->offset, p->position);
		move_to(fs, l, answer->offset);
		return 0;
	}
	error_set(err, CDCL_E_DATA,
		"records of " STR_FMT "/%" PRId32 " that were read, offsets %" PRId64 " to %" PRId64
		", are not in the log of its new leader",
		STR_ARG(p->topic->name), p->partition, answer->offset, p->position - 1);
	error_help(err,
		"a leader was elected that had not copied them; on_data_loss = \"continue\" goes "
		"on with what it has");
	return -(int)err->code;
}

static int take_other(struct fetch_source *fs, struct fetch_broker *b,
	const struct fetch_answer *answer, struct error *err)
{
	struct fetch_lane *l = lane_find(fs, b, answer);
	if (l == NULL)
		return 0;
	l->asked_at = -1;
	if (l->phase != b->asked || l->outdated)
		return 0;
	struct kafka_partition *p = partition_of(fs, l);
	if (answer->error != CODE_NONE) {
		say_code(p, answer->error);
		try_later(fs, l);
		look(fs);
		return 0;
	}
	if (l->phase == LANE_ASKS_EPOCH)
		return take_epoch(fs, l, answer, err);
	if (l->phase == LANE_ASKS_BEGIN) {
		l->phase = LANE_ASKS_END;
		move_to(fs, l, answer->offset);
		return 0;
	}
	l->phase = LANE_READS;
	if (answer->offset < p->target)
		p->target = answer->offset; /* the topic that was made again is shorter */
	kafka_progress_reach(&fs->progress, p);
	return 0;
}

static int take_others(
	struct fetch_source *fs, struct fetch_broker *b, struct str body, struct error *err)
{
	struct fetch_answers answers;
	struct fetch_answer answer;
	enum fetch_api api = b->asked == LANE_ASKS_EPOCH ? API_EPOCHS : API_OFFSETS;
	enum fetch_next next = FETCH_BROKEN;
	int r = 0;
	if (fetch_answers_begin(&answers, api, &b->connection.versions, body))
		while (r == 0 && (next = fetch_answers_next(&answers, &answer)) == FETCH_ANSWER)
			r = take_other(fs, b, &answer, err);
	if (r == 0 && next == FETCH_BROKEN)
		fetch_connection_fail(&b->connection, "an answer that cannot be read");
	return r;
}

/* What this broker was asked and did not answer may be asked again. */
static void forget_asked(struct fetch_source *fs, const struct fetch_broker *b)
{
	for (uint32_t i = 0; i < fs->progress.count; i++)
		if (fs->lanes[i].asked_at == b->id)
			fs->lanes[i].asked_at = -1;
}

static int take_answer(struct fetch_source *fs, struct fetch_broker *b, struct error *err)
{
	struct str body = fetch_connection_answer(&b->connection);
	int r = b->block != NULL ? take_records(fs, b, body, err) : take_others(fs, b, body, err);
	forget_asked(fs, b); /* what the answer left out */
	if (b->connection.state == CONNECTION_ANSWERED)
		fetch_connection_taken(&b->connection);
	return r;
}

/* Does what can be done with one broker now. */
static int serve(struct fetch_source *fs, struct fetch_broker *b, struct error *err)
{
	int r = 0;
	for (int turn = 0; turn < turns_max && r == 0; turn++) {
		enum connection_state state = fetch_connection_step(&b->connection);
		if (state == CONNECTION_ANSWERED)
			r = take_answer(fs, b, err);
		else if (state != CONNECTION_READY || !ask_next(fs, b))
			break;
	}
	if (b->failures != b->connection.failures) {
		b->failures = b->connection.failures;
		forget_asked(fs, b);
		look(fs);
	}
	return r;
}

/* ---- Waiting ---- */

/* The keeper's and the timer's. */
static void empty_own(struct fetch_source *fs)
{
	uint64_t count;
	ssize_t got = read(fs->event_fd, &count, sizeof(count));
	got = read(fs->timer_fd, &count, sizeof(count));
	if (got == (ssize_t)sizeof(count))
		fs->timer_us = 0;
}

static void take_events(struct fetch_source *fs)
{
	struct epoll_event events[events_max];
	int n;
	do {
		n = epoll_wait(fs->source.wake_fd, events, events_max, 0);
		for (int i = 0; i < n; i++) {
			struct fetch_connection *c = events[i].data.ptr;
			uint32_t what = events[i].events;
			bool over = (what & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0;
			if (c == NULL)
				empty_own(fs);
			else
				fetch_connection_event(c, over || (what & EPOLLIN) != 0,
					over || (what & EPOLLOUT) != 0);
		}
	} while (n == events_max);
}

/* When something is to be done though no socket stirs. */
static int64_t next_due(struct fetch_source *fs)
{
	int64_t due = INT64_MAX;
	int64_t now = now_us(fs);
	for (uint32_t i = 0; i < fs->broker_count; i++) {
		const struct fetch_broker *b = fs->brokers[i];
		int64_t at = fetch_connection_due(&b->connection);
		if (b->rest_until_us > now && b->rest_until_us < at)
			at = b->rest_until_us;
		due = at < due ? at : due;
	}
	for (uint32_t i = 0; i < fs->progress.count; i++) {
		const struct fetch_lane *l = &fs->lanes[i];
		bool homeless = l->leader < 0 || broker_find(fs, l->leader) == NULL;
		if (homeless)
			look(fs);
		int64_t at = homeless ? now + leaderless_us : l->retry_us;
		if (at > now && at < due)
			due = at;
	}
	return due;
}

static void set_timer(struct fetch_source *fs)
{
	int64_t due = next_due(fs);
	if (due == INT64_MAX || due == fs->timer_us)
		return;
	fs->timer_us = due;
	int64_t in_us = due - now_us(fs);
	if (in_us < 1)
		in_us = 1;
	struct itimerspec spec = {
		.it_value = {.tv_sec = in_us / 1000000, .tv_nsec = in_us % 1000000 * 1000}};
	timerfd_settime(fs->timer_fd, 0, &spec, NULL);
}

/* ---- Filling ---- */

/* Messages below the position: the one before it was asked for after a start. */
static int judge(struct fetch_source *fs, struct fetch_lane *l, struct messages *out,
	uint32_t first, struct error *err)
{
	struct kafka_partition *p = partition_of(fs, l);
	int r = 0;
	for (uint32_t i = first; i < out->count && r == 0; i++) {
		if (topic_witness_judge(p->witness, out->offset[i], out->timestamp_us[i],
			    out->key[i], out->value[i]) != TOPIC_OTHER)
			continue;
		r = kafka_progress_other(&fs->progress, p, err);
		fetch_lane_drop(l);
		l->phase = LANE_ASKS_BEGIN;
		break;
	}
	out->count = first;
	if (l->phase == LANE_READS && l->reader.position >= p->position)
		kafka_progress_judged(&fs->progress, p);
	return r;
}

static int read_part(
	struct fetch_source *fs, struct fetch_lane *l, struct messages *out, struct error *err)
{
	struct kafka_partition *p = partition_of(fs, l);
	uint32_t first = out->count;
	int64_t messages = l->reader.messages;
	int64_t bytes = l->reader.message_bytes;
	int state = fetch_lane_read(l, p, out, fs->chunk, err);
	if (p->witness.until > 0) {
		int r = state < 0 ? state : judge(fs, l, out, first, err);
		return r < 0 ? r : p->witness.until == 0 ? RECORD_BATCHES_END : state;
	}
	p->messages += l->reader.messages - messages;
	fs->source.bytes_read += l->reader.message_bytes - bytes;
	p->position = l->reader.position;
	if (out->count > first)
		kafka_progress_note(&fs->progress, p, out, out->count - 1);
	return state;
}

/* What is left of one part: then it is another partition's turn. */
static int read_lane(
	struct fetch_source *fs, struct fetch_lane *l, struct messages *out, struct error *err)
{
	struct kafka_partition *p = partition_of(fs, l);
	int state = read_part(fs, l, out, err);
	if (l->phase == LANE_READS) /* else it will move back */
		kafka_progress_reach(&fs->progress, p);
	if (state == RECORD_BATCHES_OLD) {
		error_set(err, CDCL_E_DATA,
			STR_FMT "/%" PRId32 " at offset %" PRId64
				" holds a record of a format before Kafka 0.11",
			STR_ARG(p->topic->name), p->partition, p->position);
		error_help(err, "lane = \"librdkafka\" reads it");
		return -(int)err->code;
	}
	/* Beyond the end of a finite run it is nobody's. */
	if (fs->progress.finite && p->position >= p->target && p->position >= p->limit)
		fetch_lane_drop(l);
	return state;
}

static int read_lanes(struct fetch_source *fs, struct messages *out, struct error *err)
{
	uint32_t count = fs->progress.count;
	for (uint32_t i = 0; i < count && !messages_full(out); i++) {
		uint32_t at = fs->read_from % count;
		struct fetch_lane *l = &fs->lanes[at];
		int state = RECORD_BATCHES_END;
		if (l->part_count > 0 && may_read(fs, l))
			state = read_lane(fs, l, out, err);
		if (state < 0)
			return state;
		if (state != RECORD_BATCHES_FULL)
			fs->read_from = at + 1;
	}
	return 0;
}

static bool readable(const struct fetch_source *fs)
{
	for (uint32_t i = 0; i < fs->progress.count; i++)
		if (fs->lanes[i].part_count > 0 && may_read(fs, &fs->lanes[i]))
			return true;
	return false;
}

static void note_chunk(struct fetch_source *fs, const struct messages *out)
{
	if (out->count != 0 && out == fs->last_out && out->count == fs->last_count)
		return;
	fs->chunk++;
	record_space_chunk(&fs->space);
}

static void update_ends(struct fetch_source *fs)
{
	for (uint32_t i = 0; i < fs->progress.count; i++)
		kafka_progress_end(&fs->progress, i, fs->lanes[i].end);
}

static int fill_some(struct fetch_source *fs, struct messages *out, struct error *err)
{
	int r = 0;
	fs->waits_for_chunk = false;
	for (uint32_t i = 0; i < fs->broker_count && r == 0; i++)
		r = serve(fs, fs->brokers[i], err);
	if (r < 0)
		return r;
	if (kafka_progress_unplanned(&fs->progress)) {
		update_ends(fs);
		kafka_progress_plan(&fs->progress);
	}
	return read_lanes(fs, out, err);
}

static int fill(struct source *s, struct messages *out, struct error *err)
{
	struct fetch_source *fs = of(s);
	note_chunk(fs, out);
	take_events(fs);
	int r = kafka_keeper_hear(fs->keeper, err);
	if (r < 0)
		return r;
	s->unreachable = !kafka_keeper_reaches(fs->keeper);
	take_map(fs);
	take_found(fs);
	if (!kafka_keeper_resolved(fs->keeper))
		return SOURCE_WAITING;
	fs->in_turn = kafka_progress_turn(&fs->progress, &fs->turns);
	uint32_t before = out->count;
	r = fill_some(fs, out, err);
	fs->last_out = out;
	fs->last_count = out->count;
	if (r < 0)
		return r;
	uint32_t taken = out->count - before;
	s->messages_read += taken;
	enum source_state state = kafka_progress_state(&fs->progress, taken);
	bool more = readable(fs) || (fs->waits_for_chunk && out->count > 0);
	if (more && (state == SOURCE_IDLE || state == SOURCE_WAITING))
		return SOURCE_MORE;
	if (state != SOURCE_MORE)
		set_timer(fs);
	return (int)state;
}

static int begin_batch(struct source *s, struct error *err)
{
	struct fetch_source *fs = of(s);
	(void)err;
	take_found(fs);
	update_ends(fs);
	kafka_progress_begin_batch(&fs->progress);
	return 0;
}

static int end_batch(struct source *s, struct error *err)
{
	struct fetch_source *fs = of(s);
	(void)err;
	update_ends(fs);
	kafka_progress_end_batch(&fs->progress);
	if (fs->progress.by_partition)
		kafka_keeper_nudge(fs->keeper); /* the ends, for the next batch's shares */
	return 0;
}

/* ---- Opening and closing ---- */

static int open_waiting(struct fetch_source *fs, struct error *err)
{
	struct source *s = &fs->source;
	s->wake_fd = epoll_create1(EPOLL_CLOEXEC);
	fs->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fs->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.ptr = NULL}};
	if (s->wake_fd < 0 || fs->event_fd < 0 || fs->timer_fd < 0 ||
		epoll_ctl(s->wake_fd, EPOLL_CTL_ADD, fs->event_fd, &event) != 0 ||
		epoll_ctl(s->wake_fd, EPOLL_CTL_ADD, fs->timer_fd, &event) != 0)
		return error_set(err, CDCL_E_INTERNAL, "no more file descriptors");
	return 0;
}

static int open_source(struct source *s, enum source_run run, struct error *err)
{
	struct fetch_source *fs = of(s);
	kafka_progress_init(&fs->progress, s, fs->config, run);
	if (open_waiting(fs, err) < 0)
		return -(int)err->code;
	struct kafka_cluster *cluster =
		fetch_cluster_open(fs->config, s->clock, fs->event_fd, err);
	if (cluster == NULL)
		return -(int)err->code;
	fs->settings = *fetch_cluster_settings(cluster);
	record_space_init(&fs->space, (size_t)fs->settings.memory_bytes / 2);
	fs->keeper = kafka_keeper_open(fs->config, run, cluster, fs->event_fd, s->clock, err);
	if (fs->keeper == NULL)
		return -(int)err->code;
	fs->cluster = cluster;
	fs->progress.keeper = fs->keeper;
	kafka_keeper_await(fs->keeper, fs->event_fd, open_wait_ms);
	int r = kafka_keeper_hear(fs->keeper, err);
	if (r < 0)
		return r;
	take_map(fs);
	take_found(fs);
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void close_source(struct source *s)
{
	struct fetch_source *fs = of(s);
	kafka_keeper_stop(fs->keeper);
	for (uint32_t i = 0; i < fs->broker_count; i++)
		fetch_broker_close(fs->brokers[i]);
	free(fs->brokers);
	fetch_map_release(fs->map);
	kafka_keeper_release(fs->keeper);
	record_space_release(&fs->space);
	close_fd(fs->timer_fd);
	close_fd(fs->event_fd);
	close_fd(s->wake_fd);
	kafka_progress_release(&fs->progress);
	free(fs->lanes);
	free(fs->questions);
	free((char *)(uintptr_t)s->description.data);
	free(fs);
}

static const struct source_ops fetch_source_ops = {.kind = "kafka",
	.open = open_source,
	.begin_batch = begin_batch,
	.fill = fill,
	.end_batch = end_batch,
	.close = close_source};

struct source *fetch_source_make(const struct kafka_config *config)
{
	struct fetch_source *fs = calloc(1, sizeof(*fs));
	check(fs != NULL);
	fs->config = config;
	fs->event_fd = fs->timer_fd = -1;
	fs->source.ops = &fetch_source_ops;
	fs->source.description = kafka_describe(config);
	fs->source.wake_fd = -1;
	fs->source.poll_ms = 1000;
	fs->source.has_partitions = true;
	return &fs->source;
}
