#define PCRE2_CODE_UNIT_WIDTH 8

#include "source/kafka_keeper.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/log.h"
#include "source/kafka_brokers.h"
#include "source/kafka_outage.h"
#include "source/kafka_plan.h"

#include <inttypes.h>
#include <pcre2.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	ask_ms = 500, /* one metadata request */
	tick_ms = 100, /* how long a starving engine waits at worst */
	ends_ms = 1000, /* questions for offsets */
	retry_us = 200 * 1000,
	missing_look_us = 250 * 1000,
	commit_pause_us = 100 * 1000,
	last_commit_us = 2 * 1000 * 1000,
	deleted_looks = 3, /* this many looks without it before a topic counts as deleted */
	keeper_partitions_max = 100 * 1000
};

struct ask { /* one round of questions about new partitions */
	struct kafka_found *found;
	struct kafka_span *spans;
	uint32_t count;
	uint32_t capacity;
	const char *why; /* not all are known: where and why */
	char where[300];
};

struct kafka_keeper {
	const struct kafka_config *config;
	const struct clock *clock;
	enum source_run run;
	struct kafka_cluster *cluster;
	pcre2_code *pattern;
	int wake_fd; /* the engine's */
	int fd; /* ours: eventfd */
	pthread_t thread;
	bool thread_runs;

	/* The keeper's thread only */
	struct kafka_topic **topics;
	uint32_t topic_count;
	int64_t next_look_us;
	bool starved_before;
	bool first_look_done;
	struct kafka_outage outage; /* no broker answers */
	char outage_reason[512];
	struct kafka_outage leaderless; /* before the first look is done: not those that lead */
	int64_t commit_sent_us;
	bool commit_flies;
	bool commit_warned;

	atomic_bool starves;
	atomic_bool out; /* an outage goes on */

	/* The mailbox */
	pthread_mutex_t lock;
	bool stop;
	bool nudged;
	bool look_now;
	bool resolved;
	bool failed;
	struct error failure;
	struct kafka_found *found;
	int64_t *ends;
	uint32_t found_count;
	uint32_t found_capacity;
	struct kafka_position *commits;
	uint32_t commit_count;
	uint32_t commit_capacity;
	bool commit_wanted;
};

static int64_t now_us(const struct kafka_keeper *k)
{
	return clock_monotonic_us(k->clock);
}

static void signal_fd(int fd)
{
	uint64_t one = 1;
	/* A full counter is a signal that is already there. */
	ssize_t n = write(fd, &one, sizeof(one));
	(void)n;
}

static void fail(struct kafka_keeper *k, const struct error *err)
{
	pthread_mutex_lock(&k->lock);
	if (!k->failed)
		k->failure = *err;
	k->failed = true;
	pthread_mutex_unlock(&k->lock);
	signal_fd(k->wake_fd);
}

static bool stopping(struct kafka_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	bool stop = k->stop || k->failed;
	pthread_mutex_unlock(&k->lock);
	return stop;
}

/* ---- Brokers that do not answer ---- */

static void outage_begins(struct kafka_keeper *k, const char *reason)
{
	int64_t now = now_us(k);
	if (k->outage.since_us == 0) {
		atomic_store(&k->out, true);
		if (k->outage_reason[0] == 0)
			snprintf(k->outage_reason, sizeof(k->outage_reason), "%s", reason);
	}
	int64_t timeout_ms = k->config->broker_timeout_ms;
	enum kafka_outage_step step = kafka_outage_goes_on(&k->outage, now, 0, timeout_ms);
	if (step == OUTAGE_GIVE_UP) {
		struct error err;
		error_init(&err);
		error_set(&err, CDCL_E_UNREACHABLE,
			"no Kafka broker answers at " STR_FMT " (%s); gave up after %" PRId64 " s",
			STR_ARG(k->config->brokers), k->outage_reason, timeout_ms / 1000);
		fail(k, &err);
		return;
	}
	if (step == OUTAGE_QUIET)
		return;
	int64_t seconds = (now - k->outage.since_us) / 1000000;
	if (seconds == 0)
		log_warn("kafka",
			"no broker answers at " STR_FMT " (%s); trying again until one does",
			STR_ARG(k->config->brokers), k->outage_reason);
	else
		log_warn("kafka", "still no broker at " STR_FMT " after %" PRId64 " s (%s)",
			STR_ARG(k->config->brokers), seconds, k->outage_reason);
}

static void outage_ends(struct kafka_keeper *k)
{
	int64_t since_us = k->outage.since_us;
	if (kafka_outage_ends(&k->outage))
		log_info("kafka", "broker at " STR_FMT " answers again after %.1f s",
			STR_ARG(k->config->brokers), (double)(now_us(k) - since_us) / 1e6);
	atomic_store(&k->out, false);
	k->outage_reason[0] = 0;
}

/* Where partitions begin and end is asked of their leaders: without one nothing can begin. */
static void leaders_are_missing(struct kafka_keeper *k, const struct ask *a)
{
	int64_t timeout_ms = k->config->broker_timeout_ms;
	switch (kafka_outage_goes_on(
		&k->leaderless, now_us(k), kafka_leader_quiet_us, timeout_ms)) {
	case OUTAGE_GIVE_UP: {
		struct error err;
		error_init(&err);
		error_set(&err, CDCL_E_UNREACHABLE,
			"no leader of %s answers (%s); gave up after %" PRId64 " s", a->where,
			a->why, timeout_ms / 1000);
		fail(k, &err);
		break;
	}
	case OUTAGE_TELL:
		log_warn("kafka", "no leader of %s answers (%s); trying again until one does",
			a->where, a->why);
		break;
	case OUTAGE_QUIET:
		break;
	}
}

/* An idle connection that closes is no outage: look first. */
void kafka_keeper_unreached(struct kafka_keeper *k, bool all_brokers, const char *reason)
{
	if (!all_brokers)
		snprintf(k->outage_reason, sizeof(k->outage_reason), "%s", reason);
	if (k->first_look_done && k->outage.since_us == 0)
		k->next_look_us = 0;
}

/* ---- Topics ---- */

static struct kafka_topic *topic_find(struct kafka_keeper *k, struct str name)
{
	for (uint32_t i = 0; i < k->topic_count; i++)
		if (str_eq(k->topics[i]->name, name))
			return k->topics[i];
	return NULL;
}

static struct kafka_topic *topic_add(struct kafka_keeper *k, struct str name)
{
	struct kafka_topic *t = calloc(1, sizeof(*t));
	char *copy = malloc(name.len + 1);
	check(t != NULL && copy != NULL);
	memcpy(copy, name.data, name.len);
	copy[name.len] = 0;
	t->name = (struct str){copy, name.len};
	if (!k->cluster->ops->topic(k->cluster, t)) {
		free(copy);
		free(t);
		return NULL;
	}
	k->topics[k->topic_count++] = t;
	return t;
}

static int add_listed(struct kafka_keeper *k, struct error *err)
{
	for (uint32_t i = 0; i < k->config->topic_count; i++) {
		struct str name = k->config->topics[i];
		if (topic_find(k, name) != NULL) /* a topic named twice is read once, as in Spark */
			continue;
		if (k->topic_count == source_topics_max)
			return error_set(
				err, CDCL_E_SCRIPT, "more than %d topics", source_topics_max);
		if (name.len == 0 || name.len > 249 || topic_add(k, name) == NULL)
			return error_set(err, CDCL_E_SCRIPT,
				"'" STR_FMT "' cannot be the name of a topic", STR_ARG(name));
	}
	return 0;
}

static bool pattern_matches(const pcre2_code *pattern, const char *name)
{
	if (strcmp(name, "__consumer_offsets") == 0 || strcmp(name, "__transaction_state") == 0)
		return false;
	pcre2_match_data *match = pcre2_match_data_create(1, NULL);
	int r = pcre2_match(
		pattern, (PCRE2_SPTR)name, strlen(name), 0, PCRE2_ANCHORED, match, NULL);
	pcre2_match_data_free(match);
	return r >= 0;
}

static void add_matching(struct kafka_keeper *k, const struct cluster_view *view)
{
	for (uint32_t i = 0; i < view->topic_count; i++) {
		struct str name = view->topics[i].name;
		if (!pattern_matches(k->pattern, name.data) || topic_find(k, name) != NULL)
			continue;
		if (k->topic_count == source_topics_max) {
			log_warn("kafka",
				"more than %d topics match '" STR_FMT "'; the rest is not read",
				source_topics_max, STR_ARG(k->config->topic_pattern));
			return;
		}
		topic_add(k, name);
	}
}

static const struct cluster_topic *view_find(const struct cluster_view *view, struct str name)
{
	for (uint32_t i = 0; i < view->topic_count; i++)
		if (str_eq(view->topics[i].name, name))
			return &view->topics[i];
	return NULL;
}

static void fail_deleted(struct kafka_keeper *k, struct kafka_topic *t)
{
	struct error err;
	error_init(&err);
	error_set(&err, CDCL_E_DATA, "topic '" STR_FMT "' was deleted while it was being read",
		STR_ARG(t->name));
	error_help(
		&err, "on_data_loss = \"continue\" waits for it and reads it from its beginning");
	fail(k, &err);
}

/* False: that ends the run. Else nothing is read of it until its partitions are found again. */
static bool topic_deleted(struct kafka_keeper *k, struct kafka_topic *t, const char *then)
{
	if (!k->config->continue_on_data_loss) {
		fail_deleted(k, t);
		return false;
	}
	log_warn("kafka", "topic '" STR_FMT "' was deleted%s", STR_ARG(t->name), then);
	t->late = true;
	t->lives++;
	return true;
}

static void topic_is_missing(struct kafka_keeper *k, struct kafka_topic *t)
{
	int64_t now = now_us(k);
	int64_t timeout_us = k->config->broker_timeout_ms * 1000;
	if (!t->missing) {
		t->missing = true;
		t->missing_looks = 0;
		t->missing_since_us = now;
		t->late = !t->seen; /* all that will be in it is new */
		if (!t->seen)
			log_warn("kafka",
				"topic '" STR_FMT "' does not exist at " STR_FMT "; waiting for it",
				STR_ARG(t->name), STR_ARG(k->config->brokers));
	}
	t->missing_looks++;
	if (t->seen && t->missing_looks == deleted_looks &&
		!topic_deleted(k, t, "; waiting for it to come back"))
		return;
	if (timeout_us > 0 && now - t->missing_since_us >= timeout_us) {
		struct error err;
		error_init(&err);
		error_set(&err, CDCL_E_UNREACHABLE,
			"topic '" STR_FMT "' does not exist at " STR_FMT "; gave up after %" PRId64
			" s",
			STR_ARG(t->name), STR_ARG(k->config->brokers),
			k->config->broker_timeout_ms / 1000);
		fail(k, &err);
	}
}

/*
 * Adds the partitions of `t` that were not published yet. False: one of them has no leader now,
 * ask again soon.
 */
static bool ask_add(struct kafka_keeper *k, struct ask *a, struct kafka_topic *t,
	const struct cluster_topic *m)
{
	for (uint32_t i = 0; i < m->partition_count; i++)
		if (m->partitions[i].leader < 0 && m->partitions[i].id >= t->known) {
			a->why = "there is none";
			snprintf(a->where, sizeof(a->where), STR_FMT "/%" PRId32, STR_ARG(t->name),
				m->partitions[i].id);
			return false;
		}
	int32_t partition_count = (int32_t)m->partition_count;
	for (int32_t p = t->known; p < partition_count && a->count < keeper_partitions_max; p++) {
		if (a->count == a->capacity) {
			a->capacity = a->capacity == 0 ? 64 : a->capacity * 2;
			a->found = realloc(a->found, a->capacity * sizeof(*a->found));
			a->spans = realloc(a->spans, a->capacity * sizeof(*a->spans));
			check(a->found != NULL && a->spans != NULL);
		}
		bool late = t->late || t->known > 0 || (k->first_look_done && !t->seen);
		a->found[a->count] = (struct kafka_found){.topic = t, .partition = p};
		a->spans[a->count] = (struct kafka_span){
			.topic = t->name, .partition = p, .at_time = -1, .late = late};
		a->count++;
	}
	return true;
}

/* ---- Offsets ---- */

/* Where all partitions end, begin, and stand at a time. False: no answer now. */
static bool ask_all(struct kafka_keeper *k, struct ask *a)
{
	const struct starting_offsets *s = &k->config->starting;
	uint32_t count = s->kind == OFFSETS_TIMESTAMP ? 3 : 2;
	int64_t *offsets = calloc((size_t)count * a->count, sizeof(*offsets));
	check(offsets != NULL);
	const struct cluster_question questions[] = {{cluster_end, offsets},
		{cluster_begin, offsets + a->count},
		{(s->timestamp_us + 999) / 1000, offsets + (size_t)2 * a->count}};
	int why = k->cluster->ops->offsets(
		k->cluster, a->found, a->count, questions, count, ends_ms);
	if (why != 0) {
		log_debug("kafka", "offsets: %s", kafka_error_text(why));
		a->why = kafka_error_text(why);
		snprintf(a->where, sizeof(a->where), "some partition of '" STR_FMT "'",
			STR_ARG(a->found[0].topic->name));
	}
	for (uint32_t i = 0; why == 0 && i < a->count; i++) {
		a->spans[i].end = questions[0].offsets[i];
		a->spans[i].begin = questions[1].offsets[i];
		if (count > 2)
			a->spans[i].at_time = questions[2].offsets[i];
	}
	free(offsets);
	return why == 0;
}

static void say_latest(const struct kafka_keeper *k, const struct ask *a)
{
	if (k->config->starting.kind != OFFSETS_LATEST || k->first_look_done)
		return;
	int64_t there = 0;
	for (uint32_t i = 0; i < a->count; i++)
		if (!a->spans[i].late)
			there += a->spans[i].end - a->spans[i].begin;
	if (there > 0)
		log_info("kafka",
			"%" PRId64
			" message%s already there %s skipped (starting offsets: latest); "
			"--from earliest reads them",
			there, there == 1 ? "" : "s", there == 1 ? "is" : "are");
}

static int ask_decide(struct kafka_keeper *k, struct ask *a, struct error *err)
{
	const struct starting_offsets *s = &k->config->starting;
	if (!k->first_look_done && s->kind == OFFSETS_EXPLICIT) {
		int r = kafka_check_named(s, a->spans, a->count, err);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < a->count; i++) {
		struct kafka_found *f = &a->found[i];
		f->begin = a->spans[i].begin;
		f->end = a->spans[i].end;
		int r = kafka_start(k->config, &a->spans[i], &f->start, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void publish(struct kafka_keeper *k, const struct ask *a)
{
	for (uint32_t i = 0; i < a->count; i++) {
		struct kafka_topic *t = a->found[i].topic;
		t->known =
			a->found[i].partition + 1 > t->known ? a->found[i].partition + 1 : t->known;
		t->seen = true;
		t->late = false;
	}
	pthread_mutex_lock(&k->lock);
	if (k->found_count + a->count > k->found_capacity) {
		k->found_capacity = (k->found_count + a->count) * 2;
		k->found = realloc(k->found, k->found_capacity * sizeof(*k->found));
		k->ends = realloc(k->ends, k->found_capacity * sizeof(*k->ends));
		check(k->found != NULL && k->ends != NULL);
	}
	for (uint32_t i = 0; i < a->count; i++) {
		k->found[k->found_count] = a->found[i];
		k->ends[k->found_count++] = a->found[i].end;
	}
	k->resolved = true;
	pthread_mutex_unlock(&k->lock);
	signal_fd(k->wake_fd);
}

/* ---- A look at the cluster ---- */

/* It has another id than before: deleted and made again between two looks. */
static bool is_another(const struct kafka_topic *t, const struct cluster_topic *m)
{
	static const char none[cluster_topic_id_bytes];
	return memcmp(t->id, none, sizeof(none)) != 0 && memcmp(m->id, none, sizeof(none)) != 0 &&
		memcmp(t->id, m->id, sizeof(none)) != 0;
}

/* It is there. */
static void topic_is_there(
	struct kafka_keeper *k, struct kafka_topic *t, const struct cluster_topic *m)
{
	bool deleted = t->missing && t->missing_looks >= deleted_looks;
	if (t->seen && !deleted && is_another(t, m)) {
		if (!topic_deleted(k, t, " and made again"))
			return;
		deleted = true;
	}
	if (deleted && t->seen)
		t->known = 0; /* read it from its beginning */
	if (t->missing)
		log_info("kafka", "topic '" STR_FMT "' is there now", STR_ARG(t->name));
	t->missing = false;
	memcpy(t->id, m->id, sizeof(t->id));
}

/* Answers whether all listed topics are there with leaders; fills the partitions to ask about. */
static bool look_at_topics(
	struct kafka_keeper *k, const struct cluster_view *view, struct ask *a)
{
	bool all = true;
	if (k->pattern != NULL)
		add_matching(k, view);
	for (uint32_t i = 0; i < k->topic_count && !stopping(k); i++) {
		struct kafka_topic *t = k->topics[i];
		const struct cluster_topic *mt = view_find(view, t->name);
		if (mt == NULL || mt->error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
			topic_is_missing(k, t);
			all = false;
			continue;
		}
		if (mt->error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
			mt->error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) { /* no name of a topic */
			struct error err;
			error_init(&err);
			error_set(&err, CDCL_E_UNREACHABLE, "topic '" STR_FMT "': %s",
				STR_ARG(t->name), kafka_error_text(mt->error));
			fail(k, &err);
			return false;
		}
		if (mt->error != RD_KAFKA_RESP_ERR_NO_ERROR || mt->partition_count == 0) {
			all = false;
			continue;
		}
		topic_is_there(k, t, mt);
		all = ask_add(k, a, t, mt) && all;
	}
	return all;
}

/* Whether what was found is enough to begin with. */
static bool enough(const struct kafka_keeper *k, bool all, const struct ask *a)
{
	if (k->first_look_done)
		return a->count > 0;
	if (all)
		return a->count > 0 || k->pattern != NULL;
	return k->run == SOURCE_RUN_FOREVER && k->pattern == NULL && a->count > 0;
}

static void look_done(struct kafka_keeper *k, bool all, struct ask *a)
{
	int64_t now = now_us(k);
	k->next_look_us = now + (all ? k->cluster->refresh_us : missing_look_us);
	if (!enough(k, all, a)) {
		if (!k->first_look_done && a->why != NULL)
			leaders_are_missing(k, a);
		return;
	}
	struct error err;
	error_init(&err);
	if (a->count > 0 && !ask_all(k, a)) {
		k->next_look_us = now + retry_us;
		if (!k->first_look_done)
			leaders_are_missing(k, a);
	} else if (ask_decide(k, a, &err) < 0) {
		fail(k, &err);
	} else {
		say_latest(k, a);
		publish(k, a);
		k->first_look_done = true;
		if (kafka_outage_ends(&k->leaderless))
			log_info("kafka", "all leaders answer now");
	}
}

static void look(struct kafka_keeper *k)
{
	struct cluster_view view;
	int why = k->cluster->ops->look(k->cluster, k->pattern != NULL, ask_ms, &view);
	if (why != 0) {
		outage_begins(k, kafka_error_text(why));
		k->next_look_us = now_us(k) + retry_us;
		return;
	}
	outage_ends(k);
	struct ask a = {.count = 0};
	bool all = look_at_topics(k, &view, &a);
	arena_release(&view.arena);
	if (!stopping(k))
		look_done(k, all, &a);
	free(a.found);
	free(a.spans);
}

/* Asks every leader for its ends: lag for the engine, and a wake-up for their fetch threads. */
static void answer_nudge(struct kafka_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	uint32_t count = k->found_count;
	struct kafka_found *found = malloc((count + 1) * sizeof(*found));
	check(found != NULL);
	memcpy(found, k->found, count * sizeof(*found));
	pthread_mutex_unlock(&k->lock);
	int64_t *ends = malloc((count + 1) * sizeof(*ends));
	check(ends != NULL);
	const struct cluster_question question = {cluster_end, ends};
	bool told = count > 0 &&
		k->cluster->ops->offsets(k->cluster, found, count, &question, 1, ends_ms) == 0;
	pthread_mutex_lock(&k->lock);
	if (told)
		memcpy(k->ends, ends, count * sizeof(*ends));
	pthread_mutex_unlock(&k->lock);
	free(ends);
	free(found);
}

/* ---- Commits ---- */

void kafka_keeper_committed(struct kafka_keeper *k, int code)
{
	k->commit_flies = false;
	if (code == 0) {
		k->commit_warned = false;
		return;
	}
	if (!k->commit_warned)
		log_warn("kafka",
			"offsets were not committed to group '" STR_FMT
			"': %s (the job does not need them)",
			STR_ARG(k->config->group), kafka_error_text(code));
	k->commit_warned = true;
}

static void send_commit(struct kafka_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	uint32_t count = k->commit_count;
	struct kafka_position *positions = malloc((count + 1) * sizeof(*positions));
	check(positions != NULL);
	memcpy(positions, k->commits, count * sizeof(*positions));
	k->commit_wanted = false;
	pthread_mutex_unlock(&k->lock);
	k->commit_sent_us = now_us(k);
	k->commit_flies = true; /* before the answer, which may come within the call */
	if (!k->cluster->ops->commit(k->cluster, positions, count))
		k->commit_flies = false;
	free(positions);
}

static bool commit_waits(struct kafka_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	bool wanted = k->commit_wanted;
	pthread_mutex_unlock(&k->lock);
	return wanted;
}

/* What end_batch handed over last is sent and answered, if a broker is there, within a bound. */
static void commit_last(struct kafka_keeper *k)
{
	int64_t end = now_us(k) + last_commit_us;
	while (k->outage.since_us == 0 && now_us(k) < end && (k->commit_flies || commit_waits(k))) {
		if (!k->commit_flies)
			send_commit(k);
		k->cluster->ops->serve(k->cluster, 20);
	}
	if (k->outage.since_us == 0 && (k->commit_flies || commit_waits(k)))
		kafka_keeper_committed(k, cluster_no_answer); /* librdkafka keeps why to itself */
}

/* ---- The thread ---- */

static void wait_for_work(struct kafka_keeper *k)
{
	int64_t now = now_us(k);
	int64_t until = k->next_look_us;
	if (commit_waits(k) && !k->commit_flies && k->commit_sent_us + commit_pause_us < until)
		until = k->commit_sent_us + commit_pause_us;
	int64_t wait_us = until - now;
	int wait_ms = wait_us <= 0         ? 0
		: wait_us > tick_ms * 1000 ? tick_ms
					   : (int)((wait_us + 999) / 1000);
	struct pollfd p = {.fd = k->fd, .events = POLLIN};
	if (poll(&p, 1, wait_ms) > 0) {
		uint64_t count;
		ssize_t n = read(k->fd, &count, sizeof(count));
		(void)n;
	}
}

static void *keeper_main(void *argument)
{
	struct kafka_keeper *k = argument;
	while (!stopping(k)) {
		k->cluster->ops->serve(k->cluster, 0);
		pthread_mutex_lock(&k->lock);
		/* Taken before it is answered: one that comes meanwhile counts again. */
		bool nudged = k->nudged;
		k->nudged = false;
		if (k->look_now)
			k->next_look_us = 0;
		k->look_now = false;
		pthread_mutex_unlock(&k->lock);
		if (now_us(k) >= k->next_look_us)
			look(k);
		bool starves = atomic_load_explicit(&k->starves, memory_order_relaxed);
		if (nudged || (starves && k->starved_before))
			answer_nudge(k);
		k->starved_before = starves && !nudged;
		if (commit_waits(k) && !k->commit_flies &&
			now_us(k) >= k->commit_sent_us + commit_pause_us)
			send_commit(k);
		wait_for_work(k);
	}
	commit_last(k);
	return NULL;
}

/* ---- The engine's side ---- */

static void free_pattern(pcre2_code *pattern)
{
	if (pattern != NULL) /* not to load the library (base/late.h) for it */
		pcre2_code_free(pattern);
}

static int compile_pattern(
	const struct kafka_config *config, pcre2_code **out, struct error *err)
{
	struct str pattern = config->topic_pattern;
	*out = NULL;
	if (pattern.data == NULL)
		return 0;
	struct strbuf text;
	strbuf_init(&text);
	strbuf_addf(
		&text, "(?:" STR_FMT ")\\z", STR_ARG(pattern)); /* the whole name, as in Spark */
	int code;
	PCRE2_SIZE at;
	*out = pcre2_compile((PCRE2_SPTR)text.data, text.len, 0, &code, &at, NULL);
	strbuf_release(&text);
	if (*out != NULL)
		return 0;
	PCRE2_UCHAR why[256];
	pcre2_get_error_message(code, why, sizeof(why));
	return error_set(err, CDCL_E_SCRIPT, "topic_pattern '" STR_FMT "': %s", STR_ARG(pattern),
		(const char *)why);
}

int kafka_keeper_check(const struct kafka_config *config, struct error *err)
{
	if (kafka_brokers_check(config->brokers, err) < 0) {
		err->code = CDCL_E_SCRIPT;
		return -(int)err->code;
	}
	if (config->setting_count > 0) { /* only librdkafka knows them */
		rd_kafka_conf_t *conf = kafka_reader_conf(config, err);
		if (conf == NULL)
			return -(int)err->code;
		rd_kafka_conf_destroy(conf);
	}
	pcre2_code *pattern;
	int result = compile_pattern(config, &pattern, err);
	free_pattern(pattern);
	return result;
}

bool kafka_keeper_reads(const struct kafka_config *config, struct str topic)
{
	for (uint32_t i = 0; i < config->topic_count; i++)
		if (str_eq(config->topics[i], topic))
			return true;
	pcre2_code *pattern = NULL;
	char name[256];
	struct error unseen;
	bool matches = topic.len < sizeof(name) && config->topic_pattern.data != NULL &&
		compile_pattern(config, &pattern, &unseen) == 0;
	if (matches) {
		snprintf(name, sizeof(name), STR_FMT, STR_ARG(topic));
		matches = pattern_matches(pattern, name);
	}
	free_pattern(pattern);
	return matches;
}

struct kafka_keeper *kafka_keeper_open(const struct kafka_config *config, enum source_run run,
	struct kafka_cluster *cluster, int wake_fd, const struct clock *clock, struct error *err)
{
	struct kafka_keeper *k = calloc(1, sizeof(*k));
	check(k != NULL);
	k->config = config;
	k->run = run;
	k->clock = clock;
	k->cluster = cluster;
	cluster->keeper = k;
	k->wake_fd = wake_fd;
	pthread_mutex_init(&k->lock, NULL);
	k->topics = calloc(source_topics_max, sizeof(struct kafka_topic *));
	check(k->topics != NULL);
	k->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (k->fd < 0) {
		error_set(err, CDCL_E_INTERNAL, "no more file descriptors");
		goto fail;
	}
	if (compile_pattern(config, &k->pattern, err) < 0)
		goto fail;
	cluster->ops->wake_by(cluster, k->fd);
	if (k->pattern == NULL && add_listed(k, err) < 0)
		goto fail;
	if (pthread_create(&k->thread, NULL, keeper_main, k) != 0) {
		error_set(err, CDCL_E_INTERNAL, "no thread for the Kafka source");
		goto fail;
	}
	k->thread_runs = true;
	return k;
fail:
	kafka_keeper_release(k);
	return NULL;
}

void kafka_keeper_stop(struct kafka_keeper *k)
{
	if (k == NULL || !k->thread_runs)
		return;
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_mutex_unlock(&k->lock);
	signal_fd(k->fd);
	pthread_join(k->thread, NULL);
	k->thread_runs = false;
}

void kafka_keeper_release(struct kafka_keeper *k)
{
	if (k == NULL)
		return;
	kafka_keeper_stop(k);
	for (uint32_t i = 0; i < k->topic_count; i++) {
		struct kafka_topic *t = k->topics[i];
		if (t->rkt != NULL)
			rd_kafka_topic_destroy(t->rkt);
		free((char *)(uintptr_t)t->name.data);
		free(t->slots);
		free(t);
	}
	k->cluster->ops->close(k->cluster);
	free_pattern(k->pattern);
	if (k->fd >= 0)
		close(k->fd);
	pthread_mutex_destroy(&k->lock);
	free(k->topics);
	free(k->found);
	free(k->ends);
	free(k->commits);
	free(k);
}

bool kafka_keeper_reaches(const struct kafka_keeper *k)
{
	return !atomic_load_explicit(&k->out, memory_order_relaxed);
}

bool kafka_keeper_resolved(struct kafka_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	bool resolved = k->resolved;
	pthread_mutex_unlock(&k->lock);
	return resolved;
}

void kafka_keeper_await(struct kafka_keeper *k, int fd, int ms)
{
	int64_t end = now_us(k) + (int64_t)ms * 1000;
	for (int turn = 0; turn < 100 && !kafka_keeper_resolved(k); turn++) {
		int64_t left_us = end - now_us(k);
		if (left_us <= 0 || kafka_keeper_hear(k, NULL) < 0)
			return;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, (int)(left_us / 1000) + 1) > 0) {
			uint64_t signals;
			ssize_t n = read(fd, &signals, sizeof(signals));
			(void)n;
		}
	}
}

bool kafka_keeper_take(struct kafka_keeper *k, uint32_t index, struct kafka_found *out)
{
	pthread_mutex_lock(&k->lock);
	bool there = index < k->found_count;
	if (there)
		*out = k->found[index];
	pthread_mutex_unlock(&k->lock);
	return there;
}

int kafka_keeper_hear(struct kafka_keeper *k, struct error *err)
{
	pthread_mutex_lock(&k->lock);
	bool failed = k->failed;
	int code = failed ? -(int)k->failure.code : 0;
	if (failed && err != NULL)
		*err = k->failure;
	pthread_mutex_unlock(&k->lock);
	return code;
}

int64_t kafka_keeper_end(struct kafka_keeper *k, uint32_t index)
{
	pthread_mutex_lock(&k->lock);
	int64_t end = index < k->found_count ? k->ends[index] : -1;
	pthread_mutex_unlock(&k->lock);
	return end;
}

void kafka_keeper_nudge(struct kafka_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	bool already = k->nudged;
	k->nudged = true;
	pthread_mutex_unlock(&k->lock);
	if (!already)
		signal_fd(k->fd);
}

void kafka_keeper_starves(struct kafka_keeper *k, bool starves)
{
	atomic_store_explicit(&k->starves, starves, memory_order_relaxed);
}

void kafka_keeper_look(struct kafka_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	k->look_now = true;
	pthread_mutex_unlock(&k->lock);
	signal_fd(k->fd);
}

void kafka_keeper_commit(
	struct kafka_keeper *k, const struct kafka_position *positions, uint32_t count)
{
	if (k->config->group.len == 0 || count == 0)
		return;
	pthread_mutex_lock(&k->lock);
	if (count > k->commit_capacity) {
		k->commit_capacity = count * 2;
		k->commits = realloc(k->commits, k->commit_capacity * sizeof(*k->commits));
		check(k->commits != NULL);
	}
	memcpy(k->commits, positions, count * sizeof(*positions));
	k->commit_count = count;
	bool already = k->commit_wanted;
	k->commit_wanted = true;
	pthread_mutex_unlock(&k->lock);
	if (!already)
		signal_fd(k->fd);
}
