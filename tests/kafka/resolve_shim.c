/*
 * Preloaded before cdcl: the name that RESOLVE_NAME says has the addresses of RESOLVE_TO,
 * separated by commas, in this order.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

typedef int (*resolver)(
	const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
	struct addrinfo **out)
{
	resolver real = NULL;
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	const char *name = getenv("RESOLVE_NAME");
	if (node == NULL || name == NULL || strcmp(node, name) != 0)
		return real(node, service, hints, out);
	char addresses[256];
	strncpy(addresses, getenv("RESOLVE_TO"), sizeof(addresses) - 1);
	addresses[sizeof(addresses) - 1] = 0;
	*out = NULL;
	struct addrinfo **end = out;
	char *rest = addresses;
	for (char *one; (one = strsep(&rest, ",")) != NULL;) {
		int code = real(one, service, hints, end);
		if (code != 0)
			return code;
		while (*end != NULL)
			end = &(*end)->ai_next;
	}
	return 0;
}
