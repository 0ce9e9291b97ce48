#include "data/dead_letter.h"

#include "base/check.h"
#include "base/log.h"
#include "data/value.h"

#include <stdio.h>
#include <xxhash.h>

enum {
	budget_default = 1000,
	minute_records_min = 1000, /* below it 5 % says nothing */
	row_shown_max = 160,
};

static const int64_t minute_us = 60 * INT64_C(1000000);

static const char *const reason_names[dead_letter_reason_count] = {
	[DEAD_MALFORMED] = "malformed",
	[DEAD_EXPRESSION] = "expression",
	[DEAD_LUA] = "lua",
	[DEAD_ENVELOPE] = "envelope",
	[DEAD_MERGE] = "merge",
	[DEAD_CRASH] = "crash",
	[DEAD_TARGET] = "target",
};

const char *dead_letter_reason_name(enum dead_letter_reason reason)
{
	check(reason < dead_letter_reason_count);
	return reason_names[reason];
}

void dead_letters_init(struct dead_letters *d, const struct clock *clock)
{
	int64_t now_us = clock_monotonic_us(clock);
	*d = (struct dead_letters){.clock = clock,
		.count_max = budget_default,
		.minute_started_us = now_us};
}

static void turn_minute(struct dead_letters *d, int64_t now_us)
{
	if (now_us - d->minute_started_us >= minute_us) {
		d->minute_started_us = now_us;
		d->minute_bad = 0;
		d->minute_records = 0;
	}
}

void dead_letters_note_read(struct dead_letters *d, uint32_t records)
{
	turn_minute(d, clock_monotonic_us(d->clock));
	d->minute_records += records;
}

static bool record_of(const struct chunk *c, uint32_t row, struct log_place *out)
{
	if (c == NULL || c->messages == NULL) {
		return false;
	}
	uint32_t m = chunk_message(c, row);
	*out = (struct log_place){.topic = c->messages->topic[m],
		.partition = c->messages->partition[m],
		.offset = c->messages->offset[m]};
	return true;
}

/* "orders_cdc/3@8812", in a buffer of the caller's: a dead letter must not need an arena. */
static void row_place(const struct chunk *c, uint32_t row, char *out, size_t bytes)
{
	struct log_place p;
	out[0] = '\0';
	if (record_of(c, row, &p)) {
		snprintf(out, bytes, STR_FMT "/%d@%lld", STR_ARG(p.topic), p.partition,
			(long long)p.offset);
	}
}

/* "the row id=7, quantity=0": of a Table, whose rows belong to no message. */
static void row_columns(const struct chunk *c, uint32_t row, char *out, size_t bytes)
{
	struct strbuf text;
	strbuf_init(&text);
	strbuf_add_c(&text, "the row ");
	for (uint32_t i = 0; i < c->column_count && text.len < row_shown_max; i++) {
		const struct schema_column *named = &c->schema->columns[i];
		if (c->columns[i].data == NULL)
			continue;
		struct value v = value_from_column(&c->columns[i], named->type, row);
		strbuf_addf(&text, "%s" STR_FMT "=", i > 0 ? ", " : "", STR_ARG(named->name));
		value_text(&v, VALUE_CONSOLE, NULL, &text);
	}
	size_t shown = text.len < row_shown_max ? text.len : row_shown_max;
	while (shown < text.len && ((unsigned char)text.data[shown] & 0xc0) == 0x80)
		shown--;
	snprintf(out, bytes, "%.*s%s", (int)shown, text.data, shown < text.len ? "..." : "");
	strbuf_release(&text);
}

/* Errors of one place of the script are alike, whatever of the record they say. */
static uint64_t kind_of(enum dead_letter_reason reason, const char *script_place)
{
	uint64_t kind = XXH3_64bits_withSeed(script_place, strlen(script_place), reason);
	return kind + (kind == 0);
}

static void note_in_log(enum dead_letter_reason reason, const struct chunk *c, uint32_t row,
	const char *place, const struct error *why)
{
	struct log_place record;
	bool of_record = record_of(c, row, &record);
	bool rule = why->place[0] != '\0' && strcmp(why->place, place) != 0;
	record.kind = kind_of(reason, rule ? why->place : "");
	log_record(LOG_WARN, "dead", of_record ? &record : NULL, "%s: %s%s%s", reason_names[reason],
		rule ? why->place : "", rule ? ": " : "", why->text);
}

static int stop(const struct error *why, const char *place, struct error *err)
{
	if (err != NULL && err != why) {
		*err = *why;
	}
	if (err == NULL) {
		return -(int)why->code;
	}
	return place[0] == '\0' ? -(int)err->code : error_prefix(err, "%s: ", place);
}

static int over_budget(const struct dead_letters *d, const char *place, const struct error *why,
	struct error *err)
{
	if (d->total > d->count_max) {
		return error_set(err, CDCL_E_DATA,
			"%lld records could not be used; the error budget is %lld (the last: "
			"%s%s%s)",
			(long long)d->total, (long long)d->count_max, place,
			place[0] == '\0' ? "" : ": ", why->text);
	}
	if (d->per_minute_max > 0) {
		return d->minute_bad <= d->per_minute_max ? 0 : error_set(err, CDCL_E_DATA,
			"%lld records of this minute could not be used; the error budget is %lld "
			"(the last: %s%s%s)",
			(long long)d->minute_bad, (long long)d->per_minute_max, place,
			place[0] == '\0' ? "" : ": ", why->text);
	}
	if (d->minute_records >= minute_records_min && d->minute_bad * 20 > d->minute_records) {
		return error_set(err, CDCL_E_DATA,
			"%lld of the %lld records of this minute could not be used, more than 5 %% "
			"(the last: %s%s%s)",
			(long long)d->minute_bad, (long long)d->minute_records, place,
			place[0] == '\0' ? "" : ": ", why->text);
	}
	return 0;
}

static int keep(struct dead_letters *d, enum dead_letter_reason reason, const struct chunk *c,
	uint32_t row, const struct error *why, struct error *err)
{
	int r = d->writer == NULL ? 0 : d->writer->write(d->writer, reason, c, row, why, err);
	d->written += d->writer != NULL && r == 0;
	return r;
}

int dead_letter_add(struct dead_letters *d, enum dead_letter_reason reason, const struct chunk *c,
	uint32_t row, const struct error *why, struct error *err)
{
	check(reason < dead_letter_reason_count);
	check(why->code != CDCL_OK);
	if (d->notes != NULL) {
		d->notes->note(d->notes, reason, true, c, row, why);
		return d->stop_at_first ? stop(why, "", err) : 0;
	}
	int64_t now_us = clock_monotonic_us(d->clock);
	turn_minute(d, now_us);
	d->counts[reason]++;
	d->total++;
	d->minute_bad++;
	char place[error_place_bytes];
	row_place(c, row, place, sizeof place);
	if (d->stop_at_first) {
		if (c != NULL && place[0] == '\0' && c->schema != NULL && c->column_count > 0) {
			row_columns(c, row, place, sizeof place);
		}
		return stop(why, place, err);
	}
	note_in_log(reason, c, row, place, why);
	if (keep(d, reason, c, row, why, err) < 0) {
		return -(int)err->code;
	}
	if (over_budget(d, place, why, err) == 0) {
		return 0;
	}
	/* The job ends here: what it ended of is what one wants to read. */
	struct error other;
	error_init(&other);
	struct dead_letter_writer *w = d->writer;
	if (w != NULL && (w->give_up != NULL ? w->give_up : w->publish)(w, &other) < 0) {
		log_warn("dead", "%s", other.text);
	}
	return -(int)CDCL_E_DATA;
}

int dead_letter_keep(struct dead_letters *d, enum dead_letter_reason reason, const struct chunk *c,
	uint32_t row, const struct error *why, struct error *err)
{
	check(reason < dead_letter_reason_count);
	if (d->notes != NULL) {
		d->notes->note(d->notes, reason, false, c, row, why);
		return 0;
	}
	d->counts[reason]++;
	return keep(d, reason, c, row, why, err);
}
