#ifndef CDCL_INTERRUPT_H
#define CDCL_INTERRUPT_H

/*
 * SIGINT, SIGTERM and SIGHUP for commands without an event loop (generate, broker, tail): the first
 * one is asked for with interrupt_seen, the second ends the process with 130.
 */

#include <stdbool.h>

void interrupt_catch(void);
bool interrupt_seen(void);

/* Sleeps, at most until the first signal. */
void interrupt_sleep(int ms);

#endif
