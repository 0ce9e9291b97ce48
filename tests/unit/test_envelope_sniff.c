/* What first messages tell: envelope, columns, key, op column; schema blocks type by type. */

#include "base/arena.h"
#include "decode/connect_schema.h"
#include "decode/envelope_look.h"
#include "decode/envelope_sniff_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct arena arena;

/* "key<TAB>value" lines, null for none; the answer as one line of text. */
static struct str sniff(enum envelope_kind kind, const char *const *lines)
{
	static struct messages m;
	struct envelope_sample sample;
	struct error err;
	error_init(&err);
	struct envelope_sniffer *s = envelope_sniffer_open(kind);
	for (m.count = 0; lines[m.count] != NULL; m.count++) {
		struct str line = str_c(lines[m.count]);
		const char *tab = memchr(line.data, '\t', line.len);
		assert_non_null(tab);
		struct str key = {line.data, (size_t)(tab - line.data)};
		struct str value = str_c(tab + 1);
		m.key[m.count] = str_eq(key, str_lit("-")) ? (struct str){NULL, 0} : key;
		m.value[m.count] = str_eq(value, str_lit("-")) ? (struct str){NULL, 0} : value;
	}
	assert_int_equal(envelope_sniff(s, &m, &err), 0);
	struct strbuf text;
	strbuf_init(&text);
	if (envelope_sniffer_result(s, &arena, &sample, &err) < 0) {
		strbuf_add_c(&text, err.text);
	} else {
		strbuf_addf(&text, "%s(", envelope_name(sample.kind));
		schema_text(sample.schema, &text);
		strbuf_add_c(&text, ") key");
		for (uint32_t i = 0; i < sample.key_count; i++)
			strbuf_addf(&text, " " STR_FMT, STR_ARG(sample.key_columns[i]));
		if (sample.op_column.data != NULL)
			strbuf_addf(&text, " op " STR_FMT, STR_ARG(sample.op_column));
		if (sample.table.data != NULL)
			strbuf_addf(&text, " table " STR_FMT " of %u", STR_ARG(sample.table),
				sample.table_count);
	}
	struct str answer = str_dup(strbuf_str(&text), &arena);
	strbuf_release(&text);
	envelope_sniffer_close(s);
	return answer;
}

#define SAYS(kind, answer, ...)                                                                    \
	assert_string_equal(sniff(kind, (const char *[]){__VA_ARGS__, NULL}).data, answer)

static void flat(void **state)
{
	(void)state;
	SAYS(ENVELOPE_AUTO,
		"flat(order_id bigint, quantity bigint, op string) key order_id op op",
		"1001\t{\"order_id\":1001,\"quantity\":1001,\"op\":\"insert\"}",
		"1002\t{\"order_id\":1002,\"quantity\":2,\"op\":\"delete\"}");
	SAYS(ENVELOPE_AUTO, "flat(a bigint, b string) key b",
		"x\t{\"a\":1,\"b\":\"x\"}", "\"y\"\t{\"a\":1,\"b\":\"y\"}");
	SAYS(ENVELOPE_AUTO, "flat(v string, id bigint, r string) key id r",
		"{\"id\":1,\"r\":\"eu\"}\t{\"v\":\"one\"}", "{\"id\":2,\"r\":\"us\"}\t-");
	SAYS(ENVELOPE_AUTO,
		"flat(a bigint, action string) key", "-\t{\"a\":1,\"action\":\"stop\"}");
	SAYS(ENVELOPE_AUTO, "flat(a bigint, action string) key op action",
		"-\t{\"a\":1,\"action\":\"UPDATE\"}");
	SAYS(ENVELOPE_AUTO,
		"flat(n bigint, f double, b boolean, s string, o json, d date, t timestamp, "
		"x string, l json, e bigint) key",
		"-\t{\"n\":-9223372036854775808,\"f\":1,\"b\":true,\"s\":null,\"o\":{},"
		"\"d\":\"2024-02-29\",\"t\":\"2024-02-29T10:00:00+02:00\",\"x\":\"2024-02-29\","
		"\"l\":[1],\"\\u0065\":1}",
		"-\t{\"f\":1.5,\"x\":\"later\"}");
	SAYS(ENVELOPE_FLAT, "flat(before string, after json, op string) key op op",
		"-\t{\"before\":null,\"after\":{\"id\":1},\"op\":\"c\"}");
}

static void debezium(void **state)
{
	(void)state;
	SAYS(ENVELOPE_AUTO, "debezium(id bigint, name string) key id table t of 1",
		"{\"serverName\":\"s\"}\t{\"ts_ms\":1}",
		"{\"id\":1}\t{\"before\":null,\"after\":{\"id\":1,\"name\":"
		"\"__debezium_unavailable_value\"},\"source\":{\"table\":\"t\"},\"op\":\"c\"}",
		"{\"id\":1}\t{\"before\":{\"id\":1},\"after\":null,\"source\":{\"table\":\"t\"},"
		"\"op\":\"d\"}",
		"{\"id\":1}\t-");
	SAYS(ENVELOPE_AUTO, "debezium(id bigint, name string) key id",
		"{\"id\":1}\t{\"id\":1,\"name\":\"a\",\"__deleted\":\"false\",\"__lsn\":7}",
		"{\"id\":1}\tnull");
	SAYS(ENVELOPE_DEBEZIUM, "debezium(id bigint) key id", "{\"id\":1}\t{\"id\":1}");
	/* Oracle's NUMBER; and an hstore whose placeholder is no text of its own */
	SAYS(ENVELOPE_AUTO, "debezium(ID string, H json) key ID table t of 1",
		"{\"ID\":{\"scale\":0,\"value\":\"AQ==\"}}\t{\"op\":\"c\",\"after\":{\"ID\":"
		"{\"scale\":0,\"value\":\"AQ==\"},\"H\":{\"a\":1}},\"source\":{\"table\":\"t\"}}");
	SAYS(ENVELOPE_AUTO, "debezium(a bigint, n double) key table t of 1",
		"-\t{\"op\":\"c\",\"after\":{\"a\":1,\"n\":\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1"
		"ZQ==\"},\"source\":{\"table\":\"t\"}}",
		"-\t{\"op\":\"c\",\"after\":{\"a\":1,\"n\":0.5},\"source\":{\"table\":\"t\"}}");
	SAYS(ENVELOPE_AUTO, "flat(d json) key", "-\t{\"d\":{\"scale\":0,\"value\":\"AQ==\"}}");
	SAYS(ENVELOPE_AUTO, "debezium(b string, a bigint) key b a table t of 2",
		"-\t{\"op\":\"c\",\"after\":{\"z\":1},\"source\":{\"table\":\"u\"}}",
		"{\"b\":\"x\",\"a\":1}\t{\"op\":\"c\",\"after\":{\"b\":\"x\",\"a\":1},"
		"\"source\":{\"table\":\"t\"}}",
		"{\"b\":\"y\",\"a\":1}\t{\"op\":\"c\",\"after\":{\"b\":\"y\",\"a\":1},"
		"\"source\":{\"table\":\"t\"}}");
	SAYS(ENVELOPE_AUTO,
		"none of the first 3 messages has a row: 1 tombstones, 1 without a row "
		"(heartbeats, DDL), 0 of another envelope, 1 that are no JSON object",
		"-\t-", "-\t[1]",
		"-\t{\"status\":\"BEGIN\",\"id\":\"1\",\"event_count\":null,"
		"\"data_collections\":null,\"ts_ms\":1}");
	SAYS(ENVELOPE_MAXWELL,
		"none of the first 1 messages has a row: 0 tombstones, 0 without a row "
		"(heartbeats, DDL), 1 of another envelope, 0 that are no JSON object",
		"-\t{\"a\":1}");
}

#define SCHEMA(fields) "{\"type\":\"struct\",\"fields\":[" fields "],\"field\":\"after\"}"
#define WRAPPED(fields, row)                                                                       \
	"{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"fields\":[]," \
	"\"field\":\"before\"}," SCHEMA(fields) "]},\"payload\":{\"before\":null," \
	"\"after\":" row ",\"source\":{\"table\":\"t\"},\"op\":\"c\"}}"
#define DECIMAL(p, s)                                                                              \
	"\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"parameters\":" \
	"{\"scale\":\"" s "\",\"connect.decimal.precision\":\"" p "\"}"

static void schema_in_message(void **state)
{
	(void)state;
	SAYS(ENVELOPE_AUTO,
		"debezium(id int, price decimal(12,4), qty bigint, gone string, color string) key "
		"id table t of 1",
		"{\"schema\":{\"type\":\"struct\"},\"payload\":{\"id\":1}}\t" WRAPPED(
			"{\"type\":\"int32\",\"field\":\"id\"},{" DECIMAL("10", "2")
			",\"field\":\"price\"},{\"type\":\"int32\",\"field\":\"qty\"},"
			"{\"type\":\"string\",\"field\":\"gone\"}",
			"{\"id\":1,\"price\":\"AA==\"}"),
		"-\t" WRAPPED("{\"type\":\"int32\",\"field\":\"id\"},{" DECIMAL("12", "4")
			",\"field\":\"price\"},{\"type\":\"int64\",\"field\":\"qty\"},"
			"{\"type\":\"string\",\"field\":\"color\"}", "{\"id\":1}"));
	/* a schema is enough, also when the first event has no row */
	SAYS(ENVELOPE_AUTO, "debezium(id int) key table t of 1",
		"-\t" WRAPPED("{\"type\":\"int32\",\"field\":\"id\"}", "null"));
	/* unwrapped: the schema is the row's, without Debezium's own fields */
	SAYS(ENVELOPE_AUTO, "debezium(id int) key",
		"-\t{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"field\":"
		"\"id\"},{\"type\":\"string\",\"field\":\"__op\"}]},\"payload\":{\"id\":1}}");
}

static void connect_types(void **state)
{
	(void)state;
	static const struct {
		const char *field;
		const char *type;
		enum connect_form form;
	} cases[] = {
		{"\"type\":\"int8\"", "tinyint", CONNECT_PLAIN},
		{"\"type\":\"int16\"", "smallint", CONNECT_PLAIN},
		{"\"type\":\"float\"", "float", CONNECT_PLAIN},
		{"\"type\":\"double\"", "double", CONNECT_PLAIN},
		{"\"type\":\"boolean\"", "boolean", CONNECT_PLAIN},
		{"\"type\":\"bytes\"", "binary", CONNECT_BYTES},
		{DECIMAL("38", "10"), "decimal(38,10)", CONNECT_DECIMAL},
		{DECIMAL("65", "30"), "string", CONNECT_DECIMAL},
		{DECIMAL("20", "0"), "decimal(20,0)", CONNECT_DECIMAL},
		{"\"type\":\"int32\",\"name\":\"io.debezium.time.Date\"", "date", CONNECT_DAYS},
		{"\"type\":\"int64\",\"name\":\"io.debezium.time.Timestamp\"", "timestamp",
			CONNECT_MILLIS},
		{"\"type\":\"int64\",\"name\":\"io.debezium.time.MicroTimestamp\"", "timestamp",
			CONNECT_MICROS},
		{"\"type\":\"int64\",\"name\":\"io.debezium.time.NanoTimestamp\"", "timestamp",
			CONNECT_NANOS},
		{"\"type\":\"string\",\"name\":\"io.debezium.time.ZonedTimestamp\"", "timestamp",
			CONNECT_TEXT},
		{"\"type\":\"int32\",\"name\":\"io.debezium.time.Time\"", "bigint", CONNECT_MILLIS},
		{"\"type\":\"int64\",\"name\":\"io.debezium.time.MicroDuration\"", "bigint",
			CONNECT_MICROS},
		{"\"type\":\"int32\",\"name\":\"io.debezium.time.Year\"", "int", CONNECT_PLAIN},
		{"\"type\":\"string\",\"name\":\"io.debezium.data.Json\"", "json", CONNECT_PLAIN},
		{"\"type\":\"string\",\"name\":\"io.debezium.data.Uuid\"", "string", CONNECT_PLAIN},
		{"\"type\":\"bytes\",\"name\":\"io.debezium.data.Bits\"", "binary", CONNECT_BYTES},
		{"\"type\":\"struct\",\"name\":\"io.debezium.data.VariableScaleDecimal\"", "string",
			CONNECT_VARIABLE},
		{"\"type\":\"struct\",\"name\":\"io.debezium.data.geometry.Point\"", "json",
			CONNECT_PLAIN},
		{"\"type\":\"map\"", "json", CONNECT_PLAIN},
		{"\"type\":\"array\",\"items\":{\"type\":\"int32\"}", "array<int>", CONNECT_PLAIN},
		{"\"type\":\"array\",\"items\":{" DECIMAL("10", "2") "}", "array<decimal(10,2)>",
			CONNECT_PLAIN},
		{"\"type\":\"array\",\"items\":{\"type\":\"array\"}", "json", CONNECT_PLAIN},
		{"\"type\":\"unheard of\"", "json", CONNECT_PLAIN},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct connect_schema s;
		struct str text = str_printf(&arena,
			"{\"type\":\"struct\",\"fields\":[{%s,\"field\":\"\\u0061\"}]}",
			cases[i].field);
		assert_int_equal(connect_schema_parse(text, &arena, &s, NULL), 0);
		assert_int_equal(s.count, 1);
		assert_true(str_eq(s.fields[0].name, str_lit("a")));
		struct strbuf type;
		strbuf_init(&type);
		type_name(s.fields[0].type, &type);
		if (!str_eq(strbuf_str(&type), str_c(cases[i].type)))
			fail_msg("%s: " STR_FMT ", not %s", cases[i].field,
				STR_ARG(strbuf_str(&type)), cases[i].type);
		assert_int_equal(s.fields[0].form, cases[i].form);
		strbuf_release(&type);
	}
}

static void others(void **state)
{
	(void)state;
	SAYS(ENVELOPE_AUTO, "maxwell(id bigint, name string) key id table t of 1",
		"{\"database\":\"s\",\"table\":\"t\",\"pk.id\":1}\t{\"database\":\"s\",\"table\":"
		"\"t\",\"type\":\"insert\",\"ts\":1,\"data\":{\"id\":1,\"name\":\"a\"}}",
		"-\t{\"type\":\"table-alter\",\"database\":\"s\",\"table\":\"t\",\"ts\":1,"
		"\"sql\":\"\"}",
		"-\t{\"database\":\"s\",\"table\":\"t\",\"type\":\"bootstrap-start\",\"ts\":1,"
		"\"data\":{}}");
	SAYS(ENVELOPE_AUTO, "maxwell(id bigint) key id table t of 1",
		"-\t{\"database\":\"s\",\"table\":\"t\",\"type\":\"insert\",\"ts\":1,"
		"\"primary_key_columns\":[\"id\"],\"data\":{\"id\":1}}");
	SAYS(ENVELOPE_AUTO,
		"canal(id int, big decimal(20,0), weight float, price decimal(10,2), at timestamp, "
		"note string) key id table t of 1",
		"-\t{\"data\":[{\"id\":\"1\",\"big\":\"5\",\"weight\":\"5.1\",\"price\":\"2.50\","
		"\"at\":\"2024-01-01 00:00:00\",\"note\":null}],\"database\":\"d\",\"table\":\"t\","
		"\"pkNames\":[\"id\"],\"isDdl\":false,\"type\":\"INSERT\",\"mysqlType\":{\"id\":"
		"\"int(11)\",\"big\":\"bigint(20) UNSIGNED\",\"weight\":\"FLOAT\",\"price\":"
		"\"decimal(10,2)\",\"at\":\"datetime\",\"note\":\"varchar(20)\"}}",
		"-\t{\"data\":null,\"database\":\"d\",\"table\":\"t\",\"isDdl\":true,\"type\":"
		"\"ALTER\",\"sql\":\"alter table t\"}");
	SAYS(ENVELOPE_AUTO, "ogg(id bigint, v string) key id table T of 1",
		"-\t{\"table\":\"T\",\"op_type\":\"I\",\"op_ts\":\"2020-01-01 00:00:00\","
		"\"primary_keys\":[\"id\"],\"after\":{\"id\":1,\"v\":\"a\"}}",
		"-\t{\"table\":\"T\",\"op_type\":\"D\",\"op_ts\":\"2020-01-01 00:00:00\","
		"\"primary_keys\":[\"id\"],\"before\":{\"id\":1,\"v\":\"a\"}}");
}

/* A word says what has no row; names alone do not. */
static void looks(void **state)
{
	(void)state;
#define TABLE_TS "\"database\":\"d\",\"table\":\"t\",\"ts\":1"
	static const struct {
		const char *text;
		enum envelope_kind kind;
		enum look_content content;
	} cases[] = {
		{"{" TABLE_TS ",\"type\":\"insert\",\"data\":{}}", ENVELOPE_MAXWELL, LOOK_ROWS},
		{"{" TABLE_TS ",\"type\":\"delete\",\"data\":null}", ENVELOPE_MAXWELL, LOOK_ROWS},
		{"{" TABLE_TS ",\"type\":\"bootstrap-start\"}", ENVELOPE_MAXWELL, LOOK_CONTROL},
		{"{" TABLE_TS ",\"type\":\"bootstrap-complete\",\"data\":{}}", ENVELOPE_MAXWELL,
			LOOK_CONTROL},
		{"{" TABLE_TS ",\"type\":\"table-drop\"}", ENVELOPE_MAXWELL, LOOK_CONTROL},
		{"{\"type\":\"database-create\",\"database\":\"d\",\"ts\":1,\"sql\":\"\"}",
			ENVELOPE_MAXWELL, LOOK_CONTROL},
		{"{" TABLE_TS ",\"type\":\"insert\"}", ENVELOPE_FLAT, LOOK_ROWS},
		{"{" TABLE_TS ",\"type\":\"slow\",\"data\":{}}", ENVELOPE_FLAT, LOOK_ROWS},
		{"{\"type\":\"table-drop\",\"database\":\"d\",\"ts\":1}", ENVELOPE_FLAT, LOOK_ROWS},
		{"{" TABLE_TS ",\"type\":\"INSERT\",\"data\":[]}", ENVELOPE_CANAL, LOOK_ROWS},
		{"{" TABLE_TS ",\"type\":\"slow\",\"data\":[]}", ENVELOPE_FLAT, LOOK_ROWS},
		{"{" TABLE_TS ",\"type\":\"UPDATE\",\"isDdl\":false,\"data\":null}", ENVELOPE_CANAL,
			LOOK_ROWS},
		{"{" TABLE_TS ",\"type\":\"QUERY\",\"isDdl\":false,\"data\":null}", ENVELOPE_CANAL,
			LOOK_CONTROL},
		{"{" TABLE_TS ",\"type\":\"CREATE\",\"isDdl\":true,\"data\":null}", ENVELOPE_CANAL,
			LOOK_CONTROL},
		{"{\"status\":\"END\",\"event_count\":1,\"data_collections\":[]}",
			ENVELOPE_DEBEZIUM, LOOK_CONTROL},
		{"{\"status\":\"on\",\"event_count\":1,\"data_collections\":[]}", ENVELOPE_FLAT,
			LOOK_ROWS},
		{"{\"status\":\"END\",\"event_count\":1,\"ts_ms\":1}", ENVELOPE_FLAT, LOOK_ROWS},
		{"{\"op\":\"t\",\"source\":{}}", ENVELOPE_DEBEZIUM, LOOK_ROWS},
		{"{\"op\":\"c\",\"source\":{},\"after\":null}", ENVELOPE_DEBEZIUM, LOOK_ROWS},
		{"{\"op\":\"m\",\"source\":{},\"message\":{}}", ENVELOPE_DEBEZIUM, LOOK_CONTROL},
		{"{\"op\":\"c\",\"source\":{}}", ENVELOPE_FLAT, LOOK_ROWS},
		{"{\"source\":{},\"databaseName\":\"d\",\"ddl\":null}", ENVELOPE_DEBEZIUM,
			LOOK_CONTROL},
		{"{\"source\":{},\"ddl\":\"x\"}", ENVELOPE_FLAT, LOOK_ROWS},
		{"{\"op_type\":\"I\",\"op_ts\":\"\",\"after\":null}", ENVELOPE_OGG, LOOK_ROWS},
		{"{\"op_type\":\"PK\",\"after\":{\"id\":1}}", ENVELOPE_OGG, LOOK_ROWS},
		{"{\"op_type\":\"T\",\"op_ts\":\"\"}", ENVELOPE_OGG, LOOK_ROWS},
		{"{\"op_type\":\"K\",\"primary_keys\":[]}", ENVELOPE_AUTO, LOOK_NOT_READ},
		{"{\"op_type\":\"on\",\"op_ts\":\"\"}", ENVELOPE_FLAT, LOOK_ROWS},
		{"{\"type\":\"WATERMARK\",\"commitTs\":1,\"buildTs\":2}", ENVELOPE_AUTO,
			LOOK_NOT_READ},
		{"{\"type\":\"WATERMARK\",\"commitTs\":1}", ENVELOPE_FLAT, LOOK_ROWS},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct envelope_look l;
		envelope_look(str_c(cases[i].text), &l);
		if (l.kind != cases[i].kind || l.content != cases[i].content)
			fail_msg("%s: %s, content %d", cases[i].text, envelope_name(l.kind),
				(int)l.content);
	}
	SAYS(ENVELOPE_AUTO,
		"the first 1 messages are not read: an event of TiCDC's simple protocol",
		"-\t{\"type\":\"WATERMARK\",\"commitTs\":1,\"buildTs\":2}");
	SAYS(ENVELOPE_FLAT, "flat(op_type string, op_ts string, id bigint) key op op_type",
		"-\t{\"op_type\":\"I\",\"op_ts\":\"now\",\"id\":1}");
}

/* Each name leads to a field of its own: they are found by halving, so their order counts. */
static void names_of_fields(void **state)
{
	(void)state;
	static const char *const names[] = {"before", "after", "op", "source", "type", "data",
		"old", "database", "table", "ts", "isDdl", "pkNames", "mysqlType", "sqlType",
		"primary_key_columns", "primary_keys", "op_type", "op_ts", "ts_ms", "status",
		"event_count", "ddl", "message", "__deleted", "__op", "commitTs", "buildTs",
		"databaseName", "data_collections"};
	bool found[look_field_count] = {false};
	assert_int_equal(sizeof(names) / sizeof(names[0]), look_field_count);
	for (size_t i = 0; i < look_field_count; i++) {
		char text[64];
		struct envelope_look l;
		snprintf(text, sizeof(text), "{\"%s\":17}", names[i]);
		envelope_look(str_c(text), &l);
		for (size_t f = 0; f < look_field_count; f++)
			found[f] |= str_eq(l.fields[f], str_lit("17"));
	}
	for (size_t f = 0; f < look_field_count; f++)
		assert_true(found[f]);
}

static void broken(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "{", "{}", "{\"a\":", "{\"a\":1", "{\"a\":1,}",
		"{\"schema\":{\"type\":1},\"payload\":{", "[", "nul", "\xff", "{\"a\":1}x"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct envelope_look l;
		envelope_look(str_c(texts[i]), &l);
		bool object = strcmp(texts[i], "{}") == 0 || strcmp(texts[i], "{\"a\":1}x") == 0;
		assert_int_equal(l.content, object ? LOOK_ROWS : LOOK_UNREADABLE);
	}
	struct connect_schema s;
	static const char *const schemas[] = {"", "1", "{}", "{\"fields\":1}", "{\"fields\":[1]}",
		"{\"fields\":[{\"field\":1}]}"};
	for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++)
		assert_true(connect_schema_parse(str_c(schemas[i]), &arena, &s, NULL) < 0);
}

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena, 64 * 1024);
	return 0;
}

static int release_arena(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flat),
		cmocka_unit_test(debezium),
		cmocka_unit_test(schema_in_message),
		cmocka_unit_test(connect_types),
		cmocka_unit_test(others),
		cmocka_unit_test(looks),
		cmocka_unit_test(names_of_fields),
		cmocka_unit_test(broken),
	};
	return cmocka_run_group_tests(tests, open_arena, release_arena);
}
