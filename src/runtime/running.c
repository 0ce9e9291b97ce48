#include "runtime/running.h"

#include "base/arena.h"
#include "base/log.h"
#include "runtime/against.h"
#include "runtime/peek.h"
#include "runtime/pipeline.h"

#include <stdlib.h>

enum { sources_max = 64 };

/* What of the change is tried: of what only values show less and less, at last nothing. */
enum reach { REACH_ALL, REACH_NEW_COLUMNS, REACH_SAID, reach_count };

struct change {
	struct peek_request request;
	const struct schema *have;
	const struct schema *wider;
	bool by_values; /* no message's schema says it */
};

/* Of all sources; what has no place here stays out until it comes again. */
struct widening {
	struct arena arena;
	struct change list[sources_max];
	uint32_t count;
	bool any_said;
	bool any_by_values;
};

/* ---- what changed ---- */

static void gather(struct widening *c, const struct job *j)
{
	struct source_columns wider;
	*c = (struct widening){.count = 0};
	arena_init(&c->arena, 16 * 1024);
	for (; c->count < sources_max && job_wider(j, c->count, &wider); c->count++) {
		struct source_config *source = ARENA_NEW(&c->arena, struct source_config);
		*source = wider.node->looked->source;
		c->any_said |= !wider.by_values;
		c->any_by_values |= wider.by_values;
		c->list[c->count] = (struct change){
			.request = {.source = source,
				.envelope = wider.node->looked->asked,
				.table = wider.node->looked->table},
			.have = wider.node->schema,
			.wider = schema_copy(wider.columns, &c->arena),
			.by_values = wider.by_values};
	}
}

/* The new columns alone; the others are as they were. */
static const struct schema *only_new(const struct change *change, struct arena *arena)
{
	struct schema *s = schema_copy(change->wider, arena);
	for (uint32_t i = 0; i < change->have->column_count; i++)
		s->columns[i].type = change->have->columns[i].type;
	return s;
}

static bool is_same(const struct schema *a, const struct schema *b)
{
	bool same = a->column_count == b->column_count;
	for (uint32_t i = 0; same && i < a->column_count; i++)
		same = type_eq(a->columns[i].type, b->columns[i].type);
	return same;
}

static const struct schema *reached(
	const struct change *change, enum reach how, struct arena *arena)
{
	if (how == REACH_ALL || !change->by_values)
		return change->wider;
	return how == REACH_NEW_COLUMNS ? only_new(change, arena) : change->have;
}

/* What the script gets for "auto" from now on. False: that is what it had. */
static bool reach(struct widening *c, enum reach how, struct source_peek *peek)
{
	bool changed = false;
	for (uint32_t i = 0; i < c->count; i++) {
		const struct change *change = &c->list[i];
		const struct schema *columns = reached(change, how, &c->arena);
		changed = changed || !is_same(columns, change->have);
		peek_widen(peek, &change->request, columns);
	}
	return changed;
}

static void reach_nothing(const struct widening *c, struct source_peek *peek)
{
	for (uint32_t i = 0; i < c->count; i++)
		peek_widen(peek, &c->list[i].request, c->list[i].have);
}

/* ---- going on ---- */

/* What is kept would become of the script's; a reason, when it cannot. */
static int fits(struct script *s, struct error *err)
{
	struct plan *plan = script_plan(s);
	struct against against;
	struct arena arena;
	arena_init(&arena, 16 * 1024);
	int r = against_checkpoint(
		plan, str_dup(plan->checkpoint, &arena).data, &arena, &against, err);
	for (uint32_t i = 0; r == 0 && i < against.count; i++)
		if (against.verdicts[i].verdict == STATE_REFUSE)
			r = error_set(err, CDCL_E_STATE, STR_FMT ": " STR_FMT,
				STR_ARG(against.verdicts[i].name),
				STR_ARG(against.verdicts[i].why));
	arena_release(&arena);
	return r;
}

/* The script with the columns that were reached. NULL: it cannot have them. */
static struct script *load(struct running *r, struct error *err)
{
	struct script *s = r->load(r, err);
	if (s == NULL || script_plan(s)->checkpoint.data == NULL || fits(s, err) == 0)
		return s;
	script_close(s);
	return NULL;
}

static int go_on_in_place(struct running *r, struct script *fresh, struct error *err)
{
	r->job_options->previous = r->job;
	r->job_options->restarted = true;
	struct job *j = job_open(script_plan(fresh), r->job_options, err);
	r->job_options->previous = NULL;
	job_close(r->job);
	r->job = j;
	if (j == NULL) {
		script_close(fresh);
		return -(int)err->code;
	}
	r->outgrown[r->outgrown_count++] = r->script;
	r->script = fresh;
	return 0;
}

/* What values say is no reason to end: the job goes on as it is. */
static int leave_out(struct running *r, const struct widening *w, const struct error *why,
	struct error *err)
{
	log_warn("schema", "%s%s%s: what is new is left out%s", why->place,
		why->place[0] != '\0' ? ": " : "", why->text,
		r->job != NULL ? "" : ", from now on and until the next start");
	reach_nothing(w, r->script_options->peek);
	if (r->job != NULL) {
		job_leave_out(r->job, LEAVE_OUT_THESE);
		return 0;
	}
	r->leaves_out = true; /* or it would be tried for each such message */
	r->job = job_open(script_plan(r->script), r->job_options, err);
	return r->job != NULL ? 0 : -(int)err->code;
}

/* With what was reached: 0; else *err says what cannot have it. A target may be that. */
static int try(struct running *r, struct error *err)
{
	struct script *fresh = load(r, err);
	if (fresh == NULL)
		return -(int)err->code;
	if (script_plan(fresh)->checkpoint.data == NULL)
		return go_on_in_place(r, fresh, err);
	int answer = job_reopen(&r->restarts, &r->job, script_plan(fresh), r->job_options, err);
	if (answer == 0) {
		script_close(r->script);
		r->script = fresh;
	} else {
		script_close(fresh);
	}
	return answer;
}

/* By the script, the state or a target; else it says nothing about the columns. */
static bool is_refusal(const struct error *why)
{
	switch (why->code) {
	case CDCL_E_UNREACHABLE:
	case CDCL_E_REFUSED:
	case CDCL_E_FENCED:
	case CDCL_E_DISK:
	case CDCL_E_MEMORY:
	case CDCL_E_CLOSED:
		return false;
	default:
		return true;
	}
}

static int follow(struct running *r, struct widening *w, struct error *err)
{
	struct error why;
	int answer = -1, how = r->leaves_out ? REACH_SAID : REACH_ALL;
	int end = w->any_by_values ? reach_count : how + 1;
	bool kept = script_plan(r->script)->checkpoint.data != NULL;
	error_init(&why);
	for (; how < end && answer != 0; how++) {
		if (!reach(w, (enum reach)how, r->script_options->peek))
			break;
		error_init(&why);
		answer = try(r, &why);
		if (!is_refusal(&why) || (r->job == NULL && !kept))
			break;
	}
	if (answer == 0)
		return 0;
	if (!w->any_said && is_refusal(&why) && (kept || r->job != NULL))
		return leave_out(r, w, &why, err);
	*err = why;
	return -(int)err->code;
}

int running_go_wider(struct running *r, struct error *err)
{
	struct widening c;
	int answer = 0;
	gather(&c, r->job);
	if (r->changes == column_changes_max) {
		log_warn("schema",
			"the columns changed %d times in this run: what is new from now on is left "
			"out until the next start",
			column_changes_max);
		r->changes++;
	}
	if (r->changes > column_changes_max) {
		job_leave_out(r->job, LEAVE_OUT_ALL);
	} else if (r->leaves_out && !c.any_said) {
		job_leave_out(r->job, LEAVE_OUT_VALUES);
	} else {
		r->changes++;
		answer = follow(r, &c, err);
	}
	arena_release(&c.arena);
	return answer;
}

void running_close(struct running *r)
{
	job_close(r->job);
	script_close(r->script);
	for (uint32_t i = 0; i < r->outgrown_count; i++)
		script_close(r->outgrown[i]);
	r->job = NULL;
	r->script = NULL;
	r->outgrown_count = 0;
	r->changes = 0;
	r->leaves_out = false;
}
