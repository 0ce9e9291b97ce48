#include "state/last_words.h"

#include "base/check.h"
#include "base/crc32c.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

void record_place_set(struct record_place *r, struct str topic, int32_t partition, int64_t offset)
{
	size_t len = topic.len < record_topic_bytes - 1 ? topic.len : record_topic_bytes - 1;
	r->known = 1;
	r->partition = partition;
	r->offset = offset;
	memcpy(r->topic, topic.data, len);
	memset(r->topic + len, 0, record_topic_bytes - len);
}

bool record_place_is(
	const struct record_place *r, struct str topic, int32_t partition, int64_t offset)
{
	size_t len = topic.len < record_topic_bytes - 1 ? topic.len : record_topic_bytes - 1;
	return r->known != 0 && r->partition == partition && r->offset == offset &&
		memcmp(r->topic, topic.data, len) == 0 && r->topic[len] == '\0';
}

bool record_place_same(const struct record_place *a, const struct record_place *b)
{
	return a->known != 0 && record_place_is(b, str_c(a->topic), a->partition, a->offset);
}

static uint32_t crc_of(const struct last_words *words)
{
	size_t skipped = sizeof(words->crc);
	return crc32c(0, (struct str){(const char *)words + skipped, sizeof(*words) - skipped});
}

void last_words_write(int fd, enum words_slot slot, struct last_words *words)
{
	if (fd < 0)
		return;
	words->crc = crc_of(words);
	ssize_t n = pwrite(fd, words, sizeof(*words), (off_t)slot * (off_t)sizeof(*words));
	(void)n; /* whoever could be told is dying */
}

bool last_words_read(int fd, enum words_slot slot, struct last_words *words)
{
	off_t at = (off_t)slot * (off_t)sizeof(*words);
	if (pread(fd, words, sizeof(*words), at) != (ssize_t)sizeof(*words) ||
		words->crc != crc_of(words) || words->kind > DEATH_WATCHDOG)
		return false;
	words->record.topic[record_topic_bytes - 1] = '\0';
	words->what[words_what_bytes - 1] = '\0';
	words->place[words_place_bytes - 1] = '\0';
	return true;
}

/* ---- crashes ---- */

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { crash_signal_count = sizeof(crash_signals) / sizeof(crash_signals[0]) };

static struct sigaction before[crash_signal_count];
static volatile int words_fd = -1;
static pthread_t words_thread;
static bool catching;

static void on_crash(int number)
{
	/* Static: what crashed may be the stack. */
	static struct last_words words;
	if (words_fd >= 0 && pthread_equal(words_thread, pthread_self())) {
		words.kind = DEATH_SIGNAL;
		words.signal = number;
		last_words_write(words_fd, WORDS_DEATH, &words);
	}
	for (size_t i = 0; i < crash_signal_count; i++)
		if (crash_signals[i] == number)
			sigaction(number, &before[i], NULL);
	raise(number); /* comes when this handler returns */
}

void last_words_catch_crashes(void)
{
	static char stack[64 * 1024];
	stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
	stack_t now;
	if (catching)
		return;
	catching = true;
	/* A sanitizer brings its own. */
	if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE) != 0)
		sigaltstack(&other, NULL);
	struct sigaction action;
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_crash;
	action.sa_flags = SA_ONSTACK;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < crash_signal_count; i++)
		sigaction(crash_signals[i], &action, &before[i]);
}

void last_words_of_this_thread(int fd)
{
	words_fd = -1;
	words_thread = pthread_self();
	words_fd = fd;
}
