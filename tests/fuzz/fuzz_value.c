/*
 * Text as values of each type, any bytes: read or refused, and where libc reads it too, read as
 * libc reads it; the text of what was read is read as the same value.
 */

#include "base/check.h"
#include "data/value.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct strbuf text;

static struct str text_of(const struct value *v)
{
	strbuf_reset(&text);
	value_text(v, VALUE_CAST, NULL, &text);
	return strbuf_str(&text);
}

/* A number as C writes it too: no words, no spaces, no suffixes. */
static bool is_plain(struct str s, const char *letters)
{
	bool digit = false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '\0' || strchr(letters, s.data[i]) == NULL)
			return false;
		digit |= s.data[i] >= '0' && s.data[i] <= '9';
	}
	return digit;
}

static void integer(struct str s, const char *c_text)
{
	struct value v = {.type = {.id = TYPE_BIGINT}}, again;
	bool good = int64_parse(s, &v.as.i64);
	char *end;
	errno = 0;
	long long libc = strtoll(c_text, &end, 10);
	if (is_plain(s, "0123456789-"))
		check(good == (*end == '\0' && errno == 0) && (!good || v.as.i64 == libc));
	if (good)
		check(int64_parse(text_of(&v), &again.as.i64) && again.as.i64 == v.as.i64);
}

static void floating(struct str s, const char *c_text)
{
	struct value d = {.type = {.id = TYPE_DOUBLE}}, f = {.type = {.id = TYPE_FLOAT}};
	struct value again = d;
	bool good = double_parse(s, &d.as.f64);
	check(float_parse(s, &f.as.f32) == good);
	if (!good)
		return;
	if (is_plain(s, "0123456789-.eE")) {
		double libc = strtod(c_text, NULL);
		float libc_float = strtof(c_text, NULL);
		check(memcmp(&libc, &d.as.f64, sizeof(libc)) == 0);
		check(memcmp(&libc_float, &f.as.f32, sizeof(libc_float)) == 0);
	}
	again.type = d.type;
	check(double_parse(text_of(&d), &again.as.f64) && value_same(&d, &again));
	again.type = f.type;
	check(float_parse(text_of(&f), &again.as.f32) && value_same(&f, &again));
}

static void decimal(struct str s)
{
	static const uint8_t scales[] = {0, 2, 18, 38};
	for (size_t i = 0; i < sizeof(scales); i++) {
		int128 unscaled, again;
		if (decimal_parse(s, 38, scales[i], &unscaled) != DECIMAL_OK)
			continue;
		strbuf_reset(&text);
		decimal_text(unscaled, scales[i], &text);
		check(decimal_parse(strbuf_str(&text), 38, scales[i], &again) == DECIMAL_OK);
		check(again == unscaled);
	}
}

static void times(struct str s)
{
	struct value date = {.type = {.id = TYPE_DATE}}, time = {.type = {.id = TYPE_TIMESTAMP}};
	int32_t days;
	int64_t us;
	if (date_parse(s, &date.as.i32))
		check(date_parse(text_of(&date), &days) && days == date.as.i32);
	if (timestamp_parse(s, NULL, INT64_C(1700000000000000), &time.as.i64))
		check(timestamp_parse(text_of(&time), NULL, 0, &us) && us == time.as.i64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *c_text = malloc(size + 1), *exact = malloc(size + (size == 0));
	bool boolean;
	check(c_text != NULL && exact != NULL);
	memcpy(c_text, data, size);
	memcpy(exact, data, size);
	c_text[size] = '\0';
	struct str s = {exact, size};
	integer(s, c_text);
	floating(s, c_text);
	decimal(s);
	times(s);
	boolean_parse(s, &boolean);
	free(c_text);
	free(exact);
	return 0;
}
