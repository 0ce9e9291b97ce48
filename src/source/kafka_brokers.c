#include "source/kafka_brokers.h"

#include "base/check.h"

enum { port_max = 65535 };

static const char *const schemes[] = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"};

static size_t find(struct str s, const char *text)
{
	struct str wanted = str_c(text);
	for (size_t i = 0; i + wanted.len <= s.len; i++)
		if (str_eq(str_sub(s, i, wanted.len), wanted))
			return i;
	return s.len;
}

static bool is_scheme(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_eq_fold(word, str_c(schemes[i])))
			return true;
	return false;
}

static bool is_port(struct str digits)
{
	int port = 0;
	for (size_t i = 0; i < digits.len && port <= port_max; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9')
			return false;
		port = port * 10 + (digits.data[i] - '0');
	}
	return port > 0 && port <= port_max;
}

/* HOST, HOST:PORT, [ADDRESS]:PORT, each with librdkafka's PROTOCOL:// before it. */
static int check_one(struct str whole, struct error *err)
{
	struct str broker = whole;
	size_t scheme = find(broker, "://");
	if (scheme < broker.len) {
		if (!is_scheme(str_sub(broker, 0, scheme)))
			return error_set(err, CDCL_E_USAGE,
				"broker '" STR_FMT "': '" STR_FMT "' is no protocol of Kafka",
				STR_ARG(whole), STR_ARG(str_sub(broker, 0, scheme)));
		broker = str_sub(broker, scheme + 3, broker.len - scheme - 3);
	}
	size_t colon = find(broker, broker.len > 0 && broker.data[0] == '[' ? "]:" : ":");
	if (colon == broker.len)
		return 0;
	colon += broker.data[colon] == ']';
	size_t next = colon + 1;
	if (find(str_sub(broker, next, broker.len - next), ":") < broker.len - next)
		return 0; /* an address of IPv6 without brackets */
	struct str port = str_sub(broker, colon + 1, broker.len - colon - 1);
	if (colon > 0 && is_port(port))
		return 0;
	return error_set(err, CDCL_E_USAGE, "broker '" STR_FMT "': %s '" STR_FMT "'",
		STR_ARG(whole), colon == 0 ? "no host before" : "there is no port",
		STR_ARG(colon == 0 ? broker : port));
}

int kafka_brokers_check(struct str brokers, struct error *err)
{
	if (brokers.len == 0 || brokers.len >= brokers_bytes_max)
		return error_set(err, CDCL_E_USAGE, "the list of brokers is %s",
			brokers.len == 0 ? "empty" : "too long");
	for (size_t at = 0; at < brokers.len;) {
		struct str rest = str_sub(brokers, at, brokers.len - at);
		size_t len = find(rest, ",");
		if (check_one(str_trim(str_sub(rest, 0, len)), err) < 0) {
			error_help(err, "write HOST:PORT, several as HOST:PORT,HOST:PORT");
			return -(int)err->code;
		}
		at += len + 1;
	}
	return 0;
}
