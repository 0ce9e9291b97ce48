#include "data/spark_hash.h"

#include "base/check.h"
#include "data/row_codec.h"

static uint32_t rotl(uint32_t x, unsigned r)
{
	return (x << r) | (x >> (32 - r));
}

static uint32_t mix(uint32_t h, uint32_t k)
{
	k = rotl(k * 0xcc9e2d51u, 15) * 0x1b873593u;
	return rotl(h ^ k, 13) * 5 + 0xe6546b64u;
}

static uint32_t finish(uint32_t h, uint32_t len)
{
	h ^= len;
	h = (h ^ (h >> 16)) * 0x85ebca6bu;
	h = (h ^ (h >> 13)) * 0xc2b2ae35u;
	return h ^ (h >> 16);
}

static uint32_t hash_int(uint32_t v, uint32_t seed)
{
	return finish(mix(seed, v), 4);
}

static uint32_t hash_long(uint64_t v, uint32_t seed)
{
	return finish(mix(mix(seed, (uint32_t)v), (uint32_t)(v >> 32)), 8);
}

/* Unlike standard murmur3, every byte of the tail is a signed int of its own and fully mixed. */
static uint32_t hash_bytes(struct str s, uint32_t seed)
{
	uint32_t h = seed;
	size_t whole = s.len & ~(size_t)3;
	for (size_t i = 0; i < whole; i += 4) {
		uint32_t k;
		memcpy(&k, s.data + i, 4);
		h = mix(h, k);
	}
	for (size_t i = whole; i < s.len; i++) {
		h = mix(h, (uint32_t)(int32_t)(signed char)s.data[i]);
	}
	return finish(h, (uint32_t)s.len);
}

/* Wide decimals hash as Java's BigInteger.toByteArray: big-endian, as few bytes as hold the sign.
 */
static uint32_t hash_wide_decimal(int128 v, uint32_t seed)
{
	char bytes[16];
	for (unsigned i = 0; i < 16; i++) {
		bytes[15 - i] = (char)(unsigned char)((uint128)v >> (8 * i));
	}
	unsigned start = 0;
	while (start < 15 &&
		((bytes[start] == 0 && bytes[start + 1] >= 0) ||
			(bytes[start] == -1 && bytes[start + 1] < 0))) {
		start++;
	}
	return hash_bytes((struct str){bytes + start, 16 - start}, seed);
}

static uint32_t hash_float(float f, uint32_t seed)
{
	uint32_t bits = 0x7fc00000u;
	if (f == 0.0f) {
		bits = 0;
	} else if (f == f) {
		memcpy(&bits, &f, sizeof bits);
	}
	return hash_int(bits, seed);
}

static uint32_t hash_double(double d, uint32_t seed)
{
	uint64_t bits = UINT64_C(0x7ff8000000000000);
	if (d == 0.0) {
		bits = 0;
	} else if (d == d) {
		memcpy(&bits, &d, sizeof bits);
	}
	return hash_long(bits, seed);
}

static uint32_t hash_array(const struct value *v, uint32_t seed)
{
	uint32_t count = row_codec_array_count(v->as.str);
	size_t at = 4;
	for (uint32_t i = 0; i < count; i++) {
		struct value element = row_codec_read(v->as.str, &at, *v->type.element);
		seed = spark_hash_value(&element, seed);
	}
	return seed;
}

uint32_t spark_hash_value(const struct value *v, uint32_t seed)
{
	if (v->is_null || v->type.id == TYPE_NULL) {
		return seed;
	}
	switch (type_phys(v->type)) {
	case PHYS_BOOL: return hash_int(v->as.boolean ? 1 : 0, seed);
	case PHYS_I32: return hash_int((uint32_t)v->as.i32, seed);
	case PHYS_I64: return hash_long((uint64_t)v->as.i64, seed);
	case PHYS_F32: return hash_float(v->as.f32, seed);
	case PHYS_F64: return hash_double(v->as.f64, seed);
	case PHYS_I128:
		return v->type.precision <= 18 ? hash_long((uint64_t)v->as.i128, seed)
					       : hash_wide_decimal(v->as.i128, seed);
	case PHYS_STR:
		return v->type.id == TYPE_ARRAY ? hash_array(v, seed) : hash_bytes(v->as.str, seed);
	case phys_count: break;
	}
	check_failed("no such layout", __FILE__, __LINE__);
	return 0;
}

unsigned spark_partition(uint32_t hash)
{
	int32_t m = (int32_t)hash % spark_shuffle_partitions;
	return (unsigned)(m < 0 ? m + spark_shuffle_partitions : m);
}
