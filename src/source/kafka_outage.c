#include "source/kafka_outage.h"

enum { pause_us_min = 5 * 1000 * 1000, pause_us_max = 300 * 1000 * 1000 };

enum kafka_outage_step kafka_outage_goes_on(
	struct kafka_outage *o, int64_t now_us, int64_t first_us, int64_t timeout_ms)
{
	if (o->since_us == 0)
		*o = (struct kafka_outage){.since_us = now_us,
			.notice_us = now_us + first_us,
			.pause_us = pause_us_min};
	if (timeout_ms > 0 && now_us - o->since_us >= timeout_ms * 1000)
		return OUTAGE_GIVE_UP;
	if (now_us < o->notice_us)
		return OUTAGE_QUIET;
	o->notice_us = now_us + o->pause_us;
	if (o->pause_us < pause_us_max)
		o->pause_us *= 2;
	o->told = true;
	return OUTAGE_TELL;
}

bool kafka_outage_ends(struct kafka_outage *o)
{
	bool told = o->told;
	*o = (struct kafka_outage){0};
	return told;
}
