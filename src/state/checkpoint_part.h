#ifndef CDCL_CHECKPOINT_PART_H
#define CDCL_CHECKPOINT_PART_H

/*
 * What the files of a checkpoint share (state/checkpoint.h is what others see): checkpoint.c opens
 * and writes batches, checkpoint_frame.c lays out payloads, checkpoint_recover.c reads,
 * checkpoint_snapshot.c takes snapshots and lets old files go.
 */

#include "base/arena.h"
#include "state/checkpoint.h"
#include "state/frame_log.h"
#include "state/manifest.h"
#include "state/record.h"

enum frame_kind {
	/* version, number, job, names and shapes of the parts, plan, sources, id */
	FRAME_HEAD = 1,
	FRAME_INTENT,
	FRAME_CHANGES,          /* part, records */
	FRAME_BATCH,
	FRAME_PUBLISHED,        /* id */
	FRAME_ROWS,             /* of a snapshot: part, records */
	FRAME_END               /* of a snapshot: its frames before this one */
};

/*
 * Version 1: no sources in heads; they were known by their number in the script.
 * Version 2: no witnesses in batches.
 * Version 3: each batch has all positions; heads do not say of which checkpoint they are.
 */
enum {
	checkpoint_version = 4,
	checkpoint_frame_bytes = 256 * 1024, /* made, summed and written while it is in the cache */
	checkpoint_logs_max = 100000,
	checkpoint_lock_bytes_max = 256
};

/* What the parts of one log, and of the snapshot of its number, are of the script's. */
struct checkpoint_map {
	uint32_t count;
	uint32_t *part_of;              /* or checkpoint_no_part: let go since */
	const struct state_fit **fits;  /* NULL: as it is */
};

#define checkpoint_no_part UINT32_MAX

enum snapshot_phase { SNAPSHOT_NONE, SNAPSHOT_SCANNING, SNAPSHOT_SYNCING, SNAPSHOT_WHOLE };

struct checkpoint_snapshot {
	enum snapshot_phase phase;
	uint64_t number;
	struct frame_log file;
	uint32_t part;          /* being scanned, */
	uint64_t at;            /* from here on */
	uint64_t frames;
};

/* How far a recovery is. */
struct checkpoint_take {
	int64_t taken_bytes;
	int64_t bytes;          /* in all */
	int64_t told_us;        /* when that was said last; 0: not yet */
};

/*
 * What a publish has to do with files for snapshots: one that is whole counts from now on, and a
 * new one begins with a log of its own. Between `given` and the end of it the checkpoint is the
 * snapshot's worker's: others look at nothing of it but this and the workers.
 */
struct checkpoint_turn {
	bool given;
	uint32_t steps;         /* without a worker: done after so many more calls of step */
	struct disk_work work;
	struct checkpoint_figures figures;      /* as they were before it */
};

/* Where the sources stand; a place keeps its number. */
struct checkpoint_positions {
	struct checkpoint_position *at;         /* malloc; topics in the checkpoint's arena */
	uint32_t count;
	uint32_t capacity;
};

/* A BATCH that was read: places that moved since the one before it in its log. */
struct checkpoint_moves {
	int64_t id;
	int64_t time_us;
	uint32_t known;         /* so many places go on from there; 0: all of them are here */
	uint32_t *places;       /* malloc; by move */
	uint32_t place_capacity;
	struct checkpoint_positions to;
};

/* Numbers of batches; -1: none. */
struct checkpoint_last {
	int64_t published;
	int64_t at_end;         /* when it was closed last, as LOCK says */
};

struct checkpoint {
	char *folder;
	struct str job;         /* arena */
	struct arena arena;
	int lock_fd;
	struct checkpoint_last last;
	struct manifest manifest;
	bool is_new;            /* there was no manifest */
	bool recovered;
	struct state_part *const *parts;
	uint32_t part_count;
	const struct checkpoint_source *sources;
	uint32_t source_count;
	uint32_t plan;          /* fingerprint */
	struct checkpoint_map *maps;    /* of logs from maps_first on; arena */
	uint64_t maps_first;
	struct str newest_head; /* as the newest log has it; arena */
	struct frame_log log;
	/* NULL: not in the background; one each, so that a commit does not wait for a snapshot */
	struct disk_worker *log_worker;
	struct disk_worker *snapshot_worker;
	int64_t older_log_bytes;        /* since the snapshot, of logs before this one */
	int64_t older_written_bytes;    /* by this process, to logs before this one */
	int64_t log_begun_at;           /* what was in this log before this process */
	int64_t snapshot_log_bytes_min;
	int64_t snapshot_bytes;
	int64_t snapshots;
	struct checkpoint_snapshot snapshot;
	struct checkpoint_turn turn;
	uint32_t turn_steps;
	struct checkpoint_take take;
	struct checkpoint_positions written;    /* of the last batch, with its id and time; */
	int64_t written_id;
	int64_t written_us;
	uint32_t known_places;  /* so many of them are in this log by this process */
	struct checkpoint_positions read;       /* what found.batch has */
	bool is_published;      /* so is that batch, and none was begun since */
	bool ending;            /* no batch will come: a whole snapshot does not wait for one */
	struct checkpoint_found found;
	struct strbuf scratch;
	uint32_t changes_part;  /* whose changes are appended next */
};

/* Without its lock and its manifest. */
struct checkpoint *checkpoint_alloc(const char *folder, struct str job);
/* "FOLDER/log-7"; in the arena. */
const char *checkpoint_path(struct checkpoint *c, const char *kind, uint64_t number);

/* What a start has to read beside the snapshot. */
static inline int64_t checkpoint_log_bytes(const struct checkpoint *c)
{
	return c->older_log_bytes + c->log.bytes;
}

/* ---- checkpoint_lock.c ---- */

int checkpoint_lock(struct checkpoint *c, struct error *err);
/* All of the log is on disk, and no batch will come. */
void checkpoint_note_end(struct checkpoint *c);
/* The log will be cut. */
int checkpoint_forget_end(struct checkpoint *c, struct error *err);
/* Without the lock. */
void checkpoint_look_at_end(struct checkpoint *c);
/* After the logs were read: batches that were published are gone. */
int checkpoint_check_end(struct checkpoint *c, struct error *err);

/* ---- checkpoint_frame.c ---- */

struct checkpoint_head {
	uint32_t version;
	uint64_t number;
	struct str job;
	uint32_t part_count;
	const struct str *names;
	const struct str *shapes;
	uint32_t plan;
	const struct checkpoint_source *sources;
	uint32_t source_count;
	struct str id;          /* of the checkpoint, as its manifest has it; empty: not known */
};

/* Strings are copied. */
int checkpoint_read_head(struct str payload, const char *path, struct arena *arena,
	struct checkpoint_head *head, struct error *err);
void checkpoint_add_head(const struct checkpoint *c, uint64_t number, struct strbuf *out);
/* The same of a file that must be of this job and number. */
int checkpoint_take_head(struct checkpoint *c, struct str payload, uint64_t number,
	const char *path, struct checkpoint_head *head, struct error *err);
/* Whether a file with this head belongs here. */
int checkpoint_judge_head(const struct checkpoint *c, const struct checkpoint_head *head,
	uint64_t number, const char *path, struct error *err);
void checkpoint_add_intent(const struct checkpoint_intent *intent, struct strbuf *out);
/* False: it cannot be. Topics are copied. */
bool checkpoint_take_intent(
	struct str payload, struct arena *arena, struct checkpoint_intent *intent);

/* ---- checkpoint_positions.c ---- */

void checkpoint_positions_release(struct checkpoint_positions *p);
void checkpoint_moves_release(struct checkpoint_moves *m);
/* A BATCH; `known` places are in the log as they are in `before`. */
void checkpoint_add_batch(const struct checkpoint_batch *batch,
	const struct checkpoint_positions *before, uint32_t known, struct strbuf *out);
void checkpoint_positions_set(struct checkpoint_positions *p,
	const struct checkpoint_batch *batch, struct arena *arena);
/* False: it cannot be. Topics are copied. */
bool checkpoint_take_batch(
	struct str payload, uint32_t version, struct arena *arena, struct checkpoint_moves *m);
/* m->known is 0 or their count. */
void checkpoint_positions_move(struct checkpoint_positions *p, const struct checkpoint_moves *m);

/* ---- checkpoint_fit.c ---- */

int checkpoint_newest_head(struct checkpoint *c, struct checkpoint_head *head, struct error *err);
/* Verdicts into c->found, from the newest log. */
int checkpoint_judge(struct checkpoint *c, struct error *err);
/* The same, and how logs from the first on are read; CDCL_E_STATE when one is to refuse. */
int checkpoint_fit(struct checkpoint *c, uint64_t first, struct error *err);

/* ---- checkpoint_take.c ---- */

int checkpoint_bad_frame(const char *path, const struct frame *frame, struct error *err);
/* The head, which must be the next frame; its version if that is asked. */
int checkpoint_take_first(
	struct checkpoint *c, struct frame_reader *r, uint64_t number, uint32_t *version,
	struct error *err);
/* Records of one frame to their part. */
int checkpoint_take_frame(struct checkpoint *c, const struct frame *frame,
	const struct checkpoint_map *map, const char *path, struct error *err);
void checkpoint_tell_taken(struct checkpoint *c, int64_t bytes);
/*
 * The newest whole snapshot into the parts, which fit the checkpoint then; *first is the log to go
 * on with.
 */
int checkpoint_take_snapshot(struct checkpoint *c, uint64_t *first, struct error *err);

/* ---- checkpoint_recover.c ---- */

/* Into the parts; nothing is written. */
int checkpoint_read(struct checkpoint *c, struct error *err);

/* ---- checkpoint.c ---- */

/* The last batch, which is published, once more, without its changes. */
int checkpoint_append_again(struct checkpoint *c, struct error *err);

/* ---- checkpoint_snapshot.c ---- */

/* A new log, whole with its head and name; c->log is it afterwards. */
int checkpoint_next_log(struct checkpoint *c, uint64_t number, struct error *err);
/* A whole one counts from now on; what it makes unneeded is removed. Not within an end of batch. */
int checkpoint_snapshot_adopt(struct checkpoint *c, struct error *err);
/* When there is a reason for it: a batch was published just now. */
void checkpoint_turn_begin(struct checkpoint *c);
/* 0: none is going on any more; 1: not within us_max (-1: waits until it is done). */
int checkpoint_turn_end(struct checkpoint *c, int64_t us_max, struct error *err);
void checkpoint_snapshot_release(struct checkpoint *c);

#endif
