#ifndef SIM_MODEL_SQLITE_H
#define SIM_MODEL_SQLITE_H

/*
 * SQLite writes by itself, to a file of the real disk that outlives a process and knows of no power
 * cut: what it has committed stays. Before and after each of its steps (begin, rows, commit) the
 * process may die.
 */

#include "base/str.h"

/* The folder of this run, named in SIM_FOLDER for scripts; taken away at exit. */
void model_sqlite_open(void);
/* A seed begins: there is no database. */
void model_sqlite_reset(void);
/* Rows of a table as JSON, sorted; nothing when it is not there. */
void model_sqlite_text(const char *table, struct strbuf *out);

#endif
