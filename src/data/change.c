#include "data/change.h"

#include "base/check.h"
#include "base/str.h"

static const char *const names[change_op_count] = {
	[CHANGE_UNKNOWN] = "unknown",
	[CHANGE_INSERT] = "insert",
	[CHANGE_UPDATE] = "update",
	[CHANGE_DELETE] = "delete",
	[CHANGE_READ] = "read",
	[CHANGE_UPSERT] = "upsert",
	[CHANGE_TRUNCATE] = "truncate",
	[CHANGE_TOMBSTONE] = "tombstone",
};

const char *change_op_name(enum change_op op)
{
	check(op < change_op_count);
	return names[op];
}

enum change_op change_op_parse(struct str word)
{
	static const struct {
		struct str word;
		enum change_op op;
	} words[] = {
		{str_lit("c"), CHANGE_INSERT},
		{str_lit("u"), CHANGE_UPDATE},
		{str_lit("d"), CHANGE_DELETE},
		{str_lit("r"), CHANGE_READ},
		{str_lit("insert"), CHANGE_INSERT},
		{str_lit("update"), CHANGE_UPDATE},
		{str_lit("delete"), CHANGE_DELETE},
		{str_lit("i"), CHANGE_INSERT},
		{str_lit("create"), CHANGE_INSERT},
		{str_lit("read"), CHANGE_READ},
		{str_lit("snapshot"), CHANGE_READ},
		{str_lit("upsert"), CHANGE_UPSERT},
		{str_lit("t"), CHANGE_TRUNCATE},
		{str_lit("truncate"), CHANGE_TRUNCATE},
	};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (word.len == words[i].word.len && str_eq_fold(word, words[i].word))
			return words[i].op;
	return CHANGE_UNKNOWN;
}

int change_position_cmp(const struct change_position *a, const struct change_position *b)
{
	check(a->known && b->known);
	for (int i = 0; i < change_position_parts; i++)
		if (a->parts[i] != b->parts[i])
			return a->parts[i] < b->parts[i] ? -1 : 1;
	return 0;
}
