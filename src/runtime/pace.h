#ifndef CDCL_PACE_H
#define CDCL_PACE_H

/*
 * How long a batch goes on while its sources do not pause. It closes as soon as they do, so this
 * matters only to what has fallen behind: a process that was not run for some milliseconds, or load
 * beyond what it can take. A row that is read waits for the end of its batch, so a batch that went
 * on until all is caught up would make the first row as late as the last; short ones cost more
 * ends.
 *
 *	paused         behind for 4 ms          64 ms                      4 s
 *	  |------------|.5|.5|.5| ... |.5|.6|....|  8  |  9  |  10   | .... |   500   |   500   |
 *
 * So it is an eighth of the time since they last paused, or eight times what an end costs when that
 * is more, from 0.5 to 500 ms. The first batch, which holds what is there at the start, may take
 * the longest: a file that is sent through a pipe is one batch where that is enough.
 */

#include <stdbool.h>
#include <stdint.h>

struct pace {
	int64_t behind_us;      /* all of the batches since the last that closed at a pause */
	int64_t end_us;         /* what an end costs */
	bool began;             /* a batch has ended */
};

/* May a batch close that is open for so long? */
bool pace_closes(const struct pace *p, int64_t open_us);

/* A batch has ended: it took open_us in all, end_us of that for its end; its sources had paused. */
void pace_note(struct pace *p, int64_t open_us, int64_t end_us, bool paused);

#endif
