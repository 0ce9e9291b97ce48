#include "base/log_repeat.h"

#include <stddef.h>
#include <string.h>

static const int64_t window_us = log_repeat_window_s * INT64_C(1000000);

static void take_hidden(struct log_class *c, struct log_hidden *told)
{
	*told = (struct log_hidden){.area = c->area, .level = c->level, .count = c->hidden};
	memcpy(told->like, c->like, sizeof(told->like));
	c->hidden = 0;
}

/* Not cut within a character. */
static void keep_like(struct log_class *c, struct str text)
{
	size_t len = text.len < log_like_bytes ? text.len : log_like_bytes - 1;
	while (len > 0 && len < text.len && ((unsigned char)text.data[len] & 0xc0) == 0x80)
		len--;
	memcpy(c->like, text.data, len);
	c->like[len] = '\0';
}

/* Its place; else a free one; else that of the quietest. */
static struct log_class *place_of(struct log_repeat *r, uint64_t hash)
{
	struct log_class *best = NULL;
	for (int i = 0; i < log_repeat_classes_max; i++) {
		struct log_class *c = &r->classes[i];
		if (c->hash == hash)
			return c;
		bool better = best == NULL || c->hash == 0 || c->last_us < best->last_us;
		if (better && (best == NULL || best->hash != 0))
			best = c;
	}
	return best;
}

bool log_repeat_show(struct log_repeat *r, uint64_t hash, const char *area, int level,
	struct str text, int64_t now_us, struct log_hidden *told)
{
	hash = hash == 0 ? 1 : hash;
	told->count = 0;
	struct log_class *c = place_of(r, hash);
	if (c->hash != hash || now_us - c->since_us >= window_us) {
		if (c->hash != 0)
			take_hidden(c, told);
		*c = (struct log_class){
			.hash = hash, .since_us = now_us, .area = area, .level = level};
	}
	c->last_us = now_us;
	if (c->shown < log_repeat_max) {
		c->shown++;
		keep_like(c, text);
		return true;
	}
	c->hidden++;
	return false;
}

bool log_repeat_next(struct log_repeat *r, int64_t now_us, bool all, struct log_hidden *told)
{
	for (int i = 0; i < log_repeat_classes_max; i++) {
		struct log_class *c = &r->classes[i];
		if (c->hash == 0 || c->hidden == 0 ||
			(!all && now_us - c->since_us < window_us))
			continue;
		take_hidden(c, told);
		return true;
	}
	return false;
}
