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
	const struct pgt_stmt stmts[] = {
	    {.sql = pgt_sql_get("identity", version)},
	    {.sql = pgt_sql_get("identity_control", version)},
	};
	struct pgt_err err;

	if (pgt_conn_send(s->conn, stmts, 2, IDENTITY_TIMEOUT_NS, &err) < 0) {
		s->link.error = err;
		return -1;
	}
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

bool
link_identified(struct pgt_sampler *s)
{
	struct pgt_result *base = pgt_conn_take(s->conn, 0);
	struct pgt_result *control = pgt_conn_take(s->conn, 1);
	struct pgt_identity id;
	struct pgt_caps caps;
	struct pgt_err err;
	bool pooled = through_pooler(s, base);
	int rc,
	    pid = (int)pgt_result_i64(base, 0, pgt_result_col(base, "backend_pid"), 0);

	pgt_err_clear(&err);
	rc = pgt_identity_parse(s->conn, base, control, &id, &err);
	pgt_result_free(base);
	pgt_result_free(control);
	if (rc == 0)
		rc = pgt_caps_read(s->conn, &caps, &err);
	if (rc < 0) {
		link_lost(s);
		if (s->link.error.code == PGT_E_NONE)
			s->link.error = err;
		return false;
	}
	obs_identify(s->obs, &id, &caps);
	s->obs->pooled = pooled;
	pgt_conn_set_prepare(s->conn, !pooled);
	take_names(s);
	s->backend_pid = pid;
	s->is_local = !pooled && host_is_local(s, pid);
	s->backend_cpu_ns = -1;
	if (!s->is_local)
		obs_status_why(s->obs, PGT_SEC_HOST, "the server runs on another machine",
			       "run pg2une on the server's machine to see it");
	link_up(s);
	return true;
}

void
link_recheck(struct pgt_sampler *s)
{
	struct pgt_caps caps;
	struct pgt_err err;

	if (pgt_caps_read(s->conn, &caps, &err) < 0) {
		if (pgt_conn_state(s->conn) == PGT_CONN_CLOSED)
			link_lost(s);
		return;
	}
	s->obs->caps = caps;
	obs_stmts_forget(s->obs->stmts); /* what is visible has changed */
	obs_caps_changed(s->obs);
	batch_forget(s);
	trace_epoch(s->trace, s);
}
