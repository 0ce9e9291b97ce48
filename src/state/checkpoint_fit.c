/*
 * How the files of a checkpoint fit the parts that the script has now. Each log has a head with the
 * parts as they were when it began (a snapshot has the parts of the log of its number), so a file
 * is read by its own words, and what later scripts made of them is followed from head to head:
 *
 *	log-7  orders (id int, note string)
 *	log-8  orders (id int)                          note was dropped
 *	the script: orders (id bigint, note string)     the notes of log-7 stay lost
 *
 * A part belongs to its name. Only a group of a Stream has none of its own: it is also known when
 * it alone computes what was computed, or when it alone has the keys. Verdicts say the kept name:
 * by that it is forgotten.
 */

#include "state/checkpoint_part.h"

#include "base/check.h"
#include "base/file.h"
#include "state/group_shape.h"
#include "state/source_lore.h"

/* A part of the script, as the files had it that were looked at so far: from the newest on. */
struct chain {
	bool there;
	struct str name;
	const struct str *shapes;       /* oldest first */
	uint32_t count;
	const struct state_fit *fit;    /* of shapes[0]; NULL: nothing is to convert */
};

const char *state_verdict_name(enum state_verdict verdict)
{
	static const char *const names[] = {[STATE_KEEP] = "keep",
		[STATE_CONVERT] = "convert",
		[STATE_REBUILD] = "rebuild",
		[STATE_NEW] = "new",
		[STATE_REFUSE] = "refuse"};
	check((size_t)verdict < ARRAY_LEN(names));
	return names[verdict];
}

/* ---- heads ---- */

static int read_head(struct checkpoint *c, uint64_t number, struct checkpoint_head *head,
	struct error *err)
{
	struct frame_reader r = {.fd = -1};
	struct frame frame;
	const char *path = checkpoint_path(c, "log", number);
	if (!file_exists(path)) {
		error_set(err, CDCL_E_STATE, "%s: is gone", path);
		return frame_log_lost(err);
	}
	int result = frame_reader_open_first(&r, path, err);
	if (result == 0)
		result = frame_reader_next(&r, &frame, err);
	if (result == 0 || (result == 1 && frame.kind != FRAME_HEAD)) {
		error_set(err, CDCL_E_STATE, "%s: has no head", path);
		result = frame_log_lost(err);
	} else if (result == 1) {
		result = checkpoint_take_head(c, frame.payload, number, path, head, err);
	}
	if (result == 0 && number == c->manifest.newest)
		c->newest_head = str_dup(frame.payload, &c->arena);
	frame_reader_close(&r);
	return result;
}

int checkpoint_newest_head(struct checkpoint *c, struct checkpoint_head *head, struct error *err)
{
	return read_head(c, c->manifest.newest, head, err);
}

static bool is_group(struct str name)
{
	return str_starts(name, str_lit("group "));
}

/* What decoders have learned belongs to none of the script's steps, and may come and go. */
static bool is_learned(struct str name)
{
	return str_eq(name, source_lore_name);
}

static bool has_name(const struct chain *chains, uint32_t count, struct str name)
{
	for (uint32_t i = 0; i < count; i++)
		if (chains[i].there && str_eq(chains[i].name, name))
			return true;
	return false;
}

static bool head_has(const struct checkpoint_head *head, struct str name)
{
	for (uint32_t i = 0; i < head->part_count; i++)
		if (str_eq(head->names[i], name))
			return true;
	return false;
}

/* The only group on both sides that has no name there, and these keys; -1: there is none. */
static int find_by_keys(const struct chain *chains, uint32_t count, const struct chain *chain,
	const struct checkpoint_head *head)
{
	int found = -1;
	for (uint32_t i = 0; i < count; i++)
		if (&chains[i] != chain && chains[i].there && is_group(chains[i].name) &&
			!head_has(head, chains[i].name) &&
			group_shape_same_keys(chains[i].shapes[0], chain->shapes[0]))
			return -1;
	for (uint32_t i = 0; i < head->part_count; i++) {
		if (!is_group(head->names[i]) || has_name(chains, count, head->names[i]) ||
			!group_shape_same_keys(head->shapes[i], chain->shapes[0]))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

/* Which part of the head it is; -1: none. */
static int find_part(const struct chain *chains, uint32_t count, const struct chain *chain,
	const struct checkpoint_head *head)
{
	int found = -1;
	for (uint32_t i = 0; i < head->part_count; i++)
		if (str_eq(head->names[i], chain->name))
			return (int)i;
	for (uint32_t i = 0; i < head->part_count && is_group(chain->name); i++) {
		if (!is_group(head->names[i]) || has_name(chains, count, head->names[i]) ||
			!str_eq(head->shapes[i], chain->shapes[0]))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found >= 0 || !is_group(chain->name) ? found
						    : find_by_keys(chains, count, chain, head);
}

/* ---- verdicts ---- */

static void add_verdict(struct checkpoint *c, struct str name, enum state_verdict verdict,
	struct str why)
{
	struct checkpoint_verdict *v = (struct checkpoint_verdict *)c->found.verdicts;
	v[c->found.verdict_count++] =
		(struct checkpoint_verdict){name, verdict, str_dup(why, &c->arena)};
}

static void judge_part(struct checkpoint *c, uint32_t part, struct chain *chain,
	const struct checkpoint_head *head, int at)
{
	const struct state_part *p = c->parts[part];
	struct strbuf why;
	strbuf_init(&why);
	enum state_verdict verdict = STATE_KEEP;
	struct str shape = head->shapes[at];
	if (!str_eq(shape, p->shape) && p->ops->fit != NULL)
		verdict = p->ops->fit(p, &shape, 1, &c->arena, &chain->fit, &why);
	else if (!str_eq(shape, p->shape)) {
		verdict = STATE_REFUSE;
		strbuf_addf(&why, "kept is (" STR_FMT "), the script has (" STR_FMT ")",
			STR_ARG(shape), STR_ARG(p->shape));
	} else if (!str_eq(p->name, head->names[at])) {
		strbuf_addf(&why, "only its columns have other names: " STR_FMT, STR_ARG(p->name));
	}
	add_verdict(c, head->names[at], verdict, strbuf_str(&why));
	strbuf_release(&why);
}

static struct str why_gone(struct str name)
{
	return is_group(name) ? str_lit("is in the checkpoint, but not in the script; what it "
					"counted is gone, so keys and calls of a group of a "
					"Stream must stay")
			      : str_lit("is in the checkpoint, but not in the script");
}

static struct chain *judge_newest(struct checkpoint *c, const struct checkpoint_head *head)
{
	struct chain *chains = ARENA_ARRAY(&c->arena, struct chain, c->part_count + 1);
	bool *taken = ARENA_ARRAY(&c->arena, bool, head->part_count + 1);
	memset(taken, 0, head->part_count);
	c->found.verdicts = ARENA_ARRAY(&c->arena, struct checkpoint_verdict,
		c->part_count + head->part_count + 1);
	c->found.verdict_count = 0;
	for (uint32_t i = 0; i < c->part_count; i++)
		chains[i] = (struct chain){
			true, c->parts[i]->name, &c->parts[i]->shape, 1, NULL};
	for (uint32_t i = 0; i < c->part_count; i++) {
		int at = find_part(chains, c->part_count, &chains[i], head);
		if (at < 0 || taken[at]) {
			chains[i].there = false;
			if (!is_learned(c->parts[i]->name))
				add_verdict(c, c->parts[i]->name, STATE_NEW,
					str_lit("begins empty; of sources that go on it sees only "
						"what comes now"));
			continue;
		}
		taken[at] = true;
		judge_part(c, i, &chains[i], head, at);
	}
	for (uint32_t i = 0; i < head->part_count; i++)
		if (!taken[i] && !is_learned(head->names[i]))
			add_verdict(c, head->names[i], STATE_REFUSE, why_gone(head->names[i]));
	return chains;
}

/* ---- the files ---- */

static bool extend(struct checkpoint *c, const struct state_part *p, struct chain *chain,
	struct str shape, struct error *err)
{
	if (str_eq(shape, chain->shapes[0]))
		return true;
	struct str *shapes = ARENA_ARRAY(&c->arena, struct str, chain->count + 1);
	shapes[0] = shape;
	/* the last one is the script's own, which fit knows */
	memcpy(shapes + 1, chain->shapes, chain->count * sizeof(*shapes));
	chain->shapes = shapes;
	chain->count++;
	struct strbuf why;
	strbuf_init(&why);
	bool good = p->ops->fit != NULL &&
		p->ops->fit(p, shapes, chain->count - 1, &c->arena, &chain->fit, &why) !=
			STATE_REFUSE;
	if (!good)
		error_set(err, CDCL_E_STATE, STR_FMT ": " STR_FMT, STR_ARG(p->name),
			STR_ARG(strbuf_str(&why)));
	strbuf_release(&why);
	return good;
}

static int map_file(struct checkpoint *c, struct chain *chains,
	const struct checkpoint_head *head, struct checkpoint_map *map, struct error *err)
{
	*map = (struct checkpoint_map){.count = head->part_count};
	map->part_of = ARENA_ARRAY(&c->arena, uint32_t, head->part_count + 1);
	map->fits = ARENA_ARRAY(&c->arena, const struct state_fit *, head->part_count + 1);
	for (uint32_t i = 0; i < head->part_count; i++)
		map->part_of[i] = checkpoint_no_part;
	for (uint32_t i = 0; i < c->part_count; i++) {
		struct chain *chain = &chains[i];
		int at = chain->there ? find_part(chains, c->part_count, chain, head) : -1;
		chain->there = at >= 0;
		if (at < 0)
			continue;
		chain->name = head->names[at];
		if (!extend(c, c->parts[i], chain, head->shapes[at], err))
			return -(int)CDCL_E_STATE;
		map->part_of[at] = i;
		map->fits[at] = chain->fit;
	}
	return 0;
}

int checkpoint_refuse(const char *folder, const struct checkpoint_verdict *verdicts, uint32_t count,
	struct error *err)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct checkpoint_verdict *v = &verdicts[i];
		if (v->verdict != STATE_REFUSE)
			continue;
		error_set(err, CDCL_E_STATE, "%s: " STR_FMT ": " STR_FMT, folder,
			STR_ARG(v->name), STR_ARG(v->why));
		error_help(err,
			"change the script back (a renamed step: its old name); or let the state "
			"go: cdcl state forget %s '" STR_FMT "'",
			folder, STR_ARG(v->name));
		return -(int)CDCL_E_STATE;
	}
	return 0;
}

static void note_sources(struct checkpoint *c, const struct checkpoint_head *head)
{
	c->found.sources = head->sources;
	c->found.source_count = head->source_count;
	c->found.format = head->version;
	c->found.plan = head->plan;
}

int checkpoint_judge(struct checkpoint *c, struct error *err)
{
	struct checkpoint_head head;
	int r = read_head(c, c->manifest.newest, &head, err);
	if (r < 0)
		return r;
	note_sources(c, &head);
	judge_newest(c, &head);
	return 0;
}

int checkpoint_fit(struct checkpoint *c, uint64_t first, struct error *err)
{
	uint64_t newest = c->manifest.newest;
	struct chain *chains = NULL;
	if (newest - first >= checkpoint_logs_max)
		return error_set(err, CDCL_E_STATE, "%s: more than %d logs", c->folder,
			checkpoint_logs_max);
	c->maps = ARENA_ARRAY(&c->arena, struct checkpoint_map, newest - first + 1);
	c->maps_first = first;
	int r = 0;
	for (uint64_t n = newest + 1; n-- > first && r == 0;) {
		struct checkpoint_head head;
		r = read_head(c, n, &head, err);
		if (r == 0 && n == newest) {
			note_sources(c, &head);
			chains = judge_newest(c, &head);
			r = checkpoint_refuse(
				c->folder, c->found.verdicts, c->found.verdict_count, err);
		}
		if (r == 0)
			r = map_file(c, chains, &head, &c->maps[n - first], err);
	}
	return r;
}
