#include "source/topic_witness.h"

#include <inttypes.h>
#include <xxhash.h>

/* Stays as it is for good: checkpoints hold it. */
static uint64_t hash_of(int64_t timestamp_us, struct str key, struct str value)
{
	int64_t head[3] = {timestamp_us, key.data == NULL ? -1 : (int64_t)key.len,
		value.data == NULL ? -1 : (int64_t)value.len};
	uint64_t hash = XXH3_64bits(head, sizeof(head));
	if (key.len > 0)
		hash = XXH3_64bits_withSeed(key.data, key.len, hash);
	if (value.len > 0)
		hash = XXH3_64bits_withSeed(value.data, value.len, hash);
	return hash;
}

void topic_witness_note(struct topic_witness *w, const struct messages *m, uint32_t row)
{
	*w = (struct topic_witness){m->offset[row] + 1,
		hash_of(m->timestamp_us[row], m->key[row], m->value[row])};
}

struct topic_witness topic_witness_kept(const struct source_resume *resume, struct str topic,
	int32_t partition, int64_t begin, int64_t start)
{
	struct topic_witness none = {.until = 0};
	uint32_t count = resume == NULL || resume->witnesses == NULL ? 0 : resume->from_count;
	for (uint32_t i = 0; i < count; i++) {
		struct topic_witness w = resume->witnesses[i];
		if (resume->from[i].partition != partition || !str_eq(resume->from[i].topic, topic))
			continue;
		bool there = resume->from[i].offset == start && w.until <= start &&
			w.until > begin && start - w.until < topic_witness_gap_max;
		return there ? w : none;
	}
	return none;
}

enum topic_verdict topic_witness_judge(struct topic_witness w, int64_t offset,
	int64_t timestamp_us, struct str key, struct str value)
{
	if (w.until == 0 || offset + 1 != w.until)
		return TOPIC_UNKNOWN;
	return hash_of(timestamp_us, key, value) == w.hash ? TOPIC_SAME : TOPIC_OTHER;
}

int topic_witness_refuse(
	struct topic_witness w, struct str topic, int32_t partition, struct error *err)
{
	error_set(err, CDCL_E_DATA,
		"offset %" PRId64 " of " STR_FMT "/%" PRId32
		" holds another message than when it was read: the topic was made again",
		w.until - 1, STR_ARG(topic), partition);
	error_help(err,
		"on_data_loss = \"continue\" reads the new one from its beginning; "
		"`cdcl state forget` lets the position go");
	return -(int)err->code;
}
