#include "source/kafka_cluster.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "source/kafka_keeper.h"

#include <stdlib.h>

enum { commit_wait_us = 10 * 1000 * 1000 };

struct rd_cluster {
	struct kafka_cluster cluster;
	rd_kafka_t *rk;
	struct kafka_bounds bounds;
	int64_t commit_until_us;
};

static struct rd_cluster *of(struct kafka_cluster *c)
{
	return container_of(c, struct rd_cluster, cluster);
}

static bool topic(struct kafka_cluster *c, struct kafka_topic *t)
{
	rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(of(c)->rk);
	rd_kafka_topic_conf_set_opaque(conf, t);
	t->rkt = rd_kafka_topic_new(of(c)->rk, t->name.data, conf);
	return t->rkt != NULL;
}

/* ---- Metadata ---- */

static void copy_topic(
	struct cluster_topic *to, const rd_kafka_metadata_topic_t *from, struct arena *arena)
{
	to->name = str_dup(str_c(from->topic), arena);
	to->error = from->err;
	to->partition_count = from->partition_cnt < 0 ? 0 : (uint32_t)from->partition_cnt;
	to->partitions = ARENA_ARRAY(arena, struct cluster_partition, to->partition_count);
	for (uint32_t i = 0; i < to->partition_count; i++)
		to->partitions[i] = (struct cluster_partition){
			from->partitions[i].id, from->partitions[i].leader, -1};
}

static int look(struct kafka_cluster *c, bool all, int timeout_ms, struct cluster_view *out)
{
	const rd_kafka_metadata_t *m = NULL;
	rd_kafka_resp_err_t why = rd_kafka_metadata(of(c)->rk, all, NULL, &m, timeout_ms);
	rd_kafka_poll(of(c)->rk, 0); /* the reason, if there is one, comes through on_error */
	if (why != RD_KAFKA_RESP_ERR_NO_ERROR)
		return why;
	*out = (struct cluster_view){.topic_count = (uint32_t)m->topic_cnt};
	arena_init(&out->arena, 4096);
	out->topics = ARENA_ARRAY(&out->arena, struct cluster_topic, out->topic_count);
	for (uint32_t i = 0; i < out->topic_count; i++)
		copy_topic(&out->topics[i], &m->topics[i], &out->arena);
	rd_kafka_metadata_destroy(m);
	return 0;
}

/* ---- Offsets ---- */

/* The answer about `f`, which is where it was asked. */
static const rd_kafka_topic_partition_t *answer_of(
	rd_kafka_topic_partition_list_t *list, uint32_t i, const struct kafka_found *f)
{
	const rd_kafka_topic_partition_t *p = &list->elems[i];
	if (p->partition != f->partition || !str_eq(str_c(p->topic), f->topic->name))
		p = rd_kafka_topic_partition_list_find(list, f->topic->name.data, f->partition);
	check(p != NULL);
	return p;
}

static int offsets_at(struct kafka_cluster *c, const struct kafka_found *found, uint32_t count,
	const struct cluster_question *q, int timeout_ms)
{
	_Static_assert((int)cluster_end == RD_KAFKA_OFFSET_END, "as librdkafka counts");
	_Static_assert((int)cluster_no_answer == RD_KAFKA_RESP_ERR__TIMED_OUT, "the same code");
	_Static_assert((int)cluster_unreached == RD_KAFKA_RESP_ERR__TRANSPORT, "the same code");
	_Static_assert((int)cluster_begin == RD_KAFKA_OFFSET_BEGINNING, "as librdkafka counts");
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
	for (uint32_t i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(
			list, found[i].topic->name.data, found[i].partition)
			->offset = q->at;
	rd_kafka_resp_err_t why = rd_kafka_offsets_for_times(of(c)->rk, list, timeout_ms);
	for (int i = 0; i < list->cnt && why == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		why = list->elems[i].err;
	for (uint32_t i = 0; i < count && why == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		q->offsets[i] = answer_of(list, i, &found[i])->offset;
	rd_kafka_topic_partition_list_destroy(list);
	return why;
}

static int offsets(struct kafka_cluster *c, const struct kafka_found *found, uint32_t count,
	const struct cluster_question *questions, uint32_t question_count, int timeout_ms)
{
	int code = 0;
	for (uint32_t i = 0; i < question_count && code == 0; i++)
		code = offsets_at(c, found, count, &questions[i], timeout_ms);
	return code;
}

/* ---- Commits and what happens by itself ---- */

static bool commit(
	struct kafka_cluster *c, const struct kafka_position *positions, uint32_t count)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
	for (uint32_t i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(
			list, positions[i].topic->name.data, positions[i].partition)
			->offset = positions[i].offset;
	of(c)->commit_until_us = clock_monotonic_us(&clock_system) + commit_wait_us;
	rd_kafka_resp_err_t why = rd_kafka_commit(of(c)->rk, list, 1);
	rd_kafka_topic_partition_list_destroy(list);
	return why == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/*
 * librdkafka waits session.timeout.ms for a coordinator, and its client does not end before. That
 * is short, so a coordinator that is not there yet, or has moved, is waited for again.
 */
static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t why,
	rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct rd_cluster *rc = opaque;
	if (why == RD_KAFKA_RESP_ERR__WAIT_COORD &&
		clock_monotonic_us(&clock_system) < rc->commit_until_us &&
		rd_kafka_commit(rk, list, 1) == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	kafka_keeper_committed(rc->cluster.keeper, why);
}

/* Called by rd_kafka_poll, in the keeper's thread. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	(void)rk;
	struct rd_cluster *rc = opaque;
	rd_kafka_resp_err_t why = (rd_kafka_resp_err_t)code;
	log_debug("kafka", "%s: %s", rd_kafka_err2name(why), reason);
	if (kafka_error_is_reach(why))
		kafka_keeper_unreached(rc->cluster.keeper,
			why == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, reason);
}

static void serve(struct kafka_cluster *c, int timeout_ms)
{
	rd_kafka_poll(of(c)->rk, timeout_ms);
}

static void wake_by(struct kafka_cluster *c, int fd)
{
	rd_kafka_queue_t *main_queue = rd_kafka_queue_get_main(of(c)->rk);
	static const uint64_t one = 1;
	rd_kafka_queue_io_event_enable(main_queue, fd, &one, sizeof(one));
	rd_kafka_queue_destroy(main_queue);
}

/*
 * No consumer_close: nothing was joined, and it would wait for a broker that may be away.
 */
static void close_cluster(struct kafka_cluster *c)
{
	if (of(c)->rk != NULL)
		rd_kafka_destroy_flags(of(c)->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	free(of(c));
}

static const struct kafka_cluster_ops rd_cluster_ops = {.topic = topic,
	.look = look,
	.offsets = offsets,
	.commit = commit,
	.serve = serve,
	.wake_by = wake_by,
	.close = close_cluster};

static int open_client(struct rd_cluster *rc, const struct kafka_config *config, struct error *err)
{
	rd_kafka_conf_t *conf = kafka_reader_conf(config, err);
	if (conf == NULL)
		return -(int)err->code;
	rc->cluster.refresh_us = kafka_refresh_us(conf);
	rc->bounds = kafka_bounds_of(
		config->fetch_memory_bytes, config->max_offsets_per_trigger > 0);
	rc->bounds.messages = kafka_conf_int(conf, "queued.min.messages", rc->bounds.messages);
	rc->bounds.bytes = kafka_conf_int(conf, "queued.max.messages.kbytes",
				   rc->bounds.bytes / 1024) *
		1024;
	rd_kafka_conf_set_opaque(conf, rc);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
	rc->rk = kafka_client_open(RD_KAFKA_CONSUMER, conf, err);
	return rc->rk == NULL ? -(int)err->code : 0;
}

struct kafka_cluster *kafka_cluster_open(const struct kafka_config *config, struct error *err)
{
	struct rd_cluster *rc = calloc(1, sizeof(*rc));
	check(rc != NULL);
	rc->cluster.ops = &rd_cluster_ops;
	if (open_client(rc, config, err) == 0)
		return &rc->cluster;
	close_cluster(&rc->cluster);
	return NULL;
}

rd_kafka_t *kafka_cluster_client(struct kafka_cluster *c)
{
	return of(c)->rk;
}

struct kafka_bounds kafka_cluster_bounds(const struct kafka_cluster *c)
{
	return ((const struct rd_cluster *)c)->bounds;
}
