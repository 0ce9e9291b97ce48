#include "cli/starter.h"

enum { ddl_line_max = 70 };

/* ---- pieces of Lua ---- */

static void add_quoted(struct strbuf *out, struct str s)
{
	strbuf_add_byte(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			strbuf_addf(out, "\\%03d", c);
		else
			strbuf_add_byte(out, (char)c);
	}
	strbuf_add_byte(out, '"');
}

/* Text from outside in a comment stays on its line. */
static void add_comment(struct strbuf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		strbuf_add_byte(out, (unsigned char)s.data[i] < 0x20 ? '?' : s.data[i]);
}

static void add_field(struct strbuf *out, const char *name, struct str value)
{
	strbuf_addf(out, "\t%s = ", name);
	add_quoted(out, value);
	strbuf_add_c(out, ",\n");
}

/* Short columns on one line, many on several. */
static void add_schema(struct strbuf *out, const struct schema *schema)
{
	struct strbuf ddl;
	strbuf_init(&ddl);
	schema_text(schema, &ddl);
	if (ddl.len <= ddl_line_max) {
		add_field(out, "schema", strbuf_str(&ddl));
		strbuf_release(&ddl);
		return;
	}
	for (uint32_t i = 0; i < schema->column_count; i++) {
		struct schema one = {.column_count = 1, .columns = &schema->columns[i]};
		strbuf_reset(&ddl);
		schema_text(&one, &ddl);
		if (i + 1 < schema->column_count)
			strbuf_add_c(&ddl, ", ");
		strbuf_add_c(out, i == 0 ? "\tschema = " : "\n\t\t.. ");
		add_quoted(out, strbuf_str(&ddl));
	}
	strbuf_add_c(out, ",\n");
	strbuf_release(&ddl);
}

/* "orders" of "in/orders.jsonl.gz", "shop.public.orders" or "in/2024.jsonl": a name for the job. */
static void add_name(const struct starter *s, struct strbuf *out)
{
	struct str from = s->source.kind == SOURCE_KAFKA ? s->source.kafka.topics[0]
		: s->source.file.topic_count > 0         ? s->source.file.topics[0]
							 : s->source.file.path;
	if (s->sample.table.len > 0)
		from = s->sample.table;
	size_t start = from.len, before = out->len;
	while (start > 0 && from.data[start - 1] != '/')
		start--;
	for (size_t i = start; i < from.len; i++) {
		char c = from.data[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '_';
		if (c == '.' && s->source.kind != SOURCE_KAFKA && s->source.file.topic_count == 0)
			break;
		strbuf_add_byte(out, plain ? c : '_');
	}
	if (out->len == before)
		strbuf_add_c(out, "job");
}

/* ---- comments ---- */

static void tell_messages(const struct envelope_sample *m, struct strbuf *out)
{
	const struct {
		int64_t count;
		const char *what;
	} parts[] = {
		{m->rows, "with rows"},
		{m->tombstones, "tombstones"},
		{m->control, "heartbeats, transaction marks or DDL"},
		{m->others, "of another envelope or table"},
		{m->unreadable, "that are no JSON object"},
	};
	strbuf_addf(out, "%lld messages looked at", (long long)m->messages);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].count > 0)
			strbuf_addf(out, ", %lld %s", (long long)parts[i].count, parts[i].what);
	strbuf_add_byte(out, '\n');
}

static void add_keys(const struct envelope_sample *m, struct strbuf *out)
{
	struct schema_column columns[32];
	struct strbuf one;
	strbuf_init(&one);
	for (uint32_t i = 0; i < m->key_count; i++) {
		columns[i] = (struct schema_column){m->key_columns[i], {.id = TYPE_INT}};
		struct schema s = {.column_count = 1, .columns = &columns[i]};
		strbuf_reset(&one);
		schema_text(&s, &one); /* quotes the name where that is needed; then " int" */
		strbuf_add_c(out, i > 0 ? ", " : "");
		strbuf_add(out, str_sub(strbuf_str(&one), 0, one.len - strlen(" int")));
	}
	strbuf_release(&one);
}

static void tell_found(const struct starter *s, struct strbuf *out)
{
	const struct envelope_sample *m = &s->sample;
	strbuf_add_c(out, "-- ");
	add_comment(out,
		s->source.kind == SOURCE_KAFKA ? s->source.kafka.topics[0] : s->source.file.path);
	strbuf_addf(out, ": %s%s; ", envelope_name(m->kind),
		m->unwrapped ? " (unwrapped rows)" : "");
	tell_messages(m, out);
	if (s->others.len > 0) {
		strbuf_add_c(out, "-- other topics in it (cdcl sniff --topic): ");
		add_comment(out, strbuf_str(&s->others));
		strbuf_add_byte(out, '\n');
	}
	if (m->schema_in_message) {
		struct strbuf ddl;
		strbuf_init(&ddl);
		schema_text(m->schema, &ddl);
		strbuf_add_c(out, "-- the messages say their columns: ");
		add_comment(out, strbuf_str(&ddl));
		strbuf_add_byte(out, '\n');
		strbuf_release(&ddl);
	} else if (m->kind == ENVELOPE_FLAT || m->kind == ENVELOPE_MAXWELL) {
		strbuf_add_c(out,
			"-- types are inferred from the values: a double may be a decimal\n");
	} else if (m->kind != ENVELOPE_CANAL) {
		strbuf_add_c(out,
			"-- types are inferred from the values; say which columns are "
			"decimal(p,s), date, timestamp or binary\n");
	}
	strbuf_add_c(out, m->key_count > 0 ? "-- key: " : "");
	add_keys(m, out);
	strbuf_add_c(out, m->key_count > 0 ? "\n" : "");
}

/* ---- the script ---- */

static void add_source(const struct starter *s, struct strbuf *out)
{
	const struct envelope_sample *m = &s->sample;
	static const char *const nouns[] = {
		[SOURCE_KAFKA] = "kafka", [SOURCE_FILE] = "file", [SOURCE_STDIN] = "stdin"};
	strbuf_addf(out, "local changes = cdcl.%s {\n", nouns[s->source.kind]);
	if (s->source.kind == SOURCE_KAFKA) {
		add_field(out, "topic", s->source.kafka.topics[0]);
		if (s->given_brokers.data != NULL)
			add_field(out, "brokers", s->given_brokers);
		add_field(out, "starting_offsets", str_lit("earliest"));
	} else {
		if (s->source.kind == SOURCE_FILE)
			add_field(out, "path", s->source.file.path);
		if (s->source.file.format == FILE_RECORDS) {
			add_field(out, "format", str_lit("records"));
			add_field(out, "topic", s->source.file.topics[0]);
		}
	}
	if (m->schema_in_message)
		add_field(out, "schema", str_lit("auto"));
	else
		add_schema(out, m->schema);
	if (m->kind != ENVELOPE_FLAT)
		add_field(out, "envelope", str_c(envelope_name(m->kind)));
	if (m->table_count > 1)
		add_field(out, "table", m->table);
	strbuf_add_c(out, "}\n\n");
}

static void add_merge(const struct starter *s, struct strbuf *out)
{
	const struct envelope_sample *m = &s->sample;
	struct strbuf text;
	strbuf_init(&text);
	strbuf_add_c(out, "local current = changes:merge {\n");
	add_name(s, &text);
	add_field(out, "name", strbuf_str(&text));
	strbuf_reset(&text);
	add_keys(m, &text);
	add_field(out, "key", strbuf_str(&text));
	if (m->op_column.data != NULL && !str_eq(m->op_column, str_lit("op")))
		add_field(out, "op", m->op_column);
	strbuf_add_c(out, "}\n\ncurrent:to(cdcl.console { output_mode = \"update\" })\n");
	strbuf_release(&text);
}

void starter_text(const struct starter *s, struct strbuf *out)
{
	tell_found(s, out);
	strbuf_add_c(out, "local cdcl = require \"cdcl\"\ncdcl.job { name = \"");
	add_name(s, out);
	strbuf_add_c(out, "\" }\n\n");
	add_source(s, out);
	if (s->sample.key_count > 0) {
		add_merge(s, out);
		return;
	}
	strbuf_add_c(out,
		"-- The messages do not say their key. When you know it, this keeps the current "
		"rows:\n--   changes:merge { name = \"current\", key = \"...\" }\n"
		"--     :to(cdcl.console { output_mode = \"update\" })\n"
		"changes:to(cdcl.console {})\n");
}
