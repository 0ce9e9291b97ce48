#ifndef CDCL_SINK_KINDS_H
#define CDCL_SINK_KINDS_H

/*
 * The sinks that sink.c chooses from. Each x_sink_open gives a sink with its ops set, all else of
 * `struct sink` is filled by sink_open; the sink frees itself in its close. `config` is the plan's.
 */

#include "sink/sink.h"

struct sink *console_sink_open(const struct sink_config *config);
struct sink *changes_sink_open(const struct sink_config *config);
struct sink *memory_sink_open(const struct sink_config *config);
struct sink *foreach_batch_sink_open(const struct sink_config *config);
struct sink *file_sink_open(const struct sink_config *config);
struct sink *kafka_sink_open(const struct sink_config *config);
struct sink *sqlite_sink_open(const struct sink_config *config);
struct sink *postgres_sink_open(const struct sink_config *config);

/*
 * Rows of a memory sink: of all batches (append, update, changelog) or of the last one (complete).
 */
uint32_t memory_sink_chunks(const struct sink *s, struct chunk *const **chunks);

#endif
