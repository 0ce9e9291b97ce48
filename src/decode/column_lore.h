#ifndef CDCL_COLUMN_LORE_H
#define CDCL_COLUMN_LORE_H

/*
 * What is learned of a column whose values do not say what they mean, because no schema block of
 * Connect's stands in the messages: in which unit its timestamps count, whether digits are a
 * decimal's text or base64 of its bytes, whether bytes are hex or base64.
 *
 * What a value means follows from itself and from the column's values before it, in the order in
 * which they came, and from nothing else: not from where a chunk or a batch ends. So a checkpoint
 * that keeps the lore (state/source_lore.h) gives the same rows as a run that never ended.
 */

#include "base/str.h"
#include "decode/connect_schema.h"

/* Of numbers in a timestamp column; kept on disk, as the others. */
enum time_unit { UNIT_UNKNOWN, UNIT_MILLIS, UNIT_MICROS, UNIT_NANOS };
enum decimal_text { DECIMAL_UNKNOWN, DECIMAL_BASE64, DECIMAL_PLAIN };
enum binary_text { BINARY_UNKNOWN, BINARY_BASE64, BINARY_HEX };

struct column_lore {
	uint8_t unit;           /* enum time_unit: milliseconds so far, the others for good */
	int8_t lead;            /* of those that are near to us as milliseconds, over the others */
	uint8_t decimal;        /* enum decimal_text */
	uint8_t binary;         /* enum binary_text */
};

/* So many more of one kind than of the other settle it. */
enum { column_lore_lead_max = 64 };

static inline bool column_lore_any(const struct column_lore *lore)
{
	return (lore->unit | lore->decimal | lore->binary) != 0;
}

/* `lore` after this number of a timestamp column. */
struct column_lore column_lore_after(struct column_lore lore, int64_t v);
/* The unit of numbers that stand behind that. */
enum connect_form column_lore_unit(struct column_lore lore);

/* What came from disk: can it be? */
bool column_lore_is_good(struct column_lore lore);
/* "milliseconds", "decimals as base64" */
void column_lore_text(struct column_lore lore, struct strbuf *out);

#endif
