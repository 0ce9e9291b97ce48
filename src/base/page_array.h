#ifndef CDCL_PAGE_ARRAY_H
#define CDCL_PAGE_ARRAY_H

/*
 * Arrays that may grow to hundreds of megabytes in the middle of work: the larger one takes over
 * the pages of the old one, so growing copies nothing and takes the same short time whatever is in
 * it. What was never written is zero, and no memory yet. Like an arena it never fails to the
 * caller: without memory the process stops.
 */

#include <stddef.h>

/* NULL and 0: a new one. Also to fewer bytes, not to none. */
void *page_array_grow(void *old, size_t old_bytes, size_t bytes);
void page_array_release(void *array, size_t bytes);

#endif
