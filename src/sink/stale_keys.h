#ifndef CDCL_STALE_KEYS_H
#define CDCL_STALE_KEYS_H

/*
 * A topic that holds a Table's current rows, and a job that begins its Table anew: keys that an
 * earlier run left there and this one does not have would stay for ever. So the first batch notes
 * every key that it sends; before it is published the topic is read once, and what it still holds
 * besides gets a tombstone.
 */

#include "cdcl/error.h"
#include "sink/sink.h"

struct kafka_producer;
struct stale_keys;

struct stale_keys *stale_keys_open(const struct kafka_sink_config *config);
void stale_keys_close(struct stale_keys *s);
void stale_keys_note(struct stale_keys *s, struct str key);
/* Reads the topic as far as it goes now; sends the tombstones. */
int stale_keys_remove(struct stale_keys *s, struct kafka_producer *producer, struct error *err);

#endif
