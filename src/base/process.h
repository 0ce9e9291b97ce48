#ifndef CDCL_PROCESS_H
#define CDCL_PROCESS_H

/* What this process uses, as Linux tells it in /proc/self. */

#include <stdint.h>

struct process_figures {
	int64_t resident_bytes;
	int64_t virtual_bytes;
	int64_t threads;
	int64_t open_fds;
	int64_t max_fds;        /* 0: not known, or no limit */
	double cpu_s;
	double start_s;         /* since 1970 */
};

/* What cannot be read is 0. */
void process_look(struct process_figures *out);

int64_t process_resident_bytes(void);

#endif
