#include "runtime/pace.h"

enum { part = 8, batch_us_min = 500, batch_us_max = 500 * 1000 };

static int64_t longer(int64_t a_us, int64_t b_us)
{
	return a_us > b_us ? a_us : b_us;
}

bool pace_closes(const struct pace *p, int64_t open_us)
{
	if (!p->began || open_us >= batch_us_max)
		return open_us >= batch_us_max;
	int64_t least_us = longer((p->behind_us + open_us) / part, p->end_us * part);
	return open_us >= longer(least_us, batch_us_min);
}

void pace_note(struct pace *p, int64_t open_us, int64_t end_us, bool paused)
{
	p->end_us = p->began ? (p->end_us + end_us) / 2 : end_us;
	p->behind_us = paused ? 0 : p->behind_us + open_us;
	p->began = true;
}
