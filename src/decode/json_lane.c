#include "decode/json_lane.h"

#include "base/bounds.h"
#include "base/utf8.h"
#include "data/decimal.h"
#include "data/value.h"

static struct column *column_of(const struct json_slot *slot, struct json_row *r)
{
	return &r->chunk->columns[slot->column];
}

static bool begins_with(const char *p, const char *end, const char *word, size_t len)
{
	return (size_t)(end - p) >= len && memcmp(p, word, len) == 0;
}

const char *json_lane_end(const struct json_slot *slot, struct json_row *r, const char *p)
{
	struct column *c = column_of(slot, r);
	struct str *s = &((struct str *)c->data)[r->index];
	s->len = (size_t)(p - s->data);
	bit_clear(c->nulls, r->index);
	return p;
}

const char *json_lane_word(const struct json_slot *slot, struct json_row *r, const char *p)
{
	const char *end = r->scan.end;
	if (slot->column == JSON_NO_COLUMN)
		return begins_with(p, end, "null", 4) ? p + 4 : NULL;
	struct column *c = column_of(slot, r);
	if (begins_with(p, end, "null", 4)) {
		bit_set(c->nulls, r->index);
		return p + 4;
	}
	if (slot->kind != JSON_SLOT_BOOLEAN)
		return NULL;
	bool yes = begins_with(p, end, "true", 4);
	if (!yes && !begins_with(p, end, "false", 5))
		return NULL;
	((uint8_t *)c->data)[r->index] = yes;
	bit_clear(c->nulls, r->index);
	return p + (yes ? 4 : 5);
}

/* ---- numbers ---- */

struct plain_number {
	uint64_t mantissa;
	unsigned digits; /* all of them, a leading zero too */
	unsigned fraction; /* of which after the point */
	bool negative;
};

/* [-]digits[.digits], no zero before another digit, at most 19 digits: the end, or NULL. */
static const char *plain_number(const char *p, const char *end, struct plain_number *n)
{
	*n = (struct plain_number){.negative = p < end && *p == '-'};
	p += n->negative;
	const char *from = p, *point = NULL;
	for (; p < end; p++) {
		if (*p >= '0' && *p <= '9')
			n->mantissa = n->mantissa * 10 + (uint64_t)(*p - '0');
		else if (*p == '.' && point == NULL)
			point = p;
		else
			break;
	}
	const char *whole_end = point != NULL ? point : p;
	n->fraction = point != NULL ? (unsigned)(p - point - 1) : 0;
	n->digits = (unsigned)(whole_end - from) + n->fraction;
	if (p == end || p - from > 20 || n->digits > 19 || whole_end == from)
		return NULL;
	if ((point != NULL && n->fraction == 0) || (*from == '0' && whole_end - from > 1))
		return NULL;
	return (*p | 0x20) == 'e' ? NULL : p;
}

const char *json_lane_double(const struct json_slot *slot, struct json_row *r, const char *p)
{
	static const double pow10[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
	struct plain_number n;
	p = plain_number(p, r->scan.end, &n);
	/* Both factors are exact, so that the division rounds once; zeros have signs to think
	 * about. */
	if (p == NULL || n.mantissa > UINT64_C(1) << 53 || n.mantissa == 0)
		return NULL;
	struct column *c = column_of(slot, r);
	double d = (double)n.mantissa / pow10[n.fraction];
	((double *)c->data)[r->index] = n.negative ? -d : d;
	bit_clear(c->nulls, r->index);
	return p;
}

const char *json_lane_decimal(const struct json_slot *slot, struct json_row *r, const char *p)
{
	struct plain_number n;
	const char *end = r->scan.end;
	bool quoted = p < end && *p == '"';
	p = plain_number(p + quoted, end, &n);
	if (p == NULL || (quoted && *p != '"') || n.digits > 18 || n.fraction > slot->scale)
		return NULL;
	int128 value = (int128)n.mantissa * decimal_pow10(slot->scale - n.fraction);
	if (!decimal_fits(value, slot->precision))
		return NULL;
	struct column *c = column_of(slot, r);
	((int128 *)c->data)[r->index] = n.negative ? -value : value;
	bit_clear(c->nulls, r->index);
	return p + quoted;
}

/* ---- dates and times ---- */

/* Two digits, or something above 99. */
static unsigned two_digits(const char *p)
{
	unsigned a = (unsigned)(unsigned char)p[0] - '0', b = (unsigned)(unsigned char)p[1] - '0';
	return a > 9 || b > 9 ? 100 : a * 10 + b;
}

static bool is_leap(unsigned y)
{
	return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

/* YYYY-MM-DD at p, ten bytes that are there; years 1 to 9999. */
static bool plain_date(const char *p, int64_t *days)
{
	static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned century = two_digits(p), year = two_digits(p + 2), month = two_digits(p + 5),
		 day = two_digits(p + 8);
	if (century > 99 || year > 99 || p[4] != '-' || p[7] != '-' || month < 1 || month > 12)
		return false;
	year += century * 100;
	if (year == 0 || day < 1 ||
		day > (month == 2 && is_leap(year) ? 29U : month_days[month - 1]))
		return false;
	*days = date_from_civil(year, month, day);
	return true;
}

const char *json_lane_date(const struct json_slot *slot, struct json_row *r, const char *p)
{
	int64_t days;
	if (r->scan.end - p < 12 || p[0] != '"' || p[11] != '"' || !plain_date(p + 1, &days))
		return NULL;
	struct column *c = column_of(slot, r);
	((int32_t *)c->data)[r->index] = (int32_t)days;
	bit_clear(c->nulls, r->index);
	return p + 12;
}

/* .d to .ddddddddd at p, cut to microseconds; no fraction is 0. The end. */
static const char *plain_fraction(const char *p, const char *end, int64_t *us)
{
	*us = 0;
	if (p == end || *p != '.')
		return p;
	int64_t unit = 100000;
	for (p++; p < end && *p >= '0' && *p <= '9'; p++) {
		*us += unit * (*p - '0');
		unit /= 10;
	}
	return p;
}

const char *json_lane_timestamp(const struct json_slot *slot, struct json_row *r, const char *p)
{
	const char *end = r->scan.end;
	int64_t days, us;
	if (end - p < 21 || p[0] != '"' || (p[11] != 'T' && p[11] != ' ') ||
		!plain_date(p + 1, &days))
		return NULL;
	unsigned hour = two_digits(p + 12), minute = two_digits(p + 15),
		 second = two_digits(p + 18);
	if (hour > 23 || minute > 59 || second > 59 || p[14] != ':' || p[17] != ':')
		return NULL;
	const char *fraction = p + 20;
	p = plain_fraction(fraction, end, &us);
	if (p - fraction == 1 || p - fraction > 10)
		return NULL;
	bool utc = p < end && *p == 'Z';
	if ((!utc && r->values->timezone != NULL) || end - p <= utc || p[utc] != '"')
		return NULL;
	struct column *c = column_of(slot, r);
	int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second;
	((int64_t *)c->data)[r->index] = seconds * 1000000 + us;
	bit_clear(c->nulls, r->index);
	return p + utc + 1;
}

/* p stands at a byte that is not ASCII: to the next one that is. */
static const char *skip_wide(const char *p, const char *end)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	uint64_t word;
	for (; end - p >= 8; p += 8) {
		memcpy(&word, p, 8);
		if ((word & high) != high)
			break;
	}
	while (p < end && (unsigned char)*p >= 0x80)
		p++;
	return p;
}

/* ---- strings ---- */

const char *json_lane_wide_string(
	const struct json_slot *slot, struct json_row *r, const char *from, const char *p)
{
	const char *end = r->scan.end;
	while (p < end && (unsigned char)*p >= 0x80) {
		p = skip_wide(p, end);
		p = r->scan.string_stop(r->scan.begin, p, end);
	}
	struct str text = {from, (size_t)(p - from)};
	if (p == end || *p != '"' || text.len > json_string_bytes_max || !utf8_valid(text))
		return NULL;
	struct column *c = column_of(slot, r);
	((struct str *)c->data)[r->index] = text;
	bit_clear(c->nulls, r->index);
	return p + 1;
}
