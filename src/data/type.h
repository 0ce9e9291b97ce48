#ifndef CDCL_TYPE_H
#define CDCL_TYPE_H

/*
 * Column types, as Spark SQL names them, and the physical layout each has in a column:
 *
 *	boolean                      PHYS_BOOL  uint8_t 0 or 1
 *	tinyint smallint int date    PHYS_I32   int32_t (date: days since 1970-01-01)
 *	bigint timestamp             PHYS_I64   int64_t (timestamp: microseconds since 1970 UTC)
 *	float / double               PHYS_F32 / PHYS_F64
 *	decimal(p,s)                 PHYS_I128  __int128, unscaled
 *	string binary json           PHYS_STR   struct str
 *	array<T> (struct, map later) PHYS_STR   struct str of row-codec bytes (data/row_codec.h)
 *
 * json holds any JSON value as its exact text. TYPE_NULL is the type of the literal NULL; a column
 * of it is all NULL (PHYS_BOOL).
 */

#include "base/check.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

typedef __int128 int128;
typedef unsigned __int128 uint128;

enum type_id {
	TYPE_NULL,
	TYPE_BOOLEAN,
	TYPE_TINYINT,
	TYPE_SMALLINT,
	TYPE_INT,
	TYPE_BIGINT,
	TYPE_FLOAT,
	TYPE_DOUBLE,
	TYPE_DECIMAL,
	TYPE_STRING,
	TYPE_BINARY,
	TYPE_DATE,
	TYPE_TIMESTAMP,
	TYPE_JSON,
	TYPE_ARRAY,
	type_id_count
};

enum phys { PHYS_BOOL, PHYS_I32, PHYS_I64, PHYS_F32, PHYS_F64, PHYS_I128, PHYS_STR, phys_count };

struct type {
	enum type_id id;
	uint8_t precision;              /* decimal: 1..38 */
	uint8_t scale;                  /* decimal: 0..precision */
	const struct type *element;     /* array: type of its elements; lives as long as the plan */
};

static inline struct type type_of(enum type_id id) { return (struct type){.id = id}; }
struct type type_decimal(unsigned precision, unsigned scale);

enum phys type_phys(struct type t);
extern const uint8_t phys_slot_bytes[phys_count];
/* Size of one slot. */
static inline size_t phys_bytes(enum phys p)
{
	check(p < phys_count);
	return phys_slot_bytes[p];
}
/*
 * One slot of so many bytes. Spelled out, because a compiler makes of a number that it does not
 * know a loop of the processor's own, which takes longer to begin than all of this.
 */
static inline void phys_copy(void *to, const void *from, size_t bytes)
{
	if (bytes == 8)
		memcpy(to, from, 8);
	else if (bytes == 4)
		memcpy(to, from, 4);
	else if (bytes == 16)
		memcpy(to, from, 16);
	else
		memcpy(to, from, 1);
}
bool type_eq(struct type a, struct type b);
bool type_is_integer(struct type t);    /* tinyint..bigint */
bool type_is_numeric(struct type t);    /* integers, float, double, decimal */

/*
 * The type that holds every value of both, exactly where there is one: the larger integer, a
 * decimal of enough digits, double for floats, timestamp for dates, json where one is json or only
 * one is an array, else string.
 */
struct type type_widen(struct type a, struct type b);

/* Spark's spelling, "decimal(10,2)", into `out`. */
void type_name(struct type t, struct strbuf *out);

#endif
