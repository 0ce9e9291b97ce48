/*
 * cdcl state: what a checkpoint's folder holds, without the script that wrote it
 * (state/checkpoint_look.h): that reads only, and a job may run meanwhile; and what an operator may
 * change of it (state/checkpoint_change.h).
 */

#include "cli/cli.h"
#include "cli/grid.h"

#include "base/arena.h"
#include "base/bounds.h"
#include "base/check.h"
#include "base/file.h"
#include "data/value.h"
#include "sink/row_json.h"
#include "state/checkpoint_change.h"
#include "state/checkpoint_look.h"
#include "state/kept_columns.h"

#include <inttypes.h>
#include <stdio.h>

enum { shown_positions_max = 1000 };

/* ---- what is there ---- */

static void add_time(int64_t us, struct strbuf *out)
{
	struct value v = {.type = type_of(TYPE_TIMESTAMP), .as.i64 = us};
	value_text(&v, VALUE_CONSOLE, NULL, out);
	strbuf_add_c(out, " UTC");
}

static void add_batch(const char *name, int64_t id, int64_t time_us, struct grid *g)
{
	struct strbuf text;
	strbuf_init(&text);
	strbuf_addf(&text, "%" PRId64 ", ", id);
	add_time(time_us, &text);
	grid_pair(g, name, strbuf_str(&text));
	strbuf_release(&text);
}

static void add_generation(const struct manifest *m, struct grid *g)
{
	struct strbuf text;
	strbuf_init(&text);
	if (m->snapshot == 0)
		strbuf_addf(&text, "logs 1 to %" PRIu64 ", no snapshot yet", m->newest);
	else
		strbuf_addf(&text, "snapshot %" PRIu64 ", logs %" PRIu64 " to %" PRIu64,
			m->snapshot, m->snapshot, m->newest);
	if (m->older != 0)
		strbuf_addf(&text, "; before it snapshot %" PRIu64, m->older);
	grid_pair(g, "generation", strbuf_str(&text));
	strbuf_release(&text);
}

static void add_summary(const struct checkpoint_look *l, struct grid *g)
{
	const struct checkpoint_found *f = l->found;
	grid_pair(g, "job", str_c(l->manifest->job));
	if (l->readable) {
		grid_cell(g, str_lit("format"));
		grid_number(g, f->format);
		grid_line(g);
	}
	grid_pair(g, "running", l->holder.data == NULL ? str_lit("no") : l->holder);
	add_generation(l->manifest, g);
	if (!l->readable)
		return;
	if (f->any)
		add_batch("last batch", f->batch.id, f->batch.time_us, g);
	else
		grid_pair(g, "last batch", str_lit("none"));
	if (f->interrupted)
		add_batch("interrupted", f->intent.id, f->intent.time_us, g);
	else
		grid_pair(g, "interrupted", str_lit("none"));
}

static void add_place(
	struct grid *g, uint32_t source, struct str topic, int32_t partition, int64_t next)
{
	grid_number(g, source);
	grid_cell(g, topic);
	grid_number(g, partition);
	grid_number(g, next);
}

static void add_positions(const struct checkpoint_look *l, struct grid *g)
{
	const struct checkpoint_batch *b = &l->found->batch;
	grid_cell(g, str_lit("source"));
	grid_cell(g, str_lit("topic"));
	grid_cell(g, str_lit("partition"));
	grid_cell(g, str_lit("next"));
	grid_line(g);
	for (uint32_t i = 0; i < b->position_count && i < shown_positions_max; i++) {
		const struct checkpoint_position *p = &b->positions[i];
		add_place(g, p->source, p->topic, p->partition, p->next);
		grid_line(g);
	}
	if (b->position_count > shown_positions_max)
		grid_pair(g, "...", str_lit("and more"));
}

static void add_ranges(const struct checkpoint_look *l, struct grid *g)
{
	const struct checkpoint_intent *in = &l->found->intent;
	grid_cell(g, str_lit("interrupted"));
	grid_cell(g, str_lit("topic"));
	grid_cell(g, str_lit("partition"));
	grid_cell(g, str_lit("from"));
	grid_cell(g, str_lit("to"));
	grid_line(g);
	for (uint32_t i = 0; i < in->range_count && i < shown_positions_max; i++) {
		const struct checkpoint_range *r = &in->ranges[i];
		add_place(g, r->source, r->topic, r->partition, r->from);
		grid_number(g, r->to);
		grid_line(g);
	}
	if (in->range_count > shown_positions_max)
		grid_pair(g, "...", str_lit("and more"));
}

static void add_parts(const struct checkpoint_look *l, struct grid *g)
{
	static const char *const heads[] = {"part", "rows", "deletes", "bytes", "shape"};
	for (uint32_t i = 0; i < ARRAY_LEN(heads); i++)
		grid_cell(g, str_c(heads[i]));
	grid_line(g);
	for (uint32_t i = 0; i < l->part_count; i++) {
		const struct checkpoint_look_part *p = &l->parts[i];
		grid_cell(g, p->part.name);
		if (p->table != NULL) {
			grid_number(g, table_rows(p->table));
			grid_number(g, table_deleted(p->table));
		} else {
			grid_cell(g, str_lit("-"));
			grid_cell(g, str_lit("-"));
		}
		grid_number(g, p->bytes);
		grid_cell(g, p->part.shape);
		grid_line(g);
	}
}

static void add_columns_of(uint32_t source, const struct topic_lore *t, struct grid *g)
{
	struct strbuf words;
	strbuf_init(&words);
	for (uint32_t i = 0; i < t->column_count; i++) {
		strbuf_reset(&words);
		column_lore_text(t->columns[i].lore, &words);
		grid_number(g, source);
		grid_cell(g, t->topic);
		grid_cell(g, t->columns[i].name);
		grid_cell(g, strbuf_str(&words));
		grid_line(g);
	}
	strbuf_release(&words);
}

/* The next topic of which there is something to tell: that rows are flat is nothing. */
static bool next_learned(const struct checkpoint_look *l, uint32_t *at, uint32_t *source,
	struct topic_lore *t)
{
	const struct source_lore *lore = NULL;
	for (uint32_t i = 0; i < l->part_count; i++)
		lore = l->parts[i].lore != NULL ? l->parts[i].lore : lore;
	while (lore != NULL && source_lore_at(lore, (*at)++, source, t))
		if (t->kind > ENVELOPE_FLAT || t->column_count > 0)
			return true;
	return false;
}

/* What a topic's messages and its columns' values look like, as it was learned of them. */
static void add_learned(const struct checkpoint_look *l, struct grid *g)
{
	static const char *const heads[] = {"learned", "topic", "column", "is"};
	struct topic_lore t;
	uint32_t source, at = 0;
	for (uint32_t i = 0; i < ARRAY_LEN(heads); i++)
		grid_cell(g, str_c(heads[i]));
	grid_line(g);
	while (at < shown_positions_max && next_learned(l, &at, &source, &t)) {
		grid_number(g, source);
		grid_cell(g, t.topic);
		grid_cell(g, str_lit("-"));
		grid_cell(g, str_c(envelope_name(t.kind)));
		grid_line(g);
		add_columns_of(source, &t, g);
	}
}

static bool has_learned(const struct checkpoint_look *l)
{
	struct topic_lore t;
	uint32_t source, at = 0;
	return next_learned(l, &at, &source, &t);
}

static void add_files(const struct checkpoint_look *l, struct grid *g)
{
	grid_cell(g, str_lit("file"));
	grid_cell(g, str_lit("bytes"));
	grid_cell(g, str_lit("state"));
	grid_line(g);
	for (uint32_t i = 0; i < l->file_count; i++) {
		const struct checkpoint_look_file *f = &l->files[i];
		char text[error_text_bytes] = "whole";
		if (f->damage.code != CDCL_OK)
			snprintf(text, sizeof(text), "%s", f->damage.text);
		else if (f->torn > 0)
			snprintf(text, sizeof(text),
				"whole, and %lld bytes at its end that do not count",
				(long long)f->torn);
		grid_cell(g, f->name);
		grid_number(g, f->bytes);
		grid_cell(g, str_c(text));
		grid_line(g);
	}
}

/* ---- the three ---- */

enum state_action { STATE_INFO, STATE_VERIFY, STATE_DUMP, STATE_FORGET, STATE_REWIND };

struct state_options {
	const char *to_batch;
};

static void add_section(const struct checkpoint_look *l,
	void (*add)(const struct checkpoint_look *l, struct grid *g), struct strbuf *out)
{
	struct grid g;
	grid_init(&g);
	if (out->len > 0)
		strbuf_add_byte(out, '\n');
	add(l, &g);
	grid_end(&g, out);
}

static void add_kept(const struct kept_columns *list, uint32_t count, struct strbuf *out)
{
	struct strbuf ddl;
	struct grid g;
	grid_init(&g);
	strbuf_init(&ddl);
	grid_pair(&g, "columns of", str_lit("are"));
	for (uint32_t i = 0; i < count; i++) {
		strbuf_reset(&ddl);
		schema_text(list[i].sample.schema, &ddl);
		grid_cell(&g, list[i].reads);
		grid_cell(&g, strbuf_str(&ddl));
		grid_line(&g);
	}
	strbuf_add_byte(out, '\n');
	grid_end(&g, out);
	strbuf_release(&ddl);
}

/* Columns that messages said, if `all`; negative: the file is damaged. */
static int add_columns(const char *folder, bool all, struct strbuf *out, struct error *err)
{
	struct kept_columns *list;
	struct arena arena;
	uint32_t count;
	arena_init(&arena, 16 * 1024);
	int r = kept_columns_read(folder, &arena, &list, &count, err);
	if (r == 0 && count > 0 && all)
		add_kept(list, count, out);
	arena_release(&arena);
	return r;
}

/* Damage is the answer, after what can be said all the same. */
static int tell(const struct checkpoint_look *l, const char *folder, bool all)
{
	struct strbuf out;
	struct error wrong;
	strbuf_init(&out);
	error_init(&wrong);
	const struct error *damage = checkpoint_look_damage(l);
	if (all)
		add_section(l, add_summary, &out);
	if (all && l->readable) {
		add_section(l, add_positions, &out);
		if (l->found->interrupted)
			add_section(l, add_ranges, &out);
		add_section(l, add_parts, &out);
		if (has_learned(l))
			add_section(l, add_learned, &out);
	}
	if (add_columns(folder, all, &out, &wrong) < 0 && damage->code == CDCL_OK)
		damage = &wrong;
	add_section(l, add_files, &out);
	int exit_code = cli_print(strbuf_str(&out));
	strbuf_release(&out);
	return damage->code != CDCL_OK ? cli_fail(damage) : exit_code;
}

static const struct checkpoint_look_part *find_table(
	const struct checkpoint_look *l, const char *name, struct error *err)
{
	const struct checkpoint_look_part *found = NULL;
	struct strbuf names;
	uint32_t count = 0;
	strbuf_init(&names);
	for (uint32_t i = 0; i < l->part_count; i++) {
		const struct checkpoint_look_part *p = &l->parts[i];
		if (p->table == NULL)
			continue;
		struct str its = str_sub(p->part.name, 6, p->part.name.len - 6);
		strbuf_addf(&names, " " STR_FMT, STR_ARG(its));
		if (name != NULL && !str_eq(its, str_c(name)))
			continue;
		found = p;
		count++;
	}
	if (count > 1)
		error_set(err, CDCL_E_USAGE, "which table? There are" STR_FMT,
			STR_ARG(strbuf_str(&names)));
	else if (count == 0)
		error_set(err, CDCL_E_USAGE, "there is no such table; there are:%s" STR_FMT,
			names.len == 0 ? " none" : "", STR_ARG(strbuf_str(&names)));
	if (count != 1)
		error_help(err, "cdcl state dump FOLDER TABLE; info shows groups, too, which "
				"cannot be printed");
	strbuf_release(&names);
	return count == 1 ? found : NULL;
}

static int dump(const struct checkpoint_look *l, const char *name, struct error *err)
{
	if (!l->readable)
		return cli_fail(checkpoint_look_damage(l));
	const struct checkpoint_look_part *p = find_table(l, name, err);
	if (p == NULL)
		return cli_fail(err);
	struct arena arena;
	struct row_json json;
	struct strbuf lines;
	uint32_t at = 0, ids[chunk_rows_max];
	arena_init(&arena, 1024 * 1024);
	strbuf_init(&lines);
	row_json_init(&json, p->schema, NULL, false);
	struct chunk *c = chunk_alloc(&arena, p->schema);
	int r = 0;
	for (uint32_t count; r == 0 && (count = table_scan(p->table, &at, ids)) > 0;) {
		table_gather(p->table, ids, count, c);
		strbuf_reset(&lines);
		for (uint32_t row = 0; row < count; row++) {
			row_json_object(&json, c, row, false, &lines);
			strbuf_add_byte(&lines, '\n');
		}
		r = file_write_stdout(strbuf_str(&lines), err);
	}
	row_json_release(&json);
	strbuf_release(&lines);
	arena_release(&arena);
	return r == 0 || err->code == CDCL_E_CLOSED ? 0 : cli_fail(err);
}

/* ---- changes ---- */

static int forget(const struct arguments *a, struct error *err)
{
	struct str names[checkpoint_names_max];
	uint32_t count = a->count - 2;
	if (count == 0 || count > checkpoint_names_max)
		return cli_usage(&command_state, "name what to forget, as info shows it");
	for (uint32_t i = 0; i < count; i++)
		names[i] = str_c(a->items[i + 2]);
	return checkpoint_forget(a->items[1], names, count, err) < 0 ? cli_fail(err) : 0;
}

static int go_back(const char *folder, const char *to_batch, struct error *err)
{
	int64_t to = -1, was, now;
	if (to_batch != NULL && (!int64_parse(str_c(to_batch), &to) || to < 0))
		return cli_usage(&command_state, "--to-batch takes the number of a batch");
	if (checkpoint_rewind(folder, to, &was, &now, err) < 0)
		return cli_fail(err);
	struct strbuf out;
	strbuf_init(&out);
	strbuf_addf(&out,
		"%s: goes on after batch %" PRId64 ", it was at %" PRId64 "\n"
		"Targets keep what they have: those that know their batches refuse to go back "
		"(exit 6), the others get the later batches again.\n",
		folder, now, was);
	int exit_code = cli_print(strbuf_str(&out));
	strbuf_release(&out);
	return exit_code;
}

static int show(enum state_action action, const struct arguments *a, struct error *err)
{
	struct checkpoint_look *l = checkpoint_look_open(a->items[1], err);
	if (l == NULL)
		return cli_fail(err);
	int exit_code = action == STATE_DUMP
		? dump(l, a->count > 2 ? a->items[2] : NULL, err)
		: tell(l, a->items[1], action == STATE_INFO);
	checkpoint_look_close(l);
	return exit_code;
}

static int run_state(const void *options, const struct arguments *a)
{
	static const char *const actions[] = {"info", "verify", "dump", "forget", "rewind"};
	const struct state_options *o = options;
	struct error err;
	error_init(&err);
	uint32_t action = 0;
	while (a->count > 0 && action < ARRAY_LEN(actions) &&
		strcmp(a->items[0], actions[action]) != 0)
		action++;
	if (a->count == 0 || action == ARRAY_LEN(actions))
		return cli_usage(
			&command_state, "say what to do: info, verify, dump, forget or rewind");
	if (a->count < 2)
		return cli_usage(&command_state, "name the checkpoint's folder");
	if (o->to_batch != NULL && action != STATE_REWIND)
		return cli_usage(&command_state, "--to-batch is for rewind");
	if (action == STATE_FORGET)
		return forget(a, &err);
	uint32_t used = action == STATE_DUMP && a->count > 2 ? 3 : 2;
	if (a->count > used)
		return cli_usage(&command_state, "'%s' is one argument too many", a->items[used]);
	return action == STATE_REWIND ? go_back(a->items[1], o->to_batch, &err)
				      : show(action, a, &err);
}

static const struct option_spec state_specs[] = {
	{0, "to-batch", "N", OPTION_TEXT, offsetof(struct state_options, to_batch),
		"rewind: go on after this batch"},
};

const struct command command_state = {
	.name = "state",
	.summary = "What a checkpoint holds, whether it is whole, and changes to it.",
	.usage = "cdcl state info|verify|dump|forget|rewind FOLDER [TABLE|NAME...]",
	.examples = "  cdcl state info state/orders\n"
		    "  cdcl state dump state/orders orders         rows as JSON lines\n"
		    "  cdcl state forget state/orders 'table old'  the script has it no more\n"
		    "  cdcl state rewind --to-batch 41 state/orders\n",
	.details = "info, verify and dump read only, and a job may run meanwhile: what is shown\n"
		   "is one moment of it. They take the memory that the job's tables take.\n"
		   "forget and rewind need a job that does not run (exit 7). forget lets go of a\n"
		   "table, group or source, by its name in 'cdcl check --against'. rewind goes\n"
		   "back to the state after an earlier batch, as far as the logs reach; without\n"
		   "--to-batch to the oldest one that they hold.\n",
	.options = state_specs,
	.option_count = ARRAY_LEN(state_specs),
	.options_bytes = sizeof(struct state_options),
	.run = run_state,
};
