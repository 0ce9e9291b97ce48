#include "script/watchdog.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/log_line.h"
#include "data/chunk.h"
#include "state/last_words.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { watchdog_ticks = 8, watchdog_depth_max = 8 };

struct watchdog {
	char script[512];
	_Atomic int64_t call_ms_max;
	_Atomic int action; /* enum watchdog_action */
	_Atomic int words_fd;
	int wake[2]; /* a byte ends the thread */
	pthread_t thread;
	struct clock_cpu engine; /* the thread that calls Lua */
	_Atomic uint64_t seq; /* moves at every enter and leave */
	_Atomic(const struct watch *) watch; /* NULL: Lua is not running */
	_Atomic bool overdue;
	/* engine thread only: a call inside a call (require while the script loads) */
	const struct watch *outer[watchdog_depth_max];
	unsigned depth;
};

/* The call as the watchdog's thread saw it, since when it is the same one. */
struct sight {
	const struct watch *watch; /* NULL: no call */
	uint64_t seq;
	uint32_t row;
	unsigned ticks;
	int64_t cpu_us; /* of the engine's thread at the first of them */
};

static uint32_t current_row(const struct watch *watch)
{
	if (watch->row == NULL)
		return 0;
	return __atomic_load_n(watch->row, __ATOMIC_RELAXED);
}

static struct watch_part current_part(const struct watch *watch)
{
	return watch->parts == NULL
		? (struct watch_part){watch->what, watch->place}
		: watch->parts[__atomic_load_n(watch->part, __ATOMIC_RELAXED)];
}

/* The message that the running row came from; false: from none. */
static bool current_message(const struct watch *watch, uint32_t *message)
{
	const struct chunk *c = watch->chunk;
	uint32_t row = current_row(watch);
	if (c == NULL || c->messages == NULL || row >= c->row_count)
		return false;
	*message = chunk_message(c, row);
	return true;
}

static void describe(
	const struct watchdog *w, const struct watch *watch, bool waits, struct error *err)
{
	struct watch_part part = current_part(watch);
	int64_t ms = w->call_ms_max;
	error_init(err);
	error_set(err, CDCL_E_LUA, "%s %s longer than %lld ms in one call: %s", part.what,
		waits ? "waited" : "ran", (long long)(waits ? ms * call_waits_max : ms),
		waits ? "for what never comes?" : "a loop without an end?");
	error_at(err, STR_FMT, STR_ARG(part.place));
	if (w->words_fd >= 0)
		error_help(err,
			"the next start runs this batch so that it finds the line; the process "
			"ends now, exit 1");
	else
		error_help(err,
			"run %s with --no-jit to see the line; the process ends now, exit 1",
			w->script);
}

/* "in.jsonl/0@7"; empty: of no record. */
static void describe_record(const struct watch *watch, char *out, size_t bytes)
{
	uint32_t m;
	*out = '\0';
	if (!current_message(watch, &m))
		return;
	const struct messages *from = watch->chunk->messages;
	snprintf(out, bytes, STR_FMT "/%d@%lld", STR_ARG(from->topic[m]), from->partition[m],
		(long long)from->offset[m]);
}

static void leave_word(const struct watchdog *w, const struct watch *watch)
{
	static struct last_words words;
	struct watch_part part = current_part(watch);
	words.kind = DEATH_WATCHDOG;
	snprintf(words.what, sizeof(words.what), "%s", part.what);
	snprintf(words.place, sizeof(words.place), STR_FMT, STR_ARG(part.place));
	uint32_t m;
	if (current_message(watch, &m))
		record_place_set(&words.record, watch->chunk->messages->topic[m],
			watch->chunk->messages->partition[m], watch->chunk->messages->offset[m]);
	last_words_write(w->words_fd, WORDS_DEATH, &words);
}

/* Not by log_print_error: the thread that is stuck may be so in the log, and hold its lock. */
static void end_process(const struct watchdog *w, const struct watch *watch, bool waits)
{
	static struct error err;
	char record[512];
	struct strbuf out;
	leave_word(w, watch);
	describe(w, watch, waits, &err);
	describe_record(watch, record, sizeof(record));
	const char *at = *record == '\0' ? "" : "  at record ";
	strbuf_init(&out);
	if (log_format() == LOG_JSON) {
		size_t len = strlen(err.text);
		snprintf(err.text + len, sizeof(err.text) - len, "%s%s", at, record);
		log_error_json(&err, clock_wall_us(&clock_system), &out);
	} else {
		strbuf_addf(&out, "cdcl: %s: %s\n%s%s%shelp: %s\n", err.place, err.text, at,
			record, *at == '\0' ? "" : "\n", err.help);
	}
	ssize_t written = write(STDERR_FILENO, out.data, out.len);
	(void)written;
	_exit(1);
}

/* Looks once. A call that was not there the last time begins to count. */
static void look(struct watchdog *w, struct sight *last)
{
	struct sight now = {.seq = atomic_load(&w->seq),
		.watch = atomic_load(&w->watch),
		.cpu_us = clock_cpu_us(w->engine)};
	if (now.watch != NULL) {
		now.row = current_row(now.watch);
		if (last->watch != NULL && now.seq == last->seq && now.row == last->row) {
			now.ticks = last->ticks + 1;
			now.cpu_us = last->cpu_us;
		}
	}
	*last = now;
}

/* How often a call was as long as it may be: by its CPU, or by ten times as much waiting. */
static unsigned times_over(const struct watchdog *w, const struct sight *s, bool *waits)
{
	if (s->watch == NULL)
		return 0;
	int64_t used_us = clock_cpu_us(w->engine) - s->cpu_us;
	int64_t by_cpu = used_us / (w->call_ms_max * 1000);
	unsigned by_ticks = s->ticks / (watchdog_ticks * call_waits_max);
	*waits = by_ticks > by_cpu;
	return *waits ? by_ticks : (unsigned)by_cpu;
}

static void *watchdog_main(void *argument)
{
	struct watchdog *w = argument;
	struct sight sight = {0};
	struct pollfd wake = {.fd = w->wake[0], .events = POLLIN};
	for (;;) {
		int64_t tick_ms = w->call_ms_max / watchdog_ticks;
		int n = poll(&wake, 1, tick_ms < 1 ? 1 : (int)tick_ms);
		if (n > 0)
			return NULL;
		if (n < 0 && errno != EINTR)
			return NULL;
		look(w, &sight);
		bool waits = false;
		unsigned over = times_over(w, &sight, &waits);
		if (over == 0)
			continue;
		atomic_store(&w->overdue, true);
		if (w->action == WATCHDOG_END ||
			(w->action == WATCHDOG_HOOK_THEN_END && over >= 2))
			end_process(w, sight.watch, waits);
	}
}

static int start(struct watchdog *w, struct error *err)
{
	w->engine = clock_cpu_of_this_thread();
	if (pipe(w->wake) != 0)
		return error_set(err, CDCL_E_INTERNAL, "cannot make the watchdog's pipe: %s",
			strerror(errno));
	if (pthread_create(&w->thread, NULL, watchdog_main, w) == 0)
		return 0;
	close(w->wake[0]);
	close(w->wake[1]);
	return error_set(err, CDCL_E_INTERNAL, "cannot start the watchdog");
}

struct watchdog *watchdog_open(
	const char *script, int64_t call_ms_max, enum watchdog_action action, struct error *err)
{
	struct watchdog *w = calloc(1, sizeof(*w));
	if (w == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory for the watchdog");
		return NULL;
	}
	snprintf(w->script, sizeof(w->script), "%s", script);
	w->call_ms_max = call_ms_max > 0 ? call_ms_max : call_ms_max_default;
	w->action = (int)action;
	w->words_fd = -1;
	if (start(w, err) == 0)
		return w;
	free(w);
	return NULL;
}

int watchdog_forked(struct watchdog *w, struct error *err)
{
	close(w->wake[0]);
	close(w->wake[1]);
	return start(w, err);
}

void watchdog_close(struct watchdog *w)
{
	if (w == NULL)
		return;
	ssize_t written = write(w->wake[1], "", 1);
	(void)written;
	pthread_join(w->thread, NULL);
	close(w->wake[0]);
	close(w->wake[1]);
	free(w);
}

void watchdog_enter(struct watchdog *w, const struct watch *watch)
{
	if (w->depth < watchdog_depth_max)
		w->outer[w->depth] = atomic_load_explicit(&w->watch, memory_order_relaxed);
	w->depth++;
	atomic_store_explicit(&w->watch, watch, memory_order_release);
	atomic_fetch_add_explicit(&w->seq, 1, memory_order_release);
}

void watchdog_leave(struct watchdog *w)
{
	w->depth--;
	const struct watch *outer = w->depth < watchdog_depth_max ? w->outer[w->depth] : NULL;
	atomic_store_explicit(&w->watch, outer, memory_order_release);
	atomic_fetch_add_explicit(&w->seq, 1, memory_order_release);
	atomic_store_explicit(&w->overdue, false, memory_order_relaxed);
}

bool watchdog_overdue(const struct watchdog *w)
{
	return atomic_load_explicit(&w->overdue, memory_order_relaxed);
}

int64_t watchdog_call_ms_max(const struct watchdog *w)
{
	return w->call_ms_max;
}

void watchdog_set_action(struct watchdog *w, enum watchdog_action action)
{
	atomic_store(&w->action, (int)action);
}

void watchdog_words_to(struct watchdog *w, int fd)
{
	atomic_store(&w->words_fd, fd);
}

void watchdog_set(struct watchdog *w, int64_t call_ms_max)
{
	w->call_ms_max = call_ms_max;
}
