#include "cli/grid.h"

#include "base/check.h"
#include "data/value.h"

enum { grid_columns_max = 8 };

void grid_init(struct grid *g)
{
	strbuf_init(&g->cells);
}

/* What comes from outside must not move the cursor. */
void grid_cell(struct grid *g, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		strbuf_add_byte(&g->cells, byte < ' ' || byte == 0x7f ? '?' : text.data[i]);
	}
	strbuf_add_byte(&g->cells, '\t');
}

void grid_number(struct grid *g, int64_t n)
{
	char digits[24];
	grid_cell(g, (struct str){digits, int64_text(n, digits)});
}

void grid_line(struct grid *g)
{
	strbuf_add_byte(&g->cells, '\n');
}

void grid_pair(struct grid *g, const char *name, struct str value)
{
	grid_cell(g, str_c(name));
	grid_cell(g, value);
	grid_line(g);
}

static struct str next_cell(struct str text, size_t *at)
{
	const char *end = memchr(text.data + *at, '\t', text.len - *at);
	struct str out = str_sub(text, *at, (size_t)(end - text.data) - *at);
	*at += out.len + 1;
	return out;
}

static size_t width_of(struct str cell)
{
	size_t width = 0;
	for (size_t i = 0; i < cell.len; i++)
		width += ((unsigned char)cell.data[i] & 0xc0) != 0x80;
	return width;
}

/* "-" stands for a number that there is not. */
static bool is_number(struct str cell)
{
	int64_t n;
	return str_eq(cell, str_lit("-")) || int64_parse(cell, &n);
}

struct grid_column {
	size_t width;
	bool has_words;         /* below its head */
};

static void measure(struct str text, struct grid_column *columns)
{
	bool head = true;
	for (size_t at = 0; at < text.len; at++, head = false)
		for (uint32_t i = 0; text.data[at] != '\n'; i++) {
			check(i < grid_columns_max);
			struct str it = next_cell(text, &at);
			struct grid_column *c = &columns[i];
			c->width = width_of(it) > c->width ? width_of(it) : c->width;
			c->has_words = c->has_words || (!head && !is_number(it));
		}
}

static void add_padded(
	struct strbuf *out, struct str text, const struct grid_column *c, bool last)
{
	size_t blanks = c->width - width_of(text);
	for (size_t i = 0; !c->has_words && i < blanks; i++)
		strbuf_add_byte(out, ' ');
	strbuf_add(out, text);
	for (size_t i = 0; c->has_words && !last && i < blanks; i++)
		strbuf_add_byte(out, ' ');
}

void grid_end(struct grid *g, struct strbuf *out)
{
	struct str text = strbuf_str(&g->cells);
	struct grid_column columns[grid_columns_max] = {{0, false}};
	measure(text, columns);
	for (size_t at = 0; at < text.len; at++) {
		for (uint32_t i = 0; text.data[at] != '\n'; i++) {
			struct str it = next_cell(text, &at);
			if (i > 0)
				strbuf_add_c(out, "  ");
			add_padded(out, it, &columns[i], text.data[at] == '\n');
		}
		strbuf_add_byte(out, '\n');
	}
	strbuf_release(&g->cells);
}
