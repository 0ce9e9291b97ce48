/* What each row of a chunk is to a merge: its op, its place in the order, where it came from. */

#include "ops/operator_merge.h"

#include "base/array.h"
#include "base/check.h"
#include "base/hash_seed.h"

#include <stdlib.h>
#include <xxhash.h>

/* ---- op ---- */

static enum change_op word_op(const struct merge_plan *m, struct str word)
{
	for (uint32_t i = 0; i < m->op_word_count; i++)
		if (str_eq(word, m->op_words[i].word))
			return m->op_words[i].op;
	return change_op_parse(word);
}

enum { short_word_bytes = 8, word_cache_bits = 8 };

/*
 * Words come again and again, in no order: each has a place by its bytes, so that finding it has no
 * branch that is hard to guess.
 */
struct word_cache {
	uint64_t words[1 << word_cache_bits];   /* 0: none */
	uint8_t ops[1 << word_cache_bits];
};

/* Of at most seven, without a call for each. */
static uint64_t word_bytes(struct str word)
{
	const char *d = word.data;
	size_t len = word.len;
	if (len == 0)
		return 0;
	if (len < 4) {
		uint64_t middle = (unsigned char)d[len / 2], end = (unsigned char)d[len - 1];
		return (unsigned char)d[0] | middle << (8 * (len / 2)) | end << (8 * (len - 1));
	}
	uint32_t first, last;
	memcpy(&first, d, 4);
	memcpy(&last, d + len - 4, 4);
	return first | (uint64_t)last << (8 * (len - 4));
}

static enum change_op cached_op(
	const struct merge_plan *m, struct word_cache *cache, struct str word)
{
	if (word.len > short_word_bytes - 1)
		return word_op(m, word);
	uint64_t bytes = word_bytes(word) | (uint64_t)(word.len + 1) << 56;
	uint64_t at = bytes * UINT64_C(0x9e3779b97f4a7c15) >> (64 - word_cache_bits);
	if (cache->words[at] != bytes) {
		cache->words[at] = bytes;
		cache->ops[at] = (uint8_t)word_op(m, word);
	}
	return (enum change_op)cache->ops[at];
}

static bool is_tombstone(const struct chunk *c, uint32_t row)
{
	return c->messages != NULL && c->messages->value[chunk_message(c, row)].data == NULL;
}

/* What the envelope says, or a row that nothing is around: an upsert, a tombstone. */
static void envelope_ops(const struct chunk *c, struct merge_input *in)
{
	if (c->changes != NULL) {
		memcpy(in->op, c->changes->op, c->row_count);
		return;
	}
	for (uint32_t row = 0; row < c->row_count; row++)
		in->op[row] = bit_get(c->live, row) && is_tombstone(c, row) ? CHANGE_TOMBSTONE
									    : CHANGE_UPSERT;
}

static bool expression_decides(const struct merge_plan *m, enum change_op op)
{
	if (op == CHANGE_UPSERT || op == CHANGE_UNKNOWN)
		return true;
	return !m->op_default && op != CHANGE_TOMBSTONE && op != CHANGE_TRUNCATE;
}

static int read_ops(
	struct operator_merge *self, struct chunk *c, struct merge_input *in, struct error *err)
{
	const struct merge_plan *m = self->plan;
	in->words = NULL;
	envelope_ops(c, in);
	if (m->op == NULL)
		return 0;
	struct vector v;
	int r = operator_eval(&self->op, m->op, c, &v, err);
	if (r < 0)
		return r;
	struct column *kept = ARENA_NEW(c->arena, struct column);
	*kept = v.column;
	in->words = kept;
	const struct str *words = v.column.data;
	struct word_cache cache = {{0}, {0}};
	for (uint32_t row = 0; row < c->row_count; row++) {
		if (!bit_get(c->live, row) || !expression_decides(m, (enum change_op)in->op[row]))
			continue;
		in->op[row] = column_is_null(&v.column, row)
			? CHANGE_UNKNOWN
			: (uint8_t)cached_op(m, &cache, words[row]);
	}
	return 0;
}

static void note_ops(const struct chunk *c, struct merge_input *in)
{
	in->ops_seen = 0;
	for (uint32_t row = 0; row < c->row_count; row++)
		in->ops_seen |= (uint32_t)bit_get(c->live, row) << in->op[row];
}

/* ---- columns ---- */

static int read_event(
	struct operator_merge *self, struct chunk *c, struct merge_input *in, struct error *err)
{
	const struct merge_plan *m = self->plan;
	in->event = c;
	if (m->extra_count == 0)
		return 0;
	struct chunk *event = operator_copy_head(c);
	event->column_count = c->column_count + m->extra_count;
	event->columns = ARENA_ARRAY(c->arena, struct column, event->column_count);
	memcpy(event->columns, c->columns, c->column_count * sizeof(*c->columns));
	for (uint32_t i = 0; i < m->extra_count; i++) {
		struct vector v;
		int r = operator_eval(&self->op, m->extra[i], c, &v, err);
		if (r < 0)
			return r;
		event->columns[c->column_count + i] = v.column;
	}
	in->event = event;
	return 0;
}

static void set_all_null(struct column *c)
{
	memset(c->nulls, 0xff, sizeof(c->nulls));
}

static void lay_out(const struct merge_plan *m, const struct chunk *c, struct merge_input *in)
{
	struct chunk *row = operator_copy_head(c);
	row->schema = m->schema;
	row->column_count = schema_total(m->schema);
	row->columns = ARENA_ARRAY(c->arena, struct column, row->column_count);
	for (uint32_t t = 0; t < row->column_count; t++) {
		if (m->event_column[t] >= 0) {
			row->columns[t] = in->event->columns[m->event_column[t]];
			continue;
		}
		row->columns[t].data = chunk_alloc_data(c->arena, m->schema->columns[t].type);
		if (t < m->schema->column_count)
			set_all_null(&row->columns[t]);
	}
	in->row = row;
}

/* ---- where from ---- */

/* Without the source: of one that was kept it comes to be known later. */
static uint32_t stream_hash(const struct merge_stream *s)
{
	uint64_t seed = hash_seed() ^ (uint32_t)s->partition;
	return (uint32_t)XXH3_64bits_withSeed(s->topic.data, s->topic.len, seed);
}

uint32_t merge_add_stream(struct operator_merge *self, struct merge_stream stream)
{
	char *topic = malloc(stream.topic.len + 1);
	check(topic != NULL);
	self->streams = array_grown(self->streams, &self->stream_capacity,
		self->stream_count + 1, sizeof(stream));
	if (stream.topic.len > 0)
		memcpy(topic, stream.topic.data, stream.topic.len);
	stream.topic.data = topic;
	self->streams[self->stream_count] = stream;
	hash_chains_add(&self->stream_places, stream_hash(&stream));
	return self->stream_count++;
}

static bool is_stream(const struct merge_stream *a, const struct merge_stream *b)
{
	return a->partition == b->partition && str_eq(a->topic, b->topic) &&
		(a->source_id == b->source_id || a->source_id == merge_any_source);
}

/* Where a stream was found last is looked at first: it costs no hash of the topic. */
static uint32_t find_stream(struct operator_merge *self, const struct messages *m, uint32_t message)
{
	struct merge_stream wanted = {.source_id = m->source_id,
		.partition = m->partition[message],
		.topic = m->topic[message]};
	uint32_t *recent =
		&self->recent_streams[(uint32_t)wanted.partition % merge_recent_streams];
	if (*recent < self->stream_count && is_stream(&self->streams[*recent], &wanted))
		return *recent;
	uint32_t at = hash_chains_newest(&self->stream_places, stream_hash(&wanted));
	while (at != HASH_CHAINS_END && !is_stream(&self->streams[at], &wanted))
		at = hash_chains_older(&self->stream_places, at);
	*recent = at != HASH_CHAINS_END ? at : merge_add_stream(self, wanted);
	if (self->streams[*recent].source_id == merge_any_source)
		self->streams[*recent].source_id = wanted.source_id;
	return *recent;
}

static void read_streams(struct operator_merge *self, const struct chunk *c, struct merge_input *in)
{
	int32_t *streams = in->row->columns[self->plan->stream_column].data;
	const struct messages *m = c->messages;
	if (m == NULL) {
		memset(streams, 0, c->row_count * sizeof(*streams));
		return;
	}
	const char *topic = NULL;
	int32_t partition = 0, number = 0;
	for (uint32_t row = 0; row < c->row_count; row++) {
		uint32_t at = chunk_message(c, row);
		if (m->topic[at].data == topic && m->partition[at] == partition && topic != NULL) {
			streams[row] = number;
			continue;
		}
		if (!bit_get(c->live, row))
			continue;
		topic = m->topic[at].data;
		partition = m->partition[at];
		number = (int32_t)find_stream(self, m, at);
		streams[row] = number;
	}
}

/* ---- order ---- */

/* Epochs go on where those of the process before ended. */
static int64_t whole_epoch(
	struct operator_merge *self, const struct merge_input *in, uint32_t row, int64_t epoch)
{
	const int32_t *streams = in->row->columns[self->plan->stream_column].data;
	struct merge_stream *s = &self->streams[streams[row]];
	epoch += s->epoch_before;
	if (epoch > s->epoch)
		s->epoch = epoch;
	return epoch;
}

static void read_positions(
	struct operator_merge *self, const struct chunk *c, struct merge_input *in)
{
	struct column *parts = &in->row->columns[self->plan->sequence_first];
	struct column *offsets = &parts[change_position_parts];
	for (uint32_t p = 0; p < change_position_parts; p++)
		set_all_null(&parts[p]);
	for (uint32_t row = 0; row < c->row_count; row++) {
		const struct change_position *at =
			c->changes == NULL ? NULL : &c->changes->position[row];
		bool known = at != NULL && at->known;
		for (uint32_t p = 0; p < change_position_parts && known; p++) {
			((int64_t *)parts[p].data)[row] = at->parts[p];
			bit_clear(parts[p].nulls, row);
		}
		if (known && c->messages != NULL && bit_get(c->live, row))
			((int64_t *)parts->data)[row] = whole_epoch(self, in, row, at->parts[0]);
		((int64_t *)offsets->data)[row] = c->messages == NULL
			? 0
			: c->messages->offset[chunk_message(c, row)];
	}
}

/* Copied: what a key remembers is put together in these columns. */
static int read_expressions(
	struct operator_merge *self, struct chunk *c, struct merge_input *in, struct error *err)
{
	const struct merge_plan *m = self->plan;
	for (uint32_t i = 0; i < m->sequence_count; i++) {
		struct vector v;
		int r = operator_eval(&self->op, m->sequence_exprs[i], c, &v, err);
		if (r < 0)
			return r;
		struct column *to = &in->row->columns[m->sequence_first + i];
		memcpy(to->data, v.column.data, c->row_count * phys_bytes(type_phys(v.type)));
		memcpy(to->nulls, v.column.nulls, sizeof(to->nulls));
	}
	return 0;
}

/* A schema with a column `op` was taken for flat rows. */
static int check_flat(const struct operator_merge *self, const struct chunk *c, struct error *err)
{
	const struct merge_plan *m = self->plan;
	if (m->sequence != MERGE_BY_ARRIVAL || !m->op_default || c->changes == NULL)
		return 0;
	for (uint32_t row = 0; row < c->row_count; row++) {
		if (!bit_get(c->live, row) || !c->changes->position[row].known)
			continue;
		error_set(err, CDCL_E_DATA,
			"table " STR_FMT ": there is an envelope around the rows, but a column "
			"\"op\" was declared, which only flat rows have",
			STR_ARG(m->name));
		error_help(err, "say which: envelope = \"debezium\", or \"flat\"");
		return -CDCL_E_DATA;
	}
	return 0;
}

/* ---- when ---- */

static void read_times(struct operator_merge *self, const struct chunk *c, struct merge_input *in)
{
	const struct messages *m = c->messages;
	const struct changes *changes = c->changes;
	int64_t now = self->op.batch->time_us, newest = self->newest_us;
	for (uint32_t row = 0; row < c->row_count; row++) {
		if (!bit_get(c->live, row))
			continue;
		int64_t at = changes == NULL ? -1 : changes->event_time_us[row];
		if (at < 0 && m != NULL)
			at = m->timestamp_us[chunk_message(c, row)];
		at = at < 0 ? now : at;
		in->time_us[row] = at;
		newest = at > newest ? at : newest;
	}
	self->newest_us = newest;
	if (self->plan->time_column < 0)
		return;
	int64_t *times = in->row->columns[self->plan->time_column].data;
	for (uint32_t row = 0; row < c->row_count; row++)
		times[row] = self->plan->ttl_time == MERGE_EVENT_TIME ? in->time_us[row]
								      : self->op.batch->time_us;
}

/* ---- what an event leaves as it was ---- */

/*
 * An envelope's rows leave absent columns alone; flat ones only when they patch. A delete writes
 * none.
 */
static void keep_absent(const struct merge_plan *m, const struct merge_input *in, uint32_t column,
	uint64_t *keeps)
{
	const struct chunk *c = in->event;
	if (c->absent == NULL || m->event_column[column] >= (int32_t)c->schema->column_count)
		return;
	const uint64_t *absent = c->absent[m->event_column[column]];
	for (uint32_t w = 0; w < chunk_words; w++) {
		for (uint64_t bits = absent[w]; bits != 0; bits &= bits - 1) {
			uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits);
			bool flat = c->changes == NULL || c->changes->op[row] == CHANGE_UPSERT;
			bool writes = in->op[row] != CHANGE_DELETE &&
				in->op[row] != CHANGE_TOMBSTONE && in->op[row] != CHANGE_TRUNCATE;
			if (writes && (!flat || m->update == MERGE_PATCH))
				bit_set(keeps, row);
		}
	}
}

static bool is_key(const struct merge_plan *m, uint32_t column)
{
	for (uint32_t i = 0; i < m->key.count; i++)
		if (m->key.columns[i] == column)
			return true;
	return false;
}

static void read_keeps(const struct operator_merge *self, struct merge_input *in)
{
	const struct merge_plan *m = self->plan;
	struct arena *arena = in->row->arena;
	in->keeps = NULL;
	if (in->event->absent == NULL && !m->null_keeps && m->except == NULL)
		return;
	uint32_t count = m->schema->column_count;
	uint64_t any = 0;
	uint64_t(*keeps)[chunk_words] =
		arena_zalloc(arena, schema_total(m->schema) * sizeof(*keeps), 8);
	for (uint32_t t = 0; t < count; t++) {
		if (m->event_column[t] < 0 || is_key(m, t))
			continue;
		if (m->null_keeps)
			memcpy(keeps[t], in->row->columns[t].nulls, sizeof(keeps[t]));
		if (m->except != NULL && m->except[t])
			memset(keeps[t], 0xff, sizeof(keeps[t]));
		keep_absent(m, in, t, keeps[t]);
		for (uint32_t w = 0; w < chunk_words; w++)
			any |= keeps[t][w];
	}
	if (any != 0)
		in->keeps = (const uint64_t(*)[chunk_words])keeps;
}

int merge_read(
	struct operator_merge *self, struct chunk *c, struct merge_input *in, struct error *err)
{
	int r = check_flat(self, c, err);
	if (r >= 0)
		r = read_ops(self, c, in, err);
	if (r >= 0)
		r = read_event(self, c, in, err);
	if (r < 0)
		return r;
	note_ops(c, in);
	lay_out(self->plan, c, in);
	read_streams(self, c, in);
	if (self->plan->sequence == MERGE_BY_EXPRESSIONS)
		r = read_expressions(self, c, in, err);
	else if (self->plan->sequence == MERGE_BY_POSITION)
		read_positions(self, c, in);
	read_times(self, c, in);
	read_keeps(self, in);
	return r;
}
