#ifndef CDCL_EXPOSITION_H
#define CDCL_EXPOSITION_H

/*
 * Prometheus' text format, version 0.0.4. A family is begun once, its samples follow it:
 *
 *	exposition_family(out, "cdcl_batches_total", "counter", "Batches published.");
 *	exposition_sample(out, "cdcl_batches_total", NULL, 0, 12);
 *
 * Label values may be any bytes: they are escaped, and broken UTF-8 is repaired.
 */

#include "base/str.h"

struct exposition_label {
	const char *name;
	struct str value;
};

void exposition_family(
	struct strbuf *out, const char *name, const char *type, const char *help);

void exposition_sample(struct strbuf *out, const char *name,
	const struct exposition_label *labels, uint32_t count, double value);

/* Counts of values by upper bound, and their sum. */
enum { exposition_bounds_max = 24 };

struct exposition_histogram {
	const double *bounds;           /* ascending; one more bucket has no bound */
	uint32_t bound_count;
	int64_t counts[exposition_bounds_max + 1];
	double sum;
};

/* A family of one sample without labels. */
void exposition_one(struct strbuf *out, const char *name, const char *type, const char *help,
	double value);

void exposition_observe(struct exposition_histogram *h, double value);
/* The whole family. */
void exposition_histogram(struct strbuf *out, const char *name, const char *help,
	const struct exposition_histogram *h);

#endif
