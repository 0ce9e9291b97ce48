#ifndef CDCL_MERGE_REPORT_H
#define CDCL_MERGE_REPORT_H

/*
 * The conformance report of a run (--report): for each table that merges, what its events were.
 * applied, stale, ignored and refused add up to events; the lines below them tell more about some.
 */

#include "base/str.h"
#include "runtime/pipeline.h"

void merge_report_text(const struct pipeline *p, struct strbuf *out);
void merge_report_print(const struct pipeline *p);

#endif
