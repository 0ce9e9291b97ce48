#ifndef CDCL_QUARANTINE_H
#define CDCL_QUARANTINE_H

/*
 * A job with a checkpoint that a record ends again and again: the process crashes on it, or a Lua
 * function never comes back from it. The next starts find the record, put it aside as a dead
 * letter, and go on.
 *
 *	the watchdog ended the process   the batch is run again with Lua interpreted and a hook that
 *	                                 can stop it: an error of that record, with the line. If
 *	                                 that does not help (a C function that loops), the record
 *	                                 is put aside unseen.
 *	two processes died in one batch  it is run again a record at a time, each noted before it is
 *	                                 looked at. Who crashes then is put aside; without a word
 *	                                 (SIGKILL: the kernel's memory killer, or an operator)
 *	                                 after the third time at the same record.
 *
 * When the batch is published all goes on as before. In the normal way this costs a small file at
 * the start (state/attempt.h), and nothing a batch.
 */

#include "cdcl/abi.h"
#include "cdcl/error.h"
#include "data/dead_letter.h"
#include "plan/plan.h"

struct quarantine;

/* `next`: the id of the batch that comes next. NULL with the error filled. */
struct quarantine *quarantine_open(
	struct str folder, int64_t next, struct plan_script *script, struct error *err);
/* The end of a process that did not die. NULL is fine. */
void quarantine_close(struct quarantine *q);

/* It changes how records are read, or takes some out: a process that has workers reads itself. */
bool quarantine_is_active(const struct quarantine *q);
/*
 * A worker died, and left its last words there (-1: none): to the next start it is as if this
 * process had.
 */
void quarantine_worker_died(struct quarantine *q, int words_fd);

/* Records are to be read one by one, each between enter and leave. */
bool quarantine_reads_singly(const struct quarantine *q);
void quarantine_enter(struct quarantine *q, const struct messages *m, uint32_t i);
void quarantine_leave(struct quarantine *q);

/* Takes records that are put aside out of the block, as dead letters. */
int quarantine_put_aside(
	struct quarantine *q, struct messages *m, struct dead_letters *dead, struct error *err);

/* The batch is behind us. */
int quarantine_published(struct quarantine *q, int64_t id, struct error *err);

/* In builds for tests: dies on a value that holds the text of CDCL_TEST_CRASH="SEGV:text". */
void quarantine_test_crash(const struct messages *m);

#endif
