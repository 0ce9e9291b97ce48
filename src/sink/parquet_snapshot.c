#include "sink/parquet_sink.h"

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "data/value.h"
#include "sink/batch_mark.h"
#include "sink/fenced.h"
#include "sink/full_disk.h"
#include "sink/parquet_writer.h"
#include "sink/staged_folder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A Table's current rows as a folder of Parquet files, one per bucket of keys that has rows.
 *
 *	out/orders                -> orders.snapshots/000000124     a symbolic link
 *	out/orders.snapshots/
 *		000000123/part-0000-000000123.parquet
 *		          part-0001-000000120.parquet
 *		000000124/part-0000-000000124.parquet                rewritten: a key in it changed
 *		          part-0001-000000120.parquet                the same file, hard-linked
 *	out/.orders.link                                             the next link, for a moment
 *
 * A snapshot is whole and durable before the link is renamed to it, which is all that publishing
 * is. So a crash at any moment leaves the old snapshot or the new one; what it leaves unfinished
 * has a number above the link's and is removed by the next run. What is to go loses its name first
 * (.old-118) and its files with the next batch. A file's name has the number of the snapshot that
 * it was written for: no name ever stands for another snapshot's rows. `keep` older ones stay.
 *
 * With a checkpoint a snapshot says which batch it is of (batch_mark.h), and with it that nothing
 * changed since: an older one gets all rows at the next start.
 *
 * Bucket 0 has a file even without rows, so that readers find the columns.
 */

enum {
	held_bytes_max = 256 * 1024 * 1024,     /* row groups of all buckets together */
	group_bytes_min = 1024 * 1024,
	page_bytes_min = 64 * 1024,
	grown_snapshots_min = 10,               /* before the advice about `every` */
	grown_times_min = 50,
	grown_rows_min = 100 * 1000
};

static const char aside_prefix[] = ".old-";

struct parquet_snapshot {
	struct sink base;
	struct parquet_options options;
	struct full_disk full;
	int64_t keep;
	int64_t every_us;
	uint32_t bucket_count;
	struct bucket_set buckets;
	struct str name;                /* of the link; process memory */
	/* paths, with a NUL */
	struct strbuf link;
	struct strbuf folder;
	struct strbuf snapshots;
	struct strbuf next_link;
	struct strbuf scratch;
	struct strbuf other;
	int64_t current;                /* snapshot; 0: none yet */
	struct staged_folder next;      /* of current + 1 */
	bool ready;
	int64_t *versions;              /* by bucket, of the current one's files; 0: no file */
	int64_t *next_versions;
	struct parquet_writer **writers;        /* by bucket; NULL: none */
	bool advised;
	struct sink_rewrite totals;
};

static struct parquet_snapshot *snapshot_of(struct sink *s)
{
	return container_of(s, struct parquet_snapshot, base);
}

/* ---- paths ---- */

static const char *snapshot_path(const struct parquet_snapshot *p, struct strbuf *out, int64_t n)
{
	strbuf_reset(out);
	strbuf_addf(out, "%s/%09" PRId64 "%c", p->snapshots.data, n, '\0');
	return out->data;
}

/* Bucket `b`'s file of version `v` in snapshot `n`. */
static const char *bucket_path(const struct parquet_snapshot *p, struct strbuf *out, int64_t n,
	uint32_t b, int64_t v)
{
	snapshot_path(p, out, n);
	out->len--;
	strbuf_addf(out, "/part-%04u-%09" PRId64 ".parquet%c", b, v, '\0');
	return out->data;
}

static void set_paths(struct parquet_snapshot *p, struct str path)
{
	while (path.len > 1 && path.data[path.len - 1] == '/') {
		path.len--;
	}
	size_t at = path.len;
	while (at > 0 && path.data[at - 1] != '/') {
		at--;
	}
	struct str folder = str_sub(path, 0, at);
	p->name = str_sub(path, at, path.len - at);
	strbuf_addf(&p->link, STR_FMT "%c", STR_ARG(path), '\0');
	strbuf_addf(&p->folder, STR_FMT "%c", STR_ARG(at == 0 ? str_lit(".") : folder), '\0');
	strbuf_addf(&p->snapshots, STR_FMT ".snapshots%c", STR_ARG(path), '\0');
	strbuf_addf(&p->next_link, STR_FMT "." STR_FMT ".link%c", STR_ARG(folder),
		STR_ARG(p->name), '\0');
}

/* ---- open ---- */

/* The snapshot that the link names; 0: there is no link; negative: it is none of ours. */
static int64_t linked_snapshot(struct parquet_snapshot *p, struct error *err)
{
	struct strbuf target;
	strbuf_init(&target);
	int found = file_read_link(p->link.data, &target, err);
	int64_t n = found;
	if (found == 1) {
		struct str rest = strbuf_str(&target), dot = str_lit(".snapshots/");
		bool ours = str_starts(rest, p->name);
		rest = str_sub(rest, p->name.len, rest.len);
		ours = ours && str_starts(rest, dot) &&
			int64_parse(str_sub(rest, dot.len, rest.len), &n) && n > 0;
		if (!ours) {
			n = error_set(err, CDCL_E_DISK,
				"%s: is a link to " STR_FMT
				", which is no snapshot of this sink",
				p->link.data, STR_ARG(strbuf_str(&target)));
		}
	}
	strbuf_release(&target);
	return n;
}

/* Something else than a link may only be an empty folder, which is removed. */
static int make_room(struct parquet_snapshot *p, struct error *err)
{
	struct file_info info = {0};
	if (!file_exists(p->link.data)) {
		return 0;
	}
	int answer = file_stat(p->link.data, &info, err);
	if (answer < 0) {
		return answer;
	}
	if (!info.is_folder) {
		return error_set(err, CDCL_E_DISK, "%s: is a file; a Parquet target is a folder",
			p->link.data);
	}
	struct arena arena;
	struct str *names;
	arena_init(&arena, 4096);
	int count = file_list(p->link.data, &arena, &names, err);
	arena_release(&arena);
	if (count > 0) {
		error_set(err, CDCL_E_DISK,
			"%s: is a folder with files that are none of this sink's", p->link.data);
		error_help(err, "move it away, or write to another path");
		return -(int)CDCL_E_DISK;
	}
	return count < 0 ? count : file_remove_tree(p->link.data, err);
}

/*
 * Takes the name away first: who opens the folder while its files go must find nothing, not a part
 * of its rows. The files go with the next call, so that a listing that has begun can end.
 */
static int put_aside(struct parquet_snapshot *p, int64_t n, struct error *err)
{
	struct strbuf aside;
	strbuf_init(&aside);
	strbuf_addf(&aside, "%s/%s%" PRId64 "%c", p->snapshots.data, aside_prefix, n, '\0');
	int answer = file_rename(snapshot_path(p, &p->scratch, n), aside.data, err);
	strbuf_release(&aside);
	return answer;
}

/* Removes what was put aside before; with `others`, puts aside what is too old or unfinished. */
static int tidy_snapshots(struct parquet_snapshot *p, bool others, struct error *err)
{
	struct arena arena;
	struct str *names;
	arena_init(&arena, 4096);
	int count = file_list(p->snapshots.data, &arena, &names, err);
	int answer = count < 0 ? count : 0;
	for (int i = 0; i < count && answer == 0; i++) { /* sorted: what lies aside comes first */
		int64_t n;
		bool ours = int64_parse(names[i], &n) && n > 0;
		bool old = ours && (n > p->current || n < p->current - p->keep);
		if (str_starts(names[i], str_lit(aside_prefix)))
			answer = file_remove_tree(
				str_printf(&arena, "%s/" STR_FMT, p->snapshots.data,
					STR_ARG(names[i])).data, err);
		else if (old && others)
			answer = put_aside(p, n, err);
	}
	arena_release(&arena);
	return answer;
}

static const char *mark_path(struct parquet_snapshot *p, int64_t n)
{
	snapshot_path(p, &p->scratch, n);
	p->scratch.len--;
	strbuf_addf(&p->scratch, "/%s%c", batch_mark_name, '\0');
	return p->scratch.data;
}

static void choose_sizes(struct parquet_snapshot *p)
{
	size_t share = held_bytes_max / p->bucket_count;
	size_t page = share / (p->base.schema->column_count + 1);
	if (share < parquet_row_group_bytes) {
		p->options.row_group_bytes = share < group_bytes_min ? group_bytes_min : share;
	}
	if (page < parquet_page_bytes) {
		p->options.page_bytes = page < page_bytes_min ? page_bytes_min : page;
	}
}

static int open_snapshot(struct sink *s, int64_t *last_batch_id, struct error *err)
{
	struct parquet_snapshot *p = snapshot_of(s);
	*last_batch_id = -1;
	if (s->key == NULL) {
		p->bucket_count = 1;
	}
	bucket_set_init(&p->buckets, p->bucket_count, p->every_us);
	s->buckets = &p->buckets;
	s->rewrite = &p->totals;
	choose_sizes(p);
	p->versions = calloc(p->bucket_count, sizeof *p->versions);
	p->next_versions = calloc(p->bucket_count, sizeof *p->next_versions);
	p->writers = calloc(p->bucket_count, sizeof(struct parquet_writer *));
	check(p->versions != NULL && p->next_versions != NULL && p->writers != NULL);
	struct parquet_writer *trial = parquet_writer_open(s->schema, &p->options, err);
	if (trial == NULL) {
		return -(int)err->code; /* columns that Parquet cannot have */
	}
	parquet_writer_close(trial);
	int64_t linked = linked_snapshot(p, err);
	int answer = linked < 0 ? (int)linked : 0;
	p->current = linked;
	s->remembers = s->writer != NULL;
	if (linked > 0 && s->writer != NULL) {
		answer = batch_mark_read(s, mark_path(p, linked), last_batch_id, err);
	}
	if (answer == 0 && linked == 0) {
		answer = make_room(p, err);
	}
	if (answer == 0) {
		answer = file_make_dirs(p->snapshots.data, err);
	}
	if (answer == 0) {
		answer = file_sync_name(p->snapshots.data, err);
	}
	if (answer == 0) {
		answer = file_remove(p->next_link.data, err);
	}
	return answer == 0 ? tidy_snapshots(p, true, err) : answer;
}

/* ---- rows ---- */

static int not_alone(const struct parquet_snapshot *p, struct error *err)
{
	error_set(err, CDCL_E_FENCED, "%s: another process writes to it, snapshot %" PRId64,
		p->link.data, p->current + 1);
	return fenced_help(err);
}

static int begin(struct parquet_snapshot *p, struct error *err)
{
	if (p->next.begun) {
		return 0;
	}
	int answer = staged_folder_begin(
		&p->next, snapshot_path(p, &p->scratch, p->current + 1), &p->full, err);
	/* What an earlier run left there went at the start. */
	return answer == 1 ? not_alone(p, err) : answer;
}

static bool still_ours(struct parquet_snapshot *p)
{
	return staged_folder_is_ours(
		&p->next, snapshot_path(p, &p->scratch, p->current + 1));
}

static struct parquet_writer *writer_of(struct parquet_snapshot *p, uint32_t b, struct error *err)
{
	if (p->writers[b] != NULL) {
		return p->writers[b];
	}
	int64_t n = p->current + 1;
	if (begin(p, err) < 0) {
		return NULL;
	}
	p->writers[b] = parquet_writer_open(p->base.schema, &p->options, err);
	if (p->writers[b] == NULL ||
		parquet_writer_begin(
			p->writers[b], bucket_path(p, &p->scratch, n, b, n), err) < 0) {
		return NULL;
	}
	return p->writers[b];
}

static int write_rows(struct sink *s, const struct chunk *c, struct error *err)
{
	struct parquet_snapshot *p = snapshot_of(s);
	uint32_t buckets[chunk_rows_max], ends[parquet_buckets_max + 1] = {0};
	uint16_t rows[chunk_rows_max];
	if (p->bucket_count == 1) {
		memset(buckets, 0, sizeof buckets);
	} else {
		row_key_buckets(s->key, c, p->bucket_count, buckets);
	}
	uint32_t row;
	for (row = chunk_next_live(c, 0); row < chunk_rows_max; row = chunk_next_live(c, row + 1)) {
		ends[buckets[row] + 1]++;
	}
	for (uint32_t b = 0; b < p->bucket_count; b++) {
		ends[b + 1] += ends[b];
	}
	s->rows_written += ends[p->bucket_count];
	/* ends[b] moves from where bucket b begins to where it ends. */
	for (row = chunk_next_live(c, 0); row < chunk_rows_max; row = chunk_next_live(c, row + 1)) {
		rows[ends[buckets[row]]++] = (uint16_t)row;
	}
	for (uint32_t b = 0, at = 0; b < p->bucket_count; at = ends[b++]) {
		if (ends[b] == at) {
			continue;
		}
		check(bit_get(p->buckets.dirty, b));
		struct parquet_writer *w = writer_of(p, b, err);
		if (w == NULL) {
			return -(int)err->code;
		}
		int answer = parquet_writer_add_rows(w, c, rows + at, ends[b] - at, err);
		if (answer < 0) {
			return answer;
		}
	}
	return 0;
}

/* ---- prepare ---- */

static int end_bucket(struct parquet_snapshot *p, uint32_t b, struct error *err)
{
	struct parquet_writer *w = p->writers[b];
	p->next_versions[b] = 0;
	if (w == NULL && b > 0) {
		return 0; /* its last row went */
	}
	w = writer_of(p, b, err);
	if (w == NULL) {
		return -(int)err->code;
	}
	int answer = parquet_writer_end(w, true, err);
	p->totals.rows += parquet_writer_rows(w);
	p->totals.bytes += parquet_writer_bytes(w);
	p->totals.files++;
	p->next_versions[b] = p->current + 1;
	parquet_writer_close(w);
	p->writers[b] = NULL;
	return answer;
}

static int keep_bucket(struct parquet_snapshot *p, uint32_t b, struct error *err)
{
	int64_t v = p->versions[b];
	int answer = 0;
	p->next_versions[b] = v;
	do {
		answer = v == 0 ? 0
				: file_link(bucket_path(p, &p->scratch, p->current, b, v),
					  bucket_path(p, &p->other, p->current + 1, b, v), err);
	} while (answer < 0 && full_disk_wait(&p->full, err));
	return answer;
}

/* Which batch snapshot `n` is of. */
static int tell_batch(struct parquet_snapshot *p, int64_t n, int64_t batch, struct error *err)
{
	int answer;
	do {
		answer = batch_mark_write(&p->base, mark_path(p, n), batch, err);
	} while (answer < 0 && full_disk_wait(&p->full, err));
	return answer;
}

/* The link must be where this sink left it: two writers would take each other's files away. */
static int check_alone(struct parquet_snapshot *p, struct error *err)
{
	int64_t linked = linked_snapshot(p, err);
	if (linked < 0) {
		return (int)linked;
	}
	return linked == p->current ? 0 : error_set(err, CDCL_E_FENCED,
		"%s: somebody else writes to it: it is snapshot %" PRId64 ", not %" PRId64,
		p->link.data, linked, p->current);
}

static int make_link(struct parquet_snapshot *p, struct error *err)
{
	strbuf_reset(&p->other);
	strbuf_addf(&p->other, STR_FMT ".snapshots/%09" PRId64 "%c", STR_ARG(p->name),
		p->current + 1, '\0');
	int answer;
	do {
		answer = file_symlink(p->other.data, p->next_link.data, err);
	} while (answer < 0 && full_disk_wait(&p->full, err));
	return answer < 0 && file_exists(p->next_link.data) ? not_alone(p, err) : answer;
}

static int prepare(struct sink *s, const struct batch *b, struct error *err)
{
	struct parquet_snapshot *p = snapshot_of(s);
	s->pending = bucket_set_any(&p->buckets);
	s->due_us = p->buckets.given_us + p->buckets.every_us;
	if (!s->pending || !bucket_set_due(&p->buckets, b)) {
		return 0;
	}
	int answer = check_alone(p, err);
	if (answer == 0) {
		answer = begin(p, err);
	}
	for (uint32_t i = 0; i < p->bucket_count && answer == 0; i++) {
		bool dirty = bit_get(p->buckets.dirty, i);
		answer = dirty ? end_bucket(p, i, err) : keep_bucket(p, i, err);
	}
	if (answer == 0 && s->writer != NULL) {
		answer = tell_batch(p, p->current + 1, b->id, err);
	}
	if (answer == 0) {
		answer = file_sync_folder(snapshot_path(p, &p->scratch, p->current + 1), err);
	}
	if (answer == 0) {
		answer = file_sync_folder(p->snapshots.data, err);
	}
	if (p->next.begun && !still_ours(p)) {
		answer = not_alone(p, err);
	}
	if (answer == 0) {
		answer = make_link(p, err);
	}
	p->ready = answer == 0;
	return answer;
}

/* ---- publish ---- */

/* Once: that each snapshot rewrites far more than what changed. */
static void advise(struct parquet_snapshot *p)
{
	const struct sink_rewrite *t = &p->totals;
	if (p->advised || p->every_us > 0 || t->changes == 0 ||
		t->snapshots < grown_snapshots_min ||
		t->rows < grown_rows_min ||
		t->rows / t->changes < grown_times_min) {
		return;
	}
	p->advised = true;
	log_warn("parquet",
		"%s: %" PRId64 " snapshots rewrote %" PRId64 " rows for %" PRId64
		" changes; every = \"30 seconds\" or more buckets would rewrite less",
		p->link.data, t->snapshots, t->rows, t->changes);
}

static int publish(struct sink *s, const struct batch *b, struct error *err)
{
	struct parquet_snapshot *p = snapshot_of(s);
	if (!p->ready) {
		bool as_it_is = s->writer != NULL && !s->pending && p->current > 0;
		int alone = as_it_is ? check_alone(p, err) : 0;
		full_disk_passed(&p->full);
		return alone == 0 && as_it_is ? tell_batch(p, p->current, b->id, err) : alone;
	}
	p->ready = false;
	full_disk_passed(&p->full);
	int answer = check_alone(p, err);
	if (answer == 0 && !still_ours(p)) {
		answer = not_alone(p, err);
	}
	if (answer == 0) {
		answer = file_rename(p->next_link.data, p->link.data, err);
	}
	if (answer < 0) {
		return answer;
	}
	s->pending = false;
	staged_folder_end(&p->next);
	p->current++;
	memcpy(p->versions, p->next_versions, p->bucket_count * sizeof *p->versions);
	p->totals.snapshots++;
	p->totals.changes += p->buckets.changes;
	log_debug("parquet",
		"%s: snapshot %" PRId64 ": %" PRId64 " rows of dirty buckets for %" PRId64
		" changes",
		p->link.data, p->current, s->rows_written, p->buckets.changes);
	bucket_set_clear(&p->buckets, b);
	advise(p);
	answer = file_sync_folder(p->folder.data, err);
	return answer == 0 ? tidy_snapshots(p, true, err) : answer;
}

/* ---- close ---- */

static void close_snapshot(struct sink *s)
{
	struct parquet_snapshot *p = snapshot_of(s);
	const struct sink_rewrite *t = &p->totals;
	for (uint32_t i = 0; p->writers != NULL && i < p->bucket_count; i++) {
		parquet_writer_close(p->writers[i]);
	}
	if (p->next.begun && still_ours(p)) {
		file_remove_tree(snapshot_path(p, &p->scratch, p->current + 1), NULL);
		file_remove(p->next_link.data, NULL);
	}
	staged_folder_end(&p->next);
	if (p->snapshots.len > 0)
		tidy_snapshots(p, false, NULL);
	if (t->snapshots > 0) {
		log_info("parquet",
			"%s: %" PRId64 " snapshot%s, %" PRId64 " rows in %" PRId64
			" files written for %" PRId64 " changes, %.1f MB",
			p->link.data, t->snapshots, t->snapshots == 1 ? "" : "s", t->rows, t->files,
			t->changes, (double)t->bytes / 1e6);
	}
	strbuf_release(&p->link);
	strbuf_release(&p->folder);
	strbuf_release(&p->snapshots);
	strbuf_release(&p->next_link);
	strbuf_release(&p->scratch);
	strbuf_release(&p->other);
	free(p->versions);
	free(p->next_versions);
	free(p->writers);
	free(p);
}

static const struct sink_ops snapshot_ops = {
	.kind = "parquet_sink",
	.open = open_snapshot,
	.write = write_rows,
	.prepare = prepare,
	.publish = publish,
	.close = close_snapshot,
};

struct sink *parquet_snapshot_open(const struct sink_config *config)
{
	struct parquet_snapshot *p = calloc(1, sizeof *p);
	check(p != NULL); /* out of memory */
	p->base.ops = &snapshot_ops;
	p->options.compression = config->parquet.compression;
	p->full.waits = config->on_error == SINK_RETRY;
	p->options.full = &p->full;
	p->keep = config->parquet.keep_snapshots;
	p->every_us = config->every_us;
	p->bucket_count = (uint32_t)config->parquet.buckets;
	check(p->bucket_count > 0 && p->bucket_count <= parquet_buckets_max);
	set_paths(p, config->path);
	return &p->base;
}
