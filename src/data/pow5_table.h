#ifndef CDCL_POW5_TABLE_H
#define CDCL_POW5_TABLE_H

#include <stdint.h>

/* 5^q, its first 128 bits: the higher 64 and the lower 64. double_parse.c says what for. */

enum { pow5_least = -342, pow5_most = 308 };

extern const uint64_t pow5_table[pow5_most - pow5_least + 1][2];

#endif
