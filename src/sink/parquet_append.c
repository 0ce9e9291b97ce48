#include "sink/parquet_sink.h"

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "data/value.h"
#include "sink/batch_mark.h"
#include "sink/fenced.h"
#include "sink/full_disk.h"
#include "sink/parquet_columns.h"
#include "sink/parquet_writer.h"
#include "sink/staged_folder.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * Rows that are added: every batch (or, with `every`, the batches of that time) is one new file, or
 * one for each partition.
 *
 *	out/events/day=2024-01-31/part-1706659200000000-000007.parquet
 *	out/events/_staging/day=.../part-....parquet.part       being written
 *	out/events/_publishing/...                              durable, on its way to its place
 *
 * Partitions are folders as Hive, Spark and every reader know them: column=value, escaped, and the
 * files do not hold those columns. Publishing is the rename of _staging to _publishing; what is
 * there is moved to its place at once, by the next run if this one cannot. What a crash left in
 * _staging was not published and is removed. Readers leave out names that begin with _.
 *
 * With a checkpoint files are named by it and by their batch (part-8d3c07a1-000000041-000000), and
 * the batch's number (batch_mark.h) moves with them. Rows are not held back over several batches
 * then (`every`): a crash would lose them.
 */

enum {
	parts_max = 128,                /* files open at once; the one used longest ago is ended */
	held_bytes_max = 256 * 1024 * 1024,
	depth_max = parquet_partition_columns_max + 1
};

struct part {
	struct parquet_writer *writer;
	struct strbuf folder;           /* "region=EU/day=2024-01-31", or empty */
	uint64_t used;
};

struct parquet_append {
	struct sink base;
	struct parquet_options options;
	struct full_disk full;
	int64_t every_us;
	int64_t given_us;
	struct parquet_partition partition;
	struct str partition_by;
	struct arena arena;             /* of the next two */
	struct schema *files;           /* @kind, and the columns that are no partition */
	uint32_t *from;                 /* by column of the files: of the rows */
	struct column *columns;         /* a chunk's, as the files have them */
	bool kinds;                     /* the first of them is @kind */
	struct strbuf path;             /* without a NUL, as are the next two */
	struct strbuf staging;
	struct strbuf publishing;
	struct strbuf scratch;
	struct strbuf text;             /* of a partition's value */
	struct strbuf folder;           /* of the rows at hand */
	struct strbuf next;
	struct strbuf said;             /* of columns, comes with the next files; or empty */
	struct part parts[parts_max];
	uint32_t part_count;
	uint64_t uses;
	uint64_t files_begun;
	struct staged_folder staged;    /* _staging, once something is in it */
	bool ready;
	int64_t held;                   /* with a checkpoint: the last batch that is there */
	struct sink_rewrite totals;
};

static struct parquet_append *append_of(struct sink *s)
{
	return container_of(s, struct parquet_append, base);
}

static const char *c_path(struct strbuf *scratch, const struct strbuf *path)
{
	strbuf_reset(scratch);
	strbuf_add(scratch, strbuf_str(path));
	strbuf_add_byte(scratch, '\0');
	return scratch->data;
}

/* ---- partitions ---- */

static bool can_partition(struct type t)
{
	return t.id == TYPE_STRING || t.id == TYPE_DATE || t.id == TYPE_TIMESTAMP ||
		t.id == TYPE_BOOLEAN || t.id == TYPE_DECIMAL || type_is_integer(t);
}

static int find_partition(struct str name, const struct schema *schema,
	struct parquet_partition *out, struct error *err)
{
	struct strbuf type;
	int column = schema_find_fold(schema, name);
	if (column < 0 && str_eq_fold(name, str_lit("day"))) {
		out->by_day = true;
		return 0;
	}
	if (column < 0) {
		return error_set(err, CDCL_E_SCRIPT, "partition_by: there is no column \"" STR_FMT
			"\"", STR_ARG(name));
	}
	if (out->count == parquet_partition_columns_max) {
		return error_set(err, CDCL_E_SCRIPT, "partition_by takes at most %d columns",
			(int)parquet_partition_columns_max);
	}
	if (!can_partition(schema->columns[column].type)) {
		strbuf_init(&type);
		type_name(schema->columns[column].type, &type);
		error_set(err, CDCL_E_SCRIPT, "partition_by: a column of type " STR_FMT
			" names no folders", STR_ARG(strbuf_str(&type)));
		strbuf_release(&type);
		return -(int)CDCL_E_SCRIPT;
	}
	out->columns[out->count++] = (uint32_t)column;
	return 0;
}

int parquet_partition_read(struct str list, const struct schema *schema,
	struct parquet_partition *out, struct error *err)
{
	*out = (struct parquet_partition){.count = 0};
	while (list.data != NULL && list.len > 0) {
		size_t end = 0;
		while (end < list.len && list.data[end] != ',') {
			end++;
		}
		struct str name = str_trim(str_sub(list, 0, end));
		int answer = find_partition(name, schema, out, err);
		if (answer < 0) {
			return answer;
		}
		list = str_sub(list, end + 1, list.len);
	}
	if (out->count > 0 && out->count >= schema->column_count) {
		return error_set(err, CDCL_E_SCRIPT,
			"partition_by: no column is left for the files");
	}
	return 0;
}

/* As Hive writes folder names. */
static void add_escaped(struct str text, struct strbuf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c < 0x20 || c == 0x7f || strchr("\"#%'*/:=?\\{[]^", c) != NULL) {
			strbuf_addf(out, "%%%02X", c);
		} else {
			strbuf_add_byte(out, (char)c);
		}
	}
}

static void add_partition(struct parquet_append *p, struct str name, const struct value *v,
	struct strbuf *out)
{
	strbuf_reset(&p->text);
	if (!v->is_null) {
		value_text(v, VALUE_CAST, p->base.timezone, &p->text);
	}
	if (out->len > 0) {
		strbuf_add_byte(out, '/');
	}
	add_escaped(name, out);
	strbuf_add_byte(out, '=');
	if (p->text.len == 0) {
		strbuf_add_c(out, "__HIVE_DEFAULT_PARTITION__");
	}
	add_escaped(strbuf_str(&p->text), out);
}

/* The day of the batch, in the job's time zone. */
static void add_day(struct parquet_append *p, struct strbuf *out)
{
	struct value v = {.type = type_of(TYPE_TIMESTAMP)};
	strbuf_reset(&p->text);
	v.as.i64 = p->base.batch == NULL ? 0 : p->base.batch->time_us;
	value_text(&v, VALUE_CAST, p->base.timezone, &p->text);
	strbuf_add_c(out, out->len > 0 ? "/day=" : "day=");
	strbuf_add(out, str_sub(strbuf_str(&p->text), 0, sizeof "2024-01-31" - 1));
}

/* ---- open ---- */

static void lay_out(struct parquet_append *p)
{
	const struct schema *s = p->base.schema;
	uint32_t n = 0;
	p->kinds = p->base.mode == OUTPUT_CHANGELOG;
	p->files = schema_alloc(&p->arena, 0);
	p->files->columns = ARENA_ARRAY(&p->arena, struct schema_column, s->column_count + 1);
	p->from = ARENA_ARRAY(&p->arena, uint32_t, s->column_count + 1);
	p->columns = ARENA_ARRAY(&p->arena, struct column, s->column_count + 1);
	if (p->kinds) {
		p->files->columns[n++] =
			(struct schema_column){str_lit("@kind"), type_of(TYPE_STRING)};
		p->columns[0].data =
			ARENA_ARRAY(&p->arena, struct str, chunk_rows_max);
	}
	for (uint32_t i = 0; i < s->column_count; i++) {
		bool left_out = false;
		for (uint32_t k = 0; k < p->partition.count; k++) {
			left_out |= p->partition.columns[k] == i;
		}
		if (!left_out) {
			p->from[n] = i;
			p->files->columns[n++] = s->columns[i];
		}
	}
	p->files->column_count = n;
}

/* Files on their way from one folder to another. */
struct move {
	struct strbuf *from;
	struct strbuf *to;
	bool resumed;                   /* who began it has died: what it made may not last */
};

static int move_out(struct move *m, unsigned depth, struct error *err);

/* The folder at `to`, whose name begins behind `above`: there before anything is moved to it. */
static int make_durable(struct move *m, size_t above, struct error *err)
{
	if (!m->resumed && file_exists(m->to->data)) {
		return 0;
	}
	int answer = file_make_dirs(m->to->data, err);
	m->to->data[above] = '\0';
	if (answer == 0) {
		answer = file_sync_folder(m->to->data, err);
	}
	m->to->data[above] = '/';
	return answer;
}

/* A file leaves its ".part" behind, a folder is walked. */
static int move_one(struct move *m, struct str name, unsigned depth, struct error *err)
{
	struct file_info info = {0};
	struct str suffix = str_lit(".part");
	struct strbuf *from = m->from, *to = m->to;
	size_t from_len = from->len, to_len = to->len;
	strbuf_addf(from, "/" STR_FMT "%c", STR_ARG(name), '\0');
	strbuf_addf(to, "/" STR_FMT "%c", STR_ARG(name), '\0');
	int answer = file_stat(from->data, &info, err);
	if (answer == 0 && info.is_folder) {
		answer = make_durable(m, to_len, err);
		from->len--;
		to->len--;
		if (answer == 0) {
			answer = move_out(m, depth + 1, err);
		}
	} else if (answer == 0) {
		if (name.len > suffix.len) {
			to->data[to->len - 1 - suffix.len] = '\0';
		}
		answer = file_rename(from->data, to->data, err);
	}
	from->len = from_len;
	to->len = to_len;
	return answer;
}

static int move_out(struct move *m, unsigned depth, struct error *err)
{
	struct arena arena;
	struct str *names;
	struct strbuf path;
	if (depth > depth_max) {
		return error_set(
			err, CDCL_E_DISK, STR_FMT ": too deep", STR_ARG(strbuf_str(m->from)));
	}
	arena_init(&arena, 4096);
	strbuf_init(&path);
	int count = file_list(c_path(&path, m->from), &arena, &names, err);
	int answer = count < 0 ? count : 0;
	for (int i = 0; i < count && answer == 0; i++) {
		answer = move_one(m, names[i], depth, err);
	}
	if (answer == 0) {
		answer = file_sync_folder(c_path(&path, m->to), err);
	}
	strbuf_release(&path);
	arena_release(&arena);
	return answer;
}

static int finish_publishing(struct parquet_append *p, bool resumed, struct error *err)
{
	struct move m = {&p->publishing, &p->path, resumed};
	int answer;
	do { /* what was moved is there no more */
		answer = move_out(&m, 0, err);
	} while (answer < 0 && full_disk_wait(&p->full, err));
	return answer == 0 ? file_remove_tree(c_path(&p->scratch, &p->publishing), err) : answer;
}

static int take_over(struct parquet_append *p, struct error *err)
{
	struct strbuf target;
	strbuf_init(&target);
	int linked = file_read_link(c_path(&p->scratch, &p->path), &target, err);
	strbuf_release(&target);
	if (linked != 0) {
		return linked < 0 ? linked : error_set(err, CDCL_E_DISK,
			STR_FMT ": holds snapshots of a Table (or is a link); rows are added to a "
			"folder", STR_ARG(strbuf_str(&p->path)));
	}
	int answer = file_make_dirs(c_path(&p->scratch, &p->path), err);
	if (answer == 0) {
		answer = file_sync_name(p->scratch.data, err);
	}
	if (answer == 0) { /* the mark of a batch without rows: who put it there may have died */
		answer = file_sync_folder(p->scratch.data, err);
	}
	if (answer == 0 && file_exists(c_path(&p->scratch, &p->publishing))) {
		log_warn("parquet", STR_FMT ": moving a batch to its place that an earlier run "
			"had published", STR_ARG(strbuf_str(&p->path)));
		answer = finish_publishing(p, true, err);
	}
	if (answer == 0) {
		answer = file_remove_tree(c_path(&p->scratch, &p->staging), err);
	}
	return answer;
}

/* ---- the batch that is there ---- */

static const char *path_in(
	struct parquet_append *p, const struct strbuf *folder, const char *name)
{
	strbuf_reset(&p->scratch);
	strbuf_addf(&p->scratch, STR_FMT "/%s%c", STR_ARG(strbuf_str(folder)), name, '\0');
	return p->scratch.data;
}

static const char *mark_path(struct parquet_append *p, const struct strbuf *folder)
{
	return path_in(p, folder, batch_mark_name);
}

static int read_mark(struct parquet_append *p, struct error *err)
{
	p->base.remembers = p->base.writer != NULL;
	p->held = -1;
	return p->base.writer == NULL
		? 0
		: batch_mark_read(&p->base, mark_path(p, &p->path), &p->held, err);
}

/* It moves with the files, and as one of them. */
static int stage(struct parquet_append *p, const char *name, struct str text, struct error *err)
{
	int answer;
	path_in(p, &p->staging, name);
	p->scratch.len--;
	strbuf_addf(&p->scratch, ".part%c", '\0');
	do {
		answer = file_write_synced(p->scratch.data, false, text, err);
	} while (answer < 0 && full_disk_wait(&p->full, err));
	return answer;
}

static int stage_mark(struct parquet_append *p, const struct batch *b, struct error *err)
{
	struct strbuf text;
	strbuf_init(&text);
	batch_mark_text(p->base.writer, b->id, &text);
	int answer = stage(p, batch_mark_name, strbuf_str(&text), err);
	strbuf_release(&text);
	return answer;
}

static int not_alone(const struct parquet_append *p, struct error *err)
{
	error_set(err, CDCL_E_FENCED, STR_FMT ": another process writes to it",
		STR_ARG(strbuf_str(&p->path)));
	return fenced_help(err);
}

/* Nobody else has published since. */
static int check_alone(struct parquet_append *p, struct error *err)
{
	int64_t known = p->held;
	bool others = p->base.others;
	int answer = read_mark(p, err);
	if (answer == 0 && (p->held != known || p->base.others != others)) {
		answer = not_alone(p, err);
	}
	return answer;
}

static int open_append(struct sink *s, int64_t *last_batch_id, struct error *err)
{
	struct parquet_append *p = append_of(s);
	if (s->writer != NULL && p->every_us > 0) {
		error_set(err, CDCL_E_SCRIPT, "parquet_sink " STR_FMT ": with a checkpoint rows "
			"that are added cannot be held back", STR_ARG(strbuf_str(&p->path)));
		error_help(err, "leave `every` out; the job's trigger says how often files are "
			"made");
		return -(int)CDCL_E_SCRIPT;
	}
	int answer = parquet_partition_read(p->partition_by, s->schema, &p->partition, err);
	if (answer < 0) {
		return answer;
	}
	lay_out(p);
	struct parquet_writer *trial = parquet_writer_open(p->files, &p->options, err);
	if (trial == NULL) {
		return -(int)err->code; /* columns that Parquet cannot have */
	}
	parquet_writer_close(trial);
	answer = take_over(p, err);
	if (answer < 0) {
		return answer;
	}
	answer = read_mark(p, err);
	*last_batch_id = p->held;
	if (answer == 0) {
		answer = parquet_columns_follow(path_in(p, &p->path, parquet_columns_name),
			strbuf_str(&p->path), p->files, &p->said, err);
	}
	/* A folder that takes no files is told at the start. */
	if (answer == 0) {
		answer = file_make_dirs(c_path(&p->scratch, &p->staging), err);
	}
	return answer == 0 ? file_remove_tree(c_path(&p->scratch, &p->staging), err) : answer;
}

/* ---- rows ---- */

static int end_part(struct parquet_append *p, struct part *part, struct error *err)
{
	int answer = parquet_writer_end(part->writer, true, err);
	p->totals.files++;
	p->totals.rows += parquet_writer_rows(part->writer);
	p->totals.bytes += parquet_writer_bytes(part->writer);
	parquet_writer_close(part->writer);
	part->writer = NULL;
	return answer;
}

static bool still_ours(struct parquet_append *p)
{
	return staged_folder_is_ours(&p->staged, c_path(&p->scratch, &p->staging));
}

static int begin_staging(struct parquet_append *p, struct error *err)
{
	int answer = staged_folder_begin(
		&p->staged, c_path(&p->scratch, &p->staging), &p->full, err);
	/* What an earlier run left there went at the start. */
	return answer == 1 ? not_alone(p, err) : answer;
}

/* "_staging/day=2024-01-31", made. */
static int make_folder(struct parquet_append *p, struct str folder, struct error *err)
{
	int answer = p->staged.begun ? 0 : begin_staging(p, err);
	if (answer < 0) {
		return answer;
	}
	strbuf_reset(&p->scratch);
	strbuf_add(&p->scratch, strbuf_str(&p->staging));
	strbuf_addf(&p->scratch, folder.len > 0 ? "/" STR_FMT "%c" : STR_FMT "%c", STR_ARG(folder),
		'\0');
	do {
		answer = file_make_dirs(p->scratch.data, err);
	} while (answer < 0 && full_disk_wait(&p->full, err));
	p->scratch.len--;
	return answer;
}

static int begin_part(struct parquet_append *p, struct part *part, struct error *err)
{
	int64_t time_us = p->base.batch == NULL ? 0 : p->base.batch->time_us;
	part->writer = parquet_writer_open(p->files, &p->options, err);
	if (part->writer == NULL || make_folder(p, strbuf_str(&part->folder), err) < 0) {
		return -(int)err->code;
	}
	if (p->base.writer != NULL && p->base.batch != NULL) {
		strbuf_addf(&p->scratch, "/part-%.8s-%09" PRId64, p->base.writer->checkpoint.data,
			p->base.batch->id);
	} else {
		strbuf_addf(&p->scratch, "/part-%016" PRId64, time_us);
	}
	strbuf_addf(&p->scratch, "-%06" PRIu64 ".parquet.part%c", p->files_begun++, '\0');
	return parquet_writer_begin(part->writer, p->scratch.data, err);
}

/* A place for a part: a new one, or that of the one used longest ago, which is ended. */
static int free_part(struct parquet_append *p, struct error *err)
{
	if (p->part_count < parts_max) {
		return (int)p->part_count++;
	}
	uint32_t oldest = 0;
	for (uint32_t i = 1; i < p->part_count; i++) {
		if (p->parts[i].used < p->parts[oldest].used) {
			oldest = i;
		}
	}
	int answer = end_part(p, &p->parts[oldest], err);
	return answer < 0 ? answer : (int)oldest;
}

static int find_part(struct parquet_append *p, struct str folder, struct error *err)
{
	for (uint32_t i = 0; i < p->part_count; i++) {
		if (str_eq(strbuf_str(&p->parts[i].folder), folder)) {
			return (int)i;
		}
	}
	int at = free_part(p, err);
	if (at < 0) {
		return at;
	}
	strbuf_reset(&p->parts[at].folder);
	strbuf_add(&p->parts[at].folder, folder);
	int answer = begin_part(p, &p->parts[at], err);
	return answer < 0 ? answer : at;
}

/* The chunk's columns as the files have them. */
static struct chunk view_of(struct parquet_append *p, const struct chunk *c)
{
	struct chunk view = *c;
	view.schema = p->files;
	view.columns = p->columns;
	view.column_count = p->files->column_count;
	for (uint32_t i = p->kinds; i < p->files->column_count; i++) {
		p->columns[i] = c->columns[p->from[i]];
	}
	struct str *kinds = p->kinds ? p->columns[0].data : NULL;
	for (uint32_t row = 0; row < c->row_count && kinds != NULL; row++) {
		kinds[row] = str_c(row_kind_name(chunk_kind(c, row)));
	}
	return view;
}

static void add_folder(
	struct parquet_append *p, const struct chunk *c, uint32_t row, struct strbuf *out)
{
	strbuf_reset(out);
	if (p->partition.by_day) {
		add_day(p, out);
	}
	for (uint32_t i = 0; i < p->partition.count; i++) {
		uint32_t column = p->partition.columns[i];
		const struct schema_column *sc = &p->base.schema->columns[column];
		struct value v = value_from_column(&c->columns[column], sc->type, row);
		add_partition(p, sc->name, &v, out);
	}
}

static int write_run(struct parquet_append *p, const struct chunk *view, struct str folder,
	const uint16_t *rows, uint32_t count, struct error *err)
{
	int part = count == 0 ? -1 : find_part(p, folder, err);
	if (count == 0) {
		return 0;
	}
	if (part < 0) {
		return part;
	}
	p->parts[part].used = ++p->uses;
	p->base.rows_written += count;
	return parquet_writer_add_rows(p->parts[part].writer, view, rows, count, err);
}

/* Runs of rows of one partition: rows of a time come together, and columns with few values sort. */
static int write_rows(struct sink *s, const struct chunk *c, struct error *err)
{
	struct parquet_append *p = append_of(s);
	struct chunk view = view_of(p, c);
	uint16_t rows[chunk_rows_max];
	uint32_t count = 0;
	struct strbuf *folder = &p->folder, *next = &p->next;
	int answer = 0;
	for (uint32_t row = chunk_next_live(c, 0); row < chunk_rows_max && answer == 0;
		row = chunk_next_live(c, row + 1)) {
		if (count == 0 || p->partition.count > 0) {
			add_folder(p, c, row, next);
		}
		if (count > 0 && !str_eq(strbuf_str(folder), strbuf_str(next))) {
			answer = write_run(p, &view, strbuf_str(folder), rows, count, err);
			count = 0;
		}
		if (count == 0) {
			strbuf_reset(folder);
			strbuf_add(folder, strbuf_str(next));
		}
		rows[count++] = (uint16_t)row;
	}
	if (answer == 0) {
		answer = write_run(p, &view, strbuf_str(folder), rows, count, err);
	}
	return answer;
}

/* ---- prepare, publish ---- */

static int sync_tree(struct strbuf *path, unsigned depth, struct error *err);

static int sync_below(struct strbuf *path, struct str name, unsigned depth, struct error *err)
{
	struct file_info info = {0};
	size_t len = path->len;
	strbuf_addf(path, "/" STR_FMT "%c", STR_ARG(name), '\0');
	int answer = file_stat(path->data, &info, err);
	path->len--;
	if (answer == 0 && info.is_folder) {
		answer = sync_tree(path, depth + 1, err);
	}
	path->len = len;
	return answer;
}

/* Each folder, those between the first and the last, too: a name is lost with one above it. */
static int sync_tree(struct strbuf *path, unsigned depth, struct error *err)
{
	struct arena arena;
	struct str *names;
	struct strbuf text;
	check(depth <= depth_max);
	arena_init(&arena, 4096);
	strbuf_init(&text);
	int count = file_list(c_path(&text, path), &arena, &names, err);
	int answer = count < 0 ? count : 0;
	for (int i = 0; i < count && answer == 0; i++) {
		answer = sync_below(path, names[i], depth, err);
	}
	if (answer == 0) {
		answer = file_sync_folder(c_path(&text, path), err);
	}
	strbuf_release(&text);
	arena_release(&arena);
	return answer;
}

static int prepare(struct sink *s, const struct batch *b, struct error *err)
{
	struct parquet_append *p = append_of(s);
	s->pending = p->staged.begun;
	s->due_us = p->given_us + p->every_us;
	if (!s->pending || (!b->last && p->every_us > 0 && b->time_us < s->due_us)) {
		return 0;
	}
	int answer = 0;
	for (uint32_t i = 0; i < p->part_count && answer == 0; i++) {
		answer = end_part(p, &p->parts[i], err);
	}
	if (answer == 0 && s->writer != NULL) {
		answer = stage_mark(p, b, err);
	}
	if (answer == 0 && p->said.len > 0) {
		answer = stage(p, parquet_columns_name, strbuf_str(&p->said), err);
	}
	if (answer == 0) {
		answer = sync_tree(&p->staging, 0, err);
	}
	if (answer < 0 && p->staged.begun && !still_ours(p)) {
		answer = not_alone(p, err);
	}
	p->ready = answer == 0;
	return answer;
}

static int publish(struct sink *s, const struct batch *b, struct error *err)
{
	struct parquet_append *p = append_of(s);
	struct strbuf to;
	int answer = s->writer == NULL ? 0 : check_alone(p, err);
	if (answer == 0 && p->ready && !still_ours(p)) {
		answer = not_alone(p, err);
	}
	full_disk_passed(&p->full);
	if (answer == 0 && !p->ready && s->writer != NULL) {
		do {
			answer = batch_mark_write(s, mark_path(p, &p->path), b->id, err);
		} while (answer < 0 && full_disk_wait(&p->full, err));
	}
	if (answer < 0 || !p->ready) {
		p->held = answer == 0 ? b->id : p->held;
		s->others = false;
		return answer;
	}
	strbuf_init(&to);
	answer = file_rename(
		c_path(&p->scratch, &p->staging), c_path(&to, &p->publishing), err);
	strbuf_release(&to);
	p->ready = s->pending = false;
	staged_folder_end(&p->staged);
	strbuf_reset(&p->said);
	p->part_count = 0;
	p->files_begun = s->writer == NULL ? p->files_begun : 0;
	p->given_us = b->time_us;
	p->held = b->id;
	s->others = false;
	if (answer == 0) {
		answer = file_sync_folder(c_path(&p->scratch, &p->path), err);
	}
	return answer == 0 ? finish_publishing(p, false, err) : answer;
}

/* ---- close ---- */

static void close_append(struct sink *s)
{
	struct parquet_append *p = append_of(s);
	for (uint32_t i = 0; i < parts_max; i++) {
		parquet_writer_close(p->parts[i].writer);
		strbuf_release(&p->parts[i].folder);
	}
	if (p->staged.begun && still_ours(p)) {
		file_remove_tree(c_path(&p->scratch, &p->staging), NULL);
	}
	staged_folder_end(&p->staged);
	if (p->totals.files > 0) {
		log_info("parquet", STR_FMT ": %" PRId64 " rows in %" PRId64 " files, %.1f MB",
			STR_ARG(strbuf_str(&p->path)), p->totals.rows, p->totals.files,
			(double)p->totals.bytes / 1e6);
	}
	strbuf_release(&p->path);
	strbuf_release(&p->staging);
	strbuf_release(&p->publishing);
	strbuf_release(&p->scratch);
	strbuf_release(&p->text);
	strbuf_release(&p->folder);
	strbuf_release(&p->next);
	strbuf_release(&p->said);
	arena_release(&p->arena);
	free(p);
}

static const struct sink_ops append_ops = {
	.kind = "parquet_sink",
	.open = open_append,
	.write = write_rows,
	.prepare = prepare,
	.publish = publish,
	.close = close_append,
};

struct sink *parquet_append_open(const struct sink_config *config)
{
	struct parquet_append *p = calloc(1, sizeof *p);
	check(p != NULL); /* out of memory */
	p->base.ops = &append_ops;
	p->options.compression = config->parquet.compression;
	p->options.full = &p->full;
	p->full.waits = config->on_error == SINK_RETRY;
	p->options.row_group_bytes = held_bytes_max / parts_max * 8;
	p->every_us = config->every_us;
	p->partition_by = config->parquet.partition_by;
	arena_init(&p->arena, 4096);
	struct str path = config->path;
	while (path.len > 1 && path.data[path.len - 1] == '/') {
		path.len--;
	}
	strbuf_add(&p->path, path);
	strbuf_addf(&p->staging, STR_FMT "/_staging", STR_ARG(path));
	strbuf_addf(&p->publishing, STR_FMT "/_publishing", STR_ARG(path));
	return &p->base;
}
