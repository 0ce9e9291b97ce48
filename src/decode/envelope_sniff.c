/*
 * The first messages of a topic: which envelope, which columns, which key. Each table that the
 * envelope names is counted and typed by itself; the one with most rows is the answer.
 */

#include "base/bounds.h"
#include "base/check.h"
#include "decode/envelope_sniff_table.h"
#include "decode/json_path.h"

#include <stdlib.h>

enum { sniff_tables_max = 64 };

struct envelope_sniffer {
	enum envelope_kind wanted;
	struct str table; /* without its database and schema; absent: any */
	bool values_only;
	struct arena arena;
	struct sniff_table *tables[sniff_tables_max];
	uint32_t table_count;
	int64_t kinds[ENVELOPE_OGG + 1]; /* messages with rows, by envelope */
	bool unwrapped;
	const char *not_read, *help; /* what came that is not read; NULL */
	struct envelope_sample counts; /* only its counters */
};

struct envelope_sniffer *envelope_sniffer_open(enum envelope_kind kind)
{
	struct envelope_sniffer *s = calloc(1, sizeof(*s));
	check(s != NULL);
	s->wanted = kind;
	arena_init(&s->arena, 64 * 1024);
	return s;
}

void envelope_sniffer_close(struct envelope_sniffer *s)
{
	if (s == NULL)
		return;
	arena_release(&s->arena);
	free(s);
}

void envelope_sniffer_table(struct envelope_sniffer *s, struct str table)
{
	size_t start = table.len;
	while (start > 0 && table.data[start - 1] != '.')
		start--;
	if (table.data != NULL)
		s->table = str_dup(str_sub(table, start, table.len), &s->arena);
}

void envelope_sniffer_values(struct envelope_sniffer *s)
{
	s->values_only = true;
}

/* ---- tables ---- */

/* What the envelope calls the table; absent: it does not say. */
static struct str table_name(const struct envelope_look *l, struct arena *arena)
{
	struct str name = l->fields[LOOK_TABLE];
	struct json_step step = {.field = str_lit("table")};
	if (l->kind == ENVELOPE_FLAT || l->unwrapped)
		return (struct str){NULL, 0};
	if (l->kind == ENVELOPE_DEBEZIUM &&
		(l->fields[LOOK_SOURCE].len == 0 ||
			!json_path_find(l->fields[LOOK_SOURCE], &step, 1, &name)))
		return (struct str){NULL, 0};
	if (name.len == 0 || json_kind_of(name) != JSON_KIND_STRING)
		return (struct str){NULL, 0};
	return json_unquote(name, arena);
}

/* NULL when there are too many. */
static struct sniff_table *table_of(struct envelope_sniffer *s, const struct envelope_look *l)
{
	struct str name = table_name(l, &s->arena);
	for (uint32_t i = 0; i < s->table_count; i++)
		if (str_eq(s->tables[i]->name, name))
			return s->tables[i];
	if (s->table_count == sniff_tables_max)
		return NULL;
	struct sniff_table *t = ARENA_NEW(&s->arena, struct sniff_table);
	t->arena = &s->arena;
	t->name = str_dup(name, &s->arena);
	t->values_only = s->values_only;
	s->tables[s->table_count++] = t;
	return t;
}

/* ---- messages ---- */

/* A message whose looks are of another envelope than the user named is none of ours. */
static bool is_wanted(const struct envelope_sniffer *s, struct envelope_look *l)
{
	if (s->wanted == ENVELOPE_AUTO || l->kind == s->wanted)
		return true;
	if (l->kind == ENVELOPE_FLAT && s->wanted == ENVELOPE_DEBEZIUM) {
		l->kind = ENVELOPE_DEBEZIUM; /* unwrapped, without fields of Debezium's own */
		l->unwrapped = true;
		return true;
	}
	if (s->wanted != ENVELOPE_FLAT)
		return false;
	l->kind = ENVELOPE_FLAT;
	return true;
}

void envelope_sniff_message(struct envelope_sniffer *s, struct str key, struct str value)
{
	struct envelope_look l;
	envelope_look(value, &l);
	s->counts.messages++;
	if (l.content == LOOK_TOMBSTONE) {
		s->counts.tombstones++;
	} else if (l.content == LOOK_UNREADABLE) {
		s->counts.unreadable++;
	} else if (l.content == LOOK_NOT_READ && s->wanted != ENVELOPE_FLAT) {
		s->counts.others++;
		s->not_read = l.what;
		s->help = l.help;
	} else if (!is_wanted(s, &l)) {
		s->counts.others++;
	} else if (l.content == LOOK_CONTROL && l.kind != ENVELOPE_FLAT) {
		s->counts.control++;
	} else {
		struct sniff_table *t = table_of(s, &l);
		s->kinds[l.kind]++;
		if (t != NULL)
			sniff_table_add(t, &l, key);
	}
}

int envelope_sniff(struct envelope_sniffer *s, const struct messages *in, struct error *err)
{
	(void)err;
	for (uint32_t i = 0; i < in->count; i++)
		envelope_sniff_message(s, in->key[i], in->value[i]);
	return 0;
}

/* ---- the answer ---- */

static enum envelope_kind most(const struct envelope_sniffer *s)
{
	enum envelope_kind best = ENVELOPE_AUTO;
	for (int k = ENVELOPE_FLAT; k <= ENVELOPE_OGG; k++)
		if (s->kinds[k] > s->kinds[best])
			best = (enum envelope_kind)k;
	return best;
}

static const struct sniff_table *biggest(const struct envelope_sniffer *s, enum envelope_kind kind)
{
	const struct sniff_table *best = NULL;
	for (uint32_t i = 0; i < s->table_count; i++)
		if (s->tables[i]->kind == kind && sniff_table_has_columns(s->tables[i]) &&
			(s->table.data == NULL || str_eq(s->tables[i]->name, s->table)) &&
			(best == NULL || s->tables[i]->rows > best->rows))
			best = s->tables[i];
	return best;
}

static int fail_empty(const struct envelope_sniffer *s, const struct envelope_sample *c,
	struct error *err)
{
	if (s->table.data != NULL && s->table_count > 0)
		return error_set(err, CDCL_E_DATA,
			"none of the first %lld messages is of table " STR_FMT,
			(long long)c->messages, STR_ARG(s->table));
	if (c->messages == 0)
		return error_set(err, CDCL_E_DATA, "there are no messages to look at");
	if (s->not_read != NULL && c->others == c->messages) {
		int code = error_set(err, CDCL_E_DATA, "the first %lld messages are not read: %s",
			(long long)c->messages, s->not_read);
		error_help(err, "%s", s->help);
		return code;
	}
	return error_set(err, CDCL_E_DATA,
		"none of the first %lld messages has a row: %lld tombstones, %lld without a row "
		"(heartbeats, DDL), %lld of another envelope, %lld that are no JSON object",
		(long long)c->messages, (long long)c->tombstones, (long long)c->control,
		(long long)c->others, (long long)c->unreadable);
}

int envelope_sniffer_result(struct envelope_sniffer *s, struct arena *arena,
	struct envelope_sample *out, struct error *err)
{
	*out = s->counts;
	out->kind = most(s);
	const struct sniff_table *t = biggest(s, out->kind);
	if (t == NULL)
		return fail_empty(s, out, err);
	for (int k = ENVELOPE_FLAT; k <= ENVELOPE_OGG; k++)
		out->others += k == (int)out->kind ? 0 : s->kinds[k];
	for (uint32_t i = 0; i < s->table_count; i++)
		out->table_count += s->tables[i]->kind == out->kind;
	sniff_table_result(t, arena, out);
	return 0;
}
