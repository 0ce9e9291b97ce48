/* Names of unnamed expressions, as Spark prints them, and equality of trees. */

#include "expr/sql_parse.h"

#include "base/check.h"
#include "expr/function.h"

static void add_list(const struct sql_node *n, uint32_t from, struct strbuf *out)
{
	for (uint32_t i = from; i < n->arg_count; i++) {
		if (i > from)
			strbuf_add_c(out, ", ");
		sql_name(n->args[i], out);
	}
}

static void add_upper(struct str s, struct strbuf *out)
{
	for (size_t i = 0; i < s.len; i++)
		strbuf_add_byte(out,
			s.data[i] >= 'a' && s.data[i] <= 'z' ? (char)(s.data[i] - 32) : s.data[i]);
}

static void add_binary(const struct sql_node *n, const char *op, struct strbuf *out)
{
	strbuf_add_byte(out, '(');
	sql_name(n->args[0], out);
	strbuf_addf(out, " %s ", op);
	sql_name(n->args[1], out);
	strbuf_add_byte(out, ')');
}

static void add_case(const struct sql_node *n, struct strbuf *out)
{
	strbuf_add_c(out, "CASE");
	for (uint32_t i = 0; i + 1 < n->arg_count; i += 2) {
		strbuf_add_c(out, " WHEN ");
		sql_name(n->args[i], out);
		strbuf_add_c(out, " THEN ");
		sql_name(n->args[i + 1], out);
	}
	if (n->arg_count % 2 == 1) {
		strbuf_add_c(out, " ELSE ");
		sql_name(n->args[n->arg_count - 1], out);
	}
	strbuf_add_c(out, " END");
}

/* trim(x from s), and trim(x, s), whose arguments stand the other way round. */
static void add_trim_from(const struct sql_node *n, struct strbuf *out)
{
	bool call = n->literal_text.data == NULL;
	const char *side = str_eq(n->name, str_lit("ltrim")) ? "LEADING"
		: str_eq(n->name, str_lit("rtrim"))	     ? "TRAILING"
							     : "BOTH";
	strbuf_addf(out, "TRIM(%s ", side);
	sql_name(n->args[call ? 0 : 1], out);
	strbuf_add_c(out, " FROM ");
	sql_name(n->args[call ? 1 : 0], out);
	strbuf_add_byte(out, ')');
}

static void add_wrapped(
	const struct sql_node *n, const char *before, const char *after, struct strbuf *out)
{
	strbuf_add_c(out, before);
	sql_name(n->args[0], out);
	strbuf_add_c(out, after);
}

/* Operators and the few functions that Spark prints in their own way; false: name(arguments). */
static bool add_special(const struct sql_node *n, struct str name, struct strbuf *out)
{
	if (str_eq(name, str_lit("case"))) {
		add_case(n, out);
	} else if (str_eq(name, str_lit("and"))) {
		add_binary(n, "AND", out);
	} else if (str_eq(name, str_lit("or"))) {
		add_binary(n, "OR", out);
	} else if (str_eq(name, str_lit("<>"))) {
		strbuf_add_c(out, "(NOT ");
		add_binary(n, "=", out);
		strbuf_add_byte(out, ')');
	} else if (str_eq(name, str_lit("not"))) {
		add_wrapped(n, "(NOT ", ")", out);
	} else if (str_eq(name, str_lit("negative"))) {
		add_wrapped(n, "(- ", ")", out);
	} else if (str_eq(name, str_lit("~"))) {
		add_wrapped(n, "~", "", out);
	} else if (str_eq(name, str_lit("positive"))) {
		add_wrapped(n, "(+ ", ")", out);
	} else if (str_eq(name, str_lit("isnull"))) {
		add_wrapped(n, "(", " IS NULL)", out);
	} else if (str_eq(name, str_lit("isnotnull"))) {
		add_wrapped(n, "(", " IS NOT NULL)", out);
	} else if (str_eq(name, str_lit("in"))) {
		add_wrapped(n, "(", " IN (", out);
		add_list(n, 1, out);
		strbuf_add_c(out, "))");
	} else if (str_eq(name, str_lit("if"))) {
		strbuf_add_c(out, "(IF(");
		add_list(n, 0, out);
		strbuf_add_c(out, "))");
	} else if (str_eq(name, str_lit("like")) && n->arg_count == 2) {
		add_wrapped(n, "", " LIKE ", out);
		sql_name(n->args[1], out);
	} else if (str_eq(name, str_lit("like"))) {
		add_wrapped(n, "", " LIKE ", out);
		sql_name(n->args[1], out);
		strbuf_add_c(out, " ESCAPE '");
		sql_name(n->args[2], out);
		strbuf_add_byte(out, '\'');
	} else if (n->arg_count == 2
		&& (n->literal_text.data != NULL || str_eq(name, str_lit("trim"))
			|| str_eq(name, str_lit("ltrim")) || str_eq(name, str_lit("rtrim")))) {
		add_trim_from(n, out);
	} else {
		return false;
	}
	return true;
}

/* Arguments that Spark fills in and prints. */
static void add_defaults(const struct sql_node *n, struct str name, struct strbuf *out)
{
	if ((str_eq(name, str_lit("substring")) || str_eq(name, str_lit("substr")))
		&& n->arg_count == 2)
		strbuf_add_c(out, ", 2147483647");
	if (str_eq(name, str_lit("round")) && n->arg_count == 1)
		strbuf_add_c(out, ", 0");
	if ((str_eq(name, str_lit("lpad")) || str_eq(name, str_lit("rpad"))) && n->arg_count == 2)
		strbuf_add_c(out, ",  ");
	if (str_eq(name, str_lit("split")) && n->arg_count == 2)
		strbuf_add_c(out, ", -1");
	if (str_eq(name, str_lit("replace")) && n->arg_count == 2)
		strbuf_add_c(out, ", ");
	if ((str_eq(name, str_lit("from_unixtime")) || str_eq(name, str_lit("unix_timestamp"))
		    || str_eq(name, str_lit("to_unix_timestamp")))
		&& n->arg_count < 2)
		strbuf_addf(out, "%s, yyyy-MM-dd HH:mm:ss",
			n->arg_count == 0 ? "current_timestamp()" : "");
	if (str_eq(name, str_lit("sort_array")) && n->arg_count == 1)
		strbuf_add_c(out, ", true");
	if (str_eq(name, str_lit("regexp_replace")) && n->arg_count == 3)
		strbuf_add_c(out, ", 1");
	if ((str_eq(name, str_lit("regexp_extract")) || str_eq(name, str_lit("locate"))
		    || str_eq(name, str_lit("position")))
		&& n->arg_count == 2)
		strbuf_add_c(out, ", 1");
}

static void add_call(const struct sql_node *n, struct strbuf *out)
{
	const struct function *f = function_find(n->name);
	struct str name = f == NULL ? n->name : str_c(f->name);
	if (f != NULL && (f->flags & FN_BINARY) && n->arg_count == 2) {
		add_binary(n, f->name, out);
		return;
	}
	if (add_special(n, name, out))
		return;
	if (n->ignore_nulls && f != NULL && f->aggregate != AGG_ANY_VALUE)
		name = f->aggregate == AGG_FIRST ? str_lit("first") : str_lit("last");
	strbuf_add(out, f != NULL && f->print != NULL ? str_c(f->print) : name);
	strbuf_add_c(out, n->distinct ? "(DISTINCT " : "(");
	if (str_eq(name, str_lit("log")) && n->arg_count == 1)
		strbuf_add_c(out, "E(), ");
	if (f != NULL && (f->flags & FN_AGGREGATE) && n->arg_count == 2
		&& (f->aggregate == AGG_FIRST || f->aggregate == AGG_LAST
			|| f->aggregate == AGG_ANY_VALUE))
		sql_name(n->args[0], out); /* first(x, true) is first(x) */
	else
		add_list(n, 0, out);
	add_defaults(n, name, out);
	strbuf_add_byte(out, ')');
	if (n->filter == NULL)
		return;
	strbuf_add_c(out, " FILTER (WHERE ");
	sql_name(n->filter, out);
	strbuf_add_byte(out, ')');
}

static void add_cast(const struct sql_node *n, struct strbuf *out)
{
	if (n->literal_text.data != NULL) { /* DATE '...' */
		strbuf_add(out, n->literal_text);
		return;
	}
	if (n->name.data != NULL) { /* int(a): Spark does not show a cast that nobody wrote */
		sql_name(n->args[0], out);
		return;
	}
	strbuf_add_c(out, n->try_cast ? "TRY_CAST(" : "CAST(");
	sql_name(n->args[0], out);
	strbuf_add_c(out, " AS ");
	struct strbuf type;
	strbuf_init(&type);
	type_name(n->type, &type);
	add_upper(strbuf_str(&type), out);
	strbuf_release(&type);
	strbuf_add_byte(out, ')');
}

void sql_name(const struct sql_node *n, struct strbuf *out)
{
	switch (n->kind) {
	case SQL_LITERAL: strbuf_add(out, n->literal_text); break;
	case SQL_COLUMN:
	case SQL_METADATA: strbuf_add(out, n->name); break;
	case SQL_STAR:
		strbuf_add_c(out, "1"); /* count(*) is count(1) */
		break;
	case SQL_CALL: add_call(n, out); break;
	case SQL_CAST: add_cast(n, out); break;
	case SQL_FIELD:
		sql_name(n->args[0], out);
		strbuf_add_byte(out, '.');
		strbuf_add(out, n->name);
		break;
	case SQL_INDEX:
		sql_name(n->args[0], out);
		strbuf_add_byte(out, '[');
		sql_name(n->args[1], out);
		strbuf_add_byte(out, ']');
		break;
	}
}

static bool literal_equal(const struct value *a, const struct value *b)
{
	if (!type_eq(a->type, b->type) || a->is_null != b->is_null)
		return false;
	return a->is_null || value_cmp(a, b) == 0;
}

bool sql_equal(const struct sql_node *a, const struct sql_node *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->arg_count != b->arg_count || a->distinct != b->distinct
		|| a->ignore_nulls != b->ignore_nulls || (a->filter == NULL) != (b->filter == NULL)
		|| a->try_cast != b->try_cast || !type_eq(a->type, b->type))
		return false;
	if (a->kind == SQL_FIELD ? !str_eq(a->name, b->name)
		    : a->kind != SQL_CAST && !str_eq_fold(a->name, b->name))
		return false;
	if (a->kind == SQL_LITERAL && !literal_equal(&a->literal, &b->literal))
		return false;
	if (a->filter != NULL && !sql_equal(a->filter, b->filter))
		return false;
	for (uint32_t i = 0; i < a->arg_count; i++)
		if (!sql_equal(a->args[i], b->args[i]))
			return false;
	return true;
}
