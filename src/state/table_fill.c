/* A table from the records of a checkpoint: entries first, and their index when all are there. */

#include "base/check.h"
#include "base/halves.h"
#include "base/prefetch.h"
#include "state/index_fill.h"
#include "state/table_part.h"

#include <stdlib.h>

/* An entry's id and state. */
enum { entry_head_bytes = 4 + 1, entries_ahead = 32, slots_ahead = 128 };

/* ---- one entry ---- */

/* What the entry was goes; its slot is as a new one. */
void table_state_clear(struct table *t, char *slot)
{
	int mark = table_mark(slot);
	if (mark == mark_deleted)
		memset(slot + t->layout.link_offset, 0, table_link_bytes);
	if (mark != table_mark_free)
		table_row_clear(&t->layout, slot, &t->slab);
	memset(slot, 0, t->layout.slot_bytes);
}

void table_state_take_field(
	struct table *t, char *slot, uint32_t column, struct record_reader *r)
{
	const struct table_field *f = &t->layout.fields[column];
	char *field = slot + f->offset;
	if (f->phys == PHYS_STR) {
		struct str s = record_str(r);
		r->bad = r->bad || s.data == NULL;
		if (!r->bad)
			table_row_set_str(field, s, &t->slab);
		return;
	}
	size_t bytes = phys_bytes(f->phys);
	if (bytes == 4)
		record_copy(r, field, 4);
	else if (bytes == 8)
		record_copy(r, field, 8);
	else
		record_copy(r, field, bytes);
	if (f->phys == PHYS_BOOL)
		*field = *field != 0;
}

/*
 * As table_row_set_str, into a field of zeros. At `from` stands the length, as in the field; all of
 * a field's bytes may be read there.
 */
static inline void put_str(struct table *t, char *field, const char *from, uint32_t len)
{
	/* So much of a field is the length and what is there of the string. */
	static const unsigned char there[table_string_bytes + table_inline_bytes] = {255, 255, 255,
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
	if (len > table_inline_bytes) {
		char *copy = slab_copy(&t->slab, from + sizeof(len), len);
		memcpy(field, &len, sizeof(len));
		memcpy(field + 8, &copy, sizeof(copy));
		return;
	}
	uint64_t bytes[2], mask[2];
	memcpy(bytes, from, sizeof(bytes));
	memcpy(mask, there + table_inline_bytes - len, sizeof(mask));
	bytes[0] &= mask[0];
	bytes[1] &= mask[1];
	memcpy(field, bytes, sizeof(bytes));
}

static const char *take_str(struct table *t, char *field, const char *p, const char *end)
{
	uint32_t len;
	if ((size_t)(end - p) < sizeof(len))
		return NULL;
	memcpy(&len, p, sizeof(len));
	if (len > (size_t)(end - p) - sizeof(len))
		return NULL;
	if (end - p < table_string_bytes)
		table_row_set_str(field, (struct str){p + sizeof(len), len}, &t->slab);
	else
		put_str(t, field, p, len);
	return p + sizeof(len) + len;
}

/* What is not NULL, into fields of zeros; NULL: a field that cannot be. */
static const char *take_fields(
	struct table *t, char *slot, uint8_t state, const char *p, const char *end)
{
	const struct table_layout *l = &t->layout;
	for (uint32_t i = 0; i < l->column_count && p != NULL; i++) {
		const struct table_field *f = &l->fields[i];
		char *field = slot + f->offset;
		if (table_row_is_null(slot, i))
			continue;
		if (state == state_deleted && !f->is_kept)
			return NULL;
		if (f->phys == PHYS_STR) {
			p = take_str(t, field, p, end);
			continue;
		}
		size_t bytes = phys_bytes(f->phys);
		if (bytes > (size_t)(end - p))
			return NULL;
		if (bytes == 4)
			memcpy(field, p, 4);
		else if (bytes == 8)
			memcpy(field, p, 8);
		else
			memcpy(field, p, bytes);
		if (f->phys == PHYS_BOOL)
			*field = *field != 0;
		p += bytes;
	}
	return p;
}

/*
 * The columns of a live row, where so much is behind `end` that only the length of a string has to
 * be looked at. NULL: one is too long for that.
 */
static inline const char *take_here(
	struct table *t, char *slot, bool any_null, const char *p, const char *end)
{
	const struct table_field *f = t->layout.fields;
	uint32_t len, columns = t->layout.column_count;
	for (uint32_t i = 0; i < columns; i++, f++) {
		char *field = slot + f->offset;
		if (any_null && table_row_is_null(slot, i))
			continue;
		if (f->phys == PHYS_STR) {
			memcpy(&len, p, sizeof(len));
			if ((int64_t)len > end - p - (int64_t)sizeof(len))
				return NULL;
			put_str(t, field, p, len);
			p += sizeof(len) + len;
			continue;
		}
		uint8_t bytes = phys_slot_bytes[f->phys];
		if (bytes == 4)
			memcpy(field, p, 4);
		else if (bytes == 8)
			memcpy(field, p, 8);
		else if (bytes == 16)
			memcpy(field, p, 16);
		else
			*field = *p != 0;
		p += bytes;
	}
	return p;
}

/* From an entry's state on: mark and null bits of its slot. Is any column NULL? */
static inline bool take_nulls(char *slot, const char *p, uint32_t null_bytes)
{
	uint64_t head, none_behind = null_bytes < 7 ? (UINT64_C(256) << (8 * null_bytes)) - 1
						    : UINT64_MAX;
	memcpy(&head, p, sizeof(head));
	head &= none_behind - UINT8_MAX;
	uint64_t any = head;
	head |= mark_live;
	memcpy(slot, &head, sizeof(head));
	for (uint32_t i = sizeof(head); i <= null_bytes; i++)
		any |= (uint8_t)(slot[i] = p[i]);
	return any != 0;
}

/*
 * Live rows that were not there before, from *at on, each with more bytes behind it than one takes:
 * all of a snapshot but its frames' ends. Stops before what is otherwise.
 */
static void take_new(struct table *t, uint64_t ids_max, struct str records, size_t *at)
{
	const uint32_t slot_bytes = t->layout.slot_bytes, null_bytes = t->layout.null_bytes;
	const uint32_t last = (UINT32_C(1) << t->rows.shift) - 1, first = t->rows.count;
	size_t spare = table_entry_bytes(&t->layout) + table_string_bytes;
	if (records.len - *at < spare)
		return;
	const char *p = records.data + *at, *end = records.data + records.len - spare;
	char *slot = NULL;
	for (uint32_t next = first; p < end; t->rows.count = ++next) {
		uint32_t id;
		memcpy(&id, p, sizeof(id));
		if (id != next || id >= ids_max || p[4] != state_live)
			break;
		bool here = slot != NULL && (id & last) != 0;
		slot = here ? slot + slot_bytes : table_store_next(&t->rows);
		const char *behind = p + entry_head_bytes + null_bytes;
		behind = take_nulls(slot, p + 4, null_bytes)
			? take_here(t, slot, true, behind, end)
			: take_here(t, slot, false, behind, end);
		if (behind == NULL) {
			table_state_clear(t, slot);
			break;
		}
		p = behind;
	}
	t->entries += t->rows.count - first;
	*at = (size_t)(p - records.data);
}

static bool take_entry(struct table *t, uint32_t id, uint8_t state, struct record_reader *r)
{
	bool fresh = t->rows.count <= id;
	while (t->rows.count <= id)
		table_store_add(&t->rows);
	char *slot = table_slot(t, id);
	if (!fresh)
		table_state_clear(t, slot);
	if (state == state_free)
		return true;
	int64_t at_us = table_entry_is_timed(state) ? record_i64(r) : 0;
	slot[0] = state == state_deleted ? mark_deleted : mark_live;
	record_copy(r, slot + 1, t->layout.null_bytes);
	const char *end = r->bytes.data + r->bytes.len;
	const char *p = r->bad ? NULL : take_fields(t, slot, state, r->bytes.data + r->at, end);
	if (p == NULL) {
		r->bad = true;
		table_state_clear(t, slot);
		return false;
	}
	r->at = (size_t)(p - r->bytes.data);
	if (state == state_deleted)
		table_deleted_set_at(t, slot, at_us);
	return true;
}

/* ---- a frame of them ---- */

/* As many as the bounds of rows and deletes allow, and what one batch may have had beyond them. */
static uint64_t ids_end(const struct table *t)
{
	uint64_t end = (uint64_t)t->config.rows_max * 2 + (uint64_t)t->config.deleted_max * 2 +
		16 * chunk_rows_max;
	return end > table_none - 1 ? table_none - 1 : end;
}

/* Slots that were free when a snapshot was taken are left out; they take memory all the same. */
static bool may_leave_out(struct table *t, uint32_t id)
{
	if (id > t->rows.count)
		t->left_out_bytes += (int64_t)(id - t->rows.count) * t->layout.slot_bytes;
	return t->config.left_out_bytes_max == 0 ||
		t->left_out_bytes <= t->config.left_out_bytes_max;
}

/* A reader that runs before the one that takes, so that slots are in the cache when it comes. */
struct scout {
	const char *next;       /* NULL: it found what cannot be, or was not started */
	uint32_t lead;          /* entries before the one that is taken */
};

/* Over one entry; NULL: it cannot be. */
static const char *pass_entry(const struct table *t, const char *p, const char *end)
{
	const struct table_layout *l = &t->layout;
	if (end - p < entry_head_bytes)
		return NULL;
	uint8_t state = (uint8_t)p[4];
	p += entry_head_bytes + (table_entry_is_timed(state) ? sizeof(int64_t) : 0);
	if (state == state_free)
		return p;
	const char *nulls = p - 1; /* as in a slot: bits are behind the mark */
	p += l->null_bytes;
	for (uint32_t i = 0; i < l->column_count && p <= end; i++) {
		if (table_row_is_null(nulls, i))
			continue;
		uint32_t bytes = (uint32_t)phys_bytes(l->fields[i].phys);
		if (l->fields[i].phys == PHYS_STR) {
			if (end - p < 4)
				return NULL;
			memcpy(&bytes, p, 4);
			p += 4;
		}
		if (bytes > (size_t)(end - p))
			return NULL;
		p += bytes;
	}
	return p <= end ? p : NULL;
}

/* `at`: the entry that is taken next. */
static void scout_on(struct scout *s, const struct table *t, const char *at, const char *end)
{
	if (s->lead == 0)
		s->next = at;
	while (s->next != NULL && s->lead < entries_ahead && end - s->next >= 4) {
		uint32_t id;
		memcpy(&id, s->next, sizeof(id));
		if (id < t->rows.count) {
			prefetch(table_slot(t, id));
			prefetch(table_slot(t, id) + t->layout.slot_bytes - 1);
		}
		s->next = pass_entry(t, s->next, end);
		s->lead++;
	}
}

/* What was there, and what is there, are counted: the index is made for as many at once. */
static bool take_one(struct table *t, const struct state_fit *how, uint64_t ids_max,
	struct record_reader *r)
{
	uint32_t id = record_u32(r);
	uint8_t state = record_u8(r);
	if (r->bad || id >= ids_max || state > state_live || !may_leave_out(t, id))
		return false;
	bool was = id < t->rows.count && table_mark(table_slot(t, id)) != table_mark_free;
	table_unfit_remove(t->unfit, id);
	bool good = how == NULL ? take_entry(t, id, state, r)
				: table_fit_take(t, how, id, state, r);
	t->entries += (uint32_t)(state != state_free) - (uint32_t)was;
	return good;
}

int table_fill_take(struct table *t, const struct state_fit *how, struct str records,
	struct error *err)
{
	struct record_reader r = {.bytes = records};
	uint64_t end = ids_end(t);
	struct scout scout = {0};
	check(t->index.count == 0);
	t->rows.huge.has_time = t->slab.huge.has_time = true;
	while (record_left(&r) > 0) {
		size_t before = r.at;
		if (how == NULL)
			take_new(t, end, records, &r.at);
		scout.lead = r.at > before ? 0 : scout.lead;
		if (how == NULL)
			scout_on(&scout, t, records.data + r.at, records.data + records.len);
		scout.lead -= scout.lead > 0;
		if (record_left(&r) > 0 && !take_one(t, how, end, &r))
			return error_set(err, CDCL_E_STATE,
				"table " STR_FMT ": a record that cannot be, at byte %zu",
				STR_ARG(t->config.name), r.at);
	}
	return 0;
}

void table_fill_clear(struct table *t)
{
	check(t->index.count == 0);
	t->found->count = 0;
	table_store_release(&t->rows);
	table_store_init(&t->rows, t->layout.slot_bytes);
	slab_release(&t->slab);
	slab_init(&t->slab);
	t->entries = 0;
	t->left_out_bytes = 0;
	table_unfit_close(t->unfit);
	t->unfit = NULL;
}

/* ---- ready ---- */

struct deleted_entry {
	int64_t at_us;
	uint32_t id;
};

static int compare_deleted(const void *a, const void *b)
{
	const struct deleted_entry *x = a, *y = b;
	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Entries whose keys are hashed together. */
struct index_group {
	const char *slots[64];
	uint32_t ids[64];
	uint32_t count;
};

/* What half of the slots holds, of which nothing is touched but those. */
struct index_half {
	uint32_t free_id;               /* + 1: the lowest; 0: none */
	char *last_free;
	int64_t live;
	uint32_t deleted;
};

struct indexing {
	struct table *t;
	struct index_fill fill;
	struct index_half halves[index_fill_halves];
};

static void index_group(struct indexing *x, uint32_t half, struct index_group *g)
{
	uint32_t tags[ARRAY_LEN(g->ids)];
	table_key_tags_of_slots(&x->t->key, g->slots, g->count, tags);
	index_fill_add(&x->fill, half, tags, g->ids, g->count);
	g->count = 0;
}

/* Behind the one before it: the lowest is given first. The next one's number is zeros so far. */
static void chain_free(struct index_half *h, uint32_t id, char *slot)
{
	uint32_t number = id + 1;
	memcpy(h->last_free == NULL ? (char *)&h->free_id : h->last_free + 1, &number,
		sizeof(number));
	h->last_free = slot;
}

static void index_half(void *of, uint32_t half)
{
	struct indexing *x = of;
	struct table *t = x->t;
	struct index_half h = {0};
	struct index_group group = {.count = 0};
	const uint32_t bytes = t->layout.slot_bytes, last = (UINT32_C(1) << t->rows.shift) - 1;
	uint32_t middle = t->rows.count / 2, end = half == 0 ? middle : t->rows.count;
	char *slot = NULL;
	for (uint32_t id = half == 0 ? 0 : middle; id < end; id++) {
		slot = slot == NULL || (id & last) == 0 ? table_slot(t, id) : slot + bytes;
		/* Mostly there, or nowhere. */
		prefetch(slot + slots_ahead * bytes);
		int mark = table_mark(slot);
		if (mark == table_mark_free) {
			chain_free(&h, id, slot);
			continue;
		}
		group.ids[group.count] = id;
		group.slots[group.count++] = slot;
		if (group.count == ARRAY_LEN(group.ids))
			index_group(x, half, &group);
		h.live += mark == mark_live;
		h.deleted += mark == mark_deleted;
	}
	index_group(x, half, &group);
	x->halves[half] = h;
}

/* Answers how many are deleted. */
static uint32_t index_entries(struct table *t)
{
	struct indexing x = {.t = t};
	struct index_half *low = &x.halves[0], *high = &x.halves[1];
	index_fill_begin(&x.fill, &t->index, t->entries);
	halves_run(index_half, &x, x.fill.worth_a_thread);
	index_fill_end(&x.fill);
	t->free_id = low->last_free != NULL ? low->free_id : high->free_id;
	if (low->last_free != NULL)
		memcpy(low->last_free + 1, &high->free_id, sizeof(high->free_id));
	t->live = low->live + high->live;
	return low->deleted + high->deleted;
}

static void link_deleted(struct table *t, uint32_t count)
{
	struct deleted_entry *entries = malloc((count + 1) * sizeof(*entries));
	check(entries != NULL);
	uint32_t found = 0;
	for (uint32_t id = 0; id < t->rows.count; id++)
		if (table_mark(table_slot(t, id)) == mark_deleted)
			entries[found++] = (struct deleted_entry){
				table_deleted_at(t, table_slot(t, id)), id};
	check(found == count);
	qsort(entries, count, sizeof(*entries), compare_deleted);
	for (uint32_t i = 0; i < count; i++)
		table_deleted_link(
			t, entries[i].id, table_slot(t, entries[i].id), entries[i].at_us);
	free(entries);
}

static int refuse_unfit(
	const struct table *t, uint32_t count, const struct unfit_value *v, struct error *err)
{
	if (!v->any)
		return error_set(err, CDCL_E_STATE,
			"table " STR_FMT ": %u kept %s numbers that their column's new type does "
			"not hold exactly",
			STR_ARG(t->config.name), count, count == 1 ? "row has" : "rows have");
	const struct schema_column *c = &t->config.schema->columns[v->column];
	struct strbuf type;
	strbuf_init(&type);
	type_name(c->type, &type);
	error_set(err, CDCL_E_STATE,
		"table " STR_FMT ": %u kept %s numbers that their column's new type does not hold "
		"exactly: column \"" STR_FMT "\" has %lld, which is no " STR_FMT,
		STR_ARG(t->config.name), count, count == 1 ? "row has" : "rows have",
		STR_ARG(c->name), (long long)v->value, STR_ARG(strbuf_str(&type)));
	strbuf_release(&type);
	return -(int)CDCL_E_STATE;
}

int table_fill_ready(struct table *t, struct error *err)
{
	struct unfit_value unfit;
	uint32_t unfit_count = table_unfit_count(t->unfit, &unfit);
	if (unfit_count > 0)
		return refuse_unfit(t, unfit_count, &unfit, err);
	table_unfit_close(t->unfit);
	t->unfit = NULL;
	t->rows.huge.has_time = t->slab.huge.has_time = false;
	uint32_t deleted = index_entries(t);
	if (deleted > 0)
		link_deleted(t, deleted);
	if (t->live <= t->config.rows_max)
		return 0;
	error_set(err, CDCL_E_STATE, "table " STR_FMT ": %lld rows are kept, max_rows is %lld",
		STR_ARG(t->config.name), (long long)t->live, (long long)t->config.rows_max);
	error_help(err, "max_rows in the merge has to be as many at least");
	return -(int)CDCL_E_STATE;
}
