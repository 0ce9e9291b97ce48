/*
 * Change events, any bytes. The first byte chooses the envelope that the source says, then come a
 * key and a value, cut at the first zero byte. They are decoded among good events of every
 * envelope, three times by one decoder, by the plain kernel and one of the others:
 *
 *	the kernel gives the same rows as the plain one, which has neither templates nor fast lanes,
 *	so a learned shape gives what the generic walk gives
 *	a decoder that is told what the one before learned goes on as it would have
 *	columns that are absent are NULL, rows come from the message before or this one
 *	who follows what values show sees wider columns; without them the rows are the same
 */
#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/value.h"
#include "decode/ddl.h"
#include "decode/envelope.h"
#include "state/source_lore.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ddl[] =
	"id int, b boolean, s smallint, l bigint, f float, d double, m decimal(10,2), "
	"n string, y binary, a date, z timestamp, j json, v array<int>, __op string";
static const char *const kernels[] = {"scalar", "sse42", "avx2"};

/* The topic decides by itself what it is: one for each, so that all shapes are learned. */
static const char *const good[] = {
	"{\"before\":null,\"after\":{\"id\":1,\"n\":\"a\"},\"source\":{\"snapshot\":\"first\","
	"\"sequence\":\"[null,\\\"7\\\"]\",\"ts_us\":5},\"op\":\"r\"}",
	"{\"database\":\"s\",\"table\":\"t\",\"type\":\"update\",\"ts\":7,\"data\":{\"id\":1},"
	"\"old\":{\"id\":2}}",
	"{\"data\":[{\"id\":\"1\"},{\"id\":\"2\"}],\"old\":[{\"id\":\"3\"}],\"database\":\"s\","
	"\"table\":\"t\",\"isDdl\":false,\"type\":\"UPDATE\",\"es\":1}",
	"{\"op_type\":\"U\",\"before\":{\"id\":1},\"after\":{\"id\":2},\"pos\":\"12\","
	"\"table\":\"S.T\",\"primary_keys\":[\"id\"]}",
	"{\"id\":1,\"n\":\"x\"}",
};
/* Of the same shapes: what was steady changes. */
static const char *const better[] = {
	"{\"before\":null,\"after\":{\"id\":12,\"n\":\"b\"},\"source\":{\"snapshot\":\"false\","
	"\"sequence\":\"[null,\\\"8\\\"]\",\"ts_us\":55},\"op\":\"c\"}",
	"{\"database\":\"s\",\"table\":\"t\",\"type\":\"update\",\"ts\":71,\"data\":{\"id\":1},"
	"\"old\":{\"id\":2}}",
	"{\"data\":[{\"id\":\"1\"},{\"id\":\"4\"}],\"old\":[{\"id\":\"3\"}],\"database\":\"s\","
	"\"table\":\"t\",\"isDdl\":false,\"type\":\"UPDATE\",\"es\":15}",
	"{\"op_type\":\"U\",\"before\":{\"id\":1},\"after\":{\"id\":2},\"pos\":\"123\","
	"\"table\":\"S.T\",\"primary_keys\":[\"id\"]}",
	"{\"id\":1,\"n\":\"y\"}",
};
static const char *const topics[] = {"debezium", "maxwell", "canal", "ogg", "flat", "fuzz"};

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
	arena_init(&chunk_arena, 4 * 1024 * 1024);
	check(ddl_parse(str_lit(ddl), &plan_arena, &schema, &err) == 0);
}

static void add_row(const struct chunk *c, uint32_t row, struct strbuf *out)
{
	check(c->changes->op[row] < change_op_count);
	strbuf_addf(out, "%u %s %d|", chunk_message(c, row),
		change_op_name((enum change_op)c->changes->op[row]), c->changes->key_change[row]);
	for (uint32_t i = 0; i < schema->column_count; i++) {
		struct value v = value_from_column(&c->columns[i], schema->columns[i].type, row);
		check(c->absent == NULL || v.is_null || !bit_get(c->absent[i], row));
		if (v.is_null)
			strbuf_add_c(out, "NULL");
		else
			value_text(&v, VALUE_JSON, NULL, out);
		strbuf_add_byte(out, '|');
	}
	strbuf_add(out, c->changes->source[row]);
	strbuf_add(out, c->changes->before[row]);
	strbuf_addf(out, "%lld\n", (long long)c->changes->event_time_us[row]);
}

static void put(uint32_t m, const char *topic, struct str key, struct str value)
{
	messages.topic[m] = str_c(topic);
	messages.offset[m] = m;
	messages.timestamp_us[m] = -1;
	messages.key[m] = key;
	messages.value[m] = value;
}

/* Good events of each envelope, each followed by the one in question in that topic. */
static void put_all(struct str key, struct str value)
{
	uint32_t m = 0;
	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		for (size_t k = 0; i < ARRAY_LEN(good) && k < 4; k++)
			put(m++, topics[i], str_lit("{\"id\":1}"),
				str_c(k == 2 ? better[i] : good[i]));
		put(m++, topics[i], key, value);
	}
	messages.count = m;
	messages.arena = &chunk_arena;
}

static void check_wider(const struct envelope_decoder *d)
{
	const struct schema *wider = envelope_wider(d);
	bool changed = wider->column_count > schema->column_count;
	check(wider->column_count >= schema->column_count);
	for (uint32_t i = 0; i < schema->column_count; i++) {
		check(str_eq(wider->columns[i].name, schema->columns[i].name));
		changed = changed || !type_eq(wider->columns[i].type, schema->columns[i].type);
	}
	check(changed);
}

static void decode(struct envelope_decoder *d, struct strbuf *out)
{
	struct error err;
	uint32_t next = 0, changes = 0;
	int more = 1;
	while (more == 1 || more == ENVELOPE_WIDER) {
		struct chunk *c = NULL;
		error_init(&err);
		more = envelope_decode(d, &messages, &next, NULL, &c, &err);
		check(more >= 0);
		if (more == ENVELOPE_WIDER) {
			check_wider(d);
			envelope_leave_out(d, LEAVE_OUT_THESE);
			check(++changes <= 100 * messages.count);
		}
		for (uint32_t row = 0; row < c->row_count; row++)
			if (bit_get(c->live, row))
				add_row(c, row, out);
	}
	check(next == messages.count);
}

/* Through records, as a checkpoint has them. */
static struct envelope_decoder *take_over(
	const struct envelope_config *config, struct envelope_decoder *old)
{
	struct strbuf records;
	struct error err;
	struct source_lore *told = source_lore_open(), *kept = source_lore_open();
	struct envelope_decoder *d = envelope_open(config);
	strbuf_init(&records);
	source_lore_gather(told, 7, old);
	source_lore_write(told, 7, &records);
	check(source_lore_read(kept, strbuf_str(&records), &err) == 0);
	source_lore_recall(kept, 7, d);
	source_lore_close(told);
	source_lore_close(kept);
	strbuf_release(&records);
	envelope_close(old);
	return d;
}

enum decode_how { DECODE_PLAINLY, DECODE_FOLLOWING, DECODE_IN_TURNS };

static void decode_by(const char *kernel, enum envelope_kind kind, enum decode_how how,
	struct strbuf *first)
{
	struct strbuf text;
	bool follows = how == DECODE_FOLLOWING;
	strbuf_init(&text);
	setenv("CDCL_SIMD", kernel, 1);
	struct envelope_config config = {.kind = kind,
		.json = {.schema = schema, .corrupt_column = -1, .clock = &fixed_clock.clock},
		.changes = true,
		.schema_auto = follows,
		.by_values = follows,
		.key = {.count = 1, .columns = {0}}};
	struct envelope_decoder *d = envelope_open(&config);
	for (int round = 0; round < 3; round++) {
		arena_reset(&chunk_arena);
		decode(d, &text);
		if (how == DECODE_IN_TURNS)
			d = take_over(&config, d);
	}
	if (first->len == 0)
		strbuf_add(first, strbuf_str(&text));
	else
		check(str_eq(strbuf_str(first), strbuf_str(&text)));
	envelope_close(d);
	strbuf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	if (!ready)
		set_up();
	ready = true;
	if (size < 1)
		return 0;
	enum envelope_kind kind = (enum envelope_kind)(data[0] % (ENVELOPE_OGG + 1));
	/* blocks of just their size, so that a byte read past them is seen */
	const uint8_t *cut = memchr(data + 1, 0, size - 1);
	size_t key_len = cut == NULL ? 0 : (size_t)(cut - data - 1);
	size_t value_len = cut == NULL ? size - 1 : size - 2 - key_len;
	char *key = malloc(key_len + 1), *value = malloc(value_len + (value_len == 0));
	check(key != NULL && value != NULL);
	memcpy(key, data + 1, key_len);
	memcpy(value, data + size - value_len, value_len);
	put_all((struct str){cut == NULL ? NULL : key, key_len}, (struct str){value, value_len});
	struct strbuf first;
	strbuf_init(&first);
	const char *kernel = kernels[data[0] / (ENVELOPE_OGG + 1) % ARRAY_LEN(kernels)];
	decode_by("plain", kind, DECODE_PLAINLY, &first);
	decode_by(kernel, kind, DECODE_PLAINLY, &first);
	decode_by(kernel, kind, DECODE_FOLLOWING, &first);
	decode_by(kernel, kind, DECODE_IN_TURNS, &first);
	strbuf_release(&first);
	free(key);
	free(value);
	return 0;
}
