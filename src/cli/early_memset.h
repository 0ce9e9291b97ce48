#ifndef CDCL_EARLY_MEMSET_H
#define CDCL_EARLY_MEMSET_H

/*
 * tcmalloc clears 3.6 MB of tables when it starts, of which a small heap comes to use some pages:
 * 900 page faults, a third of the time from exec to the first row, for memory that is zero already.
 * Its memset is found in the program before the C library's: before main, clearing a large piece
 * gives its pages back instead (base/zero_pages.h). What is cleared then is a library's own tables,
 * private memory of no file; afterwards it is the C library's memset for everybody.
 *
 * Only with tcmalloc (and so never with sanitizers, which have a memset of their own).
 */

/* main begins. */
void early_memset_end(void);

#endif
