#ifndef CDCL_CHECKPOINT_H
#define CDCL_CHECKPOINT_H

/*
 * What makes a job go on where it was: state, positions of the sources and the batch number, made
 * durable as one thing, in a folder that one process owns.
 *
 *	LOCK      held while a process has the checkpoint open; says which, else the last batch then
 *	MANIFEST  which of the files below count (state/manifest.h)
 *	snap-7    all parts (state/state_part.h), as they were at some moment since log-7 began
 *	log-7     a frame for every step of every batch since then (state/frame_log.h)
 *
 * A batch in the log:
 *
 *	INTENT     id, time, the ranges of the batch, and the runs in which they were read
 *	CHANGES*   records of the parts' changed entries, some 256 kB a frame
 *	BATCH      id, time, positions of the sources: closes what is before it
 *	PUBLISHED  its sinks have made it visible
 *
 * The caller's order, all of it in runtime/pipeline_end.c:
 *
 *	checkpoint_intend      durable before the first byte that cannot be taken back
 *	(sinks prepare)
 *	checkpoint_commit      durable when it returns
 *	(sinks publish)
 *	checkpoint_published   in the file when it returns; on disk with the next sync, or at close
 *
 * What a publish begins for snapshots (its turn: a snapshot counts, a new log and snapshot begin)
 * is done while the job reads on, and before the next intent. Its error is that of the next call.
 *
 * Recovery gives the state after the last batch that is known to be published, and when there is a
 * later intent, that intent: the batch has to be run again with the same id, time, ranges and
 * order. A BATCH without PUBLISHED does not count, because nobody knows whether its sinks showed
 * it; those that did hold its id and skip it. So a batch may run twice and is never half there.
 *
 * Snapshots: when the log has grown beyond the last snapshot, a new log begins and the parts are
 * scanned into a new snapshot, a slice per call of checkpoint_step, between chunks. Entries change
 * while that goes on; whatever changes after the new log began is in it, and records replace each
 * other, so snapshot and log together are exact though the snapshot alone is not. It counts from
 * the first publish after it is whole. Two generations are kept. At the end of a run no publish
 * comes (checkpoint_end): the new log then gets the last batch's BATCH and PUBLISHED once more, and
 * the snapshot counts. So runs of one batch each have snapshots like one long run.
 *
 * Another script than the last time (parts of other shapes, other sources): files are read by their
 * own heads, what they hold is converted on the way (checkpoint_fit.c), and the first batch begins
 * a new log with a head of its own. Nothing is rewritten, so a crash at any time is as others are.
 *
 * Errors: CDCL_E_DISK, after which the checkpoint takes nothing more; CDCL_E_FENCED when another
 * process holds the folder; CDCL_E_STATE when what is on disk is damaged or is not of this job.
 * Damage to the newest snapshot makes recovery use the one before it, and says so.
 */

#include "cdcl/error.h"
#include "state/state_part.h"

struct checkpoint;

struct checkpoint_config {
	const char *path;               /* the folder; made when it is absent */
	struct str job;
	/* 0: as they are by default; tests make snapshots likely */
	int64_t snapshot_log_bytes_min;
	/* threads of its own write snapshots and sync: see checkpoint_wait */
	bool in_background;
	/* without them: so many calls of checkpoint_step from a publish to its turn; tests */
	uint32_t turn_steps;
};

enum {
	checkpoint_parts_max = 4096,
	checkpoint_positions_max = 1000000,
	checkpoint_ranges_max = 10000000,
	checkpoint_runs_max = 10000000,
};

/* Where a source stands. */
struct checkpoint_position {
	uint32_t source;                /* struct checkpoint_source's number */
	struct str topic;               /* or the file's path */
	int32_t partition;
	int64_t next;
	/* what the source keeps to know the place again (source/topic_witness.h); 0: nothing */
	int64_t witness_until;
	uint64_t witness_hash;
};

/* A source keeps its number in a checkpoint for good; `reads` is how a script knows it. */
struct checkpoint_source {
	uint32_t number;
	struct str reads;               /* "kafka orders_cdc", "file in/" */
};

struct checkpoint_verdict {
	struct str name;                /* as it is kept; of a new one the script's */
	enum state_verdict verdict;
	struct str why;                 /* empty: nothing changed */
};

/* What a batch takes of one partition or file. */
struct checkpoint_range {
	uint32_t source;
	struct str topic;
	int32_t partition;
	int64_t from;
	int64_t to;
};

/* Messages that came without one of another range in between: of ranges[range], below `to`. */
struct checkpoint_run {
	uint32_t range;
	int64_t to;
};

struct checkpoint_batch {
	int64_t id;
	int64_t time_us;
	const struct checkpoint_position *positions;
	uint32_t position_count;
};

struct checkpoint_intent {
	int64_t id;
	int64_t time_us;
	const struct checkpoint_range *ranges;  /* files of one source: as they were read */
	uint32_t range_count;
	const struct checkpoint_run *runs;      /* in order; none: any order is as good */
	uint32_t run_count;
};

/* What was found; its memory is the checkpoint's. */
struct checkpoint_found {
	bool any;                       /* a batch was published: `batch` is the last one */
	struct checkpoint_batch batch;
	bool interrupted;               /* `intent` has to be run again first */
	struct checkpoint_intent intent;
	int64_t bytes_read;
	bool from_older;                /* the newest snapshot was damaged */
	const struct checkpoint_source *sources;        /* as of the script that ran last */
	uint32_t source_count;
	uint32_t format;                /* of the newest log; 1: from before sources had names */
	uint32_t plan;
	const struct checkpoint_verdict *verdicts;      /* by part */
	uint32_t verdict_count;
};

/*
 * Locks the folder and reads its manifest. The parts are empty ones, named alike in every run; they
 * stay the caller's and outlive the checkpoint. They may be given later, before the recovery.
 */
struct checkpoint *checkpoint_open(const struct checkpoint_config *config,
	struct state_part *const *parts, uint32_t part_count, struct error *err);
void checkpoint_set_parts(
	struct checkpoint *c, struct state_part *const *parts, uint32_t part_count);
/*
 * The script's sources and a fingerprint of its plan, for the heads of logs from now on: before the
 * first batch. They stay the caller's.
 */
void checkpoint_set_sources(struct checkpoint *c, const struct checkpoint_source *sources,
	uint32_t count, uint32_t plan);
/* 32 hexadecimal digits that no other checkpoint has; its memory is the checkpoint's. */
/* Nothing was there when it was opened. */
bool checkpoint_is_new(const struct checkpoint *c);
struct str checkpoint_id(const struct checkpoint *c);
/*
 * What is appended is durable, PUBLISHED of the last batch, too: before a run ends as one that went
 * well, and before the folder is opened again by the same process.
 */
int checkpoint_keep(struct checkpoint *c, struct error *err);
/* The same, if nothing failed before; of a run that failed with more than that. NULL is fine. */
int checkpoint_close(struct checkpoint *c, struct error *err);

/* Fills the parts. Once, before anything else. */
int checkpoint_recover(
	struct checkpoint *c, const struct checkpoint_found **found, struct error *err);

int checkpoint_intend(
	struct checkpoint *c, const struct checkpoint_intent *intent, struct error *err);
/* A frame of what changed since the last batch: 1 while there is more, which commit takes, too. */
int checkpoint_changes(struct checkpoint *c, struct error *err);
int checkpoint_commit(
	struct checkpoint *c, const struct checkpoint_batch *batch, struct error *err);
/*
 * In the background intend and commit only begin: what they wrote is durable when this answers 0;
 * 1: not within us_max (then one of the wake_fds tells when to ask again). After published: its
 * turn is done, else the next intend waits for it.
 */
int checkpoint_wait(struct checkpoint *c, int64_t us_max, struct error *err);
int checkpoint_published(struct checkpoint *c, int64_t id, struct error *err);

/* To be waited for while a commit, turn or snapshot goes on; returns how many of two there are. */
uint32_t checkpoint_wake_fds(const struct checkpoint *c, int fds[2]);
/* Before anything is asked after a wait, else they stay readable. */
void checkpoint_heard(struct checkpoint *c);

/*
 * A slice of a snapshot that is being taken, if one is: about bytes_max of it; 1 while there is
 * more of it. Not in a chunk.
 */
int checkpoint_step(struct checkpoint *c, size_t bytes_max, struct error *err);

enum checkpoint_end {
	CHECKPOINT_END_DONE,
	CHECKPOINT_END_MORE,    /* call again at once */
	CHECKPOINT_END_WAIT,    /* when one of the wake_fds tells */
};

/*
 * No batch will come any more: what the last one left to do is done, and the snapshot that is due
 * or under way is taken, unless the log ends within a batch or a start would read more than
 * start_bytes_max; then checkpoint_keep. A slice of it per call; an error, or an enum
 * checkpoint_end. A process that ends instead of calling again loses nothing but that snapshot.
 */
int checkpoint_end(
	struct checkpoint *c, size_t bytes_max, int64_t start_bytes_max, struct error *err);

/*
 * What a start would find, without a lock and without a change: verdicts, sources and plan, for
 * parts that are not filled. NULL: there is no checkpoint, or none that can be read. Of
 * checkpoint_found only these are set.
 */
struct checkpoint *checkpoint_compare(const struct checkpoint_config *config,
	struct state_part *const *parts, uint32_t part_count,
	const struct checkpoint_found **found, struct error *err);

/* Of parts: the first that is refused, with what to do; 0: none. */
int checkpoint_refuse(const char *folder, const struct checkpoint_verdict *verdicts, uint32_t count,
	struct error *err);

struct checkpoint_figures {
	int64_t log_bytes;              /* since the last snapshot */
	int64_t snapshot_bytes;         /* of the last whole one */
	int64_t snapshots;              /* taken by this process */
	int64_t written_bytes;          /* to logs, by this process */
	bool snapshot_runs;
	bool snapshot_whole;            /* it runs, and waits for the end of a batch */
};

/* While a turn goes on, as they were before it. */
void checkpoint_figures(const struct checkpoint *c, struct checkpoint_figures *figures);

#endif
