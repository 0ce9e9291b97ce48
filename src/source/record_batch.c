#include "source/record_batch.h"

#include "base/arena.h"
#include "base/bounds.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "source/source.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * A batch, numbers big-endian:
 *
 *	 0 base offset 8    12 leader epoch 4    23 last offset delta 4   43 producer id 8
 *	 8 length 4         16 magic 1           27 base timestamp 8      51 producer epoch 2
 *	                    17 crc 4             35 max timestamp 8       53 base sequence 4
 *	                    21 attributes 2                               57 record count 4
 *	61 records, compressed as one when the attributes say so. The CRC is of all from 21 on.
 *
 * A record, numbers as zigzag varints:
 *
 *	length | attributes 1 | timestamp delta | offset delta | key length | key
 *	       | value length | value | header count | { name length | name | length | value }*
 *
 * Length -1 is NULL.
 */
enum {
	at_length = 8,
	at_leader_epoch = 12,
	at_magic = 16,
	at_crc = 17,
	at_attributes = 21,
	at_last_delta = 23,
	at_base_timestamp = 27,
	at_max_timestamp = 35,
	at_producer_id = 43,
	at_count = 57,

	attribute_codec = 0x07,
	attribute_log_append = 0x08,
	attribute_transactional = 0x10,
	attribute_control = 0x20,

	marker_abort = 0,
	varint_bytes_max = 10,
	/* behind a record, so that its numbers can be read without a look at the end */
	slack_bytes = 3 * varint_bytes_max
};

struct record {
	uint64_t timestamp_delta;       /* zigzag */
	int64_t offset_delta;
	uint64_t header_count;
	const char *headers;
	const char *end;
};

static uint32_t read_be32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static int64_t read_be64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return (int64_t)__builtin_bswap64(v);
}

/* ---- damage ---- */

static int damaged_at(const struct record_batches *r, struct error *err, int64_t offset,
	const char *what)
{
	return error_set(err, CDCL_E_DATA, STR_FMT "/%" PRId32 " at offset %" PRId64 ": %s",
		STR_ARG(r->topic), r->partition, offset, what);
}

static int damaged(const struct record_batches *r, struct error *err, const char *what)
{
	return damaged_at(r, err, r->batch.base_offset, what);
}

/* ---- aborted transactions ---- */

static int compare_aborted(const void *left, const void *right)
{
	const struct aborted_transaction *a = left, *b = right;
	if (a->producer_id != b->producer_id)
		return a->producer_id < b->producer_id ? -1 : 1;
	return a->first_offset < b->first_offset ? -1 : a->first_offset > b->first_offset;
}

/* The first of a producer's that is not ended and began below `end`; or NULL. */
static struct aborted_transaction *aborted_find(
	const struct record_batches *r, int64_t producer_id, int64_t end)
{
	uint32_t low = 0, high = r->aborted_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct aborted_transaction *a = &r->aborted[middle];
		if (a->producer_id < producer_id || (a->producer_id == producer_id && a->ended))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == r->aborted_count || r->aborted[low].producer_id != producer_id ||
		r->aborted[low].first_offset >= end)
		return NULL;
	return &r->aborted[low];
}

static bool batch_is_aborted(const struct record_batches *r)
{
	return r->aborted_count > 0 && (r->batch.attributes & attribute_transactional) != 0 &&
		aborted_find(r, r->batch.producer_id, r->batch.end_offset) != NULL;
}

/* ---- numbers of records ---- */

/*
 * A varint as it stands, zigzag: even is n / 2, odd is below zero. Without `ends` there are so
 * many bytes that none needs a look at the end. NULL: cut off or too long.
 */
static const char *varint_long(const char *p, const char *end, bool ends, uint64_t *out)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 7 * varint_bytes_max; shift += 7) {
		if (ends && p >= end)
			return NULL;
		uint64_t byte = (unsigned char)*p++;
		v |= (byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = v;
			return p;
		}
	}
	return NULL;
}

__attribute__((always_inline)) static inline const char *varint(
	const char *p, const char *end, bool ends, uint64_t *out)
{
	if (ends)
		return varint_long(p, end, true, out);
	uint32_t first = (unsigned char)p[0];
	*out = first;
	if (__builtin_expect(first < 0x80, 1))
		return p + 1;
	uint32_t second = (unsigned char)p[1];
	*out = (first & 0x7f) | second << 7;
	if (__builtin_expect(second < 0x80, 1))
		return p + 2;
	return varint_long(p, end, false, out);
}

static inline int64_t zigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* Bytes with a length, -1 is NULL. `end` is the record's. */
__attribute__((always_inline)) static inline const char *field(
	const char *p, const char *end, bool ends, struct str *out)
{
	uint64_t v;
	p = varint(p, end, ends, &v);
	if (__builtin_expect(p == NULL, 0))
		return NULL;
	if ((v & 1) != 0) {
		*out = (struct str){NULL, 0};
		return v == 1 && p <= end ? p : NULL;
	}
	if (__builtin_expect((int64_t)(v >> 1) > end - p, 0))
		return NULL;
	*out = (struct str){p, v >> 1};
	return p + (v >> 1);
}

/*
 * From behind the length; `end` is the record's. Key and value go where they are wanted at once: a
 * copy, 16 bytes at a time, would wait for the two stores that each was made by.
 */
__attribute__((always_inline)) static inline bool read_fields(const char *p, const char *end,
	bool ends, struct record *out, struct str *key, struct str *value)
{
	uint64_t timestamp, offset, headers = 0;
	p = varint(p + 1, end, ends, &timestamp); /* no attributes are known */
	if (__builtin_expect(p == NULL, 0))
		return false;
	p = varint(p, end, ends, &offset);
	if (__builtin_expect(p == NULL || (offset & 1) != 0, 0))
		return false;
	p = field(p, end, ends, key);
	if (__builtin_expect(p == NULL, 0))
		return false;
	p = field(p, end, ends, value);
	if (__builtin_expect(p == NULL, 0))
		return false;
	p = varint(p, end, ends, &headers);
	out->timestamp_delta = timestamp;
	out->offset_delta = (int64_t)(offset >> 1);
	out->header_count = headers >> 1;
	out->headers = p;
	out->end = end;
	if (__builtin_expect(headers == 0, 1))
		return p == end;
	return p != NULL && p <= end && (headers & 1) == 0;
}

/* Looks at no byte at or past `end`. */
__attribute__((noinline)) static bool read_record_at_end(
	const char *p, const char *end, struct record *out, struct str *key, struct str *value)
{
	uint64_t len;
	p = varint(p, end, true, &len);
	if (p == NULL || len < 2 || (len & 1) != 0 || len >> 1 > (uint64_t)(end - p))
		return false;
	return read_fields(p, p + (len >> 1), true, out, key, value);
}

/* Bytes before `readable` may be looked at, those from `end` on count for nothing. */
__attribute__((always_inline)) static inline bool read_record(const char *p, const char *end,
	const char *readable, struct record *out, struct str *key, struct str *value)
{
	if (__builtin_expect(readable - p < slack_bytes, 0))
		return read_record_at_end(p, end, out, key, value);
	uint64_t len;
	const char *start = varint(p, end, false, &len);
	if (__builtin_expect(start == NULL || len < 2 || (len & 1) != 0 ||
				     (int64_t)(len >> 1) > end - start,
		    0))
		return false;
	const char *record_end = start + (len >> 1);
	if (__builtin_expect(readable - record_end < slack_bytes, 0))
		return read_record_at_end(p, end, out, key, value);
	return read_fields(start, record_end, false, out, key, value);
}

static bool read_headers(const struct record *record, struct messages *out, uint32_t i)
{
	const char *p = record->headers;
	/* a header takes two bytes at least */
	if (record->header_count > (uint64_t)(record->end - p) / 2)
		return false;
	size_t count = record->header_count;
	struct message_header *to = ARENA_ARRAY(out->arena, struct message_header, count);
	for (size_t h = 0; h < count; h++) {
		p = field(p, record->end, true, &to[h].name);
		if (p == NULL || to[h].name.data == NULL)
			return false;
		p = field(p, record->end, true, &to[h].value);
		if (p == NULL)
			return false;
	}
	out->headers[i] = to;
	out->header_count[i] = (uint32_t)count;
	return p == record->end;
}

/* ---- giving records out ---- */

static void move_to(struct record_batches *r, int64_t offset)
{
	if (offset > r->position)
		r->position = offset;
}

/* What is the same for the next `count` messages, before the rest of each is known. */
static void fill_same(const struct record_batches *r, struct messages *out, uint32_t count)
{
	int32_t type = (r->batch.attributes & attribute_log_append) != 0;
	uint32_t from = out->count, to = out->count + count;
	for (uint32_t i = from; i < to; i++)
		out->topic[i] = r->topic;
	for (uint32_t i = from; i < to; i++)
		out->partition[i] = r->partition;
	for (uint32_t i = from; i < to; i++)
		out->timestamp_type[i] = type;
	memset(out->headers + from, 0, count * sizeof(out->headers[0]));
	memset(out->header_count + from, 0, count * sizeof(out->header_count[0]));
}

/* Why take_records stopped, when not for want of records or room. */
static int stop(struct record_batches *r, const struct record *record, bool sound,
	struct error *err)
{
	int64_t offset = r->batch.base_offset + r->delta_next;
	if (!sound || record->offset_delta < r->delta_next ||
		record->offset_delta >= r->batch.end_offset - r->batch.base_offset)
		return damaged_at(r, err, offset, "a damaged record (the CRC is right)");
	move_to(r, r->limit);
	return RECORD_BATCHES_LIMIT;
}

/* Appends records of the batch until one of three ends: the records, the block, the limit. */
static int take_records(struct record_batches *r, struct messages *out, struct error *err)
{
	const char *end = r->records_end;
	const char *readable = r->lease.generation != 0 ? end + record_space_padding : r->end;
	bool log_append = (r->batch.attributes & attribute_log_append) != 0;
	int64_t base = r->batch.base_offset;
	int64_t base_ms = log_append ? r->batch.max_timestamp : r->batch.base_timestamp;
	int64_t end_offset = r->batch.end_offset < r->limit ? r->batch.end_offset : r->limit;
	int64_t delta_end = end_offset - base;
	int64_t delta_wanted = r->position - base, delta_next = r->delta_next, bytes = 0;
	uint32_t i = out->count;
	uint32_t room = messages_room(out), full = i + room;
	uint32_t left = (uint32_t)r->records_left;
	const char *p = r->record;
	int state = RECORD_BATCHES_FULL;
	fill_same(r, out, left < room ? left : room);
	while (left > 0 && i < full) {
		struct record record;
		struct str *key = &out->key[i], *value = &out->value[i];
		bool sound = read_record(p, end, readable, &record, key, value);
		if (__builtin_expect(!sound || record.offset_delta < delta_next ||
					     record.offset_delta >= delta_end,
			    0)) {
			r->delta_next = delta_next;
			state = stop(r, &record, sound, err);
			break;
		}
		left--;
		delta_next = record.offset_delta + 1;
		p = record.end;
		if (__builtin_expect(record.offset_delta < delta_wanted, 0))
			continue;
		out->offset[i] = base + record.offset_delta;
		int64_t delta_ms = log_append ? 0 : zigzag(record.timestamp_delta);
		out->timestamp_us[i] =
			message_time_us((int64_t)((uint64_t)base_ms + (uint64_t)delta_ms));
		bytes += (int64_t)(key->len + value->len);
		if (record.header_count > 0 && r->headers && !read_headers(&record, out, i)) {
			state = damaged_at(r, err, out->offset[i], "damaged headers");
			break;
		}
		i++;
		if (record.header_count > 0 && out->arena->bytes_held >= chunk_bytes_max)
			break;
	}
	r->record = p;
	r->records_left = (int32_t)left;
	r->delta_next = delta_next;
	if (delta_next > 0)
		move_to(r, base + delta_next);
	r->messages += i - out->count;
	r->message_bytes += bytes;
	out->count = i;
	return state;
}

/* All records were taken or passed over; the limit may lie in the gap behind them. */
static int end_batch(struct record_batches *r, struct error *err)
{
	if (r->record != r->records_end)
		return damaged(r, err, "bytes behind the last record of a batch");
	move_to(r, r->batch.end_offset < r->limit ? r->batch.end_offset : r->limit);
	if (r->position < r->batch.end_offset)
		return RECORD_BATCHES_LIMIT;
	record_space_end(r->space, &r->lease);
	r->in_batch = false;
	return RECORD_BATCHES_END;
}

/* ---- the next batch ---- */

static void begin_records(struct record_batches *r, struct str records)
{
	r->record = records.data;
	r->records_end = records.data + records.len;
	r->records_left = r->batch.count;
	r->delta_next = 0;
}

static void pass_over(struct record_batches *r)
{
	begin_records(r, (struct str){r->batch.records.data, 0});
	r->records_left = 0;
}

/* RECORD_BATCHES_END: the records are there. */
static int unpack(struct record_batches *r, const struct messages *out, struct error *err)
{
	enum record_codec_kind kind = r->batch.attributes & attribute_codec;
	size_t max = r->space->batch_bytes_max;
	size_t size = record_codec_size(kind, r->batch.records);
	if (size > max)
		size = max;
	for (;;) {
		if (out->count == 0)
			record_space_chunk(r->space); /* what was unpacked is of no use */
		char *to = record_space_take(r->space, size, &r->lease);
		if (to == NULL)
			return RECORD_BATCHES_FULL;
		size_t len;
		int state = record_codec_unpack(
			&r->space->codec, kind, r->batch.records, to, size, &len, err);
		if (state == RECORD_CODEC_DONE) {
			memset(to + len, 0, record_space_padding);
			record_space_trim(r->space, &r->lease, len);
			begin_records(r, (struct str){to, len});
			return RECORD_BATCHES_END;
		}
		record_space_trim(r->space, &r->lease, 0);
		if (state < 0)
			return error_prefix(err, STR_FMT "/%" PRId32 " at offset %" PRId64 ": ",
				STR_ARG(r->topic), r->partition, r->batch.base_offset);
		if (size == max)
			return damaged(r, err, "a batch that is too large when it is unpacked");
		size = size > max / 2 ? max : size * 2;
	}
}

/* A transaction ended: its producer's records are no longer those of an aborted one. */
static int pass_marker(struct record_batches *r, struct error *err)
{
	struct record record;
	struct str key, value;
	if ((r->batch.attributes & attribute_codec) != 0)
		return damaged(r, err, "a control batch that is compressed");
	begin_records(r, r->batch.records);
	if (r->records_left > 0) {
		if (!read_record_at_end(r->record, r->records_end, &record, &key, &value) ||
			key.len < 4)
			return damaged(r, err, "a damaged control record");
		struct aborted_transaction *a;
		int type = (unsigned char)key.data[2] << 8 | (unsigned char)key.data[3];
		while (type == marker_abort && r->aborted_count > 0 &&
			(a = aborted_find(r, r->batch.producer_id, r->batch.end_offset)) != NULL)
			a->ended = true;
	}
	pass_over(r);
	return RECORD_BATCHES_END;
}

static int read_header(struct record_batches *r, const char *p, size_t bytes, struct error *err)
{
	struct record_batch *b = &r->batch;
	int32_t last_delta = (int32_t)read_be32(p + at_last_delta);
	b->base_offset = read_be64(p);
	b->base_timestamp = read_be64(p + at_base_timestamp);
	b->max_timestamp = read_be64(p + at_max_timestamp);
	b->producer_id = read_be64(p + at_producer_id);
	b->count = (int32_t)read_be32(p + at_count);
	b->attributes = (uint16_t)(read_be32(p + at_attributes) >> 16);
	b->records = (struct str){
		p + record_batch_header_bytes, bytes - record_batch_header_bytes};
	if (b->base_offset < 0 || last_delta < 0 || b->base_offset >= INT64_MAX - last_delta ||
		b->count < 0)
		return damaged(r, err, "a record batch with impossible numbers");
	b->end_offset = b->base_offset + last_delta + 1;
	return 0;
}

static int check_crc(const struct record_batches *r, const char *p, size_t bytes,
	struct error *err)
{
	uint32_t said = read_be32(p + at_crc);
	uint32_t is = crc32c(0, (struct str){p + at_attributes, bytes - at_attributes});
	if (said == is)
		return 0;
	return error_set(err, CDCL_E_DATA,
		STR_FMT "/%" PRId32 " at offset %" PRId64
			": the record batch of %zu bytes fails its CRC-32C check"
			" (it says %08" PRIx32 ", its bytes give %08" PRIx32 ")",
		STR_ARG(r->topic), r->partition, r->batch.base_offset, bytes, said, is);
}

/* Takes one batch off the bytes; in_batch says whether there is something to read in it. */
static int take_batch(struct record_batches *r, const char *p, size_t bytes, struct error *err)
{
	r->next = p + bytes;
	int state = read_header(r, p, bytes, err);
	if (state < 0 || r->batch.end_offset <= r->position)
		return state;
	state = check_crc(r, p, bytes, err);
	if (state < 0)
		return state;
	r->leader_epoch = (int32_t)read_be32(p + at_leader_epoch);
	r->in_batch = true;
	if ((r->batch.attributes & attribute_control) != 0)
		return pass_marker(r, err);
	if (batch_is_aborted(r))
		pass_over(r);
	else if ((r->batch.attributes & attribute_codec) == 0)
		begin_records(r, r->batch.records);
	else
		r->record = NULL;
	return 0;
}

static int next_batch(struct record_batches *r, struct error *err)
{
	size_t left = (size_t)(r->end - r->next);
	size_t bytes = record_batch_header_bytes;
	if (left > at_magic) {
		int32_t length = (int32_t)read_be32(r->next + at_length);
		unsigned magic = (unsigned char)r->next[at_magic];
		if (magic < 2)
			return RECORD_BATCHES_OLD;
		r->batch.base_offset = read_be64(r->next);
		if (magic > 2)
			return damaged(r, err, "record batches of a format that is not known");
		if (length < record_batch_header_bytes - record_batch_length_bytes ||
			length > message_bytes_max)
			return damaged(r, err, "a record batch with an impossible length");
		bytes = (size_t)length + record_batch_length_bytes;
	}
	if (bytes <= left)
		return take_batch(r, r->next, bytes, err);
	r->cut_bytes = left == 0 ? 0 : bytes;
	r->next = r->end;
	return RECORD_BATCHES_END;
}

void record_batches_begin(struct record_batches *r, struct str bytes,
	struct aborted_transaction *aborted, uint32_t aborted_count)
{
	record_space_end(r->space, &r->lease);
	r->next = bytes.data;
	r->end = bytes.data + bytes.len;
	r->cut_bytes = 0;
	r->in_batch = false;
	r->leader_epoch = -1;
	r->aborted = aborted;
	r->aborted_count = aborted_count;
	for (uint32_t i = 0; i < aborted_count; i++)
		aborted[i].ended = false;
	if (aborted_count > 1)
		qsort(aborted, aborted_count, sizeof(*aborted), compare_aborted);
}

/* Of the batch that it is in: RECORD_BATCHES_END when it is done with. */
static int fill_from_batch(struct record_batches *r, struct messages *out, struct error *err)
{
	bool packed = r->records_left > 0 && (r->batch.attributes & attribute_codec) != 0;
	if (r->record == NULL || (packed && !record_space_use(r->space, &r->lease))) {
		record_space_end(r->space, &r->lease);
		int state = unpack(r, out, err);
		if (state != RECORD_BATCHES_END)
			return state;
	}
	if (r->records_left > 0) {
		int state = take_records(r, out, err);
		if (state < 0 || r->records_left > 0)
			return state;
	}
	return end_batch(r, err);
}

int record_batches_fill(struct record_batches *r, struct messages *out, struct error *err)
{
	if (out->count == 0)
		record_space_chunk(r->space);
	int state = RECORD_BATCHES_END;
	while (state == RECORD_BATCHES_END && (r->in_batch || r->next < r->end)) {
		if (messages_full(out))
			return RECORD_BATCHES_FULL;
		if (r->position >= r->limit)
			return RECORD_BATCHES_LIMIT;
		state = r->in_batch ? fill_from_batch(r, out, err) : next_batch(r, err);
	}
	return state;
}
