#include "decode/json_infer.h"

#include "base/bounds.h"
#include "data/change.h"
#include "data/value.h"
#include "decode/json_path.h"

/* Where `pattern` says 9, a digit; other characters stand for themselves. What is left, or absent.
 */
static struct str skip(struct str s, const char *pattern)
{
	for (; *pattern != '\0'; pattern++) {
		if (s.len == 0)
			return (struct str){NULL, 0};
		char c = s.data[0];
		if (*pattern == '9' ? c < '0' || c > '9' : c != *pattern)
			return (struct str){NULL, 0};
		s = str_sub(s, 1, s.len);
	}
	return s;
}

static bool is_zone(struct str s)
{
	if (s.len == 0 || str_eq(s, str_lit("Z")))
		return true;
	if (s.data[0] != '+' && s.data[0] != '-')
		return false;
	s = str_sub(s, 1, s.len);
	struct str rest = skip(s, "99:99");
	if (rest.data == NULL)
		rest = skip(s, "99");
	return rest.data != NULL && rest.len == 0;
}

/* 2024-02-29, 2024-02-29T12:34:56.789Z, 2024-02-29 12:34:56+02:00 */
static void note_time(struct json_infer *f, struct str s)
{
	struct str rest = skip(s, "9999-99-99");
	if (rest.data == NULL)
		return;
	if (rest.len == 0) {
		f->days++;
		return;
	}
	struct str time = skip(rest, "T99:99:99");
	if (time.data == NULL)
		time = skip(rest, " 99:99:99");
	if (time.data == NULL)
		return;
	if (time.len > 1 && time.data[0] == '.') {
		time = str_sub(time, 1, time.len);
		while (time.len > 0 && time.data[0] >= '0' && time.data[0] <= '9')
			time = str_sub(time, 1, time.len);
	}
	f->instants += is_zone(time);
}

static void note_number(struct json_infer *f, struct str value)
{
	uint32_t digits = 0;
	for (size_t i = 0; i < value.len; i++) {
		bool digit = value.data[i] >= '0' && value.data[i] <= '9';
		if (!digit && !(i == 0 && value.data[i] == '-')) {
			f->fractions++;
			return;
		}
		digits += digit;
	}
	int64_t n = 0;
	f->integers++;
	f->beyond_bigint |= !int64_parse(value, &n);
	if (digits > f->digits_max)
		f->digits_max = digits;
}

void json_infer_add(struct json_infer *f, struct str value)
{
	if (value.len == 0)
		return;
	switch (json_kind_of(value)) {
	case JSON_KIND_NULL:
		f->nulls++;
		break;
	case JSON_KIND_BOOLEAN:
		f->booleans++;
		break;
	case JSON_KIND_NUMBER:
		note_number(f, value);
		break;
	case JSON_KIND_STRING: {
		struct str text = str_sub(value, 1, value.len >= 2 ? value.len - 2 : 0);
		f->strings++;
		f->op_words += change_op_parse(text) != CHANGE_UNKNOWN;
		note_time(f, text);
		break;
	}
	case JSON_KIND_ARRAY:
		f->arrays++;
		break;
	case JSON_KIND_OBJECT:
		f->objects++;
		break;
	}
}

static struct type number_type(const struct json_infer *f)
{
	if (f->fractions > 0 || f->digits_max > decimal_digits_max)
		return type_of(TYPE_DOUBLE);
	return f->beyond_bigint ? type_decimal(f->digits_max, 0) : type_of(TYPE_BIGINT);
}

bool json_infer_has_value(const struct json_infer *f)
{
	return f->booleans + f->integers + f->fractions + f->strings + f->objects + f->arrays > 0;
}

struct type json_infer_type(const struct json_infer *f)
{
	int64_t numbers = f->integers + f->fractions;
	int64_t all = f->booleans + numbers + f->strings + f->objects + f->arrays;
	if (all == 0)
		return type_of(TYPE_STRING);
	if (f->objects + f->arrays > 0)
		return type_of(TYPE_JSON);
	if (f->booleans == all)
		return type_of(TYPE_BOOLEAN);
	if (numbers == all)
		return number_type(f);
	if (f->days == all)
		return type_of(TYPE_DATE);
	if (f->days + f->instants == all)
		return type_of(TYPE_TIMESTAMP);
	return type_of(TYPE_STRING);
}
