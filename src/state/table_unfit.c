#include "state/table_unfit.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

struct table_unfit {
	uint64_t *bits;         /* by id */
	uint32_t words;
	uint32_t count;
	uint32_t last_id;
	struct unfit_value last;
};

void table_unfit_add(struct table_unfit **of, uint32_t id, const struct unfit_value *value)
{
	struct table_unfit *u = *of;
	if (u == NULL)
		u = *of = calloc(1, sizeof(*u));
	check(u != NULL);
	uint32_t word = id / 64;
	if (word >= u->words) {
		uint32_t words = word * 2 + 16;
		u->bits = realloc(u->bits, words * sizeof(*u->bits));
		check(u->bits != NULL);
		memset(u->bits + u->words, 0, (words - u->words) * sizeof(*u->bits));
		u->words = words;
	}
	uint64_t bit = UINT64_C(1) << (id % 64);
	u->count += (u->bits[word] & bit) == 0;
	u->bits[word] |= bit;
	u->last_id = id;
	u->last = *value;
}

void table_unfit_remove(struct table_unfit *u, uint32_t id)
{
	uint64_t bit = UINT64_C(1) << (id % 64);
	if (u == NULL || id / 64 >= u->words || (u->bits[id / 64] & bit) == 0)
		return;
	u->bits[id / 64] &= ~bit;
	u->count--;
	if (id == u->last_id)
		u->last.any = false;
}

uint32_t table_unfit_count(const struct table_unfit *u, struct unfit_value *example)
{
	*example = (struct unfit_value){.any = false};
	if (u == NULL || u->count == 0)
		return 0;
	*example = u->last;
	return u->count;
}

void table_unfit_close(struct table_unfit *u)
{
	if (u != NULL)
		free(u->bits);
	free(u);
}
