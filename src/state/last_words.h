#ifndef CDCL_LAST_WORDS_H
#define CDCL_LAST_WORDS_H

/*
 * What a dying process leaves for the next start: a small file of two places.
 *
 *	work    the record that is worked on (only while records are read one by one)
 *	death   why the process ends: a signal that says "crash", or the watchdog
 *
 * Both are written with one pwrite, by a signal handler or the watchdog's thread too, so nothing
 * here allocates or goes through the disk seam. The process dies and not the machine: what was
 * written is read again without a sync. Words that are torn (a power cut) have a wrong checksum,
 * and count as none.
 */

#include "cdcl/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { record_topic_bytes = 1024, words_what_bytes = 64, words_place_bytes = 512 };

struct record_place {
	uint32_t known;
	int32_t partition;
	int64_t offset;
	char topic[record_topic_bytes]; /* longer ones are cut */
};

enum death_kind { DEATH_NONE, DEATH_SIGNAL, DEATH_WATCHDOG };

struct last_words {
	uint32_t crc;
	uint32_t kind; /* enum death_kind */
	int32_t signal;
	int32_t spare;
	struct record_place record;
	char what[words_what_bytes];   /* "filter" */
	char place[words_place_bytes]; /* "orders.lua:14" */
};

enum words_slot { WORDS_WORK, WORDS_DEATH };

void record_place_set(
	struct record_place *r, struct str topic, int32_t partition, int64_t offset);
bool record_place_is(
	const struct record_place *r, struct str topic, int32_t partition, int64_t offset);
bool record_place_same(const struct record_place *a, const struct record_place *b);

/* Fills the checksum. fd -1: nothing happens. */
void last_words_write(int fd, enum words_slot slot, struct last_words *words);
/* False: there are none. */
bool last_words_read(int fd, enum words_slot slot, struct last_words *words);

/*
 * Signals that mean a crash (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) leave word and then do what
 * they did before. For the whole process, once.
 */
void last_words_catch_crashes(void);
/* A crash of this thread leaves word in `fd` from now on; -1: nowhere. */
void last_words_of_this_thread(int fd);

#endif
