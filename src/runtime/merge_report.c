#include "runtime/merge_report.h"

#include "base/check.h"
#include "base/log.h"
#include "plan/merge_plan.h"
#include "runtime/status.h"

#include <stddef.h>

enum { tables_max = 64, cell_width_min = 12 };

struct line {
	const char *title;
	size_t at; /* in struct merge_counts */
};

#define LINE(title, field) {title, offsetof(struct merge_counts, field)}

static const struct line lines[] = {
	LINE("events since this start", events),
	LINE("  applied", applied),
	LINE("  stale (sequence equal or lower)", stale),
	LINE("  ignored (rule, policy, tombstone after its delete)", ignored),
	LINE("  refused (dead letters)", refused),
	LINE("inserts", inserts),
	LINE("updates", updates),
	LINE("deletes", deletes),
	LINE("reads of a snapshot", reads),
	LINE("upserts", upserts),
	LINE("truncates", truncates),
	LINE("tombstones", tombstones),
	LINE("insert over an existing row", insert_over_existing),
	LINE("update of a missing row", update_of_missing),
	LINE("delete of a missing row", delete_of_missing),
	LINE("key changes", key_changes),
	LINE("key seen in another partition", other_partition),
	LINE("unknown operation", unknown_op),
	LINE("NULL in the key", null_key),
	LINE("rows expired (ttl)", expired),
};

#undef LINE

static void add_padding(struct strbuf *out, size_t width, size_t used)
{
	for (size_t i = used; i < width; i++)
		strbuf_add_byte(out, ' ');
}

static void add_title(struct strbuf *out, const char *title, size_t width)
{
	strbuf_add_c(out, title);
	add_padding(out, width, strlen(title));
}

static void add_cell(struct strbuf *out, struct str text, size_t width)
{
	strbuf_add_c(out, "  ");
	add_padding(out, width, text.len);
	strbuf_add(out, text);
}

static void add_number(struct strbuf *out, int64_t n, size_t width)
{
	struct strbuf text;
	strbuf_init(&text);
	status_number(&text, n);
	add_cell(out, strbuf_str(&text), width);
	strbuf_release(&text);
}

static size_t cell_width(const struct operator_state *s)
{
	return s->name.len > cell_width_min ? s->name.len : cell_width_min;
}

void merge_report_text(const struct pipeline *p, struct strbuf *out)
{
	const struct operator_state *tables[tables_max], *s;
	uint32_t count = 0;
	size_t width = 0;
	for (uint32_t i = 0; (s = pipeline_state(p, i)) != NULL && count < tables_max; i++)
		if (s->merge != NULL)
			tables[count++] = s;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (strlen(lines[i].title) > width)
			width = strlen(lines[i].title);
	add_title(out, "table", width);
	for (uint32_t t = 0; t < count; t++)
		add_cell(out, tables[t]->name, cell_width(tables[t]));
	strbuf_add_c(out, "\n");
	add_title(out, "rows at the end", width);
	for (uint32_t t = 0; t < count; t++)
		add_number(out, tables[t]->rows_total, cell_width(tables[t]));
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		strbuf_add_c(out, "\n");
		add_title(out, lines[i].title, width);
		for (uint32_t t = 0; t < count; t++) {
			const char *counts = (const char *)tables[t]->merge;
			int64_t n;
			memcpy(&n, counts + lines[i].at, sizeof(n));
			add_number(out, n, cell_width(tables[t]));
		}
	}
	strbuf_add_c(out, "\n");
}

void merge_report_print(const struct pipeline *p)
{
	struct strbuf text;
	strbuf_init(&text);
	merge_report_text(p, &text);
	log_print_text(strbuf_str(&text));
	strbuf_release(&text);
}
