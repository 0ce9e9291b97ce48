#ifndef CDCL_CHECKED_LINE_H
#define CDCL_CHECKED_LINE_H

/*
 * A line of text on disk that says whether it is whole: the CRC-32C of the rest in eight
 * hexadecimal digits, a space, the rest.
 */

#include "base/str.h"

#include <stdbool.h>

/* With its line end. `rest` has none. */
void checked_line_add(struct str rest, struct strbuf *out);
/* `line` is without its end. False: it is torn, or damaged. */
bool checked_line_rest(struct str line, struct str *rest);

#endif
