#ifndef CDCL_GRID_H
#define CDCL_GRID_H

/*
 * Lines of cells, aligned when they are all there; columns of numbers to the right. The first line
 * is the head.
 */

#include "base/str.h"

struct grid {
	struct strbuf cells;    /* each ends with a tab, a line with a line's end */
};

void grid_init(struct grid *g);
void grid_cell(struct grid *g, struct str text);
void grid_number(struct grid *g, int64_t n);
void grid_line(struct grid *g);
/* A line of two. */
void grid_pair(struct grid *g, const char *name, struct str value);
/* Appends it all; the grid is gone. */
void grid_end(struct grid *g, struct strbuf *out);

#endif
