#include "runtime/quarantine.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "state/attempt.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

enum {
	deaths_before_single = 2,
	/* without a word: a kill by chance must not cost a record */
	deaths_of_suspect = 3
};

struct quarantine {
	struct arena arena;
	const char *attempt_path;
	const char *words_path;
	int words_fd;
	struct plan_script *script;
	struct attempt attempt;
	struct last_words work;
	bool died;
};

/* ---- what the last process left ---- */

static int read_attempt(struct quarantine *q, struct error *err)
{
	struct strbuf bytes;
	strbuf_init(&bytes);
	int r = file_read_if_there(q->attempt_path, attempt_bytes_max, &bytes, err);
	if (r == 1 && !attempt_parse(strbuf_str(&bytes), &q->arena, &q->attempt))
		log_warn("quarantine", "%s: damaged; how the last starts went is not known",
			q->attempt_path);
	strbuf_release(&bytes);
	return r < 0 ? r : 0;
}

static int write_attempt(struct quarantine *q, struct error *err)
{
	struct strbuf bytes;
	strbuf_init(&bytes);
	attempt_text(&q->attempt, &bytes);
	int r = file_replace(q->attempt_path, strbuf_str(&bytes), err);
	strbuf_release(&bytes);
	return r;
}

static int add_culprit(struct quarantine *q, const struct record_place *record, struct str why,
	const char *place, struct error *err)
{
	struct attempt *a = &q->attempt;
	if (a->culprit_count == attempt_culprits_max)
		return error_set(err, CDCL_E_DATA,
			"%d records of one batch ended the process, and it still does not get on",
			attempt_culprits_max);
	a->culprits[a->culprit_count++] = (struct culprit){.record = *record,
		.why = why,
		.place = place[0] == '\0' ? (struct str){NULL, 0}
					  : str_dup(str_c(place), &q->arena)};
	a->suspect.known = 0;
	a->suspect_deaths = 0;
	return 0;
}

/* The watchdog ended it: first with a hook, then without looking at the record. */
static int after_watchdog(struct quarantine *q, const struct last_words *death, struct error *err)
{
	struct attempt *a = &q->attempt;
	bool tried = a->mode != ATTEMPT_NORMAL;
	if (!tried || death->record.known == 0) {
		a->mode = tried ? a->mode : ATTEMPT_CAREFUL;
		log_warn("quarantine",
			"%s%s%s did not come back in the last start: batch %" PRId64
			" is run with Lua interpreted, to find the record and the line",
			death->place, death->place[0] == '\0' ? "" : ": ", death->what, a->next);
		return 0;
	}
	struct str why = str_printf(&q->arena, "%s did not come back, and could not be stopped",
		death->what);
	return add_culprit(q, &death->record, why, death->place, err);
}

static void begin_single(struct quarantine *q)
{
	q->attempt.mode = ATTEMPT_SINGLE;
	log_warn("quarantine",
		"%u processes died in batch %" PRId64
		": it is run record by record, to find the one that does it",
		q->attempt.deaths, q->attempt.next);
}

/* It died while a record was worked on, one by one. */
static int after_work(struct quarantine *q, const struct last_words *work,
	const struct last_words *death, struct error *err)
{
	struct attempt *a = &q->attempt;
	bool same = record_place_same(&a->suspect, &work->record);
	if (death->kind == DEATH_SIGNAL)
		return add_culprit(q, &work->record,
			str_printf(&q->arena, "the process crashed on it: %s",
				strsignal(death->signal)),
			"", err);
	a->suspect = work->record;
	a->suspect_deaths = same ? a->suspect_deaths + 1 : 1;
	if (a->suspect_deaths < deaths_of_suspect)
		return 0;
	return add_culprit(q, &work->record,
		str_printf(&q->arena, "%u processes were killed while they worked on it",
			a->suspect_deaths),
		"", err);
}

static int after_death(struct quarantine *q, struct error *err)
{
	struct attempt *a = &q->attempt;
	struct last_words death, work;
	a->deaths++;
	if (!last_words_read(q->words_fd, WORDS_DEATH, &death))
		death = (struct last_words){.kind = DEATH_NONE};
	if (!last_words_read(q->words_fd, WORDS_WORK, &work))
		work = (struct last_words){.kind = DEATH_NONE};
	if (death.kind == DEATH_WATCHDOG)
		return after_watchdog(q, &death, err);
	if (a->mode == ATTEMPT_SINGLE && work.record.known != 0)
		return after_work(q, &work, &death, err);
	if (a->mode != ATTEMPT_SINGLE && a->deaths >= deaths_before_single)
		begin_single(q);
	return 0;
}

/* ---- open and close ---- */

static void set_careful(struct quarantine *q, bool on)
{
	if (q->script != NULL)
		q->script->careful(q->script, on);
}

static int take_over(struct quarantine *q, int64_t next, struct error *err)
{
	struct attempt *a = &q->attempt;
	int r = read_attempt(q, err);
	if (r < 0)
		return r;
	if (a->next != next) {
		a->deaths = 0;
		a->mode = ATTEMPT_NORMAL;
		a->suspect.known = 0;
	}
	a->next = next;
	q->words_fd = file_open_update(q->words_path, err);
	if (q->words_fd < 0)
		return q->words_fd;
	if (a->open)
		r = after_death(q, err);
	if (r == 0)
		r = file_cut(q->words_fd, 0, q->words_path, err);
	a->open = true;
	return r < 0 ? r : write_attempt(q, err);
}

struct quarantine *quarantine_open(
	struct str folder, int64_t next, struct plan_script *script, struct error *err)
{
	struct quarantine *q = calloc(1, sizeof(*q));
	check(q != NULL);
	arena_init(&q->arena, 4096);
	q->attempt_path = str_printf(&q->arena, STR_FMT "/ATTEMPT", STR_ARG(folder)).data;
	q->words_path = str_printf(&q->arena, STR_FMT "/WORDS", STR_ARG(folder)).data;
	q->words_fd = -1;
	if (take_over(q, next, err) < 0) {
		file_close(q->words_fd);
		arena_release(&q->arena);
		free(q);
		return NULL;
	}
	q->script = script;
	last_words_of_this_thread(q->words_fd);
	if (script != NULL)
		script->words_to(script, q->words_fd);
	if (q->attempt.mode != ATTEMPT_NORMAL)
		set_careful(q, true);
	return q;
}

static void forget(struct quarantine *q)
{
	struct error unseen;
	error_init(&unseen);
	if (file_remove(q->attempt_path, &unseen) < 0 || file_remove(q->words_path, &unseen) < 0)
		log_debug("quarantine", "%s", unseen.text);
}

void quarantine_close(struct quarantine *q)
{
	if (q == NULL)
		return;
	if (q->script != NULL)
		q->script->words_to(q->script, -1);
	if (q->attempt.mode != ATTEMPT_NORMAL)
		set_careful(q, false);
	last_words_of_this_thread(-1);
	struct error err;
	q->attempt.open = q->died;
	bool clean = !q->died && q->attempt.mode == ATTEMPT_NORMAL &&
		q->attempt.culprit_count == 0 && q->attempt.deaths == 0;
	if (clean)
		forget(q);
	else if (write_attempt(q, &err) < 0)
		log_warn("quarantine", "%s", err.text);
	file_close(q->words_fd);
	arena_release(&q->arena);
	free(q);
}

void quarantine_worker_died(struct quarantine *q, int words_fd)
{
	struct last_words death;
	if (q == NULL)
		return;
	q->died = true;
	if (words_fd >= 0 && last_words_read(words_fd, WORDS_DEATH, &death))
		last_words_write(q->words_fd, WORDS_DEATH, &death);
}

/* ---- a batch ---- */

bool quarantine_is_active(const struct quarantine *q)
{
	return q != NULL &&
		(q->attempt.mode != ATTEMPT_NORMAL || q->attempt.culprit_count > 0);
}

bool quarantine_reads_singly(const struct quarantine *q)
{
	return q != NULL && q->attempt.mode == ATTEMPT_SINGLE;
}

void quarantine_enter(struct quarantine *q, const struct messages *m, uint32_t i)
{
	record_place_set(&q->work.record, m->topic[i], m->partition[i], m->offset[i]);
	last_words_write(q->words_fd, WORDS_WORK, &q->work);
}

void quarantine_leave(struct quarantine *q)
{
	q->work.record.known = 0;
	last_words_write(q->words_fd, WORDS_WORK, &q->work);
}

static struct culprit *find(struct quarantine *q, const struct messages *m, uint32_t i)
{
	for (uint32_t k = 0; k < q->attempt.culprit_count; k++) {
		struct culprit *c = &q->attempt.culprits[k];
		if (record_place_is(&c->record, m->topic[i], m->partition[i], m->offset[i]))
			return c;
	}
	return NULL;
}

int quarantine_put_aside(
	struct quarantine *q, struct messages *m, struct dead_letters *dead, struct error *err)
{
	if (q == NULL || q->attempt.culprit_count == 0)
		return 0;
	struct chunk all = {.row_count = m->count, .messages = m};
	uint32_t kept = 0;
	int r = 0;
	for (uint32_t i = 0; i < m->count && r >= 0; i++) {
		struct culprit *c = find(q, m, i);
		if (c == NULL) {
			if (kept != i)
				message_copy(m, kept, m, i);
			kept++;
			continue;
		}
		struct error why;
		error_init(&why);
		error_set(&why, CDCL_E_DATA, STR_FMT, STR_ARG(c->why));
		if (c->place.data != NULL)
			error_at(&why, STR_FMT, STR_ARG(c->place));
		r = dead_letter_add(dead, DEAD_CRASH, &all, i, &why, err);
		c->met = true;
	}
	m->count = kept;
	return r < 0 ? r : 0;
}

int quarantine_published(struct quarantine *q, int64_t id, struct error *err)
{
	if (q == NULL)
		return 0;
	struct attempt *a = &q->attempt;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < a->culprit_count; i++)
		if (!a->culprits[i].met)
			a->culprits[kept++] = a->culprits[i];
	if (a->mode == ATTEMPT_NORMAL && kept == a->culprit_count)
		return 0;
	a->culprit_count = kept;
	if (a->mode != ATTEMPT_NORMAL) {
		set_careful(q, false);
		log_info("quarantine", "batch %" PRId64 " is done: all goes on as before", id);
	}
	a->mode = ATTEMPT_NORMAL;
	a->deaths = 0;
	a->suspect.known = 0;
	a->next = id + 1;
	return write_attempt(q, err);
}

/* ---- tests ---- */

#ifdef CDCL_TEST_HOOKS

static bool holds(struct str value, struct str text)
{
	for (size_t at = 0; value.data != NULL && at + text.len <= value.len; at++)
		if (memcmp(value.data + at, text.data, text.len) == 0)
			return true;
	return false;
}

void quarantine_test_crash(const struct messages *m)
{
	const char *asked = getenv("CDCL_TEST_CRASH");
	const char *colon = asked == NULL ? NULL : strchr(asked, ':');
	if (colon == NULL)
		return;
	int number = strncmp(asked, "SEGV", 4) == 0 ? SIGSEGV
		: strncmp(asked, "ABRT", 4) == 0    ? SIGABRT
						    : SIGKILL;
	for (uint32_t i = 0; i < m->count; i++)
		if (holds(m->value[i], str_c(colon + 1)))
			raise(number);
}

#else

void quarantine_test_crash(const struct messages *m)
{
	(void)m;
}

#endif
