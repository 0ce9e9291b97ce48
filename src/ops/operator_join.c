#include "ops/operator_join.h"

#include "base/bounds.h"
#include "base/check.h"

#include <stdlib.h>

/* ---- a side's chunk ---- */

static bool has_null(const struct vector *values, uint32_t count, uint32_t row)
{
	for (uint32_t i = 0; i < count; i++)
		if (values[i].type.id == TYPE_NULL || column_is_null(&values[i].column, row))
			return true;
	return false;
}

int join_evaluate(struct operator_join *self, struct join_side *side, struct chunk *c,
	struct join_input *in, struct error *err)
{
	uint32_t count = self->plan->count;
	struct vector *values = ARENA_ARRAY(c->arena, struct vector, count);
	for (uint32_t i = 0; i < count; i++) {
		int r = operator_eval(&self->op, side->exprs[i], c, &values[i], err);
		if (r < 0)
			return r;
	}
	in->count = 0;
	for (uint32_t row = chunk_next_live(c, 0); row < c->row_count;
		row = chunk_next_live(c, row + 1))
		in->rows[in->count++] = (uint16_t)row;
	group_key_encode(&self->key, values, in->rows, in->count, c->arena, in->keys);
	for (uint32_t i = 0; i < in->count; i++)
		if (has_null(values, count, in->rows[i]))
			in->keys[i] = (struct str){NULL, 0};
	return 0;
}

static void *wider(void *array, size_t width, uint32_t from, uint32_t to)
{
	char *p = realloc(array, width * to);
	check(p != NULL);
	memset(p + width * from, 0, width * (to - from));
	return p;
}

static void reserve(struct operator_join *self)
{
	uint32_t from = self->capacity, to = self->keys.entry_capacity;
	if (self->keys.id_count <= from)
		return;
	self->touched_in = wider(self->touched_in, sizeof(*self->touched_in), from, to);
	self->left.lists = wider(self->left.lists, sizeof(*self->left.lists), from, to);
	self->right.lists = wider(self->right.lists, sizeof(*self->right.lists), from, to);
	self->capacity = to;
}

/* Keys that a batch touched may be without rows at its end. */
static void touch(struct operator_join *self, uint32_t key)
{
	if (self->touched_in[key] == self->batch_number)
		return;
	self->touched_in[key] = self->batch_number;
	if (self->touched_count == self->touched_capacity) {
		uint32_t to = self->touched_capacity * 2 + 256;
		self->touched = realloc(self->touched, to * sizeof(*self->touched));
		check(self->touched != NULL);
		self->touched_capacity = to;
	}
	self->touched[self->touched_count++] = key;
}

static int find_keys(
	struct operator_join *self, const struct join_input *in, uint32_t *ids, struct error *err)
{
	uint32_t fresh[chunk_rows_max];
	int count = group_table_put(&self->keys, in->keys, in->count, ids, fresh, err);
	if (count < 0)
		return count;
	reserve(self);
	for (uint32_t i = 0; i < in->count; i++)
		touch(self, ids[i]);
	return 0;
}

static bool is_null_key(const struct operator_join *self, uint32_t key)
{
	return group_table_key(&self->keys, key).data == NULL;
}

static bool adds(const struct chunk *c, uint32_t row)
{
	enum row_kind kind = chunk_kind(c, row);
	return kind == ROW_INSERT || kind == ROW_UPDATE_AFTER;
}

static int store(struct operator_join *self, struct join_side *side, uint32_t key, struct str row,
	bool add, struct error *err)
{
	self->state.rows_total += add ? 1 : -1;
	if (!add)
		return multiset_remove(side->rows, &side->lists[key], key, row)
			? 0
			: operator_never_given("join", err);
	int r = multiset_add(side->rows, &side->lists[key], key, row, err);
	return r < 0 ? error_prefix(err, "join: ") : 0;
}

/* ---- rows of the output ---- */

/* A left row with a right one, or with none (absent: NULLs), comes or goes. */
static int change(struct operator_join *self, struct str left, struct str right, bool add,
	struct error *err)
{
	struct strbuf *row = &self->row, *key = &self->out_key;
	strbuf_reset(row);
	strbuf_reset(key);
	strbuf_add(row, left);
	strbuf_add(row, right);
	enum join_key by = self->plan->key;
	if (by == JOIN_KEY_LEFT || by == JOIN_KEY_BOTH)
		strbuf_add(key, row_pack_key(&self->left.pack, left));
	if ((by == JOIN_KEY_RIGHT || by == JOIN_KEY_BOTH) && right.data != NULL)
		strbuf_add(key, row_pack_key(&self->right.pack, right));
	/* No match has a key of NULLs, packed as a right row's would be: the two may follow. */
	bool unmatched = by == JOIN_KEY_BOTH && right.data == NULL;
	for (uint32_t i = 0; unmatched && i < self->right.pack.key_count; i++)
		strbuf_add_byte(key, 0);
	struct str bytes = by == JOIN_KEY_NONE ? strbuf_str(row) : strbuf_str(key);
	if (bytes.data == NULL)
		bytes = str_lit("");
	return net_changes_add(self->changes, bytes, strbuf_str(row), add ? 1 : -1, err);
}

static int change_left(struct operator_join *self, uint32_t key, struct str row, bool add,
	struct error *err)
{
	const struct multiset_list *list = &self->right.lists[key];
	if (is_null_key(self, key) || list->count == 0)
		return self->plan->kind == JOIN_LEFT
			? change(self, row, (struct str){NULL, 0}, add, err)
			: 0;
	int r = 0;
	for (uint32_t n = list->first; n != 0 && r >= 0; n = multiset_next(self->right.rows, n))
		r = change(self, row, multiset_bytes(self->right.rows, n), add, err);
	return r;
}

/* All left rows of a key with one right row, or with none. */
static int change_right(struct operator_join *self, uint32_t key, struct str row, bool add,
	struct error *err)
{
	int r = 0;
	for (uint32_t n = self->left.lists[key].first; n != 0 && r >= 0;
		n = multiset_next(self->left.rows, n))
		r = change(self, multiset_bytes(self->left.rows, n), row, add, err);
	return r;
}

/* ---- push ---- */

static int push_left(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_join *self = ((struct join_side *)(void *)op)->join;
	struct join_input in;
	uint32_t ids[chunk_rows_max];
	if (self->stream)
		return join_keep(self, c, err);
	int r = join_evaluate(self, &self->left, c, &in, err);
	if (r >= 0)
		r = find_keys(self, &in, ids, err);
	struct strbuf packed;
	strbuf_init(&packed);
	for (uint32_t i = 0; i < in.count && r >= 0; i++) {
		bool add = adds(c, in.rows[i]);
		if (in.keys[i].data == NULL && self->plan->kind == JOIN_INNER)
			continue;
		strbuf_reset(&packed);
		row_pack_add(&self->left.pack, c, in.rows[i], &packed);
		r = change_left(self, ids[i], strbuf_str(&packed), add, err);
		if (r >= 0)
			r = store(self, &self->left, ids[i], strbuf_str(&packed), add, err);
	}
	strbuf_release(&packed);
	return r;
}

static void pend(struct operator_join *self, uint32_t key, bool add)
{
	if (self->pending_count == self->pending_capacity) {
		check(self->pending_capacity < UINT32_MAX / 4);
		uint32_t to = self->pending_capacity * 2 + 256;
		self->pending = realloc(self->pending, to * sizeof(*self->pending));
		check(self->pending != NULL);
		self->pending_capacity = to;
	}
	struct str row = str_dup(strbuf_str(&self->row), &self->pending_arena);
	self->pending[self->pending_count++] =
		(struct join_pending){.row = row, .key = key, .add = add};
}

static int push_right(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_join *self = ((struct join_side *)(void *)op)->join;
	struct join_input in;
	uint32_t ids[chunk_rows_max];
	int r = join_evaluate(self, &self->right, c, &in, err);
	if (r >= 0)
		r = find_keys(self, &in, ids, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < in.count; i++) {
		if (in.keys[i].data == NULL)
			continue;
		strbuf_reset(&self->row);
		row_pack_add(&self->right.pack, c, in.rows[i], &self->row);
		pend(self, ids[i], adds(c, in.rows[i]));
	}
	return 0;
}

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	(void)op;
	(void)c;
	return error_set(err, CDCL_E_INTERNAL, "a join takes chunks by its ports");
}

/* ---- finish ---- */

/* Is `i` one half of -U +U within its key? Then left rows do not lose their match in between. */
static bool replaced(const struct operator_join *self, uint32_t i)
{
	const struct join_pending *p = &self->pending[i];
	if (p->add)
		return i > 0 && !p[-1].add && p[-1].key == p->key;
	return i + 1 < self->pending_count && p[1].add && p[1].key == p->key;
}

static int apply_one(struct operator_join *self, uint32_t i, struct error *err)
{
	const struct join_pending *p = &self->pending[i];
	const struct multiset_list *list = &self->right.lists[p->key];
	const struct str none = {NULL, 0};
	bool nulls = self->plan->kind == JOIN_LEFT && !self->stream && !replaced(self, i);
	int r = 0;
	if (p->add && list->count == 0 && nulls)
		r = change_right(self, p->key, none, false, err);
	if (r >= 0 && !self->stream)
		r = change_right(self, p->key, p->row, p->add, err);
	if (r >= 0)
		r = store(self, &self->right, p->key, p->row, p->add, err);
	if (r >= 0 && !p->add && list->count == 0 && nulls)
		r = change_right(self, p->key, none, true, err);
	return r;
}

/* The rows that wait come into the right side; their effects on left rows go to `changes`. */
static int apply_pending(struct operator_join *self, struct error *err)
{
	enum { applied_max = 512 };
	uint32_t left = self->pending_count - self->applied;
	uint32_t end = self->applied + (left < applied_max ? left : applied_max);
	int r = 0;
	while (r >= 0 && self->applied < end)
		r = apply_one(self, self->applied++, err);
	return r < 0 ? r : self->applied < self->pending_count;
}

static int add_key(struct operator *op, uint32_t key, struct error *err)
{
	struct operator_join *self = (struct operator_join *)op;
	const struct multiset_list *right = &self->right.lists[key];
	int r = 0;
	for (uint32_t l = self->left.lists[key].first; l != 0 && r >= 0;
		l = multiset_next(self->left.rows, l)) {
		struct str left = multiset_bytes(self->left.rows, l);
		if (right->count == 0 && self->plan->kind == JOIN_LEFT)
			r = row_emitter_add(&self->emitter, left, ROW_INSERT, err);
		for (uint32_t n = right->first; n != 0 && r >= 0;
			n = multiset_next(self->right.rows, n))
			r = row_emitter_add_parts(&self->emitter, left,
				multiset_bytes(self->right.rows, n), ROW_INSERT, err);
	}
	return r;
}

static void end_batch(struct operator_join *self)
{
	for (uint32_t i = 0; i < self->touched_count; i++) {
		uint32_t key = self->touched[i];
		if (self->left.lists[key].count > 0 || self->right.lists[key].count > 0)
			continue;
		self->touched_in[key] = 0;
		group_table_remove(&self->keys, key);
	}
	size_t by_key = sizeof(*self->touched_in) + 2 * sizeof(*self->left.lists);
	self->state.memory_bytes = (int64_t)(self->slab.bytes_used +
		group_table_bytes(&self->keys) + multiset_bytes_held(self->left.rows) +
		multiset_bytes_held(self->right.rows) + net_changes_bytes(self->changes) +
		self->capacity * by_key);
	self->state.rows_updated = self->touched_count;
	self->touched_count = 0;
	self->pending_count = self->applied = 0;
	self->finish = JOIN_APPLY;
	self->batch_number++;
	arena_reset(&self->pending_arena);
	net_changes_reset(self->changes);
}

static int finish(struct operator *op, const struct batch *b, struct error *err)
{
	struct operator_join *self = (struct operator_join *)op;
	int r = 0;
	switch (self->finish) {
	case JOIN_APPLY: r = apply_pending(self, err); break;
	case JOIN_LOOK_UP: r = self->stream ? join_look_up(self, err) : 0; break;
	case JOIN_CHANGES: r = row_emitter_changes(&self->emitter, self->changes, err); break;
	case JOIN_ALL:
		r = row_emitter_all(&self->emitter, b, self->keys.id_count, add_key, err);
		break;
	}
	if (r != 0)
		return r < 0 ? r : 1;
	if (self->finish++ != JOIN_ALL)
		return 1;
	end_batch(self);
	return 0;
}

/* ---- open, close ---- */

static struct operator *input(struct operator *op, uint32_t index)
{
	struct operator_join *self = (struct operator_join *)op;
	return index == 0 ? &self->left.port : &self->right.port;
}

static void close_side(struct join_side *side)
{
	multiset_close(side->rows);
	row_pack_release(&side->pack);
	free(side->lists);
}

static void close(struct operator *op)
{
	struct operator_join *self = (struct operator_join *)op;
	close_side(&self->left);
	close_side(&self->right);
	row_emitter_release(&self->emitter);
	net_changes_close(self->changes);
	join_kept_close(self->kept);
	group_table_release(&self->keys);
	slab_release(&self->slab);
	arena_release(&self->pending_arena);
	strbuf_release(&self->row);
	strbuf_release(&self->out_key);
	free(self->key.types);
	free(self->touched_in);
	free(self->touched);
	free(self->pending);
	free(self);
}

static const struct operator_ops left_ops = {.name = "join left", .push = push_left};
static const struct operator_ops right_ops = {.name = "join right", .push = push_right};
static const struct operator_ops ops = {
	.name = "join", .push = push, .finish = finish, .close = close, .input = input};

static void open_side(struct operator_join *self, struct join_side *side,
	const struct plan_node *in, const struct operator_ops *port, struct expr **exprs,
	const int32_t *columns)
{
	side->port.ops = port;
	side->join = self;
	side->exprs = exprs;
	side->rows = multiset_open(&self->slab);
	row_pack_init(&side->pack, in->schema, in->key, columns);
}

struct operator *operator_open_join(const struct plan_node *node)
{
	struct operator_join *self = operator_alloc(sizeof(*self));
	const struct join_plan *p = node->join;
	self->op.ops = &ops;
	self->op.state = &self->state;
	self->op.marks_buckets = node->is_table;
	self->plan = p;
	self->stream = !node->is_table;
	self->batch_number = 1;
	slab_init(&self->slab);
	group_table_init(&self->keys, &self->slab, group_count_max);
	arena_init(&self->pending_arena, 64 * 1024);
	strbuf_init(&self->row);
	strbuf_init(&self->out_key);
	open_side(self, &self->left, node->inputs[0], &left_ops, p->left, p->left_columns);
	open_side(self, &self->right, node->inputs[1], &right_ops, p->right, p->right_columns);
	self->changes = net_changes_open();
	self->kept = join_kept_open();
	row_emitter_init(&self->emitter, &self->op, node->key);
	self->emitter.parts[0] = &self->left.pack;
	self->emitter.parts[1] = &self->right.pack;
	self->emitter.columns[0] = p->left_columns;
	self->emitter.columns[1] = p->right_columns;
	self->emitter.part_count = 2;
	self->key.count = p->count;
	self->key.types = operator_alloc((p->count + 1) * sizeof(*self->key.types));
	for (uint32_t i = 0; i < p->count; i++)
		self->key.types[i] = expr_type(p->left[i]);
	return &self->op;
}
