#include "sink/parquet_type.h"

#include "base/check.h"

/* ids of format/src/main/thrift/parquet.thrift */
enum { CONVERTED_UTF8 = 0, CONVERTED_DECIMAL = 5, CONVERTED_DATE = 6 };
enum { CONVERTED_TIMESTAMP_MICROS = 10, CONVERTED_INT_8 = 15, CONVERTED_INT_16 = 16 };
enum { CONVERTED_JSON = 19, CONVERTED_NONE = -1 };
enum { LOGICAL_STRING = 1, LOGICAL_DECIMAL = 5, LOGICAL_DATE = 6, LOGICAL_TIMESTAMP = 8 };
enum { LOGICAL_INTEGER = 10, LOGICAL_JSON = 12 };
enum { OPTIONAL = 1 };

/* The fewest bytes that hold `precision` digits and a sign. */
static unsigned bytes_for_digits(unsigned precision)
{
	uint128 largest = 1;
	for (unsigned i = 0; i < precision; i++) {
		largest *= 10;
	}
	unsigned bytes = 1;
	for (uint128 half = 128; half < largest && bytes < 16; half <<= 8) {
		bytes++;
	}
	return bytes;
}

static struct parquet_type decimal_type(struct type type)
{
	if (type.precision <= 9) {
		return (struct parquet_type){type, PARQUET_INT32, FORM_I32, 0};
	}
	if (type.precision <= 18) {
		return (struct parquet_type){type, PARQUET_INT64, FORM_I64, 0};
	}
	return (struct parquet_type){
		type, PARQUET_FIXED, FORM_I128, bytes_for_digits(type.precision)};
}

struct parquet_type parquet_type_of(struct type type)
{
	switch (type.id) {
	case TYPE_NULL:
	case TYPE_BOOLEAN: return (struct parquet_type){type, PARQUET_BOOLEAN, FORM_BOOL, 0};
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT:
	case TYPE_DATE: return (struct parquet_type){type, PARQUET_INT32, FORM_I32, 0};
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP: return (struct parquet_type){type, PARQUET_INT64, FORM_I64, 0};
	case TYPE_FLOAT: return (struct parquet_type){type, PARQUET_FLOAT, FORM_F32, 0};
	case TYPE_DOUBLE: return (struct parquet_type){type, PARQUET_DOUBLE, FORM_F64, 0};
	case TYPE_DECIMAL: return decimal_type(type);
	case TYPE_STRING:
	case TYPE_BINARY:
	case TYPE_JSON:
	case TYPE_ARRAY: return (struct parquet_type){type, PARQUET_BYTE_ARRAY, FORM_BYTES, 0};
	default: check_failed("a type without a place in Parquet", __FILE__, __LINE__);
	}
}

size_t parquet_form_bytes(enum parquet_form form)
{
	static const size_t bytes[] = {
		[FORM_BOOL] = 1,
		[FORM_I32] = 4,
		[FORM_I64] = 8,
		[FORM_F32] = 4,
		[FORM_F64] = 8,
		[FORM_I128] = 16,
		[FORM_BYTES] = sizeof(struct str),
	};
	return bytes[form];
}

static int converted_of(struct type type)
{
	switch (type.id) {
	case TYPE_TINYINT: return CONVERTED_INT_8;
	case TYPE_SMALLINT: return CONVERTED_INT_16;
	case TYPE_DECIMAL: return CONVERTED_DECIMAL;
	case TYPE_STRING: return CONVERTED_UTF8;
	case TYPE_JSON:
	case TYPE_ARRAY: return CONVERTED_JSON;
	case TYPE_DATE: return CONVERTED_DATE;
	case TYPE_TIMESTAMP: return CONVERTED_TIMESTAMP_MICROS;
	default: return CONVERTED_NONE;
	}
}

/* A member of a union that says all by being there. */
static void write_empty(struct thrift *t, int id)
{
	thrift_struct(t, id);
	thrift_end(t);
}

static void write_integer(struct thrift *t, int8_t bits)
{
	thrift_struct(t, LOGICAL_INTEGER);
	thrift_byte(t, 1, bits);
	thrift_bool(t, 2, true);
	thrift_end(t);
}

static void write_decimal(struct thrift *t, struct type type)
{
	thrift_struct(t, LOGICAL_DECIMAL);
	thrift_i32(t, 1, type.scale);
	thrift_i32(t, 2, type.precision);
	thrift_end(t);
}

static void write_timestamp(struct thrift *t)
{
	thrift_struct(t, LOGICAL_TIMESTAMP);
	thrift_bool(t, 1, true); /* is adjusted to UTC */
	thrift_struct(t, 2);
	write_empty(t, 2); /* micros */
	thrift_end(t);
	thrift_end(t);
}

static void write_logical(struct type type, struct thrift *t)
{
	thrift_struct(t, 10);
	switch (type.id) {
	case TYPE_TINYINT: write_integer(t, 8); break;
	case TYPE_SMALLINT: write_integer(t, 16); break;
	case TYPE_DECIMAL: write_decimal(t, type); break;
	case TYPE_STRING: write_empty(t, LOGICAL_STRING); break;
	case TYPE_DATE: write_empty(t, LOGICAL_DATE); break;
	case TYPE_TIMESTAMP: write_timestamp(t); break;
	default: write_empty(t, LOGICAL_JSON); break;
	}
	thrift_end(t);
}

void parquet_type_write(const struct parquet_type *p, struct str name, struct thrift *t)
{
	int converted = converted_of(p->type);
	thrift_element(t);
	thrift_i32(t, 1, (int32_t)p->physical);
	if (p->physical == PARQUET_FIXED) {
		thrift_i32(t, 2, (int32_t)p->fixed_bytes);
	}
	thrift_i32(t, 3, OPTIONAL);
	thrift_binary(t, 4, name);
	if (converted != CONVERTED_NONE) {
		thrift_i32(t, 6, converted);
		if (p->type.id == TYPE_DECIMAL) {
			thrift_i32(t, 7, p->type.scale);
			thrift_i32(t, 8, p->type.precision);
		}
		write_logical(p->type, t);
	}
	thrift_end(t);
}

void parquet_fixed_bytes(int128 value, unsigned bytes, char *out)
{
	check(bytes <= 16);
	uint64_t parts[2] = {__builtin_bswap64((uint64_t)((uint128)value >> 64)),
		__builtin_bswap64((uint64_t)value)};
	memcpy(out, (const char *)parts + sizeof parts - bytes, bytes);
}
