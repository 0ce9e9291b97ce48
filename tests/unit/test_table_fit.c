/* Rows kept under another shape, every type to every type: judged by what SQL's cast would give. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "data/decimal.h"
#include "data/value.h"
#include "state/table_shape.h"
#include "state/table_state.h"

#include <stdio.h>
#include <stdlib.h>

enum { rows_max = 40 };

static const char *const types[] = {"boolean", "tinyint", "smallint", "int", "bigint", "float",
	"double", "decimal(3,0)", "decimal(10,0)", "decimal(12,2)", "decimal(20,0)",
	"decimal(38,4)", "string", "binary", "date", "timestamp", "json"};

enum { type_count = sizeof(types) / sizeof(types[0]) };

/* By hand: what may become what, beside itself. */
static const char *const wider[type_count] = {
	[0] = " string ",
	[1] = " smallint int bigint float double decimal(3,0) decimal(10,0) decimal(12,2) "
	      "decimal(20,0) decimal(38,4) string ",
	[2] = " int bigint float double decimal(10,0) decimal(12,2) decimal(20,0) decimal(38,4) "
	      "string ",
	[3] = " bigint double decimal(10,0) decimal(12,2) decimal(20,0) decimal(38,4) string ",
	[4] = " double decimal(20,0) decimal(38,4) string ",
	[5] = " double ",
	[6] = " ",
	[7] = " decimal(10,0) decimal(12,2) decimal(20,0) decimal(38,4) ",
	[8] = " decimal(12,2) decimal(20,0) decimal(38,4) ",
	[9] = " decimal(38,4) ",
	[10] = " decimal(38,4) ",
	[11] = " ",
	[12] = " ",
	[13] = " ",
	[14] = " string ",
	[15] = " ",
	[16] = " ",
};

static uint64_t random_state = 7;

static uint64_t choose(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1;
	return random_state >> 20;
}

struct side {
	struct arena arena;
	struct schema *schema;
	struct row_key key;
	struct table *table;
	struct state_part *part;
	struct chunk *chunk;
};

static struct type type_of_name(const char *name)
{
	static const struct {
		const char *name;
		enum type_id id;
	} plain[] = {{"boolean", TYPE_BOOLEAN}, {"tinyint", TYPE_TINYINT},
		{"smallint", TYPE_SMALLINT}, {"int", TYPE_INT}, {"bigint", TYPE_BIGINT},
		{"float", TYPE_FLOAT}, {"double", TYPE_DOUBLE}, {"string", TYPE_STRING},
		{"binary", TYPE_BINARY}, {"date", TYPE_DATE}, {"timestamp", TYPE_TIMESTAMP},
		{"json", TYPE_JSON}};
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(plain[i].name, name) == 0)
			return type_of(plain[i].id);
	const char *comma = strchr(name, ',');
	return type_decimal((unsigned)atoi(name + 8), (unsigned)atoi(comma + 1));
}

/* "id int, NAME TYPE": key id. NULL: the key alone. */
static void open_side(struct side *s, const char *name, const char *type)
{
	struct error err;
	memset(s, 0, sizeof(*s));
	arena_init(&s->arena, 16 * 1024);
	s->schema = schema_alloc(&s->arena, type == NULL ? 1 : 2);
	s->schema->columns[0] = (struct schema_column){str_lit("id"), type_of(TYPE_INT)};
	if (type != NULL)
		s->schema->columns[1] = (struct schema_column){str_c(name), type_of_name(type)};
	s->key = (struct row_key){.count = 1, .columns = {0}};
	struct table_config config = {.schema = s->schema,
		.key = &s->key,
		.rows_max = 1000,
		.deleted_max = 1000,
		.name = str_lit("t")};
	s->table = table_open(&config, &err);
	assert_non_null(s->table);
	s->part = table_state_part(s->table);
	s->chunk = chunk_alloc(&s->arena, s->schema);
}

static void close_side(struct side *s)
{
	table_close(s->table);
	arena_release(&s->arena);
}

/* A value of the type, small enough for each of its kind. */
static struct value random_value(struct type type)
{
	struct value v = {.type = type, .is_null = choose() % 5 == 0};
	int64_t n = (int64_t)(choose() % 255) - 127;
	static const char *const texts[] = {"", "[1]", "a text that is longer than twelve"};
	if (type_phys(type) == PHYS_STR)
		v.as.str = str_c(texts[choose() % 3]);
	else if (type.id == TYPE_BOOLEAN)
		v.as.boolean = n > 0;
	else if (type.id == TYPE_BIGINT || type.id == TYPE_TIMESTAMP)
		v.as.i64 = choose() % 3 == 0 ? INT64_MIN : n;
	else if (type.id == TYPE_FLOAT)
		v.as.f32 = (float)n / 4;
	else if (type.id == TYPE_DOUBLE)
		v.as.f64 = (double)n / 3;
	else if (type.id == TYPE_DECIMAL)
		v.as.i128 = n;
	else
		v.as.i32 = (int32_t)n;
	return v;
}

static void fill(struct side *s, struct value *values)
{
	uint16_t rows[rows_max];
	uint32_t ids[rows_max];
	struct error err;
	for (uint16_t i = 0; i < rows_max; i++) {
		((int32_t *)s->chunk->columns[0].data)[i] = i;
		bit_clear(s->chunk->columns[0].nulls, i);
		values[i] = random_value(s->schema->columns[1].type);
		value_to_column(&values[i], &s->chunk->columns[1], i);
		rows[i] = i;
	}
	chunk_set_rows(s->chunk, rows_max);
	assert_int_equal(table_resolve(s->table, s->chunk, rows, rows_max, ids, &err), 0);
	assert_int_equal(table_put(s->table, ids, s->chunk, rows, rows_max, &err), 0);
	/* the last ten are deletes that are remembered */
	assert_int_equal(table_delete(s->table, ids + 30, s->chunk, rows + 30, 10, 5, &err), 0);
	table_release_empty(s->table);
	table_end_batch(s->table);
}

static bool is_same(const struct value *was, const struct value *is)
{
	if (was->is_null || is->is_null)
		return was->is_null == is->is_null;
	if (type_eq(was->type, is->type))
		return value_cmp(was, is) == 0;
	if (is->type.id != TYPE_STRING) {
		struct value a = *was;
		double x = a.type.id == TYPE_FLOAT ? (double)a.as.f32
			: a.type.id == TYPE_DECIMAL ? decimal_to_double(a.as.i128, a.type.scale)
			: a.type.id == TYPE_BIGINT  ? (double)a.as.i64
						    : (double)a.as.i32;
		double y = is->type.id == TYPE_DECIMAL
			? decimal_to_double(is->as.i128, is->type.scale)
			: is->type.id == TYPE_DOUBLE ? is->as.f64
			: is->type.id == TYPE_FLOAT  ? (double)is->as.f32
			: is->type.id == TYPE_BIGINT ? (double)is->as.i64
						     : (double)is->as.i32;
		return x == y;
	}
	struct strbuf text;
	strbuf_init(&text);
	value_text(was, VALUE_CONSOLE, NULL, &text);
	bool same = str_eq(strbuf_str(&text), is->as.str);
	strbuf_release(&text);
	return same;
}

/* Through the shapes, the records of `from` into `to`. */
static enum state_verdict move(struct side *from, struct side *to, const struct str *shapes,
	uint32_t count, struct strbuf *why)
{
	const struct state_fit *how = NULL;
	struct error err;
	struct strbuf records;
	uint64_t at = 0;
	strbuf_init(&records);
	enum state_verdict v =
		to->part->ops->fit(to->part, shapes, count, &to->arena, &how, why);
	if (v == STATE_CONVERT) {
		while (from->part->ops->scan(from->part, &at, 300, &records))
			;
		assert_int_equal(
			to->part->ops->convert(to->part, how, strbuf_str(&records), &err), 0);
		assert_int_equal(to->part->ops->ready(to->part, &err), 0);
		assert_int_equal(table_rows(to->table), 30);
		assert_int_equal(table_deleted(to->table), 10);
		/* cut anywhere it is an error, not a crash */
		struct side cut;
		open_side(&cut, "v", "int");
		struct str half = {records.data, records.len - 1};
		const struct state_fit *again = NULL;
		struct strbuf unseen;
		strbuf_init(&unseen);
		if (cut.part->ops->fit(cut.part, shapes, 1, &cut.arena, &again, &unseen) ==
			STATE_CONVERT)
			assert_int_equal(cut.part->ops->convert(cut.part, again, half, &err),
				-(int)CDCL_E_STATE);
		strbuf_release(&unseen);
		close_side(&cut);
	}
	strbuf_release(&records);
	return v;
}

static void judge_rows(struct side *to, const struct value *values, uint32_t column)
{
	for (uint32_t i = 0; i < 30; i++) {
		((int32_t *)to->chunk->columns[0].data)[0] = (int32_t)i;
		bit_clear(to->chunk->columns[0].nulls, 0);
		uint32_t id = table_find(to->table, to->chunk, 0);
		assert_true(id != table_none);
		table_gather(to->table, &id, 1, to->chunk);
		struct value got = value_from_column(&to->chunk->columns[column],
			to->schema->columns[column].type, 0);
		if (values == NULL)
			assert_true(got.is_null);
		else
			assert_true(is_same(&values[i], &got));
	}
}

static void test_every_type_to_every_type(void **state)
{
	(void)state;
	for (uint32_t a = 0; a < type_count; a++) {
		struct side from;
		struct value values[rows_max];
		open_side(&from, "v", types[a]);
		fill(&from, values);
		for (uint32_t b = 0; b < type_count; b++) {
			struct side to;
			struct strbuf why;
			char word[40];
			if (a == b)
				continue;
			strbuf_init(&why);
			open_side(&to, "v", types[b]);
			snprintf(word, sizeof(word), " %s ", types[b]);
			bool may = strstr(wider[a], word) != NULL;
			enum state_verdict v = move(&from, &to, &from.part->shape, 1, &why);
			if ((v == STATE_CONVERT) != may)
				fail_msg("%s to %s: %s", types[a], types[b], state_verdict_name(v));
			if (may)
				judge_rows(&to, values, 1);
			strbuf_release(&why);
			close_side(&to);
		}
		close_side(&from);
	}
}

/* A column that a script dropped stays lost when a later one has it again. */
static void test_what_was_dropped_stays_lost(void **state)
{
	(void)state;
	struct side from, to;
	struct value values[rows_max];
	struct strbuf why;
	strbuf_init(&why);
	open_side(&from, "v", "int");
	fill(&from, values);
	open_side(&to, "v", "bigint");
	struct str shapes[2] = {from.part->shape, str_lit("id int; key id")};
	assert_int_equal(move(&from, &to, shapes, 2, &why), STATE_CONVERT);
	judge_rows(&to, NULL, 1);
	close_side(&to);
	open_side(&to, "w", "string");
	strbuf_reset(&why);
	assert_int_equal(move(&from, &to, shapes, 1, &why), STATE_CONVERT);
	assert_true(str_eq(strbuf_str(&why), str_lit("added w, dropped v")));
	judge_rows(&to, NULL, 1);
	close_side(&to);
	open_side(&to, "v", "int");
	struct str other = str_lit("id int, v int; key v");
	assert_int_equal(move(&from, &to, &other, 1, &why), STATE_REFUSE);
	other = str_lit("no shape");
	assert_int_equal(move(&from, &to, &other, 1, &why), STATE_REFUSE);
	close_side(&to);
	close_side(&from);
	strbuf_release(&why);
}

static int take_free(struct state_part *p, uint32_t id)
{
	struct error err;
	char bytes[5] = {0};
	memcpy(bytes, &id, sizeof(id));
	return p->ops->apply(p, (struct str){bytes, sizeof(bytes)}, &err);
}

/* Ids that records leave out are bounded in all, where a bound is set. */
static void test_ids_left_out(void **state)
{
	(void)state;
	struct side s;
	struct error err;
	open_side(&s, NULL, NULL);
	struct table_config config = {.schema = s.schema,
		.key = &s.key,
		.rows_max = 1000000,
		.deleted_max = 10,
		.name = str_lit("t"),
		.left_out_bytes_max = 100 * 1000};
	struct table *t = table_open(&config, &err);
	assert_non_null(t);
	struct state_part *p = table_state_part(t);
	assert_int_equal(take_free(p, 0), 0);
	for (uint32_t i = 1; i < 100000; i++)
		assert_int_equal(take_free(p, i), 0);
	assert_int_equal(take_free(p, 100100), 0);
	assert_int_equal(take_free(p, 100200), 0);
	assert_int_equal(take_free(p, 200000), -(int)CDCL_E_STATE);
	table_close(t);
	config.left_out_bytes_max = 0;
	t = table_open(&config, &err);
	p = table_state_part(t);
	assert_int_equal(take_free(p, 500000), 0);
	assert_int_equal(take_free(p, 3000000), -(int)CDCL_E_STATE);
	table_close(t);
	close_side(&s);
}

/* Row 7's v. */
static void put_bigint(struct side *s, int64_t n)
{
	struct error err;
	uint16_t row = 0;
	uint32_t id;
	((int32_t *)s->chunk->columns[0].data)[0] = 7;
	((int64_t *)s->chunk->columns[1].data)[0] = n;
	bit_clear(s->chunk->columns[1].nulls, 0);
	assert_int_equal(table_resolve(s->table, s->chunk, &row, 1, &id, &err), 0);
	assert_int_equal(table_put(s->table, &id, s->chunk, &row, 1, &err), 0);
	table_end_batch(s->table);
}

static void delete_row(struct side *s)
{
	struct error err;
	uint16_t row = 0;
	uint32_t id;
	assert_int_equal(table_resolve(s->table, s->chunk, &row, 1, &id, &err), 0);
	assert_int_equal(table_delete(s->table, &id, s->chunk, &row, 1, 5, &err), 0);
	table_end_batch(s->table);
}

/* All, or what changed since the last time. */
static void take_changes(struct side *from, struct side *to, bool all)
{
	struct strbuf records, why;
	struct error err;
	const struct state_fit *how = NULL;
	uint64_t at = 0;
	strbuf_init(&records);
	strbuf_init(&why);
	assert_int_equal(
		to->part->ops->fit(to->part, &from->part->shape, 1, &to->arena, &how, &why),
		STATE_CONVERT);
	while (all && from->part->ops->scan(from->part, &at, 300, &records))
		;
	while (!all && from->part->ops->changes(from->part, 300, &records))
		;
	if (records.len > 0)
		assert_int_equal(
			to->part->ops->convert(to->part, how, strbuf_str(&records), &err), 0);
	strbuf_release(&records);
	strbuf_release(&why);
}

enum replaced { REPLACED_NOT, REPLACED_BY_EXACT, REPLACED_BY_OTHER, REPLACED_BY_DELETE };

static void judge_double(int64_t n, enum replaced replaced, bool good)
{
	struct side from, to;
	struct value values[rows_max];
	struct error err;
	open_side(&from, "v", "bigint");
	open_side(&to, "v", "double");
	fill(&from, values);
	put_bigint(&from, n);
	take_changes(&from, &to, true);
	take_changes(&from, &to, false);
	if (replaced == REPLACED_BY_DELETE)
		delete_row(&from);
	else if (replaced != REPLACED_NOT)
		put_bigint(&from, replaced == REPLACED_BY_EXACT ? 5 : INT64_MAX - 1);
	take_changes(&from, &to, false);
	assert_int_equal(to.part->ops->ready(to.part, &err), good ? 0 : -(int)CDCL_E_STATE);
	if (!good) {
		struct strbuf wanted;
		strbuf_init(&wanted);
		strbuf_addf(&wanted,
			"table t: 1 kept row has numbers that their column's new type does not "
			"hold exactly: column \"v\" has %lld, which is no double",
			(long long)(replaced == REPLACED_NOT ? n : INT64_MAX - 1));
		assert_string_equal(err.text, str_dup(strbuf_str(&wanted), &from.arena).data);
		strbuf_release(&wanted);
	}
	close_side(&from);
	close_side(&to);
}

/* A bigint that no double is exactly is an error, and not another number; one that was replaced
 * since, and is in the log still, is nobody's. */
static void test_a_double_that_is_not_exact(void **state)
{
	(void)state;
	const int64_t odd = (INT64_C(1) << 53) + 1;
	judge_double(odd - 1, REPLACED_NOT, true);
	judge_double(odd, REPLACED_NOT, false);
	judge_double(INT64_MAX, REPLACED_NOT, false);
	judge_double(INT64_MIN, REPLACED_NOT, true);
	judge_double(INT64_MIN + 1, REPLACED_NOT, false);
	judge_double(odd, REPLACED_BY_EXACT, true);
	judge_double(odd, REPLACED_BY_DELETE, true);
	judge_double(odd, REPLACED_BY_OTHER, false);
	judge_double(5, REPLACED_BY_OTHER, false);
}

/* Hidden columns may have one name: those of a position do. */
static void test_shape_with_repeated_names(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 4096);
	struct str shape = str_lit("id int; hidden `@position` bigint, `@position` bigint, "
				   "`@offset` bigint; key id");
	const struct schema *schema;
	struct row_key key;
	assert_true(table_shape_parse(shape, &arena, &schema, &key));
	assert_int_equal(schema->hidden_count, 3);
	struct strbuf again;
	strbuf_init(&again);
	table_shape_text(schema, &key, &again);
	assert_true(str_eq(strbuf_str(&again), shape));
	assert_false(table_shape_parse(str_lit("a int, a int; key a"), &arena, &schema, &key));
	strbuf_release(&again);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_to_every_type),
		cmocka_unit_test(test_what_was_dropped_stays_lost),
		cmocka_unit_test(test_ids_left_out),
		cmocka_unit_test(test_a_double_that_is_not_exact),
		cmocka_unit_test(test_shape_with_repeated_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
