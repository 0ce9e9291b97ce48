#ifndef CDCL_ZERO_PAGES_H
#define CDCL_ZERO_PAGES_H

/*
 * Pages of memory that hold only zeros, given back to the machine: they read the same as before,
 * the kernel makes new ones when they are written. tcmalloc clears 3.6 MB of tables at its start,
 * a third of an idle job's memory, and a small heap comes to use but some pages of them.
 *
 * Only while the process has one thread: what another writes between look and gift would be lost.
 */

#include <stddef.h>

/* Of [from, to), whole pages of private memory that belongs to no file. Answers the bytes. */
size_t zero_pages_drop(char *from, char *to);

/* Of the heap and of what libraries cleared at their start. */
void zero_pages_drop_all(void);

#endif
