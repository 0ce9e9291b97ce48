#ifndef CDCL_GENERATOR_H
#define CDCL_GENERATOR_H

/*
 * Simulated change events: every key has a life (insert, some updates, delete, and sometimes a new
 * life), keys are chosen uniformly or by Zipf's law, and the same seed gives the same bytes on
 * every machine.
 *
 *	{"order_id":1001,"product":"Laptop","quantity":2,"op":"insert"}        key 1001
 *	{"id":1,"name":"Alice","email":"alice@example.com","op":"insert"}      key 1
 *
 * Faults, each a fraction of the messages: malformed (text that is no JSON object), duplicates (an
 * event sent again some events after it was sent first), late (an event held back, so that newer
 * ones of other keys overtake it; the order within a key is kept). Memory is a few bytes per key;
 * nothing is allocated per event.
 */

#include "source/source_config.h"

struct generator;

struct generated {
	struct str key; /* until the next call */
	struct str value;
};

enum { generator_keys_default = 1000, generator_keys_max = 100 * 1000 * 1000 };

/* Fills in what the user did not say: keys, seed. */
struct generate_config generate_config_default(enum generate_kind kind);

struct generator *generator_open(const struct generate_config *config);
void generator_close(struct generator *g);

/* False when config.count events were made. */
bool generator_next(struct generator *g, struct generated *out);

#endif
