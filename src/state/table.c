#include "state/table_part.h"

#include "base/check.h"
#include "base/prefetch.h"

#include <stdlib.h>

/* ids are stored + 1 in 32 bits, and table_none is one of them */
static const int64_t ids_max = UINT32_MAX - 1;

enum { resolve_block = 64, put_block = 128 };

/* Of ids in the index. */
static void tags_of(
	const struct table_index *x, const uint32_t *ids, uint32_t count, uint32_t *tags)
{
	const struct table *t = container_of(x, const struct table, index);
	const char *slots[table_index_tags_max];
	check(count <= table_index_tags_max);
	for (uint32_t i = 0; i < count; i++) {
		slots[i] = table_slot(t, ids[i]);
		prefetch(slots[i] + 1 + t->layout.null_bytes);
	}
	table_key_tags_of_slots(&t->key, slots, count, tags);
}

struct table *table_open(const struct table_config *config, struct error *err)
{
	if (config->rows_max <= 0 || config->deleted_max < 0) {
		error_set(err, CDCL_E_SCRIPT, "table " STR_FMT ": rows_max must be above 0",
			STR_ARG(config->name));
		return NULL;
	}
	check(config->key->count > 0);
	struct table *t = calloc(1, sizeof(*t));
	check(t != NULL);
	t->config = *config;
	t->name = malloc(config->name.len + 1);
	check(t->name != NULL);
	if (config->name.len > 0)
		memcpy(t->name, config->name.data, config->name.len);
	t->config.name.data = t->name;
	table_layout_init(&t->layout, config->schema, config->key);
	t->key = (struct table_key){&t->layout, config->key};
	uint32_t lines_max = config->segment_lines_max;
	table_index_init(
		&t->index, lines_max == 0 ? table_segment_lines_max : lines_max, tags_of);
	table_store_init(&t->rows, t->layout.slot_bytes);
	table_store_init(&t->before, t->layout.slot_bytes);
	slab_init(&t->slab);
	slab_init(&t->before_slab);
	t->null_slot = calloc(1, t->layout.slot_bytes);
	check(t->null_slot != NULL);
	memset(t->null_slot + 1, 0xff, t->layout.null_bytes);
	t->row_numbers = malloc(chunk_rows_max * sizeof(*t->row_numbers));
	check(t->row_numbers != NULL);
	for (uint32_t i = 0; i < chunk_rows_max; i++)
		t->row_numbers[i] = (uint16_t)i;
	t->found = malloc(sizeof(*t->found));
	check(t->found != NULL);
	t->found->count = 0;
	t->oldest = t->newest = table_none;
	t->newest_us = INT64_MIN + 1;
	return t;
}

void table_close(struct table *t)
{
	if (t == NULL)
		return;
	table_batch_release(t);
	table_state_release(t);
	table_unfit_close(t->unfit);
	table_store_release(&t->rows);
	slab_release(&t->slab);
	table_index_release(&t->index);
	table_layout_release(&t->layout);
	free(t->fresh.ids);
	free(t->found);
	free(t->null_slot);
	free(t->row_numbers);
	free(t->name);
	free(t);
}

/* ---- ids ---- */

static void reserve_fresh(struct table_ids *fresh, uint32_t more)
{
	if (fresh->count + more <= fresh->capacity)
		return;
	while (fresh->capacity < fresh->count + more)
		fresh->capacity = fresh->capacity == 0 ? chunk_rows_max : fresh->capacity * 2;
	fresh->ids = realloc(fresh->ids, fresh->capacity * sizeof(*fresh->ids));
	check(fresh->ids != NULL);
}

static uint32_t take_id(struct table *t)
{
	if (t->free_id == 0)
		return table_store_add(&t->rows);
	uint32_t id = t->free_id - 1;
	char *slot = table_slot(t, id);
	check(slot[0] == table_mark_free);
	memcpy(&t->free_id, slot + 1, sizeof(t->free_id));
	memset(slot + 1, 0, sizeof(t->free_id));
	return id;
}

void table_free_id(struct table *t, uint32_t id)
{
	char *slot = table_slot(t, id);
	check(!(slot[0] & table_mark_touched));
	table_note(t, id);
	table_index_remove(&t->index, table_key_tag_of_slot(&t->key, slot), id);
	table_row_clear(&t->layout, slot, &t->slab);
	slot[0] = table_mark_free;
	memcpy(slot + 1, &t->free_id, sizeof(t->free_id));
	t->free_id = id + 1;
}

static uint32_t add_key(struct table *t, uint32_t tag, const struct chunk *c, uint32_t row)
{
	uint32_t id = take_id(t);
	char *slot = table_slot(t, id);
	slot[0] = mark_empty;
	table_row_set_nulls(t->layout.null_bytes, slot);
	for (uint32_t i = 0; i < t->config.key->count; i++) {
		uint32_t column = t->config.key->columns[i];
		table_row_set(&t->layout, slot, column, &c->columns[column], row, &t->slab);
	}
	table_index_insert(&t->index, tag, id);
	t->fresh.ids[t->fresh.count++] = id;
	return id;
}

static uint32_t find_key(const struct table *t, uint32_t tag, const struct chunk *c, uint32_t row)
{
	struct table_walk walk = table_index_walk(&t->index, tag);
	for (;;) {
		uint32_t id = table_walk_next(&walk);
		if (id == table_none || table_key_equal(&t->key, table_slot(t, id), c, row))
			return id;
	}
}

/*
 * A chunk is resolved block by block: lines of the index are asked for, a block later they are read
 * and the rows asked for, then keys are compared. So memory has time to answer, and what it
 * answers, with all that is noted meanwhile, has room in the nearest cache.
 */
struct resolving {
	const struct chunk *c;
	const uint16_t *rows;
	uint32_t *ids;
	uint32_t tags[chunk_rows_max];
	struct table_plain_key key;
	const struct table_line *lines[2][resolve_block];       /* by number of the block */
	char **slots;           /* of the table's `found`: rows that may be it; null_slot: none */
};

static uint32_t block_rows(uint32_t at, uint32_t count)
{
	return count - at < resolve_block ? count - at : resolve_block;
}

/* Where the walk for each tag begins. */
static void ask_lines(const struct table *t, const uint32_t *tags, uint32_t count,
	const struct table_line **lines)
{
#pragma GCC unroll 4
	for (uint32_t i = 0; i < count; i++) {
		lines[i] = table_index_line(&t->index, tags[i]);
		prefetch(lines[i]);
	}
}

/* What lies between the first and the last line of wide rows. */
static void ask_middles(const struct table *t, uint32_t count, char *const *slots)
{
	uint32_t behind = t->rows.slot_bytes < 256 ? t->rows.slot_bytes : 256;
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t line = 64; line < behind; line += 64)
			prefetch(slots[i] + line);
}

/* The first id of each tag, which is most often the key's. */
__attribute__((noinline)) static void ask_rows(const struct table *t,
	const struct table_line *const *lines, const uint32_t *tags, uint32_t count, uint32_t *ids,
	char **slots)
{
	const struct table_store rows = t->rows;
	char *const none = t->null_slot;
	for (uint32_t i = 0; i < count; i++) {
		const struct table_line *line = lines[i];
		uint32_t matches = table_line_match(line, tags[i]);
		if (matches == 0) {
			slots[i] = none;
			continue;
		}
		uint32_t id = ids[i] = line->ids[(uint32_t)__builtin_ctz(matches)];
		char *slot = slots[i] = table_store_slot(&rows, id);
		prefetch(slot);
		prefetch(slot + rows.slot_bytes - 1);
	}
	if (rows.slot_bytes > 64)
		ask_middles(t, count, slots);
}

/* Another key has the same short tag, or it is new. */
__attribute__((noinline)) static uint32_t find_or_add(
	struct table *t, uint32_t tag, const struct chunk *c, uint32_t row)
{
	uint32_t id = find_key(t, tag, c, row);
	return id == table_none ? add_key(t, tag, c, row) : id;
}

/* The first of rows i .. count - 1 whose slot is not its key's. bytes: a constant. */
static inline uint32_t plain_same(const struct table_plain_key *key, uint32_t bytes,
	char *const *slots, const uint16_t *rows, size_t i, size_t count)
{
	struct table_plain_key k = *key;
	k.bytes = bytes;
	while (i < count && table_plain_key_equal(&k, slots[i], rows[i]))
		i++;
	return (uint32_t)i;
}

static uint32_t same_keys(const struct table *t, const struct resolving *r, uint32_t at,
	uint32_t i, uint32_t count)
{
	if (r->key.bytes == 4)
		return plain_same(&r->key, 4, r->slots + at, r->rows + at, i, count);
	if (r->key.bytes == 8)
		return plain_same(&r->key, 8, r->slots + at, r->rows + at, i, count);
	while (i < count && r->slots[at + i] != t->null_slot &&
		table_key_equal(&t->key, r->slots[at + i], r->c, r->rows[at + i]))
		i++;
	return i;
}

static void compare(struct table *t, const struct resolving *r, uint32_t at, uint32_t count)
{
	for (uint32_t i = 0; (i = same_keys(t, r, at, i, count)) < count; i++) {
		r->ids[at + i] = find_or_add(t, r->tags[at + i], r->c, r->rows[at + i]);
		r->slots[at + i] = table_slot(t, r->ids[at + i]);
	}
}

int table_resolve(struct table *t, const struct chunk *c, const uint16_t *rows, uint32_t count,
	uint32_t *ids, struct error *err)
{
	struct resolving r;
	check(count <= chunk_rows_max);
	if (t->rows.count + (int64_t)count > ids_max)
		return error_set(err, CDCL_E_DATA, "table " STR_FMT ": more than %lld keys",
			STR_ARG(t->config.name), (long long)ids_max);
	r.c = c;
	r.rows = rows;
	r.ids = ids;
	r.slots = t->found->slots;
	t->found->count = 0;
	r.key = table_plain_key(&t->key, c);
	table_key_tags(&t->key, c, rows, count, r.tags);
	reserve_fresh(&t->fresh, count);
	ask_lines(t, r.tags, block_rows(0, count), r.lines[0]);
	for (uint32_t at = 0, block = 0; at < count; at += resolve_block, block ^= 1) {
		uint32_t next = at + block_rows(at, count), moves = t->index.moves;
		ask_rows(t, r.lines[block], r.tags + at, next - at, ids + at, r.slots + at);
		ask_lines(t, r.tags + next, block_rows(next, count), r.lines[block ^ 1]);
		compare(t, &r, at, next - at);
		if (t->index.moves != moves)
			ask_lines(t, r.tags + next, block_rows(next, count), r.lines[block ^ 1]);
	}
	memcpy(t->found->ids, ids, count * sizeof(*ids));
	t->found->count = count;
	return 0;
}

void table_release_empty(struct table *t)
{
	/* Last one first, so that ids are given again in the order in which they were. */
	for (uint32_t i = t->fresh.count; i-- > 0;)
		if (table_mark(table_slot(t, t->fresh.ids[i])) == mark_empty)
			table_free_id(t, t->fresh.ids[i]);
	t->fresh.count = 0;
	table_deleted_trim(t, UINT32_MAX);
}

uint32_t table_find(const struct table *t, const struct chunk *c, uint32_t row)
{
	uint32_t tag;
	uint16_t rows[] = {(uint16_t)row};
	table_key_tags(&t->key, c, rows, 1, &tag);
	return find_key(t, tag, c, row);
}

enum table_state table_state(const struct table *t, uint32_t id)
{
	int mark = table_mark(table_slot(t, id));
	check(mark != table_mark_free);
	return (enum table_state)(mark - 1);
}

bool table_is_live(const struct table *t, uint32_t id)
{
	return table_mark(table_slot(t, id)) == TABLE_LIVE + 1;
}

void table_are_live(const struct table *t, const uint32_t *ids, uint32_t count, bool *live)
{
	char *room[chunk_rows_max];
	check(count <= chunk_rows_max);
	char *const *slots = table_slots(t, ids, 0, count, room);
	for (uint32_t i = 0; i < count; i++)
		live[i] = table_mark(slots[i]) == mark_live;
}

/* ---- rows ---- */

static void row_slots(
	const struct table *t, const uint32_t *ids, uint32_t count, const char **slots)
{
	char *room[chunk_rows_max];
	check(count <= chunk_rows_max);
	char *const *found = table_slots(t, ids, 0, count, room);
	for (uint32_t i = 0; i < count; i++)
		slots[i] = table_mark(found[i]) == mark_empty ? t->null_slot : found[i];
}

void table_gather(const struct table *t, const uint32_t *ids, uint32_t count, struct chunk *out)
{
	const char *slots[chunk_rows_max];
	row_slots(t, ids, count, slots);
	for (uint32_t column = 0; column < t->layout.column_count; column++)
		table_rows_get(&t->layout, slots, count, column, &out->columns[column]);
	chunk_set_rows(out, count);
}

void table_gather_column(const struct table *t, const uint32_t *ids, uint32_t count,
	uint32_t column, struct column *out)
{
	const char *slots[chunk_rows_max];
	row_slots(t, ids, count, slots);
	table_rows_get(&t->layout, slots, count, column, out);
}

static int too_many(const struct table *t, struct error *err)
{
	error_set(err, CDCL_E_DATA, "table " STR_FMT ": more than %lld rows (max_rows)",
		STR_ARG(t->config.name), (long long)t->config.rows_max);
	error_help(err, "max_rows = N in the merge allows more; ttl lets rows go by their age");
	return -(int)CDCL_E_DATA;
}

/* The entry is LIVE now, its null bits clear. */
static int make_live(struct table *t, uint32_t id, char *slot, struct error *err)
{
	int mark = table_mark(slot);
	check(mark != table_mark_free);
	if (mark != mark_live && t->live >= t->config.rows_max)
		return too_many(t, err);
	table_touch(t, id, slot);
	if (mark != mark_live) {
		if (mark == mark_deleted)
			table_deleted_unlink(t, slot);
		t->live++;
		table_set_mark(slot, mark_live);
	}
	table_row_clear_nulls(t->layout.null_bytes, slot);
	return 0;
}

static void make_deleted(struct table *t, uint32_t id, char *slot)
{
	int mark = table_mark(slot);
	check(mark != table_mark_free);
	table_touch(t, id, slot);
	if (mark == mark_deleted)
		table_deleted_unlink(t, slot);
	else
		table_row_clear_rest(&t->layout, slot, &t->slab);
	if (mark == mark_live)
		t->live--;
	table_set_mark(slot, mark_deleted);
}

static void delete_row(struct table *t, uint32_t id, const struct chunk *c, uint32_t row,
	int64_t now_us)
{
	char *slot = table_slot(t, id);
	make_deleted(t, id, slot);
	for (uint32_t k = t->config.schema->column_count; k < t->layout.column_count; k++)
		if (!t->layout.fields[k].is_key)
			table_row_set(&t->layout, slot, k, &c->columns[k], row, &t->slab);
	table_deleted_link(t, id, slot, now_us);
}

/*
 * Slots of a run of rows that are to be written, up to the first that asks for more than a note:
 * that is not LIVE, or of which somebody wants to know what it was. Returns how many. What the loop
 * needs of the table is in variables, since a store to a slot could be one to the table for all
 * that the compiler knows, and in a function of its own, which has registers for them. Nothing in
 * it depends on whether the batch touched the row before.
 */
__attribute__((noinline)) static uint32_t touch_live(
	struct table *t, const uint32_t *ids, uint32_t count, char *const *slots)
{
	const uint32_t null_bytes = t->layout.null_bytes;
	const uint32_t touched = t->config.keep_before ? table_mark_touched : 0;
	const uint32_t looked_at = table_mark_state | touched, wanted = mark_live | touched;
	uint32_t *const changes = t->changes;
	size_t change_count = t->change_count, i = 0;
#pragma GCC unroll 2
	for (; i < count; i++) {
		char *slot = slots[i];
		uint32_t mark = (unsigned char)slot[0];
		if ((mark & looked_at) != wanted)
			break;
		changes[change_count] = ids[i];
		change_count += (mark - table_mark_touched) >> 31;
		uint16_t head = (uint16_t)(mark | table_mark_touched);
		memcpy(slot, &head, sizeof(head));      /* and a byte of null bits */
		if (null_bytes > 1)
			table_row_clear_nulls(null_bytes, slot);
	}
	t->change_count = (uint32_t)change_count;
	return (uint32_t)i;
}

/*
 * The same of keys that are new, EMPTY so far: nobody touched them, and there was nothing before.
 * Up to the first that is not, or that has no room.
 */
static uint32_t touch_new(
	struct table *t, const uint32_t *ids, uint32_t count, char *const *slots)
{
	const int64_t room = t->config.rows_max - t->live;
	const uint32_t null_bytes = t->layout.null_bytes;
	uint32_t *const changes = t->changes + t->change_count;
	uint32_t i = 0;
	for (; i < count && i < room && slots[i][0] == mark_empty; i++) {
		changes[i] = ids[i];
		slots[i][0] = mark_live | table_mark_touched | table_mark_new;
		table_row_clear_nulls(null_bytes, slots[i]);
	}
	if (t->config.keep_before)
		memset(t->befores + t->change_count, 0xff, i * sizeof(*t->befores));
	t->change_count += i;
	t->live += i;
	return i;
}

/* Rows of a chunk on their way into slots, which are in the nearest cache meanwhile. */
struct puts {
	const uint16_t *rows;
	uint32_t count;
	char *const *slots;
};

/* How many of `count` have room; fewer: with the error of the one that has none. */
static uint32_t begin_puts(
	struct table *t, const uint32_t *ids, uint32_t count, char *const *slots, struct error *err)
{
	uint32_t at = 0;
	for (;;) {
		at += touch_live(t, ids + at, count - at, slots + at);
		at += touch_new(t, ids + at, count - at, slots + at);
		if (at == count || make_live(t, ids[at], slots[at], err) < 0)
			return at;
		at++;
	}
}

/* As a run, if they are one: most often, and then they need not be looked up one by one. */
static struct table_rows put_rows(const struct table *t, const struct puts *p)
{
	struct table_rows rows = {p->rows, 0, p->count};
	if (p->count == 0 || p->rows[0] + p->count > chunk_rows_max)
		return rows;
	rows.first = p->rows[0];
	if (memcmp(p->rows, t->row_numbers + rows.first, p->count * sizeof(*p->rows)) == 0)
		rows.numbers = NULL;
	return rows;
}

static void put_columns(struct table *t, struct puts *p, const struct chunk *c)
{
	table_rows_put(&t->layout, p->slots, c->columns, put_rows(t, p), &t->slab);
	p->count = 0;
}

/* Any write but that of a LIVE row: negative when the row has no room. */
static int write_slow(struct table *t, const struct table_write *w, const struct chunk *c,
	char *slot, int64_t now_us, struct error *err)
{
	if (!w->deletes)
		return make_live(t, w->id, slot, err);
	delete_row(t, w->id, c, w->row, now_us);
	return 0;
}

int table_apply(struct table *t, const struct table_write *writes, uint32_t count,
	const struct chunk *c, int64_t now_us, struct error *err)
{
	uint16_t rows[put_block];
	char *slots[put_block];
	struct puts puts;
	const struct table_store store = t->rows;
	const uint32_t null_bytes = t->layout.null_bytes;
	int result = 0;
	puts.rows = rows;
	puts.slots = slots;
	puts.count = 0;
	table_reserve_changes(t, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct table_write *w = &writes[i];
		char *slot = slots[puts.count] = table_store_slot(&store, w->id);
		rows[puts.count] = w->row;
		if (!w->deletes && table_touch_live(t, w->id, slot))
			table_row_clear_nulls(null_bytes, slot);
		else
			result = write_slow(t, w, c, slot, now_us, err);
		/* Those before the one without room are whole. */
		if (result < 0)
			break;
		puts.count += !w->deletes;
		if (puts.count == put_block)
			put_columns(t, &puts, c);
	}
	put_columns(t, &puts, c);
	return result;
}

int table_put(struct table *t, const uint32_t *ids, const struct chunk *c, const uint16_t *rows,
	uint32_t count, struct error *err)
{
	char *room[put_block];
	struct puts puts;
	table_reserve_changes(t, count);
	for (uint32_t at = 0; at < count; at += put_block) {
		uint32_t block = count - at < put_block ? count - at : put_block;
		puts.rows = rows + at;
		puts.slots = table_slots(t, ids, at, block, room);
		puts.count = begin_puts(t, ids + at, block, puts.slots, err);
		bool has_room = puts.count == block;
		put_columns(t, &puts, c);
		if (!has_room)
			return -(int)err->code;
	}
	return 0;
}

int table_delete(struct table *t, const uint32_t *ids, const struct chunk *c, const uint16_t *rows,
	uint32_t count, int64_t now_us, struct error *err)
{
	(void)err;
	for (uint32_t i = 0; i < count; i++)
		delete_row(t, ids[i], c, rows[i], now_us);
	return 0;
}

static void clear_hidden(struct table *t, char *slot)
{
	for (uint32_t k = t->config.schema->column_count; k < t->layout.column_count; k++)
		if (!t->layout.fields[k].is_key)
			table_row_set_null(&t->layout, slot, k, &t->slab);
}

int table_clear(struct table *t, bool remember, int64_t now_us, struct error *err)
{
	(void)err;
	for (uint32_t id = 0; id < t->rows.count; id++) {
		char *slot = table_slot(t, id);
		if (table_mark(slot) != mark_live)
			continue;
		make_deleted(t, id, slot);
		if (remember) {
			table_deleted_link(t, id, slot, now_us);
			continue;
		}
		clear_hidden(t, slot);
		table_deleted_link_first(t, id, slot);
	}
	return 0;
}

uint32_t table_scan(const struct table *t, uint32_t *at, uint32_t *ids)
{
	uint32_t count = 0;
	for (; *at < t->rows.count && count < chunk_rows_max; ++*at)
		if (table_mark(table_slot(t, *at)) == mark_live)
			ids[count++] = *at;
	return count;
}

int64_t table_rows(const struct table *t)
{
	return t->live;
}

int64_t table_deleted(const struct table *t)
{
	return t->deleted;
}

int64_t table_bytes(const struct table *t)
{
	size_t ids = t->fresh.capacity * sizeof(*t->fresh.ids);
	return (int64_t)(sizeof(*t) + table_index_bytes(&t->index) + table_store_bytes(&t->rows) +
		slab_bytes(&t->slab) + ids + table_batch_bytes(t) + table_state_bytes(t));
}
