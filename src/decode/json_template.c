#include "decode/json_template.h"

#include "base/check.h"
#include "decode/json_row.h"

#include <stdlib.h>

void json_shape_begin(struct json_shape *s)
{
	s->count = 0;
	s->learnable = true;
	s->seen = 0;
}

static bool has_column(struct json_shape *s, int32_t column)
{
	uint64_t bit = UINT64_C(1) << (column & 63);
	bool maybe = (s->seen & bit) != 0;
	s->seen |= bit;
	for (uint32_t i = 0; maybe && i < s->count; i++)
		if (s->fields[i].column == column)
			return true;
	return false;
}

void json_shape_add(struct json_shape *s, size_t start, size_t end, int32_t column)
{
	if (!s->learnable)
		return;
	/* What a second value does to a first is decided by the generic reader alone. */
	if (s->count == json_slots_max || end > UINT32_MAX ||
		(column != JSON_NO_COLUMN && has_column(s, column))) {
		s->learnable = false;
		return;
	}
	s->fields[s->count].start = (uint32_t)start;
	s->fields[s->count].end = (uint32_t)end;
	s->fields[s->count].column = column;
	s->count++;
}

static size_t literal_bytes(const struct json_shape *shape)
{
	size_t bytes = shape->end;
	for (uint32_t i = 0; i < shape->count; i++)
		bytes -= shape->fields[i].end - shape->fields[i].start;
	return bytes;
}

static struct json_literal make_literal(const char *data, size_t len)
{
	struct json_literal l = {.data = data, .len = (uint32_t)len};
	size_t part = len >= 8 ? 8 : 4;
	if (len >= part) {
		memcpy(&l.first, data, part);
		memcpy(&l.last, data + len - part, part);
	}
	return l;
}

static void set_kind(struct json_slot *slot, const struct schema *schema)
{
	slot->kind = JSON_SLOT_OTHER;
	if (slot->column == JSON_NO_COLUMN)
		return;
	switch (schema->columns[slot->column].type.id) {
	case TYPE_TINYINT:
		slot->kind = JSON_SLOT_INT32;
		slot->max = INT8_MAX;
		break;
	case TYPE_SMALLINT:
		slot->kind = JSON_SLOT_INT32;
		slot->max = INT16_MAX;
		break;
	case TYPE_INT:
		slot->kind = JSON_SLOT_INT32;
		slot->max = INT32_MAX;
		break;
	case TYPE_BIGINT:
		slot->kind = JSON_SLOT_INT64;
		break;
	case TYPE_STRING:
		slot->kind = JSON_SLOT_STRING;
		break;
	default:
		break;
	}
	slot->min = -slot->max - 1;
}

/* One block: the slots, then the literals' bytes. */
static struct json_template make(
	const struct json_shape *shape, struct str message, const struct schema *schema)
{
	size_t slots_bytes = sizeof(struct json_slot) * shape->count;
	char *block = malloc(slots_bytes + literal_bytes(shape));
	check(block != NULL);
	struct json_template t = {
		.slots = (struct json_slot *)(void *)block, .slot_count = shape->count};
	char *bytes = block + slots_bytes;
	size_t from = 0;
	for (uint32_t i = 0; i <= shape->count; i++) {
		bool is_tail = i == shape->count;
		size_t len = (is_tail ? shape->end : shape->fields[i].start) - from;
		memcpy(bytes, message.data + from, len);
		if (is_tail) {
			t.tail = make_literal(bytes, len);
			break;
		}
		t.slots[i] = (struct json_slot){
			.before = make_literal(bytes, len), .column = shape->fields[i].column};
		set_kind(&t.slots[i], schema);
		bytes += len;
		from = shape->fields[i].end;
	}
	return t;
}

/* A free place, or once in a while the place of the template least used since the last time. */
static struct json_template *find_place(struct json_templates *t)
{
	if (t->count < json_templates_max)
		return &t->list[t->count++];
	if (++t->misses < json_misses_before_replacing)
		return NULL;
	struct json_template *least = &t->list[0];
	for (uint32_t i = 0; i < t->count; i++)
		if (t->list[i].hits < least->hits)
			least = &t->list[i];
	for (uint32_t i = 0; i < t->count; i++)
		t->list[i].hits /= 2;
	free(least->slots);
	return least;
}

void json_templates_learn(struct json_templates *t, const struct json_shape *shape,
	struct str message, const struct schema *schema)
{
	if (!shape->learnable || literal_bytes(shape) > json_literal_bytes_max)
		return;
	struct json_template *place = find_place(t);
	if (place == NULL)
		return;
	*place = make(shape, message, schema);
	t->misses = 0;
	t->recent = (uint32_t)(place - t->list);
}

void json_templates_release(struct json_templates *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		free(t->list[i].slots);
}
