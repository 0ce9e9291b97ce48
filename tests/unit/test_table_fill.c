/*
 * A table from the records of another: the same rows under the same ids, each key is found, and ids
 * that were free are given again from the lowest on. Also of so many rows that two threads make the
 * index, and of rows with more NULL bits than are read at once.
 * tests/run: variants=dev,asan,tsan
 */

#include "state/table_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { columns_max = 70, frame_bytes = 100000 };

struct subject {
	struct arena arena;
	struct schema *schema;
	struct row_key key;
	struct chunk *c;
	struct table *table;
	struct state_part *part;
	struct error err;
};

/* An integer as key, then strings and numbers by turns. */
static void open_subject(struct subject *s, uint32_t columns)
{
	static const enum type_id types[] = {TYPE_STRING, TYPE_BIGINT, TYPE_BOOLEAN, TYPE_STRING};
	*s = (struct subject){.key = {1, {0}}};
	error_init(&s->err);
	arena_init(&s->arena, 1 << 16);
	s->schema = schema_alloc(&s->arena, columns);
	s->schema->columns[0] = (struct schema_column){str_lit("id"), type_of(TYPE_INT)};
	for (uint32_t i = 1; i < columns; i++)
		s->schema->columns[i] = (struct schema_column){
			str_printf(&s->arena, "c%u", i), type_of(types[i % 4])};
	s->c = chunk_alloc(&s->arena, s->schema);
	struct table_config config = {.schema = s->schema,
		.key = &s->key,
		.rows_max = 1000000,
		.deleted_max = 10,
		.name = str_lit("filled")};
	s->table = table_open(&config, &s->err);
	assert_non_null(s->table);
	s->part = table_state_part(s->table);
}

static void close_subject(struct subject *s)
{
	table_close(s->table);
	arena_release(&s->arena);
}

static void set_column(struct subject *s, uint32_t column, uint32_t row, uint32_t key)
{
	static const char text[] = "one of twelve or of many more bytes, 49 at the most";
	struct column *c = &s->c->columns[column];
	uint32_t value = key * 2654435761u + column * 40503u;
	if (value % 5 == 0)
		bit_set(c->nulls, row);
	else
		bit_clear(c->nulls, row);
	if (s->schema->columns[column].type.id == TYPE_STRING)
		((struct str *)c->data)[row] = (struct str){text, value / 5 % 50};
	else if (s->schema->columns[column].type.id == TYPE_BIGINT)
		((int64_t *)c->data)[row] = (int64_t)value << 7;
	else
		((uint8_t *)c->data)[row] = value / 5 % 2;
}

/* Of keys from, from + step, ... the ids; they are put or deleted when that is asked. */
enum what { ONLY_FIND, PUT, DELETE };

static void with_keys(struct subject *s, uint32_t from, uint32_t to, uint32_t step, enum what what,
	void (*of_each)(uint32_t key, uint32_t id))
{
	uint16_t rows[chunk_rows_max];
	uint32_t ids[chunk_rows_max];
	while (from < to) {
		uint32_t count = 0, first = from;
		for (; count < chunk_rows_max && from < to; from += step, count++) {
			rows[count] = (uint16_t)count;
			((int32_t *)s->c->columns[0].data)[count] = (int32_t)from;
			for (uint32_t i = 1; i < s->schema->column_count; i++)
				set_column(s, i, count, from);
		}
		chunk_set_rows(s->c, count);
		for (uint32_t i = 0; what == ONLY_FIND && i < count; i++)
			ids[i] = table_find(s->table, s->c, i);
		if (what != ONLY_FIND)
			assert_int_equal(
				table_resolve(s->table, s->c, rows, count, ids, &s->err), 0);
		if (what == PUT)
			assert_int_equal(table_put(s->table, ids, s->c, rows, count, &s->err), 0);
		if (what == DELETE)
			assert_int_equal(
				table_delete(s->table, ids, s->c, rows, count, 1, &s->err), 0);
		table_release_empty(s->table);
		for (uint32_t i = 0; of_each != NULL && i < count; i++)
			of_each(first + i * step, ids[i]);
	}
	table_end_batch(s->table);
}

/* A snapshot in frames, as they come from a file; all of it in `all`. */
static void copy(struct subject *from, struct subject *to, struct strbuf *all)
{
	uint64_t at = 0;
	bool more = true;
	strbuf_init(all);
	while (more) {
		struct strbuf frame;
		strbuf_init(&frame);
		more = from->part->ops->scan(from->part, &at, frame_bytes, &frame);
		if (to != NULL)
			assert_int_equal(to->part->ops->apply(
				to->part, strbuf_str(&frame), &to->err), 0);
		strbuf_add(all, strbuf_str(&frame));
		strbuf_release(&frame);
	}
	if (to != NULL)
		assert_int_equal(to->part->ops->ready(to->part, &to->err), 0);
}

static uint32_t next_free;

static void is_next_free(uint32_t key, uint32_t id)
{
	(void)key;
	assert_int_equal(id, next_free);
	next_free += 7;
}

static void is_its_id(uint32_t key, uint32_t id)
{
	assert_int_equal(id, key % 7 == 0 ? table_none : key);
}

/* Every seventh key goes, but for the last of them, which are remembered. */
static void fill(uint32_t columns, uint32_t rows)
{
	struct subject a, b;
	struct strbuf before, after;
	open_subject(&a, columns);
	open_subject(&b, columns);
	with_keys(&a, 0, rows, 1, PUT, NULL);
	with_keys(&a, 0, rows, 7, DELETE, NULL);
	uint32_t freed = rows / 7 - 20;
	assert_int_equal(table_deleted(a.table), 10);
	copy(&a, &b, &before);
	copy(&b, NULL, &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	assert_int_equal(table_rows(b.table), table_rows(a.table));
	assert_int_equal(table_deleted(b.table), 10);
	with_keys(&b, 0, freed * 7, 1, ONLY_FIND, is_its_id);
	next_free = 0;
	with_keys(&b, rows, rows + freed, 1, PUT, is_next_free);
	strbuf_release(&before);
	strbuf_release(&after);
	close_subject(&a);
	close_subject(&b);
}

static void test_few(void **unused)
{
	(void)unused;
	fill(5, 3000);
}

static void test_with_a_second_thread(void **unused)
{
	(void)unused;
	fill(5, 150000);
}

static void test_many_columns(void **unused)
{
	(void)unused;
	for (uint32_t columns = 53; columns <= columns_max; columns++)
		fill(columns, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_with_a_second_thread),
		cmocka_unit_test(test_many_columns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
