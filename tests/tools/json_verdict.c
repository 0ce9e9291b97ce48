/*
 * Is it JSON? Reads frames from stdin, one verdict a line on stdout; for tests in other languages.
 *
 *	frame    decimal length, newline, that many bytes
 *	verdict  "strict default": each "ok" or the offset of the first wrong byte; then what a
 *	         decoder says of {"v":TEXT} in both modes: "row" or "bad"
 */

#include "base/check.h"
#include "decode/ddl.h"
#include "decode/json_decode.h"
#include "decode/json_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct json_decoder *decoders[2];

static void print_validate(struct str text, bool strict)
{
	size_t error_at;
	if (json_validate(text, strict, &error_at))
		printf("ok ");
	else
		printf("%zu ", error_at);
}

static const char *decode(struct json_decoder *d, struct str text, struct arena *arena)
{
	static struct messages in;
	struct chunk *c;
	struct error err;
	error_init(&err);
	int64_t before = json_decoder_counts(d)->malformed;
	in.count = 2; /* the second may go by a template */
	in.arena = arena;
	in.value[0] = in.value[1] = text;
	check(json_decode(d, &in, NULL, &c, &err) == 0);
	int64_t bad = json_decoder_counts(d)->malformed - before;
	return bad == 0 ? "row" : bad == 2 ? "bad" : "unsure";
}

static void print_verdicts(struct str text, struct arena *arena)
{
	print_validate(text, true);
	print_validate(text, false);
	struct str wrapped = str_printf(arena, "{\"v\":%*s}", (int)text.len, "");
	memcpy((char *)(uintptr_t)wrapped.data + 5, text.data, text.len);
	printf("%s ", decode(decoders[0], wrapped, arena));
	printf("%s\n", decode(decoders[1], wrapped, arena));
}

int main(void)
{
	struct arena plan, arena;
	struct schema *schema;
	struct error err;
	size_t len;
	error_init(&err);
	arena_init(&plan, 4096);
	arena_init(&arena, 1 << 16);
	check(ddl_parse(str_lit("k int, v json"), &plan, &schema, &err) == 0);
	for (int i = 0; i < 2; i++)
		decoders[i] = json_decoder_open(&(struct json_config){
			.schema = schema, .strict = i == 0, .corrupt_column = -1});
	while (scanf("%zu", &len) == 1 && getchar() == '\n') {
		char *bytes = malloc(len + 1);
		check(bytes != NULL && fread(bytes, 1, len, stdin) == len);
		print_verdicts((struct str){bytes, len}, &arena);
		free(bytes);
		arena_reset(&arena);
	}
	json_decoder_close(decoders[0]);
	json_decoder_close(decoders[1]);
	arena_release(&arena);
	arena_release(&plan);
	return 0;
}
