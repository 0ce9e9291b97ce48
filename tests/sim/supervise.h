#ifndef SIM_SUPERVISE_H
#define SIM_SUPERVISE_H

/* The parent: starts processes, and reads from their ends what became of them. */

#include "life.h"

/* Runs it in a process of its own: wait's status. */
int supervise_life(const struct life *l);
/* What that process wrote to stderr. */
const char *supervise_stderr(void);
/* `look` ends by world_wrong when it does not like what it sees. */
bool supervise_check(void (*look)(void), const char *when);
void say_wrong(const char *what);

#endif
