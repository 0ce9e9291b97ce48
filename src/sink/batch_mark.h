#ifndef CDCL_BATCH_MARK_H
#define CDCL_BATCH_MARK_H

/*
 * What a folder says of the last batch in it, in a file that readers of Parquet leave out
 * (its name begins with _):
 *
 *	_cdcl_batch   5d0a9c11 41 8d3c07a1f2b94c55a0e6d41b7c9f2e30 orders
 *	              CRC-32C of the rest, batch, checkpoint, job
 */

#include "sink/sink.h"

extern const char batch_mark_name[];

/* One line of text for batch `id` of the sink's writer. */
void batch_mark_text(const struct sink_writer *w, int64_t id, struct strbuf *out);
/* False: it is none. Strings are part of `text`. */
bool batch_mark_parse(struct str text, int64_t *id, struct sink_writer *w);
/*
 * What the file at `path` says to the sink: *held, -1 for none, and s->others. CDCL_E_DISK when it
 * is damaged.
 */
int batch_mark_read(struct sink *s, const char *path, int64_t *held, struct error *err);
/* Replaces the file in one step. */
int batch_mark_write(const struct sink *s, const char *path, int64_t id, struct error *err);

#endif
