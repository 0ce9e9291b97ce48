#define _GNU_SOURCE /* posix_openpt */

#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder of the test's own; removed by the test's end. */
static char folder[256];

static int make_folder(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/cdcl-file.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
	(void)state;
	char command[300];
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	disk_use(NULL);
	return system(command);
}

static const char *in_folder(const char *name)
{
	static char path[512];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	struct error err;
	int fd = file_open_write(in_folder(name), false, &err);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, str_c(text), name, &err), 0);
	file_close(fd);
}

/* ---- a disk that takes little, is interrupted, then fails ---- */

static int writes_left;
static int write_errno;
static struct strbuf written;

static ssize_t short_write(int fd, const void *buffer, size_t bytes)
{
	(void)fd;
	if (writes_left-- <= 0) {
		errno = write_errno;
		return -1;
	}
	if (writes_left % 2 == 1) {
		errno = EINTR;
		return -1;
	}
	size_t taken = bytes > 3 ? 3 : bytes;
	strbuf_add(&written, (struct str){buffer, taken});
	return (ssize_t)taken;
}

static void use_short_disk(int writes, int errno_then)
{
	static struct disk disk;
	disk = disk_system;
	disk.write = short_write;
	disk_use(&disk);
	writes_left = writes;
	write_errno = errno_then;
	strbuf_init(&written);
}

static void test_write_all(void **state)
{
	(void)state;
	struct error err;
	use_short_disk(1000, ENOSPC);
	assert_int_equal(file_write_all(7, str_lit("0123456789"), "out", &err), 0);
	assert_true(str_eq(strbuf_str(&written), str_lit("0123456789")));
	strbuf_release(&written);
	use_short_disk(3, ENOSPC);
	assert_int_equal(file_write_all(7, str_lit("0123456789"), "out", &err), -(int)CDCL_E_DISK);
	assert_string_equal(err.text, "out: cannot write: No space left on device");
	strbuf_release(&written);
	disk_use(NULL);
}

static void test_write_stdout(void **state)
{
	(void)state;
	struct error err;
	use_short_disk(1000, EPIPE);
	assert_int_equal(file_write_stdout(str_lit("0123456789"), &err), 0);
	assert_true(str_eq(strbuf_str(&written), str_lit("0123456789")));
	strbuf_release(&written);
	use_short_disk(3, EPIPE);
	assert_int_equal(file_write_stdout(str_lit("0123456789"), &err), -(int)CDCL_E_CLOSED);
	strbuf_release(&written);
	use_short_disk(3, ENOSPC);
	assert_int_equal(file_write_stdout(str_lit("0123456789"), &err), -(int)CDCL_E_DISK);
	strbuf_release(&written);
	disk_use(NULL);
}

static void test_read_all(void **state)
{
	(void)state;
	struct strbuf out;
	struct error err;
	strbuf_init(&out);
	strbuf_add_c(&out, "> ");
	write_file("a", "hello");
	assert_int_equal(file_read_all(in_folder("a"), 5, &out, &err), 0);
	assert_true(str_eq(strbuf_str(&out), str_lit("> hello")));
	assert_int_equal(file_read_all(in_folder("a"), 4, &out, &err), -(int)CDCL_E_DISK);
	assert_int_equal(file_read_all(in_folder("missing"), 5, &out, &err), -(int)CDCL_E_DISK);
	assert_non_null(strstr(err.text, "missing: No such file"));
	assert_true(file_read_all(folder, 5, &out, &err) < 0);
	strbuf_release(&out);
}

static void test_append_and_stat(void **state)
{
	(void)state;
	struct error err;
	struct file_info info;
	write_file("b", "one");
	int fd = file_open_write(in_folder("b"), true, &err);
	assert_int_equal(file_write_all(fd, str_lit("two"), "b", &err), 0);
	file_close(fd);
	assert_int_equal(file_stat(in_folder("b"), &info, &err), 0);
	assert_int_equal(info.bytes, 6);
	assert_false(info.is_folder);
	assert_true(file_exists(in_folder("b")));
	assert_false(file_exists(in_folder("c")));
	assert_true(file_open_read(in_folder("c"), &err) < 0);
	file_close(-1);
}

static void test_make_dirs(void **state)
{
	(void)state;
	struct error err;
	assert_int_equal(file_make_dirs(in_folder("x/y/z"), &err), 0);
	assert_int_equal(file_make_dirs(in_folder("x/y/z/"), &err), 0);
	assert_true(file_exists(in_folder("x/y/z")));
	write_file("plain", "");
	assert_int_equal(file_make_dirs(in_folder("plain"), &err), -(int)CDCL_E_DISK);
	assert_true(file_make_dirs(in_folder("plain/below"), &err) < 0);
	assert_true(file_make_dirs("", &err) < 0);
}

static void test_glob(void **state)
{
	(void)state;
	struct error err;
	struct arena arena;
	struct str *paths;
	arena_init(&arena, 4096);
	file_make_dirs(in_folder("in/below"), &err);
	write_file("in/b.jsonl", "");
	write_file("in/a.jsonl", "");
	write_file("in/c.txt", "");
	write_file("in/.hidden.jsonl", "");
	write_file("in/_tmp.jsonl", "");
	assert_int_equal(file_glob(in_folder("in/*.jsonl"), &arena, &paths, &err), 2);
	assert_non_null(strstr(paths[0].data, "/in/a.jsonl"));
	assert_non_null(strstr(paths[1].data, "/in/b.jsonl"));
	assert_int_equal(file_glob(in_folder("in"), &arena, &paths, &err), 3);
	assert_int_equal(file_glob(in_folder("in/"), &arena, &paths, &err), 3);
	assert_int_equal(file_glob(in_folder("in/_tmp.jsonl"), &arena, &paths, &err), 1);
	assert_int_equal(file_glob(in_folder("none/*"), &arena, &paths, &err), 0);
	arena_release(&arena);
}

/* ---- links, lists, removing ---- */

static void test_links_and_trees(void **state)
{
	(void)state;
	struct error err;
	struct arena arena;
	struct str *names;
	struct strbuf target;
	char other[512];
	arena_init(&arena, 4096);
	strbuf_init(&target);
	assert_int_equal(file_make_dirs(in_folder("t/sub/below"), &err), 0);
	write_file("t/sub/.hidden", "x");
	write_file("t/sub/one", "1");
	write_file("kept", "k");
	snprintf(other, sizeof other, "%s/t/sub/two", folder);
	assert_int_equal(file_link(in_folder("t/sub/one"), other, &err), 0);
	assert_int_equal(file_link(in_folder("t/sub/one"), other, &err), -(int)CDCL_E_DISK);
	assert_int_equal(file_symlink("../../kept", in_folder("t/sub/link"), &err), 0);
	assert_int_equal(file_read_link(in_folder("t/sub/link"), &target, &err), 1);
	assert_true(str_eq(strbuf_str(&target), str_lit("../../kept")));
	assert_int_equal(file_read_link(in_folder("t/sub/one"), &target, &err), 0);
	assert_int_equal(file_read_link(in_folder("t/sub/none"), &target, &err), 0);
	assert_int_equal(file_list(in_folder("t/sub"), &arena, &names, &err), 5);
	assert_string_equal(names[0].data, ".hidden");
	assert_string_equal(names[4].data, "two");
	assert_true(file_list(in_folder("t/none"), &arena, &names, &err) < 0);
	assert_int_equal(file_sync_folder(in_folder("t"), &err), 0);
	assert_true(file_sync_folder(in_folder("kept"), &err) < 0);
	snprintf(other, sizeof other, "%s/t/moved", folder);
	assert_int_equal(file_rename(in_folder("t/sub/two"), other, &err), 0);
	assert_true(file_rename(in_folder("t/sub/two"), other, &err) < 0);
	assert_int_equal(file_remove(other, &err), 0);
	assert_int_equal(file_remove(other, &err), 0);
	assert_int_equal(file_remove_tree(in_folder("t"), &err), 0);
	assert_false(file_exists(in_folder("t")));
	assert_true(file_exists(in_folder("kept")));
	assert_int_equal(file_remove_tree(in_folder("t"), &err), 0);
	strbuf_release(&target);
	arena_release(&arena);
}

/* ---- log ---- */

/* What `write` prints on a stderr that is a file. */
static char *logged(void (*write_log)(void))
{
	static char text[8192];
	int kept = dup(STDERR_FILENO);
	int fd = open(in_folder("log"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, STDERR_FILENO);
	write_log();
	dup2(kept, STDERR_FILENO);
	close(kept);
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static struct clock_held held;

static void log_some(void)
{
	log_init(&held.clock, LOG_INFO, false);
	log_debug("batch", "not shown");
	log_info("batch", "rows=%s %.1fms", "5,120", 12.4);
	log_warn("kafka", "topic '%s'", "a\nb\033[2J\tc");
	log_set_status("no terminal, no status");
	log_error("job", "%s", "");
}

static void test_log_lines(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	clock_held_init(&held, (INT64_C(1705276800) + 12 * 3600 + 4 * 60 + 5) * 1000000 + 123456);
	assert_string_equal(logged(log_some),
		"12:04:05.123 INFO  batch  rows=5,120 12.4ms\n"
		"12:04:05.123 WARN  kafka  topic 'a\\nb\\x1b[2J\tc'\n"
		"12:04:05.123 ERROR job  \n");
}

static void log_an_error(void)
{
	struct error err;
	log_init(&held.clock, LOG_INFO, false);
	error_set(&err, CDCL_E_SQL, "no column 'quantty'");
	error_at(&err, "orders.lua:14");
	error_help(&err, "did you mean quantity?");
	snprintf(err.source_line, sizeof err.source_line,
		"\tevents:filter \"\xc3\xa9 quantty > 0\"");
	err.caret_start = 19;
	err.caret_len = 7;
	log_print_error(&err);
	error_set(&err, CDCL_E_USAGE, "unknown command 'rum'");
	log_print_error(&err);
}

static void test_error_with_caret(void **state)
{
	(void)state;
	assert_string_equal(logged(log_an_error),
		"cdcl: orders.lua:14: no column 'quantty'\n"
		"  \tevents:filter \"\xc3\xa9 quantty > 0\"\n"
		"  \t                 ^~~~~~~\n"
		"help: did you mean quantity?\n"
		"cdcl: unknown command 'rum'\n");
}

/* On a terminal the status line goes before a log line and comes back after it. */
static void test_status_line(void **state)
{
	(void)state;
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY), kept = dup(STDERR_FILENO);
	dup2(slave, STDERR_FILENO);
	setenv("COLUMNS", "10", 1);
	log_init(&held.clock, LOG_INFO, false);
	log_set_status("rate \xc3\xa9 0123456789");
	log_info("a", "b");
	log_set_status(NULL);
	log_info("c", "d");
	dup2(kept, STDERR_FILENO);
	close(kept);
	static const char want[] = "\rrate \xc3\xa9 01\033[K"
				   "\r\033[K12:04:05.123 INFO  a  b\r\nrate \xc3\xa9 01"
				   "\r\033[K"
				   "12:04:05.123 INFO  c  d\r\n";
	char text[sizeof want];
	size_t len = 0;
	while (len < sizeof want - 1) {
		ssize_t n = read(master, text + len, sizeof want - 1 - len);
		assert_true(n > 0);
		len += (size_t)n;
	}
	text[len] = '\0';
	close(slave);
	close(master);
	assert_string_equal(text, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_all),
		cmocka_unit_test(test_write_stdout),
		cmocka_unit_test(test_read_all),
		cmocka_unit_test(test_append_and_stat),
		cmocka_unit_test(test_make_dirs),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_links_and_trees),
		cmocka_unit_test(test_log_lines),
		cmocka_unit_test(test_error_with_caret),
		cmocka_unit_test(test_status_line),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
