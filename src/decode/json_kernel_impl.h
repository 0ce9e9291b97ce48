/*
 * The body of every json_kernel_*.c: included once by each, after it has defined
 *
 *	KERNEL_TARGET           attribute that every function here carries
 *	KERNEL_INLINE           the same for those that must be part of their caller's loop
 *	kernel_stop_wide        stops within whole vectors; returns where it got to (fewer bytes
 *	                        are left than a vector has, or the byte there is a stop)
 *	kernel_equal_long       compares 16 bytes or more
 *
 * No guard: that is the point of it. Nothing here reads at or past the end of a message: a
 * comparison of n bytes loads within those n, from both ends when n is no power of two.
 */

#include "decode/json_kernel.h"
#include "decode/json_lane.h"

static inline uint64_t load64(const char *p)
{
	uint64_t w;
	memcpy(&w, p, 8);
	return w;
}

static inline uint32_t load32(const char *p)
{
	uint32_t w;
	memcpy(&w, p, 4);
	return w;
}

static inline bool is_stop(char byte)
{
	unsigned char c = (unsigned char)byte;
	return c == '"' || c == '\\' || c < 0x20 || c >= 0x80;
}

KERNEL_INLINE const char *string_stop(const char *begin, const char *p, const char *end)
{
	p = kernel_stop_wide(begin, p, end);
	while (p < end && !is_stop(*p))
		p++;
	return p;
}

/* Are the literal's bytes at p? */
KERNEL_INLINE bool has_literal(const struct json_literal *l, const char *p, const char *end)
{
	size_t len = l->len;
	if ((size_t)(end - p) < len)
		return false;
	if (len >= 16)
		return kernel_equal_long(p, l->data, len);
	if (len >= 8)
		return ((load64(p) ^ l->first) | (load64(p + len - 8) ^ l->last)) == 0;
	if (len >= 4)
		return ((load32(p) ^ (uint32_t)l->first) |
			       (load32(p + len - 4) ^ (uint32_t)l->last)) == 0;
	for (size_t i = 0; i < len; i++)
		if (p[i] != l->data[i])
			return false;
	return true;
}

/* Eight bytes of text to how many digits they begin with. */
static inline unsigned leading_digits(uint64_t text)
{
	uint64_t t = text ^ UINT64_C(0x3030303030303030);
	uint64_t other = ((t + UINT64_C(0x0606060606060606)) | t) & UINT64_C(0xF0F0F0F0F0F0F0F0);
	return other == 0 ? 8 : (unsigned)__builtin_ctzll(other) / 8;
}

/* The value of the first n (1..8) digits of eight bytes of text, all at once. */
static inline uint64_t digits_value(uint64_t text, unsigned n)
{
	uint64_t t = (text ^ UINT64_C(0x3030303030303030)) << (64 - 8 * n);
	t = (t * 10) + (t >> 8);
	return ((t & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064) +
		       ((t >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001)) >>
		32;
}

/* The eight bytes at p, zeros for those past the end. The text from `begin` has eight or more. */
static inline uint64_t load64_within(const char *p, const char *end)
{
	if (__builtin_expect(end - p >= 8, 1))
		return load64(p);
	return p == end ? 0 : load64(end - 8) >> (64 - 8 * (end - p));
}

/* An integer without sign at p, of at most 18 digits. */
KERNEL_INLINE const char *plain_digits(const struct json_scan *s, const char *p, uint64_t *out)
{
	static const uint32_t pow10[] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	const char *from = p, *end = s->end;
	if (__builtin_expect(end - p < 8, 0) && end - s->begin < 8)
		return NULL;
	uint64_t text = load64_within(p, end);
	unsigned digits = leading_digits(text);
	if (digits == 0)
		return NULL;
	uint64_t value = digits_value(text, digits);
	p += digits;
	if (__builtin_expect(digits == 8, 0)) {
		text = load64_within(p, end);
		digits = leading_digits(text);
		if (digits > 0)
			value = value * pow10[digits] + digits_value(text, digits);
		p += digits;
		while (digits == 8 && p < end && *p >= '0' && *p <= '9' && p - from < 19)
			value = value * 10 + (uint64_t)(*p++ - '0');
		if (p - from > 18)
			return NULL;
	}
	if (p == end || (*from == '0' && p - from > 1) || *p == '.' || (*p | 0x20) == 'e')
		return NULL;
	*out = value;
	return p;
}

/* The same with its sign. */
KERNEL_TARGET __attribute__((noinline)) static const char *negative_integer(
	const struct json_scan *s, const char *p, int64_t *out)
{
	uint64_t value;
	p = plain_digits(s, p + 1, &value);
	*out = p != NULL ? -(int64_t)value : 0;
	return p;
}

/*
 * A plain JSON integer of at most 18 digits at p: its end, or NULL when it is something else (also
 * what is no integer or longer: the slow lane knows).
 */
KERNEL_INLINE const char *plain_integer(const struct json_scan *s, const char *p, int64_t *out)
{
	if (__builtin_expect(p < s->end && *p == '-', 0))
		return negative_integer(s, p, out);
	uint64_t value;
	p = plain_digits(s, p, &value);
	if (p != NULL)
		*out = (int64_t)value;
	return p;
}

static inline void set_value(struct column *c, uint32_t row)
{
	c->nulls[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}

KERNEL_INLINE const char *read_int32(
	const struct json_slot *slot, struct json_row *r, const char *p)
{
	struct column *c = &r->chunk->columns[slot->column];
	int64_t value;
	p = plain_integer(&r->scan, p, &value);
	if (p == NULL || value > slot->max || value < slot->min)
		return NULL;
	((int32_t *)c->data)[r->index] = (int32_t)value;
	set_value(c, r->index);
	return p;
}

KERNEL_INLINE const char *read_int64(
	const struct json_slot *slot, struct json_row *r, const char *p)
{
	struct column *c = &r->chunk->columns[slot->column];
	int64_t value;
	p = plain_integer(&r->scan, p, &value);
	if (p == NULL)
		return NULL;
	((int64_t *)c->data)[r->index] = value;
	set_value(c, r->index);
	return p;
}

KERNEL_INLINE const char *store_string(
	const struct json_slot *slot, struct json_row *r, const char *from, const char *p)
{
	struct column *c = &r->chunk->columns[slot->column];
	if (p - from > json_string_bytes_max)
		return NULL;
	((struct str *)c->data)[r->index] = (struct str){from, (size_t)(p - from)};
	set_value(c, r->index);
	return p + 1;
}

/* From p on, where whole vectors ended without its quote. */
KERNEL_TARGET __attribute__((noinline)) static const char *read_string_rest(
	const struct json_slot *slot, struct json_row *r, const char *from, const char *p)
{
	const char *end = r->scan.end;
	while (p < end && !is_stop(*p))
		p++;
	if (p < end && *p == '"')
		return store_string(slot, r, from, p);
	if (p == end || p - from > json_string_bytes_max || (unsigned char)*p < 0x80)
		return NULL;
	return json_lane_wide_string(slot, r, from, p);
}

/* A string without escapes and in ASCII: a slice of the message. */
KERNEL_INLINE const char *read_string(
	const struct json_slot *slot, struct json_row *r, const char *p)
{
	const char *from = p + 1, *end = r->scan.end;
	if (p == end || *p != '"')
		return NULL;
	p = kernel_stop_wide(r->scan.begin, from, end);
	if (__builtin_expect(p == end || *p != '"', 0))
		return read_string_rest(slot, r, from, p);
	return store_string(slot, r, from, p);
}

/* A plain string or integer at p and what can follow it: its end. */
KERNEL_INLINE const char *plain_value(const struct json_row *r, const char *p)
{
	const char *end = r->scan.end;
	if (p < end && *p == '"') {
		const char *from = p + 1;
		p = string_stop(r->scan.begin, from, end);
		return p < end && *p == '"' && p - from <= json_string_bytes_max ? p + 1 : NULL;
	}
	int64_t value;
	p = plain_integer(&r->scan, p, &value);
	return p != NULL && (*p == ',' || *p == '}') ? p : NULL;
}

/* One known by heart is compared: it may be a connector's schema block. */
KERNEL_INLINE const char *read_ignored(
	const struct json_slot *slot, const struct json_row *r, const char *p)
{
	if (slot->memo.len > 0 && has_literal(&slot->memo, p, r->scan.end))
		return p + slot->memo.len;
	return plain_value(r, p);
}

/* The text as it stands. */
KERNEL_INLINE const char *read_json(const struct json_slot *slot, struct json_row *r, const char *p)
{
	struct column *c = &r->chunk->columns[slot->column];
	const char *after = plain_value(r, p);
	if (after == NULL)
		return NULL;
	((struct str *)c->data)[r->index] = (struct str){p, (size_t)(after - p)};
	set_value(c, r->index);
	return after;
}

/* Values that are known by heart; p is the literal's end. */
KERNEL_INLINE void store_fixes(const struct json_slot *slot, struct json_row *r, const char *p)
{
	struct column *columns = r->chunk->columns;
	uint32_t row = r->index;
	for (const struct json_fix *f = slot->fixes, *end = f + slot->fix_count; f < end; f++) {
		struct column *c = &columns[f->column];
		struct str *s = &((struct str *)c->data)[row];
		const char *text = p - f->back;
		if (f->kind == JSON_SLOT_INT64)
			((int64_t *)c->data)[row] = f->value;
		else if (f->kind == JSON_SLOT_END)
			s->len = (size_t)(text - s->data);
		else
			*s = (struct str){text, (size_t)f->value};
		if (f->kind != JSON_SLOT_BEGIN)
			set_value(c, row);
	}
}

/* Words, then whatever the lanes left. */
KERNEL_TARGET static const char *read_rest(
	const struct json_slot *slot, struct json_row *r, const char *p)
{
	const char *after = json_lane_word(slot, r, p);
	return after != NULL ? after : json_row_value(r, slot->column, p);
}

KERNEL_INLINE const char *read_slot(const struct json_slot *slot, struct json_row *r, const char *p)
{
	const char *after = NULL;
	switch (slot->kind) {
	case JSON_SLOT_BEGIN:
		((struct str *)r->chunk->columns[slot->column].data)[r->index].data = p;
		return p;
	case JSON_SLOT_END:
		return json_lane_end(slot, r, p);
	case JSON_SLOT_FIXES:
		store_fixes(slot, r, p);
		return p;
	case JSON_SLOT_INT32:
		after = read_int32(slot, r, p);
		break;
	case JSON_SLOT_INT64:
		after = read_int64(slot, r, p);
		break;
	case JSON_SLOT_STRING:
		after = read_string(slot, r, p);
		break;
	case JSON_SLOT_DOUBLE:
		after = json_lane_double(slot, r, p);
		break;
	case JSON_SLOT_DECIMAL:
		after = json_lane_decimal(slot, r, p);
		break;
	case JSON_SLOT_DATE:
		after = json_lane_date(slot, r, p);
		break;
	case JSON_SLOT_TIMESTAMP:
		after = json_lane_timestamp(slot, r, p);
		break;
	case JSON_SLOT_JSON:
		after = read_json(slot, r, p);
		break;
	case JSON_SLOT_IGNORED:
		after = read_ignored(slot, r, p);
		break;
	case JSON_SLOT_BOOLEAN:
	case JSON_SLOT_OTHER:
		break;
	}
	return after != NULL ? after : read_rest(slot, r, p);
}

KERNEL_INLINE enum json_match match_row(const struct json_template *t, struct json_row *r)
{
	const char *p = r->scan.begin, *end = r->scan.end;
	const struct json_slot *slot = t->slots, *slots_end = slot + t->slot_count;
	if (slot < slots_end && !has_literal(&slot->before, p, end))
		return JSON_NO_MATCH;
	while (slot < slots_end) {
		p = read_slot(slot, r, p + slot->before.len);
		if (p == NULL)
			return JSON_BROKE_OFF;
		if (++slot < slots_end && !has_literal(&slot->before, p, end))
			return JSON_BROKE_OFF;
	}
	if (!has_literal(&t->tail, p, end))
		return JSON_BROKE_OFF;
	p += t->tail.len;
	if (p == end || !r->scan.strict)
		return JSON_MATCH;
	r->scan.at = p;
	json_skip_space(&r->scan);
	return r->scan.at == end ? JSON_MATCH : JSON_BROKE_OFF;
}

KERNEL_TARGET static enum json_match read_row(
	const struct json_template *t, struct json_row *r)
{
	return match_row(t, r);
}

KERNEL_TARGET static uint32_t read_rows(const struct json_template *t, struct json_row *r,
	const struct str *messages, uint32_t count, enum json_match *last)
{
	uint32_t done = 0;
	for (; done < count; done++, r->index++) {
		r->scan.begin = messages[done].data;
		/* A message without a value has no address to add to. */
		r->scan.end = (const char *)((uintptr_t)messages[done].data + messages[done].len);
		*last = match_row(t, r);
		if (*last != JSON_MATCH || r->bad_fields > 0)
			break;
	}
	return done;
}

KERNEL_TARGET static const char *stop(const char *begin, const char *p, const char *end)
{
	return string_stop(begin, p, end);
}

KERNEL_TARGET static const char *value_at(
	const struct json_slot *slot, struct json_row *r, const char *p)
{
	return read_slot(slot, r, p);
}

KERNEL_INLINE const char *skip_space(const char *p, const char *end)
{
	if (p < end && (unsigned char)*p > ' ')
		return p; /* as nearly always */
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

KERNEL_TARGET static const char *read_known_fields(const struct json_slot *slots, uint32_t count,
	struct json_row *r, const char *p, int32_t *column, struct json_shape *shape)
{
	const char *begin = r->scan.begin, *end = r->scan.end, *done = p;
	for (int32_t next; (uint32_t)(next = *column + 1) < count; p = skip_space(done + 1, end)) {
		const struct json_slot *slot = &slots[next];
		if (slot->before.len == 0 || !has_literal(&slot->before, p, end))
			break;
		const char *from = skip_space(p + slot->before.len, end);
		*column = next;
		if (r->absent != NULL)
			bit_clear(r->absent[next], r->index);
		done = read_slot(slot, r, from);
		if (done == NULL)
			return NULL;
		if (shape->learnable)
			json_shape_add(shape, (size_t)(from - begin), (size_t)(done - begin), next);
		if (done == end || *done != ',')
			break;
	}
	return done;
}
