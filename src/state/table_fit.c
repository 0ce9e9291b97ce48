/*
 * Rows that were kept under another shape of their table: columns are known by name. What only the
 * kept rows have goes, what only the table has is NULL, and what became wider is widened, where
 * that loses nothing and means the same whether it is done in one step or in several: a bigint
 * becomes a double as long as every kept one is one exactly.
 */

#include "state/table_part.h"
#include "state/table_shape.h"

#include "base/check.h"
#include "data/decimal.h"
#include "data/value.h"

/* A column of the records. */
struct fit_column {
	struct type type;
	int32_t to;             /* the table's; -1: it goes */
};

struct state_fit {
	uint32_t column_count;
	uint32_t null_bytes;
	struct fit_column *columns;
};

/* ---- what may become what ---- */

/* Bits of the integers that it holds exactly. */
static uint32_t integer_bits(enum type_id id)
{
	switch ((int)id) {
	case TYPE_TINYINT:
		return 8;
	case TYPE_SMALLINT:
		return 16;
	case TYPE_FLOAT:
		return 24;
	case TYPE_INT:
		return 32;
	case TYPE_DOUBLE:
		return 53;
	case TYPE_BIGINT:
		return 64;
	}
	return 0;
}

static bool into_decimal(struct type from, struct type to)
{
	if (type_is_integer(from))
		from = decimal_for_integer(from);
	return from.id == TYPE_DECIMAL && to.scale >= from.scale &&
		to.precision - to.scale >= from.precision - from.scale;
}

static bool into_string(struct type from)
{
	return type_is_integer(from) || from.id == TYPE_BOOLEAN || from.id == TYPE_DATE;
}

static bool becomes(struct type from, struct type to)
{
	if (type_eq(from, to))
		return true;
	if (to.id == TYPE_STRING)
		return into_string(from);
	if (to.id == TYPE_DECIMAL)
		return into_decimal(from, to);
	if (from.id == TYPE_FLOAT)
		return to.id == TYPE_DOUBLE;
	return type_is_integer(from) && type_is_numeric(to) &&
		(integer_bits(from.id) < integer_bits(to.id) || to.id == TYPE_DOUBLE);
}

/* ---- the verdict ---- */

static void say(struct strbuf *why, const char *what, const struct schema_column *c)
{
	strbuf_addf(why, "%s%s " STR_FMT, why->len == 0 ? "" : ", ", what, STR_ARG(c->name));
}

static bool is_hidden(const struct schema *s, uint32_t column)
{
	return column >= s->column_count;
}

static bool is_sequence(const struct schema *s, uint32_t column)
{
	return is_hidden(s, column) && str_starts(s->columns[column].name, str_lit("@sequence"));
}

/* "@sequence lsn"; before format 3 only "@sequence", which any may be. */
static bool same_name(const struct schema *a, uint32_t at, const struct schema *b, uint32_t column)
{
	struct str left = a->columns[at].name, right = b->columns[column].name;
	if (is_hidden(a, at) != is_hidden(b, column))
		return false;
	if (!is_sequence(a, at) || !is_sequence(b, column))
		return str_eq(left, right);
	struct str bare = str_lit("@sequence");
	return str_eq(left, bare) || str_eq(right, bare) || str_eq_fold(left, right);
}

/* The column of the same name, of hidden ones that repeat a name the one at the same turn; -1. */
static int32_t same_column(const struct schema *in, const struct schema *of, uint32_t column)
{
	uint32_t turn = 0;
	for (uint32_t i = 0; i < column; i++)
		turn += is_sequence(of, column) ? is_sequence(of, i)
						: same_name(of, i, of, column);
	for (uint32_t i = 0; i < schema_total(in); i++) {
		bool turns = is_sequence(of, column) ? is_sequence(in, i)
						     : same_name(in, i, of, column);
		if (turns && turn-- == 0)
			return same_name(in, i, of, column) ? (int32_t)i : -1;
	}
	return -1;
}

static void add_sequence(const struct schema *s, struct strbuf *out)
{
	size_t bare = strlen("@sequence ");
	for (uint32_t i = 0; i < schema_total(s); i++)
		if (is_sequence(s, i) && s->columns[i].name.len > bare)
			strbuf_addf(out, "%s" STR_FMT, out->len == 0 ? "" : ", ",
				STR_ARG(str_sub(s->columns[i].name, bare, s->columns[i].name.len)));
}

/* What the script has to remember of each row now, and kept rows have not. */
static void say_missing(const struct schema *kept, const struct schema *to, uint32_t column,
	struct strbuf *why)
{
	strbuf_reset(why);
	struct strbuf was, is;
	strbuf_init(&was);
	strbuf_init(&is);
	add_sequence(kept, &was);
	add_sequence(to, &is);
	if (is_sequence(to, column) && was.len > 0)
		strbuf_addf(why,
			"sequence_by is another: kept rows are compared by " STR_FMT
			", and the script says " STR_FMT,
			STR_ARG(strbuf_str(&was)), STR_ARG(strbuf_str(&is)));
	else
		strbuf_addf(why,
			"the table has to remember " STR_FMT
			" of each row now, and kept rows have none",
			STR_ARG(to->columns[column].name));
	strbuf_release(&was);
	strbuf_release(&is);
}

/* Into from[] what each column of `to` is of `kept`, whose columns are had[] themselves. */
static bool follow(const struct schema *kept, const int32_t *had, const struct schema *to,
	int32_t *from, struct strbuf *why)
{
	for (uint32_t i = 0; i < schema_total(to); i++) {
		const struct schema_column *c = &to->columns[i];
		int32_t same = same_column(kept, to, i);
		from[i] = same < 0 ? -1 : had[same];
		if (same < 0 && is_hidden(to, i)) {
			say_missing(kept, to, i, why);
			return false;
		}
		if (same < 0) {
			say(why, "added", c);
			continue;
		}
		struct type type = kept->columns[same].type;
		if (type_eq(type, c->type))
			continue;
		bool good = becomes(type, c->type);
		if (!good)
			strbuf_reset(why);
		say(why, good ? "widened" : "column", c);
		strbuf_add_c(why, good ? " from " : " is kept as ");
		type_name(type, why);
		strbuf_add_c(why, good ? " to " : ", which cannot become ");
		type_name(c->type, why);
		if (!good)
			return false;
	}
	for (uint32_t i = 0; i < schema_total(kept); i++)
		if (same_column(to, kept, i) < 0)
			say(why, "dropped", &kept->columns[i]);
	return true;
}

static bool same_key(const struct schema *kept, const struct row_key *key, const struct schema *to,
	const struct row_key *key_to)
{
	bool same = key->count == key_to->count;
	for (uint32_t i = 0; i < key->count && same; i++)
		same = str_eq(kept->columns[key->columns[i]].name,
			to->columns[key_to->columns[i]].name);
	return same;
}

static bool next_shape(const struct schema *kept, const struct row_key *key, int32_t **from,
	const struct schema *to, const struct row_key *key_to, struct arena *arena,
	struct strbuf *why)
{
	strbuf_reset(why);
	if (!same_key(kept, key, to, key_to)) {
		strbuf_add_c(why, "the key is another; kept rows are told apart by");
		for (uint32_t i = 0; i < key->count; i++)
			strbuf_addf(why, "%s " STR_FMT, i == 0 ? "" : ",",
				STR_ARG(kept->columns[key->columns[i]].name));
		return false;
	}
	int32_t *had = *from;
	*from = ARENA_ARRAY(arena, int32_t, schema_total(to) + 1);
	return follow(kept, had, to, *from, why);
}

static const struct state_fit *make_fit(const struct schema *first, const struct schema *to,
	const int32_t *from, struct arena *arena)
{
	struct state_fit *fit = ARENA_NEW(arena, struct state_fit);
	fit->column_count = schema_total(first);
	fit->null_bytes = (fit->column_count + 7) / 8;
	fit->columns = ARENA_ARRAY(arena, struct fit_column, fit->column_count + 1);
	for (uint32_t i = 0; i < fit->column_count; i++)
		fit->columns[i] = (struct fit_column){first->columns[i].type, -1};
	for (uint32_t i = 0; i < schema_total(to); i++)
		if (from[i] >= 0)
			fit->columns[from[i]].to = (int32_t)i;
	return fit;
}

enum state_verdict table_fit(const struct table *t, const struct str *shapes, uint32_t count,
	struct arena *arena, const struct state_fit **how, struct strbuf *why)
{
	const struct schema *kept = NULL, *first = NULL, *to;
	struct row_key key = {.count = 0}, key_to;
	int32_t *from = NULL;
	for (uint32_t i = 0; i < count; i++) {
		if (!table_shape_parse(shapes[i], arena, &to, &key_to)) {
			strbuf_addf(why, "its shape cannot be read: " STR_FMT, STR_ARG(shapes[i]));
			return STATE_REFUSE;
		}
		if (i == 0) {
			first = to;
			from = ARENA_ARRAY(arena, int32_t, schema_total(to) + 1);
			for (uint32_t k = 0; k < schema_total(to); k++)
				from[k] = (int32_t)k;
		} else if (!next_shape(kept, &key, &from, to, &key_to, arena, why)) {
			return STATE_REFUSE;
		}
		kept = to;
		key = key_to;
	}
	const struct schema *own = t->config.schema;
	if (!next_shape(kept, &key, &from, own, t->config.key, arena, why))
		return STATE_REFUSE;
	bool older = false;
	for (uint32_t i = 0; i < schema_total(first); i++)
		older |= is_sequence(first, i) &&
			str_eq(first->columns[i].name, str_lit("@sequence"));
	if (why->len == 0)
		strbuf_add_c(why, older ? "from an older cdcl" : "columns in another order");
	*how = make_fit(first, own, from, arena);
	return STATE_CONVERT;
}

/* ---- records ---- */

static int128 take_number(struct type type, struct record_reader *r)
{
	int64_t i64 = 0;
	int128 i128 = 0;
	switch (type_phys(type)) {
	case PHYS_BOOL:
		return record_u8(r) != 0;
	case PHYS_I32:
		return (int32_t)record_u32(r);
	case PHYS_I64:
		record_copy(r, &i64, sizeof(i64));
		return i64;
	default:
		record_copy(r, &i128, sizeof(i128));
		return i128;
	}
}

static void skip(struct type type, struct record_reader *r)
{
	if (type_phys(type) == PHYS_STR)
		record_str(r);
	else
		record_take(r, phys_bytes(type_phys(type)));
}

static void put_text(
	struct table *t, char *field, struct type from, int128 n, struct record_reader *r)
{
	struct value v = {.type = from};
	struct strbuf text;
	strbuf_init(&text);
	if (from.id == TYPE_BOOLEAN)
		v.as.boolean = n != 0;
	else if (type_phys(from) == PHYS_I32)
		v.as.i32 = (int32_t)n;
	else
		v.as.i64 = (int64_t)n;
	value_text(&v, VALUE_CONSOLE, NULL, &text);
	if (!r->bad)
		table_row_set_str(field, strbuf_str(&text), &t->slab);
	strbuf_release(&text);
}

static void put_number(struct table *t, char *field, struct type from, struct type to,
	struct record_reader *r, struct unfit_value *unfit)
{
	int128 n = take_number(from, r);
	int32_t i32 = (int32_t)n;
	int64_t i64 = (int64_t)n;
	double f64 = (double)i64;
	float f32 = (float)i64;
	switch (type_phys(to)) {
	case PHYS_I32:
		memcpy(field, &i32, sizeof(i32));
		return;
	case PHYS_I64:
		memcpy(field, &i64, sizeof(i64));
		return;
	case PHYS_F32:
		memcpy(field, &f32, sizeof(f32));
		return;
	case PHYS_F64: /* a bigint may be one that no double is */
		if (f64 >= 0x1p63 || (int64_t)f64 != i64)
			*unfit = (struct unfit_value){.any = true, .value = i64};
		memcpy(field, &f64, sizeof(f64));
		return;
	case PHYS_I128:
		if (!decimal_rescale(n, from.id == TYPE_DECIMAL ? from.scale : 0, to.scale, &n) ||
			!decimal_fits(n, to.precision))
			r->bad = true;
		memcpy(field, &n, sizeof(n));
		return;
	default:
		put_text(t, field, from, n, r);
	}
}

static void put_field(struct table *t, char *slot, struct type from, uint32_t column,
	struct record_reader *r, struct unfit_value *unfit)
{
	struct unfit_value own = {.any = false};
	struct type to = t->config.schema->columns[column].type;
	char *field = slot + t->layout.fields[column].offset;
	if (type_eq(from, to)) {
		table_state_take_field(t, slot, column, r);
	} else if (from.id == TYPE_FLOAT) {
		float narrow;
		record_copy(r, &narrow, sizeof(narrow));
		double wide = (double)narrow;
		memcpy(field, &wide, sizeof(wide));
	} else {
		put_number(t, field, from, to, r, &own);
		own.column = column;
		*unfit = own.any ? own : *unfit;
	}
}

/* A deleted row has its kept columns only. */
static void take_fields(struct table *t, const struct state_fit *how, char *slot, uint8_t state,
	struct record_reader *r, struct unfit_value *unfit)
{
	const char *nulls = record_take(r, how->null_bytes);
	for (uint32_t i = 0; i < t->layout.column_count; i++)
		slot[1 + (i >> 3)] = (char)(slot[1 + (i >> 3)] | 1 << (i & 7));
	for (uint32_t i = 0; i < how->column_count && !r->bad; i++) {
		const struct fit_column *c = &how->columns[i];
		if ((nulls[i >> 3] >> (i & 7)) & 1)
			continue;
		uint32_t to = (uint32_t)c->to;
		if (c->to < 0 || (state == state_deleted && !t->layout.fields[to].is_kept)) {
			skip(c->type, r);
			continue;
		}
		slot[1 + (to >> 3)] = (char)(slot[1 + (to >> 3)] & ~(1 << (to & 7)));
		put_field(t, slot, c->type, to, r, unfit);
	}
}

bool table_fit_take(struct table *t, const struct state_fit *how, uint32_t id, uint8_t state,
	struct record_reader *r)
{
	while (t->rows.count <= id)
		table_store_add(&t->rows);
	char *slot = table_slot(t, id);
	table_state_clear(t, slot);
	if (state == state_free)
		return true;
	int64_t at_us = table_entry_is_timed(state) ? record_i64(r) : 0;
	slot[0] = state == state_deleted ? mark_deleted : mark_live;
	struct unfit_value unfit = {.any = false};
	take_fields(t, how, slot, state, r, &unfit);
	if (unfit.any && !r->bad)
		table_unfit_add(&t->unfit, id, &unfit);
	if (r->bad)
		table_state_clear(t, slot);
	else if (state == state_deleted)
		table_deleted_set_at(t, slot, at_us);
	return !r->bad;
}
