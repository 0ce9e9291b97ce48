/*
 * A table alone: chunks of rows resolved and put, nothing else.
 *
 *	bench_core_table [KEYS [ROUNDS]]
 *
 * Orders rows (order_id int, product string, quantity int, op string). The first round inserts KEYS
 * rows in random order, the others update them. Prints rows/s by round, the longest chunk (CPU
 * time), and bytes a row of what is not the values: index, marks with NULL bits, the list of what
 * the batch changed; what is not used (yet) of fields for strings and of blocks. Before that, the
 * longest turn of a loop that does nothing, also in CPU time: what the machine itself takes.
 * Instructions per row: under callgrind with two numbers of rounds, their difference divided by
 * KEYS.
 */

#include "state/table_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { idle_turns = 10000, idle_steps = 40000 };

static const char *const products[] = {"Laptop", "Mouse", "Keyboard", "Monitor", "USB hub", "Desk"};

struct bench {
	struct arena arena;
	struct schema *schema;
	struct chunk *c;
	struct row_key key;
	struct table *table;
	uint32_t bits;          /* keys are 0 .. 1 << bits - 1, in an order of their own */
	int64_t keys;
	bool is_fixed;
	int64_t payload_bytes;
	int64_t longest_us;
	struct error err;
};

static const struct schema_column orders[] = {{str_lit("order_id"), {.id = TYPE_INT}},
	{str_lit("product"), {.id = TYPE_STRING}}, {str_lit("quantity"), {.id = TYPE_INT}},
	{str_lit("op"), {.id = TYPE_STRING}}};
static const struct schema_column fixed[] = {{str_lit("id"), {.id = TYPE_BIGINT}},
	{str_lit("amount"), {.id = TYPE_BIGINT}}, {str_lit("price"), {.id = TYPE_DOUBLE}},
	{str_lit("quantity"), {.id = TYPE_INT}}, {str_lit("stock"), {.id = TYPE_INT}}};

static void open_bench(struct bench *b, int64_t keys, bool is_fixed)
{
	*b = (struct bench){.key = {1, {0}}, .keys = keys, .is_fixed = is_fixed};
	error_init(&b->err);
	arena_init(&b->arena, 1 << 18);
	uint32_t columns = is_fixed ? ARRAY_LEN(fixed) : ARRAY_LEN(orders);
	b->schema = schema_alloc(&b->arena, columns);
	memcpy(b->schema->columns, is_fixed ? fixed : orders,
		columns * sizeof(struct schema_column));
	b->c = chunk_alloc(&b->arena, b->schema);
	while ((INT64_C(1) << b->bits) < keys)
		b->bits++;
	struct table_config config = {.schema = b->schema, .key = &b->key, .rows_max = keys,
		.deleted_max = keys, .name = str_lit("bench")};
	b->table = table_open(&config, &b->err);
}

/* Each number below 1 << bits once: odd multipliers and shifts can be undone. */
static uint32_t scatter(const struct bench *b, uint32_t i)
{
	uint32_t mask = (uint32_t)((UINT64_C(1) << b->bits) - 1);
	i = i * UINT32_C(0x9E3779B1) & mask;
	i ^= i >> (b->bits / 2);
	return i * UINT32_C(0x85EBCA77) & mask;
}

static void set_order(struct bench *b, uint32_t row, uint32_t key, uint32_t round)
{
	struct column *c = b->c->columns;
	struct str product = str_c(products[(key + round) % 6]);
	struct str op = round == 0 ? str_lit("insert") : str_lit("update");
	((int32_t *)c[0].data)[row] = (int32_t)key;
	((struct str *)c[1].data)[row] = product;
	((int32_t *)c[2].data)[row] = (int32_t)(key % 20 + round);
	((struct str *)c[3].data)[row] = op;
	b->payload_bytes += 8 + (int64_t)(product.len + op.len);
}

static void set_fixed(struct bench *b, uint32_t row, uint32_t key, uint32_t round)
{
	struct column *c = b->c->columns;
	((int64_t *)c[0].data)[row] = (int64_t)key;
	((int64_t *)c[1].data)[row] = (int64_t)key * round;
	((double *)c[2].data)[row] = key * 0.5;
	((int32_t *)c[3].data)[row] = (int32_t)(key % 20 + round);
	((int32_t *)c[4].data)[row] = (int32_t)round;
	b->payload_bytes += 32;
}

/* Up to chunk_rows_max rows from *at on. */
static uint32_t fill_chunk(struct bench *b, uint32_t *at, uint32_t round)
{
	uint32_t count = 0;
	for (; count < chunk_rows_max && *at < UINT64_C(1) << b->bits; ++*at) {
		uint32_t key = scatter(b, *at);
		if (key >= b->keys)
			continue;
		if (b->is_fixed)
			set_fixed(b, count++, key, round);
		else
			set_order(b, count++, key, round);
	}
	chunk_set_rows(b->c, count);
	return count;
}

/* Of this thread: what other programs on the machine take is no pause of ours. */
static int64_t cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A loop of turns of about 0.1 ms: how long one takes at worst is the machine's doing. */
static int64_t idle_longest_us(void)
{
	int64_t longest_us = 0;
	volatile uint32_t sink = 0;
	for (int turn = 0; turn < idle_turns; turn++) {
		int64_t start = cpu_us();
		for (int i = 0; i < idle_steps; i++)
			sink = sink * 3 + 1;
		int64_t took = cpu_us() - start;
		longest_us = took > longest_us ? took : longest_us;
	}
	return longest_us;
}

static int put_chunk(struct bench *b, uint32_t count)
{
	uint16_t rows[chunk_rows_max];
	uint32_t ids[chunk_rows_max];
	for (uint32_t i = 0; i < count; i++)
		rows[i] = (uint16_t)i;
	int64_t start = cpu_us();
	int r = table_resolve(b->table, b->c, rows, count, ids, &b->err);
	if (r >= 0)
		r = table_put(b->table, ids, b->c, rows, count, &b->err);
	table_release_empty(b->table);
	int64_t took = cpu_us() - start;
	b->longest_us = took > b->longest_us ? took : b->longest_us;
	return r < 0 ? r : (int)took;
}

/* At the end of a batch that changed all rows, with the pages that are kept ready. */
static void print_bytes(const struct bench *b)
{
	const struct table *t = b->table;
	double rows = (double)b->keys;
	double index = (double)table_index_bytes(&t->index);
	double marks = (double)(1 + t->layout.null_bytes) * rows;
	double changes = (double)table_batch_bytes(t);
	double all = (double)table_bytes(t) + (double)huge_pages_ready() * huge_page_bytes;
	double rest = all - (double)b->payload_bytes - index - marks - changes;
	printf("bytes a row: index %.1f, marks %.1f, changes %.1f, unused %.1f\n", index / rows,
		marks / rows, changes / rows, rest / rows);
}

static int run_round(struct bench *b, uint32_t round)
{
	int64_t us = 0;
	uint32_t at = 0;
	b->payload_bytes = b->longest_us = 0;
	for (uint32_t count; (count = fill_chunk(b, &at, round)) > 0;) {
		int took = put_chunk(b, count);
		if (took < 0) {
			fprintf(stderr, "%s\n", b->err.text);
			return took;
		}
		us += took;
	}
	printf("%s %10.0f rows/s, longest chunk %.2f ms, ", round == 0 ? "insert" : "update",
		(double)b->keys * 1e6 / (double)(us + 1), (double)b->longest_us / 1e3);
	print_bytes(b);
	table_end_batch(b->table);
	return 0;
}

int main(int argc, char **argv)
{
	static struct bench b;
	int64_t keys = argc > 1 ? strtoll(argv[1], NULL, 10) : 1000000;
	uint32_t rounds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 3;
	if (keys < 1 || keys > 100000000) {
		fprintf(stderr, "bench_core_table [KEYS [ROUNDS [ROW]]], KEYS up to 100000000\n");
		return 2;
	}
	printf("idle: longest turn %.2f ms\n", (double)idle_longest_us() / 1e3);
	open_bench(&b, keys, argc > 3 && str_eq(str_c(argv[3]), str_lit("fixed")));
	int r = b.table == NULL ? -1 : 0;
	for (uint32_t round = 0; round < rounds && r >= 0; round++)
		r = run_round(&b, round);
	table_close(b.table);
	arena_release(&b.arena);
	return r < 0;
}
