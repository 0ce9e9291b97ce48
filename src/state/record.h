#ifndef CDCL_RECORD_H
#define CDCL_RECORD_H

/*
 * Numbers and slices as bytes on disk: little-endian, unaligned, a slice as its length and its
 * bytes. Reading trusts nothing: what goes over the end gives zeros and sets `bad`, so that a
 * reader may take a whole structure and look once.
 */

#include "base/str.h"

static inline void record_add_u8(struct strbuf *out, uint8_t v)
{
	strbuf_add_byte(out, (char)v);
}

static inline void record_add_u32(struct strbuf *out, uint32_t v)
{
	strbuf_add(out, (struct str){(const char *)&v, sizeof(v)});
}

static inline void record_add_u64(struct strbuf *out, uint64_t v)
{
	strbuf_add(out, (struct str){(const char *)&v, sizeof(v)});
}

static inline void record_add_i64(struct strbuf *out, int64_t v)
{
	strbuf_add(out, (struct str){(const char *)&v, sizeof(v)});
}

/* An absent slice comes back as absent. */
static inline void record_add_str(struct strbuf *out, struct str s)
{
	record_add_u32(out, s.data == NULL ? UINT32_MAX : (uint32_t)s.len);
	if (s.data != NULL)
		strbuf_add(out, s);
}

struct record_reader {
	struct str bytes;
	size_t at;
	bool bad;
};

static inline size_t record_left(const struct record_reader *r)
{
	return r->bytes.len - r->at;
}

/* `len` bytes, or NULL at the end. */
static inline const char *record_take(struct record_reader *r, size_t len)
{
	if (r->bad || len > record_left(r)) {
		r->bad = true;
		return NULL;
	}
	const char *p = r->bytes.data + r->at;
	r->at += len;
	return p;
}

static inline void record_copy(struct record_reader *r, void *to, size_t len)
{
	const char *p = record_take(r, len);
	if (p != NULL)
		memcpy(to, p, len);
	else
		memset(to, 0, len);
}

static inline uint8_t record_u8(struct record_reader *r)
{
	uint8_t v;
	record_copy(r, &v, sizeof(v));
	return v;
}

static inline uint32_t record_u32(struct record_reader *r)
{
	uint32_t v;
	record_copy(r, &v, sizeof(v));
	return v;
}

static inline uint64_t record_u64(struct record_reader *r)
{
	uint64_t v;
	record_copy(r, &v, sizeof(v));
	return v;
}

static inline int64_t record_i64(struct record_reader *r)
{
	int64_t v;
	record_copy(r, &v, sizeof(v));
	return v;
}

/* A count of things of at least `bytes` bytes each, all of which must still be there. */
static inline uint32_t record_count(struct record_reader *r, uint32_t max, size_t bytes)
{
	uint32_t count = record_u32(r);
	if (count > max || count > record_left(r) / bytes)
		r->bad = true;
	return r->bad ? 0 : count;
}

/* Points into the bytes. */
static inline struct str record_str(struct record_reader *r)
{
	uint32_t len = record_u32(r);
	if (r->bad || len == UINT32_MAX)
		return (struct str){NULL, 0};
	const char *p = record_take(r, len);
	return p == NULL ? (struct str){NULL, 0} : (struct str){p, len};
}

#endif
