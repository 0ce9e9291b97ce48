#ifndef CDCL_PLAN_BUILD_H
#define CDCL_PLAN_BUILD_H

/* What the files that build a plan share; nobody outside plan/ includes it. */

#include "plan/plan.h"

/*
 * A node after `inputs`, with the first's schema; a Table when one of them is. NULL when the plan
 * is full.
 */
struct plan_node *plan_node_add(struct plan *p, enum plan_kind kind,
	struct plan_node *const *inputs, uint32_t count, struct str place, struct error *err);

/* What an expression over the rows of `in` may name. */
struct expr_scope plan_scope(struct plan *p, const struct plan_node *in, struct str place);

/*
 * Adds place, source line and a caret under `part` (a slice of `source`; absent: all of it) to an
 * error already set.
 */
void plan_error(struct error *err, struct str place, struct str source, struct str part);

/* A user's DDL with its names checked; NULL with the error filled. */
struct schema *plan_schema(struct plan *p, struct str ddl, struct str place, struct error *err);

/*
 * Index of a column by its SQL name (`name` is a slice of `source`), or negative with a suggestion.
 */
int plan_find_column(const struct plan_node *in, struct str name, struct str source,
	struct str place, struct error *err);

/*
 * A step that follows the changes of a Table (group_by, top, join) cannot come after order_by or
 * limit.
 */
int plan_check_changes(
	const struct plan_node *in, const char *step, struct str place, struct error *err);

/* Lists like "quantity desc, id nulls last", at least one key in all. */
int plan_sort_keys(struct plan *p, const struct plan_node *in, const char *step,
	const struct str *texts, uint32_t count, struct str place, struct plan_sort_key **out,
	uint32_t *out_count, struct error *err);

/* The next name of "a, `b c`, d" from *at on; false at the end. */
bool plan_next_name(struct str list, size_t *at, struct str *name);

#endif
