#include "base/shared_memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *shared_memory_open(size_t bytes, struct error *err)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory != MAP_FAILED)
		return memory;
	error_set(err, CDCL_E_MEMORY, "no address space of %zu GB for the workers: %s",
		bytes >> 30, strerror(errno));
	return NULL;
}

void shared_memory_close(void *memory, size_t bytes)
{
	if (memory != NULL)
		munmap(memory, bytes);
}

void shared_memory_give_back(void *from, void *to)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = ((uintptr_t)from + page - 1) & ~(page - 1);
	uintptr_t end = (uintptr_t)to & ~(page - 1);
	if (start < end)
		madvise((void *)start, end - start, MADV_REMOVE);
}
