#ifndef CDCL_SECRET_H
#define CDCL_SECRET_H

/*
 * Words that nobody may see: what a secret file holds, passwords of settings and of the
 * environment. Whoever reads one keeps it here; what leaves the process for people (the log,
 * errors, what a script prints, why a record became a dead letter, plans, metrics, progress) goes
 * through secret_hidden. Any thread.
 */

#include "base/str.h"

#include <stdbool.h>

enum { secret_bytes_min = 6, secrets_max = 64 };

/* The whole text, and each of its lines when it has several (a key in PEM). Shorter ones than
 * secret_bytes_min, and more than secrets_max, are not kept. */
void secret_keep(struct str text);

/* Whether a setting or variable of this name holds one: "sasl.password", "API_TOKEN". */
bool secret_is_name(struct str name);

/* `text` with [secret] in place of each of them; what was replaced is in `into`. */
struct str secret_hidden(struct str text, struct strbuf *into);
/* The same in place. */
void secret_hide(struct strbuf *text);
/*
 * The same only between double quotes, as in JSON or in the labels of metrics: a count that happens
 * to be somebody's password stays a number.
 */
void secret_hide_quoted(struct strbuf *text);

#endif
