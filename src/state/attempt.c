#include "state/attempt.h"

#include "base/crc32c.h"
#include "state/record.h"

static const char magic[8] = {'c', 'd', 'c', 'l', 'a', 't', 't', '1'};

enum { head_bytes = sizeof(magic) + sizeof(uint32_t) };

static void add_record(const struct record_place *r, struct strbuf *out)
{
	record_add_u8(out, r->known != 0);
	record_add_u32(out, (uint32_t)r->partition);
	record_add_i64(out, r->offset);
	record_add_str(out, str_c(r->topic));
}

static void take_record(struct record_reader *r, struct record_place *out)
{
	bool known = record_u8(r) != 0;
	int32_t partition = (int32_t)record_u32(r);
	int64_t offset = record_i64(r);
	struct str topic = record_str(r);
	if (topic.data == NULL)
		topic = str_lit("");
	record_place_set(out, topic, partition, offset);
	out->known = known;
}

void attempt_text(const struct attempt *a, struct strbuf *out)
{
	size_t start = out->len;
	strbuf_add(out, (struct str){magic, sizeof(magic)});
	record_add_u32(out, 0);
	record_add_u8(out, a->open);
	record_add_u8(out, (uint8_t)a->mode);
	record_add_u32(out, a->deaths);
	record_add_i64(out, a->next);
	add_record(&a->suspect, out);
	record_add_u32(out, a->suspect_deaths);
	record_add_u32(out, a->culprit_count);
	for (uint32_t i = 0; i < a->culprit_count; i++) {
		add_record(&a->culprits[i].record, out);
		record_add_str(out, a->culprits[i].why);
		record_add_str(out, a->culprits[i].place);
	}
	size_t rest = start + head_bytes;
	uint32_t crc = crc32c(0, (struct str){out->data + rest, out->len - rest});
	memcpy(out->data + start + sizeof(magic), &crc, sizeof(crc));
}

static struct str take_text(struct record_reader *r, struct arena *arena)
{
	struct str s = record_str(r);
	return s.data == NULL ? s : str_dup(s, arena);
}

bool attempt_parse(struct str bytes, struct arena *arena, struct attempt *a)
{
	struct record_reader r = {.bytes = bytes};
	*a = (struct attempt){.open = false};
	const char *said = record_take(&r, sizeof(magic));
	uint32_t crc = record_u32(&r);
	if (r.bad || memcmp(said, magic, sizeof(magic)) != 0 ||
		crc != crc32c(0, str_sub(bytes, head_bytes, record_left(&r))))
		return false;
	a->open = record_u8(&r) != 0;
	uint8_t mode = record_u8(&r);
	a->mode = (enum attempt_mode)mode;
	a->deaths = record_u32(&r);
	a->next = record_i64(&r);
	take_record(&r, &a->suspect);
	a->suspect_deaths = record_u32(&r);
	a->culprit_count = record_u32(&r);
	bool good = !r.bad && mode <= ATTEMPT_SINGLE && a->culprit_count <= attempt_culprits_max;
	for (uint32_t i = 0; good && i < a->culprit_count; i++) {
		take_record(&r, &a->culprits[i].record);
		a->culprits[i].why = take_text(&r, arena);
		a->culprits[i].place = take_text(&r, arena);
		good = !r.bad && a->culprits[i].why.data != NULL;
	}
	good = good && record_left(&r) == 0;
	if (!good)
		*a = (struct attempt){.open = false};
	return good;
}
