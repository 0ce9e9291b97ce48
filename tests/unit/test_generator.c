/* Generated events: the same seed, a life per key, and faults that leave the final state alone. */
#include "base/str.h"
#include "source/generator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { keys_max = 50, events_max = 20000 };

static struct generate_config config_of(enum generate_kind kind, int64_t count)
{
	struct generate_config c = generate_config_default(kind);
	c.count = count;
	c.keys = keys_max;
	return c;
}

static void all_text(const struct generate_config *config, struct strbuf *out)
{
	struct generator *g = generator_open(config);
	struct generated e;
	while (generator_next(g, &e)) {
		strbuf_add(out, e.key);
		strbuf_add_byte(out, ' ');
		strbuf_add(out, e.value);
		strbuf_add_byte(out, '\n');
	}
	generator_close(g);
}

static bool same_text(const struct generate_config *a, const struct generate_config *b)
{
	struct strbuf one;
	struct strbuf two;
	strbuf_init(&one);
	strbuf_init(&two);
	all_text(a, &one);
	all_text(b, &two);
	bool same = str_eq(strbuf_str(&one), strbuf_str(&two));
	strbuf_release(&one);
	strbuf_release(&two);
	return same;
}

static void the_seed_decides(void **state)
{
	(void)state;
	struct generate_config a = config_of(GENERATE_ORDERS, 1000);
	struct generate_config b = a;
	assert_true(same_text(&a, &b));
	b.seed = 2;
	assert_false(same_text(&a, &b));
	a.skew = b.skew = 0.99;
	a.malformed = b.malformed = 0.1;
	a.late = b.late = 0.1;
	a.duplicates = b.duplicates = 0.1;
	b.seed = a.seed;
	assert_true(same_text(&a, &b));
}

/* What a reader of the tutorial expects, byte for byte. */
static void the_text_is_the_tutorials(void **state)
{
	(void)state;
	struct generate_config c = config_of(GENERATE_ORDERS, 1);
	c.keys = 1;
	struct generator *g = generator_open(&c);
	struct generated e;
	assert_true(generator_next(g, &e));
	assert_true(str_eq(e.key, str_lit("1001")));
	assert_true(str_starts(e.value, str_lit("{\"order_id\":1001,\"product\":\"")));
	struct str tail = str_lit("\"op\":\"insert\"}");
	assert_true(str_eq(str_sub(e.value, e.value.len - tail.len, tail.len), tail));
	assert_false(generator_next(g, &e));
	generator_close(g);
	c = config_of(GENERATE_CUSTOMERS, 1);
	c.keys = 1;
	g = generator_open(&c);
	assert_true(generator_next(g, &e));
	assert_true(str_eq(e.key, str_lit("1")));
	assert_true(str_starts(e.value, str_lit("{\"id\":1,\"name\":\"")));
	generator_close(g);
}

static struct str op_of(struct str value)
{
	static const char *const ops[] = {"insert", "update", "delete"};
	for (int i = 0; i < 3; i++) {
		size_t len = strlen(ops[i]);
		if (value.len > len + 2 &&
			memcmp(value.data + value.len - len - 2, ops[i], len) == 0)
			return str_c(ops[i]);
	}
	return (struct str){NULL, 0};
}

/* insert (update)* delete, and again; answers how many were checked. */
static int64_t check_lives(const struct generate_config *config, bool *alive, int64_t *reborn)
{
	bool seen[keys_max + 1001] = {false};
	struct generator *g = generator_open(config);
	struct generated e;
	int64_t count = 0;
	while (generator_next(g, &e)) {
		struct str op = op_of(e.value);
		if (op.data == NULL || e.value.data[1] != '"')
			continue; /* malformed */
		long key = strtol(e.key.data, NULL, 10) - 1001;
		assert_in_range(key, 0, keys_max - 1);
		assert_int_equal(alive[key], op.data[0] != 'i');
		if (op.data[0] == 'i' && seen[key])
			(*reborn)++;
		seen[key] = true;
		alive[key] = op.data[0] != 'd';
		count++;
	}
	generator_close(g);
	return count;
}

static void every_key_has_a_life(void **state)
{
	(void)state;
	bool alive[keys_max] = {false};
	int64_t reborn = 0;
	struct generate_config c = config_of(GENERATE_ORDERS, events_max);
	assert_int_equal(check_lives(&c, alive, &reborn), events_max);
	assert_true(reborn > 0);
}

static void late_events_keep_the_order_of_their_key(void **state)
{
	(void)state;
	bool alive[keys_max] = {false};
	int64_t reborn = 0;
	struct generate_config c = config_of(GENERATE_ORDERS, events_max);
	c.late = 0.2;
	struct generate_config plain = config_of(GENERATE_ORDERS, events_max);
	assert_int_equal(check_lives(&c, alive, &reborn), events_max);
	assert_false(same_text(&c, &plain));
}

static void malformed_copies_come_beside_the_good(void **state)
{
	(void)state;
	bool alive[keys_max] = {false};
	int64_t reborn = 0;
	struct generate_config c = config_of(GENERATE_ORDERS, events_max);
	c.malformed = 0.1;
	int64_t good = check_lives(&c, alive, &reborn);
	assert_in_range(good, events_max * 85 / 100, events_max * 96 / 100);
}

static void skew_makes_some_keys_hot(void **state)
{
	(void)state;
	struct generate_config c = config_of(GENERATE_ORDERS, events_max);
	c.keys = 1000;
	int64_t hottest[2] = {0, 0};
	for (int skewed = 0; skewed < 2; skewed++) {
		c.skew = skewed ? 0.99 : 0;
		int64_t counts[1000] = {0};
		struct generator *g = generator_open(&c);
		struct generated e;
		while (generator_next(g, &e))
			counts[strtol(e.key.data, NULL, 10) - 1001]++;
		generator_close(g);
		for (int i = 0; i < 1000; i++)
			hottest[skewed] = counts[i] > hottest[skewed] ? counts[i] : hottest[skewed];
	}
	assert_in_range(hottest[0], 1, 100);
	assert_in_range(hottest[1], 1000, 5000); /* 1 / H(1000, 0.99) is 0.13 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_seed_decides),
		cmocka_unit_test(the_text_is_the_tutorials),
		cmocka_unit_test(every_key_has_a_life),
		cmocka_unit_test(late_events_keep_the_order_of_their_key),
		cmocka_unit_test(malformed_copies_come_beside_the_good),
		cmocka_unit_test(skew_makes_some_keys_hot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
