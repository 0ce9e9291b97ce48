#include "base/listen_address.h"

/* Digits only, at most 65535. */
static bool parse_port(struct str text, uint16_t *out)
{
	uint32_t port = 0;
	if (text.len == 0 || text.len > 5)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		port = port * 10 + (uint32_t)(text.data[i] - '0');
	}
	*out = (uint16_t)port;
	return port <= UINT16_MAX;
}

/* "HOST:PORT", "[HOST]:PORT" or one of the two alone; false: neither. */
static bool split(struct str text, struct str *host, struct str *port)
{
	*host = *port = (struct str){NULL, 0};
	if (text.len > 0 && text.data[0] == '[') {
		const char *end = memchr(text.data, ']', text.len);
		if (end == NULL)
			return false;
		*host = str_sub(text, 1, (size_t)(end - text.data) - 1);
		struct str rest = str_sub(text, host->len + 2, text.len);
		if (rest.len > 0 && rest.data[0] != ':')
			return false;
		*port = str_sub(rest, 1, rest.len);
		return host->len > 0;
	}
	const char *colon = memchr(text.data, ':', text.len);
	if (colon == NULL) {
		*host = text;
		return text.len > 0;
	}
	*host = str_sub(text, 0, (size_t)(colon - text.data));
	*port = str_sub(text, host->len + 1, text.len);
	return host->len > 0 && memchr(port->data, ':', port->len) == NULL;
}

static int fail(struct str text, struct error *err)
{
	error_set(err, CDCL_E_USAGE, "--listen takes [HOST:]PORT, not '" STR_FMT "'",
		STR_ARG(text));
	error_help(err, "--listen 8077, --listen 0.0.0.0:8077, --listen '[::1]:8077'");
	return -(int)CDCL_E_USAGE;
}

int listen_address_parse(struct str text, struct listen_address *out, struct error *err)
{
	struct str host, port;
	*out = (struct listen_address){.host = "127.0.0.1", .port = listen_port_default};
	if (text.len == 0 || parse_port(text, &out->port))
		return 0;
	if (!split(text, &host, &port) || host.len >= sizeof(out->host) ||
		memchr(host.data, 0, host.len) != NULL || !parse_port(port, &out->port))
		return fail(text, err);
	memcpy(out->host, host.data, host.len);
	out->host[host.len] = '\0';
	return 0;
}

/* "127.evil.example" is a name, and leads where its owner wants. */
static bool is_dotted(struct str host)
{
	for (size_t i = 0; i < host.len; i++)
		if (host.data[i] != '.' && (host.data[i] < '0' || host.data[i] > '9'))
			return false;
	return true;
}

bool listen_header_is_local(struct str header)
{
	struct str host, port;
	uint16_t number;
	if (!split(header, &host, &port) || (port.len > 0 && !parse_port(port, &number)))
		return false;
	return str_eq_fold(host, str_lit("localhost")) || str_eq(host, str_lit("::1")) ||
		(str_starts(host, str_lit("127.")) && is_dotted(host));
}

void listen_address_text(const struct listen_address *a, struct strbuf *out)
{
	bool v6 = strchr(a->host, ':') != NULL;
	strbuf_addf(out, "%s%s%s:%u", v6 ? "[" : "", a->host, v6 ? "]" : "", a->port);
}
