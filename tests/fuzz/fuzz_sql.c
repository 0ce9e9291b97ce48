/*
 * SQL expressions, any bytes: compiled or refused with a text and a caret within the line; what
 * compiles runs over rows of every type, edge values among them, twice with the same result.
 */
#include "base/arena.h"
#include "base/bounds.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/value.h"
#include "decode/ddl.h"
#include "decode/json_decode.h"
#include "expr/aggregate_plan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ddl[] = "i int, b boolean, t tinyint, s smallint, l bigint, f float, d double, "
			  "m decimal(10,2), n string, y binary, a date, z timestamp, j json";

static const char *const rows[] = {
	"{\"i\":1,\"b\":true,\"t\":1,\"s\":2,\"l\":3,\"f\":1.5,\"d\":2.5,\"m\":1.25,\"n\":\"text\","
	"\"y\":\"AQI=\",\"a\":\"2024-01-31\",\"z\":\"2024-01-31T10:00:00Z\",\"j\":{\"x\":[1,2]}}",
	"{\"i\":2147483647,\"b\":false,\"t\":127,\"s\":32767,\"l\":9223372036854775807,\"f\":3e38,"
	"\"d\":1e308,\"m\":99999999.99,\"n\":\"12\",\"a\":\"9999-12-31\",\"j\":\"x\"}",
	"{\"i\":-2147483648,\"t\":-128,\"s\":-32768,\"l\":-9223372036854775808,\"f\":\"NaN\","
	"\"d\":\"-Infinity\",\"m\":-99999999.99,\"n\":\"\\u00e9\\ud83d\\ude00%_\",\"j\":null}",
	"{\"i\":0,\"l\":0,\"d\":-0.0,\"m\":0,\"n\":\"\",\"j\":[]}",
	"{}",
};

static struct arena plan_arena;
static struct arena chunk_arena;
static struct schema *schema;
static struct messages messages;
static struct json_decoder *decoder;

static void set_up(void)
{
	struct error err;
	error_init(&err);
	log_init(&clock_system, LOG_NONE, false);
	arena_init(&plan_arena, 64 * 1024);
	arena_init(&chunk_arena, 64 * 1024);
	check(ddl_parse(str_lit(ddl), &plan_arena, &schema, &err) == 0);
	struct json_config config = {
		.schema = schema, .corrupt_column = -1, .clock = &clock_system};
	decoder = json_decoder_open(&config);
	for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
		messages.topic[i] = str_lit("fuzz");
		messages.offset[i] = i;
		messages.value[i] = str_c(rows[i]);
	}
	messages.count = ARRAY_LEN(rows);
	messages.arena = &chunk_arena;
}

static void text_of(const struct expr *e, const struct chunk *chunk, struct strbuf *out)
{
	struct vector v;
	expr_eval(e, chunk, 1700000000000000, &v);
	for (uint32_t row = 0; row < chunk->row_count; row++) {
		if (v.faults != NULL && v.faults[row] != EXPR_FINE) {
			check(v.faults[row] < expr_fault_count);
			strbuf_add_c(out, "!|");
			continue;
		}
		struct value value = value_from_column(&v.column, v.type, row);
		value_text(&value, VALUE_CONSOLE, NULL, out);
		strbuf_add_c(out, "|");
	}
}

static void evaluate(const struct expr *e)
{
	struct dead_letters dead;
	struct error err;
	struct chunk *chunk;
	struct strbuf first, second;
	dead_letters_init(&dead, &clock_system);
	error_init(&err);
	strbuf_init(&first);
	strbuf_init(&second);
	check(json_decode(decoder, &messages, &dead, &chunk, &err) == 0);
	text_of(e, chunk, &first);
	text_of(e, chunk, &second);
	check(str_eq(strbuf_str(&first), strbuf_str(&second)));
	check(expr_name(e).len <= sql_text_bytes_max * 4);
	struct vector v;
	expr_eval(e, chunk, 1700000000000000, &v);
	check(expr_report(e, &v, chunk, &dead, &err) == 0);
	if (expr_type(e).id == TYPE_BOOLEAN)
		expr_filter(&v, chunk);
	strbuf_release(&first);
	strbuf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (decoder == NULL)
		set_up();
	struct arena arena;
	struct error err;
	struct expr *e;
	arena_init(&arena, 4096);
	error_init(&err);
	char *copy = malloc(size + 1);
	memcpy(copy, data, size);
	struct expr_scope scope = {.schema = schema, .metadata = true, .place = str_lit("fuzz:1")};
	if (expr_compile((struct str){copy, size}, &scope, &arena, &e, &err) == 0) {
		evaluate(e);
	} else {
		check(err.text[0] != '\0');
		check(err.caret_start < (int)sizeof(err.source_line));
	}
	struct aggregate_source source = {.text = {copy, size}};
	struct aggregate_plan *plan;
	error_init(&err);
	if (aggregate_compile(NULL, 0, &source, 1, &scope, &arena, &plan, &err) == 0)
		check(plan->schema->column_count == plan->output_count);
	else
		check(err.text[0] != '\0');
	free(copy);
	arena_release(&arena);
	arena_reset(&chunk_arena);
	return 0;
}
