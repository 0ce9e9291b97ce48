#ifndef CDCL_SERVICE_H
#define CDCL_SERVICE_H

/*
 * The process as its supervisor sees it: signs of life, and systemd's notifications (sd_notify:
 * datagrams of NAME=VALUE lines to the socket that NOTIFY_SOCKET names).
 *
 * service_beat is called by the engine's thread at every turn, and by what keeps it for long but
 * comes back by itself (asking a database again). When systemd watches (WATCHDOG_USEC), a beat
 * tells it so, twice in its interval; an engine that hangs is then ended and started again. Others
 * read service_quiet_us.
 */

#include "base/clock.h"

#include <stdbool.h>

void service_init(const struct clock *clock);

/* Somebody wants to hear: NOTIFY_SOCKET is set. */
bool service_is_supervised(void);

/* False: nobody listens, or could not take it now. */
bool service_tell(const char *lines);

void service_beat(void);

/* Since the last beat. */
int64_t service_quiet_us(void);

#endif
