#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

/*
 * What the linker puts between the product and what it calls (--wrap, CMakeLists.txt): allocations
 * that fail, and parts of the product that are switched off to see that somebody notices.
 */

#include <stdbool.h>
#include <stdint.h>

/*
 * The `at`-th allocation from here on (Lua's are among them) fails, and all after it when `on`; 0:
 * none.
 */
void faults_fail_allocation(int64_t at, bool on);
/* The test's own do not count meanwhile. */
void faults_pause(bool on);

/* What may be switched off; NULL behind the last. */
struct mutation {
	const char *name;
	const char *what;
	const char *job;        /* that can notice it; NULL: any */
};

const struct mutation *faults_mutations(void);
bool faults_mutate(const char *name); /* false: unknown */
bool faults_is_off(const char *name);
/* Something is off, so what is wrong is wanted. */
bool faults_are_quiet(void);

#endif
