#include "runtime/worker.h"

#include "base/check.h"
#include "base/log.h"
#include "runtime/quarantine.h"
#include "runtime/row_reader.h"
#include "state/source_lore.h"
#include "state/last_words.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { numbers_max = 64 }; /* read at once */

struct worker {
	const struct worker_config *config;
	struct graph graph;
	struct row_reader *readers; /* by node of the plan */
	struct dead_letters dead;
	struct worker_notes notes;
	struct batch batch;
};

/* ---- open, close ---- */

/*
 * Signals drain the reading process, which then lets us end; a terminal sends them to us too. When
 * it is killed, so are we: first of all, since one that is stopped before would stay.
 */
static void become_worker(const struct worker_config *config)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != config->parent)
		_exit(0);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	log_forked();
	last_words_of_this_thread(config->words_fd);
}

static int open_readers(struct worker *w, struct error *err)
{
	const struct plan *plan = w->config->plan;
	struct plan_script *script = plan->script;
	if (script != NULL && script->forked(script, err) < 0)
		return -(int)err->code;
	if (script != NULL)
		script->words_to(script, w->config->words_fd);
	dead_letters_init(&w->dead, w->config->clock);
	w->dead.stop_at_first = plan->on_error_stop;
	worker_notes_init(&w->notes);
	w->dead.notes = &w->notes.dead;
	int r = graph_open_worker(
		&w->graph, plan, &w->dead, &w->batch, &w->notes.exit, err);
	w->readers = calloc(plan->node_count + 1, sizeof(*w->readers));
	check(w->readers != NULL);
	for (uint32_t i = 0; i < plan->node_count && r >= 0; i++)
		if (plan->nodes[i]->kind == PLAN_SOURCE)
			row_reader_open(&w->readers[i], plan->nodes[i],
				graph_head(&w->graph, plan->nodes[i]), &w->dead, w->config->clock);
	return r;
}

static void close_readers(struct worker *w)
{
	for (uint32_t i = 0; i < w->config->plan->node_count; i++)
		if (w->readers[i].node != NULL)
			row_reader_close(&w->readers[i]);
	worker_notes_release(&w->notes);
}

/* ---- what decoders learn ---- */

/* Of the source whose number only the reading process knows. */
static int recall(const struct row_reader *reader, struct worker_block *b)
{
	if (b->lent.len == 0)
		return 0;
	struct source_lore *lore = source_lore_open();
	int r = source_lore_read(lore, b->lent, &b->error);
	if (r == 0)
		source_lore_recall(lore, b->messages.source_id, reader->envelope);
	source_lore_close(lore);
	return r;
}

static void tell_learned(const struct row_reader *reader, struct worker_block *b)
{
	struct strbuf records;
	if (!b->tells)
		return;
	struct source_lore *lore = source_lore_open();
	strbuf_init(&records);
	source_lore_gather(lore, b->messages.source_id, reader->envelope);
	source_lore_write(lore, b->messages.source_id, &records);
	b->learned = str_dup(strbuf_str(&records), &b->arena);
	strbuf_release(&records);
	source_lore_close(lore);
}

/* ---- blocks ---- */

static void read_block(struct worker *w, struct worker_block *b)
{
	uint32_t next = 0;
	w->batch = b->batch;
	error_init(&b->error);
	struct messages *messages = worker_notes_begin(&w->notes, b, &w->graph);
	quarantine_test_crash(messages);
	struct row_reader *reader = &w->readers[b->source];
	b->before = reader->tally;
	log_take(&w->notes.log);
	int r = recall(reader, b);
	if (r == 0)
		r = row_reader_read(reader, messages, &next, &b->error);
	log_take(NULL);
	tell_learned(reader, b);
	worker_notes_groups(&w->notes, &w->graph);
	b->after = reader->tally;
	check(r != ENVELOPE_WIDER); /* plan_check refuses such sources */
	b->result = r;
}

/* Numbers of blocks, which are written whole; 0: the pipe has ended. */
static size_t read_numbers(int fd, uint16_t *numbers, size_t count)
{
	ssize_t n;
	do
		n = read(fd, numbers, count * sizeof(*numbers));
	while (n < 0 && errno == EINTR);
	return n < 0 ? 0 : (size_t)n / sizeof(*numbers);
}

/* The byte only wakes who sleeps. */
static void ring(int fd)
{
	while (write(fd, "", 1) < 0)
		if (errno != EINTR)
			_exit(1); /* nobody reads any more */
}

void worker_main(const struct worker_config *config)
{
	struct worker w = {.config = config};
	struct error err;
	error_init(&err);
	become_worker(config);
	if (open_readers(&w, &err) < 0) {
		log_print_error(&err);
		_exit(error_exit_code(err.code));
	}
	uint16_t numbers[numbers_max];
	size_t count;
	while ((count = read_numbers(config->in_fd, numbers, numbers_max)) > 0) {
		for (size_t i = 0; i < count; i++) {
			struct worker_block *b = config->blocks[numbers[i]];
			int64_t began_us = clock_monotonic_us(config->clock);
			read_block(&w, b);
			b->spent_us = clock_monotonic_us(config->clock) - began_us;
			if (worker_bell_done(config->bell, b->number, &b->done))
				ring(config->out_fd);
		}
	}
	close_readers(&w);
	fflush(NULL); /* what Lua wrote to files */
	_exit(0);
}
