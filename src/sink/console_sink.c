#include "sink/sink_kinds.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/file.h"
#include "base/utf8.h"
#include "data/value.h"

#include <stdlib.h>

/*
 * Spark's console box, byte for byte:
 *
 *	-------------------------------------------     43 dashes
 *	Batch: 0
 *	-------------------------------------------
 *	+-----+-----------+
 *	|   op|event_count|                             right-aligned when cells are cut, else left
 *	+-----+-----------+
 *	|NULL |          1|
 *	+-----+-----------+
 *	only showing top 1 row                          and then no empty line; else an empty line
 *
 * Rows arrive as chunks during the whole trigger interval; only the text of the first num_rows is
 * kept, and whether there were more. A batch is one write, so that boxes of two jobs on one
 * terminal do not mix.
 */

enum {
	width_min = 3,
	cell_units_max = 20,  /* truncate: UTF-16 units after escaping */
	cell_units_kept = 17, /* and then "..." */
};

struct cell {
	size_t end;   /* in `text`; it begins where the one before ends */
	size_t width; /* columns on the screen */
};

struct console_sink {
	struct sink base;
	bool truncate;
	bool color; /* of a changelog's rows */
	int64_t rows_max;
	int64_t rows_seen;  /* of the batch, shown or not */
	struct strbuf text; /* of all shown cells, header first */
	struct cell *cells;
	size_t cell_count;
	size_t cell_capacity;
	struct strbuf scratch;
};

static struct console_sink *console_of(struct sink *s)
{
	return container_of(s, struct console_sink, base);
}

/* ---- cells ---- */

/* Characters that Spark counts as two columns; all in the first plane (others are two units, so
 * two). */
static bool is_wide(uint32_t c)
{
	return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
		(c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
		(c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
		(c >= 0xffe0 && c <= 0xffe6);
}

static char escape_of(uint32_t c)
{
	static const char letters[] = {['\a'] = 'a',
		['\b'] = 'b',
		['\t'] = 't',
		['\n'] = 'n',
		['\v'] = 'v',
		['\f'] = 'f',
		['\r'] = 'r'};
	return c < ARRAY_LEN(letters) ? letters[c] : '\0';
}

/* One character as it is shown; returns its UTF-16 units. */
static size_t add_character(uint32_t c, struct strbuf *out, size_t *width)
{
	char escape = escape_of(c);
	if (escape != '\0') {
		strbuf_add_byte(out, '\\');
		strbuf_add_byte(out, escape);
		*width += 2;
		return 2;
	}
	char bytes[4];
	strbuf_add(out, (struct str){bytes, utf8_put(bytes, c)});
	size_t units = c > 0xffff ? 2 : 1;
	*width += units + (is_wide(c) ? 1 : 0);
	return units;
}

/*
 * The cut counts units, so it may fall inside of an escape (its backslash stays) or of a character
 * beyond the first plane (half of which Java prints as '?').
 */
static size_t add_cell_text(struct str s, bool truncate, struct strbuf *out)
{
	size_t units = 0, width = 0, kept_len = out->len, kept_width = 0;
	char half = '\0';
	for (size_t at = 0; at < s.len;) {
		uint32_t c = utf8_next(s, &at);
		size_t before = units;
		units += add_character(c, out, &width);
		if (units <= cell_units_kept) {
			kept_len = out->len;
			kept_width = width;
		} else if (before < cell_units_kept) {
			half = c > 0xffff ? '?' : '\\';
		}
		if (truncate && units > cell_units_max) {
			out->len = kept_len;
			if (half != '\0') {
				strbuf_add_byte(out, half);
				kept_width++;
			}
			strbuf_add_c(out, "...");
			return kept_width + 3;
		}
	}
	return width;
}

static void add_cell(struct console_sink *c, struct str s, bool truncate)
{
	if (c->cell_count == c->cell_capacity) {
		c->cell_capacity = c->cell_capacity == 0 ? 256 : c->cell_capacity * 2;
		c->cells = realloc(c->cells, c->cell_capacity * sizeof *c->cells);
		check(c->cells != NULL); /* out of memory */
	}
	size_t width = add_cell_text(s, truncate, &c->text);
	c->cells[c->cell_count++] = (struct cell){.end = c->text.len, .width = width};
}

static bool shows_kind(const struct sink *s)
{
	return s->mode == OUTPUT_CHANGELOG;
}

/* What an update box shows is there: rows that went are seen in a changelog. */
static bool shown(const struct console_sink *c, const struct chunk *in, uint32_t row)
{
	return shows_kind(&c->base) || chunk_kind(in, row) != ROW_DELETE;
}

static void add_row(struct console_sink *c, const struct chunk *in, uint32_t row)
{
	static const struct str kind_names[] = {
		str_lit("+I"), str_lit("-U"), str_lit("+U"), str_lit("-D")};
	if (shows_kind(&c->base)) {
		add_cell(c, kind_names[chunk_kind(in, row)], false);
	}
	for (uint32_t i = 0; i < in->schema->column_count; i++) {
		struct value v =
			value_from_column(&in->columns[i], c->base.schema->columns[i].type, row);
		strbuf_reset(&c->scratch);
		value_text(&v, VALUE_CONSOLE, c->base.timezone, &c->scratch);
		add_cell(c, strbuf_str(&c->scratch), c->truncate);
	}
}

/* ---- the box ---- */

static void begin_box(struct console_sink *c)
{
	c->rows_seen = 0;
	c->cell_count = 0;
	strbuf_reset(&c->text);
	if (shows_kind(&c->base)) {
		add_cell(c, str_lit("kind"), false);
	}
	for (uint32_t i = 0; i < c->base.schema->column_count; i++) {
		add_cell(c, c->base.schema->columns[i].name, false);
	}
}

static size_t column_count(const struct console_sink *c)
{
	return c->base.schema->column_count + (shows_kind(&c->base) ? 1u : 0u);
}

static void add_repeated(char byte, size_t count, struct strbuf *out)
{
	strbuf_reserve(out, count);
	memset(out->data + out->len, byte, count);
	out->len += count;
}

static void add_border(const size_t *widths, size_t columns, struct strbuf *out)
{
	strbuf_add_byte(out, '+');
	for (size_t i = 0; i < columns; i++) {
		if (i > 0) {
			strbuf_add_byte(out, '+');
		}
		add_repeated('-', widths[i], out);
	}
	strbuf_add_c(out, "+\n");
}

static struct str cell_text(const struct console_sink *c, size_t cell)
{
	size_t start = cell == 0 ? 0 : c->cells[cell - 1].end;
	return (struct str){c->text.data + start, c->cells[cell].end - start};
}

/* What begins a row in colour: rows that come are green, those that go red, or dim before a +U. */
static const char *color_of(const struct console_sink *c, size_t first)
{
	if (!c->color || !shows_kind(&c->base) || first == 0)
		return "";
	struct str kind = cell_text(c, first);
	if (str_eq(kind, str_lit("+I")))
		return "\033[32m";
	if (str_eq(kind, str_lit("+U")))
		return "\033[33m";
	return str_eq(kind, str_lit("-U")) ? "\033[2m" : "\033[31m";
}

static void add_line(
	const struct console_sink *c, size_t first, const size_t *widths, struct strbuf *out)
{
	size_t columns = column_count(c);
	const char *color = color_of(c, first);
	strbuf_add_c(out, color);
	strbuf_add_byte(out, '|');
	for (size_t i = 0; i < columns; i++) {
		size_t padding = widths[i] - c->cells[first + i].width;
		if (c->truncate) {
			add_repeated(' ', padding, out);
		}
		strbuf_add(out, cell_text(c, first + i));
		if (!c->truncate) {
			add_repeated(' ', padding, out);
		}
		if (i + 1 < columns) {
			strbuf_add_byte(out, '|');
		}
	}
	strbuf_add_byte(out, '|');
	strbuf_add_c(out, *color == '\0' ? "\n" : "\033[0m\n");
}

static void add_box(const struct console_sink *c, struct strbuf *out)
{
	size_t columns = column_count(c);
	size_t *widths = malloc((columns + 1) * sizeof *widths);
	check(widths != NULL); /* out of memory */
	for (size_t i = 0; i < columns; i++) {
		widths[i] = width_min;
	}
	for (size_t i = 0; i < c->cell_count; i++) {
		size_t *width = &widths[i % columns];
		*width = *width < c->cells[i].width ? c->cells[i].width : *width;
	}
	int64_t shown = c->rows_seen < c->rows_max ? c->rows_seen : c->rows_max;
	add_border(widths, columns, out);
	add_line(c, 0, widths, out);
	add_border(widths, columns, out);
	for (int64_t row = 1; row <= shown; row++) {
		add_line(c, (size_t)row * columns, widths, out);
	}
	add_border(widths, columns, out);
	if (c->rows_seen > c->rows_max) {
		strbuf_addf(out, "only showing top %lld %s\n", (long long)c->rows_max,
			c->rows_max == 1 ? "row" : "rows");
	} else {
		strbuf_add_byte(out, '\n');
	}
	free(widths);
}

/* ---- the five ---- */

static int open_console(struct sink *s, int64_t *last_batch_id, struct error *err)
{
	(void)err;
	*last_batch_id = -1;
	begin_box(console_of(s));
	return 0;
}

static int write_rows(struct sink *s, const struct chunk *in, struct error *err)
{
	struct console_sink *c = console_of(s);
	check(in->column_count == schema_total(s->schema));
	uint32_t live = chunk_live_count(in);
	s->rows_written += live;
	if (c->rows_seen >= c->rows_max) {
		c->rows_seen += live;
		return 0;
	}
	for (uint32_t row = chunk_next_live(in, 0); row < chunk_rows_max;
		row = chunk_next_live(in, row + 1)) {
		if (!shown(c, in, row)) {
			continue;
		}
		if (c->rows_seen < c->rows_max) {
			add_row(c, in, row);
		}
		c->rows_seen++;
		if (c->text.len > console_box_bytes_max) {
			return error_set(err, CDCL_E_JOB,
				"console: one batch shows more than %d bytes; lower num_rows",
				console_box_bytes_max);
		}
	}
	return 0;
}

static int prepare(struct sink *s, const struct batch *b, struct error *err)
{
	(void)s, (void)b, (void)err;
	return 0;
}

static int publish(struct sink *s, const struct batch *b, struct error *err)
{
	static const char dashes[] = "-------------------------------------------\n";
	struct console_sink *c = console_of(s);
	struct strbuf out;
	strbuf_init(&out);
	strbuf_addf(&out, "%sBatch: %lld\n%s", dashes, (long long)b->id, dashes);
	add_box(c, &out);
	int answer = file_write_stdout(strbuf_str(&out), err);
	strbuf_release(&out);
	begin_box(c);
	return answer;
}

static void close_console(struct sink *s)
{
	struct console_sink *c = console_of(s);
	strbuf_release(&c->text);
	strbuf_release(&c->scratch);
	free(c->cells);
	free(c);
}

static const struct sink_ops console_ops = {
	.kind = "console",
	.open = open_console,
	.write = write_rows,
	.prepare = prepare,
	.publish = publish,
	.close = close_console,
};

struct sink *console_sink_open(const struct sink_config *config)
{
	struct console_sink *c = calloc(1, sizeof *c);
	check(c != NULL); /* out of memory */
	c->base.ops = &console_ops;
	c->truncate = config->truncate;
	c->color = file_stdout_has_color();
	c->rows_max = config->num_rows < 0 ? 0 : config->num_rows;
	strbuf_init(&c->text);
	strbuf_init(&c->scratch);
	return &c->base;
}
