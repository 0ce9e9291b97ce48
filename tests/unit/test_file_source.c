/* The file source: line rules, compression, order, one file a batch, new files, records. */

#include "base/arena.h"
#include "base/bounds.h"
#include "base/file.h"
#include "source/line_reader.h"
#include "source/source.h"
#include "source/source_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <cmocka.h>

static char folder[64];
static struct arena arena;
static struct clock_held held;
static struct messages *block;

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_file_source.XXXXXX");
	assert_non_null(mkdtemp(folder));
	arena_init(&arena, 4096);
	clock_held_init(&held, 1000000);
	block = calloc(1, sizeof(*block));
	block->arena = &arena;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	assert_int_equal(system(command), 0);
	arena_release(&arena);
	free(block);
	return 0;
}

static const char *in_folder(const char *name)
{
	return str_printf(&arena, "%s/%s", folder, name).data;
}

static void put(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(in_folder(name), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

/* Every line of a file, each followed by a bar. */
static const char *lines_of(const char *path, struct error *err)
{
	struct strbuf out;
	strbuf_init(&out);
	struct line_reader *r = line_reader_open(path, err);
	assert_non_null(r);
	int more = LINES_MORE;
	while (more >= 0) {
		struct str line;
		while (line_reader_next(r, &line)) {
			strbuf_add(&out, line);
			strbuf_add_byte(&out, '|');
		}
		if (more == LINES_END)
			break;
		more = line_reader_more(r, err);
	}
	line_reader_close(r);
	const char *text = str_printf(&arena, STR_FMT, STR_ARG(strbuf_str(&out))).data;
	strbuf_release(&out);
	return more < 0 ? "failed" : text;
}

static void lines(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *lines;
	} cases[] = {
		{"", ""},
		{"\n", "|"},
		{"a\nb\n", "a|b|"},
		{"a\nb", "a|b|"},
		{"a\r\nb\r\n", "a\r|b\r|"},
		{"\n\na\n", "||a|"},
		{"\xEF\xBB\xBF{}\n\xEF\xBB\xBFx\n", "{}|\xEF\xBB\xBFx|"},
		{"\xEF\xBB\xBF", ""},
		{"\xEF\xBB", "\xEF\xBB|"},
		{"ab", "ab|"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err;
		error_init(&err);
		put_text("lines", cases[i].text);
		assert_string_equal(lines_of(in_folder("lines"), &err), cases[i].lines);
	}
}

static char *long_text(size_t len)
{
	char *text = malloc(len + 1);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(i % 1000 == 999 ? '\n' : 'a' + (i / 7) % 26);
	text[len] = 0;
	return text;
}

static void same_packed(const char *name, const char *text)
{
	struct error err;
	error_init(&err);
	put_text("plain", text);
	const char *plain = lines_of(in_folder("plain"), &err);
	assert_string_equal(lines_of(in_folder(name), &err), plain);
}

static void gzip_members(void **state)
{
	(void)state;
	char *text = long_text(300000);
	size_t half = 150123;
	gzFile f = gzopen(in_folder("a.gz"), "wb");
	gzwrite(f, text, (unsigned)half);
	gzclose(f);
	f = gzopen(in_folder("a.gz"), "ab"); /* a second member behind the first */
	gzwrite(f, text + half, (unsigned)(300000 - half));
	gzclose(f);
	same_packed("a.gz", text);
	free(text);
}

static void zstd_frames(void **state)
{
	(void)state;
	char *text = long_text(300000);
	size_t bound = ZSTD_compressBound(300000);
	char *packed = malloc(bound * 2);
	size_t first = ZSTD_compress(packed, bound, text, 100000, 3);
	size_t second = ZSTD_compress(packed + first, bound, text + 100000, 200000, 3);
	put("a.zst", packed, first + second);
	same_packed("a.zst", text);
	/* Cut short: an error that names the file, never a shorter result. */
	put("cut.zst", packed, first + second - 10);
	struct error err;
	error_init(&err);
	assert_string_equal(lines_of(in_folder("cut.zst"), &err), "failed");
	assert_non_null(strstr(err.text, "cut.zst"));
	free(packed);
	free(text);
}

static void damaged_gzip(void **state)
{
	(void)state;
	struct error err;
	error_init(&err);
	put_text("bad.gz", "this is no gzip file");
	assert_string_equal(lines_of(in_folder("bad.gz"), &err), "failed");
	assert_int_equal(err.code, CDCL_E_DATA);
}

static void line_longer_than_the_buffer(void **state)
{
	(void)state;
	size_t len = 5 * 1000 * 1000;
	char *text = malloc(len + 1);
	memset(text, 'x', len);
	text[len] = '\n';
	put("long", text, len + 1);
	struct error err;
	error_init(&err);
	assert_int_equal(strlen(lines_of(in_folder("long"), &err)), len + 1);
	free(text);
}

static void line_beyond_the_bound(void **state)
{
	(void)state;
	size_t len = (size_t)file_line_bytes_max + 1024;
	char *text = malloc(len);
	memset(text, 'x', len);
	put("endless", text, len);
	free(text);
	struct error err;
	error_init(&err);
	assert_string_equal(lines_of(in_folder("endless"), &err), "failed");
	assert_int_equal(err.code, CDCL_E_DATA);
	assert_non_null(strstr(err.text, "longer than"));
}

/* ---- the source ---- */

static struct source *open_source(struct source_config *config, enum source_run run)
{
	struct error err;
	error_init(&err);
	config->kind = SOURCE_FILE;
	struct source *s = source_open(config, 0, run, &held.clock, &err);
	assert_non_null(s);
	return s;
}

/* Fills until the batch has its share; answers "values...:state". */
static const char *batch(struct source *s)
{
	static const char *const names[] = {"more", "idle", "waiting", "limit", "end"};
	struct error err;
	error_init(&err);
	struct strbuf out;
	strbuf_init(&out);
	assert_int_equal(s->ops->begin_batch(s, &err), 0);
	int state = SOURCE_MORE;
	while (state == SOURCE_MORE) {
		block->count = 0;
		state = s->ops->fill(s, block, &err);
		if (state < 0)
			strbuf_addf(&out, "%s %s", err.place, err.text);
		for (uint32_t i = 0; i < block->count; i++) {
			if (block->value[i].data == NULL)
				strbuf_add_c(&out, "NULL");
			strbuf_add(&out, block->value[i]);
			strbuf_add_byte(&out, ' ');
		}
	}
	if (state >= 0)
		strbuf_addf(&out, ":%s", names[state]);
	const char *text = str_printf(&arena, STR_FMT, STR_ARG(strbuf_str(&out))).data;
	strbuf_release(&out);
	assert_int_equal(s->ops->end_batch(s, &err), 0);
	return text;
}

static void one_file_a_batch(void **state)
{
	(void)state;
	put_text("b.jsonl", "b1\nb2\n");
	put_text("a.jsonl", "a1\n");
	put_text("c.jsonl", "");
	put_text("_not_yet.jsonl", "x\n");
	struct source_config config = {.file = {.path = str_c(folder), .max_files_per_trigger = 1}};
	struct source *s = open_source(&config, SOURCE_RUN_AVAILABLE_NOW);
	assert_string_equal(batch(s), "a1 :limit");
	assert_string_equal(batch(s), "b1 b2 :limit");
	assert_int_equal(s->files_read, 2);
	assert_string_equal(batch(s), ":limit"); /* an empty file is a batch too */
	assert_int_equal(s->files_read, 3);
	assert_string_equal(batch(s), ":end");
	source_close(s);
}

static void once_ignores_the_limit(void **state)
{
	(void)state;
	put_text("a", "a1\n");
	put_text("b", "b1\n");
	struct source_config config = {.file = {.path = str_c(folder), .max_files_per_trigger = 1}};
	struct source *s = open_source(&config, SOURCE_RUN_ONCE);
	assert_string_equal(batch(s), "a1 b1 :end");
	source_close(s);
}

static void new_files_while_running(void **state)
{
	(void)state;
	put_text("m", "m\n");
	struct source_config config = {.file = {.path = str_c(folder), .null_value = str_lit("z")}};
	struct source *s = open_source(&config, SOURCE_RUN_FOREVER);
	assert_string_equal(batch(s), "m :idle");
	put_text("a", "a\nz\n");
	put_text("n", "n\n");
	assert_string_equal(batch(s), ":idle"); /* not looked yet */
	held.now_us += 1000000;
	assert_string_equal(batch(s), "a NULL n :idle");
	held.now_us += 1000000;
	assert_string_equal(batch(s), ":idle");
	source_close(s);
}

static void positions(void **state)
{
	(void)state;
	put_text("a", "1\n2\n3\n");
	const char *path = in_folder("a");
	struct source_config config = {.file = {.path = str_c(path)}};
	struct source *s = open_source(&config, SOURCE_RUN_FOREVER);
	assert_string_equal(batch(s), "1 2 3 :end"); /* one file: its end is the end */
	assert_int_equal(s->partition_count, 1);
	assert_true(str_eq(s->partitions[0].topic, str_c(path)));
	assert_int_equal(s->partitions[0].batch_start, 0);
	assert_int_equal(s->partitions[0].position, 3);
	assert_int_equal(s->messages_read, 3);
	assert_int_equal(s->bytes_read, 6);
	assert_int_equal(block->offset[2], 2);
	source_close(s);
}

/* What a checkpoint knows comes in the order in which files were read first. */
static void kept_files_are_known(void **state)
{
	(void)state;
	struct partition_offset from[40];
	struct source_resume resume = {.from = from, .from_count = 40};
	for (uint32_t i = 0; i < 60; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%02u", i);
		put_text(name, "0\n1\n2\n");
		uint32_t at = i * 7 % 40;
		if (i >= 40)
			continue; /* a new one */
		const char *path = in_folder(name);
		from[at] = (struct partition_offset){
			str_dup(str_c(path), &arena), i % 2 == 0 ? 1 : 0, i % 2 == 0 ? 3 : 2};
	}
	struct source_config config = {.file = {.path = str_c(folder), .resume = &resume}};
	struct source *s = open_source(&config, SOURCE_RUN_AVAILABLE_NOW);
	struct error err;
	error_init(&err);
	assert_int_equal(s->ops->begin_batch(s, &err), 0);
	block->count = 0;
	while (s->ops->fill(s, block, &err) == SOURCE_MORE)
		;
	assert_int_equal(s->messages_read, 20 + 20 * 3);
	assert_int_equal(s->partition_count, 40);
	for (uint32_t i = 0; i < 40; i++) {
		const char *name = s->partitions[i].topic.data + s->partitions[i].topic.len - 2;
		uint32_t number = (uint32_t)atoi(name);
		assert_int_equal(number, i < 20 ? 2 * i + 1 : 20 + i);
		assert_int_equal(s->partitions[i].batch_start, i < 20 ? 2 : 0);
	}
	source_close(s);
}

/* Large messages make a chunk of fewer rows, so that memory stays bounded. */
static void chunk_of_large_messages(void **state)
{
	(void)state;
	size_t len = 1000 * 1000;
	char *text = malloc(len * 100);
	memset(text, 'x', len * 100);
	for (size_t i = 1; i <= 100; i++)
		text[len * i - 1] = '\n';
	put("large", text, len * 100);
	free(text);
	struct source_config config = {.file = {.path = str_c(in_folder("large"))}};
	struct source *s = open_source(&config, SOURCE_RUN_FOREVER);
	struct error err;
	error_init(&err);
	assert_int_equal(s->ops->begin_batch(s, &err), 0);
	struct arena chunk;
	arena_init(&chunk, 4096);
	block->arena = &chunk;
	uint32_t rows = 0;
	for (int chunks = 0; rows < 100; chunks++) {
		arena_reset(&chunk);
		block->count = 0;
		assert_in_range(s->ops->fill(s, block, &err), SOURCE_MORE, SOURCE_END);
		assert_in_range(block->count, 1, 60);
		assert_true(chunk.bytes_held <= chunk_bytes_max + 2 * len);
		rows += block->count;
		assert_true(chunks < 10);
	}
	arena_release(&chunk);
	block->arena = &arena;
	source_close(s);
}

/* ---- lines as text, for somebody else to take apart ---- */

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return *state >> 33;
}

static uint64_t sum_bytes(struct str s)
{
	uint64_t sum = s.len;
	for (size_t i = 0; i < s.len; i++)
		sum = sum * 131 + (unsigned char)s.data[i];
	return sum;
}

/* Lines of about one length, then of another; a long one now and then; the last without its end. */
static void put_random_lines(const char *name, uint64_t seed, uint32_t lines, bool ends)
{
	struct strbuf out;
	strbuf_init(&out);
	for (uint32_t i = 0; i < lines; i++) {
		uint64_t most = i / 3000 % 2 == 0 ? 60 : 400;
		uint64_t len = next_random(&seed) % 700 == 0 ? 100000
			: next_random(&seed) % 2000 == 0     ? 600000
							     : next_random(&seed) % most;
		if (len % 50 == 7)
			strbuf_add_c(&out, "z");
		else
			for (uint64_t k = 0; k < len; k++)
				strbuf_add_byte(&out, (char)('a' + (i + k) % 26));
		if (i + 1 < lines || ends)
			strbuf_add_byte(&out, '\n');
	}
	put(name, out.data, out.len);
	strbuf_release(&out);
}

static uint64_t sum_messages(uint64_t sum, const struct messages *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		sum = sum * 31 + sum_bytes(m->topic[i]) + (uint64_t)m->offset[i];
		sum = sum * 31 + (m->value[i].data == NULL ? 7 : sum_bytes(m->value[i]));
		assert_int_equal(m->partition[i], 0);
		assert_int_equal(m->timestamp_us[i], -1);
		assert_null(m->key[i].data);
		assert_int_equal(m->header_count[i], 0);
	}
	return sum;
}

struct read_all {
	uint64_t sum;
	int64_t messages;
	int64_t bytes;
	uint32_t full; /* blocks with no room for another line */
};

static struct read_all read_all(struct source *s, bool as_text)
{
	static struct source_text items[chunk_rows_max];
	struct read_all all = {.sum = 1};
	struct arena chunk;
	struct error err;
	error_init(&err);
	arena_init(&chunk, 4096);
	block->arena = &chunk;
	source_text_begin(block);
	assert_int_equal(s->ops->begin_batch(s, &err), 0);
	for (int state = SOURCE_MORE; state == SOURCE_MORE;) {
		struct source_texts texts = {.items = items, .arena = &chunk};
		arena_reset(&chunk);
		block->count = 0;
		state = as_text ? s->ops->fill_text(s, &texts, &err) : s->ops->fill(s, block, &err);
		assert_true(state >= 0);
		if (as_text)
			source_text_split(&texts, str_lit("z"), block);
		all.full += block->count == chunk_rows_max;
		all.sum = sum_messages(all.sum, block);
	}
	all.messages = s->messages_read;
	all.bytes = s->bytes_read;
	arena_release(&chunk);
	block->arena = &arena;
	return all;
}

static void texts_are_the_lines(void **state)
{
	(void)state;
	put_text("0", "\xEF\xBB\xBF" "first\n");
	put_text("1", "");
	put_random_lines("2", 11, 20000, true);
	put_random_lines("3", 12, 7000, false);
	put_text("4", "\n\nno end");
	struct source_config config = {.file = {.path = str_c(folder), .null_value = str_lit("z")}};
	struct source *s = open_source(&config, SOURCE_RUN_AVAILABLE_NOW);
	struct read_all lines = read_all(s, false);
	source_close(s);
	s = open_source(&config, SOURCE_RUN_AVAILABLE_NOW);
	struct read_all texts = read_all(s, true);
	source_close(s);
	assert_int_equal(lines.messages, 27004);
	assert_true(lines.full > 20);
	assert_int_equal(texts.messages, lines.messages);
	assert_int_equal(texts.bytes, lines.bytes);
	assert_int_equal(texts.sum, lines.sum);
	assert_int_equal(texts.full, lines.full);
}

static void no_such_file(void **state)
{
	(void)state;
	struct error err;
	error_init(&err);
	const char *path = in_folder("nothing");
	struct source_config config = {.kind = SOURCE_FILE, .file = {.path = str_c(path)}};
	assert_null(source_open(&config, 0, SOURCE_RUN_FOREVER, &held.clock, &err));
	assert_non_null(strstr(err.text, "nothing"));
}

static void records(void **state)
{
	(void)state;
	put_text("r",
		"{\"topic\":\"t\",\"partition\":2,\"offset\":7,\"ts\":1000,\"ts_type\":"
		"\"LogAppendTime\","
		"\"headers\":[[\"h\",\"x\\ty\"],[\"n\",null]],\"key\":\"k\",\"value\":\"{\\\"a\\\":"
		"1}\"}\n"
		"{\"topic\":\"other\",\"value\":\"skipped\"}\n"
		"{\"topic\":\"t\",\"partition\":2,\"offset\":8,\"key\":\"k\",\"value\":null}\n"
		"{\"topic\":\"t\",\"value\":null,\"ts\":9223372036854775807}\n");
	struct str wanted = str_lit("t");
	struct source_config config = {.file = {.path = str_c(in_folder("r")),
					       .format = FILE_RECORDS,
					       .topics = &wanted,
					       .topic_count = 1}};
	struct source *s = open_source(&config, SOURCE_RUN_FOREVER);
	struct error err;
	error_init(&err);
	block->count = 0;
	assert_int_equal(s->ops->begin_batch(s, &err), 0);
	while (s->ops->fill(s, block, &err) == SOURCE_MORE)
		continue;
	assert_int_equal(block->count, 3);
	assert_true(str_eq(block->value[0], str_lit("{\"a\":1}")));
	assert_true(str_eq(block->key[0], str_lit("k")));
	assert_int_equal(block->partition[0], 2);
	assert_int_equal(block->offset[0], 7);
	assert_int_equal(block->timestamp_us[0], 1000000);
	assert_true(block->timestamp_us[2] == INT64_MAX); /* nothing runs over */
	assert_int_equal(block->timestamp_type[0], 1);
	assert_int_equal(block->header_count[0], 2);
	assert_true(str_eq(block->headers[0][0].value, str_lit("x\ty")));
	assert_null(block->headers[0][1].value.data);
	assert_null(block->value[1].data);
	assert_int_equal(block->timestamp_us[1], -1);
	source_close(s);
}

static void bad_records(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *says;
	} cases[] = {
		{"[1]\n", "not a record"},
		{"{\"key\":\"k\"}\n", "without \"value\""},
		{"{\"offset\":\"x\",\"value\":\"\"}\n", "whole number"},
		{"{\"headers\":7,\"value\":\"\"}\n", "headers"},
		{"{\"headers\":[1],\"value\":\"\"}\n", "header"},
		{"{\"value\": nonsense}\n", "not a record"},
		{"{\"topic\":\"t\" \"value\":\"x\"}\n", "not a record"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_text("r", cases[i].line);
		struct source_config config = {
			.file = {.path = str_c(in_folder("r")), .format = FILE_RECORDS}};
		struct source *s = open_source(&config, SOURCE_RUN_FOREVER);
		const char *said = batch(s);
		if (strstr(said, cases[i].says) == NULL || strstr(said, "/r:1") == NULL)
			fail_msg("%s gave: %s", cases[i].line, said);
		source_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gzip_members, set_up, tear_down),
		cmocka_unit_test_setup_teardown(zstd_frames, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged_gzip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(line_longer_than_the_buffer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(line_beyond_the_bound, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_file_a_batch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(once_ignores_the_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(new_files_while_running, set_up, tear_down),
		cmocka_unit_test_setup_teardown(positions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kept_files_are_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(chunk_of_large_messages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(texts_are_the_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_such_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_records, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
