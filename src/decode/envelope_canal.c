/*
 * Canal: a list of rows a message, scalars as strings, old[i] beside data[i]. The rows' objects are
 * what is learned; the message around them is walked each time. A message whose rows do not fit the
 * chunk goes on in the next one.
 */

#include "decode/envelope_row.h"

#include "data/value.h"

static int64_t event_time(struct str event)
{
	static const char *const fields[] = {"es", "ts"};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct json_step step = {.field = str_c(fields[i])};
		struct str value;
		int64_t ms, us;
		if (json_path_find(event, &step, 1, &value) && int64_parse(value, &ms) &&
			!__builtin_mul_overflow(ms, 1000, &us))
			return us;
	}
	return -1;
}

static struct str word(struct str value)
{
	return value.len >= 2 && value.data[0] == '"' ? str_sub(value, 1, value.len - 2) : value;
}

/* One element of data. */
static int read_row(struct envelope_row *r, const struct envelope_look *look, struct str object,
	struct str old, int64_t time, struct error *err)
{
	struct envelope_decoder *d = r->decoder;
	envelope_begin_row(r);
	uint32_t row = r->json.index;
	enum change_op op = change_op_parse(word(look->fields[LOOK_TYPE]));
	if (object.len == 0 || object.data[0] != '{') {
		error_set(err, CDCL_E_DATA, "an element of data is no object");
		return ENVELOPE_REFUSED;
	}
	if (!envelope_read_known(r, object) && !envelope_read_object(r, object))
		return envelope_malformed(r, err);
	d->changes->source[row] = look->event;
	d->changes->before[row] = old;
	d->changes->event_time_us[row] = time;
	bool full = false;
	if (op == CHANGE_UPDATE)
		envelope_split_key_change(r, old, look->fields[LOOK_PK_NAMES], &full);
	if (full)
		return ENVELOPE_FULL;
	envelope_accept(r, op);
	return ENVELOPE_DONE;
}

static int read_rows(struct envelope_row *r, const struct envelope_look *look, struct error *err)
{
	struct envelope_decoder *d = r->decoder;
	struct str data = look->fields[LOOK_DATA], olds = look->fields[LOOK_OLD];
	struct str name, object, old;
	int64_t time = event_time(look->event);
	size_t at = d->resume_at, old_at = d->resume_old_at;
	d->resume_at = d->resume_old_at = 0;
	for (;;) {
		size_t before = at, old_before = old_at;
		if (!json_next(data, &at, &name, &object)) {
			if (before > 0)
				return ENVELOPE_DONE;
			error_set(err, CDCL_E_DATA, "the event has no row in data");
			return ENVELOPE_REFUSED;
		}
		if (olds.len == 0 || olds.data[0] != '[' ||
			!json_next(olds, &old_at, &name, &old) || old.data[0] != '{')
			old = (struct str){NULL, 0};
		int answer = d->out->row_count == chunk_rows_max
			? ENVELOPE_FULL
			: read_row(r, look, object, old, time, err);
		if (answer == ENVELOPE_FULL) {
			d->resume_at = before;
			d->resume_old_at = old_before;
		}
		if (answer != ENVELOPE_DONE)
			return answer;
	}
}

static int truncate_table(struct envelope_row *r, const struct envelope_look *look)
{
	struct envelope_decoder *d = r->decoder;
	uint32_t columns = d->schema->column_count;
	for (uint32_t i = 0; i < columns; i++)
		bit_set(r->json.absent[i], r->json.index);
	r->missing = columns;
	d->changes->source[r->json.index] = look->event;
	d->changes->event_time_us[r->json.index] = event_time(look->event);
	envelope_accept(r, CHANGE_TRUNCATE);
	return ENVELOPE_DONE;
}

int envelope_canal(struct envelope_row *r, struct str value, const struct envelope_look *look,
	struct error *err)
{
	(void)value;
	struct str table = word(look->fields[LOOK_TABLE]);
	struct str database = word(look->fields[LOOK_DATABASE]);
	bool truncates = str_eq_fold(word(look->fields[LOOK_TYPE]), str_lit("TRUNCATE"));
	/* DDL, TiCDC's watermarks, which are of no table */
	if (look->content == LOOK_CONTROL && !truncates)
		return ENVELOPE_SKIPPED;
	if (envelope_other_table(r, database, (struct str){NULL, 0}, table))
		return ENVELOPE_SKIPPED;
	return truncates ? truncate_table(r, look) : read_rows(r, look, err);
}
