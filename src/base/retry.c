#include "base/retry.h"

#include "base/log.h"
#include "base/service.h"

#include <poll.h>

enum { slice_ms = 100 };

bool retry_wait(struct retry *r, int64_t timeout_ms, const char *area, struct error *err)
{
	if (timeout_ms <= 0)
		return false;
	if (r->wait_ms == 0) {
		patience_init(&r->patience, &clock_system, timeout_ms);
		r->wait_ms = retry_wait_ms_min;
	}
	if (!patience_left(&r->patience))
		return false;
	log_warn(area, "%s; trying again in %.1f s", err->text, r->wait_ms / 1000.0);
	for (int left_ms = r->wait_ms; left_ms > 0 && patience_left(&r->patience);) {
		int ms = patience_slice(&r->patience, left_ms < slice_ms ? left_ms : slice_ms);
		poll(NULL, 0, ms);
		service_beat();
		left_ms -= ms;
	}
	r->wait_ms = r->wait_ms * 2 < retry_wait_ms_max ? r->wait_ms * 2 : retry_wait_ms_max;
	error_init(err);
	return true;
}
