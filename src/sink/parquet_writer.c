#include "sink/parquet_writer.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "sink/parquet_column.h"

#include <stdlib.h>

enum { format_version = 2, text_arena_bytes = 64 * 1024 };

static const char magic[4] = {'P', 'A', 'R', '1'};

struct parquet_writer {
	const struct schema *schema;
	struct parquet_options options;
	struct parquet_column *columns; /* malloc */
	struct parquet_codec codec;
	struct arena texts;

	/* the file */
	int fd; /* -1: none */
	struct strbuf path;
	int64_t offset;
	int64_t rows;
	uint32_t group_count;
	struct strbuf groups; /* the RowGroup structs so far */

	/* the row group */
	uint32_t group_rows;
	struct strbuf dictionary_page;
	struct strbuf out; /* footer; the pages of small columns together */
};

static int check_schema(const struct schema *schema, struct error *err)
{
	if (schema->column_count == 0) {
		return error_set(err, CDCL_E_SCRIPT, "a Parquet file needs at least one column");
	}
	for (uint32_t i = 0; i < schema->column_count; i++) {
		struct str name = schema->columns[i].name;
		if (schema_find_fold(schema, name) == SCHEMA_AMBIGUOUS) {
			error_set(err, CDCL_E_SCRIPT,
				"a Parquet file cannot have two columns named " STR_FMT,
				STR_ARG(name));
			error_help(err, "give one another name: select(\"... as name\")");
			return -(int)CDCL_E_SCRIPT;
		}
	}
	return 0;
}

static void set_defaults(struct parquet_options *o)
{
	o->page_rows = o->page_rows == 0 ? parquet_page_rows : o->page_rows;
	o->page_bytes = o->page_bytes == 0 ? parquet_page_bytes : o->page_bytes;
	o->row_group_rows = o->row_group_rows == 0 ? parquet_row_group_rows : o->row_group_rows;
	o->row_group_bytes = o->row_group_bytes == 0 ? parquet_row_group_bytes : o->row_group_bytes;
}

struct parquet_writer *parquet_writer_open(
	const struct schema *schema, const struct parquet_options *options, struct error *err)
{
	if (check_schema(schema, err) < 0) {
		return NULL;
	}
	struct parquet_writer *w = calloc(1, sizeof *w);
	check(w != NULL); /* out of memory */
	w->schema = schema;
	w->options = *options;
	set_defaults(&w->options);
	w->fd = -1;
	parquet_codec_init(&w->codec, options->compression);
	arena_init(&w->texts, text_arena_bytes);
	strbuf_init(&w->path);
	strbuf_init(&w->groups);
	strbuf_init(&w->dictionary_page);
	strbuf_init(&w->out);
	w->columns = calloc(schema->column_count, sizeof *w->columns);
	check(w->columns != NULL); /* out of memory */
	struct parquet_page_limits limits = {w->options.page_rows, w->options.page_bytes};
	for (uint32_t i = 0; i < schema->column_count; i++) {
		parquet_column_init(&w->columns[i], schema->columns[i].type,
			schema->columns[i].name, limits, &w->texts);
	}
	return w;
}

void parquet_writer_close(struct parquet_writer *w)
{
	if (w == NULL) {
		return;
	}
	parquet_writer_abandon(w);
	for (uint32_t i = 0; i < w->schema->column_count; i++) {
		parquet_column_release(&w->columns[i]);
	}
	free(w->columns);
	parquet_codec_release(&w->codec);
	arena_release(&w->texts);
	strbuf_release(&w->path);
	strbuf_release(&w->groups);
	strbuf_release(&w->dictionary_page);
	strbuf_release(&w->out);
	free(w);
}

int64_t parquet_writer_rows(const struct parquet_writer *w)
{
	return w->rows;
}

int64_t parquet_writer_bytes(const struct parquet_writer *w)
{
	return w->offset;
}

size_t parquet_writer_held(const struct parquet_writer *w)
{
	size_t bytes = 0;
	for (uint32_t i = 0; i < w->schema->column_count; i++) {
		bytes += parquet_column_bytes(&w->columns[i]);
	}
	return bytes;
}

static bool waits_for_room(struct parquet_writer *w, struct error *err)
{
	return w->options.full != NULL && full_disk_wait(w->options.full, err);
}

/* What a full disk took of them is cut off before they are written again. */
static int put_bytes(struct parquet_writer *w, struct str bytes, struct error *err)
{
	int answer = file_write_all(w->fd, bytes, w->path.data, err);
	while (answer < 0 && waits_for_room(w, err)) {
		answer = file_cut(w->fd, w->offset, w->path.data, err);
		if (answer == 0) {
			answer = file_write_all(w->fd, bytes, w->path.data, err);
		}
	}
	w->offset += (int64_t)bytes.len;
	return answer;
}

int parquet_writer_begin(struct parquet_writer *w, const char *path, struct error *err)
{
	check(w->fd < 0);
	int fd = file_open_write(path, false, err);
	while (fd < 0 && waits_for_room(w, err)) {
		fd = file_open_write(path, false, err);
	}
	if (fd < 0) {
		return fd;
	}
	w->fd = fd;
	strbuf_reset(&w->path);
	strbuf_add(&w->path, (struct str){path, strlen(path) + 1});
	w->offset = 0;
	w->rows = 0;
	w->group_count = w->group_rows = 0;
	strbuf_reset(&w->groups);
	for (uint32_t i = 0; i < w->schema->column_count; i++) {
		parquet_column_clear(&w->columns[i]);
	}
	return put_bytes(w, (struct str){magic, sizeof magic}, err);
}

void parquet_writer_abandon(struct parquet_writer *w)
{
	file_close(w->fd);
	w->fd = -1;
}

/* ---- row groups ---- */

static int write_column(struct parquet_writer *w, struct parquet_column *c, struct thrift *t,
	struct error *err)
{
	int64_t offset = w->offset;
	int answer = parquet_column_end(c, &w->codec, &w->dictionary_page, err);
	if (answer == 0) {
		answer = put_bytes(w, strbuf_str(&w->dictionary_page), err);
	}
	if (answer == 0) {
		answer = put_bytes(w, strbuf_str(&c->pages), err);
	}
	if (answer == 0) {
		parquet_column_write(c, &w->codec, offset, w->dictionary_page.len, t);
	}
	return answer;
}

static int end_group(struct parquet_writer *w, struct error *err)
{
	if (w->group_rows == 0) {
		return 0;
	}
	struct thrift t;
	int64_t start = w->offset, raw = 0;
	thrift_begin(&t, &w->groups);
	thrift_list(&t, 1, THRIFT_STRUCT, w->schema->column_count);
	for (uint32_t i = 0; i < w->schema->column_count; i++) {
		int answer = write_column(w, &w->columns[i], &t, err);
		if (answer < 0) {
			return answer;
		}
		raw += (int64_t)w->columns[i].raw_bytes;
		parquet_column_clear(&w->columns[i]);
	}
	thrift_i64(&t, 2, raw);
	thrift_i64(&t, 3, w->group_rows);
	thrift_i64(&t, 5, start);
	thrift_i64(&t, 6, w->offset - start);
	if (w->group_count <= INT16_MAX) {
		thrift_i16(&t, 7, (int16_t)w->group_count);
	}
	thrift_end(&t);
	w->group_count++;
	w->group_rows = 0;
	return 0;
}

/* Bytes of the chunk's texts, which alone can make a chunk larger than a page. */
static size_t text_bytes(const struct parquet_writer *w, const struct chunk *c,
	const uint16_t *index, uint32_t rows)
{
	size_t most = 0;
	for (uint32_t i = 0; i < w->schema->column_count; i++) {
		const struct str *texts = c->columns[i].data;
		size_t bytes = 0;
		if (w->columns[i].type.form != FORM_BYTES) {
			continue;
		}
		for (uint32_t r = 0; r < rows; r++) {
			uint32_t row = index[r];
			bytes += column_is_null(&c->columns[i], row) ? 0 : texts[row].len;
		}
		most = bytes > most ? bytes : most;
	}
	return most;
}

/* How many of the chunk's rows go in at once, so that pages and row groups keep their limits. */
static uint32_t slice_rows(const struct parquet_writer *w, const struct chunk *c,
	const uint16_t *index, uint32_t rows)
{
	uint32_t most = rows;
	size_t bytes = text_bytes(w, c, index, rows);
	if (bytes > w->options.page_bytes) {
		size_t share = (size_t)rows * w->options.page_bytes / bytes;
		most = share == 0 ? 1 : (uint32_t)share;
	}
	return most < w->options.page_rows ? most : w->options.page_rows;
}

static int add_slice(struct parquet_writer *w, const struct chunk *c,
	const struct parquet_slice *slice, struct error *err)
{
	for (uint32_t i = 0; i < w->schema->column_count; i++) {
		int answer = parquet_column_add(
			&w->columns[i], &c->columns[i], slice, &w->codec, err);
		if (answer < 0) {
			return answer;
		}
	}
	w->group_rows += slice->count;
	w->rows += slice->count;
	if (w->group_rows >= w->options.row_group_rows ||
		parquet_writer_held(w) >= w->options.row_group_bytes) {
		return end_group(w, err);
	}
	return 0;
}

/* Live rows of the chunk, in order; their count. */
static uint32_t find_rows(const struct chunk *c, uint16_t *index)
{
	uint32_t n = 0;
	for (uint32_t w = 0; w < chunk_words; w++) {
		for (uint64_t word = c->live[w]; word != 0; word &= word - 1) {
			index[n++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(word));
		}
	}
	return n;
}

int parquet_writer_add(struct parquet_writer *w, const struct chunk *c, struct error *err)
{
	uint16_t index[chunk_rows_max];
	uint32_t rows = find_rows(c, index);
	return parquet_writer_add_rows(w, c, index, rows, err);
}

int parquet_writer_add_rows(struct parquet_writer *w, const struct chunk *c,
	const uint16_t *index, uint32_t rows, struct error *err)
{
	check(w->fd >= 0);
	check(c->column_count >= w->schema->column_count); /* hidden ones are not written */
	if (rows == 0) {
		return 0;
	}
	bool dense = index[rows - 1] - index[0] + 1u == rows;
	uint32_t most = slice_rows(w, c, index, rows);
	for (uint32_t done = 0; done < rows;) {
		uint32_t room = w->options.row_group_rows - w->group_rows;
		uint32_t n = rows - done < most ? rows - done : most;
		n = n < room ? n : room;
		struct parquet_slice slice = {index[done], n, dense ? NULL : index + done};
		int answer = add_slice(w, c, &slice, err);
		if (answer < 0) {
			return answer;
		}
		done += n;
	}
	arena_reset(&w->texts);
	return 0;
}

/* ---- the footer ---- */

static void write_schema(const struct parquet_writer *w, struct thrift *t)
{
	thrift_list(t, 2, THRIFT_STRUCT, w->schema->column_count + 1);
	thrift_element(t);
	thrift_i32(t, 3, 0); /* REQUIRED */
	thrift_binary(t, 4, str_lit("schema"));
	thrift_i32(t, 5, (int32_t)w->schema->column_count);
	thrift_end(t);
	for (uint32_t i = 0; i < w->schema->column_count; i++) {
		parquet_type_write(&w->columns[i].type, w->columns[i].name, t);
	}
}

static void write_footer(const struct parquet_writer *w, struct strbuf *out)
{
	struct thrift t;
	thrift_begin(&t, out);
	thrift_i32(&t, 1, format_version);
	write_schema(w, &t);
	thrift_i64(&t, 3, w->rows);
	thrift_list(&t, 4, THRIFT_STRUCT, w->group_count);
	strbuf_add(out, strbuf_str(&w->groups));
	thrift_binary(&t, 6, str_lit("cdcl version " CDCL_VERSION));
	thrift_list(&t, 7, THRIFT_STRUCT, w->schema->column_count);
	for (uint32_t i = 0; i < w->schema->column_count; i++) {
		thrift_element(&t); /* ColumnOrder: by its type */
		thrift_struct(&t, 1);
		thrift_end(&t);
		thrift_end(&t);
	}
	thrift_end(&t);
}

int parquet_writer_end(struct parquet_writer *w, bool durable, struct error *err)
{
	check(w->fd >= 0);
	int answer = end_group(w, err);
	if (answer == 0) {
		strbuf_reset(&w->out);
		write_footer(w, &w->out);
		uint32_t bytes = (uint32_t)w->out.len;
		strbuf_add(&w->out, (struct str){(const char *)&bytes, sizeof bytes});
		strbuf_add(&w->out, (struct str){magic, sizeof magic});
		answer = put_bytes(w, strbuf_str(&w->out), err);
	}
	if (answer == 0 && durable) {
		answer = file_sync(w->fd, w->path.data, err);
	}
	parquet_writer_abandon(w);
	return answer;
}
