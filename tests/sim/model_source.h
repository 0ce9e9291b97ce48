#ifndef SIM_MODEL_SOURCE_H
#define SIM_MODEL_SOURCE_H

/* Stands in for the Kafka source: reads the model broker (source/source.h, source_stand_in). */

#include "source/source.h"
#include "source/source_config.h"

struct source *model_source_make(const struct source_config *config);
/* Everything that a reader of "orders" may see was read. */
bool model_source_is_at_end(void);

#endif
