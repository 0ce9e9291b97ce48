#ifndef CDCL_LOG_REPEAT_H
#define CDCL_LOG_REPEAT_H

/*
 * A broker that is gone for a night must not fill the disk with one sentence. Messages of one class
 * (the same words, whatever numbers and names stand in them) are shown log_repeat_max times a
 * minute; the rest is counted and told when the minute is over. Classes that would need a 65th
 * place take that of the one that has been quiet the longest.
 */

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	log_repeat_max = 10,
	log_repeat_window_s = 60,
	log_repeat_classes_max = 64,
	log_like_bytes = 120
};

struct log_class {
	uint64_t hash;          /* 0: free */
	int64_t since_us;       /* monotonic: when its minute began */
	int64_t last_us;
	int64_t shown;
	int64_t hidden;
	const char *area;
	int level;
	char like[log_like_bytes]; /* the beginning of the last one that was shown */
};

struct log_repeat {
	struct log_class classes[log_repeat_classes_max];
};

/* What was hidden, of a minute that is over. */
struct log_hidden {
	const char *area;
	int level;
	int64_t count;
	char like[log_like_bytes];
};

/*
 * False: this one is not shown. *told: what was hidden of another or this class whose place or
 * minute is over (count 0: nothing).
 */
bool log_repeat_show(struct log_repeat *r, uint64_t hash, const char *area, int level,
	struct str text, int64_t now_us, struct log_hidden *told);

/* The next class with something hidden whose minute is over, or any one when all is set. */
bool log_repeat_next(struct log_repeat *r, int64_t now_us, bool all, struct log_hidden *told);

#endif
