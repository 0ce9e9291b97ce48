#ifndef CDCL_PREFETCH_H
#define CDCL_PREFETCH_H

/*
 * Asks for a cache line before it is needed. A function that does nothing else has no effect in
 * gcc's eyes, and gcc 12 takes its calls out, prefetch and all: the empty asm is an effect.
 */
static inline void prefetch(const void *p)
{
	__builtin_prefetch(p);
	__asm__ volatile("");
}

/* One that will be written, whatever is in it now. */
static inline void prefetch_to_write(const void *p)
{
	__builtin_prefetch(p, 1);
	__asm__ volatile("");
}

#endif
