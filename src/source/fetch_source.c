/*
 * Kafka by our own requests: Fetch to the leader of each partition, over non-blocking sockets that
 * the engine's thread serves, with the keeper (kafka_keeper.h) for all that may block.
 *
 *	leaders --> blocks --(record_batch.h walks in place)--> struct messages --> pipeline
 *	keeper thread --> found partitions, failures, the map of leaders
 *
 * Nothing is copied: keys, values and headers are slices of the block that the kernel filled.
 * wake_fd is an epoll instance that holds all sockets, the keeper's eventfd and a timer, each
 * edge-triggered: fill takes its events and remembers which socket has more, so that what is not
 * read yet does not keep the loop awake.
 *
 * A broker has one request in flight. What it asks for next, in this order: whether the log was cut
 * (LANE_ASKS_EPOCH), where a partition begins and ends whose offset is gone, records of all its
 * partitions that may go on and have less than two answers waiting. An answer brings the first
 * batch of its first partition even if that is larger than what was asked for; so partitions take
 * turns to be first, starved ones before others.
 */

#include "source/fetch_source.h"

#include "base/check.h"
#include "base/log.h"
#include "source/source_kinds.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	open_wait_ms = 300, /* usually a few; then open's caller sees the partitions */
	events_max = 64,
	turns_max = 64, /* of one broker in one fill */
	leaderless_us = 250 * 1000
};

static struct fetch_source *of(struct source *s)
{
	return container_of(s, struct fetch_source, source);
}

/* ---- Leaders ---- */

struct fetch_broker *fetch_broker_find(const struct fetch_source *fs, int32_t id)
{
	for (uint32_t i = 0; i < fs->broker_count; i++)
		if (fs->brokers[i]->id == id)
			return fs->brokers[i];
	return NULL;
}

static bool leads(const struct fetch_source *fs, int32_t broker)
{
	for (uint32_t i = 0; i < fs->progress.count; i++)
		if (fs->lanes[i].leader == broker)
			return true;
	return false;
}

static bool view_leads(const struct cluster_view *view, int32_t broker)
{
	for (uint32_t i = 0; i < view->topic_count; i++)
		for (uint32_t k = 0; k < view->topics[i].partition_count; k++)
			if (view->topics[i].partitions[k].leader == broker)
				return true;
	return false;
}

/*
 * Connections are made while the keeper still asks where partitions begin and end: those of topics
 * that are named will be read. Of a pattern the view has all topics.
 */
static bool will_read(const struct fetch_source *fs, int32_t broker)
{
	if (fs->progress.count > 0 || fs->config->topic_count == 0)
		return leads(fs, broker);
	return view_leads(&fs->map->view, broker);
}

static void broker_meet(struct fetch_source *fs, uint32_t number)
{
	const struct cluster_broker *told = &fs->map->view.brokers[number];
	const struct fetch_addresses *addresses = &fs->map->addresses[number];
	struct fetch_broker *b = fetch_broker_find(fs, told->id);
	if (addresses->count == 0 || (b == NULL && !will_read(fs, told->id)))
		return;
	if (b == NULL) {
		b = fetch_broker_open(
			told->id, &fs->settings, fs->source.clock, fs->source.wake_fd);
		fs->brokers = realloc(fs->brokers, (fs->broker_count + 1) * sizeof(b));
		check(fs->brokers != NULL);
		fs->brokers[fs->broker_count++] = b;
	}
	char name[300];
	snprintf(name, sizeof(name), STR_FMT ":%" PRId32, STR_ARG(told->host), told->port);
	fetch_connection_to(&b->connection, name, addresses);
}

static const struct cluster_partition *map_find(
	const struct fetch_source *fs, const struct kafka_partition *p)
{
	for (uint32_t i = 0; fs->map != NULL && i < fs->map->view.topic_count; i++) {
		const struct cluster_topic *t = &fs->map->view.topics[i];
		if (!str_eq(t->name, p->topic->name))
			continue;
		uint32_t at = (uint32_t)p->partition; /* where it usually stands */
		if (at < t->partition_count && t->partitions[at].id == p->partition)
			return &t->partitions[at];
		for (uint32_t k = 0; k < t->partition_count; k++)
			if (t->partitions[k].id == p->partition)
				return &t->partitions[k];
	}
	return NULL;
}

/* A new leader may not have all that the old one gave us. */
static void lane_lead(struct fetch_source *fs, struct fetch_lane *l)
{
	const struct cluster_partition *told = map_find(fs, fetch_partition(fs, l));
	if (told == NULL)
		return;
	bool newer = told->leader_epoch > l->epoch && l->epoch >= 0;
	l->leader = told->leader;
	l->epoch = told->leader_epoch;
	if (!newer || l->phase != LANE_READS || l->reader.leader_epoch < 0)
		return;
	l->phase = LANE_ASKS_EPOCH;
	fetch_lane_drop(l); /* also what came from the old one and was not read */
}

/* Brokers that lead nothing any more. */
static void part_with_some(struct fetch_source *fs)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < fs->broker_count; i++) {
		struct fetch_broker *b = fs->brokers[i];
		if (will_read(fs, b->id) || !fetch_broker_idle(b, fs->chunk)) {
			fs->brokers[kept++] = b;
			continue;
		}
		fetch_forget_asked(fs, b);
		fetch_broker_close(b);
	}
	fs->broker_count = kept;
}

static void meet_leaders(struct fetch_source *fs)
{
	for (uint32_t i = 0; fs->map != NULL && i < fs->map->view.broker_count; i++)
		broker_meet(fs, i);
}

static void take_map(struct fetch_source *fs)
{
	struct fetch_map *map = fetch_cluster_map(fs->cluster);
	if (map == NULL)
		return;
	fetch_map_release(fs->map);
	fs->map = map;
	for (uint32_t i = 0; i < fs->progress.count; i++)
		lane_lead(fs, &fs->lanes[i]);
	meet_leaders(fs);
	part_with_some(fs);
}

static void take_found(struct fetch_source *fs)
{
	uint32_t i;
	bool any = false;
	enum kafka_found_kind kind;
	while ((kind = kafka_progress_take(&fs->progress, &i)) != FOUND_NOTHING) {
		if (fs->lane_capacity != fs->progress.capacity) {
			fs->lane_capacity = fs->progress.capacity;
			fs->lanes = realloc(fs->lanes, fs->lane_capacity * sizeof(*fs->lanes));
			fs->questions = realloc(
				fs->questions, fs->lane_capacity * sizeof(*fs->questions));
			check(fs->lanes != NULL && fs->questions != NULL);
		}
		struct fetch_lane *l = &fs->lanes[i];
		any = true;
		if (kind == FOUND_NEW) {
			fetch_lane_init(l, &fs->progress.partitions[i], &fs->space,
				fs->config->headers);
		} else {
			fetch_lane_reset(l, fs->progress.partitions[i].position);
			l->phase = LANE_READS;
			l->epoch = -1; /* those of the new topic begin anew */
		}
		lane_lead(fs, l);
	}
	if (any)
		meet_leaders(fs);
}

/* Does what can be done with one broker now. */
static int serve(struct fetch_source *fs, struct fetch_broker *b, struct error *err)
{
	int r = 0;
	for (int turn = 0; turn < turns_max && r == 0; turn++) {
		enum connection_state state = fetch_connection_step(&b->connection);
		if (state == CONNECTION_ANSWERED) {
			b->lost = false;
			r = fetch_take_answer(fs, b, err);
		} else if (state != CONNECTION_READY || !fetch_ask_next(fs, b)) {
			break;
		}
	}
	if (b->failures != b->connection.failures) {
		b->failures = b->connection.failures;
		b->lost = true;
		fetch_forget_asked(fs, b);
		fetch_look(fs);
	}
	return r;
}

/* No question yet. */
static void greet(struct fetch_source *fs)
{
	for (uint32_t i = 0; i < fs->broker_count; i++)
		fetch_connection_step(&fs->brokers[i]->connection);
}

/* ---- Waiting ---- */

/* The keeper's and the timer's. */
static void empty_own(struct fetch_source *fs)
{
	uint64_t count;
	ssize_t got = read(fs->event_fd, &count, sizeof(count));
	got = read(fs->timer_fd, &count, sizeof(count));
	if (got == (ssize_t)sizeof(count))
		fs->timer_us = 0;
}

static void take_events(struct fetch_source *fs)
{
	struct epoll_event events[events_max];
	int n;
	do {
		n = epoll_wait(fs->source.wake_fd, events, events_max, 0);
		for (int i = 0; i < n; i++) {
			struct fetch_connection *c = events[i].data.ptr;
			uint32_t what = events[i].events;
			bool over = (what & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0;
			if (c == NULL)
				empty_own(fs);
			else
				fetch_connection_event(c, over || (what & EPOLLIN) != 0,
					over || (what & EPOLLOUT) != 0);
		}
	} while (n == events_max);
}

/* When something is to be done though no socket stirs. */
static int64_t next_due(struct fetch_source *fs)
{
	int64_t due = INT64_MAX;
	int64_t now = fetch_now_us(fs);
	for (uint32_t i = 0; i < fs->broker_count; i++) {
		const struct fetch_broker *b = fs->brokers[i];
		int64_t at = fetch_connection_due(&b->connection);
		if (b->rest_until_us > now && b->rest_until_us < at)
			at = b->rest_until_us;
		due = at < due ? at : due;
	}
	for (uint32_t i = 0; i < fs->progress.count; i++) {
		const struct fetch_lane *l = &fs->lanes[i];
		bool homeless = l->leader < 0 || fetch_broker_find(fs, l->leader) == NULL;
		if (homeless)
			fetch_look(fs);
		int64_t at = homeless ? now + leaderless_us : l->retry_us;
		if (at > now && at < due)
			due = at;
	}
	return due;
}

static void set_timer(struct fetch_source *fs)
{
	int64_t due = next_due(fs);
	if (due == INT64_MAX || due == fs->timer_us)
		return;
	fs->timer_us = due;
	int64_t in_us = due - fetch_now_us(fs);
	if (in_us < 1)
		in_us = 1;
	struct itimerspec spec = {
		.it_value = {.tv_sec = in_us / 1000000, .tv_nsec = in_us % 1000000 * 1000}};
	timerfd_settime(fs->timer_fd, 0, &spec, NULL);
}

/* ---- Filling ---- */

/* Messages below the position: the one before it was asked for after a start. */
static int judge(struct fetch_source *fs, struct fetch_lane *l, struct messages *out,
	uint32_t first, struct error *err)
{
	struct kafka_partition *p = fetch_partition(fs, l);
	int r = 0;
	for (uint32_t i = first; i < out->count && r == 0; i++) {
		if (topic_witness_judge(p->witness, out->offset[i], out->timestamp_us[i],
			    out->key[i], out->value[i]) != TOPIC_OTHER)
			continue;
		r = kafka_progress_other(&fs->progress, p, err);
		fetch_lane_drop(l);
		l->phase = LANE_ASKS_BEGIN;
		break;
	}
	out->count = first;
	if (l->phase == LANE_READS && l->reader.position >= p->position)
		kafka_progress_judged(&fs->progress, p);
	return r;
}

static int read_part(
	struct fetch_source *fs, struct fetch_lane *l, struct messages *out, struct error *err)
{
	struct kafka_partition *p = fetch_partition(fs, l);
	uint32_t first = out->count;
	int64_t messages = l->reader.messages;
	int64_t bytes = l->reader.message_bytes;
	int state = fetch_lane_read(l, p, out, fs->chunk, err);
	if (p->witness.until > 0) {
		int r = state < 0 ? state : judge(fs, l, out, first, err);
		return r < 0 ? r : p->witness.until == 0 ? RECORD_BATCHES_END : state;
	}
	p->messages += l->reader.messages - messages;
	fs->source.bytes_read += l->reader.message_bytes - bytes;
	p->position = l->reader.position;
	if (out->count > first)
		kafka_progress_note(&fs->progress, p, out, out->count - 1);
	return state;
}

/* What is left of one part: then it is another partition's turn. */
static int read_lane(
	struct fetch_source *fs, struct fetch_lane *l, struct messages *out, struct error *err)
{
	struct kafka_partition *p = fetch_partition(fs, l);
	int state = read_part(fs, l, out, err);
	if (l->phase == LANE_READS) /* else it will move back */
		kafka_progress_reach(&fs->progress, p);
	if (state == RECORD_BATCHES_OLD) {
		error_set(err, CDCL_E_DATA,
			STR_FMT "/%" PRId32 " at offset %" PRId64
				" holds a record of a format before Kafka 0.11",
			STR_ARG(p->topic->name), p->partition, p->position);
		error_help(err, "lane = \"librdkafka\" reads it");
		return -(int)err->code;
	}
	/* Beyond the end of a finite run it is nobody's. */
	if (fs->progress.finite && p->position >= p->target && p->position >= p->limit)
		fetch_lane_drop(l);
	return state;
}

static int read_lanes(struct fetch_source *fs, struct messages *out, struct error *err)
{
	uint32_t count = fs->progress.count;
	for (uint32_t i = 0; i < count && !messages_full(out); i++) {
		uint32_t at = fs->read_from % count;
		struct fetch_lane *l = &fs->lanes[at];
		int state = RECORD_BATCHES_END;
		if (l->part_count > 0 && fetch_may_read(fs, l))
			state = read_lane(fs, l, out, err);
		if (state < 0)
			return state;
		if (state != RECORD_BATCHES_FULL)
			fs->read_from = at + 1;
	}
	return 0;
}

static bool readable(const struct fetch_source *fs)
{
	for (uint32_t i = 0; i < fs->progress.count; i++)
		if (fs->lanes[i].part_count > 0 && fetch_may_read(fs, &fs->lanes[i]))
			return true;
	return false;
}

static void note_chunk(struct fetch_source *fs, const struct messages *out)
{
	if (out->count != 0 && out == fs->last_out && out->count == fs->last_count)
		return;
	fs->chunk++;
	record_space_chunk(&fs->space);
}

static void update_ends(struct fetch_source *fs)
{
	for (uint32_t i = 0; i < fs->progress.count; i++)
		kafka_progress_end(&fs->progress, i, fs->lanes[i].end);
}

static int fill_some(struct fetch_source *fs, struct messages *out, struct error *err)
{
	int r = 0;
	fs->waits_for_chunk = false;
	for (uint32_t i = 0; i < fs->broker_count && r == 0; i++)
		r = serve(fs, fs->brokers[i], err);
	if (r < 0)
		return r;
	if (kafka_progress_unplanned(&fs->progress)) {
		update_ends(fs);
		kafka_progress_plan(&fs->progress);
	}
	return read_lanes(fs, out, err);
}

static int fill(struct source *s, struct messages *out, struct error *err)
{
	struct fetch_source *fs = of(s);
	note_chunk(fs, out);
	take_events(fs);
	int r = kafka_keeper_hear(fs->keeper, err);
	if (r < 0)
		return r;
	s->unreachable = !kafka_keeper_reaches(fs->keeper) || fs->outage.outage.told;
	take_map(fs);
	take_found(fs);
	if (!kafka_keeper_resolved(fs->keeper)) {
		greet(fs);
		return SOURCE_WAITING;
	}
	fs->in_turn = kafka_progress_turn(&fs->progress, &fs->turns);
	uint32_t before = out->count;
	r = fill_some(fs, out, err);
	fs->last_out = out;
	fs->last_count = out->count;
	r = r < 0 ? r : fetch_outage_look(fs, err);
	if (r < 0)
		return r;
	uint32_t taken = out->count - before;
	s->messages_read += taken;
	enum source_state state = kafka_progress_state(&fs->progress, taken);
	bool more = readable(fs) || (fs->waits_for_chunk && out->count > 0);
	if (more && (state == SOURCE_IDLE || state == SOURCE_WAITING))
		return SOURCE_MORE;
	if (state != SOURCE_MORE)
		set_timer(fs);
	return (int)state;
}

static int begin_batch(struct source *s, struct error *err)
{
	struct fetch_source *fs = of(s);
	(void)err;
	take_found(fs);
	update_ends(fs);
	kafka_progress_begin_batch(&fs->progress);
	return 0;
}

static int end_batch(struct source *s, struct error *err)
{
	struct fetch_source *fs = of(s);
	(void)err;
	update_ends(fs);
	kafka_progress_end_batch(&fs->progress);
	if (fs->progress.by_partition)
		kafka_keeper_nudge(fs->keeper); /* the ends, for the next batch's shares */
	return 0;
}

/* ---- Opening and closing ---- */

static int open_waiting(struct fetch_source *fs, struct error *err)
{
	struct source *s = &fs->source;
	s->wake_fd = epoll_create1(EPOLL_CLOEXEC);
	fs->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fs->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.ptr = NULL}};
	if (s->wake_fd < 0 || fs->event_fd < 0 || fs->timer_fd < 0 ||
		epoll_ctl(s->wake_fd, EPOLL_CTL_ADD, fs->event_fd, &event) != 0 ||
		epoll_ctl(s->wake_fd, EPOLL_CTL_ADD, fs->timer_fd, &event) != 0)
		return error_set(err, CDCL_E_INTERNAL, "no more file descriptors");
	return 0;
}

/* What the keeper finds, and meanwhile the brokers' greetings. */
static void await_partitions(struct fetch_source *fs)
{
	int64_t until_us = fetch_now_us(fs) + open_wait_ms * 1000;
	while (!kafka_keeper_resolved(fs->keeper) && kafka_keeper_hear(fs->keeper, NULL) == 0) {
		int64_t left_us = until_us - fetch_now_us(fs);
		if (left_us <= 0)
			return;
		struct pollfd p = {.fd = fs->source.wake_fd, .events = POLLIN};
		poll(&p, 1, (int)(left_us / 1000) + 1);
		take_events(fs);
		take_map(fs);
		greet(fs);
	}
}

static int open_source(struct source *s, enum source_run run, struct error *err)
{
	struct fetch_source *fs = of(s);
	kafka_progress_init(&fs->progress, s, fs->config, run);
	if (open_waiting(fs, err) < 0)
		return -(int)err->code;
	struct kafka_cluster *cluster =
		fetch_cluster_open(fs->config, s->clock, fs->event_fd, err);
	if (cluster == NULL)
		return -(int)err->code;
	fs->settings = *fetch_cluster_settings(cluster);
	record_space_init(&fs->space, (size_t)fs->settings.memory_bytes / 2);
	fs->keeper = kafka_keeper_open(fs->config, run, cluster, fs->event_fd, s->clock, err);
	if (fs->keeper == NULL)
		return -(int)err->code;
	fs->cluster = cluster;
	fs->progress.keeper = fs->keeper;
	await_partitions(fs);
	int r = kafka_keeper_hear(fs->keeper, err);
	if (r < 0)
		return r;
	take_map(fs);
	take_found(fs);
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void close_source(struct source *s)
{
	struct fetch_source *fs = of(s);
	kafka_keeper_stop(fs->keeper);
	for (uint32_t i = 0; i < fs->broker_count; i++)
		fetch_broker_close(fs->brokers[i]);
	free(fs->brokers);
	fetch_map_release(fs->map);
	kafka_keeper_release(fs->keeper);
	record_space_release(&fs->space);
	close_fd(fs->timer_fd);
	close_fd(fs->event_fd);
	close_fd(s->wake_fd);
	kafka_progress_release(&fs->progress);
	free(fs->lanes);
	free(fs->questions);
	free((char *)(uintptr_t)s->description.data);
	free(fs);
}

static const struct source_ops fetch_source_ops = {.kind = "kafka",
	.open = open_source,
	.begin_batch = begin_batch,
	.fill = fill,
	.end_batch = end_batch,
	.close = close_source};

struct source *fetch_source_make(const struct kafka_config *config)
{
	struct fetch_source *fs = calloc(1, sizeof(*fs));
	check(fs != NULL);
	fs->config = config;
	fs->event_fd = fs->timer_fd = -1;
	fs->source.ops = &fetch_source_ops;
	fs->source.description = kafka_describe(config);
	fs->source.wake_fd = -1;
	fs->source.poll_ms = 1000;
	fs->source.has_partitions = true;
	return &fs->source;
}
