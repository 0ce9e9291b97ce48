#include "source/fetch_lane.h"

#include "base/check.h"

#include <stdlib.h>

void fetch_block_release(struct fetch_block *b)
{
	fetch_buffer_release(&b->buffer);
	free(b->aborted);
	b->aborted = NULL;
}

void fetch_lane_init(struct fetch_lane *l, const struct kafka_partition *p,
	struct record_space *space, bool headers)
{
	*l = (struct fetch_lane){.leader = -1, .epoch = -1, .end = -1, .asked_at = -1};
	l->reader.topic = p->topic->name;
	l->reader.partition = p->partition;
	l->reader.headers = headers;
	l->reader.space = space;
	l->reader.leader_epoch = -1;
	l->reader.position = topic_witness_from(p->witness, p->position);
	l->next = l->reader.position;
}

static void drop_first(struct fetch_lane *l)
{
	check(l->part_count > 0);
	check(l->parts[0].block->parts > 0);
	l->parts[0].block->parts--;
	l->part_count--;
	for (uint32_t i = 0; i < l->part_count; i++)
		l->parts[i] = l->parts[i + 1];
	l->reading = false;
}

void fetch_lane_drop(struct fetch_lane *l)
{
	while (l->part_count > 0)
		drop_first(l);
	l->next = l->reader.position;
	l->outdated = l->asked_at >= 0;
}

void fetch_lane_reset(struct fetch_lane *l, int64_t position)
{
	l->reader.position = position;
	fetch_lane_drop(l);
	l->reader.leader_epoch = -1;
	l->starved = false;
}

static int64_t big_endian(const char *at, int bytes)
{
	uint64_t v = 0;
	for (int i = 0; i < bytes; i++)
		v = v << 8 | (unsigned char)at[i];
	return (int64_t)v;
}

/*
 * The offset behind the last whole batch, so that the next request can be sent before this answer
 * is read. What is wrong with a batch the reader says.
 */
static int64_t offset_behind(struct str records, int64_t from)
{
	enum { base_bytes = 12, magic_at = 16, delta_at = 23 };
	const char *at = records.data;
	size_t left = records.len;
	int64_t next = from;
	while (left >= record_batch_header_bytes) {
		int64_t bytes = big_endian(at + 8, 4) + base_bytes;
		if (bytes > (int64_t)left)
			break;
		int64_t base = big_endian(at, 8);
		int64_t delta = big_endian(at + delta_at, 4);
		if (at[magic_at] != 2 || bytes < record_batch_header_bytes || delta > INT32_MAX ||
			base < 0 || base > INT64_MAX - INT32_MAX - 1)
			return next;
		next = base + delta + 1 > next ? base + delta + 1 : next;
		at += bytes;
		left -= (size_t)bytes;
	}
	return next;
}

/* Is one batch there, or what the reader must have a look at? */
static bool has_batch(struct str records)
{
	if (records.len < record_batch_header_bytes)
		return false;
	return big_endian(records.data + 8, 4) + record_batch_length_bytes <= (int64_t)records.len;
}

bool fetch_lane_take(
	struct fetch_lane *l, const struct fetch_answer *answer, struct fetch_block *block)
{
	check(l->part_count < lane_parts_max);
	if (answer->records.len == 0)
		return false;
	l->starved = !has_batch(answer->records);
	if (l->starved)
		return false;
	struct fetch_part *part = &l->parts[l->part_count++];
	*part = (struct fetch_part){.records = answer->records, .block = block};
	block->parts++;
	if (answer->aborted_count > 0) {
		part->aborted = block->aborted + block->aborted_count;
		part->aborted_count = answer->aborted_count;
		fetch_read_aborted(answer, part->aborted);
		block->aborted_count += answer->aborted_count;
	}
	l->next = offset_behind(answer->records, l->next);
	return true;
}

int fetch_lane_read(struct fetch_lane *l, const struct kafka_partition *p, struct messages *out,
	uint64_t chunk, struct error *err)
{
	check(l->part_count > 0);
	const struct fetch_part *part = &l->parts[0];
	if (!l->reading)
		record_batches_begin(
			&l->reader, part->records, part->aborted, part->aborted_count);
	l->reading = true;
	l->reader.limit = p->witness.until > 0 ? p->position : p->limit;
	part->block->chunk = chunk;
	int state = record_batches_fill(&l->reader, out, err);
	if (state != RECORD_BATCHES_END)
		return state;
	l->starved = l->part_count == 1 && l->reader.cut_bytes > 0 &&
		l->next <= l->reader.position;
	drop_first(l);
	return state;
}
