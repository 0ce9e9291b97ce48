/* That a message which became nothing is noticed before its batch counts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/chunk.h"
#include "runtime/intake_tally.h"

#include <string.h>

static struct messages messages;
static uint16_t origin[chunk_rows_max];

static int settle(const struct intake_tally *t, int64_t read)
{
	struct intake_tally none = {.decoded = 0};
	struct error err;
	error_init(&err);
	int r = intake_tally_settle(t, &none, read, str_lit("orders"), &err);
	if (r < 0)
		assert_non_null(strstr(err.text, "orders: of "));
	return r;
}

static void test_flat_rows(void **state)
{
	(void)state;
	struct intake_tally t = {.decoded = 0};
	struct chunk c = {.messages = &messages};
	messages.count = 10;
	chunk_set_rows(&c, 10);
	bit_clear(c.live, 3);
	intake_tally_rows(&t, &c);
	assert_int_equal(t.rows, 9);
	assert_int_equal(t.dropped, 1);
	assert_int_equal(settle(&t, 10), 0);
	/* a message that was read and never decoded; one decoded twice */
	assert_int_equal(settle(&t, 11), -CDCL_E_INTERNAL);
	assert_int_equal(settle(&t, 9), -CDCL_E_INTERNAL);
	t.put_aside = 1;
	assert_int_equal(settle(&t, 11), 0);
	/* a decoder that leaves one out */
	struct intake_tally lost = {.decoded = 0};
	messages.count = 11;
	intake_tally_rows(&lost, &c);
	assert_int_equal(settle(&lost, 11), -CDCL_E_INTERNAL);
}

static void test_events(void **state)
{
	(void)state;
	struct intake_tally t = {.decoded = 0};
	struct envelope_counts before = {.skipped = 5, .refused = 2}, after = before;
	struct chunk c = {.messages = &messages, .origin = origin};
	/* messages 0, 1 (three rows), 4; 2 is skipped, 3 refused */
	static const uint16_t origins[] = {0, 1, 1, 1, 4};
	memcpy(origin, origins, sizeof(origins));
	chunk_set_rows(&c, 5);
	after.skipped++;
	after.refused++;
	intake_tally_events(&t, &c, 5, &before, &after);
	assert_int_equal(t.with_rows, 3);
	assert_int_equal(t.rows, 5);
	assert_int_equal(settle(&t, 5), 0);
	/* the same, and nobody counted the skipped one */
	struct intake_tally lost = {.decoded = 0};
	after.skipped--;
	intake_tally_events(&lost, &c, 5, &before, &after);
	assert_int_equal(settle(&lost, 5), -CDCL_E_INTERNAL);
}

/* Only what came since the batch began counts. */
static void test_a_batch(void **state)
{
	(void)state;
	struct intake_tally began = {.decoded = 7, .with_rows = 3, .skipped = 4, .rows = 9};
	struct intake_tally t = began;
	struct error err;
	error_init(&err);
	struct str name = str_lit("orders");
	assert_int_equal(intake_tally_settle(&t, &began, 0, name, &err), 0);
	t.decoded += 2;
	t.with_rows++;
	assert_true(intake_tally_settle(&t, &began, 2, name, &err) < 0);
	t.skipped++;
	assert_int_equal(intake_tally_settle(&t, &began, 2, name, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flat_rows),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_a_batch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
