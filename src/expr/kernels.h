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
/* Text in capitals, as upper() gives it. */
struct str string_upper(struct str s, struct arena *arena);
kernel_fn kernel_lower;
kernel_fn kernel_initcap;
kernel_fn kernel_length;
kernel_fn kernel_byte_length;
kernel_fn kernel_trim;
kernel_fn kernel_ltrim;
kernel_fn kernel_rtrim;
kernel_fn kernel_substring;
kernel_fn kernel_concat;
kernel_fn kernel_like;
kernel_fn kernel_ilike;

enum like_shape { LIKE_GENERAL, LIKE_EXACT, LIKE_STARTS, LIKE_ENDS, LIKE_CONTAINS };

struct like_plan {
	enum like_shape shape;
	char escape;
	struct str part;
};

bool like_pattern_good(struct str pattern, char escape);
struct like_plan *like_prepare(struct str pattern, bool constant, char escape, struct arena *arena);

/* kernel_message.c: @offset and json paths */
kernel_fn kernel_topic;
kernel_fn kernel_partition;
kernel_fn kernel_offset;
kernel_fn kernel_timestamp;
kernel_fn kernel_key;
kernel_fn kernel_value;
kernel_fn kernel_headers;
kernel_fn kernel_op;
kernel_fn kernel_before;
kernel_fn kernel_source;
kernel_fn kernel_event_time;
kernel_fn kernel_json_path;

/* kernel_array.c */
kernel_fn kernel_size;
kernel_fn kernel_element;
kernel_fn kernel_item;
kernel_fn kernel_array_contains;
kernel_fn kernel_sort_array;
kernel_fn kernel_array_join;

/* kernel_format.c */
kernel_fn kernel_json_object;
kernel_fn kernel_format;

/* kernel_hash.c */
kernel_fn kernel_crc32;
kernel_fn kernel_md5;
kernel_fn kernel_sha1;
kernel_fn kernel_sha2;
kernel_fn kernel_hash;
kernel_fn kernel_xxhash64;

/* kernel_math.c */
kernel_fn kernel_ln;
kernel_fn kernel_log10;
kernel_fn kernel_log2;
kernel_fn kernel_log;
kernel_fn kernel_power;
kernel_fn kernel_atan2;
kernel_fn kernel_is_nan;
kernel_fn kernel_sqrt;
kernel_fn kernel_cbrt;
kernel_fn kernel_exp;
kernel_fn kernel_sin;
kernel_fn kernel_cos;
kernel_fn kernel_tan;
kernel_fn kernel_degrees;
kernel_fn kernel_radians;
kernel_fn kernel_rint;
kernel_fn kernel_sign;
extern kernel_fn *const kernels_bit_and[phys_count];
extern kernel_fn *const kernels_bit_or[phys_count];
extern kernel_fn *const kernels_bit_xor[phys_count];
extern kernel_fn *const kernels_bit_not[phys_count];

/* kernel_regex.c */
kernel_fn kernel_rlike;
kernel_fn kernel_regexp_replace;
kernel_fn kernel_regexp_extract;
kernel_fn kernel_split;

/* kernel_text.c */
kernel_fn kernel_reverse;
kernel_fn kernel_repeat;
kernel_fn kernel_replace;
kernel_fn kernel_translate;
kernel_fn kernel_lpad;
kernel_fn kernel_rpad;
kernel_fn kernel_left;
kernel_fn kernel_right;
kernel_fn kernel_instr;
kernel_fn kernel_locate;
kernel_fn kernel_contains;
kernel_fn kernel_starts;
kernel_fn kernel_ends;
kernel_fn kernel_substring_index;
kernel_fn kernel_split_part;
kernel_fn kernel_ascii;
kernel_fn kernel_chr;
kernel_fn kernel_space;
kernel_fn kernel_octets;
kernel_fn kernel_bits;
kernel_fn kernel_hex;
kernel_fn kernel_hex_number;
kernel_fn kernel_levenshtein;
kernel_fn kernel_concat_ws;

/* kernel_time.c */
kernel_fn kernel_hour;
kernel_fn kernel_minute;
kernel_fn kernel_second;
kernel_fn kernel_date_add;
kernel_fn kernel_date_sub;
kernel_fn kernel_date_diff;
kernel_fn kernel_add_months;
kernel_fn kernel_last_day;
kernel_fn kernel_make_date;
kernel_fn kernel_from_seconds;
kernel_fn kernel_from_millis;
kernel_fn kernel_from_micros;
kernel_fn kernel_to_seconds;
kernel_fn kernel_to_whole_seconds; /* towards zero, as unix_timestamp counts */
kernel_fn kernel_to_millis;
kernel_fn kernel_to_micros;
kernel_fn kernel_unix_date;
kernel_fn kernel_trunc;
kernel_fn kernel_date_trunc;
kernel_fn kernel_year;
kernel_fn kernel_quarter;
kernel_fn kernel_month;
kernel_fn kernel_day;
kernel_fn kernel_weekday;
kernel_fn kernel_iso_weekday;
kernel_fn kernel_yearday;
kernel_fn kernel_week;

/* kernel_pattern.c */
kernel_fn kernel_date_format;
kernel_fn kernel_from_unixtime;
kernel_fn kernel_parse_timestamp;
kernel_fn kernel_parse_seconds;
kernel_fn kernel_parse_date;

struct json_path {
	struct json_step *steps;
	uint32_t count;
};

#endif
