#ifndef CDCL_SOURCE_KINDS_H
#define CDCL_SOURCE_KINDS_H

/*
 * The static table of source.c: one maker per kind. A maker allocates its struct (whose first
 * member is struct source) with malloc, sets ops, description, wake_fd and poll_ms, and copies
 * nothing from the config: that lives as long as the plan. source_open then sets id and clock and
 * calls ops->open. Nothing is connected before open. ops->close frees what open made and the struct
 * itself.
 */

#include "source/source.h"
#include "source/source_config.h"

/* By the lane that kafka_lane.h chooses. */
struct source *kafka_lane_make(const struct kafka_config *config, struct error *err);
struct source *kafka_source_make(const struct kafka_config *config);
struct source *fetch_source_make(const struct kafka_config *config);
/* Is this topic one that it names, or that its pattern matches? */
bool kafka_source_reads(const struct kafka_config *config, struct str topic);
struct source *file_source_make(const struct file_config *config, struct error *err);
struct source *generate_source_make(const struct generate_config *config, struct error *err);

#endif
