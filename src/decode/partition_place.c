#include "decode/partition_place.h"

/* Does a snapshot's position lie behind all that was streamed before? */
static bool is_ahead(const struct partition_place *at, const struct change_position *p)
{
	if (!at->streamed)
		return false;
	return p->parts[1] != at->lsn_max && p->parts[1] > 0 ? p->parts[1] > at->lsn_max
							     : p->parts[2] > at->pos_max;
}

/* -1: before the newest position, 0: there, 1: it is the newest */
static int compare(const struct partition_place *at, const struct change_position *p)
{
	if (p->parts[1] != at->lsn_max)
		return p->parts[1] < at->lsn_max ? -1 : 1;
	return p->parts[2] < at->pos_max ? -1 : p->parts[2] > at->pos_max;
}

/* Later, and yet at a position before others. */
static bool is_elsewhere(const struct partition_place *at, const struct change_position *p,
	const struct partition_event *e)
{
	return at->time_max_us > 0 && e->time_us > at->time_max_us && !at->mixed &&
		(e->grows || !e->streamed) && compare(at, p) < 0;
}

static bool opens_epoch(const struct partition_place *at, const struct change_position *p,
	const struct partition_event *e)
{
	/* Who begins in the middle of a topic has not seen what came before. */
	if (!e->streamed && (at->seen || !e->begins) && (e->first || is_ahead(at, p)))
		return true;
	return at->seen && is_elsewhere(at, p, e);
}

bool partition_place_step(struct partition_place *at, struct change_position *p,
	const struct partition_event *e)
{
	bool news = !at->seen || (e->streamed && !at->streamed);
	if (at->time_max_us == 0)
		at->origin = e->origin;
	if (!at->mixed && e->origin != at->origin)
		at->mixed = news = true;
	bool opens = opens_epoch(at, p, e);
	if (opens) {
		at->epoch++;
		at->streamed = false;
	}
	at->seen = true;
	at->streamed = at->streamed || e->streamed;
	if (opens || compare(at, p) > 0) {
		at->lsn_max = p->parts[1];
		at->pos_max = p->parts[2];
		news = true;
	}
	if (e->time_us > at->time_max_us) {
		at->time_max_us = e->time_us;
		news = true;
	}
	p->parts[0] = at->epoch;
	p->known = true;
	return news;
}
