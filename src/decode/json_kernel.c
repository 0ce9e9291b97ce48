#include "decode/json_kernel.h"

#include <stdlib.h>

const struct json_kernel *json_kernel_choose(void)
{
#if defined(__x86_64__)
	struct str wanted = str_c(getenv("CDCL_SIMD"));
	bool any = wanted.len == 0;
	__builtin_cpu_init();
	if ((any || str_eq(wanted, str_lit("avx2"))) && __builtin_cpu_supports("avx2"))
		return &json_kernel_avx2;
	if (!str_eq(wanted, str_lit("scalar")) && __builtin_cpu_supports("sse4.2"))
		return &json_kernel_sse42;
#endif
	return &json_kernel_scalar;
}
