#include "script/script.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/file.h"
#include "script/bind.h"
#include "script/leaf.h"
#include "script/rehearse.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

enum { read_bytes = 64 * 1024 };

static int read_stdin(struct strbuf *out, struct error *err)
{
	for (;;) {
		strbuf_reserve(out, read_bytes);
		ssize_t n = file_read(STDIN_FILENO, out->data + out->len, read_bytes);
		if (n < 0)
			return error_set(err, CDCL_E_SCRIPT, "cannot read the script from stdin");
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len > script_bytes_max)
			return error_set(err, CDCL_E_SCRIPT, "the script is larger than %d MB",
				script_bytes_max >> 20);
	}
}

/* "scripts/orders.lua" -> "orders" */
static struct str job_name_of(struct str path, struct arena *arena)
{
	size_t start = path.len;
	while (start > 0 && path.data[start - 1] != '/')
		start--;
	struct str name = str_sub(path, start, path.len);
	if (name.len > 4 && memcmp(name.data + name.len - 4, ".lua", 4) == 0)
		name.len -= 4;
	return str_dup(name, arena);
}

static int read_text(
	struct script *s, const char *path, bool is_stdin, struct str *out, struct error *err)
{
	struct strbuf text;
	strbuf_init(&text);
	int result = is_stdin ? read_stdin(&text, err)
			      : file_read_all(path, script_bytes_max, &text, err);
	*out = text.len == 0 ? str_lit("") : str_dup(strbuf_str(&text), &s->arena);
	strbuf_release(&text);
	if (result < 0)
		err->code = CDCL_E_SCRIPT;
	return result;
}

/* Names of the script, its folder and its text; `twin`: the text was read already. */
static int read_script(
	struct script *s, const char *path, const struct script *twin, struct error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct str text;
	if (twin != NULL)
		text = twin->files[0].text;
	else if (read_text(s, path, is_stdin, &text, err) < 0)
		return -(int)CDCL_E_SCRIPT;
	s->display = is_stdin ? str_lit("stdin") : str_dup(str_c(path), &s->arena);
	s->files[0] = (struct script_file){s->display, text};
	s->file_count = 1;
	size_t folder = is_stdin ? 0 : s->display.len;
	while (folder > 0 && s->display.data[folder - 1] != '/')
		folder--;
	s->folder = str_dup(str_sub(s->display, 0, folder), &s->arena);
	s->plan->job_name = job_name_of(s->display, s->plan->arena);
	return 0;
}

/* The table that lib-lua knows as `core`. */
static int open_core(lua_State *L)
{
	lua_newtable(L);
	bind_core_open(L);
	bind_job_open(L);
	bind_source_open(L);
	bind_stream_open(L);
	bind_merge_open(L);
	bind_sink_open(L);
	bind_sandbox_open(L);
	bind_caught_open(L);
	bind_leaf_open(L);
	return 1;
}

/* Name, text and line of err->place; false when that is no line of the script's files. */
static bool script_place(const struct script *s, const struct error *err, struct script_file *file,
	int *line)
{
	const char *colon = strrchr(err->place, ':');
	if (colon == NULL)
		return false;
	struct str name = {err->place, (size_t)(colon - err->place)};
	for (uint32_t i = 0; i < s->file_count; i++) {
		if (!str_eq(s->files[i].name, name))
			continue;
		*file = s->files[i];
		*line = atoi(colon + 1);
		return *line > 0;
	}
	return false;
}

/* A mistake that only Lua noticed (calling nil, indexing a number): show the line it happened on.
 */
static void show_line(const struct script *s, struct str word, struct error *err)
{
	struct script_file file;
	int line;
	if (err->source_line[0] != '\0' || !script_place(s, err, &file, &line))
		return;
	place_show(err, file.text, line, 0, 0);
	int column = 0;
	if (word.len > 0 && place_find(file.text, &line, PLACE_WORD, word, &column))
		place_show(err, file.text, line, column, (int)word.len);
}

/* A mistake that the whole plan showed: a caret under the option, else under the step. */
static void show_step(const struct script *s, struct str quoted, struct error *err)
{
	struct script_file file;
	int line;
	if (err->source_line[0] != '\0' || !script_place(s, err, &file, &line))
		return;
	bool is_pattern = strncmp(err->text, "topic_pattern", strlen("topic_pattern")) == 0;
	const struct {
		enum place_kind kind;
		struct str word;
	} wanted[] = {
		{PLACE_WORD, is_pattern ? str_lit("topic_pattern") : str_lit("output_mode")},
		{PLACE_TEXT, is_pattern ? str_lit("topic_pattern") : quoted},
		{PLACE_WORD, str_lit("to")},
	};
	place_show(err, file.text, line, 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		int column = 0;
		int at = line;
		if (!place_find(file.text, &at, wanted[i].kind, wanted[i].word, &column))
			continue;
		place_show(err, file.text, at, column, (int)wanted[i].word.len);
		snprintf(err->place, sizeof(err->place), STR_FMT ":%d", STR_ARG(file.name), at);
		return;
	}
}

/* The name in LuaJIT's "attempt to call field 'foo' (a nil value)". */
static struct str quoted_word(const struct error *err)
{
	const char *word = strchr(err->text, '\'');
	const char *end = word == NULL ? NULL : strchr(word + 1, '\'');
	return end == NULL ? (struct str){NULL, 0}
			   : (struct str){word + 1, (size_t)(end - word - 1)};
}

/* os is there without what reaches outside, so a name that is not is only nil. */
static void help_os(struct str name, struct error *err)
{
	static const char *const names[] = {
		"execute", "exit", "getenv", "remove", "rename", "setlocale", "tmpname"};
	if (err->help[0] != '\0' || strstr(err->source_line, "os.") == NULL)
		return;
	if (str_eq(name, str_lit("getenv")))
		error_help(err, "write cdcl.env(\"NAME\", \"default\")");
	for (size_t i = 0; i < ARRAY_LEN(names) && err->help[0] == '\0'; i++)
		if (str_eq(name, str_c(names[i])))
			error_help(err, "os.%s is out of reach: run with --allow os", names[i]);
}

static int run_script(struct script *s, struct error *err)
{
	struct vm *v = &s->vm;
	static const struct watch starting = {.what = "the library", .place = {"cdcl", 4}};
	struct watch *loading = ARENA_NEW(&s->arena, struct watch);
	*loading = (struct watch){.what = "the script", .place = s->display};
	lua_pushcfunction(v->L, open_core);
	int result = vm_call(v, 0, 1, &starting, err);
	if (result < 0)
		return result;
	result = vm_library(v, "main.lua", err);
	if (result < 0)
		return result;
	lua_insert(v->L, -2);
	result = vm_call(v, 1, 0, loading, err);
	if (result >= 0)
		return 0;
	if (v->trap_is_script_error)
		*err = s->error;
	show_line(s, quoted_word(err), err);
	help_os(quoted_word(err), err);
	if (err->code == CDCL_E_LUA)
		err->code = CDCL_E_SCRIPT;
	if (err->place[0] == '\0')
		error_at(err, STR_FMT, STR_ARG(s->display));
	return -(int)err->code;
}

/* Whoever has the same computes the same. */
static uint64_t hash_script(const struct script *s)
{
	uint64_t hash = 0;
	for (uint32_t i = 0; i < s->file_count; i++) {
		const struct str text = s->files[i].text;
		hash = XXH3_64bits_withSeed(text.data, text.len, hash);
	}
	for (uint32_t i = 0; i < s->options.variable_count; i++) {
		const struct setting *v = &s->options.variables[i];
		hash = XXH3_64bits_withSeed(v->name.data, v->name.len, hash);
		hash = XXH3_64bits_withSeed(v->value.data, v->value.len, hash);
	}
	return hash;
}

/* What the command line says about the whole job, and what follows from the job's name. */
static int finish_plan(struct script *s, struct error *err)
{
	struct plan *p = s->plan;
	p->script_hash = hash_script(s);
	if (s->options.trigger.data != NULL && bind_trigger(s->options.trigger, p, err) < 0) {
		err->code = CDCL_E_USAGE;
		error_at(err, "--trigger");
		return -(int)CDCL_E_USAGE;
	}
	if (s->options.checkpoint.data != NULL)
		p->checkpoint = s->options.checkpoint;
	p->workers = s->options.workers;
	for (uint32_t i = 0; i < p->node_count; i++) {
		if (p->nodes[i]->kind == PLAN_SOURCE && p->nodes[i]->source.kind == SOURCE_KAFKA)
			p->nodes[i]->source.kafka.group = p->job_name;
	}
	int result = plan_check(p, err);
	if (result >= 0)
		return result;
	if (strcmp(err->place, "-X") == 0)
		err->code = CDCL_E_USAGE;
	struct error message = *err; /* the words that are looked for stand in its text */
	show_step(s, quoted_word(&message), err);
	return -(int)err->code;
}

static void be_careful(struct plan_script *seam, bool on)
{
	struct script *s = container_of(seam, struct script, seam);
	if (!s->options.jit)
		return; /* it always is */
	vm_set_jit(&s->vm, !on);
	watchdog_set_action(s->dog, on ? WATCHDOG_HOOK_THEN_END : WATCHDOG_END);
}

static void words_to(struct plan_script *seam, int fd)
{
	watchdog_words_to(container_of(seam, struct script, seam)->dog, fd);
}

static int forked(struct plan_script *seam, struct error *err)
{
	return watchdog_forked(container_of(seam, struct script, seam)->dog, err);
}

static struct script *open_script(
	const struct script_options *options, const struct script *twin, struct error *err)
{
	struct script *s = calloc(1, sizeof(*s));
	check(s != NULL);
	s->options = *options;
	if (s->options.clock == NULL)
		s->options.clock = &clock_system;
	s->rehearsal = twin != NULL;
	s->generation = 1;
	arena_init(&s->arena, 64 * 1024);
	arena_init(&s->scratch, 64 * 1024);
	error_init(&s->error);
	s->plan = plan_open();
	s->seam = (struct plan_script){
		.careful = be_careful, .words_to = words_to, .forked = forked};
	s->plan->script = &s->seam;
	if (read_script(s, options->path, twin, err) < 0)
		goto fail;
	/* A rehearsal never ends the process: what does not come back is left to the real run. */
	enum watchdog_action action = options->jit ? WATCHDOG_END : WATCHDOG_HOOK_THEN_END;
	if (twin != NULL && !options->jit)
		action = WATCHDOG_HOOK;
	s->dog = watchdog_open(s->display.data, options->call_ms_max, action, err);
	if (s->dog == NULL || vm_open(&s->vm, s->dog, options->jit, err) < 0)
		goto fail;
	if (run_script(s, err) < 0 || finish_plan(s, err) < 0)
		goto fail;
	if (twin == NULL && rehearse_names(s, err) < 0)
		goto fail;
	return s;
fail:
	script_close(s);
	return NULL;
}

struct script *script_open(const struct script_options *options, struct error *err)
{
	return open_script(options, NULL, err);
}

struct script *script_rehearsal(
	const struct script *s, bool jit, int64_t call_ms_max, struct error *err)
{
	struct script_options options = s->options;
	options.jit = jit;
	options.call_ms_max = call_ms_max;
	return open_script(&options, s, err);
}

void script_close(struct script *s)
{
	if (s == NULL)
		return;
	watchdog_close(s->dog);
	vm_close(&s->vm);
	plan_close(s->plan);
	arena_release(&s->arena);
	arena_release(&s->scratch);
	free(s);
}

struct plan *script_plan(struct script *s)
{
	return s->plan;
}

size_t script_memory_bytes(const struct script *s)
{
	return s->vm.bytes;
}

struct str script_file(const struct script *s, uint32_t index)
{
	return index < s->file_count ? s->files[index].name : (struct str){NULL, 0};
}
