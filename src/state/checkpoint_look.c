#include "state/checkpoint_look.h"

#include "base/check.h"
#include "base/file.h"
#include "state/checkpoint_part.h"
#include "state/table_shape.h"
#include "state/table_state.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	attempts_max = 10,
	files_max = 100000,
	locks_bytes_max = 4 * 1024 * 1024,
	/* a checksum says nothing against an id that would make a table of billions of rows */
	left_out_bytes_max = 1024 * 1024 * 1024
};

/* ---- is a job running? ---- */

/* Asked of the kernel: to try the lock would refuse a job that starts just now. */
static void find_holder(struct checkpoint_look *l)
{
	struct checkpoint *c = l->checkpoint;
	const char *path = str_printf(&c->arena, "%s/LOCK", c->folder).data;
	struct file_info info;
	struct strbuf text;
	if (!file_exists(path) || file_stat(path, &info, NULL) < 0)
		return;
	strbuf_init(&text);
	struct str inode = str_printf(&c->arena, ":%llu ", (unsigned long long)info.inode);
	bool held = file_read_all("/proc/locks", locks_bytes_max, &text, NULL) == 0;
	strbuf_add_byte(&text, '\0');
	held = held && strstr(text.data, inode.data) != NULL;
	strbuf_reset(&text);
	if (held && file_read_all(path, checkpoint_lock_bytes_max, &text, NULL) == 0) {
		strbuf_add_byte(&text, '\0');
		text.data[strcspn(text.data, "\n")] = '\0';
		l->holder = str_dup(str_c(text.data), &c->arena);
	}
	strbuf_release(&text);
}

/* ---- tables from their shapes ---- */

/* A shape that would not be written again as it is was not understood. */
static void open_table(struct checkpoint_look_part *p, struct arena *arena)
{
	if (!str_starts(p->part.name, str_lit("table ")) ||
		!table_shape_parse(p->part.shape, arena, &p->schema, &p->key))
		return;
	struct table_config config = {.schema = p->schema,
		.key = &p->key,
		.rows_max = INT32_MAX,
		.deleted_max = INT32_MAX,
		.left_out_bytes_max = left_out_bytes_max,
		.name = str_sub(p->part.name, 6, p->part.name.len - 6)};
	p->table = table_open(&config, NULL);
	if (p->table == NULL)
		return;
	p->inner = table_state_part(p->table);
	if (str_eq(p->inner->shape, p->part.shape))
		return;
	table_close(p->table);
	p->table = NULL;
	p->inner = NULL;
}

static void open_lore(struct checkpoint_look_part *p)
{
	if (!str_eq(p->part.name, source_lore_name))
		return;
	p->lore = source_lore_open();
	p->inner = source_lore_part(p->lore);
	if (str_eq(p->inner->shape, p->part.shape))
		return;
	source_lore_close(p->lore);
	p->lore = NULL;
	p->inner = NULL;
}

/* ---- parts ---- */

static int apply(struct state_part *part, struct str records, struct error *err)
{
	struct checkpoint_look_part *p = container_of(part, struct checkpoint_look_part, part);
	p->bytes += (int64_t)records.len;
	return p->inner == NULL ? 0 : p->inner->ops->apply(p->inner, records, err);
}

static void clear(struct state_part *part)
{
	struct checkpoint_look_part *p = container_of(part, struct checkpoint_look_part, part);
	p->bytes = 0;
	if (p->inner != NULL)
		p->inner->ops->clear(p->inner);
}

static int ready(struct state_part *part, struct error *err)
{
	struct checkpoint_look_part *p = container_of(part, struct checkpoint_look_part, part);
	return p->inner == NULL ? 0 : p->inner->ops->ready(p->inner, err);
}

/* What another script than the last one wrote. */
static enum state_verdict fit(const struct state_part *part, const struct str *shapes,
	uint32_t count, struct arena *arena, const struct state_fit **how, struct strbuf *why)
{
	const struct checkpoint_look_part *p =
		container_of(part, const struct checkpoint_look_part, part);
	return p->inner == NULL || p->inner->ops->fit == NULL
		? STATE_KEEP
		: p->inner->ops->fit(p->inner, shapes, count, arena, how, why);
}

static int convert(struct state_part *part, const struct state_fit *how, struct str records,
	struct error *err)
{
	struct checkpoint_look_part *p = container_of(part, struct checkpoint_look_part, part);
	p->bytes += (int64_t)records.len;
	return p->inner->ops->convert(p->inner, how, records, err);
}

static const struct state_part_ops look_ops = {
	.apply = apply, .clear = clear, .ready = ready, .fit = fit, .convert = convert};

static void open_parts(struct checkpoint_look *l, const struct checkpoint_head *head)
{
	struct checkpoint *c = l->checkpoint;
	struct state_part **parts =
		ARENA_ARRAY(&c->arena, struct state_part *, head->part_count + 1);
	l->part_count = head->part_count;
	l->parts = ARENA_ARRAY(&c->arena, struct checkpoint_look_part, head->part_count + 1);
	for (uint32_t i = 0; i < head->part_count; i++) {
		l->parts[i].part = (struct state_part){
			.ops = &look_ops, .name = head->names[i], .shape = head->shapes[i]};
		open_table(&l->parts[i], &c->arena);
		open_lore(&l->parts[i]);
		parts[i] = &l->parts[i].part;
	}
	c->parts = parts;
	c->part_count = head->part_count;
}

/* ---- files ---- */

/* Which file; `crc` is what it continues, and becomes what continues it. */
struct file_walk {
	uint64_t number;
	bool snapshot;
	bool newest;
	bool crc_known;
	uint32_t crc;
};

static int read_frames(struct checkpoint_look *l, struct checkpoint_look_file *f,
	struct frame_reader *r, const struct file_walk *w, struct error *err)
{
	struct checkpoint *c = l->checkpoint;
	struct checkpoint_head head;
	struct frame frame;
	int result = frame_reader_next(r, &frame, err);
	if (result == 0 || (result == 1 && frame.kind != FRAME_HEAD)) {
		error_set(err, CDCL_E_STATE, "%s: has no head", r->path);
		return frame_log_lost(err);
	}
	if (result == 1)
		result = checkpoint_read_head(frame.payload, r->path, &c->arena, &head, err);
	if (result == 0)
		result = checkpoint_judge_head(c, &head, w->number, r->path, err);
	if (result < 0)
		return result;
	if (w->newest)
		open_parts(l, &head);
	uint64_t rows = 0;
	bool ended = false;
	while (!ended && (result = frame_reader_next(r, &frame, err)) == 1) {
		struct record_reader said = {.bytes = frame.payload};
		ended = w->snapshot && frame.kind == FRAME_END && record_u64(&said) == rows;
		rows += frame.kind == FRAME_ROWS;
	}
	f->torn = r->bytes - r->at;
	if (result >= 0 && !w->newest && (f->torn > 0 || (w->snapshot && !ended))) {
		error_set(err, CDCL_E_STATE, "%s: damaged at byte %lld", r->path, (long long)r->at);
		result = frame_log_lost(err);
	}
	return result < 0 ? result : 0;
}

static void read_file(struct checkpoint_look *l, struct file_walk *w)
{
	struct checkpoint_look_file *f = &l->files[l->file_count++];
	const char *path = checkpoint_path(
		l->checkpoint, w->snapshot ? "snap" : "log", w->number);
	struct frame_reader r = {.fd = -1};
	f->name = str_c(strrchr(path, '/') + 1);
	error_init(&f->damage);
	int result = 0;
	if (!file_exists(path)) {
		error_set(&f->damage, CDCL_E_STATE, "%s: is gone", path);
		result = frame_log_lost(&f->damage);
	} else if (w->crc_known || w->snapshot) {
		result = frame_reader_open(&r, path, w->snapshot ? 0 : w->crc, &f->damage);
	} else {
		result = frame_reader_open_first(&r, path, &f->damage);
	}
	f->bytes = r.bytes > 0 ? r.bytes : 0;
	if (result == 0)
		result = read_frames(l, f, &r, w, &f->damage);
	w->crc = r.crc;
	w->crc_known = result == 0;
	frame_reader_close(&r);
}

static int read_files(struct checkpoint_look *l, struct error *err)
{
	const struct manifest *m = l->manifest;
	uint64_t first = m->older == 0 ? 1 : m->older;
	if (m->newest - first >= files_max)
		return error_set(err, CDCL_E_STATE, "%s: more than %d logs",
			l->checkpoint->folder, files_max);
	l->files = ARENA_ARRAY(&l->checkpoint->arena, struct checkpoint_look_file,
		m->newest - first + 4);
	if (m->older != 0)
		read_file(l, &(struct file_walk){.number = m->older, .snapshot = true});
	if (m->snapshot != 0)
		read_file(l, &(struct file_walk){.number = m->snapshot, .snapshot = true});
	struct file_walk w = {.number = first};
	for (; w.number <= m->newest; w.number++) {
		w.newest = w.number == m->newest;
		read_file(l, &w);
	}
	return 0;
}

/* ---- all of it ---- */

const struct error *checkpoint_look_damage(const struct checkpoint_look *l)
{
	static const struct error none = {.code = CDCL_OK};
	for (uint32_t i = 0; i < l->file_count; i++)
		if (l->files[i].damage.code != CDCL_OK)
			return &l->files[i].damage;
	return &none;
}

static struct checkpoint_look *look(
	const char *folder, const struct manifest *manifest, struct error *err)
{
	struct checkpoint_look *l = calloc(1, sizeof(*l));
	check(l != NULL);
	l->checkpoint = checkpoint_alloc(folder, str_c(manifest->job));
	l->checkpoint->manifest = *manifest;
	l->manifest = &l->checkpoint->manifest;
	l->found = &l->checkpoint->found;
	find_holder(l);
	checkpoint_look_at_end(l->checkpoint);
	int r = read_files(l, err);
	bool damaged = checkpoint_look_damage(l)->code != CDCL_OK;
	if (r == 0)
		r = checkpoint_read(l->checkpoint, err);
	l->readable = r == 0;
	if (r != 0 && !damaged)
		damaged = checkpoint_check_end(
				  l->checkpoint, &l->files[l->file_count - 1].damage) < 0;
	if (r == 0 || damaged)
		return l;
	checkpoint_look_close(l);
	return NULL;
}

static bool same_files(const struct manifest *a, const struct manifest *b)
{
	return a->snapshot == b->snapshot && a->older == b->older && a->newest == b->newest;
}

struct checkpoint_look *checkpoint_look_open(const char *folder, struct error *err)
{
	struct manifest before, after;
	for (int i = 1;; i++) {
		if (manifest_read_there(folder, &before, err) < 0)
			return NULL;
		struct checkpoint_look *l = look(folder, &before, err);
		bool good = l != NULL && checkpoint_look_damage(l)->code == CDCL_OK;
		if (good || i == attempts_max || manifest_read(folder, &after, NULL) != 1 ||
			same_files(&before, &after))
			return l;
		checkpoint_look_close(l); /* a job replaced its files meanwhile */
		error_init(err);
	}
}

void checkpoint_look_close(struct checkpoint_look *l)
{
	if (l == NULL)
		return;
	for (uint32_t i = 0; i < l->part_count; i++) {
		table_close(l->parts[i].table);
		source_lore_close(l->parts[i].lore);
	}
	checkpoint_close(l->checkpoint, NULL);
	free(l);
}
