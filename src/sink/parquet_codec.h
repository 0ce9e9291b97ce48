#ifndef CDCL_PARQUET_CODEC_H
#define CDCL_PARQUET_CODEC_H

/* Compression of pages, and the bit-level encodings inside of them. */

#include "cdcl/error.h"
#include "base/str.h"
#include "sink/sink.h"

enum {
	parquet_compression_count = (int)PARQUET_NONE + 1,
	parquet_zstd_level = 1,         /* what pyarrow takes too */
};

const char *parquet_compression_name(enum parquet_compression c);
int32_t parquet_compression_id(enum parquet_compression c);    /* CompressionCodec of the footer */

struct parquet_codec {
	enum parquet_compression compression;
	void *zstd;             /* ZSTD_CCtx */
	struct strbuf page;     /* where a page is put together */
	struct strbuf packed;
};

void parquet_codec_init(struct parquet_codec *c, enum parquet_compression compression);
void parquet_codec_release(struct parquet_codec *c);

/* The page compressed; lives until the next call (PARQUET_NONE: it is `page`). */
int parquet_codec_pack(
	struct parquet_codec *c, struct str page, struct str *packed, struct error *err);

/*
 * The RLE and bit-packing hybrid: runs of 16 and more as (length, value), the rest in groups of 8
 * values of `width` bits, lowest bit first. Appends to `out`.
 */
void parquet_hybrid_add(const uint32_t *values, uint32_t n, unsigned width, struct strbuf *out);

/* The same for one bit each, from words: bit set = 1. `set` of the n bits are. */
void parquet_hybrid_bits(const uint64_t *words, uint32_t n, uint32_t set, struct strbuf *out);

/* Bits that `greatest` needs, at least 1. */
unsigned parquet_bit_width(uint32_t greatest);

/* Booleans as PLAIN has them: a bit each, from *used bits in the last byte of `out` on. */
void parquet_pack_booleans(const uint8_t *values, uint32_t n, struct strbuf *out, unsigned *used);

#endif
