/*
 * The words of a marker (source/kafka_marker.h): metadata of a committed offset, which anybody may
 * have written. What this process writes is read as it was; other bytes never run over.
 */

#include "base/check.h"
#include "source/kafka_marker.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(struct str text, struct kafka_marker *m)
{
	memset(m, 0x5a, sizeof(*m));
	kafka_marker_parse(text, m);
	check(memchr(m->checkpoint, 0, sizeof(m->checkpoint)) != NULL);
	check(memchr(m->writer, 0, sizeof(m->writer)) != NULL);
	for (const char *c = m->writer; *c != 0; c++)
		check((unsigned char)*c >= 0x20 && *c != 0x7f);
	for (const char *c = m->checkpoint; *c != 0; c++)
		check(strchr("0123456789abcdef", *c) != NULL);
}

/* Up to 32 digits, made of the input. */
static struct str some_id(const uint8_t *data, size_t size, char *out)
{
	size_t n = size < 32 ? size : 32;
	for (size_t i = 0; i < n; i++)
		out[i] = "0123456789abcdef"[data[i] % 16];
	return (struct str){out, n};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kafka_marker m;
	char written[kafka_marker_text_max], id[32];
	uint64_t instance = 1;
	look_at((struct str){(const char *)data, size}, &m);
	if (size >= sizeof(instance))
		memcpy(&instance, data, sizeof(instance));
	struct str checkpoint = some_id(data, size, id);
	kafka_marker_write(instance, checkpoint, written, sizeof(written));
	size_t len = strlen(written);
	look_at((struct str){written, len}, &m);
	check(m.instance == instance && str_eq(str_c(m.checkpoint), checkpoint));
	check(strncmp(m.writer, "host ", 5) == 0);
	/* some of it is damaged */
	for (size_t i = 0; i + 1 < size; i += 2)
		written[data[i] % len] = (char)data[i + 1];
	look_at((struct str){written, len}, &m);
	return 0;
}
