#include "runtime/worker_block.h"

#include "base/check.h"
#include "ops/operator_group_partial.h"

#include <stdlib.h>

enum { own_arena_bytes = 256 * 1024 };

/* ---- what the messages point to ---- */

void worker_block_begin(struct worker_block *b, uint32_t source, const struct batch *batch)
{
	arena_reset(&b->arena);
	b->messages.count = 0;
	b->messages.arena = &b->arena;
	b->batch = *batch;
	b->source = source;
	b->texts = (struct source_texts){.items = b->text_items, .arena = &b->arena};
	b->lent = b->learned = (struct str){NULL, 0};
	b->events = b->last = NULL;
	b->result = 0;
	b->done = false;
}

static bool is_inside(const struct worker_block *b, const void *at)
{
	return (const char *)at >= b->arena.region && (const char *)at < b->arena.region_end;
}

/* NULL stays NULL, and an empty text a text. */
static void keep(struct worker_block *b, struct str *s)
{
	if (s->data == NULL || is_inside(b, s->data))
		return;
	*s = s->len == 0 ? str_lit("") : str_dup(*s, &b->arena);
}

static void keep_headers(struct worker_block *b, uint32_t i)
{
	uint32_t count = b->messages.header_count[i];
	if (count == 0)
		return;
	struct message_header *own = ARENA_ARRAY(&b->arena, struct message_header, count);
	memcpy(own, b->messages.headers[i], count * sizeof(*own));
	for (uint32_t k = 0; k < count; k++) {
		keep(b, &own[k].name);
		keep(b, &own[k].value);
	}
	b->messages.headers[i] = own;
}

/* Names live as long as the source, in the memory of its process; there are few in a block. */
static void keep_topic(struct worker_block *b, struct str *topic, struct str *name, struct str *own)
{
	if (topic->data != name->data || topic->len != name->len) {
		*name = *own = *topic;
		keep(b, own);
	}
	*topic = *own;
}

static void keep_texts(struct worker_block *b)
{
	struct source_text *items = b->texts.items;
	struct str name = {NULL, 0}, own = {NULL, 0};
	b->first_topic = items[0].topic;
	b->first_offset = items[0].offset;
	b->first_partition = 0;
	for (uint32_t i = 0; i < b->texts.count; i++)
		keep_topic(b, &items[i].topic, &name, &own);
}

void worker_block_keep(struct worker_block *b)
{
	struct messages *m = &b->messages;
	struct str name = {NULL, 0}, own = {NULL, 0};
	check(m->count > 0);
	b->holds_lines = b->holds_lines && b->texts.count > 0;
	if (b->texts.count > 0) {
		keep_texts(b);
		return;
	}
	b->first_topic = m->topic[0];
	b->first_offset = m->offset[0];
	b->first_partition = m->partition[0];
	for (uint32_t i = 0; i < m->count; i++) {
		keep_topic(b, &m->topic[i], &name, &own);
		keep(b, &m->key[i]);
		keep(b, &m->value[i]);
		keep_headers(b, i);
	}
}

/* ---- events ---- */

static struct worker_event *add_event(struct worker_block *b, enum worker_event_kind kind)
{
	struct worker_event *e = ARENA_NEW(&b->arena, struct worker_event);
	e->kind = kind;
	*(b->last == NULL ? &b->events : &b->last->next) = e;
	b->last = e;
	return e;
}

static int note_rows(
	struct row_exit *x, struct row_edge edge, struct chunk *c, struct error *err)
{
	(void)err;
	struct worker_notes *n = container_of(x, struct worker_notes, exit);
	struct worker_event *e = add_event(n->block, EVENT_ROWS);
	e->edge = edge;
	e->chunk = c;
	return 0;
}

/* Of the chunk only which message it is: the rest changes until the event is told. */
static void note_dead(struct dead_letter_notes *notes, enum dead_letter_reason reason,
	bool budgeted, const struct chunk *c, uint32_t row, const struct error *why)
{
	struct worker_notes *n = container_of(notes, struct worker_notes, dead);
	struct arena *arena = &n->block->arena;
	struct worker_event *e = add_event(n->block, EVENT_DEAD);
	uint16_t *origin = ARENA_NEW(arena, uint16_t);
	*origin = (uint16_t)chunk_message(c, row);
	if (c->messages == n->own)
		message_copy(&n->block->messages, *origin, n->own, *origin);
	e->chunk = ARENA_NEW(arena, struct chunk);
	*e->chunk = (struct chunk){.row_count = 1,
		.messages = &n->block->messages,
		.origin = origin,
		.arena = arena};
	e->reason = reason;
	e->budgeted = budgeted;
	e->why = ARENA_NEW(arena, struct error);
	*e->why = *why;
}

/* Words of the program (area, format) stand at the same address in both. */
static void note_log(struct log_taker *taker, const struct log_taken *line)
{
	struct worker_notes *n = container_of(taker, struct worker_notes, log);
	struct worker_event *e = add_event(n->block, EVENT_LOG);
	e->line = *line;
	e->line.text = str_dup(line->text, &n->block->arena);
	if (line->place.topic.data != NULL)
		e->line.place.topic = str_dup(line->place.topic, &n->block->arena);
}

void worker_notes_init(struct worker_notes *n)
{
	*n = (struct worker_notes){
		.exit.give = note_rows, .dead.note = note_dead, .log.take = note_log};
	n->own = calloc(1, sizeof(*n->own));
	check(n->own != NULL);
	source_text_begin(n->own);
	arena_init(&n->arena, own_arena_bytes);
}

void worker_notes_release(struct worker_notes *n)
{
	arena_release(&n->arena);
	free(n->own);
}

static struct messages *lines_of(
	struct worker_notes *n, struct worker_block *b, struct str null_value, bool rows_stay)
{
	struct messages *m = rows_stay ? n->own : &b->messages;
	if (!rows_stay && !b->holds_lines)
		source_text_begin(m);
	b->holds_lines = b->holds_lines || !rows_stay;
	m->source_id = b->messages.source_id;
	source_text_split(&b->texts, null_value, m);
	return m;
}

struct messages *worker_notes_begin(
	struct worker_notes *n, struct worker_block *b, const struct graph *g)
{
	const struct source_config *source = &g->plan->nodes[b->source]->source;
	bool rows_stay = graph_only_sums(g);
	n->block = b;
	struct messages *m = b->texts.count == 0
		? &b->messages
		: lines_of(n, b, source->file.null_value, rows_stay);
	m->arena = rows_stay ? &n->arena : &b->arena;
	arena_reset(&n->arena);
	return m;
}

void worker_notes_groups(struct worker_notes *n, const struct graph *g)
{
	for (uint32_t i = 0; i < g->partial_count; i++) {
		struct str records = operator_partial_take(g->partials[i], &n->block->arena);
		if (records.data == NULL)
			continue;
		struct worker_event *e = add_event(n->block, EVENT_GROUPS);
		e->edge = operator_partial_edge(g->partials[i]);
		e->records = records;
	}
}

static int replay_event(const struct worker_event *e, const struct graph *g,
	struct dead_letters *dead, struct error *err)
{
	if (e->kind == EVENT_ROWS)
		return operator_push(graph_edge(g, e->edge), e->chunk, err);
	if (e->kind == EVENT_GROUPS)
		return group_add_partial(graph_edge(g, e->edge), e->records, err);
	if (e->kind == EVENT_LOG) {
		log_again(&e->line);
		return 0;
	}
	return e->budgeted ? dead_letter_add(dead, e->reason, e->chunk, 0, e->why, err)
			   : dead_letter_keep(dead, e->reason, e->chunk, 0, e->why, err);
}

int worker_block_replay(const struct worker_block *b, const struct graph *g,
	struct dead_letters *dead, struct error *err)
{
	int r = 0;
	for (const struct worker_event *e = b->events; e != NULL && r >= 0; e = e->next)
		r = replay_event(e, g, dead, err);
	if (r < 0 || b->result >= 0)
		return r < 0 ? r : 0;
	*err = b->error;
	return b->result;
}
