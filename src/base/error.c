#include "cdcl/error.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

static const struct {
	enum error_code code;
	int exit_code;
	const char *text;
} codes[] = {
#define CDCL_ERROR_ROW(code, exit_code, text) {code, exit_code, text},
	CDCL_ERROR_CODES(CDCL_ERROR_ROW)
#undef CDCL_ERROR_ROW
};

/* A text that was cut ends in "...", at the beginning of a character. */
static void mark_cut(char *text, size_t room, int wanted)
{
	if (wanted < 0 || (size_t)wanted < room) {
		return;
	}
	size_t at = room - 4;
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80) {
		at--;
	}
	memcpy(text + at, "...", 4);
}

static void format_text(char *text, size_t room, const char *format, va_list args)
{
	mark_cut(text, room, vsnprintf(text, room, format, args));
}

void error_init(struct error *err)
{
	err->code = CDCL_OK;
	err->text[0] = err->place[0] = err->source_line[0] = err->help[0] = '\0';
	err->caret_start = -1;
	err->caret_len = 0;
}

int error_set(struct error *err, enum error_code code, const char *format, ...)
{
	if (err == NULL) {
		return -(int)code;
	}
	/* The text first: an argument may point into *err. */
	char text[error_text_bytes];
	va_list args;
	va_start(args, format);
	format_text(text, sizeof text, format, args);
	va_end(args);
	error_init(err);
	err->code = code;
	memcpy(err->text, text, strlen(text) + 1);
	return -(int)code;
}

int error_prefix(struct error *err, const char *format, ...)
{
	if (err == NULL) {
		return -(int)CDCL_E_INTERNAL;
	}
	char text[error_text_bytes];
	va_list args;
	va_start(args, format);
	format_text(text, sizeof text, format, args);
	va_end(args);
	size_t prefix = strlen(text), old = strlen(err->text);
	size_t kept = old < sizeof text - 1 - prefix ? old : sizeof text - 1 - prefix;
	memcpy(text + prefix, err->text, kept);
	text[prefix + kept] = '\0';
	mark_cut(text, sizeof text, (int)(prefix + old));
	memcpy(err->text, text, strlen(text) + 1);
	return -(int)err->code;
}

int error_at(struct error *err, const char *format, ...)
{
	if (err == NULL) {
		return -(int)CDCL_E_INTERNAL;
	}
	if (err->place[0] == '\0') {
		va_list args;
		va_start(args, format);
		format_text(err->place, sizeof err->place, format, args);
		va_end(args);
	}
	return -(int)err->code;
}

void error_help(struct error *err, const char *format, ...)
{
	if (err == NULL) {
		return;
	}
	va_list args;
	va_start(args, format);
	format_text(err->help, sizeof err->help, format, args);
	va_end(args);
}

int error_exit_code(enum error_code code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (codes[i].code == code) {
			return codes[i].exit_code;
		}
	}
	return code == CDCL_OK ? 0 : 1;
}

const char *error_code_text(enum error_code code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (codes[i].code == code) {
			return codes[i].text;
		}
	}
	return code == CDCL_OK ? "no error" : "unknown error";
}
