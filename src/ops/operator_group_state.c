/*
 * What a checkpoint keeps of a group over a Stream. Over a Table nothing: it is computed again from
 * the Table's rows.
 *
 *	[ 0 | id 4 | key | born 8 | rows 8 | one accumulator per call ]        a group
 *	[ 1 | call 4 | entry ]                    a value that count(distinct ...) has seen
 *
 * Ids are given in the order in which groups come, and kept: values seen name their group by it. A
 * group is never removed, so both kinds only grow, and new ones come in order.
 */

#include "ops/operator_group.h"

#include "base/bounds.h"
#include "base/check.h"
#include "state/group_shape.h"
#include "state/noted_ids.h"
#include "state/record.h"

#include <stdlib.h>

enum { kept_group = 0, kept_seen = 1 };

struct group_state {
	struct state_part part;
	struct operator_group *group;
	struct strbuf name;
	struct strbuf shape;
	struct noted_ids noted;
	uint32_t *seen_given;   /* by call */
};

void group_note(struct operator_group *self, uint32_t group)
{
	noted_ids_add(&self->kept->noted, group);
}

/* ---- writing ---- */

static void add_group(const struct operator_group *self, uint32_t group, struct strbuf *out)
{
	record_add_u8(out, kept_group);
	record_add_u32(out, group);
	record_add_str(out, group_table_key(&self->table, group));
	record_add_u64(out, self->born[group]);
	record_add_i64(out, self->row_counts[group]);
	for (uint32_t i = 0; i < self->plan->call_count; i++) {
		if (self->calls[i].custom != NULL)
			custom_state_save(self->calls[i].custom, group, out);
		else
			aggregate_save(self->calls[i].aggregate, group, out);
	}
}

static uint32_t seen_count(const struct operator_group *self, uint32_t call)
{
	const struct aggregate *a = self->calls[call].aggregate;
	return a == NULL ? 0 : aggregate_seen_count(a);
}

static void add_seen(
	const struct operator_group *self, uint32_t call, uint32_t entry, struct strbuf *out)
{
	record_add_u8(out, kept_seen);
	record_add_u32(out, call);
	aggregate_seen_save(self->calls[call].aggregate, entry, out);
}

static bool changes(struct state_part *p, size_t bytes_max, struct strbuf *out)
{
	struct group_state *kept = container_of(p, struct group_state, part);
	const struct operator_group *self = kept->group;
	size_t end = out->len + bytes_max;
	uint32_t id;
	while (noted_ids_take(&kept->noted, &id, 1) == 1) {
		add_group(self, id, out);
		if (out->len >= end)
			return true;
	}
	for (uint32_t i = 0; i < self->plan->call_count; i++)
		for (; kept->seen_given[i] < seen_count(self, i); kept->seen_given[i]++) {
			if (out->len >= end)
				return true;
			add_seen(self, i, kept->seen_given[i], out);
		}
	return false;
}

/* Groups first; then *at is (call + 1) << 32 | entry. */
static bool scan(struct state_part *p, uint64_t *at, size_t bytes_max, struct strbuf *out)
{
	const struct operator_group *self = container_of(p, struct group_state, part)->group;
	size_t end = out->len + bytes_max;
	for (; *at < self->table.id_count; ++*at) {
		if (out->len >= end)
			return true;
		add_group(self, (uint32_t)*at, out);
	}
	if (*at <= UINT32_MAX)
		*at = UINT64_C(1) << 32;
	for (uint32_t call = (uint32_t)(*at >> 32) - 1; call < self->plan->call_count; call++) {
		for (; (uint32_t)*at < seen_count(self, call); ++*at) {
			if (out->len >= end)
				return true;
			add_seen(self, call, (uint32_t)*at, out);
		}
		*at = (uint64_t)(call + 2) << 32;
	}
	return false;
}

/* ---- reading ---- */

/* Records with the same calls in another order. */
struct state_fit {
	uint32_t count;
	uint32_t *call_of;      /* by call of the records */
};

static uint32_t call_of(const struct state_fit *how, uint32_t at)
{
	return how == NULL ? at : how->call_of[at];
}

static int load_calls(struct operator_group *self, const struct state_fit *how, uint32_t group,
	struct record_reader *r)
{
	for (uint32_t k = 0; k < self->plan->call_count; k++) {
		uint32_t i = call_of(how, k);
		bool good = self->calls[i].custom != NULL
			? custom_state_load(self->calls[i].custom, group, r)
			: aggregate_load(self->calls[i].aggregate, group, r);
		if (!good)
			return -1;
	}
	return 0;
}

/* 0, 1: it cannot be, or negative. */
static int take_group(struct operator_group *self, const struct state_fit *how,
	struct record_reader *r, struct error *err)
{
	uint32_t id = record_u32(r), found, fresh;
	struct str key = record_str(r);
	uint64_t born = record_u64(r);
	int64_t rows = record_i64(r);
	if (r->bad || id > self->table.id_count)
		return 1;
	int count = group_table_put(&self->table, &key, 1, &found, &fresh, err);
	if (count < 0)
		return count;
	if (found != id)
		return 1;
	if (count > 0) {
		group_reserve(self);
		group_begin(self, id);
	}
	self->born[id] = born;
	self->row_counts[id] = rows;
	self->births = born >= self->births ? born + 1 : self->births;
	self->emitted = true;
	return load_calls(self, how, id, r) < 0;
}

static int take_seen(struct operator_group *self, const struct state_fit *how,
	struct record_reader *r, struct error *err)
{
	uint32_t call = record_u32(r);
	if (r->bad || call >= self->plan->call_count)
		return 1;
	call = call_of(how, call);
	if (self->calls[call].aggregate == NULL)
		return 1;
	return aggregate_seen_load(self->calls[call].aggregate, r, err);
}

/* The key may be of bytes that no group_by of these types gives: it is read when rows are given. */
static bool good_key(const struct operator_group *self, struct str key)
{
	if (group_global(self))
		return key.data != NULL && key.len == 0;
	return group_key_is_good(&self->key, key);
}

static int take_records(struct state_part *p, const struct state_fit *how, struct str records,
	struct error *err)
{
	struct operator_group *self = container_of(p, struct group_state, part)->group;
	struct record_reader r = {.bytes = records};
	int result = 0;
	while (record_left(&r) > 0 && result == 0) {
		uint8_t kind = record_u8(&r);
		struct record_reader ahead = r;
		record_u32(&ahead);
		if (kind == kept_group && !good_key(self, record_str(&ahead)))
			result = 1;
		else if (kind == kept_group)
			result = take_group(self, how, &r, err);
		else
			result = kind == kept_seen ? take_seen(self, how, &r, err) : 1;
	}
	if (result != 1)
		return result;
	return error_set(err, CDCL_E_STATE, STR_FMT ": a record that cannot be, at byte %zu",
		STR_ARG(p->name), r.at);
}

static int apply(struct state_part *p, struct str records, struct error *err)
{
	return take_records(p, NULL, records, err);
}

/* The first call of `a` that `b` has not. */
static bool find_missing(struct str a, struct str b, struct str *call)
{
	struct str keys;
	group_shape_next(&a, &keys);
	while (group_shape_next(&a, call))
		if (group_shape_find(b, *call) < 0)
			return true;
	return false;
}

/* Calls are known by their text; shapes in between had the same ones, so the first says all. */
static enum state_verdict fit(const struct state_part *p, const struct str *shapes, uint32_t count,
	struct arena *arena, const struct state_fit **how, struct strbuf *why)
{
	struct str kept = shapes[0], keys, call;
	(void)count;
	if (find_missing(p->shape, kept, &call))
		strbuf_addf(why, STR_FMT " is new: it would not know what came before",
			STR_ARG(call));
	else if (find_missing(kept, p->shape, &call))
		strbuf_addf(why, STR_FMT " is kept, and the script has it no more", STR_ARG(call));
	else if (!group_shape_same_keys(kept, p->shape))
		strbuf_addf(why, "the keys are others; kept is (" STR_FMT ")", STR_ARG(kept));
	if (why->len > 0)
		return STATE_REFUSE;
	struct state_fit *to = ARENA_NEW(arena, struct state_fit);
	*to = (struct state_fit){
		.call_of = ARENA_ARRAY(arena, uint32_t, group_shape_calls(kept) + 1)};
	group_shape_next(&kept, &keys);
	while (group_shape_next(&kept, &call))
		to->call_of[to->count++] = (uint32_t)group_shape_find(p->shape, call);
	strbuf_add_c(why, "its columns are in another order");
	*how = to;
	return STATE_CONVERT;
}

static int ready(struct state_part *p, struct error *err)
{
	struct group_state *kept = container_of(p, struct group_state, part);
	(void)err;
	for (uint32_t i = 0; i < kept->group->plan->call_count; i++)
		kept->seen_given[i] = seen_count(kept->group, i);
	return 0;
}

static const struct state_part_ops group_state_ops = {
	.changes = changes,
	.scan = scan,
	.apply = apply,
	.ready = ready,
	.fit = fit,
	.convert = take_records};

/* ---- a part ---- */

static void add_type(struct type type, struct strbuf *out)
{
	strbuf_add_byte(out, ' ');
	type_name(type, out);
}

/* "op string; count(*); sum(quantity) int" */
static void add_shape(const struct operator_group *self, struct strbuf *out)
{
	const struct aggregate_plan *plan = self->plan;
	for (uint32_t i = 0; i < plan->key_count; i++) {
		strbuf_addf(out, "%s" STR_FMT, i == 0 ? "" : ", ",
			STR_ARG(plan->inner->columns[i].name));
		add_type(self->key.types[i], out);
	}
	for (uint32_t i = 0; i < plan->call_count; i++) {
		const struct aggregate_call *call = &plan->calls[i];
		strbuf_addf(out, "; " STR_FMT, STR_ARG(call->text));
		for (uint32_t k = 0; k < call->argument_count; k++)
			add_type(expr_type(call->arguments[k]), out);
		if (call->custom != NULL)
			schema_text(call->custom->state, out);
	}
}

int group_parts(
	struct operator *op, struct state_part **parts, uint32_t parts_max, struct error *err)
{
	struct operator_group *self = (struct operator_group *)op;
	if (self->retract)
		return 0;
	check(parts_max >= 1 && self->kept == NULL);
	int r = group_start(self, err);
	if (r < 0)
		return r;
	struct group_state *kept = operator_alloc(sizeof(*kept));
	strbuf_init(&kept->name);
	strbuf_init(&kept->shape);
	strbuf_add_c(&kept->name, "group ");
	schema_text(self->plan->schema, &kept->name);
	add_shape(self, &kept->shape);
	kept->group = self;
	kept->seen_given =
		operator_alloc((self->plan->call_count + 1) * sizeof(*kept->seen_given));
	kept->part = (struct state_part){.ops = &group_state_ops,
		.name = strbuf_str(&kept->name),
		.shape = strbuf_str(&kept->shape)};
	self->kept = kept;
	parts[0] = &kept->part;
	return 1;
}

void group_restore(struct operator *op)
{
	struct operator_group *self = (struct operator_group *)op;
	if (self->retract)
		return;
	group_reserve_touched(self, self->table.id_count);
	for (uint32_t group = 0; group < self->table.id_count; group++) {
		self->touched_in[group] = self->batch_number;
		self->before[self->touched_count] = group_none;
		self->touched[self->touched_count++] = group;
	}
}

void group_state_release(struct operator_group *self)
{
	if (self->kept == NULL)
		return;
	strbuf_release(&self->kept->name);
	strbuf_release(&self->kept->shape);
	noted_ids_release(&self->kept->noted);
	free(self->kept->seen_given);
	free(self->kept);
}
