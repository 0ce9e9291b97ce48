/*
 * What a broker may answer to Fetch, given to the reader of record batches and to a slow one
 * (tests/unit/record_twin.h): both give the same records, and say the same at the end. CRCs are put
 * right first, unless the input wants otherwise, so that it goes deeper.
 *
 *	flags 1 | aborted transactions 1 | { producer id 1 | first offset 1 }* | the bytes
 */

#include "../unit/record_twin.h"

enum { batch_bytes_max = 1024 * 1024, flag_headers = 1, flag_as_is = 2, flag_small = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal_all(char *bytes, size_t len)
{
	size_t at = 0;
	while (len - at > record_batch_header_bytes) {
		struct twin_cursor c = {(const unsigned char *)bytes + at, len - at, 8, false};
		int64_t length = twin_int(&c, 4);
		if (length < 49 || (uint64_t)length + 12 > len - at)
			return;
		twin_seal(bytes + at, (size_t)length + 12);
		at += (size_t)length + 12;
	}
}

/* Reads with blocks of `chunk` rows and stops every `step` offsets. */
static void read_all(struct record_batches *r, uint32_t chunk, int64_t step, struct strbuf *told)
{
	static struct messages block;
	struct arena arena;
	arena_init(&arena, 64 * 1024);
	block.arena = &arena;
	int state = RECORD_BATCHES_FULL;
	while (state == RECORD_BATCHES_FULL || state == RECORD_BATCHES_LIMIT) {
		arena_reset(&arena);
		block.count = chunk_rows_max - chunk;
		record_space_chunk(r->space);
		if (r->position >= r->limit)
			r->limit = r->position > INT64_MAX - step ? INT64_MAX : r->position + step;
		int64_t position = r->position, messages = r->messages;
		state = record_batches_fill(r, &block, NULL);
		check(r->position >= position && r->position <= r->limit);
		check(state != RECORD_BATCHES_LIMIT || r->position == r->limit);
		check(state != RECORD_BATCHES_FULL || r->messages > messages ||
			r->position > position);
		twin_tell_messages(&block, chunk_rows_max - chunk, told);
		if (r->messages == messages && step < INT64_MAX / 16)
			step *= 16; /* offsets may be far apart */
	}
	twin_tell_end(r, state, told);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aborted_transaction aborted[255];
	if (size < 2 || size - 2 < 2u * data[1])
		return 0;
	unsigned flags = data[0];
	uint32_t count = data[1];
	for (uint32_t i = 0; i < count; i++)
		aborted[i] = (struct aborted_transaction){
			.producer_id = data[2 + 2 * i], .first_offset = data[3 + 2 * i]};
	data += 2 + 2 * count;
	size -= 2 + 2 * count;
	/* a block of just its size, so that a byte read past it is seen */
	char *bytes = malloc(size + (size == 0));
	check(bytes != NULL);
	memcpy(bytes, data, size);
	if ((flags & flag_as_is) == 0)
		seal_all(bytes, size);
	struct twin_response t = {.bytes = {bytes, size},
		.position = flags >> 4,
		.aborted = aborted,
		.aborted_count = count,
		.headers = (flags & flag_headers) != 0,
		.batch_bytes_max = batch_bytes_max};
	struct strbuf wanted, told;
	strbuf_init(&wanted);
	strbuf_init(&told);
	twin_read(&t, &wanted);
	struct record_space space;
	record_space_init(&space, (flags & flag_small) != 0 ? 1 : 2 * batch_bytes_max);
	space.batch_bytes_max = batch_bytes_max;
	struct record_batches r = {.topic = str_lit("t"),
		.space = &space,
		.headers = t.headers,
		.position = t.position,
		.limit = (flags & flag_small) != 0 ? 0 : INT64_MAX};
	record_batches_begin(&r, t.bytes, aborted, count);
	read_all(&r, (flags & flag_small) != 0 ? 3 : chunk_rows_max, 2, &told);
	check(str_eq(strbuf_str(&told), strbuf_str(&wanted)));
	record_batches_begin(&r, str_lit(""), NULL, 0);
	record_space_release(&space);
	strbuf_release(&wanted);
	strbuf_release(&told);
	free(bytes);
	return 0;
}
