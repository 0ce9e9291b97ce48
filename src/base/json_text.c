#include "base/json_text.h"

#include "base/check.h"
#include "base/utf8.h"

static void add_escaped(uint32_t c, struct strbuf *out)
{
	static const char letters[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	if (c == '"' || c == '\\') {
		strbuf_add_byte(out, '\\');
		strbuf_add_byte(out, (char)c);
	} else if (c < ARRAY_LEN(letters) && letters[c] != 0) {
		strbuf_add_byte(out, '\\');
		strbuf_add_byte(out, letters[c]);
	} else {
		strbuf_addf(out, "\\u%04x", (unsigned)c);
	}
}

void json_text_string(struct str s, struct strbuf *out)
{
	strbuf_reserve(out, s.len + 2);
	strbuf_add_byte(out, '"');
	size_t plain = 0, at = 0;
	while (at < s.len) {
		size_t start = at;
		uint32_t c = utf8_next(s, &at);
		bool broken = c == utf8_replacement;
		if (!broken && c >= 0x20 && c != '"' && c != '\\') {
			continue;
		}
		strbuf_add(out, str_sub(s, plain, start - plain));
		plain = at;
		if (broken) {
			strbuf_add_c(out, "\xef\xbf\xbd");
		} else {
			add_escaped(c, out);
		}
	}
	strbuf_add(out, str_sub(s, plain, s.len - plain));
	strbuf_add_byte(out, '"');
}
