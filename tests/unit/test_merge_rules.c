/* The rules of a merge in Lua: what they see and may write, the three-way answer, rows of one key
 * in one chunk, what a broken rule costs. */

#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "data/chunk.h"
#include "expr/merge_function.h"
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
	struct dead_letter_writer writer;
	struct error error;
	struct merge_function *function;
	struct merge_rows *rows;
	struct chunk *event;
	int32_t event_column[8];
	char reasons[4096]; /* of dead letters, a line each */
};

/* Columns: id the key, quantity, price, note, big; op says what came. */
static const char head[] =
	"local cdcl = require 'cdcl'\n"
	"local s = cdcl.file { path = 'x', schema = 'id int, quantity int, price decimal(10,2), "
	"note string, big bigint, op string' }\n"
	"s:merge { key = 'id',\n";
enum { id_column, quantity_column, price_column, note_column, big_column };

static int write_dead(struct dead_letter_writer *w, enum dead_letter_reason reason,
	const struct chunk *c, uint32_t row, const struct error *why, struct error *err)
{
	(void)c, (void)row, (void)err;
	struct fixture *f = container_of(w, struct fixture, writer);
	assert_int_equal(reason, DEAD_LUA);
	size_t n = strlen(f->reasons);
	const char *place = strrchr(why->place, ':');
	snprintf(f->reasons + n, sizeof(f->reasons) - n, "%s %s\n", place, why->text);
	return 0;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	check(f != NULL);
	log_init(&clock_system, LOG_NONE, false);
	arena_init(&f->arena, 1 << 20);
	dead_letters_init(&f->dead, &clock_system);
	f->writer.write = write_dead;
	f->dead.writer = &f->writer;
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

static bool try_open(struct fixture *f, const char *rules)
{
	snprintf(f->path, sizeof(f->path), "/tmp/cdcl_rules_%d.lua", (int)getpid());
	struct error err;
	int fd = file_open_write(f->path, false, &err);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, str_c(head), f->path, &err), 0);
	assert_int_equal(file_write_all(fd, str_c(rules), f->path, &err), 0);
	assert_int_equal(file_write_all(fd, str_lit("\n}:to(cdcl.memory { output_mode = "
						    "'changelog' })\n"),
				 f->path, &err),
		0);
	file_close(fd);
	struct script_options options = {
		.path = f->path, .jit = true, .clock = &clock_system, .call_ms_max = 60000};
	error_init(&f->error);
	f->script = script_open(&options, &f->error);
	unlink(f->path);
	return f->script != NULL;
}

static void open_rules(struct fixture *f, const char *rules)
{
	if (!try_open(f, rules))
		fail_msg("%s: %s", f->error.place, f->error.text);
	struct plan *p = script_plan(f->script);
	for (uint32_t i = 0; i < p->node_count; i++) {
		struct plan_node *n = p->nodes[i];
		if (n->kind != PLAN_MERGE)
			continue;
		f->function = n->merge->function;
		f->event = chunk_alloc(&f->arena, n->inputs[0]->schema);
		f->rows = arena_zalloc(&f->arena, sizeof(*f->rows), 8);
		f->rows->event = f->event;
		f->rows->old = chunk_alloc(&f->arena, n->schema);
		f->rows->next = chunk_alloc(&f->arena, n->schema);
		f->rows->event_column = f->event_column;
		for (uint32_t c = 0; c < schema_total(n->schema); c++)
			f->event_column[c] =
				schema_find(f->event->schema, n->schema->columns[c].name);
	}
	assert_non_null(f->function);
}

static void put_row(struct fixture *f, struct chunk *c, uint32_t row, int32_t id, int32_t quantity)
{
	((int32_t *)c->columns[id_column].data)[row] = id;
	((int32_t *)c->columns[quantity_column].data)[row] = quantity;
	((int128 *)c->columns[price_column].data)[row] = (int128)quantity * 100 + 50;
	((struct str *)c->columns[note_column].data)[row] =
		str_printf(&f->arena, "n%d", quantity);
	((int64_t *)c->columns[big_column].data)[row] = (INT64_C(1) << 60) + quantity;
}

/* An event, with its old row of half the quantity or none. */
static uint32_t add(
	struct fixture *f, enum change_op op, int32_t id, int32_t quantity, bool has_old)
{
	struct merge_rows *r = f->rows;
	uint32_t i = r->count++;
	put_row(f, f->event, i, id, quantity);
	((struct str *)f->event->columns[5].data)[i] = str_c(change_op_name(op));
	put_row(f, r->old, i, id, quantity / 2);
	r->rows[i] = (uint16_t)i;
	r->link[i] = -1;
	r->has_old[i] = has_old;
	r->op[i] = (uint8_t)op;
	r->action[i] = op == CHANGE_DELETE ? MERGE_ACTION_DELETE : MERGE_ACTION_UPSERT;
	r->outcome[i] = op == CHANGE_DELETE ? MERGE_OUTCOME_DELETE : MERGE_OUTCOME_ROW;
	return i;
}

static void link_to(struct fixture *f, uint32_t row, uint32_t before)
{
	f->rows->link[row] = (int16_t)before;
}

static void call(struct fixture *f)
{
	chunk_set_rows(f->event, f->rows->count);
	merge_rows_fill(f->rows, 0, f->rows->count);
	if (f->function->call(f->function, f->rows, &f->dead, &f->error) < 0)
		fail_msg("%s: %s", f->error.place, f->error.text);
}

static int32_t quantity_of(struct fixture *f, uint32_t row)
{
	if (column_is_null(&f->rows->next->columns[quantity_column], row))
		return -1;
	return ((int32_t *)f->rows->next->columns[quantity_column].data)[row];
}

static struct str note_of(struct fixture *f, uint32_t row)
{
	return ((struct str *)f->rows->next->columns[note_column].data)[row];
}

static void expect_outcomes(struct fixture *f, const char *wanted)
{
	static const char letters[] = {'r', 'd', 'o', 'x'};
	assert_int_equal(f->rows->count, strlen(wanted));
	for (uint32_t i = 0; i < f->rows->count; i++)
		if (letters[f->rows->outcome[i]] != wanted[i])
			fail_msg("row %u: %c, not %c\n%s", i, letters[f->rows->outcome[i]],
				wanted[i], f->reasons);
}

static void test_answers(void **state)
{
	struct fixture *f = *state;
	open_rules(f, "on_insert = function(new, event)\n"
		      "  if new.id == 1 then return cdcl.delete end\n"
		      "  new.note = event['@op'] .. event.op\n  return new\nend,\n"
		      "on_update = function(old, new, event)\n"
		      "  if new.id == 1 then return old end\n"
		      "  if new.id == 2 then return nil, 'no: ' .. new.note end\n"
		      "  if new.id == 3 then return cdcl.delete end\n"
		      "  new.quantity = old.quantity + new.quantity\n  return new\nend,\n"
		      "on_delete = function(old, event, new)\n"
		      "  if old.id == 1 then return old end\n"
		      "  if old.id == 2 then new.quantity = -5 return new end\n"
		      "  return cdcl.delete\nend");
	assert_true(f->function->has_insert && f->function->has_update && f->function->has_delete);
	add(f, CHANGE_INSERT, 1, 10, false);
	add(f, CHANGE_INSERT, 2, 10, false);
	for (int32_t id = 1; id <= 4; id++)
		add(f, CHANGE_UPDATE, id, 10, true);
	for (int32_t id = 1; id <= 3; id++)
		add(f, CHANGE_DELETE, id, 10, true);
	add(f, CHANGE_DELETE, 1, 10, false);
	call(f);
	expect_outcomes(f, "droxdrordd");
	assert_true(str_eq(note_of(f, 1), str_lit("insertinsert")));
	assert_int_equal(quantity_of(f, 5), 15);
	assert_int_equal(quantity_of(f, 7), -5);
	assert_string_equal(f->reasons, ":9 on_update: no: n10\n");
}

/* The third sees what the second made of what the first made; a refused one changes nothing. */
static void test_links(void **state)
{
	struct fixture *f = *state;
	open_rules(f, "on_insert = function(new) new.note = 'first' return new end,\n"
		      "on_update = function(old, new)\n"
		      "  if new.quantity == 13 then return nil, 'bad luck' end\n"
		      "  if new.quantity == 14 then return cdcl.delete end\n"
		      "  if new.quantity == 15 then return old end\n"
		      "  new.quantity = old.quantity + new.quantity\n"
		      "  new.note = old.note .. '+'\n  return new\nend");
	for (int32_t i = 0; i < 8; i++)
		add(f, i == 0 ? CHANGE_INSERT : CHANGE_UPDATE, 1, 10 + i, false);
	for (uint32_t i = 1; i < 8; i++)
		link_to(f, i, i - 1);
	call(f);
	/* 10; +11; +12; refused; deleted; inserted 15; +16; +17 */
	expect_outcomes(f, "rrrxdrrr");
	assert_int_equal(quantity_of(f, 2), 33);
	assert_true(str_eq(note_of(f, 2), str_lit("first++")));
	assert_int_equal(f->rows->has_old[4], 1);
	assert_int_equal(f->rows->has_old[5], 0);
	assert_int_equal(quantity_of(f, 7), 48);
	assert_true(str_eq(note_of(f, 7), str_lit("first++")));
}

/* Under patch a linked row keeps what the row before it became. */
static void test_link_keeps(void **state)
{
	struct fixture *f = *state;
	open_rules(f, "on_update = function(old, new) new.quantity = new.quantity + 1 return new "
		      "end");
	add(f, CHANGE_UPDATE, 1, 100, true);
	add(f, CHANGE_UPDATE, 1, 7, true);
	link_to(f, 1, 0);
	static uint64_t keeps[8][chunk_words];
	memset(keeps, 0, sizeof(keeps));
	bit_set(keeps[quantity_column], 0);
	bit_set(keeps[quantity_column], 1);
	f->rows->keeps = keeps;
	call(f);
	assert_int_equal(quantity_of(f, 0), 51);
	assert_int_equal(quantity_of(f, 1), 52);
	assert_true(str_eq(note_of(f, 1), str_lit("n7")));
}

static void test_values(void **state)
{
	struct fixture *f = *state;
	open_rules(f, "on_update = function(old, new)\n"
		      "  if new.id == 1 then new.quantity = 1.5 end\n"
		      "  if new.id == 2 then new.quantity = 2^31 end\n"
		      "  if new.id == 3 then new.note = 5 end\n"
		      "  if new.id == 4 then new.price = 'x' end\n"
		      "  if new.id == 5 then new.note = nil new.quantity = cdcl.null end\n"
		      "  if new.id == 6 then new.big = old.big + 1 new.price = old.price * 2 end\n"
		      "  return new\nend");
	for (int32_t id = 1; id <= 6; id++)
		add(f, CHANGE_UPDATE, id, 10, true);
	call(f);
	expect_outcomes(f, "xxxxrr");
	assert_int_equal(quantity_of(f, 4), -1);
	assert_true(column_is_null(&f->rows->next->columns[note_column], 4));
	assert_true(((int64_t *)f->rows->next->columns[big_column].data)[5] ==
		(INT64_C(1) << 60) + 6);
	assert_true(((int128 *)f->rows->next->columns[price_column].data)[5] == 1100);
	assert_string_equal(f->reasons,
		":5 on_update: column quantity (int): 1.5 is no integer of its range\n"
		":6 on_update: column quantity (int): 2147483648 is no integer of its range\n"
		":7 on_update: column note (string): 5 does not fit\n"
		":8 on_update: column price (decimal(10,2)): the string \"x\" does not fit\n");
}

static void test_wrong_answers(void **state)
{
	struct fixture *f = *state;
	open_rules(f, "on_update = function(old, new, event)\n"
		      "  if new.id == 1 then return end\n"
		      "  if new.id == 2 then return nil end\n"
		      "  if new.id == 3 then return event end\n"
		      "  if new.id == 4 then return {} end\n"
		      "  if new.id == 5 then return nil, 5 end\n"
		      "  if new.id == 6 then return old.quantity + new.quantity end\n"
		      "  if new.id == 7 then return true end\n"
		      "  return new\nend");
	for (int32_t id = 1; id <= 8; id++)
		add(f, CHANGE_UPDATE, id, 10, true);
	bit_set(f->rows->old->columns[quantity_column].nulls, 5);
	call(f);
	expect_outcomes(f, "xxxxxxxr");
	assert_string_equal(f->reasons,
		":4 on_update: answered nothing: answer new, old, cdcl.delete, or nil and the "
		"reason why not\n"
		":4 on_update: answered nothing: answer new, old, cdcl.delete, or nil and the "
		"reason why not\n"
		":4 on_update: answered the event: answer new, old, cdcl.delete, or nil and the "
		"reason why not\n"
		":4 on_update: answered a table: answer new, old, cdcl.delete, or nil and the "
		"reason why not\n"
		":4 on_update: answered nil and a reason that is a number: answer new, old, "
		"cdcl.delete, or nil and the reason why not\n"
		":10 on_update: attempt to perform arithmetic on field 'quantity' (a nil value): "
		"column quantity of old is NULL\n"
		":4 on_update: answered a boolean: answer new, old, cdcl.delete, or nil and the "
		"reason why not\n");
}

static void expect_mistake(struct fixture *f, const char *rules, const char *text, const char *help)
{
	if (try_open(f, rules))
		fail_msg("loads: %s", rules);
	assert_string_equal(f->error.text, text);
	if (strstr(f->error.help, help) == NULL)
		fail_msg("help: %s", f->error.help);
	assert_int_equal(f->error.code, CDCL_E_SCRIPT);
}

static void test_mistakes_at_load(void **state)
{
	struct fixture *f = *state;
	expect_mistake(f, "on_update = function(old, new) return new.quantiyt and new end",
		"the row has no column \"quantiyt\"", "\"quantity\"");
	expect_mistake(f, "on_update = function(old, new) new.quantiyt = 5 return new end",
		"the row has no column \"quantiyt\"", "\"quantity\"");
	expect_mistake(f, "on_update = function(old, new) old.quantity = 5 return new end",
		"old cannot be written to", "write to new");
	expect_mistake(f, "on_delete = function(old, event) event.quantity = 5 return old end",
		"an event cannot be written to", "write to new");
	expect_mistake(f, "on_insert = function(new) new.id = 5 return new end",
		"id is the table's key: a rule cannot change it", "");
	expect_mistake(f, "on_insert = function(new, event) return event['@opp'] and new end",
		"the row has no column \"@opp\"", "");
}

/* A full chunk of one key: 1,024 events, each on top of the one before. */
static void test_full_chunk(void **state)
{
	struct fixture *f = *state;
	open_rules(f, "on_update = function(old, new)\n"
		      "  if new.quantity == 1000 then error('at 1000') end\n"
		      "  new.quantity = old.quantity + 1\n  return new\nend");
	for (int32_t i = 0; i < chunk_rows_max; i++)
		add(f, CHANGE_UPDATE, 1, i, i == 0);
	for (uint32_t i = 1; i < chunk_rows_max; i++)
		link_to(f, i, i - 1);
	call(f);
	assert_int_equal(quantity_of(f, chunk_rows_max - 1), 1023);
	assert_int_equal(f->rows->outcome[1000], MERGE_OUTCOME_REFUSED);
	assert_int_equal(f->dead.total, 1);
	assert_non_null(strstr(f->reasons, ":5 on_update: at 1000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_keeps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mistakes_at_load, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_chunk, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
