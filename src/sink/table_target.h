#ifndef CDCL_TABLE_TARGET_H
#define CDCL_TABLE_TARGET_H

/*
 * A table of a database as a sink: what SQLite and PostgreSQL share. Rows of a batch are kept and
 * go into the table in one transaction, at the batch's end:
 *
 *	write    ... kept (row_keeper), at most target_kept_bytes_max: then the transaction begins
 *	publish  begin -> put, chunk by chunk -> commit; on failure roll back, and again with
 *	         growing waits (on_error = "retry", for target_retry_ms_max) or stop; so is open
 *
 * A Stream's rows are inserted; of a Table, +I and +U upsert by its key and -D deletes; complete
 * replaces all. What the table held of an earlier run that began at another time is taken out in
 * the first batch (remove_stale): this run's rows are all there are.
 *
 * With a checkpoint the batch's number goes with it (target_ledger.h), and a commit whose answer
 * was lost is looked up there: it was taken, or it is made again, or somebody else writes.
 */

#include "sink/row_keeper.h"
#include "sink/sink.h"
#include "sink/target_ledger.h"

enum {
	target_kept_bytes_max = 64 * 1024 * 1024,
	target_retry_ms_max = 5 * 60 * 1000,
	target_doubt_ms_max = 30 * 1000,        /* a lost answer, a deadlock: without "retry" */
};

struct table_target;

struct table_target_ops {
	/* Connects, makes or checks the table. Again, when it failed. */
	int (*open)(struct table_target *t, struct error *err);
	/* Connects again when the connection is gone. */
	int (*begin)(struct table_target *t, struct error *err);
	int (*put)(struct table_target *t, const struct chunk *c, struct error *err);
	/* What has to be done when all rows are there. */
	int (*finish)(struct table_target *t, struct error *err);
	int (*commit)(struct table_target *t, struct error *err);
	void (*rollback)(struct table_target *t);
	void (*close)(struct table_target *t);
	/* Connects if need be, makes the ledger if need be. 1: there is a row; 0: none. */
	int (*ledger_read)(
		struct table_target *t, struct target_ledger_row *row, struct error *err);
	/* In the transaction. 1: `old` (NULL: no row) became `next`; 0: that is not there. */
	int (*ledger_write)(struct table_target *t, const struct target_ledger_row *old,
		const struct target_ledger_row *next, struct error *err);
	/* Before a table is made that is not there any more. */
	int (*ledger_forget)(struct table_target *t, struct error *err);
};

struct table_target {
	struct sink base;
	const struct table_target_ops *db;
	const struct sink_config *config;       /* plan */
	struct row_keeper rows;
	bool open;                              /* a transaction is */
	bool spilled;                           /* it holds rows that are kept no more */
	bool published;                         /* some batch of this run */
	bool again;                             /* set by the database: it asks for that */
	bool doubtful;                          /* nobody knows whether the commit was taken */
	struct target_ledger ledger;
};

/* Made by table_target_init over the sink_ops of the kind. */
void table_target_init(struct table_target *t, const struct sink_ops *ops,
	const struct table_target_ops *db, const struct sink_config *config);

/* A table that is made anew holds nothing: before it is made. */
int table_target_forget(struct table_target *t, struct error *err);

/* The functions of a sink. */
int table_target_open(struct sink *s, int64_t *last_batch_id, struct error *err);
int table_target_write(struct sink *s, const struct chunk *c, struct error *err);
int table_target_prepare(struct sink *s, const struct batch *b, struct error *err);
int table_target_publish(struct sink *s, const struct batch *b, struct error *err);
void table_target_close(struct sink *s);
int table_target_begin_anew(struct sink *s, struct error *err);

/* The rows of the transaction take the place of all others. */
bool table_target_replaces(const struct table_target *t);
/* Rows of an earlier run go with this transaction: the table is upserted, for the first time. */
bool table_target_removes_stale(const struct table_target *t);
/* Rows are told apart by a key: they are upserted and deleted. */
bool table_target_upserts(const struct table_target *t);
bool table_target_is_key(const struct table_target *t, uint32_t column);
bool table_target_null_key(const struct table_target *t, const struct chunk *c, uint32_t row);

/* "a""b" with its quotes */
void sql_add_name(struct strbuf *out, struct str name);
/* "a", "b" of all columns (key: of the key only), each after `before`, between them `between` */
void table_target_add_names(const struct table_target *t, bool key, const char *before,
	const char *between, struct strbuf *out);

/*
 * LEFT"a" HOW RIGHT"a" and ... of the key; `right` NULL: a parameter, "?". What `how` is says
 * whether a key of NULL matches.
 */
void table_target_add_key_match(const struct table_target *t, const char *left, const char *how,
	const char *right, struct strbuf *out);

/* Standing on a table that somebody else made: a column that is not there, or of a wrong type. */
int table_target_missing(const struct table_target *t, uint32_t column, const char *db_type,
	struct error *err);
int table_target_wrong_type(const struct table_target *t, uint32_t column, const char *found,
	const char *wanted, struct error *err);

#endif
