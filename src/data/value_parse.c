#include "data/value.h"

#include "base/check.h"
#include "data/decimal.h"
#include "data/timezone.h"
#include "data/timezone_name.h"

/*
 * What Spark's cast accepts. White space around a value is what Java calls white space or a control
 * character, among ASCII.
 */

static bool is_blank(char c)
{
	unsigned char u = (unsigned char)c;
	return u <= ' ' || u == 0x7f;
}

static struct str trim(struct str s)
{
	while (s.len > 0 && is_blank(s.data[0])) {
		s.data++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.data[s.len - 1])) {
		s.len--;
	}
	return s;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool int64_parse(struct str s, int64_t *out)
{
	s = trim(s);
	bool negative = s.len > 0 && s.data[0] == '-';
	size_t i = negative || (s.len > 0 && s.data[0] == '+') ? 1 : 0;
	if (i == s.len) {
		return false;
	}
	int64_t n = 0; /* counts downwards: the lowest has no positive twin */
	for (; i < s.len; i++) {
		if (!is_digit(s.data[i]) || __builtin_mul_overflow(n, 10, &n) ||
			__builtin_sub_overflow(n, s.data[i] - '0', &n)) {
			return false;
		}
	}
	if (!negative && n == INT64_MIN) {
		return false;
	}
	*out = negative ? n : -n;
	return true;
}

bool boolean_parse(struct str s, bool *out)
{
	static const struct str words[2][5] = {
		{str_lit("false"), str_lit("f"), str_lit("no"), str_lit("n"), str_lit("0")},
		{str_lit("true"), str_lit("t"), str_lit("yes"), str_lit("y"), str_lit("1")},
	};
	s = trim(s);
	for (int answer = 0; answer < 2; answer++) {
		for (size_t i = 0; i < ARRAY_LEN(words[answer]); i++) {
			if (str_eq_fold(s, words[answer][i])) {
				*out = answer == 1;
				return true;
			}
		}
	}
	return false;
}

/* ---- decimal ---- */

enum { exponent_max = 1000000 };

struct decimal_scan {
	bool negative;
	struct str digits; /* with the point */
	int64_t whole;	   /* significant digits before the point, the exponent counted in */
	bool zero;
};

/* [+-] digits [. digits] [e [+-] digits] */
static bool scan_decimal(struct str s, struct decimal_scan *d)
{
	size_t i = 0, digits = 0;
	*d = (struct decimal_scan){.zero = true};
	if (i < s.len && (s.data[i] == '-' || s.data[i] == '+')) {
		d->negative = s.data[i++] == '-';
	}
	size_t start = i;
	bool point = false;
	for (; i < s.len && (is_digit(s.data[i]) || (s.data[i] == '.' && !point)); i++) {
		if (s.data[i] == '.') {
			point = true;
			continue;
		}
		digits++;
		d->zero = d->zero && s.data[i] == '0';
		if (!point && !d->zero) {
			d->whole++;
		} else if (point && d->zero) {
			d->whole--;
		}
	}
	d->digits = str_sub(s, start, i - start);
	if (digits == 0) {
		return false;
	}
	if (i == s.len || (s.data[i] != 'e' && s.data[i] != 'E')) {
		return i == s.len;
	}
	i++;
	bool negative = i < s.len && s.data[i] == '-';
	i += i < s.len && (s.data[i] == '-' || s.data[i] == '+') ? 1 : 0;
	size_t first = i;
	int64_t e = 0;
	for (; i < s.len && is_digit(s.data[i]); i++) {
		e = e < exponent_max ? e * 10 + (s.data[i] - '0') : e;
	}
	d->whole += negative ? -e : e;
	return i > first && i == s.len;
}

enum decimal_result decimal_parse(struct str s, unsigned precision, unsigned scale, int128 *out)
{
	check(precision >= 1 && precision <= 38 && scale <= precision);
	struct decimal_scan d;
	if (!scan_decimal(trim(s), &d)) {
		return DECIMAL_BAD;
	}
	*out = 0;
	int64_t wanted = d.whole + (int64_t)scale; /* significant digits that are kept */
	if (d.zero || wanted < 0) {
		return DECIMAL_OK;
	}
	if (wanted > (int64_t)precision) {
		return DECIMAL_OVERFLOW;
	}
	int128 n = 0;
	int64_t taken = 0;
	bool significant = false, round_up = false;
	for (size_t i = 0; i < d.digits.len && taken <= wanted; i++) {
		char c = d.digits.data[i];
		significant = significant || (c != '0' && c != '.');
		if (c == '.' || !significant) {
			continue;
		}
		if (taken == wanted) {
			round_up = c >= '5';
		} else {
			n = n * 10 + (c - '0');
		}
		taken++;
	}
	for (; taken < wanted; taken++) {
		n *= 10;
	}
	n += round_up ? 1 : 0;
	*out = d.negative ? -n : n;
	return decimal_fits(n, precision) ? DECIMAL_OK : DECIMAL_OVERFLOW;
}

/* ---- dates and timestamps ---- */

/* y+[-M+[-d+[ |T anything]]], four to seven digits in the year */
bool date_parse(struct str s, int32_t *days)
{
	s = trim(s);
	size_t i = 0;
	bool negative = s.len > 0 && s.data[0] == '-';
	i += s.len > 0 && (s.data[0] == '-' || s.data[0] == '+') ? 1 : 0;
	int64_t part[3] = {1, 1, 1};
	int count = 0;
	for (; count < 3; count++) {
		size_t first = i, most = count == 0 ? 7 : 2, least = count == 0 ? 4 : 1;
		int64_t n = 0;
		for (; i < s.len && is_digit(s.data[i]) && i - first <= most; i++) {
			n = n * 10 + (s.data[i] - '0');
		}
		if (i - first < least || i - first > most) {
			return false;
		}
		part[count] = n;
		if (count == 2 || i == s.len || s.data[i] != '-') {
			break;
		}
		i++;
	}
	bool rest = i < s.len;
	if (rest && (count < 2 || (s.data[i] != ' ' && s.data[i] != 'T'))) {
		return false;
	}
	int64_t year = negative ? -part[0] : part[0];
	if (!date_is_valid(year, part[1], part[2])) {
		return false;
	}
	int64_t since_epoch = date_from_civil(year, (unsigned)part[1], (unsigned)part[2]);
	*days = (int32_t)since_epoch;
	return *days == since_epoch;
}

/*
 * year month day hour minute second micros. A timestamp's text, as far as it is there; `zone` is
 * what stands after the seconds.
 */
struct moment {
	int64_t part[7];
	bool time_only;
	struct str zone; /* absent: none */
};

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, MICROS };

static bool take_part(struct str s, size_t *at, size_t least, size_t most, int64_t *out)
{
	size_t first = *at;
	int64_t n = 0;
	while (*at < s.len && is_digit(s.data[*at]) && *at - first < most) {
		n = n * 10 + (s.data[(*at)++] - '0');
	}
	*out = n;
	return *at - first >= least && (*at == s.len || !is_digit(s.data[*at]));
}

/* Digits beyond the sixth are cut off. */
static void take_fraction(struct str s, size_t *at, int64_t *micros)
{
	int64_t n = 0;
	size_t digits = 0;
	for (; *at < s.len && is_digit(s.data[*at]); (*at)++) {
		if (digits < 6) {
			n = n * 10 + (s.data[*at] - '0');
			digits++;
		}
	}
	for (; digits < 6; digits++) {
		n *= 10;
	}
	*micros = n;
}

/* h:m[:s[.f]][zone] from *at on; a zone can only follow seconds. */
static bool take_clock(struct str s, size_t at, struct moment *m)
{
	for (int i = HOUR; i <= SECOND; i++) {
		if (!take_part(s, &at, 1, 2, &m->part[i])) {
			return false;
		}
		if (at == s.len) {
			return true;
		}
		if (i < SECOND && s.data[at++] != ':') {
			return false;
		}
	}
	if (s.data[at] == '.') {
		at++;
		take_fraction(s, &at, &m->part[MICROS]);
	}
	if (at < s.len) {
		m->zone = str_sub(s, at, s.len - at);
	}
	return true;
}

static bool take_moment(struct str s, struct moment *m)
{
	*m = (struct moment){.part = {1, 1, 1, 0, 0, 0, 0}};
	bool negative = s.len > 0 && s.data[0] == '-';
	size_t at = s.len > 0 && (negative || s.data[0] == '+') ? 1 : 0;
	bool sign = at > 0;
	if (at < s.len && s.data[at] == 'T' && !sign) {
		m->time_only = true;
		return take_clock(s, 1, m);
	}
	size_t first = at;
	if (!take_part(s, &at, 1, 6, &m->part[YEAR])) {
		return false;
	}
	if (at < s.len && s.data[at] == ':' && !sign) {
		m->time_only = true;
		m->part[YEAR] = 1;
		return take_clock(s, first, m);
	}
	if (at - first < 4) {
		return false;
	}
	m->part[YEAR] = negative ? -m->part[YEAR] : m->part[YEAR];
	for (int i = MONTH; i <= DAY && at < s.len; i++) {
		if (s.data[at++] != '-' || !take_part(s, &at, 1, 2, &m->part[i])) {
			return false;
		}
		if (i == DAY && at < s.len) {
			return (s.data[at] == ' ' || s.data[at] == 'T') && take_clock(s, at + 1, m);
		}
	}
	return true;
}

static int64_t today_in(const struct timezone *tz, int64_t now_us)
{
	int64_t now = now_us / 1000000;
	int64_t local = now + timezone_offset_at(tz, now);
	return local / 86400 - (local % 86400 < 0 ? 1 : 0);
}

static bool to_utc(const struct moment *m, const struct timezone *tz, int64_t local, int64_t *utc)
{
	if (m->zone.data != NULL) {
		return timezone_name_to_utc(m->zone, local, utc);
	}
	*utc = timezone_to_utc(tz, local);
	return true;
}

/* Today is that of the zone the text names, or of the job's. */
static bool local_days(
	const struct moment *m, const struct timezone *tz, int64_t now_us, int64_t *days)
{
	if (!m->time_only) {
		bool valid = date_is_valid(m->part[YEAR], m->part[MONTH], m->part[DAY]);
		*days = valid ? date_from_civil(m->part[YEAR], (unsigned)m->part[MONTH],
					(unsigned)m->part[DAY])
			      : 0;
		return valid;
	}
	*days = today_in(tz, now_us);
	if (m->zone.data != NULL) {
		int64_t now = now_us / 1000000, as_utc;
		if (!timezone_name_to_utc(m->zone, now, &as_utc)) {
			return false;
		}
		*days = today_in(NULL, (now + (now - as_utc)) * 1000000);
	}
	return true;
}

bool timestamp_parse(struct str s, const struct timezone *tz, int64_t now_us, int64_t *us)
{
	struct moment m;
	int64_t days, utc;
	if (!take_moment(trim(s), &m) || m.part[HOUR] > 23 || m.part[MINUTE] > 59 ||
		m.part[SECOND] > 59 || !local_days(&m, tz, now_us, &days)) {
		return false;
	}
	int64_t local = days * 86400 + m.part[HOUR] * 3600 + m.part[MINUTE] * 60 + m.part[SECOND];
	if (!to_utc(&m, tz, local, &utc) || __builtin_mul_overflow(utc, 1000000, us)) {
		return false;
	}
	return !__builtin_add_overflow(*us, m.part[MICROS], us);
}
