/* Maxwell: one event a row, the row in `data`, what an update changed in `old`. */

#include "decode/envelope_row.h"

#include "data/value.h"

static const struct envelope_name event_names[] = {
	{str_lit("data"), TO_ROW},
	{str_lit("old"), NOTE_BEFORE},
	{str_lit("type"), NOTE_OP},
	{str_lit("ts"), NOTE_TS},
	{str_lit("position"), NOTE_SEQUENCE},
	{str_lit("xoffset"), NOTE_ROW},
	{str_lit("commit"), NOTE_COMMIT},
	{str_lit("database"), NOTE_DATABASE},
	{str_lit("table"), NOTE_TABLE},
	{str_lit("primary_key_columns"), NOTE_KEYS},
	{{NULL, 0}, TO_NOWHERE},
};

static const struct envelope_names names = {.event = event_names};

/* "binlog.000001:36224641", then the row's number in its transaction; the last says commit. */
static bool read_position(const struct envelope_row *r, struct change_position *p)
{
	struct str text = envelope_note_word(r, NOTE_SEQUENCE);
	size_t dot = text.len, colon = text.len;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '.')
			dot = i;
		else if (text.data[i] == ':')
			colon = i;
	}
	if (dot >= colon || colon == text.len)
		return false;
	if (!int64_parse(str_sub(text, dot + 1, colon - dot - 1), &p->parts[1]) ||
		!int64_parse(str_sub(text, colon + 1, text.len), &p->parts[2]))
		return false;
	if (str_eq(envelope_note_word(r, NOTE_COMMIT), str_lit("true")))
		p->parts[3] = INT64_MAX;
	else
		envelope_note_int(r, NOTE_ROW, &p->parts[3]);
	return true;
}

/* Exactly as the look wants it; other words are none of rows. */
static enum change_op read_op(struct str type)
{
	if (str_eq(type, str_lit("insert")))
		return CHANGE_INSERT;
	if (str_eq(type, str_lit("update")))
		return CHANGE_UPDATE;
	if (str_eq(type, str_lit("delete")))
		return CHANGE_DELETE;
	return str_eq(type, str_lit("bootstrap-insert")) ? CHANGE_READ : CHANGE_UNKNOWN;
}

/* A bootstrap's rows come as they come. */
static void set_position(
	struct envelope_row *r, struct change_position *p, enum change_op op, int64_t time_us)
{
	struct partition_event e = {.time_us = time_us, .streamed = true, .grows = true};
	*p = (struct change_position){.known = false};
	if (op != CHANGE_READ && read_position(r, p))
		envelope_place(r, p, &e);
}

static int finish(struct envelope_row *r, struct str value, bool looked)
{
	struct envelope_decoder *d = r->decoder;
	uint32_t row = r->json.index;
	struct str database, table, type, old, keys;
	int64_t seconds, us;
	envelope_note_str(r, NOTE_DATABASE, &database);
	envelope_note_str(r, NOTE_TABLE, &table);
	envelope_note_str(r, NOTE_OP, &type);
	enum change_op op = read_op(type);
	bool has_time = envelope_note_int(r, NOTE_TS, &seconds);
	if (!looked && (op == CHANGE_UNKNOWN || !has_time))
		return ENVELOPE_LOOK;
	if (envelope_other_table(r, database, (struct str){NULL, 0}, table))
		return ENVELOPE_SKIPPED;
	d->changes->source[row] = value;
	envelope_note_str(r, NOTE_BEFORE, &old);
	envelope_note_str(r, NOTE_KEYS, &keys);
	d->changes->before[row] = old;
	if (has_time && !__builtin_mul_overflow(seconds, 1000000, &us))
		d->changes->event_time_us[row] = us;
	set_position(r, &d->changes->position[row], op, d->changes->event_time_us[row]);
	bool full = false;
	if (op == CHANGE_UPDATE)
		envelope_split_key_change(r, old, keys, &full);
	if (full)
		return ENVELOPE_FULL;
	envelope_accept(r, op);
	return ENVELOPE_DONE;
}

static bool has_fields(struct str object)
{
	struct str name, value;
	size_t at = 0;
	return object.len > 0 && object.data[0] == '{' && json_next(object, &at, &name, &value);
}

int envelope_maxwell(struct envelope_row *r, struct str value, const struct envelope_look *look,
	struct error *err)
{
	if (look == NULL)
		return finish(r, value, false);
	/* before it is read: such a shape is not to be learned */
	if (!has_fields(look->fields[LOOK_DATA])) {
		error_set(err, CDCL_E_DATA, "the event has no row in data");
		return ENVELOPE_REFUSED;
	}
	if (!envelope_read_any(r, value, look, &names, look->fields[LOOK_DATA]))
		return envelope_malformed(r, err);
	return finish(r, value, true);
}
