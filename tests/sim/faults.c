#include "faults.h"

#include "base/str.h"
#include "runtime/durable.h"
#include "sink/batch_mark.h"
#include "sink/parquet_writer.h"
#include "sink/stale_keys.h"
#include "sink/sink.h"
#include "state/checkpoint_part.h"
#include "state/source_lore.h"
#include "model_kafka.h"
#include "world.h"

#include <stddef.h>
#include <string.h>

/* ---- allocations ---- */

static int64_t fail_at, allocations;
static bool fail_on, paused;

void faults_pause(bool on)
{
	paused = on;
}

void faults_fail_allocation(int64_t at, bool on)
{
	fail_at = at;
	fail_on = on;
	allocations = 0;
}

static bool fails(void)
{
	if (paused || fail_at == 0)
		return false;
	allocations++;
	bool now = fail_on ? allocations >= fail_at : allocations == fail_at;
	world->allocation_failed |= now;
	return now;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *block, size_t bytes)
{
	return fails() ? NULL : __real_realloc(block, bytes);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
	return fails() ? NULL : __real_strndup(text, len);
}

/* ---- mutations ---- */

static const struct mutation mutations[] = {
	{"fsync", "no sync reaches the disk", NULL},
	{"folder-sync", "the sync of a folder does nothing: new names are not durable", NULL},
	{"lock", "a second process may have the checkpoint", NULL},
	{"crc", "checksums are not looked at", NULL},
	{"undo", "a batch that nobody knows to be published counts at recovery", NULL},
	{"intent", "what a batch is made of is not durable before it is shown", NULL},
	{"turn", "a snapshot counts before the batch is published whose rows it has", NULL},
	{"again", "a snapshot counts at the end of a run though its log knows no batch", NULL},
	{"dedupe", "a sink gets the batch again that its target holds", NULL},
	{"order", "a batch that is run again takes its messages as they come", NULL},
	{"lost-answer", "a commit without answer may come in the next transaction", "topic"},
	{"fencing", "a producer that was replaced may still write and commit", "topic"},
	{"parquet-sync", "Parquet files are shown before they are durable", "kept"},
	{"parquet-mark", "nobody reads which batch a folder of Parquet files holds", "added"},
	{"compare-and-set", "PostgreSQL takes a batch from whoever comes", "added"},
	{"one-transaction", "a batch's rows are in PostgreSQL before its number is", "added"},
	{"for-update", "nobody waits for a commit that the server still has", "added"},
	{"lore", "a decoder is not told what the one before it had learned", "learned"},
	{"own-lore", "what a batch taught is in the frames of the next one", "learned"},
	{"stale", "what an earlier run left in the topic of a Table stays", "tables"},
	{NULL, NULL, NULL},
};
static const char *off = "";

const struct mutation *faults_mutations(void)
{
	return mutations;
}

bool faults_mutate(const char *name)
{
	for (const struct mutation *m = mutations; m->name != NULL; m++)
		if (strcmp(m->name, name) == 0) {
			off = m->name;
			return true;
		}
	return false;
}

bool faults_is_off(const char *name)
{
	return strcmp(off, name) == 0;
}

bool faults_are_quiet(void)
{
	return off[0] != '\0';
}

uint32_t __real_crc32c(uint32_t crc, struct str bytes);
uint32_t __wrap_crc32c(uint32_t crc, struct str bytes);

uint32_t __wrap_crc32c(uint32_t crc, struct str bytes)
{
	return faults_is_off("crc") ? 1 : __real_crc32c(crc, bytes);
}

int __real_checkpoint_intend(
	struct checkpoint *c, const struct checkpoint_intent *intent, struct error *err);
int __wrap_checkpoint_intend(
	struct checkpoint *c, const struct checkpoint_intent *intent, struct error *err);

int __wrap_checkpoint_intend(
	struct checkpoint *c, const struct checkpoint_intent *intent, struct error *err)
{
	return faults_is_off("intent") ? 0 : __real_checkpoint_intend(c, intent, err);
}

int __real_checkpoint_step(struct checkpoint *c, size_t bytes_max, struct error *err);
int __wrap_checkpoint_step(struct checkpoint *c, size_t bytes_max, struct error *err);

int __wrap_checkpoint_step(struct checkpoint *c, size_t bytes_max, struct error *err)
{
	int r = __real_checkpoint_step(c, bytes_max, err);
	bool early = faults_is_off("turn") && c->snapshot.phase == SNAPSHOT_WHOLE;
	return r == 0 && early && !c->turn.given ? checkpoint_snapshot_adopt(c, err) : r;
}

int __real_checkpoint_end(
	struct checkpoint *c, size_t bytes_max, int64_t start_bytes_max, struct error *err);
int __wrap_checkpoint_end(
	struct checkpoint *c, size_t bytes_max, int64_t start_bytes_max, struct error *err);

int __wrap_checkpoint_end(
	struct checkpoint *c, size_t bytes_max, int64_t start_bytes_max, struct error *err)
{
	int r = __real_checkpoint_end(c, bytes_max, start_bytes_max, err);
	bool whole = c->turn.given && c->snapshot.phase == SNAPSHOT_WHOLE;
	if (!faults_is_off("again") || !whole)
		return r;
	c->turn.given = false;
	return checkpoint_snapshot_adopt(c, err);
}

int __real_frame_reader_next(struct frame_reader *r, struct frame *frame, struct error *err);
int __wrap_frame_reader_next(struct frame_reader *r, struct frame *frame, struct error *err);

/* The log's last batch is followed by word of its publication, which nobody wrote. */
int __wrap_frame_reader_next(struct frame_reader *r, struct frame *frame, struct error *err)
{
	static const struct frame_reader *open_in;
	static char id[8];
	int result = __real_frame_reader_next(r, frame, err);
	if (!faults_is_off("undo"))
		return result;
	if (result == 0 && open_in == r) {
		*frame = (struct frame){.kind = FRAME_PUBLISHED,
			.payload = {id, sizeof(id)},
			.start = r->at,
			.end = r->at,
			.crc = r->crc};
		result = 1;
	}
	open_in = result == 1 && frame->kind == FRAME_BATCH ? r : NULL;
	if (open_in != NULL)
		memcpy(id, frame->payload.data, sizeof(id));
	return result;
}

int __real_sink_judge(const struct sink *s, int64_t published, int64_t again, struct error *err);
int __wrap_sink_judge(const struct sink *s, int64_t published, int64_t again, struct error *err);

int __wrap_sink_judge(const struct sink *s, int64_t published, int64_t again, struct error *err)
{
	int verdict = __real_sink_judge(s, published, again, err);
	return faults_is_off("dedupe") && verdict == SINK_HAS_BATCH ? SINK_GOES_ON : verdict;
}

void __real_durable_replay_order(const struct durable *d, struct read_order *order);
void __wrap_durable_replay_order(const struct durable *d, struct read_order *order);

void __wrap_durable_replay_order(const struct durable *d, struct read_order *order)
{
	if (!faults_is_off("order"))
		__real_durable_replay_order(d, order);
}

int __real_parquet_writer_end(struct parquet_writer *w, bool durable, struct error *err);
int __wrap_parquet_writer_end(struct parquet_writer *w, bool durable, struct error *err);

int __wrap_parquet_writer_end(struct parquet_writer *w, bool durable, struct error *err)
{
	return __real_parquet_writer_end(w, durable && !faults_is_off("parquet-sync"), err);
}

int __real_batch_mark_read(struct sink *s, const char *path, int64_t *held, struct error *err);
int __wrap_batch_mark_read(struct sink *s, const char *path, int64_t *held, struct error *err);

int __wrap_batch_mark_read(struct sink *s, const char *path, int64_t *held, struct error *err)
{
	*held = -1;
	return faults_is_off("parquet-mark") ? 0 : __real_batch_mark_read(s, path, held, err);
}

void __real_source_lore_recall(
	const struct source_lore *l, uint32_t source, struct envelope_decoder *d);
void __wrap_source_lore_recall(
	const struct source_lore *l, uint32_t source, struct envelope_decoder *d);

void __wrap_source_lore_recall(
	const struct source_lore *l, uint32_t source, struct envelope_decoder *d)
{
	if (!faults_is_off("lore"))
		__real_source_lore_recall(l, source, d);
}

void __real_intake_gather(struct intake *in);
void __wrap_intake_gather(struct intake *in);

void __wrap_intake_gather(struct intake *in)
{
	if (!faults_is_off("own-lore"))
		__real_intake_gather(in);
}

int __real_durable_commit(struct durable *d, const struct intake *intakes, uint32_t count,
	const struct batch *b, struct error *err);
int __wrap_durable_commit(struct durable *d, const struct intake *intakes, uint32_t count,
	const struct batch *b, struct error *err);

int __wrap_durable_commit(struct durable *d, const struct intake *intakes, uint32_t count,
	const struct batch *b, struct error *err)
{
	int r = __real_durable_commit(d, intakes, count, b, err);
	for (uint32_t i = 0; i < count && faults_is_off("own-lore"); i++)
		__real_intake_gather((struct intake *)(uintptr_t)&intakes[i]);
	return r;
}

int __real_stale_keys_remove(
	struct stale_keys *s, struct kafka_producer *producer, struct error *err);
int __wrap_stale_keys_remove(
	struct stale_keys *s, struct kafka_producer *producer, struct error *err);

int __wrap_stale_keys_remove(
	struct stale_keys *s, struct kafka_producer *producer, struct error *err)
{
	return faults_is_off("stale") ? 0 : __real_stale_keys_remove(s, producer, err);
}

bool model_kafka_hides_lost_answers(void)
{
	return faults_is_off("lost-answer");
}
