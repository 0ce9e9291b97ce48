#include "base/check.h"
#include "base/log.h"
#include "data/chunk.h"
#include "data/dead_letter.h"
#include "data/row_codec.h"
#include "data/spark_hash.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

static struct schema *schema_of(const enum type_id *ids, uint32_t count)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
	struct schema *s = schema_alloc(&arena, count);
	for (uint32_t i = 0; i < count; i++) {
		s->columns[i].name = str_c(names[i]);
		s->columns[i].type = ids[i] == TYPE_DECIMAL ? type_decimal(38, 2) : type_of(ids[i]);
	}
	return s;
}

static void test_types(void **state)
{
	(void)state;
	struct strbuf out;
	strbuf_init(&out);
	struct type element = type_decimal(10, 2), array = {.id = TYPE_ARRAY, .element = &element};
	type_name(array, &out);
	assert_true(str_eq(strbuf_str(&out), str_lit("array<decimal(10,2)>")));
	assert_true(type_eq(array, array));
	assert_false(type_eq(type_decimal(10, 2), type_decimal(10, 3)));
	assert_true(
		type_is_integer(type_of(TYPE_TINYINT)) && type_is_integer(type_of(TYPE_BIGINT)));
	assert_false(type_is_integer(type_of(TYPE_DATE)) || type_is_integer(type_of(TYPE_FLOAT)));
	assert_true(type_is_numeric(type_decimal(1, 0)) && !type_is_numeric(type_of(TYPE_BOOLEAN)));
	strbuf_release(&out);
}

static void test_schema(void **state)
{
	(void)state;
	struct schema *s = schema_of((enum type_id[]){TYPE_INT, TYPE_STRING, TYPE_DECIMAL}, 3);
	s->columns[1].name = str_lit("or`der id");
	struct strbuf out;
	strbuf_init(&out);
	schema_text(s, &out);
	assert_true(
		str_eq(strbuf_str(&out), str_lit("a int, `or``der id` string, c decimal(38,2)")));
	assert_int_equal(schema_find(s, str_lit("c")), 2);
	assert_int_equal(schema_find(s, str_lit("C")), SCHEMA_MISSING);
	assert_int_equal(schema_find_fold(s, str_lit("C")), 2);
	s->columns[1].name = str_lit("C");
	assert_int_equal(schema_find_fold(s, str_lit("c")), SCHEMA_AMBIGUOUS);
	assert_int_equal(schema_find(s, str_lit("c")), 2);
	strbuf_release(&out);
}

static void test_live_rows(void **state)
{
	(void)state;
	struct chunk *c = chunk_alloc(&arena, schema_of((enum type_id[]){TYPE_INT}, 1));
	static const uint32_t counts[] = {0, 1, 63, 64, 65, 1000, 1023, 1024};
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		chunk_set_rows(c, counts[i]);
		assert_int_equal(chunk_live_count(c), counts[i]);
		uint32_t seen = 0;
		for (uint32_t r = chunk_next_live(c, 0); r < chunk_rows_max;
			r = chunk_next_live(c, r + 1)) {
			assert_int_equal(r, seen++);
		}
		assert_int_equal(seen, counts[i]);
	}
	memset(c->live, 0, sizeof c->live);
	bit_set(c->live, 1023);
	assert_int_equal(chunk_next_live(c, 0), 1023);
	assert_int_equal(chunk_next_live(c, 1023), 1023);
	assert_int_equal(chunk_next_live(c, 1024), chunk_rows_max);
}

static struct value value_of(enum type_id id, int64_t n)
{
	struct value v = {.type = id == TYPE_DECIMAL ? type_decimal(38, 2) : type_of(id)};
	switch (type_phys(v.type)) {
	case PHYS_BOOL: v.as.boolean = n != 0; break;
	case PHYS_I32: v.as.i32 = (int32_t)n; break;
	case PHYS_I64: v.as.i64 = n; break;
	case PHYS_F32: v.as.f32 = (float)n; break;
	case PHYS_F64: v.as.f64 = (double)n; break;
	case PHYS_I128: v.as.i128 = (int128)n * ((int128)1 << 60); break;
	default: v.as.str = str_printf(&arena, "%lld", (long long)n); break;
	}
	return v;
}

static const enum type_id all_types[] = {TYPE_BOOLEAN, TYPE_INT, TYPE_BIGINT, TYPE_FLOAT,
	TYPE_DOUBLE, TYPE_DECIMAL, TYPE_STRING, TYPE_BINARY, TYPE_TIMESTAMP};

static struct chunk *filled(struct schema *s, uint32_t rows, int64_t first)
{
	struct chunk *c = chunk_alloc(&arena, s);
	chunk_set_rows(c, rows);
	for (uint32_t r = 0; r < rows; r++) {
		for (uint32_t i = 0; i < s->column_count; i++) {
			struct value v = value_of(s->columns[i].type.id, first + r);
			v.is_null = (r + i) % 5 == 0;
			value_to_column(&v, &c->columns[i], r);
		}
	}
	return c;
}

/* Rows outlive the chunk they came from, only live ones come, in order, over several chunks. */
static void test_append(void **state)
{
	(void)state;
	struct schema *s = schema_of(all_types, ARRAY_LEN(all_types));
	struct arena kept;
	arena_init(&kept, 65536);
	struct chunk *to = chunk_alloc(&kept, s);
	to->kinds = ARENA_ARRAY(&kept, uint8_t, chunk_rows_max);
	struct chunk *from = filled(s, 1000, 0);
	from->kinds = ARENA_ARRAY(&arena, uint8_t, chunk_rows_max);
	memset(from->kinds, ROW_DELETE, chunk_rows_max);
	for (uint32_t r = 0; r < 1000; r += 3) {
		bit_clear(from->live, r);
	}
	uint32_t next = 0;
	chunk_append(to, from, &next);
	assert_int_equal(next, chunk_rows_max);
	assert_int_equal(to->row_count, 666);
	struct chunk *more = filled(s, 1000, 5000);
	next = 0;
	chunk_append(to, more, &next);
	assert_int_equal(next, 1024 - 666); /* full: goes on from there next time */
	assert_int_equal(chunk_live_count(to), 1024);
	for (uint32_t i = 0; i < s->column_count; i++) {
		memset(from->columns[i].data, 0xff,
			phys_bytes(type_phys(s->columns[i].type)) * chunk_rows_max);
	}
	from = filled(s, 1000, 0);
	uint32_t at = 0;
	for (uint32_t r = 0; r < 1000; r++) {
		if (r % 3 == 0) {
			continue;
		}
		assert_int_equal(chunk_kind(to, at), ROW_DELETE);
		for (uint32_t i = 0; i < s->column_count; i++) {
			struct value a =
				value_from_column(&from->columns[i], s->columns[i].type, r);
			struct value b = value_from_column(&to->columns[i], s->columns[i].type, at);
			assert_int_equal(value_cmp(&a, &b), 0);
		}
		at++;
	}
	assert_int_equal(chunk_kind(to, 700), ROW_INSERT);
	arena_release(&kept);
}

static void test_value_order(void **state)
{
	(void)state;
	struct value nan = {.type = type_of(TYPE_DOUBLE), .as.f64 = (double)NAN}, big = nan,
		     zero = nan, minus = nan;
	big.as.f64 = HUGE_VAL;
	zero.as.f64 = 0.0;
	minus.as.f64 = -0.0;
	struct value null = value_null(nan.type);
	assert_true(value_cmp(&nan, &big) > 0);
	assert_int_equal(value_cmp(&nan, &nan), 0);
	assert_int_equal(value_cmp(&zero, &minus), 0);
	assert_true(value_cmp(&null, &minus) < 0);
	assert_int_equal(value_cmp(&null, &null), 0);
	struct value a = {.type = type_of(TYPE_STRING), .as.str = str_lit("\xc3\xa9")}, b = a;
	b.as.str = str_lit("z");
	assert_true(value_cmp(&a, &b) > 0);
}

static void test_row_codec(void **state)
{
	(void)state;
	struct strbuf bytes;
	strbuf_init(&bytes);
	for (int64_t n = -3; n < 4; n++) {
		for (size_t i = 0; i < ARRAY_LEN(all_types); i++) {
			struct value v = value_of(all_types[i], n);
			v.is_null = n == 2;
			row_codec_add(&bytes, &v);
		}
	}
	size_t at = 0;
	for (int64_t n = -3; n < 4; n++) {
		for (size_t i = 0; i < ARRAY_LEN(all_types); i++) {
			struct value v = value_of(all_types[i], n);
			v.is_null = n == 2;
			struct value back = row_codec_read(strbuf_str(&bytes), &at, v.type);
			assert_true(back.is_null == v.is_null);
			assert_int_equal(value_cmp(&back, &v), 0);
		}
	}
	assert_int_equal(at, bytes.len);
	strbuf_release(&bytes);
}

static void test_keys_compare_as_bytes(void **state)
{
	(void)state;
	struct strbuf a, b;
	strbuf_init(&a);
	strbuf_init(&b);
	uint64_t odd_nan = UINT64_C(0xfff8000000000123);
	struct value x = {.type = type_of(TYPE_DOUBLE), .as.f64 = -0.0},
		     y = {.type = type_of(TYPE_DOUBLE)};
	row_codec_add_key(&a, &x);
	row_codec_add_key(&b, &y);
	memcpy(&x.as.f64, &odd_nan, sizeof odd_nan);
	y.as.f64 = (double)NAN;
	row_codec_add_key(&a, &x);
	row_codec_add_key(&b, &y);
	struct value f = {.type = type_of(TYPE_FLOAT), .as.f32 = -0.0f},
		     g = {.type = type_of(TYPE_FLOAT)};
	row_codec_add_key(&a, &f);
	row_codec_add_key(&b, &g);
	assert_true(str_eq(strbuf_str(&a), strbuf_str(&b)));
	strbuf_release(&a);
	strbuf_release(&b);
}

/* Partitions that recorded boxes prove (insert 164, update 143, delete 153, NULL 42), and int and
 * long hashes. */
static void test_spark_hash(void **state)
{
	(void)state;
	struct value s = {.type = type_of(TYPE_STRING), .as.str = str_lit("insert")};
	assert_int_equal(spark_partition(spark_hash_value(&s, spark_hash_seed)), 164);
	s.as.str = str_lit("update");
	assert_int_equal(spark_partition(spark_hash_value(&s, spark_hash_seed)), 143);
	s.as.str = str_lit("delete");
	assert_int_equal(spark_partition(spark_hash_value(&s, spark_hash_seed)), 153);
	/* Bytes of the tail are signed. */
	s.as.str = str_lit("\xc3\xa9");
	assert_int_equal((int32_t)spark_hash_value(&s, spark_hash_seed), 2119106806);
	s.as.str = str_lit("abc\xc3\xa9");
	assert_int_equal((int32_t)spark_hash_value(&s, spark_hash_seed), 658795430);
	/* Two columns: each one's hash is the seed of the next. */
	struct value seven = {.type = type_of(TYPE_INT), .as.i32 = 7};
	s.as.str = str_lit("insert");
	uint32_t seed = spark_hash_value(&s, spark_hash_seed);
	assert_int_equal((int32_t)spark_hash_value(&seven, seed), -31082728);
	struct value null = value_null(type_of(TYPE_STRING));
	assert_int_equal(spark_partition(spark_hash_value(&null, spark_hash_seed)), 42);
	/* Spark: select hash(1), hash(1L), hash('Spark'), hash(cast(-1 as bigint)) */
	struct value one = {.type = type_of(TYPE_INT), .as.i32 = 1};
	assert_int_equal((int32_t)spark_hash_value(&one, spark_hash_seed), -559580957);
	struct value bigint = {.type = type_of(TYPE_BIGINT), .as.i64 = 1};
	assert_int_equal((int32_t)spark_hash_value(&bigint, spark_hash_seed), -1712319331);
	struct value yes = {.type = type_of(TYPE_BOOLEAN), .as.boolean = true};
	assert_int_equal(spark_hash_value(&yes, 42), spark_hash_value(&one, 42));
	struct value zero = {.type = type_of(TYPE_DOUBLE), .as.f64 = -0.0},
		     nil = {.type = type_of(TYPE_BIGINT)};
	assert_int_equal(spark_hash_value(&zero, 42), spark_hash_value(&nil, 42));
	struct value small = {.type = type_decimal(18, 2), .as.i128 = 1};
	assert_int_equal(spark_hash_value(&small, 42), spark_hash_value(&bigint, 42));
	struct value wide = {.type = type_decimal(38, 2), .as.i128 = -129}, bytes = s;
	bytes.as.str = str_lit("\xff\x7f");
	assert_int_equal(spark_hash_value(&wide, 42), spark_hash_value(&bytes, 42));
	wide.as.i128 = 128;
	bytes.as.str = str_lit("\x00\x80");
	assert_int_equal(spark_hash_value(&wide, 42), spark_hash_value(&bytes, 42));
	wide.as.i128 = 0;
	bytes.as.str = str_lit("\x00");
	assert_int_equal(spark_hash_value(&wide, 42), spark_hash_value(&bytes, 42));
}

/* ---- dead letters ---- */

static struct chunk *chunk_from_messages(void)
{
	struct messages *m = ARENA_NEW(&arena, struct messages);
	m->count = 2;
	m->topic[1] = str_lit("orders");
	m->partition[1] = 3;
	m->offset[1] = 8812;
	struct chunk *c = chunk_alloc(&arena, schema_of((enum type_id[]){TYPE_INT}, 1));
	uint16_t *origin = ARENA_ARRAY(&arena, uint16_t, chunk_rows_max);
	origin[5] = 1;
	c->messages = m;
	c->origin = origin;
	return c;
}

static void test_place(void **state)
{
	(void)state;
	struct chunk *c = chunk_from_messages();
	assert_true(str_eq(chunk_row_place(c, 5, &arena), str_lit("orders/3@8812")));
	c->messages = NULL;
	assert_int_equal(chunk_row_place(c, 5, &arena).len, 0);
}

static void test_error_budget(void **state)
{
	(void)state;
	struct clock_held clock;
	struct dead_letters d;
	struct error why, err;
	clock_held_init(&clock, 0);
	dead_letters_init(&d, &clock.clock);
	error_set(&why, CDCL_E_EXPR, "division by zero");
	struct chunk *c = chunk_from_messages();
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(dead_letter_add(&d, DEAD_EXPRESSION, c, 5, &why, &err), 0);
	}
	assert_int_equal(dead_letter_add(&d, DEAD_LUA, c, 5, &why, &err), -(int)CDCL_E_DATA);
	assert_non_null(strstr(err.text, "orders/3@8812: division by zero"));
	assert_int_equal(d.counts[DEAD_EXPRESSION], 1000);
	assert_int_equal(d.counts[DEAD_LUA], 1);
	assert_int_equal(d.total, 1001);
}

static void test_share_of_a_minute(void **state)
{
	(void)state;
	struct clock_held clock;
	struct dead_letters d;
	struct error why, err;
	clock_held_init(&clock, 0);
	dead_letters_init(&d, &clock.clock);
	error_set(&why, CDCL_E_JSON, "malformed");
	dead_letters_note_read(&d, 999);
	for (int i = 0; i < 60; i++) { /* too few records to say */
		assert_int_equal(dead_letter_add(&d, DEAD_MALFORMED, NULL, 0, &why, &err), 0);
	}
	clock.now_us = 61 * 1000000;
	dead_letters_note_read(&d, 2000);
	for (int i = 0; i < 100; i++) { /* 5 % */
		assert_int_equal(dead_letter_add(&d, DEAD_MALFORMED, NULL, 0, &why, &err), 0);
	}
	assert_int_equal(
		dead_letter_add(&d, DEAD_MALFORMED, NULL, 0, &why, &err), -(int)CDCL_E_DATA);
	clock.now_us = 122 * 1000000; /* another minute, another start */
	assert_int_equal(dead_letter_add(&d, DEAD_MALFORMED, NULL, 0, &why, &err), 0);
}

static void test_stop_at_first(void **state)
{
	(void)state;
	struct clock_held clock;
	struct dead_letters d;
	struct error why, err;
	clock_held_init(&clock, 0);
	dead_letters_init(&d, &clock.clock);
	d.stop_at_first = true;
	error_set(&why, CDCL_E_EXPR, "division by zero");
	error_at(&why, "orders.lua:4");
	assert_int_equal(dead_letter_add(&d, DEAD_EXPRESSION, chunk_from_messages(), 5, &why, &err),
		-(int)CDCL_E_EXPR);
	assert_string_equal(err.text, "orders/3@8812: division by zero");
	assert_string_equal(err.place, "orders.lua:4");
	assert_int_equal(
		dead_letter_add(&d, DEAD_EXPRESSION, NULL, 0, &why, &why), -(int)CDCL_E_EXPR);
}

static int begin(void **state)
{
	(void)state;
	log_init(&clock_system, LOG_NONE, false);
	arena_init(&arena, 65536);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_live_rows),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_value_order),
		cmocka_unit_test(test_row_codec),
		cmocka_unit_test(test_keys_compare_as_bytes),
		cmocka_unit_test(test_spark_hash),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_error_budget),
		cmocka_unit_test(test_share_of_a_minute),
		cmocka_unit_test(test_stop_at_first),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
