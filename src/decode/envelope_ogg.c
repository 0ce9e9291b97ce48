/* Oracle GoldenGate's JSON formatter: before and after, op_type, a position that is one number. */

#include "decode/envelope_row.h"

#include "data/value.h"

static const struct envelope_name event_names[] = {
	{str_lit("before"), NOTE_BEFORE},
	{str_lit("after"), TO_ROW},
	{str_lit("op_type"), NOTE_OP},
	{str_lit("op_ts"), NOTE_TIME},
	{str_lit("pos"), NOTE_SEQUENCE},
	{str_lit("table"), NOTE_TABLE},
	{str_lit("primary_keys"), NOTE_KEYS},
	{{NULL, 0}, TO_NOWHERE},
};

static const struct envelope_names names = {.event = event_names};

enum { low_digits = 18 };

/* Up to 36 digits in two parts. */
static bool read_position(const struct envelope_row *r, struct change_position *p)
{
	struct str text = envelope_note_word(r, NOTE_SEQUENCE);
	if (text.len == 0 || text.len > 2 * low_digits)
		return false;
	size_t high = text.len > low_digits ? text.len - low_digits : 0;
	if (high > 0 && !int64_parse(str_sub(text, 0, high), &p->parts[1]))
		return false;
	return int64_parse(str_sub(text, high, text.len), &p->parts[2]) && p->parts[2] >= 0;
}

static enum change_op read_op(struct str type)
{
	if (str_eq_fold(type, str_lit("K")))
		return CHANGE_UPDATE; /* of a key */
	return change_op_parse(type);
}

/* "SHOP.ORDERS" in its parts. */
static bool is_of_other_table(struct envelope_row *r)
{
	struct str table, database = {NULL, 0};
	envelope_note_str(r, NOTE_TABLE, &table);
	for (size_t i = 0; i < table.len; i++)
		if (table.data[i] == '.') {
			database = str_sub(table, 0, i);
			table = str_sub(table, i + 1, table.len);
			break;
		}
	return envelope_other_table(r, database, (struct str){NULL, 0}, table);
}

static bool has_row(const struct envelope_row *r)
{
	struct str before;
	return envelope_note_str(r, NOTE_BEFORE, &before) ||
		r->missing < r->decoder->schema->column_count;
}

static int finish(struct envelope_row *r, struct str value, bool looked, struct error *err)
{
	struct envelope_decoder *d = r->decoder;
	uint32_t row = r->json.index;
	struct str before, keys, type, time;
	int64_t us;
	envelope_note_str(r, NOTE_OP, &type);
	enum change_op op = read_op(type);
	bool rowless = op != CHANGE_TRUNCATE && !has_row(r);
	if (!looked && (op == CHANGE_UNKNOWN || rowless))
		return ENVELOPE_LOOK;
	if (is_of_other_table(r))
		return ENVELOPE_SKIPPED;
	if (rowless) {
		error_set(err, CDCL_E_DATA, "the event has none of the declared columns");
		return ENVELOPE_REFUSED;
	}
	struct change_position *p = &d->changes->position[row];
	*p = (struct change_position){.known = false};
	p->known = read_position(r, p);
	envelope_note_str(r, NOTE_BEFORE, &before);
	envelope_note_str(r, NOTE_KEYS, &keys);
	d->changes->source[row] = value;
	d->changes->before[row] = before;
	if (envelope_note_str(r, NOTE_TIME, &time) &&
		timestamp_parse(time, d->values.timezone, d->values.now_us, &us))
		d->changes->event_time_us[row] = us;
	bool full = false;
	if (op == CHANGE_UPDATE)
		envelope_split_key_change(r, before, keys, &full);
	if (full)
		return ENVELOPE_FULL;
	if (op != CHANGE_TRUNCATE)
		envelope_complete_from_key(r);
	envelope_accept(r, op);
	return ENVELOPE_DONE;
}

int envelope_ogg(struct envelope_row *r, struct str value, const struct envelope_look *look,
	struct error *err)
{
	if (look == NULL)
		return finish(r, value, false, err);
	struct str row = look->fields[LOOK_AFTER];
	if (row.len == 0 || row.data[0] != '{')
		row = look->fields[LOOK_BEFORE];
	if (row.len == 0 || row.data[0] != '{')
		row = (struct str){NULL, 0};
	if (!envelope_read_any(r, value, look, &names, row))
		return envelope_malformed(r, err);
	return finish(r, value, true, err);
}
