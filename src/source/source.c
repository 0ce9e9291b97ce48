#include "source/source.h"

#include "base/check.h"
#include "source/source_kinds.h"

#include <string.h>

static struct source *make(const struct source_config *config, struct error *err)
{
	switch (config->kind) {
	case SOURCE_KAFKA:
		return kafka_lane_make(&config->kafka, err);
	case SOURCE_FILE:
	case SOURCE_STDIN:
		return file_source_make(&config->file, err);
	case SOURCE_GENERATE:
		return generate_source_make(&config->generate, err);
	}
	error_set(err, CDCL_E_INTERNAL, "a source of an unknown kind");
	return NULL;
}

static struct source *(*stand_in)(const struct source_config *config);

void source_stand_in(struct source *(*make_one)(const struct source_config *config))
{
	stand_in = make_one;
}

struct source *source_open(const struct source_config *config, uint32_t id, enum source_run run,
	const struct clock *clock, struct error *err)
{
	struct source *s = stand_in == NULL ? NULL : stand_in(config);
	if (s == NULL)
		s = make(config, err);
	if (s == NULL)
		return NULL;
	s->id = id;
	s->clock = clock;
	if (s->ops->open(s, run, err) < 0) {
		s->ops->close(s);
		return NULL;
	}
	return s;
}

void source_text_begin(struct messages *out)
{
	memset(out->topic, 0, sizeof(out->topic));
	memset(out->partition, 0, sizeof(out->partition));
	memset(out->timestamp_us, 0xff, sizeof(out->timestamp_us)); /* -1 */
	memset(out->timestamp_type, 0, sizeof(out->timestamp_type));
	memset(out->key, 0, sizeof(out->key));
	memset(out->headers, 0, sizeof(out->headers));
	memset(out->header_count, 0, sizeof(out->header_count));
}

static void add_lines(const struct source_text *t, struct str null_value, struct messages *out)
{
	const char *at = t->text.data, *end = at + t->text.len;
	for (uint32_t line = 0; line < t->lines; line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct str value = {at, (size_t)((newline == NULL ? end : newline) - at)};
		bool is_null = null_value.data != NULL && str_eq(value, null_value);
		uint32_t i = out->count++;
		if (out->topic[i].data != t->topic.data || out->topic[i].len != t->topic.len)
			out->topic[i] = t->topic;
		out->offset[i] = t->offset + line;
		out->value[i] = is_null ? (struct str){NULL, 0} : value;
		at = newline == NULL ? end : newline + 1;
	}
}

void source_text_split(
	const struct source_texts *texts, struct str null_value, struct messages *out)
{
	check(texts->lines <= chunk_rows_max);
	out->count = 0;
	for (uint32_t i = 0; i < texts->count; i++)
		add_lines(&texts->items[i], null_value, out);
}

void source_close(struct source *s)
{
	if (s != NULL)
		s->ops->close(s);
}
