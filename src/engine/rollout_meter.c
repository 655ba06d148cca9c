/* One node of a rollout, measured: what ran between two readings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/num/moments.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"
#include "rollouts_priv.h"

/* A node that is frozen must not hold the other up for long. */
#define CONNECT_NS (3 * PGT_NS_PER_S)
#define ASK_NS	   (2 * PGT_NS_PER_S)

struct entry {
	struct pgt_ro_key key;
	struct pgt_stmt_reading r;
};

struct pgt_ro_reading {
	int64_t at_ns;
	double commits, rollbacks, conflicts;
	size_t n;
	struct entry e[];
};

void
pgt_ro_meter_init(struct pgt_ro_meter *m, struct pgt_connspec *take_spec)
{
	char *label = pgt_connspec_label(take_spec);

	memset(m, 0, sizeof(*m));
	m->spec = take_spec;
	m->conn = pgt_conn_new(take_spec, PGT_CONN_MONITOR);
	m->lsn = m->delay_ms = NAN;
	pgt_safetext_copy(m->label, sizeof(m->label), label);
	free(label);
}

void
pgt_ro_meter_done(struct pgt_ro_meter *m)
{
	if (m->first != m->last)
		free(m->first);
	free(m->last);
	free(m->classes);
	free(m->banner);
	free(m->ext);
	pgt_conn_free(m->conn);
	pgt_connspec_free(m->spec);
	memset(m, 0, sizeof(*m));
}

int
pgt_ro_key_cmp(const struct pgt_ro_key *a, const struct pgt_ro_key *b)
{
	if (a->dbid != b->dbid)
		return a->dbid < b->dbid ? -1 : 1;
	if (a->userid != b->userid)
		return a->userid < b->userid ? -1 : 1;
	return (a->queryid > b->queryid) - (a->queryid < b->queryid);
}

static int
entry_cmp(const void *a, const void *b)
{
	return pgt_ro_key_cmp(&((const struct entry *)a)->key,
			      &((const struct entry *)b)->key);
}

static int
connect_to(struct pgt_ro_meter *m, struct pgt_err *err)
{
	struct pgt_caps caps;

	if (pgt_conn_state(m->conn) == PGT_CONN_READY)
		return 0;
	if (pgt_conn_run_connect(m->conn, CONNECT_NS, err) < 0)
		return -1;
	if (m->ext)
		return 0;
	if (pgt_caps_read(m->conn, &caps, err) < 0)
		return -1;
	if (!caps.cap[PGT_CAP_STATEMENTS].available)
		return pgt_err_set(err, PGT_E_UNSUPPORTED,
				   "a rollout is judged by pg_stat_statements: %.200s",
				   caps.cap[PGT_CAP_STATEMENTS].fix);
	m->ext = pgt_xstrdup(caps.cap[PGT_CAP_STATEMENTS].schema);
	return 0;
}

static int
ask(struct pgt_ro_meter *m, const char *query, struct pgt_result **ret,
    struct pgt_err *err)
{
	char *sql, *plain;
	int rc;

	if (connect_to(m, err) < 0)
		return -1;
	plain = pgt_sql_expand(pgt_sql_get(query, pgt_conn_server_version(m->conn)),
			       m->ext);
	sql = pgt_xasprintf("%s%s", m->banner ? m->banner : "", plain);
	free(plain);
	m->asked_ns = pgt_clock_mono_ns();
	rc = pgt_conn_run(m->conn, sql, NULL, 0, ASK_NS, ret, err);
	free(sql);
	return rc;
}

static double
num(const struct pgt_result *r, size_t row, const char *col)
{
	return pgt_result_num(r, row, pgt_result_col(r, col));
}

static int
read_node(struct pgt_ro_meter *m, double counters[3], struct pgt_err *err)
{
	struct pgt_result *r = NULL;

	if (ask(m, "rollout_node", &r, err) < 0) {
		m->up = false;
		m->error = *err;
		m->lsn = m->delay_ms = NAN;
		pgt_err_prefix(err, "%s", m->label);
		return -1;
	}
	m->up = true;
	m->in_recovery = pgt_result_bool(r, 0, pgt_result_col(r, "in_recovery"));
	m->paused = pgt_result_bool(r, 0, pgt_result_col(r, "paused"));
	m->lsn = num(r, 0, "lsn");
	m->delay_ms = num(r, 0, "delay_ms");
	counters[0] = num(r, 0, "commits");
	counters[1] = num(r, 0, "rollbacks");
	counters[2] = num(r, 0, "conflicts");
	m->rollbacks_now = counters[1];
	m->backends = (int)pgt_result_i64(r, 0, pgt_result_col(r, "backends"), -1);
	m->backends_max = (int)pgt_result_i64(r, 0, pgt_result_col(r, "backends_max"),
					      -1);
	m->writes = (int)pgt_result_i64(r, 0, pgt_result_col(r, "writes"), 0);
	pgt_result_free(r);
	return 0;
}

int
pgt_ro_meter_probe(struct pgt_ro_meter *m, struct pgt_err *err)
{
	double ignored[3];

	return read_node(m, ignored, err);
}

static struct pgt_ro_reading *
parse(const struct pgt_result *r)
{
	size_t rows = pgt_result_rows(r);
	struct pgt_ro_reading *ret =
	    pgt_xcalloc(1, sizeof(*ret) + rows * sizeof(ret->e[0]));
	int id = pgt_result_col(r, "queryid"), user = pgt_result_col(r, "userid"),
	    db = pgt_result_col(r, "dbid"), calls = pgt_result_col(r, "calls"),
	    total = pgt_result_col(r, "total_ms"), sd = pgt_result_col(r, "stddev_ms");

	for (size_t i = 0; i < rows; i++) {
		struct entry e = {
		    .key = {pgt_result_i64(r, i, id, 0),
			    (uint32_t)pgt_result_i64(r, i, user, 0),
			    (uint32_t)pgt_result_i64(r, i, db, 0)},
		    .r = {.calls = pgt_result_i64(r, i, calls, 0),
			  .total_ms = pgt_result_num(r, i, total),
			  .stddev_ms = pgt_result_num(r, i, sd)},
		};

		if (e.r.calls <= 0 || !isfinite(e.r.total_ms) || !isfinite(e.r.stddev_ms))
			continue;
		e.r.mean_ms = e.r.total_ms / (double)e.r.calls;
		/* nested calls are the same key again: the more frequent counts */
		if (ret->n && pgt_ro_key_cmp(&ret->e[ret->n - 1].key, &e.key) == 0)
			continue;
		ret->e[ret->n++] = e;
	}
	qsort(ret->e, ret->n, sizeof(ret->e[0]), entry_cmp);
	return ret;
}

static size_t
between(const struct pgt_ro_reading *a, const struct pgt_ro_reading *b,
	struct pgt_ro_class **ret)
{
	static const struct pgt_stmt_reading none;
	struct pgt_ro_class *c =
	    pgt_xreallocarray(NULL, b->n ? b->n : 1, sizeof(*c));
	size_t n = 0, k = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct pgt_stmt_reading *before = &none;
		struct pgt_interval iv;

		while (k < a->n && pgt_ro_key_cmp(&a->e[k].key, &b->e[i].key) < 0)
			k++;
		if (k < a->n && pgt_ro_key_cmp(&a->e[k].key, &b->e[i].key) == 0)
			before = &a->e[k].r;
		if (!pgt_moments_interval(before, &b->e[i].r, &iv) || iv.mean_ms <= 0)
			continue;
		/* Unknown variance: as wide as an exponential's. */
		c[n++] = (struct pgt_ro_class){
		    b->e[i].key, iv.n, iv.mean_ms,
		    iv.var_ok && iv.var_ms2 >= 0 ? iv.var_ms2 : iv.mean_ms * iv.mean_ms,
		    iv.var_ok};
	}
	*ret = c;
	return n;
}

int
pgt_ro_meter_read(struct pgt_ro_meter *m, struct pgt_err *err)
{
	struct pgt_result *r = NULL;
	struct pgt_ro_reading *now;
	double c[3];

	m->n_classes = 0;
	m->seconds = 0;
	if (read_node(m, c, err) < 0)
		return -1;
	if (ask(m, "rollout_statements", &r, err) < 0) {
		m->up = false;
		m->error = *err;
		return -1;
	}
	now = parse(r);
	pgt_result_free(r);
	now->at_ns = pgt_clock_mono_ns();
	now->commits = c[0];
	now->rollbacks = c[1];
	now->conflicts = c[2];
	if (m->last) {
		free(m->classes);
		m->n_classes = between(m->last, now, &m->classes);
		m->seconds = (double)(now->at_ns - m->last->at_ns) / 1e9;
		m->commits = fmax(0, c[0] - m->last->commits);
		m->rollbacks = fmax(0, c[1] - m->last->rollbacks);
		m->conflicts = fmax(0, c[2] - m->last->conflicts);
	}
	if (!m->first)
		m->first = now;
	else if (m->last != m->first)
		free(m->last);
	m->last = now;
	return 0;
}

double
pgt_ro_meter_tps(const struct pgt_ro_meter *m)
{
	double s;

	if (!m->first || m->first == m->last)
		return NAN;
	s = (double)(m->last->at_ns - m->first->at_ns) / 1e9;
	return (m->last->commits + m->last->rollbacks - m->first->commits -
		m->first->rollbacks) /
	       s;
}

size_t
pgt_ro_meter_all(const struct pgt_ro_meter *m, struct pgt_ro_class **ret)
{
	if (!m->first || m->first == m->last) {
		*ret = NULL;
		return 0;
	}
	return between(m->first, m->last, ret);
}
