/* The public API: open a script, run it, stop it from another thread. */

#include "cdcl/cdcl.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];
static char script[128];
static char progress[128];

static void put(const char *name, const char *text, char path[128])
{
	snprintf(path, 128, "%s/%s", folder, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int set_up(void **state)
{
	(void)state;
	char path[128];
	char text[512];
	strcpy(folder, "/tmp/test_embed.XXXXXX");
	assert_non_null(mkdtemp(folder));
	put("in.jsonl", "{\"id\":1}\n{\"id\":2}\n", path);
	snprintf(text, sizeof(text),
		"local cdcl = require \"cdcl\"\n"
		"cdcl.file { path = \"%s/*.jsonl\", schema = \"id int\" }\n"
		"  :filter \"id > 1\":to(cdcl.memory { name = \"seen\" })\n",
		folder);
	put("job.lua", text, script);
	snprintf(progress, sizeof(progress), "%s/progress", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void runs_to_the_end(void **state)
{
	(void)state;
	struct error err;
	error_init(&err);
	struct cdcl_options options = {
		.script = script, .progress = progress, .available_now = true};
	struct cdcl_job *job = cdcl_open(&options, &err);
	if (job == NULL)
		fail_msg("%s %s", err.place, err.text);
	assert_int_equal(cdcl_run(job, &err), 0);
	cdcl_close(job);
	char line[4096] = "";
	FILE *f = fopen(progress, "rb");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	assert_non_null(strstr(line, "\"numInputRows\":2"));
	assert_non_null(strstr(line, "\"numOutputRows\":1"));
}

static void *stop(void *job)
{
	cdcl_stop(job);
	return NULL;
}

static void stops(void **state)
{
	(void)state;
	struct error err;
	error_init(&err);
	struct cdcl_options options = {.script = script};
	struct cdcl_job *job = cdcl_open(&options, &err);
	assert_non_null(job);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, stop, job), 0);
	assert_int_equal(cdcl_run(job, &err), 0);
	pthread_join(thread, NULL);
	cdcl_close(job);
	cdcl_close(NULL);
}

/* Columns that come behind what a look sees; stopped at any moment, also while the job changes. */
static void follows_columns(void **state)
{
	(void)state;
	for (int turn = 0; turn < 4; turn++) {
		struct error err;
		error_init(&err);
		char path[128], text[512], lines[60000], keep[128];
		size_t len = 0;
		for (int i = 0; i < 1100; i++)
			len += (size_t)snprintf(
				lines + len, sizeof(lines) - len, "{\"id\":%d}\n", i);
		for (int i = 0; i < 20; i++)
			len += (size_t)snprintf(lines + len, sizeof(lines) - len,
				"{\"id\":%d,\"c%d\":1}\n", i, i);
		put("in.jsonl", lines, path);
		snprintf(text, sizeof(text),
			"local cdcl = require \"cdcl\"\n"
			"%scdcl.file { path = \"%s/in.jsonl\", schema = \"auto\" }\n"
			"  :to(cdcl.file_sink { path = \"%s/out%d.jsonl\", format = \"jsonl\" })\n",
			turn % 2 == 0 ? "" : "cdcl.job { checkpoint = cdcl.env \"EMBED_STATE\" }\n",
			folder, folder, turn);
		snprintf(keep, sizeof(keep), "%s/state%d", folder, turn);
		setenv("EMBED_STATE", keep, 1);
		put("job.lua", text, path);
		struct cdcl_options options = {.script = path, .available_now = true};
		struct cdcl_job *job = cdcl_open(&options, &err);
		if (job == NULL)
			fail_msg("%s %s", err.place, err.text);
		memset(path, 'x', sizeof(path) - 1); /* it is not ours to keep */
		pthread_t thread;
		if (turn > 1)
			assert_int_equal(pthread_create(&thread, NULL, stop, job), 0);
		assert_int_equal(cdcl_run(job, &err), 0);
		if (turn > 1)
			pthread_join(thread, NULL);
		cdcl_close(job);
		if (turn > 1)
			continue;
		snprintf(path, sizeof(path), "%s/out%d.jsonl", folder, turn);
		FILE *f = fopen(path, "rb");
		assert_non_null(f);
		while (fgets(text, sizeof(text), f) != NULL)
			;
		fclose(f);
		assert_non_null(strstr(text, "\"c19\":1"));
	}
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	struct error err;
	error_init(&err);
	char path[128];
	put("bad.lua", "local cdcl = require \"cdcl\"\ncdcl.nonsense {}\n", path);
	struct cdcl_options options = {.script = path};
	assert_null(cdcl_open(&options, &err));
	assert_int_equal(err.code, CDCL_E_SCRIPT);
	assert_non_null(strstr(err.place, "bad.lua:2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(runs_to_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stops, set_up, tear_down),
		cmocka_unit_test_setup_teardown(follows_columns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(says_what_is_wrong, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
