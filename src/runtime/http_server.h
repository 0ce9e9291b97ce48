#ifndef CDCL_HTTP_SERVER_H
#define CDCL_HTTP_SERVER_H

/*
 * A small HTTP server for looking, never for changing: GET and HEAD, no bodies, one answer a
 * connection. The only file that knows libmicrohttpd. It runs on a thread of its own, so that it
 * answers while the engine is busy, and so that no client can keep the engine waiting:
 *
 *	connections   http_connections_max; when all are taken the oldest gives its place
 *	a request     http_request_bytes_max, with its headers; http_idle_s without a byte end it
 *	Host          on the loopback only names of the loopback are answered
 */

#include "cdcl/error.h"
#include "base/listen_address.h"
#include "base/str.h"

enum { http_connections_max = 32, http_request_bytes_max = 8 * 1024, http_idle_s = 10 };

struct http_answer {
	unsigned status;
	const char *content_type;
	struct strbuf body;             /* the server releases it */
};

/* Embedded in its owner. */
struct http_handler {
	/* On the server's thread. False: there is no such page. */
	bool (*answer)(struct http_handler *h, struct str path, struct http_answer *out);
};

struct http_server;

/* `at` is where it really listens afterwards. NULL with the error filled. */
struct http_server *http_server_open(
	struct listen_address *at, struct http_handler *handler, struct error *err);
/* No answer is being made when it returns. NULL is fine. */
void http_server_close(struct http_server *s);

/* The library's version, for `cdcl version`. */
const char *http_server_version(void);

#endif
