#ifndef SIM_MODEL_DISK_H
#define SIM_MODEL_DISK_H

/* tests/unit/memory_disk.h, in shared memory; every call may be the process's last. */

#include "base/str.h"

#include <stdbool.h>

void model_disk_reset(void);
void model_disk_use(bool on);
struct str model_disk_file(const char *path); /* len 0: empty, or not there */
/* A process ended, of itself or not; power: and with it everything that was not synced. */
void model_disk_after_death(bool power);
/*
 * A bit of a snapshot, an older log or the manifest turns over; false: there is none. Undone: it
 * is as it was, unless somebody wrote there since.
 */
bool model_disk_damage(void);
void model_disk_undo_damage(void);
/* Its `at`-th call that changes something fails with `number`, and all after it when `on`. */
void model_disk_fail(int64_t at, bool on, int number);
int64_t model_disk_calls(void);

#endif
