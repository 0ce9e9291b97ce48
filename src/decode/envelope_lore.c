#include "decode/envelope_lore.h"

#include "base/check.h"
#include "decode/envelope_row.h"

/* ---- told ---- */

static void tell_columns(const struct envelope_decoder *d, const struct envelope_topic *t,
	struct arena *arena, struct topic_lore *out)
{
	uint32_t columns = d->schema->column_count;
	struct named_lore *list = ARENA_ARRAY(arena, struct named_lore, columns + 1);
	for (uint32_t i = 0; i < columns; i++)
		if (column_lore_any(&t->lore[i]))
			list[out->column_count++] = (struct named_lore){
				d->schema->columns[i].name, t->lore[i]};
	out->columns = list;
}

static void tell_partitions(
	struct envelope_topic *t, struct arena *arena, struct topic_lore *out)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < t->partition_count; i++)
		count += t->partitions[i].has_news;
	struct partition_lore *list = ARENA_ARRAY(arena, struct partition_lore, count + 1);
	for (uint32_t i = 0; i < t->partition_count; i++) {
		struct partition_state *s = &t->partitions[i];
		if (s->has_news)
			list[out->partition_count++] = (struct partition_lore){
				(int32_t)i, s->place};
		s->has_news = false;
	}
	out->partitions = list;
}

bool envelope_news(struct envelope_decoder *d, uint32_t *at, struct arena *arena,
	struct topic_lore *out)
{
	while (*at < d->topic_count && !d->topics[*at]->has_news)
		++*at;
	if (*at == d->topic_count)
		return false;
	struct envelope_topic *t = d->topics[(*at)++];
	t->has_news = false;
	*out = (struct topic_lore){.topic = t->name,
		.kind = t->kind,
		.unwrapped = t->unwrapped,
		.seen_rows = t->seen_rows,
		.has_others = t->has_others};
	tell_columns(d, t, arena, out);
	tell_partitions(t, arena, out);
	return true;
}

/* ---- recalled ---- */

static void recall_columns(const struct envelope_decoder *d, struct envelope_topic *t,
	const struct topic_lore *lore)
{
	memset(t->lore, 0, d->schema->column_count * sizeof(*t->lore));
	for (uint32_t i = 0; i < lore->column_count; i++) {
		int32_t column = envelope_find_column(d, lore->columns[i].name);
		if (column != JSON_NO_COLUMN)
			t->lore[column] = lore->columns[i].lore;
	}
}

void envelope_recall(struct envelope_decoder *d, const struct topic_lore *lore)
{
	struct envelope_topic *t = envelope_topic(d, lore->topic);
	if (d->config.kind == ENVELOPE_AUTO)
		t->kind = lore->kind;
	if (t->kind == lore->kind) {
		t->unwrapped = lore->unwrapped;
		t->seen_rows = lore->seen_rows;
		t->has_others = lore->has_others;
	}
	recall_columns(d, t, lore);
	for (uint32_t i = 0; i < lore->partition_count; i++) {
		const struct partition_lore *p = &lore->partitions[i];
		*envelope_partition(t, p->partition) = (struct partition_state){p->place, false};
	}
	t->has_news = false;
}
