#include "data/timezone.h"

#include "base/check.h"
#include "base/file.h"
#include "data/timezone_name.h"
#include "data/value.h"

#include <pthread.h>
#include <stdlib.h>

/*
 * A TZif file gives the instants at which the offset changed and, in its footer, the rule that
 * holds after the last of them for ever ("CET-1CEST,M3.5.0,M10.5.0/3"). Both are read once; lookups
 * are a binary search or two days of a year.
 */

enum {
	zone_file_bytes_max = 1024 * 1024,
	transitions_max = 100000,
	name_bytes_max = 100,
	/* No offset, today's or of old, is further from UTC: where local time may lie, seen from
	   UTC. */
	offset_reach_seconds = 16 * 3600,
	day_seconds = 86400,
};

enum rule_day_kind { RULE_NONE, RULE_MONTH_WEEK, RULE_JULIAN, RULE_DAY_OF_YEAR };

struct rule_day {
	enum rule_day_kind kind;
	int month, week, day;
	int32_t time; /* seconds after local midnight; may be negative or beyond a day */
};

struct timezone {
	uint32_t count;
	int64_t *at;	      /* ascending */
	int32_t *offset;      /* from at[i] on */
	int32_t first_offset; /* before at[0] */
	bool has_rule;
	bool has_summer;
	int32_t winter_offset, summer_offset;
	struct rule_day summer_start, summer_end;
};

/* ---- the rule ---- */

static int64_t rule_day_in(const struct rule_day *r, int64_t year)
{
	int64_t january = date_from_civil(year, 1, 1);
	if (r->kind == RULE_DAY_OF_YEAR) {
		return january + r->day;
	}
	if (r->kind == RULE_JULIAN) { /* 1..365; February 29 is never counted */
		return january + r->day - 1 + (r->day >= 60 && date_is_leap(year) ? 1 : 0);
	}
	int64_t first = date_from_civil(year, (unsigned)r->month, 1);
	int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
	int64_t day = first + (r->day - weekday + 7) % 7 + 7 * (r->week - 1);
	int64_t next_month = r->month == 12 ? date_from_civil(year + 1, 1, 1)
					    : date_from_civil(year, (unsigned)r->month + 1, 1);
	while (day >= next_month) {
		day -= 7; /* week 5 means the last one */
	}
	return day;
}

static int32_t rule_offset_at(const struct timezone *tz, int64_t utc)
{
	if (!tz->has_summer) {
		return tz->winter_offset;
	}
	int64_t year;
	unsigned month, day;
	int64_t local = utc + tz->winter_offset;
	date_to_civil(
		local >= 0 ? local / day_seconds : -((-local + day_seconds - 1) / day_seconds),
		&year, &month, &day);
	int64_t start = rule_day_in(&tz->summer_start, year) * day_seconds + tz->summer_start.time -
		tz->winter_offset;
	int64_t end = rule_day_in(&tz->summer_end, year) * day_seconds + tz->summer_end.time -
		tz->summer_offset;
	bool summer = start < end ? utc >= start && utc < end : utc >= start || utc < end;
	return summer ? tz->summer_offset : tz->winter_offset;
}

/* A reader of the footer; `left` shrinks as it is read. */
static bool take_char(struct str *left, char c)
{
	if (left->len == 0 || left->data[0] != c) {
		return false;
	}
	left->data++;
	left->len--;
	return true;
}

static bool take_number(struct str *left, int max, int *out)
{
	int n = 0;
	size_t digits = 0;
	while (left->len > 0 && left->data[0] >= '0' && left->data[0] <= '9' && digits < 4) {
		n = n * 10 + (left->data[0] - '0');
		left->data++;
		left->len--;
		digits++;
	}
	*out = n;
	return digits > 0 && n <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct str *left, int32_t *seconds)
{
	bool negative = take_char(left, '-');
	if (!negative) {
		take_char(left, '+');
	}
	int h = 0, m = 0, s = 0;
	bool good = take_number(left, 167, &h);
	if (good && take_char(left, ':')) {
		good = take_number(left, 59, &m);
		if (good && take_char(left, ':')) {
			good = take_number(left, 59, &s);
		}
	}
	*seconds = (negative ? -1 : 1) * (h * 3600 + m * 60 + s);
	return good;
}

static bool take_abbreviation(struct str *left)
{
	size_t len = 0;
	if (take_char(left, '<')) {
		while (left->len > 0 && !take_char(left, '>')) {
			left->data++;
			left->len--;
			len++;
		}
		return len >= 3;
	}
	while (left->len > 0 && ((left->data[0] | 32) >= 'a' && (left->data[0] | 32) <= 'z')) {
		left->data++;
		left->len--;
		len++;
	}
	return len >= 3;
}

static bool take_rule_day(struct str *left, struct rule_day *r)
{
	r->time = 2 * 3600;
	bool good;
	if (take_char(left, 'M')) {
		r->kind = RULE_MONTH_WEEK;
		good = take_number(left, 12, &r->month) && take_char(left, '.') &&
			take_number(left, 5, &r->week) && take_char(left, '.') &&
			take_number(left, 6, &r->day) && r->month >= 1 && r->week >= 1;
	} else if (take_char(left, 'J')) {
		r->kind = RULE_JULIAN;
		good = take_number(left, 365, &r->day) && r->day >= 1;
	} else {
		r->kind = RULE_DAY_OF_YEAR;
		good = take_number(left, 365, &r->day);
	}
	return good && (!take_char(left, '/') || take_time(left, &r->time));
}

/* POSIX counts offsets west of Greenwich; here they are east. */
static bool read_rule(struct str text, struct timezone *tz)
{
	int32_t west;
	if (!take_abbreviation(&text) || !take_time(&text, &west)) {
		return false;
	}
	tz->winter_offset = -west;
	tz->has_rule = true;
	if (text.len == 0) {
		return true;
	}
	tz->summer_offset = tz->winter_offset + 3600;
	if (!take_abbreviation(&text)) {
		return false;
	}
	if (text.len > 0 && text.data[0] != ',') {
		if (!take_time(&text, &west)) {
			return false;
		}
		tz->summer_offset = -west;
	}
	tz->has_summer = true;
	return take_char(&text, ',') && take_rule_day(&text, &tz->summer_start) &&
		take_char(&text, ',') && take_rule_day(&text, &tz->summer_end) && text.len == 0;
}

/* ---- the file ---- */

static int64_t big_endian(const char *p, unsigned bytes)
{
	uint64_t v = (signed char)p[0] < 0 ? UINT64_MAX : 0;
	for (unsigned i = 0; i < bytes; i++) {
		v = v << 8 | (unsigned char)p[i];
	}
	return (int64_t)v;
}

struct tzif_head {
	uint32_t utc_flags, standard_flags, leaps, transitions, types, chars;
};

enum { tzif_head_bytes = 44 };

static bool read_head(struct str file, size_t at, struct tzif_head *h)
{
	if (at > file.len || file.len - at < tzif_head_bytes ||
		memcmp(file.data + at, "TZif", 4) != 0) {
		return false;
	}
	const char *p = file.data + at + 20;
	uint32_t *fields[] = {&h->utc_flags, &h->standard_flags, &h->leaps, &h->transitions,
		&h->types, &h->chars};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		int64_t n = big_endian(p + 4 * i, 4);
		if (n < 0 || n > transitions_max) {
			return false;
		}
		*fields[i] = (uint32_t)n;
	}
	return h->types > 0;
}

static size_t body_bytes(const struct tzif_head *h, size_t time_bytes)
{
	return h->transitions * (time_bytes + 1) + h->types * 6 + h->chars +
		h->leaps * (time_bytes + 4) + h->standard_flags + h->utc_flags;
}

static bool read_body(
	struct str body, const struct tzif_head *h, struct arena *arena, struct timezone *tz)
{
	const char *times = body.data, *kinds = times + h->transitions * 8,
		   *types = kinds + h->transitions;
	tz->count = h->transitions;
	tz->at = ARENA_ARRAY(arena, int64_t, h->transitions + 1);
	tz->offset = ARENA_ARRAY(arena, int32_t, h->transitions + 1);
	tz->first_offset = (int32_t)big_endian(types, 4);
	for (uint32_t i = 0; i < h->transitions; i++) {
		unsigned kind = (unsigned char)kinds[i];
		if (kind >= h->types) {
			return false;
		}
		tz->at[i] = big_endian(times + 8 * i, 8);
		tz->offset[i] = (int32_t)big_endian(types + 6 * kind, 4);
		if (i > 0 && tz->at[i] <= tz->at[i - 1]) {
			return false;
		}
	}
	return true;
}

/* Version 2 or later: a first body with 32-bit times, skipped, then the same with 64 bits and the
 * footer. */
static bool read_tzif(struct str file, struct arena *arena, struct timezone *tz)
{
	struct tzif_head h;
	if (!read_head(file, 0, &h) || file.data[4] < '2') {
		return false;
	}
	size_t at = tzif_head_bytes + body_bytes(&h, 4);
	if (!read_head(file, at, &h)) {
		return false;
	}
	at += tzif_head_bytes;
	size_t bytes = body_bytes(&h, 8);
	if (file.len - at < bytes || !read_body(str_sub(file, at, bytes), &h, arena, tz)) {
		return false;
	}
	struct str footer = str_trim(str_sub(file, at + bytes, file.len));
	return footer.len == 0 || read_rule(footer, tz);
}

static struct timezone *fixed(int32_t offset, struct arena *arena)
{
	struct timezone *tz = ARENA_NEW(arena, struct timezone);
	tz->first_offset = offset;
	return tz;
}

/* Names become paths: no dots, so that none leaves the folder. right/ counts leap seconds, nobody
 * else does. */
static bool is_zone_name(struct str name)
{
	if (name.len == 0 || name.len > name_bytes_max || name.data[0] == '/' ||
		name.data[name.len - 1] == '/') {
		return false;
	}
	if (str_starts(name, str_lit("right/")) || str_starts(name, str_lit("posix/"))) {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		bool letter =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && c != '/' && c != '_' && c != '-' && c != '+') {
			return false;
		}
	}
	return true;
}

static const char *zone_folder(void)
{
	const char *folder = getenv("TZDIR");
	return folder != NULL && folder[0] != '\0' ? folder : "/usr/share/zoneinfo";
}

static const struct timezone *open_region(struct str name, struct arena *arena, struct error *err)
{
	if (!is_zone_name(name)) {
		error_set(err, CDCL_E_SCRIPT, "no time zone '" STR_FMT "'", STR_ARG(name));
		return NULL;
	}
	struct str path = str_printf(arena, "%s/" STR_FMT, zone_folder(), STR_ARG(name));
	struct file_info info;
	if (file_stat(path.data, &info, NULL) != 0 || info.is_folder) {
		error_set(err, CDCL_E_SCRIPT, "no time zone '" STR_FMT "' (no file %s)",
			STR_ARG(name), path.data);
		return NULL;
	}
	struct strbuf file;
	strbuf_init(&file);
	struct timezone *tz = ARENA_NEW(arena, struct timezone);
	if (file_read_all(path.data, zone_file_bytes_max, &file, err) != 0) {
		tz = NULL;
	} else if (!read_tzif(strbuf_str(&file), arena, tz)) {
		error_set(err, CDCL_E_SCRIPT, "%s: not a time zone file (TZif 2 or later)",
			path.data);
		tz = NULL;
	}
	strbuf_release(&file);
	return tz;
}

const struct timezone *timezone_open(struct str name, struct arena *arena, struct error *err)
{
	struct str region;
	int32_t offset;
	if (timezone_name_parse(name, &offset, &region)) {
		return fixed(offset, arena);
	}
	const struct timezone *tz = open_region(region, arena, err);
	if (tz == NULL) {
		error_help(err,
			"names are those of the IANA list, such as Europe/Berlin, or UTC or "
			"+02:00");
	}
	return tz;
}

/* ---- lookups ---- */

int32_t timezone_offset_at(const struct timezone *tz, int64_t utc)
{
	if (tz == NULL) {
		return 0;
	}
	if (tz->count == 0 || utc < tz->at[0]) {
		return tz->count == 0 && tz->has_rule ? rule_offset_at(tz, utc) : tz->first_offset;
	}
	if (utc >= tz->at[tz->count - 1]) {
		return tz->has_rule ? rule_offset_at(tz, utc) : tz->offset[tz->count - 1];
	}
	uint32_t low = 0, high = tz->count - 1; /* at[low] <= utc < at[high] */
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (tz->at[middle] <= utc) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return tz->offset[low];
}

int64_t timezone_to_utc(const struct timezone *tz, int64_t local)
{
	int32_t before = timezone_offset_at(tz, local - offset_reach_seconds);
	int32_t after = timezone_offset_at(tz, local + offset_reach_seconds);
	int64_t early = local - before, late = local - after;
	if (before == after || timezone_offset_at(tz, early) == before) {
		return early;
	}
	/* In a gap the offset before it is kept, which moves the wall time on by the gap. */
	return timezone_offset_at(tz, late) == after ? late : early;
}

/* ---- zones named inside of timestamps ---- */

enum { cache_entries_max = 1024 };

static struct {
	pthread_mutex_t lock;
	struct arena arena;
	uint32_t count;
	struct {
		struct str name;
		const struct timezone *zone;
	} entries[cache_entries_max];
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct timezone *find_cached(struct str name)
{
	for (uint32_t i = 0; i < cache.count; i++) {
		if (str_eq(cache.entries[i].name, name)) {
			return cache.entries[i].zone;
		}
	}
	if (!is_zone_name(name) || cache.count == cache_entries_max) {
		return NULL;
	}
	if (cache.count == 0) {
		arena_init(&cache.arena, 64 * 1024);
	}
	/* Names that are none are remembered too, or bad rows would each cost a look at the disk.
	 */
	const struct timezone *zone = open_region(name, &cache.arena, NULL);
	cache.entries[cache.count].name = str_dup(name, &cache.arena);
	cache.entries[cache.count++].zone = zone;
	return zone;
}

bool timezone_name_to_utc(struct str name, int64_t local, int64_t *utc)
{
	struct str region;
	int32_t offset;
	if (timezone_name_parse(name, &offset, &region)) {
		*utc = local - offset;
		return true;
	}
	pthread_mutex_lock(&cache.lock);
	const struct timezone *zone = find_cached(region);
	pthread_mutex_unlock(&cache.lock);
	if (zone == NULL) {
		return false;
	}
	*utc = timezone_to_utc(zone, local);
	return true;
}
