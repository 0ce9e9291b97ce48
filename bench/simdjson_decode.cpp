// simdjson On-Demand over the messages of bench_message.h, into columns, as core_json.c does it:
// bench_simdjson_decode [SHAPE [MESSAGES [ROUNDS]]], shapes orders, miss, flat and change. Prints the median round.
#include "bench_message.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <vector>

using namespace simdjson;

struct columns {
	int64_t number[4];
	std::string_view text[2];
};

static ondemand::parser parser;

template <class object> static bool read_order(object &&o, columns &c)
{
	return o["order_id"].get(c.number[0]) || o["product"].get(c.text[0]) || o["quantity"].get(c.number[1])
		|| o["op"].get(c.text[1]);
}

template <class object> static bool read_flat(object &&o, columns &c)
{
	int64_t at, price;
	return o["id"].get(c.number[0]) || o["customer"].get(c.number[1]) || o["product"].get(c.text[0])
		|| o["quantity"].get(c.number[2]) || o["price"].get(price) || o["at"].get(at) || o["op"].get(c.text[1]);
}

// What a merge needs of an envelope: the row behind, the position, the operation and its time.
static bool read_change(ondemand::document &d, columns &c)
{
	ondemand::object after, source;
	int64_t position, time;
	return d["after"].get(after) || after["id"].get(c.number[0]) || after["product"].get(c.text[0])
		|| after["quantity"].get(c.number[1]) || after["price"].get(c.number[2]) || d["source"].get(source)
		|| source["ts_ms"].get(time) || source["pos"].get(position) || d["op"].get(c.text[1])
		|| d["ts_ms"].get(c.number[3]);
}

static bool read(const char *shape, ondemand::document &d, columns &c)
{
	if (strcmp(shape, "change") == 0)
		return read_change(d, c);
	return strcmp(shape, "flat") == 0 ? read_flat(d, c) : read_order(d, c);
}

static double decode_all(const char *shape, const std::vector<std::pair<size_t, size_t>> &messages,
	const std::string &text, std::vector<columns> &out)
{
	clock_t began = clock(); // CPU time, as in core_json.c
	size_t row = 0;
	for (auto [at, len] : messages) {
		ondemand::document document;
		if (parser.iterate(text.data() + at, len, text.size() - at).get(document)
			|| read(shape, document, out[row++ & 1023])) {
			fprintf(stderr, "a message could not be read\n");
			exit(1);
		}
	}
	return (double)(clock() - began) / CLOCKS_PER_SEC;
}

int main(int argc, char **argv)
{
	const char *shape = argc > 1 ? argv[1] : "orders";
	unsigned count = argc > 2 ? (unsigned)atoi(argv[2]) : 200000;
	int rounds = argc > 3 ? atoi(argv[3]) : 9;
	const struct shape *s = nullptr;
	for (int i = 0; i < shape_count; i++)
		if (strcmp(shapes[i].name, shape) == 0)
			s = &shapes[i];
	if (s == nullptr || count == 0 || rounds < 1)
		return 2;
	std::string text;
	std::vector<std::pair<size_t, size_t>> messages;
	char message[message_room];
	for (unsigned i = 0; i < count; i++) {
		int len = s->write(message, sizeof(message), i);
		messages.emplace_back(text.size(), (size_t)len);
		text.append(message, (size_t)len);
	}
	size_t bytes = text.size();
	text.append(SIMDJSON_PADDING, '\0');
	std::vector<columns> out(1024);
	std::vector<double> seconds;
	for (int i = 0; i < rounds; i++)
		seconds.push_back(decode_all(shape, messages, text, out));
	std::sort(seconds.begin(), seconds.end());
	printf("%-8s %u messages of %.0f bytes: %.1f ns\n", shape, count, (double)bytes / count,
		seconds[(size_t)rounds / 2] * 1e9 / count);
	return 0;
}
