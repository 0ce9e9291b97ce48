#include "base/secret.h"

#include "base/json_text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct {
	pthread_mutex_t lock;
	struct str words[secrets_max];
	uint32_t count;
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_known(struct str word)
{
	for (uint32_t i = 0; i < known.count; i++)
		if (str_eq(known.words[i], word))
			return true;
	return false;
}

/* Longer ones first: one may be a part of another. */
static void add_word(struct str word)
{
	if (word.len < secret_bytes_min || known.count == secrets_max || is_known(word))
		return;
	char *copy = malloc(word.len);
	if (copy == NULL)
		return;
	memcpy(copy, word.data, word.len);
	uint32_t at = known.count++;
	for (; at > 0 && known.words[at - 1].len < word.len; at--)
		known.words[at] = known.words[at - 1];
	known.words[at] = (struct str){copy, word.len};
}

/* As it is, and as it stands in JSON. */
static void add_forms(struct str word)
{
	struct strbuf quoted;
	add_word(word);
	strbuf_init(&quoted);
	json_text_string(word, &quoted);
	add_word(str_sub(strbuf_str(&quoted), 1, quoted.len - 2));
	strbuf_release(&quoted);
}

void secret_keep(struct str text)
{
	pthread_mutex_lock(&known.lock);
	add_forms(text);
	for (size_t start = 0, at = 0; memchr(text.data, '\n', text.len) && at <= text.len; at++) {
		if (at < text.len && text.data[at] != '\n')
			continue;
		struct str line = str_sub(text, start, at - start);
		if (line.len >= 16 && line.data[0] != '-')
			add_forms(line);
		start = at + 1;
	}
	pthread_mutex_unlock(&known.lock);
}

bool secret_is_name(struct str name)
{
	static const char *const parts[] = {"password", "passwd", "secret", "token", "credential",
		".pem", "jaas", "oauthbearer.config"};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct str part = str_c(parts[i]);
		for (size_t at = 0; at + part.len <= name.len; at++)
			if (str_eq_fold(str_sub(name, at, part.len), part))
				return true;
	}
	return false;
}

static const struct str *secret_at(struct str text, size_t at)
{
	for (uint32_t i = 0; i < known.count; i++) {
		struct str w = known.words[i];
		if (at + w.len <= text.len && memcmp(text.data + at, w.data, w.len) == 0)
			return &known.words[i];
	}
	return NULL;
}

/* Where a text is looked at by its quotes: what stands behind a backslash ends nothing. */
struct quoting {
	bool only;              /* between them */
	bool inside;
};

/* Past one byte, or two. */
static size_t pass_byte(struct quoting *q, struct str text, size_t at)
{
	if (q->inside && text.data[at] == '\\' && at + 1 < text.len)
		return at + 2;
	q->inside ^= text.data[at] == '"';
	return at + 1;
}

static struct str hidden_in(struct str text, struct quoting q, struct strbuf *into)
{
	size_t taken = 0;
	pthread_mutex_lock(&known.lock);
	for (size_t at = 0; known.count > 0 && at < text.len;) {
		const struct str *word = q.only && !q.inside ? NULL : secret_at(text, at);
		if (word == NULL) {
			at = q.only ? pass_byte(&q, text, at) : at + 1;
			continue;
		}
		strbuf_add(into, str_sub(text, taken, at - taken));
		strbuf_add_c(into, "[secret]");
		taken = at += word->len;
	}
	pthread_mutex_unlock(&known.lock);
	if (taken == 0)
		return text;
	strbuf_add(into, str_sub(text, taken, text.len - taken));
	return strbuf_str(into);
}

struct str secret_hidden(struct str text, struct strbuf *into)
{
	return hidden_in(text, (struct quoting){.only = false}, into);
}

static void hide(struct strbuf *text, struct quoting q)
{
	struct strbuf hidden;
	strbuf_init(&hidden);
	hidden_in(strbuf_str(text), q, &hidden);
	if (hidden.len > 0) {
		struct strbuf old = *text;
		*text = hidden;
		hidden = old;
	}
	strbuf_release(&hidden);
}

void secret_hide(struct strbuf *text)
{
	hide(text, (struct quoting){.only = false});
}

void secret_hide_quoted(struct strbuf *text)
{
	hide(text, (struct quoting){.only = true});
}
