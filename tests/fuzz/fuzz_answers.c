/*
 * Answers of a broker, any bytes: the first chooses which, the second its version. What can be
 * read points into them, and records that come are walked as the direct lane walks them.
 */

#include "base/check.h"
#include "source/fetch_lane.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct str s, struct str body)
{
	return s.data == NULL ||
		(s.data >= body.data && s.len <= (size_t)(body.data + body.len - s.data));
}

static void read_records(const struct fetch_answer *answer)
{
	static struct arena arena;
	static struct messages out;
	static struct record_space space;
	if (arena.block_bytes == 0) {
		arena_init(&arena, 64 * 1024);
		record_space_init(&space, 16 * 1024 * 1024);
		out.arena = &arena;
	}
	struct kafka_topic topic = {.name = str_lit("t")};
	struct kafka_partition partition = {.topic = &topic, .limit = INT64_MAX};
	struct fetch_block block = {.chunk = 0};
	struct fetch_lane lane;
	struct error err;
	uint64_t chunk = 0;
	int state = RECORD_BATCHES_FULL;
	fetch_lane_init(&lane, &partition, &space, true);
	block.aborted = calloc(answer->aborted_count + 1, sizeof(*block.aborted));
	check(block.aborted != NULL);
	if (fetch_lane_take(&lane, answer, &block))
		while (state == RECORD_BATCHES_FULL) {
			arena_reset(&arena);
			out.count = 0;
			record_space_chunk(&space);
			error_init(&err);
			state = fetch_lane_read(&lane, &partition, &out, ++chunk, &err);
			check(state >= 0 || err.text[0] != 0);
		}
	fetch_lane_reset(&lane, 0);
	check(block.parts == 0);
	free(block.aborted);
}

static void read_answers(enum fetch_api api, const struct fetch_versions *v, struct str body)
{
	struct fetch_answers answers;
	struct fetch_answer answer;
	size_t count = 0;
	if (!fetch_answers_begin(&answers, api, v, body))
		return;
	while (fetch_answers_next(&answers, &answer) == FETCH_ANSWER) {
		check(inside(answer.topic, body) && inside(answer.records, body));
		check(inside(answer.aborted, body) && count++ <= body.len);
		if (answer.records.len > 0)
			read_records(&answer);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct fetch_versions v;
	for (int i = 0; i < fetch_api_count; i++)
		v.of[i] = data[1] % 13;
	/* a block of just its size: nothing is read beyond it */
	char *copy = malloc(size - 1);
	check(copy != NULL);
	memcpy(copy, data + 2, size - 2);
	struct str body = {copy, size - 2};
	struct cluster_view view;
	struct cluster_broker broker;
	struct fetch_versions told;
	int code;
	switch (data[0] % 8) {
	case 0:
		fetch_read_versions(body, &told);
		break;
	case 1:
		fetch_read_metadata(body, &v, &view);
		check(view.arena.bytes_held <= 64 * size + 64 * 1024);
		arena_release(&view.arena);
		break;
	case 2:
		if (fetch_read_coordinator(body, &v, &code, &broker))
			check(inside(broker.host, body));
		break;
	case 3:
		read_answers(API_OFFSETS, &v, body);
		break;
	case 4:
		read_answers(API_EPOCHS, &v, body);
		break;
	case 5:
		read_answers(API_COMMIT, &v, body);
		break;
	default:
		read_answers(API_FETCH, &v, body);
	}
	free(copy);
	return 0;
}
