#ifndef CDCL_POSTGRES_TEXT_H
#define CDCL_POSTGRES_TEXT_H

/*
 * Values as PostgreSQL's COPY text has them, and the types that hold them there. Timestamps are in
 * UTC; the session's time zone is, too.
 */

#include "data/value.h"

/* With \ and control characters escaped, \N for NULL. */
void postgres_copy_value(const struct value *v, struct strbuf *out);

/* What a column is made with: "numeric(10,2)". */
void postgres_type(struct type t, struct strbuf *out);

/* Does a column of that type (format_type's words) hold every value of `t`? */
bool postgres_type_holds(struct str found, struct type t);

#endif
