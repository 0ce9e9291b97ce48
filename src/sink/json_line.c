#include "sink/json_line.h"

#include "base/check.h"

const char *row_kind_name(enum row_kind kind)
{
	static const char *const names[] = {
		[ROW_INSERT] = "+I",
		[ROW_UPDATE_BEFORE] = "-U",
		[ROW_UPDATE_AFTER] = "+U",
		[ROW_DELETE] = "-D",
	};
	check(kind <= ROW_DELETE);
	return names[kind];
}

void json_line_add(const struct row_json *j, const struct chunk *c, uint32_t row, bool kind,
	struct strbuf *out)
{
	strbuf_add_byte(out, '{');
	if (kind) {
		strbuf_addf(out, "\"@kind\":\"%s\"%s", row_kind_name(chunk_kind(c, row)),
			j->schema->column_count > 0 ? "," : "");
	}
	row_json_add(j, c, row, out);
	strbuf_add_byte(out, '}');
}
