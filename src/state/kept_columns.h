#ifndef CDCL_KEPT_COLUMNS_H
#define CDCL_KEPT_COLUMNS_H

/*
 * What a job's first looks at its messages said (schema = "auto", a merge without a key), and what
 * became of the columns since: the file COLUMNS of a checkpoint, so that a start has the columns
 * that its state has, and need not look again. Lines of JSON, each with its checksum
 * (base/checked_line.h):
 *
 *	5f0c4b1e {"columns":1,"sources":1}
 *	b1d00a57 {"reads":"kafka orders_cdc","asked":"auto","table":null,"envelope":"flat", ...}
 *
 * It is replaced in one step, before the first batch that uses its columns.
 */

#include "cdcl/error.h"
#include "decode/envelope.h"

enum { kept_columns_version = 1, kept_columns_bytes_max = 64 * 1024 * 1024 };

/* Of one source; two that read and ask the same are one. */
struct kept_columns {
	struct str reads;               /* "kafka orders_cdc": runtime/state_sources.h */
	enum envelope_kind asked;       /* as the script says */
	struct str table;               /* the same; absent: any */
	struct envelope_sample sample;
};

void kept_columns_text(
	const struct kept_columns *list, uint32_t count, struct strbuf *out);
/* Of a text in `arena`; `path` is for the error. */
int kept_columns_parse(struct str text, const char *path, struct arena *arena,
	struct kept_columns **list, uint32_t *count, struct error *err);

/* No file: 0 of them. Everything is in the arena. */
int kept_columns_read(const char *folder, struct arena *arena, struct kept_columns **list,
	uint32_t *count, struct error *err);
/* Durable when it returns; none: the file goes. Nothing is written when it says so already. */
int kept_columns_write(const char *folder, const struct kept_columns *list, uint32_t count,
	struct error *err);

#endif
