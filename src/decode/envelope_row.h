#ifndef CDCL_ENVELOPE_ROW_H
#define CDCL_ENVELOPE_ROW_H

/*
 * What the envelopes' readers share; nobody outside decode/envelope*.c includes it.
 *
 * A change event goes straight into its row's slots, as a flat one does: the row's fields into the
 * columns, what stands around them into notes, columns that only the decoder sees. Both are read by
 * one walk, whose shape is learned as a template (decode/json_template.h), nested objects and all:
 *
 *	{"before":null,"after":{"id":7,"name":"Ann"},"source":{"version":"3.7","lsn":812},"op":"c"}
 *	|---------------------|-|-------|-----------|---------------------|-----|---|-----|---|-|
 *	 literal            column     column       mark: @source begins   memo  note      note
 *
 * What decides the meaning of the rest (a null `after`, Connect's schema block) is literal, so that
 * another one is another shape. After each message the envelope's own function turns the notes into
 * the row's change.
 */

#include "decode/column_lore.h"
#include "decode/connect_schema.h"
#include "decode/envelope.h"
#include "decode/envelope_look.h"
#include "decode/envelope_lore.h"
#include "decode/json_kernel.h"
#include "decode/partition_place.h"

enum envelope_note {
	NOTE_OP,                /* string */
	NOTE_BEFORE,            /* json: before, old */
	NOTE_SOURCE,            /* json */
	NOTE_TS,                /* bigint: Maxwell's seconds, milliseconds, microseconds */
	NOTE_TS_MS,
	NOTE_TS_US,
	NOTE_SNAPSHOT,          /* json: a word, or a boolean */
	NOTE_SEQUENCE,          /* json: PostgreSQL's pair, Maxwell's and OGG's position */
	NOTE_LSN,               /* bigint */
	NOTE_FILE,              /* string */
	NOTE_POS,               /* bigint */
	NOTE_ROW,               /* bigint: row of a statement, or of a transaction */
	NOTE_DELETED,           /* json: __deleted */
	NOTE_COMMIT,            /* json */
	NOTE_DATABASE,          /* string */
	NOTE_SCHEMA,            /* string */
	NOTE_TABLE,             /* string */
	NOTE_NAME,              /* string: of the connector */
	NOTE_KEYS,              /* json: names of key columns */
	NOTE_TIME,              /* string: a timestamp's text */
	note_count,
	/* where a field leads besides */
	TO_NOWHERE = note_count,
	TO_SOURCE,              /* an object whose fields are looked up in turn */
	TO_ROW
};

struct envelope_name {
	struct str name;
	uint8_t to;             /* enum envelope_note */
};

/* Names around a row, lists that end with an absent name; the row's own fields go to columns. */
struct envelope_names {
	const struct envelope_name *event;
	const struct envelope_name *source;
	const struct envelope_name *row; /* among the row's fields */
};

/* Connect's schema block, as the columns see it. */
struct row_schema {
	struct row_schema *next;
	struct str text;                /* the block, own copy */
	struct connect_field **columns; /* by column; NULL: not in the block */
	struct json_slot *slots;        /* as decoder->slots */
	struct arena arena;
};

struct partition_state {
	struct partition_place place;
	bool has_news;          /* for envelope_news */
};

enum { topic_schemas_max = 64, skipped_quietly_max = 100 };

struct envelope_topic {
	struct str name;                /* own copy */
	enum envelope_kind kind;        /* AUTO: not decided */
	bool unwrapped;
	bool seen_rows;
	bool said_table;                /* more than one table came: said once */
	bool has_others;                /* rows of other tables than the wanted one came */
	bool said_unknown;
	uint32_t skipped;               /* before any row came, up to skipped_quietly_max */
	struct str table;               /* of the first row: own copy */
	/* schema blocks compared with the columns: the last new one (own), and which were seen
	 * (partitions may come in turns) */
	struct str block;
	uint64_t blocks[topic_schemas_max];
	uint32_t block_count;
	struct str key_prefix;          /* of the last wrapped key, up to its payload: own copy */
	struct str key_schema;          /* its schema block, a slice of key_prefix */
	struct json_templates templates;
	struct row_schema *schemas;     /* newest first */
	uint32_t schema_count;
	/* of each template: the schema block it holds, fields that are no column */
	const struct row_schema *schema_of[json_templates_max];
	uint32_t unknown_of[json_templates_max];
	struct column_lore *lore;       /* by column */
	/* as it was before the row that taught something, and behind it before the message */
	struct column_lore *lore_before;
	bool *complained;               /* by column: of a value that does not fit */
	bool has_news;                  /* what envelope_news tells of the topic is another */
	struct partition_state *partitions;
	uint32_t partition_count;
};

/* One message's way into one row. */
struct envelope_row {
	struct json_row json;           /* first: the store function finds the rest by it */
	struct envelope_decoder *decoder;
	struct envelope_topic *topic;
	const struct row_schema *schema; /* NULL: the message has no schema block */
	uint32_t message;
	uint32_t alike_end;             /* messages up to there have its topic; 0: not looked */
	uint32_t unknown;               /* fields that are no column */
	uint32_t missing;               /* columns that are no field */
	/* topic->lore is not lore_before any more, by the row, by the message */
	bool taught, message_taught;
	struct str unknown_name;        /* the first of them; chunk */
	int32_t failed_column;          /* failfast, drop: a value that does not fit, or -1 */
	/* values show other columns: ENVELOPE_CHANGED, or negative; nothing is accepted */
	int grown;
	bool goes_on;                   /* earlier rows of the message are in another chunk */
	struct error *err;
};

/* Slots behind those of the columns and notes: where slices begin and end. */
enum envelope_mark { MARK_SOURCE, MARK_SOURCE_END, MARK_BEFORE, MARK_BEFORE_END, mark_count };
_Static_assert(schema_columns_max + note_count + mark_count <= json_shape_columns_max,
	"a shape counts columns, notes and marks");

struct name_slot {
	struct str name;        /* absent: empty */
	int32_t column;
};

/* The batch is run again: what it left out it leaves out again, and then it is told. */
enum held_columns { HELD_NEVER, HELD_NONE_YET, HELD_WIDER };

struct envelope_decoder {
	struct envelope_config config;
	struct envelope_counts counts;
	struct json_counts own_counts;  /* without those of flat rows */
	struct json_values values;
	const struct json_kernel *kernel;
	struct json_decoder *flat;
	const struct schema *schema;    /* of the rows */
	struct schema *work_schema;     /* columns, then notes */
	struct json_slot *slots;        /* of each column and note; one before for none */
	int32_t note_columns[note_count]; /* the row's own column of a note's name, or -1 */
	struct name_slot *names;
	uint32_t name_mask;
	struct json_shape shape;
	struct envelope_topic **topics;
	uint32_t topic_count;
	struct envelope_topic *recent;
	struct arena arena;             /* process: work_schema, names */
	struct schema *wider;           /* after ENVELOPE_WIDER, or held */
	enum held_columns held;
	bool wider_by_values;
	bool follows;                   /* columns that values show */
	struct schema *left_out;        /* of them, what was not taken: names; or NULL */
	bool told_full;
	/* of the chunk being filled */
	struct chunk *work;             /* columns and notes */
	struct chunk *out;
	struct changes *changes;        /* NULL: all rows so far are flat ones of a known shape */
	uint16_t *origin;
	uint64_t (*work_absent)[chunk_words];
	/* one row: a key, an old image; process memory */
	struct chunk *side;
	uint64_t (*side_absent)[chunk_words];
	/* of a message with several rows, between two chunks */
	size_t resume_at, resume_old_at;
};

/* A flag of the topic that envelope_news tells. */
static inline void envelope_note(struct envelope_topic *t, bool *flag)
{
	if (!*flag)
		*flag = t->has_news = true;
}

static inline struct envelope_row *envelope_row_of(struct json_row *r)
{
	return (struct envelope_row *)r;
}

/* ---- notes ---- */

/* Where a note's value is: in the row's own column when one of its name took the field. */
static inline const struct column *envelope_note_column(const struct envelope_row *r,
	enum envelope_note note, enum type_id *type)
{
	const struct envelope_decoder *d = r->decoder;
	int32_t at = (int32_t)d->schema->column_count + (int32_t)note;
	const struct column *c = &r->json.chunk->columns[at];
	if (column_is_null(c, r->json.index)) {
		at = d->note_columns[note];
		if (at == JSON_NO_COLUMN)
			return NULL;
		c = &r->json.chunk->columns[at];
		if (column_is_null(c, r->json.index))
			return NULL;
	}
	*type = d->work_schema->columns[at].type.id;
	return c;
}

/* A note of the row as it was read; false when it was not there or null. */
static inline bool envelope_note_str(const struct envelope_row *r, enum envelope_note note,
	struct str *out)
{
	enum type_id type;
	const struct column *c = envelope_note_column(r, note, &type);
	*out = (struct str){NULL, 0};
	if (c == NULL)
		return false;
	if (type == TYPE_STRING || type == TYPE_JSON)
		*out = ((const struct str *)c->data)[r->json.index];
	else if (type == TYPE_BOOLEAN)
		*out = ((const uint8_t *)c->data)[r->json.index] ? str_lit("true")
								 : str_lit("false");
	return out->data != NULL;
}

static inline bool envelope_note_int(const struct envelope_row *r, enum envelope_note note,
	int64_t *out)
{
	enum type_id type;
	const struct column *c = envelope_note_column(r, note, &type);
	*out = 0;
	if (c == NULL || type != TYPE_BIGINT)
		return false;
	*out = ((const int64_t *)c->data)[r->json.index];
	return true;
}

/* A json note's word: `true`, or what stands between the quotes. */
static inline struct str envelope_note_word(const struct envelope_row *r, enum envelope_note note)
{
	struct str text;
	if (!envelope_note_str(r, note, &text) || text.len < 2 || text.data[0] != '"')
		return text;
	return (struct str){text.data + 1, text.len - 2};
}

/* ---- envelope_value.c: what a token means in a column ---- */

enum json_fit envelope_store(struct json_row *r, int32_t column, const struct json_token *t);
/* The slot of a column whose values stand in `field`'s form (NULL: no schema block). */
struct json_slot envelope_slot(const struct schema *schema, int32_t column,
	const struct connect_field *field);
/* Placeholders of unchanged TOAST values in string columns become absent. */
void envelope_take_placeholders(struct envelope_decoder *d);

/* ---- envelope_shape.c: one walk over an event, learned ---- */

/* 1: read by a learned shape, or 0. */
int envelope_read_known(struct envelope_row *r, struct str value);
/*
 * Any event: `look` says where its parts are, `names` where its fields lead; `row` is the object of
 * the row's fields, absent when there is none. False: malformed, r->json.scan says where.
 */
bool envelope_read_any(struct envelope_row *r, struct str value, const struct envelope_look *look,
	const struct envelope_names *names, struct str row);
/* The object of a row's fields alone, into r's row: of Canal, of a key, of an old image. */
bool envelope_read_object(struct envelope_row *r, struct str object);
/* The block's meaning for the columns; kept by the topic. NULL: the block is none, or absent. */
const struct row_schema *envelope_row_schema(struct envelope_row *r, struct str block);

/* By exact name, or JSON_NO_COLUMN; each name is added once. */
int32_t envelope_find_column(const struct envelope_decoder *d, struct str name);
void envelope_add_column(struct envelope_decoder *d, struct str name, int32_t column);
void envelope_topic_release(struct envelope_topic *t);

/* ---- envelope_key.c ---- */

/* Columns that are absent in the row and stand in the message's key are taken from there. */
void envelope_complete_from_key(struct envelope_row *r);
/*
 * An update whose old image has another key: the delete of the old key comes first, and r is at the
 * row of the new one. *full: the chunk has no room for two rows, nothing was done.
 */
void envelope_split_key_change(struct envelope_row *r, struct str old, struct str key_names,
	bool *full);

/* ---- envelope_topic.c: what is known of a topic ---- */

/* malloc'ed; never absent. */
struct str envelope_own_copy(struct str s);

/* By name; made when it is new. More than source_topics_max share the last one's state. */
struct envelope_topic *envelope_topic(struct envelope_decoder *d, struct str name);
struct partition_state *envelope_partition(struct envelope_topic *t, int32_t partition);
/* Gives the row's position its epoch; `begins` of the event is filled here. */
void envelope_place(
	struct envelope_row *r, struct change_position *p, struct partition_event *e);
/* Of a table other than the one that is asked for; also Maxwell's own. */
bool envelope_other_table(struct envelope_row *r, struct str database, struct str schema,
	struct str table);

/* ---- envelope_accept.c: a row begun, then accepted, taken back or refused ---- */

/* A row of the table as it is now: nothing is known but its values. */
static inline void envelope_no_change(struct changes *changes, uint32_t row)
{
	changes->op[row] = CHANGE_UPSERT;
	changes->key_change[row] = 0;
	changes->position[row].known = false;
	changes->source[row] = changes->before[row] = (struct str){NULL, 0};
	changes->event_time_us[row] = -1;
}

/* The next row of the chunk; begun for the first one of each message. */
void envelope_begin_row(struct envelope_row *r);
/* The row that was read becomes a row of the chunk with this change. */
void envelope_accept(struct envelope_row *r, enum change_op op);
/* Back to the row as it was before the message. */
void envelope_clear(struct envelope_row *r);
/*
 * The message becomes a dead letter, or under failfast an error; `why` is set by error_set, which
 * needs no error_init. 0, or negative.
 */
int envelope_refuse(struct envelope_row *r, enum dead_letter_reason reason,
	struct dead_letters *dead, const struct error *why, struct error *err);
/* DEAD_ENVELOPE's error of a message that could not be read. Answers ENVELOPE_REFUSED. */
int envelope_malformed(struct envelope_row *r, struct error *err);

/* ---- the readers ---- */

enum envelope_answer {
	ENVELOPE_DONE,          /* rows or none, as it should be */
	ENVELOPE_SKIPPED,       /* of the envelope, but about no row */
	ENVELOPE_FULL,          /* the chunk has no room: begin with this message again */
	ENVELOPE_REFUSED,       /* a dead letter; the error says why */
	ENVELOPE_CHANGED,       /* the columns are others: begin with it again, wider */
	ENVELOPE_LOOK           /* its shape is known, but it must be looked at */
};

/*
 * The readers: `look` is NULL when a learned shape has read the message. They answer an
 * envelope_answer or a negative error; ENVELOPE_LOOK where a look would go by a word that is a slot
 * of the shape, and the word is not one that a row has.
 */
typedef int envelope_reader(struct envelope_row *r, struct str value,
	const struct envelope_look *look, struct error *err);
envelope_reader envelope_debezium, envelope_maxwell, envelope_canal, envelope_ogg;

/* ---- envelope_change.c ---- */

/*
 * Does the message's schema block say other columns than the decoder has? ENVELOPE_DONE: it does
 * not, or that is nothing to act on; ENVELOPE_CHANGED, or negative under SCHEMA_CHANGE_FAIL.
 */
int envelope_compare_block(struct envelope_row *r, const struct envelope_look *look,
	struct error *err);
/*
 * The same of a row that was read, by its values: it has fields that are no column, or a value that
 * does not fit its column. Not of a message with a schema block.
 */
int envelope_compare_values(struct envelope_row *r, struct error *err);

#endif
