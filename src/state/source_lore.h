#ifndef CDCL_SOURCE_LORE_H
#define CDCL_SOURCE_LORE_H

/*
 * What the decoders of a job's sources have learned (decode/envelope_lore.h), as a part of its
 * checkpoint: of each source, topic and partition as it was told last. So an interrupted batch is
 * decoded from what was known before it, and a run that goes on reads values as the one before.
 *
 *	decoder (here, or in a worker)  --news-->  source_lore  --records-->  checkpoint
 *	                               <-recall--              <--records--
 *
 * A job without a decoder that learns has no such part, and a checkpoint's is let go then: it
 * says nothing that rows without an envelope could need.
 */

#include "decode/envelope_lore.h"
#include "state/state_part.h"

struct source_lore;

#define source_lore_name str_lit("learned")

enum { source_lore_topics_max = 1024 * 1024 }; /* plan_nodes_max * source_topics_max */

struct source_lore *source_lore_open(void);
void source_lore_close(struct source_lore *l);  /* NULL is fine */
struct state_part *source_lore_part(struct source_lore *l);

/* As of a decoder's news: columns are replaced, partitions that are not named stay. */
void source_lore_note(struct source_lore *l, uint32_t source, const struct topic_lore *news);
/* All that the decoder has to tell. */
void source_lore_gather(struct source_lore *l, uint32_t source, struct envelope_decoder *d);
/* All of the source to its decoder. */
void source_lore_recall(
	const struct source_lore *l, uint32_t source, struct envelope_decoder *d);

/* Sources that are not among these are forgotten. */
void source_lore_keep(struct source_lore *l, const uint32_t *sources, uint32_t count);

/* The same as bytes, from one process to another; records may come twice. */
void source_lore_write(const struct source_lore *l, uint32_t source, struct strbuf *out);
int source_lore_read(struct source_lore *l, struct str records, struct error *err);

/* For who looks: topics by number, until false; what is given lives until something is noted. */
bool source_lore_at(const struct source_lore *l, uint32_t at, uint32_t *source,
	struct topic_lore *out);

#endif
