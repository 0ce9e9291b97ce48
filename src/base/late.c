#include "base/late.h"

#include "base/check.h"

#include <dlfcn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <threads.h>
#include <unistd.h>

enum { page_bytes = 4096 }; /* what late.cmake gives each table of slots */

static mtx_t lock;
static once_flag lock_once = ONCE_FLAG_INIT;

static void lock_init(void)
{
	check(mtx_init(&lock, mtx_plain) == thrd_success);
}

static void lock_slots(const struct late_library *library)
{
	size_t bytes = library->count * sizeof(void *);
	bytes = (bytes + page_bytes - 1) / page_bytes * page_bytes;
	/* Refused where pages are larger: then they stay as they are. */
	(void)mprotect(library->slots, bytes, PROT_READ);
}

/* The first slot last: it says that all are filled. */
static int bind_names(const struct late_library *library, struct error *err)
{
	/* Global, so that a name is sought as if it were linked: preloaded libraries first. */
	if (dlopen(library->file, RTLD_NOW | RTLD_GLOBAL) == NULL)
		return error_set(err, CDCL_E_JOB, "cannot load a library: %s", dlerror());
	for (size_t i = library->count; i-- > 0;) {
		void *symbol = dlsym(RTLD_DEFAULT, library->names[i]);
		if (symbol == NULL)
			return error_set(err, CDCL_E_JOB, "%s has no %s: another version of it is "
				"needed", library->file, library->names[i]);
		__atomic_store_n(&library->slots[i], symbol, __ATOMIC_RELEASE);
	}
	lock_slots(library);
	return 0;
}

int late_open(const struct late_library *library, struct error *err)
{
	if (library->count == 0)
		return 0;
	call_once(&lock_once, lock_init);
	check(mtx_lock(&lock) == thrd_success);
	int result = library->slots[0] != NULL ? 0 : bind_names(library, err);
	check(mtx_unlock(&lock) == thrd_success);
	return result;
}

void late_bind(const struct late_library *library)
{
	struct error err;
	error_init(&err);
	if (late_open(library, &err) >= 0)
		return;
	fprintf(stderr, "cdcl: %s\n", err.text);
	fflush(stderr);
	_exit(error_exit_code(err.code));
}
