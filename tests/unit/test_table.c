/* A table against a naive twin: random schemas, keys and operations. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "state/table.h"
#include "state/table_index.h"
#include "data/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t state;

static uint32_t next_random(uint32_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33) % below;
}

enum { columns_max = 9, model_max = 600, chunk_max = 150, chunk_mostly = 40, time_starts = 1000 };

struct model_row {
	enum table_state is;
	uint32_t id;                    /* table_none until it is seen */
	struct value key[columns_max];
	struct value row[columns_max];
	struct value before[columns_max];
	bool touched, was, unwanted;
	int64_t deleted_at, deleted_order;
};

struct model {
	struct arena arena;
	struct schema *schema;
	struct row_key key;
	struct table_config config;
	struct table *table;
	struct model_row rows[model_max];
	uint32_t count;
	int64_t newest_us, order;
	struct error err;
};

static struct value random_value(struct model *m, struct type type, bool small)
{
	struct value v = {.type = type};
	if (next_random(8) == 0)
		return value_null(type);
	int64_t i = small ? (int64_t)next_random(6) - 2 : (int64_t)next_random(1 << 30) << 20;
	static const double doubles[] = {0.0, -0.0, 1.5, -1.5, INFINITY};
	switch (type_phys(type)) {
	case PHYS_BOOL:
		v.as.boolean = i & 1;
		break;
	case PHYS_I32:
		v.as.i32 = (int32_t)(i >> (small ? 0 : 20));
		break;
	case PHYS_I64:
		v.as.i64 = i;
		break;
	case PHYS_F32:
		v.as.f32 = next_random(6) == 0 ? -NAN : (float)doubles[next_random(5)];
		break;
	case PHYS_F64:
		v.as.f64 = next_random(6) == 0 ? NAN : doubles[next_random(5)];
		break;
	case PHYS_I128:
		v.as.i128 = (int128)i * ((int128)1 << next_random(60));
		break;
	case PHYS_STR:
	case phys_count: {
		static const size_t lens[] = {0, 1, 3, 4, 7, 8, 9, 11, 12, 13, 16, 40, 2000};
		size_t len = lens[next_random(13)];
		/* Blocks of their exact size: a read beyond the end is seen by ASan. */
		char *s = arena_alloc(&m->arena, len + 1, 1);
		memset(s, 'x', len);
		if (len > 0)
			s[next_random((uint32_t)len)] = (char)('a' + next_random(small ? 2 : 26));
		v.as.str = (struct str){s, len};
		break;
	}
	}
	return v;
}

static bool same(const struct value *a, const struct value *b)
{
	if (a->is_null || b->is_null)
		return a->is_null && b->is_null;
	if (type_phys(a->type) == PHYS_STR)
		return str_eq(a->as.str, b->as.str);
	return value_cmp(a, b) == 0;
}

static struct value copy_value(struct model *m, struct value v)
{
	if (!v.is_null && type_phys(v.type) == PHYS_STR) {
		char *s = arena_alloc(&m->arena, v.as.str.len + 1, 1);
		if (v.as.str.len > 0)
			memcpy(s, v.as.str.data, v.as.str.len);
		v.as.str.data = s;
	}
	return v;
}

static struct value cell(const struct model *m, const struct chunk *c, uint32_t col, uint32_t row)
{
	return value_from_column(&c->columns[col], m->schema->columns[col].type, row);
}

static void assert_row(const struct model *m, const struct chunk *c, uint32_t row,
	const struct value *values)
{
	for (uint32_t k = 0; k < schema_total(m->schema); k++) {
		struct value v = cell(m, c, k, row);
		assert_true(same(&v, &values[k]));
	}
}

static bool is_key(const struct model *m, uint32_t column)
{
	for (uint32_t i = 0; i < m->key.count; i++)
		if (m->key.columns[i] == column)
			return true;
	return false;
}

static struct model_row *model_find(struct model *m, const struct chunk *c, uint32_t row)
{
	for (uint32_t r = 0; r < m->count; r++) {
		bool equal = true;
		for (uint32_t i = 0; i < m->key.count && equal; i++) {
			struct value v = cell(m, c, m->key.columns[i], row);
			equal = same(&v, &m->rows[r].key[m->key.columns[i]]);
		}
		if (equal)
			return &m->rows[r];
	}
	check(m->count < model_max);
	struct model_row *r = &m->rows[m->count++];
	*r = (struct model_row){.id = table_none};
	for (uint32_t i = 0; i < m->key.count; i++)
		r->key[m->key.columns[i]] = copy_value(m, cell(m, c, m->key.columns[i], row));
	return r;
}

static void model_touch(struct model *m, struct model_row *r)
{
	if (r->touched)
		return;
	r->touched = true;
	r->was = r->is == TABLE_LIVE;
	memcpy(r->before, r->row, schema_total(m->schema) * sizeof(r->row[0]));
}

static void model_put(struct model *m, struct model_row *r, const struct chunk *c, uint32_t row)
{
	model_touch(m, r);
	r->is = TABLE_LIVE;
	for (uint32_t k = 0; k < schema_total(m->schema); k++)
		r->row[k] = copy_value(m, cell(m, c, k, row));
}

static void model_delete(struct model *m, struct model_row *r, int64_t now_us)
{
	model_touch(m, r);
	r->is = TABLE_DELETED;
	r->unwanted = false;
	m->newest_us = now_us > m->newest_us ? now_us : m->newest_us;
	r->deleted_at = m->newest_us;
	r->deleted_order = ++m->order;
	for (uint32_t k = 0; k < m->schema->column_count; k++)
		r->row[k] = is_key(m, k) ? r->key[k] : value_null(m->schema->columns[k].type);
}

static void model_hidden(struct model *m, struct model_row *r, const struct chunk *c, uint32_t row)
{
	for (uint32_t k = m->schema->column_count; k < schema_total(m->schema); k++)
		r->row[k] = is_key(m, k) ? r->key[k]
			: c == NULL      ? value_null(m->schema->columns[k].type)
					 : copy_value(m, cell(m, c, k, row));
}

static int64_t model_deleted(const struct model *m)
{
	int64_t deleted = 0;
	for (uint32_t r = 0; r < m->count; r++)
		deleted += m->rows[r].is == TABLE_DELETED;
	return deleted;
}

static void model_forget(struct model_row *r)
{
	r->is = TABLE_EMPTY;
	r->id = table_none;
}

static void model_trim(struct model *m)
{
	for (uint32_t r = 0; r < m->count; r++)
		if (m->rows[r].is == TABLE_DELETED && m->rows[r].unwanted && !m->rows[r].touched)
			model_forget(&m->rows[r]);
	while (model_deleted(m) > m->config.deleted_max) {
		struct model_row *oldest = NULL;
		for (uint32_t r = 0; r < m->count; r++) {
			struct model_row *row = &m->rows[r];
			if (row->is == TABLE_DELETED &&
				(oldest == NULL || row->deleted_order < oldest->deleted_order))
				oldest = row;
		}
		if (oldest->touched)
			return;
		model_forget(oldest);
	}
}

static struct chunk *random_chunk(struct model *m, uint32_t count)
{
	struct chunk *c = chunk_alloc(&m->arena, m->schema);
	for (uint32_t k = 0; k < schema_total(m->schema); k++) {
		bool has_nulls = next_random(2) == 0;
		for (uint32_t row = 0; row < count; row++) {
			struct value v;
			do
				v = random_value(m, m->schema->columns[k].type, is_key(m, k));
			while (v.is_null && !has_nulls);
			value_to_column(&v, &c->columns[k], row);
		}
	}
	chunk_set_rows(c, count);
	return c;
}

static void one_row(struct model *m, const struct chunk *c, uint16_t row, uint32_t id)
{
	struct model_row *r = model_find(m, c, row);
	switch (next_random(5)) {
	case 0:
		return;         /* an event that changes nothing */
	case 1: {
		int64_t now_us = m->newest_us + (int64_t)next_random(20) - 5;
		if (now_us < time_starts)
			now_us = time_starts;
		assert_int_equal(table_delete(m->table, &id, c, &row, 1, now_us, &m->err), 0);
		model_delete(m, r, now_us);
		model_hidden(m, r, c, row);
		return;
	}
	default:
		assert_int_equal(table_put(m->table, &id, c, &row, 1, &m->err), 0);
		model_put(m, r, c, row);
	}
}

static bool is_once(const uint32_t *ids, uint32_t count, uint32_t id)
{
	uint32_t times = 0;
	for (uint32_t i = 0; i < count; i++)
		times += ids[i] == id;
	return times == 1;
}

/* Puts and deletes in one call. */
static void all_rows(struct model *m, const struct chunk *c, const uint16_t *rows,
	const uint32_t *ids, uint32_t count)
{
	struct table_write writes[chunk_max];
	int64_t now_us = m->newest_us + (int64_t)next_random(5);
	for (uint32_t i = 0; i < count; i++)
		writes[i] = (struct table_write){.id = ids[i],
			.row = rows[i],
			.deletes = next_random(4) == 0 && is_once(ids, count, ids[i])};
	assert_int_equal(table_apply(m->table, writes, count, c, now_us, &m->err), 0);
	for (uint32_t i = 0; i < count; i++) {
		struct model_row *r = model_find(m, c, rows[i]);
		if (!writes[i].deletes) {
			model_put(m, r, c, rows[i]);
			continue;
		}
		model_delete(m, r, now_us);
		model_hidden(m, r, c, rows[i]);
	}
}

/* Puts alone: of all rows, or some are left out. */
static void put_rows(struct model *m, const struct chunk *c, const uint16_t *rows,
	const uint32_t *ids, uint32_t count)
{
	uint16_t put[chunk_max];
	uint32_t put_ids[chunk_max], kept = 0, some = next_random(2);
	for (uint32_t i = 0; i < count; i++) {
		if (some == 1 && next_random(4) == 0)
			continue;
		put[kept] = rows[i];
		put_ids[kept++] = ids[i];
	}
	assert_int_equal(table_put(m->table, put_ids, c, put, kept, &m->err), 0);
	for (uint32_t i = 0; i < kept; i++)
		model_put(m, model_find(m, c, put[i]), c, put[i]);
}

static void one_chunk(struct model *m)
{
	uint32_t count = 1 + next_random(next_random(8) == 0 ? chunk_max : chunk_mostly);
	uint32_t gaps = next_random(2);
	struct chunk *c = random_chunk(m, count);
	uint16_t rows[chunk_max];
	uint32_t ids[chunk_max];
	uint32_t listed = 0;
	for (uint32_t row = 0; row < count; row++)
		if (gaps == 0 || next_random(4) != 0)
			rows[listed++] = (uint16_t)row;
	assert_int_equal(table_resolve(m->table, c, rows, listed, ids, &m->err), 0);
	for (uint32_t i = 0; i < listed; i++) {
		struct model_row *r = model_find(m, c, rows[i]);
		assert_true(r->id == table_none || r->id == ids[i]);
		assert_int_equal(table_state(m->table, ids[i]), r->is);
		r->id = ids[i];
	}
	uint32_t way = next_random(3);
	if (way == 0) {
		all_rows(m, c, rows, ids, listed);
	} else if (way == 1) {
		put_rows(m, c, rows, ids, listed);
	} else {
		for (uint32_t i = 0; i < listed; i++)
			one_row(m, c, rows[i], ids[i]);
	}
	table_release_empty(m->table);
	for (uint32_t r = 0; r < m->count; r++)
		if (m->rows[r].is == TABLE_EMPTY)
			m->rows[r].id = table_none;
	model_trim(m);
}

static void compare_changes(struct model *m)
{
	/* In pieces of any size. */
	struct table_change changes[model_max];
	uint32_t count = 0, touched = 0;
	uint32_t more;
	while ((more = table_changes(m->table, count, 1 + count % 7, changes + count)) > 0)
		count += more;
	for (uint32_t r = 0; r < m->count; r++)
		touched += m->rows[r].touched;
	assert_int_equal(count, touched);
	struct chunk *out = chunk_alloc(&m->arena, m->schema);
	for (uint32_t i = 0; i < count; i++) {
		const struct model_row *r = NULL;
		for (uint32_t k = 0; k < m->count && r == NULL; k++)
			if (m->rows[k].id == changes[i].id)
				r = &m->rows[k];
		assert_non_null(r);
		assert_true(r->touched);
		assert_int_equal(changes[i].was, r->was);
		assert_int_equal(changes[i].is, r->is == TABLE_LIVE);
		if (!r->was || !m->config.keep_before)
			continue;
		table_gather_before(m->table, &i, 1, out);
		assert_row(m, out, 0, r->before);
	}
}

static void compare_rows(struct model *m)
{
	struct chunk *out = chunk_alloc(&m->arena, m->schema);
	int64_t live = 0;
	for (uint32_t r = 0; r < m->count; r++) {
		const struct model_row *row = &m->rows[r];
		live += row->is == TABLE_LIVE;
		if (row->id == table_none)
			continue;
		table_gather(m->table, &row->id, 1, out);
		assert_row(m, out, 0, row->row);
		assert_int_equal(table_find(m->table, out, 0), row->id);
	}
	assert_int_equal(table_rows(m->table), live);
	assert_int_equal(table_deleted(m->table), model_deleted(m));
	uint32_t at = 0, ids[chunk_rows_max];
	int64_t scanned = 0;
	for (uint32_t n; (n = table_scan(m->table, &at, ids)) > 0; scanned += n)
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(table_state(m->table, ids[i]), TABLE_LIVE);
	assert_int_equal(scanned, live);
}

static void end_batch(struct model *m)
{
	compare_changes(m);
	table_end_batch(m->table);
	for (uint32_t r = 0; r < m->count; r++)
		m->rows[r].touched = false;
	model_trim(m);
}

static void clear(struct model *m)
{
	bool remember = next_random(2) == 0;
	assert_int_equal(table_clear(m->table, remember, m->newest_us, &m->err), 0);
	/* The order of ids is the order of deletes. */
	for (uint32_t id = 0; id < model_max; id++) {
		for (uint32_t r = 0; r < m->count; r++) {
			struct model_row *row = &m->rows[r];
			if (row->is != TABLE_LIVE || row->id != id)
				continue;
			model_delete(m, row, m->newest_us);
			if (!remember) {
				model_hidden(m, row, NULL, 0);
				row->unwanted = true;
				row->deleted_order = -m->order;
			}
		}
	}
}

static void forget(struct model *m)
{
	int64_t before = m->newest_us - (int64_t)next_random(30), forgotten = 0;
	/* The oldest are those of a clear in this batch: nothing goes before it ends. */
	bool waits = false;
	for (uint32_t r = 0; r < m->count; r++)
		waits |= m->rows[r].is == TABLE_DELETED && m->rows[r].unwanted;
	for (uint32_t r = 0; r < m->count; r++) {
		struct model_row *row = &m->rows[r];
		if (row->is == TABLE_DELETED && !row->touched && !waits &&
			row->deleted_at < before) {
			model_forget(row);
			forgotten++;
		}
	}
	assert_int_equal(table_forget_deleted(m->table, before, INT64_MAX), forgotten);
}

static void model_open(struct model *m)
{
	static const enum type_id ids[] = {TYPE_BOOLEAN, TYPE_TINYINT, TYPE_INT, TYPE_BIGINT,
		TYPE_FLOAT, TYPE_DOUBLE, TYPE_STRING, TYPE_BINARY, TYPE_DATE, TYPE_TIMESTAMP,
		TYPE_JSON};
	*m = (struct model){.newest_us = time_starts};
	error_init(&m->err);
	arena_init(&m->arena, 1 << 20);
	uint32_t hidden = next_random(3), seen = 1 + next_random(columns_max - 2);
	m->schema = schema_alloc_hidden(&m->arena, seen, hidden);
	for (uint32_t k = 0; k < seen + hidden; k++) {
		uint32_t id = next_random(ARRAY_LEN(ids) + 1);
		m->schema->columns[k] = (struct schema_column){str_lit("c"),
			id == ARRAY_LEN(ids) ? type_decimal(38, 2) : type_of(ids[id])};
	}
	m->key.count = 1 + next_random(seen + hidden < 3 ? seen + hidden : 3);
	uint32_t first = next_random(seen + hidden);
	for (uint32_t i = 0; i < m->key.count; i++)
		m->key.columns[i] = (first + i) % (seen + hidden);
	m->config = (struct table_config){.schema = m->schema, .key = &m->key, .rows_max = 10000,
		.deleted_max = next_random(2) == 0 ? 5 : 1000, .name = str_lit("t"),
		.keep_before = next_random(2) == 0, .segment_lines_max = 4};
	m->table = table_open(&m->config, &m->err);
	assert_non_null(m->table);
}

static void test_model(void **unused)
{
	(void)unused;
	static struct model m;
	const char *seed = getenv("SEED");
	state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	print_message("SEED=%llu\n", (unsigned long long)state);
	for (int run = 0; run < 60; run++) {
		model_open(&m);
		for (int step = 0; step < 40 && m.count < model_max - chunk_max; step++) {
			one_chunk(&m);
			if (next_random(5) == 0)
				end_batch(&m);
			if (next_random(12) == 0)
				clear(&m);
			if (next_random(6) == 0)
				forget(&m);
			compare_rows(&m);
		}
		table_close(m.table);
		arena_release(&m.arena);
	}
}

/* ---- one column of numbers as key ---- */

struct numbers {
	struct arena arena;
	struct schema *schema;
	struct row_key key;
	struct chunk *c;
	uint16_t rows[chunk_rows_max];
	uint32_t ids[chunk_rows_max];
	struct table *table;
	struct error err;
};

static void numbers_open(struct numbers *n, int64_t rows_max, bool keep_before)
{
	*n = (struct numbers){.key = {1, {0}}};
	error_init(&n->err);
	arena_init(&n->arena, 1 << 16);
	n->schema = schema_alloc(&n->arena, 2);
	n->schema->columns[0] = (struct schema_column){str_lit("id"), type_of(TYPE_BIGINT)};
	n->schema->columns[1] = (struct schema_column){str_lit("name"), type_of(TYPE_STRING)};
	n->c = chunk_alloc(&n->arena, n->schema);
	for (uint32_t i = 0; i < chunk_rows_max; i++)
		n->rows[i] = (uint16_t)i;
	chunk_set_rows(n->c, chunk_rows_max);
	struct table_config config = {.schema = n->schema, .key = &n->key, .rows_max = rows_max,
		.deleted_max = 1000, .name = str_lit("orders"), .keep_before = keep_before};
	n->table = table_open(&config, &n->err);
	assert_non_null(n->table);
}

static int numbers_put(struct numbers *n, int64_t first)
{
	for (uint32_t i = 0; i < chunk_rows_max; i++) {
		((int64_t *)n->c->columns[0].data)[i] = first + i;
		((struct str *)n->c->columns[1].data)[i] = str_lit("a name of some length");
	}
	int result = table_resolve(n->table, n->c, n->rows, chunk_rows_max, n->ids, &n->err);
	if (result >= 0)
		result = table_put(n->table, n->ids, n->c, n->rows, chunk_rows_max, &n->err);
	table_release_empty(n->table);
	return result;
}

static void numbers_close(struct numbers *n)
{
	table_close(n->table);
	arena_release(&n->arena);
}

/* 0.0 and -0.0 are one key: the row has that of its last event. */
static void test_zeros(void **unused)
{
	(void)unused;
	static struct numbers n;
	numbers_open(&n, 10, false);
	n.schema->columns[0].type = type_of(TYPE_DOUBLE);
	table_close(n.table);
	struct table_config config = {.schema = n.schema, .key = &n.key, .rows_max = 10};
	n.table = table_open(&config, &n.err);
	double *keys = n.c->columns[0].data;
	struct str *names = n.c->columns[1].data;
	keys[0] = 0.0;
	keys[1] = -0.0;
	names[0] = names[1] = str_lit("zero");
	assert_int_equal(table_resolve(n.table, n.c, n.rows, 2, n.ids, &n.err), 0);
	assert_int_equal(n.ids[0], n.ids[1]);
	for (uint32_t last = 0; last < 2; last++) {
		assert_int_equal(
			table_put(n.table, n.ids, n.c, n.rows + last, 1, &n.err), 0);
		struct chunk *row = chunk_alloc(&n.arena, n.schema);
		table_gather(n.table, n.ids, 1, row);
		assert_int_equal(signbit(((double *)row->columns[0].data)[0]) != 0, last == 1);
	}
	table_release_empty(n.table);
	numbers_close(&n);
}

static void test_rows_max(void **unused)
{
	(void)unused;
	static struct numbers n;
	numbers_open(&n, 1500, false);
	assert_int_equal(numbers_put(&n, 0), 0);
	assert_int_equal(numbers_put(&n, 0), 0);
	assert_int_equal(numbers_put(&n, 1024), -CDCL_E_DATA);
	assert_non_null(strstr(n.err.text, "table orders: more than 1500 rows"));
	assert_int_equal(table_rows(n.table), 1500);
	numbers_close(&n);
}

static void put_names(struct numbers *n, uint32_t first)
{
	struct str *names = n->c->columns[1].data;
	for (uint32_t i = 0; i < chunk_rows_max; i++) {
		char *name = arena_alloc(&n->arena, 32, 1);
		names[i] = (struct str){name,
			(size_t)snprintf(name, 32, "a long name, %08u", first + i)};
		((int64_t *)n->c->columns[0].data)[i] = first + i;
	}
	assert_int_equal(
		table_resolve(n->table, n->c, n->rows, chunk_rows_max, n->ids, &n->err), 0);
	assert_int_equal(
		table_put(n->table, n->ids, n->c, n->rows, chunk_rows_max, &n->err), 0);
	table_release_empty(n->table);
}

/* Ids are given again, also large ones: nothing of how free ones were chained is left. */
static void test_given_again(void **unused)
{
	(void)unused;
	enum { chunks = 8, names = chunks * chunk_rows_max };
	static struct numbers n;
	numbers_open(&n, 1 << 20, false);
	table_close(n.table);
	n.key.columns[0] = 1;
	struct table_config config = {.schema = n.schema, .key = &n.key, .rows_max = 1 << 20};
	n.table = table_open(&config, &n.err);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < names; i += chunk_rows_max)
			put_names(&n, round * names + i);
		for (uint32_t i = 0; i < chunk_rows_max; i++)
			assert_true(n.ids[i] < names);
		table_gather(n.table, n.ids, chunk_rows_max, n.c);
		struct str last = ((struct str *)n.c->columns[1].data)[chunk_rows_max - 1];
		char want[32];
		snprintf(want, sizeof(want), "a long name, %08u", (round + 1) * names - 1);
		assert_true(str_eq(last, str_c(want)));
		assert_int_equal(table_rows(n.table), names);
		assert_int_equal(table_clear(n.table, true, 1, &n.err), 0);
		table_end_batch(n.table);
	}
	numbers_close(&n);
}

static void test_many(void **unused)
{
	(void)unused;
	static struct numbers n;
	numbers_open(&n, 1 << 30, false);
	const char *text = getenv("TABLE_ROWS");
	int64_t rows = text == NULL ? 300 * 1024 : strtoll(text, NULL, 10) / 1024 * 1024;
	for (int round = 0; round < 2; round++) {
		for (int64_t first = 0; first < rows; first += chunk_rows_max)
			assert_int_equal(numbers_put(&n, first), 0);
		table_end_batch(n.table);
		assert_int_equal(table_rows(n.table), rows);
	}
	/* payload: 8 bytes of id, 21 of name */
	int64_t beyond = table_bytes(n.table) / rows - 29;
	print_message("%lld bytes a row beyond payload\n", (long long)beyond);
	assert_true(beyond > 0 && beyond < 100);
	uint32_t at = 0, ids[chunk_rows_max];
	int64_t expected = 0;
	for (uint32_t count; (count = table_scan(n.table, &at, ids)) > 0;) {
		table_gather(n.table, ids, count, n.c);
		for (uint32_t i = 0; i < count; i++)
			assert_int_equal(((int64_t *)n.c->columns[0].data)[i], expected++);
	}
	assert_int_equal(expected, rows);
	numbers_close(&n);
}

/* After a batch of all rows small ones follow: what it needed is given back, and made again. */
static void test_given_back(void **unused)
{
	(void)unused;
	enum { rows = 200 * 1024 };
	static struct numbers n;
	numbers_open(&n, rows, true);
	int64_t held[2];
	for (int round = 0; round < 2; round++) {
		for (int turn = 0; turn < 2; turn++) {
			for (int64_t first = 0; first < rows; first += chunk_rows_max)
				assert_int_equal(numbers_put(&n, first), 0);
			table_end_batch(n.table);
		}
		int64_t large = table_bytes(n.table);
		assert_int_equal(numbers_put(&n, 0), 0);
		struct table_change change;
		assert_int_equal(table_changes(n.table, 0, 1, &change), 1);
		assert_true(change.was && change.is);
		uint32_t first = 0;
		struct chunk *before = chunk_alloc(&n.arena, n.schema);
		table_gather_before(n.table, &first, 1, before);
		assert_int_equal(((int64_t *)before->columns[0].data)[0], 0);
		table_end_batch(n.table);
		held[round] = table_bytes(n.table);
		/* a change, its place in the old rows, the row as it was (without its name) */
		assert_true(large - held[round] > rows * (4 + 4 + 8));
	}
	assert_int_equal(held[0], held[1]);
	numbers_close(&n);
}

static void scattered_tags(
	const struct table_index *x, const uint32_t *ids, uint32_t count, uint32_t *tags)
{
	(void)x;
	for (uint32_t i = 0; i < count; i++)
		tags[i] = ids[i] * UINT32_C(2654435761);
}

/* Few bits, so that ids crowd lines: hundreds with the same tag. */
static void crowded_tags(
	const struct table_index *x, const uint32_t *ids, uint32_t count, uint32_t *tags)
{
	(void)x;
	for (uint32_t i = 0; i < count; i++)
		tags[i] = ids[i] % 7 << 29 | ids[i] % 5;
}

static uint32_t tag_in(const struct table_index *x, uint32_t id)
{
	uint32_t tag;
	x->tags_of(x, &id, 1, &tag);
	return tag;
}

static bool index_has(const struct table_index *x, uint32_t id)
{
	struct table_walk walk = table_index_walk(x, tag_in(x, id));
	uint32_t found;
	while ((found = table_walk_next(&walk)) != UINT32_MAX)
		if (found == id)
			return true;
	return false;
}

/*
 * Ids that come and go, in segments that split: each is found exactly while it is there, once, and
 * what is left when all are gone is as if none had ever been.
 */
static void test_index_of(void (*tags_of)(const struct table_index *x, const uint32_t *ids,
				  uint32_t count, uint32_t *tags),
	uint32_t count, uint32_t lines_max)
{
	struct table_index x;
	table_index_init(&x, lines_max, tags_of);
	for (uint32_t id = 0; id < count; id++) {
		table_index_insert(&x, tag_in(&x, id), id);
		if (id % 3 == 2)
			table_index_remove(&x, tag_in(&x, id / 3 * 2), id / 3 * 2);
	}
	uint32_t gone = count / 3 * 2, found = 0;
	for (uint32_t id = 0; id < count; id++) {
		bool there = id % 2 == 1 || id >= gone;
		assert_int_equal(index_has(&x, id), there);
		found += there;
	}
	assert_int_equal(x.count, found);
	for (uint32_t id = 0; id < count; id++)
		if (id % 2 == 1 || id >= gone)
			table_index_remove(&x, tag_in(&x, id), id);
	for (uint32_t i = 0; i < UINT32_C(1) << x.depth; i++)
		for (uint32_t line = 0; line <= x.directory[i].mask; line++)
			assert_true(x.directory[i].lines[line].used == 0 &&
				x.directory[i].lines[line].passed == 0);
	table_index_release(&x);
}

static void test_index(void **unused)
{
	(void)unused;
	test_index_of(scattered_tags, 30000, 4);
	test_index_of(scattered_tags, 30000, 64);
	test_index_of(scattered_tags, 120000, table_segment_lines_max);
	test_index_of(crowded_tags, 300, 4);
}

/* Room that was made at once is enough, and an index that goes on growing is as any other. */
static void test_reserved_index(void **unused)
{
	(void)unused;
	static const uint32_t counts[] = {0, 1, 33, 5000, 100000};
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct table_index x;
		table_index_init(&x, 128, scattered_tags);
		table_index_reserve(&x, counts[i]);
		uint32_t segments = x.segment_count;
		size_t bytes = x.bytes;
		for (uint32_t id = 0; id < counts[i]; id++)
			table_index_insert(&x, id * UINT32_C(2654435761), id);
		assert_int_equal(x.segment_count, segments);
		assert_int_equal(x.bytes, bytes);
		for (uint32_t id = counts[i]; id < 3 * counts[i]; id++)
			table_index_insert(&x, id * UINT32_C(2654435761), id);
		assert_int_equal(x.count, 3 * counts[i]);
		for (uint32_t id = 0; id < 3 * counts[i]; id++)
			assert_true(index_has(&x, id));
		for (uint32_t id = 0; id < 3 * counts[i]; id++)
			table_index_remove(&x, id * UINT32_C(2654435761), id);
		assert_int_equal(x.count, 0);
		table_index_release(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_reserved_index),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_given_again),
		cmocka_unit_test(test_rows_max),
		cmocka_unit_test(test_many), cmocka_unit_test(test_given_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
