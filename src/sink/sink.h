#ifndef CDCL_SINK_H
#define CDCL_SINK_H

/*
 * Where result rows go. Five functions:
 *
 *	open     says the last batch id the sink holds (-1: none, or a sink that does not remember)
 *	write    takes live rows as chunks come; copies what it keeps
 *	prepare  makes the batch ready to be published by one step that cannot half-happen
 *	publish  makes it visible
 *	close    accepts a half-open sink
 *
 * `write` and `publish` may answer CDCL_E_CLOSED: stdout's reader went away, the run ends quietly,
 * exit 0. A batch with no rows is published too (an empty box). Staged and ledger sinks:
 * docs/operations.md.
 */

#include "cdcl/error.h"
#include "data/chunk.h"
#include "data/timezone.h"

enum output_mode {
	OUTPUT_APPEND,
	OUTPUT_UPDATE,
	OUTPUT_COMPLETE,
	OUTPUT_CHANGELOG,
	output_mode_count
};

const char *output_mode_name(enum output_mode mode);

struct batch {
	int64_t id;
	int64_t time_us;        /* current_timestamp of the batch */
};

struct sink;

struct sink_ops {
	const char *kind;
	int (*open)(struct sink *s, int64_t *last_batch_id, struct error *err);
	int (*write)(struct sink *s, const struct chunk *c, struct error *err);
	int (*prepare)(struct sink *s, const struct batch *b, struct error *err);
	int (*publish)(struct sink *s, const struct batch *b, struct error *err);
	void (*close)(struct sink *s);
};

struct sink {
	const struct sink_ops *ops;
	struct str description;                 /* for progress and plan */
	enum output_mode mode;
	const struct schema *schema;
	const struct timezone *timezone;        /* NULL: UTC */
	int64_t rows_written;                   /* of the current batch */
};

enum sink_kind { SINK_CONSOLE, SINK_CHANGES, SINK_MEMORY, SINK_FOREACH_BATCH };

/* SINK_FOREACH_BATCH: filled by script/; called by the sink once per batch with all rows of it. */
struct batch_function {
	int (*call)(struct batch_function *f, struct chunk *const *chunks, uint32_t count,
		const struct batch *b, struct error *err);
};

struct sink_config {                            /* plain data of the plan */
	enum sink_kind kind;
	enum output_mode mode;
	bool mode_given;                        /* else the default for what it is under */
	bool truncate;                          /* console */
	int64_t num_rows;                       /* console */
	struct batch_function *function;        /* foreach_batch */
	struct str name;                        /* memory */
};

/* NULL with the error filled. */
struct sink *sink_open(const struct sink_config *config, const struct schema *schema,
	const struct timezone *timezone, struct error *err);
void sink_close(struct sink *s);

#endif
