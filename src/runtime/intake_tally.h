#ifndef CDCL_INTAKE_TALLY_H
#define CDCL_INTAKE_TALLY_H

/*
 * What became of a source's messages, so that none can be lost in silence. Before a batch counts,
 * each message that was read must be accounted for:
 *
 *	read = decoded + put aside (a record that crashed the process)
 *	decoded <= messages with rows + skipped (control records, other tables) + refused (dead)
 *	flat rows: decoded = rows + dropped
 *
 * An event may give several rows, and some of its rows before it is refused: therefore "<=".
 */

#include "decode/envelope.h"
#include "decode/json_decode.h"

struct intake_tally {
	int64_t decoded;        /* messages */
	int64_t put_aside;
	int64_t with_rows;      /* messages that gave some */
	int64_t rows;
	int64_t dropped;        /* rows, by mode = "drop" */
	int64_t skipped;        /* messages */
	int64_t refused;        /* messages */
};

/* A chunk of flat rows, made of all of its messages. */
void intake_tally_rows(struct intake_tally *t, const struct chunk *c);
/* A chunk of events, and what the decoder had counted before it: `decoded` messages of it. */
void intake_tally_events(struct intake_tally *t, const struct chunk *c, uint32_t decoded,
	const struct envelope_counts *before, const struct envelope_counts *after);

/* What `after` has more than `before`, which another process counted. */
void intake_tally_add(struct intake_tally *t, const struct intake_tally *before,
	const struct intake_tally *after);

/* Of `messages` that a batch read; CDCL_E_INTERNAL: some are not accounted for. */
int intake_tally_settle(const struct intake_tally *t, const struct intake_tally *at_batch,
	int64_t messages, struct str source, struct error *err);

#endif
