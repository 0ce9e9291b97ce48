#include "source/kafka_progress.h"

#include "base/check.h"
#include "base/log.h"
#include "source/kafka_plan.h"

#include <inttypes.h>
#include <stdlib.h>

static void *grow(void *array, size_t count, size_t size)
{
	void *bigger = realloc(array, count * size);
	check(bigger != NULL);
	return bigger;
}

void kafka_progress_init(struct kafka_progress *p, struct source *source,
	const struct kafka_config *config, enum source_run run)
{
	*p = (struct kafka_progress){.source = source, .config = config};
	p->finite = run != SOURCE_RUN_FOREVER;
	p->replays = config->resume != NULL && config->resume->replays;
	p->by_partition =
		p->replays || (config->max_offsets_per_trigger > 0 && run != SOURCE_RUN_ONCE);
}

void kafka_progress_release(struct kafka_progress *p)
{
	free(p->partitions);
	free(p->source->partitions);
	free(p->commits);
	p->source->partitions = NULL;
}

/* ---- Partitions ---- */

struct kafka_partition *kafka_progress_find(
	struct kafka_progress *p, const struct kafka_topic *topic, int32_t number)
{
	if (number < 0 || number >= topic->slot_count || topic->slots[number] < 0)
		return NULL;
	return &p->partitions[topic->slots[number]];
}

static void slot_set(struct kafka_topic *t, int32_t number, uint32_t index)
{
	if (number >= t->slot_count) {
		int32_t count = number + 16;
		t->slots = grow(t->slots, (size_t)count, sizeof(*t->slots));
		for (int32_t i = t->slot_count; i < count; i++)
			t->slots[i] = -1;
		t->slot_count = count;
	}
	t->slots[number] = (int32_t)index;
}

/* Where a batch that is run again ends in a partition. */
static int64_t replay_end(
	const struct kafka_progress *p, struct str topic, int32_t partition, int64_t start)
{
	const struct source_resume *resume = p->config->resume;
	for (uint32_t i = resume->until_count; i-- > 0;)
		if (resume->until[i].partition == partition &&
			str_eq(resume->until[i].topic, topic))
			return resume->until[i].offset;
	return start;
}

static struct kafka_partition *add(struct kafka_progress *p, const struct kafka_found *f)
{
	struct source *s = p->source;
	if (p->count == p->capacity) {
		p->capacity = p->capacity == 0 ? 16 : p->capacity * 2;
		p->partitions = grow(p->partitions, p->capacity, sizeof(*p->partitions));
		s->partitions = grow(s->partitions, p->capacity, sizeof(*s->partitions));
		p->commits = grow(p->commits, p->capacity, sizeof(*p->commits));
	}
	uint32_t index = p->count++;
	s->partition_count = p->count;
	slot_set(f->topic, f->partition, index);
	struct kafka_partition *at = &p->partitions[index];
	*at = (struct kafka_partition){
		.topic = f->topic, .partition = f->partition, .position = f->start};
	at->life = f->topic->lives;
	at->limit = p->finite ? f->end : INT64_MAX;
	at->target = f->end;
	if (p->replays)
		at->limit = replay_end(p, f->topic->name, f->partition, f->start);
	at->witness = topic_witness_kept(
		p->config->resume, f->topic->name, f->partition, f->begin, f->start);
	/* A finite run that finds nothing new looks at the witness all the same. */
	at->reached = f->start >= f->end && (!p->finite || at->witness.until == 0);
	p->unreached += at->reached ? 0 : 1;
	s->partitions[index] = (struct source_partition){.topic = f->topic->name,
		.partition = f->partition,
		.first = f->start,
		.batch_start = f->start,
		.position = f->start,
		.latest = f->end,
		.witness = at->witness};
	return at;
}

void kafka_progress_reach(struct kafka_progress *p, struct kafka_partition *at)
{
	struct source_partition *shown = &p->source->partitions[at - p->partitions];
	shown->position = at->position;
	shown->messages = at->messages;
	if (!at->reached && at->position >= at->target) {
		at->reached = true;
		p->unreached--;
	}
}

void kafka_progress_note(struct kafka_progress *p, const struct kafka_partition *at,
	const struct messages *out, uint32_t row)
{
	if (p->config->resume != NULL)
		topic_witness_note(&p->source->partitions[at - p->partitions].witness, out, row);
}

void kafka_progress_judged(struct kafka_progress *p, struct kafka_partition *at)
{
	at->witness.until = 0;
	kafka_progress_reach(p, at);
}

int kafka_progress_other(
	struct kafka_progress *p, struct kafka_partition *at, struct error *err)
{
	if (!p->config->continue_on_data_loss)
		return topic_witness_refuse(at->witness, at->topic->name, at->partition, err);
	log_warn("kafka",
		STR_FMT "/%" PRId32 " was made again; going on with its oldest record",
		STR_ARG(at->topic->name), at->partition);
	at->witness.until = 0;
	return 0;
}

/* A partition that was read already: its topic was made again. */
static void again(struct kafka_progress *p, struct kafka_partition *at, const struct kafka_found *f)
{
	log_warn("kafka",
		STR_FMT "/%" PRId32 " is read from offset %" PRId64
			" of the topic that was made again",
		STR_ARG(f->topic->name), f->partition, f->start);
	at->life = f->topic->lives;
	at->position = f->start;
	at->target = f->end;
	at->witness.until = 0;
	p->source->partitions[at - p->partitions].witness.until = 0;
	if (p->by_partition)
		at->limit = f->start;
	else if (p->finite)
		at->limit = f->end;
	if (at->reached) {
		at->reached = false;
		p->unreached++;
	}
	kafka_progress_reach(p, at);
}

enum kafka_found_kind kafka_progress_take(struct kafka_progress *p, uint32_t *index)
{
	struct kafka_found f;
	while (kafka_keeper_take(p->keeper, p->found_taken, &f)) {
		uint32_t found_index = p->found_taken++;
		struct kafka_partition *at = kafka_progress_find(p, f.topic, f.partition);
		enum kafka_found_kind kind = at == NULL ? FOUND_NEW : FOUND_AGAIN;
		if (kind == FOUND_NEW && p->finite && p->begun)
			continue; /* it was not there when the run began */
		if (kind == FOUND_NEW)
			at = add(p, &f);
		else
			again(p, at, &f);
		at->found_index = found_index;
		*index = (uint32_t)(at - p->partitions);
		return kind;
	}
	p->begun = p->begun || p->count > 0;
	return FOUND_NOTHING;
}

void kafka_progress_end(struct kafka_progress *p, uint32_t index, int64_t end)
{
	const struct kafka_partition *at = &p->partitions[index];
	int64_t told = kafka_keeper_end(p->keeper, at->found_index);
	end = told > end ? told : end;
	p->source->partitions[index].latest = end > at->position ? end : at->position;
}

/* ---- One batch's share ---- */

static bool limits_reached(const struct kafka_progress *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->partitions[i].position < p->partitions[i].limit)
			return false;
	return true;
}

bool kafka_progress_unplanned(const struct kafka_progress *p)
{
	return p->by_partition && !p->replays &&
		(!p->batch_planned || (p->batch_budget > 0 && limits_reached(p)));
}

/* Shares what is left of the batch's budget out among the partitions that have a backlog. */
void kafka_progress_plan(struct kafka_progress *p)
{
	int64_t *waiting = calloc(p->count * 2 + 1, sizeof(*waiting));
	check(waiting != NULL);
	int64_t *share = waiting + p->count;
	int64_t total = 0;
	for (uint32_t i = 0; i < p->count; i++) {
		const struct kafka_partition *at = &p->partitions[i];
		int64_t end = p->finite ? at->target : p->source->partitions[i].latest;
		waiting[i] = end > at->position ? end - at->position : 0;
		total += waiting[i];
	}
	if (total > 0) {
		int64_t sum = kafka_share(p->batch_budget, waiting, p->count, share);
		for (uint32_t i = 0; i < p->count; i++)
			p->partitions[i].limit = p->partitions[i].position + share[i];
		/*
		 * A budget that was not used up leaves room for what comes while this batch is
		 * open.
		 */
		p->batch_budget = total < p->batch_budget ? p->batch_budget - sum : 0;
		p->batch_planned = true;
	}
	free(waiting);
}

/* All had their turns: what is left are offsets without messages. */
static void end_turns(struct kafka_progress *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct kafka_partition *at = &p->partitions[i];
		at->limit = replay_end(p, at->topic->name, at->partition, at->position);
	}
	p->had_turn = false;
}

struct kafka_partition *kafka_progress_turn(struct kafka_progress *p, bool *turns)
{
	const struct source_turn *turn = p->source->turn;
	*turns = p->replays && turn != NULL;
	if (!*turns) {
		if (p->had_turn)
			end_turns(p);
		return NULL;
	}
	p->had_turn = true;
	for (uint32_t i = 0; i < p->count; i++) {
		struct kafka_partition *at = &p->partitions[i];
		if (at->partition == turn->partition && str_eq(at->topic->name, turn->topic)) {
			at->limit = turn->until;
			return at;
		}
	}
	return NULL;
}

/* Messages that the batch had are not there any more, or not yet. */
static bool replay_reached(const struct kafka_progress *p)
{
	const struct source_resume *resume = p->config->resume;
	for (uint32_t i = 0; i < resume->until_count; i++) {
		const struct partition_offset *o = &resume->until[i];
		bool reached = false;
		for (uint32_t k = 0; k < p->count && !reached; k++)
			reached = p->partitions[k].partition == o->partition &&
				str_eq(p->partitions[k].topic->name, o->topic) &&
				p->partitions[k].position >= o->offset;
		if (!reached)
			return false;
	}
	return true;
}

enum source_state kafka_progress_state(const struct kafka_progress *p, uint32_t taken)
{
	if (taken > 0)
		return SOURCE_MORE;
	if (p->replays)
		return replay_reached(p) ? SOURCE_LIMIT : SOURCE_WAITING;
	if (p->finite && p->unreached == 0)
		return SOURCE_END;
	if (p->by_partition && p->batch_planned)
		return limits_reached(p) ? SOURCE_LIMIT : SOURCE_WAITING;
	return p->unreached > 0 ? SOURCE_WAITING : SOURCE_IDLE;
}

void kafka_progress_begin_batch(struct kafka_progress *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct kafka_partition *at = &p->partitions[i];
		p->source->partitions[i].batch_start = at->position;
		if (p->by_partition && !p->replays)
			at->limit = at->position;
	}
	p->batch_planned = false;
	p->batch_budget = p->config->max_offsets_per_trigger;
	if (p->batch_budget == 0)
		p->batch_budget = INT64_MAX; /* by partition for another reason */
}

void kafka_progress_end_batch(struct kafka_progress *p)
{
	p->replays = false;
	for (uint32_t i = 0; i < p->count; i++)
		p->commits[i] = (struct kafka_position){p->partitions[i].topic,
			p->partitions[i].partition, p->partitions[i].position};
	kafka_keeper_commit(p->keeper, p->commits, p->count);
}

struct str kafka_describe(const struct kafka_config *config)
{
	struct strbuf text;
	strbuf_init(&text);
	if (config->topic_pattern.data != NULL) {
		strbuf_addf(&text, "KafkaV2[SubscribePattern[" STR_FMT "]]",
			STR_ARG(config->topic_pattern));
		return strbuf_str(&text);
	}
	strbuf_add_c(&text, "KafkaV2[Subscribe[");
	for (uint32_t i = 0; i < config->topic_count; i++)
		strbuf_addf(
			&text, "%s" STR_FMT, i == 0 ? "" : ", ", STR_ARG(config->topics[i]));
	strbuf_add_c(&text, "]]");
	return strbuf_str(&text);
}
