#ifndef CDCL_ROW_READER_H
#define CDCL_ROW_READER_H

/*
 * What turns the messages of one source into rows, and pushes them: the decoder and the step that
 * it feeds. The process that reads the source has one (runtime/intake.h), and so has each worker
 * (runtime/workers.h).
 */

#include "cdcl/error.h"
#include "base/clock.h"
#include "decode/envelope.h"
#include "ops/operator.h"
#include "plan/plan.h"
#include "runtime/intake_tally.h"

struct row_reader {
	const struct plan_node *node;
	struct json_decoder *decoder; /* flat rows that nobody merges; NULL: raw, or envelope */
	struct envelope_decoder *envelope; /* NULL: one of the others */
	struct operator *head; /* the graph's */
	struct dead_letters *dead;
	struct intake_tally tally; /* what became of all messages */
};

void row_reader_open(struct row_reader *r, const struct plan_node *node, struct operator *head,
	struct dead_letters *dead, const struct clock *clock);
void row_reader_close(struct row_reader *r);

/*
 * Messages from *next on become chunks in m's arena and go through the steps. Answers 0, negative,
 * or ENVELOPE_WIDER: *next and those behind it say columns that the node has not.
 */
int row_reader_read(
	struct row_reader *r, const struct messages *m, uint32_t *next, struct error *err);

#endif
