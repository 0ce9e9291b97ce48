#ifndef CDCL_PLAN_H
#define CDCL_PLAN_H

/*
 * The checked graph that a script declared: plain data. script/ builds it through the functions
 * below, which type-check every step at the call (so that a mistake points at its line in the
 * script); `cdcl plan` prints it and the runtime turns it into operators. It holds no open file or
 * connection.
 *
 * Values of the language: a Stream (every row counts by itself) or a Table (keyed rows that change;
 * what an aggregate gives).
 */

#include "cdcl/error.h"
#include "base/arena.h"
#include "data/row_key.h"
#include "decode/envelope.h"
#include "decode/json_decode.h"
#include "expr/aggregate_plan.h"
#include "plan/merge_plan.h"
#include "sink/sink.h"
#include "source/source_config.h"

struct row_function;             /* expr/row_function.h: a Lua leaf */

enum plan_kind {
	PLAN_SOURCE,            /* messages decoded to rows */
	PLAN_PROJECT,           /* select, with, drop_columns, rename: a list of expressions */
	PLAN_FILTER,
	PLAN_MAP,               /* Lua: map, with(ddl, f) */
	PLAN_FLAT_MAP,
	PLAN_UNION,
	PLAN_LIMIT,
	PLAN_GROUP,             /* group_by + agg */
	PLAN_ORDER,
	PLAN_MERGE,             /* changes of a Stream into a Table */
	PLAN_TOP,               /* top(n, by) per group of a Table */
	/* Table with Table, or Stream with Table (inputs[1] is the right) */
	PLAN_JOIN,
	plan_kind_count
};

enum plan_order { ORDER_ASCENDING = 1, ORDER_DESCENDING = 2 };

struct plan_sort_key {
	struct expr *expr;
	bool descending;
	/* Spark: ascending nulls first, descending nulls last, unless said */
	bool nulls_last;
};

struct plan_node {
	enum plan_kind kind;
	uint32_t id;                            /* index in plan->nodes; inputs have lower ids */
	bool is_table;                          /* a Table: its rows change */
	/* of a Table; NULL: rows are told apart by nothing */
	const struct row_key *key;
	const struct schema *schema;            /* of its output */
	struct plan_node **inputs;
	uint32_t input_count;
	struct str place;                       /* "orders.lua:9" */
	/* PLAN_SOURCE */
	struct source_config source;
	bool raw;                               /* no schema: Spark's own Kafka columns */
	struct json_config json;
	struct envelope_config *envelope;       /* NULL: flat, and nobody merges it */
	const struct plan_looked *looked;       /* columns of schema = "auto"; NULL: declared */
	enum schema_change on_schema_change;    /* of such columns */
	/* PLAN_PROJECT */
	struct expr **exprs;                    /* schema_total(schema) of them */
	/* PLAN_FILTER: one of the two; PLAN_MAP, PLAN_FLAT_MAP: function */
	struct expr *condition;
	struct row_function *function;
	/* PLAN_MAP: columns shared from the input before the new ones (with) */
	uint32_t map_keeps;
	/* PLAN_LIMIT; PLAN_ORDER: rows that anybody wants of it, 0: all */
	int64_t limit;
	/* PLAN_GROUP */
	struct aggregate_plan *group;
	/* PLAN_ORDER */
	struct plan_sort_key *sort_keys;
	uint32_t sort_key_count;
	/* PLAN_MERGE, PLAN_TOP, PLAN_JOIN: one of them */
	struct merge_plan *merge;
	struct top_plan *top;
	struct join_plan *join;
};

struct top_plan {
	uint32_t count;                         /* rows kept per group */
	struct expr **keys;                     /* of the group; none: of all rows */
	uint32_t key_count;
	struct plan_sort_key *by;
	uint32_t by_count;
};

enum join_kind { JOIN_INNER, JOIN_LEFT };

/* What tells the rows of a join of Tables apart. */
enum join_key {
	JOIN_KEY_NONE,                          /* one of the two has no key */
	JOIN_KEY_LEFT,                          /* a left row meets one right row at most */
	JOIN_KEY_RIGHT,                         /* inner, and the other way round */
	JOIN_KEY_BOTH                           /* the left key, then the right one */
};

struct join_plan {
	enum join_kind kind;
	enum join_key key;
	struct expr **left;                     /* compared with = to right, pair by pair */
	struct expr **right;                    /* of the same types */
	uint32_t count;
	/* by column of the input, hidden ones too: the column of the output, or -1 */
	int32_t *left_columns;
	int32_t *right_columns;
};

struct plan_sink {
	struct plan_node *input;
	struct sink_config config;
	struct str place;
};

/* The script behind the plan's Lua functions, as far as who runs them must know. */
struct plan_script {
	/* Interpreted: what does not come back becomes an error of its record, with the line. */
	void (*careful)(struct plan_script *s, bool on);
	/* Where the watchdog leaves word (state/last_words.h) before it ends the process; -1:
	 * nowhere. */
	void (*words_to)(struct plan_script *s, int fd);
	/* In a process that was just forked, before it calls one. */
	int (*forked)(struct plan_script *s, struct error *err);
};

/* What the messages of a source said when the script asked (script/source_peek.h). */
struct plan_looked {
	struct source_config source;
	enum envelope_kind asked;
	struct str table;                       /* asked for; absent: any */
	struct envelope_sample sample;
	struct plan_looked *next;
};

enum trigger_kind { TRIGGER_DEFAULT, TRIGGER_INTERVAL, TRIGGER_ONCE, TRIGGER_AVAILABLE_NOW };

struct plan {
	struct arena *arena;                    /* everything of the plan lives here */
	struct str job_name;
	enum trigger_kind trigger;
	int64_t trigger_ms;
	bool on_error_stop;
	int64_t error_budget;                   /* records; default 1,000 */
	/* from the checkpoint, in the process, after what may pass; default 5 in a row */
	int64_t restarts;
	struct dead_letter_config dead_letters;
	struct str checkpoint;                  /* a folder; data NULL: state is in memory only */
	/* tests make snapshots likely, and long; 0: as they are by default */
	int64_t snapshot_log_bytes_min;
	int64_t snapshot_slice_bytes;
	uint32_t snapshot_turn_steps;
	const struct timezone *timezone;        /* NULL: UTC */
	struct str timezone_name;
	struct plan_node **nodes;
	uint32_t node_count;
	struct plan_sink *sinks;
	uint32_t sink_count;
	bool reads_headers;                     /* some step does */
	uint32_t workers;                       /* --workers; 0, 1: one process does all */
	struct plan_script *script;             /* NULL: none */
	uint64_t script_hash;                   /* of its files' texts and variables */
	struct plan_looked *looked;
};

struct plan *plan_open(void);
void plan_close(struct plan *p);

/*
 * Each adds a node; NULL with the error filled (place, caret, help). `place` is the script line of
 * the call.
 */
struct plan_node *plan_source(struct plan *p, const struct source_config *source,
	struct str schema_ddl, const struct json_config *json, struct str place, struct error *err);
struct plan_node *plan_filter(struct plan *p, struct plan_node *in, struct str condition,
	struct str place, struct error *err);
struct plan_node *plan_filter_function(struct plan *p, struct plan_node *in, struct row_function *f,
	struct str place, struct error *err);
struct plan_node *plan_select(struct plan *p, struct plan_node *in, const struct str *texts,
	uint32_t count, struct str place, struct error *err);
struct plan_node *plan_with(struct plan *p, struct plan_node *in, const struct str *texts,
	uint32_t count, struct str place, struct error *err);
struct plan_node *plan_with_function(struct plan *p, struct plan_node *in, struct str ddl,
	struct row_function *f, struct str place, struct error *err);
struct plan_node *plan_drop_columns(struct plan *p, struct plan_node *in, struct str names,
	struct str place, struct error *err);
struct plan_node *plan_rename(struct plan *p, struct plan_node *in, struct str old_name,
	struct str new_name, struct str place, struct error *err);
struct plan_node *plan_map(struct plan *p, struct plan_node *in, struct str ddl,
	struct row_function *f, bool flat, struct str place, struct error *err);
struct plan_node *plan_union(struct plan *p, struct plan_node **in, uint32_t count,
	struct str place, struct error *err);
struct plan_node *plan_limit(struct plan *p, struct plan_node *in, int64_t limit, struct str place,
	struct error *err);
struct plan_node *plan_group(struct plan *p, struct plan_node *in, const struct str *keys,
	uint32_t key_count, const struct aggregate_source *aggregates, uint32_t aggregate_count,
	struct str place, struct error *err);
/*
 * A Table of the current rows of `in`, a Stream. `rule` may be NULL; it is bound to the Table's
 * schema by the caller afterwards: node->merge->function.
 */
struct plan_node *plan_merge(struct plan *p, struct plan_node *in,
	const struct merge_options *options, struct str place, struct error *err);
/* top(n, by): of a Table, the first n rows of each group by `by` ("quantity desc, id"). */
struct plan_node *plan_top(struct plan *p, struct plan_node *in, const struct str *keys,
	uint32_t key_count, int64_t count, struct str by, struct str place, struct error *err);
/*
 * `on` is one column name both have, a list of them, or "left_column = right_column" pairs joined
 * by `and`. Columns of the output: those that `on` names once for both, the left's others, the
 * right's others. A Stream joins a Table as it is at the end of the batch, and is a Stream.
 */
struct plan_node *plan_join(struct plan *p, struct plan_node *left, struct plan_node *right,
	struct str on, enum join_kind kind, struct str place, struct error *err);
struct plan_node *plan_order_by(struct plan *p, struct plan_node *in, const struct str *texts,
	uint32_t count, struct str place, struct error *err);
int plan_sink(struct plan *p, struct plan_node *in, const struct sink_config *sink,
	struct str place, struct error *err);

/*
 * The whole: something is read, something is written, output modes are legal (with the reason and
 * the legal ones).
 */
int plan_check(struct plan *p, struct error *err);

/* What the step holds follows from Tables before it: it is computed again, nothing keeps it. */
bool plan_node_follows_table(const struct plan_node *n);

/* Its decoder learns of the messages so far how to read the next (decode/envelope_lore.h). */
bool plan_source_learns(const struct plan_node *n);

/* The operator tree with types, for people and as JSON. */
void plan_text(const struct plan *p, struct strbuf *out);
void plan_json(const struct plan *p, struct strbuf *out);

#endif
