/*
 * Where the sources stand, in BATCH frames.
 *
 *	id 8 | time 8 | known 4 | count 4 | moves ...
 *	a move: place 4 | (beyond the known: source 4, topic) | partition 4 | next 8 | witness 8 8
 *
 * Places are numbered as they came. The first BATCH of a process in a log has all of them (known is
 * 0); those behind it have what moved since the one before, and places that are new: a batch of few
 * rows does not say again where a thousand partitions or files stand.
 *
 * Before version 4 each has all, their witnesses behind them (version 3) or none.
 */

#include "state/checkpoint_part.h"

#include "base/array.h"
#include "base/check.h"

#include <stdlib.h>

enum { move_bytes_min = 32, position_bytes_min = 20 };

/* ---- a list of them ---- */

void checkpoint_positions_release(struct checkpoint_positions *p)
{
	free(p->at);
	*p = (struct checkpoint_positions){0};
}

static void set(struct checkpoint_positions *p, uint32_t at, const struct checkpoint_position *to)
{
	check(at <= p->count);
	p->at = array_grown(p->at, &p->capacity, at + 1, sizeof(*p->at));
	if (at == p->count)
		p->count++;
	p->at[at] = *to;
}

void checkpoint_moves_release(struct checkpoint_moves *m)
{
	free(m->places);
	checkpoint_positions_release(&m->to);
	*m = (struct checkpoint_moves){0};
}

static void add_move(struct checkpoint_moves *m, uint32_t place, struct checkpoint_position to)
{
	m->places = array_grown(
		m->places, &m->place_capacity, m->to.count + 1, sizeof(*m->places));
	m->places[m->to.count] = place;
	set(&m->to, m->to.count, &to);
}

void checkpoint_positions_move(struct checkpoint_positions *p, const struct checkpoint_moves *m)
{
	if (m->known == 0)
		p->count = 0;
	for (uint32_t i = 0; i < m->to.count; i++) {
		struct checkpoint_position to = m->to.at[i];
		uint32_t place = m->places[i];
		if (place < p->count) {
			to.source = p->at[place].source;
			to.topic = p->at[place].topic;
		}
		set(p, place, &to);
	}
}

/* ---- writing ---- */

static bool same_place(const struct checkpoint_position *a, const struct checkpoint_position *b)
{
	return a->source == b->source && str_eq(a->topic, b->topic);
}

static bool same_position(const struct checkpoint_position *a, const struct checkpoint_position *b)
{
	return a->partition == b->partition && a->next == b->next &&
		a->witness_until == b->witness_until && a->witness_hash == b->witness_hash;
}

/* So many of the places that a log has are still those of the batch: all, or none is carried on. */
static uint32_t known_places(
	const struct checkpoint_positions *of, uint32_t known, const struct checkpoint_batch *batch)
{
	if (batch->position_count < known)
		return 0;
	for (uint32_t i = 0; i < known; i++)
		if (!same_place(&of->at[i], &batch->positions[i]))
			return 0;
	return known;
}

void checkpoint_add_batch(const struct checkpoint_batch *batch,
	const struct checkpoint_positions *before, uint32_t known, struct strbuf *out)
{
	check(batch->position_count <= checkpoint_positions_max);
	check(known <= before->count);
	known = known_places(before, known, batch);
	record_add_i64(out, batch->id);
	record_add_i64(out, batch->time_us);
	record_add_u32(out, known);
	size_t count_at = out->len;
	uint32_t count = 0;
	record_add_u32(out, count);
	for (uint32_t i = 0; i < batch->position_count; i++) {
		const struct checkpoint_position *p = &batch->positions[i];
		if (i < known && same_position(&before->at[i], p))
			continue;
		record_add_u32(out, i);
		if (i >= known) {
			record_add_u32(out, p->source);
			record_add_str(out, p->topic);
		}
		record_add_u32(out, (uint32_t)p->partition);
		record_add_i64(out, p->next);
		record_add_i64(out, p->witness_until);
		record_add_u64(out, p->witness_hash);
		count++;
	}
	memcpy(out->data + count_at, &count, sizeof(count));
}

void checkpoint_positions_set(struct checkpoint_positions *p,
	const struct checkpoint_batch *batch, struct arena *arena)
{
	for (uint32_t i = 0; i < batch->position_count; i++) {
		struct checkpoint_position to = batch->positions[i];
		bool same = i < p->count && same_place(&p->at[i], &to);
		to.topic = same ? p->at[i].topic : str_dup(to.topic, arena);
		set(p, i, &to);
	}
	p->count = batch->position_count;
}

/* ---- reading ---- */

static void take_all(struct record_reader *r, struct arena *arena, struct checkpoint_moves *m)
{
	uint32_t count = record_count(r, checkpoint_positions_max, position_bytes_min);
	for (uint32_t i = 0; i < count && !r->bad; i++) {
		struct checkpoint_position p = {.source = record_u32(r)};
		p.topic = str_dup(record_str(r), arena);
		p.partition = (int32_t)record_u32(r);
		p.next = record_i64(r);
		add_move(m, i, p);
	}
	/* Those of the first two versions end here. */
	for (uint32_t i = 0; record_left(r) > 0 && !r->bad && i < count; i++) {
		m->to.at[i].witness_until = record_i64(r);
		m->to.at[i].witness_hash = record_u64(r);
	}
}

/* In ascending order, and the new ones one after the other. */
static void take_moves(struct record_reader *r, struct arena *arena, struct checkpoint_moves *m)
{
	uint32_t known = record_u32(r), end = known, least = 0;
	uint32_t count = record_count(r, checkpoint_positions_max, move_bytes_min);
	m->known = known;
	for (uint32_t i = 0; i < count && !r->bad; i++) {
		struct checkpoint_position p = {0};
		uint32_t place = record_u32(r);
		r->bad = r->bad || place < least || place > end || end > checkpoint_positions_max;
		if (place >= known) {
			p.source = record_u32(r);
			p.topic = str_dup(record_str(r), arena);
			end++;
		}
		p.partition = (int32_t)record_u32(r);
		p.next = record_i64(r);
		p.witness_until = record_i64(r);
		p.witness_hash = record_u64(r);
		least = place + 1;
		add_move(m, place, p);
	}
}

bool checkpoint_take_batch(
	struct str payload, uint32_t version, struct arena *arena, struct checkpoint_moves *m)
{
	struct record_reader r = {.bytes = payload};
	m->id = record_i64(&r);
	m->time_us = record_i64(&r);
	m->known = 0;
	m->to.count = 0;
	if (version < 4)
		take_all(&r, arena, m);
	else
		take_moves(&r, arena, m);
	return !r.bad && record_left(&r) == 0 && m->id >= 0;
}
