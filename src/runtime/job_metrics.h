#ifndef CDCL_JOB_METRICS_H
#define CDCL_JOB_METRICS_H

/*
 * What a job did, in Prometheus' text format. Figures come from the same places as the status line
 * and --progress (runtime/pipeline.h); here are only their sums over batches. Key values and other
 * data of records are never labels.
 */

#include "base/exposition.h"
#include "runtime/pipeline.h"

/* Partitions beyond it are only in sums: a scrape has to stay small. */
enum { metrics_partitions_max = 2000 };

struct job_metrics {
	struct str job_name;                    /* the plan's */
	struct exposition_histogram batch_s;
	struct exposition_histogram turn_s;     /* of the event loop */
	int64_t turn_us_max;
	int64_t rows_in;
	int64_t read_us;
	int64_t finish_us;
	int64_t publish_us;
	int64_t commit_us;
	int64_t sink_rows[sink_count_max];
	int64_t last_id;                        /* -1: none yet */
	int64_t last_us;                        /* wall: when it was published */
	int64_t starts;                         /* of jobs in this process */
	int64_t snapshot_since_us;              /* monotonic; 0: none is being taken */
	int64_t snapshot_us;                    /* how long the last one took */
};

void job_metrics_init(struct job_metrics *m);

/* At every turn: how long snapshots take. */
void job_metrics_note_turn(struct job_metrics *m, const struct pipeline *p, int64_t now_us);

/* A turn has ended that took so long. */
void job_metrics_note_turn_end(struct job_metrics *m, int64_t turn_us);

/* The batch that the pipeline has just published. */
void job_metrics_note_batch(struct job_metrics *m, const struct pipeline *p, int64_t wall_us);

void job_metrics_text(const struct job_metrics *m, const struct pipeline *p, struct strbuf *out);

#endif
