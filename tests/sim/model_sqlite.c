#define _GNU_SOURCE /* mkdtemp */

#include "model_sqlite.h"

#include "base/check.h"
#include "faults.h"
#include "workload.h"
#include "world.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[200];
static pid_t owner;

static void path_of(const char *behind, char path[300])
{
	snprintf(path, 300, "%s/rows.db%s", folder, behind);
}

void model_sqlite_reset(void)
{
	static const char *const behind[] = {"", "-journal", "-wal", "-shm"};
	char path[300];
	for (size_t i = 0; i < ARRAY_LEN(behind); i++) {
		path_of(behind[i], path);
		unlink(path);
	}
}

static void take_away(void)
{
	if (getpid() != owner)
		return;
	model_sqlite_reset();
	rmdir(folder);
}

/* In memory when there is such a disk: it syncs for every batch. */
void model_sqlite_open(void)
{
	const char *above = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
	snprintf(folder, sizeof(folder), "%s/cdcl-sim.XXXXXX", above == NULL ? "/tmp" : above);
	check(mkdtemp(folder) != NULL);
	setenv("SIM_FOLDER", folder, 1);
	owner = getpid();
	atexit(take_away);
}

/* ---- steps ---- */

int __real_sqlite3_step(sqlite3_stmt *statement);
int __wrap_sqlite3_step(sqlite3_stmt *statement);

int __wrap_sqlite3_step(sqlite3_stmt *statement)
{
	world_call("step of SQLite");
	int r = __real_sqlite3_step(statement);
	world_call("SQLite stepped");
	return r;
}

int __real_sqlite3_exec(sqlite3 *db, const char *sql,
	int (*row)(void *of, int count, char **values, char **names), void *of, char **said);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql,
	int (*row)(void *of, int count, char **values, char **names), void *of, char **said);

int __wrap_sqlite3_exec(sqlite3 *db, const char *sql,
	int (*row)(void *of, int count, char **values, char **names), void *of, char **said)
{
	world_call("statement of SQLite");
	int r = __real_sqlite3_exec(db, sql, row, of, said);
	world_call("SQLite did it");
	return r;
}

/* ---- what it holds ---- */

static int add_row(void *of, int count, char **values, char **names)
{
	(void)count, (void)names;
	strbuf_add_c(of, values[0]);
	strbuf_add_byte(of, '\n');
	return 0;
}

void model_sqlite_text(const char *table, struct strbuf *out)
{
	static const char *const selects[] = {
		"orders", "select json_object('id', id, 'product', product, 'quantity', quantity,"
			  " 'seq', seq) from orders",
		"units", "select json_object('product', product, 'units', units, 'n', n)"
			 " from units"};
	char path[300];
	sqlite3 *db = NULL;
	path_of("", path);
	strbuf_init(out);
	if (access(path, F_OK) != 0)
		return;
	check(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(selects); i += 2)
		if (strcmp(selects[i], table) == 0)
			/* no table yet: no rows */
			__real_sqlite3_exec(db, selects[i + 1], add_row, out, NULL);
	sqlite3_close(db);
	lines_sort(out);
}
