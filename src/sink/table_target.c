#include "sink/table_target.h"

#include "base/check.h"
#include "base/log.h"
#include "base/retry.h"

#include <inttypes.h>
#include <stdlib.h>

static struct table_target *target_of(struct sink *s)
{
	return container_of(s, struct table_target, base);
}

void table_target_init(struct table_target *t, const struct sink_ops *ops,
	const struct table_target_ops *db, const struct sink_config *config)
{
	t->base.ops = ops;
	t->db = db;
	t->config = config;
	row_keeper_init(&t->rows);
}

bool table_target_replaces(const struct table_target *t)
{
	return t->base.mode == OUTPUT_COMPLETE;
}

bool table_target_upserts(const struct table_target *t)
{
	return t->base.is_table && t->base.mode == OUTPUT_UPDATE;
}

bool table_target_removes_stale(const struct table_target *t)
{
	return table_target_upserts(t) && t->config->remove_stale && !t->published;
}

bool table_target_is_key(const struct table_target *t, uint32_t column)
{
	for (uint32_t i = 0; t->base.key != NULL && i < t->base.key->count; i++)
		if (t->base.key->columns[i] == column)
			return true;
	return false;
}

bool table_target_null_key(const struct table_target *t, const struct chunk *c, uint32_t row)
{
	for (uint32_t i = 0; i < t->base.key->count; i++)
		if (column_is_null(&c->columns[t->base.key->columns[i]], row))
			return true;
	return false;
}

/* ---- SQL text ---- */

void sql_add_name(struct strbuf *out, struct str name)
{
	strbuf_add_byte(out, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] == '"')
			strbuf_add_byte(out, '"');
		strbuf_add_byte(out, name.data[i]);
	}
	strbuf_add_byte(out, '"');
}

void table_target_add_names(const struct table_target *t, bool key, const char *before,
	const char *between, struct strbuf *out)
{
	uint32_t count = key ? t->base.key->count : t->base.schema->column_count;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t column = key ? t->base.key->columns[i] : i;
		strbuf_add_c(out, i == 0 ? "" : between);
		strbuf_add_c(out, before);
		sql_add_name(out, t->base.schema->columns[column].name);
	}
}

void table_target_add_key_match(const struct table_target *t, const char *left, const char *how,
	const char *right, struct strbuf *out)
{
	for (uint32_t i = 0; i < t->base.key->count; i++) {
		struct str name = t->base.schema->columns[t->base.key->columns[i]].name;
		strbuf_addf(out, "%s%s", i > 0 ? " and " : "", left);
		sql_add_name(out, name);
		strbuf_addf(out, " %s %s", how, right == NULL ? "?" : right);
		if (right != NULL)
			sql_add_name(out, name);
	}
}

int table_target_missing(const struct table_target *t, uint32_t column, const char *db_type,
	struct error *err)
{
	struct str name = t->base.schema->columns[column].name;
	error_set(err, CDCL_E_STATE, STR_FMT ": the table has no column \"" STR_FMT "\"",
		STR_ARG(t->config->table), STR_ARG(name));
	error_help(err, "alter table " STR_FMT " add column \"" STR_FMT "\" %s; or leave it out "
		"with select", STR_ARG(t->config->table), STR_ARG(name), db_type);
	return -CDCL_E_STATE;
}

int table_target_wrong_type(const struct table_target *t, uint32_t column, const char *found,
	const char *wanted, struct error *err)
{
	const struct schema_column *c = &t->base.schema->columns[column];
	struct strbuf type;
	strbuf_init(&type);
	type_name(c->type, &type);
	error_set(err, CDCL_E_STATE, STR_FMT ": column \"" STR_FMT "\" is %s there, which does not "
		"hold every " STR_FMT, STR_ARG(t->config->table), STR_ARG(c->name), found,
		STR_ARG(strbuf_str(&type)));
	strbuf_release(&type);
	error_help(err, "make it %s, or cast the column in select", wanted);
	return -CDCL_E_STATE;
}

/* ---- a sink ---- */

/* SQL ends at a NUL: what stands behind it would be lost, quotes and all. */
static int check_names(const struct table_target *t, struct error *err)
{
	const struct schema *schema = t->base.schema;
	for (uint32_t i = 0; i < schema->column_count; i++)
		if (memchr(schema->columns[i].name.data, 0, schema->columns[i].name.len) != NULL)
			return error_set(err, CDCL_E_SCRIPT,
				STR_FMT ": column %u has a NUL in its name; rename it with select",
				STR_ARG(t->config->table), i + 1);
	return 0;
}

int table_target_forget(struct table_target *t, struct error *err)
{
	return t->ledger.kept ? t->db->ledger_forget(t, err) : 0;
}

/* Trying again does not help where the database understood and said no. */
static bool may_pass(const struct error *err)
{
	return err->code == CDCL_E_UNREACHABLE || err->code == CDCL_E_DISK;
}

static int open_once(struct table_target *t, struct error *err)
{
	int r = t->db->open(t, err);
	if (r < 0 || !t->ledger.kept)
		return r;
	r = t->db->ledger_read(t, &t->ledger.row, err);
	t->ledger.any = r == 1;
	return r < 0 ? r : 0;
}

int table_target_open(struct sink *s, int64_t *last_batch_id, struct error *err)
{
	struct table_target *t = target_of(s);
	struct retry retry = {.wait_ms = 0};
	target_ledger_init(&t->ledger, s, t->config->table);
	int r = check_names(t, err);
	if (r < 0)
		return r;
	int64_t patience_ms = t->config->on_error == SINK_RETRY ? target_retry_ms_max : 0;
	r = open_once(t, err);
	while (r < 0 && may_pass(err) && retry_wait(&retry, patience_ms, s->ops->kind, err))
		r = open_once(t, err);
	if (r == 0 && t->ledger.kept)
		*last_batch_id = target_ledger_held(&t->ledger, s);
	return r;
}

int table_target_begin_anew(struct sink *s, struct error *err)
{
	struct table_target *t = target_of(s);
	int r = table_target_forget(t, err);
	t->ledger.any = t->ledger.any && r < 0;
	return r;
}

static int put_kept(struct table_target *t, struct error *err)
{
	int r = t->open ? 0 : t->db->begin(t, err);
	t->open = t->open || r == 0;
	for (uint32_t i = 0; r == 0 && i < t->rows.count; i++)
		r = t->db->put(t, t->rows.chunks[i], err);
	return r;
}

static void roll_back(struct table_target *t)
{
	t->db->rollback(t);
	t->open = false;
}

int table_target_write(struct sink *s, const struct chunk *c, struct error *err)
{
	struct table_target *t = target_of(s);
	s->rows_written += chunk_live_count(c);
	int r = row_keeper_add(&t->rows, c, s->schema, err);
	if (r < 0 || t->rows.bytes < target_kept_bytes_max)
		return r;
	r = put_kept(t, err);
	if (r < 0)
		roll_back(t);
	t->spilled = true;
	row_keeper_clear(&t->rows);
	return r;
}

int table_target_prepare(struct sink *s, const struct batch *b, struct error *err)
{
	(void)s, (void)b, (void)err;
	return 0;
}

/* ---- the ledger ---- */

static int write_ledger(struct table_target *t, const struct batch *b, struct error *err)
{
	struct target_ledger *l = &t->ledger;
	struct target_ledger_row next = target_ledger_next(l, &t->base, b->id), found;
	int r = t->db->ledger_write(t, l->any ? &l->row : NULL, &next, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = t->db->ledger_read(t, &found, err);
	if (r == 1 && target_ledger_row_is(&found, &next)) {
		t->doubtful = true; /* look_up says that it was taken */
		return error_set(err, CDCL_E_UNREACHABLE, STR_FMT
			": the answer to a commit was lost", STR_ARG(t->base.target));
	}
	return r < 0 ? r : target_ledger_fenced(&t->base, r == 1 ? &found : NULL, err);
}

static void note_taken(struct table_target *t, const struct batch *b)
{
	if (t->ledger.kept) {
		t->ledger.any = true;
		t->ledger.row = target_ledger_next(&t->ledger, &t->base, b->id);
	}
	t->doubtful = false;
}

/* After a commit without an answer: 1: it was taken; 0: it was not. */
static int look_up(struct table_target *t, const struct batch *b, struct error *err)
{
	struct target_ledger *l = &t->ledger;
	struct target_ledger_row next = target_ledger_next(l, &t->base, b->id), found;
	int r = t->db->ledger_read(t, &found, err);
	if (r < 0)
		return r;
	t->doubtful = false;
	if (r == 1 && target_ledger_row_is(&found, &next))
		return 1;
	bool as_before = l->any ? r == 1 && target_ledger_row_is(&found, &l->row) : r == 0;
	return as_before ? 0 : target_ledger_fenced(&t->base, r == 1 ? &found : NULL, err);
}

/* ---- publishing ---- */

static int publish_once(struct table_target *t, const struct batch *b, struct error *err)
{
	t->again = false;
	int r = put_kept(t, err);
	if (r == 0)
		r = t->db->finish(t, err);
	if (r == 0 && t->ledger.kept)
		r = write_ledger(t, b, err);
	if (r == 0) {
		r = t->db->commit(t, err);
		t->doubtful = r < 0 && t->ledger.kept;
	}
	if (r < 0)
		roll_back(t);
	t->open = false;
	if (r == 0)
		note_taken(t, b);
	return r;
}

/* One more try, which is only a question when nobody knows how the one before ended. */
static int try_again(struct table_target *t, const struct batch *b, const struct error *before,
	struct error *err)
{
	if (!t->doubtful)
		return publish_once(t, b, err);
	int r = look_up(t, b, err);
	if (r < 0)
		return r;
	if (r == 0 && t->spilled) {
		*err = *before;
		return -(int)err->code;
	}
	if (r == 0)
		return publish_once(t, b, err);
	log_info(t->base.ops->kind, "batch %" PRId64 " was taken although its answer was lost",
		b->id);
	note_taken(t, b);
	return 0;
}

/* For how long it is tried again after this failure; 0: not at all. */
static int patience_ms(const struct table_target *t, const struct error *err)
{
	bool asked = t->config->on_error == SINK_RETRY;
	if (t->doubtful)
		return asked ? target_retry_ms_max : target_doubt_ms_max;
	if (t->spilled || !may_pass(err))
		return 0;
	return asked ? target_retry_ms_max : t->again ? target_doubt_ms_max : 0;
}

static int publish_rows(struct table_target *t, const struct batch *b, struct error *err)
{
	struct retry retry = {.wait_ms = 0};
	int r = publish_once(t, b, err);
	struct error before = *err;
	while (r < 0 && retry_wait(&retry, patience_ms(t, err), t->base.ops->kind, err)) {
		r = try_again(t, b, &before, err);
		before = *err;
	}
	return r;
}

int table_target_publish(struct sink *s, const struct batch *b, struct error *err)
{
	struct table_target *t = target_of(s);
	bool nothing = t->rows.count == 0 && !t->open && !table_target_replaces(t) &&
		!table_target_removes_stale(t) && !t->ledger.kept;
	int r = nothing ? 0 : publish_rows(t, b, err);
	t->published = r == 0;
	t->spilled = false;
	row_keeper_clear(&t->rows);
	return r;
}

void table_target_close(struct sink *s)
{
	struct table_target *t = target_of(s);
	if (t->open)
		roll_back(t);
	t->db->close(t);
	row_keeper_release(&t->rows);
	target_ledger_release(&t->ledger);
	free(t);
}
