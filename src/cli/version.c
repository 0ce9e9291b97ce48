#include "cli/cli.h"
#include "cli/malloc_transfer.h"

#include "runtime/http_server.h"
#include "runtime/loop.h"
#include "script/luajit_version.h"
#include "source/kafka_version.h"

#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

/* tcmalloc's, when it is linked. */
extern const char *tc_version(int *major, int *minor, const char **patch) __attribute__((weak));

const char *cli_allocator(void)
{
	return tc_version == NULL ? NULL : tc_version(NULL, NULL, NULL);
}

static int run_version(const void *options, const struct arguments *arguments)
{
	(void)options;
	(void)arguments;
	struct strbuf out;
	strbuf_init(&out);
	int major = 0;
	int minor = 0;
	loop_version(&major, &minor);
	unsigned xxhash = XXH_versionNumber();
	strbuf_addf(&out, "cdcl %s\n", CDCL_VERSION);
	strbuf_addf(&out,
		"  librdkafka %s\n  %s\n  libev %d.%d\n  zlib %s\n  zstd %s\n  xxhash %u.%u.%u\n"
		"  libmicrohttpd %s\n",
		kafka_version(), luajit_version(), major, minor, zlibVersion(),
		ZSTD_versionString(), xxhash / 10000, xxhash / 100 % 100, xxhash % 100,
		http_server_version());
	if (cli_allocator() != NULL)
		strbuf_addf(&out, "  allocator: %s%s\n", cli_allocator(),
			malloc_transfer_was_asked() ? ", tuned for librdkafka" : "");
	else
		strbuf_add_c(&out,
			"  allocator: libc (libgoogle-perftools-dev makes reading Kafka twice as "
			"fast)\n");
	int exit_code = cli_print(strbuf_str(&out));
	strbuf_release(&out);
	return exit_code;
}

const struct command command_version = {
	.name = "version",
	.summary = "Print the versions of cdcl and of the libraries it runs on.",
	.usage = "cdcl version",
	.examples = "  cdcl version\n  cdcl --version\n",
	.run = run_version,
};
