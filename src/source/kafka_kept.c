#include "source/kafka_kept.h"

#include "base/check.h"

#include <string.h>

enum { block_bytes = 256 * 1024 };

void kafka_kept_init(struct kafka_kept *k)
{
	*k = (struct kafka_kept){.first = NULL};
	arena_init(&k->arena, block_bytes);
}

void kafka_kept_release(struct kafka_kept *k)
{
	arena_release(&k->arena);
}

void kafka_kept_clear(struct kafka_kept *k)
{
	arena_reset(&k->arena);
	k->first = NULL;
	k->last = NULL;
	k->count = 0;
	k->bytes = 0;
	k->lost = false;
}

static size_t bytes_of(const struct kafka_letter *l)
{
	size_t bytes = sizeof(struct kafka_kept_letter) + l->key.len + l->value.len + l->topic.len;
	for (uint32_t i = 0; i < l->header_count; i++)
		bytes += sizeof(*l->headers) + l->headers[i].name.len + l->headers[i].value.len;
	return bytes;
}

/* Absent stays absent, and empty empty. */
static struct str copy(struct str s, struct arena *arena)
{
	if (s.data == NULL || s.len == 0)
		return s.data == NULL ? s : str_lit("");
	char *bytes = arena_alloc(arena, s.len, 1);
	memcpy(bytes, s.data, s.len);
	return (struct str){bytes, s.len};
}

bool kafka_kept_fits(const struct kafka_kept *k, const struct kafka_letter *l)
{
	return !k->lost && k->bytes + bytes_of(l) <= kafka_kept_bytes_max;
}

void kafka_kept_lose(struct kafka_kept *k)
{
	kafka_kept_clear(k);
	k->lost = true;
}

void kafka_kept_add(struct kafka_kept *k, struct kafka_producer *to, const struct kafka_letter *l)
{
	check(kafka_kept_fits(k, l));
	struct kafka_kept_letter *kept = ARENA_NEW(&k->arena, struct kafka_kept_letter);
	kept->to = to;
	kept->letter = *l;
	kept->letter.topic = copy(l->topic, &k->arena);
	kept->letter.key = copy(l->key, &k->arena);
	kept->letter.value = copy(l->value, &k->arena);
	struct message_header *headers =
		ARENA_ARRAY(&k->arena, struct message_header, l->header_count);
	for (uint32_t i = 0; i < l->header_count; i++) {
		headers[i].name = copy(l->headers[i].name, &k->arena);
		headers[i].value = copy(l->headers[i].value, &k->arena);
	}
	kept->letter.headers = headers;
	if (k->last == NULL)
		k->first = kept;
	else
		k->last->next = kept;
	k->last = kept;
	k->count++;
	k->bytes += bytes_of(l);
}
