#include "source/fetch_source.h"

#include "base/check.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	look_pause_us = 100 * 1000,
	unknown_pause_us = 400 * 1000,
	empty_us_max = 2000 * 1000
};

void fetch_look(struct fetch_source *fs)
{
	int64_t now = fetch_now_us(fs);
	if (fs->looked_us != 0 && now - fs->looked_us < look_pause_us)
		return;
	fs->looked_us = now;
	kafka_keeper_look(fs->keeper);
}

static void try_later(const struct fetch_source *fs, struct fetch_lane *l)
{
	l->retry_us = fetch_now_us(fs) + (int64_t)fs->settings.retry_ms * 1000;
}

static void say_code(const struct kafka_partition *p, int code)
{
	log_debug("kafka", STR_FMT "/%" PRId32 ": %s", STR_ARG(p->topic->name), p->partition,
		kafka_error_text(code));
}

/* The offset is not there any more: the oldest that is, or the end of the run. */
static int lost(struct fetch_source *fs, struct fetch_lane *l, struct error *err)
{
	struct kafka_partition *p = fetch_partition(fs, l);
	if (p->witness.until > 0) {
		/* It was asked for and is gone; the position itself may well be there. */
		fetch_lane_reset(l, p->position);
		kafka_progress_judged(&fs->progress, p);
		return 0;
	}
	if (fs->config->continue_on_data_loss) {
		log_warn("kafka",
			STR_FMT "/%" PRId32 ": offset %" PRId64
				" is no longer there; going on with the oldest record",
			STR_ARG(p->topic->name), p->partition, l->next);
		fetch_lane_drop(l);
		l->phase = LANE_ASKS_BEGIN;
		return 0;
	}
	error_set(err, CDCL_E_DATA, "offset %" PRId64 " of " STR_FMT "/%" PRId32
		" is no longer there: %s", l->next, STR_ARG(p->topic->name), p->partition,
		kafka_error_text(CODE_OFFSET_OUT_OF_RANGE));
	error_help(err,
		"records were deleted before they were read, or the topic was made again; "
		"on_data_loss = \"continue\" goes on with the oldest");
	return -(int)err->code;
}

static int take_code(
	struct fetch_source *fs, struct fetch_lane *l, int code, struct error *err)
{
	const struct kafka_partition *p = fetch_partition(fs, l);
	switch (code) {
	case CODE_OFFSET_OUT_OF_RANGE:
		if (l->part_count == 0)
			return lost(fs, l, err);
		try_later(fs, l); /* when all before it was read */
		return 0;
	case CODE_TOPIC_AUTHORIZATION_FAILED:
		return error_set(err, CDCL_E_UNREACHABLE, "topic '" STR_FMT "': %s",
			STR_ARG(p->topic->name), kafka_error_text(code));
	case CODE_CORRUPT_MESSAGE:
	case CODE_UNSUPPORTED_COMPRESSION:
		return error_set(err, CDCL_E_DATA, STR_FMT "/%" PRId32 " at offset %" PRId64 ": %s",
			STR_ARG(p->topic->name), p->partition, l->next, kafka_error_text(code));
	default:
		say_code(p, code);
		try_later(fs, l);
		if (code == CODE_UNKNOWN_TOPIC_OR_PARTITION) /* first see whether it is the same */
			l->retry_us += unknown_pause_us;
		fetch_look(fs);
		return 0;
	}
}

/* Answers mostly come as they were asked for: the next one is of the topic of the last, or near. */
static struct fetch_lane *lane_find(
	struct fetch_source *fs, const struct fetch_broker *b, const struct fetch_answer *answer)
{
	const struct kafka_partition *p = NULL;
	for (uint32_t i = 0; i < fs->progress.count; i++) {
		uint32_t at = (fs->answered + i) % fs->progress.count;
		const struct kafka_topic *t = fs->progress.partitions[at].topic;
		if (!str_eq(t->name, answer->topic))
			continue;
		fs->answered = at;
		p = kafka_progress_find(&fs->progress, t, answer->partition);
		break;
	}
	struct fetch_lane *l = p == NULL ? NULL : &fs->lanes[p - fs->progress.partitions];
	return l != NULL && l->asked_at == b->id ? l : NULL;
}

/*
 * Compaction may have taken all records before the end: then nobody waits for them any more. The
 * position stays, because a broker may also be slow to get at records that are there.
 */
static void end_early(struct fetch_source *fs, struct fetch_lane *l)
{
	struct kafka_partition *p = fetch_partition(fs, l);
	int64_t now = fetch_now_us(fs);
	if (l->empty_us == 0)
		l->empty_us = now;
	if (now - l->empty_us < empty_us_max || (p->reached && p->position >= p->limit))
		return;
	if (!p->reached)
		log_warn("kafka",
			STR_FMT "/%" PRId32 " has no record from offset %" PRId64
				" to its end, %" PRId64,
			STR_ARG(p->topic->name), p->partition, p->position, l->end);
	if (p->target > p->position)
		p->target = p->position;
	if (p->limit != INT64_MAX && p->limit > p->position && !fs->progress.replays)
		p->limit = p->position;
	kafka_progress_reach(&fs->progress, p);
}

static int take_fetched(struct fetch_source *fs, struct fetch_broker *b,
	const struct fetch_answer *answer, struct error *err)
{
	struct fetch_lane *l = lane_find(fs, b, answer);
	if (l == NULL)
		return 0; /* nobody asked */
	l->asked_at = -1;
	if (l->outdated || kafka_partition_gone(fetch_partition(fs, l)))
		return 0;
	if (answer->error != CODE_NONE)
		return take_code(fs, l, answer->error, err);
	l->end = fs->settings.read_committed && answer->last_stable >= 0 ? answer->last_stable
									 : answer->high_watermark;
	int64_t before = l->next;
	fetch_lane_take(l, answer, b->block);
	struct kafka_partition *p = fetch_partition(fs, l);
	/* A throttled answer is empty, too. */
	bool nothing = l->asked_first && answer->records.len == 0 && l->part_count == 0 &&
		fetch_now_us(fs) >= b->rest_until_us;
	if (p->witness.until > 0 && nothing && l->end <= p->position)
		return lost(fs, l, err); /* nothing is there any more */
	if (nothing && l->next < l->end)
		end_early(fs, l);
	else
		l->empty_us = 0;
	/* A broker that gives bytes and no offsets is not asked all the time. */
	if (answer->records.len > 0 && l->next == before && !l->starved)
		try_later(fs, l);
	return 0;
}

/* The first pass sees that all of it can be read, and how many aborted transactions it names. */
static bool count_aborted(struct fetch_broker *b, struct str body, uint32_t *count)
{
	struct fetch_answers answers;
	struct fetch_answer answer;
	enum fetch_next next = FETCH_BROKEN;
	*count = 0;
	if (fetch_answers_begin(&answers, API_FETCH, &b->connection.versions, body))
		while ((next = fetch_answers_next(&answers, &answer)) == FETCH_ANSWER)
			*count += answer.aborted_count;
	return next == FETCH_DONE;
}

static int take_records(
	struct fetch_source *fs, struct fetch_broker *b, struct str body, struct error *err)
{
	uint32_t aborted;
	if (!count_aborted(b, body, &aborted)) {
		fetch_connection_fail(&b->connection, "an answer that cannot be read");
		return 0;
	}
	struct fetch_block *block = b->block;
	if (aborted > block->aborted_capacity) {
		block->aborted_capacity = aborted * 2;
		block->aborted = realloc(
			block->aborted, block->aborted_capacity * sizeof(*block->aborted));
		check(block->aborted != NULL);
	}
	struct fetch_answers answers;
	struct fetch_answer answer;
	int r = 0;
	fetch_answers_begin(&answers, API_FETCH, &b->connection.versions, body);
	if (answers.throttle_ms > 0)
		b->rest_until_us = fetch_now_us(fs) + (int64_t)answers.throttle_ms * 1000;
	if (answers.error != CODE_NONE)
		log_debug("kafka", "%s: %s", b->connection.name, kafka_error_text(answers.error));
	while (r == 0 && fetch_answers_next(&answers, &answer) == FETCH_ANSWER)
		r = take_fetched(fs, b, &answer, err);
	return r;
}

static void move_to(struct fetch_source *fs, struct fetch_lane *l, int64_t position)
{
	struct kafka_partition *p = fetch_partition(fs, l);
	fetch_lane_reset(l, position);
	p->position = position;
	if (fs->progress.by_partition)
		p->limit = position; /* a limit counts from there */
	kafka_progress_reach(&fs->progress, p);
}

/* The log of the new leader ends before what was read: it was cut back. */
static int take_epoch(struct fetch_source *fs, struct fetch_lane *l,
	const struct fetch_answer *answer, struct error *err)
{
	const struct kafka_partition *p = fetch_partition(fs, l);
	l->phase = LANE_READS;
	if (answer->offset >= 0 && answer->offset >= p->position)
		return 0;
	if (answer->offset < 0 || answer->leader_epoch < 0)
		return lost(fs, l, err);
	if (fs->config->continue_on_data_loss) {
		log_warn("kafka",
			STR_FMT "/%" PRId32 ": a new leader has no records from offset %" PRId64
				" on that were read up to %" PRId64 "; going on there",
			STR_ARG(p->topic->name), p->partition, answer->offset, p->position);
		move_to(fs, l, answer->offset);
		return 0;
	}
	error_set(err, CDCL_E_DATA,
		"records of " STR_FMT "/%" PRId32 " that were read, offsets %" PRId64 " to %" PRId64
		", are not in the log of its new leader",
		STR_ARG(p->topic->name), p->partition, answer->offset, p->position - 1);
	error_help(err,
		"a leader was elected that had not copied them; on_data_loss = \"continue\" goes "
		"on with what it has");
	return -(int)err->code;
}

static int take_other(struct fetch_source *fs, struct fetch_broker *b,
	const struct fetch_answer *answer, struct error *err)
{
	struct fetch_lane *l = lane_find(fs, b, answer);
	if (l == NULL)
		return 0;
	l->asked_at = -1;
	struct kafka_partition *p = fetch_partition(fs, l);
	if (l->phase != b->asked || l->outdated || kafka_partition_gone(p))
		return 0;
	if (answer->error != CODE_NONE) {
		say_code(p, answer->error);
		try_later(fs, l);
		fetch_look(fs);
		return 0;
	}
	if (l->phase == LANE_ASKS_EPOCH)
		return take_epoch(fs, l, answer, err);
	if (l->phase == LANE_ASKS_BEGIN) {
		l->phase = LANE_ASKS_END;
		move_to(fs, l, answer->offset);
		return 0;
	}
	l->phase = LANE_READS;
	if (answer->offset < p->target)
		p->target = answer->offset; /* the topic that was made again is shorter */
	kafka_progress_reach(&fs->progress, p);
	return 0;
}

static int take_others(
	struct fetch_source *fs, struct fetch_broker *b, struct str body, struct error *err)
{
	struct fetch_answers answers;
	struct fetch_answer answer;
	enum fetch_api api = b->asked == LANE_ASKS_EPOCH ? API_EPOCHS : API_OFFSETS;
	enum fetch_next next = FETCH_BROKEN;
	int r = 0;
	if (fetch_answers_begin(&answers, api, &b->connection.versions, body))
		while (r == 0 && (next = fetch_answers_next(&answers, &answer)) == FETCH_ANSWER)
			r = take_other(fs, b, &answer, err);
	if (r == 0 && next == FETCH_BROKEN)
		fetch_connection_fail(&b->connection, "an answer that cannot be read");
	return r;
}

void fetch_forget_asked(struct fetch_source *fs, const struct fetch_broker *b)
{
	for (uint32_t i = 0; i < fs->progress.count; i++)
		if (fs->lanes[i].asked_at == b->id)
			fs->lanes[i].asked_at = -1;
}

int fetch_take_answer(struct fetch_source *fs, struct fetch_broker *b, struct error *err)
{
	struct str body = fetch_connection_answer(&b->connection);
	int r = b->block != NULL ? take_records(fs, b, body, err) : take_others(fs, b, body, err);
	fetch_forget_asked(fs, b); /* what the answer left out */
	if (b->connection.state == CONNECTION_ANSWERED)
		fetch_connection_taken(&b->connection);
	return r;
}
