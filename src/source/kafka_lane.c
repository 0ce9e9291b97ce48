#include "source/kafka_lane.h"

#include "base/check.h"
#include "base/log.h"
#include "source/fetch_settings.h"
#include "source/kafka_brokers.h"
#include "source/kafka_keeper.h"
#include "source/source_kinds.h"

#include <stdlib.h>

static const char *const names[] = {
	[KAFKA_LANE_AUTO] = "auto",
	[KAFKA_LANE_DIRECT] = "direct",
	[KAFKA_LANE_LIBRDKAFKA] = "librdkafka"};

const char *kafka_lane_name(enum kafka_lane lane)
{
	return names[lane];
}

bool kafka_lane_parse(struct str name, enum kafka_lane *out)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!str_eq(name, str_c(names[i])))
			continue;
		*out = (enum kafka_lane)i;
		return true;
	}
	return false;
}

int kafka_lane_choose(
	const struct kafka_config *config, struct kafka_lane_choice *out, struct error *err)
{
	enum kafka_lane wanted = config->lane;
	*out = (struct kafka_lane_choice){.lane = KAFKA_LANE_LIBRDKAFKA};
	const char *said = getenv("CDCL_LANE");
	if (wanted == KAFKA_LANE_AUTO && said != NULL && !kafka_lane_parse(str_c(said), &wanted))
		return error_set(err, CDCL_E_USAGE,
			"CDCL_LANE is auto, direct or librdkafka, not '%s'", said);
	if (wanted == KAFKA_LANE_LIBRDKAFKA)
		return 0;
	if (fetch_settings_fit(config, out->why, sizeof(out->why))) {
		out->lane = KAFKA_LANE_DIRECT;
		return 0;
	}
	if (config->lane != KAFKA_LANE_DIRECT)
		return 0;
	int r = error_set(
		err, CDCL_E_SCRIPT, "lane = \"direct\" does not know %s", out->why);
	error_help(err, "lane = \"auto\" takes librdkafka then");
	return r;
}

int kafka_lane_check(const struct kafka_config *config, struct error *err)
{
	struct kafka_lane_choice choice;
	int r = kafka_keeper_check(config, err);
	return r < 0 ? r : kafka_lane_choose(config, &choice, err);
}

struct source *kafka_lane_make(const struct kafka_config *config, struct error *err)
{
	struct kafka_lane_choice choice;
	if (config->topic_count == 0 && config->topic_pattern.data == NULL) {
		error_set(err, CDCL_E_SCRIPT, "a Kafka source needs a topic or a topic_pattern");
		return NULL;
	}
	if (kafka_brokers_check(config->brokers, err) < 0 ||
		kafka_lane_choose(config, &choice, err) < 0)
		return NULL;
	if (choice.why[0] != 0)
		log_info("kafka", "read by librdkafka: the direct lane does not know %s",
			choice.why);
	return choice.lane == KAFKA_LANE_DIRECT ? fetch_source_make(config)
						: kafka_source_make(config);
}
