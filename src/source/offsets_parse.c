#include "source/offsets_parse.h"

#include "base/bounds.h"
#include "data/value.h"

struct reader {
	struct str text;
	size_t at;
	struct arena *arena;
	struct starting_offsets *out;
	uint32_t capacity;
	struct error *err;
};

static int bad(struct reader *r, const char *wanted)
{
	return error_set(r->err, CDCL_E_USAGE,
		"starting offsets \"" STR_FMT "\": expected %s at byte %zu", STR_ARG(r->text),
		wanted, r->at + 1);
}

static void skip_space(struct reader *r)
{
	while (r->at < r->text.len && strchr(" \t\r\n", r->text.data[r->at]) != NULL)
		r->at++;
}

static bool take(struct reader *r, char c)
{
	skip_space(r);
	if (r->at == r->text.len || r->text.data[r->at] != c)
		return false;
	r->at++;
	return true;
}

/* Bytes up to one of `ends`, trimmed. */
static struct str take_until(struct reader *r, const char *ends)
{
	size_t start = r->at;
	while (r->at < r->text.len && strchr(ends, r->text.data[r->at]) == NULL)
		r->at++;
	return str_trim(str_sub(r->text, start, r->at - start));
}

static int add(struct reader *r, struct str topic, struct str partition, struct str offset)
{
	int64_t p = 0;
	int64_t o = 0;
	if (!int64_parse(partition, &p) || p < 0 || p > INT32_MAX)
		return bad(r, "a partition number");
	if (str_eq(offset, str_lit("latest")))
		o = offset_latest;
	else if (str_eq(offset, str_lit("earliest")))
		o = offset_earliest;
	else if (!int64_parse(offset, &o) || o < offset_earliest)
		return bad(r, "an offset, \"earliest\" or \"latest\"");
	struct starting_offsets *out = r->out;
	if (out->explicit_count == offsets_explicit_max)
		return error_set(r->err, CDCL_E_USAGE, "more than %d starting offsets",
			offsets_explicit_max);
	if (out->explicit_count == r->capacity) {
		uint32_t more = r->capacity == 0 ? 16 : 2 * r->capacity;
		struct partition_offset *list =
			ARENA_ARRAY(r->arena, struct partition_offset, more);
		if (r->capacity > 0)
			memcpy(list, out->explicit_offsets, sizeof(*list) * r->capacity);
		out->explicit_offsets = list;
		r->capacity = more;
	}
	out->explicit_offsets[out->explicit_count++] =
		(struct partition_offset){.topic = topic, .partition = (int32_t)p, .offset = o};
	return 0;
}

static int read_quoted(struct reader *r, struct str *out)
{
	if (!take(r, '"'))
		return bad(r, "'\"'");
	*out = take_until(r, "\"\\");
	return take(r, '"') ? 0 : bad(r, "'\"'");
}

static int read_json_partitions(struct reader *r, struct str topic)
{
	if (!take(r, '{'))
		return bad(r, "'{'");
	if (take(r, '}'))
		return 0;
	do {
		struct str partition;
		int result = read_quoted(r, &partition);
		if (result < 0)
			return result;
		if (!take(r, ':'))
			return bad(r, "':'");
		skip_space(r);
		result = add(r, topic, partition, take_until(r, ",}"));
		if (result < 0)
			return result;
	} while (take(r, ','));
	return take(r, '}') ? 0 : bad(r, "',' or '}'");
}

static int read_json(struct reader *r)
{
	take(r, '{');
	do {
		struct str topic;
		int result = read_quoted(r, &topic);
		if (result < 0)
			return result;
		if (!take(r, ':'))
			return bad(r, "':'");
		result = read_json_partitions(r, str_dup(topic, r->arena));
		if (result < 0)
			return result;
	} while (take(r, ','));
	if (!take(r, '}'))
		return bad(r, "',' or '}'");
	skip_space(r);
	return r->at == r->text.len ? 0 : bad(r, "the end");
}

/* orders_cdc:0=5,1=earliest;customers_cdc:0=7 */
static int read_plain(struct reader *r)
{
	do {
		struct str topic = take_until(r, ":");
		if (topic.len == 0)
			return bad(r, "a topic");
		topic = str_dup(topic, r->arena);
		if (!take(r, ':'))
			return bad(r, "':'");
		do {
			struct str partition = take_until(r, "=,;");
			if (!take(r, '='))
				return bad(r, "'='");
			int result = add(r, topic, partition, take_until(r, ",;"));
			if (result < 0)
				return result;
		} while (take(r, ','));
	} while (take(r, ';'));
	return r->at == r->text.len ? 0 : bad(r, "the end");
}

int starting_offsets_parse(struct str text, const struct timezone *tz, const struct clock *clock,
	struct arena *arena, struct starting_offsets *out, struct error *err)
{
	*out = (struct starting_offsets){.kind = OFFSETS_EXPLICIT, .given = true};
	text = str_trim(text);
	struct reader r = {.text = text, .arena = arena, .out = out, .err = err};
	if (str_eq_fold(text, str_lit("latest"))) {
		out->kind = OFFSETS_LATEST;
		return 0;
	}
	if (str_eq_fold(text, str_lit("earliest"))) {
		out->kind = OFFSETS_EARLIEST;
		return 0;
	}
	if (text.len > 0 && text.data[0] == '{')
		return read_json(&r);
	if (timestamp_parse(text, tz, clock_wall_us(clock), &out->timestamp_us)) {
		out->kind = OFFSETS_TIMESTAMP;
		return 0;
	}
	if (memchr(text.data == NULL ? "" : text.data, '=', text.len) != NULL)
		return read_plain(&r);
	error_set(err, CDCL_E_USAGE, "\"" STR_FMT "\" says no place to start from", STR_ARG(text));
	error_help(err, "write earliest, latest, a time (\"2024-01-01 00:00:00\") or "
			"\"topic:0=5,1=earliest\"");
	return -(int)CDCL_E_USAGE;
}
