/* What was added with a hash is given back, the newest first, and nothing else. */

#include "base/hash_chains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { things = 3000 };

static uint32_t hashes[things];

static void expect_all(const struct hash_chains *h, uint32_t hash, uint32_t added)
{
	uint32_t at = hash_chains_newest(h, hash);
	for (uint32_t i = added; i-- > 0;) {
		if (hashes[i] != hash)
			continue;
		assert_int_equal(at, i);
		at = hash_chains_older(h, at);
	}
	assert_int_equal(at, HASH_CHAINS_END);
}

static void test_all_of_a_hash(void **unused)
{
	(void)unused;
	struct hash_chains h = {0};
	expect_all(&h, 7, 0);
	uint64_t random = 1;
	for (uint32_t i = 0; i < things; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		/* some alone, some often, some that differ in high bits only */
		hashes[i] = i % 3 == 0 ? (uint32_t)(random >> 32)
			: i % 3 == 1   ? (uint32_t)(random >> 60)
				       : (uint32_t)(random >> 60) << 28 | 5;
		hash_chains_add(&h, hashes[i]);
		if (i % 97 == 0)
			expect_all(&h, hashes[i / 2], i + 1);
	}
	for (uint32_t i = 0; i < things; i += 11) {
		expect_all(&h, hashes[i], things);
		expect_all(&h, hashes[i] ^ 0x10000, things);
	}
	hash_chains_release(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_a_hash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
