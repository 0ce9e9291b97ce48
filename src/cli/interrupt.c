#include "cli/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t seen;

static void on_signal(int number)
{
	if (number == SIGHUP && seen)
		return;
	if (seen)
		_exit(130);
	seen = 1;
}

void interrupt_catch(void)
{
	struct sigaction action;
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal; /* no SA_RESTART: sleeps end */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	struct sigaction old;
	if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* not under nohup */
		sigaction(SIGHUP, &action, NULL);
}

bool interrupt_seen(void)
{
	return seen != 0;
}

void interrupt_sleep(int ms)
{
	if (!interrupt_seen())
		poll(NULL, 0, ms);
}
