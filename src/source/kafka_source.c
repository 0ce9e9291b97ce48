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
 * Positions are our own: offset + 1 of what was read, or what the end-of-partition event says
 * (control records and aborted transactions take offsets, too, so messages cannot be counted
 * against offsets). A message below the position is a repetition and is dropped and counted.
 *
 *	target: the end when the source was opened; while one partition is below it, the answer is
 *	        SOURCE_WAITING (batch 0 holds what was there); in a finite run SOURCE_END comes when
 *	        all have reached it
 *	limit:  with max_offsets_per_trigger, how far this batch goes; each partition then has a
 *	        queue of its own, so that one can stand still while the others go on. In a finite
 *	        run, also the target.
 *
 * librdkafka 2.0.2 signals the wake_fd only when a queue turns from empty to not empty: fill
 * either drains it or answers SOURCE_MORE.
 */

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "source/kafka_keeper.h"
#include "source/kafka_plan.h"
#include "source/source_kinds.h"
#include "source/topic_witness.h"

#include <inttypes.h>
#include <poll.h>
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

struct kafka_partition {
	struct kafka_topic *topic;
	int32_t partition;
	uint32_t found_index;
	int64_t position;
	int64_t messages;
	int64_t target;
	int64_t limit;
	int64_t empty_until; /* nothing comes below this offset */
	bool reached; /* target was reached */
	bool restarts; /* librdkafka stopped it: start again, */
	int64_t restart_at; /* here */
	struct topic_witness witness; /* to be judged; until 0: nothing is */
	bool lost; /* that was done, and where the oldest is or the end is not known yet */
	rd_kafka_queue_t *queue; /* its own, with max_offsets_per_trigger */
	bool was_full; /* that queue */
	struct held *held;
};

struct kafka_source {
	struct source source;
	const struct kafka_config *config;
	enum source_run run;
	struct kafka_keeper *keeper;
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	struct kafka_bounds bounds;
	struct kafka_partition *partitions; /* parallel to source.partitions */
	uint32_t count;
	uint32_t capacity;
	uint32_t found_taken;
	uint32_t noted; /* rows of `out` that witnesses know */
	uint32_t unreached; /* partitions below their target */
	bool finite;
	bool begun; /* the first partitions were taken */
	bool by_partition; /* max_offsets_per_trigger, or a batch that is run again */
	bool replays; /* this batch goes just to where it went before (config->resume) */
	const struct kafka_partition *in_turn; /* source.turn names it */
	bool had_turn;
	bool batch_planned;
	int64_t batch_budget; /* what is left of max_offsets_per_trigger */
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
	struct kafka_position *commits;
};

static struct kafka_source *of(struct source *s)
{
	return container_of(s, struct kafka_source, source);
}

/* ---- Partitions ---- */

static struct kafka_partition *partition_find(
	struct kafka_source *ks, const struct kafka_topic *t, int32_t number)
{
	if (number < 0 || number >= t->slot_count || t->slots[number] < 0)
		return NULL;
	return &ks->partitions[t->slots[number]];
}

static void *grow(void *array, size_t count, size_t size)
{
	void *bigger = realloc(array, count * size);
	check(bigger != NULL);
	return bigger;
}

static void slot_set(struct kafka_topic *t, int32_t number, uint32_t index)
{
	if (number >= t->slot_count) {
		int32_t count = number + 16;
		t->slots = grow(t->slots, (size_t)count, sizeof(*t->slots));
		for (int32_t i = t->slot_count; i < count; i++)
			t->slots[i] = -1;
		t->slot_count = count;
	}
	t->slots[number] = (int32_t)index;
}

/* Where a batch that is run again ends in a partition. */
static int64_t replay_end(const struct kafka_source *ks, struct str topic, int32_t partition,
	int64_t start)
{
	const struct source_resume *resume = ks->config->resume;
	for (uint32_t i = resume->until_count; i-- > 0;)
		if (resume->until[i].partition == partition &&
			str_eq(resume->until[i].topic, topic))
			return resume->until[i].offset;
	return start;
}

static struct kafka_partition *partition_add(struct kafka_source *ks, const struct kafka_found *f)
{
	if (ks->count == ks->capacity) {
		ks->capacity = ks->capacity == 0 ? 16 : ks->capacity * 2;
		ks->partitions = grow(ks->partitions, ks->capacity, sizeof(*ks->partitions));
		ks->source.partitions =
			grow(ks->source.partitions, ks->capacity, sizeof(*ks->source.partitions));
		ks->commits = grow(ks->commits, ks->capacity, sizeof(*ks->commits));
		ks->last_rkt = NULL;
	}
	uint32_t index = ks->count++;
	ks->source.partition_count = ks->count;
	slot_set(f->topic, f->partition, index);
	struct kafka_partition *p = &ks->partitions[index];
	*p = (struct kafka_partition){
		.topic = f->topic, .partition = f->partition, .position = f->start};
	p->limit = ks->finite ? f->end : INT64_MAX;
	p->target = f->end;
	if (ks->replays)
		p->limit = replay_end(ks, f->topic->name, f->partition, f->start);
	p->witness = topic_witness_kept(
		ks->config->resume, f->topic->name, f->partition, f->begin, f->start);
	/* A finite run that finds nothing new looks at the witness all the same. */
	p->reached = f->start >= f->end && (!ks->finite || p->witness.until == 0);
	ks->unreached += p->reached ? 0 : 1;
	ks->source.partitions[index] = (struct source_partition){.topic = f->topic->name,
		.partition = f->partition,
		.first = f->start,
		.batch_start = f->start,
		.position = f->start,
		.latest = f->end,
		.witness = p->witness};
	return p;
}

static void reach(struct kafka_source *ks, struct kafka_partition *p)
{
	struct source_partition *shown = &ks->source.partitions[p - ks->partitions];
	shown->position = p->position;
	shown->messages = p->messages;
	if (!p->reached && p->position >= p->target) {
		p->reached = true;
		ks->unreached--;
	}
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
	if (ks->by_partition && p->queue == NULL)
		p->queue = queue_open(ks);
	rd_kafka_queue_t *queue = p->queue != NULL ? p->queue : ks->queue;
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
	p->restarts = false;
	rd_kafka_consume_stop(p->topic->rkt, p->partition);
	int r = partition_start(ks, p, offset, err);
	kafka_keeper_nudge(ks->keeper);
	return r;
}

static int restart_all(struct kafka_source *ks, struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < ks->count && r >= 0; i++) {
		struct kafka_partition *p = &ks->partitions[i];
		if (!p->restarts)
			continue;
		p->position = p->restart_at < 0 ? 0 : p->restart_at;
		r = partition_restart(ks, p, p->restart_at, err);
	}
	ks->any_restarts = false;
	return r;
}

/* A partition that was read already: its topic was made again. */
static int partition_again(struct kafka_source *ks, struct kafka_partition *p,
	const struct kafka_found *f, struct error *err)
{
	log_warn("kafka",
		STR_FMT "/%" PRId32 " is read from offset %" PRId64
			" of the topic that was made again",
		STR_ARG(f->topic->name), f->partition, f->start);
	p->position = f->start;
	p->empty_until = 0;
	p->lost = false;
	p->witness.until = 0;
	ks->source.partitions[p - ks->partitions].witness.until = 0;
	if (p->held != NULL)
		p->held->there = false; /* of the old topic, as is the old end */
	p->target = f->end;
	if (ks->by_partition)
		p->limit = f->start;
	else if (ks->finite)
		p->limit = f->end;
	if (p->reached) {
		p->reached = false;
		ks->unreached++;
	}
	reach(ks, p);
	return partition_restart(ks, p, f->start, err);
}

static int take_found(struct kafka_source *ks, struct error *err)
{
	struct kafka_found f;
	int r = 0;
	bool any = false;
	while (r >= 0 && kafka_keeper_take(ks->keeper, ks->found_taken, &f)) {
		uint32_t index = ks->found_taken++;
		struct kafka_partition *p = partition_find(ks, f.topic, f.partition);
		bool again = p != NULL;
		if (!again && ks->finite && ks->begun)
			continue; /* it was not there when the run began */
		if (!again)
			p = partition_add(ks, &f);
		p->found_index = index;
		if (again)
			r = partition_again(ks, p, &f, err);
		else if (!ks->finite || !p->reached)
			r = partition_start(
				ks, p, topic_witness_from(p->witness, f.start), err);
		any = true;
	}
	ks->begun = ks->begun || any;
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
	if (ks->out->count > ks->noted && ks->config->resume != NULL)
		topic_witness_note(&ks->source.partitions[p - ks->partitions].witness, ks->out,
			ks->out->count - 1);
	ks->noted = ks->out->count;
}

static struct kafka_partition *partition_of(struct kafka_source *ks, const rd_kafka_message_t *m)
{
	if (m->rkt == ks->last_rkt && m->partition == ks->last_number)
		return ks->last;
	struct kafka_partition *p = partition_find(ks, rd_kafka_topic_opaque(m->rkt), m->partition);
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
	struct held *h = p->held;
	if (h == NULL) {
		h = calloc(1, sizeof(*h));
		check(h != NULL);
		strbuf_init(&h->bytes);
		p->held = h;
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
	int64_t to = p->empty_until < p->limit ? p->empty_until : p->limit;
	if (to <= p->position)
		return;
	p->position = to;
	reach(ks, p);
}

/* Moves a held message into `out`, if it belongs to this batch now. */
static void unhold(struct kafka_source *ks, struct kafka_partition *p, struct messages *out)
{
	struct held *h = p->held;
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
	p->restarts = true;
	p->restart_at = at;
	ks->any_restarts = true;
	rd_kafka_yield(ks->rk);
}

static void read_from_oldest(struct kafka_source *ks, struct kafka_partition *p)
{
	p->empty_until = 0;
	p->lost = true;
	restart_later(ks, p, RD_KAFKA_OFFSET_BEGINNING);
}

static void witness_done(struct kafka_source *ks, struct kafka_partition *p)
{
	p->witness.until = 0;
	reach(ks, p);
}

/* A message below the position: the one before it is asked for after a start. */
static void take_below(
	struct kafka_source *ks, struct kafka_partition *p, const rd_kafka_message_t *m)
{
	rd_kafka_timestamp_type_t type;
	int64_t timestamp_us = message_time_us(rd_kafka_message_timestamp(m, &type));
	struct str key = {m->key, m->key == NULL ? 0 : m->key_len};
	struct str value = {m->payload, m->payload == NULL ? 0 : m->len};
	struct topic_witness w = p->witness;
	enum topic_verdict verdict = topic_witness_judge(w, m->offset, timestamp_us, key, value);
	ks->repeated += w.until == 0;
	if (verdict == TOPIC_SAME) {
		witness_done(ks, p);
	} else if (verdict == TOPIC_OTHER && ks->config->continue_on_data_loss) {
		log_warn("kafka",
			STR_FMT "/%" PRId32 " was made again; going on with its oldest record",
			STR_ARG(p->topic->name), p->partition);
		p->witness.until = 0;
		read_from_oldest(ks, p);
	} else if (verdict == TOPIC_OTHER) {
		ks->failure =
			topic_witness_refuse(w, p->topic->name, p->partition, ks->err);
		rd_kafka_yield(ks->rk);
	}
}

static void lost(struct kafka_source *ks, struct kafka_partition *p, const rd_kafka_message_t *m)
{
	if (p->witness.until > 0) {
		/* It was asked for and is gone; the position itself may well be there. */
		int64_t position = p->position;
		witness_done(ks, p);
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
		: partition_find(ks, rd_kafka_topic_opaque(m->rkt), m->partition);
	if (p == NULL) {
		log_debug("kafka", "event: %s", rd_kafka_message_errstr(m));
		return;
	}
	switch (m->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		if (p->held == NULL || !p->held->there)
			p->empty_until = m->offset;
		if (p->lost && m->offset < p->target)
			p->target = m->offset; /* the topic that was made again is shorter */
		p->lost = false;
		skip_empty(ks, p);
		witness_done(ks, p);
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
		ks->failure = error_set(ks->err, CDCL_E_DATA,
			STR_FMT "/%" PRId32 " at offset %" PRId64 ": %s", STR_ARG(p->topic->name),
			p->partition, p->position, rd_kafka_message_errstr(m));
		return;
	default:
		log_debug("kafka", STR_FMT "/%" PRId32 ": %s", STR_ARG(p->topic->name),
			p->partition, rd_kafka_message_errstr(m));
	}
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
	if (__builtin_expect(m->offset < p->position, 0)) {
		take_below(ks, p, m);
		return;
	}
	if (__builtin_expect(m->offset >= p->limit, 0)) {
		/* Beyond the end of a finite run it is nobody's; else it is the next batch's. */
		p->empty_until = m->offset;
		if (p->lost && p->queue != NULL)
			p->position = p->limit = m->offset; /* a limit counts from the oldest */
		p->lost = false;
		witness_done(ks, p);
		if (!ks->finite || p->limit < p->target) {
			hold(ks, p, m);
			rd_kafka_yield(ks->rk);
		}
		skip_empty(ks, p);
		return;
	}
	copy_message(ks, m, p);
	p->messages++;
	p->position = m->offset + 1;
	reach(ks, p);
	if (messages_full(ks->out) || (p->queue != NULL && p->position >= p->limit))
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
	if (ks->unreached > 0)
		return true;
	for (uint32_t i = 0; i < ks->count; i++)
		if (ks->partitions[i].position < ks->source.partitions[i].latest)
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
	if (!ks->by_partition) {
		size_t length = rd_kafka_queue_length(ks->queue);
		emptied = has_emptied(ks, length, taken, &ks->was_full);
		empty = length == 0;
	}
	for (uint32_t i = 0; ks->by_partition && i < ks->count; i++) {
		struct kafka_partition *p = &ks->partitions[i];
		size_t length = p->queue == NULL ? 0 : rd_kafka_queue_length(p->queue);
		emptied |= has_emptied(ks, length, taken, &p->was_full);
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

static void drain_by_partition(struct kafka_source *ks)
{
	for (uint32_t i = 0; i < ks->count && !messages_full(ks->out) && ks->failure == 0; i++) {
		struct kafka_partition *p = &ks->partitions[i];
		skip_empty(ks, p);
		unhold(ks, p, ks->out);
		if (p->queue != NULL && (p->held == NULL || !p->held->there))
			drain(ks, p->queue, p);
	}
}

/* A batch that is run again: one partition, up to where another came the first time. */
static void drain_turn(struct kafka_source *ks, const struct source_turn *turn)
{
	struct kafka_partition *p = NULL;
	for (uint32_t i = 0; i < ks->count && p == NULL; i++)
		if (ks->partitions[i].partition == turn->partition &&
			str_eq(ks->partitions[i].topic->name, turn->topic))
			p = &ks->partitions[i];
	ks->in_turn = p;
	ks->had_turn = true;
	if (p == NULL)
		return; /* not found yet */
	p->limit = turn->until;
	skip_empty(ks, p);
	unhold(ks, p, ks->out);
	if (p->queue != NULL && (p->held == NULL || !p->held->there))
		drain(ks, p->queue, p);
}

/* All had their turns: what is left are offsets without messages. */
static void end_turns(struct kafka_source *ks)
{
	for (uint32_t i = 0; i < ks->count; i++) {
		struct kafka_partition *p = &ks->partitions[i];
		p->limit = replay_end(ks, p->topic->name, p->partition, p->position);
	}
	ks->in_turn = NULL;
	ks->had_turn = false;
}

static void update_ends(struct kafka_source *ks, bool fresh)
{
	int64_t now = clock_monotonic_us(ks->source.clock);
	if (!fresh && now - ks->ends_at_us < ends_age_us)
		return;
	ks->ends_at_us = now;
	for (uint32_t i = 0; i < ks->count; i++) {
		struct kafka_partition *p = &ks->partitions[i];
		int64_t low = -1;
		int64_t high = -1;
		int64_t end = kafka_keeper_end(ks->keeper, p->found_index);
		rd_kafka_get_watermark_offsets(
			ks->rk, p->topic->name.data, p->partition, &low, &high);
		end = high > end ? high : end;
		ks->source.partitions[i].latest = end > p->position ? end : p->position;
	}
}

/* Shares what is left of the batch's budget out among the partitions that have a backlog. */
static void plan_batch(struct kafka_source *ks)
{
	update_ends(ks, true);
	int64_t *waiting = calloc(ks->count * 2 + 1, sizeof(*waiting));
	check(waiting != NULL);
	int64_t *share = waiting + ks->count;
	int64_t total = 0;
	for (uint32_t i = 0; i < ks->count; i++) {
		const struct kafka_partition *p = &ks->partitions[i];
		int64_t end = ks->finite ? p->target : ks->source.partitions[i].latest;
		waiting[i] = end > p->position ? end - p->position : 0;
		total += waiting[i];
	}
	if (total > 0) {
		int64_t sum = kafka_share(ks->batch_budget, waiting, ks->count, share);
		for (uint32_t i = 0; i < ks->count; i++)
			ks->partitions[i].limit = ks->partitions[i].position + share[i];
		/*
		 * A budget that was not used up leaves room for what comes while this batch is
		 * open.
		 */
		ks->batch_budget = total < ks->batch_budget ? ks->batch_budget - sum : 0;
		ks->batch_planned = true;
	}
	free(waiting);
}

/* Messages that the batch had are not there any more, or not yet. */
static bool replay_reached(const struct kafka_source *ks)
{
	const struct source_resume *resume = ks->config->resume;
	for (uint32_t i = 0; i < resume->until_count; i++) {
		const struct partition_offset *o = &resume->until[i];
		bool reached = false;
		for (uint32_t k = 0; k < ks->count && !reached; k++)
			reached = ks->partitions[k].partition == o->partition &&
				str_eq(ks->partitions[k].topic->name, o->topic) &&
				ks->partitions[k].position >= o->offset;
		if (!reached)
			return false;
	}
	return true;
}

static bool limits_reached(const struct kafka_source *ks)
{
	for (uint32_t i = 0; i < ks->count; i++)
		if (ks->partitions[i].position < ks->partitions[i].limit)
			return false;
	return true;
}

static int state_of(struct kafka_source *ks, uint32_t taken)
{
	if (taken > 0)
		return SOURCE_MORE;
	if (ks->replays)
		return replay_reached(ks) ? SOURCE_LIMIT : SOURCE_WAITING;
	if (ks->finite && ks->unreached == 0)
		return SOURCE_END;
	if (ks->by_partition && ks->batch_planned)
		return limits_reached(ks) ? SOURCE_LIMIT : SOURCE_WAITING;
	return ks->unreached > 0 ? SOURCE_WAITING : SOURCE_IDLE;
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
	if (ks->by_partition && !ks->replays &&
		(!ks->batch_planned || (ks->batch_budget > 0 && limits_reached(ks))))
		plan_batch(ks);
	uint32_t before = out->count;
	ks->out = out;
	ks->err = err;
	ks->failure = 0;
	ks->bytes = 0;
	ks->noted = before;
	if (ks->had_turn && (s->turn == NULL || !ks->replays))
		end_turns(ks);
	if (ks->replays && s->turn != NULL)
		drain_turn(ks, s->turn);
	else if (ks->by_partition)
		drain_by_partition(ks);
	else
		drain(ks, ks->queue, NULL);
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
	return state_of(ks, taken);
}

static int begin_batch(struct source *s, struct error *err)
{
	struct kafka_source *ks = of(s);
	int r = take_found(ks, err);
	if (r < 0)
		return r;
	update_ends(ks, false);
	for (uint32_t i = 0; i < ks->count; i++) {
		struct kafka_partition *p = &ks->partitions[i];
		s->partitions[i].batch_start = p->position;
		if (ks->by_partition && !ks->replays)
			p->limit = p->position;
	}
	ks->batch_planned = false;
	ks->batch_budget = ks->config->max_offsets_per_trigger;
	if (ks->batch_budget == 0)
		ks->batch_budget = INT64_MAX; /* by partition for another reason */
	return 0;
}

static int end_batch(struct source *s, struct error *err)
{
	struct kafka_source *ks = of(s);
	(void)err;
	ks->replays = false;
	update_ends(ks, false);
	for (uint32_t i = 0; i < ks->count; i++)
		ks->commits[i] = (struct kafka_position){ks->partitions[i].topic,
			ks->partitions[i].partition, ks->partitions[i].position};
	kafka_keeper_commit(ks->keeper, ks->commits, ks->count);
	return 0;
}

/* ---- Opening and closing ---- */

static void wait_resolved(struct kafka_source *ks)
{
	int64_t end = clock_monotonic_us(ks->source.clock) + open_wait_ms * 1000;
	for (int turn = 0; turn < 100 && !kafka_keeper_resolved(ks->keeper); turn++) {
		int64_t left_us = end - clock_monotonic_us(ks->source.clock);
		if (left_us <= 0 || kafka_keeper_hear(ks->keeper, NULL) < 0)
			return;
		struct pollfd p = {.fd = ks->source.wake_fd, .events = POLLIN};
		if (poll(&p, 1, (int)(left_us / 1000) + 1) > 0) {
			uint64_t signals;
			ssize_t n = read(ks->source.wake_fd, &signals, sizeof(signals));
			(void)n;
		}
	}
}

static int open_source(struct source *s, enum source_run run, struct error *err)
{
	struct kafka_source *ks = of(s);
	ks->run = run;
	ks->finite = run != SOURCE_RUN_FOREVER;
	ks->replays = ks->config->resume != NULL && ks->config->resume->replays;
	ks->by_partition = ks->replays ||
		(ks->config->max_offsets_per_trigger > 0 && run != SOURCE_RUN_ONCE);
	ks->bytes_per_message = 100;
	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->wake_fd < 0)
		return error_set(err, CDCL_E_INTERNAL, "no more file descriptors");
	ks->keeper = kafka_keeper_open(ks->config, run, s->wake_fd, s->clock, err);
	if (ks->keeper == NULL)
		return -(int)err->code;
	ks->rk = kafka_keeper_client(ks->keeper);
	ks->bounds = kafka_keeper_bounds(ks->keeper);
	ks->queue = queue_open(ks);
	wait_resolved(ks);
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
	for (uint32_t i = 0; i < ks->count; i++)
		rd_kafka_consume_stop(ks->partitions[i].topic->rkt, ks->partitions[i].partition);
	for (uint32_t i = 0; i < ks->count; i++) {
		if (ks->partitions[i].queue != NULL)
			rd_kafka_queue_destroy(ks->partitions[i].queue);
		held_release(ks->partitions[i].held);
	}
	if (ks->queue != NULL)
		rd_kafka_queue_destroy(ks->queue);
	kafka_keeper_release(ks->keeper);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	free(ks->partitions);
	free(s->partitions);
	free(ks->commits);
	free((char *)(uintptr_t)s->description.data);
	free(ks);
}

static const struct source_ops kafka_source_ops = {.kind = "kafka",
	.open = open_source,
	.begin_batch = begin_batch,
	.fill = fill,
	.end_batch = end_batch,
	.close = close_source};

/* Spark's words for it, as its progress prints them. */
static struct str describe(const struct kafka_config *config)
{
	struct strbuf text;
	strbuf_init(&text);
	if (config->topic_pattern.data != NULL) {
		strbuf_addf(&text, "KafkaV2[SubscribePattern[" STR_FMT "]]",
			STR_ARG(config->topic_pattern));
	} else {
		strbuf_add_c(&text, "KafkaV2[Subscribe[");
		for (uint32_t i = 0; i < config->topic_count; i++)
			strbuf_addf(&text, "%s" STR_FMT, i == 0 ? "" : ", ",
				STR_ARG(config->topics[i]));
		strbuf_add_c(&text, "]]");
	}
	return strbuf_str(&text);
}

struct source *kafka_source_make(const struct kafka_config *config, struct error *err)
{
	if (config->topic_count == 0 && config->topic_pattern.data == NULL) {
		error_set(err, CDCL_E_SCRIPT, "a Kafka source needs a topic or a topic_pattern");
		return NULL;
	}
	struct kafka_source *ks = calloc(1, sizeof(*ks));
	check(ks != NULL);
	ks->config = config;
	ks->source.ops = &kafka_source_ops;
	ks->source.description = describe(config);
	ks->source.wake_fd = -1;
	ks->source.poll_ms = 1000;
	ks->source.has_partitions = true;
	return &ks->source;
}

int kafka_source_check(const struct kafka_config *config, struct error *err)
{
	return kafka_keeper_check(config, err);
}

bool kafka_source_reads(const struct kafka_config *config, struct str topic)
{
	return kafka_keeper_reads(config, topic);
}
