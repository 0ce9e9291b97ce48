#include "state/table_state.h"

#include "base/check.h"
#include "base/prefetch.h"
#include "state/noted_ids.h"
#include "state/record.h"
#include "state/table_part.h"
#include "state/table_shape.h"

#include <stdlib.h>

enum { entries_at_once = 64 };

struct table_noted {
	struct state_part part;
	struct table *table;
	struct strbuf name;
	struct strbuf shape;
	struct noted_ids ids;
	uint32_t restored;      /* of the table's changes: nothing that the checkpoint has not */
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

void table_note_changes(struct table *t, uint32_t from, uint32_t to)
{
	struct table_noted *n = t->noted;
	for (uint32_t i = from > n->restored ? from : n->restored; i < to; i++)
		noted_ids_add(&n->ids, t->changes[i]);
	if (to == t->change_count)
		n->restored = 0;
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

/*
 * Entries are written to `to`, where there is room for all that are to come but for their long
 * strings.
 */
struct room {
	struct strbuf *out;
	size_t bytes;           /* as many may be written behind each string */
};

static char *begin(struct room *room, struct strbuf *out, size_t bytes)
{
	*room = (struct room){out, bytes};
	strbuf_reserve(out, bytes);
	return out->data + out->len;
}

static void end(const struct room *room, const char *to)
{
	room->out->len = (size_t)(to - room->out->data);
}

static char *add_long_str(const struct room *room, char *to, struct str s)
{
	uint32_t len = (uint32_t)s.len;
	end(room, to);
	strbuf_reserve(room->out, room->bytes + sizeof(len) + len);
	to = room->out->data + room->out->len;
	memcpy(to, &len, sizeof(len));
	memcpy(to + sizeof(len), s.data, len);
	return to + sizeof(len) + len;
}

/* Short ones have room in table_entry_bytes, and are copied with what is behind them. */
static inline char *add_str(const struct room *room, char *to, const char *field)
{
	uint32_t len;
	memcpy(&len, field, sizeof(len));
	if (len > table_inline_bytes)
		return add_long_str(room, to, table_row_str(field));
	memcpy(to, field, sizeof(len) + table_inline_bytes);
	return to + sizeof(len) + len;
}

/* One copy per size, so that each is one move. */
static inline char *add_fields(const struct room *room, const struct table_layout *l,
	const char *slot, bool any_null, char *to)
{
	const struct table_field *f = l->fields, *behind = f + l->column_count;
	for (uint32_t i = 0; f < behind; i++, f++) {
		const char *field = slot + f->offset;
		if (any_null && table_row_is_null(slot, i))
			continue;
		switch (f->phys) {
		case PHYS_STR:
			to = add_str(room, to, field);
			continue;
		case PHYS_I32:
		case PHYS_F32:
			memcpy(to, field, 4);
			to += 4;
			continue;
		case PHYS_I64:
		case PHYS_F64:
			memcpy(to, field, 8);
			to += 8;
			continue;
		case PHYS_I128:
			memcpy(to, field, 16);
			to += 16;
			continue;
		case PHYS_BOOL:
		case phys_count:
			*to++ = *field;
			continue;
		}
	}
	return to;
}

static inline char *add_entry(
	const struct table *t, uint32_t id, const struct room *room, char *to)
{
	const char *slot = table_slot(t, id);
	uint32_t null_bytes = t->layout.null_bytes;
	int mark = table_mark(slot);
	bool there = mark == mark_live || mark == mark_deleted;
	char state = !there ? state_free : mark == mark_live ? state_live : state_deleted;
	memcpy(to, &id, sizeof(id));
	to[4] = state;
	to += 5;
	if (!there)
		return to;
	if (mark == mark_deleted) {
		int64_t at_us = table_deleted_at(t, slot);
		memcpy(to, &at_us, sizeof(at_us));
		to += sizeof(at_us);
	}
	char nulls = 0;
	for (uint32_t i = 1; i <= null_bytes; i++)
		nulls |= *to++ = slot[i];
	return nulls == 0 ? add_fields(room, &t->layout, slot, false, to)
			  : add_fields(room, &t->layout, slot, true, to);
}

static bool changes(struct state_part *p, size_t bytes_max, struct strbuf *out)
{
	struct table_noted *n = container_of(p, struct table_noted, part);
	const struct table *t = n->table;
	size_t from = out->len;
	uint32_t ids[entries_at_once], count;
	while ((count = noted_ids_take(&n->ids, ids, entries_at_once)) > 0) {
		/* where a batch changed only some rows, they lie apart */
		for (uint32_t i = 0; i < count; i++) {
			prefetch(table_slot(t, ids[i]));
			prefetch(table_slot(t, ids[i]) + t->layout.slot_bytes - 1);
		}
		struct room room;
		char *to = begin(&room, out, count * table_entry_bytes(&t->layout));
		for (uint32_t i = 0; i < count; i++)
			to = add_entry(t, ids[i], &room, to);
		end(&room, to);
		if (out->len - from >= bytes_max)
			return true;
	}
	return false;
}

static bool scan(struct state_part *p, uint64_t *at, size_t bytes_max, struct strbuf *out)
{
	const struct table *t = of(p);
	size_t from = out->len, each = entries_at_once * table_entry_bytes(&t->layout);
	while (*at < t->rows.count && out->len - from < bytes_max) {
		uint64_t until = *at + entries_at_once;
		until = until < t->rows.count ? until : t->rows.count;
		struct room room;
		char *to = begin(&room, out, each);
		for (; *at < until && (size_t)(to - out->data) - from < bytes_max; ++*at) {
			int mark = table_mark(table_slot(t, (uint32_t)*at));
			if (mark == mark_live || mark == mark_deleted)
				to = add_entry(t, (uint32_t)*at, &room, to);
		}
		end(&room, to);
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

static void clear(struct state_part *p)
{
	table_fill_clear(of(p));
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
	.clear = clear,
	.ready = ready,
	.fit = fit,
	.convert = convert};

void table_state_touch_all(struct table *t)
{
	check(t->change_count == 0);
	for (uint32_t id = 0; id < t->rows.count; id++) {
		char *slot = table_slot(t, id);
		if (table_mark(slot) == mark_live)
			table_touch_new(t, id, slot);
	}
	if (t->noted != NULL)
		t->noted->restored = t->change_count;
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
