/*
 * Loaded before librdkafka (LD_PRELOAD): ends or stops the process at one of its calls that make
 * up a transaction.
 *
 *	TXN_AT=n                 the n-th of init, begin, flush, offsets, commit, abort
 *	TXN_ON=name              only these are counted
 *	TXN_HOW=before | after   the call
 *	TXN_DO=kill | stop       SIGKILL or SIGSTOP
 *	TXN_LOG=path             a line for each call: its name
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long calls;

static void note(const char *name)
{
	const char *path = getenv("TXN_LOG");
	int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0)
		return;
	char line[64];
	size_t len = strlen(name);
	memcpy(line, name, len);
	line[len] = '\n';
	if (write(fd, line, len + 1) < 0)
		abort();
	close(fd);
}

static bool is_word(const char *variable, const char *word)
{
	const char *value = getenv(variable);
	return value != NULL && strcmp(value, word) == 0;
}

static void at(long call, const char *how)
{
	const char *wanted = getenv("TXN_AT");
	if (wanted != NULL && atol(wanted) == call && is_word("TXN_HOW", how))
		kill(getpid(), is_word("TXN_DO", "stop") ? SIGSTOP : SIGKILL);
}

#define STAND_IN(result, name, word, parameters, ...)                                              \
	result name parameters                                                                     \
	{                                                                                          \
		bool counts = getenv("TXN_ON") == NULL || is_word("TXN_ON", word);                 \
		long call = counts ? atomic_fetch_add(&calls, 1) + 1 : -1;                         \
		result(*real) parameters = NULL;                                                   \
		*(void **)&real = dlsym(RTLD_NEXT, #name);                                         \
		note(word);                                                                        \
		at(call, "before");                                                                \
		result answer = real(__VA_ARGS__);                                                 \
		at(call, "after");                                                                 \
		return answer;                                                                     \
	}

STAND_IN(rd_kafka_error_t *, rd_kafka_init_transactions, "init", (rd_kafka_t * rk, int ms), rk, ms)
STAND_IN(rd_kafka_error_t *, rd_kafka_begin_transaction, "begin", (rd_kafka_t * rk), rk)
STAND_IN(rd_kafka_resp_err_t, rd_kafka_flush, "flush", (rd_kafka_t * rk, int ms), rk, ms)
STAND_IN(rd_kafka_error_t *, rd_kafka_send_offsets_to_transaction, "offsets",
	(rd_kafka_t * rk, const rd_kafka_topic_partition_list_t *list,
		const rd_kafka_consumer_group_metadata_t *group, int ms),
	rk, list, group, ms)
STAND_IN(rd_kafka_error_t *, rd_kafka_commit_transaction, "commit", (rd_kafka_t * rk, int ms), rk,
	ms)
STAND_IN(rd_kafka_error_t *, rd_kafka_abort_transaction, "abort", (rd_kafka_t * rk, int ms), rk,
	ms)
