/*
 * Bytes from a disk, given to what reads a checkpoint: as a manifest, as a file of frames, and
 * (checksums put right, so that it goes deeper) as the frames of a log and of a snapshot with their
 * records. Whatever they are, the answer is state or an error; what a start takes, `cdcl state`
 * (a reader of its own) can read.
 */

#include "../unit/memory_disk.h"
#include "base/clock.h"
#include "base/log.h"
#include "state/checkpoint.h"
#include "state/checkpoint_look.h"
#include "state/frame_log.h"
#include "state/manifest.h"
#include "state/record.h"
#include "state/table_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct table *open_table(struct arena *arena, struct schema **made)
{
	struct schema *schema = *made = schema_alloc_hidden(arena, 3, 1);
	schema->columns[0] = (struct schema_column){str_lit("id"), {.id = TYPE_INT}};
	schema->columns[1] = (struct schema_column){str_lit("name"), {.id = TYPE_STRING}};
	schema->columns[2] = (struct schema_column){str_lit("good"), {.id = TYPE_BOOLEAN}};
	schema->columns[3] = (struct schema_column){str_lit("seq"), {.id = TYPE_BIGINT}};
	struct row_key *key = ARENA_NEW(arena, struct row_key);
	*key = (struct row_key){.count = 2, .columns = {0, 1}};
	struct table_config config = {.schema = schema,
		.key = key,
		.rows_max = 50,
		.deleted_max = 20,
		.name = str_lit("t")};
	struct error err;
	struct table *t = table_open(&config, &err);
	check(t != NULL);
	return t;
}

/* Everything that was taken must be usable. */
static void use_table(struct table *t, struct arena *arena, const struct schema *schema)
{
	struct chunk *c = chunk_alloc(arena, schema);
	uint32_t ids[chunk_rows_max], at = 0, count;
	size_t bytes = 0;
	while ((count = table_scan(t, &at, ids)) > 0) {
		table_gather(t, ids, count, c);
		for (uint32_t i = 0; i < count; i++)
			bytes += ((struct str *)c->columns[1].data)[i].len;
	}
	check(bytes < (size_t)1 << 30);
	table_forget_deleted(t, INT64_MAX, INT64_MAX);
	struct error err;
	check(table_clear(t, true, 5, &err) == 0);
	table_end_batch(t);
}

static void put_file(const char *path, struct str bytes)
{
	struct memory_name *n = memory_name_of(path, true);
	n->now = n->synced = memory_add_file(false);
	memory_set(&memory->files[n->now].now, bytes.data, bytes.len);
}

/* The input as payloads: [ kind 1 | len 2 | bytes ]. */
static void write_frames(const char *path, struct record_reader *r, struct str head)
{
	struct frame_log log;
	struct error err;
	check(frame_log_create(&log, path, 0, &err) == 0);
	check(frame_log_append(&log, 1, head, &err) == 0);
	while (record_left(r) > 3) {
		uint32_t kind = record_u8(r) % 8, len = record_u8(r);
		len |= (uint32_t)record_u8(r) << 8;
		if (len > record_left(r))
			len = (uint32_t)record_left(r);
		struct str payload = {record_take(r, len), len};
		check(frame_log_append(&log, kind, payload, &err) == 0);
	}
	check(frame_log_sync(&log, &err) == 0);
	frame_log_close(&log);
}

static void add_head(
	struct strbuf *head, uint32_t version, uint64_t number, const struct state_part *part)
{
	strbuf_init(head);
	record_add_u32(head, version);
	record_add_u64(head, number);
	record_add_str(head, str_lit("j"));
	record_add_u32(head, 1);
	record_add_str(head, part->name);
	record_add_str(head, part->shape);
	if (version == 1)
		return;
	record_add_u32(head, 0);
	record_add_u32(head, 0);
	if (version > 3)
		record_add_str(head, str_lit("")); /* of which checkpoint: not known */
}

/* Without the script: reads, locks and changes nothing. */
static bool look_reads(void)
{
	struct error err;
	struct checkpoint_look *l = checkpoint_look_open("s", &err);
	bool readable = l != NULL && l->readable;
	for (uint32_t i = 0; readable && i < l->part_count; i++)
		check(l->parts[i].bytes >= 0);
	if (l != NULL)
		checkpoint_look_damage(l);
	checkpoint_look_close(l);
	return readable;
}

/* As a log, or as the snapshot of one. */
static void recover(struct str bytes, uint32_t version, bool snapshot, bool raw)
{
	struct arena arena;
	struct error err;
	struct strbuf head;
	const struct checkpoint_found *found;
	arena_init(&arena, 16 * 1024);
	struct schema *schema;
	struct table *t = open_table(&arena, &schema);
	struct state_part *part = table_state_part(t);
	const char *path = snapshot ? "s/snap-1" : "s/log-1";
	struct record_reader r = {.bytes = bytes}, none = {.bad = false};
	struct manifest m = {.job = "j", .snapshot = snapshot, .newest = 1};
	memory_reset();
	memory_mkdir("s", 0);
	add_head(&head, version, 1, part);
	write_frames("s/log-1", &none, strbuf_str(&head));
	if (raw)
		put_file(path, bytes);
	else
		write_frames(path, &r, strbuf_str(&head));
	check(manifest_write("s", &m, &err) == 0);
	struct checkpoint_config config = {.path = "s", .job = str_lit("j")};
	/* With good checksums only what was taken: a look believes the shape's 10^9 rows. */
	bool readable = raw && look_reads();
	struct checkpoint *c = checkpoint_open(&config, &part, 1, &err);
	check(c != NULL);
	if (checkpoint_recover(c, &found, &err) == 0) {
		check(raw ? readable : look_reads());
		use_table(t, &arena, schema);
	} else
		check(err.code == CDCL_E_STATE);
	checkpoint_close(c, &err);
	strbuf_release(&head);
	table_close(t);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct str bytes = {(const char *)data + 1, size - 1};
	struct error err;
	struct manifest m;
	uint32_t version = data[0] & 8 ? 4 : 1; /* of positions */
	log_init(&clock_system, LOG_NONE, false);
	disk_use(&memory_disk);
	switch (data[0] & 3) {
	case 0:
		manifest_parse(bytes, "MANIFEST", &m, &err);
		break;
	case 1:
		recover(bytes, version, data[0] & 4, true);
		break;
	default:
		recover(bytes, version, data[0] & 4, false);
		break;
	}
	memory_reset();
	return 0;
}
