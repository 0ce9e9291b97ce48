#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/broker_arguments.h"
#include "cli/interrupt.h"
#include "cli/message_line.h"
#include "source/offsets_parse.h"
#include "source/source.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct tail_options {
	const char *brokers;
	const char *from;
	int64_t count;
	bool available_now;
	bool headers;
	bool raw;
	struct option_list settings;
};

static const struct option_spec tail_specs[] = {
	{0, "from", "OFFSETS", OPTION_TEXT, offsetof(struct tail_options, from),
		"earliest, latest (default), a time, or topic:0=OFFSET,1=OFFSET"},
	{'n', "count", "N", OPTION_INTEGER, offsetof(struct tail_options, count),
		"end after N messages; 0: never (default)"},
	{0, "available-now", NULL, OPTION_FLAG, offsetof(struct tail_options, available_now),
		"end when what is there now was printed; begins at the earliest"},
	{0, "headers", NULL, OPTION_FLAG, offsetof(struct tail_options, headers),
		"print headers, too"},
	{0, "raw", NULL, OPTION_FLAG, offsetof(struct tail_options, raw),
		"change events as they came, also on a terminal"},
	{0, "brokers", "HOST:PORT,...", OPTION_TEXT, offsetof(struct tail_options, brokers),
		"Kafka's brokers; else CDCL_BROKERS, localhost:9092"},
	{'X', NULL, "KEY=VALUE", OPTION_LIST, offsetof(struct tail_options, settings),
		"a setting of librdkafka"},
};

/* ---- Reading ---- */

static int wait_for_more(struct source *s, int timeout_ms)
{
	struct pollfd fds[2] = {{.fd = s->wake_fd, .events = POLLIN},
		{.fd = STDOUT_FILENO, .events = 0}}; /* POLLERR: its reader went away */
	poll(fds, 2, timeout_ms);
	return (fds[1].revents & POLLERR) != 0;
}

static int follow(struct source *s, const struct tail_options *o, struct message_line *p,
	struct messages *block, struct error *err)
{
	int64_t printed = 0;
	int r = s->ops->begin_batch(s, err);
	while (r >= 0 && !interrupt_seen() && (o->count == 0 || printed < o->count)) {
		arena_reset(block->arena);
		block->count = 0;
		r = s->ops->fill(s, block, err);
		for (uint32_t i = 0; i < block->count && (o->count == 0 || printed < o->count);
			i++) {
			message_line_add(p, block, i);
			printed++;
		}
		int w = p->out.len == 0 ? 0 : file_write_stdout(strbuf_str(&p->out), err);
		strbuf_reset(&p->out);
		if (w < 0)
			return w;
		if (r == SOURCE_END)
			return 0;
		if ((r == SOURCE_IDLE || r == SOURCE_WAITING) && wait_for_more(s, 500))
			return 0;
	}
	return r < 0 ? r : 0;
}

static int tail(const struct tail_options *o, const char *topic, struct error *err)
{
	static struct setting settings[option_list_max];
	struct str name = str_c(topic);
	struct source_config config = {.kind = SOURCE_KAFKA};
	config.kafka.brokers = broker_address(o->brokers);
	config.kafka.topics = &name;
	config.kafka.topic_count = 1;
	config.kafka.settings = settings;
	config.kafka.setting_count = o->settings.count;
	config.kafka.continue_on_data_loss = true;
	config.kafka.headers = o->headers;
	config.kafka.starting.kind = o->available_now ? OFFSETS_EARLIEST : OFFSETS_LATEST;
	if (o->available_now)
		config.kafka.broker_timeout_ms = 30000;
	int r = broker_settings(&o->settings, settings, err);
	struct arena arena;
	arena_init(&arena, 256 * 1024);
	if (r >= 0 && o->from != NULL)
		r = starting_offsets_parse(
			str_c(o->from), NULL, &clock_system, &arena, &config.kafka.starting, err);
	struct arena bytes;
	arena_init(&bytes, 256 * 1024);
	struct messages *block = ARENA_NEW(&arena, struct messages);
	block->arena = &bytes;
	struct message_line p = {.color = file_stdout_has_color(),
		.events = isatty(STDOUT_FILENO) && !o->raw,
		.headers = o->headers};
	strbuf_init(&p.out);
	struct source *s = NULL;
	if (r >= 0)
		s = source_open(&config, 0,
			o->available_now ? SOURCE_RUN_AVAILABLE_NOW : SOURCE_RUN_FOREVER,
			&clock_system, err);
	if (r >= 0)
		r = s == NULL ? -(int)err->code : follow(s, o, &p, block, err);
	source_close(s);
	strbuf_release(&p.out);
	arena_release(&bytes);
	arena_release(&arena);
	return r;
}

static int run_tail(const void *options, const struct arguments *arguments)
{
	struct error err;
	error_init(&err);
	if (arguments->count != 1)
		return cli_usage(&command_tail, "name one topic");
	interrupt_catch();
	int r = tail(options, arguments->items[0], &err);
	return r >= 0 || err.code == CDCL_E_CLOSED ? 0 : cli_fail(&err);
}

const struct command command_tail = {
	.name = "tail",
	.summary = "Print the messages of a topic, readably, as they come.",
	.usage = "cdcl tail [OPTIONS] TOPIC",
	.examples = "  cdcl tail orders_cdc\n"
		    "  cdcl tail orders_cdc --from earliest -n 10\n"
		    "  cdcl tail orders_cdc --available-now | grep insert\n",
	.details = "A line is PARTITION@OFFSET, time (UTC), key, value; a NULL value is "
		   "(tombstone).\n"
		   "  On a terminal a change event shows its operation and what it changed: "
		   "\"quantity\":3 -> 5.\n",
	.options = tail_specs,
	.option_count = sizeof(tail_specs) / sizeof(tail_specs[0]),
	.options_bytes = sizeof(struct tail_options),
	.run = run_tail,
};
