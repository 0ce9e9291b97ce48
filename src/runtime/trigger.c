#include "runtime/trigger.h"

#include "base/check.h"

void trigger_init(struct trigger *t, enum trigger_kind kind, int64_t interval_ms, int64_t now_us)
{
	check(kind != TRIGGER_INTERVAL || interval_ms >= 0);
	t->kind = kind;
	t->interval_us = kind == TRIGGER_INTERVAL ? interval_ms * 1000 : 0;
	t->started_us = now_us;
	t->next_us = now_us;
}

/* The wall clock was set back: the moment that was waited for may be a day away. */
static bool went_back(const struct trigger *t, int64_t now_us)
{
	return now_us < t->next_us - t->interval_us;
}

bool trigger_due(const struct trigger *t, int64_t now_us)
{
	return t->kind != TRIGGER_INTERVAL || now_us >= t->next_us || went_back(t, now_us);
}

void trigger_start(struct trigger *t, int64_t now_us)
{
	t->started_us = now_us;
	if (t->interval_us > 0)
		t->next_us = now_us / t->interval_us * t->interval_us + t->interval_us;
}

bool trigger_overran(const struct trigger *t, int64_t now_us, int64_t *spent_ms)
{
	if (t->interval_us == 0 || now_us - t->started_us <= t->interval_us)
		return false;
	*spent_ms = (now_us - t->started_us) / 1000;
	return true;
}

int64_t trigger_wait_us(const struct trigger *t, int64_t now_us)
{
	if (t->kind != TRIGGER_INTERVAL)
		return -1;
	return trigger_due(t, now_us) ? 0 : t->next_us - now_us;
}
