/*
 * JSON into columns, any bytes. The first byte chooses mode and strictness, the rest is a message.
 * It is decoded three times by one decoder, among good ones, so that a learned shape meets it too:
 * every time it must give the same row.
 */
#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/value.h"
#include "decode/ddl.h"
#include "decode/json_decode.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ddl[] = "id int, b boolean, t tinyint, s smallint, l bigint, f float, d double, "
	"m decimal(10,2), n string, y binary, a date, z timestamp, j json";

static struct arena plan_arena;
static struct arena chunk_arena;
static struct schema *schema;
static struct messages messages;

static void set_up(void)
{
	struct error err;
	error_init(&err);
	log_init(&clock_system, LOG_NONE, false);
	arena_init(&plan_arena, 64 * 1024);
	arena_init(&chunk_arena, 64 * 1024);
	check(ddl_parse(str_lit(ddl), &plan_arena, &schema, &err) == 0);
}

static void row_text(const struct chunk *c, uint32_t row, struct strbuf *out)
{
	strbuf_add_c(out, bit_get(c->live, row) ? "+" : "-");
	for (uint32_t i = 0; i < schema->column_count; i++) {
		struct value v = value_from_column(&c->columns[i], schema->columns[i].type, row);
		value_text(&v, VALUE_JSON, NULL, out);
		strbuf_add_c(out, "|");
	}
}

static void put(uint32_t row, struct str value)
{
	messages.topic[row] = str_lit("fuzz");
	messages.offset[row] = row;
	messages.timestamp_us[row] = -1;
	messages.value[row] = value;
}

static void decode(struct json_decoder *decoder, struct str value)
{
	static const char good[] = "{\"id\":1,\"n\":\"x\",\"l\":2,\"d\":1.5}";
	const uint32_t rows[] = {0, 2, 3};
	struct dead_letters dead;
	struct error err;
	dead_letters_init(&dead, &clock_system);
	error_init(&err);
	messages.count = 4;
	messages.arena = &chunk_arena;
	put(0, value);
	put(1, str_lit(good));
	put(2, value);
	put(3, value);
	struct chunk *chunk;
	if (json_decode(decoder, &messages, &dead, &chunk, &err) < 0) {
		check(err.text[0] != '\0');
		return;
	}
	struct strbuf first, other;
	strbuf_init(&first);
	strbuf_init(&other);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf *out = i == 0 ? &first : &other;
		out->len = 0;
		row_text(chunk, rows[i], out);
		check(i == 0 || str_eq(strbuf_str(&first), strbuf_str(&other)));
	}
	strbuf_release(&first);
	strbuf_release(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	if (!ready)
		set_up();
	ready = true;
	if (size == 0)
		return 0;
	struct json_config config = {.schema = schema,
		.mode = (enum json_mode)(data[0] % 3),
		.strict = (data[0] & 0x40) != 0,
		.corrupt_column = -1,
		.clock = &clock_system};
	struct json_decoder *decoder = json_decoder_open(&config);
	/* A copy of just its size: reading past the end is seen. */
	char *copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	struct str value = {copy, size - 1};
	decode(decoder, value);
	decode(decoder, value);
	json_decoder_close(decoder);
	free(copy);
	arena_reset(&chunk_arena);
	return 0;
}
