#include "source/fetch_protocol.h"

#include "base/check.h"

#include <stdlib.h>

/* Kafka's number of each API and the versions that are written here. */
static const struct {
	int16_t key;
	int16_t lowest;
	int16_t highest;
} apis[fetch_api_count] = {
	[API_FETCH] = {1, 4, 11},
	[API_OFFSETS] = {2, 1, 5},
	[API_METADATA] = {3, 1, 8},
	[API_COMMIT] = {8, 2, 7},
	[API_COORDINATOR] = {10, 0, 2},
	[API_EPOCHS] = {23, 2, 3},
};

enum {
	api_versions_key = 18,
	metadata_flexible = 12 /* beside those above: it tells the ids of topics */
};

/* ---- Writing ---- */

static void put(struct strbuf *out, uint64_t value, int bytes)
{
	char text[8];
	for (int i = 0; i < bytes; i++)
		text[i] = (char)(value >> (8 * (bytes - 1 - i)));
	strbuf_add(out, (struct str){text, (size_t)bytes});
}

static void put_i8(struct strbuf *out, int8_t v)
{
	put(out, (uint8_t)v, 1);
}

static void put_i16(struct strbuf *out, int16_t v)
{
	put(out, (uint16_t)v, 2);
}

static void put_i32(struct strbuf *out, int32_t v)
{
	put(out, (uint32_t)v, 4);
}

static void put_i64(struct strbuf *out, int64_t v)
{
	put(out, (uint64_t)v, 8);
}

static void put_str(struct strbuf *out, struct str s)
{
	check(s.len <= INT16_MAX);
	put_i16(out, s.data == NULL ? -1 : (int16_t)s.len);
	strbuf_add(out, s);
}

static void put_at(struct strbuf *out, size_t at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out->data[at + (size_t)i] = (char)(value >> (8 * (3 - i)));
}

static void header(
	struct strbuf *out, int16_t key, int16_t version, int32_t correlation, struct str client)
{
	put_i32(out, 0); /* fetch_request_end */
	put_i16(out, key);
	put_i16(out, version);
	put_i32(out, correlation);
	put_str(out, client);
}

void fetch_request_begin(struct strbuf *out, enum fetch_api api, const struct fetch_versions *v,
	int32_t correlation, struct str client)
{
	check(v->of[api] >= 0);
	header(out, apis[api].key, v->of[api], correlation, client);
	if (api == API_METADATA && v->of[api] == metadata_flexible)
		put_i8(out, 0); /* no tags */
}

void fetch_request_end(struct strbuf *out, size_t from)
{
	put_at(out, from, (uint32_t)(out->len - from) - 4);
}

void fetch_versions_request(struct strbuf *out, int32_t correlation, struct str client)
{
	size_t from = out->len;
	header(out, api_versions_key, 0, correlation, client);
	fetch_request_end(out, from);
}

/* Partitions under their topics: those of one topic that follow each other stand together. */
struct topic_list {
	struct strbuf *out;
	size_t count_at;
	uint32_t count;
	struct str topic;
	size_t partitions_at;
	uint32_t partitions;
};

static void list_begin(struct topic_list *l, struct strbuf *out)
{
	*l = (struct topic_list){.out = out, .count_at = out->len};
	put_i32(out, 0);
}

static void list_close(struct topic_list *l)
{
	if (l->count > 0)
		put_at(l->out, l->partitions_at, l->partitions);
}

static void list_add(struct topic_list *l, const struct fetch_question *q)
{
	if (l->count == 0 || q->topic.data != l->topic.data) {
		list_close(l);
		l->topic = q->topic;
		l->count++;
		l->partitions = 0;
		put_str(l->out, q->topic);
		l->partitions_at = l->out->len;
		put_i32(l->out, 0);
	}
	l->partitions++;
	put_i32(l->out, q->partition);
}

static void list_end(struct topic_list *l)
{
	list_close(l);
	put_at(l->out, l->count_at, l->count);
}

static void put_varint(struct strbuf *out, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		put_i8(out, (int8_t)(v | 128));
	put_i8(out, (int8_t)v);
}

static void put_metadata_flexible(struct strbuf *out, const struct str *topics, uint32_t count)
{
	put_varint(out, topics == NULL ? 0 : (uint64_t)count + 1);
	for (uint32_t i = 0; topics != NULL && i < count; i++) {
		put_i64(out, 0); /* not by its id */
		put_i64(out, 0);
		put_varint(out, topics[i].len + 1);
		strbuf_add(out, topics[i]);
		put_varint(out, 0);
	}
	put_i8(out, 0); /* no topic is made by asking for it */
	put_i8(out, 0); /* nothing about who may do what */
	put_varint(out, 0);
}

void fetch_put_metadata(struct strbuf *out, const struct fetch_versions *v,
	const struct str *topics, uint32_t count)
{
	int16_t version = v->of[API_METADATA];
	if (version == metadata_flexible) {
		put_metadata_flexible(out, topics, count);
		return;
	}
	put_i32(out, topics == NULL ? -1 : (int32_t)count);
	for (uint32_t i = 0; topics != NULL && i < count; i++)
		put_str(out, topics[i]);
	if (version >= 4)
		put_i8(out, 0); /* no topic is made by asking for it */
	if (version >= 8)
		put_i16(out, 0); /* nothing about who may do what */
}

void fetch_put_offsets(struct strbuf *out, const struct fetch_versions *v, bool read_committed,
	const struct fetch_question *questions, uint32_t count)
{
	int16_t version = v->of[API_OFFSETS];
	put_i32(out, -1); /* we are no replica */
	if (version >= 2)
		put_i8(out, read_committed);
	struct topic_list list;
	list_begin(&list, out);
	for (uint32_t i = 0; i < count; i++) {
		list_add(&list, &questions[i]);
		if (version >= 4)
			put_i32(out, questions[i].leader_epoch);
		put_i64(out, questions[i].offset);
	}
	list_end(&list);
}

void fetch_put_epochs(struct strbuf *out, const struct fetch_versions *v,
	const struct fetch_question *questions, uint32_t count)
{
	if (v->of[API_EPOCHS] >= 3)
		put_i32(out, -1); /* we are no replica */
	struct topic_list list;
	list_begin(&list, out);
	for (uint32_t i = 0; i < count; i++) {
		list_add(&list, &questions[i]);
		put_i32(out, questions[i].leader_epoch);
		put_i32(out, questions[i].record_epoch);
	}
	list_end(&list);
}

void fetch_put_coordinator(struct strbuf *out, const struct fetch_versions *v, struct str group)
{
	put_str(out, group);
	if (v->of[API_COORDINATOR] >= 1)
		put_i8(out, 0); /* of a group */
}

void fetch_put_commit(struct strbuf *out, const struct fetch_versions *v, struct str group,
	const struct fetch_question *questions, uint32_t count)
{
	int16_t version = v->of[API_COMMIT];
	put_str(out, group);
	put_i32(out, -1); /* no generation: nobody joined */
	put_str(out, str_lit(""));
	if (version >= 7)
		put_str(out, (struct str){NULL, 0});
	if (version < 5)
		put_i64(out, -1); /* kept as long as the broker keeps them */
	struct topic_list list;
	list_begin(&list, out);
	for (uint32_t i = 0; i < count; i++) {
		list_add(&list, &questions[i]);
		put_i64(out, questions[i].offset);
		if (version >= 6)
			put_i32(out, -1);
		put_str(out, (struct str){NULL, 0});
	}
	list_end(&list);
}

void fetch_put_fetch(struct strbuf *out, const struct fetch_versions *v,
	const struct fetch_limits *limits, const struct fetch_question *questions, uint32_t count)
{
	int16_t version = v->of[API_FETCH];
	put_i32(out, -1); /* we are no replica */
	put_i32(out, limits->wait_ms);
	put_i32(out, limits->bytes_min);
	put_i32(out, limits->bytes_max);
	put_i8(out, limits->read_committed);
	if (version >= 7) {
		put_i32(out, 0); /* no session */
		put_i32(out, -1);
	}
	struct topic_list list;
	list_begin(&list, out);
	for (uint32_t i = 0; i < count; i++) {
		list_add(&list, &questions[i]);
		if (version >= 9)
			put_i32(out, questions[i].leader_epoch);
		put_i64(out, questions[i].offset);
		if (version >= 5)
			put_i64(out, -1); /* only replicas have a log that starts somewhere */
		put_i32(out, questions[i].bytes_max);
	}
	list_end(&list);
	if (version >= 7)
		put_i32(out, 0); /* nothing forgotten */
	if (version >= 11)
		put_str(out, str_lit("")); /* no rack */
}

/* ---- Reading ---- */

/* After the first thing that is not there everything reads as zero. */
struct reader {
	const char *at;
	const char *end;
	bool broken;
	bool flexible; /* lengths and counts are varints, one larger; tags follow */
};

static uint64_t get(struct reader *r, size_t bytes)
{
	if (r->broken || (size_t)(r->end - r->at) < bytes) {
		r->broken = true;
		return 0;
	}
	uint64_t v = 0;
	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | (unsigned char)r->at[i];
	r->at += bytes;
	return v;
}

static int16_t get_i16(struct reader *r)
{
	return (int16_t)get(r, 2);
}

static int32_t get_i32(struct reader *r)
{
	return (int32_t)get(r, 4);
}

static int64_t get_i64(struct reader *r)
{
	return (int64_t)get(r, 8);
}

static struct str get_bytes(struct reader *r, int64_t len)
{
	if (len == -1 && !r->broken)
		return (struct str){NULL, 0};
	if (r->broken || len < 0 || len > r->end - r->at) {
		r->broken = true;
		return (struct str){NULL, 0};
	}
	struct str s = {r->at, (size_t)len};
	r->at += len;
	return s;
}

static uint64_t get_varint(struct reader *r)
{
	uint64_t v = 0;
	for (int shift = 0; shift < 35; shift += 7) {
		uint64_t byte = get(r, 1);
		v |= (byte & 127) << shift;
		if (byte < 128)
			return v;
	}
	r->broken = true;
	return 0;
}

static struct str get_str(struct reader *r)
{
	return get_bytes(r, r->flexible ? (int64_t)get_varint(r) - 1 : get_i16(r));
}

/* What a later version says beside. */
static void skip_tags(struct reader *r)
{
	uint64_t count = r->flexible ? get_varint(r) : 0;
	for (uint64_t i = 0; i < count && !r->broken; i++) {
		get_varint(r);
		get_bytes(r, (int64_t)get_varint(r));
	}
}

/* How many items follow, each of at least item_bytes; an absent list has none. */
static uint32_t get_count(struct reader *r, size_t item_bytes)
{
	int64_t count = r->flexible ? (int64_t)get_varint(r) - 1 : get_i32(r);
	if (count == -1 || r->broken)
		return 0;
	if (count < 0 || (size_t)count > (size_t)(r->end - r->at) / item_bytes) {
		r->broken = true;
		return 0;
	}
	return (uint32_t)count;
}

bool fetch_read_versions(struct str body, struct fetch_versions *out)
{
	struct reader r = {body.data, body.data + body.len, false, false};
	for (int i = 0; i < fetch_api_count; i++)
		out->of[i] = -1;
	int16_t error = get_i16(&r);
	uint32_t count = get_count(&r, 6);
	for (uint32_t i = 0; i < count; i++) {
		int16_t key = get_i16(&r);
		int16_t lowest = get_i16(&r);
		int16_t highest = get_i16(&r);
		for (int a = 0; a < fetch_api_count; a++) {
			if (apis[a].key != key || highest < apis[a].lowest ||
				lowest > apis[a].highest)
				continue;
			out->of[a] = highest < apis[a].highest ? highest : apis[a].highest;
		}
		if (key == apis[API_METADATA].key && lowest <= metadata_flexible &&
			highest >= metadata_flexible)
			out->of[API_METADATA] = metadata_flexible;
	}
	return !r.broken && error == CODE_NONE;
}

static void skip_numbers(struct reader *r)
{
	uint32_t count = get_count(r, 4);
	get_bytes(r, (int64_t)count * 4);
}

static void read_partition(struct reader *r, int16_t version, struct cluster_partition *out)
{
	int16_t error = get_i16(r);
	out->id = get_i32(r);
	out->leader = get_i32(r);
	out->leader_epoch = version >= 7 ? get_i32(r) : -1;
	if (error == CODE_LEADER_NOT_AVAILABLE)
		out->leader = -1;
	skip_numbers(r); /* replicas */
	skip_numbers(r); /* those in sync */
	if (version >= 5)
		skip_numbers(r); /* those that are away */
	skip_tags(r);
}

static void read_topic(
	struct reader *r, int16_t version, struct arena *arena, struct cluster_topic *out)
{
	out->error = get_i16(r);
	struct str name = get_str(r);
	out->name = str_dup(name.data == NULL ? str_lit("") : name, arena);
	struct str id = r->flexible ? get_bytes(r, cluster_topic_id_bytes) : str_lit("");
	if (id.len == cluster_topic_id_bytes)
		memcpy(out->id, id.data, id.len);
	get(r, 1); /* is it internal? */
	out->partition_count = get_count(r, 18);
	out->partitions = ARENA_ARRAY(arena, struct cluster_partition, out->partition_count);
	for (uint32_t i = 0; i < out->partition_count && !r->broken; i++)
		read_partition(r, version, &out->partitions[i]);
	if (version >= 8)
		get_i32(r); /* who may do what */
	skip_tags(r);
}

static void read_broker(struct reader *r, struct arena *arena, struct cluster_broker *out)
{
	out->id = get_i32(r);
	struct str host = get_str(r);
	out->host = str_dup(host.data == NULL ? str_lit("") : host, arena);
	out->port = get_i32(r);
	get_str(r); /* its rack */
	skip_tags(r);
}

bool fetch_read_metadata(struct str body, const struct fetch_versions *v, struct cluster_view *out)
{
	struct reader r = {body.data, body.data + body.len, false, false};
	int16_t version = v->of[API_METADATA];
	*out = (struct cluster_view){.broker_count = 0};
	arena_init(&out->arena, 4096);
	r.flexible = version == metadata_flexible;
	skip_tags(&r); /* of the head */
	if (version >= 3)
		get_i32(&r); /* throttled */
	out->broker_count = get_count(&r, 11);
	out->brokers = ARENA_ARRAY(&out->arena, struct cluster_broker, out->broker_count);
	for (uint32_t i = 0; i < out->broker_count && !r.broken; i++)
		read_broker(&r, &out->arena, &out->brokers[i]);
	if (version >= 2)
		get_str(&r); /* the cluster's id */
	get_i32(&r);         /* the controller */
	out->topic_count = get_count(&r, 9);
	out->topics = ARENA_ARRAY(&out->arena, struct cluster_topic, out->topic_count);
	for (uint32_t i = 0; i < out->topic_count && !r.broken; i++)
		read_topic(&r, version, &out->arena, &out->topics[i]);
	if (version >= 8 && !r.flexible)
		get_i32(&r); /* who may do what */
	skip_tags(&r);
	return !r.broken;
}

bool fetch_read_coordinator(struct str body, const struct fetch_versions *v, int *error,
	struct cluster_broker *broker)
{
	struct reader r = {body.data, body.data + body.len, false, false};
	if (v->of[API_COORDINATOR] >= 1)
		get_i32(&r); /* throttled */
	*error = get_i16(&r);
	if (v->of[API_COORDINATOR] >= 1)
		get_str(&r); /* its words for the error */
	broker->id = get_i32(&r);
	broker->host = get_str(&r);
	broker->port = get_i32(&r);
	return !r.broken;
}

/* ---- Partitions of an answer ---- */

bool fetch_answers_begin(struct fetch_answers *a, enum fetch_api api,
	const struct fetch_versions *v, struct str body)
{
	struct reader r = {body.data, body.data + body.len, false, false};
	*a = (struct fetch_answers){.api = api, .version = v->of[api]};
	bool throttles = api == API_FETCH || (api == API_OFFSETS && a->version >= 2) ||
		(api == API_COMMIT && a->version >= 3) || api == API_EPOCHS;
	if (throttles)
		a->throttle_ms = get_i32(&r);
	if (api == API_FETCH && a->version >= 7) {
		a->error = get_i16(&r);
		get_i32(&r); /* session */
	}
	a->topics_left = (int32_t)get_count(&r, 6);
	a->at = r.at;
	a->end = r.end;
	return !r.broken;
}

static void read_fetched(struct reader *r, int16_t version, struct fetch_answer *out)
{
	out->partition = get_i32(r);
	out->error = get_i16(r);
	out->high_watermark = get_i64(r);
	out->last_stable = get_i64(r);
	if (version >= 5)
		get_i64(r); /* where the log starts */
	out->aborted_count = get_count(r, 16);
	out->aborted = get_bytes(r, (int64_t)out->aborted_count * 16);
	if (version >= 11)
		get_i32(r); /* a replica that is nearer */
	out->records = get_bytes(r, get_i32(r));
}

static void read_answer(struct reader *r, const struct fetch_answers *a, struct fetch_answer *out)
{
	switch (a->api) {
	case API_FETCH:
		read_fetched(r, a->version, out);
		return;
	case API_OFFSETS:
		out->partition = get_i32(r);
		out->error = get_i16(r);
		get_i64(r); /* the record's time */
		out->offset = get_i64(r);
		out->leader_epoch = a->version >= 4 ? get_i32(r) : -1;
		return;
	case API_EPOCHS:
		out->error = get_i16(r);
		out->partition = get_i32(r);
		out->leader_epoch = get_i32(r);
		out->offset = get_i64(r);
		return;
	case API_COMMIT:
		out->partition = get_i32(r);
		out->error = get_i16(r);
		return;
	case API_METADATA:
	case API_COORDINATOR:
		break;
	}
	check(!"an answer of partitions");
}

enum fetch_next fetch_answers_next(struct fetch_answers *a, struct fetch_answer *out)
{
	struct reader r = {a->at, a->end, false, false};
	while (a->partitions_left == 0) {
		if (a->topics_left == 0)
			return FETCH_DONE;
		a->topics_left--;
		a->topic = get_str(&r);
		a->partitions_left = (int32_t)get_count(&r, 6);
		if (r.broken)
			return FETCH_BROKEN;
	}
	a->partitions_left--;
	*out = (struct fetch_answer){.topic = a->topic, .offset = -1, .leader_epoch = -1};
	read_answer(&r, a, out);
	a->at = r.at;
	return r.broken ? FETCH_BROKEN : FETCH_ANSWER;
}

static int by_first_offset(const void *a, const void *b)
{
	const struct aborted_transaction *x = a;
	const struct aborted_transaction *y = b;
	return (x->first_offset > y->first_offset) - (x->first_offset < y->first_offset);
}

void fetch_read_aborted(const struct fetch_answer *a, struct aborted_transaction *out)
{
	struct reader r = {a->aborted.data, a->aborted.data + a->aborted.len, false, false};
	for (uint32_t i = 0; i < a->aborted_count; i++) {
		out[i] = (struct aborted_transaction){.producer_id = get_i64(&r)};
		out[i].first_offset = get_i64(&r);
	}
	if (a->aborted_count > 1)
		qsort(out, a->aborted_count, sizeof(*out), by_first_offset);
}
