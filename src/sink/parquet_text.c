#include "sink/parquet_text.h"

#include "base/utf8.h"
#include "data/value.h"

static struct str repaired(struct str s, struct arena *arena)
{
	struct strbuf out;
	strbuf_init(&out);
	utf8_add_repaired(s, &out);
	struct str text = str_dup(strbuf_str(&out), arena);
	strbuf_release(&out);
	return text;
}

/* Nothing in it that value_text could write otherwise (it may, in which case it is only slower). */
static bool is_standard_json(struct str s)
{
	unsigned odd = 0;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		odd |= (c < 0x20) | (c >= 0x80) | (c == '\'') | (c == 'N') | (c == 'I');
	}
	return odd == 0;
}

static struct str json_of(struct type type, struct str s, struct arena *arena)
{
	struct value v = {.type = type, .as.str = s};
	struct strbuf out;
	strbuf_init(&out);
	value_text(&v, VALUE_JSON, NULL, &out);
	struct str text = str_dup(strbuf_str(&out), arena);
	strbuf_release(&out);
	return text;
}

int parquet_text_prepare(struct type type, struct str column, struct str *texts, uint32_t n,
	struct arena *arena, struct error *err)
{
	for (uint32_t i = 0; i < n; i++) {
		if (texts[i].len == 0) {
			texts[i].data = ""; /* memcpy and memcmp want a pointer */
		}
		if (type.id == TYPE_ARRAY ||
			(type.id == TYPE_JSON && !is_standard_json(texts[i]))) {
			texts[i] = json_of(type, texts[i], arena);
		} else if (type.id == TYPE_STRING && !utf8_valid(texts[i])) {
			texts[i] = repaired(texts[i], arena);
		}
		if (texts[i].len > parquet_value_bytes_max) {
			return error_set(err, CDCL_E_DATA,
				"column " STR_FMT
				": a value of %zu bytes is too large for a Parquet file",
				STR_ARG(column), texts[i].len);
		}
	}
	return 0;
}
