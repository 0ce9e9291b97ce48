#ifndef CDCL_KAFKA_RELAY_H
#define CDCL_KAFKA_RELAY_H

/*
 * A bootstrap address on a wanted port for the embedded broker, whose own port is the kernel's
 * choice: bytes are handed through in both directions by one thread. Clients bootstrap here and
 * then connect to the address that the broker's metadata names, which is on this machine, too.
 *
 *	client --> 127.0.0.1:port --> 127.0.0.1:to
 */

#include "cdcl/error.h"

#include <stdbool.h>
#include <stdint.h>

struct kafka_relay;

struct kafka_relay *kafka_relay_open(int port, int to, struct error *err);
void kafka_relay_close(struct kafka_relay *r);

#endif
