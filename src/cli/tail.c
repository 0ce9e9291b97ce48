#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/broker_arguments.h"
#include "cli/interrupt.h"
#include "data/value.h"
#include "source/offsets_parse.h"
#include "source/source.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { key_width_max = 40 };

struct tail_options {
	const char *brokers;
	const char *from;
	int64_t count;
	bool available_now;
	bool headers;
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
	{0, "brokers", "HOST:PORT,...", OPTION_TEXT, offsetof(struct tail_options, brokers),
		"Kafka's brokers; else CDCL_BROKERS, localhost:9092"},
	{'X', NULL, "KEY=VALUE", OPTION_LIST, offsetof(struct tail_options, settings),
		"a setting of librdkafka"},
};

/* ---- One message as a line ---- */

struct printer {
	struct strbuf out;
	bool color;
	bool headers;
	int place_width;
	int key_width;
};

static const char dim[] = "\033[2m", blue[] = "\033[34m", green[] = "\033[32m", cyan[] = "\033[36m",
		  yellow[] = "\033[33m", plain[] = "\033[0m";

static void paint(struct printer *p, const char *color)
{
	if (p->color)
		strbuf_add_c(&p->out, color);
}

/* Bytes from outside must not move the cursor: what is not printable UTF-8 comes as \xNN. */
static size_t add_char(struct printer *p, struct str s, size_t at)
{
	unsigned char c = (unsigned char)s.data[at];
	size_t len = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
	bool good = len > 0 && c < 0xf5 && c >= 0x20 && c != 0x7f && at + len <= s.len;
	for (size_t i = 1; good && i < len; i++)
		good = ((unsigned char)s.data[at + i] & 0xc0) == 0x80;
	/* U+0080 to U+009F are control characters as well */
	good = good && !(c == 0xc2 && (unsigned char)s.data[at + 1] < 0xa0);
	if (!good) {
		strbuf_addf(&p->out, "\\x%02x", c);
		return 1;
	}
	strbuf_add(&p->out, str_sub(s, at, len));
	return len;
}

static void add_text(struct printer *p, struct str s)
{
	for (size_t at = 0; at < s.len;)
		at += add_char(p, s, at);
}

static size_t json_string_end(struct str s, size_t at)
{
	for (at++; at < s.len && s.data[at] != '"'; at++)
		if (s.data[at] == '\\')
			at++;
	return at < s.len ? at + 1 : s.len;
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' ||
		c == '.' || c == 'E';
}

/* Colours by the shape of tokens; text that is no JSON stays readable as it is. */
static void add_json(struct printer *p, struct str s)
{
	size_t at = 0;
	while (at < s.len) {
		size_t end = at;
		const char *color = NULL;
		if (s.data[at] == '"') {
			end = json_string_end(s, at);
			size_t next = end;
			while (next < s.len && s.data[next] == ' ')
				next++;
			color = next < s.len && s.data[next] == ':' ? blue : green;
		} else if (is_word(s.data[at])) {
			while (end < s.len && is_word(s.data[end]))
				end++;
			color = s.data[at] >= 'a' ? yellow : cyan;
		} else {
			at += add_char(p, s, at);
			continue;
		}
		paint(p, color);
		add_text(p, str_sub(s, at, end - at));
		paint(p, plain);
		at = end;
	}
}

static void pad(struct printer *p, size_t from, int width)
{
	for (size_t i = p->out.len - from; i < (size_t)width; i++)
		strbuf_add_byte(&p->out, ' ');
}

static int widen(int *width, size_t len, int max)
{
	if ((int)len > *width)
		*width = (int)len > max ? max : (int)len;
	return *width;
}

static void add_place(struct printer *p, const struct messages *m, uint32_t i)
{
	size_t from = p->out.len;
	strbuf_addf(&p->out, "%" PRId32 "@%" PRId64, m->partition[i], m->offset[i]);
	pad(p, from, widen(&p->place_width, p->out.len - from, 30));
	strbuf_add_c(&p->out, "  ");
}

static void add_time(struct printer *p, int64_t timestamp_us)
{
	if (timestamp_us < 0) {
		strbuf_add_c(&p->out, "-                        ");
		return;
	}
	struct value v = {.type = {.id = TYPE_TIMESTAMP}};
	v.as.i64 = timestamp_us / 1000000 * 1000000;
	value_text(&v, VALUE_CAST, NULL, &p->out);
	strbuf_addf(&p->out, ".%03dZ ", (int)(timestamp_us / 1000 % 1000));
}

static void add_key(struct printer *p, struct str key)
{
	size_t from = p->out.len;
	if (key.data == NULL)
		strbuf_add_c(&p->out, "-");
	else
		add_text(p, key);
	pad(p, from, widen(&p->key_width, p->out.len - from, key_width_max));
	strbuf_add_c(&p->out, "  ");
}

static void add_headers(struct printer *p, const struct messages *m, uint32_t i)
{
	paint(p, dim);
	for (uint32_t h = 0; h < m->header_count[i]; h++) {
		strbuf_add_c(&p->out, h == 0 ? "  [" : " ");
		add_text(p, m->headers[i][h].name);
		strbuf_add_c(&p->out, "=");
		if (m->headers[i][h].value.data == NULL)
			strbuf_add_c(&p->out, "(null)");
		else
			add_text(p, m->headers[i][h].value);
	}
	if (m->header_count[i] > 0)
		strbuf_add_c(&p->out, "]");
	paint(p, plain);
}

static void add_message(struct printer *p, const struct messages *m, uint32_t i)
{
	paint(p, dim);
	add_place(p, m, i);
	add_time(p, m->timestamp_us[i]);
	paint(p, plain);
	add_key(p, m->key[i]);
	struct str value = m->value[i];
	if (value.data == NULL) {
		paint(p, yellow);
		strbuf_add_c(&p->out, "(tombstone)");
		paint(p, plain);
	} else if (p->color && value.len > 0 && (value.data[0] == '{' || value.data[0] == '[')) {
		add_json(p, value);
	} else {
		add_text(p, value);
	}
	if (p->headers)
		add_headers(p, m, i);
	strbuf_add_byte(&p->out, '\n');
}

/* ---- Reading ---- */

static int wait_for_more(struct source *s, int timeout_ms)
{
	struct pollfd fds[2] = {{.fd = s->wake_fd, .events = POLLIN},
		{.fd = STDOUT_FILENO, .events = 0}}; /* POLLERR: its reader went away */
	poll(fds, 2, timeout_ms);
	return (fds[1].revents & POLLERR) != 0;
}

static int follow(struct source *s, const struct tail_options *o, struct printer *p,
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
			add_message(p, block, i);
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
	struct printer p = {.color = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL,
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
		   "(tombstone).\n",
	.options = tail_specs,
	.option_count = sizeof(tail_specs) / sizeof(tail_specs[0]),
	.options_bytes = sizeof(struct tail_options),
	.run = run_tail,
};
