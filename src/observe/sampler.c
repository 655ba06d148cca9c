#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/pg/sql.h"
#include "sampler_priv.h"

#define INTERVAL_MIN_NS (PGT_NS_PER_S / 5)
#define INTERVAL_MAX_NS (60 * PGT_NS_PER_S)

static int64_t
interval_clamp(int64_t ns)
{
	if (ns < INTERVAL_MIN_NS)
		return INTERVAL_MIN_NS;
	return ns > INTERVAL_MAX_NS ? INTERVAL_MAX_NS : ns;
}

struct pgt_sampler *
pgt_sampler_new(const struct pgt_connspec *spec, const struct pgt_sampler_opts *opts)
{
	struct pgt_sampler *s = pgt_xcalloc(1, sizeof(*s));
	size_t i;

	s->spec = pgt_connspec_copy(spec);
	s->conn = pgt_conn_new(spec, PGT_CONN_MONITOR);
	s->obs = obs_new(opts);
	s->slots = pgt_xcalloc(obs_n_collectors, sizeof(*s->slots));
	for (i = 0; i < obs_n_collectors; i++)
		s->slots[i].cost_ms = NAN;
	for (i = 0; i < PGT_LEN(s->params); i++)
		pgt_buf_init(&s->params[i], (size_t)8 << 20);
	s->asked_interval_ns = s->effective_ns = interval_clamp(s->obs->opts.interval_ns);
	s->jitter = (uint32_t)pgt_clock_real_ns() | 1;
	s->cpu_pct = NAN;
	s->link.link = PGT_LINK_CONNECTING;
	s->link.since_ns = pgt_clock_mono_ns();
	return s;
}

void
pgt_sampler_free(struct pgt_sampler *s)
{
	size_t i;

	if (!s)
		return;
	batch_forget(s);
	pgt_caps_finish(&s->probes, NULL);
	for (i = 0; i < PGT_LEN(s->params); i++)
		pgt_buf_done(&s->params[i]);
	free(s->slots);
	obs_free(s->obs);
	pgt_conn_free(s->conn);
	pgt_connspec_free(s->spec);
	free(s);
}

int
pgt_sampler_fd(const struct pgt_sampler *s)
{
	return pgt_conn_fd(s->conn);
}

short
pgt_sampler_events(const struct pgt_sampler *s)
{
	return pgt_conn_events(s->conn);
}

int64_t
pgt_sampler_wakeup_ns(const struct pgt_sampler *s)
{
	if (s->kicked)
		return 0;
	switch (s->phase) {
	case PH_CLOSED:
		return s->link.next_try_ns;
	case PH_IDLE:
		return s->paused ? INT64_MAX : s->next_tick_ns;
	case PH_ENCODING:
		return pgt_conn_state(s->conn) == PGT_CONN_READY
			   ? 0
			   : pgt_conn_deadline_ns(s->conn);
	case PH_CONNECTING:
	case PH_IDENTITY:
	case PH_CAPS:
	case PH_PROBES:
	case PH_BATCH:
		break;
	}
	return pgt_conn_deadline_ns(s->conn);
}

/* One statement by itself, then the ticks go on. */
static void
step_encoding(struct pgt_sampler *s, enum pgt_conn_state state)
{
	struct pgt_stmt stmt = {.sql = pgt_sql_get("raw_encoding", s->obs->version_num)};
	struct pgt_err err;

	if (state == PGT_CONN_DONE) {
		pgt_conn_discard(s->conn);
		s->phase = PH_IDLE;
		s->next_tick_ns = pgt_clock_mono_ns();
	} else if (state == PGT_CONN_READY &&
		   pgt_conn_send(s->conn, &stmt, 1, 5 * PGT_NS_PER_S, &err) < 0) {
		link_lost(s);
	}
}

static void
step_idle(struct pgt_sampler *s)
{
	int64_t now = pgt_clock_mono_ns();

	if (!s->kicked && (s->paused || now < s->next_tick_ns))
		return;
	if (s->kicked)
		s->next_tick_ns = now;
	s->kicked = false;
	if (batch_send(s) < 0)
		link_lost(s);
}

const struct pgt_snapshot *
pgt_sampler_step(struct pgt_sampler *s)
{
	const struct pgt_snapshot *snap = NULL;
	enum pgt_conn_state state;

	if (s->phase == PH_CLOSED) {
		if (!s->kicked && pgt_clock_mono_ns() < s->link.next_try_ns)
			return NULL;
		s->kicked = false;
		link_connect(s);
		if (s->phase == PH_CLOSED)
			return NULL;
	}
	state = pgt_conn_step(s->conn);
	if (state == PGT_CONN_CLOSED) {
		link_lost(s);
		return NULL;
	}
	switch (s->phase) {
	case PH_CONNECTING:
		if (state == PGT_CONN_READY && link_ask_identity(s) < 0)
			link_refuse(s);
		break;
	case PH_IDENTITY:
		if (state == PGT_CONN_DONE)
			link_identified(s);
		break;
	case PH_CAPS:
		if (state == PGT_CONN_DONE)
			link_caps_answered(s);
		break;
	case PH_PROBES:
		if (state == PGT_CONN_DONE)
			link_probed(s);
		break;
	case PH_IDLE:
		step_idle(s);
		break;
	case PH_BATCH:
		if (state != PGT_CONN_DONE)
			break;
		s->phase = PH_IDLE;
		snap = batch_finish(s);
		batch_schedule(s);
		if (s->phase == PH_IDLE)
			link_recheck(s);
		break;
	case PH_ENCODING:
		step_encoding(s, state);
		break;
	case PH_CLOSED:
		break;
	}
	/* the first tick of a line waits for nothing */
	if (s->phase == PH_IDLE && s->first_of_link)
		step_idle(s);
	return snap;
}

const struct pgt_link_state *
pgt_sampler_link(const struct pgt_sampler *s)
{
	return &s->link;
}

const struct pgt_caps *
pgt_sampler_caps(const struct pgt_sampler *s)
{
	return s->obs->have_caps ? &s->obs->caps : NULL;
}

void
pgt_sampler_set_interval(struct pgt_sampler *s, int64_t interval_ns)
{
	s->asked_interval_ns = s->effective_ns = interval_clamp(interval_ns);
	if (s->phase == PH_IDLE)
		s->next_tick_ns = pgt_clock_mono_ns() + s->asked_interval_ns;
}

void
pgt_sampler_pause(struct pgt_sampler *s, bool pause)
{
	if (s->paused && !pause)
		s->next_tick_ns = pgt_clock_mono_ns();
	s->paused = pause;
}

void
pgt_sampler_kick(struct pgt_sampler *s)
{
	if (s->phase == PH_CLOSED || s->phase == PH_IDLE)
		s->kicked = true;
}

void
pgt_sampler_set_password(struct pgt_sampler *s, const char *password)
{
	struct pgt_connspec *spec;
	struct pgt_err err;

	if (pgt_connspec_with(s->spec, NULL, NULL, NULL, password, &spec, &err) < 0)
		return;
	pgt_connspec_free(s->spec);
	s->spec = spec;
	pgt_conn_free(s->conn);
	s->conn = pgt_conn_new(spec, PGT_CONN_MONITOR);
	batch_forget(s);
	s->phase = PH_CLOSED;
	s->link.link = PGT_LINK_CONNECTING;
	s->link.since_ns = pgt_clock_mono_ns();
	s->link.attempts = 0;
	s->link.next_try_ns = 0;
}

void
pgt_sampler_want(struct pgt_sampler *s, unsigned section_bits)
{
	unsigned fresh = section_bits & ~s->wanted;
	size_t i;

	s->wanted = section_bits;
	for (i = 0; i < obs_n_collectors; i++)
		if (fresh & 1u << obs_collectors[i].section && !s->slots[i].failed &&
		    obs_collectors[i].wanted_ns != INT64_MAX)
			s->slots[i].due_ns = 0;
	s->obs->wanted = section_bits;
}

void
pgt_sampler_want_texts(struct pgt_sampler *s, const struct pgt_query_key *keys, size_t n)
{
	obs_stmts_want(s->obs, keys, n);
}

void
pgt_sampler_record(struct pgt_sampler *s, struct pgt_trace *trace)
{
	s->trace = trace;
	trace_epoch(trace, s);
}
