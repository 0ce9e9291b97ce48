#include "state/group_shape.h"

static bool is_quote(char c)
{
	return c == '\'' || c == '"' || c == '`';
}

/* Where the first "; " outside of quotes is, or the end. */
static size_t piece_end(struct str shape)
{
	char quote = 0;
	for (size_t at = 0; at < shape.len; at++) {
		char c = shape.data[at];
		if (quote != 0 && c == '\\')
			at++;
		else if (quote != 0)
			quote = c == quote ? 0 : quote;
		else if (is_quote(c))
			quote = c;
		else if (c == ';' && at + 1 < shape.len && shape.data[at + 1] == ' ')
			return at;
	}
	return shape.len;
}

bool group_shape_next(struct str *shape, struct str *piece)
{
	if (shape->data == NULL)
		return false;
	size_t end = piece_end(*shape);
	*piece = str_sub(*shape, 0, end);
	*shape = end == shape->len ? (struct str){NULL, 0}
				   : str_sub(*shape, end + 2, shape->len - end - 2);
	return true;
}

bool group_shape_same_keys(struct str a, struct str b)
{
	struct str left, right;
	return group_shape_next(&a, &left) && group_shape_next(&b, &right) && str_eq(left, right);
}

uint32_t group_shape_calls(struct str shape)
{
	struct str piece;
	uint32_t count = 0;
	while (group_shape_next(&shape, &piece))
		count++;
	return count == 0 ? 0 : count - 1;
}

int32_t group_shape_find(struct str shape, struct str call)
{
	struct str piece;
	int32_t at = -1;
	for (; group_shape_next(&shape, &piece); at++)
		if (at >= 0 && str_eq(piece, call))
			return at;
	return -1;
}
