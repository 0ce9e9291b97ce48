#ifndef CDCL_STARTER_H
#define CDCL_STARTER_H

/*
 * A script for what a sample showed: it says what was found, reads the source, keeps the current
 * rows when there is a key, and prints them.
 */

#include "cli/cli.h"
#include "decode/envelope.h"
#include "source/source_config.h"

struct starter {
	struct source_config source;
	struct str given_brokers;       /* --brokers; absent: not given */
	struct envelope_sample sample;
	struct strbuf others;           /* other topics of the file, for a comment */
};

void starter_text(const struct starter *s, struct strbuf *out);

#endif
