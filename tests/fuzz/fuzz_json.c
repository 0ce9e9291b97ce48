/*
 * JSON into columns, any bytes. The first byte chooses the mode, the rest is a message. It is
 * decoded among good ones by every kernel, strictly and not, more than once by one decoder:
 *
 *	a message gives the same row every time, whether by the generic reader or by a template
 *	all kernels give the same rows as the plain one, which has neither templates nor fast lanes
 *	what strict takes, default takes too, with the same values
 *	json_validate agrees with itself in the same way
 */
#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/value.h"
#include "decode/ddl.h"
#include "decode/json_decode.h"
#include "decode/json_scan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ddl[] =
	"id int, b boolean, t tinyint, s smallint, l bigint, f float, d double, "
	"m decimal(10,2), n string, y binary, a date, z timestamp, j json, _corrupt_record string";
static const char *const kernels[] = {"plain", "scalar", "sse42", "avx2"};

static struct arena plan_arena;
static struct arena chunk_arena;
static struct schema *schema;
static struct messages messages;
static struct clock_held fixed_clock;

static void set_up(void)
{
	struct error err;
	error_init(&err);
	clock_held_init(&fixed_clock, INT64_C(1700000000000000));
	log_init(&clock_system, LOG_NONE, false);
	arena_init(&plan_arena, 64 * 1024);
	arena_init(&chunk_arena, 64 * 1024);
	check(ddl_parse(str_lit(ddl), &plan_arena, &schema, &err) == 0);
}

static void row_text(const struct chunk *c, uint32_t row, struct strbuf *out)
{
	strbuf_reset(out);
	strbuf_add_c(out, bit_get(c->live, row) ? "+" : "-");
	for (uint32_t i = 0; i < schema->column_count; i++) {
		struct value v = value_from_column(&c->columns[i], schema->columns[i].type, row);
		if (v.is_null)
			strbuf_add_c(out, "NULL");
		else if (type_phys(v.type) == PHYS_STR)
			strbuf_add(out, v.as.str);
		else
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

/* The row's text, or the error's in failfast mode; checks that it is the same every time. */
static void decode(struct json_decoder *decoder, struct str value, struct strbuf *first)
{
	static const char good[] = "{\"id\":1,\"n\":\"x\",\"l\":2,\"d\":1.5}";
	struct error err;
	struct chunk *chunk;
	error_init(&err);
	messages.count = 4;
	messages.arena = &chunk_arena;
	put(0, value);
	put(1, str_lit(good));
	put(2, value);
	put(3, value);
	if (json_decode(decoder, &messages, NULL, &chunk, &err) < 0) {
		check(err.text[0] != '\0');
		strbuf_reset(first);
		strbuf_add_c(first, err.text);
		strbuf_add_c(first, err.help);
		return;
	}
	struct strbuf other;
	strbuf_init(&other);
	row_text(chunk, 0, first);
	for (uint32_t row = 2; row < 4; row++) {
		row_text(chunk, row, &other);
		check(str_eq(strbuf_str(first), strbuf_str(&other)));
	}
	strbuf_release(&other);
}

/* Decodes by one kernel; answers whether the message was an object, and any field unfit. */
static bool decode_by(
	const char *kernel, struct str value, enum json_mode mode, bool strict, struct strbuf *row)
{
	setenv("CDCL_SIMD", kernel, 1);
	struct json_config config = {.schema = schema,
		.mode = mode,
		.strict = strict,
		.corrupt_column = (int)schema->column_count - 1,
		.clock = &fixed_clock.clock};
	struct json_decoder *decoder = json_decoder_open(&config);
	decode(decoder, value, row);
	bool good = json_decoder_counts(decoder)->malformed == 0;
	decode(decoder, value, row);
	json_decoder_close(decoder);
	return good;
}

static void compare_kernels(struct str value, enum json_mode mode)
{
	struct strbuf rows[2], other;
	bool good[2];
	strbuf_init(&other);
	for (int strict = 0; strict < 2; strict++) {
		strbuf_init(&rows[strict]);
		good[strict] = decode_by(kernels[0], value, mode, strict == 1, &rows[strict]);
		for (size_t k = 1; k < ARRAY_LEN(kernels); k++) {
			check(decode_by(kernels[k], value, mode, strict == 1, &other) ==
				good[strict]);
			check(str_eq(strbuf_str(&rows[strict]), strbuf_str(&other)));
		}
	}
	check(!good[1] || (good[0] && str_eq(strbuf_str(&rows[0]), strbuf_str(&rows[1]))));
	strbuf_release(&rows[0]);
	strbuf_release(&rows[1]);
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
	/* A copy of just its size: reading past the end is seen. */
	char *copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	struct str value = {copy, size - 1};
	compare_kernels(value, (enum json_mode)(data[0] % 3));
	size_t strict_at, default_at;
	bool strict = json_validate(value, true, &strict_at);
	check(!strict || json_validate(value, false, &default_at));
	check(strict_at <= value.len);
	free(copy);
	arena_reset(&chunk_arena);
	return 0;
}
