#ifndef CDCL_SOURCE_PEEK_H
#define CDCL_SOURCE_PEEK_H

/*
 * The seam through which a script that loads learns what only the messages know: the columns of
 * `schema = "auto"`, the key of a merge that names none. The command decides what may be looked at:
 * run looks at any source (runtime/peek.h), check at none.
 */

#include "decode/envelope.h"
#include "source/source_config.h"

struct peek_request {
	const struct source_config *source;
	enum envelope_kind envelope;
	struct str table;               /* of several in the messages; absent: any */
	bool finite;                    /* the job ends by itself, so do not wait for ever */
	struct str checkpoint;          /* which may have kept an answer; absent: none */
	struct str place;               /* the script's line */
};

struct source_peek {
	/*
	 * 0 with *out filled, good as long as whoever looked; negative when there is nothing to
	 * know, and why.
	 */
	int (*look)(struct source_peek *p, const struct peek_request *request,
		struct envelope_sample *out, struct error *err);
};

#endif
