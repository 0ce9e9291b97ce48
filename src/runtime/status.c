#include "runtime/status.h"

#include "base/log.h"
#include "base/process.h"
#include "data/value.h"
#include "runtime/job.h"

enum { live_period_ms = 250, log_period_ms = 10000 };

void status_init(struct status *s, struct str job_name, const struct clock *clock, bool live)
{
	*s = (struct status){
		.live = live,
		.job_name = job_name,
		.clock = clock,
		.period_us = (live ? live_period_ms : log_period_ms) * 1000,
		.last_us = clock_monotonic_us(clock),
	};
}

void status_note_batch(struct status *s, const struct batch_figures *f)
{
	s->applied += f->rows_in;
}

void status_number(struct strbuf *out, int64_t n)
{
	char digits[24];
	size_t len = int64_text(n, digits);
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-')
			strbuf_add_byte(out, ',');
		strbuf_add_byte(out, digits[i]);
	}
}

static int64_t rate(int64_t count, int64_t us)
{
	return us <= 0 ? 0 : (int64_t)((double)count * 1e6 / (double)us);
}

static void add_figures(const struct status *s, const struct pipeline_totals *t, int64_t spent_us,
	struct strbuf *out)
{
	strbuf_add_c(out, "  in ");
	status_number(out, rate(t->messages - s->last_messages, spent_us));
	strbuf_add_c(out, "/s  applied ");
	status_number(out, rate(s->applied - s->last_applied, spent_us));
	strbuf_add_c(out, "/s  lag ");
	if (t->lag < 0)
		strbuf_add_byte(out, '?');
	else
		status_number(out, t->lag);
	strbuf_add_c(out, "  rows ");
	status_number(out, t->messages);
	strbuf_add_c(out, "  bad ");
	status_number(out, t->bad_records);
	strbuf_addf(out, "  %lld MB", (long long)(process_resident_bytes() >> 20));
}

void status_tick(struct status *s, const struct pipeline *p)
{
	int64_t now_us = clock_monotonic_us(s->clock);
	int64_t spent_us = now_us - s->last_us;
	if (spent_us < s->period_us)
		return;
	log_tell_hidden(false);
	struct pipeline_totals t;
	pipeline_totals(p, &t);
	bool still = t.messages == s->last_messages && t.batches == s->last_batches;
	s->last_us = now_us;
	if (still && s->was_still)
		return;
	struct strbuf out;
	strbuf_init(&out);
	if (t.batches > 0)
		strbuf_addf(&out, "batch %lld", (long long)t.batches - 1);
	else
		strbuf_add_c(&out, "batch -");
	add_figures(s, &t, spent_us, &out);
	strbuf_add_byte(&out, 0);
	if (s->live) {
		struct strbuf line;
		strbuf_init(&line);
		strbuf_addf(&line, STR_FMT "  %s", STR_ARG(s->job_name), out.data);
		log_set_status(line.data);
		strbuf_release(&line);
	} else if (!still) {
		log_info("status", "%s", out.data);
	}
	strbuf_release(&out);
	s->was_still = still;
	s->last_messages = t.messages;
	s->last_applied = s->applied;
	s->last_batches = t.batches;
}

int64_t status_wait_us(const struct status *s)
{
	int64_t left_us = s->last_us + s->period_us - clock_monotonic_us(s->clock);
	return left_us < 0 ? 0 : left_us;
}

void status_end(const struct status *s)
{
	if (s->live)
		log_set_status(NULL);
}

void status_sum(const struct status *s, const struct job_sums *t)
{
	struct strbuf out;
	strbuf_init(&out);
	strbuf_addf(&out, STR_FMT ": done, ", STR_ARG(s->job_name));
	status_number(&out, t->batches);
	strbuf_add_c(&out, t->batches == 1 ? " batch, " : " batches, ");
	status_number(&out, t->messages);
	strbuf_add_c(&out, t->messages == 1 ? " row read, " : " rows read, ");
	status_number(&out, t->bad_records);
	strbuf_add_c(&out, " bad");
	log_info("job", STR_FMT, STR_ARG(strbuf_str(&out)));
	strbuf_release(&out);
}
