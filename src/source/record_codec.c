#include "source/record_codec.h"

#include "base/bounds.h"
#include "base/check.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* A compressed byte gives hardly more of change events. */
enum { guessed_ratio = 8, guess_bytes_min = 4096, gzip_ratio_max = 1032 };

const char *record_codec_name(enum record_codec_kind kind)
{
	static const char *const names[] = {"none", "gzip", "snappy", "lz4", "zstd"};
	return kind < RECORD_CODEC_COUNT ? names[kind] : "unknown";
}

void record_codec_release(struct record_codec *c)
{
	if (c->gzip != NULL)
		inflateEnd(c->gzip);
	free(c->gzip);
	if (c->lz4 != NULL) /* not to load the library (base/late.h) for it */
		LZ4F_freeDecompressionContext(c->lz4);
	if (c->zstd != NULL)
		ZSTD_freeDCtx(c->zstd);
	*c = (struct record_codec){0};
}

static uint32_t read_be32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static uint32_t read_le32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	return (uint32_t)u[3] << 24 | (uint32_t)u[2] << 16 | (uint32_t)u[1] << 8 | u[0];
}

static int damaged(struct error *err, enum record_codec_kind kind, const char *why)
{
	return error_set(err, CDCL_E_DATA, "its %s bytes cannot be unpacked: %s",
		record_codec_name(kind), why);
}

/* ---- gzip ---- */

static int gzip_begin(struct record_codec *c)
{
	if (c->gzip != NULL)
		return inflateReset(c->gzip);
	c->gzip = calloc(1, sizeof(*c->gzip));
	check(c->gzip != NULL);
	return inflateInit2(c->gzip, 15 + 32); /* gzip or zlib, as it says itself */
}

static int gzip_unpack(struct record_codec *c, struct str packed, char *out, size_t capacity,
	size_t *len, struct error *err)
{
	*len = 0;
	do {
		check(gzip_begin(c) == Z_OK);
		z_stream *z = c->gzip;
		z->next_in = (Bytef *)(uintptr_t)packed.data;
		z->avail_in = (uInt)packed.len;
		z->next_out = (Bytef *)out + *len;
		z->avail_out = (uInt)(capacity - *len);
		int r = inflate(z, Z_FINISH);
		*len = capacity - z->avail_out;
		if (r == Z_BUF_ERROR && z->avail_out == 0)
			return RECORD_CODEC_SMALL;
		if (r != Z_STREAM_END)
			return damaged(err, RECORD_CODEC_GZIP,
				z->msg != NULL ? z->msg : "they end too early");
		packed = str_sub(packed, packed.len - z->avail_in, z->avail_in);
	} while (packed.len > 0);
	return RECORD_CODEC_DONE;
}

/* ---- snappy ---- */

enum { xerial_header_bytes = 16 };

static bool is_xerial(struct str packed)
{
	static const char magic[] = {'\x82', 'S', 'N', 'A', 'P', 'P', 'Y', '\0'};
	return packed.len >= xerial_header_bytes && memcmp(packed.data, magic, sizeof(magic)) == 0;
}

/* Takes the next block; false: there is none, or it is damaged, then `rest` is not empty. */
static bool xerial_block(struct str *rest, struct str *block)
{
	if (rest->len < 4)
		return false;
	size_t len = read_be32(rest->data);
	if (len > rest->len - 4)
		return false;
	*block = str_sub(*rest, 4, len);
	*rest = str_sub(*rest, 4 + len, rest->len - 4 - len);
	return true;
}

static size_t snappy_size(struct str packed)
{
	size_t total = 0, size = 0;
	if (!is_xerial(packed))
		return snappy_uncompressed_length(packed.data, packed.len, &size) == SNAPPY_OK
			? size
			: 0;
	struct str rest = str_sub(packed, xerial_header_bytes, packed.len), block;
	while (xerial_block(&rest, &block) && total <= message_bytes_max)
		if (snappy_uncompressed_length(block.data, block.len, &size) == SNAPPY_OK)
			total += size;
	return total;
}

static int snappy_block(
	struct str block, char *out, size_t capacity, size_t *len, struct error *err)
{
	size_t size;
	if (snappy_uncompressed_length(block.data, block.len, &size) != SNAPPY_OK)
		return damaged(err, RECORD_CODEC_SNAPPY, "no length");
	if (size > capacity - *len)
		return RECORD_CODEC_SMALL;
	if (snappy_uncompress(block.data, block.len, out + *len, &size) != SNAPPY_OK)
		return damaged(err, RECORD_CODEC_SNAPPY, "a damaged block");
	*len += size;
	return RECORD_CODEC_DONE;
}

static int snappy_unpack(
	struct str packed, char *out, size_t capacity, size_t *len, struct error *err)
{
	*len = 0;
	if (!is_xerial(packed))
		return snappy_block(packed, out, capacity, len, err);
	struct str rest = str_sub(packed, xerial_header_bytes, packed.len), block;
	int r = RECORD_CODEC_DONE;
	while (r == RECORD_CODEC_DONE && xerial_block(&rest, &block))
		r = snappy_block(block, out, capacity, len, err);
	if (r == RECORD_CODEC_DONE && rest.len > 0)
		return damaged(err, RECORD_CODEC_SNAPPY, "a block that is cut off");
	return r;
}

/* ---- lz4 ---- */

/* The blocks of a frame, each as large as they may be. */
static size_t lz4_size(struct str packed)
{
	if (packed.len < 7)
		return 0;
	unsigned char flags = (unsigned char)packed.data[4];
	size_t at = 7u + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
	size_t check_bytes = flags & 0x10 ? 4 : 0;
	unsigned size_code = (unsigned char)packed.data[5] >> 4 & 7;
	size_t block_bytes = (size_t)1 << (size_code < 4 ? 16 : 8 + 2 * size_code);
	size_t total = 0;
	while (at + 4 <= packed.len && total <= message_bytes_max) {
		uint32_t len = read_le32(packed.data + at);
		if (len == 0)
			break;
		total += block_bytes;
		at += 4 + (len & INT32_MAX) + check_bytes;
	}
	return total;
}

static int lz4_unpack(struct record_codec *c, struct str packed, char *out, size_t capacity,
	size_t *len, struct error *err)
{
	if (c->lz4 == NULL)
		check(!LZ4F_isError(LZ4F_createDecompressionContext(&c->lz4, LZ4F_VERSION)));
	LZ4F_resetDecompressionContext(c->lz4);
	static const LZ4F_decompressOptions_t options = {.stableDst = 1};
	size_t wanted = 1;
	*len = 0;
	while (packed.len > 0) {
		size_t made = capacity - *len;
		size_t taken = packed.len;
		wanted = LZ4F_decompress(c->lz4, out + *len, &made, packed.data, &taken, &options);
		if (LZ4F_isError(wanted))
			return damaged(err, RECORD_CODEC_LZ4, LZ4F_getErrorName(wanted));
		*len += made;
		packed = str_sub(packed, taken, packed.len - taken);
		if (made == 0 && taken == 0)
			return *len == capacity
				? RECORD_CODEC_SMALL
				: damaged(err, RECORD_CODEC_LZ4, "they lead nowhere");
	}
	if (wanted == 0)
		return RECORD_CODEC_DONE;
	return *len == capacity ? RECORD_CODEC_SMALL
				: damaged(err, RECORD_CODEC_LZ4, "they end too early");
}

/* ---- zstd ---- */

static size_t zstd_size(struct str packed)
{
	unsigned long long size = ZSTD_getFrameContentSize(packed.data, packed.len);
	if (size == ZSTD_CONTENTSIZE_ERROR)
		return 0;
	if (size == ZSTD_CONTENTSIZE_UNKNOWN)
		return packed.len * guessed_ratio;
	return size > SIZE_MAX ? SIZE_MAX : (size_t)size;
}

static int zstd_unpack(struct record_codec *c, struct str packed, char *out, size_t capacity,
	size_t *len, struct error *err)
{
	if (c->zstd == NULL)
		c->zstd = ZSTD_createDCtx();
	check(c->zstd != NULL);
	*len = ZSTD_decompressDCtx(c->zstd, out, capacity, packed.data, packed.len);
	if (!ZSTD_isError(*len))
		return RECORD_CODEC_DONE;
	if (ZSTD_getErrorCode(*len) == ZSTD_error_dstSize_tooSmall)
		return RECORD_CODEC_SMALL;
	return damaged(err, RECORD_CODEC_ZSTD, ZSTD_getErrorName(*len));
}

/* ---- any ---- */

size_t record_codec_size(enum record_codec_kind kind, struct str packed)
{
	size_t size = 0;
	switch (kind) {
	case RECORD_CODEC_GZIP:
		size = packed.len < 4 ? 0 : read_le32(packed.data + packed.len - 4);
		if (size > packed.len * gzip_ratio_max)
			size = packed.len * gzip_ratio_max;
		break;
	case RECORD_CODEC_SNAPPY:
		size = snappy_size(packed);
		break;
	case RECORD_CODEC_LZ4:
		size = lz4_size(packed);
		break;
	case RECORD_CODEC_ZSTD:
		size = zstd_size(packed);
		break;
	default:
		break;
	}
	if (size < guess_bytes_min)
		return guess_bytes_min;
	return size > message_bytes_max ? message_bytes_max : size;
}

int record_codec_unpack(struct record_codec *c, enum record_codec_kind kind, struct str packed,
	char *out, size_t capacity, size_t *len, struct error *err)
{
	check(capacity <= message_bytes_max);
	check(packed.len <= UINT32_MAX);
	switch (kind) {
	case RECORD_CODEC_GZIP:
		return gzip_unpack(c, packed, out, capacity, len, err);
	case RECORD_CODEC_SNAPPY:
		return snappy_unpack(packed, out, capacity, len, err);
	case RECORD_CODEC_LZ4:
		return lz4_unpack(c, packed, out, capacity, len, err);
	case RECORD_CODEC_ZSTD:
		return zstd_unpack(c, packed, out, capacity, len, err);
	default:
		return error_set(err, CDCL_E_DATA, "its compression %d is not known", (int)kind);
	}
}
