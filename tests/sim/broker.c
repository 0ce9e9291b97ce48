#include "broker.h"

#include "base/check.h"
#include "faults.h"
#include "shared.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

struct broker *broker_open(void)
{
	struct broker *b = shared_zeroed(sizeof(*b));
	b->txn_count = 1; /* broker_plain: always committed */
	b->txn_capacity = 64;
	b->txns = shared_zeroed(b->txn_capacity);
	return b;
}

struct topic *broker_topic(struct broker *b, const char *name, uint32_t partitions)
{
	for (uint32_t i = 0; i < b->topic_count; i++)
		if (strcmp(b->topics[i].name, name) == 0)
			return &b->topics[i];
	if (partitions == 0)
		return NULL;
	check(b->topic_count < broker_topics_max && partitions <= broker_partitions_max);
	struct topic *t = &b->topics[b->topic_count++];
	check(strlen(name) < sizeof(t->name));
	strcpy(t->name, name);
	t->partition_count = partitions;
	return t;
}

static struct str kept(struct str s)
{
	if (s.data == NULL)
		return s;
	char *to = shared_realloc(NULL, s.len + 1);
	memcpy(to, s.data, s.len);
	return (struct str){to, s.len};
}

int64_t broker_append(
	struct broker *b, struct topic *t, uint32_t partition, const struct record *record)
{
	check(partition < t->partition_count && record->txn < b->txn_count);
	struct partition_log *log = &t->logs[partition];
	if (log->end == log->capacity) {
		log->capacity = log->capacity * 2 + 64;
		log->records = shared_realloc(
			log->records, (size_t)log->capacity * sizeof(*log->records));
	}
	struct record *to = &log->records[log->end];
	*to = *record;
	to->key = kept(record->key);
	to->value = kept(record->value);
	return log->end++;
}

/* ---- transactions ---- */

static struct producer *producer_of(struct broker *b, const char *id)
{
	for (uint32_t i = 0; i < b->producer_count; i++)
		if (strcmp(b->producers[i].id, id) == 0)
			return &b->producers[i];
	check(b->producer_count < broker_producers_max);
	struct producer *p = &b->producers[b->producer_count++];
	snprintf(p->id, sizeof(p->id), "%s", id);
	return p;
}

struct producer *broker_start_producer(struct broker *b, const char *id, int32_t *epoch)
{
	struct producer *p = producer_of(b, id);
	if (p->txn != 0)
		broker_end(b, p, false);
	*epoch = ++p->epoch;
	return p;
}

bool broker_owns(const struct producer *p, int32_t epoch)
{
	return p->epoch == epoch || faults_is_off("fencing");
}

void broker_begin(struct broker *b, struct producer *p)
{
	check(p->txn == 0);
	if (b->txn_count == b->txn_capacity) {
		b->txn_capacity *= 2;
		b->txns = shared_realloc(b->txns, b->txn_capacity);
	}
	b->txns[b->txn_count] = TXN_OPEN;
	p->txn = b->txn_count++;
	p->offset_count = 0;
}

static bool same_offset(const struct group_offset *a, const struct group_offset *b)
{
	return strcmp(a->group, b->group) == 0 && strcmp(a->topic, b->topic) == 0 &&
		a->partition == b->partition;
}

void broker_add_offset(struct producer *p, const struct group_offset *offset)
{
	p->offsets =
		shared_realloc(p->offsets, (p->offset_count + 1) * sizeof(*p->offsets));
	p->offsets[p->offset_count++] = *offset;
}

static void keep_offset(struct broker *b, const struct group_offset *offset)
{
	for (uint32_t i = 0; i < b->offset_count; i++)
		if (same_offset(&b->offsets[i], offset)) {
			b->offsets[i] = *offset;
			return;
		}
	b->offsets = shared_realloc(b->offsets, (b->offset_count + 1) * sizeof(*b->offsets));
	b->offsets[b->offset_count++] = *offset;
}

/* A marker in every partition that the transaction wrote to. */
static void mark(struct broker *b, struct topic *t, uint32_t partition, uint32_t txn)
{
	const struct partition_log *log = &t->logs[partition];
	for (int64_t i = log->start; i < log->end; i++)
		if (log->records[i].txn == txn && !log->records[i].marker) {
			struct record marker = {.txn = txn, .marker = true, .event = -1};
			broker_append(b, t, partition, &marker);
			return;
		}
}

void broker_end(struct broker *b, struct producer *p, bool commit)
{
	check(p->txn != 0 && b->txns[p->txn] == TXN_OPEN);
	b->txns[p->txn] = commit ? TXN_COMMITTED : TXN_ABORTED;
	for (uint32_t i = 0; i < b->topic_count; i++)
		for (uint32_t k = 0; k < b->topics[i].partition_count; k++)
			mark(b, &b->topics[i], k, p->txn);
	for (uint32_t i = 0; i < p->offset_count && commit; i++)
		keep_offset(b, &p->offsets[i]);
	p->txn = 0;
	p->offset_count = 0;
}

void broker_delay_end(struct broker *b, struct producer *p, int32_t epoch)
{
	b->late = p;
	b->late_epoch = epoch;
	b->late_offset_count = 0;
}

void broker_delay_offsets(struct broker *b, struct producer *p, int32_t epoch,
	const struct group_offset *offsets, uint32_t count)
{
	if (b->late != NULL)
		return; /* this one is lost altogether */
	b->late = p;
	b->late_epoch = epoch;
	b->late_offsets = shared_realloc(b->late_offsets, count * sizeof(*offsets));
	memcpy(b->late_offsets, offsets, count * sizeof(*offsets));
	b->late_offset_count = count;
}

void broker_late(struct broker *b)
{
	if (b->late == NULL || !world_once_in(8))
		return;
	struct producer *p = b->late;
	b->late = NULL;
	if (!broker_owns(p, b->late_epoch) || p->txn == 0)
		return;
	if (b->late_offset_count == 0)
		broker_end(b, p, true);
	for (uint32_t i = 0; i < b->late_offset_count; i++)
		broker_add_offset(p, &b->late_offsets[i]);
}

const struct group_offset *broker_offset(
	const struct broker *b, const char *group, const char *topic, int32_t partition)
{
	for (uint32_t i = 0; i < b->offset_count; i++)
		if (strcmp(b->offsets[i].group, group) == 0 &&
			strcmp(b->offsets[i].topic, topic) == 0 &&
			b->offsets[i].partition == partition)
			return &b->offsets[i];
	return NULL;
}

/* ---- reading ---- */

int64_t broker_stable(const struct broker *b, const struct partition_log *log)
{
	for (int64_t i = log->start; i < log->end; i++)
		if (b->txns[log->records[i].txn] == TXN_OPEN)
			return i;
	return log->end;
}

const struct record *broker_next(
	const struct broker *b, const struct partition_log *log, int64_t *at)
{
	int64_t stable = broker_stable(b, log);
	while (*at < stable) {
		const struct record *r = &log->records[(*at)++];
		if (!r->marker && !r->compacted && b->txns[r->txn] == TXN_COMMITTED)
			return r;
	}
	return NULL;
}

static bool is_outdone(const struct broker *b, const struct partition_log *log, int64_t at)
{
	const struct record *later, *r = &log->records[at++];
	while ((later = broker_next(b, log, &at)) != NULL)
		if (str_eq(later->key, r->key))
			return true;
	return false;
}

void broker_compact(struct broker *b)
{
	for (uint32_t i = 0; i < b->topic_count; i++) {
		struct partition_log *log = &b->topics[i].logs[0];
		int64_t stable = broker_stable(b, log);
		for (int64_t at = 0; at < stable && b->topics[i].compacts; at++)
			if (b->txns[log->records[at].txn] == TXN_COMMITTED && world_once_in(3))
				log->records[at].compacted |= is_outdone(b, log, at);
	}
}
