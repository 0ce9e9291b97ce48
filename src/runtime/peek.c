#include "runtime/peek.h"

#include "base/check.h"
#include "base/log.h"
#include "runtime/looked_columns.h"
#include "source/line_reader.h"
#include "source/source.h"

#include <poll.h>
#include <stdlib.h>

enum {
	peek_messages_wanted = 1000,
	peek_messages_max = 100 * 1000, /* without a row among them */
	peek_bytes_max = 64 * 1024 * 1024,
	peek_tail_messages = 200, /* of each partition */
	peek_idle_ms = 100,
	peek_again_ms = 500,
	peek_finite_ms = 30 * 1000
};

struct peeked {
	struct str what; /* which source and envelope */
	struct envelope_sample sample;
	struct peeked *next;
};

struct peek {
	struct source_peek seam;
	struct arena arena;
	const struct clock *clock;
	int64_t timeout_ms;
	struct peeked *list;
};

/* One look: from here until the sniffer has seen enough. */
struct look {
	struct envelope_sniffer *sniffer;
	struct messages *block;
	const struct clock *clock;
	int64_t deadline_us; /* -1: none */
	int64_t messages;
	int64_t bytes;
};

/* ---- reading ---- */

static bool is_late(const struct look *l)
{
	return l->deadline_us >= 0 && clock_monotonic_us(l->clock) >= l->deadline_us;
}

static void wait_for_more(const struct source *s, int ms)
{
	struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
	poll(&p, 1, ms);
}

static bool has_row(const struct look *l)
{
	struct arena arena;
	struct envelope_sample sample;
	arena_init(&arena, 4096);
	bool found = envelope_sniffer_result(l->sniffer, &arena, &sample, NULL) >= 0;
	arena_release(&arena);
	return found;
}

/* Enough is seen: many messages, or any row when no more come at once. */
static bool is_enough(const struct look *l, int state, int idle)
{
	if (l->messages >= peek_messages_max || l->bytes >= peek_bytes_max)
		return true;
	if (l->messages < peek_messages_wanted && (state == SOURCE_MORE || idle < 2))
		return false;
	return has_row(l);
}

static int read_some(struct look *l, struct source *s, struct error *err)
{
	arena_reset(l->block->arena);
	l->block->count = 0;
	int state = s->ops->fill(s, l->block, err);
	if (state < 0)
		return state;
	l->messages += l->block->count;
	for (uint32_t i = 0; i < l->block->count; i++)
		l->bytes += (int64_t)(l->block->value[i].len + l->block->key[i].len);
	int r = envelope_sniff(l->sniffer, l->block, err);
	return r < 0 ? r : state;
}

/* Reads until enough is seen, the source ends or time is over. */
static int read_source(struct look *l, struct source *s, struct error *err)
{
	int idle = 0;
	int state = s->ops->begin_batch(s, err);
	while (state >= 0 && !is_late(l)) {
		state = read_some(l, s, err);
		if (state == SOURCE_LIMIT)
			state = s->ops->begin_batch(s, err) < 0 ? -(int)err->code : SOURCE_MORE;
		idle = state == SOURCE_IDLE || state == SOURCE_WAITING ? idle + 1 : 0;
		if (state < 0 || state == SOURCE_END || is_enough(l, state, idle))
			break;
		if (idle > 0)
			wait_for_more(s, peek_idle_ms);
	}
	return state < 0 ? state : 0;
}

static int look_from(struct look *l, const struct source_config *config, struct error *err)
{
	enum source_run run = config->kind == SOURCE_STDIN ? SOURCE_RUN_FOREVER
							   : SOURCE_RUN_AVAILABLE_NOW;
	struct source *s = source_open(config, 0, run, l->clock, err);
	if (s == NULL)
		return -(int)err->code;
	int r = read_source(l, s, err);
	source_close(s);
	return r;
}

/* ---- where to look ---- */

/* The newest messages of each partition, by where it begins and ends. */
static int find_tail(struct look *l, const struct source_config *config, struct arena *arena,
	struct starting_offsets *out, struct error *err)
{
	struct source *s = source_open(config, 0, SOURCE_RUN_AVAILABLE_NOW, l->clock, err);
	if (s == NULL)
		return -(int)err->code;
	int r = s->ops->begin_batch(s, err);
	while (r >= 0 && r != SOURCE_END && s->partition_count == 0 && !is_late(l)) {
		arena_reset(l->block->arena);
		l->block->count = 0;
		r = s->ops->fill(s, l->block, err);
		if (r >= 0 && s->partition_count == 0)
			wait_for_more(s, peek_idle_ms);
	}
	*out = (struct starting_offsets){.kind = OFFSETS_EXPLICIT, .resumed = true};
	out->explicit_offsets =
		ARENA_ARRAY(arena, struct partition_offset, s->partition_count + 1);
	for (uint32_t i = 0; r >= 0 && i < s->partition_count; i++) {
		const struct source_partition *p = &s->partitions[i];
		int64_t from = p->latest - peek_tail_messages;
		out->explicit_offsets[out->explicit_count++] = (struct partition_offset){
			.topic = str_dup(p->topic, arena),
			.partition = p->partition,
			.offset = from > p->first ? from : p->first,
		};
	}
	source_close(s);
	return r < 0 ? r : 0;
}

static int look_at_tail(struct look *l, const struct source_config *config, struct error *err)
{
	struct arena arena;
	struct source_config tail = *config;
	arena_init(&arena, 4096);
	tail.kafka.starting = (struct starting_offsets){.kind = OFFSETS_EARLIEST};
	tail.kafka.max_offsets_per_trigger = 0;
	int r = find_tail(l, &tail, &arena, &tail.kafka.starting, err);
	if (r >= 0)
		r = look_from(l, &tail, err);
	arena_release(&arena);
	return r;
}

static int look_once(struct look *l, const struct source_config *config, struct error *err)
{
	bool kafka = config->kind == SOURCE_KAFKA;
	int r = 0;
	if (!kafka || config->kafka.starting.kind != OFFSETS_LATEST)
		r = look_from(l, config, err);
	if (r >= 0 && kafka && config->kafka.starting.kind != OFFSETS_EARLIEST && !has_row(l))
		r = look_at_tail(l, config, err);
	return r;
}

/* ---- what was asked before ---- */

static void name_source(const struct source_config *c, struct strbuf *out)
{
	strbuf_addf(out, "%d ", (int)c->kind);
	if (c->kind == SOURCE_KAFKA) {
		strbuf_addf(out, STR_FMT " ", STR_ARG(c->kafka.brokers));
		for (uint32_t i = 0; i < c->kafka.topic_count; i++)
			strbuf_addf(out, STR_FMT ",", STR_ARG(c->kafka.topics[i]));
		strbuf_add(out, c->kafka.topic_pattern);
	} else {
		strbuf_add(out, c->file.path);
		for (uint32_t i = 0; i < c->file.topic_count; i++)
			strbuf_addf(out, "," STR_FMT, STR_ARG(c->file.topics[i]));
	}
}

/* What messages call it: the topic or the file. */
static struct str short_name(const struct source_config *c)
{
	if (c->kind != SOURCE_KAFKA)
		return c->kind == SOURCE_GENERATE ? str_lit("the generator") : c->file.path;
	return c->kafka.topic_count > 0 ? c->kafka.topics[0] : c->kafka.topic_pattern;
}

static struct peeked *find_peeked(struct peek *p, struct str what)
{
	for (struct peeked *f = p->list; f != NULL; f = f->next)
		if (str_eq(f->what, what))
			return f;
	return NULL;
}

/* ---- the seam ---- */

/* Again and again until there is a row, the time is over, or nothing can come any more. */
static int look_until(struct look *l, const struct peek_request *q, struct error *err)
{
	bool told = false;
	for (;;) {
		int r = look_once(l, q->source, err);
		if (r < 0 || has_row(l))
			return r;
		bool over = q->source->kind == SOURCE_STDIN || q->source->kind == SOURCE_GENERATE ||
			(q->source->kind == SOURCE_FILE && q->finite) || is_late(l) ||
			l->messages >= peek_messages_max;
		if (over)
			return 0;
		if (!told)
			log_info("peek", STR_FMT
				": no message with a row yet; waiting for the first one, because "
				"it says what the columns are",
				STR_ARG(short_name(q->source)));
		told = true;
		poll(NULL, 0, peek_again_ms);
	}
}

static int look_anew(struct peek *p, const struct peek_request *q, struct envelope_sample *out,
	struct error *err)
{
	int64_t timeout_ms = p->timeout_ms >= 0 ? p->timeout_ms : q->finite ? peek_finite_ms : 0;
	struct source_config config = *q->source;
	struct peek_request request = *q;
	struct arena bytes;
	request.source = &config;
	config.kafka.broker_timeout_ms = timeout_ms;
	config.kafka.group = (struct str){NULL, 0};
	arena_init(&bytes, 256 * 1024);
	struct look l = {.sniffer = envelope_sniffer_open(q->envelope),
		.block = calloc(1, sizeof(struct messages)),
		.clock = p->clock,
		.deadline_us = -1};
	if (timeout_ms > 0)
		l.deadline_us = clock_monotonic_us(p->clock) + timeout_ms * 1000;
	check(l.block != NULL);
	l.block->arena = &bytes;
	envelope_sniffer_table(l.sniffer, q->table);
	line_reader_keep_input(true);
	int r = look_until(&l, &request, err);
	line_reader_keep_input(false);
	if (r >= 0)
		r = envelope_sniffer_result(l.sniffer, &p->arena, out, err);
	if (r < 0 && err->code == CDCL_E_DATA && out->messages == 0 && is_late(&l))
		err->code = CDCL_E_UNREACHABLE;
	if (r < 0)
		error_prefix(err, STR_FMT ": ", STR_ARG(short_name(q->source)));
	free(l.block);
	arena_release(&bytes);
	envelope_sniffer_close(l.sniffer);
	return r < 0 ? -(int)err->code : 0;
}

static void name_request(const struct peek_request *q, struct strbuf *what)
{
	strbuf_init(what);
	strbuf_addf(what, "%d " STR_FMT " ", (int)q->envelope, STR_ARG(q->table));
	name_source(q->source, what);
}

static int look(struct source_peek *seam, const struct peek_request *q,
	struct envelope_sample *out, struct error *err)
{
	struct peek *p = container_of(seam, struct peek, seam);
	struct strbuf what;
	name_request(q, &what);
	struct peeked *f = find_peeked(p, strbuf_str(&what));
	int r = 0;
	if (f == NULL) {
		f = ARENA_NEW(&p->arena, struct peeked);
		f->what = str_dup(strbuf_str(&what), &p->arena);
		if (q->checkpoint.data != NULL)
			r = looked_columns_find(q, q->checkpoint, &p->arena, &f->sample, err);
		f->sample.kept = r == 1;
		if (r == 0)
			r = look_anew(p, q, &f->sample, err);
		if (r >= 0) {
			f->next = p->list;
			p->list = f;
		}
	}
	strbuf_release(&what);
	if (r >= 0)
		*out = f->sample;
	return r;
}

void peek_widen(struct source_peek *seam, const struct peek_request *request,
	const struct schema *columns)
{
	struct peek *p = container_of(seam, struct peek, seam);
	struct strbuf what;
	if (seam->look != look)
		return; /* of another kind */
	name_request(request, &what);
	struct peeked *f = find_peeked(p, strbuf_str(&what));
	strbuf_release(&what);
	if (f == NULL)
		return;
	f->sample.schema = schema_copy(columns, &p->arena);
	f->sample.first = f->sample.schema;
}

struct peek *peek_open(const struct clock *clock, int64_t timeout_ms)
{
	struct peek *p = calloc(1, sizeof(*p));
	check(p != NULL);
	p->seam.look = look;
	p->clock = clock;
	p->timeout_ms = timeout_ms;
	arena_init(&p->arena, 16 * 1024);
	return p;
}

struct source_peek *peek_seam(struct peek *p)
{
	return &p->seam;
}

void peek_close(struct peek *p)
{
	if (p == NULL)
		return;
	arena_release(&p->arena);
	free(p);
}
