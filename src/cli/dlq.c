/*
 * Dead letters: what a job could not use, as its dead_letters = { path | topic } keeps them
 * (sink/dead_letter_line.h). list prints a line each, show one of them whole, replay sends the
 * messages to the topic that they came from, or to another.
 */

#include "cli/broker_arguments.h"
#include "cli/interrupt.h"

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "data/value.h"
#include "decode/json_path.h"
#include "decode/json_scan.h"
#include "source/kafka_producer.h"
#include "source/record_line.h"
#include "source/source.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

enum { broker_timeout_ms = 30000, error_shown_max = 160, topics_shown_max = 20 };

enum dlq_action { DLQ_LIST, DLQ_SHOW, DLQ_REPLAY };

struct dlq_options {
	const char *topic;
	const char *reason;
	const char *to;
	const char *brokers;
	int64_t count;
	struct option_list settings;
};

static const struct option_spec dlq_specs[] = {
	{0, "topic", "TOPIC", OPTION_TEXT, offsetof(struct dlq_options, topic),
		"dead letters of a topic instead of a file"},
	{0, "reason", "WORD", OPTION_TEXT, offsetof(struct dlq_options, reason),
		"only those of this reason: malformed, expression, lua, target, ..."},
	{'n', "count", "N", OPTION_INTEGER, offsetof(struct dlq_options, count),
		"at most N; 0: all (default)"},
	{0, "to", "TOPIC", OPTION_TEXT, offsetof(struct dlq_options, to),
		"replay: to this topic, not to where each came from"},
	{0, "brokers", "HOST:PORT,...", OPTION_TEXT, offsetof(struct dlq_options, brokers),
		"Kafka's brokers; else CDCL_BROKERS, localhost:9092"},
	{'X', NULL, "KEY=VALUE", OPTION_LIST, offsetof(struct dlq_options, settings),
		"a setting of librdkafka"},
};

struct dlq {
	const struct dlq_options *options;
	enum dlq_action action;
	int64_t wanted; /* show: which */
	int64_t seen; /* letters so far: the number of the next */
	int64_t taken;
	int64_t unreadable;
	struct setting settings[option_list_max];
	struct strbuf out;
	struct arena arena; /* of one letter */
	struct messages *message; /* replay */
	struct kafka_producer *producer;
};

/* ---- one letter ---- */

static struct str text_of(struct dlq *d, struct str letter, const char *wanted)
{
	struct str name;
	struct str value;
	for (size_t at = 0; json_next(letter, &at, &name, &value);)
		if (str_eq(name, str_c(wanted)))
			return json_kind_of(value) == JSON_KIND_STRING
				? json_unquote(value, &d->arena)
				: value;
	return str_c(NULL);
}

/* Bytes from outside must not move the cursor, and a letter is a line. */
static void add_line_text(struct dlq *d, struct str s, size_t most)
{
	for (size_t i = 0; i < s.len && i < most; i++) {
		unsigned char c = (unsigned char)s.data[i];
		strbuf_add_byte(&d->out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
	}
	strbuf_add_c(&d->out, s.len > most ? "..." : "");
}

static void add_place(struct dlq *d, struct str letter)
{
	struct str topic = text_of(d, letter, "topic");
	if (topic.data == NULL) {
		strbuf_add_c(&d->out, "no message");
		return;
	}
	add_line_text(d, topic, topic.len);
	strbuf_addf(&d->out, "/" STR_FMT "@" STR_FMT,
		STR_ARG(text_of(d, letter, "partition")), STR_ARG(text_of(d, letter, "offset")));
}

static void list_letter(struct dlq *d, struct str letter)
{
	struct str rule = text_of(d, letter, "rule");
	strbuf_addf(&d->out, "%" PRId64 "  ", d->seen);
	add_place(d, letter);
	strbuf_add_c(&d->out, "  ");
	add_line_text(d, text_of(d, letter, "reason"), error_shown_max);
	strbuf_add_c(&d->out, "  ");
	if (rule.data != NULL) {
		add_line_text(d, rule, error_shown_max);
		strbuf_add_c(&d->out, ": ");
	}
	add_line_text(d, text_of(d, letter, "error"), error_shown_max);
	strbuf_add_byte(&d->out, '\n');
}

static void show_letter(struct dlq *d, struct str letter)
{
	struct str name;
	struct str value;
	for (size_t at = 0; json_next(letter, &at, &name, &value);) {
		struct str field = json_unquote(name, &d->arena);
		bool text = json_kind_of(value) == JSON_KIND_STRING;
		struct str shown = text ? json_unquote(value, &d->arena) : value;
		add_line_text(d, field, field.len);
		strbuf_add_c(&d->out, ": ");
		add_line_text(d, shown, shown.len);
		int64_t ms = 0;
		if (str_eq(field, str_lit("ts")) && int64_parse(value, &ms)) {
			struct value v = {.type = type_of(TYPE_TIMESTAMP), .as.i64 = ms * 1000};
			strbuf_add_c(&d->out, "  (");
			value_text(&v, VALUE_CAST, NULL, &d->out);
			strbuf_add_c(&d->out, " UTC)");
		}
		strbuf_add_byte(&d->out, '\n');
	}
}

static int replay_letter(struct dlq *d, struct str line, struct error *err)
{
	struct messages *m = d->message;
	m->count = 0;
	m->arena = &d->arena;
	if (record_line_add(line, NULL, 0, m, err) < 0 || m->count == 0)
		return error_prefix(err, "letter %" PRId64 ": ", d->seen);
	struct kafka_letter l = {.topic = str_c(d->options->to),
		.partition = -1,
		.key = m->key[0],
		.value = m->value[0],
		.headers = m->headers[0],
		.header_count = m->header_count[0]};
	if (l.topic.data == NULL)
		l.topic = m->topic[0];
	if (l.topic.len == 0)
		return error_set(err, CDCL_E_DATA, "letter %" PRId64 " names no topic", d->seen);
	return kafka_producer_send_letter(d->producer, &l, err);
}

static int take_letter(struct dlq *d, struct str line, struct error *err)
{
	struct str letter = str_trim(line);
	size_t wrong_at = 0;
	if (letter.len == 0)
		return 0;
	arena_reset(&d->arena);
	if (letter.data[0] != '{' || !json_validate(letter, true, &wrong_at) ||
		text_of(d, letter, "reason").data == NULL) {
		d->unreadable++; /* cut off by a crash, or another file's */
		return 0;
	}
	int64_t number = d->seen;
	const char *reason = d->options->reason;
	bool chosen = reason == NULL || str_eq(text_of(d, letter, "reason"), str_c(reason));
	bool more = d->options->count == 0 || d->taken < d->options->count;
	int r = 0;
	if (d->action == DLQ_SHOW ? number == d->wanted : chosen && more) {
		d->taken++;
		if (d->action == DLQ_LIST)
			list_letter(d, letter);
		else if (d->action == DLQ_SHOW)
			show_letter(d, letter);
		else
			r = replay_letter(d, letter, err);
	}
	d->seen++;
	return r;
}

/* ---- reading them ---- */

static bool had_enough(const struct dlq *d)
{
	if (interrupt_seen())
		return true;
	return d->action == DLQ_SHOW ? d->taken > 0
				     : d->options->count > 0 && d->taken >= d->options->count;
}

static int take_block(struct dlq *d, const struct messages *block, struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; r == 0 && i < block->count && !had_enough(d); i++)
		r = take_letter(d, block->value[i], err);
	if (r == 0 && d->out.len > 0)
		r = file_write_stdout(strbuf_str(&d->out), err);
	strbuf_reset(&d->out);
	return r;
}

static int read_all(struct dlq *d, struct source *s, struct messages *block, struct error *err)
{
	int state = s->ops->begin_batch(s, err);
	while (state >= 0 && state != SOURCE_END && !had_enough(d)) {
		arena_reset(block->arena);
		block->count = 0;
		state = s->ops->fill(s, block, err);
		int r = state < 0 ? state : take_block(d, block, err);
		if (r < 0)
			return r;
		if (state == SOURCE_IDLE || state == SOURCE_WAITING)
			poll(&(struct pollfd){.fd = s->wake_fd, .events = POLLIN}, 1, 100);
		if (state == SOURCE_LIMIT)
			state = s->ops->begin_batch(s, err);
	}
	return state < 0 ? state : 0;
}

static struct source_config topic_config(struct dlq *d)
{
	struct source_config config = {.kind = SOURCE_KAFKA};
	config.kafka.brokers = broker_address(d->options->brokers);
	config.kafka.settings = d->settings;
	config.kafka.setting_count = d->options->settings.count;
	config.kafka.continue_on_data_loss = true;
	config.kafka.starting.kind = OFFSETS_EARLIEST;
	config.kafka.broker_timeout_ms = broker_timeout_ms;
	return config;
}

static int read_letters(struct dlq *d, const char *path, struct error *err)
{
	struct str topic = str_c(d->options->topic);
	struct source_config config = {.kind = SOURCE_FILE};
	config.file.path = str_c(path);
	if (topic.data != NULL) {
		config = topic_config(d);
		config.kafka.topics = &topic;
		config.kafka.topic_count = 1;
	}
	struct arena arena;
	arena_init(&arena, 256 * 1024);
	struct messages *block = calloc(1, sizeof(*block));
	check(block != NULL); /* out of memory */
	block->arena = &arena;
	struct source *s =
		source_open(&config, 0, SOURCE_RUN_AVAILABLE_NOW, &clock_system, err);
	int r = s == NULL ? -(int)err->code : read_all(d, s, block, err);
	source_close(s);
	arena_release(&arena);
	free(block);
	return r;
}

/* ---- no letter at all: a misspelt name looks the same ---- */

static void add_topics(const struct source *s, struct str asked, struct strbuf *out)
{
	struct str last = asked;
	uint32_t shown = 0;
	for (uint32_t i = 0; i < s->partition_count && shown <= topics_shown_max; i++) {
		struct str topic = s->partitions[i].topic;
		if (str_eq(topic, asked) || str_eq(topic, last))
			continue;
		last = topic;
		shown++;
		strbuf_addf(out, "%s" STR_FMT, out->len == 0 ? "" : ", ",
			STR_ARG(shown > topics_shown_max ? str_lit("...") : topic));
	}
}

/* The broker's topics but its own; nothing, when it does not tell. */
static void ask_topics(struct dlq *d, struct strbuf *out)
{
	struct source_config config = topic_config(d);
	config.kafka.topic_pattern = str_lit("(?!__).*");
	config.kafka.starting.kind = OFFSETS_LATEST;
	struct error err;
	error_init(&err);
	struct source *s =
		source_open(&config, 0, SOURCE_RUN_AVAILABLE_NOW, &clock_system, &err);
	arena_reset(&d->arena);
	struct messages *block = calloc(1, sizeof(*block));
	check(block != NULL); /* out of memory */
	block->arena = &d->arena;
	int state = s == NULL ? -1 : s->ops->begin_batch(s, &err);
	while (state >= 0 && state != SOURCE_END && s->partition_count == 0 && !interrupt_seen()) {
		state = s->ops->fill(s, block, &err);
		if (state == SOURCE_IDLE || state == SOURCE_WAITING)
			poll(&(struct pollfd){.fd = s->wake_fd, .events = POLLIN}, 1, 100);
	}
	if (state >= 0)
		add_topics(s, str_c(d->options->topic), out);
	source_close(s);
	free(block);
}

static void tell_none(struct dlq *d, const char *path)
{
	const struct dlq_options *o = d->options;
	struct strbuf topics;
	if (d->seen > 0) {
		log_warn("dlq", "none of the %" PRId64 " letters is of the reason '%s'", d->seen,
			o->reason);
		return;
	}
	if (o->topic == NULL) {
		log_info("dlq", "no letter is in %s", path);
		return;
	}
	strbuf_init(&topics);
	ask_topics(d, &topics);
	log_warn("dlq", "no letter is in the topic '%s'; other topics: " STR_FMT, o->topic,
		STR_ARG(topics.len == 0 ? str_lit("none") : strbuf_str(&topics)));
	strbuf_release(&topics);
}

static int open_producer(struct dlq *d, struct error *err)
{
	struct kafka_producer_config target = {.brokers = broker_address(d->options->brokers),
		.topic = str_c(d->options->to),
		.settings = d->settings,
		.setting_count = d->options->settings.count,
		.timeout_ms = broker_timeout_ms};
	d->message = calloc(1, sizeof(*d->message));
	check(d->message != NULL); /* out of memory */
	d->producer = kafka_producer_open(&target, err);
	return d->producer == NULL ? -(int)err->code : 0;
}

static int act(struct dlq *d, const char *path, struct error *err)
{
	int r = broker_settings(&d->options->settings, d->settings, err);
	if (r == 0 && d->action == DLQ_REPLAY)
		r = open_producer(d, err);
	if (r == 0)
		r = read_letters(d, path, err);
	if (r == 0 && d->action == DLQ_REPLAY)
		r = kafka_producer_flush(d->producer, err);
	if (r == 0 && d->action == DLQ_REPLAY)
		log_info("dlq", "%" PRId64 " messages sent", d->taken);
	if (d->unreadable > 0)
		log_warn("dlq", "%" PRId64 " line%s no letter%s", d->unreadable,
			d->unreadable == 1 ? " is" : "s are", d->unreadable == 1 ? "" : "s");
	if (r == 0 && d->action != DLQ_SHOW && d->taken == 0 && !interrupt_seen())
		tell_none(d, path);
	if (r == 0 && d->action == DLQ_SHOW && d->taken == 0)
		r = error_set(err, CDCL_E_USAGE,
			"there is no letter %" PRId64 "; there are %" PRId64, d->wanted, d->seen);
	return r;
}

static int run_dlq(const void *options, const struct arguments *a)
{
	static struct dlq d;
	static const char *const actions[] = {"list", "show", "replay"};
	struct error err;
	error_init(&err);
	d.options = options;
	uint32_t action = 0;
	while (a->count > 0 && action < ARRAY_LEN(actions) &&
		strcmp(a->items[0], actions[action]) != 0)
		action++;
	if (a->count == 0 || action == ARRAY_LEN(actions))
		return cli_usage(&command_dlq, "say what to do: list, show or replay");
	d.action = (enum dlq_action)action;
	uint32_t next = 1;
	const char *path = NULL;
	if (d.options->topic == NULL && next < a->count)
		path = a->items[next++];
	if (path == NULL && d.options->topic == NULL)
		return cli_usage(&command_dlq, "name the file of the letters, or --topic");
	if (d.action == DLQ_SHOW &&
		(next >= a->count || !int64_parse(str_c(a->items[next++]), &d.wanted)))
		return cli_usage(&command_dlq, "show: which one? Its number is in the list");
	if (next < a->count)
		return cli_usage(&command_dlq, "'%s' is one argument too many", a->items[next]);
	interrupt_catch();
	arena_init(&d.arena, 64 * 1024);
	strbuf_init(&d.out);
	int r = act(&d, path, &err);
	kafka_producer_close(d.producer);
	strbuf_release(&d.out);
	arena_release(&d.arena);
	free(d.message);
	return r >= 0 || err.code == CDCL_E_CLOSED ? 0 : cli_fail(&err);
}

const struct command command_dlq = {
	.name = "dlq",
	.summary = "Dead letters: list them, show one, send them again.",
	.usage = "cdcl dlq list|show|replay [OPTIONS] FILE|--topic TOPIC [NUMBER]",
	.examples = "  cdcl dlq list dead.jsonl\n"
		    "  cdcl dlq show dead.jsonl 3\n"
		    "  cdcl dlq list --topic orders_dead --reason lua\n"
		    "  cdcl dlq replay dead.jsonl --to orders_cdc\n",
	.details = "A letter is a line of JSON: the message as it came, reason, error, rule.\n"
		   "A list has its number, place, reason, rule and error. replay sends keys,\n"
		   "values and headers as they were; the letters stay where they are. When\n"
		   "there is none, both say so on stderr, of a topic with the other ones, and\n"
		   "end with 0.\n",
	.options = dlq_specs,
	.option_count = sizeof(dlq_specs) / sizeof(dlq_specs[0]),
	.options_bytes = sizeof(struct dlq_options),
	.run = run_dlq,
};
