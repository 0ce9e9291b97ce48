#ifndef CDCL_SHA512_H
#define CDCL_SHA512_H

/* SHA-512 and SHA-384 (FIPS 180-4). */

#include "base/str.h"

#include <stdint.h>

/* Eight words, the most significant first; of the short one the first six count. */
void sha512(struct str text, bool short_one, uint64_t state[8]);

#endif
