#ifndef CDCL_CRC32C_H
#define CDCL_CRC32C_H

/*
 * CRC-32C (Castagnoli), for what must not be believed when it was damaged on disk. Begin with 0;
 * the answer for two pieces in turn is that for both together.
 */

#include "base/str.h"

uint32_t crc32c(uint32_t crc, struct str bytes);
/* Without the CPU's instruction, for tests: the same answer. */
uint32_t crc32c_by_table(uint32_t crc, struct str bytes);

#endif
