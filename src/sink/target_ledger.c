#include "sink/target_ledger.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>

enum { script_at = 16 };

const char target_ledger_columns[] =
	"(job text not null, target text not null, checkpoint text not null,"
	" writer text not null, batch bigint not null, primary key (job, target))";

void target_ledger_init(struct target_ledger *l, const struct sink *s, struct str table)
{
	*l = (struct target_ledger){.kept = s->writer != NULL};
	strbuf_init(&l->target);
	if (!l->kept)
		return;
	random_name(l->writer);
	snprintf(l->writer + script_at, sizeof(l->writer) - script_at, "%016" PRIx64,
		s->writer->script);
	strbuf_add(&l->target, table);
	if (s->twin > 0)
		strbuf_addf(&l->target, " #%u", s->twin + 1);
}

void target_ledger_release(struct target_ledger *l)
{
	strbuf_release(&l->target);
}

int64_t target_ledger_held(const struct target_ledger *l, struct sink *s)
{
	s->remembers = l->kept;
	bool ours = l->any && str_eq(str_c(l->row.checkpoint), s->writer->checkpoint);
	s->others = l->any && !ours;
	s->by_other_script = ours && strcmp(l->row.writer + script_at, l->writer + script_at) != 0;
	return ours ? l->row.batch : -1;
}

struct target_ledger_row target_ledger_next(
	const struct target_ledger *l, const struct sink *s, int64_t id)
{
	struct target_ledger_row next = {.batch = id};
	check(s->writer->checkpoint.len < sizeof(next.checkpoint));
	memcpy(next.checkpoint, s->writer->checkpoint.data, s->writer->checkpoint.len);
	memcpy(next.writer, l->writer, sizeof(next.writer));
	return next;
}

bool target_ledger_row_is(const struct target_ledger_row *a, const struct target_ledger_row *b)
{
	return strcmp(a->checkpoint, b->checkpoint) == 0 && strcmp(a->writer, b->writer) == 0 &&
		a->batch == b->batch;
}

int target_ledger_fenced(
	const struct sink *s, const struct target_ledger_row *found, struct error *err)
{
	if (found == NULL)
		error_set(err, CDCL_E_FENCED,
			STR_FMT ": its row in _cdcl_ledger is gone: somebody else writes to it, or "
			"made it forget this job", STR_ARG(s->target));
	else
		error_set(err, CDCL_E_FENCED,
			STR_FMT ": another process writes to it: it holds batch %" PRId64
			" of writer %.8s, checkpoint %.8s", STR_ARG(s->target), found->batch,
			found->writer, found->checkpoint);
	error_help(err, "stop the other one; this batch was not written");
	return -(int)CDCL_E_FENCED;
}
