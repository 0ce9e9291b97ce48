#ifndef CDCL_HALVES_H
#define CDCL_HALVES_H

/* Work in two halves that have nothing to do with each other: two cores take half the time. */

#include <stdbool.h>
#include <stdint.h>

/*
 * run(of, 0) here and run(of, 1); where they are worth a thread, that beside it. Both are done when
 * it returns.
 */
void halves_run(void (*run)(void *of, uint32_t half), void *of, bool worth_a_thread);

#endif
