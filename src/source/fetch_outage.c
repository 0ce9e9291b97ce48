#include "source/fetch_outage.h"

#include "base/log.h"
#include "source/fetch_source.h"
#include "source/kafka_keeper.h"

#include <inttypes.h>

enum { look_every_us = 100 * 1000 };

static bool wants(const struct fetch_source *fs, const struct fetch_lane *l)
{
	if (kafka_partition_gone(fetch_partition(fs, l)))
		return false;
	return l->phase != LANE_READS || (l->part_count == 0 && fetch_may_read(fs, l));
}

/* How many wait for a leader, and the first of them. */
static uint32_t stranded(
	const struct fetch_source *fs, const struct fetch_lane **first, const char **reason)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < fs->progress.count; i++) {
		const struct fetch_lane *l = &fs->lanes[i];
		if (!wants(fs, l))
			continue;
		const struct fetch_broker *b = fetch_broker_find(fs, l->leader);
		if ((b != NULL && !b->lost) || count++ > 0)
			continue;
		*first = l;
		*reason = b == NULL ? "there is none" : b->connection.reason;
	}
	return count;
}

static int tell(struct fetch_outage *o, const struct fetch_source *fs,
	const struct fetch_lane *first, uint32_t count, const char *reason, struct error *err)
{
	const struct kafka_partition *p = fetch_partition(fs, first);
	int64_t timeout_ms = fs->config->broker_timeout_ms;
	switch (kafka_outage_goes_on(
		&o->outage, fetch_now_us(fs), kafka_leader_quiet_us, timeout_ms)) {
	case OUTAGE_GIVE_UP:
		return error_set(err, CDCL_E_UNREACHABLE,
			"no leader of " STR_FMT "/%" PRId32 " answers (%s); gave up after %" PRId64
			" s",
			STR_ARG(p->topic->name), p->partition, reason, timeout_ms / 1000);
	case OUTAGE_TELL:
		log_warn("kafka",
			"no leader of " STR_FMT "/%" PRId32 " answers (%s), %" PRIu32
			" such partition%s; trying again until one does",
			STR_ARG(p->topic->name), p->partition, reason, count,
			count == 1 ? "" : "s");
		break;
	case OUTAGE_QUIET:
		break;
	}
	return 0;
}

int fetch_outage_look(struct fetch_source *fs, struct error *err)
{
	struct fetch_outage *o = &fs->outage;
	int64_t now = fetch_now_us(fs);
	if (now < o->look_us)
		return 0;
	o->look_us = now + look_every_us;
	const struct fetch_lane *first = NULL;
	const char *reason = NULL;
	uint32_t count = kafka_keeper_reaches(fs->keeper) ? stranded(fs, &first, &reason) : 0;
	if (count > 0)
		return tell(o, fs, first, count, reason, err);
	int64_t since_us = o->outage.since_us;
	if (kafka_outage_ends(&o->outage))
		log_info("kafka", "all leaders answer again after %.1f s",
			(double)(now - since_us) / 1e6);
	return 0;
}
