#ifndef CDCL_SPARK_HASH_H
#define CDCL_SPARK_HASH_H

/*
 * Spark's murmur3 over typed values (seed 42, each column's hash seeds the next, NULL leaves it as
 * it is). It decides the row order of a complete box: rows come by pmod(hash, 200).
 */

#include "data/value.h"

enum { spark_hash_seed = 42, spark_shuffle_partitions = 200 };

uint32_t spark_hash_value(const struct value *v, uint32_t seed);
unsigned spark_partition(uint32_t hash);        /* pmod(hash as int32, 200) */

#endif
