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

/* A string of up to table_inline_bytes has room in entry_bytes. */
static void add_str(struct str s, struct strbuf *out, const struct table_layout *l)
{
	uint32_t len = (uint32_t)s.len;
	if (len > table_inline_bytes)
		strbuf_reserve(out, sizeof(len) + len + table_entry_bytes(l));
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
	strbuf_reserve(out, table_entry_bytes(l));
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

/* ---- a part ---- */

static int apply(struct state_part *p, struct str records, struct error *err)
{
	return table_fill_take(of(p), NULL, records, err);
}

static int convert(struct state_part *p, const struct state_fit *how, struct str records,
	struct error *err)
{
	return table_fill_take(of(p), how, records, err);
}

static int ready(struct state_part *p, struct error *err)
{
	return table_fill_ready(of(p), err);
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
	.convert = convert};

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
