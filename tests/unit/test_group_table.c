/* Groups, pieces of memory and multisets against naive models with random operations. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "state/group_table.h"
#include "state/multiset.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t state;

static uint32_t next_random(uint32_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33) % below;
}

static void test_null_and_empty(void **unused)
{
	(void)unused;
	struct slab slab;
	struct group_table t;
	struct error err;
	error_init(&err);
	slab_init(&slab);
	group_table_init(&t, &slab, 100);
	struct str keys[] = {{NULL, 0}, {"", 0}, {"a", 1}, {NULL, 0}, {"", 0}, {"a", 1}};
	uint32_t ids[6], fresh[6];
	assert_int_equal(group_table_put(&t, keys, 6, ids, fresh, &err), 3);
	assert_int_equal(ids[0], 0);
	assert_int_equal(ids[1], 1);
	assert_int_equal(ids[2], 2);
	assert_memory_equal(ids, ids + 3, 3 * sizeof(ids[0]));
	assert_null(group_table_key(&t, 0).data);
	assert_non_null(group_table_key(&t, 1).data);
	group_table_release(&t);
	slab_release(&slab);
}

static void test_bound(void **unused)
{
	(void)unused;
	struct slab slab;
	struct group_table t;
	struct error err;
	error_init(&err);
	slab_init(&slab);
	group_table_init(&t, &slab, 3);
	struct str keys[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}};
	uint32_t ids[4], fresh[4];
	assert_int_equal(group_table_put(&t, keys, 4, ids, fresh, &err), -CDCL_E_DATA);
	assert_non_null(strstr(err.text, "more than 3 groups"));
	group_table_release(&t);
	slab_release(&slab);
}

/* Keys of every length around the fast compares; equal beginnings and endings on purpose. */
static struct str random_key(char *buffer)
{
	static const uint32_t lengths[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 40, 1500};
	size_t len = lengths[next_random(ARRAY_LEN(lengths))];
	memset(buffer, 'x', len);
	for (int i = 0; i < 2 && len > 0; i++)
		buffer[next_random((uint32_t)len)] = (char)('a' + next_random(3));
	return (struct str){buffer, len};
}

enum { model_max = 4000 };

static void test_random_puts_and_removes(void **unused)
{
	(void)unused;
	struct slab slab;
	struct group_table t;
	struct error err;
	error_init(&err);
	slab_init(&slab);
	group_table_init(&t, &slab, UINT32_MAX);
	static char *model[model_max];
	static size_t model_len[model_max];
	static char buffers[64][1500];
	uint32_t live = 0;
	for (int round = 0; round < 3000; round++) {
		struct str keys[64];
		uint32_t ids[64], fresh[64], count = 1 + next_random(64);
		for (uint32_t i = 0; i < count; i++)
			keys[i] = random_key(buffers[i]);
		int added = group_table_put(&t, keys, count, ids, fresh, &err);
		assert_true(added >= 0);
		for (int i = 0; i < added; i++) {
			assert_true(fresh[i] < model_max);
			assert_null(model[fresh[i]]);
			struct str key = group_table_key(&t, fresh[i]);
			model[fresh[i]] = malloc(key.len + 1);
			memcpy(model[fresh[i]], key.data, key.len);
			model_len[fresh[i]] = key.len;
			live++;
		}
		for (uint32_t i = 0; i < count; i++) {
			assert_non_null(model[ids[i]]);
			assert_int_equal(model_len[ids[i]], keys[i].len);
			assert_memory_equal(model[ids[i]], keys[i].data, keys[i].len);
			assert_int_equal(group_table_find(&t, keys[i]), ids[i]);
		}
		for (uint32_t n = next_random(60); n > 0 && live > 0; n--) {
			uint32_t id = next_random(t.id_count);
			if (model[id] == NULL)
				continue;
			struct str key = {model[id], model_len[id]};
			group_table_remove(&t, id);
			assert_int_equal(group_table_find(&t, key), group_none);
			free(model[id]);
			model[id] = NULL;
			live--;
		}
		assert_int_equal(t.count, live);
	}
	for (uint32_t i = 0; i < model_max; i++)
		free(model[i]);
	group_table_release(&t);
	slab_release(&slab);
}

/* Segments that grow, split and are taken from huge pages; half of the groups go and come back. */
static void test_many(void **unused)
{
	(void)unused;
	enum { many = 256 * 1024, at_once = 512 };
	struct slab slab;
	struct group_table t;
	struct error err;
	error_init(&err);
	slab_init(&slab);
	group_table_init(&t, &slab, many);
	static uint32_t found[many];
	for (int round = 0; round < 3; round++) {
		for (uint32_t from = 0; from < many; from += at_once) {
			uint32_t numbers[at_once], fresh[at_once];
			struct str keys[at_once];
			for (uint32_t i = 0; i < at_once; i++) {
				numbers[i] = from + i;
				keys[i] = (struct str){(const char *)&numbers[i], sizeof(*numbers)};
			}
			int added = group_table_put(&t, keys, at_once, found + from, fresh, &err);
			assert_int_equal(
				added, round == 0 ? at_once : round == 1 ? at_once / 2 : 0);
		}
		assert_int_equal(t.count, many);
		assert_int_equal(t.id_count, many);
		for (uint32_t i = 0; i < many; i++) {
			struct str key = group_table_key(&t, found[i]);
			assert_int_equal(key.len, sizeof(i));
			assert_memory_equal(key.data, &i, sizeof(i));
		}
		for (uint32_t i = 0; i < many && round == 0; i += 2)
			group_table_remove(&t, found[i]);
	}
	assert_true(t.index.huge.page_count > 0);
	group_table_release(&t);
	slab_release(&slab);
}

static void test_slab_gives_back(void **unused)
{
	(void)unused;
	struct slab slab;
	slab_init(&slab);
	static struct {
		unsigned char *piece;
		size_t len;
	} held[500];
	for (int round = 0; round < 50000; round++) {
		uint32_t i = next_random(ARRAY_LEN(held));
		for (size_t k = 0; k < held[i].len; k++)
			assert_int_equal(held[i].piece[k], i & 255);
		slab_free(&slab, held[i].piece, held[i].len);
		held[i].len = next_random(20) == 0 ? next_random(5000) : next_random(100);
		held[i].piece = slab_alloc(&slab, held[i].len);
		memset(held[i].piece, (int)(i & 255), held[i].len);
	}
	for (uint32_t i = 0; i < ARRAY_LEN(held); i++)
		slab_free(&slab, held[i].piece, held[i].len);
	assert_int_equal(slab.bytes_used, 0);
	slab_release(&slab);
}

/* Two groups of a multiset against plain arrays. */
static void test_multiset(void **unused)
{
	(void)unused;
	struct slab slab;
	struct error err;
	error_init(&err);
	slab_init(&slab);
	struct multiset *m = multiset_open(&slab);
	struct multiset_list lists[2] = {{0}};
	static char model[2][5000];
	uint32_t counts[2] = {0};
	for (int round = 0; round < 20000; round++) {
		uint32_t g = next_random(2);
		char value = (char)('a' + next_random(20));
		struct str bytes = {&value, 1};
		char *found = memchr(model[g], value, counts[g]);
		if (next_random(2) == 0 && found != NULL) {
			assert_true(multiset_remove(m, &lists[g], g, bytes));
			size_t at = (size_t)(found - model[g]);
			memmove(found, found + 1, counts[g] - at - 1);
			counts[g]--;
		} else if (counts[g] < 5000) {
			assert_int_equal(multiset_add(m, &lists[g], g, bytes, &err), 0);
			model[g][counts[g]++] = value;
		}
		assert_int_equal(lists[g].count, counts[g]);
		if (round % 50 != 0)
			continue;
		uint32_t i = 0;
		for (uint32_t n = lists[g].first; n != 0; n = multiset_next(m, n))
			assert_int_equal(multiset_bytes(m, n).data[0], model[g][i++]);
		assert_int_equal(i, counts[g]);
	}
	assert_false(multiset_remove(m, &lists[0], 0, (struct str){"never given", 11}));
	multiset_close(m);
	slab_release(&slab);
}

int main(void)
{
	const char *seed = getenv("SEED");
	state = seed != NULL ? strtoull(seed, NULL, 10) : 20240115;
	printf("# SEED=%llu\n", (unsigned long long)state);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_and_empty),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_random_puts_and_removes),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_slab_gives_back),
		cmocka_unit_test(test_multiset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
