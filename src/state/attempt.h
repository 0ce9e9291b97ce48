#ifndef CDCL_ATTEMPT_H
#define CDCL_ATTEMPT_H

/*
 * How starts from a checkpoint went: a small file beside its log that a process writes when it
 * begins and when it ends. A file that says `open` was left by a process that died. The log knows
 * the next batch, so nothing has to be written while a job runs: when the next batch is the one
 * that the dead process began with, no batch came about in between, and that one is suspect.
 *
 * Damaged or unknown: as if there was none. Nothing but time is lost by that.
 */

#include "base/arena.h"
#include "state/last_words.h"

enum attempt_mode {
	ATTEMPT_NORMAL,
	ATTEMPT_CAREFUL, /* Lua is interpreted and can be stopped within a record */
	ATTEMPT_SINGLE   /* and records are read one by one, each noted before */
};

enum { attempt_culprits_max = 64, attempt_bytes_max = 1024 * 1024 };

/* A record that is put aside without being looked at. */
struct culprit {
	struct record_place record;
	struct str why;   /* the attempt's arena */
	struct str place; /* a rule's line; data NULL: none */
	bool met;         /* by the open batch; not kept */
};

struct attempt {
	bool open;
	enum attempt_mode mode;
	uint32_t deaths; /* of processes while `next` was the next batch */
	int64_t next;
	struct record_place suspect; /* a process died at it that left no word, */
	uint32_t suspect_deaths;     /* so often */
	struct culprit culprits[attempt_culprits_max];
	uint32_t culprit_count;
};

void attempt_text(const struct attempt *a, struct strbuf *out);
bool attempt_parse(struct str bytes, struct arena *arena, struct attempt *a);

#endif
