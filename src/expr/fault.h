#ifndef CDCL_FAULT_H
#define CDCL_FAULT_H

/*
 * Why an expression failed on a row, in Spark's words. A fault is one byte while chunks run; only
 * when a row is given up is it computed again, alone, to find the part that failed and its value.
 */

#include "expr/expr_node.h"

void fault_describe(const struct expr *e, const struct chunk *in, uint32_t row,
	enum expr_fault fault, struct error *why);

#endif
