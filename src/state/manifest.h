#ifndef CDCL_MANIFEST_H
#define CDCL_MANIFEST_H

/*
 * Which files of a checkpoint's folder count. A small text, replaced in one step:
 *
 *	cdcl checkpoint 1
 *	job orders_merge
 *	id 8d3c07a1f2b94c55a0e6d41b7c9f2e30
 *	snapshot 7
 *	older 4
 *	newest 9
 *	crc 5d0a9c11
 *
 * State is snapshot snap-7 and the logs log-7, log-8, log-9 applied over it. With `snapshot 0`
 * there is none yet and the logs from log-1 on are all. `older` is the snapshot before, kept with
 * its logs (log-4 ... log-6) until the next one is whole: a damaged newest one is not the end.
 * `id` is made when the checkpoint is begun: targets know it from another one of the same job (one
 * that was begun before there were ids gets one when it is opened).
 * The last line is the CRC-32C of the lines before it.
 */

#include "cdcl/error.h"
#include "base/random.h"
#include "base/str.h"

enum { manifest_version = 1, manifest_bytes_max = 4096 };

struct manifest {
	char job[256];
	char id[random_name_bytes];     /* empty: it has none yet */
	uint64_t snapshot;
	uint64_t older;         /* 0: none */
	uint64_t newest;
};

void manifest_text(const struct manifest *m, struct strbuf *out);
/* CDCL_E_STATE with what is wrong; `path` is for the message. */
int manifest_parse(struct str text, const char *path, struct manifest *m, struct error *err);

/* 1: read; 0: there is none. */
int manifest_read(const char *folder, struct manifest *m, struct error *err);
/* 0: read. That there is none is an error, too. */
int manifest_read_there(const char *folder, struct manifest *m, struct error *err);
int manifest_write(const char *folder, const struct manifest *m, struct error *err);

#endif
