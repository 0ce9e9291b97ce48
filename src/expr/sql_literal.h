#ifndef CDCL_SQL_LITERAL_H
#define CDCL_SQL_LITERAL_H

/* Literals: what the token under the cursor says by itself, with the text that Spark prints. */

#include "expr/sql_node.h"

/* `at`: where its sign is, if it has one. */
int sql_literal_number(struct sql_cursor *p, bool negative, size_t at, struct sql_node **out);
/* Adjacent strings are one: 'a' 'b' is 'ab'. */
int sql_literal_string(struct sql_cursor *p, struct sql_node **out);
/* X'1F': the word X is the token, the string follows. */
int sql_literal_hex(struct sql_cursor *p, struct sql_node **out);
/* DATE '2024-01-15' and TIMESTAMP '...': a cast of the string, which folds away. */
int sql_literal_typed(struct sql_cursor *p, enum type_id id, struct sql_node **out);
/* null, true, false */
int sql_literal_word(struct sql_cursor *p, struct sql_node **out);

#endif
