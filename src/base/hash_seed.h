#ifndef CDCL_HASH_SEED_H
#define CDCL_HASH_SEED_H

/*
 * What hash tables of keys from outside begin with: another number in each process, so that nobody
 * can write records whose keys all meet in one slot. Nothing that is kept or shown may depend on
 * it.
 */

#include <stdint.h>

uint64_t hash_seed(void);

#endif
