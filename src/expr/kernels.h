#ifndef CDCL_KERNELS_H
#define CDCL_KERNELS_H

/* Every kernel that the function table and the checker name. Rules: expr/expr_node.h. */

#include "decode/json_path.h"
#include "expr/expr_node.h"

/* kernel_number.c, by physical layout */
extern kernel_fn *const kernels_add[phys_count];
extern kernel_fn *const kernels_subtract[phys_count];
extern kernel_fn *const kernels_multiply[phys_count];
extern kernel_fn *const kernels_divide[phys_count];
extern kernel_fn *const kernels_remainder[phys_count];
extern kernel_fn *const kernels_pmod[phys_count];
extern kernel_fn *const kernels_div[phys_count];
extern kernel_fn *const kernels_negative[phys_count];
extern kernel_fn *const kernels_abs[phys_count];
extern kernel_fn *const kernels_floor[phys_count];
extern kernel_fn *const kernels_ceil[phys_count];
extern kernel_fn *const kernels_round[phys_count];

/* kernel_compare.c */
extern kernel_fn *const kernels_equal[phys_count];
extern kernel_fn *const kernels_not_equal[phys_count];
extern kernel_fn *const kernels_less[phys_count];
extern kernel_fn *const kernels_less_equal[phys_count];
extern kernel_fn *const kernels_greater[phys_count];
extern kernel_fn *const kernels_greater_equal[phys_count];
extern kernel_fn *const kernels_same[phys_count]; /* <=> */
extern kernel_fn *const kernels_greatest[phys_count];
extern kernel_fn *const kernels_least[phys_count];
kernel_fn kernel_in;

/* kernel_logic.c */
kernel_fn kernel_and;
kernel_fn kernel_or;
kernel_fn kernel_not;
kernel_fn kernel_is_null;
kernel_fn kernel_is_not_null;
kernel_fn kernel_coalesce;
kernel_fn kernel_case;
kernel_fn kernel_now;
kernel_fn kernel_today;

/* kernel_string.c */
kernel_fn kernel_upper;
kernel_fn kernel_lower;
kernel_fn kernel_length;
kernel_fn kernel_byte_length;
kernel_fn kernel_trim;
kernel_fn kernel_ltrim;
kernel_fn kernel_rtrim;
kernel_fn kernel_substring;
kernel_fn kernel_concat;
kernel_fn kernel_like;
kernel_fn kernel_ilike;
bool like_pattern_good(struct str pattern, char escape);

/* kernel_message.c: @offset and json paths */
kernel_fn kernel_topic;
kernel_fn kernel_partition;
kernel_fn kernel_offset;
kernel_fn kernel_timestamp;
kernel_fn kernel_key;
kernel_fn kernel_value;
kernel_fn kernel_headers;
kernel_fn kernel_json_path;

struct json_path {
	struct json_step *steps;
	uint32_t count;
};

#endif
