#ifndef CDCL_JSON_DECODE_H
#define CDCL_JSON_DECODE_H

/*
 * Messages to columns: schema-directed JSON. A decoder belongs to one schema; it learns the shapes
 * of the messages it sees (literal segments and value slots) and tries them first; a miss goes to
 * the generic scanner (decode/json_scan.h). Meaning is that of Spark's from_json, exactly
 * (docs/from-spark.md lists what differs and why), or RFC 8259 with `strict`.
 *
 * A message may give its row, an all-NULL row (malformed under permissive, or a NULL or blank
 * value), no row (drop) or an error (failfast). Row i of the chunk is message i; dropped rows have
 * their live bit clear.
 */

#include "cdcl/error.h"
#include "data/dead_letter.h"
#include "data/timezone.h"

enum json_mode { JSON_PERMISSIVE, JSON_FAILFAST, JSON_DROP };

struct json_config {
	const struct schema *schema; /* plan */
	enum json_mode mode;
	bool strict;
	int corrupt_column; /* index of _corrupt_record, or -1 */
	const struct timezone *timezone; /* NULL: UTC */
	const struct clock *clock; /* a bare time takes today's date */
	/*
	 * Of rows one by one: somebody follows what the schema has not. A field that is no column
	 * and null is none yet; one with a value is row->news. A value that does not fit its column
	 * is left to the caller (json_decode_bad).
	 */
	bool follows;
};

struct json_decoder;

struct json_counts {
	int64_t malformed; /* messages that are no JSON object */
	int64_t bad_fields; /* fields nulled because they did not fit */
	int64_t dropped; /* rows dropped under JSON_DROP: malformed, or with a bad field */
	int64_t template_hits;
	int64_t template_misses;
};

struct json_decoder *json_decoder_open(const struct json_config *config);
void json_decoder_close(struct json_decoder *d);
const struct json_counts *json_decoder_counts(const struct json_decoder *d);

/*
 * Decodes all of `in` into a new chunk in in->arena. Strings of the chunk point into the messages
 * or the arena. 0, or negative in failfast mode. A NULL value, an empty one and one of white space
 * alone are rows of NULLs in every mode and count as nothing.
 *
 * A dropped row is what the user asked for: it is counted in `dead` (may be NULL) under
 * DEAD_MALFORMED and does not spend the error budget.
 */
int json_decode(struct json_decoder *d, const struct messages *in, struct dead_letters *dead,
	struct chunk **out, struct error *err);

/*
 * The same row by row, for a decoder of several kinds of messages (decode/envelope_flat.c): into
 * row->index of a chunk whose columns are NULL there. `known` takes only shapes seen before: 1 when
 * it did, 0 when it did not. Both are negative when the job must stop.
 */
struct json_row;
enum json_row_kind { JSON_ROW_GOOD, JSON_ROW_BLANK, JSON_ROW_MALFORMED };
void json_decode_begin(struct json_decoder *d, struct chunk *c, struct json_row *row);
int json_decode_known(struct json_decoder *d, struct json_row *row, struct str text,
	struct dead_letters *dead, struct error *err);
/*
 * How many of the messages, from the first one on, are rows of the shape that came last: they are
 * rows row->index - n to row->index - 1 then, each as json_decode_known would have it, and
 * row->unknown is that of each. The shape's messages lack columns: not when `whole`.
 */
uint32_t json_decode_run(struct json_decoder *d, struct json_row *row, const struct str *messages,
	uint32_t count, bool whole);
int json_decode_any(struct json_decoder *d, struct json_row *row, struct str text,
	struct dead_letters *dead, struct error *err);
/* A good row with values that do not fit costs what the mode says. */
int json_decode_bad(struct json_decoder *d, struct json_row *row, struct dead_letters *dead,
	struct error *err);
void json_decoder_unfollow(struct json_decoder *d);

#endif
