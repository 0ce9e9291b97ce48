/*
 * Kafka through librdkafka, without a consumer group: every partition is started by hand at a
 * known offset and all deliver into one private queue, which rd_kafka_consume_callback_queue
 * drains (the cheapest of its interfaces, four times cheaper than poll). A message belongs to
 * librdkafka only inside the callback, so key, value and headers are copied into the chunk's arena
 * there.
 *
 *	broker threads --> queue --(callback: copy)--> struct messages --> pipeline
 *	keeper thread  --> found partitions, failures (kafka_keeper.h)
 *
 * Positions follow the messages, or what the end-of-partition event says. A message below the
 * position is a repetition and is dropped and counted. With max_offsets_per_trigger each partition
 * has a queue of its own, so that one can stand still while the others go on.
 *
 * librdkafka 2.0.2 signals the wake_fd only when a queue turns from empty to not empty: fill
 * either drains it or answers SOURCE_MORE.
 */

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "source/kafka_progress.h"
#include "source/source_kinds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	open_wait_ms = 300, /* usually a few; then open's caller sees the partitions */
	ends_age_us = 200 * 1000
};

/*
 * A message that came after its batch's limit; it is the first of the next batch. Owns its bytes.
 */
struct held {
	bool there;
	struct strbuf bytes; /* key, value, and each header's name and value */
	struct str key; /* offsets into bytes until taken: data is not followed */
	struct str value;
	bool has_key;
	bool has_value;
	int64_t offset;
	int64_t timestamp_us;
	int32_t timestamp_type;
	uint32_t header_count;
	struct held_header {
		size_t name_len;
		size_t value_len;
		bool has_value;
	} * headers;
};

/* What this lane knows of a partition besides, by the same index. */
struct lane {
	int64_t empty_until; /* nothing comes below this offset */
	bool restarts; /* librdkafka stopped it: start again, */
	int64_t restart_at; /* here */
	bool lost; /* that was done, and where the oldest is or the end is not known yet */
	rd_kafka_queue_t *queue; /* its own, with max_offsets_per_trigger */
	bool was_full; /* that queue */
	struct held *held;
};

struct kafka_source {
	struct source source;
	struct kafka_progress progress;
	const struct kafka_config *config;
	struct kafka_keeper *keeper;
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	struct kafka_bounds bounds;
	struct lane *lanes; /* parallel to progress.partitions */
	uint32_t lane_capacity;
	uint32_t noted; /* rows of `out` that witnesses know */
	const struct kafka_partition *in_turn; /* source.turn names it */
	int64_t ends_at_us;
	/* While the callback runs */
	struct messages *out;
	struct error *err;
	int failure;
	struct kafka_partition *last;
	rd_kafka_topic_t *last_rkt;
	int32_t last_number;
	int64_t bytes;
	int64_t repeated;
	bool any_restarts;
	/* The fetcher's sleep, see kafka_keeper.h */
	double bytes_per_message;
	bool was_full;
	bool starves;
};

static struct kafka_source *of(struct source *s)
{
	return container_of(s, struct kafka_source, source);
}

/* ---- Partitions ---- */

static struct lane *lane_of(const struct kafka_source *ks, const struct kafka_partition *p)
{
	return &ks->lanes[p - ks->progress.partitions];
}

static bool holds(const struct lane *l)
{
	return l->held != NULL && l->held->there;
}

static void *grow(void *array, size_t count, size_t size)
{
	void *bigger = realloc(array, count * size);
	check(bigger != NULL);
	return bigger;
}

/* The partition is new: the arrays may have moved. */
static void lane_add(struct kafka_source *ks, uint32_t index)
{
	if (ks->progress.capacity != ks->lane_capacity) {
		ks->lane_capacity = ks->progress.capacity;
		ks->lanes = grow(ks->lanes, ks->lane_capacity, sizeof(*ks->lanes));
		ks->last_rkt = NULL;
	}
	ks->lanes[index] = (struct lane){.empty_until = 0};
}

static void reach(struct kafka_source *ks, struct kafka_partition *p)
{
	kafka_progress_reach(&ks->progress, p);
}

static rd_kafka_queue_t *queue_open(struct kafka_source *ks)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(ks->rk);
	static const uint64_t one = 1;
	rd_kafka_queue_io_event_enable(queue, ks->source.wake_fd, &one, sizeof(one));
	return queue;
}

static int partition_start(
	struct kafka_source *ks, struct kafka_partition *p, int64_t offset, struct error *err)
{
	struct lane *l = lane_of(ks, p);
	if (ks->progress.by_partition && l->queue == NULL)
		l->queue = queue_open(ks);
	rd_kafka_queue_t *queue = l->queue != NULL ? l->queue : ks->queue;
	if (rd_kafka_consume_start_queue(p->topic->rkt, p->partition, offset, queue) == 0)
		return 0;
	return error_set(err, CDCL_E_INTERNAL, "cannot start reading " STR_FMT "/%" PRId32 ": %s",
		STR_ARG(p->topic->name), p->partition, rd_kafka_err2str(rd_kafka_last_error()));
}

/*
 * After an error of its offset a partition stands still, and a seek does not wake it (2.0.2): stop
 * and start. What is still queued of it is dropped by librdkafka.
 */
static int partition_restart(
	struct kafka_source *ks, struct kafka_partition *p, int64_t offset, struct error *err)
{
	lane_of(ks, p)->restarts = false;
	rd_kafka_consume_stop(p->topic->rkt, p->partition);
	int r = partition_start(ks, p, offset, err);
	kafka_keeper_nudge(ks->keeper);
	return r;
}

static int restart_all(struct kafka_source *ks, struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < ks->progress.count && r >= 0; i++) {
		struct kafka_partition *p = &ks->progress.partitions[i];
		int64_t at = ks->lanes[i].restart_at;
		if (!ks->lanes[i].restarts)
			continue;
		p->position = at < 0 ? 0 : at;
		r = partition_restart(ks, p, at, err);
	}
	ks->any_restarts = false;
	return r;
}

static int take_found(struct kafka_source *ks, struct error *err)
{
	int r = 0;
	bool any = false;
	uint32_t i;
	enum kafka_found_kind kind;
	while (r >= 0 && (kind = kafka_progress_take(&ks->progress, &i)) != FOUND_NOTHING) {
		struct kafka_partition *p = &ks->progress.partitions[i];
		any = true;
		if (kind == FOUND_NEW) {
			lane_add(ks, i);
			if (!ks->progress.finite || !p->reached)
				r = partition_start(ks, p,
					topic_witness_from(p->witness, p->position), err);
			continue;
		}
		struct lane *l = &ks->lanes[i];
		l->empty_until = 0;
		l->lost = false;
		if (l->held != NULL)
			l->held->there = false; /* of the old topic, as is the old end */
		r = partition_restart(ks, p, p->position, err);
	}
	/* Partitions that were started wait for their leader's thread to look up. */
	if (any)
		kafka_keeper_nudge(ks->keeper);
	return r;
}

/* ---- Inside librdkafka's callback ---- */

static struct str copy_bytes(struct arena *arena, const void *data, size_t len)
{
	if (len == 0)
		return (struct str){"", 0};
	char *to = arena_alloc(arena, len, 1);
	memcpy(to, data, len);
	return (struct str){to, len};
}

static uint32_t copy_headers(
	struct arena *arena, const rd_kafka_headers_t *headers, const struct message_header **out)
{
	size_t count = rd_kafka_header_cnt(headers);
	struct message_header *to = ARENA_ARRAY(arena, struct message_header, count);
	for (size_t i = 0; i < count; i++) {
		const char *name;
		const void *value;
		size_t len;
		rd_kafka_header_get_all(headers, i, &name, &value, &len);
		to[i].name = str_dup(str_c(name), arena);
		to[i].value = value == NULL ? (struct str){NULL, 0} : copy_bytes(arena, value, len);
	}
	*out = to;
	return (uint32_t)count;
}

static int32_t spark_timestamp_type(rd_kafka_timestamp_type_t type)
{
	return type == RD_KAFKA_TIMESTAMP_CREATE_TIME        ? 0
		: type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? 1
							     : -1;
}

static void copy_message(
	struct kafka_source *ks, const rd_kafka_message_t *m, const struct kafka_partition *p)
{
	struct messages *out = ks->out;
	uint32_t i = out->count++;
	rd_kafka_timestamp_type_t type;
	int64_t timestamp_ms = rd_kafka_message_timestamp(m, &type);
	out->topic[i] = p->topic->name;
	out->partition[i] = p->partition;
	out->offset[i] = m->offset;
	out->timestamp_us[i] = message_time_us(timestamp_ms);
	out->timestamp_type[i] = spark_timestamp_type(type);
	out->key[i] =
		m->key == NULL ? (struct str){NULL, 0} : copy_bytes(out->arena, m->key, m->key_len);
	out->value[i] = m->payload == NULL ? (struct str){NULL, 0}
					   : copy_bytes(out->arena, m->payload, m->len);
	out->headers[i] = NULL;
	out->header_count[i] = 0;
	rd_kafka_headers_t *headers;
	if (ks->config->headers &&
		rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
		out->header_count[i] = copy_headers(out->arena, headers, &out->headers[i]);
	ks->bytes += (int64_t)(m->len + m->key_len);
}

/* A run of one partition ends: its last message is known again after a restart. */
static void note_run(struct kafka_source *ks, const struct kafka_partition *p)
{
	if (ks->out->count > ks->noted)
		kafka_progress_note(&ks->progress, p, ks->out, ks->out->count - 1);
	ks->noted = ks->out->count;
}

static struct kafka_partition *partition_of(struct kafka_source *ks, const rd_kafka_message_t *m)
{
	if (m->rkt == ks->last_rkt && m->partition == ks->last_number)
		return ks->last;
	struct kafka_partition *p = kafka_progress_find(
		&ks->progress, rd_kafka_topic_opaque(m->rkt), m->partition);
	check(p != NULL);
	note_run(ks, ks->last);
	ks->last = p;
	ks->last_rkt = m->rkt;
	ks->last_number = m->partition;
	return p;
}

/* ---- A message beyond the limit, kept for the next batch ---- */

static void held_add(struct held *h, const void *data, size_t len)
{
	if (len > 0)
		strbuf_add(&h->bytes, (struct str){data, len});
}

static void hold(
	const struct kafka_source *ks, struct kafka_partition *p, const rd_kafka_message_t *m)
{
	struct lane *l = lane_of(ks, p);
	struct held *h = l->held;
	if (h == NULL) {
		h = calloc(1, sizeof(*h));
		check(h != NULL);
		strbuf_init(&h->bytes);
		l->held = h;
	}
	check(!h->there);
	h->there = true;
	strbuf_reset(&h->bytes);
	h->has_key = m->key != NULL;
	h->has_value = m->payload != NULL;
	h->key.len = m->key == NULL ? 0 : m->key_len;
	h->value.len = m->payload == NULL ? 0 : m->len;
	held_add(h, m->key, h->key.len);
	held_add(h, m->payload, h->value.len);
	h->offset = m->offset;
	rd_kafka_timestamp_type_t type;
	int64_t timestamp_ms = rd_kafka_message_timestamp(m, &type);
	h->timestamp_us = message_time_us(timestamp_ms);
	h->timestamp_type = spark_timestamp_type(type);
	rd_kafka_headers_t *headers;
	bool any = ks->config->headers &&
		rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR;
	h->header_count = any ? (uint32_t)rd_kafka_header_cnt(headers) : 0;
	h->headers = any ? grow(h->headers, h->header_count + 1, sizeof(*h->headers)) : h->headers;
	for (uint32_t i = 0; i < h->header_count; i++) {
		const char *name;
		const void *value;
		size_t len;
		rd_kafka_header_get_all(headers, i, &name, &value, &len);
		h->headers[i] =
			(struct held_header){strlen(name), value == NULL ? 0 : len, value != NULL};
		held_add(h, name, h->headers[i].name_len);
		held_add(h, value, h->headers[i].value_len);
	}
}

/* Goes over offsets that hold no messages (control records, aborted ones), up to the limit. */
static void skip_empty(struct kafka_source *ks, struct kafka_partition *p)
{
	int64_t empty_until = lane_of(ks, p)->empty_until;
	int64_t to = empty_until < p->limit ? empty_until : p->limit;
	if (to <= p->position)
		return;
	p->position = to;
	reach(ks, p);
}

/* Moves a held message into `out`, if it belongs to this batch now. */
static void unhold(struct kafka_source *ks, struct kafka_partition *p, struct messages *out)
{
	struct held *h = lane_of(ks, p)->held;
	if (h == NULL || !h->there || h->offset >= p->limit || messages_full(out))
		return;
	note_run(ks, ks->last);
	uint32_t i = out->count++;
	const char *at = copy_bytes(out->arena, h->bytes.data, h->bytes.len).data;
	out->topic[i] = p->topic->name;
	out->partition[i] = p->partition;
	out->offset[i] = h->offset;
	out->timestamp_us[i] = h->timestamp_us;
	out->timestamp_type[i] = h->timestamp_type;
	out->key[i] = (struct str){h->has_key ? at : NULL, h->key.len};
	at += h->key.len;
	out->value[i] = (struct str){h->has_value ? at : NULL, h->value.len};
	at += h->value.len;
	struct message_header *headers =
		ARENA_ARRAY(out->arena, struct message_header, h->header_count + 1);
	for (uint32_t j = 0; j < h->header_count; j++) {
		headers[j].name = (struct str){at, h->headers[j].name_len};
		at += h->headers[j].name_len;
		headers[j].value =
			(struct str){h->headers[j].has_value ? at : NULL, h->headers[j].value_len};
		at += h->headers[j].value_len;
	}
	out->headers[i] = h->header_count > 0 ? headers : NULL;
	out->header_count[i] = h->header_count;
	ks->bytes += (int64_t)(h->key.len + h->value.len);
	h->there = false;
	p->messages++;
	p->position = h->offset + 1;
	note_run(ks, p);
	reach(ks, p);
}

/* ---- Events in the data queue ---- */

/* What comes of it until then is of no use: it lies below any position. */
static void restart_later(struct kafka_source *ks, struct kafka_partition *p, int64_t at)
{
	p->position = INT64_MAX;
	lane_of(ks, p)->restarts = true;
	lane_of(ks, p)->restart_at = at;
	ks->any_restarts = true;
	rd_kafka_yield(ks->rk);
}

static void read_from_oldest(struct kafka_source *ks, struct kafka_partition *p)
{
	lane_of(ks, p)->empty_until = 0;
	lane_of(ks, p)->lost = true;
	restart_later(ks, p, RD_KAFKA_OFFSET_BEGINNING);
}

/* A message below the position: the one before it is asked for after a start. */
static void take_below(
	struct kafka_source *ks, struct kafka_partition *p, const rd_kafka_message_t *m)
{
	rd_kafka_timestamp_type_t type;
	int64_t timestamp_us = message_time_us(rd_kafka_message_timestamp(m, &type));
	struct str key = {m->key, m->key == NULL ? 0 : m->key_len};
	struct str value = {m->payload, m->payload == NULL ? 0 : m->len};
	enum topic_verdict verdict =
		topic_witness_judge(p->witness, m->offset, timestamp_us, key, value);
	ks->repeated += p->witness.until == 0;
	if (verdict == TOPIC_SAME)
		kafka_progress_judged(&ks->progress, p);
	if (verdict != TOPIC_OTHER)
		return;
	ks->failure = kafka_progress_other(&ks->progress, p, ks->err);
	if (ks->failure == 0)
		read_from_oldest(ks, p);
	else
		rd_kafka_yield(ks->rk);
}

static void lost(struct kafka_source *ks, struct kafka_partition *p, const rd_kafka_message_t *m)
{
	if (p->witness.until > 0) {
		/* It was asked for and is gone; the position itself may well be there. */
		int64_t position = p->position;
		kafka_progress_judged(&ks->progress, p);
		restart_later(ks, p, position);
		return;
	}
	if (ks->config->continue_on_data_loss) {
		log_warn("kafka",
			STR_FMT "/%" PRId32 ": offset %" PRId64
				" is no longer there; going on with the oldest record",
			STR_ARG(p->topic->name), p->partition, p->position);
		read_from_oldest(ks, p);
		return;
	}
	ks->failure = error_set(ks->err, CDCL_E_DATA,
		"offset %" PRId64 " of " STR_FMT "/%" PRId32 " is no longer there: %s", p->position,
		STR_ARG(p->topic->name), p->partition, rd_kafka_message_errstr(m));
	error_help(ks->err,
		"records were deleted before they were read, or the topic was made again; "
		"on_data_loss = \"continue\" goes on with the oldest");
}

static void take_event(struct kafka_source *ks, const rd_kafka_message_t *m)
{
	struct kafka_partition *p = m->rkt == NULL
		? NULL
		: kafka_progress_find(
		&ks->progress, rd_kafka_topic_opaque(m->rkt), m->partition);
	if (p == NULL) {
		log_debug("kafka", "event: %s", rd_kafka_message_errstr(m));
		return;
	}
	if (kafka_partition_gone(p))
		return;
	struct lane *l = lane_of(ks, p);
	switch (m->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		if (!holds(l))
			l->empty_until = m->offset;
		if (l->lost && m->offset < p->target)
			p->target = m->offset; /* the topic that was made again is shorter */
		l->lost = false;
		skip_empty(ks, p);
		kafka_progress_judged(&ks->progress, p);
		return;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		lost(ks, p, m);
		return;
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		kafka_keeper_look(ks->keeper);
		return;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		ks->failure = error_set(ks->err, CDCL_E_UNREACHABLE, "topic '" STR_FMT "': %s",
			STR_ARG(p->topic->name), rd_kafka_message_errstr(m));
		return;
	case RD_KAFKA_RESP_ERR__BAD_MSG:
	case RD_KAFKA_RESP_ERR_INVALID_MSG:
	case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
	case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED: /* a codec or format that librdkafka has not */
		ks->failure = error_set(ks->err, CDCL_E_DATA,
			STR_FMT "/%" PRId32 " at offset %" PRId64 ": %s", STR_ARG(p->topic->name),
			p->partition, p->position, rd_kafka_message_errstr(m));
		return;
	default:
		log_debug("kafka", STR_FMT "/%" PRId32 ": %s", STR_ARG(p->topic->name),
			p->partition, rd_kafka_message_errstr(m));
	}
}

/* Beyond the end of a finite run it is nobody's; else it is the next batch's. */
static void take_beyond(
	struct kafka_source *ks, struct kafka_partition *p, const rd_kafka_message_t *m)
{
	struct lane *l = lane_of(ks, p);
	l->empty_until = m->offset;
	if (l->lost && l->queue != NULL)
		p->position = p->limit = m->offset; /* a limit counts from the oldest */
	l->lost = false;
	kafka_progress_judged(&ks->progress, p);
	if (!ks->progress.finite || p->limit < p->target) {
		hold(ks, p, m);
		rd_kafka_yield(ks->rk);
	}
	skip_empty(ks, p);
}

static void take(rd_kafka_message_t *m, void *opaque)
{
	struct kafka_source *ks = opaque;
	if (__builtin_expect(m->err != RD_KAFKA_RESP_ERR_NO_ERROR, 0)) {
		take_event(ks, m);
		if (ks->failure < 0)
			rd_kafka_yield(ks->rk);
		return;
	}
	struct kafka_partition *p = partition_of(ks, m);
	if (__builtin_expect(kafka_partition_gone(p), 0))
		return;
	if (__builtin_expect(m->offset < p->position, 0)) {
		take_below(ks, p, m);
		return;
	}
	if (__builtin_expect(m->offset >= p->limit, 0)) {
		take_beyond(ks, p, m);
		return;
	}
	copy_message(ks, m, p);
	p->messages++;
	p->position = m->offset + 1;
	reach(ks, p);
	if (messages_full(ks->out) || (ks->progress.by_partition && p->position >= p->limit))
		rd_kafka_yield(ks->rk);
}

/* ---- Keeping the fetcher awake ---- */

/* How full librdkafka may think a queue of `length` messages is; 1: it stops fetching. */
static double pressure_of(const struct kafka_source *ks, size_t length)
{
	double by_count = (double)length / (double)ks->bounds.messages;
	double by_bytes = (double)length * ks->bytes_per_message / (double)ks->bounds.bytes;
	return by_count > by_bytes ? by_count : by_bytes;
}

/*
 * True when a queue that was nearly full (before `taken` messages were read just now) has emptied
 * by half: librdkafka may have stopped fetching for it, and would not look again before a second
 * has passed.
 */
static bool has_emptied(
	const struct kafka_source *ks, size_t length, uint32_t taken, bool *was_full)
{
	if (pressure_of(ks, length + taken) >= 0.8)
		*was_full = true;
	if (!*was_full || pressure_of(ks, length) >= 0.5)
		return false;
	*was_full = false;
	return true;
}

static bool behind(const struct kafka_source *ks)
{
	const struct kafka_progress *progress = &ks->progress;
	if (progress->unreached > 0)
		return true;
	for (uint32_t i = 0; i < progress->count; i++)
		if (progress->partitions[i].position < ks->source.partitions[i].latest)
			return true;
	return false;
}

/*
 * Wakes librdkafka's fetcher when it may sleep. An empty queue below a known end may mean the same
 * (or that the broker is slow); the keeper sees to it when that lasts.
 */
static void keep_fetching(struct kafka_source *ks, uint32_t taken)
{
	bool emptied = false;
	bool empty = true; /* every queue that may be read from */
	if (!ks->progress.by_partition) {
		size_t length = rd_kafka_queue_length(ks->queue);
		emptied = has_emptied(ks, length, taken, &ks->was_full);
		empty = length == 0;
	}
	for (uint32_t i = 0; ks->progress.by_partition && i < ks->progress.count; i++) {
		const struct kafka_partition *p = &ks->progress.partitions[i];
		struct lane *l = &ks->lanes[i];
		size_t length = l->queue == NULL ? 0 : rd_kafka_queue_length(l->queue);
		emptied |= has_emptied(ks, length, taken, &l->was_full);
		bool asked = ks->in_turn == NULL || ks->in_turn == p;
		empty = empty && (!asked || length == 0 || p->position >= p->limit);
	}
	bool starves = taken == 0 && empty && behind(ks);
	if (starves != ks->starves)
		kafka_keeper_starves(ks->keeper, starves);
	ks->starves = starves;
	if (emptied)
		kafka_keeper_nudge(ks->keeper);
}

/* ---- Filling ---- */

static void drain(struct kafka_source *ks, rd_kafka_queue_t *queue, const struct kafka_partition *p)
{
	while (!messages_full(ks->out) && ks->failure == 0 &&
		(p == NULL || p->position < p->limit || p->witness.until > 0)) {
		uint32_t before = ks->out->count;
		int served = rd_kafka_consume_callback_queue(queue, 0, take, ks);
		if (served <= 0 && ks->out->count == before)
			break;
	}
}

static void drain_one(struct kafka_source *ks, struct kafka_partition *p)
{
	const struct lane *l = lane_of(ks, p);
	skip_empty(ks, p);
	unhold(ks, p, ks->out);
	if (l->queue != NULL && !holds(l))
		drain(ks, l->queue, p);
}

static void drain_by_partition(struct kafka_source *ks)
{
	struct kafka_progress *progress = &ks->progress;
	for (uint32_t i = 0; i < progress->count && !messages_full(ks->out) && ks->failure == 0;
		i++)
		drain_one(ks, &progress->partitions[i]);
}

static void drain_all(struct kafka_source *ks)
{
	bool turns;
	struct kafka_partition *p = kafka_progress_turn(&ks->progress, &turns);
	ks->in_turn = p;
	if (p != NULL)
		drain_one(ks, p);
	else if (turns)
		return; /* not found yet */
	else if (ks->progress.by_partition)
		drain_by_partition(ks);
	else
		drain(ks, ks->queue, NULL);
}

static void update_ends(struct kafka_source *ks, bool fresh)
{
	int64_t now = clock_monotonic_us(ks->source.clock);
	if (!fresh && now - ks->ends_at_us < ends_age_us)
		return;
	ks->ends_at_us = now;
	for (uint32_t i = 0; i < ks->progress.count; i++) {
		const struct kafka_partition *p = &ks->progress.partitions[i];
		int64_t low = -1;
		int64_t high = -1;
		rd_kafka_get_watermark_offsets(
			ks->rk, p->topic->name.data, p->partition, &low, &high);
		kafka_progress_end(&ks->progress, i, high);
	}
}

static int fill(struct source *s, struct messages *out, struct error *err)
{
	struct kafka_source *ks = of(s);
	uint64_t signals;
	ssize_t n = read(s->wake_fd, &signals, sizeof(signals));
	(void)n;
	int r = kafka_keeper_hear(ks->keeper, err);
	if (r < 0)
		return r;
	s->unreachable = !kafka_keeper_reaches(ks->keeper);
	r = take_found(ks, err);
	if (r < 0)
		return r;
	if (!kafka_keeper_resolved(ks->keeper))
		return SOURCE_WAITING;
	if (kafka_progress_unplanned(&ks->progress)) {
		update_ends(ks, true);
		kafka_progress_plan(&ks->progress);
	}
	uint32_t before = out->count;
	ks->out = out;
	ks->err = err;
	ks->failure = 0;
	ks->bytes = 0;
	ks->noted = before;
	drain_all(ks);
	note_run(ks, ks->last);
	ks->out = NULL;
	if (ks->failure < 0)
		return ks->failure;
	r = ks->any_restarts ? restart_all(ks, err) : 0;
	if (r < 0)
		return r;
	uint32_t taken = out->count - before;
	s->messages_read += taken;
	s->bytes_read += ks->bytes;
	if (taken > 0)
		ks->bytes_per_message = (double)ks->bytes / taken;
	keep_fetching(ks, taken);
	return (int)kafka_progress_state(&ks->progress, taken);
}

static int begin_batch(struct source *s, struct error *err)
{
	struct kafka_source *ks = of(s);
	int r = take_found(ks, err);
	if (r < 0)
		return r;
	update_ends(ks, false);
	kafka_progress_begin_batch(&ks->progress);
	return 0;
}

static int end_batch(struct source *s, struct error *err)
{
	struct kafka_source *ks = of(s);
	(void)err;
	update_ends(ks, false);
	kafka_progress_end_batch(&ks->progress);
	return 0;
}

/* ---- Opening and closing ---- */

static int open_source(struct source *s, enum source_run run, struct error *err)
{
	struct kafka_source *ks = of(s);
	kafka_progress_init(&ks->progress, s, ks->config, run);
	ks->bytes_per_message = 100;
	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->wake_fd < 0)
		return error_set(err, CDCL_E_INTERNAL, "no more file descriptors");
	struct kafka_cluster *cluster = kafka_cluster_open(ks->config, err);
	if (cluster == NULL)
		return -(int)err->code;
	ks->rk = kafka_cluster_client(cluster);
	ks->bounds = kafka_cluster_bounds(cluster);
	ks->keeper = kafka_keeper_open(ks->config, run, cluster, s->wake_fd, s->clock, err);
	if (ks->keeper == NULL)
		return -(int)err->code;
	ks->progress.keeper = ks->keeper;
	ks->queue = queue_open(ks);
	kafka_keeper_await(ks->keeper, s->wake_fd, open_wait_ms);
	int r = kafka_keeper_hear(ks->keeper, err);
	return r < 0 ? r : take_found(ks, err);
}

static void held_release(struct held *h)
{
	if (h == NULL)
		return;
	strbuf_release(&h->bytes);
	free(h->headers);
	free(h);
}

static void close_source(struct source *s)
{
	struct kafka_source *ks = of(s);
	kafka_keeper_stop(ks->keeper);
	if (ks->repeated > 0)
		log_info("kafka", "%" PRId64 " repeated messages were dropped", ks->repeated);
	for (uint32_t i = 0; i < ks->progress.count; i++) {
		const struct kafka_partition *p = &ks->progress.partitions[i];
		rd_kafka_consume_stop(p->topic->rkt, p->partition);
	}
	for (uint32_t i = 0; i < ks->progress.count; i++) {
		if (ks->lanes[i].queue != NULL)
			rd_kafka_queue_destroy(ks->lanes[i].queue);
		held_release(ks->lanes[i].held);
	}
	if (ks->queue != NULL)
		rd_kafka_queue_destroy(ks->queue);
	kafka_keeper_release(ks->keeper);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	kafka_progress_release(&ks->progress);
	free(ks->lanes);
	free((char *)(uintptr_t)s->description.data);
	free(ks);
}

static const struct source_ops kafka_source_ops = {.kind = "kafka",
	.open = open_source,
	.begin_batch = begin_batch,
	.fill = fill,
	.end_batch = end_batch,
	.close = close_source};

struct source *kafka_source_make(const struct kafka_config *config)
{
	struct kafka_source *ks = calloc(1, sizeof(*ks));
	check(ks != NULL);
	ks->config = config;
	ks->source.ops = &kafka_source_ops;
	ks->source.description = kafka_describe(config);
	ks->source.wake_fd = -1;
	ks->source.poll_ms = 1000;
	ks->source.has_partitions = true;
	return &ks->source;
}

bool kafka_source_reads(const struct kafka_config *config, struct str topic)
{
	return kafka_keeper_reads(config, topic);
}
