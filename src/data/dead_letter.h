#ifndef CDCL_DEAD_LETTER_H
#define CDCL_DEAD_LETTER_H

/*
 * Records that could not be used. Every place that gives up on a record reports it here, once: it
 * is counted by reason, logged with where it came from (base/log.h limits repeats), and the policy
 * decides whether the job goes on. The error budget is 1,000 records in all, or 5 % of the records
 * of a minute (once it has seen 1,000), or per_minute_max records; `stop_at_first` is
 * `on_error = "stop"`.
 */

#include "cdcl/error.h"
#include "base/clock.h"
#include "data/chunk.h"

enum dead_letter_reason {
	DEAD_MALFORMED,         /* JSON that is not well formed, under a policy that drops it */
	DEAD_EXPRESSION,        /* an SQL expression failed on this record */
	DEAD_LUA,               /* a Lua function failed on this record */
	DEAD_ENVELOPE,
	DEAD_MERGE,             /* no key, no known operation, or a policy of the table refuses */
	DEAD_CRASH,             /* it ended the process before, and is put aside unseen */
	DEAD_TARGET,            /* no target would ever take what became of it */
	dead_letter_reason_count
};

/*
 * Where dead letters are written, with the bytes that came (sink/dead_letter_sink.h): set by the
 * runtime, NULL when the job names no place. `write` once per record; what it took is durable when
 * `publish` has answered, which is before anything else of the batch is published.
 */
struct dead_letter_writer {
	int (*write)(struct dead_letter_writer *w, enum dead_letter_reason reason,
		const struct chunk *c, uint32_t row, const struct error *why, struct error *err);
	int (*publish)(struct dead_letter_writer *w, struct error *err);
	void (*close)(struct dead_letter_writer *w);
	/* instead of publish, when the job ends in the middle of a batch; NULL: publish does */
	int (*give_up)(struct dead_letter_writer *w, struct error *err);
};

/*
 * Who gives up on a record may be another process than the one that counts, logs and writes it
 * (runtime/workers.h): what it says is noted then, to be said again there. `budgeted`: to
 * dead_letter_add.
 */
struct dead_letter_notes {
	void (*note)(struct dead_letter_notes *n, enum dead_letter_reason reason, bool budgeted,
		const struct chunk *c, uint32_t row, const struct error *why);
};

/* What a script says of them: a file of JSON lines, or a topic. Both data NULL: nowhere. */
struct dead_letter_config {
	struct str path;
	struct str topic;
	struct str brokers;             /* data NULL: those of the first Kafka source */
	int64_t per_minute_max;         /* records in one minute; 0: the 5 % rule */
};

struct dead_letters {
	struct dead_letter_writer *writer;
	struct dead_letter_notes *notes; /* instead of all else; NULL: none */
	const struct clock *clock;
	bool stop_at_first;
	int64_t count_max;                              /* error budget, records in all */
	int64_t per_minute_max;                         /* 0: the 5 % rule */
	int64_t counts[dead_letter_reason_count];
	int64_t total;
	int64_t written;                                /* by the writer */
	int64_t minute_started_us;
	int64_t minute_bad;
	int64_t minute_records;
};

const char *dead_letter_reason_name(enum dead_letter_reason reason);    /* "malformed" */

void dead_letters_init(struct dead_letters *d, const struct clock *clock);

/*
 * One record of `c` failed with `why`. Returns 0: the caller clears the row's live bit and goes on;
 * negative: the job stops with *err (code CDCL_E_DATA when the budget is spent, else why's code).
 */
int dead_letter_add(struct dead_letters *d, enum dead_letter_reason reason, const struct chunk *c,
	uint32_t row, const struct error *why, struct error *err);

/*
 * A record that the script itself wants dropped: kept where dead letters go, and no part of the
 * budget.
 */
int dead_letter_keep(struct dead_letters *d, enum dead_letter_reason reason, const struct chunk *c,
	uint32_t row, const struct error *why, struct error *err);

/* How many records were read, for the 5 % rule. */
void dead_letters_note_read(struct dead_letters *d, uint32_t records);

#endif
