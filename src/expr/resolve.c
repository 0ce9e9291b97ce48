#include "expr/resolve.h"

#include "base/check.h"
#include "data/decimal.h"
#include "expr/cast.h"
#include "expr/kernels.h"

#include <stdio.h>

static int fail_types(
	struct checker *c, const struct sql_node *node, const struct expr *a, const struct expr *b)
{
	struct strbuf s;
	strbuf_init(&s);
	sql_name(node, &s);
	strbuf_add_c(&s, "\" cannot be computed from ");
	type_name(a->type, &s);
	if (b != NULL) {
		strbuf_add_c(&s, " and ");
		type_name(b->type, &s);
	}
	int rc = checker_fail(c, node, "[DATATYPE_MISMATCH] \"%.*s", STR_ARG(strbuf_str(&s)));
	strbuf_release(&s);
	return rc;
}

/* ---- common types ---- */

static struct type wider_decimal(struct type a, struct type b)
{
	unsigned whole_a = (unsigned)(a.precision - a.scale),
		 whole_b = (unsigned)(b.precision - b.scale);
	unsigned whole = whole_a > whole_b ? whole_a : whole_b;
	unsigned scale = a.scale > b.scale ? a.scale : b.scale;
	if (whole + scale <= 38)
		return type_decimal(whole + scale, scale);
	unsigned over = whole + scale - 38;
	return type_decimal(38, scale > over ? scale - over : 0);
}

static bool is_fraction(struct type t)
{
	return t.id == TYPE_FLOAT || t.id == TYPE_DOUBLE;
}

static struct type common_number(struct type a, struct type b)
{
	if (a.id == TYPE_DECIMAL || b.id == TYPE_DECIMAL) {
		if (is_fraction(a) || is_fraction(b))
			return type_of(TYPE_DOUBLE);
		return wider_decimal(a.id == TYPE_DECIMAL ? a : decimal_for_integer(a),
			b.id == TYPE_DECIMAL ? b : decimal_for_integer(b));
	}
	if (is_fraction(a)
		|| is_fraction(b)) /* float with an integer is double: no digits are lost */
		return type_of(a.id == TYPE_FLOAT && b.id == TYPE_FLOAT ? TYPE_FLOAT : TYPE_DOUBLE);
	return a.id > b.id ? a : b;
}

static struct type common_with_string(struct type other)
{
	if (type_is_integer(other))
		return type_of(TYPE_BIGINT);
	return type_is_numeric(other) ? type_of(TYPE_DOUBLE) : other;
}

bool resolve_common(struct type a, struct type b, struct type *out)
{
	*out = a;
	if (type_eq(a, b) || b.id == TYPE_NULL)
		return true;
	*out = b;
	if (a.id == TYPE_NULL)
		return true;
	if (a.id == TYPE_ARRAY || b.id == TYPE_ARRAY)
		return false;
	if (a.id == TYPE_JSON || b.id == TYPE_JSON) {
		*out = a.id == TYPE_JSON ? b : a;
		return true;
	}
	if (type_is_numeric(a) && type_is_numeric(b)) {
		*out = common_number(a, b);
		return true;
	}
	if (a.id == TYPE_STRING || b.id == TYPE_STRING) {
		*out = common_with_string(a.id == TYPE_STRING ? b : a);
		return true;
	}
	*out = type_of(TYPE_TIMESTAMP);
	return (a.id == TYPE_DATE && b.id == TYPE_TIMESTAMP)
		|| (a.id == TYPE_TIMESTAMP && b.id == TYPE_DATE);
}

int resolve_unify(struct checker *c, const struct sql_node *node, struct expr **args,
	uint32_t first, uint32_t count, uint32_t step, struct type *out)
{
	struct type t = args[first]->type;
	for (uint32_t i = first + step; i < count; i += step)
		if (!resolve_common(t, args[i]->type, &t))
			return fail_types(c, node, args[first], args[i]);
	for (uint32_t i = first; i < count; i += step) {
		int rc = checker_cast(c, node, args[i], t, &args[i]);
		if (rc < 0)
			return rc;
	}
	*out = t;
	return 0;
}

/* ---- rows with fixed types ---- */

int resolve_fixed(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	for (uint32_t i = 0; i < count; i++) {
		/* Of a function with any number of arguments, the last type serves the rest. */
		enum type_id want =
			f->params[i < function_params_max ? i : function_params_max - 1];
		int rc = want == TYPE_NULL
			? 0
			: checker_cast(c, node, args[i], type_of(want), &args[i]);
		if (rc < 0)
			return rc;
	}
	*out = checker_call(c, node, f->kernel, f->flags, type_of(f->gives), args, count);
	return 0;
}

/* ---- arithmetic ---- */

static struct type literal_decimal(const struct value *v)
{
	int64_t i = v->type.id == TYPE_BIGINT ? v->as.i64 : v->as.i32;
	unsigned digits = 1;
	for (i /= 10; i != 0; i /= 10)
		digits++;
	return type_decimal(digits, 0);
}

/* As Spark: an integer literal beside a decimal takes no more digits than it has. */
static struct type decimal_type_of(const struct expr *e)
{
	if (e->type.id == TYPE_DECIMAL)
		return e->type;
	if (e->written && !e->literal.is_null && type_is_integer(e->type))
		return literal_decimal(&e->literal);
	return decimal_for_integer(e->type);
}

static bool wants_decimal(const struct expr *a, const struct expr *b)
{
	bool decimal = a->type.id == TYPE_DECIMAL || b->type.id == TYPE_DECIMAL;
	return decimal && type_is_numeric(a->type) && type_is_numeric(b->type)
		&& !is_fraction(a->type) && !is_fraction(b->type);
}

/* Both sides as one type that can be computed with. */
static int number_pair(
	struct checker *c, const struct sql_node *node, struct expr **args, struct type *out)
{
	if (wants_decimal(args[0], args[1])) {
		for (int i = 0; i < 2; i++) {
			int rc = checker_cast(c, node, args[i], decimal_type_of(args[i]), &args[i]);
			if (rc < 0)
				return rc;
		}
		*out = type_of(TYPE_DECIMAL);
		return 0;
	}
	struct type t;
	if (!resolve_common(args[0]->type, args[1]->type, &t))
		return fail_types(c, node, args[0], args[1]);
	if (t.id == TYPE_STRING || t.id == TYPE_JSON || t.id == TYPE_NULL)
		t = type_of(TYPE_DOUBLE);
	if (!type_is_numeric(t))
		return fail_types(c, node, args[0], args[1]);
	for (int i = 0; i < 2; i++) {
		int rc = checker_cast(c, node, args[i], t, &args[i]);
		if (rc < 0)
			return rc;
	}
	*out = t;
	return 0;
}

typedef struct type decimal_result_type(struct type a, struct type b);

/* A folded node does not fail any more: then the name is not used. */
static const char *try_name_of(const struct function *f)
{
	static const char *const names[][2] = {
		{"+", "try_add"}, {"-", "try_subtract"}, {"*", "try_multiply"}, {"%", "try_mod"}};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(str_c(f->name), str_c(names[i][0])))
			return names[i][1];
	return NULL;
}

static int arithmetic(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, decimal_result_type *decimal_type, struct expr **out)
{
	struct type t;
	int rc = number_pair(c, node, args, &t);
	if (rc < 0)
		return rc;
	if (t.id == TYPE_DECIMAL)
		t = decimal_type(args[0]->type, args[1]->type);
	*out = checker_call(c, node, f->kernels[type_phys(t)], f->flags, t, args, 2);
	(*out)->try_name = try_name_of(f);
	return 0;
}

int resolve_add(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	check(count == 2);
	if (args[0]->type.id == TYPE_DATE && type_is_integer(args[1]->type)) {
		int rc = checker_cast(c, node, args[1], type_of(TYPE_INT), &args[1]);
		if (rc < 0)
			return rc;
		*out = checker_call(
			c, node, f->kernels[PHYS_I32], f->flags, type_of(TYPE_DATE), args, 2);
		return 0;
	}
	return arithmetic(c, node, f, args, decimal_add_type, out);
}

int resolve_multiply(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	check(count == 2);
	return arithmetic(c, node, f, args, decimal_multiply_type, out);
}

int resolve_remainder(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	check(count == 2);
	return arithmetic(c, node, f, args, decimal_remainder_type, out);
}

int resolve_divide(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	check(count == 2);
	if (wants_decimal(args[0], args[1]))
		return arithmetic(c, node, f, args, decimal_divide_type, out);
	struct type t;
	int rc = number_pair(c, node, args, &t);
	for (uint32_t i = 0; rc == 0 && i < 2; i++)
		rc = checker_cast(c, node, args[i], type_of(TYPE_DOUBLE), &args[i]);
	if (rc == 0)
		*out = checker_call(
			c, node, f->kernels[PHYS_F64], f->flags, type_of(TYPE_DOUBLE), args, 2);
	return rc;
}

int resolve_div(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct type t;
	check(count == 2);
	int rc = number_pair(c, node, args, &t);
	if (rc < 0)
		return rc;
	if (t.id != TYPE_DECIMAL) {
		if (!type_is_integer(t))
			return fail_types(c, node, args[0], args[1]);
		t = type_of(TYPE_BIGINT);
		rc = resolve_unify(c, node, args, 0, 2, 1, &t);
		for (uint32_t i = 0; rc == 0 && i < 2; i++)
			rc = checker_cast(c, node, args[i], type_of(TYPE_BIGINT), &args[i]);
		t = type_of(TYPE_BIGINT);
	}
	if (rc == 0)
		*out = checker_call(
			c, node, f->kernels[type_phys(t)], f->flags, type_of(TYPE_BIGINT), args, 2);
	return rc;
}

int resolve_sign(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	check(count == 1);
	struct type t = args[0]->type;
	if (t.id == TYPE_STRING || t.id == TYPE_JSON || t.id == TYPE_NULL)
		t = type_of(TYPE_DOUBLE);
	if (!type_is_numeric(t))
		return fail_types(c, node, args[0], NULL);
	int rc = checker_cast(c, node, args[0], t, &args[0]);
	if (rc < 0)
		return rc;
	if (f->kernels == NULL) /* unary plus */
		*out = args[0];
	else
		*out = checker_call(c, node, f->kernels[type_phys(t)], f->flags, t, args, 1);
	return 0;
}

/* ---- comparison ---- */

int resolve_compare(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct type t;
	check(count == 2);
	int rc = resolve_unify(c, node, args, 0, 2, 1, &t);
	if (rc < 0)
		return rc;
	if (t.id == TYPE_ARRAY && f->name[0] != '=' && !str_eq(str_c(f->name), str_lit("<=>")))
		return fail_types(c, node, args[0], args[1]);
	*out = checker_call(
		c, node, f->kernels[type_phys(t)], f->flags, type_of(TYPE_BOOLEAN), args, 2);
	return 0;
}

static int compare(struct checker *c, const struct sql_node *node, const char *name, struct expr *a,
	struct expr *b, struct expr **out)
{
	struct expr *pair[2] = {a, b};
	const struct function *f = function_find(str_c(name));
	return resolve_compare(c, node, f, pair, 2, out);
}

static int join(struct checker *c, const struct sql_node *node, const char *name, struct expr *a,
	struct expr *b, struct expr **out)
{
	struct expr *pair[2] = {a, b};
	const struct function *f = function_find(str_c(name));
	return resolve_fixed(c, node, f, pair, 2, out);
}

int resolve_between(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct expr *low = NULL, *high = NULL;
	(void)f;
	check(count == 3);
	int rc = compare(c, node, ">=", args[0], args[1], &low);
	if (rc == 0)
		rc = compare(c, node, "<=", args[0], args[2], &high);
	return rc < 0 ? rc : join(c, node, "and", low, high, out);
}

int resolve_in(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct type t;
	int rc = resolve_unify(c, node, args, 0, count, 1, &t);
	if (rc < 0)
		return rc;
	*out = checker_prepared(c, node, f->kernel, f->flags, type_of(TYPE_BOOLEAN), args, count,
		&function_find(str_lit("="))->kernels[type_phys(t)]);
	return 0;
}

int resolve_null_test(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	*out = checker_call(c, node, f->kernel, f->flags, type_of(TYPE_BOOLEAN), args, count);
	return 0;
}

/* ---- choice ---- */

int resolve_coalesce(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct type t;
	int rc = resolve_unify(c, node, args, 0, count, 1, &t);
	if (rc == 0)
		*out = checker_call(c, node, f->kernel, f->flags, t, args, count);
	return rc;
}

int resolve_case(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct type t = args[1]->type;
	for (uint32_t i = 0; i < count; i++) {
		bool condition = i % 2 == 0 && i + 1 < count;
		int rc = condition ? checker_cast(c, node, args[i], type_of(TYPE_BOOLEAN), &args[i])
				   : 0;
		if (rc < 0)
			return rc;
		if (!condition && !resolve_common(t, args[i]->type, &t))
			return fail_types(c, node, args[1], args[i]);
	}
	for (uint32_t i = 0; i < count; i++) {
		bool condition = i % 2 == 0 && i + 1 < count;
		int rc = condition ? 0 : checker_cast(c, node, args[i], t, &args[i]);
		if (rc < 0)
			return rc;
	}
	*out = checker_call(c, node, f->kernel, f->flags, t, args, count);
	return 0;
}

int resolve_if(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	return resolve_case(c, node, f, args, count, out);
}

/* nullif(a, b) is case when a = b then null else a end */
int resolve_nullif(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct value null = value_null(args[0]->type);
	struct expr *parts[3] = {NULL, checker_literal(c, node, &null), args[0]};
	check(count == 2);
	int rc = compare(c, node, "=", args[0], args[1], &parts[0]);
	return rc < 0 ? rc : resolve_case(c, node, f, parts, 3, out);
}

int resolve_nvl2(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct expr *test[1] = {args[0]};
	struct expr *parts[3] = {NULL, args[1], args[2]};
	check(count == 3);
	int rc =
		resolve_null_test(c, node, function_find(str_lit("isnotnull")), test, 1, &parts[0]);
	return rc < 0 ? rc : resolve_case(c, node, f, parts, 3, out);
}

int resolve_extreme(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct type t;
	int rc = resolve_unify(c, node, args, 0, count, 1, &t);
	if (rc == 0)
		*out = checker_call(c, node, f->kernels[type_phys(t)], f->flags, t, args, count);
	return rc;
}

/* ---- numbers ---- */

int resolve_floor(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	check(count == 1);
	struct type t = args[0]->type;
	if (type_is_integer(t))
		return checker_cast(c, node, args[0], type_of(TYPE_BIGINT), out);
	struct type result = type_of(TYPE_BIGINT);
	if (t.id == TYPE_DECIMAL)
		result = type_decimal(
			(unsigned)(t.precision - t.scale + 1 > 38 ? 38 : t.precision - t.scale + 1),
			0);
	else
		t = type_of(TYPE_DOUBLE);
	int rc = checker_cast(c, node, args[0], t, &args[0]);
	if (rc == 0)
		*out = checker_call(c, node, f->kernels[type_phys(t)], f->flags, result, args, 1);
	return rc;
}

static struct type round_decimal_type(struct type t, int32_t digits)
{
	int whole = t.precision - t.scale + 1;
	if (digits < 0) {
		int precision = whole > -digits + 1 ? whole : -digits + 1;
		return type_decimal((unsigned)(precision > 38 ? 38 : precision), 0);
	}
	int scale = digits < t.scale ? digits : t.scale;
	return type_decimal((unsigned)(whole + scale > 38 ? 38 : whole + scale), (unsigned)scale);
}

int resolve_round(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct value zero = {.type = type_of(TYPE_INT)};
	struct expr *parts[2] = {args[0], count == 2 ? args[1] : checker_literal(c, node, &zero)};
	struct type t = args[0]->type;
	if (!type_is_numeric(t))
		t = type_of(TYPE_DOUBLE);
	int rc = checker_cast(c, node, parts[0], t, &parts[0]);
	if (rc == 0)
		rc = checker_cast(c, node, parts[1], type_of(TYPE_INT), &parts[1]);
	if (rc < 0)
		return rc;
	if (parts[1]->kind != EXPR_LITERAL)
		return checker_fail(c, node,
			"[DATATYPE_MISMATCH] the number of digits in %s must be a constant",
			f->name);
	if (t.id == TYPE_DECIMAL)
		t = round_decimal_type(t, parts[1]->literal.is_null ? 0 : parts[1]->literal.as.i32);
	*out = checker_call(c, node, f->kernels[type_phys(t)], f->flags, t, parts, 2);
	return 0;
}

/* ---- strings ---- */

int resolve_concat(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	bool binary = true;
	for (uint32_t i = 0; i < count; i++)
		binary = binary && args[i]->type.id == TYPE_BINARY;
	struct type t = type_of(binary ? TYPE_BINARY : TYPE_STRING);
	for (uint32_t i = 0; i < count; i++) {
		int rc = checker_cast(c, node, args[i], t, &args[i]);
		if (rc < 0)
			return rc;
	}
	*out = checker_call(c, node, f->kernel, f->flags, t, args, count);
	return 0;
}

int resolve_length(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	if (args[0]->type.id == TYPE_BINARY) {
		*out = checker_call(
			c, node, kernel_byte_length, f->flags, type_of(TYPE_INT), args, count);
		return 0;
	}
	return resolve_fixed(c, node, f, args, count, out);
}

int resolve_substring(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct value all = {.type = type_of(TYPE_INT), .as.i32 = INT32_MAX};
	struct expr *parts[3] = {
		args[0], args[1], count == 3 ? args[2] : checker_literal(c, node, &all)};
	struct type t = type_of(args[0]->type.id == TYPE_BINARY ? TYPE_BINARY : TYPE_STRING);
	int rc = checker_cast(c, node, parts[0], t, &parts[0]);
	for (int i = 1; rc == 0 && i < 3; i++)
		rc = checker_cast(c, node, parts[i], type_of(TYPE_INT), &parts[i]);
	if (rc == 0)
		*out = checker_call(c, node, f->kernel, f->flags, t, parts, 3);
	return rc;
}

/* trim(s) takes off spaces; a second argument in text order s, characters. */
int resolve_trim(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct value space = {.type = type_of(TYPE_STRING), .as.str = str_lit(" ")};
	struct expr *parts[2] = {args[0], count == 2 ? args[1] : checker_literal(c, node, &space)};
	/*
	 * ltrim(characters, s) is the order of the call, trim(characters from s) that of the tree
	 */
	if (count == 2 && node->literal_text.data == NULL
		&& !str_eq(str_c(f->name), str_lit("btrim"))) {
		parts[0] = args[1];
		parts[1] = args[0];
	}
	return resolve_fixed(c, node, f, parts, 2, out);
}

int resolve_like(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	for (uint32_t i = 0; i < count; i++) {
		int rc = checker_cast(c, node, args[i], type_of(TYPE_STRING), &args[i]);
		if (rc < 0)
			return rc;
	}
	char escape = '\\';
	if (count == 3) {
		const struct value *v = &args[2]->literal;
		if (args[2]->kind != EXPR_LITERAL || v->is_null || v->as.str.len != 1)
			return checker_fail(
				c, node, "the escape of like must be one ASCII character");
		escape = v->as.str.data[0];
	}
	bool constant = args[1]->kind == EXPR_LITERAL && !args[1]->literal.is_null;
	struct str pattern = constant ? args[1]->literal.as.str : str_lit("");
	if (!like_pattern_good(pattern, escape))
		return checker_fail(c, node,
			"[INVALID_FORMAT] the pattern of like has an escape character before"
			" something that is no %%, _ or escape");
	struct like_plan *plan = like_prepare(pattern, constant, escape, c->arena);
	struct expr *parts[2] = {args[0], args[1]};
	*out = checker_prepared(
		c, node, f->kernel, f->flags, type_of(TYPE_BOOLEAN), parts, 2, plan);
	return 0;
}

/* ---- time ---- */

int resolve_now(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	*out = checker_call(
		c, node, f->kernel, f->flags | FN_CHANGES, type_of(f->gives), args, count);
	(*out)->timezone = c->scope->timezone;
	return 0;
}

/* ---- the rest ---- */

int resolve_bits(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct type t;
	int rc = resolve_unify(c, node, args, 0, count, 1, &t);
	if (rc < 0)
		return rc;
	if (!type_is_integer(t))
		return fail_types(c, node, args[0], count > 1 ? args[1] : NULL);
	*out = checker_call(c, node, f->kernels[type_phys(t)], f->flags, t, args, count);
	return 0;
}

int resolve_any(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	*out = checker_call(c, node, f->kernel, f->flags, type_of(f->gives), args, count);
	return 0;
}

int resolve_try(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	static const char *const names[][2] = {{"try_add", "+"}, {"try_subtract", "-"},
		{"try_multiply", "*"}, {"try_divide", "/"}, {"try_mod", "%"},
		{"try_element_at", "element_at"}};
	const struct function *inner = NULL;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(str_c(f->name), str_c(names[i][0])))
			inner = function_find(str_c(names[i][1]));
	check(inner != NULL);
	int rc = inner->resolve(c, node, inner, args, count, out);
	if (rc < 0 || (*out)->kind == EXPR_LITERAL)
		return rc;
	(*out)->try_cast = true;
	checker_fold(c, *out);
	return 0;
}

int resolve_hex(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	bool number = type_is_numeric(args[0]->type);
	struct type t = number ? type_of(TYPE_BIGINT) : args[0]->type;
	if (!number && t.id != TYPE_BINARY)
		t = type_of(TYPE_STRING);
	int rc = 0;
	if (number) /* of a fraction, its whole part */
		args[0] = checker_explicit_cast(c, node, args[0], t);
	else
		rc = checker_cast(c, node, args[0], t, &args[0]);
	if (rc == 0)
		*out = checker_call(c, node, number ? kernel_hex_number : kernel_hex, f->flags,
			type_of(TYPE_STRING), args, count);
	return rc;
}

int resolve_typeof(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct strbuf s;
	struct value v = {.type = type_of(TYPE_STRING)};
	(void)f;
	check(count == 1);
	strbuf_init(&s);
	type_name(args[0]->type, &s);
	v.as.str = str_dup(strbuf_str(&s), c->arena);
	strbuf_release(&s);
	*out = checker_literal(c, node, &v);
	return 0;
}

int resolve_zero(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct value zero = {.type = type_of(TYPE_INT)};
	struct expr *pair[2] = {args[0], checker_literal(c, node, &zero)};
	const struct function *inner =
		function_find(str_c(f->name[0] == 'n' ? "nullif" : "coalesce"));
	check(count == 1);
	return inner->resolve(c, node, inner, pair, 2, out);
}

int resolve_concat_ws(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	for (uint32_t i = 0; i < count; i++) {
		bool strings =
			args[i]->type.id == TYPE_ARRAY && args[i]->type.element->id == TYPE_STRING;
		int rc = i > 0 && strings
			? 0
			: checker_cast(c, node, args[i], type_of(TYPE_STRING), &args[i]);
		if (rc < 0)
			return rc;
	}
	*out = checker_call(c, node, f->kernel, f->flags, type_of(TYPE_STRING), args, count);
	return 0;
}

int resolve_cast_to(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	check(count == 1);
	if (!cast_allowed(args[0]->type, type_of(f->gives)))
		return fail_types(c, node, args[0], NULL);
	*out = checker_explicit_cast(c, node, args[0], type_of(f->gives));
	return 0;
}
