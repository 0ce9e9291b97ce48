/*
 * Any bytes as a file: plain (its lines are what a loop over the bytes says), compressed by this
 * program and then read (the same lines), or as a compressed file (lines or an error).
 */

#include "base/check.h"
#include "source/line_reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { compressed_max = 64 * 1024 };

static char folder[64];

static void remove_folder(void)
{
	static const char *const names[] = {"x", "x.gz", "x.zst"};
	char path[96];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

/* 0: read to its end; `lines` is what came, each with a newline. */
static int read_lines(const char *name, const void *bytes, size_t len, struct strbuf *lines)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
	struct error err;
	error_init(&err);
	struct line_reader *r = line_reader_open(path, &err);
	check(r != NULL);
	struct str line;
	int more;
	strbuf_reset(lines);
	do {
		while (line_reader_next(r, &line)) {
			strbuf_add(lines, line);
			strbuf_add_byte(lines, '\n');
		}
		more = line_reader_more(r, &err);
	} while (more == LINES_MORE);
	while (line_reader_next(r, &line)) {
		strbuf_add(lines, line);
		strbuf_add_byte(lines, '\n');
	}
	line_reader_close(r);
	check(more == LINES_END || (more < 0 && err.text[0] != '\0'));
	return more < 0 ? more : 0;
}

static bool is_content(struct str file, struct strbuf *lines)
{
	if (file.len >= 3 && memcmp(file.data, "\xEF\xBB\xBF", 3) == 0)
		file = str_sub(file, 3, file.len - 3);
	bool open_end = file.len > 0 && file.data[file.len - 1] != '\n';
	struct str read = strbuf_str(lines);
	return read.len == file.len + open_end &&
		(file.len == 0 || memcmp(read.data, file.data, file.len) == 0);
}

static size_t gzip(const uint8_t *data, size_t size, uint8_t *out)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)data,
		.avail_in = (uInt)size,
		.next_out = out,
		.avail_out = compressed_max};
	check(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	check(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packed[compressed_max];
	static struct strbuf lines;
	if (folder[0] == '\0') {
		const char *tmp = getenv("TMPDIR");
		snprintf(folder, sizeof(folder), "%.40s/cdcl-lines.XXXXXX", tmp ? tmp : "/tmp");
		check(mkdtemp(folder) != NULL);
		atexit(remove_folder);
		strbuf_init(&lines);
	}
	if (size == 0 || size > compressed_max / 2)
		return 0;
	struct str content = {(const char *)data + 1, size - 1};
	switch (data[0] % 5) {
	case 0:
		check(read_lines("x", content.data, content.len, &lines) == 0);
		check(is_content(content, &lines));
		break;
	case 1:
		check(read_lines("x.gz", packed, gzip(data + 1, size - 1, packed), &lines) == 0);
		check(is_content(content, &lines));
		break;
	case 2: {
		size_t len = ZSTD_compress(packed, sizeof(packed), content.data, content.len, 1);
		check(!ZSTD_isError(len) && read_lines("x.zst", packed, len, &lines) == 0);
		check(is_content(content, &lines));
		break;
	}
	case 3:
		read_lines("x.gz", content.data, content.len, &lines);
		break;
	default:
		read_lines("x.zst", content.data, content.len, &lines);
	}
	return 0;
}
