/*
 * What a dead process left beside a checkpoint, any bytes: read, or as if there was nothing. The
 * checksum is made right for most of them, so that the rest is reached.
 */

#include "base/check.h"
#include "base/crc32c.h"
#include "state/attempt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { head_bytes = 12, crc_at = 8 };

static bool same_culprits(const struct attempt *a, const struct attempt *b)
{
	for (uint32_t i = 0; i < a->culprit_count; i++)
		if (!str_eq(a->culprits[i].why, b->culprits[i].why) ||
			a->culprits[i].record.offset != b->culprits[i].record.offset)
			return false;
	return a->culprit_count == b->culprit_count && a->mode == b->mode && a->next == b->next;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena arena;
	static struct attempt a, b;
	if (arena.block_bytes == 0)
		arena_init(&arena, 64 * 1024);
	struct strbuf bytes;
	strbuf_init(&bytes);
	strbuf_add(&bytes, (struct str){(const char *)data, size});
	if (size >= head_bytes && data[crc_at] % 8 != 0) {
		struct str rest = str_sub(strbuf_str(&bytes), head_bytes, size - head_bytes);
		uint32_t crc = crc32c(0, rest);
		memcpy(bytes.data, "cdclatt1", crc_at);
		memcpy(bytes.data + crc_at, &crc, sizeof(crc));
	}
	if (attempt_parse(strbuf_str(&bytes), &arena, &a)) {
		check(a.culprit_count <= attempt_culprits_max && a.mode <= ATTEMPT_SINGLE);
		strbuf_reset(&bytes);
		attempt_text(&a, &bytes);
		check(attempt_parse(strbuf_str(&bytes), &arena, &b) && same_culprits(&a, &b));
	} else {
		check(!a.open && a.culprit_count == 0 && a.mode == ATTEMPT_NORMAL);
	}
	strbuf_release(&bytes);
	arena_reset(&arena);
	return 0;
}
