#ifndef CDCL_CDCL_H
#define CDCL_CDCL_H

/*
 * Embed a job: load a script, run it, stop it from elsewhere.
 *
 *	struct error err;
 *	error_init(&err);
 *	struct cdcl_options options = {.script = "orders.lua", .available_now = true};
 *	struct cdcl_job *job = cdcl_open(&options, &err);
 *	if (job == NULL || cdcl_run(job, &err) < 0)
 *		fprintf(stderr, "%s: %s\n", err.place, err.text);
 *	cdcl_close(job);
 *
 * A job belongs to the thread that opened it; cdcl_stop alone may be called from any thread or from
 * a signal handler. No signal handler is installed. Results go where the script's sinks say.
 */

#include "cdcl/error.h"

#include <stdbool.h>
#include <stdint.h>

#define CDCL_API __attribute__((visibility("default")))

struct cdcl_job;

struct cdcl_options {
	const char *script; /* path */
	const char *brokers; /* NULL: CDCL_BROKERS, the script, localhost:9092 */
	const char *input; /* a file in place of every source; NULL: as the script says */
	const char *from; /* starting offsets; NULL: as the script says */
	const char *progress; /* file for a JSON line per batch; NULL: none */
	bool available_now; /* read what is there, then end */
	bool allow_io; /* the script may use io and os */
	int64_t batches_max; /* 0: no limit */
};

/* Loads and checks the script, opens sources and sinks. NULL with the error filled. */
CDCL_API struct cdcl_job *cdcl_open(const struct cdcl_options *options, struct error *err);

/* Runs to the end: of finite sources, at batches_max, or drained after cdcl_stop. 0, or negative.
 */
CDCL_API int cdcl_run(struct cdcl_job *job, struct error *err);

CDCL_API void cdcl_stop(struct cdcl_job *job);

/* Accepts NULL. */
CDCL_API void cdcl_close(struct cdcl_job *job);

#endif
