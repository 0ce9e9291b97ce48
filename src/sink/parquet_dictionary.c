#define XXH_INLINE_ALL
#include "sink/parquet_dictionary.h"

#include "base/check.h"

#include <stdlib.h>
#include <xxhash.h>

enum { slots_least = 1024 };

void parquet_dictionary_init(struct parquet_dictionary *d, enum parquet_form form)
{
	*d = (struct parquet_dictionary){.form = form};
	strbuf_init(&d->values);
	strbuf_init(&d->starts);
}

void parquet_dictionary_release(struct parquet_dictionary *d)
{
	free(d->slots);
	strbuf_release(&d->values);
	strbuf_release(&d->starts);
}

void parquet_dictionary_clear(struct parquet_dictionary *d)
{
	if (d->count > 0) {
		memset(d->slots, 0, (d->slot_mask + (size_t)1) * sizeof *d->slots);
	}
	d->count = 0;
	strbuf_reset(&d->values);
	strbuf_reset(&d->starts);
}

/* Twice the slots; the tags are hash enough to place the numbers again. */
static void grow(struct parquet_dictionary *d)
{
	uint32_t mask = d->slots == NULL ? slots_least - 1 : d->slot_mask * 2 + 1;
	uint64_t *slots = calloc(mask + (size_t)1, sizeof *slots);
	check(slots != NULL); /* out of memory */
	for (uint32_t i = 0; d->slots != NULL && i <= d->slot_mask; i++) {
		if (d->slots[i] != 0) {
			uint32_t at = (uint32_t)(d->slots[i] >> 32) & mask;
			while (slots[at] != 0) {
				at = (at + 1) & mask;
			}
			slots[at] = d->slots[i];
		}
	}
	free(d->slots);
	d->slots = slots;
	d->slot_mask = mask;
}

static bool has_room(struct parquet_dictionary *d)
{
	if (d->count >= dictionary_entries_max || d->values.len >= dictionary_bytes_max) {
		return false;
	}
	if (d->slots == NULL || d->count * 2 > d->slot_mask) {
		grow(d);
	}
	return true;
}

static inline uint32_t mix(uint64_t bits)
{
	bits ^= bits >> 32;
	bits *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(bits >> 32);
}

/*
 * One loop for each width, made from this by inlining with `width` constant: 4, 8, 16, or 0 for
 * bytes.
 */
static inline __attribute__((always_inline)) uint32_t hash_of(const char *value, size_t width)
{
	uint64_t low, high;
	if (width == 4) {
		uint32_t half;
		memcpy(&half, value, sizeof half);
		return mix(half);
	}
	if (width == 0) {
		const struct str *s = (const void *)value;
		return (uint32_t)XXH3_64bits(s->data, s->len);
	}
	memcpy(&low, value, sizeof low);
	if (width == 16) {
		memcpy(&high, value + sizeof low, sizeof high);
		low ^= high * UINT64_C(0xbf58476d1ce4e5b9);
	}
	return mix(low);
}

static inline __attribute__((always_inline)) bool is_entry(
	const struct parquet_dictionary *d, uint32_t number, const char *value, size_t width)
{
	if (width != 0) {
		return memcmp(d->values.data + number * width, value, width) == 0;
	}
	const struct str *s = (const void *)value;
	uint32_t start, len;
	memcpy(&start, d->starts.data + number * sizeof start, sizeof start);
	memcpy(&len, d->values.data + start, sizeof len);
	return len == s->len && memcmp(d->values.data + start + sizeof len, s->data, len) == 0;
}

static inline __attribute__((always_inline)) void append(
	struct parquet_dictionary *d, const char *value, size_t width)
{
	if (width != 0) {
		strbuf_add(&d->values, (struct str){value, width});
		return;
	}
	const struct str *s = (const void *)value;
	uint32_t start = (uint32_t)d->values.len, len = (uint32_t)s->len;
	strbuf_add(&d->starts, (struct str){(const char *)&start, sizeof start});
	strbuf_add(&d->values, (struct str){(const char *)&len, sizeof len});
	strbuf_add(&d->values, *s);
}

static inline __attribute__((always_inline)) uint32_t add_all(struct parquet_dictionary *d,
	const char *values, uint32_t n, uint32_t *numbers, size_t width)
{
	size_t step = width == 0 ? sizeof(struct str) : width;
	for (uint32_t i = 0; i < n; i++, values += step) {
		uint32_t hash = hash_of(values, width), at = hash & d->slot_mask, probes = 0;
		for (;; at = (at + 1) & d->slot_mask) {
			uint64_t slot = d->slots[at];
			if (slot == 0) {
				break;
			}
			if ((uint32_t)(slot >> 32) == hash &&
				is_entry(d, (uint32_t)slot - 1, values, width)) {
				break;
			}
			if (++probes > dictionary_probes_max) {
				return i;
			}
		}
		if (d->slots[at] == 0) {
			d->slots[at] = (uint64_t)hash << 32 | (d->count + 1);
			append(d, values, width);
			d->count++;
			if (!has_room(d)) {
				numbers[i] = d->count - 1;
				return i + 1;
			}
			numbers[i] = d->count - 1;
		} else {
			numbers[i] = (uint32_t)d->slots[at] - 1;
		}
	}
	return n;
}

uint32_t parquet_dictionary_add(
	struct parquet_dictionary *d, const void *values, uint32_t n, uint32_t *numbers)
{
	if (!has_room(d)) {
		return 0;
	}
	switch (d->form) {
	case FORM_I32:
	case FORM_F32: return add_all(d, values, n, numbers, 4);
	case FORM_I64:
	case FORM_F64: return add_all(d, values, n, numbers, 8);
	case FORM_I128: return add_all(d, values, n, numbers, 16);
	case FORM_BYTES: return add_all(d, values, n, numbers, 0);
	default: check_failed("no dictionary of booleans", __FILE__, __LINE__);
	}
}

struct str parquet_dictionary_get(const struct parquet_dictionary *d, uint32_t number)
{
	check(number < d->count);
	if (d->form != FORM_BYTES) {
		size_t width = parquet_form_bytes(d->form);
		return (struct str){d->values.data + number * width, width};
	}
	uint32_t start, len;
	memcpy(&start, d->starts.data + number * sizeof start, sizeof start);
	memcpy(&len, d->values.data + start, sizeof len);
	return (struct str){d->values.data + start + sizeof len, len};
}
