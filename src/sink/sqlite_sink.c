/*
 * A table of an SQLite file (table_target.h). Values that SQLite cannot hold exactly are text
 * there: decimals, dates, timestamps, JSON, arrays; and NaN, which it would store as NULL. The file
 * keeps its own journal mode: a reader sees the batch before or the batch after, a crash leaves the
 * batch before.
 */

#include "sink/sink_kinds.h"

#include "base/check.h"
#include "base/late.h"
#include "base/log.h"
#include "base/patience.h"
#include "data/value.h"
#include "sink/table_target.h"

#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { busy_ms = 5000, busy_after_stop_ms = 1000, busy_slice_ms = 20 };

enum affinity { AFFINITY_BLOB, AFFINITY_TEXT, AFFINITY_INTEGER, AFFINITY_REAL, AFFINITY_NUMERIC };

struct sqlite_sink {
	struct table_target target;
	sqlite3 *db;
	sqlite3_stmt *insert;   /* or upsert */
	sqlite3_stmt *remove;   /* by key; NULL without one */
	sqlite3_stmt *note;     /* a key of this run, while rows of an earlier one may be there */
	struct strbuf text;
	int64_t busy_since_us;  /* somebody else has the lock */
};

static struct sqlite_sink *sqlite_of(struct table_target *t)
{
	return container_of(t, struct sqlite_sink, target);
}

static int fail(struct sqlite_sink *q, const char *doing, struct error *err)
{
	int code = sqlite3_errcode(q->db) & 0xff;
	bool disk = code == SQLITE_FULL || code == SQLITE_IOERR;
	bool refused = code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH ||
		code == SQLITE_ERROR || code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
	const struct sink_config *c = q->target.config;
	int r = error_set(err, disk ? CDCL_E_DISK : refused ? CDCL_E_STATE : CDCL_E_UNREACHABLE,
		STR_FMT ", table " STR_FMT ": %s: %s", STR_ARG(c->path), STR_ARG(c->table), doing,
		sqlite3_errmsg(q->db));
	if (code == SQLITE_NOTADB)
		error_help(err, "it is a file of something else: name another path");
	else if (code == SQLITE_CORRUPT)
		error_help(err, "put a copy back; or move it away, and it counts as a new target");
	return r;
}

/* ---- the table ---- */

static const char *sqlite_type(struct type t)
{
	switch (t.id) {
	case TYPE_BOOLEAN: return "BOOLEAN";
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT: return "INT"; /* INTEGER PRIMARY KEY would be a rowid, and number NULLs */
	case TYPE_BIGINT: return "BIGINT";
	case TYPE_FLOAT:
	case TYPE_DOUBLE: return "REAL";
	case TYPE_BINARY: return "BLOB";
	default: return "TEXT";
	}
}

static bool has_word(struct str text, const char *word)
{
	size_t len = strlen(word);
	for (size_t i = 0; i + len <= text.len; i++)
		if (str_eq_fold(str_sub(text, i, len), str_c(word)))
			return true;
	return false;
}

/* SQLite's own rule, from the words of the declared type. */
static enum affinity affinity_of(struct str declared)
{
	if (has_word(declared, "INT"))
		return AFFINITY_INTEGER;
	if (has_word(declared, "CHAR") || has_word(declared, "CLOB") || has_word(declared, "TEXT"))
		return AFFINITY_TEXT;
	if (has_word(declared, "BLOB") || declared.len == 0)
		return AFFINITY_BLOB;
	if (has_word(declared, "REAL") || has_word(declared, "FLOA") || has_word(declared, "DOUB"))
		return AFFINITY_REAL;
	return AFFINITY_NUMERIC;
}

/* A column of that affinity gives back what was put into it. */
static bool keeps(enum affinity a, struct type t)
{
	switch (t.id) {
	case TYPE_BOOLEAN:
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT:
	case TYPE_BIGINT:
		return a == AFFINITY_INTEGER || a == AFFINITY_NUMERIC || a == AFFINITY_BLOB;
	case TYPE_FLOAT:
	case TYPE_DOUBLE:
		return a == AFFINITY_REAL || a == AFFINITY_BLOB || a == AFFINITY_NUMERIC;
	case TYPE_BINARY: return true;
	default: return a == AFFINITY_TEXT || a == AFFINITY_BLOB;
	}
}

static int run(struct sqlite_sink *q, const char *sql, const char *doing, struct error *err)
{
	return sqlite3_exec(q->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(q, doing, err);
}

static int prepare_text(struct sqlite_sink *q, sqlite3_stmt **out, const char *doing,
	struct error *err)
{
	int r = sqlite3_prepare_v3(q->db, q->text.data, (int)q->text.len, SQLITE_PREPARE_PERSISTENT,
		out, NULL);
	return r == SQLITE_OK ? 0 : fail(q, doing, err);
}

/* The comment stays in sqlite_master: such a table may be altered by cdcl. */
static const char mark[] = "/* made by cdcl */";

static int make_table(struct sqlite_sink *q, struct error *err)
{
	struct table_target *t = &q->target;
	const struct schema *s = t->base.schema;
	strbuf_reset(&q->text);
	strbuf_add_c(&q->text, "create table ");
	sql_add_name(&q->text, t->config->table);
	strbuf_addf(&q->text, " (%s ", mark);
	for (uint32_t i = 0; i < s->column_count; i++) {
		strbuf_add_c(&q->text, i > 0 ? ", " : "");
		sql_add_name(&q->text, s->columns[i].name);
		strbuf_addf(&q->text, " %s", sqlite_type(s->columns[i].type));
	}
	if (table_target_upserts(t) && t->base.key->count > 0) {
		strbuf_add_c(&q->text, ", primary key (");
		table_target_add_names(t, true, "", ", ", &q->text);
		strbuf_add_byte(&q->text, ')');
	}
	strbuf_add(&q->text, (struct str){")", 2}); /* its NUL too */
	log_info("sqlite", STR_FMT ": table " STR_FMT " was made", STR_ARG(t->config->path),
		STR_ARG(t->config->table));
	return run(q, q->text.data, "cannot make it", err);
}

static int add_column(struct sqlite_sink *q, uint32_t column, struct error *err)
{
	const struct table_target *t = &q->target;
	const struct schema_column *c = &t->base.schema->columns[column];
	strbuf_reset(&q->text);
	strbuf_add_c(&q->text, "alter table ");
	sql_add_name(&q->text, t->config->table);
	strbuf_add_c(&q->text, " add column ");
	sql_add_name(&q->text, c->name);
	strbuf_addf(&q->text, " %s%c", sqlite_type(c->type), '\0');
	log_info("sqlite", "table " STR_FMT ": column " STR_FMT " was added",
		STR_ARG(t->config->table), STR_ARG(c->name));
	return run(q, q->text.data, "cannot add a column", err);
}

/* ---- a column of another type ---- */

/* Into an expression that gives the same value, as cdcl would have written it. */
static void add_cast(struct str value, enum affinity from, bool from_boolean, enum affinity to,
	bool to_boolean, struct strbuf *out)
{
	static const char *const names[] = {[AFFINITY_INTEGER] = "integer",
		[AFFINITY_TEXT] = "text",
		[AFFINITY_REAL] = "real",
		[AFFINITY_NUMERIC] = "numeric",
		[AFFINITY_BLOB] = "blob"};
	if (from_boolean && to == AFFINITY_TEXT)
		strbuf_addf(out, "case " STR_FMT " when 0 then 'false' when 1 then 'true' end",
			STR_ARG(value));
	else if (to_boolean && from == AFFINITY_TEXT)
		strbuf_addf(out, "case " STR_FMT " when 'false' then 0 when 'true' then 1 end",
			STR_ARG(value));
	else
		strbuf_addf(out, "cast(" STR_FMT " as %s)", STR_ARG(value), names[to]);
}

/* What a column is, what it has to be, and `there` and `back` between the two. */
struct retyping {
	struct strbuf table;
	struct strbuf name;
	struct strbuf there;
	struct strbuf back;
	const char *type;
};

static void retyping_init(struct retyping *w, const struct table_target *t, uint32_t column,
	struct str declared)
{
	const struct schema_column *c = &t->base.schema->columns[column];
	enum affinity from = affinity_of(declared);
	bool from_boolean = has_word(declared, "BOOL"), to_boolean = c->type.id == TYPE_BOOLEAN;
	w->type = sqlite_type(c->type);
	enum affinity to = affinity_of(str_c(w->type));
	strbuf_init(&w->table);
	strbuf_init(&w->name);
	strbuf_init(&w->there);
	strbuf_init(&w->back);
	sql_add_name(&w->table, t->config->table);
	sql_add_name(&w->name, c->name);
	add_cast(strbuf_str(&w->name), from, from_boolean, to, to_boolean, &w->there);
	add_cast(strbuf_str(&w->there), to, to_boolean, from, from_boolean, &w->back);
}

static void retyping_release(struct retyping *w)
{
	strbuf_release(&w->table);
	strbuf_release(&w->name);
	strbuf_release(&w->there);
	strbuf_release(&w->back);
}

/*
 * 1: each of its values comes back the same; 0: one would be another. The back of a real may be a
 * number that is none: 2^63 is cut to 2^63-1, so numbers are compared themselves, too.
 */
static int is_exact(struct sqlite_sink *q, const struct retyping *w, struct error *err)
{
	sqlite3_stmt *s = NULL;
	strbuf_reset(&q->text);
	strbuf_addf(&q->text, "select 1 from " STR_FMT " where " STR_FMT " is not " STR_FMT,
		STR_ARG(strbuf_str(&w->table)), STR_ARG(strbuf_str(&w->back)),
		STR_ARG(strbuf_str(&w->name)));
	if (strcmp(w->type, "REAL") == 0)
		strbuf_addf(&q->text, " or " STR_FMT " is not " STR_FMT,
			STR_ARG(strbuf_str(&w->there)), STR_ARG(strbuf_str(&w->name)));
	strbuf_add_c(&q->text, " limit 1");
	if (prepare_text(q, &s, "cannot be read", err) < 0)
		return -(int)err->code;
	int r = sqlite3_step(s);
	sqlite3_finalize(s);
	return r == SQLITE_ROW ? 0 : r == SQLITE_DONE ? 1 : fail(q, "cannot be read", err);
}

/* SQLite alters no types, so it becomes another column, the last one. */
static int retype(struct sqlite_sink *q, const struct retyping *w, struct error *err)
{
	struct str table = strbuf_str(&w->table), name = strbuf_str(&w->name);
	strbuf_reset(&q->text);
	strbuf_addf(&q->text,
		"savepoint retype; alter table " STR_FMT " add column \"@wider\" %s; "
		"update " STR_FMT " set \"@wider\" = " STR_FMT "; "
		"alter table " STR_FMT " drop column " STR_FMT "; "
		"alter table " STR_FMT " rename column \"@wider\" to " STR_FMT "; "
		"release retype%c",
		STR_ARG(table), w->type, STR_ARG(table), STR_ARG(strbuf_str(&w->there)),
		STR_ARG(table), STR_ARG(name), STR_ARG(table), STR_ARG(name), '\0');
	int r = run(q, q->text.data, "cannot change a column's type", err);
	if (r < 0)
		sqlite3_exec(q->db, "rollback to retype; release retype", NULL, NULL, NULL);
	return r;
}

/*
 * Of our own table, not one of the key: a column that grew (int to double, to string), as long as
 * no value becomes another. The state that has to go with it is read later, and may refuse: then
 * the column goes back the same way.
 */
static int change_type(struct sqlite_sink *q, uint32_t column, const char *declared,
	struct error *err)
{
	const struct table_target *t = &q->target;
	struct retyping w;
	retyping_init(&w, t, column, str_c(declared));
	int r = is_exact(q, &w, err);
	if (r == 0)
		r = table_target_wrong_type(t, column, declared, w.type, err);
	else if (r == 1)
		r = retype(q, &w, err);
	if (r == 0)
		log_info("sqlite", "table " STR_FMT ": column " STR_FMT " got another type",
			STR_ARG(t->config->table),
			STR_ARG(t->base.schema->columns[column].name));
	retyping_release(&w);
	return r;
}

/* 1 and its declared type; 0: there is no such column. */
static int find_column(struct sqlite_sink *q, struct str name, char *type, size_t type_bytes,
	struct error *err)
{
	sqlite3_stmt *s = NULL;
	strbuf_reset(&q->text);
	strbuf_add_c(&q->text,
		"select type from pragma_table_info(?1) where name = ?2 collate nocase");
	if (prepare_text(q, &s, "cannot read its columns", err) < 0)
		return -(int)err->code;
	const struct str table = q->target.config->table;
	sqlite3_bind_text(s, 1, table.data, (int)table.len, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, name.data, (int)name.len, SQLITE_STATIC);
	int r = sqlite3_step(s);
	if (r == SQLITE_ROW)
		snprintf(type, type_bytes, "%s", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return r == SQLITE_ROW ? 1 : r == SQLITE_DONE ? 0 : fail(q, "cannot read its columns", err);
}

/* 1: there; 2: there, and made by cdcl; 0: not there. */
static int find_table(struct sqlite_sink *q, struct error *err)
{
	sqlite3_stmt *s = NULL;
	strbuf_reset(&q->text);
	strbuf_add_c(&q->text,
		"select instr(sql, ?2) from sqlite_master where name = ?1 collate nocase"
		" and type in ('table', 'view')");
	if (prepare_text(q, &s, "cannot be opened", err) < 0)
		return -(int)err->code;
	const struct str table = q->target.config->table;
	sqlite3_bind_text(s, 1, table.data, (int)table.len, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, mark, -1, SQLITE_STATIC);
	int r = sqlite3_step(s);
	bool ours = r == SQLITE_ROW && sqlite3_column_int(s, 0) > 0;
	sqlite3_finalize(s);
	return r == SQLITE_ROW ? 1 + ours : r == SQLITE_DONE ? 0 : fail(q, "cannot be opened", err);
}

static int check_columns(struct sqlite_sink *q, bool ours, struct error *err)
{
	const struct table_target *t = &q->target;
	for (uint32_t i = 0; i < t->base.schema->column_count; i++) {
		const struct schema_column *c = &t->base.schema->columns[i];
		char declared[128];
		int r = find_column(q, c->name, declared, sizeof(declared), err);
		if (r < 0)
			return r;
		if (r == 0 && !ours)
			return table_target_missing(t, i, sqlite_type(c->type), err);
		if (r == 0 && (r = add_column(q, i, err)) < 0)
			return r;
		if (r == 0 || keeps(affinity_of(str_c(declared)), c->type))
			continue;
		if (!ours || table_target_is_key(t, i))
			return table_target_wrong_type(t, i,
				declared[0] == '\0' ? "without a type" : declared,
				sqlite_type(c->type), err);
		if ((r = change_type(q, i, declared, err)) < 0)
			return r;
	}
	return 0;
}

/* ---- the statements ---- */

static void add_updates(struct sqlite_sink *q)
{
	const struct table_target *t = &q->target;
	uint32_t count = 0;
	strbuf_add_c(&q->text, " on conflict (");
	table_target_add_names(t, true, "", ", ", &q->text);
	strbuf_add_c(&q->text, ") do ");
	for (uint32_t i = 0; i < t->base.schema->column_count; i++) {
		if (table_target_is_key(t, i))
			continue;
		strbuf_add_c(&q->text, count++ == 0 ? "update set " : ", ");
		sql_add_name(&q->text, t->base.schema->columns[i].name);
		strbuf_add_c(&q->text, " = excluded.");
		sql_add_name(&q->text, t->base.schema->columns[i].name);
	}
	if (count == 0)
		strbuf_add_c(&q->text, "nothing");
}

static int prepare_insert(struct sqlite_sink *q, struct error *err)
{
	const struct table_target *t = &q->target;
	strbuf_reset(&q->text);
	strbuf_add_c(&q->text, "insert into ");
	sql_add_name(&q->text, t->config->table);
	strbuf_add_c(&q->text, " (");
	table_target_add_names(t, false, "", ", ", &q->text);
	strbuf_add_c(&q->text, ") values (");
	for (uint32_t i = 0; i < t->base.schema->column_count; i++)
		strbuf_add_c(&q->text, i > 0 ? ", ?" : "?");
	strbuf_add_byte(&q->text, ')');
	if (table_target_upserts(t) && t->base.key->count > 0)
		add_updates(q);
	int r = prepare_text(q, &q->insert, "cannot be written", err);
	if (r < 0 && strstr(err->text, "ON CONFLICT") != NULL)
		error_help(err, "the table needs a primary key or a unique index over the key");
	return r;
}

/* "is" and not "=": a key may be NULL. A key of nothing matches all. */
static void add_key_match(struct sqlite_sink *q, const char *other)
{
	if (q->target.base.key->count > 0)
		strbuf_add_c(&q->text, " where ");
	table_target_add_key_match(&q->target, "t.", "is", other, &q->text);
}

static int prepare_remove(struct sqlite_sink *q, struct error *err)
{
	strbuf_reset(&q->text);
	strbuf_add_c(&q->text, "delete from ");
	sql_add_name(&q->text, q->target.config->table);
	strbuf_add_c(&q->text, " as t");
	add_key_match(q, NULL);
	return prepare_text(q, &q->remove, "cannot be deleted from", err);
}

/* Its columns have the affinities of the target's: else no index would serve the comparison. */
static int prepare_note(struct sqlite_sink *q, struct error *err)
{
	const struct table_target *t = &q->target;
	strbuf_reset(&q->text);
	strbuf_add_c(&q->text, "create temp table cdcl_here as select ");
	table_target_add_names(t, true, "", ", ", &q->text);
	strbuf_add_c(&q->text, " from ");
	sql_add_name(&q->text, t->config->table);
	strbuf_add_c(&q->text, " limit 0; create unique index temp.cdcl_here_key on cdcl_here (");
	table_target_add_names(t, true, "", ", ", &q->text);
	strbuf_add(&q->text, (struct str){")", 2});
	int r = run(q, q->text.data, "no room for the keys of this run", err);
	if (r < 0)
		return r;
	strbuf_reset(&q->text);
	strbuf_add_c(&q->text, "insert or ignore into cdcl_here values (");
	for (uint32_t i = 0; i < t->base.key->count; i++)
		strbuf_add_c(&q->text, i > 0 ? ", ?" : "?");
	strbuf_add_byte(&q->text, ')');
	return prepare_text(q, &q->note, "no room for the keys of this run", err);
}

/* ---- the ledger ---- */

/* One statement with texts for its parameters; how many rows changed, or *row of the first. */
static int run_bound(struct sqlite_sink *q, const char *sql, const struct str *texts, int count,
	struct target_ledger_row *row, struct error *err)
{
	static const char doing[] = "_cdcl_ledger cannot be used";
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(q->db, sql, -1, &s, NULL) != SQLITE_OK)
		return fail(q, doing, err);
	for (int i = 0; i < count; i++)
		sqlite3_bind_text(s, i + 1, texts[i].data, (int)texts[i].len, SQLITE_STATIC);
	int step = sqlite3_step(s);
	int r = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : fail(q, doing, err);
	if (step == SQLITE_ROW && row != NULL) {
		snprintf(row->checkpoint, sizeof(row->checkpoint), "%s",
			(const char *)sqlite3_column_text(s, 0));
		snprintf(row->writer, sizeof(row->writer), "%s",
			(const char *)sqlite3_column_text(s, 1));
		row->batch = sqlite3_column_int64(s, 2);
		r = 1;
	}
	sqlite3_finalize(s);
	return r == 0 && row == NULL ? sqlite3_changes(q->db) : r;
}

static int make_ledger(struct sqlite_sink *q, struct error *err)
{
	strbuf_reset(&q->text);
	strbuf_addf(&q->text, "create table if not exists _cdcl_ledger %s%c",
		target_ledger_columns, '\0');
	return run(q, q->text.data, "_cdcl_ledger cannot be made", err);
}

static int ledger_read(struct table_target *t, struct target_ledger_row *row, struct error *err)
{
	const struct str names[] = {t->base.writer->job, strbuf_str(&t->ledger.target)};
	return run_bound(sqlite_of(t),
		"select checkpoint, writer, batch from _cdcl_ledger where job = ?1 and target = ?2",
		names, 2, row, err);
}

static int ledger_write(struct table_target *t, const struct target_ledger_row *old,
	const struct target_ledger_row *next, struct error *err)
{
	char batch[32], before[32];
	snprintf(batch, sizeof(batch), "%lld", (long long)next->batch);
	snprintf(before, sizeof(before), "%lld", old == NULL ? 0 : (long long)old->batch);
	const struct str texts[] = {t->base.writer->job, strbuf_str(&t->ledger.target),
		str_c(next->checkpoint), str_c(next->writer), str_c(batch),
		str_c(old == NULL ? "" : old->checkpoint), str_c(old == NULL ? "" : old->writer),
		str_c(before)};
	return old == NULL
		? run_bound(sqlite_of(t),
			  "insert or ignore into _cdcl_ledger values (?1, ?2, ?3, ?4, ?5)", texts,
			  5, NULL, err)
		: run_bound(sqlite_of(t),
			  "update _cdcl_ledger set checkpoint = ?3, writer = ?4, batch = ?5"
			  " where job = ?1 and target = ?2 and checkpoint = ?6 and writer = ?7"
			  " and batch = cast(?8 as integer)", texts, 8, NULL, err);
}

static int ledger_forget(struct table_target *t, struct error *err)
{
	const struct str names[] = {t->base.writer->job, strbuf_str(&t->ledger.target)};
	int r = run_bound(sqlite_of(t), "delete from _cdcl_ledger where job = ?1 and target = ?2",
		names, 2, NULL, err);
	return r < 0 ? r : 0;
}

/* What is said to be taken must be so after a power cut too, whatever the file's settings are. */
static int open_ledger(struct sqlite_sink *q, struct error *err)
{
	int r = run(q, "pragma synchronous = full", "cannot be set up", err);
	return r == 0 ? make_ledger(q, err) : r;
}

/* Somebody else writes: a stop is not kept waiting for it. */
static int on_busy(void *sink, int times)
{
	struct sqlite_sink *q = sink;
	int64_t now_us = clock_monotonic_us(&clock_system);
	int limit_ms = patience_stop_asked() ? busy_after_stop_ms : busy_ms;
	if (times == 0)
		q->busy_since_us = now_us;
	if (now_us - q->busy_since_us >= (int64_t)limit_ms * 1000)
		return 0;
	poll(NULL, 0, busy_slice_ms);
	return 1;
}

static void close_db(struct sqlite_sink *q)
{
	sqlite3_finalize(q->insert);
	sqlite3_finalize(q->remove);
	sqlite3_finalize(q->note);
	if (q->db != NULL)
		sqlite3_close(q->db);
	q->insert = q->remove = q->note = NULL;
	q->db = NULL;
}

static int open_table(struct table_target *t, struct error *err)
{
	struct sqlite_sink *q = sqlite_of(t);
	if (late_open(&late_sqlite3, err) < 0)
		return -(int)err->code;
	close_db(q);
	strbuf_reset(&q->text);
	strbuf_add(&q->text, t->config->path);
	strbuf_add_byte(&q->text, '\0');
	int r = sqlite3_open_v2(q->text.data, &q->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (r != SQLITE_OK)
		return fail(q, "cannot be opened", err);
	sqlite3_busy_handler(q->db, on_busy, q);
	sqlite3_extended_result_codes(q->db, 1);
	r = t->ledger.kept ? open_ledger(q, err) : 0;
	int found = r < 0 ? r : find_table(q, err);
	r = found == 0 ? table_target_forget(t, err) : found;
	if (r >= 0)
		r = found == 0 ? make_table(q, err) : check_columns(q, found == 2, err);
	if (r == 0)
		r = prepare_insert(q, err);
	if (r == 0 && table_target_upserts(t))
		r = prepare_remove(q, err);
	return r;
}

/* ---- rows ---- */

static int bind_text(struct sqlite_sink *q, sqlite3_stmt *s, int at, const struct value *v)
{
	bool json = v->type.id == TYPE_JSON || v->type.id == TYPE_ARRAY;
	strbuf_reset(&q->text);
	value_text(v, json ? VALUE_JSON : VALUE_CAST, q->target.base.timezone, &q->text);
	return sqlite3_bind_text64(s, at, q->text.data, q->text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static int bind_double(struct sqlite_sink *q, sqlite3_stmt *s, int at, const struct value *v,
	double d)
{
	return d != d ? bind_text(q, s, at, v) : sqlite3_bind_double(s, at, d);
}

static int bind_value(struct sqlite_sink *q, sqlite3_stmt *s, int at, const struct value *v)
{
	if (v->is_null)
		return sqlite3_bind_null(s, at);
	struct str text = v->as.str;
	switch (v->type.id) {
	case TYPE_NULL: return sqlite3_bind_null(s, at);
	case TYPE_BOOLEAN: return sqlite3_bind_int(s, at, v->as.boolean);
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT: return sqlite3_bind_int(s, at, v->as.i32);
	case TYPE_BIGINT: return sqlite3_bind_int64(s, at, v->as.i64);
	case TYPE_FLOAT: return bind_double(q, s, at, v, (double)v->as.f32);
	case TYPE_DOUBLE: return bind_double(q, s, at, v, v->as.f64);
	case TYPE_STRING:
		return sqlite3_bind_text64(s, at, text.data == NULL ? "" : text.data, text.len,
			SQLITE_STATIC, SQLITE_UTF8);
	case TYPE_BINARY:
		return sqlite3_bind_blob64(s, at, text.data == NULL ? "" : text.data, text.len,
			SQLITE_STATIC);
	default: return bind_text(q, s, at, v);
	}
}

static int step(struct sqlite_sink *q, sqlite3_stmt *s, const struct chunk *c, uint32_t row,
	bool key, struct error *err)
{
	const struct schema *schema = q->target.base.schema;
	uint32_t count = key ? q->target.base.key->count : schema->column_count;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t column = key ? q->target.base.key->columns[i] : i;
		struct value v = value_from_column(&c->columns[column],
			schema->columns[column].type, row);
		if (bind_value(q, s, (int)i + 1, &v) != SQLITE_OK)
			return fail(q, "a value is not taken", err);
	}
	bool done = sqlite3_step(s) == SQLITE_DONE;
	int r = done ? 0 : fail(q, "a row is not taken", err);
	sqlite3_reset(s);
	return r;
}

static int put_row(struct sqlite_sink *q, const struct chunk *c, uint32_t row, struct error *err)
{
	struct table_target *t = &q->target;
	if (!table_target_upserts(t))
		return step(q, q->insert, c, row, false, err);
	bool gone = chunk_kind(c, row) == ROW_DELETE;
	int r = 0;
	/* No conflict finds a NULL; a Table without key columns is one row. */
	if (gone || t->base.key->count == 0 || table_target_null_key(t, c, row))
		r = step(q, q->remove, c, row, true, err);
	if (r == 0 && !gone)
		r = step(q, q->insert, c, row, false, err);
	if (r == 0 && !gone && q->note != NULL)
		r = step(q, q->note, c, row, true, err);
	return r;
}

static int put(struct table_target *t, const struct chunk *c, struct error *err)
{
	int r = 0;
	for (uint32_t row = chunk_next_live(c, 0); r == 0 && row < chunk_rows_max;
		row = chunk_next_live(c, row + 1))
		r = put_row(sqlite_of(t), c, row, err);
	return r;
}

/* ---- the transaction ---- */

static int clear_table(struct sqlite_sink *q, struct error *err)
{
	strbuf_reset(&q->text);
	strbuf_add_c(&q->text, "delete from ");
	sql_add_name(&q->text, q->target.config->table);
	strbuf_add_byte(&q->text, '\0');
	return run(q, q->text.data, "cannot be emptied", err);
}

static int begin(struct table_target *t, struct error *err)
{
	struct sqlite_sink *q = sqlite_of(t);
	bool stale = table_target_removes_stale(t);
	bool one_row = stale && t->base.key->count == 0;
	int r = stale && !one_row && q->note == NULL ? prepare_note(q, err) : 0;
	if (r == 0)
		r = run(q, "begin immediate", "cannot be written", err);
	return r == 0 && (table_target_replaces(t) || one_row) ? clear_table(q, err) : r;
}

static int remove_stale(struct sqlite_sink *q, struct error *err)
{
	strbuf_reset(&q->text);
	strbuf_add_c(&q->text, "delete from ");
	sql_add_name(&q->text, q->target.config->table);
	strbuf_add_c(&q->text, " as h where not exists (select 1 from cdcl_here as t");
	add_key_match(q, "h.");
	strbuf_add(&q->text, (struct str){")", 2});
	int r = run(q, q->text.data, "rows of an earlier run stay", err);
	int gone = sqlite3_changes(q->db);
	if (r == 0 && gone > 0)
		log_info("sqlite", "table " STR_FMT ": %d rows of an earlier run were taken out",
			STR_ARG(q->target.config->table), gone);
	return r;
}

static int finish(struct table_target *t, struct error *err)
{
	struct sqlite_sink *q = sqlite_of(t);
	return q->note != NULL ? remove_stale(q, err) : 0;
}

static int commit(struct table_target *t, struct error *err)
{
	struct sqlite_sink *q = sqlite_of(t);
	int r = run(q, "commit", "the batch is not taken", err);
	if (r == 0 && q->note != NULL) {
		sqlite3_finalize(q->note);
		q->note = NULL;
		r = run(q, "drop table cdcl_here", "cannot tidy up", err);
	}
	return r;
}

static void rollback(struct table_target *t)
{
	/* some failures have rolled back already */
	sqlite3_exec(sqlite_of(t)->db, "rollback", NULL, NULL, NULL);
}

static void close_table(struct table_target *t)
{
	struct sqlite_sink *q = sqlite_of(t);
	close_db(q);
	strbuf_release(&q->text);
}

static const struct table_target_ops sqlite_target_ops = {
	.open = open_table,
	.begin = begin,
	.put = put,
	.finish = finish,
	.commit = commit,
	.rollback = rollback,
	.close = close_table,
	.ledger_read = ledger_read,
	.ledger_write = ledger_write,
	.ledger_forget = ledger_forget,
};

static const struct sink_ops sqlite_ops = {
	.kind = "sqlite",
	.open = table_target_open,
	.write = table_target_write,
	.prepare = table_target_prepare,
	.publish = table_target_publish,
	.close = table_target_close,
	.forget = table_target_begin_anew,
};

struct sink *sqlite_sink_open(const struct sink_config *config)
{
	struct sqlite_sink *q = calloc(1, sizeof(*q));
	check(q != NULL); /* out of memory */
	table_target_init(&q->target, &sqlite_ops, &sqlite_target_ops, config);
	strbuf_init(&q->text);
	return &q->target.base;
}
