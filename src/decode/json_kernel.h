#ifndef CDCL_JSON_KERNEL_H
#define CDCL_JSON_KERNEL_H

/*
 * The loops that see every byte, built three times: for any CPU, for SSE4.2 and for AVX2. All give
 * the same answers, bit for bit; which one runs is chosen by what the CPU has, or by the
 * environment (CDCL_SIMD=plain|scalar|sse42|avx2, for tests and for doubt). The code is in
 * json_kernel_impl.h.
 */

#include "decode/json_row.h"
#include "decode/json_template.h"

enum json_match {
	JSON_MATCH,
	JSON_NO_MATCH, /* nothing was stored */
	JSON_BROKE_OFF, /* part of the row was stored: it wants json_row_clear */
};

struct json_kernel {
	const char *name;

	/* json_string_stop of json_scan.h. */
	const char *(*string_stop)(const char *begin, const char *p, const char *end);

	/* Reads the message of r->scan by a template. */
	enum json_match (*row)(const struct json_template *t, struct json_row *r);

	/*
	 * Messages one after the other by one template, each into the row after the one before
	 * it, from r->index on: how many. Ends at the first that does not match or has a bad
	 * field; *last is what came of it.
	 */
	uint32_t (*rows)(const struct json_template *t, struct json_row *r,
		const struct str *messages, uint32_t count, enum json_match *last);

	/* json_row_value by way of the fast lanes: one value at p. */
	const char *(*value)(const struct json_slot *slot, struct json_row *r, const char *p);

	/*
	 * Fields from p on, as long as their names are those of the columns behind *column, one
	 * after the other (`before` of their slots): values are stored, and noted in the shape.
	 * Answers where the last value ends, p when there is none; NULL when it is malformed.
	 * slots[c] is the slot of column c.
	 */
	const char *(*fields)(const struct json_slot *slots, uint32_t count, struct json_row *r,
		const char *p, int32_t *column, struct json_shape *shape);
};

/* No templates and no fast lanes: what the others are compared with. */
extern const struct json_kernel json_kernel_plain;
extern const struct json_kernel json_kernel_scalar;
#if defined(__x86_64__)
extern const struct json_kernel json_kernel_sse42;
extern const struct json_kernel json_kernel_avx2;
#endif

/* The best that this CPU can run, or the one that CDCL_SIMD names if this CPU can run it. */
const struct json_kernel *json_kernel_choose(void);

#endif
