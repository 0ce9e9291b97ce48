/* guarantee: G12: * */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/secret.h"

static void check_hidden(const char *text, const char *wanted)
{
	struct strbuf into;
	strbuf_init(&into);
	struct str got = secret_hidden(str_c(text), &into);
	if (!str_eq(got, str_c(wanted)))
		fail_msg("%s gives " STR_FMT ", not %s", text, STR_ARG(got), wanted);
	strbuf_reset(&into);
	strbuf_add_c(&into, text);
	secret_hide(&into);
	assert_true(str_eq(strbuf_str(&into), str_c(wanted)));
	strbuf_release(&into);
}

static void words_are_replaced(void **state)
{
	(void)state;
	check_hidden("nothing is known", "nothing is known");
	secret_keep(str_lit("hunter2hunter"));
	secret_keep(str_lit("hunter2"));
	secret_keep(str_lit("hunter2"));
	check_hidden("hunter2", "[secret]");
	check_hidden("a hunter2hunter2hunter b", "a [secret]2hunter b");
	check_hidden("hunter2hunter2", "[secret]2");
	check_hidden("hunter", "hunter");
	check_hidden("", "");
}

static void short_ones_are_not_kept(void **state)
{
	(void)state;
	secret_keep(str_lit("admin"));
	secret_keep(str_lit(""));
	check_hidden("admin", "admin");
}

static void as_json_too(void **state)
{
	(void)state;
	secret_keep(str_lit("quo\"te\\d\x01"));
	check_hidden("{\"a\":\"quo\\\"te\\\\d\\u0001\"}", "{\"a\":\"[secret]\"}");
	check_hidden("quo\"te\\d\x01", "[secret]");
}

/* A number that is somebody's password, and a quote inside of quotes. */
static void only_between_quotes(void **state)
{
	(void)state;
	static const char *const texts[][2] = {
		{"{\"rows\":271828,\"of\":\"271828\"}", "{\"rows\":271828,\"of\":\"[secret]\"}"},
		{"rows{of=\"x271828\"} 271828\n", "rows{of=\"x[secret]\"} 271828\n"},
		{"\"a\\\"271828\" 271828", "\"a\\\"[secret]\" 271828"},
		{"\"a\\\\\" 271828 \"271828\\", "\"a\\\\\" 271828 \"[secret]\\"},
		{"271828", "271828"},
		{"", ""},
	};
	secret_keep(str_lit("271828"));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct strbuf text;
		strbuf_init(&text);
		strbuf_add_c(&text, texts[i][0]);
		secret_hide_quoted(&text);
		if (!str_eq(strbuf_str(&text), str_c(texts[i][1])))
			fail_msg("%s gives " STR_FMT, texts[i][0], STR_ARG(strbuf_str(&text)));
		strbuf_release(&text);
	}
}

static void lines_of_a_key(void **state)
{
	(void)state;
	secret_keep(str_lit("-----BEGIN KEY-----\nMIIEvQIBADANBgkqh\n"
			    "kiG9w0BAQEFAASCBK\n-----END KEY-----"));
	check_hidden("kiG9w0BAQEFAASCBK", "[secret]");
	check_hidden("-----BEGIN KEY-----", "-----BEGIN KEY-----");
}

static void there_is_a_bound(void **state)
{
	(void)state;
	for (int i = 0; i < secrets_max * 2; i++) {
		char word[32];
		snprintf(word, sizeof(word), "secret number %d", i);
		secret_keep(str_c(word));
	}
	check_hidden("hunter2", "[secret]");
}

static void names(void **state)
{
	(void)state;
	assert_true(secret_is_name(str_lit("sasl.password")));
	assert_true(secret_is_name(str_lit("ssl.key.pem")));
	assert_true(secret_is_name(str_lit("MY_API_TOKEN")));
	assert_false(secret_is_name(str_lit("sasl.username")));
	assert_false(secret_is_name(str_lit("HOME")));
	assert_false(secret_is_name(str_lit("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_replaced),
		cmocka_unit_test(short_ones_are_not_kept),
		cmocka_unit_test(as_json_too),
		cmocka_unit_test(only_between_quotes),
		cmocka_unit_test(lines_of_a_key),
		cmocka_unit_test(there_is_a_bound),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
