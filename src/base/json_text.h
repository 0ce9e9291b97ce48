#ifndef CDCL_JSON_TEXT_H
#define CDCL_JSON_TEXT_H

/* JSON as it is written: the one place that quotes. */

#include "base/str.h"

/* A JSON string literal with quotes. Invalid UTF-8 becomes U+FFFD. */
void json_text_string(struct str s, struct strbuf *out);

#endif
