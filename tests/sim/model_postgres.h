#ifndef SIM_MODEL_POSTGRES_H
#define SIM_MODEL_POSTGRES_H

/*
 * A model of a PostgreSQL server behind libpq's functions, by the same names, so that the sink and
 * its ledger are the ones under test. It knows the statements that the sink makes and no others:
 * tables with rows, the ledger, a transaction per connection whose statements count at its commit.
 * All of it in shared memory: no process's death touches it.
 *
 * Faults: nobody answers, the server restarts, a statement is told to come again, a commit whose
 * answer is lost (taken, not taken, or still in the server's hands, which keeps the ledger's row
 * locked), and a twin: another process with the same checkpoint that was first with the batch.
 */

#include "base/str.h"

#include <stdbool.h>

/* A seed begins: an empty database. */
void model_postgres_reset(void);
/* A process begins, and what it may be refused is not yet. */
void model_postgres_begin_life(void);
/* It was refused in a way that ends a job: no answer; fenced by the twin. */
bool model_postgres_was_down(void);
bool model_postgres_was_fenced(void);
/* Rows of a table as JSON, sorted; *batch: the last one by the ledger, -1: none. */
void model_postgres_text(const char *table, struct strbuf *out, int64_t *batch);

#endif
