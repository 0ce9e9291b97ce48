#include "source/generator.h"

#include "base/check.h"

#include <math.h>
#include <stdlib.h>

enum {
	text_bytes_max = 256,
	recent_max = 64, /* duplicates repeat one of so many */
	late_max = 16, /* held back at a time */
	late_span = 200, /* by at most so many events */
	choices_max = 8
};

struct event {
	uint64_t key_index;
	char key[24];
	char value[text_bytes_max];
	uint32_t key_len;
	uint32_t value_len;
};

struct late_event {
	bool there;
	int64_t due;
	struct event event;
};

/* Zipf by rejection-inversion (Hoermann and Derflinger 1996): no table, constant time. */
struct zipf {
	double exponent;
	double keys;
	double h_low;
	double h_high;
	double squeeze;
};

struct generator {
	struct generate_config config;
	uint64_t random;
	struct zipf zipf;
	uint8_t *lives; /* per key: bit 0 alive, the rest counts versions */
	int64_t made;
	int64_t recent_count;
	bool pending_there; /* made, and a malformed copy of it was sent in its place */
	struct event pending;
	struct event now;
	struct event recent[recent_max];
	struct late_event late[late_max];
};

static const char *const products[] = {
	"Laptop", "Mouse", "Keyboard", "Monitor", "Phone", "Headset", "Camera", "Printer"};
static const char *const firsts[] = {"Alice", "Bob", "Carol", "David", "Erin", "Frank", "Grace",
	"Henry", "Irene", "Jack", "Karen", "Leo", "Maria", "Nina", "Oscar", "Paula"};
static const char *const lasts[] = {"Smith", "Jones", "Brown", "Garcia", "Miller", "Davis",
	"Wilson", "Moore", "Taylor", "Thomas", "White", "Harris", "Clark", "Lewis", "Walker",
	"Young"};

/* splitmix64 */
static uint64_t next_random(struct generator *g)
{
	uint64_t x = (g->random += UINT64_C(0x9e3779b97f4a7c15));
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t random_below(struct generator *g, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)next_random(g) * n) >> 64);
}

static double random_unit(struct generator *g)
{
	return (double)(next_random(g) >> 11) * 0x1p-53;
}

static bool chance(struct generator *g, double fraction)
{
	return fraction > 0 && random_unit(g) < fraction;
}

static double zipf_h(const struct zipf *z, double x)
{
	double one_less = 1 - z->exponent;
	return fabs(one_less) < 1e-9 ? log(x) : (pow(x, one_less) - 1) / one_less;
}

static double zipf_h_inverse(const struct zipf *z, double u)
{
	double one_less = 1 - z->exponent;
	return fabs(one_less) < 1e-9 ? exp(u) : pow(1 + u * one_less, 1 / one_less);
}

static void zipf_init(struct zipf *z, double exponent, double keys)
{
	z->exponent = exponent;
	z->keys = keys;
	z->h_low = zipf_h(z, 1.5) - 1;
	z->h_high = zipf_h(z, keys + 0.5);
	z->squeeze = 2 - zipf_h_inverse(z, zipf_h(z, 2.5) - pow(2, -exponent));
}

static uint64_t zipf_next(struct generator *g)
{
	const struct zipf *z = &g->zipf;
	for (int turn = 0; turn < 1000; turn++) {
		double u = z->h_high + random_unit(g) * (z->h_low - z->h_high);
		double x = zipf_h_inverse(z, u);
		double k = floor(x + 0.5);
		k = k < 1 ? 1 : k > z->keys ? z->keys : k;
		if (k - x <= z->squeeze || u >= zipf_h(z, k + 0.5) - pow(k, -z->exponent))
			return (uint64_t)k - 1;
	}
	return 0;
}

static uint64_t choose_key(struct generator *g)
{
	uint64_t key = 0;
	for (int i = 0; i < choices_max; i++) {
		key = g->config.skew > 0 ? zipf_next(g) : random_below(g, (uint64_t)g->config.keys);
		/* The deleted come back only sometimes. */
		bool deleted = g->lives[key] != 0 && (g->lives[key] & 1) == 0;
		if (!deleted || chance(g, 0.25))
			break;
	}
	return key;
}

/* ---- Text ---- */

static char *put(char *to, const char *text)
{
	size_t len = strlen(text);
	memcpy(to, text, len);
	return to + len;
}

static char *put_lower(char *to, const char *text)
{
	for (; *text != 0; text++)
		*to++ = (char)(*text >= 'A' && *text <= 'Z' ? *text + 32 : *text);
	return to;
}

static char *put_number(char *to, uint64_t n)
{
	char digits[20];
	int count = 0;
	do {
		digits[count++] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	while (count > 0)
		*to++ = digits[--count];
	return to;
}

static uint64_t hash_key(const struct generator *g, uint64_t key)
{
	uint64_t x = key * UINT64_C(0x9e3779b97f4a7c15) + g->config.seed;
	x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return x ^ (x >> 32);
}

static char *put_order(struct generator *g, char *to, uint64_t key, const char *op)
{
	uint64_t quantity = op[0] == 'd' ? 0 : 1 + random_below(g, 9);
	to = put_number(put(to, "{\"order_id\":"), 1001 + key);
	to = put(put(to, ",\"product\":\""), products[hash_key(g, key) % ARRAY_LEN(products)]);
	to = put_number(put(to, "\",\"quantity\":"), quantity);
	return put(put(put(to, ",\"op\":\""), op), "\"}");
}

static char *put_customer(struct generator *g, char *to, uint64_t key, const char *op)
{
	uint64_t hash = hash_key(g, key);
	const char *first = firsts[hash % ARRAY_LEN(firsts)];
	uint32_t version = g->lives[key] >> 1;
	const char *last = version <= 1 ? NULL : lasts[(hash / 16 + version) % ARRAY_LEN(lasts)];
	to = put_number(put(to, "{\"id\":"), 1 + key);
	to = put(put(to, ",\"name\":\""), first);
	if (last != NULL)
		to = put(put(to, " "), last);
	to = put_lower(put(to, "\",\"email\":\""), first);
	if (last != NULL)
		to = put_lower(put(to, "."), last);
	return put(put(put(to, "@example.com\",\"op\":\""), op), "\"}");
}

/* ---- Events ---- */

static const char *live(struct generator *g, uint64_t key)
{
	uint8_t life = g->lives[key];
	bool alive = (life & 1) != 0;
	uint8_t version = (uint8_t)(life >> 1);
	const char *op = !alive ? "insert" : chance(g, 0.12) ? "delete" : "update";
	if (op[0] != 'd')
		version = version == 127 ? 2 : (uint8_t)(version + 1);
	if (op[0] == 'i')
		version = 1;
	g->lives[key] = (uint8_t)(version << 1 | (op[0] != 'd'));
	return op;
}

static void make(struct generator *g, uint64_t key, struct event *e)
{
	bool orders = g->config.kind == GENERATE_ORDERS;
	const char *op = live(g, key);
	e->key_index = key;
	e->key_len = (uint32_t)(put_number(e->key, key + (orders ? 1001 : 1)) - e->key);
	char *end = orders ? put_order(g, e->value, key, op) : put_customer(g, e->value, key, op);
	e->value_len = (uint32_t)(end - e->value);
	check(e->value_len < text_bytes_max);
}

static void break_text(struct generator *g, struct event *e)
{
	switch (random_below(g, 3)) {
	case 0: /* cut */
		e->value_len = 1 + (uint32_t)random_below(g, e->value_len - 1);
		return;
	case 1: /* a quote too few */
		memmove(e->value + 1, e->value + 2, e->value_len - 2);
		e->value_len--;
		return;
	default:
		e->value_len = (uint32_t)(put(e->value, "this is not JSON") - e->value);
	}
}

static struct late_event *late_find(struct generator *g, uint64_t key)
{
	for (int i = 0; i < late_max; i++)
		if (g->late[i].there && g->late[i].event.key_index == key)
			return &g->late[i];
	return NULL;
}

static struct late_event *late_due(struct generator *g)
{
	for (int i = 0; i < late_max; i++)
		if (g->late[i].there && g->late[i].due <= g->made)
			return &g->late[i];
	return NULL;
}

static bool hold_back(struct generator *g, const struct event *e)
{
	for (int i = 0; i < late_max; i++) {
		if (g->late[i].there)
			continue;
		g->late[i].there = true;
		g->late[i].event = *e;
		g->late[i].due = g->made + 1 + (int64_t)random_below(g, late_span);
		return true;
	}
	return false;
}

static void release(struct generator *g, struct late_event *l)
{
	l->there = false;
	g->now = l->event;
}

/* The next event of the story into g->now: one held back that is due, or a new one. */
static void next_event(struct generator *g)
{
	struct late_event *due = late_due(g);
	if (due != NULL) {
		release(g, due);
		return;
	}
	for (int turn = 0; turn < 2 * late_max; turn++) {
		uint64_t key = choose_key(g);
		struct late_event *before = g->config.late > 0 ? late_find(g, key) : NULL;
		if (before != NULL) { /* the order within a key is kept */
			release(g, before);
			return;
		}
		make(g, key, &g->now);
		if (!chance(g, g->config.late) || !hold_back(g, &g->now))
			return;
	}
	check(late_find(g, g->now.key_index) != NULL);
	release(g, late_find(g, g->now.key_index));
}

static void remember(struct generator *g)
{
	if (g->config.duplicates > 0)
		g->recent[g->recent_count++ % recent_max] = g->now;
}

bool generator_next(struct generator *g, struct generated *out)
{
	if (g->config.count > 0 && g->made >= g->config.count)
		return false;
	if (g->pending_there) {
		g->now = g->pending;
		g->pending_there = false;
		remember(g);
	} else if (g->recent_count > 0 && chance(g, g->config.duplicates)) {
		uint64_t held =
			(uint64_t)(g->recent_count < recent_max ? g->recent_count : recent_max);
		g->now = g->recent[random_below(g, held)];
	} else {
		next_event(g);
		if (chance(g, g->config.malformed)) {
			g->pending = g->now;
			g->pending_there = true;
			break_text(g, &g->now);
		} else {
			remember(g);
		}
	}
	g->made++;
	out->key = (struct str){g->now.key, g->now.key_len};
	out->value = (struct str){g->now.value, g->now.value_len};
	return true;
}

struct generate_config generate_config_default(enum generate_kind kind)
{
	return (struct generate_config){.kind = kind, .keys = generator_keys_default, .seed = 1};
}

struct generator *generator_open(const struct generate_config *config)
{
	struct generator *g = calloc(1, sizeof(*g));
	check(g != NULL);
	g->config = *config;
	if (g->config.keys <= 0)
		g->config.keys = generator_keys_default;
	if (g->config.keys > generator_keys_max)
		g->config.keys = generator_keys_max;
	g->random = config->seed * UINT64_C(0xda942042e4dd58b5) + 1;
	g->lives = calloc((size_t)g->config.keys, 1);
	check(g->lives != NULL);
	if (g->config.skew > 0)
		zipf_init(&g->zipf, g->config.skew, (double)g->config.keys);
	return g;
}

void generator_close(struct generator *g)
{
	if (g == NULL)
		return;
	free(g->lives);
	free(g);
}
