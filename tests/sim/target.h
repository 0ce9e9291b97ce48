#ifndef SIM_TARGET_H
#define SIM_TARGET_H

/*
 * Targets by sink/sink.h that stand in for sinks of the job, by topic. One keeps a ledger: rows and
 * batch id change in one step, and it says at open what it holds. One is plain: a batch may come
 * again, and must be what it was. What they hold after each batch is compared with the fold of just
 * that batch's input.
 */

#include "sink/sink.h"

struct target_row {
	struct str key;
	struct str text;
};

struct target {
	char name[40];
	bool is_table;
	int64_t last_batch;
	char checkpoint[40];    /* whose batch that is */
	struct target_row *rows;
	uint32_t row_count;
	uint32_t row_capacity;
	uint64_t batch_hash;    /* plain: of the rows of the last batch, in their order */
};

struct sink *target_sink_make(const struct sink_config *config);
struct target *target_of(const char *name);
/* Somebody empties it. */
void target_wipe(struct target *t);
/* Its rows, as the folds give them. */
void target_text(const struct target *t, struct strbuf *out);

#endif
