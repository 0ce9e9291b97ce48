#ifndef CDCL_SOURCE_H
#define CDCL_SOURCE_H

/*
 * Where messages come from. A source is opened once, then asked to fill blocks of messages as long
 * as the pipeline has room; it never calls back. Memory of the messages lives in the block's arena.
 *
 *	open -> { begin_batch -> fill fill fill ... -> end_batch }* -> close
 *
 * A batch is a range of positions per partition. begin_batch fixes how far this batch may go (rate
 * limits, the end for available-now); fill stops there and says SOURCE_LIMIT. The partitions array
 * is plain data that progress, the status line and the checkpoint read.
 *
 * While a batch is still empty, begin_batch may be called again: what is there by then counts. The
 * first batch_start and position stay readable from publish to the next begin_batch. A source
 * empties its own wake_fd in fill. poll_ms > 0 asks for polling also when there is a wake_fd.
 */

#include "cdcl/error.h"
#include "base/arena.h"
#include "base/bounds.h"
#include "base/clock.h"
#include "base/str.h"
#include "source/source_config.h"

#include <stdbool.h>

struct source;

enum source_state {
	SOURCE_MORE,            /* some messages came, more may be here at once */
	SOURCE_IDLE,            /* nothing more now; wake_fd or the next poll tells when */
	/* nothing now, but messages of this batch are known to be on their way: do not close it */
	SOURCE_WAITING,
	SOURCE_LIMIT,           /* this batch's share is used up */
	SOURCE_END              /* finite source: there will never be more */
};

enum source_run { SOURCE_RUN_FOREVER, SOURCE_RUN_AVAILABLE_NOW, SOURCE_RUN_ONCE };

struct source_partition {
	struct str topic;               /* or the file's path */
	int32_t partition;
	int64_t first;                  /* where this run began */
	int64_t batch_start;            /* position when the batch began */
	int64_t position;               /* next to be read */
	int64_t latest;                 /* end as last known; -1: not known */
	int64_t messages;               /* read by this run (Kafka only) */
	struct topic_witness witness;   /* what a checkpoint keeps of the place: source_config.h */
};

/* The only messages that a batch which is run again takes next: of one partition, below `until`. */
struct source_turn {
	struct str topic;
	int32_t partition;
	int64_t until;
};

/* Whole lines, each a message's value; the last one may lack its newline. */
struct source_text {
	struct str topic;
	int64_t offset;                 /* of the first */
	struct str text;                /* in the arena */
	uint32_t lines;
};

/* As struct messages, of a source that gives_text: who splits the lines may be somebody else. */
struct source_texts {
	struct source_text *items;      /* room for chunk_rows_max */
	uint32_t count;
	uint32_t lines;                 /* of all, at most chunk_rows_max */
	struct arena *arena;
};

struct source_ops {
	const char *kind;
	int (*open)(struct source *s, enum source_run run, struct error *err);
	int (*begin_batch)(struct source *s, struct error *err);
	/*
	 * Appends to out until messages_full(out); answers an enum source_state or a
	 * negative error.
	 */
	int (*fill)(struct source *s, struct messages *out, struct error *err);
	/* The same messages; NULL: it never gives_text. */
	int (*fill_text)(struct source *s, struct source_texts *out, struct error *err);
	/*
	 * The batch is applied and published: commit offsets for lag tools, forget what was kept
	 * for it.
	 */
	int (*end_batch)(struct source *s, struct error *err);
	void (*close)(struct source *s);        /* accepts a half-open source */
};

struct source {
	const struct source_ops *ops;
	uint32_t id;
	/* "KafkaV2[Subscribe[orders_cdc]]", as Spark's progress */
	struct str description;
	const struct clock *clock;
	/* becomes readable when idle turns to more; -1: poll it */
	int wake_fd;
	/* how often to ask while idle when there is no wake_fd */
	int poll_ms;
	struct source_partition *partitions;
	uint32_t partition_count;
	int64_t messages_read;
	int64_t bytes_read;
	/* what is there comes to an end (files): a batch goes on until fill stops saying more */
	bool comes_to_end;
	bool has_partitions;            /* it reads nothing before it knows some (Kafka) */
	bool unreachable;               /* no broker answers now */
	/* files begun: a batch that read an empty file had input */
	int64_t files_read;
	/* set before fill: what it may give (SOURCE_WAITING when that is given); NULL: anything */
	const struct source_turn *turn;
	/* its messages are lines, and the next batch is no other's (fill_text) */
	bool gives_text;
};

/*
 * Line by line: what fill would have given. `null_value` as in struct file_config. What all lines
 * have alike is in `out` already, from source_text_begin on: no other process's memory is written
 * (and fetched by it again) for it.
 */
void source_text_begin(struct messages *out);
void source_text_split(
	const struct source_texts *texts, struct str null_value, struct messages *out);

/* How many more messages may come. */
static inline uint32_t messages_room(const struct messages *m)
{
	return chunk_rows_max - m->spared - m->count;
}

/* No room for one more: chunk_rows_max messages, or memory enough for one chunk (of large ones). */
static inline bool messages_full(const struct messages *m)
{
	return messages_room(m) == 0 || m->arena->bytes_held >= chunk_bytes_max;
}

/* Of a message; a time that microseconds cannot hold is the last that they can. */
static inline int64_t message_time_us(int64_t ms)
{
	if ((uint64_t)ms <= INT64_MAX / 1000)
		return ms * 1000;
	return ms < 0 ? -1 : INT64_MAX;
}

/* The static table's choice: makes the source that `config` names. NULL with the error filled. */
struct source_config;
struct source *source_open(const struct source_config *config, uint32_t id, enum source_run run,
	const struct clock *clock, struct error *err);
void source_close(struct source *s);

/* For tests with a model of a broker: is asked first; NULL: the usual source. */
void source_stand_in(struct source *(*make)(const struct source_config *config));

#endif
