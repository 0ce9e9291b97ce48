#ifndef CDCL_JAVA_FORMAT_H
#define CDCL_JAVA_FORMAT_H

/*
 * A directive of Java's Formatter, %[argument$][flags][width][.precision]letter, and values written
 * by it. Not C's printf: flags that make no sense with a letter are refused, and a fraction is
 * rounded half up from the decimal digits that Java prints of it, so %.1f of 0.25 is 0.3 and %.20f
 * of 0.1 ends in zeros.
 *
 *	letter	s S b B c C	texts: flag - alone
 *		d o x X		whole numbers: no precision; o and x without sign and commas
 *		e E f g G	fractions, NaN and Infinity
 *		%% %n		themselves
 */

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { java_width_max = 1000 };

enum java_flag {
	JAVA_LEFT = 1,
	JAVA_ALTERNATE = 2,
	JAVA_PLUS = 4,
	JAVA_SPACE = 8,
	JAVA_ZERO = 16,
	JAVA_GROUP = 32,
	JAVA_PARENTHESES = 64,
};

enum { java_argument_next = 0, java_argument_same = -1 };

struct java_directive {
	unsigned flags;
	int argument; /* %2$s: 2; or one of the above */
	int width; /* 0: none */
	int precision; /* -1: none */
	char letter; /* small */
	bool upper;
	size_t end; /* behind it in the format */
};

/* `at` is at the %. NULL, or what is wrong with it. */
const char *java_directive_read(struct str format, size_t at, struct java_directive *d);

/* A text, cut at the precision; for %s %b %c, and "null" for every letter. */
void java_format_text(const struct java_directive *d, struct str text, struct arena *arena,
	struct strbuf *out);

/* d, o and x; negative ones of o and x as unsigned of `bits`. */
void java_format_whole(
	const struct java_directive *d, int64_t number, unsigned bits, struct strbuf *out);

/* e, f and g of a number as Java writes it: "-12.50", "1.5E-7", "NaN". */
void java_format_fraction(const struct java_directive *d, struct str number, struct strbuf *out);

#endif
