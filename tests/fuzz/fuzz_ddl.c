/*
 * Schemas, any bytes: parsed or refused with a text and a caret within the line; what parses prints
 * as DDL that parses.
 */
#include "base/arena.h"
#include "base/check.h"
#include "decode/ddl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct error err;
	struct schema *schema, *again;
	arena_init(&arena, 4096);
	error_init(&err);
	char *copy = malloc(size + 1);
	memcpy(copy, data, size);
	if (ddl_parse((struct str){copy, size}, &arena, &schema, &err) == 0) {
		struct strbuf text;
		strbuf_init(&text);
		schema_text(schema, &text);
		check(ddl_parse(strbuf_str(&text), &arena, &again, &err) == 0);
		check(again->column_count == schema->column_count);
		strbuf_release(&text);
	} else {
		check(err.text[0] != '\0');
		check(err.caret_start < (int)sizeof(err.source_line));
	}
	struct type type;
	error_init(&err);
	if (ddl_parse_type((struct str){copy, size}, &arena, &type, &err) < 0)
		check(err.text[0] != '\0');
	free(copy);
	arena_release(&arena);
	return 0;
}
