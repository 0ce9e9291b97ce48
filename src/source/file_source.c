#include "source/source.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "source/line_reader.h"
#include "source/record_line.h"
#include "source/source_kinds.h"

#include <stdlib.h>

/*
 * Files as a source: a file, a folder, a shell pattern, or standard input ("-"). One message per
 * line, files in name order; files that appear later are taken too, unless the run is finite or the
 * path names one file. `partitions` holds the files of the current batch; partition 0, offsets
 * count lines from 0.
 */

enum { file_poll_ms = 200 };

struct file_source {
	struct source source;
	const struct file_config *config;
	enum source_run run;
	struct arena arena; /* paths, as long as the source */
	struct arena scan_arena; /* paths of one look at the folder */
	const struct partition_offset **kept; /* config->resume->from, sorted by path */
	struct str *seen; /* every path ever taken, sorted */
	size_t seen_count;
	struct str *waiting; /* found, not begun, sorted; next is waiting[waiting_next] */
	size_t waiting_count;
	size_t waiting_next;
	int64_t scanned_us; /* monotonic; -1: never */
	bool single; /* one file or stdin: its end is the end */
	struct line_reader *reader; /* of partitions[partition_count - 1]; NULL: between files */
	uint32_t partition_capacity;
	int64_t files_in_batch;
	bool replays; /* this batch goes just to where it went before (config->resume) */
	uint32_t replay_next; /* of resume->until */
};

static struct file_source *from_source(struct source *s)
{
	return container_of(s, struct file_source, source);
}

/* ---- which files ---- */

static bool was_seen(const struct file_source *f, struct str path)
{
	size_t low = 0;
	size_t high = f->seen_count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = str_cmp(f->seen[mid], path);
		if (c == 0)
			return true;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static int compare_paths(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int compare_kept(const void *a, const void *b)
{
	const struct partition_offset *const *left = a, *const *right = b;
	return str_cmp((*left)->topic, (*right)->topic);
}

/* A checkpoint may know 100,000 files, all of which each look at the folder finds again. */
static void sort_kept(struct file_source *f)
{
	const struct source_resume *resume = f->config->resume;
	uint32_t count = resume == NULL ? 0 : resume->from_count;
	f->kept = ARENA_ARRAY(&f->arena, const struct partition_offset *, count + 1);
	for (uint32_t i = 0; i < count; i++)
		f->kept[i] = &resume->from[i];
	if (count > 0)
		qsort(f->kept, count, sizeof(*f->kept), compare_kept);
}

/* What a checkpoint says of a file; NULL: nothing. */
static const struct partition_offset *resumed(const struct file_source *f, struct str path)
{
	const struct source_resume *resume = f->config->resume;
	const struct partition_offset wanted = {.topic = path}, *key = &wanted;
	const struct partition_offset **found = resume == NULL ? NULL
		: bsearch(&key, f->kept, resume->from_count, sizeof(*f->kept), compare_kept);
	return found == NULL ? NULL : *found;
}

/* A file is read once: what was added to it since would be missed without a word. */
static void tell_changed(const struct file_source *f, const struct partition_offset *from)
{
	const struct source_resume *resume = f->config->resume;
	struct topic_witness then = {.until = 0};
	struct file_info now;
	if (resume->witnesses != NULL)
		then = resume->witnesses[from - resume->from];
	if (then.until == 0 || file_stat(from->topic.data, &now, NULL) < 0 ||
		(uint64_t)now.bytes == then.hash)
		return;
	log_warn("file",
		STR_FMT ": had %llu bytes when it was read to its end, and has %lld now; a file is "
			"read once: new lines belong into a new file",
		STR_ARG(from->topic), (unsigned long long)then.hash, (long long)now.bytes);
}

static bool was_read(const struct file_source *f, struct str path, bool tell)
{
	const struct partition_offset *from = resumed(f, path);
	bool read = from != NULL && from->partition == 1;
	if (read && tell)
		tell_changed(f, from);
	return read;
}

/* New paths go behind those that wait, and all of them are put in name order again. */
static int add_waiting(
	struct file_source *f, const struct str *paths, size_t count, struct error *err)
{
	size_t left = f->waiting_count - f->waiting_next;
	struct str *waiting = calloc(left + count + 1, sizeof(*waiting));
	struct str *seen = calloc(f->seen_count + count + 1, sizeof(*seen));
	if (waiting == NULL || seen == NULL) {
		free(waiting);
		free(seen);
		return error_set(err, CDCL_E_MEMORY, "no memory for the names of %zu files",
			f->seen_count + count);
	}
	if (left > 0)
		memcpy(waiting, f->waiting + f->waiting_next, left * sizeof(*waiting));
	if (f->seen_count > 0)
		memcpy(seen, f->seen, f->seen_count * sizeof(*seen));
	for (size_t i = 0; i < count; i++) {
		struct str path = str_dup(paths[i], &f->arena);
		waiting[left + i] = path;
		seen[f->seen_count + i] = path;
	}
	qsort(waiting, left + count, sizeof(*waiting), compare_paths);
	qsort(seen, f->seen_count + count, sizeof(*seen), compare_paths);
	free(f->waiting);
	free(f->seen);
	f->waiting = waiting;
	f->waiting_count = left + count;
	f->waiting_next = 0;
	f->seen = seen;
	f->seen_count += count;
	return 0;
}

static void tell_none(const struct file_source *f, struct str pattern)
{
	if (f->run == SOURCE_RUN_FOREVER)
		log_info("file", STR_FMT ": no file is there yet; waiting for one",
			STR_ARG(pattern));
	else
		log_warn("file", STR_FMT ": no file is there", STR_ARG(pattern));
}

static int scan(struct file_source *f, struct error *err)
{
	arena_reset(&f->scan_arena);
	bool first = f->scanned_us < 0;
	f->scanned_us = clock_monotonic_us(f->source.clock);
	struct str pattern = str_dup(f->config->path, &f->scan_arena);
	struct str *paths = NULL;
	int count = file_glob(pattern.data, &f->scan_arena, &paths, err);
	if (count < 0)
		return count;
	if (first && count == 0)
		tell_none(f, pattern);
	size_t fresh = 0;
	for (int i = 0; i < count; i++)
		if (!was_seen(f, paths[i]) && !was_read(f, paths[i], first))
			paths[fresh++] = paths[i];
	return fresh == 0 ? 0 : add_waiting(f, paths, fresh, err);
}

static bool may_scan(const struct file_source *f)
{
	if (f->single || f->run != SOURCE_RUN_FOREVER)
		return false;
	return clock_monotonic_us(f->source.clock) - f->scanned_us >= file_poll_ms * 1000 ||
		f->scanned_us < 0;
}

static bool is_pattern(struct str path)
{
	for (size_t i = 0; i < path.len; i++)
		if (strchr("*?[", path.data[i]) != NULL)
			return true;
	return false;
}

static int file_source_open(struct source *s, enum source_run run, struct error *err)
{
	struct file_source *f = from_source(s);
	f->run = run;
	f->replays = f->config->resume != NULL && f->config->resume->replays;
	s->gives_text = f->config->format == FILE_LINES && !f->replays;
	sort_kept(f);
	struct str path = str_dup(f->config->path, &f->arena);
	if (str_eq(path, str_lit("-"))) {
		f->single = true;
		s->wake_fd = 0;
		s->poll_ms = 0;
		s->comes_to_end = false;
		return add_waiting(f, &path, 1, err);
	}
	if (!is_pattern(path)) {
		struct file_info info;
		int r = file_stat(path.data, &info, err);
		if (r < 0)
			return r;
		f->single = !info.is_folder;
	}
	return scan(f, err);
}

/* ---- a batch ---- */

static int file_source_begin_batch(struct source *s, struct error *err)
{
	(void)err;
	struct file_source *f = from_source(s);
	f->files_in_batch = 0;
	if (f->reader == NULL) {
		s->partition_count = 0;
		return 0;
	}
	s->partitions[0] = s->partitions[s->partition_count - 1];
	s->partitions[0].batch_start = s->partitions[0].position;
	s->partition_count = 1;
	return 0;
}

/* Over the lines that were read before. */
static int skip_lines(struct file_source *f, struct source_partition *part, struct error *err)
{
	const struct partition_offset *from = resumed(f, part->topic);
	int64_t end = from == NULL ? 0 : from->offset;
	while (part->position < end) {
		struct str line;
		int more = LINES_MORE;
		if (!line_reader_next(f->reader, &line)) {
			more = line_reader_more(f->reader, err);
			if (more == LINES_MORE)
				continue;
			if (more == LINES_END && line_reader_next(f->reader, &line))
				more = LINES_MORE;
		}
		if (more < 0)
			return more;
		if (more != LINES_MORE)
			return error_set(err, CDCL_E_DATA,
				STR_FMT ": %lld lines were read of it, now it has %lld",
				STR_ARG(part->topic), (long long)end, (long long)part->position);
		part->position++;
	}
	part->first = part->batch_start = part->position;
	return 0;
}

/* A batch that is run again reads its own files, in its own order. */
static int choose_replayed(struct file_source *f, struct error *err)
{
	struct str path = f->config->resume->until[f->replay_next].topic;
	for (size_t i = f->waiting_next; i < f->waiting_count; i++) {
		if (!str_eq(f->waiting[i], path))
			continue;
		memmove(&f->waiting[f->waiting_next + 1], &f->waiting[f->waiting_next],
			(i - f->waiting_next) * sizeof(*f->waiting));
		f->waiting[f->waiting_next] = path;
		return 0;
	}
	return error_set(err, CDCL_E_DATA,
		STR_FMT ": is gone, and the batch that has to be run again had it", STR_ARG(path));
}

static int begin_file(struct file_source *f, struct error *err)
{
	struct source *s = &f->source;
	if (s->partition_count == f->partition_capacity) {
		uint32_t capacity = f->partition_capacity == 0 ? 16 : f->partition_capacity * 2;
		struct source_partition *larger =
			realloc(s->partitions, capacity * sizeof(*larger));
		if (larger == NULL)
			return error_set(err, CDCL_E_MEMORY, "no memory for %u files", capacity);
		s->partitions = larger;
		f->partition_capacity = capacity;
	}
	struct str path = f->waiting[f->waiting_next];
	f->reader = line_reader_open(path.data, err);
	if (f->reader == NULL)
		return -(int)err->code;
	f->waiting_next++;
	s->partitions[s->partition_count++] =
		(struct source_partition){.topic = path, .latest = -1};
	int r = skip_lines(f, &s->partitions[s->partition_count - 1], err);
	if (r < 0)
		return r;
	/* One that an earlier run began is none of this batch's files, as if it had stayed open. */
	if (s->partitions[s->partition_count - 1].position > 0)
		return 0;
	f->files_in_batch++;
	if (s->wake_fd < 0)
		s->files_read++; /* an empty file is input; standard input is when something comes
				  */
	return 0;
}

static void end_file(struct file_source *f)
{
	struct source_partition *part = &f->source.partitions[f->source.partition_count - 1];
	struct file_info info;
	part->latest = part->position;
	if (file_stat(part->topic.data, &info, NULL) == 0)
		part->witness = (struct topic_witness){1, (uint64_t)info.bytes};
	line_reader_close(f->reader);
	f->reader = NULL;
}

/* ---- lines ---- */

static void add_line(struct file_source *f, struct str line, struct messages *out)
{
	struct source_partition *part = &f->source.partitions[f->source.partition_count - 1];
	uint32_t i = out->count++;
	bool is_null = f->config->null_value.data != NULL && str_eq(line, f->config->null_value);
	out->topic[i] = part->topic;
	out->partition[i] = 0;
	out->offset[i] = part->position;
	out->timestamp_us[i] = -1;
	out->timestamp_type[i] = 0;
	out->key[i] = (struct str){NULL, 0};
	out->value[i] = is_null ? (struct str){NULL, 0} : str_dup(line, out->arena);
	out->headers[i] = NULL;
	out->header_count[i] = 0;
}

static int take_line(
	struct file_source *f, struct str line, struct messages *out, struct error *err)
{
	struct source_partition *part = &f->source.partitions[f->source.partition_count - 1];
	uint32_t before = out->count;
	if (f->config->format == FILE_LINES) {
		add_line(f, line, out);
	} else {
		int r = record_line_add(line, f->config->topics, f->config->topic_count, out, err);
		if (r < 0) {
			error_at(err, STR_FMT ":%lld", STR_ARG(part->topic),
				(long long)part->position + 1);
			return r;
		}
	}
	part->position++;
	f->source.messages_read += out->count - before;
	f->source.bytes_read += (int64_t)line.len + 1;
	return 0;
}

/* The batch that is run again has all it had of the open file. */
static bool replayed(const struct file_source *f)
{
	const struct source_partition *part = &f->source.partitions[f->source.partition_count - 1];
	return f->replays && part->position >= f->config->resume->until[f->replay_next].offset;
}

/* To its next file; its last one may go on in the batch after it. */
static int replay_next(struct file_source *f)
{
	if (f->replay_next + 1 == f->config->resume->until_count)
		return SOURCE_LIMIT;
	end_file(f);
	f->replay_next++;
	return SOURCE_MORE;
}

static int too_short(const struct file_source *f, struct error *err)
{
	const struct source_partition *part = &f->source.partitions[f->source.partition_count - 1];
	return error_set(err, CDCL_E_DATA,
		STR_FMT ": has %lld lines, and the batch that has to be run again had more",
		STR_ARG(part->topic), (long long)part->position);
}

/* The other sources of a batch that is run again come first. */
static bool turn_is_over(const struct file_source *f)
{
	const struct source_partition *part = &f->source.partitions[f->source.partition_count - 1];
	const struct source_turn *turn = f->source.turn;
	return turn != NULL && str_eq(turn->topic, part->topic) && part->position >= turn->until;
}

/* Lines of the open file until `out` is full, the file ends (reader NULL then) or nothing comes. */
static int read_lines(struct file_source *f, struct messages *out, struct error *err)
{
	while (!messages_full(out)) {
		struct str line;
		if (turn_is_over(f))
			return SOURCE_WAITING;
		if (replayed(f))
			return replay_next(f);
		if (line_reader_next(f->reader, &line)) {
			int r = take_line(f, line, out, err);
			if (r < 0)
				return r;
			continue;
		}
		int more = line_reader_more(f->reader, err);
		if (more < 0)
			return more;
		if (more == LINES_BLOCKED)
			return SOURCE_IDLE;
		if (more == LINES_END && !line_reader_next(f->reader, &line)) {
			if (f->replays)
				return too_short(f, err);
			end_file(f);
			return SOURCE_MORE;
		}
		if (more == LINES_END) {
			int r = take_line(f, line, out, err);
			if (r < 0)
				return r;
		}
	}
	return SOURCE_MORE;
}

static int no_more_files(const struct file_source *f)
{
	return f->single || f->run != SOURCE_RUN_FOREVER ? SOURCE_END : SOURCE_IDLE;
}

static bool batch_is_full(const struct file_source *f)
{
	return f->run != SOURCE_RUN_ONCE && f->config->max_files_per_trigger > 0 &&
		f->files_in_batch >= f->config->max_files_per_trigger;
}

/* Opens it, or says why there is none. */
static int next_file(struct file_source *f, struct error *err)
{
	int r = SOURCE_MORE;
	if (f->replays && f->config->resume->until_count == 0)
		return SOURCE_LIMIT;
	if (f->replays)
		r = choose_replayed(f, err);
	else if (batch_is_full(f))
		return SOURCE_LIMIT;
	if (r < 0)
		return r;
	if (f->waiting_next == f->waiting_count && may_scan(f) && (r = scan(f, err)) < 0)
		return r;
	if (f->waiting_next == f->waiting_count)
		return no_more_files(f);
	r = begin_file(f, err);
	return r < 0 ? r : SOURCE_MORE;
}

static int file_source_fill(struct source *s, struct messages *out, struct error *err)
{
	struct file_source *f = from_source(s);
	int r = SOURCE_MORE;
	while (r == SOURCE_MORE && !messages_full(out))
		r = f->reader != NULL ? read_lines(f, out, err) : next_file(f, err);
	return r;
}

/* ---- texts of whole lines ---- */

static bool texts_full(const struct source_texts *t)
{
	return t->lines == chunk_rows_max || t->arena->bytes_held >= chunk_bytes_max;
}

static void add_text(
	struct file_source *f, struct str text, uint32_t lines, struct source_texts *out)
{
	struct source_partition *part = &f->source.partitions[f->source.partition_count - 1];
	out->items[out->count++] = (struct source_text){
		.topic = part->topic, .offset = part->position, .text = text, .lines = lines};
	out->lines += lines;
	part->position += lines;
	f->source.messages_read += lines;
	f->source.bytes_read += (int64_t)text.len + (text.data[text.len - 1] != '\n');
}

/* Lines that the reader has, as far as there is room. */
static bool take_text(struct file_source *f, struct source_texts *out)
{
	struct str text;
	uint32_t lines = line_reader_text(f->reader, chunk_rows_max - out->lines, &text);
	if (lines > 0)
		add_text(f, str_dup(text, out->arena), lines, out);
	return lines > 0;
}

/* Lines that are still in the file, if they can be read to where they stay: LINES_MORE. */
static int read_whole_lines(struct file_source *f, struct source_texts *out, struct error *err)
{
	struct str text;
	uint32_t lines = 0;
	int more = line_reader_read_text(
		f->reader, chunk_rows_max - out->lines, out->arena, &text, &lines, err);
	if (lines > 0)
		add_text(f, text, lines, out);
	return more;
}

/* As read_lines, of a batch that is new. */
static int read_text(struct file_source *f, struct source_texts *out, struct error *err)
{
	while (!texts_full(out)) {
		if (take_text(f, out))
			continue;
		int more = read_whole_lines(f, out, err);
		if (more == LINES_BLOCKED)
			more = line_reader_more(f->reader, err);
		if (more < 0)
			return more;
		if (more == LINES_BLOCKED)
			return SOURCE_IDLE;
		if (more == LINES_END && !take_text(f, out)) {
			end_file(f);
			return SOURCE_MORE;
		}
	}
	return SOURCE_MORE;
}

static int file_source_fill_text(struct source *s, struct source_texts *out, struct error *err)
{
	struct file_source *f = from_source(s);
	int r = SOURCE_MORE;
	while (r == SOURCE_MORE && !texts_full(out))
		r = f->reader != NULL ? read_text(f, out, err) : next_file(f, err);
	return r;
}

static int file_source_end_batch(struct source *s, struct error *err)
{
	(void)err;
	struct file_source *f = from_source(s);
	f->replays = false;
	s->gives_text = f->config->format == FILE_LINES;
	return 0;
}

static void file_source_close(struct source *s)
{
	struct file_source *f = from_source(s);
	line_reader_close(f->reader);
	free(f->waiting);
	free(f->seen);
	free(s->partitions);
	arena_release(&f->arena);
	arena_release(&f->scan_arena);
	free(f);
}

static const struct source_ops file_source_ops = {
	.kind = "file",
	.open = file_source_open,
	.begin_batch = file_source_begin_batch,
	.fill = file_source_fill,
	.fill_text = file_source_fill_text,
	.end_batch = file_source_end_batch,
	.close = file_source_close,
};

struct source *file_source_make(const struct file_config *config, struct error *err)
{
	struct file_source *f = calloc(1, sizeof(*f));
	if (f == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory for a file source");
		return NULL;
	}
	arena_init(&f->arena, 4096);
	arena_init(&f->scan_arena, 4096);
	f->config = config;
	f->scanned_us = -1;
	f->source.ops = &file_source_ops;
	f->source.wake_fd = -1;
	f->source.poll_ms = file_poll_ms;
	f->source.comes_to_end = true;
	f->source.description =
		str_printf(&f->arena, "FileStreamSource[" STR_FMT "]", STR_ARG(config->path));
	return &f->source;
}
