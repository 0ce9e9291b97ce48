#define _GNU_SOURCE /* accept4 */

#include "source/kafka_relay.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { pairs_max = 64, relay_bytes = 64 * 1024 };

/* One direction of a connection: what was read and not yet written. */
struct stream {
	int from;
	int to;
	size_t start;
	size_t end;
	char bytes[relay_bytes];
};

struct pair {
	struct stream up;
	struct stream down;
};

struct kafka_relay {
	int listener;
	int stop;
	int to;
	pthread_t thread;
	bool thread_runs;
	struct pair *pairs[pairs_max];
};

static struct sockaddr_in local(int port)
{
	struct sockaddr_in a;
	memset(&a, 0, sizeof(a));
	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)port);
	return a;
}

static void pair_close(struct pair **slot)
{
	close((*slot)->up.from);
	close((*slot)->up.to);
	free(*slot);
	*slot = NULL;
}

static void stream_init(struct stream *s, int from, int to)
{
	s->from = from;
	s->to = to;
	s->start = 0;
	s->end = 0;
}

static void accept_one(struct kafka_relay *r)
{
	int client = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client < 0)
		return;
	int slot = 0;
	while (slot < pairs_max && r->pairs[slot] != NULL)
		slot++;
	int broker = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = local(r->to);
	if (slot == pairs_max || broker < 0 ||
		connect(broker, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(client);
		if (broker >= 0)
			close(broker);
		return;
	}
	fcntl(broker, F_SETFL, O_NONBLOCK);
	r->pairs[slot] = malloc(sizeof(struct pair));
	check(r->pairs[slot] != NULL);
	stream_init(&r->pairs[slot]->up, client, broker);
	stream_init(&r->pairs[slot]->down, broker, client);
}

/* False when the connection is over. */
static bool stream_move(struct stream *s)
{
	if (s->start == s->end) {
		ssize_t n = read(s->from, s->bytes, sizeof(s->bytes));
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		s->start = 0;
		s->end = n > 0 ? (size_t)n : 0;
	}
	if (s->start < s->end) {
		ssize_t n = send(s->to, s->bytes + s->start, s->end - s->start, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		s->start += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static short wanted(const struct stream *in, const struct stream *out)
{
	return (short)((in->start == in->end ? POLLIN : 0) | (out->start < out->end ? POLLOUT : 0));
}

static void *relay_main(void *argument)
{
	struct kafka_relay *r = argument;
	struct pollfd fds[2 + 2 * pairs_max];
	int slots[pairs_max];
	for (;;) {
		fds[0] = (struct pollfd){.fd = r->stop, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = r->listener, .events = POLLIN};
		nfds_t count = 2;
		int pairs = 0;
		for (int i = 0; i < pairs_max; i++) {
			const struct pair *p = r->pairs[i];
			if (p == NULL)
				continue;
			slots[pairs++] = i;
			fds[count++] = (struct pollfd){
				.fd = p->up.from, .events = wanted(&p->up, &p->down)};
			fds[count++] = (struct pollfd){
				.fd = p->down.from, .events = wanted(&p->down, &p->up)};
		}
		if (poll(fds, count, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents != 0)
			return NULL;
		for (int i = 0; i < pairs; i++) {
			struct pair **p = &r->pairs[slots[i]];
			if ((fds[2 + 2 * i].revents | fds[3 + 2 * i].revents) == 0)
				continue;
			if (!stream_move(&(*p)->up) || !stream_move(&(*p)->down))
				pair_close(p);
		}
		if (fds[1].revents != 0)
			accept_one(r);
	}
}

struct kafka_relay *kafka_relay_open(int port, int to, struct error *err)
{
	struct kafka_relay *r = calloc(1, sizeof(*r));
	check(r != NULL);
	r->to = to;
	r->stop = eventfd(0, EFD_CLOEXEC);
	r->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;
	setsockopt(r->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	struct sockaddr_in at = local(port);
	if (r->stop < 0 || r->listener < 0 ||
		bind(r->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
		listen(r->listener, pairs_max) != 0) {
		error_set(err, CDCL_E_UNREACHABLE, "port %d cannot be had: %s", port,
			strerror(errno));
		kafka_relay_close(r);
		return NULL;
	}
	r->thread_runs = pthread_create(&r->thread, NULL, relay_main, r) == 0;
	check(r->thread_runs);
	return r;
}

void kafka_relay_close(struct kafka_relay *r)
{
	if (r == NULL)
		return;
	if (r->thread_runs) {
		uint64_t one = 1;
		ssize_t n = write(r->stop, &one, sizeof(one));
		check(n == sizeof(one));
		pthread_join(r->thread, NULL);
	}
	for (int i = 0; i < pairs_max; i++)
		if (r->pairs[i] != NULL)
			pair_close(&r->pairs[i]);
	if (r->listener >= 0)
		close(r->listener);
	if (r->stop >= 0)
		close(r->stop);
	free(r);
}
