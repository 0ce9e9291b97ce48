/*
 * What decoders have learned, as records of any bytes: refused with the place, or read; what was
 * read comes back the same when it is written and read again, whole and a slice at a time.
 */

#include "base/check.h"
#include "state/source_lore.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scan(struct source_lore *l, size_t bytes_max, struct strbuf *out)
{
	struct state_part *p = source_lore_part(l);
	uint64_t at = 0;
	while (p->ops->scan(p, &at, bytes_max, out))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err;
	struct strbuf first, second, words;
	struct topic_lore t;
	uint32_t source;
	char *exact = malloc(size + (size == 0));
	check(exact != NULL);
	memcpy(exact, data, size);
	error_init(&err);
	strbuf_init(&first);
	strbuf_init(&second);
	strbuf_init(&words);
	struct source_lore *l = source_lore_open(), *again = source_lore_open();
	if (source_lore_read(l, (struct str){exact, size}, &err) < 0)
		check(err.code == CDCL_E_STATE);
	scan(l, SIZE_MAX / 2, &first);
	check(source_lore_read(again, strbuf_str(&first), &err) == 0);
	scan(again, 1, &second);
	check(str_eq(strbuf_str(&first), strbuf_str(&second)));
	for (uint32_t i = 0; source_lore_at(l, i, &source, &t); i++)
		for (uint32_t k = 0; k < t.column_count; k++)
			column_lore_text(t.columns[k].lore, &words);
	source_lore_close(l);
	source_lore_close(again);
	strbuf_release(&first);
	strbuf_release(&second);
	strbuf_release(&words);
	free(exact);
	return 0;
}
