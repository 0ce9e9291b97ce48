#include "base/check.h"
#include "base/exposition.h"
#include "base/listen_address.h"
#include "cdcl/error.h"
#include "wanted_text.h"

#include <math.h>
#include <stdlib.h>

static void test_samples(void **state)
{
	(void)state;
	exposition_family(&out, "a_total", "counter", "What it is.");
	exposition_sample(&out, "a_total", NULL, 0, 9007199254740991);
	want_text("# HELP a_total What it is.\n# TYPE a_total counter\na_total "
		  "9007199254740991\n");
	const struct exposition_label labels[] = {
		{"topic", str_lit("a\\b\"c\nd")}, {"partition", {"\xff", 1}}};
	exposition_sample(&out, "b", labels, 2, 0.25);
	want_text("b{topic=\"a\\\\b\\\"c\\nd\",partition=\"\xef\xbf\xbd\"} 0.25\n");
	exposition_sample(&out, "c", NULL, 0, NAN);
	exposition_sample(&out, "c", NULL, 0, -INFINITY);
	exposition_sample(&out, "c", NULL, 0, 1e300);
	want_text("c NaN\nc -Inf\nc 1.0000000000000001e+300\n");
}

static void test_histogram(void **state)
{
	(void)state;
	static const double bounds[] = {0.001, 1};
	struct exposition_histogram h = {.bounds = bounds, .bound_count = 2};
	exposition_observe(&h, 0.001); /* a bound belongs to its bucket */
	exposition_observe(&h, 0.5);
	exposition_observe(&h, 2);
	exposition_histogram(&out, "h", "Help.", &h);
	want_text("# HELP h Help.\n# TYPE h histogram\nh_bucket{le=\"0.001\"} 1\n"
		  "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 2.5009999999999999\n"
		  "h_count 3\n");
}

static void test_listen(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *host; /* NULL: refused */
		int port;
	} cases[] = {
		{"", "127.0.0.1", 8077},
		{"0", "127.0.0.1", 0},
		{"65535", "127.0.0.1", 65535},
		{"65536", NULL, 0},
		{"123456", NULL, 0},
		{"localhost:9090", "localhost", 9090},
		{"[::1]:80", "::1", 80},
		{"::1:80", NULL, 0},
		{"[::1]", NULL, 0},
		{"[::1]80", NULL, 0},
		{"[]:80", NULL, 0},
		{":80", NULL, 0},
		{"host:", NULL, 0},
		{"host:8o", NULL, 0},
		{"host", NULL, 0},
		{"-1", NULL, 0},
		{"0.0.0.0:8077", "0.0.0.0", 8077},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct listen_address at;
		struct error err;
		error_init(&err);
		int r = listen_address_parse(str_c(cases[i].text), &at, &err);
		if (cases[i].host == NULL) {
			assert_int_equal(r, -(int)CDCL_E_USAGE);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(at.host, cases[i].host);
		assert_int_equal(at.port, cases[i].port);
	}
	char long_host[400];
	struct listen_address at;
	memset(long_host, 'a', sizeof(long_host));
	memcpy(long_host + sizeof(long_host) - 3, ":80", 3);
	assert_true(listen_address_parse(
			    (struct str){long_host, sizeof(long_host)}, &at, NULL) < 0);
}

static void test_host_header(void **state)
{
	(void)state;
	static const char *const local[] = {"localhost", "LocalHost:8077", "127.0.0.1",
		"127.0.0.1:8077", "127.9.9.9:1", "[::1]", "[::1]:8077"};
	static const char *const other[] = {"", "evil.example", "127.evil.example",
		"127.0.0.1.evil.example:8077", "localhost.evil.example", "localhost:http",
		"[::1", "[::2]:80", "10.0.0.1", "localhost:80:80",
		"localhost:99999"};
	for (size_t i = 0; i < ARRAY_LEN(local); i++)
		assert_true(listen_header_is_local(str_c(local[i])));
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		if (listen_header_is_local(str_c(other[i])))
			fail_msg("'%s' counts as local", other[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_samples, begin, end),
		cmocka_unit_test_setup_teardown(test_histogram, begin, end),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_host_header),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
