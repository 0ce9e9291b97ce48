#define _GNU_SOURCE /* SOCK_NONBLOCK */

#include "source/fetch_connection.h"

#include "base/check.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	length_bytes = 4,
	head_bytes = 8, /* length and correlation */
	greeting_bytes = 4096,
	greeting_bytes_max = 64 * 1024
};

/* ---- Addresses ---- */

static void keep_addresses(const struct addrinfo *found, struct fetch_addresses *out)
{
	out->count = 0;
	for (const struct addrinfo *a = found; a != NULL && out->count < fetch_addresses_max;
		a = a->ai_next) {
		if (a->ai_addrlen > sizeof(out->list[0].at))
			continue;
		struct fetch_address *to = &out->list[out->count++];
		memset(to, 0, sizeof(*to));
		memcpy(&to->at, a->ai_addr, a->ai_addrlen);
		to->bytes = a->ai_addrlen;
	}
}

bool fetch_resolve(const char *host, int32_t port, struct fetch_addresses *out, const char **why)
{
	char service[16];
	snprintf(service, sizeof(service), "%" PRId32, port);
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int r = getaddrinfo(host, service, &hints, &found);
	if (r == EAI_NONAME) {
		hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
		r = getaddrinfo(host, service, &hints, &found);
	}
	if (r != 0) {
		*why = gai_strerror(r);
		return false;
	}
	keep_addresses(found, out);
	freeaddrinfo(found);
	*why = "no address";
	return out->count > 0;
}

/* Where it stands in the list; its count: it does not. */
static uint32_t address_find(const struct fetch_addresses *list, const struct fetch_address *a)
{
	uint32_t i = 0;
	while (i < list->count && (list->list[i].bytes != a->bytes ||
					  memcmp(&list->list[i].at, &a->at, a->bytes) != 0))
		i++;
	return i;
}

/* ---- Buffers ---- */

void fetch_buffer_release(struct fetch_buffer *b)
{
	free(b->data);
	*b = (struct fetch_buffer){.data = NULL};
}

void fetch_buffer_fit(struct fetch_buffer *b, size_t bytes)
{
	if (b->capacity >= bytes && b->capacity <= 2 * bytes)
		return;
	fetch_buffer_release(b);
	b->data = malloc(bytes);
	check(b->data != NULL);
	b->capacity = bytes;
}

static void buffer_grow(struct fetch_buffer *b, size_t bytes)
{
	char *data = realloc(b->data, bytes);
	check(data != NULL);
	b->data = data;
	b->capacity = bytes;
}

/* ---- Its life ---- */

void fetch_connection_init(struct fetch_connection *c, const struct clock *clock,
	struct str client, int epoll_fd, int timeout_ms)
{
	*c = (struct fetch_connection){.clock = clock,
		.client = client,
		.epoll_fd = epoll_fd,
		.fd = -1,
		.timeout_ms = timeout_ms,
		.pause_us = fetch_pause_us_min};
	strbuf_init(&c->request);
}

static void close_socket(struct fetch_connection *c)
{
	if (c->fd >= 0)
		close(c->fd); /* which takes it out of the epoll instance */
	c->fd = -1;
	c->into = NULL;
	c->behind = 0;
	c->state = CONNECTION_DOWN;
}

void fetch_connection_release(struct fetch_connection *c)
{
	close_socket(c);
	strbuf_release(&c->request);
	fetch_buffer_release(&c->greeting);
}

void fetch_connection_to(
	struct fetch_connection *c, const char *name, const struct fetch_addresses *addresses)
{
	snprintf(c->name, sizeof(c->name), "%s", name);
	/* Names may give their addresses in another order each time. */
	uint32_t at = c->addresses.count == 0
		? addresses->count
		: address_find(addresses, &c->addresses.list[c->address]);
	c->addresses = *addresses;
	c->address = at < addresses->count ? at : 0;
	if (at < addresses->count)
		return;
	close_socket(c);
	c->due_us = 0;
	c->pause_us = fetch_pause_us_min;
}

void fetch_connection_fail(struct fetch_connection *c, const char *format, ...)
{
	char text[300];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	bool untried = c->state == CONNECTION_CONNECTING && c->address + 1 < c->addresses.count;
	snprintf(c->reason, sizeof(c->reason), "%.200s: %s", c->name, text);
	log_debug("kafka", "%s", c->reason);
	close_socket(c);
	int64_t now = clock_monotonic_us(c->clock);
	c->address = untried ? c->address + 1 : 0;
	c->due_us = untried ? now : now + c->pause_us;
	if (untried)
		return;
	c->failures++;
	c->pause_us = c->pause_us * 2 < fetch_pause_us_max ? c->pause_us * 2 : fetch_pause_us_max;
}

static bool passed(const struct fetch_connection *c)
{
	return clock_monotonic_us(c->clock) >= c->due_us;
}

static void due_in(struct fetch_connection *c, int ms)
{
	c->due_us = clock_monotonic_us(c->clock) + (int64_t)ms * 1000;
}

/* ---- Connecting ---- */

static void set_options(int fd)
{
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

static void begin_connect(struct fetch_connection *c)
{
	if (c->addresses.count == 0 || !passed(c))
		return;
	const struct fetch_address *a = &c->addresses.list[c->address];
	c->state = CONNECTION_CONNECTING;
	c->fd = socket(a->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		fetch_connection_fail(c, "no socket: %s", strerror(errno));
		return;
	}
	set_options(c->fd);
	c->readable = c->writable = false;
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = c}};
	if (c->epoll_fd >= 0 && epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0) {
		fetch_connection_fail(c, "cannot be waited for: %s", strerror(errno));
		return;
	}
	due_in(c, fetch_connect_ms);
	if (connect(c->fd, (const struct sockaddr *)&a->at, a->bytes) == 0)
		c->writable = true;
	else if (errno != EINPROGRESS)
		fetch_connection_fail(c, "%s", strerror(errno));
}

static void send_now(struct fetch_connection *c, struct fetch_buffer *into, int timeout_ms)
{
	into->bytes = 0;
	c->into = into;
	c->sent = 0;
	due_in(c, timeout_ms);
}

static void end_connect(struct fetch_connection *c)
{
	if (!c->writable && !c->readable)
		return;
	int code = 0;
	socklen_t bytes = sizeof(code);
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &bytes) != 0)
		code = errno;
	if (code != 0) {
		fetch_connection_fail(c, "%s", strerror(code));
		return;
	}
	c->state = CONNECTION_GREETING;
	c->writable = true;
	strbuf_reset(&c->request);
	fetch_versions_request(&c->request, ++c->correlation, c->client);
	fetch_buffer_fit(&c->greeting, greeting_bytes);
	send_now(c, &c->greeting, c->timeout_ms);
}

/* ---- A request and its answer ---- */

void fetch_connection_begin(struct fetch_connection *c, enum fetch_api api)
{
	check(c->state == CONNECTION_READY);
	strbuf_reset(&c->request);
	c->began = 0;
	c->behind = 0;
	fetch_request_begin(&c->request, api, &c->versions, ++c->correlation, c->client);
}

void fetch_connection_begin_next(struct fetch_connection *c, enum fetch_api api)
{
	check(c->state == CONNECTION_READY && c->request.len > 0);
	fetch_request_end(&c->request, c->began);
	c->began = c->request.len;
	c->behind++;
	fetch_request_begin(&c->request, api, &c->versions, ++c->correlation, c->client);
}

void fetch_connection_send(struct fetch_connection *c, struct fetch_buffer *into, int wait_ms)
{
	check(c->state == CONNECTION_READY);
	check(into->capacity >= head_bytes);
	fetch_request_end(&c->request, c->began);
	send_now(c, into, c->timeout_ms + wait_ms);
	c->state = CONNECTION_ASKED;
}

static void write_request(struct fetch_connection *c)
{
	while (c->writable && c->sent < c->request.len) {
		ssize_t n = send(c->fd, c->request.data + c->sent, c->request.len - c->sent,
			MSG_NOSIGNAL);
		if (n >= 0) {
			c->sent += (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			c->writable = false;
		} else if (errno != EINTR) {
			fetch_connection_fail(c, "%s", strerror(errno));
			return;
		}
	}
}

static uint32_t big_endian(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* How many bytes the answer has, as far as is known; 0: that is wrong, and the connection down. */
static size_t answer_bytes(struct fetch_connection *c)
{
	struct fetch_buffer *b = c->into;
	if (b->bytes < length_bytes) /* not a byte of the next answer */
		return c->behind > 0 ? length_bytes : b->capacity;
	size_t wanted = big_endian(b->data) + (size_t)length_bytes;
	size_t most =
		c->state == CONNECTION_GREETING ? greeting_bytes_max : fetch_answer_bytes_max;
	if (wanted < head_bytes || wanted > most) {
		fetch_connection_fail(c, "not an answer of Kafka: it says it has %zu bytes",
			wanted - length_bytes);
		return 0;
	}
	if (b->bytes > wanted) {
		fetch_connection_fail(c, "more than one answer to one request");
		return 0;
	}
	if (wanted > b->capacity)
		buffer_grow(b, wanted);
	return wanted;
}

static void read_answer(struct fetch_connection *c)
{
	for (;;) {
		struct fetch_buffer *b = c->into;
		size_t wanted = answer_bytes(c);
		if (wanted == 0)
			return;
		if (b->bytes >= length_bytes && b->bytes == wanted)
			break;
		if (!c->readable)
			return;
		ssize_t n = recv(c->fd, b->data + b->bytes, wanted - b->bytes, 0);
		if (n > 0) {
			b->bytes += (size_t)n;
			due_in(c, c->timeout_ms); /* it comes */
		} else if (n == 0) {
			fetch_connection_fail(c, "the broker closed the connection");
			return;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			c->readable = false;
			return;
		} else if (errno != EINTR) {
			fetch_connection_fail(c, "%s", strerror(errno));
			return;
		}
	}
	if (big_endian(c->into->data + length_bytes) != (uint32_t)c->correlation - c->behind) {
		fetch_connection_fail(c, "an answer to another request");
		return;
	}
	c->state = c->state == CONNECTION_GREETING ? CONNECTION_READY : CONNECTION_ANSWERED;
}

struct str fetch_connection_answer(const struct fetch_connection *c)
{
	check(c->state == CONNECTION_ANSWERED);
	return (struct str){c->into->data + head_bytes, c->into->bytes - head_bytes};
}

void fetch_connection_taken(struct fetch_connection *c)
{
	check(c->state == CONNECTION_ANSWERED);
	c->pause_us = fetch_pause_us_min;
	if (c->behind > 0) {
		c->behind--;
		c->into->bytes = 0;
		c->state = CONNECTION_ASKED;
		due_in(c, c->timeout_ms);
		return;
	}
	c->state = CONNECTION_READY;
	c->into = NULL;
}

static void greeted(struct fetch_connection *c)
{
	struct str body = {c->greeting.data + head_bytes, c->greeting.bytes - head_bytes};
	c->into = NULL;
	if (!fetch_read_versions(body, &c->versions))
		fetch_connection_fail(c, "its versions cannot be read");
	fetch_buffer_release(&c->greeting);
}

/* An idle connection may be closed by the broker, and nothing else may come. */
static void look_idle(struct fetch_connection *c)
{
	char byte;
	if (!c->readable)
		return;
	ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		c->readable = false;
	else if (n == 0)
		fetch_connection_fail(c, "the broker closed the connection");
	else
		fetch_connection_fail(c, n < 0 ? "connection lost" : "an answer to no request");
}

void fetch_connection_event(struct fetch_connection *c, bool readable, bool writable)
{
	c->readable = c->readable || readable;
	c->writable = c->writable || writable;
}

enum connection_state fetch_connection_step(struct fetch_connection *c)
{
	if (c->state == CONNECTION_DOWN)
		begin_connect(c);
	if (c->state == CONNECTION_CONNECTING)
		end_connect(c);
	if (c->state == CONNECTION_READY)
		look_idle(c);
	if (c->state == CONNECTION_GREETING || c->state == CONNECTION_ASKED) {
		write_request(c);
		if (c->state != CONNECTION_DOWN)
			read_answer(c);
		if (c->state == CONNECTION_READY)
			greeted(c);
	}
	bool waits = c->state == CONNECTION_CONNECTING || c->state == CONNECTION_GREETING ||
		c->state == CONNECTION_ASKED;
	if (waits && passed(c))
		fetch_connection_fail(c,
			c->state == CONNECTION_CONNECTING ? "no connection after %d s"
							  : "no answer after %d s",
			(c->state == CONNECTION_CONNECTING ? fetch_connect_ms : c->timeout_ms) /
				1000);
	return c->state;
}

int64_t fetch_connection_due(const struct fetch_connection *c)
{
	if (c->state == CONNECTION_READY || c->state == CONNECTION_ANSWERED ||
		c->addresses.count == 0)
		return INT64_MAX;
	return c->due_us;
}

short fetch_connection_waits(const struct fetch_connection *c)
{
	switch (c->state) {
	case CONNECTION_CONNECTING:
		return POLLOUT;
	case CONNECTION_GREETING:
	case CONNECTION_ASKED:
		return c->sent < c->request.len ? POLLIN | POLLOUT : POLLIN;
	case CONNECTION_DOWN:
	case CONNECTION_READY:
	case CONNECTION_ANSWERED:
		break;
	}
	return 0;
}
