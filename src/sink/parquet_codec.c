#include "sink/parquet_codec.h"

#include "base/check.h"
#include "sink/thrift_compact.h"

#include <snappy-c.h>
#include <zstd.h>

enum { run_least = 16 };

const char *parquet_compression_name(enum parquet_compression c)
{
	static const char *const names[parquet_compression_count] = {
		[PARQUET_ZSTD] = "zstd", [PARQUET_SNAPPY] = "snappy", [PARQUET_NONE] = "none"};
	check((int)c < parquet_compression_count);
	return names[c];
}

int32_t parquet_compression_id(enum parquet_compression c)
{
	static const int32_t ids[parquet_compression_count] = {
		[PARQUET_ZSTD] = 6, [PARQUET_SNAPPY] = 1, [PARQUET_NONE] = 0};
	check((int)c < parquet_compression_count);
	return ids[c];
}

void parquet_codec_init(struct parquet_codec *c, enum parquet_compression compression)
{
	*c = (struct parquet_codec){.compression = compression};
	strbuf_init(&c->page);
	strbuf_init(&c->packed);
	if (compression == PARQUET_ZSTD) {
		c->zstd = ZSTD_createCCtx();
		check(c->zstd != NULL); /* out of memory */
		ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, parquet_zstd_level);
	}
}

void parquet_codec_release(struct parquet_codec *c)
{
	if (c->zstd != NULL)
		ZSTD_freeCCtx(c->zstd);
	strbuf_release(&c->page);
	strbuf_release(&c->packed);
}

static int pack_zstd(struct parquet_codec *c, struct str page, struct error *err)
{
	strbuf_reserve(&c->packed, ZSTD_compressBound(page.len));
	size_t n = ZSTD_compress2(
		c->zstd, c->packed.data, c->packed.capacity, page.data, page.len);
	if (ZSTD_isError(n)) {
		return error_set(err, CDCL_E_INTERNAL, "zstd: %s", ZSTD_getErrorName(n));
	}
	c->packed.len = n;
	return 0;
}

static int pack_snappy(struct parquet_codec *c, struct str page, struct error *err)
{
	size_t n = snappy_max_compressed_length(page.len);
	strbuf_reserve(&c->packed, n);
	if (snappy_compress(page.data, page.len, c->packed.data, &n) != SNAPPY_OK) {
		return error_set(err, CDCL_E_INTERNAL, "snappy: cannot compress");
	}
	c->packed.len = n;
	return 0;
}

int parquet_codec_pack(
	struct parquet_codec *c, struct str page, struct str *packed, struct error *err)
{
	if (c->compression == PARQUET_NONE) {
		*packed = page;
		return 0;
	}
	strbuf_reset(&c->packed);
	int answer = c->compression == PARQUET_ZSTD ? pack_zstd(c, page, err)
						    : pack_snappy(c, page, err);
	*packed = strbuf_str(&c->packed);
	return answer;
}

/* ---- RLE and bit packing ---- */

unsigned parquet_bit_width(uint32_t greatest)
{
	return greatest == 0 ? 1 : 32 - (unsigned)__builtin_clz(greatest);
}

/* How often values[0] comes in a row, counted to `most`. */
static uint32_t run_length(const uint32_t *values, uint32_t n, uint32_t most)
{
	uint32_t limit = n < most ? n : most, i = 1;
	while (i < limit && values[i] == values[0]) {
		i++;
	}
	return i;
}

static void add_run(struct strbuf *out, uint32_t count, uint32_t value, unsigned width)
{
	thrift_varint(out, (uint64_t)count << 1);
	strbuf_add(out, (struct str){(const char *)&value, (width + 7) / 8});
}

/* Groups of 8, the last one filled up with zeros. */
static void add_packed(struct strbuf *out, const uint32_t *values, uint32_t n, unsigned width)
{
	uint32_t groups = (n + 7) / 8;
	thrift_varint(out, (uint64_t)groups << 1 | 1);
	size_t bytes = (size_t)groups * width;
	strbuf_reserve(out, bytes + sizeof(uint32_t));
	char *to = out->data + out->len;
	uint64_t held = 0;
	unsigned bits = 0;
	for (uint32_t i = 0; i < n; i++) {
		held |= (uint64_t)values[i] << bits;
		bits += width;
		if (bits >= 32) {
			memcpy(to, &held, 4);
			to += 4;
			held >>= 32;
			bits -= 32;
		}
	}
	size_t done = (size_t)(to - (out->data + out->len));
	for (; done < bytes; done++, held >>= 8) {
		out->data[out->len + done] = (char)held;
	}
	out->len += bytes;
}

void parquet_hybrid_add(const uint32_t *values, uint32_t n, unsigned width, struct strbuf *out)
{
	for (uint32_t i = 0; i < n;) {
		if (run_length(values + i, n - i, run_least) == run_least) {
			uint32_t run = run_length(values + i, n - i, UINT32_MAX);
			add_run(out, run, values[i], width);
			i += run;
			continue;
		}
		/* Whole groups up to where a run begins, or all that is left. */
		uint32_t end = i + 8;
		while (end < n && run_length(values + end, n - end, run_least) < run_least) {
			end += 8;
		}
		end = end < n ? end : n;
		add_packed(out, values + i, end - i, width);
		i = end;
	}
}

void parquet_hybrid_bits(const uint64_t *words, uint32_t n, uint32_t set, struct strbuf *out)
{
	if (set == n || set == 0) {
		add_run(out, n, set == 0 ? 0 : 1, 1);
		return;
	}
	uint32_t groups = (n + 7) / 8;
	thrift_varint(out, (uint64_t)groups << 1 | 1);
	strbuf_add(out, (struct str){(const char *)words, groups});
}

void parquet_pack_booleans(const uint8_t *values, uint32_t n, struct strbuf *out, unsigned *used)
{
	strbuf_reserve(out, n / 8 + 2);
	for (uint32_t i = 0; i < n; i++) {
		if (*used == 0) {
			out->data[out->len++] = 0;
		}
		char *last = &out->data[out->len - 1];
		*last = (char)((unsigned char)*last | (unsigned)(values[i] != 0) << *used);
		*used = (*used + 1) & 7;
	}
}
