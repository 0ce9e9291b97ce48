#include "runtime/row_reader.h"

#include "base/log.h"
#include "source/raw_decode.h"

void row_reader_open(struct row_reader *r, const struct plan_node *node, struct operator *head,
	struct dead_letters *dead, const struct clock *clock)
{
	*r = (struct row_reader){.node = node, .head = head, .dead = dead};
	if (node->envelope != NULL && !node->raw) {
		struct envelope_config config = *node->envelope;
		config.json.clock = clock;
		r->envelope = envelope_open(&config);
	} else if (!node->raw) {
		struct json_config config = node->json;
		config.clock = clock;
		r->decoder = json_decoder_open(&config);
	}
}

/* What came and was no row, or not all of one: nobody would know otherwise. */
static void tell_counts(const struct row_reader *r)
{
	const struct envelope_counts *c = envelope_counts(r->envelope);
	if (c->skipped > 0)
		log_info("envelope",
			"%lld control records skipped (heartbeats, transaction marks, DDL, other "
			"tables)",
			(long long)c->skipped);
	if (c->json.bad_fields > 0)
		log_warn("envelope", "%lld values that did not fit their column read as NULL",
			(long long)c->json.bad_fields);
}

void row_reader_close(struct row_reader *r)
{
	if (r->envelope != NULL)
		tell_counts(r);
	if (r->decoder != NULL)
		json_decoder_close(r->decoder);
	envelope_close(r->envelope);
	*r = (struct row_reader){.node = NULL};
}

/* Messages of one block may give rows for several chunks; some may wait for other columns. */
static int read_events(
	struct row_reader *r, const struct messages *m, uint32_t *next, struct error *err)
{
	int more;
	do {
		struct chunk *c = NULL;
		struct envelope_counts before = *envelope_counts(r->envelope);
		uint32_t from = *next;
		more = envelope_decode(r->envelope, m, next, r->dead, &c, err);
		if (more < 0)
			return more;
		intake_tally_events(
			&r->tally, c, *next - from, &before, envelope_counts(r->envelope));
		int pushed = c->row_count == 0 ? 0 : operator_emit(r->head, OUTPUT_APPEND, c, err);
		if (pushed < 0)
			return pushed;
	} while (more == 1);
	return more;
}

int row_reader_read(
	struct row_reader *r, const struct messages *m, uint32_t *next, struct error *err)
{
	if (r->envelope != NULL)
		return read_events(r, m, next, err);
	struct chunk *c = NULL;
	int result = r->decoder == NULL ? raw_decode(r->node->schema, m, &c, err)
					: json_decode(r->decoder, m, r->dead, &c, err);
	if (result < 0)
		return result;
	*next = m->count;
	intake_tally_rows(&r->tally, c);
	return operator_emit(r->head, OUTPUT_APPEND, c, err);
}
