#include "script/rehearse.h"

#include "base/check.h"
#include "data/chunk.h"
#include "script/leaf.h"

enum { names_rows = 16, names_ms_max = 200, trace_rounds = 6, rehearse_groups = 8 };

/* ---- made-up rows ---- */

static void make_slot(struct column *column, struct type type, uint32_t row)
{
	static const struct str words[] = {
		{"insert", 6}, {"update", 6}, {"delete", 6}, {"~1", 2}, {"~2", 2}};
	struct value v = {.type = type};
	switch (type_phys(type)) {
	case PHYS_BOOL:
		v.as.boolean = row % 2 == 0;
		break;
	case PHYS_I32:
		v.as.i32 = (int32_t)(row % 100) + 1;
		break;
	case PHYS_I64:
		v.as.i64 = (int64_t)row + 1;
		break;
	case PHYS_F32:
		v.as.f32 = (float)row + 0.5f;
		break;
	case PHYS_F64:
		v.as.f64 = row + 0.5;
		break;
	case PHYS_I128:
		v.as.i128 = (int128)row + 1;
		break;
	default:
		v.as.str = words[row % ARRAY_LEN(words)];
		if (type.id == TYPE_JSON)
			v.as.str = str_lit("{}");
		if (type.id == TYPE_ARRAY)
			v.as.str = (struct str){"\0\0\0", 4};
		break;
	}
	value_to_column(&v, column, row);
}

static struct chunk *make_rows(struct arena *arena, const struct schema *schema, uint32_t rows)
{
	struct chunk *c = chunk_alloc(arena, schema);
	for (uint32_t i = 0; i < schema->column_count; i++) {
		for (uint32_t row = 0; row < rows; row++)
			make_slot(&c->columns[i], schema->columns[i].type, row);
	}
	chunk_set_rows(c, rows);
	return c;
}

/* ---- one function over them ---- */

static void run_map(struct leaf *leaf, struct chunk *in, struct dead_letters *dead)
{
	struct error err;
	struct chunk *out = chunk_alloc_like(in->arena, in, leaf->out);
	for (uint32_t i = 0; i < out->column_count; i++) {
		if (i < leaf->keeps)
			out->columns[i] = in->columns[i];
		else
			out->columns[i].data =
				chunk_alloc_data(in->arena, leaf->out->columns[i].type);
	}
	leaf->function.call(&leaf->function, in, out, dead, &err);
}

static void run_flat_map(struct leaf *leaf, struct chunk *in, struct dead_letters *dead)
{
	struct error err;
	uint32_t next = 0;
	int more = 1;
	/* A few chunks are enough, however much is emitted. */
	for (int i = 0; i < trace_rounds && more > 0; i++) {
		struct chunk *out = chunk_alloc(in->arena, leaf->out);
		more = leaf->function.call_flat(&leaf->function, in, &next, out, dead, &err);
	}
	leaf->emit->pending_rows = 0;
}

static void run_aggregate(struct leaf *leaf, struct chunk *in, struct dead_letters *dead)
{
	struct error err;
	const struct schema *schema = leaf->aggregate.state;
	void **state = ARENA_ARRAY(in->arena, void *, schema->column_count);
	uint8_t **nulls = ARENA_ARRAY(in->arena, uint8_t *, schema->column_count);
	for (uint32_t c = 0; c < schema->column_count; c++) {
		state[c] = ARENA_ARRAY(in->arena, int128, rehearse_groups);
		nulls[c] = ARENA_ARRAY(in->arena, uint8_t, rehearse_groups);
	}
	uint32_t *groups = ARENA_ARRAY(in->arena, uint32_t, chunk_rows_max);
	for (uint32_t row = 0; row < in->row_count; row++)
		groups[row] = row % rehearse_groups;
	struct custom_aggregate *a = &leaf->aggregate;
	a->add(a, in, groups, state, nulls, dead, &err);
	struct column out = {.data = chunk_alloc_data(in->arena, a->type)};
	a->finish(a, groups, rehearse_groups, state, nulls, &out, in->arena, &err);
}

/* Inserts, updates and deletes in turn; some follow an event of their own key. */
static void run_merge(struct leaf *leaf, struct chunk *in, struct dead_letters *dead)
{
	struct error err;
	struct merge_rows *rows = ARENA_NEW(in->arena, struct merge_rows);
	int32_t *event_column = ARENA_ARRAY(in->arena, int32_t, schema_total(leaf->out));
	for (uint32_t c = 0; c < schema_total(leaf->out); c++)
		event_column[c] = schema_find(leaf->in, leaf->out->columns[c].name);
	rows->event = in;
	rows->old = make_rows(in->arena, leaf->out, in->row_count);
	rows->next = chunk_alloc(in->arena, leaf->out);
	rows->event_column = event_column;
	rows->count = in->row_count;
	for (uint32_t i = 0; i < rows->count; i++) {
		rows->rows[i] = (uint16_t)i;
		rows->link[i] = (int16_t)(i % 8 == 7 ? (int)i - 1 : -1);
		rows->has_old[i] = i % 3 != 0;
		rows->action[i] = i % 6 == 5 ? MERGE_ACTION_DELETE : MERGE_ACTION_UPSERT;
		rows->op[i] = i % 6 == 5 ? CHANGE_DELETE : i % 3 ? CHANGE_UPDATE : CHANGE_INSERT;
		rows->outcome[i] = i % 6 == 5 ? MERGE_OUTCOME_DELETE : MERGE_OUTCOME_ROW;
	}
	merge_rows_fill(rows, 0, rows->count);
	leaf->merge->function.call(&leaf->merge->function, rows, dead, &err);
}

static void run_leaf(struct leaf *leaf, uint32_t rows)
{
	struct arena arena;
	arena_init(&arena, 1 << 20);
	struct dead_letters dead;
	dead_letters_init(&dead, leaf->script->options.clock);
	struct chunk *in = make_rows(&arena, leaf->in, rows);
	struct error err;
	switch (leaf->kind) {
	case LEAF_FILTER:
		leaf->function.call(&leaf->function, in, NULL, &dead, &err);
		break;
	case LEAF_MAP:
		run_map(leaf, in, &dead);
		break;
	case LEAF_FLAT_MAP:
		run_flat_map(leaf, in, &dead);
		break;
	case LEAF_AGGREGATE:
		run_aggregate(leaf, in, &dead);
		break;
	case LEAF_MERGE:
		run_merge(leaf, in, &dead);
		break;
	case LEAF_BATCH:
		leaf->batch.call(&leaf->batch, &in, 1, &(struct batch){0}, &err);
		break;
	}
	arena_release(&arena);
}

/* ---- names ---- */

int rehearse_names(struct script *s, struct error *err)
{
	if (s->leaves == NULL)
		return 0;
	struct error ignored;
	struct script *twin = script_rehearsal(s, false, names_ms_max, &ignored);
	if (twin == NULL)
		return 0;
	for (struct leaf *l = twin->leaves; l != NULL && !twin->vm.was_overdue; l = l->next)
		run_leaf(l, names_rows);
	s->slow_in_rehearsal = twin->vm.was_overdue;
	bool found = twin->mistake_found;
	if (found)
		*err = twin->mistake;
	script_close(twin);
	return found ? -(int)CDCL_E_SCRIPT : 0;
}

/* ---- traces ---- */

static int run_all(lua_State *L)
{
	struct script *s = bind_script(L);
	for (int round = 0; round < trace_rounds; round++) {
		for (struct leaf *leaf = s->leaves; leaf != NULL; leaf = leaf->next)
			run_leaf(leaf, chunk_rows_max);
	}
	return 0;
}

void script_trace_report(struct script *s, struct strbuf *out)
{
	if (s->leaves == NULL || !s->options.jit)
		return;
	if (s->slow_in_rehearsal) {
		strbuf_addf(out,
			STR_FMT " not test-compiled: a function took over %d ms for a row\n",
			STR_ARG(s->display), names_ms_max);
		return;
	}
	struct error err;
	struct script *twin = script_rehearsal(s, true, s->options.call_ms_max, &err);
	if (twin == NULL)
		return;
	lua_State *L = twin->vm.L;
	static const struct watch watch = {.what = "the rehearsal", .place = {"cdcl", 4}};
	if (vm_library(&twin->vm, "trace.lua", &err) == 0) {
		lua_pushcfunction(L, run_all);
		if (vm_call(&twin->vm, 1, 1, &watch, &err) == 0) {
			size_t len;
			const char *text = lua_tolstring(L, -1, &len);
			strbuf_add(out, (struct str){text, len});
		}
	}
	script_close(twin);
}
