#ifndef CDCL_LISTEN_ADDRESS_H
#define CDCL_LISTEN_ADDRESS_H

/* Where a server of ours listens, as a user writes it: [HOST:]PORT, "[::1]:8077"; "": as usual. */

#include "cdcl/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { listen_host_bytes = 256, listen_port_default = 8077 };

struct listen_address {
	char host[listen_host_bytes];   /* without brackets */
	uint16_t port;                  /* 0: the kernel chooses */
};

int listen_address_parse(struct str text, struct listen_address *out, struct error *err);

/*
 * A Host header that names the loopback. A server that listens there only answers no other, or a
 * web page could read it through a name that leads here (DNS rebinding).
 */
bool listen_header_is_local(struct str header);

/* Text for messages: "127.0.0.1:8077", "[::1]:8077". */
void listen_address_text(const struct listen_address *a, struct strbuf *out);

#endif
