/*
 * The whole plan: is something read and written, and does every sink ask for an output mode that
 * what is above it can give? The contract is Spark's, and so are the reasons.
 */

#include "plan/plan.h"

#include "base/check.h"
#include "source/source_kinds.h"

enum {
	mode_append = 1 << OUTPUT_APPEND,
	mode_update = 1 << OUTPUT_UPDATE,
	mode_complete = 1 << OUTPUT_COMPLETE,
	mode_changelog = 1 << OUTPUT_CHANGELOG
};

struct contract {
	unsigned legal; /* bits of the modes above */
	const char *reasons[output_mode_count];
};

static void refuse(struct contract *c, enum output_mode mode, const char *reason)
{
	c->legal &= ~(1u << mode);
	if (c->reasons[mode] == NULL)
		c->reasons[mode] = reason;
}

static void only_complete(struct contract *c, const char *reason)
{
	refuse(c, OUTPUT_APPEND, reason);
	refuse(c, OUTPUT_UPDATE, reason);
	refuse(c, OUTPUT_CHANGELOG, reason);
}

/* What the steps between the sink and the nearest group (or the sources) allow. */
static void apply_steps(struct contract *c, const struct plan_node *node)
{
	for (const struct plan_node *n = node;; n = n->inputs[0]) {
		if (n->kind == PLAN_ORDER)
			only_complete(c,
				"sorting is not supported unless it is on an aggregate in complete "
				"output mode");
		if (n->kind == PLAN_LIMIT && n->is_table)
			only_complete(c,
				"limits on an aggregate are only supported in complete output "
				"mode");
		if (n->kind == PLAN_LIMIT && !n->is_table)
			refuse(c, OUTPUT_UPDATE,
				"limits are not supported on a stream in update output mode");
		if (n->kind == PLAN_GROUP || n->input_count != 1)
			return;
	}
}

static struct contract contract_of(const struct plan_node *node)
{
	struct contract c = {.legal = mode_append | mode_update | mode_complete | mode_changelog};
	apply_steps(&c, node);
	if (node->is_table)
		refuse(&c, OUTPUT_APPEND,
			"append output mode is not supported for streaming aggregations without "
			"a watermark: a group's row could change after it was written");
	else
		refuse(&c, OUTPUT_COMPLETE,
			"complete output mode is not supported without a streaming aggregation: "
			"every row of the stream would have to be kept");
	return c;
}

static void list_legal(unsigned legal, struct strbuf *out)
{
	for (int mode = 0; mode < output_mode_count; mode++) {
		if ((legal & (1u << mode)) == 0)
			continue;
		strbuf_addf(out, "%s\"%s\"", out->len > 0 ? ", " : "",
			output_mode_name((enum output_mode)mode));
	}
}

static int check_sink(struct plan_sink *s, struct error *err)
{
	if (!s->config.mode_given)
		s->config.mode = OUTPUT_APPEND;
	struct contract c = contract_of(s->input);
	if ((c.legal & (1u << s->config.mode)) != 0)
		return 0;
	error_set(err, CDCL_E_SCRIPT, "invalid output mode %s%s: %s",
		output_mode_name(s->config.mode), s->config.mode_given ? "" : " (the default)",
		c.reasons[s->config.mode]);
	struct strbuf legal;
	strbuf_init(&legal);
	list_legal(c.legal, &legal);
	if (legal.len > 0)
		error_help(err, "legal here: output_mode = " STR_FMT, STR_ARG(strbuf_str(&legal)));
	else
		error_help(err, "no output mode is legal for these steps");
	strbuf_release(&legal);
	return error_at(err, STR_FMT, STR_ARG(s->place));
}

int plan_check(struct plan *p, struct error *err)
{
	if (p->node_count == 0) {
		error_set(err, CDCL_E_SCRIPT, "nothing is read: the script declares no source");
		error_help(err, "begin with cdcl.kafka { topic = \"...\", schema = \"...\" }");
		return -CDCL_E_SCRIPT;
	}
	if (p->sink_count == 0) {
		error_set(err, CDCL_E_SCRIPT,
			"nothing is written: no stream of the script ends in :to(...)");
		error_help(err, "end with :to(cdcl.console {})");
		return error_at(err, STR_FMT, STR_ARG(p->nodes[p->node_count - 1]->place));
	}
	for (uint32_t i = 0; i < p->node_count; i++) {
		struct plan_node *n = p->nodes[i];
		n->source.kafka.headers = p->reads_headers;
		int r = n->kind != PLAN_SOURCE || n->source.kind != SOURCE_KAFKA
			? 0
			: kafka_source_check(&n->source.kafka, err);
		if (r < 0)
			return error_at(err, STR_FMT, STR_ARG(n->place));
	}
	for (uint32_t i = 0; i < p->sink_count; i++) {
		int r = check_sink(&p->sinks[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}
