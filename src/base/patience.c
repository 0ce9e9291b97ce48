#include "base/patience.h"

#include "base/service.h"

#include <stdatomic.h>

/* Of the process, as signals are. */
static atomic_bool stop_asked;

void patience_stop(void)
{
	atomic_store(&stop_asked, true);
}

void patience_restart(void)
{
	atomic_store(&stop_asked, false);
}

bool patience_stop_asked(void)
{
	return atomic_load(&stop_asked);
}

void patience_init(struct patience *p, const struct clock *clock, int64_t timeout_ms)
{
	*p = (struct patience){.clock = clock,
		.until_us = clock_monotonic_us(clock) + timeout_ms * 1000,
		.stop_us = -1};
}

static int64_t left_us(struct patience *p)
{
	int64_t now_us = clock_monotonic_us(p->clock);
	if (p->stop_us < 0 && patience_stop_asked())
		p->stop_us = now_us;
	int64_t until_us = p->until_us;
	int64_t stop_us = p->stop_us + (int64_t)patience_after_stop_ms * 1000;
	if (p->stop_us >= 0 && stop_us < until_us)
		until_us = stop_us;
	return until_us - now_us;
}

bool patience_left(struct patience *p)
{
	return left_us(p) > 0;
}

int patience_slice(struct patience *p, int slice_ms)
{
	service_beat(); /* it comes back by itself */
	int64_t ms = left_us(p) / 1000;
	return ms < 1 ? 1 : ms < slice_ms ? (int)ms : slice_ms;
}

bool patience_cut(const struct patience *p)
{
	return p->stop_us >= 0 &&
		p->stop_us + (int64_t)patience_after_stop_ms * 1000 < p->until_us;
}
