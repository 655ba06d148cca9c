/* When and how the two nodes of a rollout are measured, and what is made of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "rollouts_priv.h"

#define PROBE_NS      (1 * PGT_NS_PER_S)
#define PROBES_FAILED 2
/* What runs just after a shift runs on new connections and cold caches: this part of
 * a step's least time is not judged, a bucket at least and not longer than this; nor is
 * what runs before the router's connections are dealt out as told (PgBouncer opens those
 * of min_pool_size one by one), within the same limit. */
#define SETTLE_PART   3
#define SETTLE_MAX_NS (10 * PGT_NS_PER_S)
#define DEALT_LOOK_NS (250 * PGT_NS_PER_MS)
/* A bucket with fewer calls on the canary than this many times the least that counts
 * makes the next one of the step twice as long, up to this many times. */
#define CALLS_PART  1.5
#define STRETCH_MAX 8
/* A statement of a write and a transaction that failed, seen within this of each other
 * on the canary, belong together: the server's counters come up to a second late. */
#define WRITE_NS (10 * PGT_NS_PER_S)

static void
share_figures(struct pgt_rollout_drive *d, const struct pgt_gate_bucket *b, bool swapped)
{
	double side[2] = {0, 0};

	for (size_t i = 0; i < b->n_strata; i++) {
		side[PGT_RO_PRIMARY] +=
		    swapped ? b->strata[i].canary_n : b->strata[i].primary_n;
		side[PGT_RO_CANARY_SIDE] +=
		    swapped ? b->strata[i].primary_n : b->strata[i].canary_n;
	}
	for (int i = 0; i < 2; i++) {
		pgt_ro_node_figures(&d->meter[i], &d->node[i]);
		pgt_ro_resources(&d->meter[i], &d->node[i]);
		d->node[i].share_pct = side[0] + side[1] > 0
					   ? 100 * side[i] / (side[0] + side[1])
					   : NAN;
	}
	d->node[PGT_RO_PRIMARY].conns = d->rstate.primary_conns;
	d->node[PGT_RO_CANARY_SIDE].conns = d->rstate.canary_conns;
	d->node[PGT_RO_CANARY_SIDE].lag_bytes = b->lag_bytes;
}

static void
ask_router(struct pgt_rollout_drive *d, struct pgt_rollout_measure *m, bool swapped)
{
	struct pgt_err err = {0};
	struct pgt_router_state st;
	double all;

	m->configured_pct = NAN;
	m->bucket.canary_conn_share = NAN;
	if (!d->router)
		return;
	m->configured_pct = -1;
	if (d->rops->get(d->router, &st, &err) < 0) {
		pgt_ro_drive_say(d, err.msg);
		return;
	}
	d->rstate = st;
	m->configured_pct = st.configured_pct;
	all = st.primary_conns + st.canary_conns;
	if (st.primary_conns >= 0 && st.canary_conns >= 0 && all > 0)
		m->bucket.canary_conn_share =
		    (swapped ? st.primary_conns : st.canary_conns) / all;
}

/* Direct mode has no second node: the primary now against itself before. */
static void
direct_bucket(struct pgt_rollout_drive *d, struct pgt_rollout_measure *m,
	      struct pgt_gate_stratum **ret)
{
	struct pgt_ro_meter before = d->meter[PGT_RO_PRIMARY];
	double now = 0, all = 0;

	/* what it did between its first reading and the change */
	before.classes = d->meter[PGT_RO_CANARY_SIDE].classes;
	before.n_classes = d->meter[PGT_RO_CANARY_SIDE].n_classes;
	pgt_ro_bucket(&before, &d->meter[PGT_RO_PRIMARY], &d->limits, false, &m->bucket,
		      ret);
	/* Nothing is dealt out here, so nobody can be starved: the share is what it is.
	 */
	for (size_t i = 0; i < m->bucket.n_strata; i++) {
		now += (*ret)[i].canary_n;
		all += (*ret)[i].canary_n + (*ret)[i].primary_n;
	}
	m->bucket.share = all > 0 ? now / all : 0;
	m->bucket.lag_bytes = NAN;
	m->bucket.canary_errors = m->bucket.primary_errors = NAN;
}

/* All of the traffic is on the canary: held against what the primary did under it
 * before the rollout, when that was seen. */
static void
against_base(struct pgt_rollout_drive *d, struct pgt_gate_bucket *b,
	     struct pgt_gate_stratum **strata)
{
	struct pgt_ro_meter before = d->meter[PGT_RO_PRIMARY];
	struct pgt_gate_bucket other = *b;
	struct pgt_gate_stratum *st = NULL;
	bool any = false;

	before.classes = d->base.classes;
	before.n_classes = d->base.n_classes;
	pgt_ro_bucket(&before, &d->meter[PGT_RO_CANARY_SIDE], &d->limits, false, &other,
		      &st);
	for (size_t i = 0; i < other.n_strata; i++)
		any = any || (st[i].primary_n >= d->plan->gate.min_bucket_calls &&
			      st[i].canary_n >= d->plan->gate.min_bucket_calls);
	if (!any) {
		free(st);
		return;
	}
	for (size_t i = 0; i < b->n_strata; i++) {
		b->calls_canary += (*strata)[i].canary_n;
		b->calls_primary += (*strata)[i].primary_n;
	}
	free(*strata);
	*strata = st;
	b->strata = other.strata;
	b->n_strata = other.n_strata;
	b->historical = true;
	b->control_sd = d->base.sd;
}

/* What ran on the canary and may not: 25006.  The server counts no such thing, so it is
 * told by a session whose last statement writes and a transaction that failed. */
static bool
write_refused(struct pgt_rollout_drive *d)
{
	const struct pgt_ro_meter *c = &d->meter[PGT_RO_CANARY_SIDE];
	int64_t now = pgt_clock_mono_ns();

	if (d->plan->direct || !c->up || !c->in_recovery)
		return false;
	if (c->writes > 0)
		d->write_seen_ns = now;
	if (d->rollbacks_seen >= 0 && c->rollbacks_now > d->rollbacks_seen)
		d->failed_seen_ns = now;
	d->rollbacks_seen = c->rollbacks_now;
	return d->write_seen_ns && d->failed_seen_ns &&
	       now - d->write_seen_ns < WRITE_NS && now - d->failed_seen_ns < WRITE_NS;
}

static bool
is_short(double have, double floor)
{
	return floor > 0 && have < floor; /* false too when it is not known */
}

static bool
resources_short(struct pgt_rollout_drive *d)
{
	const struct pgt_rollout_node *n = &d->node[PGT_RO_CANARY_SIDE];
	const struct pgt_gate_config *g = &d->plan->gate;
	char text[160];

	if (d->plan->direct ||
	    !(is_short(n->mem_available_pct, g->min_memory_pct) ||
	      is_short(n->disk_free_pct, g->min_disk_pct) ||
	      (g->max_connections_pct > 0 && n->backends_max > 0 &&
	       100.0 * n->backends > g->max_connections_pct * n->backends_max)))
		return false;
	snprintf(text, sizeof(text),
		 "canary: %.0f%% of memory, %.0f%% of disk free, %d of %d connections",
		 n->mem_available_pct, n->disk_free_pct, n->backends, n->backends_max);
	pgt_ro_drive_say(d, text);
	return true;
}

static bool
read_nodes(struct pgt_rollout_drive *d)
{
	struct pgt_err err = {0};
	bool all = true;

	for (int i = 0; i < (d->plan->direct ? 1 : 2); i++)
		if (pgt_ro_meter_read(&d->meter[i], &err) < 0) {
			pgt_ro_drive_say(d, err.msg);
			all = false;
		}
	return all;
}

static void
measure(struct pgt_rollout_drive *d, const struct pgt_rollout_view *v)
{
	struct pgt_rollout_measure m = {.canary_mean_ms = NAN};
	struct pgt_gate_stratum *strata = NULL;
	bool direct = d->plan->direct, all = read_nodes(d);
	double sum = 0, n = 0;

	/* it was promoted: what it serves is a cluster of its own */
	if (!direct && d->meter[PGT_RO_CANARY_SIDE].up &&
	    !d->meter[PGT_RO_CANARY_SIDE].in_recovery) {
		pgt_ro_drive_say(d, "the canary is no standby any more");
		pgt_rollout_canary_down(d->machine);
	}
	ask_router(d, &m, v->swapped);
	if (direct) {
		direct_bucket(d, &m, &strata);
	} else {
		pgt_ro_bucket(&d->meter[0], &d->meter[1], &d->limits, v->swapped,
			      &m.bucket, &strata);
		m.bucket.share = v->pct < 0 ? 0
				 : v->swapped ? 1 - v->pct / 100
					      : v->pct / 100;
	}
	m.bucket.stale = !all || d->meter[0].seconds <= 0;
	share_figures(d, &m.bucket, v->swapped);
	for (size_t i = 0; i < m.bucket.n_strata; i++) {
		sum += strata[i].canary_n * strata[i].canary_mean;
		n += strata[i].canary_n;
	}
	/* too few calls say nothing, however many such buckets there are */
	if (n < CALLS_PART * d->plan->gate.min_bucket_calls && d->stretch < STRETCH_MAX)
		d->stretch *= 2;
	m.canary_calls = n;
	m.canary_mean_ms = n > 0 ? sum / n : NAN;
	m.bucket.write_refused = write_refused(d);
	m.bucket.resources_short = resources_short(d);
	if (!direct && v->state == PGT_RO_STEP && v->pct >= 100)
		against_base(d, &m.bucket, &strata);
	pgt_rollout_feed(d->machine, &m);
	free(strata);
}

/* ---- the time before ---- */

/* One more bucket of the primary while nothing has been changed. */
static void
base_bucket(struct pgt_rollout_drive *d)
{
	struct pgt_ro_meter *p = &d->meter[PGT_RO_PRIMARY];
	struct pgt_err ignored;

	if (pgt_ro_meter_read(p, &ignored) < 0 || p->n_classes == 0 ||
	    d->base.n_buckets == PGT_RO_BASES)
		return;
	pgt_ro_node_figures(p, &d->node[PGT_RO_PRIMARY]);
	pgt_ro_resources(p, &d->node[PGT_RO_PRIMARY]);
	d->base.bucket[d->base.n_buckets] =
	    pgt_xreallocarray(NULL, p->n_classes, sizeof(*p->classes));
	memcpy(d->base.bucket[d->base.n_buckets], p->classes,
	       p->n_classes * sizeof(*p->classes));
	d->base.bucket_n[d->base.n_buckets++] = p->n_classes;
}

/* By how much the log of the primary's means varies from bucket to bucket, beyond what
 * the calls in them explain. */
static double
base_sd(const struct pgt_rollout_drive *d)
{
	double sum = 0, sum2 = 0, explained = 0, n = 0;

	for (int k = 0; k < d->base.n_buckets; k++) {
		struct pgt_ro_meter base = {.classes = d->base.classes,
					    .n_classes = d->base.n_classes},
				    now = {.classes = d->base.bucket[k],
					   .n_classes = d->base.bucket_n[k]};
		struct pgt_ro_limits none = {0};
		struct pgt_gate_stratum *st = NULL;
		struct pgt_gate_bucket b = {0};
		double w = 0, x = 0, v = 0;

		pgt_ro_bucket(&base, &now, &none, false, &b, &st);
		for (size_t i = 0; i < b.n_strata; i++) {
			double wi = st[i].primary_n * st[i].primary_mean;

			if (!(wi > 0) || st[i].canary_n < d->plan->gate.min_bucket_calls)
				continue;
			w += wi;
			x += wi * log(st[i].canary_mean / st[i].primary_mean);
			v += wi * wi * st[i].canary_var /
			     (st[i].canary_n * st[i].canary_mean * st[i].canary_mean);
		}
		free(st);
		if (!(w > 0))
			continue;
		sum += x / w;
		sum2 += x / w * x / w;
		explained += v / (w * w);
		n++;
	}
	if (n < 2)
		return d->plan->gate.noise_sd;
	return sqrt(fmax(0, (sum2 - sum * sum / n - explained) / (n - 1)));
}

/* The readings before the change: the base of the tail's limits, of a step without
 * another control, and of the run's row; in direct mode the control itself. */
void
pgt_ro_base_line(struct pgt_rollout_drive *d)
{
	struct pgt_ro_meter *p = &d->meter[PGT_RO_PRIMARY], whole;
	struct pgt_rollout_node n;
	struct pgt_err err;

	if (pgt_ro_meter_read(p, &err) < 0)
		return;
	pgt_ro_limits_take(&d->limits, p, d->plan->gate.latency_margin);
	free(d->base.classes);
	d->base.n_classes = pgt_ro_meter_all(p, &d->base.classes);
	d->base.sd = base_sd(d);
	whole = *p;
	whole.classes = d->base.classes;
	whole.n_classes = d->base.n_classes;
	pgt_ro_node_figures(&whole, &n);
	d->base_p99 = n.p99_ms;
	d->base_mean = n.mean_ms;
	d->base_tps = pgt_ro_meter_tps(p);
	if (d->plan->direct) {
		free(d->meter[PGT_RO_CANARY_SIDE].classes);
		d->meter[PGT_RO_CANARY_SIDE].n_classes =
		    pgt_ro_meter_all(p, &d->meter[PGT_RO_CANARY_SIDE].classes);
	}
}

void
pgt_ro_base_free(struct pgt_rollout_drive *d)
{
	for (int i = 0; i < d->base.n_buckets; i++)
		free(d->base.bucket[i]);
	free(d->base.classes);
}

static void
probe(struct pgt_rollout_drive *d, const struct pgt_rollout_view *v)
{
	struct pgt_ro_meter *c = &d->meter[PGT_RO_CANARY_SIDE];
	struct pgt_err err = {0};

	if (pgt_ro_meter_probe(c, &err) == 0 && c->in_recovery) {
		d->probe_failures = 0;
		if (v->pct > 0 && write_refused(d))
			pgt_rollout_rollback(d->machine,
					     "a write reached the canary: the "
					     "pool is not read-only");
		return;
	}
	d->probe_failures++;
	pgt_ro_drive_say(d, err.code ? err.msg : "the canary is no standby any more");
	if (v->state >= PGT_RO_APPLY && d->probe_failures >= PROBES_FAILED)
		pgt_rollout_canary_down(d->machine);
}

static int64_t
settle_ns(const struct pgt_rollout_plan *p, const struct pgt_rollout_view *v)
{
	int64_t ns = p->min_step_ns / SETTLE_PART;

	ns = ns > SETTLE_MAX_NS ? SETTLE_MAX_NS : ns;
	if (v->state == PGT_RO_STEP && v->step == 0 && p->canary.warm_ns > ns)
		ns = p->canary.warm_ns;
	return ns > p->bucket_ns ? ns : p->bucket_ns;
}

static void
begin_bucket(struct pgt_rollout_drive *d, const struct pgt_rollout_view *v, int64_t now)
{
	d->judged_since_ns = v->since_ns;
	d->stretch = 1;
	d->was_judging = true;
	d->settling = true;
	d->next_bucket_ns = now + settle_ns(d->plan, v);
	d->next_probe_ns = now + PROBE_NS;
}

/* The router's connections are shared as the traffic should be, or nobody knows. */
static bool
dealt(struct pgt_rollout_drive *d, const struct pgt_rollout_view *v)
{
	struct pgt_rollout_measure m;

	if (d->plan->direct || v->pct < 0)
		return true;
	ask_router(d, &m, false);
	return isnan(m.bucket.canary_conn_share) ||
	       fabs(m.bucket.canary_conn_share - v->pct / 100) <= PGT_GATE_SHARE_SLACK;
}

static void
settle(struct pgt_rollout_drive *d, const struct pgt_rollout_view *v, int64_t now)
{
	if (now < d->judged_since_ns + SETTLE_MAX_NS && !dealt(d, v)) {
		d->next_bucket_ns = now + DEALT_LOOK_NS;
		return;
	}
	read_nodes(d);
	d->settling = false;
	d->next_bucket_ns = pgt_clock_mono_ns() + d->plan->bucket_ns;
}

void
pgt_ro_look_at_nodes(struct pgt_rollout_drive *d, int64_t now)
{
	struct pgt_rollout_view v;

	pgt_rollout_look(d->machine, &v);
	if (v.judging && (!d->was_judging || v.since_ns != d->judged_since_ns)) {
		begin_bucket(d, &v, now);
		return;
	}
	d->was_judging = v.judging;
	if (v.judging && d->settling && now >= d->next_bucket_ns) {
		settle(d, &v, now);
	} else if (v.judging && now >= d->next_bucket_ns) {
		measure(d, &v);
		d->next_bucket_ns = now + d->plan->bucket_ns * d->stretch;
		d->next_probe_ns = now + PROBE_NS;
	} else if ((v.state == PGT_RO_PREFLIGHT || v.state == PGT_RO_CANARY) &&
		   d->base_until_ns && now >= d->next_bucket_ns) {
		d->next_bucket_ns = now + d->plan->bucket_ns;
		base_bucket(d);
	} else if (!d->plan->direct && v.state >= PGT_RO_STEP &&
		   v.state <= PGT_RO_RETURN && now >= d->next_probe_ns) {
		d->next_probe_ns = now + PROBE_NS;
		probe(d, &v);
	}
}
