/* Sort keys, trees of bytes, packed rows and net changes against naive twins. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "data/row_codec.h"
#include "data/row_pack.h"
#include "data/sort_key.h"
#include "state/net_changes.h"
#include "state/ordered.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state;

static uint32_t next_random(uint32_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33) % below;
}

/* ---- sort keys ---- */

static struct str random_bytes(char *into)
{
	static const char letters[] = {0, 1, 'a', 'b', (char)0xff};
	size_t len = next_random(5);
	for (size_t i = 0; i < len; i++)
		into[i] = letters[next_random(sizeof(letters))];
	return (struct str){into, len};
}

static double random_double(void)
{
	static const double odd[] = {
		0.0, -0.0, NAN, -NAN, INFINITY, -INFINITY, 5e-324, -1.5, 1e300};
	if (next_random(2) == 0)
		return odd[next_random(sizeof(odd) / sizeof(odd[0]))];
	return ((double)next_random(2000) - 1000) / 8;
}

static struct value random_value(struct type type, char *into)
{
	struct value v = {.type = type, .is_null = next_random(6) == 0};
	uint64_t bits = (uint64_t)next_random(UINT32_MAX) << 32 | next_random(UINT32_MAX);
	bool small = next_random(2) == 0;
	switch (type_phys(type)) {
	case PHYS_BOOL: v.as.boolean = next_random(2) == 0; break;
	case PHYS_I32: v.as.i32 = small ? (int32_t)next_random(3) - 1 : (int32_t)bits; break;
	case PHYS_I64: v.as.i64 = small ? (int64_t)next_random(3) - 1 : (int64_t)bits; break;
	case PHYS_F32: v.as.f32 = (float)random_double(); break;
	case PHYS_F64: v.as.f64 = random_double(); break;
	case PHYS_I128: v.as.i128 = (int128)(int64_t)bits * (small ? 1 : (int64_t)bits); break;
	case PHYS_STR:
	case phys_count: v.as.str = random_bytes(into); break;
	}
	return v;
}

static int sign(int c)
{
	return (c > 0) - (c < 0);
}

static int wanted_order(
	const struct value *a, const struct value *b, bool descending, bool nulls_last)
{
	if (a->is_null || b->is_null) {
		int c = (int)b->is_null - (int)a->is_null;
		return nulls_last ? -c : c;
	}
	int c = sign(value_cmp(a, b));
	return descending ? -c : c;
}

static void test_sort_keys_order_like_values(void **unused)
{
	(void)unused;
	static const enum type_id ids[] = {TYPE_BOOLEAN, TYPE_INT, TYPE_BIGINT, TYPE_FLOAT,
		TYPE_DOUBLE, TYPE_STRING, TYPE_DATE};
	struct strbuf x, y;
	strbuf_init(&x);
	strbuf_init(&y);
	state = 7;
	for (uint32_t i = 0; i < 200000; i++) {
		uint32_t which = next_random(8);
		struct type type = which == 7 ? type_decimal(38, 3) : type_of(ids[which]);
		char a_bytes[8], b_bytes[8];
		struct value a = random_value(type, a_bytes), b = random_value(type, b_bytes);
		bool descending = next_random(2) == 0, nulls_last = next_random(2) == 0;
		strbuf_reset(&x);
		strbuf_reset(&y);
		sort_key_add(&x, &a, descending, nulls_last);
		sort_key_add(&y, &b, descending, nulls_last);
		int want = wanted_order(&a, &b, descending, nulls_last);
		/* What comes behind a key must not matter, unless the keys are equal. */
		strbuf_add(&x, random_bytes(a_bytes));
		if (want == 0)
			continue;
		strbuf_add(&y, random_bytes(b_bytes));
		assert_int_equal(sign(str_cmp(strbuf_str(&x), strbuf_str(&y))), want);
	}
	strbuf_release(&x);
	strbuf_release(&y);
}

static void test_equal_values_have_equal_sort_keys(void **unused)
{
	(void)unused;
	struct value pairs[][2] = {
		{{.type = type_of(TYPE_DOUBLE), .as.f64 = 0.0},
			{.type = type_of(TYPE_DOUBLE), .as.f64 = -0.0}},
		{{.type = type_of(TYPE_DOUBLE), .as.f64 = NAN},
			{.type = type_of(TYPE_DOUBLE), .as.f64 = -NAN}},
	};
	struct strbuf x, y;
	strbuf_init(&x);
	strbuf_init(&y);
	for (uint32_t i = 0; i < 2; i++) {
		strbuf_reset(&x);
		strbuf_reset(&y);
		sort_key_add(&x, &pairs[i][0], false, false);
		sort_key_add(&y, &pairs[i][1], false, false);
		assert_true(str_eq(strbuf_str(&x), strbuf_str(&y)));
	}
	assert_false(value_same(&pairs[0][0], &pairs[0][1]));
	assert_true(value_same(&pairs[1][0], &pairs[1][1]));
	strbuf_release(&x);
	strbuf_release(&y);
}

/* [1] < [1, 2] < [2], and NULL elements first. */
static void test_arrays_order_by_element(void **unused)
{
	(void)unused;
	static const struct type element = {.id = TYPE_INT};
	struct type type = {.id = TYPE_ARRAY, .element = &element};
	static const int lists[][3] = {{0}, {1, -9}, {1, 1}, {2, 1, 2}, {1, 2}};
	struct strbuf keys[5];
	for (uint32_t i = 0; i < 5; i++) {
		struct strbuf bytes;
		uint32_t count = (uint32_t)lists[i][0];
		strbuf_init(&bytes);
		strbuf_init(&keys[i]);
		strbuf_add(&bytes, (struct str){(const char *)&count, sizeof(count)});
		for (uint32_t k = 0; k < count; k++) {
			struct value v = {.type = element, .as.i32 = lists[i][k + 1],
				.is_null = lists[i][k + 1] == -9};
			row_codec_add(&bytes, &v);
		}
		struct value array = {.type = type, .as.str = strbuf_str(&bytes)};
		sort_key_add(&keys[i], &array, false, false);
		strbuf_release(&bytes);
	}
	for (uint32_t i = 0; i + 1 < 5; i++)
		assert_true(str_cmp(strbuf_str(&keys[i]), strbuf_str(&keys[i + 1])) < 0);
	for (uint32_t i = 0; i < 5; i++)
		strbuf_release(&keys[i]);
}

/* ---- trees ---- */

enum { sets_max = 3, words_max = 40 };

static void assert_set(
	const struct ordered *o, const struct ordered_set *set, const uint32_t *counts)
{
	struct ordered_walk walk;
	uint32_t total = 0, first = 0, last = 0;
	ordered_walk_start(&walk, o, set);
	for (uint32_t word = 0; word < words_max; word++) {
		char text[8];
		snprintf(text, sizeof(text), "%02u", word);
		if (counts[word] == 0)
			continue;
		uint32_t n = ordered_walk_next(&walk);
		assert_int_not_equal(n, 0);
		assert_true(str_eq(ordered_bytes(o, n), str_c(text)));
		assert_int_equal(ordered_count(o, n), counts[word]);
		total += counts[word];
		first = first == 0 ? n : first;
		last = n;
	}
	assert_int_equal(ordered_walk_next(&walk), 0);
	assert_int_equal(set->count, total);
	assert_int_equal(ordered_first(o, set), first);
	assert_int_equal(ordered_last(o, set), last);
}

static void test_ordered_is_a_sorted_list(void **unused)
{
	(void)unused;
	struct slab slab;
	struct error err;
	slab_init(&slab);
	struct ordered *o = ordered_open(&slab);
	struct ordered_set sets[sets_max] = {0};
	uint32_t counts[sets_max][words_max] = {0};
	state = 11;
	for (uint32_t i = 0; i < 30000; i++) {
		uint32_t s = next_random(sets_max), word = next_random(words_max);
		char text[8];
		snprintf(text, sizeof(text), "%02u", word);
		if (next_random(100) == 0) {
			ordered_clear(o, &sets[s]);
			memset(counts[s], 0, sizeof(counts[s]));
		} else if (next_random(2) == 0) {
			assert_int_equal(ordered_add(o, &sets[s], str_c(text), &err), 0);
			counts[s][word]++;
		} else {
			bool there = counts[s][word] > 0;
			assert_int_equal(ordered_remove(o, &sets[s], str_c(text)), there);
			counts[s][word] -= there;
		}
		if (i % 16 == 0)
			assert_set(o, &sets[s], counts[s]);
	}
	for (uint32_t s = 0; s < sets_max; s++)
		ordered_clear(o, &sets[s]);
	assert_int_equal(slab.bytes_used, 0);
	ordered_close(o);
	slab_release(&slab);
}

/* Ascending input is the worst case of a tree that does not balance; the walk has a bound. */
static void test_ordered_stays_shallow(void **unused)
{
	(void)unused;
	struct slab slab;
	struct error err;
	slab_init(&slab);
	struct ordered *o = ordered_open(&slab);
	struct ordered_set set = {0};
	for (uint32_t i = 0; i < 200000; i++) {
		char text[16];
		snprintf(text, sizeof(text), "%08u", i);
		assert_int_equal(ordered_add(o, &set, str_c(text), &err), 0);
	}
	struct ordered_walk walk;
	uint32_t deepest = 0, count = 0;
	ordered_walk_start(&walk, o, &set);
	do {
		deepest = walk.depth > deepest ? walk.depth : deepest;
		count++;
	} while (ordered_walk_next(&walk) != 0);
	assert_int_equal(count, 200001);
	assert_true(deepest < 64);
	ordered_close(o);
	slab_release(&slab);
}

/* ---- packed rows ---- */

static void test_row_pack(void **unused)
{
	(void)unused;
	struct arena arena;
	arena_init(&arena, 64 * 1024);
	struct schema *s = schema_alloc_hidden(&arena, 3, 1);
	static const enum type_id ids[] = {TYPE_STRING, TYPE_INT, TYPE_DOUBLE, TYPE_BIGINT};
	for (uint32_t i = 0; i < 4; i++)
		s->columns[i] = (struct schema_column){str_lit("c"), type_of(ids[i])};
	const struct row_key key = {.count = 2, .columns = {3, 1}};
	static const int32_t columns[] = {0, 1, -1, 3}; /* 2 is not needed */
	struct row_pack p;
	row_pack_init(&p, s, &key, columns);
	assert_int_equal(p.count, 3);
	struct chunk *c = chunk_alloc(&arena, s), *out = chunk_alloc(&arena, s);
	for (uint32_t i = 0; i < 4; i++) {
		memset(c->columns[i].nulls, 0, sizeof(c->columns[i].nulls));
		memset(out->columns[i].nulls, 0, sizeof(out->columns[i].nulls));
	}
	((struct str *)c->columns[0].data)[5] = str_lit("text");
	((int32_t *)c->columns[1].data)[5] = 7;
	bit_set(c->columns[3].nulls, 5);
	struct strbuf packed;
	strbuf_init(&packed);
	row_pack_add(&p, c, 5, &packed);
	/* NULL is a byte, an int five */
	assert_int_equal(row_pack_key(&p, strbuf_str(&packed)).len, 6);
	size_t at = 0;
	row_pack_read(&p, strbuf_str(&packed), &at, out, 2, columns);
	assert_int_equal(at, packed.len);
	assert_true(str_eq(((struct str *)out->columns[0].data)[2], str_lit("text")));
	assert_int_equal(((int32_t *)out->columns[1].data)[2], 7);
	assert_true(column_is_null(&out->columns[3], 2));
	row_pack_read(&p, strbuf_str(&packed), &at, out, 3, columns); /* the end: NULLs */
	assert_true(column_is_null(&out->columns[0], 3) && column_is_null(&out->columns[1], 3));
	strbuf_release(&packed);
	row_pack_release(&p);
	arena_release(&arena);
}

/* ---- net changes ---- */

enum { net_keys = 5, net_rows = 4 };

static void add_random(struct net_changes *n, int weights[net_keys][net_rows])
{
	uint32_t key = next_random(net_keys), row = next_random(net_rows);
	char key_text[4], row_text[4];
	struct error err;
	snprintf(key_text, sizeof(key_text), "k%u", key);
	snprintf(row_text, sizeof(row_text), "r%u", row);
	int weight = next_random(2) == 0 ? 1 : -1;
	assert_int_equal(net_changes_add(n, str_c(key_text), str_c(row_text), weight, &err), 0);
	weights[key][row] += weight;
}

static void test_net_changes(void **unused)
{
	(void)unused;
	struct net_changes *n = net_changes_open();
	state = 3;
	for (uint32_t round = 0; round < 2000; round++) {
		int weights[net_keys][net_rows] = {0};
		int left[net_rows] = {0}, total[net_rows] = {0};
		for (uint32_t i = next_random(40); i > 0; i--)
			add_random(n, weights);
		for (uint32_t k = 0; k < net_keys; k++)
			for (uint32_t r = 0; r < net_rows; r++)
				total[r] += weights[k][r];
		struct net_walk walk = {0};
		struct net_change change;
		while (net_changes_next(n, &walk, &change)) {
			assert_true(change.was.data != NULL || change.is.data != NULL);
			if (change.was.data != NULL)
				left[change.was.data[1] - '0']--;
			if (change.is.data != NULL)
				left[change.is.data[1] - '0']++;
			if (change.was.data != NULL && change.is.data != NULL)
				assert_false(str_eq(change.was, change.is));
		}
		assert_memory_equal(left, total, sizeof(left));
		net_changes_reset(n);
	}
	net_changes_close(n);
}

/* A row that was and one that is, of one key, are one change. */
static void test_net_changes_pair(void **unused)
{
	(void)unused;
	struct net_changes *n = net_changes_open();
	struct error err;
	struct net_walk walk = {0};
	struct net_change change;
	net_changes_add(n, str_lit("k"), str_lit("new"), 1, &err);
	net_changes_add(n, str_lit("k"), str_lit("between"), 1, &err);
	net_changes_add(n, str_lit("k"), str_lit("between"), -1, &err);
	net_changes_add(n, str_lit("k"), str_lit("old"), -1, &err);
	net_changes_add(n, str_lit(""), str_lit("only"), 1, &err);
	assert_true(net_changes_next(n, &walk, &change));
	assert_true(str_eq(change.was, str_lit("old")) && str_eq(change.is, str_lit("new")));
	assert_true(net_changes_next(n, &walk, &change));
	assert_true(change.was.data == NULL && str_eq(change.is, str_lit("only")));
	assert_false(net_changes_next(n, &walk, &change));
	net_changes_close(n);
}

/* Long keys of a large batch, which lie in pages of their own, are memory, too. */
static void test_net_changes_bytes(void **unused)
{
	(void)unused;
	enum { keys = 10000, key_bytes = 900 };
	struct net_changes *n = net_changes_open();
	struct error err;
	char key[key_bytes] = {0};
	for (uint32_t i = 0; i < keys; i++) {
		memcpy(key, &i, sizeof(i));
		struct str bytes = {key, sizeof(key)};
		assert_int_equal(net_changes_add(n, bytes, str_lit("row"), 1, &err), 0);
	}
	assert_true(net_changes_bytes(n) >= keys * key_bytes);
	net_changes_close(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort_keys_order_like_values),
		cmocka_unit_test(test_equal_values_have_equal_sort_keys),
		cmocka_unit_test(test_arrays_order_by_element),
		cmocka_unit_test(test_ordered_is_a_sorted_list),
		cmocka_unit_test(test_ordered_stays_shallow),
		cmocka_unit_test(test_row_pack),
		cmocka_unit_test(test_net_changes),
		cmocka_unit_test(test_net_changes_pair),
		cmocka_unit_test(test_net_changes_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
