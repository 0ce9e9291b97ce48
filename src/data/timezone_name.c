#include "data/timezone_name.h"

#include "base/check.h"

/* Java's ZoneId.SHORT_IDS. */
static const struct {
	struct str name;
	struct str meaning;
} short_names[] = {
	{str_lit("EST"), str_lit("-05:00")},
	{str_lit("MST"), str_lit("-07:00")},
	{str_lit("HST"), str_lit("-10:00")},
	{str_lit("ACT"), str_lit("Australia/Darwin")},
	{str_lit("AET"), str_lit("Australia/Sydney")},
	{str_lit("AGT"), str_lit("America/Argentina/Buenos_Aires")},
	{str_lit("ART"), str_lit("Africa/Cairo")},
	{str_lit("AST"), str_lit("America/Anchorage")},
	{str_lit("BET"), str_lit("America/Sao_Paulo")},
	{str_lit("BST"), str_lit("Asia/Dhaka")},
	{str_lit("CAT"), str_lit("Africa/Harare")},
	{str_lit("CNT"), str_lit("America/St_Johns")},
	{str_lit("CST"), str_lit("America/Chicago")},
	{str_lit("CTT"), str_lit("Asia/Shanghai")},
	{str_lit("EAT"), str_lit("Africa/Addis_Ababa")},
	{str_lit("ECT"), str_lit("Europe/Paris")},
	{str_lit("IET"), str_lit("America/Indiana/Indianapolis")},
	{str_lit("IST"), str_lit("Asia/Kolkata")},
	{str_lit("JST"), str_lit("Asia/Tokyo")},
	{str_lit("MIT"), str_lit("Pacific/Apia")},
	{str_lit("NET"), str_lit("Asia/Yerevan")},
	{str_lit("NST"), str_lit("Pacific/Auckland")},
	{str_lit("PLT"), str_lit("Asia/Karachi")},
	{str_lit("PNT"), str_lit("America/Phoenix")},
	{str_lit("PRT"), str_lit("America/Puerto_Rico")},
	{str_lit("PST"), str_lit("America/Los_Angeles")},
	{str_lit("SST"), str_lit("Pacific/Guadalcanal")},
	{str_lit("VST"), str_lit("Asia/Ho_Chi_Minh")},
};

enum { offset_seconds_max = 18 * 3600 };

/* One or two digits at *at. */
static int take_digits(struct str s, size_t *at, size_t most)
{
	int n = -1;
	for (size_t i = 0; i < most && *at < s.len; i++) {
		char c = s.data[*at];
		if (c < '0' || c > '9') {
			break;
		}
		n = (n < 0 ? 0 : n) * 10 + (c - '0');
		(*at)++;
	}
	return n;
}

/* +h +hh +hhmm +hhmmss +hh:mm +hh:mm:ss, and Spark's +h:mm and +hh:m */
static bool parse_offset(struct str s, int32_t *offset)
{
	if (s.len < 2 || (s.data[0] != '+' && s.data[0] != '-')) {
		return false;
	}
	size_t at = 1;
	int part[3] = {take_digits(s, &at, 2), 0, 0};
	size_t hour_digits = at - 1;
	bool colons = at < s.len && s.data[at] == ':';
	for (int i = 1; i < 3 && at < s.len; i++) {
		if (colons && s.data[at++] != ':') {
			return false;
		}
		size_t first = at;
		part[i] = take_digits(s, &at, 2);
		bool one_digit_minute = colons && i == 1 && at == s.len;
		if (at - first != 2 && !(at - first == 1 && one_digit_minute)) {
			return false;
		}
	}
	if (at != s.len || part[0] < 0 || part[1] > 59 || part[2] > 59 ||
		(!colons && s.len > 3 && hour_digits != 2)) {
		return false;
	}
	int32_t seconds = part[0] * 3600 + part[1] * 60 + part[2];
	*offset = s.data[0] == '-' ? -seconds : seconds;
	return seconds <= offset_seconds_max;
}

bool timezone_name_parse(struct str name, int32_t *offset, struct str *region)
{
	name = str_trim(name);
	for (size_t i = 0; i < ARRAY_LEN(short_names); i++) {
		if (str_eq(name, short_names[i].name)) {
			name = short_names[i].meaning;
			break;
		}
	}
	*region = name;
	*offset = 0;
	static const struct str utc_names[] = {str_lit("UTC"), str_lit("GMT"), str_lit("UT")};
	for (size_t i = 0; i < ARRAY_LEN(utc_names); i++) {
		if (str_eq(name, utc_names[i])) {
			return true;
		}
		if (str_starts(name, utc_names[i]) &&
			parse_offset(str_sub(name, utc_names[i].len, name.len), offset)) {
			return true;
		}
	}
	return str_eq(name, str_lit("Z")) || parse_offset(name, offset);
}
