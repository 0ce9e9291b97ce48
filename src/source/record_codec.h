#ifndef CDCL_RECORD_CODEC_H
#define CDCL_RECORD_CODEC_H

/*
 * The compressions of record batches: gzip, snappy (raw, and in the blocks that Java's xerial
 * library writes), lz4 frames, zstd. What comes out is bounded by the caller's buffer, so a small
 * batch that claims to be huge costs what was given to it.
 */

#include "cdcl/error.h"
#include "base/str.h"

/* As in the attributes of a batch. */
enum record_codec_kind {
	RECORD_CODEC_NONE,
	RECORD_CODEC_GZIP,
	RECORD_CODEC_SNAPPY,
	RECORD_CODEC_LZ4,
	RECORD_CODEC_ZSTD,
	RECORD_CODEC_COUNT
};

/* Contexts, opened at their first use and kept. Zeroed: none yet. */
struct record_codec {
	struct z_stream_s *gzip;
	struct LZ4F_dctx_s *lz4;
	struct ZSTD_DCtx_s *zstd;
};

enum record_codec_state { RECORD_CODEC_DONE, RECORD_CODEC_SMALL };

void record_codec_release(struct record_codec *c);
const char *record_codec_name(enum record_codec_kind kind);

/* How many bytes `packed` probably makes: what it says, not to be believed, or a guess. */
size_t record_codec_size(enum record_codec_kind kind, struct str packed);

/*
 * Unpacks all of `packed`; *len is how many bytes that made. RECORD_CODEC_SMALL: `out` is too
 * small. Damage is CDCL_E_DATA.
 */
int record_codec_unpack(struct record_codec *c, enum record_codec_kind kind, struct str packed,
	char *out, size_t capacity, size_t *len, struct error *err);

#endif
