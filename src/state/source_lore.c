#include "state/source_lore.h"

#include "base/arena.h"
#include "base/array.h"
#include "base/bounds.h"
#include "base/check.h"
#include "state/record.h"

#include <stdlib.h>

enum { record_topic, record_partition, record_place };

/* Both are malloc'ed, and so are the names in them. */
struct lore_topic {
	uint32_t source;
	bool is_new;                    /* not in the log yet, or other */
	bool *new_partitions;           /* the same, by place in `partitions` */
	struct topic_lore lore;
	struct named_lore *columns;
	struct partition_lore *partitions; /* in the order of their numbers */
	uint32_t partition_capacity;
};

struct source_lore {
	struct state_part part;
	struct lore_topic **topics;
	uint32_t count;
	uint32_t capacity;
	uint32_t recent;
};

/* ---- topics ---- */

static void *grown(void *array, size_t bytes)
{
	void *more = realloc(array, bytes);
	check(more != NULL);
	return more;
}

static struct str own(struct str s)
{
	char *bytes = grown(NULL, s.len + 1);
	if (s.len > 0)
		memcpy(bytes, s.data, s.len);
	return (struct str){bytes, s.len};
}

static void forget_columns(struct lore_topic *t)
{
	for (uint32_t i = 0; i < t->lore.column_count; i++)
		free((void *)(uintptr_t)t->columns[i].name.data);
	free(t->columns);
	t->columns = NULL;
	t->lore.column_count = 0;
}

static void release_topic(struct lore_topic *t)
{
	forget_columns(t);
	free((void *)(uintptr_t)t->lore.topic.data);
	free(t->partitions);
	free(t->new_partitions);
	free(t);
}

static bool is_topic(const struct lore_topic *t, uint32_t source, struct str topic)
{
	return t->source == source && str_eq(t->lore.topic, topic);
}

/* NULL: there are too many. */
static struct lore_topic *topic_of(struct source_lore *l, uint32_t source, struct str topic)
{
	for (uint32_t i = 0; i < l->count; i++) {
		uint32_t at = (l->recent + i) % l->count;
		if (!is_topic(l->topics[at], source, topic))
			continue;
		l->recent = at;
		return l->topics[at];
	}
	if (l->count == source_lore_topics_max)
		return NULL;
	l->topics = array_grown(
		l->topics, &l->capacity, l->count + 1, sizeof(struct lore_topic *));
	struct lore_topic *t = calloc(1, sizeof(*t));
	check(t != NULL);
	t->source = source;
	t->lore.topic = own(topic);
	l->recent = l->count;
	return l->topics[l->count++] = t;
}

static void set_topic(struct lore_topic *t, const struct topic_lore *from)
{
	forget_columns(t);
	t->lore.kind = from->kind;
	t->lore.unwrapped = from->unwrapped;
	t->lore.seen_rows = from->seen_rows;
	t->lore.has_others = from->has_others;
	t->columns = grown(NULL, (from->column_count + 1) * sizeof(*t->columns));
	for (uint32_t i = 0; i < from->column_count; i++)
		t->columns[i] = (struct named_lore){
			own(from->columns[i].name), from->columns[i].lore};
	t->lore.columns = t->columns;
	t->lore.column_count = from->column_count;
	t->is_new = true;
}

/* The place of a number among those of the topic, or where it belongs. */
static uint32_t place_of(const struct lore_topic *t, int32_t number)
{
	uint32_t low = 0, high = t->lore.partition_count;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (t->partitions[mid].partition < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void set_partition(struct lore_topic *t, const struct partition_lore *p)
{
	uint32_t at = place_of(t, p->partition), count = t->lore.partition_count;
	bool found = at < count && t->partitions[at].partition == p->partition;
	if (!found && count == t->partition_capacity) {
		t->partition_capacity = count * 2 + 8;
		t->partitions = grown(
			t->partitions, t->partition_capacity * sizeof(*t->partitions));
		t->new_partitions = grown(t->new_partitions, t->partition_capacity);
		t->lore.partitions = t->partitions;
	}
	if (!found) {
		memmove(t->partitions + at + 1, t->partitions + at,
			(count - at) * sizeof(*t->partitions));
		memmove(t->new_partitions + at + 1, t->new_partitions + at, count - at);
		t->lore.partition_count++;
	}
	t->partitions[at] = *p;
	t->new_partitions[at] = true;
}

/* ---- from decoders, and to them ---- */

void source_lore_note(struct source_lore *l, uint32_t source, const struct topic_lore *news)
{
	struct lore_topic *t = topic_of(l, source, news->topic);
	check(t != NULL);
	set_topic(t, news);
	for (uint32_t i = 0; i < news->partition_count; i++)
		set_partition(t, &news->partitions[i]);
}

void source_lore_gather(struct source_lore *l, uint32_t source, struct envelope_decoder *d)
{
	struct arena arena;
	struct topic_lore news;
	arena_init(&arena, 4096);
	for (uint32_t at = 0; envelope_news(d, &at, &arena, &news);)
		source_lore_note(l, source, &news);
	arena_release(&arena);
}

void source_lore_recall(
	const struct source_lore *l, uint32_t source, struct envelope_decoder *d)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (l->topics[i]->source == source)
			envelope_recall(d, &l->topics[i]->lore);
}

void source_lore_keep(struct source_lore *l, const uint32_t *sources, uint32_t count)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < l->count; i++) {
		uint32_t k = 0;
		while (k < count && sources[k] != l->topics[i]->source)
			k++;
		if (k < count)
			l->topics[kept++] = l->topics[i];
		else
			release_topic(l->topics[i]);
	}
	l->count = kept;
	l->recent = 0;
}

bool source_lore_at(const struct source_lore *l, uint32_t at, uint32_t *source,
	struct topic_lore *out)
{
	if (at >= l->count)
		return false;
	*source = l->topics[at]->source;
	*out = l->topics[at]->lore;
	return true;
}

/* ---- records ---- */

static void add_topic(const struct lore_topic *t, struct strbuf *out)
{
	const struct topic_lore *lore = &t->lore;
	record_add_u8(out, record_topic);
	record_add_u32(out, t->source);
	record_add_str(out, lore->topic);
	record_add_u8(out, (uint8_t)lore->kind);
	record_add_u8(out, (uint8_t)(lore->unwrapped | lore->seen_rows << 1 |
				   lore->has_others << 2));
	record_add_u32(out, lore->column_count);
	for (uint32_t i = 0; i < lore->column_count; i++) {
		const struct column_lore *c = &lore->columns[i].lore;
		record_add_str(out, lore->columns[i].name);
		record_add_u8(out, c->unit);
		record_add_u8(out, (uint8_t)c->lead);
		record_add_u8(out, c->decimal);
		record_add_u8(out, c->binary);
	}
}

static void add_partition(const struct lore_topic *t, uint32_t at, struct strbuf *out)
{
	const struct partition_lore *p = &t->partitions[at];
	record_add_u8(out, record_place);
	record_add_u32(out, t->source);
	record_add_str(out, t->lore.topic);
	record_add_u32(out, (uint32_t)p->partition);
	const struct partition_place *place = &p->place;
	record_add_i64(out, place->epoch);
	record_add_i64(out, place->lsn_max);
	record_add_i64(out, place->pos_max);
	record_add_i64(out, place->time_max_us);
	record_add_u64(out, place->origin);
	record_add_u8(out, (uint8_t)(place->streamed | place->mixed << 1));
}

static void add_all(const struct lore_topic *t, struct strbuf *out)
{
	add_topic(t, out);
	for (uint32_t k = 0; k < t->lore.partition_count; k++)
		add_partition(t, k, out);
}

static bool take_column(struct record_reader *r, struct named_lore *to)
{
	to->name = record_str(r);
	to->lore.unit = record_u8(r);
	to->lore.lead = (int8_t)record_u8(r);
	to->lore.decimal = record_u8(r);
	to->lore.binary = record_u8(r);
	return !r->bad && to->name.data != NULL && column_lore_is_good(to->lore);
}

static bool take_topic(struct source_lore *l, struct record_reader *r)
{
	struct topic_lore lore = {.columns = NULL};
	uint32_t source = record_u32(r);
	lore.topic = record_str(r);
	uint8_t kind = record_u8(r), flags = record_u8(r);
	uint32_t count = record_u32(r);
	if (r->bad || lore.topic.data == NULL || kind > ENVELOPE_OGG || flags > 7 ||
		count > schema_columns_max)
		return false;
	lore.kind = (enum envelope_kind)kind;
	lore.unwrapped = flags & 1;
	lore.seen_rows = flags & 2;
	lore.has_others = flags & 4;
	struct named_lore *columns = grown(NULL, (count + 1) * sizeof(*columns));
	bool good = true;
	while (good && lore.column_count < count)
		good = take_column(r, &columns[lore.column_count++]);
	lore.columns = columns;
	struct lore_topic *t = good ? topic_of(l, source, lore.topic) : NULL;
	if (t != NULL)
		set_topic(t, &lore);
	free(columns);
	return t != NULL;
}

/* Without time and origin: of checkpoints from before they were kept. */
static bool take_partition(struct source_lore *l, struct record_reader *r, bool whole)
{
	uint32_t source = record_u32(r);
	struct str topic = record_str(r);
	uint32_t number = record_u32(r);
	struct partition_place place = {.epoch = record_i64(r), .seen = true, .streamed = true};
	place.lsn_max = record_i64(r);
	place.pos_max = record_i64(r);
	if (whole) {
		place.time_max_us = record_i64(r);
		place.origin = record_u64(r);
		uint8_t flags = record_u8(r);
		r->bad = r->bad || flags > 3;
		place.streamed = flags & 1;
		place.mixed = flags & 2;
	}
	if (r->bad || topic.data == NULL || number >= lore_partitions_max)
		return false;
	struct lore_topic *t = topic_of(l, source, topic);
	if (t != NULL)
		set_partition(t, &(struct partition_lore){(int32_t)number, place});
	return t != NULL;
}

int source_lore_read(struct source_lore *l, struct str records, struct error *err)
{
	struct record_reader r = {.bytes = records};
	while (record_left(&r) > 0) {
		size_t at = r.at;
		uint8_t kind = record_u8(&r);
		bool good = kind == record_topic && take_topic(l, &r);
		if (kind == record_partition || kind == record_place)
			good = take_partition(l, &r, kind == record_place);
		if (!good)
			return error_set(err, CDCL_E_STATE,
				STR_FMT ": a record that cannot be, at byte %zu",
				STR_ARG(l->part.name), at);
	}
	return 0;
}

void source_lore_write(const struct source_lore *l, uint32_t source, struct strbuf *out)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (l->topics[i]->source == source)
			add_all(l->topics[i], out);
}

/* ---- the part ---- */

static struct source_lore *lore_of(struct state_part *p)
{
	return container_of(p, struct source_lore, part);
}

static bool changes(struct state_part *p, size_t bytes_max, struct strbuf *out)
{
	struct source_lore *l = lore_of(p);
	size_t end = out->len + bytes_max;
	for (uint32_t i = 0; i < l->count; i++) {
		struct lore_topic *t = l->topics[i];
		if (t->is_new && out->len < end) {
			add_topic(t, out);
			t->is_new = false;
		}
		for (uint32_t k = 0; k < t->lore.partition_count && out->len < end; k++) {
			if (t->new_partitions[k])
				add_partition(t, k, out);
			t->new_partitions[k] = false;
		}
		if (out->len >= end)
			return true;
	}
	return false;
}

/* A topic is in one slice: the next one is *at. */
static bool scan(struct state_part *p, uint64_t *at, size_t bytes_max, struct strbuf *out)
{
	const struct source_lore *l = lore_of(p);
	size_t end = out->len + bytes_max;
	for (; *at < l->count && out->len < end; ++*at)
		add_all(l->topics[*at], out);
	return *at < l->count;
}

static int apply(struct state_part *p, struct str records, struct error *err)
{
	return source_lore_read(lore_of(p), records, err);
}

static void clear(struct state_part *p)
{
	source_lore_keep(lore_of(p), NULL, 0);
}

/* Epochs are counted by each process: a merge adds those of the ones before. */
static int ready(struct state_part *p, struct error *err)
{
	struct source_lore *l = lore_of(p);
	(void)err;
	for (uint32_t i = 0; i < l->count; i++) {
		struct lore_topic *t = l->topics[i];
		t->is_new = false;
		for (uint32_t k = 0; k < t->lore.partition_count; k++) {
			t->partitions[k].place.epoch = 0;
			t->new_partitions[k] = false;
		}
	}
	return 0;
}

static const struct state_part_ops source_lore_ops = {
	.changes = changes, .scan = scan, .apply = apply, .clear = clear, .ready = ready};

struct source_lore *source_lore_open(void)
{
	struct source_lore *l = calloc(1, sizeof(*l));
	check(l != NULL);
	l->part = (struct state_part){&source_lore_ops, source_lore_name, str_lit("1")};
	return l;
}

void source_lore_close(struct source_lore *l)
{
	if (l == NULL)
		return;
	source_lore_keep(l, NULL, 0);
	free(l->topics);
	free(l);
}

struct state_part *source_lore_part(struct source_lore *l)
{
	return &l->part;
}
