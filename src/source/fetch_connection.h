#ifndef CDCL_FETCH_CONNECTION_H
#define CDCL_FETCH_CONNECTION_H

/*
 * A TCP connection to one broker, one request in flight, or some that were sent together. Nothing
 * blocks: fetch_connection_step does what can be done now, and says where it stands.
 *
 *	DOWN --(its time to try again)--> CONNECTING --> GREETING --> READY
 *	  ^                                                             |  fetch_connection_send
 *	  |                                                             v
 *	  +----- anything fails, a deadline passes ------- ASKED --> ANSWERED
 *	                                                     ^___________|  fetch_connection_taken
 *	                                      (READY after the last one; ASKED while others follow)
 *
 * A broker may have several addresses (IPv6, IPv4): they are tried one after another, then again
 * after a pause that grows from 50 ms to 1 s until an answer came. GREETING asks for the versions
 * that the broker speaks.
 *
 * The answer is received into a buffer of the caller, who may read there until he hands it out
 * again; it grows when an answer is larger than its usual size.
 *
 * Sockets may stand in an epoll instance, edge-triggered: whoever waits there tells of events by
 * fetch_connection_event. Without one, poll fetch_connection_waits.
 */

#include "base/clock.h"
#include "base/str.h"
#include "source/fetch_protocol.h"

#include <stdbool.h>
#include <sys/socket.h>

enum {
	fetch_addresses_max = 8,
	fetch_pause_us_min = 50 * 1000,
	fetch_pause_us_max = 1000 * 1000,
	fetch_connect_ms = 10 * 1000,
	fetch_answer_bytes_max = 256 * 1024 * 1024 /* a batch may be larger than asked for */
};

struct fetch_addresses {
	uint32_t count;
	struct fetch_address {
		struct sockaddr_storage at;
		socklen_t bytes;
	} list[fetch_addresses_max];
};

/* Asks the resolver, which may block; numbers never do. False: `why` says why. */
bool fetch_resolve(const char *host, int32_t port, struct fetch_addresses *out, const char **why);

struct fetch_buffer {
	char *data;
	size_t capacity;
	size_t bytes; /* of the answer, with its length and correlation */
};

void fetch_buffer_release(struct fetch_buffer *b);
/* Room for `bytes`; what is beyond a usual size is given back. */
void fetch_buffer_fit(struct fetch_buffer *b, size_t bytes);

enum connection_state {
	CONNECTION_DOWN,
	CONNECTION_CONNECTING,
	CONNECTION_GREETING,
	CONNECTION_READY,
	CONNECTION_ASKED,
	CONNECTION_ANSWERED
};

struct fetch_connection {
	enum connection_state state;
	const struct clock *clock;
	struct str client;
	int epoll_fd; /* -1: none */
	int fd;       /* -1: none */
	struct fetch_addresses addresses;
	uint32_t address; /* the one in use, or to be tried next */
	int timeout_ms;   /* for an answer */
	int64_t pause_us;
	int64_t due_us; /* deadline, or when to try again */
	uint32_t failures;
	bool readable;
	bool writable;
	int32_t correlation; /* of the last request */
	uint32_t behind; /* requests behind the one that is answered next */
	struct fetch_versions versions;
	struct strbuf request;
	size_t began; /* where the last request begins in it */
	size_t sent;
	struct fetch_buffer *into;
	struct fetch_buffer greeting;
	char name[300];   /* "host:port" */
	char reason[512]; /* of the last failure */
};

void fetch_connection_init(struct fetch_connection *c, const struct clock *clock,
	struct str client, int epoll_fd, int timeout_ms);
void fetch_connection_release(struct fetch_connection *c);

/* Where the broker is; one that moved is connected to anew. */
void fetch_connection_to(
	struct fetch_connection *c, const char *name, const struct fetch_addresses *addresses);

void fetch_connection_event(struct fetch_connection *c, bool readable, bool writable);
enum connection_state fetch_connection_step(struct fetch_connection *c);

/* READY: the request is begun in c->request; put its body there and send. */
void fetch_connection_begin(struct fetch_connection *c, enum fetch_api api);
/* Another one behind it, before they are sent; it is answered behind it, too. */
void fetch_connection_begin_next(struct fetch_connection *c, enum fetch_api api);
/* More than timeout_ms is waited for when the broker was asked to take its time. */
void fetch_connection_send(struct fetch_connection *c, struct fetch_buffer *into, int wait_ms);

/* ANSWERED: what came, behind the correlation; the buffer is used again for the next one. */
struct str fetch_connection_answer(const struct fetch_connection *c);
void fetch_connection_taken(struct fetch_connection *c);

/* The broker said something that it cannot mean. Also to begin again for another reason. */
void fetch_connection_fail(struct fetch_connection *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Monotonic; INT64_MAX: only the socket wakes it. */
int64_t fetch_connection_due(const struct fetch_connection *c);
/* What to poll for: POLLIN, POLLOUT; 0: nothing. */
short fetch_connection_waits(const struct fetch_connection *c);

#endif
