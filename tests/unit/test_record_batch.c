/*
 * Record batches as a Fetch response carries them: random ones against a slow reader
 * (record_twin.h) in chunks of every size, damage at every byte, and what the format's corners
 * mean.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record_twin.h"

#include <stdio.h>

/* Batches unpack to less: with 16 MB the sanitizers would mostly map memory. */
enum { space_bytes = 3 * 1024 * 1024, unpacked_bytes = 2 * 1024 * 1024 };
enum { rounds = 60, producers = 3 };

static struct messages *block;
static struct arena arena;

/* ---- making responses ---- */

struct maker {
	uint64_t random;
	struct strbuf bytes;
	int64_t next;                   /* offset */
	struct aborted_transaction aborted[64];
	uint32_t aborted_count;
	bool open[producers];           /* in a transaction */
	int64_t open_first[producers];
	int max_records;
};

/* splitmix64 */
static uint64_t random_next(struct maker *m)
{
	uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t below(struct maker *m, uint32_t n)
{
	return (uint32_t)(random_next(m) % n);
}

static struct str some_bytes(struct maker *m, char *buffer, uint32_t max)
{
	uint32_t kind = below(m, 12);
	if (kind == 0)
		return (struct str){NULL, 0};
	uint32_t len = kind == 1 ? 0 : kind == 2 ? below(m, max) : below(m, 100);
	for (uint32_t i = 0; i < len; i++)
		buffer[i] = (char)(kind < 6 ? random_next(m) : 'a' + i % 7);
	return (struct str){buffer, len};
}

static void make_records(struct maker *m, struct twin_head *h, struct strbuf *records)
{
	static char key[4000], value[200000], header[2][300];
	bool gaps = below(m, 3) == 0;
	int64_t delta = gaps ? below(m, 3) : 0;
	uint32_t count = below(m, 10) == 0 ? 0 : below(m, (uint32_t)m->max_records) + 1;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t headers = below(m, 5) == 0 ? below(m, 4) : 0;
		struct message_header of[3];
		for (uint32_t k = 0; k < headers; k++) {
			of[k].name = some_bytes(m, header[0], 300);
			if (of[k].name.data == NULL)
				of[k].name = str_lit("n");
			of[k].name = str_sub(of[k].name, 0, 10);
			of[k].value = some_bytes(m, header[1], 300);
		}
		int64_t time = below(m, 4) == 0 ? (int64_t)random_next(m)
						: (int64_t)below(m, 5000) - 1000;
		struct str k = some_bytes(m, key, sizeof(key));
		bool large = below(m, 200) == 0;
		twin_put_record(records, time, delta, k,
			some_bytes(m, value, large ? sizeof(value) : 3000), of, headers);
		h->last_delta = delta;
		delta += gaps && below(m, 4) == 0 ? 1 + below(m, 50) : 1;
	}
	h->count = count;
	if (gaps || count == 0)
		h->last_delta += below(m, 20);
}

/* One batch, or the end of a transaction. */
static void make_batch(struct maker *m)
{
	struct twin_head h = {.base = m->next, .producer = -1};
	struct strbuf records;
	strbuf_init(&records);
	h.base_timestamp = below(m, 10) == 0 ? -1 : 1700000000000;
	h.max_timestamp = h.base_timestamp + below(m, 1000);
	h.attributes = below(m, RECORD_CODEC_COUNT) | (below(m, 4) == 0 ? 0x08 : 0);
	uint32_t p = below(m, producers);
	if (m->open[p] && below(m, 3) == 0) {
		bool commit = below(m, 2) == 0;
		twin_put_marker(&m->bytes, m->next, 900 + p, commit);
		if (!commit && m->aborted_count < ARRAY_LEN(m->aborted))
			m->aborted[m->aborted_count++] = (struct aborted_transaction){
				.producer_id = 900 + p, .first_offset = m->open_first[p]};
		m->open[p] = false;
		m->next++;
		return;
	}
	if (below(m, 2) == 0) {
		h.producer = 900 + p;
		h.attributes |= 0x10;
		if (!m->open[p])
			m->open_first[p] = m->next;
		m->open[p] = true;
	}
	make_records(m, &h, &records);
	twin_put_batch(&m->bytes, &h, below(m, 8), strbuf_str(&records));
	m->next = h.base + h.last_delta + 1 + (below(m, 5) == 0 ? below(m, 100) : 0);
	strbuf_release(&records);
}

static void maker_init(struct maker *m, uint64_t seed)
{
	memset(m, 0, sizeof(*m));
	m->random = seed;
	strbuf_init(&m->bytes);
	m->next = below(m, 3) == 0 ? INT64_C(1) << 40 : below(m, 1000);
	m->max_records = below(m, 8) == 0 ? 3000 : 40;
	uint32_t batches = 1 + below(m, 30);
	for (uint32_t i = 0; i < batches; i++)
		make_batch(m);
	if (below(m, 3) == 0)
		m->bytes.len -= below(m, (uint32_t)(m->bytes.len < 200 ? m->bytes.len : 200));
	/* a block of just its size, so that a byte read past it is seen */
	char *exact = malloc(m->bytes.len + (m->bytes.len == 0));
	check(exact != NULL);
	memcpy(exact, m->bytes.data, m->bytes.len);
	free(m->bytes.data);
	m->bytes.data = exact;
	m->bytes.capacity = m->bytes.len;
}

/* ---- reading them ---- */

/* Two partitions in turn, as a source would, from one space; `chunk` rows at a time. */
struct reading {
	struct record_batches r;
	struct strbuf told;
	struct aborted_transaction aborted[64];
	int64_t limit_step;     /* 0: no limits */
	int state;
	bool ended;
};

static void reading_begin(struct reading *g, struct maker *m, struct record_space *space,
	int64_t position, bool headers)
{
	memset(g, 0, sizeof(*g));
	strbuf_init(&g->told);
	g->r = (struct record_batches){.topic = str_lit("orders"),
		.partition = 3,
		.headers = headers,
		.space = space,
		.limit = INT64_MAX,
		.position = position};
	memcpy(g->aborted, m->aborted, sizeof(g->aborted));
	record_batches_begin(&g->r, strbuf_str(&m->bytes), g->aborted, m->aborted_count);
}

static void reading_step(struct reading *g)
{
	int64_t position = g->r.position;
	if (g->limit_step > 0 && g->r.limit <= position)
		g->r.limit = position + g->limit_step;
	struct error err;
	g->state = record_batches_fill(&g->r, block, &err);
	assert_true(g->r.position >= position);
	assert_true(g->r.position <= g->r.limit);
	assert_true(g->state != RECORD_BATCHES_LIMIT || g->r.position == g->r.limit);
	g->ended = g->state < 0 || g->state == RECORD_BATCHES_END || g->state == RECORD_BATCHES_OLD;
}

/* Both readers' messages of a chunk stand in the block until it is emptied. */
static void read_both(struct reading *g, struct record_space *space, uint32_t chunk)
{
	for (int chunks = 0; !g[0].ended || !g[1].ended; chunks++) {
		assert_true(chunks < 100000);
		arena_reset(&arena);
		record_space_chunk(space);
		block->count = chunk_rows_max - chunk;
		uint32_t ends[60];
		int turns = 0;
		while (turns < 60 && !messages_full(block)) {
			if (!g[turns & 1].ended)
				reading_step(&g[turns & 1]);
			ends[turns++] = block->count;
		}
		for (int i = 0; i < turns; i++) {
			block->count = ends[i];
			twin_tell_messages(block, i > 0 ? ends[i - 1] : chunk_rows_max - chunk,
				&g[i & 1].told);
		}
	}
	for (int i = 0; i < 2; i++) {
		twin_tell_end(&g[i].r, g[i].state, &g[i].told);
		record_batches_begin(&g[i].r, str_lit(""), NULL, 0);
	}
}

static void want_same(const struct strbuf *is, const struct strbuf *wanted, const char *what)
{
	if (is->len == wanted->len && memcmp(is->data, wanted->data, is->len) == 0)
		return;
	size_t at = 0;
	while (at < is->len && at < wanted->len && is->data[at] == wanted->data[at])
		at++;
	size_t from = at < 80 ? 0 : at - 80;
	fail_msg("%s: at byte %zu\nis:     " STR_FMT "\nwanted: " STR_FMT, what, at,
		STR_ARG(str_sub(strbuf_str(is), from, 200)),
		STR_ARG(str_sub(strbuf_str(wanted), from, 200)));
}

static struct strbuf wanted_of(struct maker *m, int64_t position, bool headers)
{
	struct twin_response t = {.bytes = strbuf_str(&m->bytes),
		.position = position,
		.aborted = m->aborted,
		.aborted_count = m->aborted_count,
		.headers = headers,
		.batch_bytes_max = unpacked_bytes};
	struct strbuf told;
	strbuf_init(&told);
	twin_read(&t, &told);
	return told;
}

/* Sanitizers, and no minutes to spare. */
static bool slow(void)
{
	const char *variant = getenv("CDCL_VARIANT");
	return variant != NULL && strcmp(variant, "asan") == 0 && getenv("CDCL_LONG") == NULL;
}

static void test_random(void **state)
{
	(void)state;
	static const uint32_t chunks[] = {1, 7, 64, chunk_rows_max};
	static struct maker makers[2];
	static struct reading g[2];
	uint64_t seeds = getenv("CDCL_LONG") != NULL ? rounds * 50 : slow() ? rounds / 4 : rounds;
	for (uint64_t seed = 0; seed < seeds; seed++) {
		struct record_space space;
		record_space_init(&space, seed % 3 == 0 ? 1 : space_bytes);
		space.batch_bytes_max = unpacked_bytes;
		struct strbuf wanted[2];
		for (int i = 0; i < 2; i++) {
			struct maker *m = &makers[i];
			maker_init(m, seed * 2 + (uint64_t)i);
			int64_t position = below(m, 2) == 0 ? 0 : m->next - below(m, 300);
			bool headers = below(m, 3) > 0;
			wanted[i] = wanted_of(m, position, headers);
			reading_begin(&g[i], m, &space, position, headers);
			/* offsets of a random response begin high: no steps through the gap */
			bool steps = below(m, 3) == 0 && position > m->next - 3000;
			g[i].limit_step = steps ? 1 + below(m, 300) : 0;
			g[i].r.limit = steps ? position : INT64_MAX;
		}
		read_both(g, &space, chunks[seed % ARRAY_LEN(chunks)]);
		for (int i = 0; i < 2; i++) {
			char what[60];
			snprintf(what, sizeof(what), "seed %" PRIu64 ", reader %d", seed, i);
			want_same(&g[i].told, &wanted[i], what);
			strbuf_release(&wanted[i]);
			strbuf_release(&g[i].told);
			strbuf_release(&makers[i].bytes);
		}
		record_space_release(&space);
	}
}

/* ---- damage ---- */

/* Reads one response in whole chunks. */
static void read_one(struct maker *m, int64_t position, struct strbuf *told)
{
	static struct reading g[2];
	static struct record_space space;
	if (space.bytes_max == 0)
		record_space_init(&space, space_bytes);
	space.batch_bytes_max = unpacked_bytes;
	reading_begin(&g[0], m, &space, position, true);
	g[1] = (struct reading){.ended = true, .r = {.space = &space}};
	read_both(g, &space, chunk_rows_max);
	*told = g[0].told;
	strbuf_release(&g[1].told);
}

/*
 * Each byte changed in turn, the CRC put right again: both readers say the same. With the CRC as
 * it was nothing of that batch is given.
 */
static void test_damage(void **state)
{
	(void)state;
	for (uint64_t seed = 1000; seed < 1005; seed++) {
		struct maker m = {.random = seed, .max_records = 4};
		for (int i = 0; i < 3; i++)
			make_batch(&m);
		size_t len = m.bytes.len < 2000 ? m.bytes.len : 2000;
		uint32_t first = 12 + ((uint32_t)(unsigned char)m.bytes.data[10] << 8) +
			(unsigned char)m.bytes.data[11];
		for (size_t at = 0; at < len; at += slow() ? 11 : 1) {
			char was = m.bytes.data[at], crc[4];
			memcpy(crc, m.bytes.data + 17, 4);
			m.bytes.data[at] = (char)(was + (char)(1 << at % 8));
			if (at >= 17 && at < first) {
				struct strbuf told;
				read_one(&m, 0, &told);
				assert_true(str_eq(strbuf_str(&told), str_lit("\ndamaged")));
				strbuf_release(&told);
			}
			if (at < first && (at < 8 || at >= 12))
				twin_seal(m.bytes.data, first);
			struct strbuf told, wanted = wanted_of(&m, 0, true);
			read_one(&m, 0, &told);
			char what[60];
			snprintf(what, sizeof(what), "seed %" PRIu64 ", byte %zu", seed, at);
			want_same(&told, &wanted, what);
			strbuf_release(&told);
			strbuf_release(&wanted);
			m.bytes.data[at] = was;
			memcpy(m.bytes.data + 17, crc, 4);
		}
		strbuf_release(&m.bytes);
	}
}

/* What the words of an error are. */
static void want_error(struct str bytes, size_t batch_bytes_max, const char *text)
{
	struct record_space space;
	record_space_init(&space, space_bytes);
	space.batch_bytes_max = batch_bytes_max;
	struct record_batches r = {.topic = str_lit("orders"),
		.partition = 3,
		.headers = true,
		.space = &space,
		.limit = INT64_MAX};
	record_batches_begin(&r, bytes, NULL, 0);
	struct error err;
	block->count = 0;
	assert_int_equal(record_batches_fill(&r, block, &err), -CDCL_E_DATA);
	if (strstr(err.text, text) == NULL)
		fail_msg("is: %s\nwanted: %s", err.text, text);
	record_batches_begin(&r, str_lit(""), NULL, 0);
	record_space_release(&space);
}

static void put_values(struct strbuf *b, int64_t base, int codec, struct str value, int count)
{
	struct strbuf records;
	strbuf_init(&records);
	for (int i = 0; i < count; i++)
		twin_put_record(&records, i, i, (struct str){NULL, 0}, value, NULL, 0);
	struct twin_head h = {.base = base,
		.last_delta = count - 1,
		.attributes = codec,
		.producer = -1,
		.count = count};
	twin_put_batch(b, &h, 0, strbuf_str(&records));
	strbuf_release(&records);
}

static void test_words(void **state)
{
	(void)state;
	struct strbuf b;
	strbuf_init(&b);
	put_values(&b, 8812, RECORD_CODEC_NONE, str_lit("value"), 3);
	b.data[70] ^= 1;
	want_error(strbuf_str(&b), message_bytes_max,
		"orders/3 at offset 8812: the record batch of 97 bytes fails its CRC-32C check"
		" (it says ");
	twin_seal(b.data, b.len);
	b.data[61] = 126;
	twin_seal(b.data, b.len);
	want_error(strbuf_str(&b), message_bytes_max, "orders/3 at offset 8812: a damaged record");
	b.data[16] = 3;
	want_error(strbuf_str(&b), message_bytes_max, "of a format that is not known");
	strbuf_reset(&b);
	put_values(&b, 5, RECORD_CODEC_ZSTD, str_lit("value"), 3);
	b.data[61] ^= 1;
	twin_seal(b.data, b.len);
	want_error(strbuf_str(&b), message_bytes_max,
		"orders/3 at offset 5: its zstd bytes cannot be unpacked: ");
	strbuf_release(&b);
}

/* A small batch that would be large: each codec stops at the bound. */
static void test_bombs(void **state)
{
	(void)state;
	static char zeros[300000];
	for (int codec = RECORD_CODEC_GZIP; codec < RECORD_CODEC_COUNT; codec++) {
		struct strbuf b;
		strbuf_init(&b);
		put_values(&b, 0, codec, (struct str){zeros, sizeof(zeros)}, 4);
		want_error(strbuf_str(&b), 1000000, "too large when it is unpacked");
		struct maker m = {.bytes = b};
		struct strbuf told;
		read_one(&m, 0, &told);
		assert_true(told.len > 4 * sizeof(zeros));
		strbuf_release(&told);
		strbuf_release(&b);
	}
}

/* ---- corners ---- */

static void want_told(struct maker *m, int64_t position, const char *wanted)
{
	struct strbuf told;
	read_one(m, position, &told);
	strbuf_add_byte(&told, '\0');
	assert_string_equal(told.data, wanted);
	strbuf_release(&told);
}

static void test_aborted(void **state)
{
	(void)state;
	struct maker m = {0};
	struct twin_head h = {.producer = 7, .count = 1, .attributes = 0x10};
	struct strbuf record;
	strbuf_init(&record);
	twin_put_record(&record, 0, 0, (struct str){NULL, 0}, str_lit("v"), NULL, 0);
	for (int64_t offset = 10; offset < 18; offset++) {
		h.base = offset;
		h.producer = offset % 2 == 0 ? 7 : 8;
		if (offset == 14)
			twin_put_marker(&m.bytes, offset, 7, false);
		else if (offset == 15)
			twin_put_marker(&m.bytes, offset, 8, true);
		else
			twin_put_batch(&m.bytes, &h, 0, strbuf_str(&record));
	}
	/* 7 aborts 10 and 12, commits 16; 8 commits 11 and 13, aborts 17 */
	m.aborted[0] = (struct aborted_transaction){8, 17, true};
	m.aborted[1] = (struct aborted_transaction){7, 10, true};
	m.aborted_count = 2;
	want_told(&m, 0,
		"\n11 at 0 type 0 NULL 1:v\n13 at 0 type 0 NULL 1:v\n16 at 0 type 0 NULL 1:v"
		"\nend 18 cut 0");
	m.aborted_count = 0; /* read uncommitted */
	want_told(&m, 12,
		"\n12 at 0 type 0 NULL 1:v\n13 at 0 type 0 NULL 1:v\n16 at 0 type 0 NULL 1:v"
		"\n17 at 0 type 0 NULL 1:v\nend 18 cut 0");
	strbuf_release(&record);
	strbuf_release(&m.bytes);
}

static void test_old(void **state)
{
	(void)state;
	struct maker m = {0};
	put_values(&m.bytes, 0, RECORD_CODEC_NONE, str_lit("a"), 1);
	size_t first = m.bytes.len;
	put_values(&m.bytes, 1, RECORD_CODEC_NONE, str_lit("b"), 1);
	m.bytes.data[first + 16] = 1;
	want_told(&m, 0, "\n0 at 0 type 0 NULL 1:a\nold");
	m.bytes.len = first + 40; /* cut off */
	m.bytes.data[first + 16] = 2;
	want_told(&m, 0, "\n0 at 0 type 0 NULL 1:a\nend 1 cut 69");
	m.bytes.len = first + 5;
	want_told(&m, 0, "\n0 at 0 type 0 NULL 1:a\nend 1 cut 61");
	strbuf_release(&m.bytes);
}

/* Position goes to the limit where a gap lies there, and to the batch's end behind it. */
static void test_limit_in_gap(void **state)
{
	(void)state;
	struct strbuf b, records;
	strbuf_init(&b);
	strbuf_init(&records);
	twin_put_record(&records, 0, 2, (struct str){NULL, 0}, str_lit("v"), NULL, 0);
	struct twin_head h = {.base = 100, .last_delta = 9, .producer = -1, .count = 1};
	twin_put_batch(&b, &h, 0, strbuf_str(&records));
	struct record_space space;
	record_space_init(&space, space_bytes);
	struct record_batches r = {.topic = str_lit("t"), .space = &space, .position = 95};
	record_batches_begin(&r, strbuf_str(&b), NULL, 0);
	static const struct {
		int64_t limit, position;
		uint32_t count;
		int state;
	} steps[] = {{95, 95, 0, RECORD_BATCHES_LIMIT}, {101, 101, 0, RECORD_BATCHES_LIMIT},
		{102, 102, 0, RECORD_BATCHES_LIMIT}, {103, 103, 1, RECORD_BATCHES_LIMIT},
		{105, 105, 1, RECORD_BATCHES_LIMIT}, {110, 110, 1, RECORD_BATCHES_END}};
	block->count = 0;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct error err;
		r.limit = steps[i].limit;
		assert_int_equal(record_batches_fill(&r, block, &err), steps[i].state);
		assert_int_equal(r.position, steps[i].position);
		assert_int_equal(block->count, steps[i].count);
	}
	assert_int_equal(r.messages, 1);
	assert_int_equal(r.message_bytes, 1);
	assert_int_equal(r.leader_epoch, 7);
	record_space_release(&space);
	strbuf_release(&b);
	strbuf_release(&records);
}

/* Many partitions in the middle of batches: the space stays within its bound. */
static void test_space_bound(void **state)
{
	(void)state;
	enum { partitions = 40, each = 30 };
	static char value[20000];
	struct strbuf b;
	strbuf_init(&b);
	memset(value, 'x', sizeof(value));
	put_values(&b, 0, RECORD_CODEC_LZ4, (struct str){value, sizeof(value)}, each);
	struct record_space space;
	record_space_init(&space, space_bytes);
	static struct record_batches r[partitions];
	int64_t given = 0;
	for (int i = 0; i < partitions; i++) {
		r[i] = (struct record_batches){.space = &space, .topic = str_lit("t")};
		record_batches_begin(&r[i], strbuf_str(&b), NULL, 0);
	}
	for (int turn = 0; turn < 10 * partitions; turn++) {
		struct record_batches *one = &r[turn % partitions];
		struct error err;
		one->limit = one->position + 5;
		block->count = 0;
		assert_true(record_batches_fill(one, block, &err) >= 0);
		for (uint32_t i = 0; i < block->count; i++)
			assert_true(str_eq(block->value[i], (struct str){value, sizeof(value)}));
		given += block->count;
		assert_true(space.bytes_held <= space_bytes);
	}
	assert_int_equal(given, partitions * each);
	record_space_release(&space);
	strbuf_release(&b);
}

static int set_up(void **state)
{
	(void)state;
	block = calloc(1, sizeof(*block));
	check(block != NULL);
	arena_init(&arena, 64 * 1024);
	block->arena = &arena;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	free(block);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_aborted),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_limit_in_gap),
		cmocka_unit_test(test_space_bound),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
