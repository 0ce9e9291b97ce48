/* Starting offsets, any bytes: parsed within their bounds, or refused with a text. */

#include "base/bounds.h"
#include "base/check.h"
#include "source/offsets_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena arena;
	if (arena.block_bytes == 0)
		arena_init(&arena, 64 * 1024);
	struct error err;
	error_init(&err);
	struct starting_offsets out;
	struct str text = {(const char *)data, size};
	int result = starting_offsets_parse(text, NULL, &clock_system, &arena, &out, &err);
	if (result < 0)
		check(err.text[0] != '\0');
	check(out.explicit_count <= offsets_explicit_max);
	for (uint32_t i = 0; result >= 0 && i < out.explicit_count; i++) {
		check(out.explicit_offsets[i].partition >= 0);
		check(out.explicit_offsets[i].offset >= offset_earliest);
	}
	arena_reset(&arena);
	return 0;
}
