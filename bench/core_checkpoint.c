/*
 * A checkpoint alone: a table of orders rows committed, scanned into a snapshot, recovered from it,
 * all of its rows changed again in any order, and recovered with that log.
 *
 *	bench_core_checkpoint [KEYS [FOLDER [snapshot|again]]]
 *
 * snapshot leaves the folder after the recoveries, again only recovers what is there (for a profile
 * of just that).
 *
 * Prints bytes and rows per second of CPU time of each (the disk's own time is beside it), the
 * longest slice of the snapshot by the clock, how fast memcpy copies as many bytes, and what the
 * machine takes for as many new pages as the recovery made: memcpy is between pages that are there.
 * The folder (default: checkpoint-bench here) is removed.
 *
 * The recovery from the snapshot is done some times, each just after the table before it went, as
 * that of a process that starts again (a hypervisor may take back what is free for longer), and
 * memcpy beside each; what is told is the median. Of these two also by the clock: a recovery has
 * a second thread.
 */

#define _GNU_SOURCE /* MADV_HUGEPAGE */

#include "base/clock.h"
#include "base/file.h"
#include "state/checkpoint.h"
#include "state/table_state.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

enum { recoveries = 7 };

/* What one recovery, or one copy, took: seconds. */
struct took {
	double cpu;
	double user;
	double clock;
};

struct bench {
	struct arena arena;
	struct schema *schema;
	struct row_key key;
	struct chunk *c;
	struct table *table;
	struct state_part *part;
	struct checkpoint *checkpoint;
	const struct checkpoint_found *found;
	int64_t new_bytes;              /* of pages that the recovery made */
	struct error err;
};

static double cpu(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static double user(void)
{
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	return (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6;
}

static double seconds(void)
{
	return (double)clock_monotonic_us(&clock_system) / 1e6;
}

static struct took start(void)
{
	return (struct took){cpu(), user(), seconds()};
}

static struct took took_since(struct took began)
{
	return (struct took){cpu() - began.cpu, user() - began.user, seconds() - began.clock};
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* Of one field of each, some bytes behind the beginning of the struct. */
static double median(const struct took *took, size_t offset)
{
	double all[recoveries];
	for (int i = 0; i < recoveries; i++)
		memcpy(&all[i], (const char *)&took[i] + offset, sizeof(all[i]));
	qsort(all, recoveries, sizeof(all[0]), compare_double);
	return all[recoveries / 2];
}

static void must(int r, const struct bench *b)
{
	if (r >= 0)
		return;
	fprintf(stderr, "%s\n", b->err.text);
	exit(1);
}

static void open_bench(struct bench *b, int64_t keys, const char *folder)
{
	static const char *const names[] = {"order_id", "product", "quantity", "op"};
	static const enum type_id types[] = {TYPE_INT, TYPE_STRING, TYPE_INT, TYPE_STRING};
	*b = (struct bench){.key = {1, {0}}};
	error_init(&b->err);
	arena_init(&b->arena, 1 << 18);
	b->schema = schema_alloc(&b->arena, 4);
	for (uint32_t i = 0; i < 4; i++)
		b->schema->columns[i] =
			(struct schema_column){str_c(names[i]), type_of(types[i])};
	b->c = chunk_alloc(&b->arena, b->schema);
	struct table_config config = {.schema = b->schema, .key = &b->key, .rows_max = keys,
		.deleted_max = 1000, .name = str_lit("bench")};
	b->table = table_open(&config, &b->err);
	b->part = table_state_part(b->table);
	struct checkpoint_config to = {
		.path = folder, .job = str_lit("bench"), .snapshot_log_bytes_min = 1,
		.in_background = true};
	b->checkpoint = checkpoint_open(&to, &b->part, 1, &b->err);
	must(b->checkpoint == NULL ? -1 : 0, b);
}

static void close_bench(struct bench *b)
{
	must(checkpoint_close(b->checkpoint, &b->err), b);
	table_close(b->table);
	arena_release(&b->arena);
}

/* Of `step` apart, beginning anew behind `keys`: a step beyond it is an order of its own. */
static void put_rows(struct bench *b, int64_t from, int64_t to, int64_t step, int64_t keys)
{
	static const char *const products[] = {"Laptop", "Mouse", "a product with a long name"};
	uint16_t rows[chunk_rows_max];
	uint32_t ids[chunk_rows_max], count = 0;
	struct column *c = b->c->columns;
	for (int64_t i = from; i < to; i++, count++) {
		rows[count] = (uint16_t)count;
		((int32_t *)c[0].data)[count] = (int32_t)(i * step % keys);
		((struct str *)c[1].data)[count] = str_c(products[i % 3]);
		((int32_t *)c[2].data)[count] = (int32_t)(i % 100);
		((struct str *)c[3].data)[count] = str_lit("update");
	}
	chunk_set_rows(b->c, count);
	must(table_resolve(b->table, b->c, rows, count, ids, &b->err), b);
	must(table_put(b->table, ids, b->c, rows, count, &b->err), b);
	table_release_empty(b->table);
}

static void batch(struct bench *b, int64_t id)
{
	struct checkpoint_batch batch = {.id = id};
	table_end_batch(b->table);
	must(checkpoint_commit(b->checkpoint, &batch, &b->err), b);
	must(checkpoint_wait(b->checkpoint, -1, &b->err), b);
	must(checkpoint_published(b->checkpoint, id, &b->err), b);
	must(checkpoint_wait(b->checkpoint, -1, &b->err), b);
}

static void tell(const char *what, int64_t bytes, int64_t rows, double took)
{
	printf("%-10s %6.1f MB  %7.0f MB/s  %11.0f rows/s\n", what, (double)bytes / 1e6,
		(double)bytes / 1e6 / took, (double)rows / took);
}

static void wait_for_disk(const struct bench *b)
{
	int fds[2];
	struct pollfd p[2] = {{.events = POLLIN}, {.events = POLLIN}};
	if (checkpoint_wake_fds(b->checkpoint, fds) != 2)
		return;
	p[0].fd = fds[0];
	p[1].fd = fds[1];
	poll(p, 2, 100);
	checkpoint_heard(b->checkpoint);
}

/* All rows changed again, in an order that memory does not have. */
static void scatter(struct bench *b, int64_t keys)
{
	struct checkpoint_figures before, after;
	checkpoint_figures(b->checkpoint, &before);
	for (int64_t i = 0; i < keys; i += chunk_rows_max)
		put_rows(b, i, i + chunk_rows_max < keys ? i + chunk_rows_max : keys,
			2654435761, keys);
	double began = cpu();
	batch(b, 2);
	checkpoint_figures(b->checkpoint, &after);
	tell("scattered", after.log_bytes - before.log_bytes, keys, cpu() - began);
}

static void write_all(struct bench *b, int64_t keys)
{
	struct checkpoint_figures f;
	must(checkpoint_recover(b->checkpoint, &b->found, &b->err), b);
	for (int64_t i = 0; i < keys; i += chunk_rows_max)
		put_rows(b, i, i + chunk_rows_max < keys ? i + chunk_rows_max : keys, 1, keys);
	double began = cpu();
	batch(b, 0);
	checkpoint_figures(b->checkpoint, &f);
	tell("commit", f.log_bytes, keys, cpu() - began);
	double longest = 0;
	began = cpu();
	checkpoint_figures(b->checkpoint, &f);
	while (!f.snapshot_whole) {
		double slice = seconds();
		int r = checkpoint_step(b->checkpoint, 256 * 1024, &b->err);
		must(r, b);
		double took = seconds() - slice;
		longest = took > longest ? took : longest;
		put_rows(b, 0, 1, 1, keys);
		checkpoint_figures(b->checkpoint, &f);
		if (r == 0 && !f.snapshot_whole)
			wait_for_disk(b);
	}
	double took = cpu() - began;
	batch(b, 1);
	checkpoint_figures(b->checkpoint, &f);
	tell("snapshot", f.snapshot_bytes, keys, took);
	printf("           longest slice %.1f ms\n", longest * 1e3);
}

/* Of this process, in memory. */
static int64_t resident(void)
{
	long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f == NULL || fscanf(f, "%*d %lld", &pages) != 1)
		fprintf(stderr, "no /proc/self/statm\n");
	if (f != NULL)
		fclose(f);
	return pages * 4096;
}

static struct took recover(struct bench *b)
{
	int64_t before = resident();
	struct took began = start();
	must(checkpoint_recover(b->checkpoint, &b->found, &b->err), b);
	struct took took = took_since(began);
	b->new_bytes = resident() - before;
	return took;
}

struct copy {
	char *from;
	char *to;
	size_t bytes;
};

static struct copy open_copy(size_t bytes)
{
	struct copy c = {malloc(bytes), malloc(bytes), bytes};
	memset(c.from, 1, bytes);
	memset(c.to, 2, bytes);
	return c;
}

static struct took copy(const struct copy *c)
{
	struct took began = start();
	memcpy(c->to, c->from, c->bytes);
	__asm__ volatile("" : : "r"(c->to) : "memory");
	return took_since(began);
}

/* The bench is open afterwards, with the table of the last one. */
static void recover_often(struct bench *b, int64_t keys, const char *folder)
{
	struct took recovered[recoveries], copied[recoveries];
	struct copy c = {.bytes = 0};
	for (int i = 0; i < recoveries; i++) {
		open_bench(b, keys, folder);
		recovered[i] = recover(b);
		if (i == 0)
			c = open_copy((size_t)b->found->bytes_read);
		copied[i] = copy(&c);
		if (i + 1 < recoveries)
			close_bench(b);
	}
	free(c.from);
	free(c.to);
	int64_t bytes = b->found->bytes_read, rows = table_rows(b->table);
	tell("recover", bytes, rows, median(recovered, offsetof(struct took, cpu)));
	printf("           %.0f MB/s without the kernel's part (new pages, most of all)\n",
		(double)bytes / 1e6 / median(recovered, offsetof(struct took, user)));
	tell("recover by the clock", bytes, rows, median(recovered, offsetof(struct took, clock)));
	tell("memcpy", bytes, rows, median(copied, offsetof(struct took, cpu)));
	tell("memcpy by the clock", bytes, rows, median(copied, offsetof(struct took, clock)));
}

/* As tables take them: of 2 MB where the kernel has those. */
static void touch(int64_t bytes)
{
	if (bytes <= 0)
		return;
	char *to = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	if (to == MAP_FAILED)
		return;
	madvise(to, (size_t)bytes, MADV_HUGEPAGE);
	double began = cpu();
	for (int64_t i = 0; i < bytes; i += 4096)
		to[i] = 1;
	tell("new pages", bytes, bytes / 4096, cpu() - began);
	munmap(to, (size_t)bytes);
}

int main(int argc, char **argv)
{
	int64_t keys = argc > 1 ? atoll(argv[1]) : 1000000;
	const char *folder = argc > 2 ? argv[2] : "checkpoint-bench";
	const char *mode = argc > 3 ? argv[3] : "";
	struct bench b;
	if (strcmp(mode, "again") != 0) {
		open_bench(&b, keys, folder);
		write_all(&b, keys);
		close_bench(&b);
	}
	recover_often(&b, keys, folder);
	touch(b.new_bytes);
	if (mode[0] == '\0') {
		scatter(&b, keys);
		close_bench(&b);
		open_bench(&b, keys, folder);
		struct took took = recover(&b);
		tell("with a log", b.found->bytes_read, table_rows(b.table), took.cpu);
	}
	close_bench(&b);
	if (mode[0] == '\0')
		must(file_remove_tree(folder, &b.err), &b);
	return 0;
}
