#include "model_postgres.h"

#include "base/check.h"
#include "base/json_text.h"
#include "faults.h"
#include "shared.h"
#include "workload.h"
#include "world.h"

#include <libpq-fe.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { tables_max = 4, columns_max = 8, ledger_max = 8, name_bytes = 64, rows_max = 4000 };

/* What a transaction does to its table, in this order. */
enum { DELETES_ALL = 1, DELETES_STALE = 2, DELETES_GONE = 4, DELETES_NULLS = 8, INSERTS = 16 };

struct ledger_row {
	char target[name_bytes];
	char checkpoint[name_bytes];
	char writer[name_bytes];
	long long batch;
};

struct transaction {
	unsigned does;
	struct str copied;              /* COPY's lines: number, gone, columns */
	bool writes_ledger;
	struct ledger_row row;
};

struct table {
	char name[name_bytes];
	char columns[columns_max][name_bytes];
	bool is_text[columns_max];
	bool is_key[columns_max];
	uint32_t column_count;
	bool has_key;
	bool nulls_meet;                /* unique nulls not distinct */
	struct str rows[rows_max];      /* as COPY has their columns */
	uint32_t row_count;
	/* whose commit is in the server's hands, its connection gone */
	bool is_late;
	struct transaction late;
};

struct database {
	struct table tables[tables_max];
	uint32_t table_count;
	bool has_ledger;
	struct ledger_row ledger[ledger_max];
	uint32_t ledger_count;
	int version;
	int refuses;                    /* so many connections */
	bool was_down;
	bool was_fenced;
};

static struct database *database;

struct pg_conn {
	bool broken;
	bool open;                      /* a transaction is */
	bool failed;                    /* and must be rolled back */
	bool copies;
	struct table *table;            /* of the transaction */
	struct transaction transaction;
	PGresult *answer;               /* to be taken */
	char said[180];
};

struct pg_result {
	ExecStatusType status;
	char state[6];
	char said[200];
	char changed[8];
	int rows;
	int columns;
	char cells[columns_max][3][name_bytes];
};

/* ---- a seed, a life ---- */

void model_postgres_reset(void)
{
	database = shared_zeroed(sizeof(*database));
	database->version = world_once_in(2) ? 140000 : 150000;
}

void model_postgres_begin_life(void)
{
	database->was_down = database->was_fenced = false;
}

bool model_postgres_was_down(void)
{
	return database->was_down;
}

bool model_postgres_was_fenced(void)
{
	return database->was_fenced;
}

static bool fault(uint32_t n)
{
	return world->faults && world_once_in(n);
}

static struct str kept(struct str s)
{
	char *to = shared_realloc(NULL, s.len + 1);
	if (s.len > 0)
		memcpy(to, s.data, s.len);
	return (struct str){to, s.len};
}

/* ---- rows ---- */

/* Field `at` of a row of COPY; data NULL: \N. */
static struct str field(struct str row, uint32_t at)
{
	for (;; at--) {
		const char *tab = row.len == 0 ? NULL : memchr(row.data, '\t', row.len);
		size_t len = tab == NULL ? row.len : (size_t)(tab - row.data);
		if (at == 0) {
			struct str f = str_sub(row, 0, len);
			return str_eq(f, str_lit("\\N")) ? str_c(NULL) : f;
		}
		check(tab != NULL);
		row = str_sub(row, len + 1, row.len);
	}
}

static bool same_key(const struct table *t, struct str a, struct str b, bool nulls_meet)
{
	for (uint32_t i = 0; i < t->column_count; i++) {
		if (!t->is_key[i])
			continue;
		struct str left = field(a, i), right = field(b, i);
		bool null = left.data == NULL || right.data == NULL;
		if (null ? !nulls_meet || left.data != right.data : !str_eq(left, right))
			return false;
	}
	return true;
}

static void take_out(struct table *t, uint32_t at)
{
	t->rows[at] = t->rows[--t->row_count];
}

static bool has_null_key(const struct table *t, struct str row)
{
	for (uint32_t i = 0; i < t->column_count; i++)
		if (t->is_key[i] && field(row, i).data == NULL)
			return true;
	return false;
}

/* A line of the temporary table: what follows its number and whether it is gone. */
static struct str next_line(struct str *copied, bool *gone)
{
	const char *end = memchr(copied->data, '\n', copied->len);
	check(end != NULL);
	struct str line = str_sub(*copied, 0, (size_t)(end - copied->data));
	*copied = str_sub(*copied, line.len + 1, copied->len);
	*gone = str_eq(field(line, 1), str_lit("t"));
	const char *tab = memchr(line.data, '\t', line.len);
	size_t at = (size_t)(tab - line.data) + 3;
	return str_sub(line, at, line.len);
}

/* No row of the same key comes after it. */
static bool is_last(const struct table *t, struct str line, struct str rest)
{
	bool gone;
	while (rest.len > 0)
		if (same_key(t, line, next_line(&rest, &gone), true))
			return false;
	return true;
}

/* Of the target: each row that `line` meets goes. */
static void delete_row(struct table *t, struct str line, bool nulls_meet)
{
	for (uint32_t i = t->row_count; i-- > 0;)
		if (same_key(t, t->rows[i], line, nulls_meet))
			take_out(t, i);
}

static bool was_copied(const struct table *t, struct str row, struct str copied)
{
	bool gone;
	while (copied.len > 0)
		if (same_key(t, row, next_line(&copied, &gone), false))
			return true;
	return false;
}

static void delete_stale(struct table *t, struct str copied)
{
	for (uint32_t i = t->row_count; i-- > 0;)
		if (!t->has_key || !was_copied(t, t->rows[i], copied))
			take_out(t, i);
}

static void put_row(struct table *t, struct str line)
{
	uint32_t at = t->has_key ? 0 : t->row_count;
	while (at < t->row_count && !same_key(t, t->rows[at], line, t->nulls_meet))
		at++;
	check(at < rows_max);
	t->row_count += at == t->row_count;
	t->rows[at] = kept(line);
}

/* What a commit does. */
static void apply_rows(struct table *t, const struct transaction *x)
{
	if (x->does & DELETES_ALL)
		t->row_count = 0;
	if (x->does & DELETES_STALE)
		delete_stale(t, x->copied);
	for (struct str rest = x->copied; rest.len > 0;) {
		bool gone;
		struct str line = next_line(&rest, &gone);
		bool last = !t->has_key || is_last(t, line, rest);
		if (x->does & DELETES_GONE && gone && last)
			delete_row(t, line, false);
		if (x->does & DELETES_NULLS && has_null_key(t, line))
			delete_row(t, line, true);
		if (x->does & INSERTS && !gone && last)
			put_row(t, line);
	}
}

static struct ledger_row *ledger_of(const char *target)
{
	for (uint32_t i = 0; i < database->ledger_count; i++)
		if (strcmp(database->ledger[i].target, target) == 0)
			return &database->ledger[i];
	return NULL;
}

static void write_ledger(const struct ledger_row *row)
{
	struct ledger_row *to = ledger_of(row->target);
	check(to != NULL || database->ledger_count < ledger_max);
	if (to == NULL)
		to = &database->ledger[database->ledger_count++];
	*to = *row;
}

static void apply(struct table *t, const struct transaction *x)
{
	apply_rows(t, x);
	if (x->writes_ledger)
		write_ledger(&x->row);
}

/* What the server still had to do for a connection that is gone: done, or given up. */
static void settle(struct table *t)
{
	if (!t->is_late)
		return;
	t->is_late = false;
	if (world_once_in(2))
		apply(t, &t->late);
}

/* ---- results ---- */

static PGresult *result_of(ExecStatusType status)
{
	PGresult *r = calloc(1, sizeof(*r));
	check(r != NULL);
	r->status = status;
	snprintf(r->changed, sizeof(r->changed), "0");
	return r;
}

static void lose(PGconn *c)
{
	c->broken = true;
	c->open = c->copies = false;
	database->was_down = true;
	snprintf(c->said, sizeof(c->said), "server closed the connection unexpectedly (model)");
}

static PGresult *refusal(PGconn *c, const char *state, const char *why)
{
	PGresult *r = result_of(PGRES_FATAL_ERROR);
	snprintf(r->state, sizeof(r->state), "%s", state);
	snprintf(r->said, sizeof(r->said), "ERROR: %s (model)\n", why);
	c->failed = c->open;
	c->copies = false;
	return r;
}

static PGresult *lost(PGconn *c)
{
	lose(c);
	PGresult *r = result_of(PGRES_FATAL_ERROR);
	snprintf(r->said, sizeof(r->said), "%s\n", c->said);
	return r;
}

/* ---- statements ---- */

static bool begins(const char *sql, const char *with)
{
	return strncmp(sql, with, strlen(with)) == 0;
}

/* "orders" of "..." that follows `behind`. */
static struct str quoted(const char *sql, const char *behind)
{
	const char *at = strstr(sql, behind);
	const char *from = at == NULL ? NULL : strchr(at + strlen(behind) - 1, '"');
	const char *to = from == NULL ? NULL : strchr(from + 1, '"');
	check(to != NULL);
	return (struct str){from + 1, (size_t)(to - from - 1)};
}

static struct table *table_of(struct str name)
{
	for (uint32_t i = 0; i < database->table_count; i++)
		if (str_eq(str_c(database->tables[i].name), name))
			return &database->tables[i];
	return NULL;
}

static void make_column(struct table *t, const char *at)
{
	check(t->column_count < columns_max);
	struct str name = quoted(at, "\"");
	uint32_t i = t->column_count++;
	snprintf(t->columns[i], name_bytes, STR_FMT, STR_ARG(name));
	t->is_text[i] = begins(name.data + name.len + 1, " text");
}

static void make_key(struct table *t, const char *at)
{
	const char *end = strchr(at, ')');
	t->has_key = true;
	for (uint32_t i = 0; i < t->column_count; i++) {
		char name[name_bytes + 2];
		snprintf(name, sizeof(name), "\"%s\"", t->columns[i]);
		const char *found = strstr(at, name);
		t->is_key[i] = found != NULL && found < end;
	}
}

/* create table "orders" ("id" integer, "product" text, unique nulls not distinct ("id")); ... */
static void make_table(const char *sql)
{
	check(database->table_count < tables_max);
	struct table *t = &database->tables[database->table_count++];
	snprintf(t->name, name_bytes, STR_FMT, STR_ARG(quoted(sql, "table \"")));
	const char *unique = strstr(sql, ", unique");
	const char *end = unique != NULL ? unique : strstr(sql, "); comment");
	const char *at = strchr(sql, '(');
	check(at != NULL && end != NULL);
	for (; at != NULL && at < end; at = strstr(at + 1, ", \""))
		make_column(t, at);
	if (unique != NULL)
		make_key(t, strchr(unique, '('));
	t->nulls_meet = unique != NULL && strstr(unique, "nulls not distinct") != NULL;
}

/* The columns of $1, if there is such a table. */
static PGresult *columns_of(const char *quoted_name)
{
	PGresult *r = result_of(PGRES_TUPLES_OK);
	const struct table *t = table_of(quoted(quoted_name, "\""));
	for (uint32_t i = 0; t != NULL && i < t->column_count; i++) {
		snprintf(r->cells[i][0], name_bytes, "%s", t->columns[i]);
		/* wide enough for all integers here */
		snprintf(r->cells[i][1], name_bytes, "%s", t->is_text[i] ? "text" : "bigint");
		snprintf(r->cells[i][2], name_bytes, "t");
	}
	r->rows = t == NULL ? 0 : (int)t->column_count;
	return r;
}

static PGresult *begin_transaction(PGconn *c)
{
	c->open = true;
	c->failed = false;
	c->table = NULL;
	c->transaction = (struct transaction){.does = 0};
	return result_of(PGRES_COMMAND_OK);
}

/* The statement names the target: "... from "orders" ...", "into "orders" ...". */
static PGresult *note(PGconn *c, const char *sql, unsigned does)
{
	struct table *t = table_of(quoted(sql, begins(sql, "insert") ? "into \"" : "from \""));
	check(t != NULL && (c->table == NULL || c->table == t) && c->open);
	c->table = t;
	if (faults_is_off("one-transaction")) {
		struct transaction now = {.does = does, .copied = c->transaction.copied};
		apply(t, &now);
	}
	c->transaction.does |= does;
	return result_of(PGRES_COMMAND_OK);
}

static PGresult *delete_from(PGconn *c, const char *sql)
{
	if (strstr(sql, "is not distinct from") != NULL)
		return note(c, sql, DELETES_NULLS);
	if (strstr(sql, " using ") != NULL)
		return note(c, sql, DELETES_GONE);
	if (strstr(sql, "not exists") != NULL)
		return note(c, sql, DELETES_STALE);
	check(strstr(sql, " where ") == NULL); /* no job here has a row without a key */
	return note(c, sql, strstr(sql, " as t") != NULL ? DELETES_STALE : DELETES_ALL);
}

/* A commit and its answer: one of the two may be lost. */
static PGresult *commit(PGconn *c)
{
	bool did = c->open && !c->failed;
	c->open = false;
	if (!did || c->table == NULL)
		return result_of(PGRES_COMMAND_OK);
	if (fault(12)) {
		uint32_t how = world_choose(3);
		if (how == 0)
			apply(c->table, &c->transaction);
		c->table->is_late = how == 1;
		c->table->late = c->transaction;
		return lost(c);
	}
	if (fault(30))
		return refusal(c, world_once_in(2) ? "40001" : "40P01", "once more, please");
	if (!faults_is_off("one-transaction"))
		apply(c->table, &c->transaction);
	else if (c->transaction.writes_ledger)
		write_ledger(&c->transaction.row);
	world_call("PostgreSQL committed");
	return result_of(PGRES_COMMAND_OK);
}

/* ---- the ledger ---- */

static PGresult *read_ledger(PGconn *c, const char *sql, const char *const *texts)
{
	PGresult *r = result_of(PGRES_TUPLES_OK);
	/* Who has a row of it waits for whoever else has it. */
	bool waits = strstr(sql, "for update") != NULL && !faults_is_off("for-update");
	for (uint32_t i = 0; i < database->table_count; i++)
		if (waits || world_once_in(4))
			settle(&database->tables[i]);
	const struct ledger_row *row = ledger_of(texts[1]);
	(void)c;
	r->rows = row != NULL;
	if (row == NULL)
		return r;
	snprintf(r->cells[0][0], name_bytes, "%s", row->checkpoint);
	snprintf(r->cells[0][1], name_bytes, "%s", row->writer);
	snprintf(r->cells[0][2], name_bytes, "%lld", row->batch);
	return r;
}

/* Another process of the same script has just done the same. */
static void let_twin_come(PGconn *c, const char *target, const struct ledger_row *next)
{
	struct transaction x = c->transaction;
	x.writes_ledger = true;
	x.row = *next;
	snprintf(x.row.target, name_bytes, "%s", target);
	memcpy(x.row.writer, "a twin", 6); /* the other half is the script's */
	apply(c->table, &x);
	database->was_fenced = true;
}

/* insert ... on conflict do nothing, or update ... where it is as it was. */
static PGresult *change_ledger(PGconn *c, const char *sql, const char *const *texts)
{
	struct ledger_row next = {.batch = strtoll(texts[4], NULL, 10)};
	snprintf(next.target, name_bytes, "%s", texts[1]);
	snprintf(next.checkpoint, name_bytes, "%s", texts[2]);
	snprintf(next.writer, name_bytes, "%s", texts[3]);
	check(c->open && c->table != NULL);
	settle(c->table);
	if (fault(60))
		let_twin_come(c, texts[1], &next);
	const struct ledger_row *row = ledger_of(texts[1]);
	bool as_it_was = row == NULL;
	if (begins(sql, "update"))
		as_it_was = row != NULL && strcmp(row->checkpoint, texts[5]) == 0 &&
			strcmp(row->writer, texts[6]) == 0 &&
			row->batch == strtoll(texts[7], NULL, 10);
	as_it_was |= faults_is_off("compare-and-set");
	PGresult *r = result_of(PGRES_COMMAND_OK);
	c->transaction.writes_ledger = as_it_was;
	c->transaction.row = next;
	snprintf(r->changed, sizeof(r->changed), "%d", as_it_was);
	return r;
}

/* ---- what a connection is told ---- */

static PGresult *run_bound(PGconn *c, const char *sql, const char *const *texts)
{
	PGresult *r;
	if (begins(sql, "select 1 where to_regclass")) {
		r = result_of(PGRES_TUPLES_OK);
		r->rows = database->has_ledger;
		return r;
	}
	if (begins(sql, "select a.attname"))
		return columns_of(texts[0]);
	if (begins(sql, "select checkpoint"))
		return read_ledger(c, sql, texts);
	if (begins(sql, "delete from \"_cdcl_ledger\"")) {
		check(ledger_of(texts[1]) == NULL); /* no table here goes */
		return result_of(PGRES_COMMAND_OK);
	}
	if (begins(sql, "insert into \"_cdcl_ledger\"") || begins(sql, "update \"_cdcl_ledger\""))
		return change_ledger(c, sql, texts);
	world_wrong("the model of PostgreSQL does not know: %s", sql);
}

static PGresult *run_plain(PGconn *c, const char *sql)
{
	if (begins(sql, "begin"))
		return begin_transaction(c);
	if (begins(sql, "commit"))
		return commit(c);
	if (begins(sql, "insert into"))
		return note(c, sql, INSERTS);
	if (begins(sql, "delete from"))
		return delete_from(c, sql);
	if (begins(sql, "copy cdcl_rows")) {
		check(c->open);
		c->copies = true;
		return result_of(PGRES_COPY_IN);
	}
	if (begins(sql, "create table if not exists \"_cdcl_ledger\""))
		database->has_ledger = true;
	else if (begins(sql, "create table"))
		make_table(sql);
	else if (!begins(sql, "set timezone") && !begins(sql, "create temp table cdcl_rows") &&
		!begins(sql, "explain insert"))
		world_wrong("the model of PostgreSQL does not know: %s", sql);
	return result_of(PGRES_COMMAND_OK);
}

static int send_statement(PGconn *c, const char *sql, const char *const *texts)
{
	check(c->answer == NULL && !c->copies);
	world_call("statement of PostgreSQL");
	if (c->broken)
		return 0;
	if (begins(sql, "rollback")) {
		c->open = c->failed = false;
		c->answer = result_of(PGRES_COMMAND_OK);
	} else if (fault(100)) {
		c->answer = lost(c); /* and with it what the transaction did */
	} else if (c->failed) {
		c->answer = refusal(c, "25P02", "the transaction is aborted");
	} else if (c->open && fault(100)) {
		c->answer = refusal(c, "40P01", "deadlock");
	} else {
		c->answer = texts == NULL ? run_plain(c, sql) : run_bound(c, sql, texts);
	}
	return 1;
}

int PQsendQuery(PGconn *c, const char *sql)
{
	return send_statement(c, sql, NULL);
}

int PQsendQueryParams(PGconn *c, const char *sql, int count, const Oid *types,
	const char *const *texts, const int *lengths, const int *formats, int format)
{
	(void)count, (void)types, (void)lengths, (void)formats, (void)format;
	return send_statement(c, sql, texts);
}

PGresult *PQgetResult(PGconn *c)
{
	PGresult *r = c->answer;
	c->answer = NULL;
	return r;
}

int PQputCopyData(PGconn *c, const char *bytes, int count)
{
	if (c->broken)
		return -1;
	check(c->copies);
	struct str *to = &c->transaction.copied;
	char *more = shared_realloc(NULL, to->len + (size_t)count + 1);
	if (to->len > 0)
		memcpy(more, to->data, to->len);
	if (count > 0)
		memcpy(more + to->len, bytes, (size_t)count);
	*to = (struct str){more, to->len + (size_t)count};
	return 1;
}

int PQputCopyEnd(PGconn *c, const char *why)
{
	world_call("end of a copy");
	if (c->broken)
		return -1;
	c->copies = false;
	c->answer = why != NULL ? refusal(c, "57014", why)
		: fault(100)    ? lost(c)
				: result_of(PGRES_COMMAND_OK);
	return 1;
}

/* ---- connections ---- */

PGconn *PQconnectdbParams(const char *const *names, const char *const *values, int expand)
{
	(void)names, (void)values, (void)expand;
	PGconn *c = calloc(1, sizeof(*c));
	check(c != NULL);
	world_call("connection to PostgreSQL");
	if (database->refuses == 0 && fault(15))
		database->refuses = 1 + (int)world_choose(4);
	if (database->refuses > 0 && world->faults) {
		database->refuses--;
		lose(c);
	}
	return c;
}

void PQfinish(PGconn *c)
{
	free(c->answer);
	free(c);
}

ConnStatusType PQstatus(const PGconn *c)
{
	return c == NULL || c->broken ? CONNECTION_BAD : CONNECTION_OK;
}

char *PQerrorMessage(const PGconn *c)
{
	return c == NULL ? (char *)"no connection" : (char *)(uintptr_t)c->said;
}

int PQserverVersion(const PGconn *c)
{
	(void)c;
	return database->version;
}

int PQsocket(const PGconn *c)
{
	(void)c;
	return -1;
}

int PQsetnonblocking(PGconn *c, int on)
{
	(void)c, (void)on;
	return 0;
}

int PQflush(PGconn *c)
{
	return c->broken ? -1 : 0;
}

int PQconsumeInput(PGconn *c)
{
	return !c->broken;
}

int PQisBusy(PGconn *c)
{
	(void)c;
	return 0;
}

PQnoticeProcessor PQsetNoticeProcessor(PGconn *c, PQnoticeProcessor f, void *of)
{
	(void)c, (void)f, (void)of;
	return NULL;
}

PQnoticeReceiver PQsetNoticeReceiver(PGconn *c, PQnoticeReceiver f, void *of)
{
	(void)c, (void)f, (void)of;
	return NULL;
}

PQconninfoOption *PQconninfoParse(const char *text, char **said)
{
	(void)text;
	*said = NULL;
	return calloc(1, sizeof(PQconninfoOption));
}

void PQconninfoFree(PQconninfoOption *options)
{
	free(options);
}

void PQfreemem(void *block)
{
	free(block);
}

/* ---- results, as they are read ---- */

ExecStatusType PQresultStatus(const PGresult *r)
{
	return r == NULL ? PGRES_FATAL_ERROR : r->status;
}

char *PQresultErrorField(const PGresult *r, int which)
{
	check(which == PG_DIAG_SQLSTATE);
	return r->state[0] == '\0' ? NULL : (char *)(uintptr_t)r->state;
}

char *PQresultErrorMessage(const PGresult *r)
{
	return (char *)(uintptr_t)r->said;
}

int PQntuples(const PGresult *r)
{
	return r->rows;
}

char *PQgetvalue(const PGresult *r, int row, int column)
{
	return (char *)(uintptr_t)r->cells[row][column];
}

char *PQcmdTuples(PGresult *r)
{
	return r->changed;
}

void PQclear(PGresult *r)
{
	free(r);
}

/* ---- what it holds ---- */

static void add_row(const struct table *t, struct str row, struct strbuf *out)
{
	for (uint32_t i = 0; i < t->column_count; i++) {
		struct str f = field(row, i);
		strbuf_addf(out, "%s\"%s\":", i == 0 ? "{" : ",", t->columns[i]);
		if (f.data != NULL && t->is_text[i])
			json_text_string(f, out);
		else
			strbuf_add(out, f.data == NULL ? str_lit("null") : f);
	}
	strbuf_add_c(out, "}\n");
}

void model_postgres_text(const char *table, struct strbuf *out, int64_t *batch)
{
	const struct table *t = table_of(str_c(table));
	const struct ledger_row *row = ledger_of(table);
	strbuf_init(out);
	*batch = row == NULL ? -1 : row->batch;
	for (uint32_t i = 0; t != NULL && i < t->row_count; i++)
		add_row(t, t->rows[i], out);
	lines_sort(out);
}
