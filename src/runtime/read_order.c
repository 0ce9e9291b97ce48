#include "runtime/read_order.h"

#include "base/check.h"

#include <stdlib.h>

void read_order_release(struct read_order *o)
{
	free(o->runs);
	*o = (struct read_order){.count = 0};
}

void read_order_begin(struct read_order *o)
{
	o->count = 0;
}

void read_order_note(struct read_order *o, uint32_t source, struct str topic, int32_t partition,
	int64_t until)
{
	struct read_run *last = o->count == 0 ? NULL : &o->runs[o->count - 1];
	if (last != NULL && last->source == source && last->at.partition == partition &&
		str_eq(last->at.topic, topic)) {
		last->at.until = until;
		return;
	}
	if (o->count == o->capacity) {
		o->capacity = o->capacity == 0 ? 64 : o->capacity * 2;
		o->runs = realloc(o->runs, o->capacity * sizeof(*o->runs));
		check(o->runs != NULL); /* out of memory */
	}
	o->runs[o->count++] = (struct read_run){source, {topic, partition, until}};
}
