/*
 * LOCK: who has the checkpoint open, and the last batch that was published when it was closed.
 *
 *	process 4711            has it open, or died; not there after an end
 *	batch 25 1a2b3c4d       and its checksum
 *
 * A torn tail is what a power cut leaves, so it is cut off. After a clean end there is none: a log
 * that is shorter then was cut by somebody (a copy that did not come through, a bad disk), and
 * without this line its last batches would be gone in silence. One batch may be missing when its
 * intent is there, for it is run again as after a crash. The line is not synced: without it nothing
 * is checked, and an old one stays true, for a log only grows (rewind takes it out first).
 */

#include "state/checkpoint_part.h"

#include "base/crc32c.h"
#include "base/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *lock_path(struct checkpoint *c)
{
	return str_printf(&c->arena, "%s/LOCK", c->folder).data;
}

static uint32_t sum_of(int64_t batch)
{
	return crc32c(0, (struct str){(const char *)&batch, sizeof(batch)});
}

static void take_end(struct checkpoint *c, const char *text)
{
	int64_t batch;
	uint32_t sum;
	const char *line = strstr(text, "batch ");
	if (line != NULL && sscanf(line, "batch %" SCNd64 " %" SCNx32, &batch, &sum) == 2 &&
		batch >= 0 && sum == sum_of(batch))
		c->last.at_end = batch;
}

static int write_lock(struct checkpoint *c, bool ours, struct error *err)
{
	const char *path = lock_path(c);
	struct strbuf text;
	strbuf_init(&text);
	if (ours)
		strbuf_addf(&text, "process %ld\n", (long)getpid());
	if (c->last.at_end >= 0)
		strbuf_addf(&text, "batch %" PRId64 " %08" PRIx32 "\n", c->last.at_end,
			sum_of(c->last.at_end));
	int r = file_cut(c->lock_fd, 0, path, err);
	if (r >= 0)
		r = file_write_all(c->lock_fd, strbuf_str(&text), path, err);
	strbuf_release(&text);
	return r;
}

int checkpoint_lock(struct checkpoint *c, struct error *err)
{
	const char *path = lock_path(c);
	c->lock_fd = file_open_update(path, err);
	int r = c->lock_fd < 0 ? c->lock_fd : file_lock(c->lock_fd, path, err);
	if (r < 0)
		return r;
	char text[checkpoint_lock_bytes_max] = "";
	ssize_t n = file_read(c->lock_fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	if (r == 0) {
		text[strcspn(text, "\n")] = '\0';
		return error_set(err, CDCL_E_FENCED, "%s: another process has it open (%s)",
			c->folder, text);
	}
	take_end(c, text);
	return write_lock(c, true, err);
}

void checkpoint_note_end(struct checkpoint *c)
{
	c->last.at_end = c->last.published;
	write_lock(c, false, NULL);
}

int checkpoint_forget_end(struct checkpoint *c, struct error *err)
{
	c->last.at_end = -1;
	int r = write_lock(c, true, err);
	return r < 0 ? r : file_sync(c->lock_fd, lock_path(c), err);
}

void checkpoint_look_at_end(struct checkpoint *c)
{
	struct strbuf text;
	strbuf_init(&text);
	if (file_read_if_there(lock_path(c), checkpoint_lock_bytes_max, &text, NULL) == 1) {
		strbuf_add_byte(&text, '\0');
		take_end(c, text.data);
	}
	strbuf_release(&text);
}

int checkpoint_check_end(struct checkpoint *c, struct error *err)
{
	const struct checkpoint_found *f = &c->found;
	int64_t last = f->interrupted ? f->intent.id : f->any ? f->batch.id : -1;
	if (last >= c->last.at_end)
		return 0;
	error_set(err, CDCL_E_STATE,
		"%s: damaged: it was cut; its job ended with batch %" PRId64
		", and the last one that is there is %" PRId64,
		checkpoint_path(c, "log", c->manifest.newest), c->last.at_end, last);
	error_help(err,
		"put the whole file back; or remove %s/LOCK to go on from the batch that is there",
		c->folder);
	return -(int)CDCL_E_STATE;
}
