/*
 * C11 threads on POSIX threads, for the thread sanitizer: it knows pthread_create and pthread_mutex
 * but not thrd_create and mtx_lock, which librdkafka uses, and dies in a thread it did not see
 * begin. Linked into the tsan build of the program only, where these names come before the C
 * library's.
 * glibc's types have the same layout (mtx_t is a pthread_mutex_t, thrd_t a pthread_t).
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

struct start {
	thrd_start_t function;
	void *argument;
};

static void *begin(void *p)
{
	struct start s = *(struct start *)p;
	free(p);
	return (void *)(intptr_t)s.function(s.argument);
}

static int answer(int code)
{
	if (code == 0)
		return thrd_success;
	if (code == EBUSY)
		return thrd_busy;
	return code == ETIMEDOUT ? thrd_timedout : thrd_error;
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
	struct start *s = malloc(sizeof(*s));
	if (s == NULL)
		return thrd_nomem;
	*s = (struct start){function, argument};
	return answer(pthread_create((pthread_t *)thread, NULL, begin, s));
}

int thrd_join(thrd_t thread, int *result)
{
	void *value;
	int code = pthread_join((pthread_t)thread, &value);
	if (code == 0 && result != NULL)
		*result = (int)(intptr_t)value;
	return answer(code);
}

int thrd_detach(thrd_t thread)
{
	return answer(pthread_detach((pthread_t)thread));
}

int mtx_init(mtx_t *m, int type)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	if (type & mtx_recursive)
		pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	int code = pthread_mutex_init((pthread_mutex_t *)m, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return answer(code);
}

int mtx_lock(mtx_t *m)
{
	return answer(pthread_mutex_lock((pthread_mutex_t *)m));
}

int mtx_trylock(mtx_t *m)
{
	return answer(pthread_mutex_trylock((pthread_mutex_t *)m));
}

int mtx_unlock(mtx_t *m)
{
	return answer(pthread_mutex_unlock((pthread_mutex_t *)m));
}

void mtx_destroy(mtx_t *m)
{
	pthread_mutex_destroy((pthread_mutex_t *)m);
}

int cnd_init(cnd_t *c)
{
	return answer(pthread_cond_init((pthread_cond_t *)c, NULL));
}

int cnd_signal(cnd_t *c)
{
	return answer(pthread_cond_signal((pthread_cond_t *)c));
}

int cnd_broadcast(cnd_t *c)
{
	return answer(pthread_cond_broadcast((pthread_cond_t *)c));
}

int cnd_wait(cnd_t *c, mtx_t *m)
{
	return answer(pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m));
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until)
{
	return answer(pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, until));
}

void cnd_destroy(cnd_t *c)
{
	pthread_cond_destroy((pthread_cond_t *)c);
}
