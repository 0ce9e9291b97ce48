#include "runtime/worker_depth.h"

enum {
	ahead_us = 2000, /* more than a scheduler keeps one waiting that has slept */
	/* who has none left waits a tenth of a millisecond for the next: a hundredth of these */
	single_us = 10 * 1000
};

void worker_depth_note(struct worker_depth *d, int64_t us, uint32_t rows)
{
	d->us = d->us * 3 / 4 + us;
	d->rows = d->rows * 3 / 4 + rows;
}

uint32_t worker_depth(const struct worker_depth *d)
{
	if (d->rows == 0)
		return 2; /* not known yet */
	int64_t us = d->us * chunk_rows_max / d->rows;
	if (us >= single_us)
		return 1;
	int64_t depth = 2 + ahead_us / (us + 1);
	return depth < worker_depth_max ? (uint32_t)depth : worker_depth_max;
}
