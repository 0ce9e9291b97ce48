#ifndef CDCL_TABLE_UNFIT_H
#define CDCL_TABLE_UNFIT_H

/*
 * Kept entries with a number that their column's new type does not hold. One that a later record
 * replaces, or deletes, is nobody's any more: only what is left when all records were taken counts.
 */

#include "cdcl/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct unfit_value {
	bool any;
	uint32_t column;
	int64_t value;
};

struct table_unfit;

/* *u is made when it is NULL. */
void table_unfit_add(struct table_unfit **u, uint32_t id, const struct unfit_value *value);
/* The entry gets another record. NULL is fine. */
void table_unfit_remove(struct table_unfit *u, uint32_t id);
/* How many entries are left, and a value of one of them if that is known. */
uint32_t table_unfit_count(const struct table_unfit *u, struct unfit_value *example);
void table_unfit_close(struct table_unfit *u);

#endif
