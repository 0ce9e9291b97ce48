#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "data/value.h"
#include "sink/parquet_dictionary.h"
#include "sink/parquet_statistics.h"
#include "sink/parquet_text.h"
#include "sink/parquet_writer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena arena;
static char path[256];

static int begin(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(path, sizeof path, "%s/cdcl-parquet.%d", tmp == NULL ? "/tmp" : tmp, getpid());
	arena_init(&arena, 1 << 16);
	return 0;
}

static int end(void **state)
{
	(void)state;
	disk_use(NULL);
	unlink(path);
	arena_release(&arena);
	return 0;
}

static void assert_bytes(const struct strbuf *got, const char *wanted, size_t len)
{
	assert_int_equal(got->len, len);
	assert_memory_equal(got->data, wanted, len);
}

/* The example bytes of the Thrift compact protocol's specification, and ids far apart. */
static void test_thrift(void **state)
{
	(void)state;
	struct strbuf out;
	struct thrift t;
	strbuf_init(&out);
	thrift_begin(&t, &out);
	thrift_i32(&t, 1, -1);
	thrift_bool(&t, 2, true);
	thrift_i64(&t, 30, 150);
	thrift_struct(&t, 31);
	thrift_binary(&t, 1, str_lit("ab"));
	thrift_end(&t);
	thrift_list(&t, 32, THRIFT_I32, 2);
	thrift_element_i32(&t, 1);
	thrift_element_i32(&t, -2);
	thrift_list(&t, 33, THRIFT_BINARY, 16);
	thrift_end(&t);
	static const char want[] = "\x15\x01\x11\x06\x3c\xac\x02\x1c\x18\x02"
				   "ab\x00\x19\x25\x02\x03\x19\xf8\x10\x00";
	assert_bytes(&out, want, sizeof want - 1);
	strbuf_release(&out);
}

/* A naive reader of the hybrid: the definition, byte by byte. */
static uint32_t read_hybrid(const struct strbuf *in, unsigned width, uint32_t n, uint32_t *values)
{
	size_t at = 0;
	uint32_t count = 0;
	while (count < n && at < in->len) {
		uint64_t head = 0;
		for (unsigned shift = 0;; shift += 7) {
			unsigned char b = (unsigned char)in->data[at++];
			head |= (uint64_t)(b & 127) << shift;
			if (b < 128)
				break;
		}
		if ((head & 1) == 0) {
			uint32_t value = 0;
			memcpy(&value, in->data + at, (width + 7) / 8);
			at += (width + 7) / 8;
			for (uint64_t i = 0; i < head >> 1; i++)
				values[count++] = value;
			continue;
		}
		for (uint64_t i = 0; i < (head >> 1) * 8; i++) {
			uint32_t value = 0;
			for (unsigned b = 0; b < width; b++) {
				uint64_t bit = i * width + b;
				unsigned byte = (unsigned char)in->data[at + bit / 8];
				value |= (byte >> (bit % 8) & 1u) << b;
			}
			if (count < n)
				values[count++] = value;
		}
		at += (size_t)(head >> 1) * width;
	}
	assert_int_equal(at, in->len);
	return count;
}

static void test_hybrid(void **state)
{
	(void)state;
	static uint32_t values[3000], got[3000];
	struct strbuf out;
	strbuf_init(&out);
	srand(7);
	for (unsigned width = 1; width <= 20; width++) {
		for (int round = 0; round < 20; round++) {
			uint32_t n = (uint32_t)rand() % 3000;
			for (uint32_t i = 0; i < n; i++) {
				bool again = i > 0 && rand() % 100 < round * 5;
				values[i] = again ? values[i - 1]
						  : (uint32_t)rand() & ((1u << width) - 1);
			}
			strbuf_reset(&out);
			parquet_hybrid_add(values, n, width, &out);
			assert_int_equal(read_hybrid(&out, width, n, got), n);
			assert_memory_equal(got, values, n * sizeof *values);
		}
	}
	static const uint64_t words[2] = {UINT64_C(0xfff0), 1};
	strbuf_reset(&out);
	parquet_hybrid_bits(words, 65, 13, &out);
	assert_int_equal(read_hybrid(&out, 1, 65, got), 65);
	for (uint32_t i = 0; i < 65; i++)
		assert_int_equal(got[i], (i >= 4 && i < 16) || i == 64);
	strbuf_reset(&out);
	parquet_hybrid_bits(words, 500, 0, &out);
	assert_bytes(&out, "\xe8\x07\x00", 3);
	assert_int_equal(parquet_bit_width(0), 1);
	assert_int_equal(parquet_bit_width(255), 8);
	assert_int_equal(parquet_bit_width(256), 9);
	strbuf_release(&out);
}

static void test_dictionary(void **state)
{
	(void)state;
	struct parquet_dictionary d;
	static int64_t values[dictionary_entries_max + 10];
	static uint32_t numbers[dictionary_entries_max + 10];
	parquet_dictionary_init(&d, FORM_I64);
	for (uint32_t i = 0; i < 2000; i++)
		values[i] = (i % 1000) * INT64_C(1000003);
	assert_int_equal(parquet_dictionary_add(&d, values, 2000, numbers), 2000);
	assert_int_equal(d.count, 1000);
	for (uint32_t i = 0; i < 2000; i++)
		assert_int_equal(numbers[i], i % 1000);
	assert_memory_equal(parquet_dictionary_get(&d, 7).data, &values[7], 8);
	parquet_dictionary_clear(&d);
	for (uint32_t i = 0; i < dictionary_entries_max + 10; i++)
		values[i] = i;
	uint32_t taken = parquet_dictionary_add(&d, values, dictionary_entries_max + 10, numbers);
	assert_int_equal(taken, dictionary_entries_max);
	assert_int_equal(parquet_dictionary_add(&d, values, 1, numbers), 0);
	parquet_dictionary_release(&d);
}

/* Values made to share a slot end the dictionary instead of being sought one by one. */
static void test_dictionary_collisions(void **state)
{
	(void)state;
	struct parquet_dictionary d;
	static int64_t values[1000];
	uint32_t numbers[1000], count = 0;
	for (uint64_t v = 0; count < 1000; v++) {
		uint64_t bits = v * UINT64_C(0x9e3779b97f4a7c15);
		if (((bits >> 32) & 1023) == 5)
			values[count++] = (int64_t)v;
		assert_true(v < 1u << 30);
	}
	parquet_dictionary_init(&d, FORM_I64);
	assert_true(parquet_dictionary_add(&d, values, 1000, numbers) <= dictionary_probes_max + 1);
	parquet_dictionary_release(&d);
}

static void test_statistics_of_floats(void **state)
{
	(void)state;
	struct parquet_statistics s;
	parquet_statistics_init(&s);
	static const double nothing[] = {0.0 / 0.0}, some[] = {0.0 / 0.0, 2, -0.0, 0.0 / 0.0};
	parquet_statistics_add(&s, FORM_F64, nothing, 1);
	assert_false(s.any);
	parquet_statistics_add(&s, FORM_F64, some, 4);
	assert_true(s.any && s.least.f64 == 0 && s.greatest.f64 == 2);
	parquet_statistics_clear(&s);
	static const float infinite[] = {1.0f / 0.0f};
	parquet_statistics_add(&s, FORM_F32, infinite, 1);
	assert_true(s.any && s.least.f64 == 1.0 / 0.0);
	parquet_statistics_release(&s);
}

static void test_texts(void **state)
{
	(void)state;
	struct error err;
	struct str texts[3] = {{NULL, 0}, str_lit("a\xff"), str_lit("ok")};
	assert_int_equal(parquet_text_prepare(type_of(TYPE_STRING), str_lit("c"), texts, 3, &arena,
				 &err),
		0);
	assert_non_null(texts[0].data);
	assert_true(str_eq(texts[1], str_lit("a\xef\xbf\xbd")));
	struct type element = type_of(TYPE_INT), array = {.id = TYPE_ARRAY, .element = &element};
	struct str list = {"\2\0\0\0\1\7\0\0\0\0", 10};
	parquet_text_prepare(array, str_lit("c"), &list, 1, &arena, &err);
	assert_true(str_eq(list, str_lit("[7,null]")));
	struct str huge = {"", (size_t)parquet_value_bytes_max + 1};
	assert_int_equal(parquet_text_prepare(type_of(TYPE_BINARY), str_lit("big"), &huge, 1,
				 &arena, &err),
		-(int)CDCL_E_DATA);
	assert_non_null(strstr(err.text, "column big"));
}

/* ---- the writer against a disk that fails ---- */

static int calls_left;

static bool fails(void)
{
	errno = ENOSPC;
	return calls_left-- == 0;
}

static ssize_t failing_write(int fd, const void *buffer, size_t bytes)
{
	return fails() ? -1 : write(fd, buffer, bytes);
}

static int failing_fsync(int fd)
{
	return fails() ? -1 : fsync(fd);
}

static int write_file(struct parquet_writer *w, const struct chunk *c, struct error *err)
{
	int answer = parquet_writer_begin(w, path, err);
	for (int i = 0; i < 3 && answer == 0; i++)
		answer = parquet_writer_add(w, c, err);
	if (answer < 0) {
		parquet_writer_abandon(w);
		return answer;
	}
	return parquet_writer_end(w, true, err);
}

static struct chunk *numbers_chunk(struct schema **schema)
{
	*schema = schema_alloc(&arena, 2);
	(*schema)->columns[0] = (struct schema_column){str_lit("a"), type_of(TYPE_INT)};
	(*schema)->columns[1] = (struct schema_column){str_lit("b"), type_of(TYPE_NULL)};
	struct chunk *c = chunk_alloc(&arena, *schema);
	chunk_set_rows(c, 1000);
	for (int i = 0; i < 1000; i++)
		((int32_t *)c->columns[0].data)[i] = i;
	return c;
}

static void test_every_failing_write(void **state)
{
	(void)state;
	struct error err;
	struct schema *schema;
	struct chunk *c = numbers_chunk(&schema);
	struct parquet_options options = {.row_group_rows = 700};
	struct parquet_writer *w = parquet_writer_open(schema, &options, &err);
	struct disk disk = disk_system;
	disk.write = failing_write;
	disk.fsync = failing_fsync;
	disk_use(&disk);
	int k = 0, answer = -1;
	for (; k < 100 && answer < 0; k++) {
		calls_left = k;
		error_init(&err);
		answer = write_file(w, c, &err);
		assert_true(answer == 0 || err.code == CDCL_E_DISK);
	}
	assert_in_range(k, 10, 99);
	assert_int_equal(parquet_writer_rows(w), 3000);
	struct file_info info;
	assert_int_equal(file_stat(path, &info, &err), 0);
	assert_int_equal(parquet_writer_bytes(w), info.bytes);
	parquet_writer_close(w);
}

static void test_no_columns(void **state)
{
	(void)state;
	struct error err;
	struct parquet_options options = {0};
	assert_null(parquet_writer_open(schema_alloc(&arena, 0), &options, &err));
	assert_int_equal(err.code, CDCL_E_SCRIPT);
	parquet_writer_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_thrift, begin, end),
		cmocka_unit_test_setup_teardown(test_hybrid, begin, end),
		cmocka_unit_test_setup_teardown(test_dictionary, begin, end),
		cmocka_unit_test_setup_teardown(test_dictionary_collisions, begin, end),
		cmocka_unit_test_setup_teardown(test_statistics_of_floats, begin, end),
		cmocka_unit_test_setup_teardown(test_texts, begin, end),
		cmocka_unit_test_setup_teardown(test_every_failing_write, begin, end),
		cmocka_unit_test_setup_teardown(test_no_columns, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
