#include "cli/broker_arguments.h"

#include <stdlib.h>

struct str broker_address(const char *brokers)
{
	if (brokers == NULL)
		brokers = getenv("CDCL_BROKERS");
	return brokers == NULL || brokers[0] == 0 ? str_lit("localhost:9092") : str_c(brokers);
}

int broker_settings(const struct option_list *list, struct setting *out, struct error *err)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const char *equals = strchr(list->items[i], '=');
		if (equals == NULL || equals == list->items[i])
			return error_set(
				err, CDCL_E_USAGE, "-X takes NAME=VALUE, not '%s'", list->items[i]);
		size_t len = (size_t)(equals - list->items[i]);
		out[i] = (struct setting){{list->items[i], len}, str_c(equals + 1), str_lit("-X")};
	}
	return 0;
}
