#include "sink/batch_mark.h"

#include "base/checked_line.h"
#include "base/file.h"
#include "data/value.h"

#include <inttypes.h>

enum { mark_bytes_max = 4096 };

const char batch_mark_name[] = "_cdcl_batch";

void batch_mark_text(const struct sink_writer *w, int64_t id, struct strbuf *out)
{
	struct strbuf rest;
	strbuf_init(&rest);
	strbuf_addf(&rest, "%" PRId64 " " STR_FMT " " STR_FMT, id, STR_ARG(w->checkpoint),
		STR_ARG(w->job));
	checked_line_add(strbuf_str(&rest), out);
	strbuf_release(&rest);
}

/* What stands before the next space; *text moves behind it. */
static bool take_word(struct str *text, struct str *word)
{
	const char *space = text->len == 0 ? NULL : memchr(text->data, ' ', text->len);
	if (space == NULL)
		return false;
	*word = str_sub(*text, 0, (size_t)(space - text->data));
	*text = str_sub(*text, word->len + 1, text->len);
	return true;
}

bool batch_mark_parse(struct str text, int64_t *id, struct sink_writer *w)
{
	struct str rest, batch, checkpoint;
	if (text.len == 0 || text.data[text.len - 1] != '\n')
		return false;
	text.len--;
	if (!checked_line_rest(text, &rest) || memchr(rest.data, 0, rest.len) != NULL ||
		!take_word(&rest, &batch) || !take_word(&rest, &checkpoint))
		return false;
	*w = (struct sink_writer){.job = rest, .checkpoint = checkpoint};
	return int64_parse(batch, id) && *id >= 0;
}

int batch_mark_read(struct sink *s, const char *path, int64_t *held, struct error *err)
{
	struct strbuf text;
	struct sink_writer by;
	int64_t id = -1;
	strbuf_init(&text);
	*held = -1;
	s->others = false;
	int r = file_read_if_there(path, mark_bytes_max, &text, err);
	if (r == 1 && !batch_mark_parse(strbuf_str(&text), &id, &by)) {
		r = error_set(err, CDCL_E_DISK,
			"%s: is damaged, it says what batch is there", path);
		error_help(err, "remove it, and the folder counts as a new target");
	}
	if (r == 1) {
		bool ours = str_eq(by.checkpoint, s->writer->checkpoint) &&
			str_eq(by.job, s->writer->job);
		s->others = !ours;
		*held = ours ? id : -1;
	}
	strbuf_release(&text);
	return r < 0 ? r : 0;
}

int batch_mark_write(const struct sink *s, const char *path, int64_t id, struct error *err)
{
	struct strbuf text;
	strbuf_init(&text);
	batch_mark_text(s->writer, id, &text);
	int r = file_replace(path, strbuf_str(&text), err);
	strbuf_release(&text);
	return r;
}
