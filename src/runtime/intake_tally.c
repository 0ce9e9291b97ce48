#include "runtime/intake_tally.h"

#include "data/chunk.h"

void intake_tally_rows(struct intake_tally *t, const struct chunk *c)
{
	uint32_t live = chunk_live_count(c);
	t->decoded += c->messages->count;
	t->with_rows += c->row_count;
	t->rows += live;
	t->dropped += c->row_count - live;
}

/* Rows of one message stand together. */
static uint32_t messages_of(const struct chunk *c)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < c->row_count; i++)
		count += i == 0 || c->origin[i] != c->origin[i - 1];
	return count;
}

void intake_tally_events(struct intake_tally *t, const struct chunk *c, uint32_t decoded,
	const struct envelope_counts *before, const struct envelope_counts *after)
{
	uint32_t live = chunk_live_count(c);
	t->decoded += decoded;
	t->with_rows += messages_of(c);
	t->rows += live;
	t->dropped += c->row_count - live;
	t->skipped += after->skipped - before->skipped;
	t->refused += after->refused - before->refused;
}

void intake_tally_add(struct intake_tally *t, const struct intake_tally *before,
	const struct intake_tally *after)
{
	t->decoded += after->decoded - before->decoded;
	t->put_aside += after->put_aside - before->put_aside;
	t->with_rows += after->with_rows - before->with_rows;
	t->rows += after->rows - before->rows;
	t->dropped += after->dropped - before->dropped;
	t->skipped += after->skipped - before->skipped;
	t->refused += after->refused - before->refused;
}

int intake_tally_settle(const struct intake_tally *t, const struct intake_tally *at_batch,
	int64_t messages, struct str source, struct error *err)
{
	int64_t decoded = t->decoded - at_batch->decoded;
	int64_t put_aside = t->put_aside - at_batch->put_aside;
	int64_t with_rows = t->with_rows - at_batch->with_rows;
	int64_t skipped = t->skipped - at_batch->skipped;
	int64_t refused = t->refused - at_batch->refused;
	if (messages == decoded + put_aside && decoded <= with_rows + skipped + refused)
		return 0;
	return error_set(err, CDCL_E_INTERNAL,
		STR_FMT ": of %lld messages %lld were decoded and %lld put aside; %lld gave rows, "
			"%lld were skipped and %lld refused, so some are lost: the batch does not "
			"count",
		STR_ARG(source), (long long)messages, (long long)decoded, (long long)put_aside,
		(long long)with_rows, (long long)skipped, (long long)refused);
}
