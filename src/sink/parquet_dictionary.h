#ifndef CDCL_PARQUET_DICTIONARY_H
#define CDCL_PARQUET_DICTIONARY_H

/*
 * The distinct values of one column of one row group, numbered in the order they came. `values` is
 * what the dictionary page will hold (a decimal of 16 bytes is kept as an int128 until then):
 *
 *	slots   [ tag:32 | number+1:32 ]   open addressing, power of two, at most half full
 *	values  fixed width: number * width;  bytes: 4-byte length and the bytes, found by `starts`
 *
 * Equal means equal bits: NaNs with other payloads and -0.0 beside 0.0 stay what they are. A probe
 * that goes too far ends the dictionary like one that is full: values chosen to collide cost the
 * compression, not the time.
 */

#include "base/str.h"
#include "sink/parquet_type.h"

enum {
	dictionary_entries_max = 128 * 1024,
	dictionary_bytes_max = 1024 * 1024,
	dictionary_probes_max = 64,
};

struct parquet_dictionary {
	enum parquet_form form;
	uint64_t *slots;                /* malloc */
	uint32_t slot_mask;
	uint32_t count;
	struct strbuf values;
	struct strbuf starts;           /* uint32_t each; FORM_BYTES */
};

void parquet_dictionary_init(struct parquet_dictionary *d, enum parquet_form form);
void parquet_dictionary_release(struct parquet_dictionary *d);
void parquet_dictionary_clear(struct parquet_dictionary *d);

/*
 * Numbers of values[0..n-1] into `numbers`. Returns how many: fewer than n when the dictionary is
 * full.
 */
uint32_t parquet_dictionary_add(
	struct parquet_dictionary *d, const void *values, uint32_t n, uint32_t *numbers);

/* Bytes of value `number` as PLAIN would write it. FORM_BYTES: without its length. */
struct str parquet_dictionary_get(const struct parquet_dictionary *d, uint32_t number);

#endif
