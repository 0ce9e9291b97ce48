#include "expr/java_format.h"

#include "base/check.h"
#include "base/utf8.h"
#include "expr/kernels.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- reading ---- */

static const char flag_letters[] = "-#+ 0,(";

enum {
	FLAGS_SIGNED = JAVA_LEFT | JAVA_PLUS | JAVA_SPACE | JAVA_ZERO | JAVA_PARENTHESES,
	FLAGS_UNSIGNED = JAVA_LEFT | JAVA_ALTERNATE | JAVA_ZERO,
};

struct letter_rule {
	char letter;
	unsigned flags; /* that it may have */
	bool precision;
	bool upper;
};

static const struct letter_rule rules[] = {
	{'s', JAVA_LEFT, true, true},
	{'b', JAVA_LEFT, true, true},
	{'c', JAVA_LEFT, false, true},
	{'d', FLAGS_SIGNED | JAVA_GROUP, false, false},
	{'o', FLAGS_UNSIGNED, false, false},
	{'x', FLAGS_UNSIGNED, false, true},
	{'e', FLAGS_SIGNED | JAVA_ALTERNATE, true, true},
	{'f', FLAGS_SIGNED | JAVA_ALTERNATE | JAVA_GROUP, true, false},
	{'g', FLAGS_SIGNED | JAVA_GROUP, true, true},
	{'%', JAVA_LEFT, false, false},
	{'n', 0, false, false},
};

static const struct letter_rule *rule_of(struct java_directive *d)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		bool upper = rules[i].upper && d->letter == rules[i].letter - ('a' - 'A');
		if (d->letter != rules[i].letter && !upper)
			continue;
		d->letter = rules[i].letter;
		d->upper = upper;
		return &rules[i];
	}
	return NULL;
}

static int read_digits(struct str f, size_t *i)
{
	int n = 0;
	while (*i < f.len && f.data[*i] >= '0' && f.data[*i] <= '9') {
		n = n <= java_width_max ? n * 10 + (f.data[*i] - '0') : n;
		++*i;
	}
	return n;
}

static const char *read_argument(struct str f, size_t *i, struct java_directive *d)
{
	size_t at = *i;
	int number = read_digits(f, &at);
	if (at == *i || at >= f.len || f.data[at] != '$')
		return NULL;
	if (number == 0)
		return "arguments count from 1";
	d->argument = number;
	*i = at + 1;
	return NULL;
}

static const char *read_flags(struct str f, size_t *i, struct java_directive *d)
{
	for (; *i < f.len; ++*i) {
		const char *found = f.data[*i] == '\0' ? NULL : strchr(flag_letters, f.data[*i]);
		if (f.data[*i] == '<') {
			d->argument = java_argument_same;
			continue;
		}
		if (found == NULL)
			break;
		unsigned flag = 1U << (found - flag_letters);
		if (d->flags & flag)
			return "a flag stands there twice";
		d->flags |= flag;
	}
	return NULL;
}

static const char *check_rule(const struct java_directive *d, const struct letter_rule *rule)
{
	if (rule == NULL)
		return "no such conversion; there are s b c d o x e f g % n";
	if (d->flags & ~rule->flags)
		return "this conversion does not take that flag";
	if (d->precision >= 0 && !rule->precision)
		return "this conversion does not take a precision";
	if (d->width > java_width_max || d->precision > java_width_max)
		return "width and precision are at most 1000";
	if (d->width > 0 && rule->letter == 'n')
		return "this conversion does not take a width";
	if ((d->flags & (JAVA_LEFT | JAVA_ZERO)) && d->width == 0)
		return "the flags - and 0 need a width";
	if ((d->flags & JAVA_LEFT) && (d->flags & JAVA_ZERO))
		return "the flags - and 0 exclude each other";
	if ((d->flags & JAVA_PLUS) && (d->flags & JAVA_SPACE))
		return "the flags + and blank exclude each other";
	return NULL;
}

const char *java_directive_read(struct str format, size_t at, struct java_directive *d)
{
	size_t i = at + 1;
	*d = (struct java_directive){.precision = -1};
	const char *wrong = read_argument(format, &i, d);
	if (wrong == NULL)
		wrong = read_flags(format, &i, d);
	if (wrong != NULL)
		return wrong;
	d->width = read_digits(format, &i);
	if (i < format.len && format.data[i] == '.') {
		size_t digits = ++i;
		d->precision = read_digits(format, &i);
		if (i == digits)
			return "a precision is a number";
	}
	d->letter = i < format.len ? format.data[i] : '\0';
	d->end = i + 1;
	return check_rule(d, rule_of(d));
}

/* ---- writing ---- */

/* Java counts UTF-16 units. */
static int next_units(struct str s, size_t *i)
{
	return utf8_next(s, i) > 0xFFFF ? 2 : 1;
}

static void add_justified(const struct java_directive *d, struct str s, struct strbuf *out)
{
	int units = 0;
	for (size_t i = 0; i < s.len && units <= d->width;)
		units += next_units(s, &i);
	for (int i = units; !(d->flags & JAVA_LEFT) && i < d->width; i++)
		strbuf_add_byte(out, ' ');
	strbuf_add(out, s);
	for (int i = units; (d->flags & JAVA_LEFT) && i < d->width; i++)
		strbuf_add_byte(out, ' ');
}

void java_format_text(const struct java_directive *d, struct str text, struct arena *arena,
	struct strbuf *out)
{
	int units = 0;
	for (size_t i = 0; d->precision >= 0 && i < text.len;) {
		size_t at = i;
		units += next_units(text, &i);
		if (units > d->precision)
			text.len = at;
	}
	add_justified(d, d->upper ? string_upper(text, arena) : text, out);
}

/* Zeros come between the sign and the digits, spaces around all. */
static void add_number(const struct java_directive *d, bool negative, struct str digits, bool pad,
	struct strbuf *out)
{
	bool closed = negative && (d->flags & JAVA_PARENTHESES);
	const char *sign = closed		? "("
		: negative			? "-"
		: (d->flags & JAVA_PLUS)	? "+"
		: (d->flags & JAVA_SPACE)	? " "
						: "";
	struct strbuf s;
	strbuf_init(&s);
	strbuf_add_c(&s, sign);
	int zeros = d->width - (int)(s.len + digits.len) - closed;
	for (int i = 0; pad && (d->flags & JAVA_ZERO) && i < zeros; i++)
		strbuf_add_byte(&s, '0');
	strbuf_add(&s, digits);
	if (closed)
		strbuf_add_byte(&s, ')');
	for (size_t i = 0; d->upper && i < s.len; i++)
		if (s.data[i] >= 'a' && s.data[i] <= 'z')
			s.data[i] = (char)(s.data[i] - ('a' - 'A'));
	add_justified(d, strbuf_str(&s), out);
	strbuf_release(&s);
}

/* ---- whole numbers ---- */

/* n digits from the front, with a comma before every third from the end. */
static void add_grouped(struct str digits, bool group, struct strbuf *out)
{
	for (size_t i = 0; i < digits.len; i++) {
		if (group && i > 0 && (digits.len - i) % 3 == 0)
			strbuf_add_byte(out, ',');
		strbuf_add_byte(out, digits.data[i]);
	}
}

static void add_unsigned(const struct java_directive *d, uint64_t number, struct strbuf *digits)
{
	const char *prefix = !(d->flags & JAVA_ALTERNATE) ? "" : d->letter == 'x' ? "0x" : "0";
	strbuf_add_c(digits, prefix);
	struct strbuf plain;
	strbuf_init(&plain);
	strbuf_addf(&plain, d->letter == 'x' ? "%" PRIx64 : "%" PRIo64, number);
	int zeros = d->width - (int)(digits->len + plain.len);
	for (int i = 0; (d->flags & JAVA_ZERO) && i < zeros; i++)
		strbuf_add_byte(digits, '0');
	strbuf_add(digits, strbuf_str(&plain));
	strbuf_release(&plain);
}

void java_format_whole(
	const struct java_directive *d, int64_t number, unsigned bits, struct strbuf *out)
{
	struct strbuf digits;
	strbuf_init(&digits);
	uint64_t bare = (uint64_t)number;
	bool negative = d->letter == 'd' && number < 0;
	if (d->letter == 'd') {
		char text[24];
		int n = snprintf(text, sizeof(text), "%" PRIu64, negative ? 0 - bare : bare);
		add_grouped((struct str){text, (size_t)n}, d->flags & JAVA_GROUP, &digits);
	} else {
		add_unsigned(d, bits == 64 ? bare : bare & ((UINT64_C(1) << bits) - 1), &digits);
	}
	add_number(d, negative, strbuf_str(&digits), true, out);
	strbuf_release(&digits);
}

/* ---- fractions ---- */

/* 0.DIGITS times ten to the power of `point`; no digits: zero. */
struct decimal_digits {
	char digits[64];
	int count;
	int point;
};

/* No digit is lost: a double has at most 17, a decimal 38. */
static void digits_read(struct str number, struct decimal_digits *n)
{
	bool behind = false;
	size_t i = 0;
	*n = (struct decimal_digits){.count = 0};
	for (; i < number.len && number.data[i] != 'E'; i++) {
		char c = number.data[i];
		if (c == '.') {
			behind = true;
		} else if (c == '0' && n->count == 0) {
			n->point -= behind;
		} else if (n->count < (int)sizeof(n->digits)) {
			n->digits[n->count++] = c;
			n->point += !behind;
		}
	}
	int power = 0;
	bool down = i + 1 < number.len && number.data[i + 1] == '-';
	for (i += 1 + (size_t)down; i < number.len; i++)
		power = power * 10 + (number.data[i] - '0');
	n->point += down ? -power : power;
	if (n->count == 0)
		n->point = 1;
}

/* Half up; of digits that are not there, zeros. */
static void digits_round(struct decimal_digits *n, int keep)
{
	if (keep >= n->count)
		return;
	bool up = keep >= 0 && n->digits[keep] >= '5';
	n->count = keep < 0 ? 0 : keep;
	if (!up)
		return;
	while (n->count > 0 && n->digits[n->count - 1] == '9')
		n->count--;
	if (n->count > 0) {
		n->digits[n->count - 1]++;
		return;
	}
	n->digits[n->count++] = '1';
	n->point++;
}

static char digit_at(const struct decimal_digits *n, int i)
{
	return i < 0 || i >= n->count ? '0' : n->digits[i];
}

static void add_plain(const struct java_directive *d, const struct decimal_digits *n, int precision,
	struct strbuf *out)
{
	struct strbuf whole;
	strbuf_init(&whole);
	for (int i = n->point < 1 ? n->point - 1 : 0; i < n->point; i++)
		strbuf_add_byte(&whole, digit_at(n, i));
	add_grouped(strbuf_str(&whole), d->flags & JAVA_GROUP, out);
	strbuf_release(&whole);
	if (precision > 0 || (d->flags & JAVA_ALTERNATE))
		strbuf_add_byte(out, '.');
	for (int i = 0; i < precision; i++)
		strbuf_add_byte(out, digit_at(n, n->point + i));
}

static void add_scientific(const struct java_directive *d, const struct decimal_digits *n,
	int precision, struct strbuf *out)
{
	int power = n->point - 1;
	strbuf_add_byte(out, digit_at(n, 0));
	if (precision > 0 || (d->flags & JAVA_ALTERNATE))
		strbuf_add_byte(out, '.');
	for (int i = 1; i <= precision; i++)
		strbuf_add_byte(out, digit_at(n, i));
	strbuf_addf(out, "e%c%02d", power < 0 ? '-' : '+', power < 0 ? -power : power);
}

static void add_fraction(
	const struct java_directive *d, struct decimal_digits *n, struct strbuf *out)
{
	int precision = d->precision < 0 ? 6 : d->precision;
	if (d->letter == 'f') {
		digits_round(n, n->point + precision);
		add_plain(d, n, precision, out);
		return;
	}
	if (d->letter == 'e') {
		digits_round(n, precision + 1);
		add_scientific(d, n, precision, out);
		return;
	}
	precision += precision == 0;
	digits_round(n, precision);
	if (n->point - 1 < -4 || n->point - 1 >= precision)
		add_scientific(d, n, precision - 1, out);
	else
		add_plain(d, n, precision - n->point, out);
}

void java_format_fraction(const struct java_directive *d, struct str number, struct strbuf *out)
{
	bool negative = number.len > 0 && number.data[0] == '-';
	struct str bare = str_sub(number, negative, number.len - negative);
	struct strbuf digits;
	if (str_eq(bare, str_lit("NaN"))) {
		add_justified(d, d->upper ? str_lit("NAN") : bare, out);
		return;
	}
	strbuf_init(&digits);
	bool infinite = str_eq(bare, str_lit("Infinity"));
	if (infinite) {
		strbuf_add(&digits, bare);
	} else {
		struct decimal_digits n;
		digits_read(bare, &n);
		add_fraction(d, &n, &digits);
	}
	add_number(d, negative, strbuf_str(&digits), !infinite, out);
	strbuf_release(&digits);
}
