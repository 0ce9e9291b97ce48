#ifndef CDCL_ROW_EMITTER_H
#define CDCL_ROW_EMITTER_H

/*
 * Packed rows (data/row_pack.h) given out as chunks: what the steps share that keep the rows of
 * Tables. A row may be made of two packed ones, the second of which may be missing (a left join).
 *
 *	row_emitter_begin(mode); row_emitter_add(row, kind) ...; row_emitter_end()
 *
 * -U and +U of a row come in one chunk, side by side.
 */

#include "data/row_pack.h"
#include "ops/operator_build.h"
#include "state/net_changes.h"

struct row_emitter {
	struct operator *op;
	const struct row_pack *parts[2];
	const int32_t *columns[2]; /* where they go; NULL: as they are */
	uint32_t part_count;
	const struct row_key *key; /* of the Table that it gives */
	struct arena arena;
	enum output_mode mode;
	struct operator_out *out; /* one with buckets; NULL: all that want the mode */
	struct chunk *chunk; /* being filled; NULL: none */
};

void row_emitter_init(struct row_emitter *e, struct operator *op, const struct row_key *key);
void row_emitter_release(struct row_emitter *e);

void row_emitter_begin(struct row_emitter *e, enum output_mode mode);
int row_emitter_add(
	struct row_emitter *e, struct str row, enum row_kind kind, struct error *err);
/* A row whose two parts lie apart. */
int row_emitter_add_parts(struct row_emitter *e, struct str first, struct str second,
	enum row_kind kind, struct error *err);
int row_emitter_end(struct row_emitter *e, struct error *err);

/*
 * The batch's changes to whoever listens to the changelog, the rows that are to update, and marks
 * to buckets.
 */
int row_emitter_changes(
	struct row_emitter *e, const struct net_changes *changes, struct error *err);

/*
 * For complete mode, once per i from 0 to op->out_count: true when all rows are to be added now
 * (then row_emitter_end), to an out whose buckets are due, or, the last time, to the others.
 */
bool row_emitter_begin_all(struct row_emitter *e, const struct batch *b, uint32_t i);

#endif
