#ifndef CDCL_MERGE_PLAN_H
#define CDCL_MERGE_PLAN_H

/*
 * What `stream:merge { ... }` means, checked: plain data of the plan. The node's schema is the
 * input's columns without `op` and metadata, plus `keep`. Stored rows (merge_plan.schema) have
 * behind them, hidden, what the merge itself needs to know of a key:
 *
 *	sequence_first..  the sequence of the last event that counted (none when by arrival); by
 *	                  position: its parts, then the offset
 *	stream_column     where that event came from (a number for topic and partition); NULL: no
 *	                  event counted yet
 *	awaits_column     a delete came, and not yet the tombstone that Debezium sends behind it
 *	time_column       when its ttl began; only with ttl
 *
 * An event, as this plan sees it, is the input's columns and behind them `extra`.
 */

#include "data/row_key.h"
#include "expr/expr.h"
#include "expr/merge_function.h"

enum merge_update { MERGE_REPLACE, MERGE_PATCH };

/* Ready rules, in C. cdcl.merge.NAME says the same in the public API. */
enum merge_rule_kind {
	MERGE_LAST_WRITE,
	MERGE_SOFT_DELETE,      /* column: boolean, true once deleted */
	MERGE_KEEP_HISTORY,     /* SCD type 2: valid_from, valid_to, is_current */
	MERGE_COUNTER,          /* column adds */
	MERGE_FIRST_WRITE,
	MERGE_MAX               /* column keeps the greater */
};

struct merge_rule {
	enum merge_rule_kind kind;
	uint32_t column;        /* of the table's schema */
};

enum merge_sequence {
	MERGE_BY_ARRIVAL,       /* flat, without sequence_by */
	MERGE_BY_POSITION,      /* the envelope's */
	MERGE_BY_EXPRESSIONS    /* sequence_by */
};

/* What to do with an event that does not fit the table; each has a counter in the report. */
enum merge_policy { MERGE_APPLY, MERGE_IGNORE, MERGE_ERROR };

enum truncate_policy { TRUNCATE_CLEAR, TRUNCATE_IGNORE, TRUNCATE_FAIL };

enum merge_time { MERGE_EVENT_TIME, MERGE_PROCESSING_TIME };

struct merge_word {             /* op_map */
	struct str word;
	enum change_op op;
};

/*
 * Events by what they were to the table. Kept by the operator, printed by --report; every event is
 * in exactly one of applied, stale, ignored, refused, and the others tell more about some of those.
 */
struct merge_counts {
	int64_t events;
	int64_t applied;
	int64_t stale;                  /* sequence equal or lower */
	int64_t ignored;                /* by a rule or policy, or a tombstone after its delete */
	int64_t refused;                /* dead letters */
	int64_t inserts, updates, deletes, reads, upserts, truncates, tombstones;
	int64_t insert_over_existing;
	int64_t update_of_missing;
	int64_t delete_of_missing;
	int64_t key_changes;
	int64_t other_partition;        /* a key seen in another partition than before */
	int64_t unknown_op;
	int64_t null_key;
	int64_t expired;                /* rows gone by ttl */
};

/* As the script wrote it; data NULL: not given. plan_merge checks it. */
struct merge_options {
	struct str name;
	/* "region, order_id"; the message key's names when absent */
	struct str key;
	struct str op;                  /* a column or an SQL expression */
	struct str *op_words;           /* op_map, pairs: word, "insert" */
	uint32_t op_word_count;
	struct str sequence_by;         /* list of expressions */
	struct str update;              /* replace | patch */
	struct str null_means;          /* null | keep */
	struct str except;              /* list of columns */
	struct str keep;                /* list: "op, @offset" */
	struct str on_insert_existing;  /* apply | ignore | error */
	struct str on_update_missing;
	struct str on_delete_missing;
	struct str on_truncate;         /* clear | ignore | fail */
	int64_t ttl_us;                 /* 0: none */
	struct str ttl_by;              /* event | processing */
	int64_t tombstone_ttl_us;       /* -1: 24 hours */
	int64_t max_rows;               /* 0: table_rows_max */
	bool order_free;                /* of the Lua rules, by the user's word */
	const char **rule_names;        /* ready rules: "counter", with their columns */
	struct str *rule_columns;
	uint32_t rule_count;
};

struct merge_plan {
	struct str name;
	const struct schema *schema;    /* of stored rows */
	struct row_key key;             /* columns of the table's schema */
	/* by table column: the event's column, or -1 (hidden ones) */
	int32_t *event_column;
	/* what `keep` wants that is no column of the input: "@offset" */
	struct expr **extra;
	uint32_t extra_count;
	/* over the input; NULL: the envelope's, or every row an upsert */
	struct expr *op;
	bool op_default;                /* found by its name: what an envelope says goes first */
	struct merge_word *op_words;
	uint32_t op_word_count;
	enum merge_sequence sequence;
	struct expr **sequence_exprs;   /* MERGE_BY_EXPRESSIONS */
	uint32_t sequence_count;        /* hidden columns of the sequence */
	uint32_t sequence_first;        /* index of the first in the table's schema */
	uint32_t stream_column;
	uint32_t awaits_column;
	int32_t time_column;            /* -1: none */
	enum merge_update update;
	bool null_keeps;                /* patch: null_means = "keep" */
	bool *except;                   /* by table column: never overwritten; NULL: none */
	struct merge_rule *rules;
	uint32_t rule_count;
	struct merge_function *function;        /* NULL: no Lua rule */
	/* keep_history: the Table's rows are versions, by key and valid_from */
	bool keeps_history;
	uint32_t history_first;         /* valid_from, behind it valid_to and is_current */
	struct row_key history_key;
	struct str history_name;
	bool order_free;
	enum merge_policy insert_existing, update_missing, delete_missing;
	enum truncate_policy truncate;
	int64_t ttl_us;                 /* 0: none */
	enum merge_time ttl_time;
	int64_t tombstone_ttl_us;
	int64_t rows_max;
};

#endif
