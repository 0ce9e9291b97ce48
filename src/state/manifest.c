#include "state/manifest.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "state/frame_log.h"

#include <limits.h>
#include <stdio.h>

enum { path_bytes_max = PATH_MAX };

void manifest_text(const struct manifest *m, struct strbuf *out)
{
	size_t start = out->len;
	strbuf_addf(out, "cdcl checkpoint %d\njob %s\n", manifest_version, m->job);
	if (m->id[0] != '\0')
		strbuf_addf(out, "id %s\n", m->id);
	strbuf_addf(out, "snapshot %llu\nolder %llu\nnewest %llu\n",
		(unsigned long long)m->snapshot, (unsigned long long)m->older,
		(unsigned long long)m->newest);
	struct str lines = {out->data + start, out->len - start};
	strbuf_addf(out, "crc %08x\n", crc32c(0, lines));
}

static int wrong(const char *path, const char *what, struct error *err)
{
	error_set(err, CDCL_E_STATE, "%s: %s", path, what);
	return frame_log_lost(err);
}

/* The rest of the line that begins with `word` and a space; *at moves behind it. */
static bool take_line(struct str text, size_t *at, const char *word, struct str *rest)
{
	struct str left = str_sub(text, *at, text.len - *at);
	const char *end = left.len == 0 ? NULL : memchr(left.data, '\n', left.len);
	size_t len = strlen(word);
	if (end == NULL || !str_starts(left, str_c(word)) || (size_t)(end - left.data) <= len ||
		left.data[len] != ' ')
		return false;
	*rest = (struct str){left.data + len + 1, (size_t)(end - left.data) - len - 1};
	*at += (size_t)(end - left.data) + 1;
	return true;
}

static bool parse_number(struct str s, unsigned base, uint64_t *out)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		const char *digit = memchr(digits, s.data[i], base);
		if (digit == NULL || n > (UINT64_MAX - base) / base)
			return false;
		n = n * base + (uint64_t)(digit - digits);
	}
	*out = n;
	return s.len > 0;
}

static bool take_number(struct str text, size_t *at, const char *word, uint64_t *out)
{
	struct str rest;
	return take_line(text, at, word, &rest) && parse_number(rest, 10, out);
}

static int check_crc(struct str text, const char *path, size_t *end, struct error *err)
{
	enum { line_bytes = sizeof("crc 00000000\n") - 1 };
	uint64_t said = 0;
	if (text.len < line_bytes)
		return wrong(path, "cut short", err);
	size_t at = *end = text.len - line_bytes;
	struct str rest;
	if (!take_line(text, &at, "crc", &rest) || !parse_number(rest, 16, &said) ||
		said != crc32c(0, str_sub(text, 0, *end)))
		return wrong(path, "damaged: its checksum is wrong", err);
	return 0;
}

/* There may be none. */
static bool take_id(struct str text, size_t *at, char *id)
{
	struct str rest;
	if (!take_line(text, at, "id", &rest))
		return true;
	if (rest.len != random_name_bytes - 1)
		return false;
	for (size_t i = 0; i < rest.len; i++)
		if (memchr("0123456789abcdef", rest.data[i], 16) == NULL)
			return false;
	memcpy(id, rest.data, rest.len);
	id[rest.len] = '\0';
	return true;
}

int manifest_parse(struct str text, const char *path, struct manifest *m, struct error *err)
{
	struct str job;
	uint64_t version;
	size_t end = 0, at = 0;
	*m = (struct manifest){.newest = 0};
	if (!str_starts(text, str_lit("cdcl checkpoint ")))
		return wrong(path, "is not a manifest of cdcl", err);
	int r = check_crc(text, path, &end, err);
	if (r < 0)
		return r;
	text.len = end;
	if (!take_number(text, &at, "cdcl checkpoint", &version))
		return wrong(path, "no version", err);
	if (version != manifest_version) {
		error_set(err, CDCL_E_STATE, "%s: format %llu, this cdcl knows %d", path,
			(unsigned long long)version, manifest_version);
		error_help(err, "a newer cdcl wrote it: use that one");
		return -(int)CDCL_E_STATE;
	}
	if (!take_line(text, &at, "job", &job) || job.len >= sizeof(m->job) ||
		!take_id(text, &at, m->id) ||
		!take_number(text, &at, "snapshot", &m->snapshot) ||
		!take_number(text, &at, "older", &m->older) ||
		!take_number(text, &at, "newest", &m->newest) || at != text.len)
		return wrong(path, "a line is missing or wrong", err);
	memcpy(m->job, job.data, job.len);
	m->job[job.len] = '\0';
	if (m->newest == 0 || m->newest > UINT32_MAX || m->snapshot > m->newest ||
		(m->older >= m->snapshot && m->older != 0))
		return wrong(path, "numbers that cannot be", err);
	return 0;
}

static int path_in(const char *folder, char *path, struct error *err)
{
	int len = snprintf(path, path_bytes_max, "%s/MANIFEST", folder);
	return len > 0 && len < path_bytes_max ? 0 : wrong(folder, "the path is too long", err);
}

int manifest_read(const char *folder, struct manifest *m, struct error *err)
{
	char path[path_bytes_max];
	struct strbuf text;
	strbuf_init(&text);
	int r = path_in(folder, path, err);
	if (r == 0)
		r = file_read_if_there(path, manifest_bytes_max, &text, err);
	if (r == 1) {
		int parsed = manifest_parse(strbuf_str(&text), path, m, err);
		r = parsed < 0 ? parsed : 1;
	}
	strbuf_release(&text);
	return r;
}

int manifest_read_there(const char *folder, struct manifest *m, struct error *err)
{
	int r = manifest_read(folder, m, err);
	if (r != 0)
		return r < 0 ? r : 0;
	return error_set(err, CDCL_E_STATE, "%s: no checkpoint is there (no MANIFEST)", folder);
}

int manifest_write(const char *folder, const struct manifest *m, struct error *err)
{
	char path[path_bytes_max];
	struct strbuf text;
	strbuf_init(&text);
	manifest_text(m, &text);
	int r = path_in(folder, path, err);
	if (r == 0)
		r = file_replace(path, strbuf_str(&text), err);
	strbuf_release(&text);
	return r;
}
