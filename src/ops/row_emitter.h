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
	/* of the two below: how far they are */
	uint32_t step;
	bool begun;
	uint32_t at;
	struct net_walk walk;
	uint32_t left;  /* changes that this call may still take */
	uint32_t added; /* rows, by this call */
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
 * The end of a batch, in slices: about a chunk of rows a call, 1 while there is more.
 *
 * The batch's changes to whoever listens to the changelog, the rows that are to update, and marks
 * to buckets.
 */
int row_emitter_changes(
	struct row_emitter *e, const struct net_changes *changes, struct error *err);

/*
 * Then, for complete mode, all rows: to each out whose buckets are due, and to the others. `add`
 * adds those of group i, of `count`.
 */
int row_emitter_all(struct row_emitter *e, const struct batch *b, uint32_t count,
	int (*add)(struct operator *op, uint32_t i, struct error *err), struct error *err);

#endif
