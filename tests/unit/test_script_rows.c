/* Lua functions over rows: what they read, what they may give back, what an error in a row costs.
 */

#include "base/arena.h"
#include "base/bounds.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "data/chunk.h"
#include "expr/row_function.h"
#include "script/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char path[64];
	struct arena arena;
	struct script *script;
	struct dead_letters dead;
	struct error error;
	bool no_jit;
};

static const char head[] =
	"local cdcl = require 'cdcl'\n"
	"local s = cdcl.file { path = 'x', schema = 'i int, b bigint, d double, t string, "
	"ok boolean, p decimal(10,2), j json, day date' }\n";

static void write_script(struct fixture *f, const char *body)
{
	snprintf(f->path, sizeof(f->path), "/tmp/cdcl_rows_%d.lua", (int)getpid());
	struct error err;
	int fd = file_open_write(f->path, false, &err);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, str_c(head), f->path, &err), 0);
	assert_int_equal(file_write_all(fd, str_c(body), f->path, &err), 0);
	file_close(fd);
}

static bool try_open(struct fixture *f, const char *body)
{
	write_script(f, body);
	struct script_options options = {
		.path = f->path, .jit = !f->no_jit, .clock = &clock_system, .call_ms_max = 60000};
	error_init(&f->error);
	f->script = script_open(&options, &f->error);
	unlink(f->path);
	return f->script != NULL;
}

static void open_script(struct fixture *f, const char *body)
{
	if (!try_open(f, body))
		fail_msg("%s: %s", f->error.place, f->error.text);
}

static struct plan_node *node_of(struct fixture *f, enum plan_kind kind)
{
	struct plan *p = script_plan(f->script);
	for (uint32_t i = 0; i < p->node_count; i++) {
		if (p->nodes[i]->kind == kind)
			return p->nodes[i];
	}
	fail_msg("no such node");
	return NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	check(f != NULL);
	log_init(&clock_system, LOG_NONE, false);
	arena_init(&f->arena, 1 << 20);
	dead_letters_init(&f->dead, &clock_system);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	script_close(f->script);
	arena_release(&f->arena);
	free(f);
	return 0;
}

/* Row i: i, 2^53 + i * 10^9, i / 2, "t<i % 7>", i even, i.25, {"a":{"b":i},...}, day i; each 10th
 * row's i is NULL. */
static struct chunk *make_rows(struct fixture *f, uint32_t rows)
{
	const struct schema *s = node_of(f, PLAN_SOURCE)->schema;
	struct chunk *c = chunk_alloc(&f->arena, s);
	for (uint32_t i = 0; i < rows; i++) {
		((int32_t *)c->columns[0].data)[i] = (int32_t)i;
		((int64_t *)c->columns[1].data)[i] = (INT64_C(1) << 53) + (int64_t)i * 1000000000;
		((double *)c->columns[2].data)[i] = i / 2.0;
		((struct str *)c->columns[3].data)[i] = str_printf(&f->arena, "t%u", i % 7);
		((uint8_t *)c->columns[4].data)[i] = i % 2 == 0;
		((int128 *)c->columns[5].data)[i] = (int128)i * 100 + 25;
		((struct str *)c->columns[6].data)[i] = str_printf(&f->arena,
			"{\"a\":{\"b\":%u},\"l\":[1,\"x\\ty\",{\"z\":true}],\"big\":"
			"9007199254740993,\"n\":null}",
			i);
		((int32_t *)c->columns[7].data)[i] = (int32_t)i;
		if (i % 10 == 9)
			bit_set(c->columns[0].nulls, i);
	}
	chunk_set_rows(c, rows);
	return c;
}

static struct chunk *make_out(struct fixture *f, const struct plan_node *n, struct chunk *in)
{
	struct chunk *out = chunk_alloc_like(&f->arena, in, n->schema);
	for (uint32_t i = 0; i < n->schema->column_count; i++) {
		if (i < n->map_keeps)
			out->columns[i] = in->columns[i];
		else
			out->columns[i].data =
				chunk_alloc_data(&f->arena, n->schema->columns[i].type);
	}
	return out;
}

static void run_filter(struct fixture *f, struct chunk *c)
{
	struct row_function *function = node_of(f, PLAN_FILTER)->function;
	assert_int_equal(function->call(function, c, NULL, &f->dead, &f->error), 0);
}

/* One output column of `with` over the rows, as its vector. */
static struct column *run_with(struct fixture *f, struct chunk *in)
{
	struct plan_node *n = node_of(f, PLAN_MAP);
	struct chunk *out = make_out(f, n, in);
	int r = n->function->call(n->function, in, out, &f->dead, &f->error);
	if (r < 0)
		fail_msg("%s: %s", f->error.place, f->error.text);
	return &out->columns[n->map_keeps];
}

static void test_filter(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:filter(function(row) return row.ok and row.t ~= 't2' and row.d < 400 end)"
		       ":to(cdcl.console {})");
	struct chunk *c = make_rows(f, 1024);
	run_filter(f, c);
	for (uint32_t i = 0; i < 1024; i++)
		assert_int_equal(bit_get(c->live, i), i % 2 == 0 && i % 7 != 2 && i < 800);
	assert_int_equal(f->dead.total, 0);
}

static void test_filter_must_answer_boolean(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:filter(function(row) return row.i end):to(cdcl.console {})");
	struct chunk *c = make_rows(f, 20);
	run_filter(f, c);
	assert_int_equal(chunk_live_count(c), 0);
	assert_int_equal(f->dead.counts[DEAD_LUA], 20);
}

/* An error costs its row; the rows around it are done. The message names the NULL column and the
 * line. */
static void test_error_costs_the_row(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:with('x int', function(row)\n"
		       "  return row.i * 2\n"
		       "end):to(cdcl.console {})");
	struct chunk *c = make_rows(f, 1024);
	struct column *x = run_with(f, c);
	assert_int_equal(f->dead.total, 102);
	for (uint32_t i = 0; i < 1024; i++) {
		assert_int_equal(bit_get(c->live, i), i % 10 != 9);
		if (i % 10 != 9)
			assert_int_equal(((int32_t *)x->data)[i], 2 * i);
	}
	f->dead.stop_at_first = true;
	c = make_rows(f, 30);
	struct plan_node *n = node_of(f, PLAN_MAP);
	struct chunk *out = make_out(f, n, c);
	assert_true(n->function->call(n->function, c, out, &f->dead, &f->error) < 0);
	assert_non_null(strstr(f->error.text, "column i is NULL"));
	assert_non_null(strstr(f->error.place, ".lua:4"));
}

static void test_integers_stay_exact(void **state)
{
	struct fixture *f = *state;
	open_script(
		f, "s:with('x bigint', function(row) return row.b + 1 end):to(cdcl.console {})");
	struct chunk *c = make_rows(f, 1024);
	struct column *x = run_with(f, c);
	assert_int_equal(f->dead.total, 0);
	/* Row 0 is 2^53 and a number: the sum is beyond what a double holds, all others are int64.
	 */
	for (uint32_t i = 1; i < 1024; i++)
		assert_int_equal(
			((int64_t *)x->data)[i], (INT64_C(1) << 53) + i * INT64_C(1000000000) + 1);
}

static void expect_failures(struct fixture *f, const char *body, uint32_t failures)
{
	open_script(f, body);
	run_with(f, make_rows(f, 100));
	assert_int_equal(f->dead.total, failures);
}

static void test_fraction_into_integer(void **state)
{
	expect_failures(
		*state, "s:with('x int', function(row) return row.d end):to(cdcl.console {})", 50);
}

static void test_out_of_range(void **state)
{
	expect_failures(*state,
		"s:with('x tinyint', function(row) return row.d * 4 end):to(cdcl.console {})", 36);
}

static void test_wrong_type(void **state)
{
	expect_failures(*state,
		"s:with('x string', function(row) return row.d end):to(cdcl.console {})", 100);
}

static void test_too_many_values(void **state)
{
	expect_failures(*state,
		"s:with('x double', function(row) return 1, 2 end):to(cdcl.console {})", 100);
}

/* A column that is not there is found at load, by a rehearsal over made-up rows. */
static void test_unknown_column(void **state)
{
	struct fixture *f = *state;
	assert_false(try_open(f, "s:with('x double', function(row)\n  return row.dd\n"
				 "end):to(cdcl.console {})"));
	assert_int_equal(f->error.code, CDCL_E_SCRIPT);
	assert_string_equal(f->error.text, "the row has no column \"dd\"");
	assert_string_equal(f->error.help, "did you mean \"d\"?");
	assert_string_equal(f->error.source_line, "  return row.dd");
	assert_int_equal(f->error.caret_start, 13);
}

static void report(struct fixture *f, const char *body, struct strbuf *out)
{
	open_script(f, body);
	strbuf_init(out);
	script_trace_report(f->script, out);
	strbuf_add_byte(out, '\0');
}

static void test_trace_report(void **state)
{
	struct fixture *f = *state;
	struct strbuf out;
	report(f,
		"s:filter(function(row)\n  return row.i > 3 and row.t ~= 'x'\nend)"
		":with('x double', function(row) return row.d * 2 end):to(cdcl.console {})",
		&out);
	assert_string_equal(out.data, "");
	strbuf_release(&out);
	script_close(f->script);
	report(f,
		"s:filter(function(row)\n  local g = function() return row.i end\n  return g() > "
		"3\n"
		"end):to(cdcl.console {})",
		&out);
	assert_non_null(strstr(out.data, ".lua:4 runs interpreted: NYI: bytecode FNEW"));
	strbuf_release(&out);
}

static void test_strings(void **state)
{
	struct fixture *f = *state;
	open_script(
		f, "s:with('x string', function(row) return row.t .. '!' end):to(cdcl.console {})");
	struct column *x = run_with(f, make_rows(f, 1024));
	assert_int_equal(f->dead.total, 0);
	for (uint32_t i = 0; i < 1024; i++) {
		char want[16];
		snprintf(want, sizeof(want), "t%u!", i % 7);
		assert_true(str_eq(((struct str *)x->data)[i], str_c(want)));
	}
}

static void test_decimals(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:with('x decimal(12,3)', function(row) return row.p * 2 + 1 "
		       "end):to(cdcl.console {})");
	struct column *x = run_with(f, make_rows(f, 1024));
	assert_int_equal(f->dead.total, 0);
	for (uint32_t i = 0; i < 1024; i++)
		assert_true(((int128 *)x->data)[i] == (int128)i * 2000 + 1500);
}

static void test_decimal_text(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:with('x string', function(row) return tostring(row.p) .. (row.p > 3 and "
		       "'y' or 'n') "
		       "end):to(cdcl.console {})");
	struct column *x = run_with(f, make_rows(f, 10));
	assert_int_equal(f->dead.total, 0);
	assert_true(str_eq(((struct str *)x->data)[2], str_lit("2.25n")));
	assert_true(str_eq(((struct str *)x->data)[3], str_lit("3.25y")));
}

static void test_json(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:with('x string', function(row)\n"
		       "  local j = row.j\n"
		       "  return j.a.b .. j.l[2] .. tostring(j.l[3].z) .. #j.l .. tostring(j.n)\n"
		       "    .. tostring(j.big) .. tostring(j.a) .. tostring(j.none)\n"
		       "end):to(cdcl.console {})");
	struct column *x = run_with(f, make_rows(f, 1024));
	assert_int_equal(f->dead.total, 0);
	assert_true(str_eq(((struct str *)x->data)[5],
		str_lit("5x\tytrue3nil9007199254740993LL{\"b\":5}nil")));
}

static void test_json_dies_with_its_chunk(void **state)
{
	struct fixture *f = *state;
	open_script(f, "local kept\n"
		       "s:with('x string', function(row)\n"
		       "  kept = kept or row.j.a\n"
		       "  return tostring(kept.b)\n"
		       "end):to(cdcl.console {})");
	run_with(f, make_rows(f, 10));
	assert_int_equal(f->dead.total, 0);
	run_with(f, make_rows(f, 10));
	assert_int_equal(f->dead.total, 10);
}

static void test_row_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	assert_false(try_open(f, "s:with('x int', function(row) row.i = 1 return 1 end)"
				 ":to(cdcl.console {})"));
	assert_string_equal(f->error.text, "a row cannot be written to");
}

static void test_null_result(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:with('x int', function(row) return row.i end):to(cdcl.console {})");
	struct column *x = run_with(f, make_rows(f, 100));
	assert_int_equal(f->dead.total, 0);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(column_is_null(x, i), i % 10 == 9);
}

/* All rows of a flat_map, pushed together; more than a chunk's rows come from one record. */
static uint32_t run_flat(struct fixture *f, struct chunk *in, int64_t *sum)
{
	struct row_function *function = node_of(f, PLAN_FLAT_MAP)->function;
	uint32_t next = 0;
	uint32_t rows = 0;
	*sum = 0;
	for (int more = 1; more > 0;) {
		struct chunk *out = chunk_alloc(&f->arena, node_of(f, PLAN_FLAT_MAP)->schema);
		more = function->call_flat(function, in, &next, out, &f->dead, &f->error);
		assert_true(more >= 0);
		rows += out->row_count;
		for (uint32_t i = 0; i < out->row_count; i++) {
			*sum += ((int32_t *)out->columns[0].data)[i];
			char want[16];
			snprintf(want, sizeof(want), "r%u", out->origin[i]);
			assert_true(str_eq(((struct str *)out->columns[1].data)[i], str_c(want)));
		}
	}
	return rows;
}

static void test_flat_map(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:flat_map('n int, t string', function(row, emit)\n"
		       "  for k = 1, row.d * 2 do emit(k, 'r' .. row.d * 2) end\n"
		       "end):to(cdcl.console {})");
	int64_t sum;
	assert_int_equal(run_flat(f, make_rows(f, 100), &sum), 4950);
	assert_int_equal(sum, 166650);
}

static void test_flat_map_overflows_a_chunk(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:flat_map('n int, t string', function(row, emit)\n"
		       "  local n = row.d == 1 and 5000 or 1\n"
		       "  for k = 1, n do emit(1, 'r' .. row.d * 2) end\n"
		       "  if row.d == 2 then error('no') end\n"
		       "end):to(cdcl.console {})");
	int64_t sum;
	assert_int_equal(run_flat(f, make_rows(f, 10), &sum), 5008);
	assert_int_equal(f->dead.total, 1);
}

static void test_flat_map_without_an_end(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:flat_map('n int, t string', function(row, emit)\n"
		       "  while row.d == 0 do emit(1, '') end\n"
		       "end):to(cdcl.console {})");
	int64_t sum;
	assert_int_equal(run_flat(f, make_rows(f, 2), &sum), 0);
	assert_int_equal(f->dead.total, 1);
}

/* ---- an aggregate of the user's own ---- */

static const char mean_body[] =
	"s:agg(cdcl.aggregate { 'mean double', state = 'n bigint, total double, last "
	"decimal(10,2), "
	"odd boolean',\n"
	"  add = function(st, row)\n"
	"    st.n = st.n + 1\n"
	"    if row.d == 3 then error('no') end\n"
	"    st.total = st.total + row.d\n"
	"    st.last, st.odd = row.p, not st.odd\n"
	"  end,\n"
	"  retract = function(st, row) st.n, st.total = st.n - 1, st.total - row.d end,\n"
	"  finish = function(st) if st.n > 0 then return st.total / st.n end end "
	"}):to(cdcl.console "
	"{ output_mode = 'complete' })";

struct groups {
	int64_t n[4];
	double total[4];
	int128 last[4];
	uint8_t odd[4];
	uint8_t nulls[4][4];
	void *columns[4];
	uint8_t *null_columns[4];
};

static void groups_init(struct groups *g)
{
	memset(g, 0, sizeof(*g));
	g->columns[0] = g->n;
	g->columns[1] = g->total;
	g->columns[2] = g->last;
	g->columns[3] = g->odd;
	for (int c = 0; c < 4; c++)
		g->null_columns[c] = g->nulls[c];
}

/* A failing record (row 6) leaves its group as it was; -D rows are taken back. */
static void test_aggregate(void **state)
{
	struct fixture *f = *state;
	open_script(f, mean_body);
	struct custom_aggregate *a = node_of(f, PLAN_GROUP)->group->calls[0].custom;
	assert_true(a->has_retract);
	assert_int_equal(a->type.id, TYPE_DOUBLE);
	struct chunk *c = make_rows(f, 16);
	uint32_t of_row[16];
	for (uint32_t i = 0; i < 16; i++)
		of_row[i] = i % 4;
	struct groups g;
	groups_init(&g);
	assert_int_equal(a->add(a, c, of_row, g.columns, g.null_columns, &f->dead, &f->error), 0);
	assert_int_equal(f->dead.total, 1);
	assert_false(bit_get(c->live, 6));
	assert_int_equal(g.n[1], 4);
	assert_int_equal(g.n[2], 3);
	assert_true(g.total[1] == 14 && g.total[2] == 13);
	assert_true(g.last[3] == 1525 && g.odd[1] == 0 && g.odd[2] == 1);
	c = make_rows(f, 4);
	c->kinds = memset(arena_alloc(&f->arena, chunk_rows_max, 1), ROW_DELETE, chunk_rows_max);
	assert_int_equal(a->add(a, c, of_row, g.columns, g.null_columns, &f->dead, &f->error), 0);
	assert_int_equal(g.n[1], 3);
	struct column out = {.data = chunk_alloc_data(&f->arena, a->type)};
	g.n[3] = 0;
	const uint32_t asked[] = {1, 3};
	assert_int_equal(
		a->finish(a, asked, 2, g.columns, g.null_columns, &out, &f->arena, &f->error), 0);
	assert_true(((double *)out.data)[0] == 13.5 / 3);
	assert_true(column_is_null(&out, 1) && !column_is_null(&out, 0));
}

/* ---- more of what a row holds ---- */

static void test_metadata(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:with('x string', function(row)\n"
		       "  return row['@topic'] .. row['@partition'] .. row['@offset'] .. "
		       "tostring(row['@key'])\n"
		       "    .. row['@headers'].h .. row['@timestamp'] .. row['@kind']\n"
		       "end):to(cdcl.console {})");
	struct chunk *c = make_rows(f, 2);
	struct messages *m = ARENA_NEW(&f->arena, struct messages);
	static const struct message_header header = {{"h", 1}, {"v", 1}};
	static const uint16_t origin[] = {1, 0};
	m->count = 2;
	for (int i = 0; i < 2; i++) {
		m->topic[i] = str_lit("t");
		m->partition[i] = 3;
		m->offset[i] = 10 + i;
		m->timestamp_us[i] = 5;
		m->headers[i] = &header;
		m->header_count[i] = 1;
	}
	m->key[1] = str_lit("k");
	c->messages = m;
	c->origin = origin;
	struct column *x = run_with(f, c);
	assert_int_equal(f->dead.total, 0);
	assert_true(str_eq(((struct str *)x->data)[0], str_lit("t311kv5+I")));
	assert_true(str_eq(((struct str *)x->data)[1], str_lit("t310nilv5+I")));
}

static void test_pairs_of_json(void **state)
{
	struct fixture *f = *state;
	open_script(f,
		"s:with('x string', function(row)\n"
		"  local t = {}\n"
		"  for name, v in pairs(row.j) do t[#t + 1] = name .. '=' .. tostring(v) end\n"
		"  for i, v in pairs(row.j.l) do t[#t + 1] = i .. type(v) end\n"
		"  return table.concat(t, ' ')\n"
		"end):to(cdcl.console {})");
	struct column *x = run_with(f, make_rows(f, 2));
	assert_int_equal(f->dead.total, 0);
	struct str text = ((struct str *)x->data)[1];
	assert_true(str_starts(text, str_lit("a={\"b\":1} l=[1,\"x\\ty\",{\"z\":true}] big=")));
	assert_true(strstr(text.data, " 1number 2string 3cdata") != NULL);
}

static void test_null_and_back(void **state)
{
	struct fixture *f = *state;
	open_script(f, "s:with('x json', function(row) return row.j.a end)"
		       ":to(cdcl.console {})");
	struct column *x = run_with(f, make_rows(f, 3));
	assert_true(str_eq(((struct str *)x->data)[2], str_lit("{\"b\":2}")));
}

/* The most columns that a schema may have, and a function that reads the last. */
static void test_wide_schema(void **state)
{
	struct fixture *f = *state;
	struct strbuf body;
	strbuf_init(&body);
	strbuf_add_c(&body, "local w = cdcl.file { path = 'x', schema = 'c0 int");
	for (int i = 1; i < schema_columns_max - 1; i++)
		strbuf_addf(&body, ", c%d int", i);
	strbuf_addf(&body,
		"' }\nw:with('x int', function(row) return row.c%d + 1 end)"
		":to(cdcl.console {})",
		schema_columns_max - 2);
	strbuf_add_byte(&body, '\0');
	open_script(f, body.data);
	strbuf_release(&body);
	struct plan_node *n = node_of(f, PLAN_MAP);
	struct chunk *c = chunk_alloc(&f->arena, n->inputs[0]->schema);
	chunk_set_rows(c, 100);
	for (int i = 0; i < 100; i++)
		((int32_t *)c->columns[schema_columns_max - 2].data)[i] = i;
	struct column *x = run_with(f, c);
	assert_int_equal(((int32_t *)x->data)[99], 100);
}

/* A number is no column, and a row is no pointer. */
static void test_row_is_no_array(void **state)
{
	struct fixture *f = *state;
	assert_false(try_open(f, "s:with('x int', function(row) return row[1] end)"
				 ":to(cdcl.console {})"));
	assert_string_equal(f->error.text, "the row has no column \"1\"");
	open_script(f, "s:with('x int', function(row) return (row + 1).i end)"
		       ":to(cdcl.console {})");
	run_with(f, make_rows(f, 100));
	assert_int_equal(f->dead.total, 100);
}

static void test_to_table(void **state)
{
	struct fixture *f = *state;
	open_script(f, "local kept\n"
		       "s:with('x int', function(row)\n"
		       "  kept = kept or cdcl.to_table(row)\n"
		       "  return kept.i + (kept.t == 't0' and 1 or 0) + #kept.j.l\n"
		       "end):to(cdcl.console {})");
	struct column *x = run_with(f, make_rows(f, 5));
	assert_int_equal(f->dead.total, 0);
	assert_int_equal(((int32_t *)x->data)[4], 4);
}

/* Without the JIT compiler the answers are the same. */
static void test_interpreted(void **state)
{
	struct fixture *f = *state;
	f->no_jit = true;
	test_error_costs_the_row(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_filter),
		TEST(test_filter_must_answer_boolean),
		TEST(test_error_costs_the_row),
		TEST(test_integers_stay_exact),
		TEST(test_fraction_into_integer),
		TEST(test_out_of_range),
		TEST(test_wrong_type),
		TEST(test_too_many_values),
		TEST(test_unknown_column),
		TEST(test_trace_report),
		TEST(test_strings),
		TEST(test_decimals),
		TEST(test_decimal_text),
		TEST(test_json),
		TEST(test_json_dies_with_its_chunk),
		TEST(test_row_cannot_be_written),
		TEST(test_null_result),
		TEST(test_flat_map),
		TEST(test_flat_map_overflows_a_chunk),
		TEST(test_flat_map_without_an_end),
		TEST(test_aggregate),
		TEST(test_metadata),
		TEST(test_pairs_of_json),
		TEST(test_null_and_back),
		TEST(test_wide_schema),
		TEST(test_row_is_no_array),
		TEST(test_to_table),
		TEST(test_interpreted),
#undef TEST
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
