/* Deletes that a table remembers, oldest first: a list through the slots of DELETED rows. */

#include "state/table_part.h"

#include "base/check.h"

struct link {
	uint32_t newer;         /* table_none: none */
	uint32_t older;
	int64_t at_us;
};

/* Goes when the batch ends. */
static const int64_t never_remembered = INT64_MIN;

static struct link get_link(const struct table *t, const char *slot)
{
	struct link link;
	_Static_assert(sizeof(link) == table_link_bytes, "the layout leaves room for it");
	memcpy(&link, slot + t->layout.link_offset, sizeof(link));
	return link;
}

static void set_link(const struct table *t, char *slot, struct link link)
{
	memcpy(slot + t->layout.link_offset, &link, sizeof(link));
}

static void set_newer(struct table *t, uint32_t id, uint32_t newer)
{
	if (id == table_none) {
		t->oldest = newer;
		return;
	}
	struct link link = get_link(t, table_slot(t, id));
	link.newer = newer;
	set_link(t, table_slot(t, id), link);
}

static void set_older(struct table *t, uint32_t id, uint32_t older)
{
	if (id == table_none) {
		t->newest = older;
		return;
	}
	struct link link = get_link(t, table_slot(t, id));
	link.older = older;
	set_link(t, table_slot(t, id), link);
}

void table_deleted_link(struct table *t, uint32_t id, char *slot, int64_t now_us)
{
	/* Oldest first even when event time goes back: who came later is kept at least as long. */
	if (now_us > t->newest_us)
		t->newest_us = now_us;
	set_link(t, slot, (struct link){table_none, t->newest, t->newest_us});
	set_newer(t, t->newest, id);
	t->newest = id;
	t->deleted++;
}

void table_deleted_link_first(struct table *t, uint32_t id, char *slot)
{
	set_link(t, slot, (struct link){t->oldest, table_none, never_remembered});
	set_older(t, t->oldest, id);
	t->oldest = id;
	t->deleted++;
}

void table_deleted_unlink(struct table *t, char *slot)
{
	struct link link = get_link(t, slot);
	set_newer(t, link.older, link.newer);
	set_older(t, link.newer, link.older);
	memset(slot + t->layout.link_offset, 0, table_link_bytes);
	t->deleted--;
}

int64_t table_deleted_at(const struct table *t, const char *slot)
{
	return get_link(t, slot).at_us;
}

void table_deleted_set_at(struct table *t, char *slot, int64_t at_us)
{
	set_link(t, slot, (struct link){table_none, table_none, at_us});
}

/* Those of this batch stay: its changes name them. */
static bool forget_oldest(struct table *t, int64_t before_us)
{
	if (t->oldest == table_none)
		return false;
	char *slot = table_slot(t, t->oldest);
	if (slot[0] & table_mark_touched || get_link(t, slot).at_us >= before_us)
		return false;
	uint32_t id = t->oldest;
	table_deleted_unlink(t, slot);
	table_free_id(t, id);
	return true;
}

bool table_deleted_trim(struct table *t, uint32_t max)
{
	while (max > 0 && forget_oldest(t, never_remembered + 1))
		max--;
	while (max > 0 && t->deleted > t->config.deleted_max && forget_oldest(t, INT64_MAX))
		max--;
	return max == 0;
}

int64_t table_forget_deleted(struct table *t, int64_t before_us, int64_t max)
{
	check(t->fresh.count == 0);
	int64_t forgotten = 0;
	while (forgotten < max && forget_oldest(t, before_us))
		forgotten++;
	return forgotten;
}

/* *at is one more than the id to go on with; 0 at first, and the end is one that no id has. */
uint32_t table_scan_deleted(
	const struct table *t, uint32_t *at, uint32_t *ids, int64_t *deleted_us)
{
	uint32_t count = 0, id = *at == 0 ? t->oldest : *at == table_none ? table_none : *at - 1;
	while (id != table_none && count < chunk_rows_max) {
		struct link link = get_link(t, table_slot((struct table *)(uintptr_t)t, id));
		ids[count] = id;
		deleted_us[count++] = link.at_us;
		id = link.newer;
	}
	*at = id == table_none ? table_none : id + 1;
	return count;
}
