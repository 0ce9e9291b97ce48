/*
 * cdcl sniff: looks at the first messages of a topic or file, says what they are, and prints a
 * script that runs as it is. What is found stands in the script's first lines, as comments.
 */

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/broker_arguments.h"
#include "cli/starter.h"
#include "decode/envelope_look.h"
#include "decode/json_path.h"
#include "runtime/peek.h"
#include "source/line_reader.h"
#include "source/offsets_parse.h"
#include "source/source.h"

#include <poll.h>
#include <stdlib.h>

enum {
	sniff_messages_max = 100 * 1000,
	sniff_topics_max = 256,
	sniff_wait_ms = 10 * 1000,
	sniff_idle_ms = 200
};

struct sniff_options {
	const char *brokers;
	const char *topic;
	const char *envelope;
	const char *table;
	const char *from;
	struct option_list settings;
};

static const struct option_spec sniff_specs[] = {
	{0, "topic", "NAME", OPTION_TEXT, offsetof(struct sniff_options, topic),
		"which topic of a file of captured messages (format = \"records\")"},
	{0, "table", "NAME", OPTION_TEXT, offsetof(struct sniff_options, table),
		"which table, where the messages are of several"},
	{0, "envelope", "NAME", OPTION_TEXT, offsetof(struct sniff_options, envelope),
		"auto (default), flat, debezium, maxwell, canal, ogg"},
	{0, "from", "OFFSETS", OPTION_TEXT, offsetof(struct sniff_options, from),
		"earliest, latest (default: the newest messages), a time, topic:0=OFFSET"},
	{0, "brokers", "HOST:PORT,...", OPTION_TEXT, offsetof(struct sniff_options, brokers),
		"Kafka's brokers; else CDCL_BROKERS, localhost:9092"},
	{'X', NULL, "KEY=VALUE", OPTION_LIST, offsetof(struct sniff_options, settings),
		"a setting of librdkafka"},
};

/* ---- files: every topic in them is looked at ---- */

struct sniffed_topic {
	struct str name;
	struct envelope_sniffer *sniffer;
	int64_t messages;
};

struct file_look {
	struct arena arena;
	struct arena bytes;
	struct messages *block;
	enum envelope_kind kind;
	struct str table;
	struct sniffed_topic topics[sniff_topics_max];
	uint32_t topic_count;
	int64_t messages;
};

static void look_init(struct file_look *l, enum envelope_kind kind, struct str table)
{
	*l = (struct file_look){.kind = kind, .table = table};
	arena_init(&l->arena, 16 * 1024);
	arena_init(&l->bytes, 256 * 1024);
	l->block = ARENA_NEW(&l->arena, struct messages);
	l->block->arena = &l->bytes;
}

static void look_release(struct file_look *l)
{
	for (uint32_t i = 0; i < l->topic_count; i++)
		envelope_sniffer_close(l->topics[i].sniffer);
	arena_release(&l->bytes);
	arena_release(&l->arena);
}

/* NULL when there are too many. */
static struct sniffed_topic *topic_of(struct file_look *l, struct str name)
{
	for (uint32_t i = 0; i < l->topic_count; i++)
		if (str_eq(l->topics[i].name, name))
			return &l->topics[i];
	if (l->topic_count == sniff_topics_max)
		return NULL;
	struct sniffed_topic *t = &l->topics[l->topic_count++];
	*t = (struct sniffed_topic){.name = str_dup(name, &l->arena),
		.sniffer = envelope_sniffer_open(l->kind)};
	envelope_sniffer_table(t->sniffer, l->table);
	return t;
}

static void note_block(struct file_look *l)
{
	for (uint32_t i = 0; i < l->block->count; i++) {
		struct sniffed_topic *t = topic_of(l, l->block->topic[i]);
		l->messages++;
		if (t == NULL)
			continue;
		t->messages++;
		envelope_sniff_message(t->sniffer, l->block->key[i], l->block->value[i]);
	}
}

static int read_file(struct file_look *l, const struct source_config *config, struct error *err)
{
	enum source_run run = config->kind == SOURCE_STDIN ? SOURCE_RUN_FOREVER
							   : SOURCE_RUN_AVAILABLE_NOW;
	struct source *s = source_open(config, 0, run, &clock_system, err);
	if (s == NULL)
		return -(int)err->code;
	int r = s->ops->begin_batch(s, err);
	while (r >= 0 && r != SOURCE_END && l->messages < sniff_messages_max) {
		arena_reset(&l->bytes);
		l->block->count = 0;
		r = s->ops->fill(s, l->block, err);
		if (r >= 0)
			note_block(l);
		struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
		if (r == SOURCE_IDLE && poll(&p, 1, sniff_idle_ms) == 0 && l->messages > 0)
			break;
	}
	source_close(s);
	return r < 0 ? r : 0;
}

/* A line of captured messages: an object with a value and where it stood. */
static bool is_record(struct str line)
{
	struct str name, value;
	bool has_value = false, has_place = false;
	if (line.len == 0 || line.data[0] != '{')
		return false;
	for (size_t at = 0; json_next(line, &at, &name, &value);) {
		has_value |= str_eq(name, str_lit("value"));
		has_place |= str_eq(name, str_lit("offset")) || str_eq(name, str_lit("topic")) ||
			str_eq(name, str_lit("partition"));
	}
	return has_value && has_place;
}

/* The file's format, by its first line. */
static int find_format(struct file_look *l, struct source_config *config, struct error *err)
{
	struct source *s = source_open(config, 0, SOURCE_RUN_AVAILABLE_NOW, &clock_system, err);
	if (s == NULL)
		return -(int)err->code;
	int r = s->ops->begin_batch(s, err);
	while (r >= 0 && r != SOURCE_END && l->block->count == 0) {
		struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
		if (r == SOURCE_IDLE)
			poll(&p, 1, sniff_idle_ms);
		r = s->ops->fill(s, l->block, err);
	}
	if (r >= 0 && l->block->count > 0 && is_record(l->block->value[0]))
		config->file.format = FILE_RECORDS;
	source_close(s);
	return r < 0 ? r : 0;
}

/* The topic with most rows, unless one is asked for. */
static const struct sniffed_topic *choose_topic(struct file_look *l)
{
	const struct sniffed_topic *best = NULL;
	int64_t rows = -1;
	for (uint32_t i = 0; i < l->topic_count; i++) {
		struct envelope_sample sample;
		struct error unseen;
		error_init(&unseen);
		bool good = envelope_sniffer_result(
				    l->topics[i].sniffer, &l->arena, &sample, &unseen) >= 0;
		if ((good ? sample.rows : 0) <= rows)
			continue;
		best = &l->topics[i];
		rows = good ? sample.rows : 0;
	}
	return best;
}

static void tell_topics(const struct file_look *l, const struct sniffed_topic *chosen,
	struct starter *starter)
{
	for (uint32_t i = 0; i < l->topic_count; i++) {
		if (&l->topics[i] == chosen)
			continue;
		strbuf_addf(&starter->others, "%s" STR_FMT " (%lld)",
			starter->others.len > 0 ? ", " : "", STR_ARG(l->topics[i].name),
			(long long)l->topics[i].messages);
	}
}

static int sniff_file(struct starter *starter, const struct sniff_options *o,
	enum envelope_kind kind, struct strbuf *out, struct error *err)
{
	struct file_look l;
	struct source_config *config = &starter->source;
	look_init(&l, kind, str_c(o->table));
	struct str topic = str_c(o->topic);
	line_reader_keep_input(true);
	int r = find_format(&l, config, err);
	if (r >= 0 && topic.data != NULL && config->file.format != FILE_RECORDS)
		r = error_set(err, CDCL_E_USAGE,
			"--topic: the lines of %s are no captured messages",
			config->file.path.data);
	if (topic.data != NULL) {
		config->file.topics = &topic;
		config->file.topic_count = 1;
	}
	if (r >= 0)
		r = read_file(&l, config, err);
	const struct sniffed_topic *t = r < 0 ? NULL : choose_topic(&l);
	if (r >= 0 && t == NULL)
		r = error_set(err, CDCL_E_DATA, STR_FMT ": there are no messages to look at",
			STR_ARG(config->file.path));
	if (t != NULL && config->file.format == FILE_RECORDS) {
		topic = t->name;
		config->file.topics = &topic;
		config->file.topic_count = 1;
		tell_topics(&l, t, starter);
	}
	if (t != NULL)
		r = envelope_sniffer_result(t->sniffer, &l.arena, &starter->sample, err);
	if (r >= 0)
		starter_text(starter, out);
	look_release(&l);
	return r;
}

/* ---- topics ---- */

static int sniff_topic(struct starter *starter, const struct sniff_options *o,
	enum envelope_kind kind, struct strbuf *out, struct error *err)
{
	static struct setting settings[option_list_max];
	struct kafka_config *k = &starter->source.kafka;
	struct arena arena;
	int r = broker_settings(&o->settings, settings, err);
	if (r < 0)
		return r;
	arena_init(&arena, 4096);
	k->settings = settings;
	k->setting_count = o->settings.count;
	k->continue_on_data_loss = true;
	if (o->from != NULL)
		r = starting_offsets_parse(
			str_c(o->from), NULL, &clock_system, &arena, &k->starting, err);
	struct peek *peek = peek_open(&clock_system, sniff_wait_ms);
	struct peek_request request = {
		.source = &starter->source, .envelope = kind, .table = str_c(o->table)};
	if (r >= 0)
		r = peek_seam(peek)->look(peek_seam(peek), &request, &starter->sample, err);
	if (r >= 0)
		starter_text(starter, out);
	peek_close(peek);
	arena_release(&arena);
	return r;
}

/* ---- which of both ---- */

static bool names_a_file(const char *word)
{
	struct str s = str_c(word);
	static const char *const ends[] = {".jsonl", ".json", ".ndjson", ".gz", ".zst"};
	if (str_eq(s, str_lit("-")) || file_exists(word) || memchr(word, '/', s.len) != NULL ||
		memchr(word, '*', s.len) != NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t len = strlen(ends[i]);
		if (s.len > len && strcmp(word + s.len - len, ends[i]) == 0)
			return true;
	}
	return false;
}

static int sniff(const struct sniff_options *o, const char *what, struct strbuf *out,
	struct error *err)
{
	enum envelope_kind kind = ENVELOPE_AUTO;
	struct str topic = str_c(what);
	struct starter starter = {.given_brokers = str_c(o->brokers)};
	if (o->envelope != NULL && !envelope_kind_parse(str_c(o->envelope), &kind))
		return error_set(err, CDCL_E_USAGE,
			"--envelope: auto, flat, debezium, maxwell, canal or ogg, not '%s'",
			o->envelope);
	strbuf_init(&starter.others);
	int r;
	if (names_a_file(what)) {
		bool input = strcmp(what, "-") == 0;
		starter.source.kind = input ? SOURCE_STDIN : SOURCE_FILE;
		starter.source.file.path = topic;
		r = sniff_file(&starter, o, kind, out, err);
	} else {
		starter.source.kind = SOURCE_KAFKA;
		starter.source.kafka.brokers = broker_address(o->brokers);
		starter.source.kafka.topics = &topic;
		starter.source.kafka.topic_count = 1;
		r = sniff_topic(&starter, o, kind, out, err);
	}
	strbuf_release(&starter.others);
	return r;
}

static int run_sniff(const void *options, const struct arguments *arguments)
{
	struct error err;
	struct strbuf out;
	error_init(&err);
	if (arguments->count != 1)
		return cli_usage(&command_sniff, "name one topic or file");
	strbuf_init(&out);
	int r = sniff(options, arguments->items[0], &out, &err);
	int exit_code = r < 0 ? cli_fail(&err) : cli_print(strbuf_str(&out));
	strbuf_release(&out);
	return exit_code;
}

const struct command command_sniff = {
	.name = "sniff",
	.summary = "Look at a topic or file and print a script for what is in it.",
	.usage = "cdcl sniff [OPTIONS] TOPIC|FILE",
	.examples =
		"  cdcl sniff orders_cdc                            envelope, columns, key\n"
		"  cdcl sniff orders_cdc > job.lua && cdcl run job.lua\n"
		"  cdcl sniff capture.jsonl.gz --topic shop.public.orders\n",
	.details = "The first lines of the script are comments that say what was found. A name "
		   "that is\nthere as a file, has a slash, a star or an ending such as .jsonl is a "
		   "file; - is\nstandard input.\n",
	.options = sniff_specs,
	.option_count = sizeof(sniff_specs) / sizeof(sniff_specs[0]),
	.options_bytes = sizeof(struct sniff_options),
	.run = run_sniff,
};
