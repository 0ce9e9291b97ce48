#include "runtime/worker.h"

#include "base/check.h"
#include "base/log.h"
#include "runtime/quarantine.h"
#include "runtime/row_reader.h"
#include "state/last_words.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

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
 * it is killed, so are we.
 */
static void become_worker(const struct worker_config *config)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != config->parent)
		_exit(0);
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
}

/* ---- blocks ---- */

static void read_block(struct worker *w, struct worker_block *b)
{
	uint32_t next = 0;
	w->batch = b->batch;
	w->notes.block = b;
	error_init(&b->error);
	if (b->texts.count > 0)
		source_text_split(&b->texts,
			w->config->plan->nodes[b->source]->source.file.null_value, &b->messages);
	quarantine_test_crash(&b->messages);
	struct row_reader *reader = &w->readers[b->source];
	b->before = reader->tally;
	log_take(&w->notes.log);
	int r = row_reader_read(reader, &b->messages, &next, &b->error);
	log_take(NULL);
	worker_notes_groups(&w->notes, &w->graph);
	b->after = reader->tally;
	check(r != ENVELOPE_WIDER); /* plan_check refuses such sources */
	b->result = r;
	b->done = true;
}

/* Numbers of blocks; 0: the pipe has ended. */
static ssize_t read_numbers(int fd, uint8_t *numbers, size_t count)
{
	ssize_t n;
	do
		n = read(fd, numbers, count);
	while (n < 0 && errno == EINTR);
	return n < 0 ? 0 : n;
}

static void write_number(int fd, uint8_t number)
{
	while (write(fd, &number, 1) < 0)
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
	uint8_t numbers[64];
	ssize_t count;
	while ((count = read_numbers(config->in_fd, numbers, sizeof(numbers))) > 0) {
		for (ssize_t i = 0; i < count; i++) {
			read_block(&w, config->blocks[numbers[i]]);
			write_number(config->out_fd, numbers[i]);
		}
	}
	close_readers(&w);
	fflush(NULL); /* what Lua wrote to files */
	_exit(0);
}
