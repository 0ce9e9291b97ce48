#include "decode/json_kernel.h"

#include <stdlib.h>

static enum json_match no_match(const struct json_template *t, struct json_row *r)
{
	(void)t;
	(void)r;
	return JSON_NO_MATCH;
}

static uint32_t no_rows(const struct json_template *t, struct json_row *r,
	const struct str *messages, uint32_t count, enum json_match *last)
{
	(void)t;
	(void)r;
	(void)messages;
	(void)count;
	*last = JSON_NO_MATCH;
	return 0;
}

static const char *slow_value(const struct json_slot *slot, struct json_row *r, const char *p)
{
	return json_row_value(r, slot->column, p);
}

static const char *no_fields(const struct json_slot *slots, uint32_t count, struct json_row *r,
	const char *p, int32_t *column, struct json_shape *shape)
{
	(void)slots;
	(void)count;
	(void)r;
	(void)column;
	(void)shape;
	return p;
}

const struct json_kernel json_kernel_plain = {
	"plain", json_string_stop, no_match, no_rows, slow_value, no_fields};

const struct json_kernel *json_kernel_choose(void)
{
	struct str wanted = str_c(getenv("CDCL_SIMD"));
	if (str_eq(wanted, str_lit("plain")))
		return &json_kernel_plain;
#if defined(__x86_64__)
	bool any = wanted.len == 0;
	__builtin_cpu_init();
	if ((any || str_eq(wanted, str_lit("avx2"))) && __builtin_cpu_supports("avx2"))
		return &json_kernel_avx2;
	if (!str_eq(wanted, str_lit("scalar")) && __builtin_cpu_supports("sse4.2"))
		return &json_kernel_sse42;
#endif
	return &json_kernel_scalar;
}
