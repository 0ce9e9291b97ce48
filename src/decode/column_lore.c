#include "decode/column_lore.h"

#include "data/value.h"

/* Of 9999-12-31 and of what lies behind it: no unit would be that far off. */
static const int64_t ms_max = INT64_C(253402300799999);
static const int64_t us_max = INT64_C(253402300799999999);

/* The unit that a value's size tells: none too near 1970, or of no time at all. */
static enum time_unit unit_by_size(int64_t v)
{
	const int64_t ms_min = INT64_C(20000000000); /* 1970-08-20 in ms, 1970-01-01 in us */
	if (v == INT64_MAX || v == INT64_MIN)
		return UNIT_UNKNOWN;
	int64_t size = v < 0 ? -v : v;
	if (size > us_max)
		return UNIT_NANOS;
	if (size > ms_max)
		return UNIT_MICROS;
	return size >= ms_min ? UNIT_MILLIS : UNIT_UNKNOWN;
}

/*
 * In milliseconds before 1600 or after 2100: microseconds from 1962 to 1978 are such numbers. The
 * first and the last day of a year are what databases have for "never".
 */
static bool is_far_in_millis(int64_t v)
{
	const int64_t ms_1600 = INT64_C(-11676096000000), ms_2100 = INT64_C(4102444800000);
	const int64_t ms_a_day = INT64_C(86400000);
	int64_t year;
	unsigned month, day;
	if (v >= ms_1600 && v < ms_2100)
		return false;
	date_to_civil(v / ms_a_day - (v % ms_a_day < 0), &year, &month, &day);
	return !(month == 1 && day == 1) && !(month == 12 && day == 31);
}

static bool is_for_good(struct column_lore lore)
{
	return lore.unit == UNIT_MICROS || lore.unit == UNIT_NANOS;
}

/*
 * What is larger than milliseconds can be settles it. What could be both is milliseconds, or
 * microseconds while more of it would be far from us than near.
 */
struct column_lore column_lore_after(struct column_lore lore, int64_t v)
{
	enum time_unit by_size = unit_by_size(v);
	if (is_for_good(lore) || by_size == UNIT_UNKNOWN)
		return lore;
	lore.unit = (uint8_t)by_size;
	if (by_size != UNIT_MILLIS || lore.lead == column_lore_lead_max)
		return lore;
	lore.lead = (int8_t)(lore.lead + (is_far_in_millis(v) ? -1 : 1));
	if (lore.lead == -column_lore_lead_max)
		lore.unit = UNIT_MICROS;
	return lore;
}

enum connect_form column_lore_unit(struct column_lore lore)
{
	if (lore.unit == UNIT_NANOS)
		return CONNECT_NANOS;
	return lore.unit == UNIT_MILLIS && lore.lead >= 0 ? CONNECT_MILLIS : CONNECT_MICROS;
}

bool column_lore_is_good(struct column_lore lore)
{
	return lore.unit <= UNIT_NANOS && lore.lead >= -column_lore_lead_max &&
		lore.lead <= column_lore_lead_max && lore.decimal <= DECIMAL_PLAIN &&
		lore.binary <= BINARY_HEX;
}

static void add_word(const char *word, size_t begin, struct strbuf *out)
{
	strbuf_add_c(out, out->len > begin ? ", " : "");
	strbuf_add_c(out, word);
}

void column_lore_text(struct column_lore lore, struct strbuf *out)
{
	size_t begin = out->len;
	enum connect_form unit = column_lore_unit(lore);
	if (lore.unit != UNIT_UNKNOWN)
		add_word(unit == CONNECT_MILLIS		? "milliseconds"
				: unit == CONNECT_NANOS ? "nanoseconds"
							: "microseconds",
			begin, out);
	if (lore.decimal != DECIMAL_UNKNOWN)
		add_word(lore.decimal == DECIMAL_PLAIN ? "decimals as text" : "decimals as base64",
			begin, out);
	if (lore.binary != BINARY_UNKNOWN)
		add_word(lore.binary == BINARY_HEX ? "bytes as hex" : "bytes as base64", begin,
			out);
}
