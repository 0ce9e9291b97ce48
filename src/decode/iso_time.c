#include "decode/iso_time.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits from *at on; at least one, at most twelve. */
static bool number(struct str s, size_t *at, int64_t *out)
{
	size_t from = *at;
	for (*out = 0; *at < s.len && is_digit(s.data[*at]) && *at - from < 12; ++*at)
		*out = *out * 10 + (s.data[*at] - '0');
	return *at > from && (*at == s.len || !is_digit(s.data[*at]));
}

/* ".789" in microseconds; nothing is 0. */
static bool fraction(struct str s, size_t *at, int64_t *out)
{
	int64_t unit = 100000;
	*out = 0;
	if (*at == s.len || s.data[*at] != '.')
		return true;
	size_t from = ++*at;
	for (; *at < s.len && is_digit(s.data[*at]); ++*at, unit /= 10)
		*out += unit * (s.data[*at] - '0');
	return *at > from && *at - from <= 9;
}

bool iso_time_micros(struct str text, int64_t *us)
{
	int64_t parts[3], micros;
	size_t at = 0;
	for (int i = 0; i < 3; i++) {
		size_t from = at;
		if (!number(text, &at, &parts[i]) || at - from != 2)
			return false;
		if (i < 2 && (at == text.len || text.data[at++] != ':'))
			return false;
	}
	if (parts[0] > 24 || parts[1] > 59 || parts[2] > 59 || !fraction(text, &at, &micros))
		return false;
	if (at < text.len && text.data[at] == 'Z')
		at++;
	*us = ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000000 + micros;
	return at == text.len;
}

/* Microseconds of a unit before or after the T; 0: there is no such unit. */
static int64_t unit_micros(char unit, bool time)
{
	const int64_t day = INT64_C(86400000000), month = INT64_C(2629800000000);
	switch (unit) {
	case 'Y':
		return time ? 0 : 12 * month;
	case 'M':
		return time ? 60000000 : month;
	case 'D':
		return time ? 0 : day;
	case 'H':
		return time ? INT64_C(3600000000) : 0;
	case 'S':
		return time ? 1000000 : 0;
	default:
		return 0;
	}
}

static bool interval_part(struct str s, size_t *at, bool time, int64_t *us)
{
	int64_t count, micros, part;
	bool negative = s.data[*at] == '-';
	*at += negative;
	if (!number(s, at, &count) || !fraction(s, at, &micros) || *at == s.len)
		return false;
	char unit = s.data[(*at)++];
	int64_t each = unit_micros(unit, time);
	if (each == 0 || (micros > 0 && unit != 'S') || __builtin_mul_overflow(count, each, &part))
		return false;
	part += micros;
	return !__builtin_add_overflow(*us, negative ? -part : part, us);
}

bool iso_interval_micros(struct str text, int64_t *us)
{
	bool time = false;
	size_t at = 1;
	*us = 0;
	if (text.len < 3 || text.data[0] != 'P')
		return false;
	while (at < text.len) {
		if (text.data[at] == 'T' && !time) {
			time = true;
			at++;
		} else if (!interval_part(text, &at, time, us)) {
			return false;
		}
	}
	return text.data[text.len - 1] != 'T';
}

struct str iso_colon_day(struct str text, char with_t[iso_colon_day_max])
{
	enum { day_len = 10 };
	if (text.len <= day_len || text.len > iso_colon_day_max || text.data[day_len] != ':')
		return (struct str){NULL, 0};
	memcpy(with_t, text.data, text.len);
	with_t[day_len] = 'T';
	return (struct str){with_t, text.len};
}
