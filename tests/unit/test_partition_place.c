/* Where a partition stands: what opens an epoch, and above all what does not. */

#include "decode/partition_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum kind { STREAM, LONE, READ, FIRST };        /* LONE: of rows alone its positions grow */

struct step {
	enum kind kind;
	int64_t file;
	int64_t pos;
	int64_t time_us;
	int64_t epoch;          /* wanted */
	uint64_t origin;
};

static void walk(const struct step *steps)
{
	struct partition_place at = {.epoch = 0};
	for (int i = 0; steps[i].file >= 0; i++) {
		const struct step *s = &steps[i];
		struct change_position p = {.parts = {77, s->file, s->pos, 3}};
		struct partition_event e = {.time_us = s->time_us,
			.origin = s->origin,
			.streamed = s->kind <= LONE,
			.first = s->kind == FIRST,
			.begins = i == 0,
			.grows = s->kind != LONE};
		struct partition_place before = at;
		bool news = partition_place_step(&at, &p, &e);
		if (p.parts[0] != s->epoch)
			fail_msg("step %d: epoch %d, not %d", i, (int)p.parts[0], (int)s->epoch);
		assert_true(p.known && p.parts[1] == s->file && p.parts[2] == s->pos);
		assert_int_equal(p.parts[3], 3);
		bool same = before.seen && before.epoch == at.epoch &&
			before.lsn_max == at.lsn_max && before.pos_max == at.pos_max &&
			before.time_max_us == at.time_max_us && before.origin == at.origin &&
			before.streamed == at.streamed && before.mixed == at.mixed;
		assert_int_equal(news, !same);
	}
}

#define WALK(...)                                                                                  \
	do {                                                                                       \
		static const struct step steps[] = {__VA_ARGS__, {STREAM, -1, 0, 0, 0, 0}};        \
		walk(steps);                                                                       \
	} while (0)

static void another_server_opens_an_epoch(void **state)
{
	(void)state;
	WALK({STREAM, 12, 5000, 10, 0, 0}, {STREAM, 12, 5100, 11, 0, 0}, {STREAM, 3, 700, 20, 1, 0},
		{STREAM, 3, 800, 20, 1, 0}, {STREAM, 3, 900, 15, 1, 0}, /* began long ago */
		{STREAM, 12, 5200, 30, 1, 0}, {STREAM, 3, 950, 40, 2, 0});
	/* PostgreSQL: no commit was seen yet by this connector */
	WALK({STREAM, 100, 110, 10, 0, 0}, {STREAM, 0, 130, 11, 1, 0}, {STREAM, 0, 131, 11, 1, 0},
		{STREAM, 140, 150, 12, 1, 0});
}

static void what_is_repeated_opens_none(void **state)
{
	(void)state;
	WALK({STREAM, 12, 5000, 10, 0, 0}, {STREAM, 12, 5100, 11, 0, 0},
		{STREAM, 12, 5200, 11, 0, 0}, {STREAM, 12, 5000, 10, 0, 0},
		{STREAM, 12, 5100, 11, 0, 0}, {STREAM, 12, 5200, 11, 0, 0},
		{STREAM, 12, 5300, 12, 0, 0});
	/* no time, or the same */
	WALK({STREAM, 12, 5000, -1, 0, 0}, {STREAM, 3, 700, -1, 0, 0}, {STREAM, 12, 5100, 10, 0, 0},
		{STREAM, 3, 700, 10, 0, 0}, {STREAM, 3, 700, 11, 1, 0});
}

/* One topic of many shards: each has an order of its own, and its rows are its alone. */
static void several_connectors_open_none(void **state)
{
	(void)state;
	WALK({STREAM, 12, 5000, 10, 0, 7}, {STREAM, 3, 700, 20, 0, 8}, {STREAM, 12, 5100, 30, 0, 7},
		{STREAM, 3, 710, 40, 0, 8}, {STREAM, 2, 0, 50, 0, 7});
	WALK({STREAM, 12, 5000, 10, 0, 7}, {STREAM, 3, 700, 20, 1, 7});
}

/* A transaction that began before another and ended after it. */
static void lsns_without_commits_open_none(void **state)
{
	(void)state;
	WALK({LONE, 0, 150, 10, 0, 0}, {LONE, 0, 130, 11, 0, 0}, {LONE, 0, 160, 12, 0, 0},
		{READ, 0, 20, 13, 1, 0}, {READ, 0, 20, 14, 1, 0}, {LONE, 0, 30, 15, 1, 0});
}

static void snapshots_open_one_each(void **state)
{
	(void)state;
	/* the topic's first, then by its first record, by being ahead, by being elsewhere */
	WALK({FIRST, 0, 10, 1, 0, 0}, {READ, 0, 10, 2, 0, 0}, {STREAM, 12, 15, 3, 0, 0},
		{READ, 0, 10, 1, 0, 0}, /* repeated */
		{FIRST, 0, 5, 4, 1, 0}, {READ, 0, 5, 5, 1, 0}, {STREAM, 6, 7, 6, 1, 0},
		{READ, 0, 20, 7, 2, 0}, {READ, 0, 20, 8, 2, 0}, {READ, 0, 4, 9, 3, 0},
		{READ, 0, 4, 9, 3, 0}, {READ, 0, 4, 10, 3, 0}, {STREAM, 0, 4, 10, 3, 0});
	/* nothing was streamed between: a table at rest, and the database moved */
	WALK({READ, 0, 1000, 1, 0, 0}, {READ, 0, 50, 2, 1, 0}, {READ, 0, 50, 3, 1, 0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_server_opens_an_epoch),
		cmocka_unit_test(what_is_repeated_opens_none),
		cmocka_unit_test(several_connectors_open_none),
		cmocka_unit_test(lsns_without_commits_open_none),
		cmocka_unit_test(snapshots_open_one_each),
	};
	return cmocka_run_group_tests_name("partition_place", tests, NULL, NULL);
}
