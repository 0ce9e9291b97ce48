#include "runtime/state_sources.h"

#include "base/check.h"
#include "base/crc32c.h"

void state_source_reads(const struct source_config *s, struct strbuf *out)
{
	const struct kafka_config *k = &s->kafka;
	if (s->kind == SOURCE_FILE) {
		strbuf_addf(out, "file " STR_FMT, STR_ARG(s->file.path));
		for (uint32_t i = 0; i < s->file.topic_count; i++)
			strbuf_addf(out, "%s" STR_FMT, i == 0 ? " topics " : ",",
				STR_ARG(s->file.topics[i]));
	} else if (s->kind != SOURCE_KAFKA) {
		strbuf_add_c(out, s->kind == SOURCE_STDIN ? "stdin" : "generate");
	} else if (k->topic_pattern.data != NULL) {
		strbuf_addf(out, "kafka pattern " STR_FMT, STR_ARG(k->topic_pattern));
	} else {
		for (uint32_t i = 0; i < k->topic_count; i++)
			strbuf_addf(out, "%s" STR_FMT, i == 0 ? "kafka " : ",",
				STR_ARG(k->topics[i]));
	}
}

void state_sources_init(struct state_sources *s, const struct plan *plan, struct arena *arena)
{
	*s = (struct state_sources){
		.sources = ARENA_ARRAY(arena, struct checkpoint_source, plan->node_count + 1)};
	struct strbuf reads;
	strbuf_init(&reads);
	for (uint32_t i = 0; i < plan->node_count; i++) {
		if (plan->nodes[i]->kind != PLAN_SOURCE)
			continue;
		strbuf_reset(&reads);
		state_source_reads(&plan->nodes[i]->source, &reads);
		s->sources[s->count] = (struct checkpoint_source){
			s->count, str_dup(strbuf_str(&reads), arena)};
		s->count++;
	}
	strbuf_release(&reads);
}

/* ---- who is who ---- */

enum { none = -1 };

struct match {
	const struct checkpoint_source *kept;
	uint32_t kept_count;
	bool *taken;            /* by kept */
	int32_t *of;            /* by the script's: kept, or none */
};

static bool is_pattern(struct str reads)
{
	return str_starts(reads, str_lit("kafka pattern "));
}

static struct str next_topic(struct str *list)
{
	const char *end = list->len == 0 ? NULL : memchr(list->data, ',', list->len);
	struct str topic = str_sub(*list, 0, end == NULL ? list->len : (size_t)(end - list->data));
	*list = str_sub(*list, topic.len + (end != NULL), list->len);
	return topic;
}

static bool has_topic(struct str list, struct str topic)
{
	while (list.len > 0)
		if (str_eq(next_topic(&list), topic))
			return true;
	return false;
}

static bool same_reads(struct str a, struct str b)
{
	return str_eq(a, b);
}

bool state_source_shares(struct str a, struct str b)
{
	struct str kafka = str_lit("kafka ");
	if (!str_starts(a, kafka) || !str_starts(b, kafka) || is_pattern(a) || is_pattern(b))
		return false;
	a = str_sub(a, kafka.len, a.len);
	b = str_sub(b, kafka.len, b.len);
	while (a.len > 0)
		if (has_topic(b, next_topic(&a)))
			return true;
	return false;
}

static bool pattern_changed(struct str a, struct str b)
{
	struct str kafka = str_lit("kafka ");
	return str_starts(a, kafka) && str_starts(b, kafka) && (is_pattern(a) || is_pattern(b));
}

static void pair(struct state_sources *s, struct match *m, bool (*same)(struct str a, struct str b))
{
	for (uint32_t i = 0; i < s->count; i++)
		for (uint32_t k = 0; k < m->kept_count && m->of[i] == none; k++)
			if (!m->taken[k] && same(s->sources[i].reads, m->kept[k].reads)) {
				m->of[i] = (int32_t)k;
				m->taken[k] = true;
			}
}

static bool one_left(const struct state_sources *s, const struct match *m)
{
	uint32_t here = 0, there = 0;
	for (uint32_t i = 0; i < s->count; i++)
		here += m->of[i] == none;
	for (uint32_t k = 0; k < m->kept_count; k++)
		there += !m->taken[k];
	return here == 1 && there == 1;
}

/* Above all that were ever given, as far as is known. */
static uint32_t free_number(const struct checkpoint_found *found)
{
	uint32_t next = 0;
	for (uint32_t i = 0; i < found->source_count; i++)
		next = found->sources[i].number >= next ? found->sources[i].number + 1 : next;
	for (uint32_t i = 0; i < found->batch.position_count; i++) {
		uint32_t number = found->batch.positions[i].source;
		next = number >= next ? number + 1 : next;
	}
	return next;
}

/* ---- verdicts ---- */

static void add_verdict(struct state_sources *s, struct str reads, enum state_verdict verdict,
	struct str why, struct arena *arena)
{
	s->verdicts[s->verdict_count++] = (struct checkpoint_verdict){
		str_printf(arena, "source " STR_FMT, STR_ARG(reads)), verdict, why};
}

/* The only topics that are new, to which `gone` may have been moved; empty: there are none. */
static struct str only_new_topics(
	const struct state_sources *s, const struct match *m, struct str gone)
{
	struct str kafka = str_lit("kafka "), found = {NULL, 0};
	uint32_t count = 0;
	if (!str_starts(gone, kafka) || is_pattern(gone))
		return found;
	for (uint32_t i = 0; i < s->count; i++) {
		struct str reads = s->sources[i].reads;
		if (m->of[i] != none || !str_starts(reads, kafka) || is_pattern(reads))
			continue;
		found = str_sub(reads, kafka.len, reads.len);
		count++;
	}
	return count == 1 ? found : (struct str){NULL, 0};
}

static struct str why_gone(const struct state_sources *s, const struct match *m, struct str gone,
	struct arena *arena)
{
	struct str file = str_lit("file "), topics = only_new_topics(s, m, gone);
	if (str_starts(gone, file))
		return str_lit("is in the checkpoint, but the script does not read it; files are "
			       "known by their paths: what was moved needs its old one (a link "
			       "will do)");
	if (topics.len == 0)
		return str_lit("is in the checkpoint, but the script does not read it; if its "
			       "topic was moved, name the old one beside the new");
	return str_printf(arena,
		"is in the checkpoint, but the script reads " STR_FMT
		" instead; if the topic was moved, read both until the old one is at its end: "
		"topic = \"" STR_FMT ", " STR_FMT "\"",
		STR_ARG(topics), STR_ARG(str_sub(gone, 6, gone.len)), STR_ARG(topics));
}

static void judge(struct state_sources *s, const struct match *m, struct arena *arena)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct str reads = s->sources[i].reads;
		if (m->of[i] == none) {
			add_verdict(s, reads, STATE_NEW, str_lit("begins at its starting offsets"),
				arena);
			continue;
		}
		struct str was = m->kept[m->of[i]].reads;
		bool same = str_eq(was, reads);
		add_verdict(s, reads, same ? STATE_KEEP : STATE_CONVERT,
			same ? str_lit("")
			     : str_printf(arena,
				       "was " STR_FMT "; what is new of it is read from its start",
				       STR_ARG(was)),
			arena);
	}
	for (uint32_t k = 0; k < m->kept_count; k++)
		if (!m->taken[k])
			add_verdict(s, m->kept[k].reads, STATE_REFUSE,
				why_gone(s, m, m->kept[k].reads, arena), arena);
}

void state_sources_match(
	struct state_sources *s, const struct checkpoint_found *found, struct arena *arena)
{
	struct match m = {.kept = found->sources, .kept_count = found->source_count};
	if (found->format == 1) {
		m.kept = s->sources;
		m.kept_count = s->count;
	}
	m.taken = ARENA_ARRAY(arena, bool, m.kept_count + 1);
	m.of = ARENA_ARRAY(arena, int32_t, s->count + 1);
	memset(m.taken, 0, m.kept_count);
	for (uint32_t i = 0; i < s->count; i++)
		m.of[i] = none;
	s->verdicts = ARENA_ARRAY(arena, struct checkpoint_verdict, s->count + m.kept_count + 1);
	pair(s, &m, same_reads);
	pair(s, &m, state_source_shares);
	if (one_left(s, &m))
		pair(s, &m, pattern_changed);
	judge(s, &m, arena);
	uint32_t fresh = free_number(found);
	for (uint32_t i = 0; i < s->count && found->format != 1; i++)
		s->sources[i].number = m.of[i] == none ? fresh++ : m.kept[m.of[i]].number;
}

void state_sources_number(const struct state_sources *s, struct plan *plan)
{
	uint32_t at = 0;
	for (uint32_t i = 0; i < plan->node_count; i++)
		if (plan->nodes[i]->kind == PLAN_SOURCE)
			plan->nodes[i]->source.number = s->sources[at++].number;
	check(at == s->count);
}

uint32_t state_plan_fingerprint(const struct plan *plan)
{
	struct strbuf text;
	strbuf_init(&text);
	for (uint32_t i = 0; i < plan->node_count; i++) {
		const struct plan_node *n = plan->nodes[i];
		strbuf_addf(&text, "%u %d %d", i, (int)n->kind, n->is_table);
		for (uint32_t k = 0; k < n->input_count; k++)
			strbuf_addf(&text, " %u", n->inputs[k]->id);
		schema_text(n->schema, &text);
		strbuf_add_byte(&text, '\n');
	}
	uint32_t crc = crc32c(0, strbuf_str(&text));
	strbuf_release(&text);
	return crc;
}
