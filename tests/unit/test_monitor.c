#include "base/clock.h"
#include "base/log.h"
#include "base/service.h"
#include "runtime/monitor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct clock_held clock_;
static struct monitor *monitor;

static int begin(void **state)
{
	(void)state;
	struct error err;
	error_init(&err);
	clock_held_init(&clock_, INT64_C(1000000));
	log_init(&clock_system, LOG_WARN, false);
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(monitor_open("0", &clock_.clock, &monitor, &err), 0);
	assert_non_null(monitor);
	return 0;
}

static int end(void **state)
{
	(void)state;
	monitor_close(monitor);
	return 0;
}

/* As text that ends. */
static const char *url_text(void)
{
	static char text[128];
	snprintf(text, sizeof(text), STR_FMT, STR_ARG(monitor_url(monitor)));
	return text;
}

/* The whole answer; the server closes the connection behind it. */
static const char *get(const char *path)
{
	static char answer[65536];
	unsigned port = 0;
	assert_int_equal(sscanf(url_text(), "http://127.0.0.1:%u/", &port), 1);
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	char request[128];
	int len = snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	assert_int_equal(write(fd, request, (size_t)len), len);
	size_t used = 0;
	ssize_t n;
	while (used < sizeof(answer) - 1 &&
		(n = read(fd, answer + used, sizeof(answer) - 1 - used)) > 0)
		used += (size_t)n;
	answer[used] = '\0';
	close(fd);
	return answer;
}

static void want(const char *path, const char *status, const char *text)
{
	const char *answer = get(path);
	if (strstr(answer, status) != answer + strlen("HTTP/1.1 ") || strstr(answer, text) == NULL)
		fail_msg("GET %s: wanted %s and '%s', got:\n%s", path, status, text, answer);
}

static void pass(int64_t seconds)
{
	clock_.now_us += seconds * INT64_C(1000000);
}

/* An engine that makes no turn is not ready, then dead; a beat mends both. */
static void test_a_stuck_engine(void **state)
{
	(void)state;
	monitor_start(monitor, str_lit("orders"));
	service_beat();
	want("/livez", "200", "\r\n\r\nok\n");
	want("/readyz", "503", "waiting for partitions\n");
	pass(monitor_stuck_s);
	want("/livez", "200", "ok\n");
	want("/readyz", "503", "the engine is stuck\n");
	want("/metrics", "200", "\ncdcl_engine_quiet_seconds 15\n");
	pass(monitor_dead_s - monitor_stuck_s);
	want("/livez", "503", "the engine is stuck\n");
	service_beat();
	want("/livez", "200", "ok\n");
	want("/readyz", "503", "waiting for partitions\n");
}

/* Recovery and waiting take as long as they take: that is not ready, and no death. */
static void test_phases(void **state)
{
	(void)state;
	pass(10 * monitor_dead_s);
	want("/livez", "200", "ok\n");
	want("/readyz", "503", "starting: ");
	want("/metrics", "200", "\ncdcl_ready 0\n");
	want("/api/v1/progress", "200", "\r\n\r\nnull\n");
	monitor_set_phase(monitor, MONITOR_WAITING);
	want("/livez", "200", "ok\n");
	want("/readyz", "503", "waiting for a script");
	monitor_start(monitor, str_lit("orders"));
	monitor_set_phase(monitor, MONITOR_DRAINING);
	service_beat();
	want("/readyz", "503", "draining");
	pass(monitor_dead_s);
	want("/livez", "503", "stuck");
}

static void test_nobody_looks(void **state)
{
	(void)state;
	struct monitor *none = monitor;
	struct error err;
	error_init(&err);
	assert_int_equal(monitor_open(NULL, &clock_.clock, &none, &err), 0);
	assert_null(none);
	monitor_start(NULL, str_lit("orders"));
	monitor_turn(NULL, NULL);
	monitor_set_phase(NULL, MONITOR_DRAINING);
	assert_int_equal(monitor_wait_us(NULL), -1);
	assert_true(monitor_open("nowhere", &clock_.clock, &none, &err) < 0);
	assert_int_equal(err.code, CDCL_E_USAGE);
	const char *taken = url_text() + strlen("http://");
	char address[64];
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(taken, "/"), taken);
	assert_true(monitor_open(address, &clock_.clock, &none, &err) < 0);
	assert_int_equal(err.code, CDCL_E_JOB);
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_stuck_engine, begin, end),
		cmocka_unit_test_setup_teardown(test_phases, begin, end),
		cmocka_unit_test_setup_teardown(test_nobody_looks, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
