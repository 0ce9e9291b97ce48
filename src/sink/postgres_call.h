#ifndef CDCL_POSTGRES_CALL_H
#define CDCL_POSTGRES_CALL_H

/*
 * Calls of a server that are waited for in slices: the process counts as alive meanwhile, and when
 * it is asked to stop, an answer is waited for a few seconds more (base/patience.h). A server that
 * is stopped, or a lock that nobody lets go, holds nobody for ever.
 *
 * After a wait that was given up the connection is closed and NULL, which libpq takes for one that
 * is broken.
 */

#include "base/str.h"

#include <libpq-fe.h>
#include <stdbool.h>

struct postgres_call {
	PGconn *connection;     /* NULL: there is none */
	bool given_up;          /* that is why */
};

/* The connection is open. */
void postgres_call_begin(struct postgres_call *c);
void postgres_call_close(struct postgres_call *c);

/* As PQexec, and (texts not NULL) PQexecParams. NULL: see the connection. */
PGresult *postgres_call_run(struct postgres_call *c, const char *sql, const char *const *texts,
	int count);
/* Of a COPY; 1, as PQputCopyData. */
int postgres_call_copy(struct postgres_call *c, struct str bytes);
/* No more of it; `why`: it is given up. The last result. */
PGresult *postgres_call_end_copy(struct postgres_call *c, const char *why);

#endif
