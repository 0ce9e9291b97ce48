/*
 * Keys and values of messages, any bytes (a line each: key, tab, value): the sniffer answers with
 * columns that are good DDL, or says why not; a schema block is read or refused.
 */
#include "base/arena.h"
#include "base/check.h"
#include "decode/connect_schema.h"
#include "decode/ddl.h"
#include "decode/envelope_look.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each text is a block of just its size: a byte read past its end is found. */
static struct str copied(const char *data, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	memcpy(copy, data, len);
	return (struct str){copy, len};
}

static void add_line(struct messages *m, const char *line, size_t len)
{
	const char *tab = memchr(line, '\t', len);
	size_t key = tab == NULL ? 0 : (size_t)(tab - line);
	size_t value = tab == NULL ? 0 : key + 1;
	m->key[m->count] = tab == NULL ? (struct str){NULL, 0} : copied(line, key);
	m->value[m->count] = copied(line + value, len - value);
	m->count++;
}

static void check_sample(const struct envelope_sample *sample, struct arena *arena)
{
	struct strbuf text;
	struct schema *again = NULL;
	struct error err;
	error_init(&err);
	strbuf_init(&text);
	for (uint32_t i = 0; i < sample->key_count; i++)
		check(schema_find(sample->schema, sample->key_columns[i]) >= 0);
	schema_text(sample->schema, &text);
	bool arrays = false;
	for (uint32_t i = 0; i < sample->schema->column_count; i++)
		arrays |= sample->schema->columns[i].type.id == TYPE_ARRAY;
	if (sample->schema->column_count > 0 && !arrays) {
		check(ddl_parse(strbuf_str(&text), arena, &again, &err) == 0);
		check(again->column_count == sample->schema->column_count);
	}
	strbuf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct messages m;
	const char *at = (const char *)data, *end = at + size;
	struct arena arena;
	struct error err;
	struct envelope_sample sample;
	struct connect_schema schema;
	arena_init(&arena, 4096);
	error_init(&err);
	m.count = 0;
	while (at < end && m.count < 64) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline == NULL ? end : newline;
		add_line(&m, at, (size_t)(stop - at));
		at = newline == NULL ? end : newline + 1;
	}
	struct envelope_sniffer *s = envelope_sniffer_open(
		size > 0 && data[0] < 6 ? (enum envelope_kind)data[0] : ENVELOPE_AUTO);
	check(envelope_sniff(s, &m, &err) == 0);
	if (envelope_sniffer_result(s, &arena, &sample, &err) == 0)
		check_sample(&sample, &arena);
	else
		check(err.text[0] != '\0');
	envelope_sniffer_close(s);
	for (uint32_t i = 0; i < m.count; i++) {
		struct str key_schema;
		connect_schema_parse(m.value[i], &arena, &schema, &err);
		envelope_key_payload(m.key[i], &key_schema);
		free((char *)(uintptr_t)m.key[i].data);
		free((char *)(uintptr_t)m.value[i].data);
	}
	arena_release(&arena);
	return 0;
}
