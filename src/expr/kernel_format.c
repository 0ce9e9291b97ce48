/*
 * format_string: Java's Formatter for the conversions that make sense on columns: %s %d %x %o %f %e
 * %c %b %%, with flags, width and precision. And what is read out of JSON text by a path.
 */

#include "expr/kernel_row.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/utf8.h"
#include "expr/resolve.h"

#include <stdio.h>

enum { format_width_max = 1000 };

/* One %-directive: what is between % and the letter is handed to printf after a look at it. */
struct directive {
	char flags[8];
	int width;
	int precision; /* -1: none */
	char letter;
	size_t end; /* behind it in the format */
	int argument; /* %2$s: from 1; 0: the next one */
};

static int read_digits(struct str f, size_t *i)
{
	int n = 0;
	while (*i < f.len && f.data[*i] >= '0' && f.data[*i] <= '9' && n <= format_width_max)
		n = n * 10 + (f.data[(*i)++] - '0');
	return n;
}

static bool directive_read(struct str f, size_t at, struct directive *d)
{
	size_t i = at + 1, n = 0;
	*d = (struct directive){.precision = -1};
	size_t mark = i;
	int number = read_digits(f, &i);
	if (i > mark && i < f.len && f.data[i] == '$')
		d->argument = number, i++;
	else
		i = mark;
	while (i < f.len && n < 5 && memchr("-#+ 0,", f.data[i], 6) != NULL)
		d->flags[n++] = f.data[i++];
	d->width = read_digits(f, &i);
	if (i < f.len && f.data[i] == '.') {
		i++;
		d->precision = read_digits(f, &i);
	}
	d->letter = i < f.len ? f.data[i] : '\0';
	d->end = i + 1;
	return d->width <= format_width_max && d->precision <= format_width_max && d->letter != '\0'
		&& memchr("sSdxXofeEcb", d->letter, 11) != NULL && strchr(d->flags, ',') == NULL;
}

static void add_padded(struct str s, const struct directive *d, struct strbuf *out)
{
	int64_t chars = 0;
	for (size_t i = 0; i < s.len; chars++) {
		if (d->precision >= 0 && chars == d->precision)
			s.len = i;
		else
			utf8_next(s, &i);
	}
	if (d->precision >= 0 && chars > d->precision)
		chars = d->precision;
	bool left = strchr(d->flags, '-') != NULL;
	for (int64_t i = chars; !left && i < d->width; i++)
		strbuf_add_byte(out, ' ');
	strbuf_add(out, s);
	for (int64_t i = chars; left && i < d->width; i++)
		strbuf_add_byte(out, ' ');
}

static void add_printf(const struct directive *d, const struct value *v, struct strbuf *out)
{
	char pattern[64];
	bool whole = memchr("dxXo", d->letter, 4) != NULL;
	char width[16] = "", precision[16] = "";
	if (d->width > 0)
		snprintf(width, sizeof(width), "%d", d->width);
	if (!whole && d->precision >= 0)
		snprintf(precision, sizeof(precision), ".%d", d->precision);
	snprintf(pattern, sizeof(pattern), "%%%s%s%s%s%c", d->flags, width, precision,
		whole ? "ll" : "", d->letter);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (!whole)
		strbuf_addf(out, pattern, v->as.f64);
	else if (d->letter != 'd' && v->type.id != TYPE_BIGINT)
		strbuf_addf(out, pattern, (long long)(uint32_t)v->as.i32);
	else
		strbuf_addf(out, pattern,
			(long long)(v->type.id == TYPE_BIGINT ? v->as.i64 : v->as.i32));
#pragma GCC diagnostic pop
}

static void add_directive(const struct directive *d, const struct value *v,
	const struct timezone *tz, struct strbuf *out)
{
	bool number = memchr("dxXofeE", d->letter, 7) != NULL;
	if (number && !v->is_null) {
		add_printf(d, v, out);
		return;
	}
	struct strbuf text;
	strbuf_init(&text);
	if (d->letter == 'b')
		strbuf_add_c(&text,
			!v->is_null && (v->type.id != TYPE_BOOLEAN || v->as.boolean) ? "true"
										     : "false");
	else if (v->is_null)
		strbuf_add_c(&text, "null");
	else
		value_text(v, VALUE_CAST, tz, &text);
	add_padded(text.data == NULL ? str_lit("") : strbuf_str(&text), d, out);
	strbuf_release(&text);
}

static void format_row(
	const struct expr *e, const struct vector *args, uint32_t row, struct strbuf *out)
{
	struct str f = row_str(&args[0], row);
	uint32_t next = 1;
	for (size_t i = 0; i < f.len;) {
		struct directive d;
		if (f.data[i] != '%') {
			strbuf_add_byte(out, f.data[i++]);
		} else if (i + 1 < f.len && (f.data[i + 1] == '%' || f.data[i + 1] == 'n')) {
			strbuf_add_byte(out, f.data[i + 1] == 'n' ? '\n' : '%');
			i += 2;
		} else {
			check(directive_read(f, i, &d));
			uint32_t k = d.argument > 0 ? (uint32_t)d.argument : next++;
			struct value v = value_from_column(&args[k].column, e->args[k]->type, row);
			add_directive(&d, &v, e->timezone, out);
			i = d.end;
		}
	}
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
			if (!bit_get(out->column.nulls, i))
				format_row(e, args, i, &b);
			row_set_str(out, i,
				str_dup(b.data == NULL ? str_lit("") : strbuf_str(&b), run->arena));
			if (fault != EXPR_FINE)
				expr_pass_fault(run, out, i, fault);
		}
	}
	strbuf_release(&b);
}

/* The format is a constant, so that its directives can be checked against the arguments here. */
static int check_directive(struct checker *c, const struct sql_node *node,
	const struct directive *d, struct expr **args, uint32_t count, uint32_t *next)
{
	uint32_t k = d->argument > 0 ? (uint32_t)d->argument : (*next)++;
	if (k >= count)
		return checker_fail(
			c, node, "the format asks for argument %u, there are %u", k, count - 1);
	bool fraction = memchr("feE", d->letter, 3) != NULL;
	if (fraction)
		return checker_cast(c, node, args[k], type_of(TYPE_DOUBLE), &args[k]);
	bool whole = memchr("dxXo", d->letter, 4) != NULL;
	if (whole && !type_is_integer(args[k]->type))
		return checker_cast(c, node, args[k], type_of(TYPE_BIGINT), &args[k]);
	return d->letter == 'c' ? checker_cast(c, node, args[k], type_of(TYPE_STRING), &args[k])
				: 0;
}

int resolve_format(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	if (args[0]->kind != EXPR_LITERAL || args[0]->type.id != TYPE_STRING)
		return checker_fail(c, node, "the format of %s must be a constant string", f->name);
	struct str format = args[0]->literal.is_null ? str_lit("") : args[0]->literal.as.str;
	uint32_t next = 1;
	for (size_t i = 0; i < format.len;) {
		struct directive d;
		if (format.data[i] != '%') {
			i++;
			continue;
		}
		if (i + 1 < format.len
			&& (format.data[i + 1] == '%' || format.data[i + 1] == 'n')) {
			i += 2;
			continue;
		}
		if (!directive_read(format, i, &d))
			return checker_fail(
				c, node, "the format has a %% that is followed by nothing known");
		int rc = check_directive(c, node, &d, args, count, &next);
		if (rc < 0)
			return rc;
		i = d.end;
	}
	*out = checker_call(c, node, f->kernel, f->flags, type_of(TYPE_STRING), args, count);
	return 0;
}

/* ---- get_json_object(text, '$.a.b[0]') ---- */

static bool read_step(struct str path, size_t *i, struct json_step *step)
{
	*step = (struct json_step){.field = {NULL, 0}};
	if (path.data[*i] == '.') {
		size_t start = ++*i;
		while (*i < path.len && path.data[*i] != '.' && path.data[*i] != '[')
			++*i;
		step->field = str_sub(path, start, *i - start);
		return *i > start;
	}
	if (path.data[*i] != '[')
		return false;
	++*i;
	if (*i < path.len && path.data[*i] == '\'') {
		size_t start = ++*i;
		while (*i < path.len && path.data[*i] != '\'')
			++*i;
		step->field = str_sub(path, start, *i - start);
		++*i;
	} else {
		size_t start = *i;
		step->index = read_digits(path, i);
		if (*i == start)
			return false;
	}
	return *i < path.len && path.data[(*i)++] == ']';
}

static int json_object_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	const struct json_path *path = e->prepared;
	struct str found;
	if (!json_path_find(row_str(&args[0], row), path->steps, path->count, &found)
		|| json_kind_of(found) == JSON_KIND_NULL)
		return ROW_NULL;
	row_set_str(out, row,
		json_kind_of(found) == JSON_KIND_STRING ? json_unquote(found, run->arena) : found);
	return EXPR_FINE;
}

KERNEL_OF_ROWS(kernel_json_object, json_object_row)

int resolve_json_object(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	check(count == 2);
	if (args[1]->kind != EXPR_LITERAL || args[1]->type.id != TYPE_STRING
		|| args[1]->literal.is_null)
		return checker_fail(c, node, "the path of %s must be a constant string", f->name);
	struct str text = args[1]->literal.as.str;
	struct json_path *path = ARENA_NEW(c->arena, struct json_path);
	path->steps = ARENA_ARRAY(c->arena, struct json_step, text.len + 1);
	size_t i = 1;
	bool good = text.len > 0 && text.data[0] == '$';
	while (good && i < text.len)
		good = read_step(text, &i, &path->steps[path->count++]);
	if (!good)
		return checker_fail(
			c, node->args[1], "a path is $ and then .name, [0] or ['name']");
	int rc = args[0]->type.id == TYPE_JSON
		? 0
		: checker_cast(c, node, args[0], type_of(TYPE_STRING), &args[0]);
	if (rc == 0)
		*out = checker_prepared(
			c, node, f->kernel, f->flags, type_of(TYPE_STRING), args, count, path);
	return rc;
}
