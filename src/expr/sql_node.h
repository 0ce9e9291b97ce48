#ifndef CDCL_SQL_NODE_H
#define CDCL_SQL_NODE_H

/*
 * Making the nodes of the tree (sql_parse.h): opened where its text begins, closed when its
 * arguments are there and the cursor is behind it.
 */

#include "base/bounds.h"
#include "expr/sql_cursor.h"
#include "expr/sql_parse.h"

struct sql_node *sql_node_open(struct sql_cursor *p, enum sql_kind kind, size_t at);
int sql_node_close(struct sql_cursor *p, struct sql_node *n);
int sql_node_call(struct sql_cursor *p, const char *name, size_t at, struct sql_node **args,
	uint32_t count, struct sql_node **out);
int sql_node_not(struct sql_cursor *p, size_t at, struct sql_node **n);

/* A growing list of arguments, on the stack until its length is known. */
struct sql_node_list {
	struct sql_node *items[sql_arguments_max];
	uint32_t count;
};

int sql_node_list_add(struct sql_cursor *p, struct sql_node_list *l, struct sql_node *n);

#endif
