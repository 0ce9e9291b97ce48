#include "runtime/http_server.h"

#include "base/check.h"
#include "base/late.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Some more than are kept, so that the library accepts the one that takes the oldest's place. */
enum { accepted_max = http_connections_max + 8 };

/* Of the server's thread. */
struct client {
	struct MHD_Connection *connection; /* NULL: free */
	uint64_t number; /* in order of arrival */
	bool evicted;
};

struct http_server {
	struct MHD_Daemon *daemon;
	struct http_handler *handler;
	bool local; /* listens on the loopback */
	struct client clients[accepted_max];
	uint64_t arrived;
};

/* ---- connections ---- */

static int fd_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	return info == NULL ? -1 : info->connect_fd;
}

/* The library sees the end of its input and closes it. */
static void evict_oldest(struct http_server *s)
{
	struct client *oldest = NULL;
	uint32_t live = 0;
	for (uint32_t i = 0; i < accepted_max; i++) {
		struct client *c = &s->clients[i];
		if (c->connection == NULL || c->evicted)
			continue;
		live++;
		if (oldest == NULL || c->number < oldest->number)
			oldest = c;
	}
	if (live <= http_connections_max || oldest == NULL)
		return;
	oldest->evicted = true;
	shutdown(fd_of(oldest->connection), SHUT_RDWR);
}

static void note_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = cls;
	(void)socket_context;
	struct MHD_Connection *sought =
		code == MHD_CONNECTION_NOTIFY_STARTED ? NULL : connection;
	for (uint32_t i = 0; i < accepted_max; i++) {
		struct client *c = &s->clients[i];
		if (c->connection != sought)
			continue;
		*c = (struct client){.connection = NULL};
		if (code == MHD_CONNECTION_NOTIFY_STARTED)
			*c = (struct client){.connection = connection, .number = ++s->arrived};
		break;
	}
	evict_oldest(s);
}

/* ---- answers ---- */

static void plain(struct http_answer *a, unsigned status, const char *text)
{
	a->status = status;
	a->content_type = "text/plain; charset=utf-8";
	strbuf_reset(&a->body);
	strbuf_add_c(&a->body, text);
}

static enum MHD_Result send_answer(
	struct MHD_Connection *connection, struct http_answer *a, bool only_get)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		a->body.len, a->body.len == 0 ? "" : a->body.data, MHD_RESPMEM_MUST_COPY);
	strbuf_release(&a->body);
	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", a->content_type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Connection", "close");
	if (only_get)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	enum MHD_Result r = MHD_queue_response(connection, a->status, response);
	MHD_destroy_response(response);
	return r;
}

/* A request's headers are there; a body is not waited for. */
static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload_data, size_t *upload_bytes,
	void **request)
{
	(void)version;
	(void)upload_data;
	(void)upload_bytes;
	(void)request;
	struct http_server *s = cls;
	struct http_answer a = {.status = MHD_HTTP_OK};
	strbuf_init(&a.body);
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
	if (!get)
		plain(&a, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	else if (s->local && host != NULL && !listen_header_is_local(str_c(host)))
		plain(&a, MHD_HTTP_MISDIRECTED_REQUEST, "this is 127.0.0.1, by no other name\n");
	else if (!s->handler->answer(s->handler, str_c(url), &a))
		plain(&a, MHD_HTTP_NOT_FOUND, "no such page\n");
	return send_answer(connection, &a, !get);
}

/* ---- open and close ---- */

static bool is_loopback(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int open_socket(const struct addrinfo *to, uint16_t *port)
{
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;
	struct sockaddr_storage bound;
	socklen_t bytes = sizeof(bound);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, to->ai_addr, to->ai_addrlen) != 0 || listen(fd, http_connections_max) != 0 ||
		getsockname(fd, (struct sockaddr *)&bound, &bytes) != 0) {
		int why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	*port = ntohs(bound.ss_family == AF_INET
			? ((struct sockaddr_in *)(void *)&bound)->sin_port
			: ((struct sockaddr_in6 *)(void *)&bound)->sin6_port);
	return fd;
}

static int listen_at(struct http_server *s, struct listen_address *at, struct error *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	char port[8];
	snprintf(port, sizeof(port), "%u", at->port);
	int wrong = getaddrinfo(at->host, port, &hints, &found);
	if (wrong != 0)
		return error_set(err, CDCL_E_USAGE, "--listen: no host '%s': %s", at->host,
			gai_strerror(wrong));
	int fd = open_socket(found, &at->port);
	s->local = is_loopback(found->ai_addr);
	freeaddrinfo(found);
	if (fd >= 0)
		return fd;
	error_set(err, CDCL_E_JOB, "--listen: cannot listen on %s:%s: %s", at->host, port,
		strerror(errno));
	error_help(err, "another port, or port 0 for a free one");
	return -(int)CDCL_E_JOB;
}

/* Signals are for the engine's thread. */
static struct MHD_Daemon *start(struct http_server *s, int fd)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC,
		0, NULL, NULL, answer, s, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)accepted_max,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)http_idle_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)http_request_bytes_max,
		MHD_OPTION_NOTIFY_CONNECTION, note_connection, s,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return daemon;
}

struct http_server *http_server_open(
	struct listen_address *at, struct http_handler *handler, struct error *err)
{
	if (late_open(&late_microhttpd, err) < 0)
		return NULL;
	struct http_server *s = calloc(1, sizeof(*s));
	check(s != NULL);
	s->handler = handler;
	int fd = listen_at(s, at, err);
	if (fd < 0) {
		free(s);
		return NULL;
	}
	s->daemon = start(s, fd);
	if (s->daemon == NULL) {
		error_set(err, CDCL_E_JOB, "--listen: the HTTP server does not start");
		close(fd);
		free(s);
		return NULL;
	}
	return s;
}

void http_server_close(struct http_server *s)
{
	if (s == NULL)
		return;
	MHD_stop_daemon(s->daemon);
	free(s);
}

const char *http_server_version(void)
{
	return MHD_get_version();
}
