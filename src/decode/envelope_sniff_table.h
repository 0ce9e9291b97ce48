#ifndef CDCL_ENVELOPE_SNIFF_TABLE_H
#define CDCL_ENVELOPE_SNIFF_TABLE_H

/*
 * What the sniffer knows of one table: its columns, by the schema that came with the messages or
 * by the values seen, and its key.
 *
 * The key is what the envelope names (Maxwell's primary_key_columns or pk.* of its message key,
 * Canal's pkNames, OGG's primary_keys), the fields of a message key that is an object, or the
 * column that always had the same value as a message key that is a plain value.
 */

#include "decode/envelope_look.h"
#include "decode/json_infer.h"

struct sniff_column {
	struct str name;
	struct json_infer seen;
	struct type said;               /* by Canal's mysqlType; TYPE_NULL: nothing was */
	bool is_key;                    /* plain message keys had its value so far */
};

enum { sniff_keys_max = 32 };

struct sniff_table {
	struct arena *arena;            /* the sniffer's */
	struct str name;                /* absent: the envelope names none */
	enum envelope_kind kind;
	bool unwrapped;
	bool values_only;               /* a column that was always null is none */
	int64_t rows;
	struct sniff_column *columns;
	uint32_t column_count;
	uint32_t column_room;
	struct str schema_text;         /* of the last schema block, to notice a new one */
	struct schema *first;           /* NULL: no schema came with the messages */
	struct schema *schema;
	struct str keys[sniff_keys_max];
	uint32_t key_count;
	bool plain_keys;                /* message keys that are no objects came */
};

/* `key` is the message's, data NULL: none. */
void sniff_table_add(struct sniff_table *t, const struct envelope_look *l, struct str key);

static inline bool sniff_table_has_columns(const struct sniff_table *t)
{
	return t->first != NULL || t->column_count > 0;
}

/* Fills schema, key, op column, table and rows of `out`. */
void sniff_table_result(const struct sniff_table *t, struct arena *arena,
	struct envelope_sample *out);

/* The type of a MySQL column ("decimal(10,2)", "bigint unsigned"); TYPE_NULL: not known. */
struct type mysql_type(struct str text);

#endif
