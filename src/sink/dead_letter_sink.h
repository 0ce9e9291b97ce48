#ifndef CDCL_DEAD_LETTER_SINK_H
#define CDCL_DEAD_LETTER_SINK_H

/*
 * Where a job's dead letters go (data/dead_letter.h): lines appended to a file, synced when the
 * batch is published, or messages to a topic, delivered by then, under the key that the record had.
 */

#include "data/dead_letter.h"

struct batch;
struct kafka_sink_config;
struct sink_writer;

/* `batch`: the current one, from now on. `writer` NULL: no checkpoint. `again`: it comes again. */
struct dead_letter_writer *dead_letter_file_open(struct str path, const struct batch *batch,
	const struct sink_writer *writer, bool again, struct error *err);
/*
 * `config` says topic, brokers and settings; and with which transaction the letters go, if with
 * one: then they are seen when it is published, and those of a batch that the topic holds are left
 * out.
 */
struct dead_letter_writer *kafka_dead_letter_open(const struct kafka_sink_config *config,
	const struct batch *batch, const struct sink_writer *writer, struct error *err);
void dead_letter_writer_close(struct dead_letter_writer *w);

#endif
