#define _GNU_SOURCE /* memrchr */

#include "source/fetch_cluster.h"

#include "base/check.h"
#include "base/log.h"
#include "source/kafka_keeper.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	peers_max = 4096,
	buffer_bytes = 16 * 1024,
	name_age_us = 30 * 1000 * 1000, /* then a name is resolved again */
	no_name_age_us = 1000 * 1000,
	commit_wait_us = 10 * 1000 * 1000,
	commit_retry_us = 100 * 1000,
	ask_commit_ms = 2000
};

/* A broker, or an address that was given to begin with (id -1). */
struct peer {
	int32_t id;
	int32_t port;
	char host[256];
	struct fetch_addresses addresses;
	int64_t resolved_us; /* 0: not yet */
	struct fetch_connection connection;
	struct fetch_buffer buffer;
};

struct fetch_cluster {
	struct kafka_cluster cluster;
	const struct clock *clock;
	struct fetch_settings settings;
	int wake_fd;
	struct peer **peers; /* those given first, in their order */
	uint32_t peer_count;
	uint32_t given_count;
	uint32_t next_peer; /* to be asked for metadata */
	struct str *topics;
	uint32_t topic_count;
	struct cluster_view view; /* the last one */
	bool has_view;
	struct peer *coordinator; /* NULL: not known */
	struct commit {
		struct fetch_question *questions; /* NULL: none flies */
		uint32_t count;
		int64_t until_us;
		int64_t next_us;
	} commit;
	pthread_mutex_t lock;
	struct fetch_map *map;
};

static struct fetch_cluster *of(struct kafka_cluster *c)
{
	return container_of(c, struct fetch_cluster, cluster);
}

static int64_t now_us(const struct fetch_cluster *fc)
{
	return clock_monotonic_us(fc->clock);
}

/* ---- Peers ---- */

static struct peer *peer_add(struct fetch_cluster *fc, int32_t id, struct str host, int32_t port)
{
	if (fc->peer_count == peers_max || host.len == 0 || host.len >= sizeof(fc->peers[0]->host))
		return NULL;
	struct peer *p = calloc(1, sizeof(*p));
	check(p != NULL);
	p->id = id;
	p->port = port;
	memcpy(p->host, host.data, host.len);
	fetch_connection_init(&p->connection, fc->clock, str_c(fc->settings.client), -1,
		fc->settings.timeout_ms);
	fc->peers[fc->peer_count++] = p;
	return p;
}

static struct peer *peer_find(const struct fetch_cluster *fc, int32_t id)
{
	for (uint32_t i = 0; i < fc->peer_count; i++)
		if (fc->peers[i]->id == id)
			return fc->peers[i];
	return NULL;
}

static bool peer_resolve(struct fetch_cluster *fc, struct peer *p)
{
	int64_t now = now_us(fc);
	bool known = p->addresses.count > 0;
	if (p->resolved_us != 0 && now - p->resolved_us < (known ? name_age_us : no_name_age_us))
		return known;
	p->resolved_us = now;
	struct fetch_addresses found;
	const char *why;
	char name[300];
	bool v6 = strchr(p->host, ':') != NULL;
	snprintf(name, sizeof(name), v6 ? "[%s]:%" PRId32 : "%s:%" PRId32, p->host, p->port);
	if (fetch_resolve(p->host, p->port, &found, &why)) {
		p->addresses = found;
		fetch_connection_to(&p->connection, name, &found);
		return true;
	}
	char reason[512];
	snprintf(reason, sizeof(reason), "%s: %s", name, why);
	kafka_keeper_unreached(fc->cluster.keeper, false, reason);
	return p->addresses.count > 0;
}

/* A broker as the metadata tells of it. */
static struct peer *peer_of(struct fetch_cluster *fc, const struct cluster_broker *b)
{
	struct peer *p = peer_find(fc, b->id);
	for (uint32_t i = 0; p == NULL && i < fc->given_count; i++)
		if (fc->peers[i]->port == b->port && str_eq(str_c(fc->peers[i]->host), b->host))
			return fc->peers[i]; /* known by its address, and connected to */
	if (p == NULL)
		return b->id < 0 ? NULL : peer_add(fc, b->id, b->host, b->port);
	if (p->port != b->port || !str_eq(str_c(p->host), b->host)) {
		if (b->host.len >= sizeof(p->host))
			return NULL;
		memset(p->host, 0, sizeof(p->host));
		memcpy(p->host, b->host.data, b->host.len);
		p->port = b->port;
		p->addresses.count = 0;
		p->resolved_us = 0;
	}
	return p;
}

/* ---- One request, waited for ---- */

static void wait_on(const struct fetch_cluster *fc, struct fetch_connection *c, int64_t until_us)
{
	int64_t due = fetch_connection_due(c);
	int64_t left_us = (due < until_us ? due : until_us) - now_us(fc);
	int ms = left_us <= 0 ? 0 : (int)(left_us / 1000) + 1;
	struct pollfd p = {.fd = c->fd, .events = fetch_connection_waits(c)};
	poll(&p, 1, ms);
	bool broken = (p.revents & (POLLERR | POLLHUP)) != 0;
	fetch_connection_event(
		c, (p.revents & POLLIN) != 0 || broken, (p.revents & POLLOUT) != 0 || broken);
}

/* Steps until it is in that state. False: it failed, or not in time (it goes on the next time). */
static bool reach(const struct fetch_cluster *fc, struct fetch_connection *c,
	enum connection_state wanted, int64_t until_us)
{
	uint32_t failures = c->failures;
	for (;;) {
		enum connection_state state = fetch_connection_step(c);
		if (c->failures != failures) {
			kafka_keeper_unreached(fc->cluster.keeper, false, c->reason);
			return false;
		}
		if (state == wanted)
			return true;
		if (state == CONNECTION_ANSWERED)
			fetch_connection_taken(c); /* an answer that nobody waited for any more */
		if (now_us(fc) >= until_us)
			return false;
		if (fetch_connection_waits(c) != 0 || state == CONNECTION_DOWN)
			wait_on(fc, c, until_us);
	}
}

/* The peer is ready for a request of that kind, which is begun. */
static bool begin(
	struct fetch_cluster *fc, struct peer *p, enum fetch_api api, int64_t until_us)
{
	if (p == NULL || !peer_resolve(fc, p))
		return false;
	struct fetch_connection *c = &p->connection;
	if (c->state == CONNECTION_DOWN)
		c->due_us = 0; /* the keeper has its own pauses */
	fetch_connection_event(c, true, false);
	bool idle = c->state == CONNECTION_READY; /* the broker may have closed it since */
	if (!reach(fc, c, CONNECTION_READY, until_us)) {
		c->due_us = 0;
		if (!idle || !reach(fc, c, CONNECTION_READY, until_us))
			return false;
	}
	if (c->versions.of[api] < 0) {
		fetch_connection_fail(c, "the broker does not speak our versions");
		kafka_keeper_unreached(fc->cluster.keeper, false, c->reason);
		return false;
	}
	fetch_connection_begin(c, api);
	return true;
}

/* The next answer. */
static bool hear(struct fetch_cluster *fc, struct peer *p, int64_t until_us, struct str *body)
{
	if (!reach(fc, &p->connection, CONNECTION_ANSWERED, until_us))
		return false;
	*body = fetch_connection_answer(&p->connection);
	return true;
}

static bool ask(struct fetch_cluster *fc, struct peer *p, int64_t until_us, struct str *body)
{
	fetch_buffer_fit(&p->buffer, buffer_bytes);
	fetch_connection_send(&p->connection, &p->buffer, 0);
	return hear(fc, p, until_us, body);
}

static void broken(struct fetch_cluster *fc, struct peer *p)
{
	fetch_connection_fail(&p->connection, "an answer that cannot be read");
	kafka_keeper_unreached(fc->cluster.keeper, false, p->connection.reason);
}

/* ---- Metadata ---- */

static bool topic(struct kafka_cluster *c, struct kafka_topic *t)
{
	struct fetch_cluster *fc = of(c);
	fc->topics = realloc(fc->topics, (fc->topic_count + 1) * sizeof(*fc->topics));
	check(fc->topics != NULL);
	fc->topics[fc->topic_count++] = t->name;
	return t->name.len > 0;
}

static bool leads(const struct cluster_view *view, int32_t broker)
{
	for (uint32_t i = 0; i < view->topic_count; i++)
		for (uint32_t k = 0; k < view->topics[i].partition_count; k++)
			if (view->topics[i].partitions[k].leader == broker)
				return true;
	return false;
}

void fetch_map_release(struct fetch_map *m)
{
	if (m == NULL)
		return;
	arena_release(&m->view.arena);
	free(m);
}

/* Takes the view. */
static void publish(struct fetch_cluster *fc, struct cluster_view view)
{
	struct fetch_map *m = calloc(1, sizeof(*m));
	check(m != NULL);
	m->view = view;
	m->addresses =
		ARENA_ARRAY(&m->view.arena, struct fetch_addresses, view.broker_count);
	for (uint32_t i = 0; i < view.broker_count; i++) {
		/* All of them: each can be asked for metadata when the others are gone. */
		struct peer *p = peer_of(fc, &view.brokers[i]);
		if (p != NULL && leads(&view, view.brokers[i].id) && peer_resolve(fc, p))
			m->addresses[i] = p->addresses;
	}
	pthread_mutex_lock(&fc->lock);
	struct fetch_map *old = fc->map;
	fc->map = m;
	pthread_mutex_unlock(&fc->lock);
	fetch_map_release(old);
	uint64_t one = 1;
	/* A full counter is a signal that is already there. */
	ssize_t n = write(fc->wake_fd, &one, sizeof(one));
	(void)n;
}

struct fetch_map *fetch_cluster_map(struct kafka_cluster *c)
{
	struct fetch_cluster *fc = of(c);
	pthread_mutex_lock(&fc->lock);
	struct fetch_map *m = fc->map;
	fc->map = NULL;
	pthread_mutex_unlock(&fc->lock);
	return m;
}

/* Read three times: for the keeper, for the engine, for us. */
static bool take_metadata(
	struct fetch_cluster *fc, struct peer *p, struct str body, struct cluster_view *out)
{
	const struct fetch_versions *v = &p->connection.versions;
	struct cluster_view view;
	if (!fetch_read_metadata(body, v, out)) {
		arena_release(&out->arena);
		broken(fc, p);
		return false;
	}
	if (fc->has_view)
		arena_release(&fc->view.arena);
	fc->has_view = fetch_read_metadata(body, v, &fc->view);
	check(fc->has_view);
	bool again = fetch_read_metadata(body, v, &view);
	check(again);
	fetch_connection_taken(&p->connection);
	publish(fc, view);
	return true;
}

static bool look_at(struct fetch_cluster *fc, struct peer *p, bool all, int64_t until_us,
	struct cluster_view *out)
{
	struct str body;
	if (!begin(fc, p, API_METADATA, until_us))
		return false;
	struct fetch_connection *c = &p->connection;
	static const struct str none;
	const struct str *topics = fc->topic_count == 0 ? &none : fc->topics;
	fetch_put_metadata(&c->request, &c->versions, all ? NULL : topics, fc->topic_count);
	return ask(fc, p, until_us, &body) && take_metadata(fc, p, body, out);
}

/* Whoever answered last is asked first; one that takes too long is not asked first again. */
static int look(struct kafka_cluster *c, bool all, int timeout_ms, struct cluster_view *out)
{
	struct fetch_cluster *fc = of(c);
	int64_t until_us = now_us(fc) + (int64_t)timeout_ms * 1000;
	uint32_t count = fc->peer_count;
	uint32_t first = fc->next_peer;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = (first + i) % count;
		if (look_at(fc, fc->peers[at], all, until_us, out)) {
			fc->next_peer = at;
			return 0;
		}
		fc->next_peer = (at + 1) % count;
		if (now_us(fc) >= until_us)
			break;
	}
	return cluster_unreached;
}

static const struct cluster_partition *partition_find(
	const struct fetch_cluster *fc, struct str name, int32_t number)
{
	for (uint32_t i = 0; fc->has_view && i < fc->view.topic_count; i++) {
		const struct cluster_topic *t = &fc->view.topics[i];
		if (!str_eq(t->name, name))
			continue;
		for (uint32_t k = 0; k < t->partition_count; k++)
			if (t->partitions[k].id == number)
				return &t->partitions[k];
	}
	return NULL;
}

static struct peer *leader_peer(struct fetch_cluster *fc, int32_t leader)
{
	for (uint32_t i = 0; leader >= 0 && i < fc->view.broker_count; i++)
		if (fc->view.brokers[i].id == leader)
			return peer_of(fc, &fc->view.brokers[i]);
	return NULL;
}

/* ---- Offsets ---- */

struct asked {
	const struct kafka_found *found;
	uint32_t count;
	const struct cluster_question *questions;
	uint32_t question_count;
	uint32_t *done; /* questions that are answered, of each partition */
	int code;
};

static void take_offset(struct asked *a, uint32_t question, const struct fetch_answer *answer)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->done[i] != question || a->found[i].partition != answer->partition ||
			!str_eq(a->found[i].topic->name, answer->topic))
			continue;
		a->questions[question].offsets[i] = answer->offset;
		a->done[i]++;
		if (answer->error != 0)
			a->code = answer->error;
		return;
	}
}

static bool take_offsets(struct fetch_cluster *fc, struct peer *p, struct str body,
	struct asked *a, uint32_t question)
{
	struct fetch_answers answers;
	struct fetch_answer answer;
	enum fetch_next next = FETCH_BROKEN;
	if (fetch_answers_begin(&answers, API_OFFSETS, &p->connection.versions, body))
		while ((next = fetch_answers_next(&answers, &answer)) == FETCH_ANSWER)
			take_offset(a, question, &answer);
	if (next == FETCH_BROKEN) {
		broken(fc, p);
		return false;
	}
	fetch_connection_taken(&p->connection);
	return true;
}

/* About those that one leader knows, of those that were not asked about. */
static void put_question(const struct fetch_cluster *fc, struct peer *p, int32_t leader,
	const struct asked *a, int64_t question)
{
	struct fetch_question *list = calloc(a->count, sizeof(*list));
	check(list != NULL);
	uint32_t count = 0;
	for (uint32_t i = 0; i < a->count; i++) {
		struct str name = a->found[i].topic->name;
		const struct cluster_partition *at =
			partition_find(fc, name, a->found[i].partition);
		if (a->done[i] == 0 && at != NULL && at->leader == leader)
			list[count++] = (struct fetch_question){.topic = name,
				.partition = a->found[i].partition,
				.leader_epoch = at->leader_epoch,
				.offset = question};
	}
	fetch_put_offsets(&p->connection.request, &p->connection.versions,
		fc->settings.read_committed, list, count);
	free(list);
}

/* All questions are on the wire before the first answer: a start waits for each exchange. */
static int ask_leader(
	struct fetch_cluster *fc, int32_t leader, int64_t until_us, struct asked *a)
{
	struct peer *p = leader_peer(fc, leader);
	if (leader < 0)
		return CODE_LEADER_NOT_AVAILABLE;
	if (!begin(fc, p, API_OFFSETS, until_us))
		return cluster_unreached;
	for (uint32_t i = 0; i < a->question_count; i++) {
		if (i > 0)
			fetch_connection_begin_next(&p->connection, API_OFFSETS);
		put_question(fc, p, leader, a, a->questions[i].at);
	}
	struct str body;
	for (uint32_t i = 0; i < a->question_count; i++) {
		bool came = i == 0 ? ask(fc, p, until_us, &body) : hear(fc, p, until_us, &body);
		if (!came || !take_offsets(fc, p, body, a, i))
			return cluster_unreached;
	}
	return a->code;
}

static int offsets(struct kafka_cluster *c, const struct kafka_found *found, uint32_t count,
	const struct cluster_question *questions, uint32_t question_count, int timeout_ms)
{
	struct fetch_cluster *fc = of(c);
	check(question_count <= cluster_questions_max);
	struct asked a = {.found = found,
		.count = count,
		.questions = questions,
		.question_count = question_count};
	a.done = calloc(count + 1, sizeof(*a.done));
	check(a.done != NULL);
	int64_t until_us = now_us(fc) + (int64_t)timeout_ms * 1000;
	int code = 0;
	for (uint32_t i = 0; i < count && code == 0; i++) {
		const struct cluster_partition *at =
			partition_find(fc, found[i].topic->name, found[i].partition);
		if (a.done[i] == 0)
			code = at == NULL ? CODE_LEADER_NOT_AVAILABLE
					  : ask_leader(fc, at->leader, until_us, &a);
		if (code == 0 && a.done[i] != question_count)
			code = CODE_UNKNOWN_TOPIC_OR_PARTITION; /* left out of an answer */
	}
	free(a.done);
	return code;
}

/* ---- Commits ---- */

static int find_coordinator(struct fetch_cluster *fc, int64_t until_us, struct peer **out)
{
	*out = fc->coordinator;
	if (*out != NULL)
		return 0;
	struct peer *p = fc->peers[fc->next_peer];
	struct str body;
	if (!begin(fc, p, API_COORDINATOR, until_us))
		return cluster_unreached;
	fetch_put_coordinator(&p->connection.request, &p->connection.versions,
		str_c(fc->settings.group));
	if (!ask(fc, p, until_us, &body))
		return cluster_unreached;
	int code;
	struct cluster_broker broker;
	if (!fetch_read_coordinator(body, &p->connection.versions, &code, &broker)) {
		broken(fc, p);
		return cluster_unreached;
	}
	if (code == 0)
		*out = peer_of(fc, &broker);
	fetch_connection_taken(&p->connection);
	fc->coordinator = *out;
	return code != 0 || *out != NULL ? code : cluster_unreached;
}

static int take_committed(struct fetch_cluster *fc, struct peer *p, struct str body)
{
	struct fetch_answers answers;
	struct fetch_answer answer;
	int code = 0;
	enum fetch_next next = FETCH_BROKEN;
	if (fetch_answers_begin(&answers, API_COMMIT, &p->connection.versions, body))
		while ((next = fetch_answers_next(&answers, &answer)) == FETCH_ANSWER)
			code = answer.error != 0 ? answer.error : code;
	if (next == FETCH_BROKEN) {
		broken(fc, p);
		return cluster_unreached;
	}
	fetch_connection_taken(&p->connection);
	return code;
}

static int try_commit(struct fetch_cluster *fc)
{
	int64_t until_us = now_us(fc) + (int64_t)ask_commit_ms * 1000;
	struct peer *p = NULL;
	struct str body;
	int code = find_coordinator(fc, until_us, &p);
	if (code != 0)
		return code;
	if (!begin(fc, p, API_COMMIT, until_us))
		return cluster_unreached;
	fetch_put_commit(&p->connection.request, &p->connection.versions,
		str_c(fc->settings.group), fc->commit.questions, fc->commit.count);
	return ask(fc, p, until_us, &body) ? take_committed(fc, p, body) : cluster_unreached;
}

/* A coordinator that is not there yet, or has moved, is sought again for a while. */
static void go_on_committing(struct fetch_cluster *fc)
{
	int64_t now = now_us(fc);
	if (fc->commit.questions == NULL || now < fc->commit.next_us)
		return;
	int code = try_commit(fc);
	bool passes = code == CODE_COORDINATOR_LOADS || code == CODE_COORDINATOR_NOT_AVAILABLE ||
		code == CODE_NOT_COORDINATOR || code == cluster_unreached;
	if (passes)
		fc->coordinator = NULL;
	if (passes && now < fc->commit.until_us) {
		fc->commit.next_us = now + commit_retry_us;
		return;
	}
	free(fc->commit.questions);
	fc->commit.questions = NULL;
	kafka_keeper_committed(fc->cluster.keeper, code);
}

static bool commit(
	struct kafka_cluster *c, const struct kafka_position *positions, uint32_t count)
{
	struct fetch_cluster *fc = of(c);
	check(fc->commit.questions == NULL);
	struct fetch_question *questions = calloc(count + 1, sizeof(*questions));
	check(questions != NULL);
	for (uint32_t i = 0; i < count; i++)
		questions[i] = (struct fetch_question){.topic = positions[i].topic->name,
			.partition = positions[i].partition,
			.offset = positions[i].offset};
	fc->commit = (struct commit){.questions = questions,
		.count = count,
		.until_us = now_us(fc) + commit_wait_us};
	go_on_committing(fc);
	return fc->commit.questions != NULL;
}

static void serve(struct kafka_cluster *c, int timeout_ms)
{
	struct fetch_cluster *fc = of(c);
	go_on_committing(fc);
	if (timeout_ms > 0 && fc->commit.questions != NULL)
		poll(NULL, 0, timeout_ms);
}

static void wake_by(struct kafka_cluster *c, int fd)
{
	(void)c; /* nothing happens but within a call */
	(void)fd;
}

/* ---- Opening and closing ---- */

static void close_cluster(struct kafka_cluster *c)
{
	struct fetch_cluster *fc = of(c);
	for (uint32_t i = 0; i < fc->peer_count; i++) {
		fetch_connection_release(&fc->peers[i]->connection);
		fetch_buffer_release(&fc->peers[i]->buffer);
		free(fc->peers[i]);
	}
	if (fc->has_view)
		arena_release(&fc->view.arena);
	fetch_map_release(fc->map);
	pthread_mutex_destroy(&fc->lock);
	free(fc->commit.questions);
	free(fc->topics);
	free(fc->peers);
	free(fc);
}

static const struct kafka_cluster_ops fetch_cluster_ops = {.topic = topic,
	.look = look,
	.offsets = offsets,
	.commit = commit,
	.serve = serve,
	.wake_by = wake_by,
	.close = close_cluster};

/* "host:port", "host", "[v6]:port", "plaintext://host:port" */
static void add_given(struct fetch_cluster *fc, struct str text)
{
	struct str scheme = str_lit("plaintext://");
	if (text.len >= scheme.len && str_eq_fold(str_sub(text, 0, scheme.len), scheme))
		text = str_sub(text, scheme.len, text.len);
	int32_t port = 9092;
	struct str host = text;
	const char *bracket = memchr(text.data, ']', text.len);
	if (text.len > 0 && text.data[0] == '[' && bracket != NULL) {
		host = str_sub(text, 1, (size_t)(bracket - text.data) - 1);
		text = str_sub(text, (size_t)(bracket - text.data), text.len);
	}
	const char *colon = memrchr(text.data, ':', text.len);
	if (colon != NULL) {
		size_t at = (size_t)(colon - text.data);
		port = 0;
		for (size_t i = at + 1; i < text.len && port < 100000; i++)
			port = port * 10 + (text.data[i] - '0');
		if (text.data == host.data)
			host = str_sub(text, 0, at);
	}
	peer_add(fc, -1, host, port);
}

static void add_all_given(struct fetch_cluster *fc, struct str brokers)
{
	while (brokers.len > 0) {
		const char *comma = memchr(brokers.data, ',', brokers.len);
		size_t len = comma == NULL ? brokers.len : (size_t)(comma - brokers.data);
		add_given(fc, str_trim(str_sub(brokers, 0, len)));
		brokers = str_sub(brokers, comma == NULL ? len : len + 1, brokers.len);
	}
	fc->given_count = fc->peer_count;
}

struct kafka_cluster *fetch_cluster_open(const struct kafka_config *config,
	const struct clock *clock, int wake_fd, struct error *err)
{
	struct fetch_settings settings;
	if (fetch_settings_read(config, &settings, err) < 0)
		return NULL;
	struct fetch_cluster *fc = calloc(1, sizeof(*fc));
	check(fc != NULL);
	fc->cluster.ops = &fetch_cluster_ops;
	fc->cluster.refresh_us = settings.refresh_us;
	fc->clock = clock;
	fc->settings = settings;
	fc->wake_fd = wake_fd;
	fc->peers = calloc(peers_max, sizeof(struct peer *));
	check(fc->peers != NULL);
	pthread_mutex_init(&fc->lock, NULL);
	add_all_given(fc, config->brokers);
	if (fc->given_count > 0)
		return &fc->cluster;
	error_set(err, CDCL_E_USAGE, "brokers '" STR_FMT "': no address in it",
		STR_ARG(config->brokers));
	close_cluster(&fc->cluster);
	return NULL;
}

const struct fetch_settings *fetch_cluster_settings(const struct kafka_cluster *c)
{
	return &((const struct fetch_cluster *)c)->settings;
}
