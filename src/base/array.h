#ifndef CDCL_ARRAY_H
#define CDCL_ARRAY_H

/* Arrays of malloc that grow as they are filled; for large ones see base/page_array.h. */

#include "base/check.h"

#include <stdint.h>
#include <stdlib.h>

/* With room for `needed` of so many bytes each: the array itself, or one twice as large. */
static inline void *array_grown(void *array, uint32_t *capacity, uint32_t needed, size_t bytes)
{
	if (needed <= *capacity)
		return array;
	*capacity = needed * 2 + 16;
	void *wider = realloc(array, *capacity * bytes);
	check(wider != NULL);
	return wider;
}

#endif
