#include "sink/postgres_call.h"

#include "base/patience.h"

#include <poll.h>

enum { slice_ms = 200, answer_ms_max = 3600 * 1000 };

void postgres_call_begin(struct postgres_call *c)
{
	c->given_up = false;
	PQsetnonblocking(c->connection, 1);
}

void postgres_call_close(struct postgres_call *c)
{
	if (c->connection != NULL)
		PQfinish(c->connection);
	c->connection = NULL;
}

/* False: the wait is over. */
static bool wait_for(struct postgres_call *c, struct patience *patience, short events)
{
	if (!patience_left(patience)) {
		c->given_up = true;
		postgres_call_close(c);
		return false;
	}
	struct pollfd p = {.fd = PQsocket(c->connection), .events = events};
	if (p.fd >= 0)
		poll(&p, 1, patience_slice(patience, slice_ms));
	return PQconsumeInput(c->connection) == 1;
}

static bool flush(struct postgres_call *c, struct patience *patience)
{
	int left;
	while ((left = PQflush(c->connection)) == 1)
		if (!wait_for(c, patience, POLLIN | POLLOUT))
			return false;
	return left == 0;
}

/* The last result, but COPY's beginning at once. */
static PGresult *answer(struct postgres_call *c, struct patience *patience)
{
	PGresult *last = NULL, *next;
	for (;;) {
		bool good = true;
		while (good && PQisBusy(c->connection))
			good = wait_for(c, patience, POLLIN);
		/* of a connection that broke it makes a result that says so */
		next = c->connection == NULL ? NULL : PQgetResult(c->connection);
		if (next == NULL)
			return c->given_up ? (PQclear(last), NULL) : last;
		PQclear(last);
		last = next;
		if (PQresultStatus(last) == PGRES_COPY_IN)
			return last;
	}
}

PGresult *postgres_call_run(struct postgres_call *c, const char *sql, const char *const *texts,
	int count)
{
	struct patience patience;
	patience_init(&patience, &clock_system, answer_ms_max);
	int sent = texts == NULL
		? PQsendQuery(c->connection, sql)
		: PQsendQueryParams(c->connection, sql, count, NULL, texts, NULL, NULL, 0);
	if (sent != 1)
		return NULL;
	if (!flush(c, &patience) && c->given_up)
		return NULL;
	return answer(c, &patience);
}

int postgres_call_copy(struct postgres_call *c, struct str bytes)
{
	struct patience patience;
	patience_init(&patience, &clock_system, answer_ms_max);
	int taken;
	while ((taken = PQputCopyData(c->connection, bytes.data, (int)bytes.len)) == 0)
		if (!wait_for(c, &patience, POLLIN | POLLOUT))
			return -1;
	return taken == 1 && !flush(c, &patience) ? -1 : taken;
}

PGresult *postgres_call_end_copy(struct postgres_call *c, const char *why)
{
	struct patience patience;
	patience_init(&patience, &clock_system, answer_ms_max);
	int taken;
	while ((taken = PQputCopyEnd(c->connection, why)) == 0)
		if (!wait_for(c, &patience, POLLIN | POLLOUT))
			return NULL;
	if (taken != 1 || (!flush(c, &patience) && c->given_up))
		return NULL;
	return answer(c, &patience);
}
