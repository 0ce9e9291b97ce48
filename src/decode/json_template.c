#include "decode/json_template.h"

#include "base/check.h"
#include "decode/json_row.h"
#include "decode/json_steady.h"

#include <stdlib.h>

void json_shape_begin(struct json_shape *s, bool learnable)
{
	s->count = 0;
	s->learnable = learnable;
	if (learnable)
		memset(s->seen, 0, sizeof(s->seen));
}

static bool shape_has(const struct json_shape *s, int32_t column)
{
	return (s->seen[column / 64] >> (column % 64) & 1) != 0;
}

void json_shape_add(struct json_shape *s, size_t start, size_t end, int32_t column)
{
	if (!s->learnable)
		return;
	/* What a second value does to a first is decided by the generic reader alone. */
	if (s->count == json_slots_max || end > UINT32_MAX ||
		(column != JSON_NO_COLUMN && shape_has(s, column))) {
		s->learnable = false;
		return;
	}
	if (column != JSON_NO_COLUMN)
		s->seen[column / 64] |= UINT64_C(1) << (column % 64);
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

struct json_literal json_literal_make(const char *data, size_t len)
{
	struct json_literal l = {.data = data, .len = (uint32_t)len};
	size_t part = len >= 8 ? 8 : 4;
	if (len >= part) {
		memcpy(&l.first, data, part);
		memcpy(&l.last, data + len - part, part);
	}
	return l;
}

static void set_int32(struct json_slot *slot, int32_t max)
{
	slot->kind = JSON_SLOT_INT32;
	slot->max = max;
	slot->min = -max - 1;
}

struct json_slot json_slot_for(const struct schema *schema, int32_t column)
{
	struct json_slot slot = {.kind = JSON_SLOT_OTHER, .column = column};
	if (column == JSON_NO_COLUMN) {
		slot.kind = JSON_SLOT_IGNORED;
		return slot;
	}
	switch (schema->columns[column].type.id) {
	case TYPE_TINYINT:
		set_int32(&slot, INT8_MAX);
		break;
	case TYPE_SMALLINT:
		set_int32(&slot, INT16_MAX);
		break;
	case TYPE_INT:
		set_int32(&slot, INT32_MAX);
		break;
	case TYPE_BIGINT:
		slot.kind = JSON_SLOT_INT64;
		break;
	case TYPE_STRING:
		slot.kind = JSON_SLOT_STRING;
		break;
	case TYPE_BOOLEAN:
		slot.kind = JSON_SLOT_BOOLEAN;
		break;
	case TYPE_DOUBLE:
		slot.kind = JSON_SLOT_DOUBLE;
		break;
	case TYPE_DECIMAL:
		slot.kind = JSON_SLOT_DECIMAL;
		slot.precision = schema->columns[column].type.precision;
		slot.scale = schema->columns[column].type.scale;
		break;
	case TYPE_DATE:
		slot.kind = JSON_SLOT_DATE;
		break;
	case TYPE_TIMESTAMP:
		slot.kind = JSON_SLOT_TIMESTAMP;
		break;
	case TYPE_JSON:
		slot.kind = JSON_SLOT_JSON;
		break;
	default:
		break;
	}
	return slot;
}

/* Is an ignored value worth comparing with? Only what ends by itself, unlike a number. */
static bool is_memo(const struct json_shape *shape, uint32_t i, struct str message)
{
	size_t len = shape->fields[i].end - shape->fields[i].start;
	char first = message.data[shape->fields[i].start];
	bool ends_itself = first == '{' || first == '[' || first == '"';
	bool sized = len >= json_memo_bytes_min && len <= json_memo_bytes_max;
	return shape->fields[i].column == JSON_NO_COLUMN && ends_itself && sized;
}

/* Bytes of a value that may turn out to be steady. */
static size_t steady_bytes(const struct json_shape *shape, uint32_t i, uint32_t column_count)
{
	size_t len = shape->fields[i].end - shape->fields[i].start;
	int32_t column = shape->fields[i].column;
	bool of_row = column != JSON_NO_COLUMN && column < (int32_t)column_count;
	return of_row || len > json_memo_bytes_max ? 0 : len;
}

static struct json_literal copy_literal(char **bytes, const char *from, size_t len)
{
	memcpy(*bytes, from, len);
	struct json_literal l = json_literal_make(*bytes, len);
	*bytes += len;
	return l;
}

/* One block: the slots, the missing columns, then the bytes of literals and of values. */
static struct json_template make(const struct json_shape *shape, struct str message,
	const struct json_slot *slots, uint32_t column_count)
{
	size_t slots_bytes = sizeof(struct json_slot) * shape->count;
	size_t missing_bytes = sizeof(uint32_t) * column_count;
	size_t block_bytes = slots_bytes + missing_bytes + literal_bytes(shape);
	for (uint32_t i = 0; i < shape->count; i++)
		block_bytes += steady_bytes(shape, i, column_count);
	char *block = malloc(block_bytes);
	check(block != NULL);
	struct json_template t = {.slots = (struct json_slot *)(void *)block,
		.slot_count = shape->count,
		.missing = (uint32_t *)(void *)(block + slots_bytes)};
	for (uint32_t i = 0; i < column_count; i++)
		if (!shape_has(shape, (int32_t)i))
			t.missing[t.missing_count++] = i;
	char *bytes = block + slots_bytes + missing_bytes;
	size_t from = 0;
	for (uint32_t i = 0; i < shape->count; i++) {
		struct json_slot *slot = &t.slots[i];
		size_t start = shape->fields[i].start;
		*slot = slots[shape->fields[i].column + 1];
		slot->before = copy_literal(&bytes, message.data + from, start - from);
		slot->steady = (struct str){bytes, steady_bytes(shape, i, column_count)};
		struct json_literal value =
			copy_literal(&bytes, message.data + start, slot->steady.len);
		if (is_memo(shape, i, message))
			slot->memo = value;
		from = shape->fields[i].end;
	}
	t.tail = copy_literal(&bytes, message.data + from, shape->end - from);
	return t;
}

static void release(struct json_template *t)
{
	json_steady_release(t);
	free(t->slots);
}

bool json_templates_want(const struct json_templates *t)
{
	return t->count < json_templates_max || t->misses >= json_misses_before_replacing;
}

/* A free place, or the place of the template least used since the last time. */
static struct json_template *find_place(struct json_templates *t)
{
	if (t->count < json_templates_max)
		return &t->list[t->count++];
	struct json_template *least = &t->list[0];
	for (uint32_t i = 0; i < t->count; i++)
		if (t->list[i].hits < least->hits)
			least = &t->list[i];
	for (uint32_t i = 0; i < t->count; i++)
		t->list[i].hits /= 2;
	release(least);
	return least;
}

struct json_template *json_templates_learn(struct json_templates *t,
	const struct json_shape *shape, struct str message, const struct json_slot *slots,
	uint32_t column_count)
{
	if (!shape->learnable || literal_bytes(shape) > json_literal_bytes_max)
		return NULL;
	struct json_template *place = find_place(t);
	*place = make(shape, message, slots, column_count);
	t->misses = 0;
	t->recent = (uint32_t)(place - t->list);
	return place;
}

void json_templates_release(struct json_templates *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		release(&t->list[i]);
}
