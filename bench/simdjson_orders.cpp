// The orders job by hand: the tuned consumer, simdjson On-Demand, count and sum by op: simdjson_orders TOPIC.
#include "bench_kafka.h"

#include <simdjson.h>
#include <string>
#include <string_view>

struct group {
	char op[24];
	size_t op_len;
	uint64_t count;
	int64_t sum;
};

static simdjson::ondemand::parser parser;
static std::string padded(1 << 20, '\0');
static group groups[64];

static group *group_of(std::string_view op)
{
	uint32_t hash = op.empty() ? 0 : (uint8_t)op[0] * 31u + (uint32_t)op.size();
	for (uint32_t i = hash & 63;; i = (i + 1) & 63) {
		group *g = &groups[i];
		if (g->op_len == op.size() && memcmp(g->op, op.data(), op.size()) == 0)
			return g;
		if (g->op_len == 0) {
			if (op.empty() || op.size() >= sizeof(g->op))
				bench_die("op", "empty or too long");
			memcpy(g->op, op.data(), op.size());
			g->op_len = op.size();
			return g;
		}
	}
}

static void on_message(const rd_kafka_message_t *m)
{
	memcpy(&padded[0], m->payload, m->len);
	memset(&padded[m->len], 0, simdjson::SIMDJSON_PADDING);
	simdjson::ondemand::document document;
	int64_t id, quantity;
	std::string_view product, op;
	if (parser.iterate(padded.data(), m->len, padded.size()).get(document)
		|| document["order_id"].get(id) || document["product"].get(product)
		|| document["quantity"].get(quantity) || document["op"].get(op))
		bench_die("message", "not an order");
	group *g = group_of(op);
	g->count++;
	g->sum += quantity;
}

int main(int, char **argv)
{
	struct bench_topic topic = {};
	topic.name = argv[1];
	bench_tuned(&topic);
	for (const group &g : groups)
		if (g.op_len > 0)
			printf("total %.*s %llu %lld\n", (int)g.op_len, g.op, (unsigned long long)g.count,
				(long long)g.sum);
	bench_done(&topic);
}
