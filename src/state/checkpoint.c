#include "state/checkpoint_part.h"

#include "base/check.h"
#include "base/file.h"
#include "base/random.h"

#include <stdlib.h>
#include <unistd.h>

enum { snapshot_log_megabytes_min = 64 };

const char *checkpoint_path(struct checkpoint *c, const char *kind, uint64_t number)
{
	return str_printf(&c->arena, "%s/%s-%llu", c->folder, kind, (unsigned long long)number)
		.data;
}

/* ---- open and close ---- */

static int check_job(const struct checkpoint *c, struct error *err)
{
	if (str_eq(str_c(c->manifest.job), c->job))
		return 0;
	error_set(err, CDCL_E_STATE, "%s: is the state of the job '%s', not of '" STR_FMT "'",
		c->folder, c->manifest.job, STR_ARG(c->job));
	error_help(err, "name another folder, or the job as it was named before");
	return -(int)CDCL_E_STATE;
}

static int read_manifest(struct checkpoint *c, struct error *err)
{
	int r = manifest_read(c->folder, &c->manifest, err);
	if (r < 0)
		return r;
	c->is_new = r == 0;
	if (c->is_new) {
		memcpy(c->manifest.job, c->job.data, c->job.len);
		random_name(c->manifest.id);
		return 0;
	}
	r = check_job(c, err);
	if (r < 0 || c->manifest.id[0] != '\0')
		return r;
	random_name(c->manifest.id);
	return manifest_write(c->folder, &c->manifest, err);
}

static bool good_name(struct str job)
{
	return job.len > 0 && job.len < sizeof(((struct manifest *)NULL)->job) &&
		memchr(job.data, '\n', job.len) == NULL && memchr(job.data, 0, job.len) == NULL;
}

struct checkpoint *checkpoint_alloc(const char *folder, struct str job)
{
	struct checkpoint *c = calloc(1, sizeof(*c));
	check(c != NULL);
	arena_init(&c->arena, 16 * 1024);
	strbuf_init(&c->scratch);
	c->lock_fd = -1;
	c->last.at_end = -1;
	c->last.published = -1;
	c->folder = strdup(folder);
	check(c->folder != NULL);
	c->job = str_dup(job, &c->arena);
	return c;
}

void checkpoint_set_parts(
	struct checkpoint *c, struct state_part *const *parts, uint32_t part_count)
{
	check(part_count <= checkpoint_parts_max);
	check(!c->recovered);
	c->parts = parts;
	c->part_count = part_count;
}

static int open_workers(struct checkpoint *c, struct error *err)
{
	c->log_worker = disk_worker_open(err);
	if (c->log_worker != NULL)
		c->snapshot_worker = disk_worker_open(err);
	return c->snapshot_worker == NULL ? -(int)err->code : 0;
}

uint32_t checkpoint_wake_fds(const struct checkpoint *c, int fds[2])
{
	if (c->log_worker == NULL)
		return 0;
	fds[0] = disk_worker_fd(c->log_worker);
	fds[1] = disk_worker_fd(c->snapshot_worker);
	return 2;
}

void checkpoint_heard(struct checkpoint *c)
{
	if (c->log_worker == NULL)
		return;
	disk_worker_heard(c->log_worker);
	disk_worker_heard(c->snapshot_worker);
}

struct checkpoint *checkpoint_open(const struct checkpoint_config *config,
	struct state_part *const *parts, uint32_t part_count, struct error *err)
{
	struct checkpoint *c = checkpoint_alloc(config->path, config->job);
	checkpoint_set_parts(c, parts, part_count);
	c->turn_steps = config->turn_steps;
	c->snapshot_log_bytes_min = config->snapshot_log_bytes_min > 0
		? config->snapshot_log_bytes_min
		: (int64_t)snapshot_log_megabytes_min * 1024 * 1024;
	int r = good_name(c->job) ? 0
				  : error_set(err, CDCL_E_STATE,
					    "a job with a checkpoint needs a name of one line");
	if (r == 0)
		r = file_make_dirs(c->folder, err);
	if (r == 0)
		r = checkpoint_lock(c, err);
	/* also when a process before made the folders and died */
	if (r == 0)
		r = file_sync_name(checkpoint_path(c, "log", 0), err);
	if (r == 0)
		r = read_manifest(c, err);
	if (r == 0 && config->in_background)
		r = open_workers(c, err);
	if (r == 0)
		return c;
	checkpoint_close(c, NULL);
	return NULL;
}

void checkpoint_set_sources(struct checkpoint *c, const struct checkpoint_source *sources,
	uint32_t count, uint32_t plan)
{
	check(count <= checkpoint_parts_max);
	c->sources = sources;
	c->source_count = count;
	c->plan = plan;
}

struct checkpoint *checkpoint_compare(const struct checkpoint_config *config,
	struct state_part *const *parts, uint32_t part_count,
	const struct checkpoint_found **found, struct error *err)
{
	struct checkpoint *c = checkpoint_alloc(config->path, config->job);
	checkpoint_set_parts(c, parts, part_count);
	int r = manifest_read_there(c->folder, &c->manifest, err);
	if (r == 0)
		r = check_job(c, err);
	if (r == 0)
		r = checkpoint_judge(c, err);
	*found = &c->found;
	if (r == 0)
		return c;
	checkpoint_close(c, NULL);
	return NULL;
}

bool checkpoint_is_new(const struct checkpoint *c)
{
	return c->is_new;
}

struct str checkpoint_id(const struct checkpoint *c)
{
	return str_c(c->manifest.id);
}

int checkpoint_keep(struct checkpoint *c, struct error *err)
{
	int r = checkpoint_turn_end(c, -1, err);
	return r < 0 || !c->recovered ? r : frame_log_sync(&c->log, err);
}

int checkpoint_close(struct checkpoint *c, struct error *err)
{
	if (c == NULL)
		return 0;
	int r = c->log.failed ? checkpoint_turn_end(c, -1, err) : checkpoint_keep(c, err);
	if (r == 0 && c->recovered && !c->log.failed)
		checkpoint_note_end(c);
	checkpoint_snapshot_release(c);
	frame_log_close(&c->log);
	disk_worker_close(c->log_worker);
	disk_worker_close(c->snapshot_worker);
	file_close(c->lock_fd);
	strbuf_release(&c->scratch);
	checkpoint_positions_release(&c->written);
	checkpoint_positions_release(&c->read);
	arena_release(&c->arena);
	free(c->folder);
	free(c);
	return r;
}

/* ---- a batch ---- */

/* The newest log's head says what is in it: of another script, a new log begins. */
static int renew(struct checkpoint *c, struct error *err)
{
	if (c->newest_head.data == NULL)
		return 0;
	strbuf_reset(&c->scratch);
	checkpoint_add_head(c, c->manifest.newest, &c->scratch);
	bool same = str_eq(strbuf_str(&c->scratch), c->newest_head);
	c->newest_head = (struct str){NULL, 0};
	int r = same ? 0 : frame_log_sync(&c->log, err);
	return same || r < 0 ? r : checkpoint_next_log(c, c->manifest.newest + 1, err);
}

int checkpoint_intend(
	struct checkpoint *c, const struct checkpoint_intent *intent, struct error *err)
{
	check(c->recovered && !c->ending);
	c->is_published = false;
	int r = checkpoint_turn_end(c, -1, err);
	if (r == 0)
		r = renew(c, err);
	if (r < 0)
		return r;
	strbuf_reset(&c->scratch);
	checkpoint_add_intent(intent, &c->scratch);
	r = frame_log_append(&c->log, FRAME_INTENT, strbuf_str(&c->scratch), err);
	return r < 0 ? r : frame_log_sync_begin(&c->log, NULL, err);
}

static int append_published(struct checkpoint *c, int64_t id, struct error *err)
{
	strbuf_reset(&c->scratch);
	record_add_i64(&c->scratch, id);
	return frame_log_append(&c->log, FRAME_PUBLISHED, strbuf_str(&c->scratch), err);
}

static int append_batch(
	struct checkpoint *c, const struct checkpoint_batch *batch, struct error *err)
{
	strbuf_reset(&c->scratch);
	checkpoint_add_batch(batch, &c->written, c->known_places, &c->scratch);
	checkpoint_positions_set(&c->written, batch, &c->arena);
	c->written_id = batch->id;
	c->written_us = batch->time_us;
	c->known_places = batch->position_count;
	return frame_log_append(&c->log, FRAME_BATCH, strbuf_str(&c->scratch), err);
}

int checkpoint_append_again(struct checkpoint *c, struct error *err)
{
	check(c->is_published);
	struct checkpoint_batch batch = {
		c->written_id, c->written_us, c->written.at, c->written.count};
	int r = append_batch(c, &batch, err);
	return r < 0 ? r : append_published(c, batch.id, err);
}

int checkpoint_changes(struct checkpoint *c, struct error *err)
{
	check(c->recovered);
	int r = checkpoint_turn_end(c, -1, err);
	if (r < 0 || c->changes_part == c->part_count)
		return r;
	struct state_part *p = c->parts[c->changes_part];
	strbuf_reset(&c->scratch);
	record_add_u32(&c->scratch, c->changes_part);
	size_t before = c->scratch.len;
	if (!p->ops->changes(p, checkpoint_frame_bytes, &c->scratch))
		c->changes_part++;
	if (c->scratch.len > before)
		r = frame_log_append(&c->log, FRAME_CHANGES, strbuf_str(&c->scratch), err);
	return r < 0 ? r : 1;
}

int checkpoint_commit(
	struct checkpoint *c, const struct checkpoint_batch *batch, struct error *err)
{
	int r;
	while ((r = checkpoint_changes(c, err)) == 1)
		;
	if (r < 0)
		return r;
	c->changes_part = 0;
	r = append_batch(c, batch, err);
	return r < 0 ? r : frame_log_sync_begin(&c->log, NULL, err);
}

int checkpoint_wait(struct checkpoint *c, int64_t us_max, struct error *err)
{
	int r = checkpoint_turn_end(c, us_max, err);
	return r != 0 ? r : frame_log_sync_end(&c->log, us_max, err);
}

int checkpoint_published(struct checkpoint *c, int64_t id, struct error *err)
{
	check(c->recovered && !c->turn.given);
	int r = append_published(c, id, err);
	/* A process that dies now need not show the batch again; a power cut may ask for that. */
	if (r == 0)
		r = frame_log_flush(&c->log, err);
	c->is_published = r == 0;
	if (r == 0)
		c->last.published = id;
	if (r == 0)
		checkpoint_turn_begin(c);
	return r;
}

void checkpoint_figures(const struct checkpoint *c, struct checkpoint_figures *figures)
{
	if (c->turn.given) {
		*figures = c->turn.figures;
		return;
	}
	*figures = (struct checkpoint_figures){.log_bytes = checkpoint_log_bytes(c),
		.snapshot_bytes = c->snapshot_bytes,
		.snapshots = c->snapshots,
		.written_bytes = c->older_written_bytes + c->log.bytes - c->log_begun_at,
		.snapshot_runs = c->snapshot.phase != SNAPSHOT_NONE,
		.snapshot_whole = c->snapshot.phase == SNAPSHOT_WHOLE};
}
