#include "data/type.h"

#include "base/bounds.h"
#include "base/check.h"

struct type type_decimal(unsigned precision, unsigned scale)
{
	check(precision >= 1 && precision <= decimal_digits_max);
	check(scale <= precision);
	return (struct type){
		.id = TYPE_DECIMAL, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
}

static const struct {
	const char *name;
	enum phys phys;
} types[type_id_count] = {
	[TYPE_NULL] = {"void", PHYS_BOOL},
	[TYPE_BOOLEAN] = {"boolean", PHYS_BOOL},
	[TYPE_TINYINT] = {"tinyint", PHYS_I32},
	[TYPE_SMALLINT] = {"smallint", PHYS_I32},
	[TYPE_INT] = {"int", PHYS_I32},
	[TYPE_BIGINT] = {"bigint", PHYS_I64},
	[TYPE_FLOAT] = {"float", PHYS_F32},
	[TYPE_DOUBLE] = {"double", PHYS_F64},
	[TYPE_DECIMAL] = {"decimal", PHYS_I128},
	[TYPE_STRING] = {"string", PHYS_STR},
	[TYPE_BINARY] = {"binary", PHYS_STR},
	[TYPE_DATE] = {"date", PHYS_I32},
	[TYPE_TIMESTAMP] = {"timestamp", PHYS_I64},
	[TYPE_JSON] = {"json", PHYS_STR},
	[TYPE_ARRAY] = {"array", PHYS_STR},
};

enum phys type_phys(struct type t)
{
	check(t.id < type_id_count);
	return types[t.id].phys;
}

const uint8_t phys_slot_bytes[phys_count] = {
	[PHYS_BOOL] = 1,
	[PHYS_I32] = 4,
	[PHYS_I64] = 8,
	[PHYS_F32] = 4,
	[PHYS_F64] = 8,
	[PHYS_I128] = 16,
	[PHYS_STR] = sizeof(struct str),
};

bool type_eq(struct type a, struct type b)
{
	if (a.id != b.id) {
		return false;
	}
	if (a.id == TYPE_DECIMAL) {
		return a.precision == b.precision && a.scale == b.scale;
	}
	if (a.id == TYPE_ARRAY) {
		return type_eq(*a.element, *b.element);
	}
	return true;
}

bool type_is_integer(struct type t)
{
	return t.id >= TYPE_TINYINT && t.id <= TYPE_BIGINT;
}

bool type_is_numeric(struct type t)
{
	return t.id >= TYPE_TINYINT && t.id <= TYPE_DECIMAL;
}

/* Digits before the point that hold every integer of the type; a decimal's own. */
static unsigned whole_digits(struct type t)
{
	static const uint8_t digits[type_id_count] = {
		[TYPE_TINYINT] = 3, [TYPE_SMALLINT] = 5, [TYPE_INT] = 10, [TYPE_BIGINT] = 19};
	return t.id == TYPE_DECIMAL ? (unsigned)(t.precision - t.scale) : digits[t.id];
}

static struct type widen_numbers(struct type a, struct type b)
{
	if (type_is_integer(a) && type_is_integer(b))
		return a.id > b.id ? a : b;
	bool floating = a.id == TYPE_FLOAT || a.id == TYPE_DOUBLE || b.id == TYPE_FLOAT ||
		b.id == TYPE_DOUBLE;
	if (floating)
		return type_of(TYPE_DOUBLE);
	unsigned whole = whole_digits(a) > whole_digits(b) ? whole_digits(a) : whole_digits(b);
	unsigned scale = a.scale > b.scale ? a.scale : b.scale;
	return whole + scale > decimal_digits_max ? type_of(TYPE_STRING)
						  : type_decimal(whole + scale, scale);
}

struct type type_widen(struct type a, struct type b)
{
	if (type_eq(a, b) || b.id == TYPE_NULL)
		return a;
	if (a.id == TYPE_NULL)
		return b;
	if (type_is_numeric(a) && type_is_numeric(b))
		return widen_numbers(a, b);
	if (a.id == TYPE_JSON || b.id == TYPE_JSON || a.id == TYPE_ARRAY || b.id == TYPE_ARRAY)
		return type_of(TYPE_JSON);
	bool times = (a.id == TYPE_DATE || a.id == TYPE_TIMESTAMP) &&
		(b.id == TYPE_DATE || b.id == TYPE_TIMESTAMP);
	return type_of(times ? TYPE_TIMESTAMP : TYPE_STRING);
}

void type_name(struct type t, struct strbuf *out)
{
	check(t.id < type_id_count);
	strbuf_add_c(out, types[t.id].name);
	if (t.id == TYPE_DECIMAL) {
		strbuf_addf(out, "(%u,%u)", t.precision, t.scale);
	} else if (t.id == TYPE_ARRAY) {
		strbuf_add_byte(out, '<');
		type_name(*t.element, out);
		strbuf_add_byte(out, '>');
	}
}
