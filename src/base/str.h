#ifndef CDCL_STR_H
#define CDCL_STR_H

/*
 * Slices of bytes and a growing buffer. A `struct str` (cdcl/abi.h) owns nothing and is not
 * NUL-terminated; parsers never look one past its end. A `struct strbuf` owns its bytes.
 */

#include "cdcl/abi.h"

#include <stdbool.h>
#include <stdarg.h>
#include <string.h>

#define str_lit(s) ((struct str){(s), sizeof(s) - 1})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).len, (s).data

struct str str_c(const char *cstring);                  /* NULL gives an absent str */
static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
bool str_eq_fold(struct str a, struct str b);           /* ASCII letters fold */
int str_cmp(struct str a, struct str b);                /* by unsigned bytes, then length */
bool str_starts(struct str s, struct str prefix);
struct str str_trim(struct str s);                      /* ASCII white space at both ends */
struct str str_sub(struct str s, size_t start, size_t len);     /* clamped */

/* Edit distance with transpositions, for suggestions; stops counting past `limit`. */
unsigned str_distance(struct str a, struct str b, unsigned limit);

/*
 * The nearest of `names` to `wanted` within edit distance 2 (a third of its length), or an absent
 * str.
 */
struct str str_nearest(struct str wanted, const struct str *names, size_t count);

struct arena;
/* NUL-terminated copy; absent stays absent */
struct str str_dup(struct str s, struct arena *arena);
struct str str_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct strbuf {
	char *data;
	size_t len;
	size_t capacity;
};

void strbuf_init(struct strbuf *b);
void strbuf_release(struct strbuf *b);
void strbuf_reserve(struct strbuf *b, size_t more);     /* room for `more` bytes after len */
void strbuf_add(struct strbuf *b, struct str s);
void strbuf_add_c(struct strbuf *b, const char *cstring);
void strbuf_add_byte(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *b, const char *format, va_list args);
static inline void strbuf_reset(struct strbuf *b) { b->len = 0; }
static inline struct str strbuf_str(const struct strbuf *b)
{
	return (struct str){b->data, b->len};
}

#endif
