#ifndef SIM_JOB_H
#define SIM_JOB_H

/*
 * The jobs that are run, and what each of their outputs must hold: a fold of the input up to where
 * a batch ended. The first output of each is a ledger, which notes the batches.
 */

#include "cdcl/error.h"
#include "base/str.h"
#include "plan/plan.h"

enum { sim_sinks_max = 6 };

struct target;

enum sim_sink_kind {
	SIM_LEDGER,     /* target.h */
	SIM_PLAIN,
	SIM_REPLACED,   /* a file that is replaced as a whole */
	SIM_APPENDED,   /* a file that rows are added to */
	SIM_SQLITE,     /* a table of a database (model_sqlite.h) */
	SIM_POSTGRES,   /* a table of a database (model_postgres.h) */
	SIM_SNAPSHOT,   /* a folder of Parquet files that is replaced (parquet_rows.h) */
	SIM_ADDED,      /* a folder that Parquet files are added to */
	SIM_LETTERS,    /* dead letters */
	SIM_TOPIC,      /* rows in a topic, by the sink for Kafka */
	SIM_TOPIC_LETTERS,
	SIM_TABLE,      /* the last message of each key is its row */
	SIM_LOOSE_TABLE /* so, at least once: looked at when a batch is published */
};

struct sim_sink {
	const char *name;
	enum sim_sink_kind kind;
	void (*fold)(const int64_t *ends, bool json, struct strbuf *out);
	void (*letters)(const int64_t *ends, struct strbuf *out);
};

struct sim_job {
	const char *name;
	const char *script;
	bool has_envelopes; /* struct workload's */
	struct sim_sink sinks[sim_sinks_max];
	struct plan *plan; /* of the script, which is loaded once */
};

uint32_t job_count(void);
struct sim_job *job_at(uint32_t index);
int job_load(struct sim_job *job, struct error *err);
int job_load_all(struct error *err);
/* The one that runs now. */
void job_choose(uint32_t index);
struct sim_job *job_chosen(void);
const struct sim_sink *job_sink(struct str name);

/* Where a Table's topics hold rows of an earlier run. */
void job_leave_stale_rows(void);
/* Somebody empties a target of a Table: it must get all rows again. */
void job_wipe_target(void);
/* The right rows, or the end of the life. */
void job_check_target(const struct sim_sink *s, const struct target *t, int64_t batch);
/* A batch was published: every file holds it. */
void job_check_files(int64_t batch);
/* After a death: what is replaced as a whole, and topics, are as they were after some batch. */
void job_check_replaced(void);
/* All input was read and published. */
void job_check_end(void);

#endif
