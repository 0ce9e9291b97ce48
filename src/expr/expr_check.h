#ifndef CDCL_EXPR_CHECK_H
#define CDCL_EXPR_CHECK_H

/* From the parsed tree to the typed one. */

#include "expr/resolve.h"

/* Types one node. Aggregate calls that were not pulled out (sql_node.inner < 0) are errors. */
int checker_node(struct checker *c, const struct sql_node *node, struct expr **out);

/* A whole expression: the tree, its name, literals expanded. */
int checker_expression(struct checker *c, const struct sql_expression *source, struct expr **out);

/* Gives every literal of a finished tree its full column. */
void checker_expand(struct checker *c, struct expr *e);

/* What Spark calls it: the alias, the column's name, or its text ("cast(x as string)" keeps x). */
struct str checker_name(struct checker *c, const struct sql_expression *source);

#endif
