#include "runtime/intake.h"

#include "base/log.h"
#include "source/raw_decode.h"

#include <stdlib.h>

enum { intake_arena_block_bytes = 256 * 1024 };

static void open_decoder(struct intake *in, const struct clock *clock)
{
	const struct plan_node *node = in->node;
	if (node->envelope != NULL && !node->raw) {
		struct envelope_config config = *node->envelope;
		config.json.clock = clock;
		in->envelope = envelope_open(&config);
	} else if (!node->raw) {
		struct json_config config = node->json;
		config.clock = clock;
		in->decoder = json_decoder_open(&config);
	}
}

int intake_open(struct intake *in, const struct plan_node *node, enum source_run run,
	struct operator *head, struct dead_letters *dead, const struct clock *clock,
	struct error *err)
{
	*in = (struct intake){.node = node, .head = head, .dead = dead, .state = SOURCE_IDLE};
	arena_init(&in->arena, intake_arena_block_bytes);
	in->messages = calloc(1, sizeof(*in->messages));
	if (in->messages == NULL)
		return error_set(err, CDCL_E_MEMORY, "no memory for a block of messages");
	in->messages->arena = &in->arena;
	in->messages->source_id = node->source.number;
	open_decoder(in, clock);
	in->source = source_open(&node->source, node->id, run, clock, err);
	return in->source == NULL ? -(int)err->code : 0;
}

int intake_take(struct intake *in, struct intake *old, const struct plan_node *node,
	struct operator *head, struct dead_letters *dead, const struct clock *clock,
	struct error *err)
{
	struct envelope_decoder *before = old->envelope;
	if ((before == NULL) != (node->envelope == NULL) || node->raw != old->node->raw)
		return error_set(err, CDCL_E_SCRIPT, "the script reads its sources otherwise now");
	*in = *old;
	in->node = node;
	in->head = head;
	in->dead = dead;
	in->messages->arena = &in->arena;
	in->messages->source_id = node->source.number;
	in->wider = NULL;
	in->decoder = NULL;
	in->envelope = NULL;
	in->one = NULL;
	open_decoder(in, clock);
	if (before != NULL)
		envelope_take(in->envelope, before);
	arena_init(&old->arena, intake_arena_block_bytes);
	old->source = NULL;
	old->messages = NULL;
	return 0;
}

/* What came and was no row, or not all of one: nobody would know otherwise. */
static void tell_counts(const struct intake *in)
{
	const struct envelope_counts *c = envelope_counts(in->envelope);
	if (c->skipped > 0)
		log_info("envelope",
			"%lld control records skipped (heartbeats, transaction marks, DDL, other "
			"tables)",
			(long long)c->skipped);
	if (c->json.bad_fields > 0)
		log_warn("envelope", "%lld values that did not fit their column read as NULL",
			(long long)c->json.bad_fields);
}

void intake_close(struct intake *in)
{
	if (in->envelope != NULL)
		tell_counts(in);
	source_close(in->source);
	if (in->decoder != NULL)
		json_decoder_close(in->decoder);
	envelope_close(in->envelope);
	arena_release(&in->arena);
	if (in->one != NULL)
		arena_release(&in->one_arena);
	free(in->one);
	free(in->messages);
	*in = (struct intake){.node = NULL};
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
	in->tally_at_batch = in->tally;
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
	return intake_tally_settle(&in->tally, &in->tally_at_batch, intake_messages(in),
		in->source->description, err);
}

/* ---- the order of messages ---- */

static void note_messages(struct intake *in)
{
	const struct messages *m = in->messages;
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

static void note_order(struct intake *in)
{
	if (in->order == NULL)
		return;
	if (in->node->source.kind == SOURCE_KAFKA)
		note_messages(in);
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
static int fill(struct intake *in, struct error *err)
{
	arena_reset(&in->arena);
	struct messages *m = in->messages;
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

/* Messages of one block may give rows for several chunks; some may wait for other columns. */
static int read_events(
	struct intake *in, const struct messages *m, uint32_t *next, struct error *err)
{
	int more;
	do {
		struct chunk *c = NULL;
		struct envelope_counts before = *envelope_counts(in->envelope);
		uint32_t from = *next;
		more = envelope_decode(in->envelope, m, next, in->dead, &c, err);
		if (more < 0)
			return more;
		intake_tally_events(
			&in->tally, c, *next - from, &before, envelope_counts(in->envelope));
		int r = c->row_count == 0 ? 0 : operator_emit(in->head, OUTPUT_APPEND, c, err);
		if (r < 0)
			return r;
	} while (more == 1);
	in->pending = more == ENVELOPE_WIDER;
	in->wider = in->pending ? envelope_wider(in->envelope) : NULL;
	return 0;
}

static int read_rows(struct intake *in, const struct messages *m, struct error *err)
{
	struct chunk *c = NULL;
	int r = in->decoder == NULL ? raw_decode(in->node->schema, m, &c, err)
				    : json_decode(in->decoder, m, in->dead, &c, err);
	if (r >= 0)
		intake_tally_rows(&in->tally, c);
	return r < 0 ? r : operator_emit(in->head, OUTPUT_APPEND, c, err);
}

/* Of in->messages, from in->next on. */
static int read_block(struct intake *in, struct error *err)
{
	quarantine_test_crash(in->messages);
	if (in->envelope != NULL)
		return read_events(in, in->messages, &in->next, err);
	return read_rows(in, in->messages, err);
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
		r = in->envelope != NULL ? read_events(in, in->one, &next, err)
					 : read_rows(in, in->one, err);
		in->next += in->pending ? 0 : 1;
	}
	quarantine_leave(in->quarantine);
	return r;
}

int intake_read(struct intake *in, struct error *err)
{
	if (in->wider != NULL)
		return 0;
	int r = 0;
	if (!in->pending) {
		r = fill(in, err);
		if (r < 0 || in->messages->count == 0)
			return r;
		note_order(in);
		dead_letters_note_read(in->dead, in->messages->count);
		in->next = 0;
		in->tally.put_aside += in->messages->count;
		r = quarantine_put_aside(in->quarantine, in->messages, in->dead, err);
		in->tally.put_aside -= in->messages->count;
	}
	in->pending = false;
	uint32_t count = in->messages->count;
	if (r == 0 && count > 0)
		r = quarantine_reads_singly(in->quarantine) ? read_singly(in, err)
							    : read_block(in, err);
	return r < 0 ? r : (int)count;
}
