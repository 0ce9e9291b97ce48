/*
 * A table of a PostgreSQL database (table_target.h), through libpq. A batch is copied into a
 * temporary table and from there into the target, in one transaction: readers see the batch before
 * or the batch after. Of a key that comes twice the last row counts.
 *
 *	begin;  copy cdcl_rows from stdin ...
 *	        delete ... using the last rows of keys that went
 *	        insert ... select the last rows of the others on conflict (key) do update;  commit
 *
 * What the connection string holds is never printed: libpq's own messages leave passwords out.
 */

#include "sink/sink_kinds.h"

#include "base/check.h"
#include "base/late.h"
#include "base/log.h"
#include "sink/postgres_call.h"
#include "sink/postgres_text.h"
#include "sink/table_target.h"

#include <stdio.h>
#include <stdlib.h>

enum { copy_block_bytes = 64 * 1024, nulls_not_distinct_since = 150000 };

struct postgres_sink {
	struct table_target target;
	struct postgres_call call;
	bool copying;
	bool null_keys;         /* in this transaction: no "=" finds them */
	int64_t row;            /* of this transaction: the later one counts */
	struct strbuf name;     /* "public"."orders", NUL-terminated */
	struct strbuf ledger;   /* "public"."_cdcl_ledger", NUL-terminated */
	struct strbuf columns;  /* "a", "b" */
	struct strbuf copy;
	struct strbuf sql;
};

static struct postgres_sink *postgres_of(struct table_target *t)
{
	return container_of(t, struct postgres_sink, target);
}

/* The server's sentence alone: its lines DETAIL, CONTEXT follow after a comma. */
static void add_reason(struct strbuf *out, const char *message)
{
	for (const char *p = message; *p != '\0'; p++) {
		if (*p != '\n')
			strbuf_add_byte(out, *p == '\t' ? ' ' : *p);
		else if (p[1] != '\0')
			strbuf_add_c(out, ", ");
	}
}

static int fail(struct postgres_sink *q, const PGresult *result, const char *doing,
	struct error *err)
{
	const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *said = q->call.given_up ? "it does not answer, and was waited for long enough"
		: result == NULL	    ? PQerrorMessage(q->call.connection)
					    : PQresultErrorMessage(result);
	/* classes 08 connection, 40 rollback, 53 resources, 55 not available, 57 intervention */
	bool gone = PQstatus(q->call.connection) != CONNECTION_OK;
	bool passes = gone || state == NULL || strncmp(state, "08", 2) == 0 ||
		strncmp(state, "40", 2) == 0 || strncmp(state, "53", 2) == 0 ||
		strncmp(state, "55", 2) == 0 || strncmp(state, "57", 2) == 0;
	/* not serializable, deadlock: the same once more is what is asked for */
	q->target.again = state != NULL &&
		(strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0);
	struct strbuf reason;
	strbuf_init(&reason);
	add_reason(&reason, said);
	int r = error_set(err, passes ? CDCL_E_UNREACHABLE : CDCL_E_STATE,
		"PostgreSQL, table " STR_FMT ": %s: " STR_FMT, STR_ARG(q->target.config->table),
		doing, STR_ARG(strbuf_str(&reason)));
	strbuf_release(&reason);
	return r;
}

/* What stands in q->sql. The result is kept in *out when asked for. */
static int run(struct postgres_sink *q, const char *doing, PGresult **out, struct error *err)
{
	strbuf_add_byte(&q->sql, '\0');
	PGresult *result = postgres_call_run(&q->call, q->sql.data, NULL, 0);
	ExecStatusType status = PQresultStatus(result);
	bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
		status == PGRES_COPY_IN;
	int r = good ? 0 : fail(q, result, doing, err);
	if (out != NULL && r == 0)
		*out = result;
	else
		PQclear(result);
	return r;
}

static int run_text(struct postgres_sink *q, const char *sql, const char *doing, struct error *err)
{
	strbuf_reset(&q->sql);
	strbuf_add_c(&q->sql, sql);
	return run(q, doing, NULL, err);
}

/* ---- the ledger ---- */

/* One statement with texts for its parameters. */
static int run_bound(struct postgres_sink *q, const char *const *texts, int count,
	PGresult **out, struct error *err)
{
	strbuf_add_byte(&q->sql, '\0');
	*out = postgres_call_run(&q->call, q->sql.data, texts, count);
	ExecStatusType status = PQresultStatus(*out);
	bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
	return good ? 0 : fail(q, *out, "_cdcl_ledger cannot be used", err);
}

/* "create table if not exists" would ask for a right that is needed once only. */
static int make_ledger(struct postgres_sink *q, struct error *err)
{
	const char *name = q->ledger.data;
	PGresult *found = NULL;
	strbuf_reset(&q->sql);
	strbuf_add_c(&q->sql, "select 1 where to_regclass($1) is not null");
	int r = run_bound(q, &name, 1, &found, err);
	bool there = r == 0 && PQntuples(found) > 0;
	PQclear(found);
	if (r < 0 || there)
		return r;
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql, "create table if not exists %s %s", name, target_ledger_columns);
	return run(q, "_cdcl_ledger cannot be made", NULL, err);
}

/* Job and target, with NULs; the texts live in `out`. */
static void ledger_names(const struct table_target *t, struct strbuf *out, const char **texts)
{
	strbuf_init(out);
	strbuf_add(out, t->base.writer->job);
	strbuf_add_byte(out, '\0');
	size_t at = out->len;
	strbuf_add(out, strbuf_str(&t->ledger.target));
	strbuf_add_byte(out, '\0');
	texts[0] = out->data;
	texts[1] = out->data + at;
}

static int connect_and_check(struct postgres_sink *q, struct error *err);

/* "for update" waits for a transaction of a process that is gone and whose server is not yet. */
static int ledger_read(struct table_target *t, struct target_ledger_row *row, struct error *err)
{
	struct postgres_sink *q = postgres_of(t);
	struct strbuf names;
	const char *texts[2];
	PGresult *found = NULL;
	int r = PQstatus(q->call.connection) == CONNECTION_OK ? 0 : connect_and_check(q, err);
	if (r < 0)
		return r;
	ledger_names(t, &names, texts);
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql, "select checkpoint, writer, batch from %s where job = $1 and target = "
		"$2 for update", q->ledger.data);
	r = run_bound(q, texts, 2, &found, err);
	if (r == 0 && PQntuples(found) > 0) {
		snprintf(row->checkpoint, sizeof(row->checkpoint), "%s", PQgetvalue(found, 0, 0));
		snprintf(row->writer, sizeof(row->writer), "%s", PQgetvalue(found, 0, 1));
		row->batch = strtoll(PQgetvalue(found, 0, 2), NULL, 10);
		r = 1;
	}
	PQclear(found);
	strbuf_release(&names);
	return r;
}

static int ledger_write(struct table_target *t, const struct target_ledger_row *old,
	const struct target_ledger_row *next, struct error *err)
{
	struct postgres_sink *q = postgres_of(t);
	struct strbuf names;
	char batch[32], before[32];
	const char *texts[8] = {[2] = next->checkpoint, [3] = next->writer, [4] = batch,
		[5] = old == NULL ? NULL : old->checkpoint, [6] = old == NULL ? NULL : old->writer,
		[7] = before};
	PGresult *done = NULL;
	ledger_names(t, &names, texts);
	snprintf(batch, sizeof(batch), "%lld", (long long)next->batch);
	snprintf(before, sizeof(before), "%lld", old == NULL ? 0 : (long long)old->batch);
	strbuf_reset(&q->sql);
	if (old == NULL)
		strbuf_addf(&q->sql, "insert into %s values ($1, $2, $3, $4, $5) on conflict do "
			"nothing", q->ledger.data);
	else
		strbuf_addf(&q->sql, "update %s set checkpoint = $3, writer = $4, batch = $5 where"
			" job = $1 and target = $2 and checkpoint = $6 and writer = $7"
			" and batch = $8", q->ledger.data);
	int r = run_bound(q, texts, old == NULL ? 5 : 8, &done, err);
	if (r == 0)
		r = strcmp(PQcmdTuples(done), "1") == 0;
	PQclear(done);
	strbuf_release(&names);
	return r;
}

static int ledger_forget(struct table_target *t, struct error *err)
{
	struct postgres_sink *q = postgres_of(t);
	struct strbuf names;
	const char *texts[2];
	PGresult *done = NULL;
	ledger_names(t, &names, texts);
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql, "delete from %s where job = $1 and target = $2", q->ledger.data);
	int r = run_bound(q, texts, 2, &done, err);
	PQclear(done);
	strbuf_release(&names);
	return r;
}

/* ---- the table ---- */

static int make_table(struct postgres_sink *q, struct error *err)
{
	const struct table_target *t = &q->target;
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql, "create table %s (", q->name.data);
	for (uint32_t i = 0; i < t->base.schema->column_count; i++) {
		strbuf_add_c(&q->sql, i > 0 ? ", " : "");
		sql_add_name(&q->sql, t->base.schema->columns[i].name);
		strbuf_add_byte(&q->sql, ' ');
		postgres_type(t->base.schema->columns[i].type, &q->sql);
	}
	if (table_target_upserts(t) && t->base.key->count > 0) {
		bool nulls = PQserverVersion(q->call.connection) >= nulls_not_distinct_since;
		strbuf_addf(&q->sql, ", unique%s (", nulls ? " nulls not distinct" : "");
		table_target_add_names(t, true, "", ", ", &q->sql);
		strbuf_add_byte(&q->sql, ')');
	}
	strbuf_addf(&q->sql, "); comment on table %s is 'made by cdcl'", q->name.data);
	log_info("postgres", "table " STR_FMT " was made", STR_ARG(t->config->table));
	return run(q, "cannot make it", NULL, err);
}

static int add_column(struct postgres_sink *q, uint32_t column, struct error *err)
{
	const struct table_target *t = &q->target;
	const struct schema_column *c = &t->base.schema->columns[column];
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql, "alter table %s add column ", q->name.data);
	sql_add_name(&q->sql, c->name);
	strbuf_add_byte(&q->sql, ' ');
	postgres_type(c->type, &q->sql);
	log_info("postgres", "table " STR_FMT ": column " STR_FMT " was added",
		STR_ARG(t->config->table), STR_ARG(c->name));
	return run(q, "cannot add a column", NULL, err);
}

/* 1: each of its values would come back the same; 0: one would be another. */
static int is_exact(struct postgres_sink *q, uint32_t column, const char *from, const char *to,
	struct error *err)
{
	struct strbuf name;
	PGresult *found = NULL;
	strbuf_init(&name);
	sql_add_name(&name, q->target.base.schema->columns[column].name);
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql,
		"select 1 from %s where " STR_FMT "::%s::%s::text is distinct from " STR_FMT
		"::text limit 1",
		q->name.data, STR_ARG(strbuf_str(&name)), to, from, STR_ARG(strbuf_str(&name)));
	strbuf_release(&name);
	int r = run(q, "cannot change a column's type", &found, err);
	if (r == 0)
		r = PQntuples(found) == 0;
	PQclear(found);
	return r;
}

/*
 * Of our own table: a column that grew (int to bigint, decimal(10,2) to decimal(12,4)), as long as
 * no value becomes another. The state that has to go with it is read later, and may refuse: then
 * the column goes back the same way.
 */
static int change_type(struct postgres_sink *q, uint32_t column, const char *from, const char *to,
	struct error *err)
{
	const struct table_target *t = &q->target;
	const struct schema_column *c = &t->base.schema->columns[column];
	int r = is_exact(q, column, from, to, err);
	if (r <= 0)
		return r < 0 ? r : table_target_wrong_type(t, column, from, to, err);
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql, "alter table %s alter column ", q->name.data);
	sql_add_name(&q->sql, c->name);
	strbuf_addf(&q->sql, " type %s using ", to);
	sql_add_name(&q->sql, c->name);
	strbuf_addf(&q->sql, "::%s", to);
	r = run(q, "cannot change a column's type", NULL, err);
	if (r == 0)
		log_info("postgres", "table " STR_FMT ": column " STR_FMT " got another type",
			STR_ARG(t->config->table), STR_ARG(c->name));
	return r;
}

static int check_column(struct postgres_sink *q, uint32_t column, const PGresult *found, bool ours,
	struct error *err)
{
	const struct table_target *t = &q->target;
	const struct schema_column *c = &t->base.schema->columns[column];
	struct strbuf wanted;
	strbuf_init(&wanted);
	postgres_type(c->type, &wanted);
	strbuf_add_byte(&wanted, '\0');
	int at = 0;
	while (at < PQntuples(found) && !str_eq(str_c(PQgetvalue(found, at, 0)), c->name))
		at++;
	int r = 0;
	if (at == PQntuples(found))
		r = ours ? add_column(q, column, err)
			 : table_target_missing(t, column, wanted.data, err);
	else if (!postgres_type_holds(str_c(PQgetvalue(found, at, 1)), c->type))
		r = ours ? change_type(q, column, PQgetvalue(found, at, 1), wanted.data, err)
			 : table_target_wrong_type(t, column, PQgetvalue(found, at, 1),
				   wanted.data, err);
	strbuf_release(&wanted);
	return r;
}

static int check_table(struct postgres_sink *q, struct error *err)
{
	const char *values[] = {q->name.data};
	PGresult *found = postgres_call_run(&q->call,
		"select a.attname, format_type(a.atttypid, a.atttypmod),"
		" coalesce(obj_description(a.attrelid, 'pg_class') = 'made by cdcl', false)"
		" from pg_attribute a where a.attrelid = to_regclass($1)"
		" and a.attnum > 0 and not a.attisdropped",
		values, 1);
	int r = PQresultStatus(found) == PGRES_TUPLES_OK
		? 0
		: fail(q, found, "cannot read its columns", err);
	if (r == 0 && PQntuples(found) == 0) {
		r = table_target_forget(&q->target, err);
		if (r == 0)
			r = make_table(q, err);
	} else
		for (uint32_t i = 0; r == 0 && i < q->target.base.schema->column_count; i++)
			r = check_column(q, i, found, PQgetvalue(found, 0, 2)[0] == 't', err);
	PQclear(found);
	return r;
}

/* ---- the batch's statements ---- */

/* (the last row of each key) as s */
static void add_last_rows(struct postgres_sink *q)
{
	const struct table_target *t = &q->target;
	bool keyed = t->base.key->count > 0;
	strbuf_add_c(&q->sql, "(select ");
	if (keyed) {
		strbuf_add_c(&q->sql, "distinct on (");
		table_target_add_names(t, true, "", ", ", &q->sql);
		strbuf_add_c(&q->sql, ") ");
	}
	strbuf_add_c(&q->sql, "* from cdcl_rows order by ");
	table_target_add_names(t, true, "", ", ", &q->sql);
	strbuf_addf(&q->sql, "%scdcl_at desc%s) as s", keyed ? ", " : "", keyed ? "" : " limit 1");
}

static void add_upsert(struct postgres_sink *q)
{
	const struct table_target *t = &q->target;
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql, "insert into %s (" STR_FMT ") select " STR_FMT " from ", q->name.data,
		STR_ARG(strbuf_str(&q->columns)), STR_ARG(strbuf_str(&q->columns)));
	if (!table_target_upserts(t)) {
		strbuf_add_c(&q->sql, "cdcl_rows order by cdcl_at");
		return;
	}
	add_last_rows(q);
	strbuf_add_c(&q->sql, " where not cdcl_gone");
	if (t->base.key->count == 0)
		return;
	strbuf_add_c(&q->sql, " on conflict (");
	table_target_add_names(t, true, "", ", ", &q->sql);
	strbuf_add_c(&q->sql, ") do ");
	uint32_t count = 0;
	for (uint32_t i = 0; i < t->base.schema->column_count; i++) {
		if (table_target_is_key(t, i))
			continue;
		strbuf_add_c(&q->sql, count++ == 0 ? "update set " : ", ");
		sql_add_name(&q->sql, t->base.schema->columns[i].name);
		strbuf_add_c(&q->sql, " = excluded.");
		sql_add_name(&q->sql, t->base.schema->columns[i].name);
	}
	if (count == 0)
		strbuf_add_c(&q->sql, "nothing");
}

/* A temporary table of the target's own types, and a first look whether the upsert is possible. */
static int make_rows_table(struct postgres_sink *q, struct error *err)
{
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql,
		"create temp table cdcl_rows on commit delete rows as"
		" select 0::bigint as cdcl_at, false as cdcl_gone, " STR_FMT " from %s limit 0",
		STR_ARG(strbuf_str(&q->columns)), q->name.data);
	int r = run(q, "cannot make a temporary table", NULL, err);
	if (r < 0)
		return r;
	add_upsert(q);
	struct strbuf insert = q->sql;
	strbuf_init(&q->sql);
	strbuf_addf(&q->sql, "explain " STR_FMT, STR_ARG(strbuf_str(&insert)));
	strbuf_release(&insert);
	r = run(q, "cannot be written", NULL, err);
	if (r < 0 && strstr(err->text, "ON CONFLICT") != NULL)
		error_help(err, "the table needs a primary key or a unique index over the key");
	return r;
}

/* ---- the connection ---- */

static void on_notice(void *nothing, const PGresult *result)
{
	(void)nothing;
	log_debug("postgres", "%s", PQresultErrorMessage(result));
}

/* libpq says what is wrong with a string by quoting it, password and all: that is not passed on. */
static bool readable(const char *text)
{
	char *said = NULL;
	PQconninfoOption *options = PQconninfoParse(text, &said);
	/* Else only a database's name; without a word: no memory, which connecting will say. */
	bool good = options != NULL || said == NULL || strpbrk(text, "=:/") == NULL;
	PQconninfoFree(options);
	PQfreemem(said);
	return good;
}

static int connect(struct postgres_sink *q, struct error *err)
{
	if (late_open(&late_pq, err) < 0)
		return -(int)err->code;
	struct strbuf text;
	strbuf_init(&text);
	strbuf_add(&text, q->target.config->connection);
	strbuf_add_byte(&text, '\0');
	if (!readable(text.data)) {
		strbuf_release(&text);
		return error_set(err, CDCL_E_SCRIPT, "postgres_sink: the connection string cannot "
			"be read; write \"host=HOST dbname=NAME user=NAME\"");
	}
	/* dbname is the whole string; what stands before it is a default */
	const char *names[] = {"connect_timeout", "tcp_user_timeout", "fallback_application_name",
		"dbname", "client_encoding", NULL};
	const char *values[] = {"10", "30000", "cdcl", text.data, "UTF8", NULL};
	q->call.connection = PQconnectdbParams(names, values, 1);
	strbuf_release(&text);
	if (PQstatus(q->call.connection) != CONNECTION_OK)
		return fail(q, NULL, "no connection", err);
	postgres_call_begin(&q->call);
	PQsetNoticeProcessor(q->call.connection, NULL, NULL);
	PQsetNoticeReceiver(q->call.connection, on_notice, NULL);
	return run_text(q,
		"set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set lock_timeout = '10s';"
		" set standard_conforming_strings = on",
		"cannot be set up", err);
}

static int connect_and_check(struct postgres_sink *q, struct error *err)
{
	postgres_call_close(&q->call);
	int r = connect(q, err);
	if (r == 0 && q->target.ledger.kept)
		r = make_ledger(q, err);
	if (r == 0)
		r = check_table(q, err);
	return r == 0 ? make_rows_table(q, err) : r;
}

/* "public.orders": each part with its quotes */
static void add_table_name(struct strbuf *out, struct str table)
{
	size_t start = 0;
	for (size_t at = 0; at <= table.len; at++) {
		if (at < table.len && table.data[at] != '.')
			continue;
		strbuf_add_c(out, start > 0 ? "." : "");
		sql_add_name(out, str_sub(table, start, at - start));
		start = at + 1;
	}
	strbuf_add_byte(out, '\0');
}

/* In the schema of the table, if it names one. */
static void add_ledger_name(struct strbuf *out, struct str table)
{
	size_t at = table.len;
	while (at > 0 && table.data[at - 1] != '.')
		at--;
	struct strbuf name;
	strbuf_init(&name);
	strbuf_add(&name, str_sub(table, 0, at));
	strbuf_add_c(&name, "_cdcl_ledger");
	add_table_name(out, strbuf_str(&name));
	strbuf_release(&name);
}

static int open_table(struct table_target *t, struct error *err)
{
	struct postgres_sink *q = postgres_of(t);
	strbuf_reset(&q->name);
	strbuf_reset(&q->ledger);
	strbuf_reset(&q->columns);
	add_table_name(&q->name, t->config->table);
	add_ledger_name(&q->ledger, t->config->table);
	table_target_add_names(t, false, "", ", ", &q->columns);
	return connect_and_check(q, err);
}

/* ---- the transaction ---- */

static int begin(struct table_target *t, struct error *err)
{
	struct postgres_sink *q = postgres_of(t);
	int r = PQstatus(q->call.connection) == CONNECTION_OK ? 0 : connect_and_check(q, err);
	q->row = 0;
	q->null_keys = false;
	if (r == 0)
		r = run_text(q, "begin", "cannot be written", err);
	if (r < 0)
		return r;
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql, "copy cdcl_rows (cdcl_at, cdcl_gone, " STR_FMT ") from stdin",
		STR_ARG(strbuf_str(&q->columns)));
	r = run(q, "cannot be written", NULL, err);
	q->copying = r == 0;
	strbuf_reset(&q->copy);
	return r;
}

static int send_copy(struct postgres_sink *q, struct error *err)
{
	int r = postgres_call_copy(&q->call, strbuf_str(&q->copy));
	strbuf_reset(&q->copy);
	return r == 1 ? 0 : fail(q, NULL, "the batch is not taken", err);
}

static int put(struct table_target *t, const struct chunk *c, struct error *err)
{
	struct postgres_sink *q = postgres_of(t);
	int r = 0;
	for (uint32_t row = chunk_next_live(c, 0); r == 0 && row < chunk_rows_max;
		row = chunk_next_live(c, row + 1)) {
		strbuf_addf(&q->copy, "%lld\t%c", (long long)q->row++,
			chunk_kind(c, row) == ROW_DELETE ? 't' : 'f');
		for (uint32_t i = 0; i < t->base.schema->column_count; i++) {
			struct value v = value_from_column(&c->columns[i],
				t->base.schema->columns[i].type, row);
			strbuf_add_byte(&q->copy, '\t');
			postgres_copy_value(&v, &q->copy);
		}
		strbuf_add_byte(&q->copy, '\n');
		if (table_target_upserts(t) && table_target_null_key(t, c, row))
			q->null_keys = true;
		if (q->copy.len >= copy_block_bytes)
			r = send_copy(q, err);
	}
	return r;
}

static int end_copy(struct postgres_sink *q, struct error *err)
{
	int r = send_copy(q, err);
	PGresult *result = r < 0 ? NULL : postgres_call_end_copy(&q->call, NULL);
	if (r == 0 && PQresultStatus(result) != PGRES_COMMAND_OK)
		r = fail(q, result, "the batch is not taken", err);
	PQclear(result);
	q->copying = q->copying && r < 0 && result == NULL;
	return r;
}

static int delete_stale(struct postgres_sink *q, struct error *err)
{
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql, "delete from %s as t", q->name.data);
	if (q->target.base.key->count > 0) {
		strbuf_add_c(&q->sql, " where not exists (select 1 from cdcl_rows as s where ");
		table_target_add_key_match(&q->target, "s.", "=", "t.", &q->sql);
		strbuf_add_byte(&q->sql, ')');
	}
	PGresult *result = NULL;
	int r = run(q, "rows of an earlier run stay", &result, err);
	if (r == 0 && strcmp(PQcmdTuples(result), "0") != 0)
		log_info("postgres", "table " STR_FMT ": %s rows of an earlier run were taken out",
			STR_ARG(q->target.config->table), PQcmdTuples(result));
	PQclear(result);
	return r;
}

static int delete_rows(struct postgres_sink *q, struct error *err)
{
	bool keyed = q->target.base.key->count > 0;
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql, "delete from %s as t", q->name.data);
	if (!keyed) { /* one row, there or not */
		strbuf_add_c(&q->sql, " where exists (select 1 from cdcl_rows)");
		return run(q, "a row is not deleted", NULL, err);
	}
	strbuf_add_c(&q->sql, " using ");
	add_last_rows(q);
	strbuf_add_c(&q->sql, " where s.cdcl_gone and ");
	table_target_add_key_match(&q->target, "t.", "=", "s.", &q->sql);
	int r = run(q, "rows are not deleted", NULL, err);
	if (r < 0 || !q->null_keys)
		return r;
	strbuf_reset(&q->sql);
	strbuf_addf(&q->sql, "delete from %s as t using cdcl_rows as s where (", q->name.data);
	table_target_add_names(&q->target, true, "s.", " is null or ", &q->sql);
	strbuf_add_c(&q->sql, " is null) and ");
	table_target_add_key_match(&q->target, "t.", "is not distinct from", "s.", &q->sql);
	return run(q, "rows are not deleted", NULL, err);
}

static int finish(struct table_target *t, struct error *err)
{
	struct postgres_sink *q = postgres_of(t);
	int r = end_copy(q, err);
	if (r == 0 && table_target_replaces(t)) {
		strbuf_reset(&q->sql);
		strbuf_addf(&q->sql, "delete from %s", q->name.data);
		r = run(q, "cannot be emptied", NULL, err);
	}
	if (r == 0 && table_target_removes_stale(t))
		r = delete_stale(q, err);
	if (r == 0 && table_target_upserts(t))
		r = delete_rows(q, err);
	if (r == 0) {
		add_upsert(q);
		r = run(q, "the batch is not taken", NULL, err);
	}
	return r;
}

static int commit(struct table_target *t, struct error *err)
{
	return run_text(postgres_of(t), "commit", "the batch is not taken", err);
}

static void rollback(struct table_target *t)
{
	struct postgres_sink *q = postgres_of(t);
	if (q->copying)
		PQclear(postgres_call_end_copy(&q->call, "the batch is given up"));
	q->copying = false;
	PQclear(postgres_call_run(&q->call, "rollback", NULL, 0));
}

static void close_table(struct table_target *t)
{
	struct postgres_sink *q = postgres_of(t);
	postgres_call_close(&q->call);
	strbuf_release(&q->name);
	strbuf_release(&q->ledger);
	strbuf_release(&q->columns);
	strbuf_release(&q->copy);
	strbuf_release(&q->sql);
}

static const struct table_target_ops postgres_target_ops = {
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

static const struct sink_ops postgres_ops = {
	.kind = "postgres",
	.open = table_target_open,
	.write = table_target_write,
	.prepare = table_target_prepare,
	.publish = table_target_publish,
	.close = table_target_close,
	.forget = table_target_begin_anew,
};

struct sink *postgres_sink_open(const struct sink_config *config)
{
	struct postgres_sink *q = calloc(1, sizeof(*q));
	check(q != NULL); /* out of memory */
	table_target_init(&q->target, &postgres_ops, &postgres_target_ops, config);
	strbuf_init(&q->name);
	strbuf_init(&q->ledger);
	strbuf_init(&q->columns);
	strbuf_init(&q->copy);
	strbuf_init(&q->sql);
	return &q->target.base;
}
