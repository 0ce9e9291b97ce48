#ifndef CDCL_BIND_PEEK_H
#define CDCL_BIND_PEEK_H

/*
 * What a loading script asks of the messages (script/source_peek.h): the columns of
 * `schema = "auto"`, the key of a merge without one. The watchdog does not count the wait.
 */

#include "script/bind.h"
#include "script/source_peek.h"

/*
 * The answer is noted in the plan. Fails (bind_fail) when nothing can be known; `word` is what the
 * caret goes under.
 */
const struct plan_looked *bind_peek(lua_State *L, const struct source_config *source,
	enum envelope_kind envelope, struct str table, struct str word);

/*
 * The key columns of the messages that `in` is made of, as a list for merge_options.key ("region,
 * order_id"); fails with what to write when they name none.
 */
struct str bind_peek_key(lua_State *L, const struct plan_node *in);

#endif
