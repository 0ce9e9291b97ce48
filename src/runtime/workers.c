#define _GNU_SOURCE /* pipe2, memfd_create */
#include "runtime/workers.h"

#include "base/check.h"
#include "base/log.h"
#include "base/shared_memory.h"
#include "runtime/worker.h"
#include "runtime/worker_depth.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	member_blocks = 24, /* more than worker_depth_max: what is done may wait for another's */
	blocks_max = member_blocks * workers_max,
	end_ms_max = 2000,
	arena_block_bytes = 256 * 1024
};

/* Of address space: far beyond what bounds.h lets the messages of a chunk become. */
static const size_t block_bytes = (size_t)4 << 30;

struct member {
	pid_t pid; /* 0: it was never there, or has ended */
	int to_fd;
	int from_fd;
	int words_fd;
	uint32_t free_blocks; /* a bit for each, the first lies in caches most likely */
	const struct worker_block *given[member_blocks]; /* not seen to be done: seen..next-1 */
	uint64_t seen;
	uint64_t next;
};

struct workers {
	const struct plan *plan;
	const struct clock *clock;
	struct member members[workers_max];
	uint32_t count;
	char *memory;
	struct worker_bell *bells; /* behind the blocks, one for each worker */
	bool rings; /* one of them may ring */
	struct worker_depth depth;
	/* each is always the same worker's, whose caches know it: by number % count */
	struct worker_block *blocks[blocks_max];
	uint32_t block_count;
	struct worker_block *given[blocks_max]; /* not freed: first..next-1, by n % block_count */
	uint64_t first;
	uint64_t next;
	int died; /* index of a member, or -1 */
};

/* ---- open ---- */

static size_t memory_bytes(const struct workers *w)
{
	return w->block_count * block_bytes + w->count * sizeof(struct worker_bell);
}

static void mute(struct workers *w, bool rings)
{
	for (uint32_t i = 0; i < w->count && rings; i++)
		worker_bell_mute(&w->bells[i]);
	w->rings = false;
}

static int open_blocks(struct workers *w, struct error *err)
{
	w->block_count = member_blocks * w->count;
	w->memory = shared_memory_open(memory_bytes(w), err);
	if (w->memory == NULL)
		return -(int)err->code;
	w->bells = (struct worker_bell *)(void *)(w->memory + w->block_count * block_bytes);
	mute(w, true);
	size_t head = (sizeof(struct worker_block) + 4095) & ~(size_t)4095;
	for (uint32_t i = 0; i < w->block_count; i++) {
		char *at = w->memory + i * block_bytes;
		w->blocks[i] = (struct worker_block *)(void *)at;
		w->blocks[i]->number = i;
		w->blocks[i]->worker = i % w->count;
		arena_init_in(&w->blocks[i]->arena, arena_block_bytes, at + head,
			block_bytes - head);
	}
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int open_pipes(int in[2], int out[2], struct error *err)
{
	if (pipe2(in, O_CLOEXEC) == 0) {
		if (pipe2(out, O_CLOEXEC) == 0)
			return 0;
		close(in[0]);
		close(in[1]);
	}
	return error_set(
		err, CDCL_E_INTERNAL, "cannot make a worker's pipes: %s", strerror(errno));
}

/* In the new process: the ends of the others are not its own. */
_Noreturn static void begin_worker(
	const struct workers *w, struct member *m, int in[2], int out[2], int parent)
{
	for (uint32_t i = 0; i < w->count; i++) {
		struct member other = w->members[i];
		close_fd(&other.to_fd);
		close_fd(&other.from_fd);
		if (&w->members[i] != m)
			close_fd(&other.words_fd);
	}
	close(in[1]);
	close(out[0]);
	struct worker_config config = {.plan = w->plan,
		.clock = w->clock,
		.blocks = w->blocks,
		.bell = &w->bells[m - w->members],
		.parent = parent,
		.in_fd = in[0],
		.out_fd = out[1],
		.words_fd = m->words_fd};
	worker_main(&config);
}

static int open_member(struct workers *w, struct member *m, struct error *err)
{
	int in[2], out[2];
	if (open_pipes(in, out, err) < 0)
		return -(int)err->code;
	if (w->plan->checkpoint.data != NULL)
		m->words_fd = memfd_create("cdcl last words", MFD_CLOEXEC);
	int parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		begin_worker(w, m, in, out, parent);
	close(in[0]);
	close(out[1]);
	m->to_fd = in[1];
	m->from_fd = out[0];
	m->pid = pid > 0 ? pid : 0;
	if (pid < 0)
		return error_set(
			err, CDCL_E_INTERNAL, "cannot fork a worker: %s", strerror(errno));
	fcntl(m->from_fd, F_SETFL, O_NONBLOCK);
	return 0;
}

static void tell_start(const struct workers *w)
{
	struct strbuf pids;
	strbuf_init(&pids);
	for (uint32_t i = 0; i < w->count; i++)
		strbuf_addf(&pids, "%s%d", i > 0 ? ", " : "", (int)w->members[i].pid);
	log_info("workers", "%u workers: processes " STR_FMT, w->count,
		STR_ARG(strbuf_str(&pids)));
	strbuf_release(&pids);
}

struct workers *workers_open(
	const struct plan *plan, uint32_t count, const struct clock *clock, struct error *err)
{
	check(count >= 1 && count <= workers_max);
	struct workers *w = calloc(1, sizeof(*w));
	check(w != NULL);
	w->plan = plan;
	w->clock = clock;
	w->count = count;
	w->died = -1;
	for (uint32_t i = 0; i < count; i++)
		w->members[i] = (struct member){.to_fd = -1,
			.from_fd = -1,
			.words_fd = -1,
			.free_blocks = (1U << member_blocks) - 1};
	int r = open_blocks(w, err);
	fflush(NULL); /* what is buffered must be written once */
	for (uint32_t i = 0; i < count && r >= 0; i++)
		r = open_member(w, &w->members[i], err);
	if (r >= 0) {
		tell_start(w);
		return w;
	}
	workers_close(w);
	return NULL;
}

/* ---- close ---- */

/* The pipe ends when the process does. */
static void end_member(struct member *m)
{
	int status;
	uint8_t unseen[64];
	close_fd(&m->to_fd);
	struct pollfd p = {.fd = m->from_fd, .events = POLLIN};
	while (m->pid > 0 && poll(&p, 1, end_ms_max) > 0 &&
		read(m->from_fd, unseen, sizeof(unseen)) > 0)
		;
	if (m->pid > 0 && (p.revents & POLLHUP) == 0)
		kill(m->pid, SIGKILL);
	while (m->pid > 0 && waitpid(m->pid, &status, 0) < 0 && errno == EINTR)
		;
	m->pid = 0;
	close_fd(&m->from_fd);
	close_fd(&m->words_fd);
}

void workers_close(struct workers *w)
{
	if (w == NULL)
		return;
	for (uint32_t i = 0; i < w->count; i++)
		close_fd(&w->members[i].to_fd);
	for (uint32_t i = 0; i < w->count; i++)
		end_member(&w->members[i]);
	shared_memory_close(w->memory, memory_bytes(w));
	free(w);
}

/* ---- a worker that is no more ---- */

static void describe_end(int status, char *out, size_t bytes)
{
	if (WIFSIGNALED(status))
		snprintf(out, bytes, "was ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		snprintf(out, bytes, "ended with %d", WEXITSTATUS(status));
}

/* The first block that it had. */
static const struct worker_block *block_of(const struct workers *w, uint32_t member)
{
	for (uint64_t n = w->first; n < w->next; n++) {
		const struct worker_block *b = w->given[n % w->block_count];
		if (b->worker == member && !b->done)
			return b;
	}
	return NULL;
}

static int tell_death(struct workers *w, uint32_t member, struct error *err)
{
	struct member *m = &w->members[member];
	int status = 0, pid = (int)m->pid;
	char how[128];
	while (waitpid(m->pid, &status, 0) < 0 && errno == EINTR)
		;
	m->pid = 0;
	w->died = (int)member;
	describe_end(status, how, sizeof(how));
	const struct worker_block *b = block_of(w, member);
	if (b == NULL)
		return error_set(err, CDCL_E_JOB, "worker %u of %u (process %d) %s", member + 1,
			w->count, pid, how);
	return error_set(err, CDCL_E_JOB,
		"worker %u of %u (process %d) %s, at the %u records from " STR_FMT "/%d@%lld on",
		member + 1, w->count, pid, how, b->messages.count, STR_ARG(b->first_topic),
		b->first_partition, (long long)b->first_offset);
}

int workers_words(const struct workers *w)
{
	return w->died < 0 ? -1 : w->members[w->died].words_fd;
}

/* ---- blocks ---- */

bool workers_busy(const struct workers *w)
{
	return w->first != w->next;
}

/* How many of its blocks are not done. */
static uint32_t waiting_of(struct member *m)
{
	while (m->seen < m->next && m->given[m->seen % member_blocks]->done)
		m->seen++;
	return (uint32_t)(m->next - m->seen);
}

static struct worker_block *free_block(const struct workers *w, uint32_t member)
{
	uint32_t free_blocks = w->members[member].free_blocks;
	if (free_blocks == 0)
		return NULL;
	return w->blocks[(uint32_t)__builtin_ctz(free_blocks) * w->count + member];
}

/* Of who has least to do; of a source that must stay with one, that one's. */
struct worker_block *workers_room(struct workers *w, uint32_t source)
{
	uint32_t least = worker_depth(&w->depth);
	struct worker_block *best = NULL;
	if (plan_source_in_one_worker(w->plan->nodes[source])) {
		uint32_t member = source % w->count;
		return waiting_of(&w->members[member]) < least ? free_block(w, member) : NULL;
	}
	for (uint32_t i = 0; i < w->count; i++) {
		uint32_t member = (uint32_t)((w->next + i) % w->count);
		uint32_t waiting = waiting_of(&w->members[member]);
		struct worker_block *b = waiting < least ? free_block(w, member) : NULL;
		best = b == NULL ? best : b;
		least = b == NULL ? least : waiting;
	}
	return best;
}

int workers_give(struct workers *w, struct worker_block *b, struct error *err)
{
	uint16_t number = (uint16_t)b->number;
	worker_block_keep(b);
	struct member *m = &w->members[b->worker];
	m->free_blocks &= ~(1U << (b->number / w->count));
	m->given[m->next++ % member_blocks] = b;
	w->given[w->next++ % w->block_count] = b;
	ssize_t n;
	do
		n = write(m->to_fd, &number, sizeof(number));
	while (n < 0 && errno == EINTR);
	return n == sizeof(number) ? 0 : tell_death(w, b->worker, err);
}

/* Empties the pipes, which say that it is time to look; the blocks say what is done. */
static int look(struct workers *w, struct error *err)
{
	for (uint32_t i = 0; i < w->count; i++) {
		uint8_t unseen[blocks_max];
		ssize_t n = read(w->members[i].from_fd, unseen, sizeof(unseen));
		if (n == 0)
			return tell_death(w, i, err);
	}
	return 0;
}

int workers_take(struct workers *w, struct worker_block **b, struct error *err)
{
	mute(w, w->rings);
	if (!workers_busy(w))
		return look(w, err);
	*b = w->given[w->first % w->block_count];
	if (!(*b)->done) {
		int r = look(w, err);
		if (r < 0 || !(*b)->done)
			return r;
	}
	return 1;
}

void workers_free(struct workers *w)
{
	check(workers_busy(w));
	const struct worker_block *b = w->given[w->first++ % w->block_count];
	struct member *m = &w->members[b->worker];
	waiting_of(m); /* sees that it was done */
	m->free_blocks |= 1U << (b->number / w->count);
	worker_depth_note(&w->depth, b->spent_us, b->messages.count);
}

uint32_t workers_fds(const struct workers *w, int *fds)
{
	for (uint32_t i = 0; i < w->count; i++)
		fds[i] = w->members[i].from_fd;
	return w->count;
}

/* True: it is done already. */
static bool want_block(struct workers *w, const struct worker_block *b)
{
	w->rings = true;
	return worker_bell_want(&w->bells[b->worker], b->number, &b->done);
}

/* Whichever has done a third of what it had, be it to be taken or not: it is to have more. */
static bool want_room(struct workers *w)
{
	bool is_done = false;
	for (uint32_t i = 0; i < w->count; i++) {
		struct member *m = &w->members[i];
		uint32_t waiting = waiting_of(m);
		if (waiting > 0)
			is_done |= want_block(
				w, m->given[(m->seen + (waiting - 1) / 3) % member_blocks]);
	}
	return is_done;
}

bool workers_sleep(struct workers *w, bool full)
{
	if (!workers_busy(w))
		return true;
	const struct worker_block *first = w->given[w->first % w->block_count];
	if (first->done)
		return false;
	return full ? !want_room(w) : !want_block(w, first);
}

void workers_wait(struct workers *w)
{
	if (!workers_sleep(w, false))
		return;
	struct pollfd fds[workers_max];
	for (uint32_t i = 0; i < w->count; i++)
		fds[i] = (struct pollfd){.fd = w->members[i].from_fd, .events = POLLIN};
	poll(fds, w->count, -1);
}
