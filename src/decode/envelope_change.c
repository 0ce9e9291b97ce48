/*
 * schema = "auto": columns that came, went or grew in mid-stream, by Connect's schema block; where
 * messages have none, by a row with a field that is no column, or a value that does not fit.
 */

#include "decode/envelope_row.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/log.h"
#include "decode/json_path.h"

#include <stdlib.h>

enum { told_bytes_max = 2000 };

static bool holds(const struct schema *s, const struct schema_column *c)
{
	int at = schema_find(s, c->name);
	return at >= 0 && type_eq(type_widen(s->columns[at].type, c->type), s->columns[at].type);
}

/*
 * "new: color string, qty bigint (was int), gone: old": since `have`; what the decoder's `own` hold
 * is no news, because it was told before a restart.
 */
static void describe(const struct schema *own, const struct schema *have,
	const struct schema *now, bool gone, struct strbuf *out)
{
	for (uint32_t i = 0; i < now->column_count; i++) {
		if (out->len > told_bytes_max) {
			strbuf_add_c(out, " and more");
			return;
		}
		int at = schema_find(have, now->columns[i].name);
		struct schema one = {.column_count = 1, .columns = &now->columns[i]};
		if (holds(own, one.columns) || holds(have, one.columns))
			continue;
		strbuf_add_c(out, out->len > 0 ? ", " : "");
		strbuf_add_c(out, at >= 0 ? "" : "new: ");
		schema_text(&one, out);
		if (at < 0)
			continue;
		strbuf_add_c(out, " (was ");
		type_name(have->columns[at].type, out);
		strbuf_add_c(out, ")");
	}
	for (uint32_t i = 0; gone && i < have->column_count; i++)
		if (schema_find(now, have->columns[i].name) == SCHEMA_MISSING)
			strbuf_addf(out, "%sgone: " STR_FMT, out->len > 0 ? ", " : "",
				STR_ARG(have->columns[i].name));
}

static int fail(struct envelope_row *r, struct str what, struct error *err)
{
	struct chunk *work = r->decoder->work;
	struct str place = chunk_row_place(work, r->json.index, work->arena);
	error_set(err, CDCL_E_DATA,
		"the columns changed (" STR_FMT "), on_schema_change = \"fail\"", STR_ARG(what));
	return error_at(err, STR_FMT, STR_ARG(place));
}

static int act(struct envelope_row *r, struct str what, bool wider, struct error *err)
{
	static const char *const ends[] = {
		[SCHEMA_CHANGE_ADD] = "kept rows get NULL",
		[SCHEMA_CHANGE_IGNORE] = "left out, as on_schema_change says",
		[SCHEMA_CHANGE_LATER] =
			"left out until the next start, because this job cannot take it in "
			"while it runs"};
	struct envelope_decoder *d = r->decoder;
	enum schema_change policy = d->config.on_schema_change;
	if (policy == SCHEMA_CHANGE_FAIL)
		return fail(r, what, err);
	wider = wider && policy == SCHEMA_CHANGE_ADD;
	log_info("schema", STR_FMT ": the columns changed: " STR_FMT "; %s",
		STR_ARG(r->topic->name), STR_ARG(what),
		wider && d->held != HELD_NEVER ? "once the batch is over that is run again"
					       : ends[policy]);
	if (wider && d->held == HELD_NEVER)
		return ENVELOPE_CHANGED;
	d->held = wider ? HELD_WIDER : d->held;
	return ENVELOPE_DONE;
}

static uint64_t hash(struct str s)
{
	uint64_t h = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.data[i]) * UINT64_C(1099511628211);
	return h;
}

/* Notes the block; false when it was there before. */
static bool is_new(struct envelope_topic *t, struct str block)
{
	uint64_t h = hash(block);
	for (uint32_t i = 0; i < topic_schemas_max && i < t->block_count; i++)
		if (t->blocks[i] == h)
			return false;
	t->blocks[t->block_count++ % topic_schemas_max] = h;
	return true;
}

/* Its columns say nothing about ours. */
static bool is_of_other_table(const struct envelope_decoder *d, const struct envelope_look *look)
{
	struct str wanted = d->config.table, source = look->fields[LOOK_SOURCE], name;
	struct json_step step = {.field = str_lit("table")};
	if (wanted.len == 0 || source.len == 0 || !json_path_find(source, &step, 1, &name) ||
		name.len < 2 || name.data[0] != '"')
		return false;
	name = str_sub(name, 1, name.len - 2);
	return wanted.len < name.len ||
		!str_eq(str_sub(wanted, wanted.len - name.len, name.len), name);
}

int envelope_compare_block(struct envelope_row *r, const struct envelope_look *look,
	struct error *err)
{
	struct envelope_decoder *d = r->decoder;
	struct envelope_topic *t = r->topic;
	if (!d->config.schema_auto || d->held == HELD_WIDER || look->schema.data == NULL)
		return ENVELOPE_DONE;
	if (look->content != LOOK_ROWS || is_of_other_table(d, look) || !is_new(t, look->schema))
		return ENVELOPE_DONE;
	struct envelope_look last = {.schema = t->block, .unwrapped = look->unwrapped};
	const struct schema *have = envelope_block_columns(&last, &d->arena);
	free((void *)(uintptr_t)t->block.data);
	t->block = envelope_own_copy(look->schema);
	struct schema *now = envelope_block_columns(look, &d->arena);
	if (now == NULL)
		return ENVELOPE_DONE;
	struct strbuf what;
	strbuf_init(&what);
	/* before the first block: the columns are those of several that were looked at, perhaps */
	describe(d->schema, have != NULL ? have : d->schema, now, have != NULL, &what);
	bool wider = schema_widen(d->schema, now, &d->arena, &d->wider);
	d->wider_by_values = false;
	int answer = what.len == 0 ? ENVELOPE_DONE : act(r, strbuf_str(&what), wider, err);
	strbuf_release(&what);
	return answer;
}

/* ---- by values ---- */

/* Longer ones, and those that many targets cannot have, stay out. */
enum { grown_name_bytes_max = 255 };

static bool may_be_column(const struct envelope_decoder *d, struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.data[i] < ' ')
			return false;
	return name.len > 0 && name.len <= grown_name_bytes_max &&
		!str_eq_fold(name, str_lit("_corrupt_record")) &&
		schema_find_fold(d->schema, name) == SCHEMA_MISSING;
}

static bool is_left_out(const struct envelope_decoder *d, struct str name)
{
	return d->left_out != NULL && schema_find(d->left_out, name) != SCHEMA_MISSING;
}

/* What messages from this one on show: it alone, or those of its topic that are here. */
static const struct schema *look_at_values(
	const struct envelope_row *r, bool alone, struct arena *arena)
{
	const struct envelope_decoder *d = r->decoder;
	const struct messages *in = d->out->messages;
	struct str topic = in->topic[r->message];
	struct envelope_sniffer *s = envelope_sniffer_open(r->topic->kind);
	struct envelope_sample sample;
	struct error unseen;
	envelope_sniffer_values(s);
	envelope_sniffer_table(s, d->config.table);
	for (uint32_t i = r->message; i < (alone ? r->message + 1 : in->count); i++)
		if (str_eq(in->topic[i], topic))
			envelope_sniff_message(s, in->key[i], in->value[i]);
	error_init(&unseen);
	int found = envelope_sniffer_result(s, arena, &sample, &unseen);
	envelope_sniffer_close(s);
	return found < 0 ? NULL : sample.schema;
}

static void tell_full(struct envelope_row *r)
{
	if (!r->decoder->told_full)
		log_warn("schema", STR_FMT ": %d columns are the most; new ones are left out",
			STR_ARG(r->topic->name), (int)value_columns_max);
	r->decoder->told_full = true;
}

static bool is_bad(const struct envelope_row *r, int column)
{
	for (uint32_t i = 0; i < r->json.bad_fields && i < json_bad_columns_kept; i++)
		if (r->json.bad_columns[i] == column)
			return true;
	return false;
}

/* Into *wider: `have`, what of `seen` is new, and columns whose values do not fit. */
static bool grow(struct envelope_row *r, const struct schema *seen, const struct schema *have,
	struct arena *arena, struct schema **wider)
{
	struct envelope_decoder *d = r->decoder;
	struct schema *more = schema_alloc(arena, seen->column_count);
	more->column_count = 0;
	for (uint32_t i = 0; i < seen->column_count; i++) {
		const struct schema_column *c = &seen->columns[i];
		int at = schema_find(d->schema, c->name);
		bool bad = at >= 0 && is_bad(r, at);
		if ((!bad && !may_be_column(d, c->name)) || is_left_out(d, c->name))
			continue;
		if (bad || have->column_count + more->column_count < value_columns_max)
			more->columns[more->column_count++] = *c;
		else
			tell_full(r);
	}
	return schema_widen(have, more, arena, wider);
}

/* Others of the same change come with it. */
static bool find_growth(struct envelope_row *r, struct arena *arena, struct schema **wider)
{
	const struct schema *have = r->decoder->schema;
	const struct schema *seen = look_at_values(r, true, arena);
	if (seen == NULL || !grow(r, seen, have, arena, wider))
		return false;
	seen = look_at_values(r, false, arena);
	if (seen != NULL)
		grow(r, seen, *wider, arena, wider);
	return true;
}

/* A value that does not fit, of a column that may become another. */
static bool has_bad_column(const struct envelope_row *r)
{
	const struct schema *s = r->decoder->schema;
	for (uint32_t i = 0; i < r->json.bad_fields && i < json_bad_columns_kept; i++) {
		int32_t column = r->json.bad_columns[i];
		if (column < (int32_t)s->column_count &&
			!is_left_out(r->decoder, s->columns[column].name))
			return true;
	}
	return false;
}

int envelope_compare_values(struct envelope_row *r, struct error *err)
{
	struct envelope_decoder *d = r->decoder;
	bool news = r->json.news > 0 && !d->told_full;
	if (r->schema != NULL || r->goes_on || d->held == HELD_WIDER ||
		(!news && !has_bad_column(r)))
		return ENVELOPE_DONE;
	struct arena arena;
	struct strbuf what;
	struct schema *wider;
	int answer = ENVELOPE_DONE;
	arena_init(&arena, 16 * 1024);
	strbuf_init(&what);
	if (find_growth(r, &arena, &wider)) {
		d->wider = schema_copy(wider, &d->arena);
		d->wider_by_values = true;
		describe(d->schema, d->schema, wider, false, &what);
		answer = act(r, strbuf_str(&what), true, err);
	}
	strbuf_release(&what);
	arena_release(&arena);
	return answer;
}

void envelope_hold(struct envelope_decoder *d)
{
	d->held = HELD_NONE_YET;
}

const struct schema *envelope_release(struct envelope_decoder *d)
{
	bool waits = d->held == HELD_WIDER;
	d->held = HELD_NEVER;
	return waits ? d->wider : NULL;
}

void envelope_leave_out(struct envelope_decoder *d, enum leave_out what)
{
	if (what != LEAVE_OUT_THESE && d->config.on_schema_change == SCHEMA_CHANGE_ADD) {
		d->follows = false;
		json_decoder_unfollow(d->flat);
		if (what == LEAVE_OUT_ALL)
			d->config.on_schema_change = SCHEMA_CHANGE_LATER;
	}
	if (d->wider == NULL || !d->wider_by_values)
		return;
	struct schema none = {.column_count = 0};
	struct schema *more = schema_alloc(&d->arena, 0);
	more->columns = ARENA_ARRAY(&d->arena, struct schema_column, d->wider->column_count + 1);
	for (uint32_t i = 0; i < d->wider->column_count; i++)
		if (i >= d->schema->column_count ||
			!type_eq(d->wider->columns[i].type, d->schema->columns[i].type))
			more->columns[more->column_count++] = d->wider->columns[i];
	schema_widen(d->left_out != NULL ? d->left_out : &none, more, &d->arena, &d->left_out);
}

bool envelope_wider_by_values(const struct envelope_decoder *d)
{
	return d->wider_by_values;
}

const struct schema *envelope_wider(const struct envelope_decoder *d)
{
	check(d->wider != NULL);
	return d->wider;
}
