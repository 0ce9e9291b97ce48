#include "source/source.h"

#include "source/source_kinds.h"

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

void source_close(struct source *s)
{
	if (s != NULL)
		s->ops->close(s);
}
