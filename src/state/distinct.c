#include "state/distinct.h"

#include "base/bounds.h"
#include "base/check.h"
#include "data/row_codec.h"
#include "state/group_table.h"

#include <stdlib.h>

struct distinct {
	struct group_table seen; /* key: group id, values */
	bool retract;
	int64_t *counts; /* by id, with retract */
	uint32_t capacity;
	struct strbuf keys; /* of the chunk in hand */
};

struct distinct *distinct_open(bool retract, struct slab *slab)
{
	struct distinct *d = calloc(1, sizeof(*d));
	check(d != NULL);
	d->retract = retract;
	group_table_init(&d->seen, slab, group_count_max);
	strbuf_init(&d->keys);
	return d;
}

void distinct_close(struct distinct *d)
{
	if (d == NULL)
		return;
	group_table_release(&d->seen);
	strbuf_release(&d->keys);
	free(d->counts);
	free(d);
}

size_t distinct_bytes(const struct distinct *d)
{
	return group_table_bytes(&d->seen) + d->capacity * sizeof(*d->counts);
}

uint32_t distinct_count(const struct distinct *d)
{
	check(!d->retract);
	return d->seen.id_count;
}

struct str distinct_entry(const struct distinct *d, uint32_t entry)
{
	return group_table_key(&d->seen, entry);
}

int distinct_add_entry(struct distinct *d, struct str entry, struct error *err)
{
	uint32_t id, fresh;
	int r = group_table_put(&d->seen, &entry, 1, &id, &fresh, err);
	return r < 0 ? r : 0;
}

static void build_keys(struct distinct *d, const struct aggregate_rows *rows,
	const struct vector *args, uint32_t arg_count, struct str *keys)
{
	size_t starts[chunk_rows_max + 1];
	strbuf_reset(&d->keys);
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		starts[i] = d->keys.len;
		strbuf_add(
			&d->keys, (struct str){(const char *)&rows->groups[row], sizeof(uint32_t)});
		for (uint32_t k = 0; k < arg_count; k++) {
			struct value v = value_from_column(&args[k].column, args[k].type, row);
			row_codec_add_key(&d->keys, &v);
		}
	}
	starts[rows->count] = d->keys.len;
	for (uint32_t i = 0; i < rows->count; i++)
		keys[i] = (struct str){d->keys.data + starts[i], starts[i + 1] - starts[i]};
}

static void reserve_counts(struct distinct *d)
{
	if (d->seen.id_count <= d->capacity)
		return;
	uint32_t capacity = d->seen.entry_capacity;
	int64_t *counts = realloc(d->counts, capacity * sizeof(*counts));
	check(counts != NULL);
	memset(counts + d->capacity, 0, (capacity - d->capacity) * sizeof(*counts));
	d->counts = counts;
	d->capacity = capacity;
}

static uint32_t choose_first(const struct aggregate_rows *rows, const uint32_t *ids,
	const uint32_t *fresh, uint32_t fresh_count, uint16_t *list)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < rows->count && kept < fresh_count; i++)
		if (ids[i] == fresh[kept])
			list[kept++] = rows->rows[i];
	return kept;
}

static int choose_changes(struct distinct *d, const struct aggregate_rows *rows,
	const uint32_t *ids, uint16_t *list, struct error *err)
{
	int kept = 0;
	reserve_counts(d);
	for (uint32_t i = 0; i < rows->count; i++) {
		uint16_t row = rows->rows[i];
		int sign = rows->signs == NULL ? 1 : rows->signs[row];
		int64_t before = d->counts[ids[i]];
		d->counts[ids[i]] = before + sign;
		if (before + sign < 0)
			return aggregate_never_given(err);
		if (before == 0 || before + sign == 0)
			list[kept++] = row;
	}
	for (uint32_t i = 0; i < rows->count; i++)
		if (d->counts[ids[i]] == 0 && d->seen.entries[ids[i]].key != NULL)
			group_table_remove(&d->seen, ids[i]);
	return kept;
}

int distinct_choose(struct distinct *d, struct aggregate_rows *rows, const struct vector *args,
	uint32_t arg_count, uint16_t *list, struct error *err)
{
	struct str keys[chunk_rows_max];
	uint32_t ids[chunk_rows_max], fresh[chunk_rows_max];
	build_keys(d, rows, args, arg_count, keys);
	int count = group_table_put(&d->seen, keys, rows->count, ids, fresh, err);
	if (count < 0)
		return error_prefix(err, "distinct values: ");
	int kept = d->retract ? choose_changes(d, rows, ids, list, err)
			      : (int)choose_first(rows, ids, fresh, (uint32_t)count, list);
	if (kept < 0)
		return kept;
	rows->rows = list;
	rows->count = (uint32_t)kept;
	return 0;
}
