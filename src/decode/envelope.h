#ifndef CDCL_ENVELOPE_H
#define CDCL_ENVELOPE_H

/*
 * Change events to rows: what stands around a row in a message (Debezium, Maxwell, Canal, OGG, or
 * nothing: flat) is taken off, and what it says is kept beside the rows (data/change.h).
 *
 *	messages --envelope_decode--> chunk of the declared columns
 *	                              + changes: op, position, source, before, event time
 *	                              + absent: what the message did not have
 *
 * One decoder serves a source with any number of topics; `auto` decides for each topic on its first
 * messages and logs what it chose. Envelopes are read strictly (RFC 8259), flat rows as json_config
 * says. What is no row (heartbeats, transaction marks, DDL) is skipped and counted; what cannot be
 * read is a dead letter that says why (DEAD_ENVELOPE).
 *
 * Columns are filled from `after` (from `before` for a delete), by exact name; what is missing
 * there and stands in the message key is taken from the key, so that the key columns of deletes and
 * tombstones are there. A flat tombstone (NULL value) gets its columns from its key too, when
 * `changes` asks.
 */

#include "cdcl/error.h"
#include "data/change.h"
#include "data/dead_letter.h"
#include "data/row_key.h"
#include "decode/json_decode.h"

enum envelope_kind {
	ENVELOPE_AUTO,
	ENVELOPE_FLAT,
	ENVELOPE_DEBEZIUM,
	ENVELOPE_MAXWELL,
	ENVELOPE_CANAL,
	ENVELOPE_OGG
};

const char *envelope_name(enum envelope_kind kind);     /* "debezium" */

enum schema_change {
	SCHEMA_CHANGE_ADD,
	SCHEMA_CHANGE_IGNORE,
	SCHEMA_CHANGE_FAIL,
	/* add at the next start: a step holds state of the rows before, which nothing keeps */
	SCHEMA_CHANGE_LATER
};

struct envelope_config {
	enum envelope_kind kind;
	struct json_config json;        /* schema, time zone, clock, mode; strict for flat rows */
	bool changes;                   /* a merge listens: fill chunk->changes and absent */
	enum schema_change on_schema_change;
	bool schema_auto;               /* the schema came from the topic, not from the script */
	bool by_values;                 /* the same: from values, no schema stands in messages */
	/* rows of this table only ("orders", "shop.orders"); absent: all */
	struct str table;
	/* the merge's key, columns of json.schema; count 0: not known */
	struct row_key key;
};

struct envelope_counts {
	struct json_counts json;
	int64_t rows;
	/* heartbeats, transaction marks, DDL, other control records */
	int64_t skipped;
	int64_t refused;                /* dead letters */
	int64_t unknown_fields;         /* fields of rows that are no column */
};

struct envelope_decoder;

struct envelope_decoder *envelope_open(const struct envelope_config *config);
void envelope_close(struct envelope_decoder *d);
const struct envelope_counts *envelope_counts(const struct envelope_decoder *d);

/* What envelope_decode answers besides 0 and 1. */
enum { ENVELOPE_WIDER = 2 };

/*
 * The next chunk of `in` into *out (in->arena); *next is the message to go on with, 0 at first.
 * Answers 1 while more is left of `in`, 0 when it is done (*out may have no live rows), negative
 * when the job must stop. Many rows from one message may fill several chunks: the decoder remembers
 * where it was.
 */
/*
 * ENVELOPE_WIDER: under schema_auto and SCHEMA_CHANGE_ADD, message *next says columns that the
 * schema cannot hold. A decoder of envelope_wider's columns goes on with it, or this one without
 * them.
 */
int envelope_decode(struct envelope_decoder *d, const struct messages *in, uint32_t *next,
	struct dead_letters *dead, struct chunk **out, struct error *err);

const struct schema *envelope_wider(const struct envelope_decoder *d);
/* Inferred from values: no schema in a message says it. */
bool envelope_wider_by_values(const struct envelope_decoder *d);
/* Those columns; and all that values show from now on; and all that messages say. */
enum leave_out { LEAVE_OUT_THESE, LEAVE_OUT_VALUES, LEAVE_OUT_ALL };

/*
 * After ENVELOPE_WIDER: the decoder goes on with that message and without those columns. The
 * others are for every decoder of a job, but not for one that fails when columns change.
 */
void envelope_leave_out(struct envelope_decoder *d, enum leave_out what);

/*
 * The messages that come are those of a batch that is run again. Its columns were settled before
 * anybody saw a row of it, so what its messages say beyond them was left out, and is again:
 * envelope_decode does not answer ENVELOPE_WIDER. envelope_release: the batch is over; the wider
 * columns that the first of them said, or NULL.
 */
void envelope_hold(struct envelope_decoder *d);
const struct schema *envelope_release(struct envelope_decoder *d);

/* What `old` knows of its topics, for the decoder that goes on in its place. */
void envelope_take(struct envelope_decoder *d, struct envelope_decoder *old);

/* ---- looking first: `schema = "auto"`, a merge without `key`, cdcl sniff ---- */

struct envelope_sample {
	enum envelope_kind kind;
	bool unwrapped;                 /* Debezium's rows without its envelope */
	/*
	 * From the schema in the messages (all versions seen, widened; `first` is the oldest), else
	 * inferred from the values; arena.
	 */
	struct schema *schema;
	struct schema *first;
	bool schema_in_message;
	bool kept;                      /* by a checkpoint, of an earlier look */
	/* of the message key, or what the envelope names; columns of the schema */
	struct str key_columns[32];
	uint32_t key_count;
	struct str op_column;           /* flat: a column of operation words; or absent */
	/* these rows' table as the envelope names it; or absent */
	struct str table;
	uint32_t table_count;           /* tables seen; the one with most rows is told about */
	int64_t messages;               /* looked at */
	int64_t rows;                   /* of the table */
	int64_t control;                /* heartbeats, transaction marks, DDL */
	int64_t tombstones;
	int64_t unreadable;
	int64_t others;                 /* of another envelope */
};

/* What a topic's first messages (any number of calls) say; `out` is filled anew by each. */
struct envelope_sniffer;
struct envelope_sniffer *envelope_sniffer_open(enum envelope_kind kind);
void envelope_sniffer_close(struct envelope_sniffer *s);
/* Only rows of this table ("orders", "shop.orders"); absent: of the one with most rows. */
void envelope_sniffer_table(struct envelope_sniffer *s, struct str table);
/* A field that was always null is no column. */
void envelope_sniffer_values(struct envelope_sniffer *s);
void envelope_sniff_message(struct envelope_sniffer *s, struct str key, struct str value);
int envelope_sniff(struct envelope_sniffer *s, const struct messages *in, struct error *err);
/* Negative when nothing usable came (and why). */
int envelope_sniffer_result(struct envelope_sniffer *s, struct arena *arena,
	struct envelope_sample *out, struct error *err);

#endif
