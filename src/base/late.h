#ifndef CDCL_LATE_H
#define CDCL_LATE_H

/*
 * Libraries that a job may never need are loaded when one of their functions is first called:
 * binding all of them (forty with those that they need) was half of the time from exec to the first
 * row and a third of an idle job's memory. late.names says which libraries and which functions;
 * late.cmake makes of each function a symbol of our own:
 *
 *	PQexec:  jump to slots[5], when that is filled
 *	         else late_bind(libpq), which fills all of its slots, and again
 *
 * So callers write PQexec(...) and include the library's header as ever, and what is preloaded
 * (LD_PRELOAD) still stands before it. A filled table of slots is read-only, as a GOT bound at
 * start is. A call to free what is not there would load the library, too: ask for NULL before.
 *
 * Binding takes some ms once: not from the engine's thread in the middle of a job, if it can be
 * helped.
 */

#include "cdcl/error.h"

#include <stddef.h>

struct late_library {
	const char *file; /* "libpq.so.5" */
	const char *const *names;
	void **slots;     /* on pages of their own; the first one is filled last */
	size_t count;
};

/* One for each section of late.names; empty on machines for which there are no jumps, where all of
 * it is linked. */
extern const struct late_library late_rdkafka;
extern const struct late_library late_pq;
extern const struct late_library late_microhttpd;
extern const struct late_library late_sqlite3;
extern const struct late_library late_snappy;
extern const struct late_library late_pcre2;
extern const struct late_library late_zstd;
extern const struct late_library late_lz4;
extern const struct late_library late_z;

/* Before the first call, for an error in place of the process's end: CDCL_E_JOB when the library is
 * not installed. */
int late_open(const struct late_library *library, struct error *err);

/* What the jumps call. Without the library the process ends. */
void late_bind(const struct late_library *library);

#endif
