#ifndef CDCL_STATE_PART_H
#define CDCL_STATE_PART_H

/*
 * A piece of state that a checkpoint keeps: the rows of a table, the groups of an aggregate. It has
 * a name, which state belongs to (not to a place in the plan), and a shape: words that say what its
 * records look like.
 *
 * A part is a set of entries. An entry is written as one record that says all of it, or that it is
 * gone, so records may be applied again over what they made, and a later one replaces an earlier
 * one. That is what lets a snapshot be taken a slice at a time while the job goes on: what changes
 * behind the slice is in the log, and the log is applied over the snapshot.
 *
 * Records come back from disk. Their checksums were right, but a part trusts nothing of them: what
 * cannot be is an error, never a crash.
 */

#include "cdcl/error.h"
#include "base/str.h"

struct arena;
struct state_part;
struct state_fit;                       /* how records of another shape are read: the part's own */

/* What becomes of state when a script meets a checkpoint. */
enum state_verdict {
	STATE_KEEP,
	STATE_CONVERT,                  /* read from another shape */
	STATE_REBUILD,                  /* not kept: computed again from what is */
	STATE_NEW,                      /* the checkpoint has none: empty */
	STATE_REFUSE
};

const char *state_verdict_name(enum state_verdict verdict);

struct state_part_ops {
	/*
	 * Appends records of the entries that changed since the last call, until `out` has grown by
	 * bytes_max or more; true while there are more of them. Not within a batch.
	 */
	bool (*changes)(struct state_part *p, size_t bytes_max, struct strbuf *out);
	/*
	 * Appends records of entries from *at on (0 first), whatever changed meanwhile; false: that
	 * was the last. Not within a chunk.
	 */
	bool (*scan)(struct state_part *p, uint64_t *at, size_t bytes_max, struct strbuf *out);
	/* Takes whole records, of a part that nobody used before. */
	int (*apply)(struct state_part *p, struct str records, struct error *err);
	/*
	 * Lets go of all that was applied: it was of a snapshot that is damaged. NULL: it cannot,
	 * and gets records only when all of a snapshot was seen to be whole.
	 */
	void (*clear)(struct state_part *p);
	/* All were applied: makes what can be computed from them (an index). */
	int (*ready)(struct state_part *p, struct error *err);
	/*
	 * Can records of shapes[0] be taken? Scripts that ran later made of it shapes[1] and so on;
	 * what was lost on the way is lost. *how is for convert; `why` gets what becomes other, or
	 * why it cannot be. NULL: no other shape can be read.
	 */
	enum state_verdict (*fit)(const struct state_part *p, const struct str *shapes,
		uint32_t count, struct arena *arena, const struct state_fit **how,
		struct strbuf *why);
	/* As apply, of records of another shape. */
	int (*convert)(struct state_part *p, const struct state_fit *how, struct str records,
		struct error *err);
};

struct state_part {
	const struct state_part_ops *ops;
	struct str name;                /* "table orders" */
	struct str shape;
};

#endif
