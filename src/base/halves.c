#include "base/halves.h"

#include <pthread.h>
#include <stddef.h>

struct halves {
	void (*run)(void *of, uint32_t half);
	void *of;
};

static void *second_main(void *argument)
{
	const struct halves *h = argument;
	h->run(h->of, 1);
	return NULL;
}

void halves_run(void (*run)(void *of, uint32_t half), void *of, bool worth_a_thread)
{
	struct halves h = {run, of};
	pthread_t second;
	/* Without the thread it takes longer. */
	bool beside = worth_a_thread && pthread_create(&second, NULL, second_main, &h) == 0;
	run(of, 0);
	if (beside)
		pthread_join(second, NULL);
	else
		run(of, 1);
}
