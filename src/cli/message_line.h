#ifndef CDCL_MESSAGE_LINE_H
#define CDCL_MESSAGE_LINE_H

/* A message of a topic as one line for people: `cdcl tail`. */

#include "base/str.h"
#include "cdcl/abi.h"

#include <stdbool.h>

struct message_line {
	struct strbuf out;
	bool color;
	bool events;            /* change events: the operation, and before and after as a diff */
	bool headers;
	int place_width;        /* of the columns so far */
	int key_width;
};

void message_line_add(struct message_line *p, const struct messages *m, uint32_t i);

/* The value as an event of an envelope that has before and after; false when it is none. */
bool message_line_event(struct message_line *p, struct str value);

enum message_color { COLOR_PLAIN, COLOR_DIM, COLOR_RED, COLOR_GREEN, COLOR_YELLOW, COLOR_BLUE,
	COLOR_CYAN };
void message_line_paint(struct message_line *p, enum message_color color);
/* Bytes from outside, harmless for a terminal. */
void message_line_text(struct message_line *p, struct str s);
/* A word of an operation, coloured; other text plain. */
void message_line_op(struct message_line *p, struct str op);

#endif
