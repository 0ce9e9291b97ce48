#include "state/table_state.h"

#include "base/check.h"
#include "base/prefetch.h"
#include "state/noted_ids.h"
#include "state/record.h"
#include "state/table_part.h"
#include "state/table_shape.h"

#include <stdlib.h>

enum { entries_ahead = 32 };

struct table_noted {
	struct state_part part;
	struct table *table;
	struct strbuf name;
	struct strbuf shape;
	struct noted_ids ids;
};

static struct table *of(const struct state_part *p)
{
	return container_of(p, struct table_noted, part)->table;
}

/* ---- which ids changed ---- */

void table_note_slow(struct table *t, uint32_t id)
{
	noted_ids_add(&t->noted->ids, id);
}

size_t table_state_bytes(const struct table *t)
{
	const struct table_noted *n = t->noted;
	if (n == NULL)
		return 0;
	return sizeof(*n) + noted_ids_bytes(&n->ids) + n->name.capacity + n->shape.capacity;
}

void table_state_release(struct table *t)
{
	if (t->noted == NULL)
		return;
	strbuf_release(&t->noted->name);
	strbuf_release(&t->noted->shape);
	noted_ids_release(&t->noted->ids);
	free(t->noted);
	t->noted = NULL;
}

/* ---- writing ---- */

/* What the entry takes at most without its strings. */
static size_t entry_bytes(const struct table_layout *l)
{
	return 16 + l->null_bytes + l->slot_bytes;
}

/* A string of up to table_inline_bytes has room in entry_bytes. */
static void add_str(struct str s, struct strbuf *out, const struct table_layout *l)
{
	uint32_t len = (uint32_t)s.len;
	if (len > table_inline_bytes)
		strbuf_reserve(out, sizeof(len) + len + entry_bytes(l));
	memcpy(out->data + out->len, &len, sizeof(len));
	if (len > 0)
		memcpy(out->data + out->len + sizeof(len), s.data, len);
	out->len += sizeof(len) + len;
}

static void add_bytes(const char *field, size_t bytes, struct strbuf *out)
{
	memcpy(out->data + out->len, field, bytes);
	out->len += bytes;
}

/* One copy per size, so that each is one move; there is room. */
static void add_field(const struct table_layout *l, const struct table_field *f, const char *slot,
	struct strbuf *out)
{
	const char *field = slot + f->offset;
	switch (f->phys) {
	case PHYS_BOOL:
		add_bytes(field, 1, out);
		return;
	case PHYS_I32:
	case PHYS_F32:
		add_bytes(field, 4, out);
		return;
	case PHYS_I64:
	case PHYS_F64:
		add_bytes(field, 8, out);
		return;
	case PHYS_I128:
		add_bytes(field, 16, out);
		return;
	case PHYS_STR:
	case phys_count:
		break;
	}
	add_str(table_row_str(field), out, l);
}

static void add_entry(const struct table *t, uint32_t id, struct strbuf *out)
{
	const struct table_layout *l = &t->layout;
	const char *slot = table_slot(t, id);
	int mark = table_mark(slot);
	bool there = mark == mark_live || mark == mark_deleted;
	char state = !there ? state_free : mark == mark_live ? state_live : state_deleted;
	int64_t at_us = state == state_deleted ? table_deleted_at(t, slot) : 0;
	strbuf_reserve(out, entry_bytes(l));
	add_bytes((const char *)&id, sizeof(id), out);
	add_bytes(&state, 1, out);
	if (!there)
		return;
	add_bytes((const char *)&at_us, sizeof(at_us), out);
	add_bytes(slot + 1, l->null_bytes, out);
	for (uint32_t i = 0; i < l->column_count; i++)
		if (!table_row_is_null(slot, i))
			add_field(l, &l->fields[i], slot, out);
}

static bool changes(struct state_part *p, size_t bytes_max, struct strbuf *out)
{
	struct table_noted *n = container_of(p, struct table_noted, part);
	size_t end = out->len + bytes_max;
	uint32_t id, later;
	while (noted_ids_take(&n->ids, &id)) {
		/* rows that a batch changed lie anywhere */
		if (noted_ids_look(&n->ids, entries_ahead, &later)) {
			const char *slot = table_slot(n->table, later);
			prefetch(slot);
			prefetch(slot + n->table->layout.slot_bytes - 1);
		}
		add_entry(n->table, id, out);
		if (out->len >= end)
			return true;
	}
	return false;
}

static bool scan(struct state_part *p, uint64_t *at, size_t bytes_max, struct strbuf *out)
{
	const struct table *t = of(p);
	size_t end = out->len + bytes_max;
	for (; *at < t->rows.count && out->len < end; ++*at) {
		int mark = table_mark(table_slot(t, (uint32_t)*at));
		if (mark == mark_live || mark == mark_deleted)
			add_entry(t, (uint32_t)*at, out);
	}
	return *at < t->rows.count;
}

/* ---- reading ---- */

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

/* Eight bytes that may be fewer than `len` of a string; what is behind it becomes zero. */
static uint64_t head_of_str(const char *s, uint32_t len)
{
	uint64_t v;
	memcpy(&v, s, sizeof(v));
	return len < 8 ? v & ((UINT64_C(1) << (8 * len)) - 1) : v;
}

/*
 * A string into a field of zeros, as table_row_set_str would. Most are short and have as many
 * bytes behind them as may be read.
 */
static const char *take_str(struct table *t, char *field, const char *p, const char *end)
{
	uint32_t len;
	if ((size_t)(end - p) < sizeof(len))
		return NULL;
	memcpy(&len, p, sizeof(len));
	p += sizeof(len);
	if (len > (size_t)(end - p))
		return NULL;
	if (len > table_inline_bytes || end - p < 16) {
		table_row_set_str(field, (struct str){p, len}, &t->slab);
		return p + len;
	}
	uint64_t low = head_of_str(p, len);
	uint32_t high = len <= 8 ? 0 : (uint32_t)head_of_str(p + 8, len - 8);
	memcpy(field, &len, sizeof(len));
	memcpy(field + 4, &low, sizeof(low));
	memcpy(field + 12, &high, sizeof(high));
	return p + len;
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
	int64_t at_us = record_i64(r);
	slot[0] = state == state_live ? mark_live : mark_deleted;
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
	if (end - p < 5)
		return NULL;
	if (p[4] == state_free)
		return p + 5;
	p += 5 + sizeof(int64_t);
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

static int take_records(struct state_part *p, const struct state_fit *how, struct str records,
	struct error *err)
{
	struct table *t = of(p);
	struct record_reader r = {.bytes = records};
	uint64_t end = ids_end(t);
	struct scout scout = {0};
	bool again = how == NULL && t->rows.count > 0; /* a log: its entries lie anywhere */
	check(t->index.count == 0);
	while (record_left(&r) > 0) {
		if (again)
			scout_on(&scout, t, records.data + r.at, records.data + records.len);
		scout.lead -= scout.lead > 0;
		uint32_t id = record_u32(&r);
		uint8_t state = record_u8(&r);
		bool good = !r.bad && id < end && state <= state_deleted && may_leave_out(t, id);
		if (good)
			good = how == NULL ? take_entry(t, id, state, &r)
					   : table_fit_take(t, how, id, state, &r);
		if (!good)
			return error_set(err, CDCL_E_STATE,
				STR_FMT ": a record that cannot be, at byte %zu", STR_ARG(p->name),
				r.at);
	}
	return 0;
}

static int apply(struct state_part *p, struct str records, struct error *err)
{
	return take_records(p, NULL, records, err);
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

/* Entries that wait for their slots of the index to come into the cache. */
struct index_group {
	const char *slots[64];
	uint32_t ids[64];
	uint32_t count;
};

static void index_group(struct table *t, struct index_group *g)
{
	uint32_t tags[ARRAY_LEN(g->ids)];
	table_key_tags_of_slots(&t->key, g->slots, g->count, tags);
	for (uint32_t i = 0; i < g->count; i++) {
		const struct table_segment *s = table_index_segment(&t->index, tags[i]);
		prefetch(&s->slots[table_index_home(s, tags[i])]);
	}
	for (uint32_t i = 0; i < g->count; i++)
		table_index_insert(&t->index, tags[i], g->ids[i]);
	g->count = 0;
}

static uint32_t count_entries(const struct table *t)
{
	uint32_t count = 0;
	for (uint32_t id = 0; id < t->rows.count; id++)
		count += table_mark(table_slot(t, id)) != table_mark_free;
	return count;
}

/* From the last id down, so that the lowest free one is given first. */
static uint32_t index_entries(struct table *t)
{
	struct index_group group = {.count = 0};
	uint32_t deleted = 0;
	table_index_reserve(&t->index, count_entries(t));
	for (uint32_t id = t->rows.count; id-- > 0;) {
		char *slot = table_slot(t, id);
		int mark = table_mark(slot);
		if (mark == table_mark_free) {
			memcpy(slot + 1, &t->free_id, sizeof(t->free_id));
			t->free_id = id + 1;
			continue;
		}
		group.ids[group.count] = id;
		group.slots[group.count++] = slot;
		if (group.count == ARRAY_LEN(group.ids))
			index_group(t, &group);
		t->live += mark == mark_live;
		deleted += mark == mark_deleted;
	}
	index_group(t, &group);
	return deleted;
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

static int ready(struct state_part *p, struct error *err)
{
	struct table *t = of(p);
	uint32_t deleted = index_entries(t);
	if (deleted > 0)
		link_deleted(t, deleted);
	if (t->live <= t->config.rows_max)
		return 0;
	return error_set(err, CDCL_E_STATE, STR_FMT ": %lld rows are kept, max_rows is %lld",
		STR_ARG(p->name), (long long)t->live, (long long)t->config.rows_max);
}

static enum state_verdict fit(const struct state_part *p, const struct str *shapes, uint32_t count,
	struct arena *arena, const struct state_fit **how, struct strbuf *why)
{
	return table_fit(of(p), shapes, count, arena, how, why);
}

static const struct state_part_ops table_state_ops = {
	.changes = changes,
	.scan = scan,
	.apply = apply,
	.ready = ready,
	.fit = fit,
	.convert = take_records};

void table_state_touch_all(struct table *t)
{
	struct table_noted *n = t->noted;
	t->noted = NULL;
	for (uint32_t id = 0; id < t->rows.count; id++) {
		char *slot = table_slot(t, id);
		if (table_mark(slot) == mark_live)
			table_touch_new(t, id, slot);
	}
	t->noted = n;
}

struct state_part *table_state_part(struct table *t)
{
	check(t->noted == NULL && t->rows.count == 0);
	struct table_noted *n = calloc(1, sizeof(*n));
	check(n != NULL);
	strbuf_init(&n->name);
	strbuf_init(&n->shape);
	strbuf_addf(&n->name, "table " STR_FMT, STR_ARG(t->config.name));
	table_shape_text(t->config.schema, t->config.key, &n->shape);
	n->table = t;
	n->part = (struct state_part){.ops = &table_state_ops,
		.name = strbuf_str(&n->name),
		.shape = strbuf_str(&n->shape)};
	t->noted = n;
	return &n->part;
}
