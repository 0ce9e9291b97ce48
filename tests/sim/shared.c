#include "shared.h"

#include "base/check.h"

#include <string.h>
#include <sys/mman.h>

/* Blocks of powers of two, each with its class in front of it; free ones in a list by class. */
enum { class_count = 40, head_bytes = 16 };

struct free_block {
	struct free_block *next;
};

static struct region {
	size_t bytes;
	size_t used;
	struct free_block *free[class_count];
} *region;

void shared_open(size_t bytes)
{
	region = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	check(region != MAP_FAILED);
	region->bytes = bytes;
	shared_reset();
}

void shared_reset(void)
{
	region->used = (sizeof(*region) + head_bytes - 1) / head_bytes * head_bytes;
	memset(region->free, 0, sizeof(region->free));
}

size_t shared_used(void)
{
	return region->used;
}

static uint64_t *class_of(void *block)
{
	return (uint64_t *)(void *)((char *)block - head_bytes);
}

static void *take(size_t bytes)
{
	uint64_t class = 4;
	while (((size_t)1 << class) < bytes)
		class ++;
	check(class < class_count);
	struct free_block *block = region->free[class];
	if (block != NULL) {
		region->free[class] = block->next;
		return block;
	}
	size_t need = head_bytes + ((size_t)1 << class);
	check(region->used + need <= region->bytes); /* the models' memory is bounded */
	char *at = (char *)region + region->used;
	region->used += need;
	*class_of(at + head_bytes) = class;
	return at + head_bytes;
}

void *shared_realloc(void *block, size_t bytes)
{
	if (block == NULL)
		return take(bytes);
	size_t have = (size_t)1 << *class_of(block);
	if (bytes <= have)
		return block;
	void *wider = take(bytes);
	memcpy(wider, block, have);
	shared_free(block);
	return wider;
}

void *shared_zeroed(size_t bytes)
{
	void *block = take(bytes);
	memset(block, 0, bytes);
	return block;
}

void shared_free(void *block)
{
	if (block == NULL)
		return;
	struct free_block *b = block;
	b->next = region->free[*class_of(block)];
	region->free[*class_of(block)] = b;
}
