/*
 * What a target says of its last batch, any bytes: a line beside a file, a mark in a folder. The
 * checksum is made right for most of them, so that the rest is reached.
 */

#include "base/check.h"
#include "base/crc32c.h"
#include "sink/append_file.h"
#include "sink/batch_mark.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { head_bytes = 9 };

static void check_note(struct str line)
{
	struct append_note note, again;
	struct str checkpoint, job, checkpoint_again, job_again;
	if (!append_note_parse(line, &note, &checkpoint, &job))
		return;
	struct strbuf text;
	strbuf_init(&text);
	append_note_add(&note, checkpoint, job, &text);
	struct str written = str_sub(strbuf_str(&text), 0, text.len - 1);
	check(append_note_parse(written, &again, &checkpoint_again, &job_again));
	check(str_eq(checkpoint, checkpoint_again) && str_eq(job, job_again));
	check(note.batch == again.batch && note.before_batch == again.before_batch);
	check(note.before == again.before && note.after == again.after);
	check(note.crc == again.crc && note.before_crc == again.before_crc);
	check(note.given_up == again.given_up && note.after >= note.before);
	strbuf_release(&text);
}

static void check_mark(struct str line)
{
	struct sink_writer writer, again;
	int64_t id = 0, id_again = 0;
	if (!batch_mark_parse(line, &id, &writer))
		return;
	struct strbuf text;
	strbuf_init(&text);
	batch_mark_text(&writer, id, &text);
	check(batch_mark_parse(strbuf_str(&text), &id_again, &again) && id == id_again);
	check(str_eq(writer.job, again.job) && str_eq(writer.checkpoint, again.checkpoint));
	strbuf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf bytes;
	strbuf_init(&bytes);
	strbuf_add(&bytes, (struct str){(const char *)data, size});
	if (size > head_bytes && data[0] % 8 != 0) {
		char head[head_bytes + 1];
		struct str rest = str_sub(strbuf_str(&bytes), head_bytes, size - head_bytes);
		snprintf(head, sizeof(head), "%08x ", crc32c(0, rest));
		memcpy(bytes.data, head, head_bytes);
	}
	check_note(strbuf_str(&bytes));
	strbuf_add_byte(&bytes, '\n');
	check_mark(strbuf_str(&bytes));
	strbuf_release(&bytes);
	return 0;
}
