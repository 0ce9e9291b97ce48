#include "base/checked_line.h"

#include "base/crc32c.h"

#include <stdio.h>

enum { digits = 8, head_bytes = digits + 1 };

void checked_line_add(struct str rest, struct strbuf *out)
{
	strbuf_addf(out, "%08x " STR_FMT "\n", crc32c(0, rest), STR_ARG(rest));
}

bool checked_line_rest(struct str line, struct str *rest)
{
	char wanted[head_bytes + 1];
	if (line.len < head_bytes)
		return false;
	*rest = str_sub(line, head_bytes, line.len - head_bytes);
	snprintf(wanted, sizeof(wanted), "%08x ", crc32c(0, *rest));
	return str_eq(str_sub(line, 0, head_bytes), str_c(wanted));
}
