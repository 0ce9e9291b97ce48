#include "target.h"

#include "base/check.h"
#include "faults.h"
#include "job.h"
#include "shared.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

/* A row that waits for its batch. */
struct waiting_row {
	struct target_row row;
	bool is_delete;
};

struct target_sink {
	struct sink sink;
	struct target *target;
	const struct sim_sink *expected;
	struct waiting_row *waiting;
	uint32_t count;
	uint32_t capacity;
	struct arena arena;
};

struct target *target_of(const char *name)
{
	for (uint32_t i = 0; i < world->target_count; i++)
		if (strcmp(world->targets[i]->name, name) == 0)
			return world->targets[i];
	check(world->target_count < world_targets_max);
	struct target *t = shared_zeroed(sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->last_batch = -1;
	world->targets[world->target_count++] = t;
	return t;
}

void target_text(const struct target *t, struct strbuf *out)
{
	for (uint32_t i = 0; i < t->row_count; i++) {
		strbuf_add(out, t->rows[i].text);
		strbuf_add_byte(out, '\n');
	}
}

void target_wipe(struct target *t)
{
	t->row_count = 0;
	t->last_batch = -1;
}

/* ---- rows ---- */

static void add_cell(const struct chunk *c, uint32_t column, uint32_t row, struct strbuf *out)
{
	const struct column *from = &c->columns[column];
	if (column_is_null(from, row)) {
		strbuf_add_c(out, "NULL");
		return;
	}
	switch (c->schema->columns[column].type.id) {
	case TYPE_INT:
		strbuf_addf(out, "%d", ((const int32_t *)from->data)[row]);
		break;
	case TYPE_BIGINT:
		strbuf_addf(out, "%lld", (long long)((const int64_t *)from->data)[row]);
		break;
	case TYPE_STRING:
		strbuf_add(out, ((const struct str *)from->data)[row]);
		break;
	default:
		check(!"a type that no job here has");
	}
}

static struct str row_text(struct target_sink *t, const struct chunk *c, uint32_t row,
	const uint32_t *columns, uint32_t count)
{
	struct strbuf text;
	strbuf_init(&text);
	for (uint32_t i = 0; i < count; i++) {
		strbuf_add_c(&text, i == 0 ? "" : "|");
		add_cell(c, columns == NULL ? i : columns[i], row, &text);
	}
	struct str kept = str_dup(strbuf_str(&text), &t->arena);
	strbuf_release(&text);
	return kept;
}

static struct target_sink *of(struct sink *s)
{
	return container_of(s, struct target_sink, sink);
}

static int open_target(struct sink *s, int64_t *last_batch_id, struct error *err)
{
	(void)err;
	world_call("sink open");
	struct target *t = of(s)->target;
	t->is_table = s->is_table;
	s->remembers = of(s)->expected->kind == SIM_LEDGER;
	check(s->writer != NULL && s->writer->checkpoint.len < sizeof(t->checkpoint));
	if (t->last_batch >= 0 && !str_eq(str_c(t->checkpoint), s->writer->checkpoint))
		world_wrong("%s: holds batch %lld, and the checkpoint has forgotten all", t->name,
			(long long)t->last_batch);
	snprintf(t->checkpoint, sizeof(t->checkpoint), STR_FMT, STR_ARG(s->writer->checkpoint));
	*last_batch_id = s->remembers ? t->last_batch : -1;
	return 0;
}

static int write_rows(struct sink *s, const struct chunk *c, struct error *err)
{
	struct target_sink *t = of(s);
	(void)err;
	world_call("sink write");
	for (uint32_t row = chunk_next_live(c, 0); row < chunk_rows_max;
		row = chunk_next_live(c, row + 1)) {
		if (t->count == t->capacity) {
			t->capacity = t->capacity * 2 + 64;
			t->waiting = realloc(t->waiting, t->capacity * sizeof(*t->waiting));
			check(t->waiting != NULL);
		}
		struct waiting_row *w = &t->waiting[t->count++];
		w->is_delete = c->kinds != NULL && c->kinds[row] == ROW_DELETE;
		w->row.text = row_text(t, c, row, NULL, s->schema->column_count);
		w->row.key = s->key == NULL
			? (struct str){NULL, 0}
			: row_text(t, c, row, s->key->columns, s->key->count);
		s->rows_written++;
	}
	return 0;
}

static int prepare(struct sink *s, const struct batch *b, struct error *err)
{
	(void)s;
	(void)b;
	(void)err;
	world_call("sink prepare");
	return 0;
}

/* ---- one step ---- */

static struct str kept(struct str s)
{
	char *to = shared_realloc(NULL, s.len + 1);
	memcpy(to, s.data, s.len);
	return (struct str){to, s.len};
}

static void put_row(struct target *t, const struct waiting_row *w)
{
	uint32_t at = t->is_table ? 0 : t->row_count;
	while (at < t->row_count && !str_eq(t->rows[at].key, w->row.key))
		at++;
	if (w->is_delete) {
		if (at == t->row_count)
			world_wrong("%s: deletes the row '" STR_FMT "' that is not there", t->name,
				STR_ARG(w->row.key));
		t->rows[at] = t->rows[--t->row_count];
		return;
	}
	if (at == t->row_capacity) {
		t->row_capacity = t->row_capacity * 2 + 64;
		t->rows = shared_realloc(t->rows, t->row_capacity * sizeof(*t->rows));
	}
	t->row_count += at == t->row_count;
	t->rows[at] = (struct target_row){
		w->row.key.data == NULL ? w->row.key : kept(w->row.key), kept(w->row.text)};
}

static uint64_t hash_of(const struct target_sink *t)
{
	uint64_t h = 14695981039346656037u;
	for (uint32_t i = 0; i < t->count; i++) {
		const struct str text = t->waiting[i].row.text;
		h = (h ^ t->waiting[i].is_delete) * 1099511628211u;
		for (size_t k = 0; k < text.len; k++)
			h = (h ^ (uint8_t)text.data[k]) * 1099511628211u;
	}
	return h;
}

static void take_batch(struct target_sink *t, const struct batch *b)
{
	struct target *to = t->target;
	uint64_t hash = hash_of(t);
	bool again = b->id == to->last_batch;
	if (b->id < to->last_batch || (again && t->sink.remembers))
		world_wrong("%s: gets batch %lld and holds %lld", to->name, (long long)b->id,
			(long long)to->last_batch);
	if (again && hash != to->batch_hash)
		world_wrong("%s: batch %lld has other rows than it had, or in another order",
			to->name, (long long)b->id);
	for (uint32_t i = 0; i < t->count && !again; i++)
		put_row(to, &t->waiting[i]);
	to->last_batch = b->id;
	to->batch_hash = hash;
}

static int publish(struct sink *s, const struct batch *b, struct error *err)
{
	struct target_sink *t = of(s);
	(void)err;
	world_call("sink publish");
	faults_pause(true);
	world_note_batch(b->id, b->time_us);
	take_batch(t, b);
	job_check_target(t->expected, t->target, b->id);
	t->count = 0;
	arena_reset(&t->arena);
	faults_pause(false);
	world_call("sink published");
	return 0;
}

static void close_target(struct sink *s)
{
	struct target_sink *t = of(s);
	arena_release(&t->arena);
	free(t->waiting);
	free(t);
}

static const struct sink_ops ops = {.kind = "ledger",
	.open = open_target,
	.write = write_rows,
	.prepare = prepare,
	.publish = publish,
	.close = close_target};

struct sink *target_sink_make(const struct sink_config *config)
{
	const struct sim_sink *expected = job_sink(config->kafka.topic);
	if (config->kind != SINK_KAFKA || expected == NULL)
		return NULL;
	struct target_sink *t = calloc(1, sizeof(*t));
	check(t != NULL);
	t->sink.ops = &ops;
	t->expected = expected;
	t->target = target_of(expected->name);
	arena_init(&t->arena, 16 * 1024);
	return &t->sink;
}
