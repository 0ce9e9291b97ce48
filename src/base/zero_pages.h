#ifndef CDCL_ZERO_PAGES_H
#define CDCL_ZERO_PAGES_H

/* Memory made zero by giving its pages back: it reads as zeros, and is none until written. */

#include <stdbool.h>
#include <stddef.h>

/*
 * Private memory of no file. Pages that lie in it only in part are written. False: not all of it
 * can be given back (it is locked, say), and the caller has to clear it.
 */
bool zero_pages_clear(char *from, size_t bytes);

#endif
