/*
 * What a sink that keeps rows in buckets is given: the rows of the buckets with a change, in all of
 * which nothing else is (sink/sink.h).
 */

#include "ops/operator_build.h"

#include "base/check.h"

bool operator_has_buckets(const struct operator *op)
{
	for (uint32_t i = 0; i < op->out_count; i++)
		if (op->outs[i].buckets != NULL)
			return true;
	return false;
}

static void find_buckets(
	uint32_t count, const struct row_key *key, const struct chunk *c, uint32_t *buckets)
{
	if (count == 1)
		memset(buckets, 0, chunk_rows_max * sizeof(*buckets));
	else
		row_key_buckets(key, c, count, buckets);
}

void operator_mark_buckets(struct operator *op, const struct row_key *key, const struct chunk *c)
{
	uint32_t buckets[chunk_rows_max];
	for (uint32_t i = 0; i < op->out_count; i++) {
		struct bucket_set *s = op->outs[i].buckets;
		if (s == NULL)
			continue;
		check(key != NULL || s->count == 1);
		find_buckets(s->count, key, c, buckets);
		s->changes += chunk_live_count(c);
		for (uint32_t row = chunk_next_live(c, 0); row < chunk_rows_max;
			row = chunk_next_live(c, row + 1))
			bit_set(s->dirty, buckets[row]);
	}
}

bool operator_out_due(const struct operator_out *out, const struct batch *b)
{
	return out->buckets != NULL && bucket_set_due(out->buckets, b) &&
		bucket_set_any(out->buckets);
}

int operator_emit_due(struct operator *op,
	int (*emit_dirty)(struct operator *op, struct operator_out *out, struct error *err),
	const struct batch *b, struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < op->out_count && r >= 0; i++)
		if (operator_out_due(&op->outs[i], b))
			r = emit_dirty(op, &op->outs[i], err);
	return r < 0 ? r : 0;
}

void operator_keep_dirty(
	const struct operator_out *out, const struct row_key *key, struct chunk *c)
{
	uint32_t buckets[chunk_rows_max];
	check(key != NULL || out->buckets->count == 1);
	find_buckets(out->buckets->count, key, c, buckets);
	for (uint32_t row = chunk_next_live(c, 0); row < chunk_rows_max;
		row = chunk_next_live(c, row + 1))
		if (!bit_get(out->buckets->dirty, buckets[row]))
			bit_clear(c->live, row);
}

int operator_emit_to(
	struct operator *op, struct operator_out *out, struct chunk *c, struct error *err)
{
	op->rows_out += chunk_live_count(c);
	return operator_push(out->to, c, err);
}

void operator_connect_buckets(
	struct operator *from, struct operator *to, struct bucket_set *buckets)
{
	check(from->marks_buckets);
	operator_connect(from, to, OUTPUT_COMPLETE);
	from->outs[from->out_count - 1].buckets = buckets;
}
