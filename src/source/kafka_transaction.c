#include "source/kafka_transaction.h"

#include "base/check.h"
#include "base/log.h"
#include "source/kafka_kept.h"
#include "source/kafka_marker.h"
#include "source/kafka_reports.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	slice_ms = 250,                 /* of one call */
	full_ms = 20,                   /* the queue is full: give its thread a turn */
	pause_first_ms = 20,
	pause_most_ms = 2000,
	close_ms = 1500,
	end_txn_request = 26,           /* their numbers in Kafka's protocol */
	txn_offset_commit_request = 28,
	open_least_ms = 60 * 1000,
	open_most_ms = 15 * 60 * 1000   /* the broker's transaction.max.timeout.ms */
};

enum phase { PHASE_IDLE, PHASE_OPEN, PHASE_BROKEN };

/* What a call came to. Not OK: t->cause says why. */
enum outcome {
	OUTCOME_OK,
	OUTCOME_ABORT,          /* the transaction can be ended, the producer goes on */
	OUTCOME_RENEW,          /* nobody knows, or the producer is of no use any more */
	OUTCOME_REFUSED         /* the same again would be refused again */
};

struct kafka_transaction {
	const struct kafka_transaction_config *config;
	char id[320];
	uint64_t instance;              /* of this process: whose markers are ours */
	char words[kafka_marker_text_max];
	rd_kafka_t *rk;
	bool ready;                     /* init_transactions was answered */
	rd_kafka_consumer_group_metadata_t *group;
	struct kafka_reports reports;
	atomic_int lost_answers;        /* requests of this producer that may still come */
	struct kafka_producer *members[kafka_transaction_topics_max];
	uint32_t member_count;
	struct kafka_marker markers[kafka_transaction_topics_max];
	uint32_t marker_count;
	rd_kafka_topic_partition_list_t *offsets;       /* of sources; NULL: none */
	char offsets_group[256];
	bool offsets_refused;           /* not ours to write: left out */
	struct kafka_kept kept;
	struct kafka_kept_letter *next; /* to be sent; NULL: all is */
	enum phase phase;
	enum outcome broken_by;         /* PHASE_BROKEN */
	int64_t done;                   /* last batch published */
	struct patience patience;
	int pause_ms;
	struct error cause;
	struct kafka_transaction_figures figures;
};

/* ---- opening ---- */

struct kafka_transaction *kafka_transaction_open(const struct kafka_transaction_config *config)
{
	struct kafka_transaction *t = calloc(1, sizeof(*t));
	check(t != NULL);
	t->config = config;
	t->done = -1;
	snprintf(t->id, sizeof(t->id), "cdcl." STR_FMT, STR_ARG(config->job));
	check(getrandom(&t->instance, sizeof(t->instance), 0) == sizeof(t->instance));
	t->instance |= 1; /* 0 is somebody else's words */
	kafka_marker_write(t->instance, config->checkpoint, t->words, sizeof(t->words));
	t->group = rd_kafka_consumer_group_metadata_new(t->id);
	kafka_kept_init(&t->kept);
	error_init(&t->cause);
	return t;
}

static rd_kafka_resp_err_t on_response(rd_kafka_t *rk, int fd, const char *broker, int32_t id,
	int16_t request, int16_t version, int32_t correlation, size_t size, int64_t rtt,
	rd_kafka_resp_err_t why, void *opaque)
{
	(void)rk, (void)fd, (void)broker, (void)id, (void)version, (void)correlation, (void)size;
	(void)rtt;
	struct kafka_transaction *t = opaque;
	bool lost = why == RD_KAFKA_RESP_ERR__TIMED_OUT || why == RD_KAFKA_RESP_ERR__TRANSPORT ||
		why == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE;
	if (lost && (request == end_txn_request || request == txn_offset_commit_request))
		atomic_fetch_add(&t->lost_answers, 1);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque,
	char *text, size_t text_bytes)
{
	(void)conf, (void)text, (void)text_bytes;
	return rd_kafka_interceptor_add_on_response_received(rk, "cdcl", on_response, opaque);
}

static int64_t open_ms(const struct kafka_transaction_config *c)
{
	int64_t ms = open_least_ms + 2 * c->trigger_ms;
	return ms < open_most_ms ? ms : open_most_ms;
}

static bool sets(const struct kafka_transaction_config *c, struct str name)
{
	for (uint32_t i = 0; i < c->setting_count; i++)
		if (str_eq(c->settings[i].name, name))
			return true;
	return false;
}

/* The user's settings come after ours and win. */
static rd_kafka_conf_t *make_conf(struct kafka_transaction *t, struct error *err)
{
	const struct kafka_transaction_config *c = t->config;
	struct arena arena;
	arena_init(&arena, 4096);
	struct setting *all = ARENA_ARRAY(&arena, struct setting, c->setting_count + 3);
	uint32_t count = 0;
	all[count++] = (struct setting){.name = str_lit("transaction.timeout.ms"),
		.value = str_printf(&arena, "%lld", (long long)open_ms(c))};
	if (!sets(c, str_lit("transaction.timeout.ms"))) /* the shorter of the two */
		all[count++] = (struct setting){
			.name = str_lit("socket.timeout.ms"), .value = str_lit("10000")};
	/* a transaction right after another one is told to ask again */
	all[count++] =
		(struct setting){.name = str_lit("retry.backoff.ms"), .value = str_lit("20")};
	for (uint32_t i = 0; i < c->setting_count; i++)
		all[count++] = c->settings[i];
	rd_kafka_conf_t *conf = kafka_client_conf(KAFKA_WRITER, c->brokers, all, count, err);
	arena_release(&arena);
	if (conf == NULL)
		return NULL;
	kafka_conf_set(conf, "transactional.id", t->id);
	kafka_reports_attach(&t->reports, conf);
	rd_kafka_conf_interceptor_add_on_new(conf, "cdcl", on_new, t);
	return conf;
}

struct rd_kafka_s *kafka_transaction_client(struct kafka_transaction *t, struct error *err)
{
	if (t->rk != NULL)
		return t->rk;
	rd_kafka_conf_t *conf = make_conf(t, err);
	if (conf != NULL)
		t->rk = kafka_client_open(RD_KAFKA_PRODUCER, conf, err);
	return t->rk;
}

const struct kafka_reports *kafka_transaction_reports(const struct kafka_transaction *t)
{
	return &t->reports;
}

int kafka_transaction_join(
	struct kafka_transaction *t, struct kafka_producer *p, struct error *err)
{
	if (t->member_count == kafka_transaction_topics_max)
		return error_set(err, CDCL_E_SCRIPT, "more than %d sinks write to one cluster",
			kafka_transaction_topics_max);
	t->members[t->member_count++] = p;
	return 0;
}

void kafka_transaction_leave(struct kafka_transaction *t, struct kafka_producer *p)
{
	for (uint32_t i = 0; i < t->member_count; i++)
		if (t->members[i] == p)
			t->members[i] = t->members[--t->member_count];
}

static void drop_client(struct kafka_transaction *t)
{
	for (uint32_t i = 0; i < t->member_count; i++)
		kafka_producer_bind(t->members[i], NULL);
	if (t->rk != NULL) {
		rd_kafka_purge(t->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_destroy(t->rk);
	}
	t->rk = NULL;
	t->ready = false;
	t->phase = PHASE_IDLE;
	t->next = t->kept.first;
	kafka_reports_clear(&t->reports);
	atomic_store(&t->lost_answers, 0);
}

/* ---- what calls answer ---- */

static enum outcome judge(struct kafka_transaction *t, rd_kafka_error_t *e, const char *doing)
{
	if (e == NULL)
		return OUTCOME_OK;
	rd_kafka_resp_err_t why = rd_kafka_error_code(e);
	rd_kafka_resp_err_t first = atomic_load(&t->reports.first);
	error_init(&t->cause);
	error_set(&t->cause, CDCL_E_UNREACHABLE, "%s: %s%s%s", doing, rd_kafka_error_string(e),
		t->reports.trouble[0] != 0 ? "; " : "", t->reports.trouble);
	enum outcome out = OUTCOME_RENEW;
	if (kafka_error_is_refusal(first)) {
		kafka_reports_error(&t->reports, &t->cause);
		out = OUTCOME_REFUSED;
	} else if (kafka_error_is_refusal(why)) {
		t->cause.code = CDCL_E_REFUSED;
		kafka_error_advise(why, &t->cause);
		out = OUTCOME_REFUSED;
	} else if (rd_kafka_error_txn_requires_abort(e) && !rd_kafka_error_is_fatal(e) &&
		why != RD_KAFKA_RESP_ERR_PRODUCER_FENCED &&
		first != RD_KAFKA_RESP_ERR_PRODUCER_FENCED) {
		out = OUTCOME_ABORT;
	}
	log_debug("kafka", "transaction %s: %s (%s)", t->id, t->cause.text,
		out == OUTCOME_ABORT ? "ended" : out == OUTCOME_RENEW ? "new producer" : "refused");
	rd_kafka_error_destroy(e);
	return out;
}

/* A call that may be repeated: true while it should be. */
static bool again(struct kafka_transaction *t, rd_kafka_error_t *e)
{
	if (e == NULL || !rd_kafka_error_is_retriable(e) || !patience_left(&t->patience))
		return false;
	rd_kafka_error_destroy(e);
	return true;
}

static int slice(struct kafka_transaction *t)
{
	return patience_slice(&t->patience, slice_ms);
}

static int fail(const struct kafka_transaction *t, const struct error *cause, struct error *err)
{
	*err = *cause;
	return error_prefix(err, "transaction %s: ", t->id);
}

static int give_up(struct kafka_transaction *t, struct error *err)
{
	struct error cause = t->cause;
	if (patience_cut(&t->patience))
		error_prefix(&cause, "stopped while it waited: ");
	return fail(t, &cause, err);
}

/* Before what failed is tried again. */
static void pause_for(struct kafka_transaction *t)
{
	t->pause_ms = t->pause_ms == 0 ? pause_first_ms : t->pause_ms * 2;
	t->pause_ms = t->pause_ms < pause_most_ms ? t->pause_ms : pause_most_ms;
	struct patience pause;
	patience_init(&pause, &clock_system, t->pause_ms);
	while (t->rk != NULL && patience_left(&pause) && patience_left(&t->patience))
		rd_kafka_poll(t->rk, patience_slice(&pause, t->pause_ms));
}

static void wait_begins(struct kafka_transaction *t, int64_t timeout_ms)
{
	patience_init(&t->patience, &clock_system, timeout_ms);
	t->pause_ms = 0;
}

/* ---- a producer that may write ---- */

static int try_client(struct kafka_transaction *t, struct error *err)
{
	if (kafka_transaction_client(t, err) == NULL)
		return -(int)err->code;
	rd_kafka_error_t *e = NULL;
	do {
		e = rd_kafka_init_transactions(t->rk, slice(t));
		rd_kafka_poll(t->rk, 0);
	} while (again(t, e));
	enum outcome out = judge(t, e, "the coordinator does not take the producer");
	if (out == OUTCOME_REFUSED || (out != OUTCOME_OK && !patience_left(&t->patience)))
		return give_up(t, err);
	t->ready = out == OUTCOME_OK;
	return 0;
}

static int renew_client(struct kafka_transaction *t, struct error *err)
{
	while (!t->ready) {
		int r = try_client(t, err);
		if (r < 0)
			return r;
		if (t->ready)
			break;
		pause_for(t);
		drop_client(t);
	}
	for (uint32_t i = 0; i < t->member_count; i++)
		kafka_producer_bind(t->members[i], t->rk);
	return 0;
}

static int read_markers(struct kafka_transaction *t, struct kafka_marker *markers, uint32_t count,
	struct error *err)
{
	const struct kafka_transaction_config *c = t->config;
	struct kafka_marker_group group = {.name = str_c(t->id),
		.brokers = c->brokers,
		.settings = c->settings,
		.setting_count = c->setting_count};
	return count == 0 ? 0 : kafka_markers_read(&group, markers, count, &t->patience, err);
}

static int taken_over(
	const struct kafka_transaction *t, const struct kafka_marker *m, struct error *err)
{
	error_set(err, CDCL_E_FENCED,
		"transaction %s: another process writes now to topic '%s' (%s); this one was "
		"fenced off and wrote nothing of its batch",
		t->id, m->topic, m->writer[0] != 0 ? m->writer : "not known who");
	error_help(err, "two runs of one job, from copies of one checkpoint or by one name, cannot "
			"write at the same time: stop one, or give it another name");
	return -(int)err->code;
}

/* What was open is ended or complete afterwards, and the markers say which. */
static int renew(struct kafka_transaction *t, struct error *err)
{
	drop_client(t);
	t->figures.renewed++;
	int r = renew_client(t, err);
	if (r == 0)
		r = read_markers(t, t->markers, t->marker_count, err);
	for (uint32_t i = 0; r == 0 && i < t->marker_count; i++)
		if (t->markers[i].found && t->markers[i].instance != t->instance)
			r = taken_over(t, &t->markers[i], err);
	return r;
}

static bool all_hold(const struct kafka_transaction *t, int64_t batch_id)
{
	for (uint32_t i = 0; i < t->marker_count; i++)
		if (t->markers[i].batch_id < batch_id)
			return false;
	return t->marker_count > 0;
}

static enum outcome abort_open(struct kafka_transaction *t)
{
	rd_kafka_error_t *e = NULL;
	do
		e = rd_kafka_abort_transaction(t->rk, slice(t));
	while (again(t, e));
	enum outcome out = judge(t, e, "the transaction cannot be ended");
	if (out != OUTCOME_OK)
		return OUTCOME_RENEW;
	t->phase = PHASE_IDLE;
	t->next = t->kept.first;
	kafka_reports_clear(&t->reports);
	t->figures.aborted++;
	return OUTCOME_OK;
}

/* The transaction came to nothing, or nobody knows: afterwards the batch can be sent again. */
static int recover(struct kafka_transaction *t, enum outcome why, struct error *err)
{
	struct error cause = t->cause;
	if (why == OUTCOME_REFUSED) {
		if (t->phase != PHASE_IDLE && rd_kafka_fatal_error(t->rk, NULL, 0) == 0)
			abort_open(t);
		return fail(t, &cause, err);
	}
	if (!patience_left(&t->patience))
		return give_up(t, err);
	pause_for(t);
	if (why == OUTCOME_ABORT && t->phase != PHASE_IDLE)
		why = abort_open(t);
	int r = why == OUTCOME_RENEW ? renew(t, err) : 0;
	t->cause = cause;
	return r;
}

/* After recover, when the markers do not hold the batch. */
static int can_send_again(struct kafka_transaction *t, struct error *err)
{
	if (!t->kept.lost) {
		t->figures.sent_again += t->kept.count > 0;
		return 0;
	}
	fail(t, &t->cause, err);
	error_help(err,
		"the batch is too large (over %d MB) to be sent again from memory: the next start "
		"runs it again",
		kafka_kept_bytes_max / 1024 / 1024);
	return -(int)err->code;
}

/* ---- sending ---- */

/*
 * A request without answer may still come, however the transaction that it was of ended, and the
 * broker would take it for the next one's of this producer.
 */
static bool is_haunted(const struct kafka_transaction *t)
{
	return atomic_load(&t->lost_answers) > 0;
}

static enum outcome begin(struct kafka_transaction *t)
{
	if (t->phase != PHASE_IDLE)
		return OUTCOME_OK;
	if (is_haunted(t))
		drop_client(t);
	if (!t->ready) {
		error_init(&t->cause);
		error_set(&t->cause, CDCL_E_UNREACHABLE,
			"an answer was lost, a new producer is made");
		return OUTCOME_RENEW;
	}
	enum outcome out =
		judge(t, rd_kafka_begin_transaction(t->rk), "a transaction cannot begin");
	if (out != OUTCOME_OK)
		return out;
	t->phase = PHASE_OPEN;
	return OUTCOME_OK;
}

/* After a message that was not delivered, or a refused one. */
static enum outcome judge_report(struct kafka_transaction *t, rd_kafka_resp_err_t why)
{
	if (kafka_error_is_refusal(why))
		return OUTCOME_REFUSED;
	bool fenced = why == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
		why == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
		why == RD_KAFKA_RESP_ERR__FENCED ||
		rd_kafka_fatal_error(t->rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
	return fenced ? OUTCOME_RENEW : OUTCOME_ABORT;
}

static enum outcome undelivered(struct kafka_transaction *t)
{
	if (atomic_load(&t->reports.failed) == 0)
		return OUTCOME_OK;
	/* Cannot be begun, as one is open: the answer says what ended that, if something has. */
	rd_kafka_error_t *e = rd_kafka_begin_transaction(t->rk);
	if (e != NULL && rd_kafka_error_txn_requires_abort(e))
		return judge(t, e, "the transaction was ended");
	if (e != NULL)
		rd_kafka_error_destroy(e);
	error_init(&t->cause);
	kafka_reports_error(&t->reports, &t->cause);
	return judge_report(t, atomic_load(&t->reports.first));
}

static enum outcome no_patience(struct kafka_transaction *t)
{
	error_init(&t->cause);
	error_set(&t->cause, CDCL_E_UNREACHABLE, "the broker does not take the messages%s%s",
		t->reports.trouble[0] != 0 ? ": " : "", t->reports.trouble);
	return OUTCOME_RENEW;
}

static enum outcome put(
	struct kafka_transaction *t, struct kafka_producer *to, const struct kafka_letter *l)
{
	struct patience full = {.clock = NULL};
	for (;;) {
		rd_kafka_resp_err_t why = kafka_producer_put(to, l);
		if (why == RD_KAFKA_RESP_ERR_NO_ERROR)
			return OUTCOME_OK;
		if (why != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
			error_init(&t->cause);
			kafka_message_error(
				why, kafka_producer_topic(to), l->key, l->value.len, &t->cause);
			return judge_report(t, why);
		}
		if (full.clock == NULL)
			patience_init(&full, &clock_system, t->config->batch_timeout_ms);
		rd_kafka_poll(t->rk, full_ms);
		enum outcome out = undelivered(t);
		if (out != OUTCOME_OK)
			return out;
		if (!patience_left(&full))
			return no_patience(t);
	}
}

static enum outcome send_kept(struct kafka_transaction *t)
{
	enum outcome out = t->next == NULL ? OUTCOME_OK : begin(t);
	while (out == OUTCOME_OK && t->next != NULL) {
		out = put(t, t->next->to, &t->next->letter);
		if (out == OUTCOME_OK)
			t->next = t->next->next;
	}
	return out;
}

/* The rest of it waits for the batch's end, where the transaction is begun anew. */
static int broken(struct kafka_transaction *t, enum outcome out, struct error *err)
{
	if (out == OUTCOME_OK)
		return 0;
	if (out == OUTCOME_REFUSED || t->kept.lost)
		return fail(t, &t->cause, err);
	t->phase = PHASE_BROKEN;
	t->broken_by = out;
	return 0;
}

static int keep(struct kafka_transaction *t, struct kafka_producer *to,
	const struct kafka_letter *l, struct error *err)
{
	if (kafka_kept_fits(&t->kept, l)) {
		kafka_kept_add(&t->kept, to, l);
		if (t->next == NULL)
			t->next = t->kept.last;
		return 0;
	}
	int r = t->phase == PHASE_BROKEN ? kafka_transaction_prepare(t, err)
					 : broken(t, send_kept(t), err);
	if (r == 0 && t->phase == PHASE_BROKEN)
		r = kafka_transaction_prepare(t, err);
	if (r < 0)
		return r;
	kafka_kept_lose(&t->kept);
	t->next = NULL;
	return 0;
}

int kafka_transaction_send(struct kafka_transaction *t, struct kafka_producer *to,
	const struct kafka_letter *l, struct error *err)
{
	if (!t->kept.lost) {
		int r = keep(t, to, l, err);
		if (r < 0)
			return r;
	}
	if (t->kept.lost) {
		enum outcome out = begin(t);
		return broken(t, out == OUTCOME_OK ? put(t, to, l) : out, err);
	}
	bool waits = t->phase == PHASE_IDLE && t->kept.bytes < kafka_hold_bytes;
	return waits || t->phase == PHASE_BROKEN ? 0 : broken(t, send_kept(t), err);
}

static enum outcome flush(struct kafka_transaction *t)
{
	enum outcome out = send_kept(t);
	while (out == OUTCOME_OK && t->phase == PHASE_OPEN) {
		rd_kafka_resp_err_t why = rd_kafka_flush(t->rk, slice(t));
		out = undelivered(t);
		if (out != OUTCOME_OK || why == RD_KAFKA_RESP_ERR_NO_ERROR)
			return out;
		if (!patience_left(&t->patience))
			return no_patience(t);
	}
	return out;
}

static int deliver(struct kafka_transaction *t, struct error *err)
{
	for (;;) {
		enum outcome out = t->phase == PHASE_BROKEN ? t->broken_by : flush(t);
		if (out == OUTCOME_OK)
			return 0;
		int r = recover(t, out, err);
		if (r == 0)
			r = can_send_again(t, err);
		if (r < 0)
			return r;
	}
}

int kafka_transaction_prepare(struct kafka_transaction *t, struct error *err)
{
	if (t->phase == PHASE_IDLE && t->kept.count == 0)
		return 0;
	wait_begins(t, t->config->batch_timeout_ms);
	return deliver(t, err);
}

/* ---- the end of a batch ---- */

void kafka_transaction_offset(struct kafka_transaction *t, struct str group, struct str topic,
	int32_t partition, int64_t next)
{
	char name[256];
	if (t->offsets == NULL)
		t->offsets = rd_kafka_topic_partition_list_new(16);
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(topic));
	snprintf(t->offsets_group, sizeof(t->offsets_group), STR_FMT, STR_ARG(group));
	rd_kafka_topic_partition_t *p =
		rd_kafka_topic_partition_list_find(t->offsets, name, partition);
	if (p == NULL)
		p = rd_kafka_topic_partition_list_add(t->offsets, name, partition);
	p->offset = next;
}

static void forget_offsets(struct kafka_transaction *t)
{
	if (t->offsets != NULL)
		rd_kafka_topic_partition_list_destroy(t->offsets);
	t->offsets = NULL;
}

static enum outcome send_offsets(struct kafka_transaction *t,
	const rd_kafka_topic_partition_list_t *list,
	const rd_kafka_consumer_group_metadata_t *group, const char *doing)
{
	rd_kafka_error_t *e = NULL;
	do
		e = rd_kafka_send_offsets_to_transaction(t->rk, list, group, slice(t));
	while (again(t, e));
	return judge(t, e, doing);
}

static enum outcome send_markers(
	struct kafka_transaction *t, const struct kafka_marker *first, uint32_t count, int64_t id)
{
	if (count == 0)
		return OUTCOME_OK;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
	for (uint32_t i = 0; i < count; i++) {
		rd_kafka_topic_partition_t *p =
			rd_kafka_topic_partition_list_add(list, first[i].topic, 0);
		p->offset = (first[i].batch_id > id ? first[i].batch_id : id) + 1;
		p->metadata_size = strlen(t->words);
		p->metadata = malloc(p->metadata_size + 1); /* the list's */
		check(p->metadata != NULL);
		memcpy(p->metadata, t->words, p->metadata_size + 1);
	}
	enum outcome out = send_offsets(
		t, list, t->group, "the number of the batch cannot be kept in the transaction");
	rd_kafka_topic_partition_list_destroy(list);
	return out;
}

/*
 * For lag tools, and so nothing that may stop the job: where somebody else reads as this group, or
 * where it may not be written to, the offsets are left out.
 */
static enum outcome send_source_offsets(struct kafka_transaction *t)
{
	if (t->offsets == NULL || t->offsets_refused)
		return OUTCOME_OK;
	rd_kafka_consumer_group_metadata_t *group =
		rd_kafka_consumer_group_metadata_new(t->offsets_group);
	enum outcome out =
		send_offsets(t, t->offsets, group, "offsets of the source in the transaction");
	rd_kafka_consumer_group_metadata_destroy(group);
	if (out != OUTCOME_REFUSED && out != OUTCOME_ABORT)
		return out;
	t->offsets_refused = true;
	log_warn("kafka", "%s; group '%s' is committed outside of it from now on", t->cause.text,
		t->offsets_group);
	return OUTCOME_ABORT;
}

static enum outcome commit(struct kafka_transaction *t)
{
	rd_kafka_error_t *e = NULL;
	do {
		e = rd_kafka_commit_transaction(t->rk, slice(t));
	} while (again(t, e));
	return judge(t, e, "nobody knows whether the transaction was committed");
}

static enum outcome seal(struct kafka_transaction *t, int64_t batch_id)
{
	enum outcome out = begin(t);
	if (out == OUTCOME_OK)
		out = send_markers(t, t->markers, t->marker_count, batch_id);
	if (out == OUTCOME_OK)
		out = send_source_offsets(t);
	return out == OUTCOME_OK ? commit(t) : out;
}

static void batch_is_done(struct kafka_transaction *t, int64_t batch_id)
{
	for (uint32_t i = 0; i < t->marker_count; i++)
		if (t->markers[i].batch_id < batch_id)
			t->markers[i].batch_id = batch_id;
	t->done = batch_id;
	t->phase = PHASE_IDLE;
	kafka_kept_clear(&t->kept);
	t->next = NULL;
	forget_offsets(t);
	kafka_reports_clear(&t->reports);
	t->figures.committed++;
}

int kafka_transaction_publish(struct kafka_transaction *t, int64_t batch_id, struct error *err)
{
	bool nothing = t->phase == PHASE_IDLE && t->kept.count == 0;
	if (batch_id <= t->done || (nothing && all_hold(t, batch_id)))
		return 0;
	wait_begins(t, t->config->batch_timeout_ms);
	for (;;) {
		int r = deliver(t, err);
		if (r < 0)
			return r;
		enum outcome out = seal(t, batch_id);
		if (out == OUTCOME_OK)
			break;
		r = recover(t, out, err);
		if (r == 0 && all_hold(t, batch_id))
			break;
		if (r == 0)
			r = can_send_again(t, err);
		if (r < 0)
			return r;
	}
	batch_is_done(t, batch_id);
	return 0;
}

int kafka_transaction_give_up(
	struct kafka_transaction *t, const struct kafka_producer *letters, struct error *err)
{
	if (t->kept.lost || t->rk == NULL || t->phase == PHASE_BROKEN)
		return 0;
	wait_begins(t, t->config->batch_timeout_ms);
	enum outcome out = t->phase == PHASE_OPEN ? abort_open(t) : OUTCOME_OK;
	if (out == OUTCOME_OK && is_haunted(t)) {
		int r = renew(t, err);
		if (r < 0)
			return r;
	}
	t->next = NULL;
	const struct kafka_kept_letter *l = t->kept.first;
	for (; l != NULL && out == OUTCOME_OK; l = l->next) {
		if (l->to != letters)
			continue;
		out = begin(t);
		if (out == OUTCOME_OK)
			out = put(t, l->to, &l->letter);
	}
	if (out == OUTCOME_OK && t->phase == PHASE_OPEN)
		out = commit(t);
	if (out != OUTCOME_OK)
		return give_up(t, err);
	t->phase = PHASE_IDLE;
	return 0;
}

/* ---- at open ---- */

static const struct kafka_marker *marker_of(
	const struct kafka_transaction *t, struct str topic)
{
	for (uint32_t i = 0; i < t->marker_count; i++)
		if (str_eq(str_c(t->markers[i].topic), topic))
			return &t->markers[i];
	return NULL;
}

/* One that is taken over between the two lines is told so by the second. */
static enum outcome try_claim(struct kafka_transaction *t, struct kafka_marker *m, int *r,
	struct error *err)
{
	*r = read_markers(t, m, 1, err);
	if (*r < 0)
		return OUTCOME_REFUSED;
	m->others = m->batch_id >= 0 && !str_eq(str_c(m->checkpoint), t->config->checkpoint);
	if (m->others)
		m->batch_id = -1;
	enum outcome out = begin(t);
	if (out == OUTCOME_OK)
		out = send_markers(t, m, 1, m->batch_id);
	if (out == OUTCOME_OK)
		out = commit(t);
	return out;
}

int64_t kafka_transaction_held(const struct kafka_transaction *t, struct str topic, bool *others)
{
	const struct kafka_marker *m = marker_of(t, topic);
	*others = m != NULL && m->others;
	return m == NULL ? -1 : m->batch_id;
}

int kafka_transaction_claim(struct kafka_transaction *t, struct str topic, struct error *err)
{
	if (marker_of(t, topic) != NULL)
		return 0;
	check(t->marker_count < kafka_transaction_topics_max);
	struct kafka_marker *m = &t->markers[t->marker_count];
	*m = (struct kafka_marker){.batch_id = -1};
	snprintf(m->topic, sizeof(m->topic), STR_FMT, STR_ARG(topic));
	wait_begins(t, t->config->open_timeout_ms);
	for (;;) {
		int r = t->ready ? 0 : renew_client(t, err);
		if (r < 0)
			return r;
		enum outcome out = try_claim(t, m, &r, err);
		if (r < 0)
			return r;
		if (out == OUTCOME_OK)
			break;
		if (out == OUTCOME_REFUSED || !patience_left(&t->patience))
			return give_up(t, err);
		pause_for(t);
		drop_client(t);
	}
	t->phase = PHASE_IDLE;
	t->marker_count++;
	return 0;
}

bool kafka_transaction_same_cluster(
	const struct kafka_transaction *a, const struct kafka_transaction *b)
{
	if (a->rk == NULL || b->rk == NULL)
		return false;
	char *first = rd_kafka_clusterid(a->rk, slice_ms);
	char *second = rd_kafka_clusterid(b->rk, slice_ms);
	bool same = first != NULL && second != NULL && strcmp(first, second) == 0;
	if (first != NULL)
		rd_kafka_mem_free(a->rk, first);
	if (second != NULL)
		rd_kafka_mem_free(b->rk, second);
	return same;
}

void kafka_transaction_close(struct kafka_transaction *t)
{
	if (t == NULL)
		return;
	/* Readers need not wait until the broker ends it. */
	if (t->phase != PHASE_IDLE && t->rk != NULL && rd_kafka_fatal_error(t->rk, NULL, 0) == 0) {
		wait_begins(t, close_ms);
		abort_open(t);
	}
	drop_client(t);
	forget_offsets(t);
	rd_kafka_consumer_group_metadata_destroy(t->group);
	kafka_kept_release(&t->kept);
	free(t);
}

void kafka_transaction_figures(
	const struct kafka_transaction *t, struct kafka_transaction_figures *figures)
{
	*figures = t->figures;
}
