#include "cli/message_line.h"

#include "data/change.h"
#include "decode/json_path.h"

/*
 * A change event in one line: its operation, and the row with what changed.
 *
 *	update  {"id":7,"quantity":3 -> 5}
 *
 * Debezium's before and after (with or without schema), Maxwell's data and old.
 */

enum { event_fields_max = 4096 };

struct event {
	struct str op;          /* the word, without quotes */
	struct str before;      /* object or absent */
	struct str after;
};

static bool field(struct str object, const char *name, struct str *value)
{
	struct json_step step = {.field = str_c(name)};
	return json_path_find(object, &step, 1, value);
}

static struct str object_at(struct str event, const char *name)
{
	struct str value;
	if (!field(event, name, &value) || json_kind_of(value) != JSON_KIND_OBJECT)
		return (struct str){NULL, 0};
	return value;
}

/* A word between quotes; operations have no escapes. */
static bool word_at(struct str event, const char *name, struct str *word)
{
	if (!field(event, name, word) || json_kind_of(*word) != JSON_KIND_STRING || word->len < 2)
		return false;
	*word = str_sub(*word, 1, word->len - 2);
	return true;
}

static bool read_event(struct str value, struct event *e)
{
	*e = (struct event){.op = {NULL, 0}};
	if (value.len == 0 || json_kind_of(value) != JSON_KIND_OBJECT)
		return false;
	struct str payload = object_at(value, "payload");
	if (payload.data != NULL)
		value = payload;
	if (word_at(value, "op", &e->op)) {
		e->before = object_at(value, "before");
		e->after = object_at(value, "after");
	} else if (word_at(value, "type", &e->op)) {
		e->after = object_at(value, "data");
		e->before = object_at(value, "old");
		if (change_op_parse(e->op) == CHANGE_DELETE) {
			e->before = e->after;
			e->after = (struct str){NULL, 0};
		}
	}
	return change_op_parse(e->op) != CHANGE_UNKNOWN &&
		(e->before.data != NULL || e->after.data != NULL);
}

static void add_value(struct message_line *p, struct str value, enum message_color color)
{
	message_line_paint(p, color);
	message_line_text(p, value);
	message_line_paint(p, COLOR_PLAIN);
}

static void add_name(struct message_line *p, struct str name, bool first)
{
	strbuf_add_c(&p->out, first ? "\"" : ",\"");
	add_value(p, name, COLOR_BLUE);
	strbuf_add_c(&p->out, "\":");
}

/* The field of the same name, both as they stand between the quotes. */
static bool find_raw(struct str object, struct str name, struct str *value)
{
	size_t at = 0;
	struct str n;
	for (int i = 0; object.data != NULL && i < event_fields_max; i++) {
		if (!json_next(object, &at, &n, value))
			return false;
		if (str_eq(n, name))
			return true;
	}
	return false;
}

static void add_row(struct message_line *p, const struct event *e)
{
	bool goes = e->after.data == NULL;
	struct str row = goes ? e->before : e->after;
	enum message_color whole = goes ? COLOR_RED : e->before.data == NULL ? COLOR_GREEN
									     : COLOR_DIM;
	struct str name, value, old;
	size_t at = 0;
	strbuf_add_byte(&p->out, '{');
	for (int i = 0; i < event_fields_max && json_next(row, &at, &name, &value); i++) {
		add_name(p, name, i == 0);
		bool changed = !goes && find_raw(e->before, name, &old) && !str_eq(old, value);
		if (changed) {
			add_value(p, old, COLOR_RED);
			strbuf_add_c(&p->out, " -> ");
		}
		add_value(p, value, changed ? COLOR_GREEN : whole);
	}
	strbuf_add_byte(&p->out, '}');
}

bool message_line_event(struct message_line *p, struct str value)
{
	struct event e;
	if (!read_event(value, &e))
		return false;
	message_line_op(p, str_c(change_op_name(change_op_parse(e.op))));
	strbuf_add_c(&p->out, "  ");
	add_row(p, &e);
	return true;
}
