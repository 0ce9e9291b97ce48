#include "script/bind_peek.h"

#include "base/log.h"

/* What the plan was made of: a checkpoint keeps it. Two that ask the same are one. */
static const struct plan_looked *note(
	struct plan *p, const struct peek_request *q, const struct envelope_sample *sample)
{
	struct plan_looked *l = ARENA_NEW(p->arena, struct plan_looked);
	*l = (struct plan_looked){.source = *q->source,
		.asked = q->envelope,
		.table = q->table,
		.sample = *sample,
		.next = p->looked};
	p->looked = l;
	return l;
}

const struct plan_looked *bind_peek(lua_State *L, const struct source_config *source,
	enum envelope_kind envelope, struct str table, struct str word)
{
	struct script *s = bind_script(L);
	struct envelope_sample out = {.kind = ENVELOPE_AUTO};
	if (s->options.peek == NULL) {
		error_set(&s->error, CDCL_E_SCRIPT,
			"only the messages know this, and nothing is read here");
		error_help(&s->error, "say it in the script");
		bind_fail_at(L, word);
	}
	enum trigger_kind trigger = s->plan->trigger;
	struct str said = s->options.trigger;
	struct peek_request request = {
		.source = source,
		.envelope = envelope,
		.table = table,
		.finite = trigger == TRIGGER_ONCE || trigger == TRIGGER_AVAILABLE_NOW ||
			(said.data != NULL &&
				(str_eq(said, str_lit("once")) ||
					str_eq(said, str_lit("available_now")))),
		.checkpoint = s->options.checkpoint.data != NULL ? s->options.checkpoint
								: s->plan->checkpoint,
		.place = bind_place(L),
	};
	watchdog_enter(s->dog, NULL);
	int r = s->options.peek->look(s->options.peek, &request, &out, &s->error);
	watchdog_leave(s->dog);
	if (r < 0)
		bind_fail_at(L, word);
	return note(s->plan, &request, &out);
}

/* The first source that rows of `in` come from. */
static const struct plan_node *source_of(const struct plan_node *in)
{
	while (in->kind != PLAN_SOURCE && in->input_count > 0)
		in = in->inputs[0];
	return in;
}

static void add_name(struct strbuf *out, struct str name)
{
	strbuf_add_c(out, out->len > 0 ? ", `" : "`");
	for (size_t i = 0; i < name.len; i++) {
		strbuf_add_byte(out, name.data[i]);
		if (name.data[i] == '`')
			strbuf_add_byte(out, '`');
	}
	strbuf_add_byte(out, '`');
}

static _Noreturn void fail_without_key(lua_State *L, const struct plan_node *in)
{
	struct script *s = bind_script(L);
	struct strbuf columns;
	strbuf_init(&columns);
	schema_text(in->schema, &columns);
	error_set(&s->error, CDCL_E_SCRIPT,
		"merge: the messages do not say which columns are the key");
	error_help(&s->error, "write key = \"...\"; columns here: " STR_FMT,
		(int)(columns.len < 300 ? columns.len : 300), columns.data);
	strbuf_release(&columns);
	bind_fail_at(L, str_lit("merge"));
}

struct str bind_peek_key(lua_State *L, const struct plan_node *in)
{
	struct script *s = bind_script(L);
	const struct plan_node *source = source_of(in);
	if (source->kind != PLAN_SOURCE || source->raw)
		fail_without_key(L, in);
	const struct envelope_config *e = source->envelope;
	const struct envelope_sample *sample =
		&bind_peek(L, &source->source, e != NULL ? e->kind : ENVELOPE_AUTO,
			e != NULL ? e->table : (struct str){NULL, 0}, str_lit("merge"))
			 ->sample;
	if (sample->key_count == 0)
		fail_without_key(L, in);
	struct strbuf list;
	strbuf_init(&list);
	for (uint32_t i = 0; i < sample->key_count; i++)
		add_name(&list, sample->key_columns[i]);
	struct str key = str_dup(strbuf_str(&list), s->plan->arena);
	strbuf_release(&list);
	if (!s->rehearsal)
		log_info("merge", STR_FMT ": the messages' key is " STR_FMT,
			STR_ARG(bind_place(L)), STR_ARG(key));
	return key;
}
