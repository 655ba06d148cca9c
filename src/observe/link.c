/* The link: connect, identify, lose, wait, try again.  Waits grow from half a
 * second to half a minute with jitter, so that many consoles do not come back at
 * once; "too many connections" is retried gently, a refused password never. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/sql.h"
#include "sampler_priv.h"

#define CONNECT_TIMEOUT_NS  (10 * PGT_NS_PER_S)
#define IDENTITY_TIMEOUT_NS (5 * PGT_NS_PER_S)
#define RETRY_MIN_NS	    (PGT_NS_PER_S / 2)
#define RETRY_MAX_NS	    (30 * PGT_NS_PER_S)
#define RETRY_FULL_NS	    (10 * PGT_NS_PER_S) /* too many connections */
#define RECHECK_NS	    (15 * PGT_NS_PER_S) /* while a privilege is missing */

static void
link_set(struct pgt_sampler *s, enum pgt_link link, int64_t now)
{
	if (s->link.link != link)
		s->link.since_ns = now;
	s->link.link = link;
}

/* Between half and all of the wait; a xorshift is random enough for that. */
static int64_t
jittered(struct pgt_sampler *s, int64_t wait_ns)
{
	s->jitter ^= s->jitter << 13;
	s->jitter ^= s->jitter >> 17;
	s->jitter ^= s->jitter << 5;
	return wait_ns / 2 +
	       (int64_t)((double)(wait_ns / 2) * (s->jitter / 4294967296.0));
}

void
link_connect(struct pgt_sampler *s)
{
	struct pgt_err err;

	pgt_err_clear(&err);
	s->phase = PH_CONNECTING;
	if (s->link.link != PGT_LINK_CONNECTING && s->link.link != PGT_LINK_LOST)
		link_set(s, PGT_LINK_CONNECTING, pgt_clock_mono_ns());
	s->link.attempts++;
	s->link.next_try_ns = 0;
	if (pgt_conn_start(s->conn, CONNECT_TIMEOUT_NS, &err) < 0)
		link_lost(s);
}

void
link_lost(struct pgt_sampler *s)
{
	int64_t now = pgt_clock_mono_ns(), wait;
	int doublings = s->link.attempts < 7 ? s->link.attempts : 7;

	s->link.error = *pgt_conn_error(s->conn);
	s->phase = PH_CLOSED;
	pgt_conn_close(s->conn);
	batch_forget(s);
	if (pgt_conn_auth_failed(s->conn)) {
		link_set(s, PGT_LINK_DENIED, now);
		s->link.next_try_ns = INT64_MAX;
		return;
	}
	wait = RETRY_MIN_NS << doublings;
	if (wait > RETRY_MAX_NS)
		wait = RETRY_MAX_NS;
	if (pgt_conn_too_many(s->conn) && wait < RETRY_FULL_NS)
		wait = RETRY_FULL_NS;
	link_set(s, PGT_LINK_LOST, now);
	s->link.next_try_ns = now + jittered(s, wait);
}

void
link_refuse(struct pgt_sampler *s)
{
	struct pgt_err err = s->link.error;

	link_lost(s);
	s->link.error = err;
	link_set(s, PGT_LINK_DENIED, pgt_clock_mono_ns());
	s->link.next_try_ns = INT64_MAX;
}

/* Who is it?  Not blocking: in one batch, before anything is measured. */
int
link_ask_identity(struct pgt_sampler *s)
{
	int version = pgt_conn_server_version(s->conn);
	struct pgt_stmt stmts[2 + PGT_CAPS_ASK] = {
	    {.sql = pgt_sql_get("identity", version)},
	    {.sql = pgt_sql_get("identity_control", version)},
	};
	struct pgt_err err;

	pgt_caps_ask(version, stmts + 2);
	if (pgt_conn_send(s->conn, stmts, PGT_LEN(stmts), IDENTITY_TIMEOUT_NS, &err) <
	    0) {
		s->link.error = err;
		return -1;
	}
	s->rechecking = false;
	s->phase = PH_IDENTITY;
	return 0;
}

/* A pooler hands out its own process numbers, so ours is not the server's. */
static bool
through_pooler(const struct pgt_sampler *s, const struct pgt_result *base)
{
	int pid = (int)pgt_result_i64(base, 0, pgt_result_col(base, "backend_pid"), 0);

	return pid != 0 && pid != pgt_conn_backend_pid(s->conn);
}

static void
take_names(struct pgt_sampler *s)
{
	struct obs *o = s->obs;

	pgt_safetext_copy(o->user, sizeof(o->user), pgt_conn_user(s->conn));
	pgt_safetext_copy(o->database, sizeof(o->database), pgt_conn_db(s->conn));
	pgt_safetext_copy(o->host, sizeof(o->host), pgt_conn_host(s->conn));
	pgt_safetext_copy(o->port, sizeof(o->port), pgt_conn_port(s->conn));
	o->version_num = pgt_conn_server_version(s->conn);
}

static void
link_up(struct pgt_sampler *s)
{
	int64_t now = pgt_clock_mono_ns();

	link_set(s, PGT_LINK_UP, now);
	pgt_err_clear(&s->link.error);
	s->link.attempts = 0;
	s->link.next_try_ns = 0;
	s->first_of_link = true;
	s->statements_before = s->statements_sent = pgt_conn_statements(s->conn);
	s->next_tick_ns = now;
	s->phase = PH_IDLE;
	trace_epoch(s->trace, s);
}

static void
link_lost_by(struct pgt_sampler *s, const struct pgt_err *err)
{
	link_lost(s);
	if (s->link.error.code == PGT_E_NONE)
		s->link.error = *err;
}

/* The results from first on tell what we may see; the extensions are asked next. */
static int
ask_probes(struct pgt_sampler *s, size_t first, struct pgt_err *err)
{
	struct pgt_result *row = pgt_conn_take(s->conn, first);
	struct pgt_result *list = pgt_conn_take(s->conn, first + 1);
	struct pgt_stmt stmts[PGT_CAP_N] = {0};
	size_t i;
	int rc;

	pgt_caps_finish(&s->probes, NULL); /* of a line that was lost meanwhile */
	rc = pgt_caps_parse(s->conn, row, list, &s->probes, err);
	pgt_result_free(row);
	pgt_result_free(list);
	if (rc < 0)
		return -1;
	for (i = 0; i < s->probes.n; i++)
		stmts[i] = (struct pgt_stmt){.sql = s->probes.probe[i].sql};
	s->phase = PH_PROBES;
	if (s->probes.n == 0) {
		link_probed(s);
		return 0;
	}
	return pgt_conn_send(s->conn, stmts, s->probes.n, IDENTITY_TIMEOUT_NS, err);
}

void
link_identified(struct pgt_sampler *s)
{
	struct pgt_result *base = pgt_conn_take(s->conn, 0);
	struct pgt_result *control = pgt_conn_take(s->conn, 1);
	struct pgt_err err;
	int rc;

	pgt_err_clear(&err);
	s->pooled = through_pooler(s, base);
	s->backend_pid =
	    (int)pgt_result_i64(base, 0, pgt_result_col(base, "backend_pid"), 0);
	rc = pgt_identity_parse(s->conn, base, control, &s->identity, &err);
	pgt_result_free(base);
	pgt_result_free(control);
	if (rc < 0 || ask_probes(s, 2, &err) < 0)
		link_lost_by(s, &err);
}

void
link_caps_answered(struct pgt_sampler *s)
{
	struct pgt_err err;

	pgt_err_clear(&err);
	if (ask_probes(s, 0, &err) == 0)
		return;
	if (pgt_conn_state(s->conn) == PGT_CONN_CLOSED)
		link_lost(s);
	else
		s->phase = PH_IDLE; /* refused once: what we knew holds */
}

static void
line_made(struct pgt_sampler *s, const struct pgt_caps *caps)
{
	obs_identify(s->obs, &s->identity, caps);
	s->obs->pooled = s->pooled;
	pgt_conn_set_prepare(s->conn, !s->pooled);
	take_names(s);
	s->is_local = !s->pooled && host_is_local(s, s->backend_pid);
	s->backend_cpu_ns = -1;
	if (!s->is_local)
		obs_status_why(s->obs, PGT_SEC_HOST, "the server runs on another machine",
			       "run pg2une on the server's machine to see it");
	link_up(s);
}

static bool
caps_differ(const struct pgt_caps *a, const struct pgt_caps *b)
{
	int i;

	for (i = 0; i < PGT_CAP_N; i++)
		if (a->cap[i].available != b->cap[i].available)
			return true;
	return false;
}

static void
caps_rechecked(struct pgt_sampler *s, const struct pgt_caps *caps)
{
	const struct pgt_caps *old = &s->obs->caps;
	bool sight = old->cap[PGT_CAP_MONITOR].available !=
			 caps->cap[PGT_CAP_MONITOR].available ||
		     old->cap[PGT_CAP_STATEMENTS].available !=
			 caps->cap[PGT_CAP_STATEMENTS].available;

	s->phase = PH_IDLE;
	if (!caps_differ(old, caps))
		return;
	s->obs->caps = *caps;
	if (sight)
		obs_stmts_forget(s->obs->stmts); /* more or less of it is visible now */
	obs_caps_changed(s->obs);
	batch_forget(s);
	trace_epoch(s->trace, s);
}

void
link_probed(struct pgt_sampler *s)
{
	struct pgt_caps caps;
	size_t i;

	for (i = 0; i < s->probes.n; i++) {
		struct pgt_result *r = pgt_conn_take(s->conn, i);

		pgt_caps_probed(&s->probes, i, r);
		pgt_result_free(r);
	}
	pgt_caps_finish(&s->probes, &caps);
	s->caps_ns = pgt_clock_mono_ns();
	if (s->rechecking)
		caps_rechecked(s, &caps);
	else
		line_made(s, &caps);
}

void
link_recheck(struct pgt_sampler *s)
{
	const struct pgt_cap_state *cap = s->obs->caps.cap;
	struct pgt_stmt stmts[PGT_CAPS_ASK] = {0};
	bool gone = s->obs->lost_sight && cap[PGT_CAP_MONITOR].available;
	bool missing = !cap[PGT_CAP_MONITOR].available ||
		       !cap[PGT_CAP_STATEMENTS].available;
	struct pgt_err err;

	if (!gone && (!missing || pgt_clock_mono_ns() - s->caps_ns < RECHECK_NS))
		return;
	pgt_caps_ask(s->obs->version_num, stmts);
	if (pgt_conn_send(s->conn, stmts, PGT_CAPS_ASK, IDENTITY_TIMEOUT_NS, &err) < 0) {
		link_lost(s);
		return;
	}
	s->rechecking = true;
	s->phase = PH_CAPS;
}
