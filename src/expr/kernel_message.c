/* What is known of the message a row came from, and looking into json. */

#include "expr/kernels.h"

#include "base/check.h"
#include "data/change.h"

/* Rows of chunks that come from no message have NULL. */
static bool has_messages(const struct run *run, struct vector *out)
{
	if (run->in != NULL && run->in->messages != NULL)
		return true;
	memset(out->column.nulls, 0xFF, sizeof(out->column.nulls));
	return false;
}

static void put_str(struct vector *out, uint32_t row, struct str s)
{
	((struct str *)out->column.data)[row] = s;
	if (s.data == NULL)
		bit_set(out->column.nulls, row);
}

void kernel_topic(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	(void)args;
	if (has_messages(run, out))
		for (uint32_t i = 0; i < run->rows; i++)
			put_str(out, i, run->in->messages->topic[chunk_message(run->in, i)]);
}

void kernel_key(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	(void)args;
	if (has_messages(run, out))
		for (uint32_t i = 0; i < run->rows; i++)
			put_str(out, i, run->in->messages->key[chunk_message(run->in, i)]);
}

void kernel_value(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	(void)args;
	if (has_messages(run, out))
		for (uint32_t i = 0; i < run->rows; i++)
			put_str(out, i, run->in->messages->value[chunk_message(run->in, i)]);
}

void kernel_partition(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	int32_t *r = out->column.data;
	(void)e;
	(void)args;
	if (has_messages(run, out))
		for (uint32_t i = 0; i < run->rows; i++)
			r[i] = run->in->messages->partition[chunk_message(run->in, i)];
}

void kernel_offset(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	int64_t *r = out->column.data;
	(void)e;
	(void)args;
	if (has_messages(run, out))
		for (uint32_t i = 0; i < run->rows; i++)
			r[i] = run->in->messages->offset[chunk_message(run->in, i)];
}

void kernel_timestamp(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	int64_t *r = out->column.data;
	(void)e;
	(void)args;
	if (!has_messages(run, out))
		return;
	for (uint32_t i = 0; i < run->rows; i++) {
		r[i] = run->in->messages->timestamp_us[chunk_message(run->in, i)];
		if (r[i] == -1)
			bit_set(out->column.nulls, i);
	}
}

/*
 * [{"key":"k","value":"v"}, ...]: names may repeat, so no object. NULL when there are none, as in
 * Spark.
 */
static struct str headers_json(
	const struct message_header *headers, uint32_t count, struct arena *arena)
{
	struct strbuf s;
	strbuf_init(&s);
	strbuf_add_byte(&s, '[');
	for (uint32_t k = 0; k < count; k++) {
		strbuf_add_c(&s, k == 0 ? "{\"key\":" : ",{\"key\":");
		json_text_string(headers[k].name, &s);
		strbuf_add_c(&s, ",\"value\":");
		if (headers[k].value.data == NULL)
			strbuf_add_c(&s, "null");
		else
			json_text_string(headers[k].value, &s);
		strbuf_add_byte(&s, '}');
	}
	strbuf_add_byte(&s, ']');
	struct str copy = str_dup(strbuf_str(&s), arena);
	strbuf_release(&s);
	return copy;
}

void kernel_headers(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	struct str *r = out->column.data;
	(void)e;
	(void)args;
	if (!has_messages(run, out))
		return;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run->live[w];
		for (uint32_t i; next_row(&bits, w, &i);) {
			uint32_t m = chunk_message(run->in, i);
			uint32_t count = run->in->messages->header_count[m];
			if (count == 0)
				bit_set(out->column.nulls, i);
			else
				r[i] = headers_json(
					run->in->messages->headers[m], count, run->arena);
		}
	}
}

/* ---- what an envelope says ---- */

/* Rows that no envelope was around have NULL. */
static const struct changes *changes_of(const struct run *run, struct vector *out)
{
	if (run->in != NULL && run->in->changes != NULL)
		return run->in->changes;
	memset(out->column.nulls, 0xFF, sizeof(out->column.nulls));
	return NULL;
}

void kernel_op(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	(void)args;
	const struct changes *changes = changes_of(run, out);
	for (uint32_t i = 0; changes != NULL && i < run->rows; i++)
		put_str(out, i, str_c(change_op_name((enum change_op)changes->op[i])));
}

void kernel_before(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	(void)args;
	const struct changes *changes = changes_of(run, out);
	for (uint32_t i = 0; changes != NULL && i < run->rows; i++)
		put_str(out, i, changes->before[i]);
}

void kernel_source(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	(void)args;
	const struct changes *changes = changes_of(run, out);
	for (uint32_t i = 0; changes != NULL && i < run->rows; i++)
		put_str(out, i, changes->source[i]);
}

void kernel_event_time(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	int64_t *r = out->column.data;
	(void)e;
	(void)args;
	const struct changes *changes = changes_of(run, out);
	for (uint32_t i = 0; changes != NULL && i < run->rows; i++) {
		r[i] = changes->event_time_us[i];
		if (r[i] == -1)
			bit_set(out->column.nulls, i);
	}
}

/* NULL where there is nothing; a JSON null is NULL too. */
void kernel_json_path(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const struct str *a = args[0].column.data;
	const struct json_path *path = e->prepared;
	struct str *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		out->column.nulls[w] = args[0].column.nulls[w];
		uint64_t bits = run_active(run, &args[0], w);
		for (uint32_t i; next_row(&bits, w, &i);)
			if (!json_path_find(a[i], path->steps, path->count, &r[i])
				|| json_kind_of(r[i]) == JSON_KIND_NULL)
				bit_set(out->column.nulls, i);
		uint64_t failed = args[0].faults == NULL ? 0 : args[0].column.nulls[w];
		for (uint32_t i; next_row(&failed, w, &i);)
			if (vector_fault(&args[0], i) != EXPR_FINE)
				expr_pass_fault(run, out, i, vector_fault(&args[0], i));
	}
}
