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

size_t phys_bytes(enum phys p)
{
	static const size_t bytes[phys_count] = {
		[PHYS_BOOL] = 1,
		[PHYS_I32] = 4,
		[PHYS_I64] = 8,
		[PHYS_F32] = 4,
		[PHYS_F64] = 8,
		[PHYS_I128] = 16,
		[PHYS_STR] = sizeof(struct str),
	};
	check(p < phys_count);
	return bytes[p];
}

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
