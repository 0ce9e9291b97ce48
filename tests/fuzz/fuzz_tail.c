/*
 * A message with any key, value, topic and header as `cdcl tail` shows it, as an event and as it
 * is: one line, and nothing in it that a terminal would act on. Key and value are cut at the first
 * zero byte.
 */

#include "base/check.h"
#include "base/utf8.h"
#include "cli/message_line.h"
#include "source/source.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_harmless(struct str line)
{
	for (size_t at = 0; at < line.len;) {
		unsigned char first = (unsigned char)line.data[at];
		check(first >= 0x20 || (first == '\n' && at + 1 == line.len));
		uint32_t c = utf8_next(line, &at);
		check(c != 0x7f && (c < 0x80 || c >= 0xa0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct messages m;
	if (size == 0)
		return 0;
	const uint8_t *cut = memchr(data + 1, 0, size - 1);
	size_t key_len = cut == NULL ? 0 : (size_t)(cut - data - 1);
	size_t value_len = cut == NULL ? size - 1 : size - 2 - key_len;
	/* blocks of just their size, so that a byte read past them is seen */
	char *key = malloc(key_len + 1), *value = malloc(value_len + (value_len == 0));
	check(key != NULL && value != NULL);
	memcpy(key, data + 1, key_len);
	key[key_len] = '\0';
	memcpy(value, data + size - value_len, value_len);
	struct message_line line = {.events = data[0] & 1, .headers = data[0] & 2};
	struct message_header header = {{key, key_len}, {value, value_len}};
	strbuf_init(&line.out);
	m.count = 1;
	m.offset[0] = INT64_MAX;
	m.timestamp_us[0] = data[0] & 8 ? INT64_MAX : data[0] & 16 ? INT64_MIN : 1700000000000000;
	m.key[0] = (struct str){cut == NULL ? NULL : key, key_len};
	m.topic[0] = data[0] & 4 ? ((struct str){key, key_len}) : str_lit("t");
	m.value[0] = (struct str){data[0] & 32 ? NULL : value, data[0] & 32 ? 0 : value_len};
	m.headers[0] = &header;
	m.header_count[0] = 1;
	message_line_add(&line, &m, 0);
	check_harmless(strbuf_str(&line.out));
	strbuf_release(&line.out);
	free(key);
	free(value);
	return 0;
}
