#ifndef CDCL_SHOW_H
#define CDCL_SHOW_H

/* `cdcl run --show TABLE`: a table printed at every batch, beside what the script writes. */

#include "plan/plan.h"

/* Adds a console of the current rows of the merge that has this name. */
int show_table(struct plan *plan, const char *name, struct error *err);

#endif
