#ifndef FAKE_BROKER_H
#define FAKE_BROKER_H

/*
 * A cluster of up to three brokers in a thread, which say what a test wants: one topic "t", record
 * batches that the test made, leaders and epochs that it moves, errors that it orders. Everything
 * under one lock. It speaks Metadata 7 and 12, ListOffsets 5, Fetch 11, OffsetForLeaderEpoch 3.
 */

#include "base/check.h"
#include "base/crc32c.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { fake_brokers = 3, fake_partitions = 4, fake_batches = 64, fake_connections = 32 };
enum { fake_fetch = 1, fake_offsets = 2, fake_metadata = 3, fake_versions = 18, fake_epochs = 23 };

struct fake_partition {
	int32_t leader; /* -1: none */
	int32_t epoch;
	int64_t begin;
	int64_t end;
	int error; /* of every fetch */
	struct fake_batch {
		struct strbuf bytes;
		int64_t base;
		int64_t next;
		int32_t epoch;
	} batches[fake_batches];
	int count;
};

struct fake_cluster {
	pthread_mutex_t lock;
	pthread_t thread;
	bool stop;
	bool answering; /* the lock is free, but an answer is on its way */
	int listeners[fake_brokers];
	int ports[fake_brokers];
	bool refuses[fake_brokers]; /* closes whatever comes */
	struct fake_partition partitions[fake_partitions];
	int partition_count;
	char id;            /* of the topic, sixteen times; 0: Metadata 7 is all it speaks */
	size_t piece;       /* bytes written at once; 0: all */
	int32_t throttle_ms;
	int cut_answers;    /* so many fetch answers are cut short and the connection closed */
	int broken_answers; /* so many are shorter inside than they say */
	int strange_answers; /* so many have another correlation */
	int asked[32];      /* requests by API */
	struct fake_connection {
		int fd;
		int broker;
	} connections[fake_connections];
};

/* ---- bytes ---- */

static inline void fake_put(struct strbuf *out, int64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		strbuf_add_byte(out, (char)((uint64_t)v >> (8 * i)));
}

static inline void fake_put_str(struct strbuf *out, const char *s)
{
	fake_put(out, (int64_t)strlen(s), 2);
	strbuf_add_c(out, s);
}

static inline int64_t fake_get(const char **at, int bytes)
{
	uint64_t v = 0;
	for (int i = 0; i < bytes; i++)
		v = v << 8 | (unsigned char)*(*at)++;
	return bytes == 4 ? (int32_t)v : bytes == 2 ? (int16_t)v : (int64_t)v;
}

static inline void fake_varint(struct strbuf *out, int64_t value)
{
	uint64_t v = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
	while (v >= 128) {
		strbuf_add_byte(out, (char)(v | 128));
		v >>= 7;
	}
	strbuf_add_byte(out, (char)v);
}

/* Values are the offsets as text, filled up with blanks to value_bytes. */
static inline void fake_records(struct strbuf *out, int64_t base, int count, size_t value_bytes)
{
	struct strbuf record, value;
	strbuf_init(&record);
	strbuf_init(&value);
	for (int i = 0; i < count; i++) {
		strbuf_reset(&record);
		strbuf_reset(&value);
		strbuf_addf(&value, "%lld", (long long)(base + i));
		while (value.len < value_bytes)
			strbuf_add_byte(&value, ' ');
		strbuf_add_byte(&record, 0);
		fake_varint(&record, i); /* time */
		fake_varint(&record, i); /* offset */
		fake_varint(&record, -1);
		fake_varint(&record, (int64_t)value.len);
		strbuf_add(&record, strbuf_str(&value));
		fake_varint(&record, 0);
		fake_varint(out, (int64_t)record.len);
		strbuf_add(out, strbuf_str(&record));
	}
	strbuf_release(&record);
	strbuf_release(&value);
}

static inline void fake_append(
	struct fake_cluster *f, int partition, int count, size_t value_bytes)
{
	pthread_mutex_lock(&f->lock);
	struct fake_partition *p = &f->partitions[partition];
	check(p->count < fake_batches);
	struct fake_batch *b = &p->batches[p->count++];
	struct strbuf body;
	strbuf_init(&body);
	fake_put(&body, 0, 2);         /* attributes */
	fake_put(&body, count - 1, 4); /* last offset delta */
	fake_put(&body, 1000, 8);
	fake_put(&body, 1000 + count, 8);
	fake_put(&body, -1, 8);
	fake_put(&body, -1, 2);
	fake_put(&body, -1, 4);
	fake_put(&body, count, 4);
	fake_records(&body, p->end, count, value_bytes);
	strbuf_init(&b->bytes);
	b->base = p->end;
	b->next = p->end + count;
	b->epoch = p->epoch;
	fake_put(&b->bytes, b->base, 8);
	fake_put(&b->bytes, (int64_t)body.len + 9, 4);
	fake_put(&b->bytes, b->epoch, 4);
	fake_put(&b->bytes, 2, 1); /* magic */
	fake_put(&b->bytes, crc32c(0, strbuf_str(&body)), 4);
	strbuf_add(&b->bytes, strbuf_str(&body));
	strbuf_release(&body);
	p->end = b->next;
	pthread_mutex_unlock(&f->lock);
}

/* The log ends there from now on, with what a new leader has. */
static inline void fake_cut(struct fake_cluster *f, int partition, int batches)
{
	pthread_mutex_lock(&f->lock);
	struct fake_partition *p = &f->partitions[partition];
	while (p->count > batches)
		strbuf_release(&p->batches[--p->count].bytes);
	p->end = p->count == 0 ? p->begin : p->batches[p->count - 1].next;
	p->epoch++;
	pthread_mutex_unlock(&f->lock);
}

/* Deleted, and made again with other records; not known at its leader for a moment. */
static inline void fake_make_again(struct fake_cluster *f, int partition, int count)
{
	pthread_mutex_lock(&f->lock);
	struct fake_partition *p = &f->partitions[partition];
	while (p->count > 0)
		strbuf_release(&p->batches[--p->count].bytes);
	p->end = 0;
	p->epoch = 0;
	f->id++;
	p->error = 3;
	pthread_mutex_unlock(&f->lock);
	fake_append(f, partition, count, 20);
}

static inline void fake_error_ends(struct fake_cluster *f, int partition)
{
	pthread_mutex_lock(&f->lock);
	f->partitions[partition].error = 0;
	pthread_mutex_unlock(&f->lock);
}

/* ---- answers ---- */

static inline void answer_versions(const struct fake_cluster *f, struct strbuf *out)
{
	const int apis[][2] = {{1, 11}, {2, 5}, {3, f->id == 0 ? 7 : 12}, {18, 0}, {23, 3}};
	fake_put(out, 0, 2);
	fake_put(out, (int64_t)ARRAY_LEN(apis), 4);
	for (size_t i = 0; i < ARRAY_LEN(apis); i++) {
		fake_put(out, apis[i][0], 2);
		fake_put(out, 0, 2);
		fake_put(out, apis[i][1], 2);
	}
}

static inline void answer_metadata_12(const struct fake_cluster *f, struct strbuf *out)
{
	static const char tag[] = {1, 5, 2, 'x', 'y'}; /* one that nobody knows */
	fake_put(out, 0, 1);
	fake_put(out, 0, 4);
	fake_put(out, fake_brokers + 1, 1);
	for (int i = 0; i < fake_brokers; i++) {
		fake_put(out, i, 4);
		fake_put(out, 10, 1);
		strbuf_add_c(out, "127.0.0.1");
		fake_put(out, f->ports[i], 4);
		fake_put(out, 0, 1);
		strbuf_add(out, (struct str){tag, sizeof(tag)});
	}
	fake_put(out, 0, 1);
	fake_put(out, 0, 4);
	fake_put(out, 2, 1);
	fake_put(out, 0, 2);
	fake_put(out, 2, 1);
	strbuf_add_c(out, "t");
	for (int i = 0; i < 16; i++)
		strbuf_add_byte(out, f->id);
	fake_put(out, 0, 1);
	fake_put(out, f->partition_count + 1, 1);
	for (int i = 0; i < f->partition_count; i++) {
		fake_put(out, f->partitions[i].leader < 0 ? 5 : 0, 2);
		fake_put(out, i, 4);
		fake_put(out, f->partitions[i].leader, 4);
		fake_put(out, f->partitions[i].epoch, 4);
		fake_put(out, 2, 1); /* one replica */
		fake_put(out, 0, 4);
		fake_put(out, 1, 1);
		fake_put(out, 0, 1);
		fake_put(out, 0, 1);
	}
	fake_put(out, 0, 4);
	fake_put(out, 0, 1);
	fake_put(out, 0, 1);
}

static inline void answer_metadata(
	const struct fake_cluster *f, int64_t version, struct strbuf *out)
{
	if (version == 12) {
		answer_metadata_12(f, out);
		return;
	}
	fake_put(out, 0, 4);
	fake_put(out, fake_brokers, 4);
	for (int i = 0; i < fake_brokers; i++) {
		fake_put(out, i, 4);
		fake_put_str(out, "127.0.0.1");
		fake_put(out, f->ports[i], 4);
		fake_put(out, -1, 2);
	}
	fake_put(out, -1, 2);
	fake_put(out, 0, 4);
	fake_put(out, 1, 4);
	fake_put(out, 0, 2);
	fake_put_str(out, "t");
	fake_put(out, 0, 1);
	fake_put(out, f->partition_count, 4);
	for (int i = 0; i < f->partition_count; i++) {
		fake_put(out, f->partitions[i].leader < 0 ? 5 : 0, 2);
		fake_put(out, i, 4);
		fake_put(out, f->partitions[i].leader, 4);
		fake_put(out, f->partitions[i].epoch, 4);
		fake_put(out, 0, 4);
		fake_put(out, 0, 4);
		fake_put(out, 0, 4);
	}
}

/* What a broker says to whoever asks it about that partition, in that epoch. */
static inline int fake_error(
	const struct fake_partition *p, const struct fake_connection *c, int32_t epoch)
{
	if (p->leader != c->broker)
		return 6;
	return epoch < 0 || epoch == p->epoch ? 0 : epoch < p->epoch ? 74 : 75;
}

/* Up to the first partition, of as many as were asked about. */
static inline int64_t begin_partitions(const char **at, struct strbuf *out)
{
	int64_t count = fake_get(at, 4);
	fake_put(out, 0, 4);
	fake_put(out, 1, 4);
	fake_put_str(out, "t");
	fake_put(out, count, 4);
	return count;
}

static inline void answer_offsets(struct fake_cluster *f, const struct fake_connection *c,
	const char *at, struct strbuf *out)
{
	at += 4 + 1 + 4 + 2 + 1; /* replica, isolation, topics, "t" */
	int64_t count = begin_partitions(&at, out);
	for (int64_t i = 0; i < count; i++) {
		int64_t number = fake_get(&at, 4);
		int32_t epoch = (int32_t)fake_get(&at, 4);
		int64_t question = fake_get(&at, 8);
		const struct fake_partition *p = &f->partitions[number];
		fake_put(out, number, 4);
		fake_put(out, fake_error(p, c, epoch), 2);
		fake_put(out, -1, 8);
		fake_put(out, question == -2 ? p->begin : p->end, 8);
		fake_put(out, p->epoch, 4);
	}
}

static inline void answer_epochs(struct fake_cluster *f, const struct fake_connection *c,
	const char *at, struct strbuf *out)
{
	at += 4 + 4 + 2 + 1; /* replica, topics, "t" */
	int64_t count = begin_partitions(&at, out);
	for (int64_t i = 0; i < count; i++) {
		int64_t number = fake_get(&at, 4);
		int32_t epoch = (int32_t)fake_get(&at, 4);
		int32_t asked = (int32_t)fake_get(&at, 4);
		const struct fake_partition *p = &f->partitions[number];
		int64_t end = -1;
		for (int k = 0; k < p->count; k++)
			if (p->batches[k].epoch <= asked)
				end = p->batches[k].next;
		fake_put(out, fake_error(p, c, epoch), 2);
		fake_put(out, number, 4);
		fake_put(out, end < 0 ? -1 : asked, 4);
		fake_put(out, end, 8);
	}
}

/* As a broker does: whole batches cut off at the limit, but the first batch of all. */
static inline size_t fake_collect(const struct fake_partition *p, int64_t offset, size_t most,
	bool whole, struct strbuf *out)
{
	size_t before = out->len;
	for (int i = 0; i < p->count; i++)
		if (p->batches[i].next > offset && out->len - before < most) {
			bool first = out->len == before;
			strbuf_add(out, strbuf_str(&p->batches[i].bytes));
			if (out->len - before > most && !(whole && first))
				out->len = before + most;
		}
	return out->len - before;
}

static inline bool answer_fetch(struct fake_cluster *f, const struct fake_connection *c,
	const char *at, struct strbuf *out)
{
	at += 4 + 4 + 4;
	int64_t left = fake_get(&at, 4);
	at += 1 + 4 + 4;
	int64_t topics = fake_get(&at, 4);
	bool any = false;
	fake_put(out, f->throttle_ms, 4);
	fake_put(out, 0, 2);
	fake_put(out, 0, 4);
	fake_put(out, topics, 4);
	for (int64_t t = 0; t < topics; t++) {
		at += 2 + 1;
		int64_t count = fake_get(&at, 4);
		fake_put_str(out, "t");
		fake_put(out, count, 4);
		for (int64_t i = 0; i < count; i++) {
			int64_t number = fake_get(&at, 4);
			int32_t epoch = (int32_t)fake_get(&at, 4);
			int64_t offset = fake_get(&at, 8);
			at += 8;
			int64_t most = fake_get(&at, 4);
			const struct fake_partition *p = &f->partitions[number];
			int error = p->error != 0 ? p->error : fake_error(p, c, epoch);
			if (error == 0 && (offset < p->begin || offset > p->end))
				error = 1;
			fake_put(out, number, 4);
			fake_put(out, error, 2);
			fake_put(out, error != 0 ? -1 : p->end, 8);
			fake_put(out, error != 0 ? -1 : p->end, 8);
			fake_put(out, -1, 8);
			fake_put(out, -1, 4);
			fake_put(out, -1, 4);
			size_t length_at = out->len;
			fake_put(out, 0, 4);
			most = most < left ? most : left;
			size_t got = error != 0 || (most <= 0 && any) ? 0
				: fake_collect(p, offset, (size_t)most, !any, out);
			for (int k = 0; k < 4; k++)
				out->data[length_at + (size_t)k] = (char)(got >> (8 * (3 - k)));
			left -= (int64_t)got;
			any = any || got > 0 || error != 0;
		}
	}
	return any;
}

/* ---- the thread ---- */

static inline bool fake_read(int fd, char *to, size_t bytes)
{
	for (size_t got = 0; got < bytes;) {
		ssize_t n = recv(fd, to + got, bytes - got, 0);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

static inline bool fake_write(int fd, struct str bytes, size_t piece)
{
	for (size_t sent = 0; sent < bytes.len;) {
		size_t left = bytes.len - sent;
		ssize_t n = send(fd, bytes.data + sent, piece > 0 && piece < left ? piece : left,
			MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		sent += (size_t)n;
		if (piece > 0)
			poll(NULL, 0, 1);
	}
	return true;
}

static inline bool fake_spoil(struct fake_cluster *f, int fd, struct strbuf *out)
{
	if (f->strange_answers > 0 && f->strange_answers--)
		out->data[7] ^= 1;
	if (f->broken_answers > 0 && f->broken_answers--) {
		out->len -= 3;
		out->data[3] = (char)(out->data[3] - 3);
	}
	if (f->cut_answers > 0 && f->cut_answers--) {
		fake_write(fd, (struct str){out->data, out->len / 2}, 0);
		return false;
	}
	return true;
}

static inline bool fake_answer(struct fake_cluster *f, const struct fake_connection *c)
{
	char head[4];
	if (!fake_read(c->fd, head, sizeof(head)))
		return false;
	const char *at = head;
	size_t bytes = (size_t)fake_get(&at, 4);
	char *request = malloc(bytes);
	check(request != NULL);
	bool good = fake_read(c->fd, request, bytes);
	struct strbuf out;
	strbuf_init(&out);
	at = request;
	int64_t api = good ? fake_get(&at, 2) : 0;
	int64_t version = good ? fake_get(&at, 2) : 0;
	fake_put(&out, 0, 4);
	strbuf_add(&out, (struct str){at, 4});
	at += 4;
	int64_t client_bytes = fake_get(&at, 2);
	at += client_bytes;
	bool any = true;
	f->asked[api & 31]++;
	if (api == fake_versions)
		answer_versions(f, &out);
	else if (api == fake_metadata)
		answer_metadata(f, version, &out);
	else if (api == fake_offsets)
		answer_offsets(f, c, at, &out);
	else if (api == fake_epochs)
		answer_epochs(f, c, at, &out);
	else if (api == fake_fetch)
		any = answer_fetch(f, c, at, &out);
	for (int i = 0; i < 4; i++)
		out.data[i] = (char)((out.len - 4) >> (8 * (3 - i)));
	if (api == fake_fetch)
		good = good && fake_spoil(f, c->fd, &out);
	size_t piece = f->piece;
	f->answering = true;
	pthread_mutex_unlock(&f->lock);
	if (!any)
		poll(NULL, 0, 5); /* a broker would wait for records */
	good = good && fake_write(c->fd, strbuf_str(&out), piece);
	pthread_mutex_lock(&f->lock);
	f->answering = false;
	strbuf_release(&out);
	free(request);
	return good;
}

static inline void fake_accept(struct fake_cluster *f, int broker)
{
	int fd = accept(f->listeners[broker], NULL, NULL);
	for (int i = 0; i < fake_connections && fd >= 0 && !f->refuses[broker]; i++)
		if (f->connections[i].fd < 0) {
			f->connections[i] = (struct fake_connection){fd, broker};
			return;
		}
	if (fd >= 0)
		close(fd);
}

static inline void *fake_main(void *argument)
{
	struct fake_cluster *f = argument;
	struct pollfd fds[fake_brokers + fake_connections];
	pthread_mutex_lock(&f->lock);
	while (!f->stop) {
		for (int i = 0; i < fake_brokers; i++)
			fds[i] = (struct pollfd){.fd = f->listeners[i], .events = POLLIN};
		for (int i = 0; i < fake_connections; i++)
			fds[fake_brokers + i] = (struct pollfd){
				.fd = f->connections[i].fd, .events = POLLIN};
		pthread_mutex_unlock(&f->lock);
		poll(fds, fake_brokers + fake_connections, 20);
		pthread_mutex_lock(&f->lock);
		for (int i = 0; i < fake_brokers; i++)
			if (fds[i].revents != 0)
				fake_accept(f, i);
		for (int i = 0; i < fake_connections; i++) {
			struct fake_connection *c = &f->connections[i];
			if (fds[fake_brokers + i].revents == 0 || c->fd < 0)
				continue;
			if (f->refuses[c->broker] || !fake_answer(f, c)) {
				close(c->fd);
				c->fd = -1;
			}
		}
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static inline int fake_connected(struct fake_cluster *f, int broker)
{
	int count = 0;
	pthread_mutex_lock(&f->lock);
	for (int i = 0; i < fake_connections; i++)
		count += f->connections[i].fd >= 0 && f->connections[i].broker == broker;
	pthread_mutex_unlock(&f->lock);
	return count;
}

static inline bool fake_settled(struct fake_cluster *f)
{
	pthread_mutex_lock(&f->lock);
	bool settled = !f->answering;
	for (int i = 0; i < fake_connections && settled; i++) {
		struct pollfd c = {.fd = f->connections[i].fd, .events = POLLIN};
		settled = poll(&c, 1, 0) == 0;
	}
	pthread_mutex_unlock(&f->lock);
	return settled;
}

/* Until every request that was sent is answered: answers must fit the sockets. */
static inline void fake_settle(struct fake_cluster *f)
{
	while (!fake_settled(f))
		poll(NULL, 0, 1);
}

static inline struct fake_cluster *fake_open(int partitions)
{
	struct fake_cluster *f = calloc(1, sizeof(*f));
	check(f != NULL);
	pthread_mutex_init(&f->lock, NULL);
	f->partition_count = partitions;
	for (int i = 0; i < fake_connections; i++)
		f->connections[i].fd = -1;
	for (int i = 0; i < fake_brokers; i++) {
		struct sockaddr_in a = {
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t bytes = sizeof(a);
		f->listeners[i] = socket(AF_INET, SOCK_STREAM, 0);
		check(bind(f->listeners[i], (struct sockaddr *)&a, bytes) == 0);
		check(listen(f->listeners[i], 16) == 0);
		check(getsockname(f->listeners[i], (struct sockaddr *)&a, &bytes) == 0);
		f->ports[i] = ntohs(a.sin_port);
	}
	check(pthread_create(&f->thread, NULL, fake_main, f) == 0);
	return f;
}

static inline void fake_close(struct fake_cluster *f)
{
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	for (int i = 0; i < fake_connections; i++)
		if (f->connections[i].fd >= 0)
			close(f->connections[i].fd);
	for (int i = 0; i < fake_brokers; i++)
		close(f->listeners[i]);
	for (int p = 0; p < fake_partitions; p++)
		for (int i = 0; i < f->partitions[p].count; i++)
			strbuf_release(&f->partitions[p].batches[i].bytes);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

#endif
