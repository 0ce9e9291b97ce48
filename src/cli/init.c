/* cdcl init DIR: a first job that runs without Kafka, its sample, and what an editor needs. */

#include "cli/cli.h"

#include "base/arena.h"
#include "base/file.h"
#include "script/embedded.h"

#include <stdlib.h>

static const char job_text[] =
	"#!/usr/bin/env -S cdcl run\n"
	"-- Counts change events and adds up quantities by operation.\n"
	"local cdcl = require \"cdcl\"\n"
	"\n"
	"cdcl.job { name = \"orders\", trigger = \"1 second\" }\n"
	"\n"
	"local events = cdcl.kafka {\n"
	"\ttopic = \"orders_cdc\",\n"
	"\tschema = \"order_id int, product string, quantity int, op string\",\n"
	"}\n"
	"\n"
	"events:group_by \"op\"\n"
	"\t:agg(\"count(*) as event_count\", \"sum(quantity) as total_quantity\")\n"
	"\t:to(cdcl.console { output_mode = \"complete\", truncate = false })\n";

static const char sample_text[] =
	"{\"order_id\":1001,\"product\":\"Laptop\",\"quantity\":2,\"op\":\"insert\"}\n"
	"{\"order_id\":1002,\"product\":\"Mouse\",\"quantity\":1,\"op\":\"insert\"}\n"
	"{\"order_id\":1001,\"product\":\"Laptop\",\"quantity\":3,\"op\":\"update\"}\n"
	"{\"order_id\":1002,\"product\":\"Mouse\",\"quantity\":0,\"op\":\"delete\"}\n";

static const char luarc_text[] = "{\n"
				 "  \"runtime.version\": \"LuaJIT\",\n"
				 "  \"workspace.library\": [\".cdcl\"],\n"
				 "  \"workspace.checkThirdParty\": false\n"
				 "}\n";

enum { init_file_count = 4 };

struct init_file {
	const char *name;
	struct str text;
};

static int write_file(const char *path, struct str text, struct error *err)
{
	int fd = file_open_write(path, false, err);
	if (fd < 0)
		return fd;
	int result = file_write_all(fd, text, path, err);
	file_close(fd);
	return result;
}

/* Nothing is written unless all can be. */
static int write_all(const char *folder, struct arena *arena, struct error *err)
{
	const struct embedded_file *meta = embedded_find("meta.lua");
	const struct init_file files[init_file_count] = {
		{"orders.lua", str_c(job_text)},
		{"orders.jsonl", str_c(sample_text)},
		{".luarc.json", str_c(luarc_text)},
		{".cdcl/cdcl.lua", {meta->data, meta->len}},
	};
	struct str paths[init_file_count];
	for (int i = 0; i < init_file_count; i++) {
		paths[i] = str_printf(arena, "%s/%s", folder, files[i].name);
		if (!file_exists(paths[i].data))
			continue;
		error_set(err, CDCL_E_USAGE, "%s is there already: nothing was written",
			paths[i].data);
		error_help(err, "choose another folder, or move the file away");
		return -(int)CDCL_E_USAGE;
	}
	struct str library = str_printf(arena, "%s/.cdcl", folder);
	int result = file_make_dirs(library.data, err);
	for (int i = 0; i < init_file_count && result >= 0; i++)
		result = write_file(paths[i].data, files[i].text, err);
	return result;
}

static int run_init(const void *options, const struct arguments *arguments)
{
	(void)options;
	if (arguments->count > 1)
		return cli_usage(&command_init, "one folder, please");
	const char *folder = arguments->count == 1 ? arguments->items[0] : ".";
	struct arena arena;
	arena_init(&arena, 4096);
	struct error err;
	error_init(&err);
	int exit_code = 0;
	if (write_all(folder, &arena, &err) < 0) {
		exit_code = cli_fail(&err);
	} else {
		struct str text = str_printf(&arena,
			"wrote %s/orders.lua, orders.jsonl, .luarc.json and .cdcl/cdcl.lua\n"
			"try:  cd %s && cdcl run --input orders.jsonl --available-now orders.lua\n",
			folder, folder);
		exit_code = cli_print(text);
	}
	arena_release(&arena);
	return exit_code;
}

const struct command command_init = {
	.name = "init",
	.summary = "Write a first job, a sample of its input and editor settings into a folder.",
	.usage = "cdcl init [DIR]",
	.examples = "  cdcl init orders            into a new folder\n"
		    "  cdcl init                   into this one\n",
	.details = "A file that is there already is never overwritten: then nothing is written.\n",
	.run = run_init,
};
