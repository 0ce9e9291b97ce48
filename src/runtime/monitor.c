#include "runtime/monitor.h"

#include "base/check.h"
#include "base/log.h"
#include "base/process.h"
#include "base/secret.h"
#include "base/service.h"
#include "runtime/http_server.h"
#include "runtime/job_metrics.h"
#include "runtime/status.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

enum {
	refresh_us = 1000000,
	refresh_cost_part = 50, /* laying the texts out takes at most this part of the time */
	tell_us = 5 * 1000000,
};

/* What both threads see; only under the lock. */
struct monitor_shared {
	pthread_mutex_t lock;
	struct strbuf metrics;
	struct strbuf progress;
	enum monitor_phase phase;
	bool assigned; /* every source has its partitions */
	bool reached; /* some broker answers every source */
};

struct monitor {
	struct http_handler handler;
	struct http_server *server; /* NULL: only systemd listens */
	const struct clock *clock;
	struct monitor_shared shared;
	/* The engine's thread: */
	struct job_metrics metrics;
	struct strbuf scratch;
	struct strbuf url;
	enum monitor_phase phase;
	int64_t refreshed_us; /* monotonic */
	int64_t refresh_every_us;
	int64_t told_us;
	int64_t turn_since_us; /* monotonic; 0: none goes on */
	bool told_ready;
};

/* ---- the server's thread ---- */

static void add_process(struct strbuf *out)
{
	struct process_figures f;
	process_look(&f);
	exposition_one(out, "process_cpu_seconds_total", "counter",
		"User and system time of the process.", f.cpu_s);
	exposition_one(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
		(double)f.resident_bytes);
	exposition_one(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.",
		(double)f.virtual_bytes);
	exposition_one(out, "process_start_time_seconds", "gauge", "When the process started.",
		f.start_s);
	exposition_one(out, "process_open_fds", "gauge", "Open descriptors.", (double)f.open_fds);
	if (f.max_fds > 0)
		exposition_one(out, "process_max_fds", "gauge",
			"Most descriptors that may be open.", (double)f.max_fds);
	exposition_one(out, "process_threads", "gauge", "Threads.", (double)f.threads);
}

/* Why the job is not ready; NULL: it is. With the lock held. */
static const char *unready(const struct monitor_shared *s)
{
	switch (s->phase) {
	case MONITOR_STARTING: return "starting: the script, its state and its targets";
	case MONITOR_WAITING: return "waiting for a script that is good";
	case MONITOR_DRAINING: return "draining: the job ends";
	case MONITOR_RUNNING: break;
	}
	if (service_quiet_us() >= monitor_stuck_s * INT64_C(1000000))
		return "the engine is stuck";
	if (!s->reached)
		return "no broker answers";
	return s->assigned ? NULL : "waiting for partitions";
}

/*
 * While a job starts or waits for a save there are no turns: the start of a large state is no
 * death.
 */
static bool is_dead(const struct monitor_shared *s)
{
	bool turns = s->phase == MONITOR_RUNNING || s->phase == MONITOR_DRAINING;
	return turns && service_quiet_us() >= monitor_dead_s * INT64_C(1000000);
}

static void answer_health(struct http_answer *a, const char *wrong)
{
	a->status = wrong == NULL ? 200 : 503;
	a->content_type = "text/plain; charset=utf-8";
	strbuf_addf(&a->body, "%s\n", wrong == NULL ? "ok" : wrong);
	secret_hide(&a->body);
}

static void answer_metrics(const struct monitor_shared *s, struct http_answer *a)
{
	a->content_type = "text/plain; version=0.0.4; charset=utf-8";
	strbuf_add(&a->body, strbuf_str(&s->metrics));
	exposition_one(&a->body, "cdcl_ready", "gauge", "1 when /readyz answers 200.",
		unready(s) == NULL);
	exposition_one(&a->body, "cdcl_engine_quiet_seconds", "gauge",
		"Since the last turn of the engine: more than some seconds while it is stuck.",
		(double)service_quiet_us() / 1e6);
}

static void answer_progress(const struct monitor_shared *s, struct http_answer *a)
{
	a->content_type = "application/json";
	strbuf_add(&a->body, s->progress.len > 0 ? strbuf_str(&s->progress) : str_lit("null\n"));
}

static const char index_text[] = "/metrics          for Prometheus\n"
				 "/livez            200 while the engine makes turns\n"
				 "/readyz           200 while the job reads and writes\n"
				 "/api/v1/progress  the last batch, with Spark's names\n";

static bool answer(struct http_handler *h, struct str path, struct http_answer *a)
{
	struct monitor *m = container_of(h, struct monitor, handler);
	struct monitor_shared *s = &m->shared;
	bool known = true;
	pthread_mutex_lock(&s->lock);
	if (str_eq(path, str_lit("/metrics"))) {
		answer_metrics(s, a);
	} else if (str_eq(path, str_lit("/livez"))) {
		answer_health(a, is_dead(s) ? "the engine is stuck" : NULL);
	} else if (str_eq(path, str_lit("/readyz"))) {
		answer_health(a, unready(s));
	} else if (str_eq(path, str_lit("/api/v1/progress"))) {
		answer_progress(s, a);
	} else if (str_eq(path, str_lit("/"))) {
		a->content_type = "text/plain; charset=utf-8";
		strbuf_add_c(&a->body, index_text);
	} else {
		known = false;
	}
	pthread_mutex_unlock(&s->lock);
	if (str_eq(path, str_lit("/metrics")))
		add_process(&a->body);
	secret_hide_quoted(&a->body);
	return known;
}

/* ---- the engine's thread ---- */

/* Not a single turn of the engine waits for more than the exchange of two buffers. */
static void hand_over(struct monitor_shared *s, struct strbuf *from, struct strbuf *to)
{
	pthread_mutex_lock(&s->lock);
	struct strbuf old = *to;
	*to = *from;
	*from = old;
	pthread_mutex_unlock(&s->lock);
}

static void refresh(struct monitor *m, const struct pipeline *p, int64_t now_us)
{
	m->refreshed_us = now_us;
	if (m->server == NULL)
		return;
	strbuf_reset(&m->scratch);
	job_metrics_text(&m->metrics, p, &m->scratch);
	hand_over(&m->shared, &m->scratch, &m->shared.metrics);
	int64_t cost_us = clock_monotonic_us(m->clock) - now_us;
	m->refresh_every_us = cost_us * refresh_cost_part > refresh_us ? cost_us * refresh_cost_part
									: refresh_us;
}

static void note_sources(struct monitor *m, const struct pipeline *p)
{
	bool assigned = true;
	bool reached = true;
	int64_t unused;
	for (uint32_t i = 0; i < pipeline_source_count(p); i++) {
		const struct source *s = pipeline_source(p, i, &unused);
		assigned = assigned && (s->partition_count > 0 || !s->has_partitions);
		reached = reached && !s->unreachable;
	}
	pthread_mutex_lock(&m->shared.lock);
	m->shared.assigned = assigned;
	m->shared.reached = reached;
	pthread_mutex_unlock(&m->shared.lock);
}

/* For `systemctl status`. */
static void tell_status(struct monitor *m, const struct pipeline *p, int64_t now_us)
{
	if (!service_is_supervised() || now_us - m->told_us < tell_us)
		return;
	m->told_us = now_us;
	struct pipeline_totals t;
	pipeline_totals(p, &t);
	struct strbuf text;
	strbuf_init(&text);
	if (m->metrics.last_id < 0)
		strbuf_add_c(&text, "STATUS=no batch yet, ");
	else
		strbuf_addf(&text, "STATUS=batch %" PRId64 ", ", m->metrics.last_id);
	status_number(&text, t.messages);
	strbuf_add_c(&text, " records read, lag ");
	if (t.lag < 0)
		strbuf_add_byte(&text, '?');
	else
		status_number(&text, t.lag);
	strbuf_add_c(&text, ", bad ");
	status_number(&text, t.bad_records);
	strbuf_add_byte(&text, '\0');
	service_tell(text.data);
	strbuf_release(&text);
}

void monitor_turn(struct monitor *m, const struct pipeline *p)
{
	if (m == NULL)
		return;
	int64_t now_us = clock_monotonic_us(m->clock);
	m->turn_since_us = now_us;
	job_metrics_note_turn(&m->metrics, p, now_us);
	if (now_us - m->refreshed_us < m->refresh_every_us)
		return;
	if (m->phase == MONITOR_RUNNING && !m->told_ready)
		m->told_ready = service_tell("READY=1");
	refresh(m, p, now_us);
	note_sources(m, p);
	tell_status(m, p, now_us);
}

void monitor_turn_end(struct monitor *m)
{
	if (m == NULL || m->turn_since_us == 0)
		return;
	job_metrics_note_turn_end(&m->metrics, clock_monotonic_us(m->clock) - m->turn_since_us);
	m->turn_since_us = 0;
}

int64_t monitor_wait_us(const struct monitor *m)
{
	if (m == NULL)
		return -1;
	int64_t left_us = m->refreshed_us + m->refresh_every_us - clock_monotonic_us(m->clock);
	return left_us < 0 ? 0 : left_us;
}

void monitor_batch(struct monitor *m, const struct pipeline *p, struct str progress)
{
	if (m == NULL)
		return;
	job_metrics_note_batch(&m->metrics, p, clock_wall_us(m->clock));
	if (m->server == NULL)
		return;
	strbuf_reset(&m->scratch);
	strbuf_add(&m->scratch, progress);
	hand_over(&m->shared, &m->scratch, &m->shared.progress);
}

void monitor_set_phase(struct monitor *m, enum monitor_phase phase)
{
	if (m == NULL)
		return;
	m->phase = phase;
	pthread_mutex_lock(&m->shared.lock);
	m->shared.phase = phase;
	pthread_mutex_unlock(&m->shared.lock);
	if (phase == MONITOR_DRAINING)
		service_tell("STOPPING=1\nSTATUS=draining: the batch is finished");
	else if (phase == MONITOR_WAITING)
		service_tell("STATUS=waiting for a script that is good");
	else if (phase == MONITOR_STARTING)
		service_tell("STATUS=starting: the script, its state and its targets");
	m->refresh_every_us = 0; /* the next turn tells */
}

void monitor_start(struct monitor *m, struct str job_name)
{
	if (m == NULL)
		return;
	m->metrics.job_name = job_name;
	m->metrics.starts++;
	monitor_set_phase(m, MONITOR_RUNNING);
}

void monitor_end(struct monitor *m, const struct pipeline *p)
{
	monitor_turn_end(m);
	if (m != NULL)
		refresh(m, p, clock_monotonic_us(m->clock));
}

/* ---- open and close ---- */

static int open_server(struct monitor *m, const char *listen, struct error *err)
{
	struct listen_address at;
	int r = listen_address_parse(str_c(listen), &at, err);
	if (r < 0)
		return r;
	m->server = http_server_open(&at, &m->handler, err);
	if (m->server == NULL)
		return -(int)err->code;
	strbuf_add_c(&m->url, "http://");
	listen_address_text(&at, &m->url);
	strbuf_add_byte(&m->url, '/');
	log_info("http", "listening on " STR_FMT, STR_ARG(strbuf_str(&m->url)));
	return 0;
}

int monitor_open(
	const char *listen, const struct clock *clock, struct monitor **out, struct error *err)
{
	*out = NULL;
	service_init(clock);
	if (listen == NULL && !service_is_supervised())
		return 0;
	struct monitor *m = calloc(1, sizeof(*m));
	check(m != NULL);
	m->clock = clock;
	m->handler.answer = answer;
	pthread_mutex_init(&m->shared.lock, NULL);
	m->shared.reached = true;
	strbuf_init(&m->shared.metrics);
	strbuf_init(&m->shared.progress);
	strbuf_init(&m->scratch);
	strbuf_init(&m->url);
	job_metrics_init(&m->metrics);
	job_metrics_text(&m->metrics, NULL, &m->shared.metrics);
	m->refreshed_us = clock_monotonic_us(clock);
	int r = listen == NULL ? 0 : open_server(m, listen, err);
	if (r < 0) {
		monitor_close(m);
		return r;
	}
	*out = m;
	monitor_set_phase(m, MONITOR_STARTING);
	return 0;
}

void monitor_close(struct monitor *m)
{
	if (m == NULL)
		return;
	http_server_close(m->server);
	strbuf_release(&m->shared.metrics);
	strbuf_release(&m->shared.progress);
	strbuf_release(&m->scratch);
	strbuf_release(&m->url);
	pthread_mutex_destroy(&m->shared.lock);
	free(m);
}

struct str monitor_url(const struct monitor *m)
{
	return strbuf_str(&m->url);
}
