#include "cli/demo.h"
#include "cli/script_arguments.h"
#include "cli/show.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/service.h"
#include "data/value.h"
#include "runtime/file_watch.h"
#include "runtime/job.h"
#include "runtime/job_restart.h"
#include "runtime/loop.h"
#include "runtime/monitor.h"
#include "runtime/peek.h"
#include "runtime/running.h"
#include "state/last_words.h"

enum { finite_broker_timeout_s = 30, save_look_us = 1000000 };

struct run_options {
	struct script_arguments script;
	const char *progress;
	const char *show;
	const char *broker_timeout;
	const char *checkpoint;
	const char *listen;
	int64_t batches_max;
	bool once;
	bool available_now;
	bool demo;
	bool watch;
	bool report;
	const char *log_format;
	const char *log_level;
	bool quiet;
	bool verbose;
};

static const struct option_spec run_specs[] = {
	SCRIPT_OPTIONS(struct run_options, script),
	{0, "once", NULL, OPTION_FLAG, offsetof(struct run_options, once),
		"one batch of all that is there, then end"},
	{0, "available-now", NULL, OPTION_FLAG, offsetof(struct run_options, available_now),
		"read what is there at the start, in batches, then end"},
	{0, "max-batches", "N", OPTION_INTEGER, offsetof(struct run_options, batches_max),
		"end after N batches; 0: never (default)"},
	{0, "demo", NULL, OPTION_FLAG, offsetof(struct run_options, demo),
		"a broker in the process, with simulated changes in the script's topics"},
	{0, "watch", NULL, OPTION_FLAG, offsetof(struct run_options, watch),
		"when the script is saved, check it and start it again in place"},
	{0, "progress", "FILE|-", OPTION_TEXT, offsetof(struct run_options, progress),
		"a JSON line for each batch, with Spark's progress names"},
	{0, "report", NULL, OPTION_FLAG, offsetof(struct run_options, report),
		"at the end: what the events were to each table"},
	{0, "show", "TABLE", OPTION_TEXT, offsetof(struct run_options, show),
		"print this table of the job at every batch: merge { name = TABLE }"},
	{0, "checkpoint", "FOLDER", OPTION_TEXT, offsetof(struct run_options, checkpoint),
		"keep state and positions there, and go on from there"},
	{0, "listen", "[[HOST:]PORT]", OPTION_PORT, offsetof(struct run_options, listen),
		"serve /metrics /livez /readyz /api/v1/progress (127.0.0.1:8077)"},
	{0, "broker-timeout", "SECONDS", OPTION_TEXT, offsetof(struct run_options, broker_timeout),
		"give up on an absent broker or topic (finite runs: 30)"},
	{'q', "quiet", NULL, OPTION_FLAG, offsetof(struct run_options, quiet),
		"warnings and errors only"},
	{'v', "verbose", NULL, OPTION_FLAG, offsetof(struct run_options, verbose),
		"also a line for each batch"},
	{0, "log-level", "LEVEL", OPTION_TEXT, offsetof(struct run_options, log_level),
		"error, warn (as -q), info (default), debug (as -v)"},
	{0, "log-format", "FORMAT", OPTION_TEXT, offsetof(struct run_options, log_format),
		"text (default), or json: a JSON object a line on stderr"},
};

/* ---- options to a loaded script ---- */

static int choose_trigger(const struct run_options *o, struct script_options *s, struct error *err)
{
	if (o->once + o->available_now + (o->script.trigger != NULL) > 1)
		return error_set(err, CDCL_E_USAGE,
			"--once, --available-now and --trigger exclude each other");
	if (o->once)
		s->trigger = str_lit("once");
	if (o->available_now)
		s->trigger = str_lit("available_now");
	if (o->checkpoint != NULL && o->checkpoint[0] == '\0')
		return error_set(err, CDCL_E_USAGE, "--checkpoint takes a folder, not ''");
	s->checkpoint = str_c(o->checkpoint);
	return 0;
}

static int choose_level(const struct run_options *o, enum log_level *level, struct error *err)
{
	*level = o->quiet ? LOG_WARN : o->verbose ? LOG_DEBUG : LOG_INFO;
	if (o->quiet + o->verbose + (o->log_level != NULL) > 1)
		return error_set(err, CDCL_E_USAGE, "-q, -v and --log-level exclude each other");
	if (o->log_level == NULL)
		return 0;
	for (enum log_level i = LOG_DEBUG; i < LOG_NONE; i++)
		if (strcmp(o->log_level, log_level_name(i)) == 0) {
			*level = i;
			return 0;
		}
	return error_set(err, CDCL_E_USAGE,
		"--log-level takes error, warn, info or debug, not '%s'", o->log_level);
}

static int choose_log(const struct run_options *o, struct error *err)
{
	enum log_level level;
	if (choose_level(o, &level, err) < 0)
		return -(int)err->code;
	bool json = o->log_format != NULL && strcmp(o->log_format, "json") == 0;
	if (o->log_format != NULL && !json && strcmp(o->log_format, "text") != 0)
		return error_set(err, CDCL_E_USAGE, "--log-format takes text or json, not '%s'",
			o->log_format);
	log_init(&clock_system, level, log_color());
	log_set_format(json ? LOG_JSON : LOG_TEXT);
	return 0;
}

/* --broker-timeout, else `otherwise`. */
static int timeout_ms(
	const struct run_options *o, int64_t otherwise, int64_t *out, struct error *err)
{
	*out = otherwise;
	if (o->broker_timeout == NULL)
		return 0;
	double seconds = 0;
	if (!double_parse(str_c(o->broker_timeout), &seconds) || !(seconds >= 0 && seconds < 1e9))
		return error_set(err, CDCL_E_USAGE, "--broker-timeout takes seconds, not '%s'",
			o->broker_timeout);
	*out = (int64_t)(seconds * 1000);
	return 0;
}

/* Loads and checks; the plan then carries what the command line says about waiting. */
static struct script *load(
	const struct run_options *o, const struct script_options *options, struct error *err)
{
	struct script *s = script_open(options, err);
	if (s == NULL)
		return NULL;
	struct plan *plan = script_plan(s);
	int64_t broker_timeout_ms = 0;
	bool finite = plan->trigger == TRIGGER_ONCE || plan->trigger == TRIGGER_AVAILABLE_NOW ||
		o->batches_max > 0;
	if (timeout_ms(o, finite ? finite_broker_timeout_s * 1000 : 0, &broker_timeout_ms, err) <
			0 ||
		(o->show != NULL && show_table(plan, o->show, err) < 0)) {
		script_close(s);
		return NULL;
	}
	for (uint32_t i = 0; i < plan->node_count; i++)
		if (plan->nodes[i]->kind == PLAN_SOURCE &&
			plan->nodes[i]->source.kind == SOURCE_KAFKA)
			plan->nodes[i]->source.kafka.broker_timeout_ms = broker_timeout_ms;
	for (uint32_t i = 0; i < plan->sink_count; i++)
		plan->sinks[i].config.kafka.broker_timeout_ms = broker_timeout_ms;
	return s;
}

static void tell_start(const struct plan *plan)
{
	if (plan->checkpoint.data != NULL)
		log_info("job", STR_FMT ": started; state is kept in " STR_FMT,
			STR_ARG(plan->job_name), STR_ARG(plan->checkpoint));
	else
		log_info("job",
			STR_FMT
			": started; no checkpoint, so tables live in memory and a new start begins "
			"anew",
			STR_ARG(plan->job_name));
}

/* ---- running, and running again after a save ---- */

/* The new script, checked, when the saved file is good; NULL when it is not: then the old one goes
 * on. */
static struct script *reload(const struct run_options *o, const struct script_options *options)
{
	struct error err;
	error_init(&err);
	struct script *s = load(o, options, &err);
	if (s == NULL) {
		log_print_error(&err);
		log_warn("watch", "%s is not good yet; the job goes on as it was", options->path);
	}
	return s;
}

/* The file that the error stands in ("lib/rules.lua:7"): it may be a module. */
static struct str file_of(const struct error *err)
{
	const char *colon = strrchr(err->place, ':');
	return (struct str){err->place, colon == NULL ? 0 : (size_t)(colon - err->place)};
}

/*
 * Says what is wrong with the script (`why`) and waits until one of the files is saved: true; false
 * when a signal came first. Signals are caught before it says so.
 */
static bool wait_for_save(
	struct file_watch *watch, const char *path, const struct error *why, struct error *err)
{
	struct loop *loop = loop_open(true, err);
	if (loop == NULL)
		return false;
	log_print_error(why);
	log_warn("watch", "%s is not good yet; waiting until it is saved", path);
	struct error unseen; /* what cannot be watched is not */
	error_init(&unseen);
	struct str file = file_of(why);
	if (file.len > 0 && !str_eq(file, str_c(path)))
		file_watch_add(watch, file, &unseen);
	int fd = file_watch_fd(watch);
	bool saved = false;
	while (!saved && (loop_wait(loop, &fd, 1, save_look_us) & LOOP_SIGNAL) == 0) {
		service_beat();
		saved = file_watch_changed(watch);
	}
	loop_close(loop);
	return saved;
}

/* After the error in *err: the next good version; NULL without an error when a signal came. */
static struct script *load_when_saved(struct file_watch *watch, const struct run_options *o,
	const struct script_options *options, struct error *err)
{
	struct script *s = NULL;
	while (s == NULL && err->code != CDCL_OK) {
		struct error why = *err;
		error_init(err);
		if (wait_for_save(watch, options->path, &why, err))
			s = load(o, options, err);
	}
	return s;
}

/*
 * --watch: the job failed while it ran (an expression, a rule, the error budget): the save that
 * mends the script starts it again.
 */
static struct script *load_after_failure(const struct run_options *o,
	const struct script_options *options, const struct job_options *job, struct error *err)
{
	struct error unseen;
	error_init(&unseen);
	struct file_watch *watch = file_watch_open(&unseen);
	for (uint32_t i = 0; watch != NULL && i < job->watch_count; i++)
		file_watch_add(watch, job->watch_paths[i], &unseen);
	struct script *s = watch == NULL ? NULL : load_when_saved(watch, o, options, err);
	file_watch_close(watch);
	return s;
}

/*
 * The first load. With --watch a script that is there but not good yet is waited for, as it would
 * be later; NULL without an error when a signal ended the wait.
 */
static struct script *load_first(
	const struct run_options *o, const struct script_options *options, struct error *err)
{
	if (!o->watch)
		return load(o, options, err);
	struct file_watch *watch = file_watch_open(err); /* before the file is read */
	if (watch == NULL || file_watch_add(watch, str_c(options->path), err) < 0) {
		file_watch_close(watch);
		return NULL;
	}
	struct script *s = load(o, options, err);
	if (s == NULL && err->place[0] != '\0')
		s = load_when_saved(watch, o, options, err);
	file_watch_close(watch);
	return s;
}

/* ---- one job after the other ---- */

struct run {
	struct running running;
	const struct run_options *options;
};

static struct script *load_again(const struct running *r, struct error *err)
{
	return load(container_of(r, const struct run, running)->options, r->script_options, err);
}

static int run_until_changed(struct running *r, const struct run_options *o,
	struct script **fresh, struct error *err)
{
	for (;;) {
		int end = job_run(r->job, err);
		if (end < 0) {
			end = job_restart(&r->restarts, &r->job, script_plan(r->script),
				r->job_options, err);
			if (end == 0)
				continue;
		}
		if (end == JOB_WIDER) {
			end = running_go_wider(r, err);
			if (end == 0)
				continue;
		}
		if (end != JOB_CHANGED)
			return end;
		*fresh = reload(o, r->script_options);
		if (*fresh != NULL)
			return JOB_CHANGED;
	}
}

static void watch_files(struct job_options *o, const struct script *s, struct arena *arena)
{
	uint32_t count = 0;
	while (script_file(s, count).data != NULL)
		count++;
	struct str *paths = ARENA_ARRAY(arena, struct str, count + 1);
	for (uint32_t i = 0; i < count; i++)
		paths[i] = str_dup(script_file(s, i), arena);
	o->watch_paths = paths;
	o->watch_count = count;
}

/* --watch: a save may help a job that ran, or one that came after it; a first start ends. */
static bool may_be_mended(
	const struct run_options *o, const struct job_options *job, const struct error *err)
{
	return o->watch && job->restarted && err->code != CDCL_E_CLOSED && !cli_stdout_closed();
}

static int run_script(const struct run_options *o, const struct script_options *options,
	struct demo *demo, struct monitor *monitor, struct arena *arena, struct error *err)
{
	struct job_options job_options = {
		.batches_max = o->batches_max,
		.progress_path = o->progress,
		.report = o->report,
		.quiet = log_level() > LOG_INFO,
		.catch_signals = true,
		.stop_on_closed_stdout = true,
		.clock = options->clock,
		.monitor = monitor,
	};
	struct script *fresh = load_first(o, options, err);
	int end = fresh == NULL ? -(int)err->code : JOB_CHANGED;
	struct run run = {.options = o,
		.running = {.restarts.arena = arena,
			.script_options = options,
			.job_options = &job_options,
			.load = load_again}};
	struct running *r = &run.running;
	while (end == JOB_CHANGED) {
		r->script = fresh;
		fresh = NULL;
		job_options.before = (struct job_sums){.batches = 0};
		if (o->watch)
			watch_files(&job_options, r->script, arena);
		loop_catch_signals();
		last_words_catch_crashes();
		if (demo == NULL || demo_feed(demo, script_plan(r->script), err) == 0)
			r->job = job_open(script_plan(r->script), &job_options, err);
		end = -(int)err->code;
		if (r->job != NULL) {
			if (!job_options.restarted)
				tell_start(script_plan(r->script));
			end = run_until_changed(r, o, &fresh, err);
			if (r->job != NULL && (end == JOB_CHANGED || o->watch))
				job_keep_resolved(r->job, arena, &job_options);
		}
		if (end < 0 && may_be_mended(o, &job_options, err)) {
			monitor_set_phase(monitor, MONITOR_WAITING);
			job_close(r->job);
			r->job = NULL;
			fresh = load_after_failure(o, options, &job_options, err);
			end = fresh != NULL ? JOB_CHANGED : -(int)err->code;
		}
		running_close(r);
		if (end == JOB_CHANGED) {
			monitor_set_phase(monitor, MONITOR_STARTING);
			log_info("watch", "%s was saved: started again", options->path);
		}
	}
	running_close(r);
	return end;
}

/* What outlives the job's restarts. */
static int run_in_surroundings(const struct run_options *o, struct script_options *options,
	struct monitor *monitor, struct error *err)
{
	struct demo *demo = NULL;
	int64_t peek_ms = 0;
	int64_t otherwise = o->batches_max > 0 ? finite_broker_timeout_s * 1000 : -1;
	if (timeout_ms(o, otherwise, &peek_ms, err) < 0)
		return -(int)err->code;
	if (o->demo) {
		demo = demo_open(err);
		if (demo == NULL)
			return -(int)err->code;
		options->brokers = demo_brokers(demo);
	}
	struct peek *peek = peek_open(options->clock, peek_ms);
	options->peek = o->demo ? demo_peek(demo) : peek_seam(peek);
	struct arena arena;
	arena_init(&arena, 4096);
	int end = run_script(o, options, demo, monitor, &arena, err);
	arena_release(&arena);
	peek_close(peek);
	demo_close(demo);
	return end;
}

static int run_command(const void *options, const struct arguments *arguments)
{
	const struct run_options *o = options;
	static struct script_settings settings;
	struct script_options script_options;
	struct error err;
	error_init(&err);
	if (choose_log(o, &err) < 0)
		return cli_fail(&err);
	const char *path = script_argument(&command_run, arguments, &err);
	if (path == NULL ||
		script_arguments_apply(&o->script, path, &settings, &script_options, &err) < 0 ||
		script_arguments_workers(&script_options, &err) < 0 ||
		choose_trigger(o, &script_options, &err) < 0)
		return cli_fail(&err);
	if (o->demo && (o->script.brokers != NULL || o->script.input != NULL))
		return cli_usage(&command_run,
			"--demo brings its own broker and messages: not with "
			"--brokers or --input");
	if (o->watch && strcmp(path, "-") == 0)
		return cli_usage(&command_run, "--watch needs a file, not standard input");
	struct monitor *monitor = NULL;
	if (monitor_open(o->listen, script_options.clock, &monitor, &err) < 0)
		return cli_fail(&err);
	int end = run_in_surroundings(o, &script_options, monitor, &err);
	monitor_close(monitor);
	log_tell_hidden(true);
	if (end >= 0)
		return 0;
	/* The reader of our output had enough (`| head`): the end of the work, and no failure. */
	if (err.code == CDCL_E_CLOSED || (err.code == CDCL_E_DISK && cli_stdout_closed()))
		return 0;
	return cli_fail(&err);
}

const struct command command_run = {
	.name = "run",
	.summary = "Run a job: a Lua script that says what to read, compute and write.",
	.usage = "cdcl run [OPTIONS] SCRIPT.lua",
	.examples =
		"  cdcl run orders.lua                              until stopped (Ctrl-C drains)\n"
		"  cdcl run --demo --watch orders.lua               no Kafka, a new start at each "
		"save\n"
		"  cdcl run --input orders.jsonl orders.lua         a file in place of Kafka; - is "
		"stdin\n"
		"  cdcl run --from earliest --once orders.lua       what is there now, then end\n",
	.details =
		"Results go to stdout, everything else to stderr. SIGTERM, SIGINT, SIGHUP finish\n"
		"the batch, flush, commit and exit 0; a second one exits 130 at once. When the\n"
		"reader of stdout goes away (cdcl run ... | head) the job ends quietly with 0.\n"
		"--watch: after a mistake, or when the job fails, the next save starts it again.\n",
	.options = run_specs,
	.option_count = sizeof(run_specs) / sizeof(run_specs[0]),
	.options_bytes = sizeof(struct run_options),
	.run = run_command,
};
