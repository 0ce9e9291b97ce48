#include "parquet_rows.h"

#include "base/arena.h"
#include "base/file.h"
#include "model_disk.h"
#include "parquet_reader.h"
#include "workload.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

enum { path_bytes = 256 };

static bool ends_with(struct str s, const char *end)
{
	struct str e = str_c(end);
	return s.len >= e.len && str_eq(str_sub(s, s.len - e.len, e.len), e);
}

static void add_file(const char *path, const char *first, struct strbuf *out)
{
	if (!parquet_reader_rows(model_disk_file(path), first, out))
		world_wrong("%s is no whole Parquet file", path);
}

/* "5d0a9c11 41 8d3c07a1... orders": 41; `otherwise` when it is not there. */
static int64_t mark_of(const char *path, int64_t otherwise)
{
	struct str text = model_disk_file(path);
	long long batch = otherwise;
	if (text.len > 0 && (text.data[text.len - 1] != '\n' ||
				    sscanf(text.data, "%*x %lld ", &batch) != 1))
		world_wrong("%s tells no batch: " STR_FMT, path, STR_ARG(text));
	return batch;
}

static struct str *names_of(const char *path, struct arena *arena, int *count)
{
	struct error err;
	struct str *names = NULL;
	error_init(&err);
	*count = file_exists(path) ? file_list(path, arena, &names, &err) : 0;
	if (*count < 0)
		world_wrong("%s", err.text);
	return names;
}

void parquet_rows_snapshot(const char *path, struct strbuf *out, int64_t *batch)
{
	char file[path_bytes];
	struct arena arena;
	int count;
	arena_init(&arena, 4096);
	strbuf_init(out);
	struct str *names = names_of(path, &arena, &count);
	for (int i = 0; i < count; i++) {
		snprintf(file, sizeof(file), "%s/" STR_FMT, path, STR_ARG(names[i]));
		if (ends_with(names[i], ".parquet"))
			add_file(file, "", out);
	}
	snprintf(file, sizeof(file), "%s/_cdcl_batch", path);
	*batch = mark_of(file, -1);
	lines_sort(out);
	arena_release(&arena);
}

/* Of "p=1": "\"p\":1,"; the day is no column. */
static void columns_of(struct str folder, char *first)
{
	int p = 0;
	if (sscanf(folder.data, "p=%d", &p) == 1)
		snprintf(first, path_bytes, "\"p\":%d,", p);
}

static void add_folder(const char *root, const char *below, const char *above_first, bool moving,
	struct strbuf *out)
{
	char path[path_bytes], inner[path_bytes], first[path_bytes];
	struct arena arena;
	int count;
	arena_init(&arena, 4096);
	snprintf(path, sizeof(path), "%s%s%s", root, moving ? "/_publishing" : "", below);
	struct str *names = names_of(path, &arena, &count);
	for (int i = 0; i < count; i++) {
		struct str name = names[i];
		bool is_file = ends_with(name, moving ? ".parquet.part" : ".parquet");
		if (name.data[0] == '_')
			continue;
		snprintf(first, sizeof(first), "%s", above_first);
		columns_of(name, first);
		snprintf(inner, sizeof(inner), "%s/" STR_FMT, below, STR_ARG(name));
		if (!is_file) {
			add_folder(root, inner, first, moving, out);
			continue;
		}
		snprintf(path, sizeof(path), "%s%.*s", root,
			(int)strlen(inner) - (moving ? 5 : 0), inner);
		if (moving && file_exists(path)) /* it has two names: the move is not over */
			continue;
		snprintf(path, sizeof(path), "%s%s%s", root, moving ? "/_publishing" : "", inner);
		add_file(path, first, out);
	}
	arena_release(&arena);
}

void parquet_rows_added(const char *path, struct strbuf *out, int64_t *batch)
{
	char mark[path_bytes];
	strbuf_init(out);
	add_folder(path, "", "", false, out);
	add_folder(path, "", "", true, out);
	snprintf(mark, sizeof(mark), "%s/_cdcl_batch", path);
	*batch = mark_of(mark, -1);
	snprintf(mark, sizeof(mark), "%s/_publishing/_cdcl_batch.part", path);
	*batch = mark_of(mark, *batch);
	lines_sort(out);
}
