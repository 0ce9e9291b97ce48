#include "source/record_space.h"

#include "base/bounds.h"
#include "base/check.h"

#include <stdlib.h>

void record_space_init(struct record_space *s, size_t bytes_max)
{
	*s = (struct record_space){
		.bytes_max = bytes_max, .batch_bytes_max = message_bytes_max, .chunk = 1};
}

static void buffer_free(struct record_space *s, struct record_buffer *b)
{
	free(b->data);
	s->bytes_held -= b->capacity;
	b->data = NULL;
	b->capacity = 0;
	b->used = 0;
	b->open = 0;
	b->generation++;
}

void record_space_release(struct record_space *s)
{
	for (uint32_t i = 0; i < record_space_buffers; i++)
		buffer_free(s, &s->buffers[i]);
	record_codec_release(&s->codec);
	*s = (struct record_space){0};
}

static bool fits(const struct record_buffer *b, size_t bytes)
{
	return b->data != NULL && b->capacity - b->used >= bytes + record_space_padding;
}

/* Nothing of this chunk is in it, and nobody is in the middle of it. */
static bool is_free(const struct record_space *s, const struct record_buffer *b)
{
	return b->data != NULL && b->open == 0 && b->chunk != s->chunk;
}

/* The smallest free buffer that is large enough, emptied. */
static struct record_buffer *reuse(struct record_space *s, size_t bytes)
{
	struct record_buffer *best = NULL;
	for (uint32_t i = 0; i < record_space_buffers; i++) {
		struct record_buffer *b = &s->buffers[i];
		if (is_free(s, b) && b->capacity >= bytes + record_space_padding &&
			(best == NULL || b->capacity < best->capacity))
			best = b;
	}
	if (best != NULL) {
		best->used = 0;
		best->generation++;
	}
	return best;
}

static struct record_buffer *unused_slot(struct record_space *s)
{
	for (uint32_t i = 0; i < record_space_buffers; i++)
		if (s->buffers[i].data == NULL)
			return &s->buffers[i];
	return NULL;
}

/* Whether a buffer of `capacity` may be had; frees others for it, those in use last. */
static struct record_buffer *make_room(struct record_space *s, size_t capacity)
{
	for (int in_use = 0; in_use < 2; in_use++)
		for (uint32_t i = 0; i < record_space_buffers; i++) {
			struct record_buffer *b = &s->buffers[i];
			struct record_buffer *slot = unused_slot(s);
			if (slot != NULL && s->bytes_held + capacity <= s->bytes_max)
				return slot;
			if (is_free(s, b) || (in_use == 1 && b->chunk != s->chunk))
				buffer_free(s, b);
		}
	return s->bytes_held == 0 || s->bytes_held + capacity <= s->bytes_max ? unused_slot(s)
									      : NULL;
}

static struct record_buffer *buffer_for(struct record_space *s, size_t bytes)
{
	struct record_buffer *b = &s->buffers[s->current];
	if (is_free(s, b)) {
		b->used = 0;
		b->generation++;
	}
	if (fits(b, bytes))
		return b;
	b = reuse(s, bytes);
	if (b != NULL)
		return b;
	size_t capacity = bytes + record_space_padding;
	capacity += capacity / 4; /* the next one is often a little larger */
	if (capacity < record_space_buffer_bytes)
		capacity = record_space_buffer_bytes;
	b = make_room(s, capacity);
	if (b == NULL)
		return NULL;
	b->data = malloc(capacity);
	check(b->data != NULL);
	b->capacity = capacity;
	b->generation++;
	s->bytes_held += capacity;
	return b;
}

char *record_space_take(struct record_space *s, size_t bytes, struct record_lease *lease)
{
	check(lease->generation == 0);
	struct record_buffer *b = buffer_for(s, bytes);
	if (b == NULL)
		return NULL;
	s->current = (uint32_t)(b - s->buffers);
	*lease = (struct record_lease){
		.buffer = s->current, .generation = b->generation, .start = b->used};
	b->used += bytes + record_space_padding;
	b->open++;
	b->chunk = s->chunk;
	return b->data + lease->start;
}

void record_space_trim(struct record_space *s, struct record_lease *lease, size_t bytes)
{
	struct record_buffer *b = &s->buffers[lease->buffer];
	check(lease->generation != 0 && lease->generation == b->generation);
	check(bytes <= b->used - lease->start);
	b->used = lease->start + (bytes == 0 ? 0 : bytes + record_space_padding);
	if (bytes > 0)
		return;
	record_space_end(s, lease);
	if (b->used == 0)
		b->chunk = 0; /* no message points into it */
}

bool record_space_use(struct record_space *s, struct record_lease *lease)
{
	struct record_buffer *b = &s->buffers[lease->buffer];
	if (lease->generation == 0 || lease->generation != b->generation)
		return false;
	b->chunk = s->chunk;
	return true;
}

void record_space_end(struct record_space *s, struct record_lease *lease)
{
	struct record_buffer *b = &s->buffers[lease->buffer];
	if (lease->generation != 0 && lease->generation == b->generation) {
		check(b->open > 0);
		b->open--;
	}
	lease->generation = 0;
}
