#include "sink/stale_keys.h"

#include "base/check.h"
#include "base/log.h"
#include "sink/key_map.h"
#include "source/kafka_producer.h"
#include "source/source.h"
#include "source/source_config.h"

#include <poll.h>
#include <stdlib.h>

enum { read_timeout_ms = 60 * 1000, wait_ms = 100, stale_first = 1024 };

struct stale_keys {
	const struct kafka_sink_config *config; /* plan */
	struct key_map here;                    /* sent by this run */
	struct key_map there;                   /* found in the topic: index of `keys` */
	struct arena arena;                     /* their bytes */
	struct str *keys;
	bool *gone;                             /* the last message of it is a tombstone */
	uint32_t count;
	uint32_t capacity;
};

struct stale_keys *stale_keys_open(const struct kafka_sink_config *config)
{
	struct stale_keys *s = calloc(1, sizeof(*s));
	check(s != NULL); /* out of memory */
	s->config = config;
	arena_init(&s->arena, 256 * 1024);
	return s;
}

void stale_keys_close(struct stale_keys *s)
{
	if (s == NULL)
		return;
	key_map_release(&s->here);
	key_map_release(&s->there);
	arena_release(&s->arena);
	free(s->keys);
	free(s->gone);
	free(s);
}

void stale_keys_note(struct stale_keys *s, struct str key)
{
	key_map_put(&s->here, key, 0);
}

static uint32_t add_key(struct stale_keys *s, struct str key)
{
	if (s->count == s->capacity) {
		s->capacity = s->capacity == 0 ? stale_first : s->capacity * 2;
		s->keys = realloc(s->keys, s->capacity * sizeof(*s->keys));
		s->gone = realloc(s->gone, s->capacity * sizeof(*s->gone));
		check(s->keys != NULL && s->gone != NULL); /* out of memory */
	}
	s->keys[s->count] = str_dup(key, &s->arena);
	key_map_put(&s->there, key, s->count);
	return s->count++;
}

static void look_at(struct stale_keys *s, const struct messages *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		struct str key = m->key[i];
		if (key.data == NULL || key_map_get(&s->here, key) != KEY_MAP_MISSING)
			continue;
		uint32_t at = key_map_get(&s->there, key);
		if (at == KEY_MAP_MISSING)
			at = add_key(s, key);
		s->gone[at] = m->value[i].data == NULL;
	}
}

static int read_all(struct stale_keys *s, struct source *source, struct messages *block,
	struct error *err)
{
	int state = source->ops->begin_batch(source, err);
	while (state >= 0) {
		arena_reset(block->arena);
		block->count = 0;
		state = source->ops->fill(source, block, err);
		look_at(s, block);
		if (state == SOURCE_END || state == SOURCE_LIMIT)
			return 0;
		if (state == SOURCE_IDLE || state == SOURCE_WAITING)
			poll(&(struct pollfd){.fd = source->wake_fd, .events = POLLIN}, 1, wait_ms);
	}
	return state;
}

static int read_topic(struct stale_keys *s, struct error *err)
{
	struct str topic = s->config->topic;
	struct source_config config = {.kind = SOURCE_KAFKA};
	config.kafka.brokers = s->config->brokers;
	config.kafka.topics = &topic;
	config.kafka.topic_count = 1;
	config.kafka.starting.kind = OFFSETS_EARLIEST;
	config.kafka.continue_on_data_loss = true; /* compaction goes on meanwhile */
	config.kafka.settings = s->config->settings;
	config.kafka.setting_count = s->config->setting_count;
	config.kafka.broker_timeout_ms = read_timeout_ms;
	struct arena arena;
	arena_init(&arena, 256 * 1024);
	struct messages *block = calloc(1, sizeof(*block));
	check(block != NULL); /* out of memory */
	block->arena = &arena;
	struct source *source =
		source_open(&config, 0, SOURCE_RUN_AVAILABLE_NOW, &clock_system, err);
	int r = source == NULL ? -(int)err->code : read_all(s, source, block, err);
	source_close(source);
	arena_release(&arena);
	free(block);
	return r;
}

int stale_keys_remove(struct stale_keys *s, struct kafka_producer *producer, struct error *err)
{
	int r = kafka_producer_flush(producer, err);
	if (r == 0)
		r = read_topic(s, err);
	if (r < 0)
		return error_prefix(err, "reading what an earlier run left in the topic: ");
	long long sent = 0;
	for (uint32_t i = 0; r == 0 && i < s->count; i++) {
		if (s->gone[i])
			continue;
		r = kafka_producer_send(producer, -1, s->keys[i], str_c(NULL), err);
		sent++;
	}
	if (sent > 0)
		log_info("kafka", "topic '" STR_FMT "': %lld rows of an earlier run were taken out",
			STR_ARG(s->config->topic), sent);
	return r;
}
