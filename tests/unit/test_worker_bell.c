/*
 * The hand-over between a worker and the process that reads: what a block holds is seen by who
 * takes it, and whoever sleeps is woken. Between threads here, so that the thread sanitizer sees
 * both sides.
 * tests/run: variants=dev,asan,tsan
 */

#include "runtime/worker_bell.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { block_count = 6, rounds = 20000, lost_ms = 20000 };

struct block {
	uint64_t asked; /* the reading side's, then the worker's, in turn */
	uint64_t answer;
	_Atomic bool done;
};

static struct block blocks[block_count];
static struct worker_bell bell;
static int to_worker[2], to_reader[2];

static void *work(void *unused)
{
	uint16_t number;
	while (read(to_worker[0], &number, sizeof(number)) == sizeof(number)) {
		struct block *b = &blocks[number];
		b->answer = b->asked * 3;
		if (worker_bell_done(&bell, number, &b->done) && write(to_reader[1], "", 1) != 1)
			break;
	}
	return unused;
}

static void give(uint64_t n)
{
	uint16_t number = (uint16_t)(n % block_count);
	blocks[number].asked = n;
	blocks[number].done = false;
	assert_int_equal(write(to_worker[1], &number, sizeof(number)), sizeof(number));
}

/* Until the block is done; answers whether it slept. */
static bool sleep_for(uint64_t n)
{
	struct block *b = &blocks[n % block_count];
	bool slept = false;
	/* at all moments of the worker's */
	for (volatile uint64_t spins = n * 7919 % 3000; spins > 0; spins--)
		;
	while (!worker_bell_want(&bell, (uint32_t)(n % block_count), &b->done)) {
		char byte;
		struct pollfd p = {.fd = to_reader[0], .events = POLLIN};
		assert_int_equal(poll(&p, 1, lost_ms), 1); /* else the wake-up was lost */
		assert_int_equal(read(to_reader[0], &byte, 1), 1);
		slept = true;
	}
	worker_bell_mute(&bell);
	return slept;
}

static void nothing_is_lost(void **unused)
{
	(void)unused;
	pthread_t worker;
	uint64_t first = 0, slept = 0;
	worker_bell_mute(&bell);
	assert_int_equal(pipe(to_worker), 0);
	assert_int_equal(pipe(to_reader), 0);
	assert_int_equal(pthread_create(&worker, NULL, work, NULL), 0);
	for (uint64_t n = 0; n < rounds; n++) {
		give(n);
		/* by turns full, and one at a time */
		uint64_t left = n / 1000 % 2 == 0 ? block_count - 1 : 0;
		for (; n - first + 1 > left; first++) {
			slept += sleep_for(first);
			assert_int_equal(blocks[first % block_count].answer, first * 3);
		}
	}
	close(to_worker[1]);
	assert_int_equal(pthread_join(worker, NULL), 0);
	assert_true(slept > 0);
	close(to_worker[0]);
	close(to_reader[0]);
	close(to_reader[1]);
}

/* Who is awake is not rung for, nor for another block than the one that is wanted. */
static void rings_for_the_wanted(void **unused)
{
	(void)unused;
	_Atomic bool done = false;
	worker_bell_mute(&bell);
	assert_false(worker_bell_done(&bell, 0, &done));
	assert_true(done);
	done = false;
	assert_false(worker_bell_want(&bell, 3, &done));
	assert_false(worker_bell_done(&bell, 2, &done));
	assert_true(worker_bell_done(&bell, 3, &done));
	assert_true(worker_bell_want(&bell, 3, &done));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_for_the_wanted),
		cmocka_unit_test(nothing_is_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
