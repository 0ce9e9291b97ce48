#define _GNU_SOURCE /* MADV_HUGEPAGE */

#include "state/huge_pages.h"

#include "base/check.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { idle_us = 1000000, small_pages = 8 };

/* The pages that are ready, of the process. */
static struct {
	pthread_once_t once;
	pthread_mutex_t lock;
	pthread_cond_t taken;
	char *ready[huge_pages_ready_max];
	uint32_t count;
	uint32_t wanted;
} ahead = {.once = PTHREAD_ONCE_INIT,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.taken = PTHREAD_COND_INITIALIZER,
	.wanted = 1};

static struct {
	pthread_mutex_t lock;
	char *next;     /* mapped, not touched */
	uint32_t left;
} small = {.lock = PTHREAD_MUTEX_INITIALIZER};

void huge_pages_init(struct huge_pages *h, size_t block_bytes)
{
	check(block_bytes >= sizeof(void *) && block_bytes <= huge_page_bytes);
	*h = (struct huge_pages){.block_bytes = block_bytes};
}

void huge_pages_release(struct huge_pages *h)
{
	for (uint32_t i = 0; i < h->page_count; i++)
		munmap(h->pages[i], huge_page_bytes);
	free(h->pages);
	*h = (struct huge_pages){0};
}

/* One more, and what is before and behind the aligned ones goes back; NULL: no memory. */
static char *map_pages(size_t count, int advice)
{
	size_t one = huge_page_bytes, bytes = count * one;
	char *from = mmap(NULL, bytes + one, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	if (from == MAP_FAILED)
		return NULL;
	size_t before = -(uintptr_t)from & (one - 1);
	if (before > 0)
		munmap(from, before);
	munmap(from + before + bytes, one - before);
	/* Without huge pages it is memory all the same. */
	madvise(from + before, bytes, advice);
	return from + before;
}

/* Also where the kernel has only small ones. */
static char *touched_page(void)
{
	char *page = map_pages(1, MADV_HUGEPAGE);
	if (page != NULL && madvise(page, huge_page_bytes, MADV_POPULATE_WRITE) != 0)
		*(volatile char *)page = 0;
	return page;
}

static void wait_until_idle(void)
{
	int64_t until_us = clock_wall_us(&clock_system) + idle_us;
	struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};
	if (pthread_cond_timedwait(&ahead.taken, &ahead.lock, &until) == 0)
		return;
	ahead.wanted = 1;
	while (ahead.count > ahead.wanted)
		munmap(ahead.ready[--ahead.count], huge_page_bytes);
}

/* For as long as the process runs, or has memory. */
static void *keep_ready(void *unused)
{
	(void)unused;
	char *page;
	while ((page = touched_page()) != NULL) {
		pthread_mutex_lock(&ahead.lock);
		ahead.ready[ahead.count++] = page;
		while (ahead.count >= ahead.wanted && ahead.wanted > 1)
			wait_until_idle();
		while (ahead.count >= ahead.wanted)
			pthread_cond_wait(&ahead.taken, &ahead.lock);
		pthread_mutex_unlock(&ahead.lock);
	}
	return NULL;
}

static void start(void)
{
	pthread_t thread;
	small.next = map_pages(small_pages, MADV_NOHUGEPAGE);
	small.left = small.next == NULL ? 0 : small_pages;
	/* Without the thread pages are small. */
	if (pthread_create(&thread, NULL, keep_ready, NULL) == 0)
		pthread_detach(thread);
}

void huge_pages_expect(void)
{
	pthread_once(&ahead.once, start);
}

uint32_t huge_pages_ready(void)
{
	pthread_mutex_lock(&ahead.lock);
	uint32_t count = ahead.count;
	pthread_mutex_unlock(&ahead.lock);
	return count;
}

/*
 * Small ones come from a mapping that is there: while the thread touches a page the kernel may let
 * nobody map anything.
 */
static char *small_page(void)
{
	pthread_mutex_lock(&small.lock);
	if (small.left == 0) {
		small.next = map_pages(small_pages, MADV_NOHUGEPAGE);
		small.left = small_pages;
	}
	char *page = small.next;
	check(page != NULL);
	small.left--;
	small.next += huge_page_bytes;
	pthread_mutex_unlock(&small.lock);
	return page;
}

/* Whoever holds the lock may not run now: nobody waits for that. */
static char *ready_page(void)
{
	if (pthread_mutex_trylock(&ahead.lock) != 0)
		return NULL;
	char *page = ahead.count > 0 ? ahead.ready[--ahead.count] : NULL;
	if (page == NULL && ahead.wanted < huge_pages_ready_max)
		ahead.wanted *= 2;
	pthread_cond_signal(&ahead.taken);
	pthread_mutex_unlock(&ahead.lock);
	return page;
}

static char *take_page(bool has_time)
{
	huge_pages_expect();
	char *page = ready_page();
	if (page == NULL)
		page = has_time ? touched_page() : small_page();
	check(page != NULL);
	return page;
}

static void add_page(struct huge_pages *h)
{
	if (h->page_count == h->page_capacity) {
		h->page_capacity = h->page_capacity == 0 ? 16 : h->page_capacity * 2;
		h->pages = realloc(h->pages, h->page_capacity * sizeof(*h->pages));
		check(h->pages != NULL);
	}
	h->pages[h->page_count++] = take_page(h->has_time);
	h->used = 0;
}

void *huge_pages_take(struct huge_pages *h)
{
	if (h->given_back != NULL) {
		void *block = h->given_back;
		memcpy(&h->given_back, block, sizeof(h->given_back));
		memset(block, 0, h->block_bytes);
		return block;
	}
	if (h->page_count == 0 || h->used + h->block_bytes > huge_page_bytes)
		add_page(h);
	h->used += h->block_bytes;
	return h->pages[h->page_count - 1] + h->used - h->block_bytes;
}

void huge_pages_give_back(struct huge_pages *h, void *block)
{
	memcpy(block, &h->given_back, sizeof(h->given_back));
	h->given_back = block;
}

size_t huge_pages_bytes(const struct huge_pages *h)
{
	return h->page_capacity * sizeof(*h->pages) + (size_t)h->page_count * huge_page_bytes;
}
