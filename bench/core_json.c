/*
 * The JSON decoder alone: messages in memory to columns, nothing else.
 *
 *	bench_core_json [SHAPE [MESSAGES [ROUNDS]]]
 *
 *	SHAPE: orders (default) mixed miss types debezium flat change (bench_message.h)
 *
 * Prints messages, bytes and rates of the median round. For instructions per message run it under
 * callgrind with one round of N and of 2N messages and divide the difference by N
 * (bench/json_instructions does).
 */

#include "bench_message.h"

#include "base/clock.h"
#include "base/log.h"
#include "decode/ddl.h"
#include "decode/envelope.h"

#include <stdlib.h>
#include <time.h>

/* Chunks of messages back to back, as a source's arena holds them. */
static struct messages *make_chunks(const struct shape *s, unsigned count, size_t *bytes)
{
	unsigned chunks = (count + chunk_rows_max - 1) / chunk_rows_max;
	struct messages *list = calloc(chunks, sizeof(*list));
	char *text = malloc((size_t)count * message_room);
	if (list == NULL || text == NULL)
		abort();
	char *start = text;
	for (unsigned i = 0; i < count; i++) {
		struct messages *m = &list[i / chunk_rows_max];
		int len = s->write(text, message_room, i);
		m->topic[m->count] = str_lit("bench");
		m->value[m->count++] = (struct str){text, (size_t)len};
		text += len;
	}
	*bytes = (size_t)(text - start);
	return list;
}

/* One of the two: rows of an envelope, or columns of the message itself. */
struct decoder {
	struct json_decoder *json;
	struct envelope_decoder *envelope;
};

static struct decoder open_decoder(const struct shape *s, const struct schema *schema)
{
	struct decoder d = {NULL, NULL};
	struct json_config json = {.schema = schema, .corrupt_column = -1};
	struct envelope_config envelope = {.kind = ENVELOPE_DEBEZIUM, .json = json,
		.changes = true};
	if (s->envelope)
		d.envelope = envelope_open(&envelope);
	else
		d.json = json_decoder_open(&json);
	return d;
}

static struct json_counts close_decoder(struct decoder *d)
{
	struct json_counts n = d->json != NULL ? *json_decoder_counts(d->json)
		: envelope_counts(d->envelope)->json;
	if (d->envelope != NULL)
		n.malformed += envelope_counts(d->envelope)->refused;
	if (d->json != NULL)
		json_decoder_close(d->json);
	else
		envelope_close(d->envelope);
	return n;
}

static int decode(struct decoder *d, const struct messages *m, struct error *err)
{
	struct chunk *c;
	uint32_t next = 0;
	int r = 1;
	if (d->json != NULL)
		return json_decode(d->json, m, NULL, &c, err);
	while (r > 0)
		r = envelope_decode(d->envelope, m, &next, NULL, &c, err);
	return r;
}

/* Of this process: what others on the machine take is not ours. */
static int64_t cpu_us(void)
{
	return (int64_t)clock() * 1000000 / CLOCKS_PER_SEC;
}

static int64_t decode_all(struct decoder *d, struct messages *list, unsigned count)
{
	int64_t began = cpu_us();
	struct error err;
	struct arena arena;
	error_init(&err);
	arena_init(&arena, 1 << 20);
	for (unsigned i = 0; i * chunk_rows_max < count; i++) {
		list[i].arena = &arena;
		if (decode(d, &list[i], &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			exit(1);
		}
		arena_reset(&arena);
	}
	arena_release(&arena);
	return cpu_us() - began;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	const struct shape *s = &shapes[0];
	for (size_t i = 0; argc > 1 && i < shape_count; i++)
		if (str_eq(str_c(argv[1]), str_c(shapes[i].name)))
			s = &shapes[i];
	unsigned count = argc > 2 ? (unsigned)atoi(argv[2]) : 200000;
	int rounds = argc > 3 ? atoi(argv[3]) : 9;
	struct arena plan;
	struct schema *schema;
	struct error err;
	size_t bytes;
	int64_t us[64];
	error_init(&err);
	arena_init(&plan, 4096);
	if (count == 0 || rounds < 1 || rounds > 64 ||
		ddl_parse(str_c(s->ddl), &plan, &schema, &err) < 0)
		return 2;
	log_init(&clock_system, LOG_NONE, false);
	struct decoder d = open_decoder(s, schema);
	struct messages *list = make_chunks(s, count, &bytes);
	for (int i = 0; i < rounds; i++)
		us[i] = decode_all(&d, list, count);
	qsort(us, (size_t)rounds, sizeof(us[0]), by_value);
	double median = (double)us[rounds / 2];
	struct json_counts n = close_decoder(&d);
	printf("%-8s %u messages of %.0f bytes: %.1f ns, %.2f GB/s, %.2f M/s; templates hit %.1f "
	       "%%, bad %" PRId64 "\n",
		s->name, count, (double)bytes / count, median * 1000 / count,
		(double)bytes / median / 1000, count / median,
		100.0 * (double)n.template_hits / (double)(n.template_hits + n.template_misses + 1),
		n.bad_fields + n.malformed);
	return 0;
}
