/*
 * Record batches written and read the slow way, from the definition of the format: judges
 * source/record_batch.h in its unit test and its fuzzer. What was read is told as text, the same
 * for both readers.
 */

#include "base/check.h"
#include "base/crc32c.h"
#include "base/str.h"
#include "source/record_batch.h"
#include "source/source.h"

#include <inttypes.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* ---- what was read, as text ---- */

static inline void twin_tell_bytes(struct strbuf *b, struct str s)
{
	if (s.data == NULL)
		strbuf_add_c(b, " NULL");
	else {
		strbuf_addf(b, " %zu:", s.len);
		strbuf_add(b, s);
	}
}

static inline void twin_tell(struct strbuf *b, int64_t offset, int64_t timestamp_us, int type,
	struct str key, struct str value)
{
	strbuf_addf(b, "\n%" PRId64 " at %" PRId64 " type %d", offset, timestamp_us, type);
	twin_tell_bytes(b, key);
	twin_tell_bytes(b, value);
}

/* ---- the naive reader ---- */

struct twin_cursor {
	const unsigned char *bytes;
	size_t len;
	size_t at;
	bool bad;
};

struct twin_response {
	struct str bytes;
	int64_t position;
	const struct aborted_transaction *aborted;
	uint32_t aborted_count;
	bool headers;
	size_t batch_bytes_max;
};

/* One batch's numbers. */
struct twin_head {
	int64_t base;
	int64_t last_delta;
	int64_t magic;
	int64_t crc;
	int64_t attributes;
	int64_t base_timestamp;
	int64_t max_timestamp;
	int64_t producer;
	int64_t count;
};

static inline uint64_t twin_byte(struct twin_cursor *c)
{
	if (c->at >= c->len) {
		c->bad = true;
		return 0;
	}
	return c->bytes[c->at++];
}

static inline int64_t twin_int(struct twin_cursor *c, int bytes)
{
	uint64_t v = 0;
	for (int i = 0; i < bytes; i++)
		v = v << 8 | twin_byte(c);
	int unused = 64 - 8 * bytes;
	return (int64_t)(v << unused) >> unused;
}

static inline int64_t twin_varint(struct twin_cursor *c)
{
	uint64_t v = 0;
	for (int i = 0; i < 10; i++) {
		uint64_t byte = twin_byte(c);
		v += (byte % 128) << (7 * i);
		if (byte < 128)
			return v % 2 == 0 ? (int64_t)(v / 2) : -(int64_t)(v / 2) - 1;
	}
	c->bad = true;
	return 0;
}

static inline struct str twin_take(struct twin_cursor *c, int64_t len)
{
	if (len < 0 || c->bad || (uint64_t)len > c->len - c->at) {
		c->bad = true;
		return (struct str){NULL, 0};
	}
	struct str s = {(const char *)c->bytes + c->at, (size_t)len};
	c->at += (size_t)len;
	return s;
}

static inline struct str twin_field(struct twin_cursor *c)
{
	int64_t len = twin_varint(c);
	return len == -1 ? (struct str){NULL, 0} : twin_take(c, len);
}

static inline bool twin_unpack_lz4(struct str packed, struct strbuf *out)
{
	LZ4F_dctx *lz4;
	check(!LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)));
	size_t wanted = 1, room = out->capacity;
	bool stuck = false;
	while (packed.len > 0 && !stuck && !LZ4F_isError(wanted)) {
		char piece[1000];
		size_t made = sizeof(piece), taken = packed.len < 7 ? packed.len : 7;
		wanted = LZ4F_decompress(lz4, piece, &made, packed.data, &taken, NULL);
		if (LZ4F_isError(wanted))
			break;
		stuck = made > room - out->len || (made == 0 && taken == 0);
		if (!stuck)
			strbuf_add(out, (struct str){piece, made});
		packed = str_sub(packed, taken, packed.len - taken);
	}
	LZ4F_freeDecompressionContext(lz4);
	return wanted == 0 && !stuck;
}

static inline bool twin_unpack_gzip(struct str packed, struct strbuf *out)
{
	int r = Z_STREAM_END;
	do {
		z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.data,
			.avail_in = (uInt)packed.len,
			.next_out = (Bytef *)out->data + out->len,
			.avail_out = (uInt)(out->capacity - out->len)};
		check(inflateInit2(&z, 15 + 32) == Z_OK);
		r = inflate(&z, Z_FINISH);
		out->len = out->capacity - z.avail_out;
		packed = str_sub(packed, packed.len - z.avail_in, z.avail_in);
		inflateEnd(&z);
	} while (r == Z_STREAM_END && packed.len > 0);
	return r == Z_STREAM_END;
}

static inline bool twin_unpack_snappy(struct str packed, struct strbuf *out)
{
	struct twin_cursor c = {(const unsigned char *)packed.data, packed.len, 0, false};
	bool blocks = packed.len >= 16 && memcmp(packed.data, "\x82SNAPPY", 8) == 0;
	if (blocks)
		c.at = 16;
	do {
		if (blocks && c.at == c.len)
			return true;
		size_t len = blocks ? (uint32_t)twin_int(&c, 4) : packed.len;
		struct str block = twin_take(&c, (int64_t)len);
		size_t size;
		if (c.bad ||
			snappy_uncompressed_length(block.data, block.len, &size) != SNAPPY_OK ||
			size > out->capacity - out->len ||
			snappy_uncompress(block.data, block.len, out->data + out->len, &size) !=
				SNAPPY_OK)
			return false;
		out->len += size;
	} while (blocks);
	return true;
}

/* `out` has room for as much as there may be. */
static inline bool twin_unpack(int codec, struct str packed, struct strbuf *out)
{
	switch (codec) {
	case RECORD_CODEC_NONE:
		strbuf_add(out, packed);
		return true;
	case RECORD_CODEC_GZIP:
		return twin_unpack_gzip(packed, out);
	case RECORD_CODEC_SNAPPY:
		return twin_unpack_snappy(packed, out);
	case RECORD_CODEC_LZ4:
		return twin_unpack_lz4(packed, out);
	case RECORD_CODEC_ZSTD:
		out->len = ZSTD_decompress(out->data, out->capacity, packed.data, packed.len);
		return !ZSTD_isError(out->len);
	default:
		return false;
	}
}

static inline bool twin_read_headers(
	struct twin_cursor *c, int64_t count, struct strbuf *told)
{
	for (int64_t i = 0; i < count && !c->bad; i++) {
		struct str name = twin_field(c);
		if (name.data == NULL)
			return false;
		strbuf_add_c(told, " header");
		twin_tell_bytes(told, name);
		twin_tell_bytes(told, twin_field(c));
	}
	return !c->bad && c->at == c->len;
}

static inline bool twin_read_record(struct twin_cursor *records, const struct twin_head *h,
	const struct twin_response *t, int64_t *delta_next, int64_t *position, struct strbuf *out)
{
	int64_t len = twin_varint(records);
	struct str all = twin_take(records, len);
	struct twin_cursor c = {(const unsigned char *)all.data, all.len, 0, records->bad};
	twin_byte(&c);
	int64_t timestamp = twin_varint(&c);
	int64_t delta = twin_varint(&c);
	struct str key = twin_field(&c);
	struct str value = twin_field(&c);
	int64_t headers = twin_varint(&c);
	if (c.bad || headers < 0 || (headers == 0 && c.at != c.len))
		return false;
	if (delta < *delta_next || delta > h->last_delta)
		return false;
	*delta_next = delta + 1;
	if (h->base + delta < *position)
		return true;
	timestamp = (int64_t)((uint64_t)timestamp + (uint64_t)h->base_timestamp);
	bool append = h->attributes / 8 % 2 != 0;
	size_t before = out->len;
	twin_tell(out, h->base + delta, message_time_us(append ? h->max_timestamp : timestamp),
		append, key, value);
	if (t->headers && headers > 0 && !twin_read_headers(&c, headers, out)) {
		out->len = before;
		return false;
	}
	*position = h->base + delta + 1;
	return true;
}

/* Java's algorithm: what was begun before a batch's end is active until its marker. */
static inline bool twin_is_aborted(const struct twin_response *t, const struct twin_head *h,
	const int64_t *ended)
{
	for (uint32_t i = 0; i < t->aborted_count; i++)
		if (t->aborted[i].producer_id == h->producer &&
			t->aborted[i].first_offset <= h->base + h->last_delta &&
			t->aborted[i].first_offset >= ended[i])
			return h->attributes / 16 % 2 != 0;
	return false;
}

static inline bool twin_read_marker(const struct twin_response *t, const struct twin_head *h,
	struct str packed, int64_t *ended)
{
	if (h->attributes % 8 != 0)
		return false;
	if (h->count == 0)
		return true;
	struct twin_cursor c = {(const unsigned char *)packed.data, packed.len, 0, false};
	struct str all = twin_take(&c, twin_varint(&c));
	struct twin_cursor record = {(const unsigned char *)all.data, all.len, 0, c.bad};
	twin_byte(&record);
	twin_varint(&record);
	int64_t delta = twin_varint(&record);
	struct str key = twin_field(&record);
	twin_field(&record);
	int64_t headers = twin_varint(&record);
	if (record.bad || delta < 0 || key.len < 4 || headers < 0 ||
		(headers == 0 && record.at != record.len))
		return false;
	for (uint32_t i = 0; key.data[2] == 0 && key.data[3] == 0 && i < t->aborted_count; i++)
		if (t->aborted[i].producer_id == h->producer)
			ended[i] = h->base + h->last_delta + 1;
	return true;
}

/* The records of a batch; false: damaged. */
static inline bool twin_read_batch(const struct twin_response *t, const struct twin_head *h,
	struct str packed, int64_t *position, int64_t *ended, struct strbuf *out)
{
	if (h->attributes / 32 % 2 != 0) {
		if (!twin_read_marker(t, h, packed, ended))
			return false;
		*position = h->base + h->last_delta + 1;
		return true;
	}
	struct strbuf plain;
	strbuf_init(&plain);
	strbuf_reserve(&plain, h->attributes % 8 == 0 ? packed.len + 1 : t->batch_bytes_max);
	plain.capacity = h->attributes % 8 == 0 ? plain.capacity : t->batch_bytes_max;
	bool good = true;
	if (!twin_is_aborted(t, h, ended)) {
		good = twin_unpack((int)(h->attributes % 8), packed, &plain);
		struct twin_cursor c = {(const unsigned char *)plain.data, plain.len, 0, false};
		int64_t delta_next = 0;
		for (int64_t i = 0; i < h->count && good; i++)
			good = twin_read_record(&c, h, t, &delta_next, position, out);
		good = good && c.at == c.len;
	}
	strbuf_release(&plain);
	if (good)
		*position = h->base + h->last_delta + 1;
	return good;
}

static inline void twin_read_head(struct twin_cursor *c, struct twin_head *h)
{
	h->base = twin_int(c, 8);
	twin_int(c, 4 + 4);
	h->magic = twin_int(c, 1);
	h->crc = twin_int(c, 4);
	h->attributes = twin_int(c, 2);
	h->attributes &= 0xffff;
	h->last_delta = twin_int(c, 4);
	h->base_timestamp = twin_int(c, 8);
	h->max_timestamp = twin_int(c, 8);
	h->producer = twin_int(c, 8);
	twin_int(c, 2 + 4);
	h->count = twin_int(c, 4);
}

/* Reads a response to its end and tells what there was. */
static inline void twin_read(const struct twin_response *t, struct strbuf *out)
{
	int64_t *ended = calloc(t->aborted_count + 1, sizeof(*ended));
	check(ended != NULL);
	for (uint32_t i = 0; i < t->aborted_count; i++)
		ended[i] = INT64_MIN;
	const char *end = NULL;
	size_t at = 0, cut = 0;
	int64_t position = t->position;
	while (end == NULL && at < t->bytes.len) {
		const unsigned char *p = (const unsigned char *)t->bytes.data + at;
		struct twin_cursor c = {p, t->bytes.len - at, 8, false};
		if (c.len < 17) {
			cut = 61;
			break;
		}
		int64_t length = twin_int(&c, 4);
		struct twin_head h = {0};
		c.at = 0;
		twin_read_head(&c, &h);
		if (h.magic != 2) {
			end = h.magic == 0 || h.magic == 1 ? "old" : "damaged";
		} else if (length < 49 || length > message_bytes_max) {
			end = "damaged";
		} else if ((size_t)length + 12 > c.len) {
			cut = (size_t)length + 12;
			break;
		} else if (h.base < 0 || h.last_delta < 0 || h.count < 0 ||
			h.base >= INT64_MAX - h.last_delta) {
			end = "damaged";
		} else if (h.base + h.last_delta >= position) {
			struct str counted = {(const char *)p + 21, (size_t)length + 12 - 21};
			struct str packed = {(const char *)p + 61, (size_t)length + 12 - 61};
			if (crc32c_by_table(0, counted) != (uint32_t)h.crc ||
				!twin_read_batch(t, &h, packed, &position, ended, out))
				end = "damaged";
		}
		at += (size_t)length + 12;
	}
	free(ended);
	if (end != NULL)
		strbuf_addf(out, "\n%s", end);
	else
		strbuf_addf(out, "\nend %" PRId64 " cut %zu", position, cut);
}

/* ---- the other reader, told in the same words ---- */

static inline void twin_tell_messages(const struct messages *m, uint32_t from, struct strbuf *out)
{
	for (uint32_t i = from; i < m->count; i++) {
		twin_tell(out, m->offset[i], m->timestamp_us[i], m->timestamp_type[i], m->key[i],
			m->value[i]);
		for (uint32_t h = 0; h < m->header_count[i]; h++) {
			strbuf_add_c(out, " header");
			twin_tell_bytes(out, m->headers[i][h].name);
			twin_tell_bytes(out, m->headers[i][h].value);
		}
	}
}

static inline void twin_tell_end(const struct record_batches *r, int state, struct strbuf *out)
{
	if (state < 0 || state == RECORD_BATCHES_OLD)
		strbuf_addf(out, "\n%s", state < 0 ? "damaged" : "old");
	else
		strbuf_addf(out, "\nend %" PRId64 " cut %zu", r->position, r->cut_bytes);
}

/* ---- writing ---- */

static inline void twin_put_int(struct strbuf *b, int64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		strbuf_add_byte(b, (char)((uint64_t)v >> (8 * i)));
}

static inline void twin_put_varint(struct strbuf *b, int64_t v)
{
	uint64_t zigzag = v < 0 ? ~(uint64_t)v * 2 + 1 : (uint64_t)v * 2;
	for (; zigzag >= 128; zigzag /= 128)
		strbuf_add_byte(b, (char)(zigzag % 128 + 128));
	strbuf_add_byte(b, (char)zigzag);
}

static inline void twin_put_field(struct strbuf *b, struct str s)
{
	twin_put_varint(b, s.data == NULL ? -1 : (int64_t)s.len);
	if (s.data != NULL)
		strbuf_add(b, s);
}

static inline void twin_put_record(struct strbuf *b, int64_t timestamp_delta, int64_t delta,
	struct str key, struct str value, const struct message_header *headers, uint32_t count)
{
	struct strbuf one;
	strbuf_init(&one);
	strbuf_add_byte(&one, 0);
	twin_put_varint(&one, timestamp_delta);
	twin_put_varint(&one, delta);
	twin_put_field(&one, key);
	twin_put_field(&one, value);
	twin_put_varint(&one, count);
	for (uint32_t i = 0; i < count; i++) {
		twin_put_field(&one, headers[i].name);
		twin_put_field(&one, headers[i].value);
	}
	twin_put_varint(b, (int64_t)one.len);
	strbuf_add(b, strbuf_str(&one));
	strbuf_release(&one);
}

/* In blocks of `block` bytes, as Java's xerial library; 0: raw. */
static inline void twin_pack_snappy(struct strbuf *out, struct str plain, size_t block)
{
	if (block > 0)
		strbuf_add(out, (struct str){"\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16});
	do {
		struct str piece = block > 0 ? str_sub(plain, 0, block) : plain;
		size_t size = snappy_max_compressed_length(piece.len);
		char *packed = malloc(size);
		check(packed != NULL);
		check(snappy_compress(piece.data, piece.len, packed, &size) == SNAPPY_OK);
		if (block > 0)
			twin_put_int(out, (int64_t)size, 4);
		strbuf_add(out, (struct str){packed, size});
		free(packed);
		plain = str_sub(plain, piece.len, plain.len - piece.len);
	} while (plain.len > 0);
}

static inline void twin_pack_gzip(struct strbuf *out, struct str plain)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)plain.data, .avail_in = (uInt)plain.len};
	check(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	strbuf_reserve(out, deflateBound(&z, plain.len));
	z.next_out = (Bytef *)out->data + out->len;
	z.avail_out = (uInt)(out->capacity - out->len);
	check(deflate(&z, Z_FINISH) == Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

/* `variant` picks among what different producers write. */
static inline void twin_pack(struct strbuf *out, int codec, unsigned variant, struct str plain)
{
	size_t made = 0;
	switch (codec) {
	case RECORD_CODEC_NONE:
		strbuf_add(out, plain);
		return;
	case RECORD_CODEC_GZIP:
		twin_pack_gzip(out, plain);
		return;
	case RECORD_CODEC_SNAPPY:
		twin_pack_snappy(out, plain, variant % 3 * 1000);
		return;
	case RECORD_CODEC_LZ4: {
		LZ4F_preferences_t how = {
			.frameInfo = {.blockMode = variant & 1 ? LZ4F_blockIndependent
							       : LZ4F_blockLinked,
				.contentSize = variant & 2 ? plain.len : 0,
				.contentChecksumFlag = variant & 4 ? LZ4F_contentChecksumEnabled
								   : LZ4F_noContentChecksum}};
		strbuf_reserve(out, LZ4F_compressFrameBound(plain.len, &how));
		made = LZ4F_compressFrame(out->data + out->len, out->capacity - out->len,
			plain.data, plain.len, &how);
		check(!LZ4F_isError(made));
		break;
	}
	default: {
		ZSTD_CCtx *zstd = ZSTD_createCCtx();
		/* Java's does not say how long the contents are */
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, variant & 1);
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, variant >> 1 & 1);
		strbuf_reserve(out, ZSTD_compressBound(plain.len));
		made = ZSTD_compress2(zstd, out->data + out->len, out->capacity - out->len,
			plain.data, plain.len);
		check(!ZSTD_isError(made));
		ZSTD_freeCCtx(zstd);
	}
	}
	out->len += made;
}

/* Puts the CRC right. */
static inline void twin_seal(char *batch, size_t bytes)
{
	uint32_t crc = crc32c_by_table(0, (struct str){batch + 21, bytes - 21});
	for (int i = 0; i < 4; i++)
		batch[17 + i] = (char)(crc >> (24 - 8 * i));
}

/* `h` says all but magic and CRC; attributes name the codec. */
static inline void twin_put_batch(
	struct strbuf *b, const struct twin_head *h, unsigned variant, struct str plain)
{
	struct strbuf packed;
	strbuf_init(&packed);
	twin_pack(&packed, (int)(h->attributes % 8), variant, plain);
	size_t start = b->len;
	twin_put_int(b, h->base, 8);
	twin_put_int(b, (int64_t)packed.len + 49, 4);
	twin_put_int(b, 7, 4);
	twin_put_int(b, 2, 1);
	twin_put_int(b, 0, 4);
	twin_put_int(b, h->attributes, 2);
	twin_put_int(b, h->last_delta, 4);
	twin_put_int(b, h->base_timestamp, 8);
	twin_put_int(b, h->max_timestamp, 8);
	twin_put_int(b, h->producer, 8);
	twin_put_int(b, 0, 2);
	twin_put_int(b, 0, 4);
	twin_put_int(b, h->count, 4);
	strbuf_add(b, strbuf_str(&packed));
	twin_seal(b->data + start, b->len - start);
	strbuf_release(&packed);
}

/* The end of a transaction: a control batch of one record. */
static inline void twin_put_marker(
	struct strbuf *b, int64_t offset, int64_t producer, bool commit)
{
	char key[] = {0, 0, 0, commit};
	struct strbuf records;
	strbuf_init(&records);
	twin_put_record(&records, 0, 0, (struct str){key, 4}, (struct str){"\0\0\0\0\0\0", 6},
		NULL, 0);
	struct twin_head h = {
		.base = offset, .attributes = 0x30, .producer = producer, .count = 1};
	twin_put_batch(b, &h, 0, strbuf_str(&records));
	strbuf_release(&records);
}
