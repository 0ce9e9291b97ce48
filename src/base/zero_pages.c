#include "base/zero_pages.h"

#include "base/file.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { piece_pages_max = 1024, mapping_bytes_max = 64 << 20, maps_bytes_max = 1 << 20 };

static bool is_zero(const char *page, size_t bytes)
{
	const uint64_t *words = (const uint64_t *)(const void *)page;
	uint64_t any = words[0];
	for (size_t i = 0; any == 0 && i < bytes / sizeof(*words); i += 8)
		any = words[i] | words[i + 1] | words[i + 2] | words[i + 3] | words[i + 4] |
			words[i + 5] | words[i + 6] | words[i + 7];
	return any == 0;
}

/* Pages that nothing was written to are no memory yet, and looking would make them some. */
static size_t drop_piece(char *from, size_t pages, size_t page)
{
	unsigned char resident[piece_pages_max];
	size_t dropped = 0;
	if (mincore(from, pages * page, resident) != 0)
		return 0;
	for (size_t at = 0, end; at < pages; at = end + 1) {
		for (end = at; end < pages && (resident[end] & 1) != 0; end++)
			if (!is_zero(from + end * page, page))
				break;
		size_t bytes = (end - at) * page;
		if (bytes > 0 && madvise(from + at * page, bytes, MADV_DONTNEED) == 0)
			dropped += bytes;
	}
	return dropped;
}

size_t zero_pages_drop(char *from, char *to)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), dropped = 0;
	from += (page - (uintptr_t)from % page) % page;
	while (from < to && (size_t)(to - from) >= page) {
		size_t pages = (size_t)(to - from) / page;
		pages = pages < piece_pages_max ? pages : piece_pages_max;
		dropped += drop_piece(from, pages, page);
		from += pages * page;
	}
	return dropped;
}

/* A line of /proc/self/maps: "55d0c000-55d2e000 rw-p 00000000 00:00 0  [heap]" */
static bool is_private_memory(const char *line, uintptr_t *from, uintptr_t *to)
{
	char permissions[5], name[32] = "";
	uintmax_t inode;
	int fields = sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %ju %31s", from, to,
		permissions, &inode, name);
	return fields >= 4 && inode == 0 && strcmp(permissions, "rw-p") == 0 &&
		(name[0] == '\0' || strcmp(name, "[heap]") == 0) &&
		*to - *from <= mapping_bytes_max;
}

void zero_pages_drop_all(void)
{
	struct strbuf maps;
	strbuf_init(&maps);
	int r = file_read_all("/proc/self/maps", maps_bytes_max, &maps, NULL);
	strbuf_add_byte(&maps, '\0');
	uintptr_t from, to;
	for (char *line = maps.data, *end; r == 0 && (end = strchr(line, '\n')) != NULL;
		line = end + 1) {
		*end = '\0';
		if (is_private_memory(line, &from, &to))
			zero_pages_drop((char *)from, (char *)to);
	}
	strbuf_release(&maps);
}
