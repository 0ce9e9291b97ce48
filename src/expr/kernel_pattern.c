/*
 * Dates and times by a pattern, as Java's DateTimeFormatter reads it, for the letters that columns
 * need: y M d H h m s S a E D and text in quotes. The pattern is a constant and taken apart once.
 */

#include "expr/kernel_row.h"

#include "base/check.h"
#include "expr/cast.h"
#include "expr/resolve.h"

#include <stdio.h>

enum { pattern_fields_max = 64 };

struct pattern_field {
	char letter; /* 0: `text` as it is */
	int width; /* how often the letter stands there */
	struct str text;
};

struct time_pattern {
	struct pattern_field fields[pattern_fields_max];
	uint32_t count;
};

static const char *const month_names[] = {"January", "February", "March", "April", "May", "June",
	"July", "August", "September", "October", "November", "December"};
static const char *const day_names[] = {
	"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

/* ---- the pattern ---- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* How often a letter may stand in a row, as in Spark; 0: it is none of ours. */
static int widest(char letter)
{
	static const struct {
		char letter;
		int width;
	} letters[] = {{'y', 6}, {'M', 4}, {'L', 4}, {'d', 2}, {'H', 2}, {'h', 2}, {'m', 2},
		{'s', 2}, {'S', 9}, {'a', 1}, {'E', 4}, {'D', 3}};
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		if (letters[i].letter == letter)
			return letters[i].width;
	return 0;
}

/* 'text' in quotes, two quotes for one; *i is at the first quote and moves behind the last. */
static struct str read_quoted(struct str p, size_t *i, struct arena *arena)
{
	char *out = arena_alloc(arena, p.len + 1, 1);
	size_t n = 0;
	for (++*i; *i < p.len; ++*i) {
		if (p.data[*i] == '\'' && (*i + 1 >= p.len || p.data[*i + 1] != '\''))
			break;
		*i += p.data[*i] == '\'';
		out[n++] = p.data[*i];
	}
	++*i;
	if (n == 0)
		out[n++] = '\'';
	return (struct str){out, n};
}

/* The offset of what is not understood, or -1. */
static int pattern_read(struct str p, struct arena *arena, struct time_pattern *out)
{
	out->count = 0;
	for (size_t i = 0; i < p.len;) {
		if (out->count == pattern_fields_max)
			return (int)i;
		struct pattern_field *f = &out->fields[out->count++];
		*f = (struct pattern_field){.text = str_sub(p, i, 1)};
		if (p.data[i] == '\'') {
			f->text = read_quoted(p, &i, arena);
			continue;
		}
		if (!is_letter(p.data[i])) {
			i++;
			continue;
		}
		f->letter = p.data[i];
		size_t start = i;
		while (i < p.len && p.data[i] == f->letter)
			i++;
		f->width = (int)(i - start);
		if (f->width > widest(f->letter))
			return (int)start;
	}
	return -1;
}

/* ---- writing ---- */

struct moment {
	int64_t year;
	unsigned month, day;
	int64_t days;
	int second_of_day;
	int micros;
};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static void moment_of(int64_t us, const struct timezone *tz, struct moment *m)
{
	int64_t seconds = floor_div(us, 1000000);
	m->micros = (int)(us - seconds * 1000000);
	if (tz != NULL)
		seconds += timezone_offset_at(tz, seconds);
	m->days = floor_div(seconds, 86400);
	m->second_of_day = (int)(seconds - m->days * 86400);
	date_to_civil(m->days, &m->year, &m->month, &m->day);
}

static void add_number(int64_t n, int width, struct strbuf *out)
{
	strbuf_addf(out, "%0*lld", width, (long long)n);
}

static void add_word(const char *name, int width, struct strbuf *out)
{
	strbuf_add(out, str_sub(str_c(name), 0, width > 3 ? strlen(name) : 3));
}

static void write_field(const struct pattern_field *f, const struct moment *m, struct strbuf *out)
{
	int hour = m->second_of_day / 3600;
	switch (f->letter) {
	case 0: strbuf_add(out, f->text); break;
	case 'y':
		if (f->width == 2)
			add_number(m->year - 100 * floor_div(m->year, 100), 2, out);
		else
			add_number(m->year, f->width, out);
		break;
	case 'M':
	case 'L':
		if (f->width > 2)
			add_word(month_names[m->month - 1], f->width, out);
		else
			add_number(m->month, f->width, out);
		break;
	case 'd': add_number(m->day, f->width, out); break;
	case 'D': add_number(m->days - date_from_civil(m->year, 1, 1) + 1, f->width, out); break;
	case 'H': add_number(hour, f->width, out); break;
	case 'h': add_number(hour % 12 == 0 ? 12 : hour % 12, f->width, out); break;
	case 'm': add_number(m->second_of_day / 60 % 60, f->width, out); break;
	case 's': add_number(m->second_of_day % 60, f->width, out); break;
	case 'a': strbuf_add_c(out, hour < 12 ? "AM" : "PM"); break;
	case 'E':
		add_word(day_names[m->days + 3 - 7 * floor_div(m->days + 3, 7)], f->width, out);
		break;
	default: {
		char digits[16];
		snprintf(digits, sizeof(digits), "%06d000", m->micros);
		strbuf_add(out, (struct str){digits, (size_t)f->width});
		break;
	}
	}
}

static int write_row(
	const struct expr *e, const struct run *run, int64_t us, uint32_t row, struct vector *out)
{
	const struct time_pattern *p = e->prepared;
	struct moment m;
	struct strbuf s;
	moment_of(us, e->timezone, &m);
	strbuf_init(&s);
	for (uint32_t i = 0; i < p->count; i++)
		write_field(&p->fields[i], &m, &s);
	row_set_str(out, row, str_dup(s.data == NULL ? str_lit("") : strbuf_str(&s), run->arena));
	strbuf_release(&s);
	return EXPR_FINE;
}

static int date_format_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	return write_row(e, run, row_i64(&args[0], row), row, out);
}

static int from_unixtime_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	int64_t us;
	if (__builtin_mul_overflow(row_i64(&args[0], row), INT64_C(1000000), &us))
		return EXPR_OVERFLOW;
	return write_row(e, run, us, row, out);
}

/* ---- reading ---- */

struct reading {
	int64_t year, month, day, hour, minute, second, micros;
	bool half; /* h was read: `pm` counts */
	bool pm;
};

/* `least` to `most` digits at *i; false when there are fewer. */
static bool read_number(struct str s, size_t *i, int least, int most, int64_t *out)
{
	int n = 0;
	*out = 0;
	while (n < most && *i < s.len && s.data[*i] >= '0' && s.data[*i] <= '9') {
		*out = *out * 10 + (s.data[(*i)++] - '0');
		n++;
	}
	return n >= least;
}

static bool read_word(
	struct str s, size_t *i, const char *const *names, size_t count, int width, int64_t *out)
{
	for (size_t k = 0; k < count; k++) {
		struct str name = str_sub(str_c(names[k]), 0, width > 3 ? strlen(names[k]) : 3);
		if (!str_eq_fold(str_sub(s, *i, name.len), name))
			continue;
		*i += name.len;
		*out = (int64_t)k + 1;
		return true;
	}
	return false;
}

static bool read_fraction(struct str s, size_t *i, int width, int64_t *micros)
{
	size_t start = *i;
	if (!read_number(s, i, width, width, micros))
		return false;
	for (size_t n = *i - start; n < 6; n++)
		*micros *= 10;
	for (size_t n = *i - start; n > 6; n--)
		*micros /= 10;
	return true;
}

/* One letter takes one or two digits, more letters as many digits as letters. */
static bool read_field(const struct pattern_field *f, struct str s, size_t *i, struct reading *r)
{
	int most = f->width == 1 ? 2 : f->width;
	int64_t ignored;
	switch (f->letter) {
	case 0:
		if (!str_eq(str_sub(s, *i, f->text.len), f->text))
			return false;
		*i += f->text.len;
		return true;
	case 'y':
		if (!read_number(s, i, f->width == 1 ? 1 : f->width, f->width == 1 ? 9 : f->width,
			    &r->year))
			return false;
		r->year += f->width == 2 ? 2000 : 0;
		return true;
	case 'M':
	case 'L':
		if (f->width > 2)
			return read_word(
				s, i, month_names, ARRAY_LEN(month_names), f->width, &r->month);
		return read_number(s, i, f->width, most, &r->month);
	case 'd': return read_number(s, i, f->width, most, &r->day);
	case 'H': return read_number(s, i, f->width, most, &r->hour);
	case 'h':
		r->half = true;
		return read_number(s, i, f->width, most, &r->hour) && r->hour >= 1 && r->hour <= 12;
	case 'm': return read_number(s, i, f->width, most, &r->minute);
	case 's': return read_number(s, i, f->width, most, &r->second);
	case 'S': return read_fraction(s, i, f->width, &r->micros);
	case 'E': return read_word(s, i, day_names, ARRAY_LEN(day_names), f->width, &ignored);
	case 'a': {
		static const char *const halves[] = {"AM", "PM"};
		bool found = read_word(s, i, halves, 2, 4, &ignored);
		r->pm = found && ignored == 2;
		return found;
	}
	default: return false;
	}
}

static unsigned days_in_month(int64_t year, unsigned month)
{
	int64_t next =
		month == 12 ? date_from_civil(year + 1, 1, 1) : date_from_civil(year, month + 1, 1);
	return (unsigned)(next - date_from_civil(year, month, 1));
}

static bool read_time(
	const struct time_pattern *p, struct str s, const struct timezone *tz, int64_t *us)
{
	struct reading r = {.year = 1970, .month = 1, .day = 1};
	size_t i = 0;
	for (uint32_t k = 0; k < p->count; k++)
		if (!read_field(&p->fields[k], s, &i, &r))
			return false;
	if (r.half)
		r.hour = r.hour % 12 + (r.pm ? 12 : 0);
	if (i != s.len || r.month < 1 || r.month > 12 || r.day < 1 || r.hour > 23 || r.minute > 59
		|| r.second > 59 || r.year > 300000
		|| r.day > days_in_month(r.year, (unsigned)r.month))
		return false;
	int64_t days = date_from_civil(r.year, (unsigned)r.month, (unsigned)r.day);
	int64_t local = days * 86400 + r.hour * 3600 + r.minute * 60 + r.second;
	int64_t utc = tz == NULL ? local : timezone_to_utc(tz, local);
	return !__builtin_mul_overflow(utc, INT64_C(1000000), us)
		&& !__builtin_add_overflow(*us, r.micros, us);
}

static int parse_timestamp_row(const struct expr *e, const struct run *run,
	const struct vector *args, uint32_t row, struct vector *out)
{
	int64_t us;
	(void)run;
	if (!read_time(e->prepared, row_str(&args[0], row), e->timezone, &us))
		return EXPR_INVALID_ARGUMENT;
	row_set_i64(out, row, us);
	return EXPR_FINE;
}

static int parse_seconds_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	int rc = parse_timestamp_row(e, run, args, row, out);
	if (rc == EXPR_FINE)
		row_set_i64(out, row, floor_div(((const int64_t *)out->column.data)[row], 1000000));
	return rc;
}

static int parse_date_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	int64_t us;
	(void)run;
	if (!read_time(e->prepared, row_str(&args[0], row), NULL, &us))
		return EXPR_INVALID_ARGUMENT;
	row_set_i32(out, row, (int32_t)floor_div(us, INT64_C(86400000000)));
	return EXPR_FINE;
}

KERNEL_OF_ROWS(kernel_date_format, date_format_row)
KERNEL_OF_ROWS(kernel_from_unixtime, from_unixtime_row)
KERNEL_OF_ROWS(kernel_parse_timestamp, parse_timestamp_row)
KERNEL_OF_ROWS(kernel_parse_seconds, parse_seconds_row)
KERNEL_OF_ROWS(kernel_parse_date, parse_date_row)

/* ---- typing ---- */

static int prepare_pattern(struct checker *c, const struct sql_node *node, const struct expr *arg,
	const struct time_pattern **out)
{
	struct str text = str_lit("yyyy-MM-dd HH:mm:ss");
	if (arg != NULL
		&& (arg->kind != EXPR_LITERAL || arg->type.id != TYPE_STRING
			|| arg->literal.is_null))
		return checker_fail(c, node, "the pattern must be a constant string");
	if (arg != NULL)
		text = arg->literal.as.str;
	struct time_pattern *p = ARENA_NEW(c->arena, struct time_pattern);
	int at = pattern_read(text, c->arena, p);
	*out = p;
	if (at < 0)
		return 0;
	int rc = checker_fail(c, node,
		"the pattern \"" STR_FMT "\" is not understood at character %d", STR_ARG(text),
		at + 1);
	error_help(c->err, "letters: y M d H h m s S a E D; text stands in quotes");
	return rc;
}

/* params[0] is what is formatted or read; the pattern may be left out where the row allows it. */
int resolve_pattern(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	const struct time_pattern *p = NULL;
	int rc = prepare_pattern(c, node, count > 1 ? args[1] : NULL, &p);
	if (rc == 0)
		rc = checker_cast(c, node, args[0], type_of(f->params[0]), &args[0]);
	if (rc == 0)
		*out = checker_prepared(
			c, node, f->kernel, f->flags, type_of(f->gives), args, 1, p);
	return rc;
}

/* to_date and to_timestamp without a pattern are casts. */
int resolve_to_time(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	if (count == 2)
		return resolve_pattern(c, node, f, args, count, out);
	return resolve_cast_to(c, node, f, args, count, out);
}

/* timestamp_seconds: of whole seconds; others keep their fraction, as their cast does. */
int resolve_seconds(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	enum type_id id = args[0]->type.id;
	if (id == TYPE_FLOAT || id == TYPE_DOUBLE || id == TYPE_DECIMAL)
		return resolve_cast_to(c, node, f, args, count, out);
	return resolve_fixed(c, node, f, args, count, out);
}

/* unix_timestamp(): now; (timestamp or date); (text [, pattern]). */
int resolve_unix_timestamp(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	struct expr *time = count > 0 ? args[0] : NULL;
	if (count > 0 && time->type.id != TYPE_TIMESTAMP && time->type.id != TYPE_DATE)
		return resolve_pattern(c, node, f, args, count, out);
	int rc = 0;
	if (count == 0)
		time = checker_call(
			c, node, kernel_now, FN_CHANGES, type_of(TYPE_TIMESTAMP), NULL, 0);
	else
		rc = checker_cast(c, node, time, type_of(TYPE_TIMESTAMP), &time);
	if (rc == 0)
		*out = checker_call(
			c, node, kernel_to_whole_seconds, 0, type_of(TYPE_BIGINT), &time, 1);
	return rc;
}
