#ifndef SIM_TARGET_H
#define SIM_TARGET_H

/*
 * A target that keeps a ledger, by sink/sink.h: rows and batch id change in one step, and it says
 * at open what it holds. Stands in for the sinks of the job whose topic begins with "ledger_".
 * What it holds after each batch is compared with the fold of just that batch's input.
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
	struct target_row *rows;
	uint32_t row_count;
	uint32_t row_capacity;
	uint64_t batch_hash;    /* of the rows of the last batch, whatever their order */
};

struct sink *target_sink_make(const struct sink_config *config);
struct target *target_of(const char *name);
/* Its rows, as the folds give them. */
void target_text(const struct target *t, struct strbuf *out);

#endif
