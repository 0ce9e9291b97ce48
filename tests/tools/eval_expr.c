/*
 * Evaluates SQL expressions over JSON rows: the door through which the differential tests see
 * src/expr.
 *
 *	eval_expr "a int, b string" "a + 1" "upper(b) as u" < rows.jsonl
 *
 * stdout: one JSON array of {"name", "type"} for the columns, then one JSON array a row: each
 * cell is the value's text as a string, null, or {"error": "..."} when the expression failed on
 * that row. The time of the batch is 2024-01-15 10:00:00 UTC. Exit 3: it does not compile; the
 * message is on stderr.
 */
#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "data/value.h"
#include "decode/ddl.h"
#include "decode/json_decode.h"
#include "expr/expr.h"
#include "expr/fault.h"
#include "expr/function.h"

#include <stdio.h>

enum { exprs_max = 256 };

static const int64_t batch_time_us = INT64_C(1705312800000000);

static struct arena plan_arena, chunk_arena;
static struct expr *exprs[exprs_max];
static uint32_t expr_total;

static int failed(const struct error *err)
{
	log_print_error(err);
	return error_exit_code(err->code);
}

static void print_header(void)
{
	struct strbuf s;
	strbuf_init(&s);
	for (uint32_t i = 0; i < expr_total; i++) {
		struct strbuf type;
		strbuf_init(&type);
		type_name(expr_type(exprs[i]), &type);
		strbuf_add_c(&s, i == 0 ? "[{\"name\":" : ",{\"name\":");
		json_text_string(expr_name(exprs[i]), &s);
		strbuf_add_c(&s, ",\"type\":");
		json_text_string(strbuf_str(&type), &s);
		strbuf_add_byte(&s, '}');
		strbuf_release(&type);
	}
	printf(STR_FMT "]\n", STR_ARG(strbuf_str(&s)));
	strbuf_release(&s);
}

static void add_cell(const struct expr *e, const struct vector *v, const struct chunk *c,
	uint32_t row, struct strbuf *out)
{
	struct strbuf text;
	struct value value = value_from_column(&v->column, v->type, row);
	strbuf_init(&text);
	if (v->faults != NULL && v->faults[row] != EXPR_FINE) {
		struct error why;
		error_init(&why);
		fault_describe(e, c, row, (enum expr_fault)v->faults[row], &why);
		strbuf_add_c(out, "{\"error\":");
		json_text_string(str_c(why.text), out);
		strbuf_add_byte(out, '}');
	} else if (value.is_null) {
		strbuf_add_c(out, "null");
	} else {
		value_text(&value, VALUE_CONSOLE, NULL, &text);
		json_text_string(strbuf_str(&text), out);
	}
	strbuf_release(&text);
}

static void print_rows(const struct chunk *c)
{
	struct vector *vectors = ARENA_ARRAY(&chunk_arena, struct vector, expr_total);
	struct strbuf line;
	strbuf_init(&line);
	for (uint32_t i = 0; i < expr_total; i++)
		expr_eval(exprs[i], c, batch_time_us, &vectors[i]);
	for (uint32_t row = 0; row < c->row_count; row++) {
		strbuf_reset(&line);
		for (uint32_t i = 0; i < expr_total; i++) {
			strbuf_add_byte(&line, i == 0 ? '[' : ',');
			add_cell(exprs[i], &vectors[i], c, row, &line);
		}
		printf(STR_FMT "]\n", STR_ARG(strbuf_str(&line)));
	}
	strbuf_release(&line);
}

static int run(struct schema *schema, struct str input, struct error *err)
{
	struct json_config config = {
		.schema = schema, .corrupt_column = -1, .clock = &clock_system};
	struct json_decoder *decoder = json_decoder_open(&config);
	struct messages *m = ARENA_NEW(&plan_arena, struct messages);
	struct dead_letters dead;
	dead_letters_init(&dead, &clock_system);
	for (size_t at = 0; at < input.len;) {
		arena_reset(&chunk_arena);
		m->arena = &chunk_arena;
		for (m->count = 0; m->count < chunk_rows_max && at < input.len; m->count++) {
			const char *end = memchr(input.data + at, '\n', input.len - at);
			size_t n = end == NULL ? input.len - at : (size_t)(end - input.data) - at;
			m->topic[m->count] = str_lit("rows");
			m->value[m->count] = str_sub(input, at, n);
			m->offset[m->count] = m->count;
			at += n + 1;
		}
		struct chunk *c;
		if (json_decode(decoder, m, &dead, &c, err) < 0)
			return failed(err);
		print_rows(c);
	}
	json_decoder_close(decoder);
	return 0;
}

static int print_docs(void)
{
	struct strbuf s;
	strbuf_init(&s);
	function_docs(&s);
	printf(STR_FMT, STR_ARG(strbuf_str(&s)));
	strbuf_release(&s);
	return 0;
}

int main(int argc, char **argv)
{
	struct error err;
	struct schema *schema;
	struct strbuf input;
	char buffer[65536];
	size_t n;
	error_init(&err);
	log_init(&clock_system, LOG_ERROR, false);
	arena_init(&plan_arena, 256 * 1024);
	arena_init(&chunk_arena, 256 * 1024);
	strbuf_init(&input);
	if (argc == 2 && strcmp(argv[1], "--docs") == 0)
		return print_docs();
	if (argc < 3 || argc - 2 > exprs_max)
		return 2;
	if (ddl_parse(str_c(argv[1]), &plan_arena, &schema, &err) < 0)
		return failed(&err);
	struct expr_scope scope = {.schema = schema, .metadata = true};
	for (int i = 2; i < argc; i++)
		if (expr_compile(str_c(argv[i]), &scope, &plan_arena, &exprs[expr_total++], &err)
			< 0)
			return failed(&err);
	while ((n = fread(buffer, 1, sizeof(buffer), stdin)) > 0)
		strbuf_add(&input, (struct str){buffer, n});
	print_header();
	int rc = run(schema, strbuf_str(&input), &err);
	strbuf_release(&input);
	arena_release(&chunk_arena);
	arena_release(&plan_arena);
	return rc;
}
