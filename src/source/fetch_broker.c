#include "source/fetch_broker.h"

#include "base/check.h"

#include <stdlib.h>

struct fetch_broker *fetch_broker_open(int32_t id, const struct fetch_settings *settings,
	const struct clock *clock, int epoll_fd)
{
	struct fetch_broker *b = calloc(1, sizeof(*b));
	check(b != NULL);
	b->id = id;
	fetch_connection_init(&b->connection, clock, str_c(settings->client), epoll_fd,
		settings->timeout_ms);
	return b;
}

void fetch_broker_close(struct fetch_broker *b)
{
	fetch_connection_release(&b->connection);
	for (int i = 0; i < broker_blocks; i++)
		fetch_block_release(&b->blocks[i]);
	fetch_buffer_release(&b->small);
	free(b);
}

static bool is_free(const struct fetch_block *block, uint64_t chunk)
{
	return block->parts == 0 && block->chunk != chunk;
}

bool fetch_broker_idle(const struct fetch_broker *b, uint64_t chunk)
{
	for (int i = 0; i < broker_blocks; i++)
		if (!is_free(&b->blocks[i], chunk))
			return false;
	return true;
}

struct fetch_block *fetch_broker_block(struct fetch_broker *b, uint64_t chunk)
{
	for (int i = 0; i < broker_blocks; i++) {
		if (is_free(&b->blocks[i], chunk))
			return &b->blocks[i];
	}
	return NULL;
}
