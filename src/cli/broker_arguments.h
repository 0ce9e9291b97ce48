#ifndef CDCL_BROKER_ARGUMENTS_H
#define CDCL_BROKER_ARGUMENTS_H

/* What commands that talk to a broker share: its address, and -X settings. */

#include "cli/cli.h"
#include "source/source_config.h"

/* --brokers, else CDCL_BROKERS, else localhost:9092 */
struct str broker_address(const char *brokers);

/* "NAME=VALUE" each; out has room for option_list_max. 0, or negative with the error filled. */
int broker_settings(const struct option_list *list, struct setting *out, struct error *err);

#endif
