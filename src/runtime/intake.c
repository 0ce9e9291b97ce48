#include "runtime/intake.h"

#include "base/check.h"

#include <stdlib.h>

enum { intake_arena_block_bytes = 256 * 1024 };

/* CDCL_CHUNK_ROWS=n: chunks of at most n rows, for tests of what must not depend on it. */
static uint32_t spared_rows(void)
{
#ifdef CDCL_TEST_HOOKS
	const char *asked = getenv("CDCL_CHUNK_ROWS");
	int rows = asked == NULL ? chunk_rows_max : atoi(asked);
	check(rows >= 1 && rows <= chunk_rows_max);
	return (uint32_t)(chunk_rows_max - rows);
#else
	return 0;
#endif
}

int intake_open(struct intake *in, const struct plan_node *node, enum source_run run,
	struct operator *head, struct dead_letters *dead, const struct clock *clock,
	struct error *err)
{
	*in = (struct intake){.node = node, .dead = dead, .state = SOURCE_IDLE};
	arena_init(&in->arena, intake_arena_block_bytes);
	in->messages = calloc(1, sizeof(*in->messages));
	if (in->messages == NULL)
		return error_set(err, CDCL_E_MEMORY, "no memory for a block of messages");
	in->messages->arena = &in->arena;
	in->messages->source_id = node->source.number;
	row_reader_open(&in->rows, node, head, dead, clock);
	in->messages->spared = spared_rows();
	in->source = source_open(&node->source, node->id, run, clock, err);
	return in->source == NULL ? -(int)err->code : 0;
}

int intake_take(struct intake *in, struct intake *old, const struct plan_node *node,
	struct operator *head, struct dead_letters *dead, const struct clock *clock,
	struct error *err)
{
	struct envelope_decoder *before = old->rows.envelope;
	if ((before == NULL) != (node->envelope == NULL) || node->raw != old->node->raw)
		return error_set(err, CDCL_E_SCRIPT, "the script reads its sources otherwise now");
	*in = *old;
	in->node = node;
	in->dead = dead;
	in->messages->arena = &in->arena;
	in->messages->source_id = node->source.number;
	in->wider = NULL;
	in->one = NULL;
	row_reader_open(&in->rows, node, head, dead, clock);
	in->rows.tally = old->rows.tally;
	if (before != NULL)
		envelope_take(in->rows.envelope, before);
	arena_init(&old->arena, intake_arena_block_bytes);
	old->source = NULL;
	old->messages = NULL;
	return 0;
}

void intake_close(struct intake *in)
{
	source_close(in->source);
	row_reader_close(&in->rows);
	arena_release(&in->arena);
	if (in->one != NULL)
		arena_release(&in->one_arena);
	free(in->one);
	free(in->messages);
	*in = (struct intake){.node = NULL};
}

void intake_hold_columns(struct intake *in)
{
	if (in->rows.envelope != NULL)
		envelope_hold(in->rows.envelope);
}

void intake_release_columns(struct intake *in)
{
	if (in->rows.envelope != NULL && in->wider == NULL)
		in->wider = envelope_release(in->rows.envelope);
}

static uint32_t waiting(const struct intake *in)
{
	return in->pending ? in->messages->count - in->next : 0;
}

int64_t intake_messages(const struct intake *in)
{
	return in->source->messages_read - in->messages_at_batch + in->carried - waiting(in);
}

int intake_begin_batch(struct intake *in, struct error *err)
{
	int r = in->source->ops->begin_batch(in->source, err);
	in->messages_at_batch = in->source->messages_read;
	in->bytes_at_batch = in->source->bytes_read;
	in->files_at_batch = in->source->files_read;
	in->carried = waiting(in);
	in->tally_at_batch = in->rows.tally;
	in->noted = 0;
	in->noted_until = in->source->partition_count == 0 ? 0 : in->source->partitions[0].position;
	if (in->state == SOURCE_LIMIT)
		in->state = SOURCE_MORE;
	return r;
}

bool intake_had_input(const struct intake *in)
{
	return in->carried > 0 || in->source->messages_read != in->messages_at_batch ||
		in->source->files_read != in->files_at_batch;
}

int intake_settle(const struct intake *in, struct error *err)
{
	return intake_tally_settle(&in->rows.tally, &in->tally_at_batch, intake_messages(in),
		in->source->description, err);
}

/* ---- the order of messages ---- */

static void note_messages(struct intake *in, const struct messages *m)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (i + 1 == m->count || m->partition[i + 1] != m->partition[i] ||
			m->topic[i + 1].data != m->topic[i].data)
			read_order_note(in->order, in->number, m->topic[i], m->partition[i],
				m->offset[i] + 1);
}

/* Offsets in files count lines, and not what the messages say of themselves. */
static void note_lines(struct intake *in)
{
	const struct source *s = in->source;
	for (uint32_t i = in->noted; i < s->partition_count; i++) {
		const struct source_partition *part = &s->partitions[i];
		if (i != in->noted)
			in->noted_until = part->batch_start;
		if (part->position > in->noted_until)
			read_order_note(in->order, in->number, part->topic, part->partition,
				part->position);
		in->noted = i;
		in->noted_until = part->position;
	}
}

static void note_order(struct intake *in, const struct messages *m)
{
	if (in->order == NULL)
		return;
	if (in->node->source.kind == SOURCE_KAFKA)
		note_messages(in, m);
	else
		note_lines(in);
}

bool intake_has_turn(struct intake *in)
{
	const struct read_run *run = in->order == NULL ? NULL : read_order_turn(in->order);
	in->source->turn = run == NULL ? NULL : &run->at;
	return run == NULL || run->source == in->number;
}

bool intake_ends_turn(struct intake *in)
{
	const struct source *s = in->source;
	const struct source_turn *turn = s->turn;
	for (uint32_t i = 0; turn != NULL && i < s->partition_count; i++) {
		const struct source_partition *part = &s->partitions[i];
		if (part->partition != turn->partition || part->position < turn->until ||
			!str_eq(part->topic, turn->topic))
			continue;
		in->order->replay_next++;
		return true;
	}
	return false;
}

/* Fills until the chunk is full or the source has no more at once. */
static int fill(struct intake *in, struct messages *m, struct error *err)
{
	arena_reset(m->arena);
	m->count = 0;
	do {
		uint32_t before = m->count;
		int state = in->source->ops->fill(in->source, m, err);
		if (state < 0)
			return state;
		in->state = (enum source_state)state;
		if (m->count == before)
			break;
	} while (in->state == SOURCE_MORE && !messages_full(m));
	return 0;
}

/* From `next` on; some may wait for other columns. */
static int read_messages(
	struct intake *in, const struct messages *m, uint32_t *next, struct error *err)
{
	int r = row_reader_read(&in->rows, m, next, err);
	in->pending = r == ENVELOPE_WIDER;
	in->wider = in->pending ? envelope_wider(in->rows.envelope) : NULL;
	return r < 0 ? r : 0;
}

/* Of in->messages, from in->next on. */
static int read_block(struct intake *in, struct error *err)
{
	quarantine_test_crash(in->messages);
	return read_messages(in, in->messages, &in->next, err);
}

/* The same, a message at a time, each with an arena of its own: a chunk is as large as any. */
static int read_singly(struct intake *in, struct error *err)
{
	if (in->one == NULL) {
		in->one = calloc(1, sizeof(*in->one));
		if (in->one == NULL)
			return error_set(err, CDCL_E_MEMORY, "no memory for a message");
		arena_init(&in->one_arena, intake_arena_block_bytes);
		in->one->arena = &in->one_arena;
		in->one->count = 1;
		in->one->source_id = in->messages->source_id;
	}
	int r = 0;
	while (in->next < in->messages->count && r >= 0 && !in->pending) {
		arena_reset(&in->one_arena);
		message_copy(in->one, 0, in->messages, in->next);
		quarantine_enter(in->quarantine, in->one, 0);
		quarantine_test_crash(in->one);
		uint32_t next = 0;
		r = read_messages(in, in->one, &next, err);
		in->next += in->pending ? 0 : 1;
	}
	quarantine_leave(in->quarantine);
	return r;
}

/* As fill. */
static int fill_text(struct intake *in, struct source_texts *t, struct error *err)
{
	arena_reset(t->arena);
	t->count = t->lines = 0;
	do {
		uint32_t before = t->lines;
		int state = in->source->ops->fill_text(in->source, t, err);
		if (state < 0)
			return state;
		in->state = (enum source_state)state;
		if (t->lines == before)
			break;
	} while (in->state == SOURCE_MORE && t->lines < chunk_rows_max &&
		t->arena->bytes_held < chunk_bytes_max);
	return 0;
}

int intake_fill(struct intake *in, struct messages *m, struct source_texts *texts,
	struct error *err)
{
	m->source_id = in->node->source.number;
	texts->count = texts->lines = 0;
	bool as_text = in->source->gives_text && in->source->turn == NULL;
	int r = as_text ? fill_text(in, texts, err) : fill(in, m, err);
	if (r < 0)
		return r;
	if (as_text)
		m->count = texts->lines;
	if (m->count > 0)
		note_order(in, m);
	return (int)m->count;
}

/* ---- what decoders learn ---- */

static void recall(struct intake *in)
{
	if (in->lore != NULL && in->learner != LEARNER_HERE)
		source_lore_recall(in->lore, in->node->source.number, in->rows.envelope);
	in->learner = LEARNER_HERE;
}

struct str intake_lend(struct intake *in, struct arena *arena)
{
	struct strbuf records;
	struct str lent = {NULL, 0};
	if (in->lore == NULL || in->learner == LEARNER_WORKER)
		return lent;
	strbuf_init(&records);
	source_lore_write(in->lore, in->node->source.number, &records);
	if (records.len > 0)
		lent = str_dup(strbuf_str(&records), arena);
	strbuf_release(&records);
	in->learner = LEARNER_WORKER;
	return lent;
}

void intake_gather(struct intake *in)
{
	if (in->lore != NULL && in->learner == LEARNER_HERE)
		source_lore_gather(in->lore, in->node->source.number, in->rows.envelope);
}

int intake_read(struct intake *in, struct error *err)
{
	if (in->wider != NULL)
		return 0;
	recall(in);
	int r = 0;
	if (!in->pending) {
		r = fill(in, in->messages, err);
		if (r < 0 || in->messages->count == 0)
			return r;
		note_order(in, in->messages);
		dead_letters_note_read(in->dead, in->messages->count);
		in->next = 0;
		in->rows.tally.put_aside += in->messages->count;
		r = quarantine_put_aside(in->quarantine, in->messages, in->dead, err);
		in->rows.tally.put_aside -= in->messages->count;
	}
	in->pending = false;
	uint32_t count = in->messages->count;
	if (r == 0 && count > 0)
		r = quarantine_reads_singly(in->quarantine) ? read_singly(in, err)
							    : read_block(in, err);
	return r < 0 ? r : (int)count;
}
