#define _GNU_SOURCE /* MADV_HUGEPAGE */

#include "state/huge_pages.h"

#include "base/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The page that is ready, of the process. */
static struct {
	pthread_once_t once;
	pthread_mutex_t lock;
	pthread_cond_t taken;
	char *ready;
} ahead = {.once = PTHREAD_ONCE_INIT,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.taken = PTHREAD_COND_INITIALIZER};

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

/* Twice the bytes, and what is before and behind the aligned half goes back. */
static char *map_page(void)
{
	size_t bytes = huge_page_bytes;
	char *from = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0);
	check(from != MAP_FAILED);
	size_t before = -(uintptr_t)from & (bytes - 1);
	if (before > 0)
		munmap(from, before);
	munmap(from + before + bytes, bytes - before);
	/* Without huge pages it is memory all the same. */
	madvise(from + before, bytes, MADV_HUGEPAGE);
	return from + before;
}

static char *touched_page(void)
{
	char *page = map_page();
	*(volatile char *)page = 0;
	return page;
}

/* For as long as the process runs. */
static void *keep_ready(void *unused)
{
	(void)unused;
	for (;;) {
		char *page = touched_page();
		pthread_mutex_lock(&ahead.lock);
		ahead.ready = page;
		while (ahead.ready != NULL)
			pthread_cond_wait(&ahead.taken, &ahead.lock);
		pthread_mutex_unlock(&ahead.lock);
	}
	return NULL;
}

static void start(void)
{
	pthread_t thread;
	/* Without the thread every page is touched by who needs it. */
	if (pthread_create(&thread, NULL, keep_ready, NULL) == 0)
		pthread_detach(thread);
}

void huge_pages_expect(void)
{
	pthread_once(&ahead.once, start);
}

static char *take_page(void)
{
	huge_pages_expect();
	pthread_mutex_lock(&ahead.lock);
	char *page = ahead.ready;
	ahead.ready = NULL;
	pthread_cond_signal(&ahead.taken);
	pthread_mutex_unlock(&ahead.lock);
	return page != NULL ? page : touched_page();
}

static void add_page(struct huge_pages *h)
{
	if (h->page_count == h->page_capacity) {
		h->page_capacity = h->page_capacity == 0 ? 16 : h->page_capacity * 2;
		h->pages = realloc(h->pages, h->page_capacity * sizeof(*h->pages));
		check(h->pages != NULL);
	}
	h->pages[h->page_count++] = take_page();
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
