#ifndef CDCL_SINK_H
#define CDCL_SINK_H

/*
 * Where result rows go. Five functions:
 *
 *	open     says the last batch id that the target holds of this writer (-1: none)
 *	write    takes live rows as chunks come; copies what it keeps
 *	prepare  makes the batch ready to be published by one step that cannot half-happen
 *	publish  makes it visible
 *	close    accepts a half-open sink
 *
 * `write` and `publish` may answer CDCL_E_CLOSED: stdout's reader went away, the run ends quietly,
 * exit 0. A batch with no rows is published too (an empty box).
 *
 * With a checkpoint (`writer` is set before open) a target can remember, in the same step that
 * makes a batch visible, the checkpoint's id and the batch's. Such a sink sets `remembers` in open
 * and answers the batch that is there; what another checkpoint wrote counts as none (`others`). The
 * target is known by its own name together with the job's, not by a place in the script. From the
 * answer follows, in sink_judge and nowhere else, P being the last batch that the checkpoint knows
 * to be published and P + 1 the one that has to be run again, if there is one:
 *
 *	holds P        goes on
 *	holds P + 1    is not given that batch: no write, prepare or publish. Other sinks get it
 *	more           the checkpoint is older than the target: exit 6
 *	less           the target is older: exit 6 (complete ones get all rows, as at every start)
 *	a part of P    somebody else has taken from it: the sink's own error (`torn`)
 *	none, P = -1   a first start: as without a checkpoint (`remove_stale`)
 *	none           a new target: upserting and complete ones get all current rows once, with the
 *	               next batch, and rows of others go; the rest begin here, and the log says so
 *
 * An upserting one holds none, too (sink_begin_anew), whose Table begins empty (its state was let
 * go), or which holds P + 1 as another script computed it.
 *
 * So a sink that remembers every batch that it is given, one without rows too, holds each exactly
 * once. One that finds while it publishes that its target holds something else than it knows has
 * met another writer: CDCL_E_FENCED, and nothing of the batch stays.
 *
 * Rows of a Table have kinds. In update mode a sink gets the last state of every changed key: +I or
 * +U to put, -D to take away (console and changes leave -D out or mark it); one row a key and
 * batch. Complete: all current rows. Changelog: every kind, -U just before its +U in the same
 * chunk. `key` tells which columns of a chunk are the key, hidden ones maybe.
 */

#include "cdcl/error.h"
#include "data/chunk.h"
#include "data/dead_letter.h"
#include "data/row_key.h"
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
	bool last;              /* the run ends with it: write what `every` held back */
};

/*
 * A sink that keeps the current rows of a Table in buckets asks for those of the dirty buckets
 * only: the step that holds the table marks a bucket when one of its rows changes, and when the
 * sink is due it gives (complete, as +I rows) all rows of every dirty bucket, and nothing of the
 * others. An empty dirty bucket gives no row. The sink clears the marks when they are published.
 */
enum { bucket_count_max = 4096, parquet_buckets_max = 256, parquet_snapshots_max = 1000 };
struct bucket_set {
	uint32_t count;
	uint64_t dirty[bucket_count_max / 64];
	int64_t every_us;       /* least time between two; 0: every batch */
	int64_t given_us;       /* batch time of the last */
	int64_t changes;        /* rows that changed since */
};

static inline bool bucket_set_due(const struct bucket_set *s, const struct batch *b)
{
	return b->last || s->every_us == 0 || b->time_us - s->given_us >= s->every_us;
}

static inline bool bucket_set_any(const struct bucket_set *s)
{
	uint64_t any = 0;
	for (uint32_t i = 0; i < bucket_count_max / 64; i++)
		any |= s->dirty[i];
	return any != 0;
}

/* Nothing is known of what is there: the first batch writes all. */
void bucket_set_init(struct bucket_set *s, uint32_t count, int64_t every_us);
void bucket_set_mark_all(struct bucket_set *s);
/* What was dirty is published. */
void bucket_set_clear(struct bucket_set *s, const struct batch *b);

/* What a sink wrote for what changed, since it was opened. */
struct sink_rewrite {
	int64_t snapshots;
	int64_t files;
	int64_t rows;
	int64_t bytes;
	int64_t changes;
};

/* Who writes to the targets of a job with a checkpoint. */
struct sink_writer {
	struct str job;
	struct str checkpoint;  /* its id: 32 hexadecimal digits, made when it was begun */
	uint64_t script;        /* hash of what computes the rows */
};

/* What a crash leaves of a batch that was not published; of one that was, somebody else does. */
struct sink_torn {
	int64_t batch;          /* -1: none */
	struct error changed;   /* what it is then */
};

struct sink;
struct sink_config;

struct sink_ops {
	const char *kind;
	int (*open)(struct sink *s, int64_t *last_batch_id, struct error *err);
	int (*write)(struct sink *s, const struct chunk *c, struct error *err);
	int (*prepare)(struct sink *s, const struct batch *b, struct error *err);
	int (*publish)(struct sink *s, const struct batch *b, struct error *err);
	void (*close)(struct sink *s);
	/*
	 * Before the first batch: the target remembers no batch of this job any more, durably, and
	 * so is a new one to it. NULL: what it remembers is replaced by the next batch.
	 */
	int (*forget)(struct sink *s, struct error *err);
};

struct sink {
	const struct sink_ops *ops;
	struct str description;                 /* for progress and plan */
	enum output_mode mode;
	const struct schema *schema;
	const struct timezone *timezone;        /* NULL: UTC */
	int64_t rows_written;                   /* of the current batch */
	const struct row_key *key;              /* of a Table; NULL: a Stream, or no key */
	bool is_table;
	const struct batch *batch;              /* the current one; NULL in tests */
	/* for rows of a Stream that the target would never take; NULL in tests */
	struct dead_letters *dead;
	struct bucket_set *buckets;             /* set in open by a sink that wants them */
	bool pending;                           /* holds rows back that a last batch must write */
	int64_t due_us;                         /* pending: when a batch may write them */
	const struct sink_rewrite *rewrite;     /* for progress; NULL: rows are written once */
	const struct sink_writer *writer;       /* NULL: no checkpoint, nothing is remembered */
	struct str target;                      /* its name among the targets of the job */
	uint32_t twin;                          /* sinks of the job before it with that target */
	bool remembers;                         /* set in open */
	bool others;                            /* set in open: another checkpoint wrote there */
	bool by_other_script;                   /* set in open: what is held, as far as is known */
	int64_t held;                           /* the last batch that is there; -1: none */
	const struct sink_torn *torn;           /* set in open; NULL: no batch is there in part */
};

enum sink_verdict {
	SINK_GOES_ON,
	SINK_HAS_BATCH,         /* the one that is run again */
	SINK_BEGINS,
	SINK_RESYNCS            /* gets all current rows once */
};

/* `published`: the checkpoint's last batch; `again`: the one to be run again; -1: none. */
int sink_judge(const struct sink *s, int64_t published, int64_t again, struct error *err);
/*
 * Upserting: the rows that are there are none that the job goes on from; the next sink_judge finds
 * a new target, also after a crash. `why` is for the log.
 */
int sink_begin_anew(struct sink *s, const char *why, struct error *err);
/* +I, +U and -D of a Table's keys, so that its target can be made whole at any time. */
bool sink_upserts(const struct sink_config *config, bool is_table);

enum sink_kind {
	SINK_CONSOLE,
	SINK_CHANGES,
	SINK_MEMORY,
	SINK_FOREACH_BATCH,
	SINK_KAFKA,
	SINK_FILE,
	SINK_PARQUET,
	SINK_SQLITE,
	SINK_POSTGRES
};

enum sink_on_error { SINK_STOP, SINK_RETRY };   /* retry: bounded, with growing waits, then stop */

/* raw: Spark's columns key, value, topic, partition, headers are the message's parts */
enum sink_format { SINK_JSON, SINK_DEBEZIUM, SINK_RAW, SINK_JSONL, SINK_CSV };

enum parquet_compression { PARQUET_ZSTD, PARQUET_SNAPPY, PARQUET_NONE };

/* by_checkpoint: exactly once with a checkpoint, else at least once (settled by the plan) */
enum kafka_delivery { DELIVERY_BY_CHECKPOINT, DELIVERY_EXACTLY_ONCE, DELIVERY_AT_LEAST_ONCE };

struct kafka_transaction;

struct kafka_sink_config {
	struct str brokers;
	struct str topic;
	struct str key;                         /* columns, "a, b"; data NULL: the Table's */
	const struct row_key *key_columns;      /* they; NULL: messages have no key */
	bool ignore_null_fields;                /* json: NULLs are left out, as Spark's to_json */
	struct setting *settings;               /* source/source_config.h; librdkafka's */
	uint32_t setting_count;
	int64_t broker_timeout_ms;
	enum kafka_delivery delivery;
	struct kafka_transaction *transaction;  /* exactly once: set by runtime/, before open */
};

struct parquet_sink_config {
	int64_t buckets;
	int64_t keep_snapshots;
	enum parquet_compression compression;
	struct str partition_by;                /* append: "day", or columns; data NULL: none */
};

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
	enum sink_on_error on_error;
	/* targets */
	enum sink_format format;
	bool format_given;                      /* else the default for the rows it is under */
	/* upserting: the first batch of a run takes out what an earlier run left (the plan knows
	 * when the Table begins anew, and the pipeline takes it back, before the first rows, in a
	 * run that goes on from a checkpoint) */
	bool remove_stale;
	struct str path;                        /* file, parquet, sqlite */
	struct str table;                       /* sqlite, postgres */
	struct str connection;                  /* postgres: libpq's conninfo */
	int64_t every_us;                       /* parquet, file: least time between two */
	struct kafka_sink_config kafka;
	struct parquet_sink_config parquet;
};

/* "sqlite out.db orders": where its rows go, without what is secret. */
struct str sink_target(const struct sink_config *config, struct arena *arena);

/* What a sink stands on; all of it lives longer. */
struct sink_rows {
	const struct schema *schema;
	const struct row_key *key;
	bool is_table;
	const struct timezone *timezone;
	const struct sink_writer *writer;
	struct str target;
	uint32_t twin;
};

/* NULL with the error filled. */
struct sink *sink_open_rows(
	const struct sink_config *config, const struct sink_rows *rows, struct error *err);
/* Without a checkpoint. */
struct sink *sink_open(const struct sink_config *config, const struct schema *schema,
	const struct row_key *key, bool is_table, const struct timezone *timezone,
	struct error *err);
void sink_close(struct sink *s);

/* For tests with a model of a target: is asked first; NULL: the usual sink. */
void sink_stand_in(struct sink *(*make)(const struct sink_config *config));

#endif
