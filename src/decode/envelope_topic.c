#include "decode/envelope_row.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/log.h"

#include <stdlib.h>

struct str envelope_own_copy(struct str s)
{
	char *bytes = malloc(s.len + 1);
	check(bytes != NULL);
	if (s.len > 0)
		memcpy(bytes, s.data, s.len);
	return (struct str){bytes, s.len};
}

struct envelope_topic *envelope_topic(struct envelope_decoder *d, struct str name)
{
	if (d->recent != NULL && str_eq(d->recent->name, name))
		return d->recent;
	for (uint32_t i = 0; i < d->topic_count; i++)
		if (str_eq(d->topics[i]->name, name))
			return d->recent = d->topics[i];
	if (d->topic_count == source_topics_max)
		return d->recent = d->topics[source_topics_max - 1];
	struct envelope_topic *t = calloc(1, sizeof(*t));
	check(t != NULL);
	t->name = envelope_own_copy(name);
	t->kind = d->config.kind;
	size_t columns = (size_t)d->schema->column_count + 1;
	t->lore = calloc(columns, sizeof(*t->lore));
	t->lore_before = calloc(2 * columns, sizeof(*t->lore));
	t->complained = calloc(columns, sizeof(*t->complained));
	check(t->lore != NULL && t->lore_before != NULL && t->complained != NULL);
	d->topics[d->topic_count++] = t;
	return d->recent = t;
}

static void take_lore(struct envelope_topic *to, const struct schema *columns,
	const struct envelope_topic *from, const struct schema *before)
{
	for (uint32_t i = 0; i < before->column_count; i++) {
		int32_t column = schema_find(columns, before->columns[i].name);
		if (column >= 0)
			to->lore[column] = from->lore[i];
	}
}

void envelope_take(struct envelope_decoder *d, struct envelope_decoder *old)
{
	for (uint32_t i = 0; i < old->topic_count; i++) {
		struct envelope_topic *from = old->topics[i], *to = envelope_topic(d, from->name);
		take_lore(to, d->schema, from, old->schema);
		to->kind = from->kind;
		to->unwrapped = from->unwrapped;
		to->seen_rows = from->seen_rows;
		to->said_table = from->said_table;
		to->said_unknown = from->said_unknown;
		to->skipped = from->skipped;
		to->table = from->table;
		from->table = (struct str){NULL, 0};
		to->partitions = from->partitions;
		to->partition_count = from->partition_count;
		to->block = from->block;
		from->block = (struct str){NULL, 0};
		memcpy(to->blocks, from->blocks, sizeof(to->blocks));
		to->block_count = from->block_count;
		from->partitions = NULL;
		from->partition_count = 0;
	}
	d->left_out = old->left_out == NULL ? NULL : schema_copy(old->left_out, &d->arena);
	d->counts = old->counts;
	d->own_counts = old->counts.json;
	old->counts.unknown_fields = 0; /* told by the last one */
}

struct partition_state *envelope_partition(struct envelope_topic *t, int32_t partition)
{
	bool good = partition >= 0 && partition < lore_partitions_max;
	uint32_t at = good ? (uint32_t)partition : 0;
	if (at >= t->partition_count) {
		uint32_t count = at + 8;
		t->partitions = realloc(t->partitions, count * sizeof(*t->partitions));
		check(t->partitions != NULL);
		memset(t->partitions + t->partition_count, 0,
			(count - t->partition_count) * sizeof(*t->partitions));
		t->partition_count = count;
	}
	return &t->partitions[at];
}

void envelope_place(
	struct envelope_row *r, struct change_position *p, struct partition_event *e)
{
	const struct messages *m = r->decoder->out->messages;
	struct partition_state *s = envelope_partition(r->topic, m->partition[r->message]);
	e->begins = m->offset[r->message] == 0;
	if (partition_place_step(&s->place, p, e))
		s->has_news = r->topic->has_news = true;
}

/* ---- tables ---- */

/* "orders", "shop.orders" or "shop.public.orders" names shop.public.orders. */
static bool table_is(struct str wanted, struct str database, struct str schema, struct str table)
{
	const struct str parts[] = {table, schema, database};
	size_t end = wanted.len;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct str p = parts[i];
		if (p.len == 0)
			continue;
		if (end < p.len || memcmp(wanted.data + end - p.len, p.data, p.len) != 0)
			return false;
		end -= p.len;
		if (end == 0)
			return true;
		if (wanted.data[--end] != '.')
			return false;
	}
	return false;
}

bool envelope_other_table(
	struct envelope_row *r, struct str database, struct str schema, struct str table)
{
	struct envelope_topic *t = r->topic;
	struct str wanted = r->decoder->config.table;
	if (wanted.len > 0) {
		if (table_is(wanted, database, schema, table))
			return false;
		if (!t->has_others)
			log_info("envelope",
				STR_FMT ": rows of table \"" STR_FMT
					"\" are left out, as table = \"" STR_FMT "\" says",
				STR_ARG(t->name), STR_ARG(table), STR_ARG(wanted));
		envelope_note(t, &t->has_others);
		return true;
	}
	if (t->kind == ENVELOPE_MAXWELL && str_eq(database, str_lit("maxwell")))
		return true;
	if (t->table.data == NULL)
		t->table = envelope_own_copy(table);
	if (!t->said_table && !str_eq(t->table, table)) {
		t->said_table = true;
		log_warn("envelope",
			STR_FMT ": rows of table \"" STR_FMT "\" and of \"" STR_FMT
				"\" come here; table = \"" STR_FMT "\" of the source takes one",
			STR_ARG(t->name), STR_ARG(t->table), STR_ARG(table), STR_ARG(t->table));
	}
	return false;
}
