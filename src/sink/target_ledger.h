#ifndef CDCL_TARGET_LEDGER_H
#define CDCL_TARGET_LEDGER_H

/*
 * What a database remembers of the jobs that write to its tables: a small table beside them, with
 * one row for each target of a job with a checkpoint, written in the transaction of the batch.
 *
 *	_cdcl_ledger   job      target  checkpoint    writer        batch
 *	               orders   units   8d3c07a1...   51f2e90b...   41
 *
 * Each process has a writer's name of its own, half of it random, half a hash of its script. A
 * transaction changes the row from what this process read at open, or wrote last, to its own: if it
 * is not so any more, somebody else writes there and nothing of the transaction stays. When nobody
 * knows whether a commit was taken, the row says it.
 */

#include "base/random.h"
#include "sink/sink.h"

struct target_ledger_row {
	char checkpoint[random_name_bytes];
	char writer[random_name_bytes];
	int64_t batch;
};

struct target_ledger {
	bool kept;                      /* with a checkpoint */
	char writer[random_name_bytes]; /* this process */
	bool any;                       /* there is a row, and it is: */
	struct target_ledger_row row;
	struct strbuf target;           /* the table's name; of a second sink to it "orders #2" */
};

void target_ledger_init(struct target_ledger *l, const struct sink *s, struct str table);
void target_ledger_release(struct target_ledger *l);
/* What the row says to this sink: the batch or -1, s->others and s->by_other_script. */
int64_t target_ledger_held(const struct target_ledger *l, struct sink *s);
/* What the row is to be with batch `id`. */
struct target_ledger_row target_ledger_next(
	const struct target_ledger *l, const struct sink *s, int64_t id);
bool target_ledger_row_is(
	const struct target_ledger_row *a, const struct target_ledger_row *b);
/* CDCL_E_FENCED: `found` (NULL: no row) is not what this process left. */
int target_ledger_fenced(
	const struct sink *s, const struct target_ledger_row *found, struct error *err);

/* The columns of the table, for "create table". */
extern const char target_ledger_columns[];

#endif
