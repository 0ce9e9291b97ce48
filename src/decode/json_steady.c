#include "decode/json_steady.h"

#include "base/check.h"

#include <stdlib.h>

static bool is_mark(const struct json_slot *slot)
{
	return slot->kind == JSON_SLOT_BEGIN || slot->kind == JSON_SLOT_END;
}

static bool is_null(struct str text)
{
	return text.data[0] == 'n';
}

/* What quotes a slot's column leaves out. */
static size_t quotes(const struct json_slot *slot)
{
	return slot->kind == JSON_SLOT_STRING ? 1 : 0;
}

/* Did r's column get just what json_fix would put there? */
static bool can_be_fixed(const struct json_slot *slot, struct str text, const struct json_row *r)
{
	const struct column *c = &r->chunk->columns[slot->column];
	if (is_null(text))
		return true;
	if (bit_get(c->nulls, r->index))
		return false; /* it did not fit */
	if (slot->kind == JSON_SLOT_INT64)
		return true;
	if (slot->kind != JSON_SLOT_STRING && slot->kind != JSON_SLOT_JSON)
		return false;
	struct str stored = ((const struct str *)c->data)[r->index];
	return stored.data == text.data + quotes(slot) &&
		stored.len == text.len - 2 * quotes(slot);
}

/* Slots whose value differs in r's message are no longer steady. How many; those left in *left. */
static uint32_t drop_varying(
	struct json_template *t, const struct json_row *r, uint32_t *left)
{
	struct json_scan s = r->scan;
	struct json_token token;
	uint32_t dropped = *left = 0;
	s.at = s.begin;
	for (uint32_t i = 0; i < t->slot_count; i++) {
		struct json_slot *slot = &t->slots[i];
		s.at += slot->before.len;
		if (is_mark(slot))
			continue;
		const char *from = s.at;
		check(json_scan_value(&s, 1, &token));
		struct str text = {from, (size_t)(s.at - from)};
		if (slot->steady.len == 0)
			continue;
		bool steady = str_eq(slot->steady, text) &&
			(slot->column == JSON_NO_COLUMN || can_be_fixed(slot, text, r));
		*left += steady;
		dropped += !steady;
		slot->steady.len = steady ? slot->steady.len : 0;
	}
	return dropped;
}

/* ---- building ---- */

struct builder {
	struct json_template *twin;
	struct json_fix *fixes, *pending; /* those since the last slot, offsets from `literal` */
	char *literal, *bytes; /* begun, and to where it got */
};

static void add_bytes(struct builder *b, const char *data, size_t len)
{
	memcpy(b->bytes, data, len);
	b->bytes += len;
}

static void add_fix(struct builder *b, struct json_fix fix)
{
	*b->fixes = fix;
	b->fixes++->back = (uint32_t)(b->bytes - b->literal);
}

static void add_steady(struct builder *b, const struct json_slot *slot, const struct json_row *r)
{
	if (slot->column != JSON_NO_COLUMN && !is_null(slot->steady)) {
		struct json_fix fix = {.kind = slot->kind, .column = slot->column};
		const struct column *c = &r->chunk->columns[slot->column];
		if (slot->kind == JSON_SLOT_INT64)
			fix.value = ((const int64_t *)c->data)[r->index];
		else
			fix.value = (int64_t)(slot->steady.len - 2 * quotes(slot));
		add_bytes(b, slot->steady.data, quotes(slot));
		add_fix(b, fix);
		add_bytes(b, slot->steady.data + quotes(slot), slot->steady.len - quotes(slot));
		return;
	}
	add_bytes(b, slot->steady.data, slot->steady.len);
}

static struct json_literal take_literal(struct builder *b)
{
	struct json_literal l =
		json_literal_make(b->literal, (size_t)(b->bytes - b->literal));
	b->literal = b->bytes;
	return l;
}

/* What was gathered, as a slot of no width that stores the fixes. */
static void flush_fixes(struct builder *b)
{
	uint32_t len = (uint32_t)(b->bytes - b->literal);
	if (b->pending == b->fixes)
		return;
	for (struct json_fix *f = b->pending; f < b->fixes; f++)
		f->back = len - f->back;
	b->twin->slots[b->twin->slot_count++] = (struct json_slot){.kind = JSON_SLOT_FIXES,
		.before = take_literal(b),
		.fixes = b->pending,
		.fix_count = (uint32_t)(b->fixes - b->pending)};
	b->pending = b->fixes;
}

static size_t twin_bytes(const struct json_template *t)
{
	size_t bytes = t->tail.len;
	for (uint32_t i = 0; i < t->slot_count; i++)
		bytes += t->slots[i].before.len + t->slots[i].steady.len;
	return bytes;
}

/* One block: the twin, its slots, the fixes, then the bytes of literals. */
static void make_twin(struct json_template *t, const struct json_row *r)
{
	size_t slots_bytes = sizeof(struct json_slot) * (2 * (size_t)t->slot_count + 1);
	size_t fixes_bytes = sizeof(struct json_fix) * t->slot_count;
	char *block = malloc(sizeof(*t) + slots_bytes + fixes_bytes + twin_bytes(t) + 1);
	check(block != NULL);
	t->twin = (struct json_template *)(void *)block;
	*t->twin = (struct json_template){
		.slots = (struct json_slot *)(void *)(block + sizeof(*t))};
	struct json_fix *fixes = (struct json_fix *)(void *)(block + sizeof(*t) + slots_bytes);
	char *bytes = block + sizeof(*t) + slots_bytes + fixes_bytes;
	struct builder b = {.twin = t->twin, .literal = bytes, .bytes = bytes};
	b.fixes = b.pending = fixes;
	for (uint32_t i = 0; i < t->slot_count; i++) {
		const struct json_slot *slot = &t->slots[i];
		add_bytes(&b, slot->before.data, slot->before.len);
		if (is_mark(slot)) {
			add_fix(&b, (struct json_fix){.kind = slot->kind, .column = slot->column});
		} else if (slot->steady.len > 0) {
			add_steady(&b, slot, r);
		} else {
			flush_fixes(&b);
			struct json_slot *to = &t->twin->slots[t->twin->slot_count++];
			*to = *slot;
			to->before = take_literal(&b);
		}
	}
	add_bytes(&b, t->tail.data, t->tail.len);
	flush_fixes(&b);
	t->twin->tail = take_literal(&b);
}

void json_steady_learn(struct json_template *t, const struct json_row *r)
{
	uint32_t left;
	bool first = t->twin == NULL;
	json_steady_release(t);
	/* A twin that fits no better next time is none. */
	uint32_t dropped = drop_varying(t, r, &left);
	t->settled = left == 0 || (dropped == 0 && !first);
	if (!t->settled)
		make_twin(t, r);
}

void json_steady_release(struct json_template *t)
{
	free(t->twin);
	t->twin = NULL;
}
