/* Digests: Spark's hash (murmur3) and xxhash64 over typed values, crc32, md5, sha1, sha2. */

#include "expr/kernel_row.h"

#include "base/check.h"
#include "data/row_codec.h"
#include "data/spark_hash.h"
#include "expr/sha512.h"

#include <math.h>
#include <xxhash.h>
#include <zlib.h>

void kernel_hash(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	int32_t *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run->live[w];
		for (uint32_t i; next_row(&bits, w, &i);) {
			uint32_t hash = spark_hash_seed;
			for (uint32_t k = 0; k < e->arg_count; k++) {
				struct value v =
					value_from_column(&args[k].column, e->args[k]->type, i);
				hash = spark_hash_value(&v, hash);
				if (vector_fault(&args[k], i) != EXPR_FINE)
					expr_pass_fault(run, out, i, vector_fault(&args[k], i));
			}
			r[i] = (int32_t)hash;
		}
	}
}

/* As Java's BigInteger writes it: big end first, no byte more than the sign needs. */
static uint64_t xxhash_wide(int128 i, uint64_t seed)
{
	signed char bytes[16];
	size_t from = 0;
	for (int k = 0; k < 16; k++)
		bytes[k] = (signed char)(i >> (8 * (15 - k)));
	while (from < 15 && bytes[from] == (bytes[from + 1] < 0 ? -1 : 0))
		from++;
	return XXH64(bytes + from, 16 - from, seed);
}

static uint64_t xxhash_value(const struct value *v, uint64_t seed);

static uint64_t xxhash_array(const struct value *v, uint64_t seed)
{
	uint32_t count = row_codec_array_count(v->as.str);
	size_t at = 4;
	for (uint32_t i = 0; i < count; i++) {
		struct value element = row_codec_read(v->as.str, &at, *v->type.element);
		seed = xxhash_value(&element, seed);
	}
	return seed;
}

/* Each value's hash seeds the next, as in hash(); small integers hash as four bytes. */
static uint64_t xxhash_value(const struct value *v, uint64_t seed)
{
	if (v->is_null || v->type.id == TYPE_NULL)
		return seed;
	int32_t small;
	switch (type_phys(v->type)) {
	case PHYS_BOOL: small = v->as.boolean; return XXH64(&small, 4, seed);
	case PHYS_I32: return XXH64(&v->as.i32, 4, seed);
	case PHYS_I64: return XXH64(&v->as.i64, 8, seed);
	case PHYS_F32: {
		float f = v->as.f32 == 0 ? 0.0F : v->as.f32 == v->as.f32 ? v->as.f32 : NAN;
		return XXH64(&f, 4, seed);
	}
	case PHYS_F64: {
		double d = v->as.f64 == 0 ? 0.0 : v->as.f64 == v->as.f64 ? v->as.f64 : (double)NAN;
		return XXH64(&d, 8, seed);
	}
	case PHYS_I128:
		if (v->type.precision <= 18) {
			int64_t i = (int64_t)v->as.i128;
			return XXH64(&i, 8, seed);
		}
		return xxhash_wide(v->as.i128, seed);
	case PHYS_STR:
		return v->type.id == TYPE_ARRAY ? xxhash_array(v, seed)
						: XXH64(v->as.str.data, v->as.str.len, seed);
	case phys_count: break;
	}
	return seed;
}

void kernel_xxhash64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	int64_t *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run->live[w];
		for (uint32_t i; next_row(&bits, w, &i);) {
			uint64_t hash = spark_hash_seed;
			for (uint32_t k = 0; k < e->arg_count; k++) {
				struct value v =
					value_from_column(&args[k].column, e->args[k]->type, i);
				hash = xxhash_value(&v, hash);
				if (vector_fault(&args[k], i) != EXPR_FINE)
					expr_pass_fault(run, out, i, vector_fault(&args[k], i));
			}
			r[i] = (int64_t)hash;
		}
	}
}

static int crc32_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str s = row_str(&args[0], row);
	(void)e;
	(void)run;
	row_set_i64(out, row,
		(int64_t)crc32_z(0, (const unsigned char *)s.data, s.data == NULL ? 0 : s.len));
	return EXPR_FINE;
}

/* ---- blocks of 64 bytes, as MD5, SHA-1 and SHA-256 take them ---- */

typedef void block_fn(uint32_t *state, const unsigned char *block);

static void put_length(unsigned char *at, uint64_t bits, bool big)
{
	for (int i = 0; i < 8; i++)
		at[big ? 7 - i : i] = (unsigned char)(bits >> (8 * i));
}

static void digest_blocks(struct str s, uint32_t *state, block_fn *block, bool big)
{
	unsigned char last[128] = {0};
	size_t whole = s.len / 64 * 64;
	for (size_t i = 0; i < whole; i += 64)
		block(state, (const unsigned char *)s.data + i);
	size_t rest = s.len - whole, end = rest + 9 > 64 ? 128 : 64;
	if (rest > 0)
		memcpy(last, s.data + whole, rest);
	last[rest] = 0x80;
	put_length(last + end - 8, (uint64_t)s.len * 8, big);
	for (size_t i = 0; i < end; i += 64)
		block(state, last + i);
}

static struct str hex_words(const uint32_t *state, unsigned words, bool big, struct arena *arena)
{
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(arena, words * 8, 1);
	for (unsigned i = 0; i < words * 4; i++) {
		unsigned shift = 8 * (big ? 3 - i % 4 : i % 4);
		unsigned byte = state[i / 4] >> shift & 0xFF;
		text[2 * i] = digits[byte >> 4];
		text[2 * i + 1] = digits[byte & 15];
	}
	return (struct str){text, words * 8};
}

static uint32_t rotate_left(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static uint32_t read_big(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 1321; the table is floor(2^32 * abs(sin(i + 1))) */
static const uint32_t md5_table[64] = {
	0xd76aa478,
	0xe8c7b756,
	0x242070db,
	0xc1bdceee,
	0xf57c0faf,
	0x4787c62a,
	0xa8304613,
	0xfd469501,
	0x698098d8,
	0x8b44f7af,
	0xffff5bb1,
	0x895cd7be,
	0x6b901122,
	0xfd987193,
	0xa679438e,
	0x49b40821,
	0xf61e2562,
	0xc040b340,
	0x265e5a51,
	0xe9b6c7aa,
	0xd62f105d,
	0x02441453,
	0xd8a1e681,
	0xe7d3fbc8,
	0x21e1cde6,
	0xc33707d6,
	0xf4d50d87,
	0x455a14ed,
	0xa9e3e905,
	0xfcefa3f8,
	0x676f02d9,
	0x8d2a4c8a,
	0xfffa3942,
	0x8771f681,
	0x6d9d6122,
	0xfde5380c,
	0xa4beea44,
	0x4bdecfa9,
	0xf6bb4b60,
	0xbebfbc70,
	0x289b7ec6,
	0xeaa127fa,
	0xd4ef3085,
	0x04881d05,
	0xd9d4d039,
	0xe6db99e5,
	0x1fa27cf8,
	0xc4ac5665,
	0xf4292244,
	0x432aff97,
	0xab9423a7,
	0xfc93a039,
	0x655b59c3,
	0x8f0ccc92,
	0xffeff47d,
	0x85845dd1,
	0x6fa87e4f,
	0xfe2ce6e0,
	0xa3014314,
	0x4e0811a1,
	0xf7537e82,
	0xbd3af235,
	0x2ad7d2bb,
	0xeb86d391,
};

static void md5_block(uint32_t *state, const unsigned char *p)
{
	static const unsigned char turns[4][4] = {
		{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], x[16];
	for (unsigned i = 0; i < 16; i++)
		x[i] = (uint32_t)p[4 * i + 3] << 24 | (uint32_t)p[4 * i + 2] << 16
			| (uint32_t)p[4 * i + 1] << 8 | p[4 * i];
	for (unsigned i = 0; i < 64; i++) {
		uint32_t f;
		unsigned k;
		switch (i / 16) {
		case 0: f = (b & c) | (~b & d), k = i; break;
		case 1: f = (b & d) | (c & ~d), k = (5 * i + 1) % 16; break;
		case 2: f = b ^ c ^ d, k = (3 * i + 5) % 16; break;
		default: f = c ^ (b | ~d), k = 7 * i % 16; break;
		}
		uint32_t sum = a + f + md5_table[i] + x[k];
		a = d;
		d = c;
		c = b;
		b += rotate_left(sum, turns[i / 16][i % 4]);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

static int md5_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
	(void)e;
	digest_blocks(row_str(&args[0], row), state, md5_block, false);
	row_set_str(out, row, hex_words(state, 4, false, run->arena));
	return EXPR_FINE;
}

/* FIPS 180-4 */
static void sha1_block(uint32_t *state, const unsigned char *p)
{
	uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
	for (unsigned i = 0; i < 80; i++)
		w[i] = i < 16 ? read_big(p + 4 * i)
			      : rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (unsigned i = 0; i < 80; i++) {
		static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
		uint32_t f = i < 20	    ? (b & c) | (~b & d)
			: i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d)
					    : b ^ c ^ d;
		uint32_t sum = rotate_left(a, 5) + f + e + k[i / 20] + w[i];
		e = d;
		d = c;
		c = rotate_left(b, 30);
		b = a;
		a = sum;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

static int sha1_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	(void)e;
	digest_blocks(row_str(&args[0], row), state, sha1_block, true);
	row_set_str(out, row, hex_words(state, 5, true, run->arena));
	return EXPR_FINE;
}

static const uint32_t sha256_table[64] = {
	0x428a2f98,
	0x71374491,
	0xb5c0fbcf,
	0xe9b5dba5,
	0x3956c25b,
	0x59f111f1,
	0x923f82a4,
	0xab1c5ed5,
	0xd807aa98,
	0x12835b01,
	0x243185be,
	0x550c7dc3,
	0x72be5d74,
	0x80deb1fe,
	0x9bdc06a7,
	0xc19bf174,
	0xe49b69c1,
	0xefbe4786,
	0x0fc19dc6,
	0x240ca1cc,
	0x2de92c6f,
	0x4a7484aa,
	0x5cb0a9dc,
	0x76f988da,
	0x983e5152,
	0xa831c66d,
	0xb00327c8,
	0xbf597fc7,
	0xc6e00bf3,
	0xd5a79147,
	0x06ca6351,
	0x14292967,
	0x27b70a85,
	0x2e1b2138,
	0x4d2c6dfc,
	0x53380d13,
	0x650a7354,
	0x766a0abb,
	0x81c2c92e,
	0x92722c85,
	0xa2bfe8a1,
	0xa81a664b,
	0xc24b8b70,
	0xc76c51a3,
	0xd192e819,
	0xd6990624,
	0xf40e3585,
	0x106aa070,
	0x19a4c116,
	0x1e376c08,
	0x2748774c,
	0x34b0bcb5,
	0x391c0cb3,
	0x4ed8aa4a,
	0x5b9cca4f,
	0x682e6ff3,
	0x748f82ee,
	0x78a5636f,
	0x84c87814,
	0x8cc70208,
	0x90befffa,
	0xa4506ceb,
	0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotate_right(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void sha256_block(uint32_t *state, const unsigned char *p)
{
	uint32_t w[64], v[8];
	memcpy(v, state, sizeof(v));
	for (unsigned i = 0; i < 64; i++) {
		if (i < 16) {
			w[i] = read_big(p + 4 * i);
			continue;
		}
		uint32_t x = w[i - 15], y = w[i - 2];
		w[i] = w[i - 16] + (rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3) + w[i - 7]
			+ (rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10);
	}
	for (unsigned i = 0; i < 64; i++) {
		uint32_t one =
			rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^ rotate_right(v[4], 25);
		uint32_t sum =
			v[7] + one + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha256_table[i] + w[i];
		uint32_t zero =
			rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^ rotate_right(v[0], 22);
		uint32_t more = zero + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += sum;
		v[0] = sum + more;
	}
	for (unsigned i = 0; i < 8; i++)
		state[i] += v[i];
}

static struct str sha512_text(struct str text, bool short_one, struct arena *arena)
{
	uint64_t state[8];
	uint32_t halves[16];
	sha512(text, short_one, state);
	for (int i = 0; i < 16; i++)
		halves[i] = (uint32_t)(state[i / 2] >> (i % 2 == 0 ? 32 : 0));
	return hex_words(halves, short_one ? 12 : 16, true, arena);
}

/* sha2(s, bits): 224, 256 (0 means that), 384, 512; others are NULL. */
static int sha2_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	uint32_t wide[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
		0x1f83d9ab, 0x5be0cd19};
	uint32_t narrow[8] = {0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31,
		0x68581511, 0x64f98fa7, 0xbefa4fa4};
	int32_t bits = row_i32(&args[1], row);
	(void)e;
	if (bits == 384 || bits == 512) {
		row_set_str(out, row,
			sha512_text(row_str(&args[0], row), bits == 384, run->arena));
		return EXPR_FINE;
	}
	if (bits != 0 && bits != 224 && bits != 256)
		return ROW_NULL;
	uint32_t *state = bits == 224 ? narrow : wide;
	digest_blocks(row_str(&args[0], row), state, sha256_block, true);
	row_set_str(out, row, hex_words(state, bits == 224 ? 7 : 8, true, run->arena));
	return EXPR_FINE;
}

KERNEL_OF_ROWS(kernel_crc32, crc32_row)
KERNEL_OF_ROWS(kernel_md5, md5_row)
KERNEL_OF_ROWS(kernel_sha1, sha1_row)
KERNEL_OF_ROWS(kernel_sha2, sha2_row)
