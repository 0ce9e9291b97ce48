/* schema = "auto": columns that came, went or grew in mid-stream, by Connect's schema block. */

#include "decode/envelope_row.h"

#include "base/check.h"
#include "base/log.h"
#include "decode/json_path.h"

#include <stdlib.h>

/* "new: color string, qty bigint (was int), gone: old" */
static void describe(
	const struct schema *have, const struct schema *now, bool gone, struct strbuf *out)
{
	for (uint32_t i = 0; i < now->column_count; i++) {
		int at = schema_find(have, now->columns[i].name);
		struct schema one = {.column_count = 1, .columns = &now->columns[i]};
		if (at >= 0 && type_eq(type_widen(have->columns[at].type, one.columns[0].type),
				       have->columns[at].type))
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
	log_info("schema", STR_FMT ": the columns changed: " STR_FMT "; %s",
		STR_ARG(r->topic->name), STR_ARG(what), ends[policy]);
	return wider && policy == SCHEMA_CHANGE_ADD ? ENVELOPE_CHANGED : ENVELOPE_DONE;
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
	if (!d->config.schema_auto || look->schema.data == NULL || look->content != LOOK_ROWS ||
		is_of_other_table(d, look) || !is_new(t, look->schema))
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
	describe(have != NULL ? have : d->schema, now, have != NULL, &what);
	bool wider = schema_widen(d->schema, now, &d->arena, &d->wider);
	int answer = what.len == 0 ? ENVELOPE_DONE : act(r, strbuf_str(&what), wider, err);
	strbuf_release(&what);
	return answer;
}

const struct schema *envelope_wider(const struct envelope_decoder *d)
{
	check(d->wider != NULL);
	return d->wider;
}
