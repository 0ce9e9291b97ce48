#ifndef CDCL_KAFKA_KEPT_H
#define CDCL_KAFKA_KEPT_H

/*
 * The messages of a batch, copied, so that they can be sent again when their transaction came to
 * nothing. Above kafka_kept_bytes_max nothing is kept any more, and the batch cannot be sent again
 * from here.
 */

#include "base/arena.h"
#include "source/kafka_producer.h"

enum { kafka_kept_bytes_max = 64 * 1024 * 1024 };

struct kafka_kept_letter {
	struct kafka_kept_letter *next;
	struct kafka_producer *to;
	struct kafka_letter letter;     /* kept */
};

struct kafka_kept {
	struct arena arena;
	struct kafka_kept_letter *first;
	struct kafka_kept_letter *last;
	int64_t count;
	size_t bytes;
	bool lost;
};

void kafka_kept_init(struct kafka_kept *k);
void kafka_kept_release(struct kafka_kept *k);
void kafka_kept_clear(struct kafka_kept *k);

bool kafka_kept_fits(const struct kafka_kept *k, const struct kafka_letter *l);
/* It fits. */
void kafka_kept_add(struct kafka_kept *k, struct kafka_producer *to, const struct kafka_letter *l);
/* One did not fit: what was kept is of no use any more. */
void kafka_kept_lose(struct kafka_kept *k);

#endif
