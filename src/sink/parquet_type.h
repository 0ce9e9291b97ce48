#ifndef CDCL_PARQUET_TYPE_H
#define CDCL_PARQUET_TYPE_H

/*
 * How each column type stands in a Parquet file. Every column is OPTIONAL (it may hold NULLs).
 *
 *	boolean            BOOLEAN
 *	tinyint smallint   INT32, INTEGER(8|16, signed), INT_8 | INT_16
 *	int, bigint        INT32, INT64
 *	float, double      FLOAT, DOUBLE
 *	decimal(p,s)       p <= 9 INT32, p <= 18 INT64, else FIXED_LEN_BYTE_ARRAY; DECIMAL(p,s)
 *	string             BYTE_ARRAY, STRING, UTF8 (broken UTF-8 becomes U+FFFD: readers refuse it)
 *	binary             BYTE_ARRAY
 *	json, array<T>     BYTE_ARRAY, JSON (standard JSON text, whatever the input allowed itself)
 *	date               INT32, DATE
 *	timestamp          INT64, TIMESTAMP(UTC, micros), TIMESTAMP_MICROS
 *	NULL               BOOLEAN, all NULL
 *
 * `form` is how the encoder handles values: what it copies, hashes and compares.
 */

#include "data/type.h"
#include "sink/thrift_compact.h"

enum parquet_physical {
	PARQUET_BOOLEAN = 0,
	PARQUET_INT32 = 1,
	PARQUET_INT64 = 2,
	PARQUET_FLOAT = 4,
	PARQUET_DOUBLE = 5,
	PARQUET_BYTE_ARRAY = 6,
	PARQUET_FIXED = 7,
};

enum parquet_form {
	FORM_BOOL,              /* uint8_t */
	FORM_I32,
	FORM_I64,
	FORM_F32,
	FORM_F64,
	FORM_I128,              /* written as `fixed_bytes` bytes, highest first */
	FORM_BYTES,             /* struct str */
};

struct parquet_type {
	struct type type;
	enum parquet_physical physical;
	enum parquet_form form;
	unsigned fixed_bytes;   /* FIXED_LEN_BYTE_ARRAY */
};

struct parquet_type parquet_type_of(struct type type);

/* Bytes of a value in a typed array of the form. */
size_t parquet_form_bytes(enum parquet_form form);

/* The SchemaElement of a column, an element of the list just begun. */
void parquet_type_write(const struct parquet_type *p, struct str name, struct thrift *t);

/* Low `bytes` bytes of a decimal, highest first. */
void parquet_fixed_bytes(int128 value, unsigned bytes, char *out);

#endif
