#include "sink/dead_letter_line.h"

#include "base/secret.h"
#include "base/utf8.h"
#include "data/value.h"

#include <stdio.h>

static void add_text(const char *name, struct str text, struct strbuf *out)
{
	strbuf_addf(out, "\"%s\":", name);
	json_text_string(text, out);
}

/* Text as it is, other bytes as base64 under another name. */
static void add_bytes(const char *name, struct str bytes, struct strbuf *out)
{
	if (bytes.data == NULL) {
		strbuf_addf(out, ",\"%s\":null", name);
		return;
	}
	struct value v = {.type = type_of(TYPE_BINARY), .as.str = bytes};
	bool text = utf8_valid(bytes);
	strbuf_addf(out, ",\"%s%s\":", name, text ? "" : "_base64");
	if (text)
		json_text_string(bytes, out);
	else
		value_text(&v, VALUE_JSON, NULL, out);
}

static void add_headers(const struct messages *m, uint32_t i, struct strbuf *out)
{
	if (m->header_count[i] == 0)
		return;
	strbuf_add_c(out, ",\"headers\":[");
	for (uint32_t h = 0; h < m->header_count[i]; h++) {
		strbuf_add_c(out, h > 0 ? ",[" : "[");
		json_text_string(m->headers[i][h].name, out);
		strbuf_add_byte(out, ',');
		if (m->headers[i][h].value.data == NULL)
			strbuf_add_c(out, "null");
		else
			json_text_string(m->headers[i][h].value, out);
		strbuf_add_byte(out, ']');
	}
	strbuf_add_byte(out, ']');
}

static void add_message(const struct messages *m, uint32_t i, struct strbuf *out)
{
	add_text("topic", m->topic[i], out);
	strbuf_addf(out, ",\"partition\":%d,\"offset\":%lld", m->partition[i],
		(long long)m->offset[i]);
	if (m->timestamp_us[i] >= 0)
		strbuf_addf(out, ",\"ts\":%lld,\"ts_type\":\"%s\"",
			(long long)(m->timestamp_us[i] / 1000),
			m->timestamp_type[i] == 1 ? "LogAppendTime" : "CreateTime");
	add_headers(m, i, out);
	add_bytes("key", m->key[i], out);
	add_bytes("value", m->value[i], out);
	strbuf_add_byte(out, ',');
}

/* The place of a script's line; what could not be decoded has the record's own. */
static bool is_rule(const struct chunk *c, uint32_t row, const char *place)
{
	char own[error_place_bytes] = "";
	if (c != NULL && c->messages != NULL) {
		uint32_t m = chunk_message(c, row);
		snprintf(own, sizeof(own), STR_FMT "/%d@%lld", STR_ARG(c->messages->topic[m]),
			c->messages->partition[m], (long long)c->messages->offset[m]);
	}
	return place[0] != '\0' && strcmp(place, own) != 0;
}

void dead_letter_line(enum dead_letter_reason reason, const struct chunk *c, uint32_t row,
	const struct error *why, struct strbuf *out)
{
	strbuf_add_byte(out, '{');
	if (c != NULL && c->messages != NULL)
		add_message(c->messages, chunk_message(c, row), out);
	add_text("reason", str_c(dead_letter_reason_name(reason)), out);
	strbuf_add_byte(out, ',');
	struct strbuf hidden;
	strbuf_init(&hidden);
	add_text("error", secret_hidden(str_c(why->text), &hidden), out);
	strbuf_release(&hidden);
	if (is_rule(c, row, why->place)) {
		strbuf_add_byte(out, ',');
		add_text("rule", str_c(why->place), out);
	}
	strbuf_add_byte(out, '}');
}
