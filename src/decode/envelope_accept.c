#include "decode/envelope_row.h"

#include "base/check.h"
#include "base/log.h"

void envelope_begin_row(struct envelope_row *r)
{
	struct envelope_decoder *d = r->decoder;
	uint32_t row = d->out->row_count;
	check(row < chunk_rows_max);
	r->json.index = row;
	r->json.bad_fields = 0;
	r->json.bad_column = JSON_NO_COLUMN;
	r->json.news = 0;
	r->schema = NULL;
	r->unknown = r->missing = 0;
	r->taught = false;
	r->unknown_name = (struct str){NULL, 0};
	d->origin[row] = (uint16_t)r->message;
	envelope_no_change(d->changes, row);
}

void envelope_clear(struct envelope_row *r)
{
	struct envelope_decoder *d = r->decoder;
	json_row_clear(&r->json);
	for (uint32_t i = 0; i < d->schema->column_count; i++)
		bit_clear(r->json.absent[i], r->json.index);
	if (r->json.chunk != d->work || !r->taught)
		return;
	memcpy(r->topic->lore, r->topic->lore_before,
		d->schema->column_count * sizeof(*r->topic->lore));
	r->taught = false;
}

static void complain(struct envelope_row *r)
{
	struct envelope_decoder *d = r->decoder;
	struct schema_column column = d->schema->columns[r->json.bad_column];
	bool *complained = &r->topic->complained[r->json.bad_column];
	d->own_counts.bad_fields += r->json.bad_fields;
	if (d->config.json.mode != JSON_PERMISSIVE)
		r->failed_column = r->json.bad_column;
	if (d->config.json.mode == JSON_DROP) {
		bit_clear(d->work->live, r->json.index);
		d->own_counts.dropped++;
	}
	if (*complained)
		return;
	*complained = true;
	struct strbuf type;
	strbuf_init(&type);
	type_name(column.type, &type);
	struct str place = chunk_row_place(d->work, r->json.index, d->work->arena);
	log_warn("envelope",
		STR_FMT ": a value of column \"" STR_FMT "\" is no " STR_FMT
			" and %s; others of this column will be counted only",
		STR_ARG(place), STR_ARG(column.name), STR_ARG(strbuf_str(&type)),
		d->config.json.mode == JSON_DROP ? "costs the row" : "is read as NULL");
	strbuf_release(&type);
}

static void note_unknown(struct envelope_row *r)
{
	struct envelope_topic *t = r->topic;
	r->decoder->counts.unknown_fields += r->unknown;
	if (t->said_unknown || r->unknown_name.data == NULL)
		return;
	t->said_unknown = true;
	log_info("envelope",
		STR_FMT ": field \"" STR_FMT "\" is no column and is left out%s", STR_ARG(t->name),
		STR_ARG(r->unknown_name), r->unknown > 1 ? ", others too" : "");
}

void envelope_accept(struct envelope_row *r, enum change_op op)
{
	struct envelope_decoder *d = r->decoder;
	uint32_t row = r->json.index;
	check(row == d->out->row_count);
	if (d->follows && r->grown == 0 && r->json.news + r->json.bad_fields > 0)
		r->grown = envelope_compare_values(r, r->err);
	if (r->grown != 0)
		return;
	d->changes->op[row] = (uint8_t)op;
	if (r->json.bad_fields > 0)
		complain(r);
	if (r->unknown > 0)
		note_unknown(r);
	envelope_note(r->topic, &r->topic->seen_rows);
	d->out->row_count++;
	d->counts.rows++;
}

/* ---- refused ---- */

int envelope_malformed(struct envelope_row *r, struct error *err)
{
	const struct json_scan *s = &r->json.scan;
	error_set(err, CDCL_E_JSON, "malformed JSON: expected %s at byte %zu", s->expected,
		(size_t)(s->at - s->begin));
	r->decoder->own_counts.malformed++;
	return ENVELOPE_REFUSED;
}

int envelope_refuse(struct envelope_row *r, enum dead_letter_reason reason,
	struct dead_letters *dead, const struct error *why, struct error *err)
{
	struct envelope_decoder *d = r->decoder;
	envelope_clear(r);
	d->counts.refused++;
	if (d->config.json.mode == JSON_FAILFAST) {
		struct str place = chunk_row_place(d->work, r->json.index, d->work->arena);
		*err = *why;
		return error_at(err, STR_FMT, STR_ARG(place));
	}
	if (dead == NULL)
		return 0;
	if (d->config.json.mode == JSON_DROP)
		return dead_letter_keep(dead, reason, d->work, r->json.index, why, err);
	return dead_letter_add(dead, reason, d->work, r->json.index, why, err);
}
