#ifndef CDCL_TEST_WANTED_TEXT_H
#define CDCL_TEST_WANTED_TEXT_H

/* What a test of a writer of text needs: `out`, made and released around it, and a look at it. */

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct strbuf out;

static int begin(void **state)
{
	(void)state;
	strbuf_init(&out);
	return 0;
}

static int end(void **state)
{
	(void)state;
	strbuf_release(&out);
	return 0;
}

/* It is empty afterwards. */
static void want_text(const char *text)
{
	strbuf_add_byte(&out, '\0');
	assert_string_equal(out.data, text);
	strbuf_reset(&out);
}

#endif
