#include "base/exposition.h"

#include "base/check.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void exposition_family(struct strbuf *out, const char *name, const char *type, const char *help)
{
	strbuf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_escaped(struct str value, struct strbuf *out)
{
	struct strbuf whole;
	strbuf_init(&whole);
	utf8_add_repaired(value, &whole);
	for (size_t i = 0; i < whole.len; i++) {
		char c = whole.data[i];
		if (c == '\n')
			strbuf_add_c(out, "\\n");
		else if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else
			strbuf_add_byte(out, c);
	}
	strbuf_release(&whole);
}

static void add_value(struct strbuf *out, double value)
{
	if (isnan(value))
		strbuf_add_c(out, "NaN");
	else if (isinf(value))
		strbuf_add_c(out, value > 0 ? "+Inf" : "-Inf");
	else if (value == floor(value) && fabs(value) < 1e15)
		strbuf_addf(out, "%.0f", value);
	else
		strbuf_addf(out, "%.17g", value);
}

void exposition_sample(struct strbuf *out, const char *name, const struct exposition_label *labels,
	uint32_t count, double value)
{
	strbuf_add_c(out, name);
	for (uint32_t i = 0; i < count; i++) {
		strbuf_addf(out, "%c%s=\"", i == 0 ? '{' : ',', labels[i].name);
		add_escaped(labels[i].value, out);
		strbuf_add_byte(out, '"');
	}
	strbuf_add_c(out, count > 0 ? "} " : " ");
	add_value(out, value);
	strbuf_add_byte(out, '\n');
}

void exposition_one(struct strbuf *out, const char *name, const char *type, const char *help,
	double value)
{
	exposition_family(out, name, type, help);
	exposition_sample(out, name, NULL, 0, value);
}

void exposition_observe(struct exposition_histogram *h, double value)
{
	uint32_t i = 0;
	check(h->bound_count <= exposition_bounds_max);
	while (i < h->bound_count && value > h->bounds[i])
		i++;
	h->counts[i]++;
	h->sum += value;
}

void exposition_histogram(struct strbuf *out, const char *name, const char *help,
	const struct exposition_histogram *h)
{
	exposition_family(out, name, "histogram", help);
	int64_t below = 0;
	for (uint32_t i = 0; i < h->bound_count; i++) {
		below += h->counts[i];
		strbuf_addf(out, "%s_bucket{le=\"%g\"} %" PRId64 "\n", name, h->bounds[i], below);
	}
	below += h->counts[h->bound_count];
	strbuf_addf(out, "%s_bucket{le=\"+Inf\"} %" PRId64 "\n%s_sum ", name, below, name);
	add_value(out, h->sum);
	strbuf_addf(out, "\n%s_count %" PRId64 "\n", name, below);
}
