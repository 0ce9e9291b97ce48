// The current rows of the orders topic by hand: the tuned consumer, simdjson On-Demand, a flat hash map from key to
// row: simdjson_merge TOPIC. Prints how many rows are there at the end and the sum of their quantities.
#include "bench_kafka.h"

#include <absl/container/flat_hash_map.h>
#include <simdjson.h>
#include <string>
#include <string_view>

struct row {
	int64_t quantity;
	uint8_t product_len;
	char product[23];
};

static simdjson::ondemand::parser parser;
static std::string padded(1 << 20, '\0');
static absl::flat_hash_map<int64_t, row> rows;

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
	if (op == "delete") {
		rows.erase(id);
		return;
	}
	if (op != "insert" && op != "update")
		bench_die("op", "unknown");
	row &r = rows[id];
	if (product.size() > sizeof(r.product))
		bench_die("product", "too long");
	r.quantity = quantity;
	r.product_len = (uint8_t)product.size();
	memcpy(r.product, product.data(), product.size());
}

int main(int, char **argv)
{
	struct bench_topic topic = {};
	topic.name = argv[1];
	bench_tuned(&topic);
	int64_t sum = 0;
	for (const auto &entry : rows)
		sum += entry.second.quantity;
	printf("total rows %zu %lld\n", rows.size(), (long long)sum);
	bench_done(&topic);
}
