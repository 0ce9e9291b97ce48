#ifndef CDCL_HUGE_PAGES_H
#define CDCL_HUGE_PAGES_H

/*
 * Blocks of one size for tables that have grown large, cut from pages of 2 MB where the kernel has
 * them: with pages of 4 kB each look at a random row also waits for the page table, twice in a
 * virtual machine. Small tables' blocks are malloc's: who asks decides when to begin.
 *
 * The first touch of a page takes 0.2 ms, and 6 where the hypervisor has no memory behind it yet or
 * the kernel must make room. So no engine's thread makes one: a thread of the process keeps some
 * ready, from huge_pages_expect on. Who finds none takes 2 MB of small pages instead, whose first
 * touches are spread over the rows, and from then on twice as many are kept ready, until none was
 * taken for a second.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct huge_pages {
	size_t block_bytes;     /* at most huge_page_bytes */
	bool has_time;          /* nobody waits for rows: makes its own page when none is ready */
	char **pages;
	uint32_t page_count;
	uint32_t page_capacity;
	size_t used;            /* bytes of the last page */
	void *given_back;       /* blocks, chained by their first bytes */
};

enum { huge_page_bytes = 2 * 1024 * 1024, huge_pages_ready_max = 16 };

void huge_pages_init(struct huge_pages *h, size_t block_bytes);
void huge_pages_release(struct huge_pages *h);

/* Blocks will be taken soon. */
void huge_pages_expect(void);
/* How many pages are: what the process has beyond the tables. */
uint32_t huge_pages_ready(void);

/* A block of zeros. */
void *huge_pages_take(struct huge_pages *h);
void huge_pages_give_back(struct huge_pages *h, void *block);

/* What is held. */
size_t huge_pages_bytes(const struct huge_pages *h);

#endif
