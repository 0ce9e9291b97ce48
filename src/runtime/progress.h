#ifndef CDCL_PROGRESS_H
#define CDCL_PROGRESS_H

/*
 * --progress FILE|-: one JSON line per published batch, with the names of Spark's
 * StreamingQueryProgress, so that tools made for Spark read it. cdcl's own additions are badRecords
 * and sinks (a job may have several).
 */

#include "cdcl/error.h"
#include "base/clock.h"
#include "runtime/pipeline.h"

struct progress;

/*
 * "-" is standard output, NULL no file: the line is made for whoever looks; append: a restart goes
 * on in the same file. NULL: see the error.
 */
struct progress *progress_open(const char *path, bool append, struct str job_name,
	const struct clock *clock, struct error *err);

/* The batch that the pipeline has just published. A full disk is CDCL_E_DISK. */
int progress_write(struct progress *g, const struct pipeline *p, struct error *err);
/* The last line written, with its line end; until the next. */
struct str progress_line(const struct progress *g);
void progress_close(struct progress *g);

#endif
