/*
 * Any bytes where people and scrapers look: an address and a Host header are read or refused, a log
 * line stays one line without control characters, a label stays one label.
 */

#include "base/check.h"
#include "base/exposition.h"
#include "base/listen_address.h"
#include "base/log_line.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_address(struct str text)
{
	struct error err;
	struct listen_address at;
	error_init(&err);
	if (listen_address_parse(text, &at, &err) < 0)
		check(err.text[0] != '\0');
	else
		check(at.host[0] != '\0' && strlen(at.host) < sizeof(at.host));
	if (listen_header_is_local(text))
		check(text.len >= 3);
}

static void want_one_line(const struct strbuf *out)
{
	check(out->len > 0 && out->data[out->len - 1] == '\n');
	for (size_t i = 0; i < out->len - 1; i++) {
		unsigned char c = (unsigned char)out->data[i];
		check((c >= 0x20 && c != 0x7f) || c == '\t');
	}
	check(utf8_valid(strbuf_str(out)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct strbuf out;
	strbuf_init(&out);
	read_address(text);
	struct log_place place = {text, 1, 2, 0};
	struct log_message m = {LOG_WARN, "area", text, &place, 0};
	log_line_text(&m, false, &out);
	want_one_line(&out);
	strbuf_reset(&out);
	log_line_json(&m, &out);
	want_one_line(&out);
	strbuf_reset(&out);
	struct exposition_label label = {"l", text};
	exposition_sample(&out, "n", &label, 1, 1);
	check(memchr(out.data, '\n', out.len) == out.data + out.len - 1);
	check(utf8_valid(strbuf_str(&out)));
	size_t quotes = 0;
	for (size_t i = 0; i < out.len; i++) {
		quotes += out.data[i] == '"';
		i += out.data[i] == '\\';
	}
	check(quotes == 2);
	strbuf_release(&out);
	return 0;
}
