/* format_string: the format is a constant, taken apart by java_format.h and checked at load. */

#include "expr/kernel_row.h"

#include "base/check.h"
#include "base/utf8.h"
#include "expr/java_format.h"
#include "expr/resolve.h"

static bool is_one_of(char letter, const char *letters)
{
	return strchr(letters, letter) != NULL;
}

/* Which argument a directive means: from 1. */
static int64_t argument_of(const struct java_directive *d, int64_t *next, int64_t *last)
{
	if (d->argument != java_argument_same)
		*last = d->argument == java_argument_next ? (*next)++ : d->argument;
	return *last;
}

static int64_t whole_of(const struct value *v, unsigned *bits)
{
	*bits = 32;
	switch (v->type.id) {
	case TYPE_BIGINT: *bits = 64; return v->as.i64;
	case TYPE_SMALLINT: *bits = 16; break;
	case TYPE_TINYINT: *bits = 8; break;
	default: break;
	}
	return v->as.i32;
}

/* %c: the character of a code. */
static enum expr_fault add_char(const struct java_directive *d, const struct value *v,
	struct arena *arena, struct strbuf *out)
{
	char bytes[4];
	if (v->as.i32 < 0 || v->as.i32 > 0x10FFFF)
		return EXPR_INVALID_ARGUMENT;
	bool half = v->as.i32 >= 0xD800 && v->as.i32 < 0xE000;
	size_t n = utf8_put(bytes, half ? '?' : (uint32_t)v->as.i32);
	java_format_text(d, (struct str){bytes, n}, arena, out);
	return EXPR_FINE;
}

static enum expr_fault add_value(const struct java_directive *d, const struct value *v,
	const struct timezone *tz, struct arena *arena, struct strbuf *out)
{
	unsigned bits;
	if (d->letter == 'b') {
		bool yes = !v->is_null && (v->type.id != TYPE_BOOLEAN || v->as.boolean);
		java_format_text(d, yes ? str_lit("true") : str_lit("false"), arena, out);
		return EXPR_FINE;
	}
	if (v->is_null) {
		java_format_text(d, str_lit("null"), arena, out);
		return EXPR_FINE;
	}
	if (d->letter == 'c')
		return add_char(d, v, arena, out);
	if (is_one_of(d->letter, "dox")) {
		int64_t whole = whole_of(v, &bits);
		java_format_whole(d, whole, bits, out);
		return EXPR_FINE;
	}
	struct strbuf text;
	strbuf_init(&text);
	value_text(v, VALUE_CAST, tz, &text);
	struct str s = text.data == NULL ? str_lit("") : strbuf_str(&text);
	if (d->letter == 's')
		java_format_text(d, s, arena, out);
	else
		java_format_fraction(d, s, out);
	strbuf_release(&text);
	return EXPR_FINE;
}

static enum expr_fault format_row(const struct expr *e, const struct run *run,
	const struct vector *args, uint32_t row, struct strbuf *out)
{
	struct str f = row_str(&args[0], row);
	enum expr_fault fault = EXPR_FINE;
	int64_t next = 1, last = 0;
	for (size_t i = 0; i < f.len && fault == EXPR_FINE;) {
		struct java_directive d;
		if (f.data[i] != '%') {
			strbuf_add_byte(out, f.data[i++]);
			continue;
		}
		check(java_directive_read(f, i, &d) == NULL);
		i = d.end;
		if (d.letter == '%' || d.letter == 'n') {
			java_format_text(&d, d.letter == 'n' ? str_lit("\n") : str_lit("%"),
				run->arena, out);
			continue;
		}
		int64_t k = argument_of(&d, &next, &last);
		struct value v = value_from_column(&args[k].column, e->args[k]->type, row);
		fault = add_value(&d, &v, e->timezone, run->arena, out);
	}
	return fault;
}

void kernel_format(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	struct strbuf b;
	strbuf_init(&b);
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run->live[w];
		out->column.nulls[w] = args[0].column.nulls[w];
		for (uint32_t i; next_row(&bits, w, &i);) {
			enum expr_fault fault = EXPR_FINE;
			for (uint32_t k = 0; k < e->arg_count && fault == EXPR_FINE; k++)
				fault = vector_fault(&args[k], i);
			strbuf_reset(&b);
			if (!bit_get(out->column.nulls, i) && fault == EXPR_FINE)
				fault = format_row(e, run, args, i, &b);
			if (fault == EXPR_FINE && !run_has_room(run, b.len))
				fault = EXPR_OVERFLOW;
			if (fault != EXPR_FINE)
				expr_pass_fault(run, out, i, fault);
			else
				row_set_str(out, i,
					str_dup(b.data == NULL ? str_lit("") : strbuf_str(&b),
						run->arena));
		}
	}
	strbuf_release(&b);
}

/* ---- typing ---- */

/* What Java refuses is refused here; a fraction may also be written of what casts to a double. */
static int check_type(struct checker *c, const struct sql_node *node,
	const struct java_directive *d, struct expr **arg)
{
	struct type t = (*arg)->type;
	if (t.id == TYPE_NULL || is_one_of(d->letter, "sb"))
		return 0;
	if (is_one_of(d->letter, "efg"))
		return t.id == TYPE_DECIMAL || t.id == TYPE_DOUBLE
			? 0
			: checker_cast(c, node, *arg, type_of(TYPE_DOUBLE), arg);
	if (d->letter == 'c' && (!type_is_integer(t) || t.id == TYPE_BIGINT))
		return checker_fail(
			c, node, "[DATATYPE_MISMATCH] %%c writes the character of an int");
	if (t.id == TYPE_DECIMAL)
		return checker_fail(c, node,
			"[DATATYPE_MISMATCH] %%%c writes an integer, no decimal", d->letter);
	return type_is_integer(t) ? 0 : checker_cast(c, node, *arg, type_of(TYPE_BIGINT), arg);
}

/* The directive at `at` against the arguments; its end in *end. */
static int check_directive(struct checker *c, const struct sql_node *node, struct str format,
	size_t at, struct expr **args, uint32_t count, int64_t *next, int64_t *last, size_t *end)
{
	struct java_directive d;
	const char *wrong = java_directive_read(format, at, &d);
	if (wrong != NULL)
		return checker_fail(c, node, "the format at \"" STR_FMT "\": %s",
			STR_ARG(str_sub(format, at, 12)), wrong);
	*end = d.end;
	if (d.letter == '%' || d.letter == 'n')
		return 0;
	int64_t k = argument_of(&d, next, last);
	if (k == 0)
		return checker_fail(c, node, "the format has a %%< before any argument");
	if (k >= count)
		return checker_fail(c, node, "the format asks for argument %lld, there are %u",
			(long long)k, count - 1);
	return check_type(c, node, &d, &args[k]);
}

int resolve_format(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	if (args[0]->kind != EXPR_LITERAL || args[0]->type.id != TYPE_STRING)
		return checker_fail(c, node, "the format of %s must be a constant string", f->name);
	struct str format = args[0]->literal.is_null ? str_lit("") : args[0]->literal.as.str;
	int64_t next = 1, last = 0;
	for (size_t i = 0; i < format.len;) {
		if (format.data[i] != '%') {
			i++;
			continue;
		}
		int rc = check_directive(c, node, format, i, args, count, &next, &last, &i);
		if (rc < 0)
			return rc;
	}
	*out = checker_call(c, node, f->kernel, f->flags, type_of(TYPE_STRING), args, count);
	return 0;
}
