#ifndef CDCL_JSON_KERNEL_H
#define CDCL_JSON_KERNEL_H

/*
 * The loops that see every byte, built three times: for any CPU, for SSE4.2 and for AVX2. All give
 * the same answers, bit for bit; which one runs is chosen by what the CPU has, or by the
 * environment (CDCL_SIMD=scalar|sse42|avx2, for tests and for doubt). The code is in
 * json_kernel_impl.h.
 */

#include "decode/json_row.h"
#include "decode/json_template.h"

struct json_kernel {
	const char *name;

	/* json_string_stop of json_scan.h. */
	const char *(*string_stop)(const char *p, const char *end);

	/*
	 * Reads the message of r->scan by a template. False: it does not fit; the row may then hold
	 * part of it and wants json_row_clear.
	 */
	bool (*row)(const struct json_template *t, struct json_row *r);
};

extern const struct json_kernel json_kernel_scalar;
#if defined(__x86_64__)
extern const struct json_kernel json_kernel_sse42;
extern const struct json_kernel json_kernel_avx2;
#endif

/* The best that this CPU can run, or the one that CDCL_SIMD names if this CPU can run it. */
const struct json_kernel *json_kernel_choose(void);

#endif
