#ifndef CDCL_CHECKPOINT_LOOK_H
#define CDCL_CHECKPOINT_LOOK_H

/*
 * A checkpoint read without the script that wrote it. Nothing is locked, written or cut, so a job
 * may run meanwhile: what is read is one moment of it, and when its files are replaced while they
 * are read, they are read again.
 *
 * The shape of a table says its columns and key, so its rows come back as a table, and what
 * decoders have learned needs no script. Of other parts only the size is known.
 */

#include "state/checkpoint.h"
#include "state/manifest.h"
#include "state/source_lore.h"
#include "state/table.h"

struct checkpoint_look_part {
	struct state_part part;         /* name and shape, as stored */
	struct state_part *inner;       /* table's, lore's; NULL: records are counted only */
	struct table *table;            /* NULL: not a table */
	const struct schema *schema;
	struct row_key key;
	struct source_lore *lore;       /* NULL: not what decoders have learned */
	int64_t bytes;                  /* of records read, in snapshot and logs */
};

struct checkpoint_look_file {
	struct str name;                /* "log-7" */
	int64_t bytes;
	int64_t torn;                   /* at the end, of the newest log: what does not count */
	struct error damage;            /* CDCL_OK: none */
};

struct checkpoint_look {
	struct checkpoint *checkpoint;
	const struct manifest *manifest;
	const struct checkpoint_found *found;
	struct checkpoint_look_part *parts;
	uint32_t part_count;
	struct checkpoint_look_file *files;     /* of both generations */
	uint32_t file_count;
	bool readable;                  /* `found` and the parts are what a start would find */
	struct str holder;              /* "process 17"; data NULL: no job has it open */
};

/*
 * Reads every file to its end (`files` says how each is), and then what they hold: `found` and the
 * parts. Damage is no failure here; where a start would get by without the damaged file, as with a
 * generation that is not needed, the rest is readable. NULL: there is no checkpoint, or it cannot
 * be read at all.
 */
struct checkpoint_look *checkpoint_look_open(const char *folder, struct error *err);
void checkpoint_look_close(struct checkpoint_look *l);  /* NULL is fine */

/* The first damage; CDCL_OK: everything is whole. */
const struct error *checkpoint_look_damage(const struct checkpoint_look *l);

#endif
