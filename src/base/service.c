#include "base/service.h"

#include "base/str.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct {
	const struct clock *clock;
	struct sockaddr_un address;
	socklen_t address_bytes; /* 0: not supervised */
	int64_t interval_us; /* of the watchdog; 0: none */
	int64_t next_us; /* engine's thread */
	_Atomic int64_t beat_us;
} state = {.clock = &clock_system};

/* A path, or with '@' in front a name that is in no folder. */
static socklen_t read_address(const char *path, struct sockaddr_un *out)
{
	size_t len = path == NULL ? 0 : strlen(path);
	if (len < 2 || len >= sizeof(out->sun_path) || (path[0] != '/' && path[0] != '@'))
		return 0;
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(out->sun_path, path, len);
	if (path[0] == '@')
		out->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* WATCHDOG_PID names the process that it is for, so that a child does not answer. */
static int64_t read_interval(void)
{
	const char *us = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	if (us == NULL || (pid != NULL && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	int64_t interval_us = strtoll(us, NULL, 10);
	return interval_us > 0 ? interval_us : 0;
}

void service_init(const struct clock *clock)
{
	state.clock = clock;
	state.address_bytes = read_address(getenv("NOTIFY_SOCKET"), &state.address);
	state.interval_us = state.address_bytes > 0 ? read_interval() : 0;
	state.next_us = 0;
	atomic_store(&state.beat_us, clock_monotonic_us(clock));
}

bool service_is_supervised(void)
{
	return state.address_bytes > 0;
}

/* A supervisor that does not read must not stop the job. */
bool service_tell(const char *lines)
{
	if (state.address_bytes == 0)
		return false;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	size_t len = strlen(lines);
	ssize_t n = sendto(fd, lines, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		(const struct sockaddr *)&state.address, state.address_bytes);
	close(fd);
	return n == (ssize_t)len;
}

void service_beat(void)
{
	int64_t now_us = clock_monotonic_us(state.clock);
	atomic_store_explicit(&state.beat_us, now_us, memory_order_relaxed);
	if (state.interval_us > 0 && now_us >= state.next_us && service_tell("WATCHDOG=1"))
		state.next_us = now_us + state.interval_us / 2;
}

int64_t service_quiet_us(void)
{
	int64_t beat_us = atomic_load_explicit(&state.beat_us, memory_order_relaxed);
	int64_t quiet_us = clock_monotonic_us(state.clock) - beat_us;
	return quiet_us < 0 ? 0 : quiet_us;
}
