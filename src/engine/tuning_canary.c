/* Trials on a standby that takes a share of the reads: the settings go on the standby
 * (which is what we are connected to), and the cost is how much slower its statements
 * are than the same statements on the primary at the same moment.  What both have in
 * common, above all the load, cancels out. */
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "rollouts_priv.h"
#include "tuning_priv.h"

#define BUCKET_NS (5 * PGT_NS_PER_S)
#define CALLS_MIN 30  /* of one bucket on either side, below which it says nothing */
#define HURT	  2.0 /* twice as slow as before, against the primary */
#define HURT_MIN  2   /* buckets */

struct pgt_tune_canary {
	struct pgt_ro_meter primary, standby;
	struct pgt_ro_limits
	    limits; /* none are taken: the gate of the tail is not asked */
	/* of the standby, where it is of this host: for when it does not start */
	char *data, *conf;
};

struct sums {
	double ratio, p99, tps, mean_ms,
	    p99_ms; /* sums over buckets; ratio and p99: log */
	int n, empty;
};

static int
check_nodes(struct pgt_tune_canary *c, struct pgt_err *err)
{
	struct pgt_identity p, s;

	if (pgt_ro_meter_read(&c->primary, err) < 0 ||
	    pgt_ro_meter_read(&c->standby, err) < 0 ||
	    pgt_identity_read(c->primary.conn, &p, err) < 0 ||
	    pgt_identity_read(c->standby.conn, &s, err) < 0)
		return -1;
	if (!c->standby.in_recovery)
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "%s is no standby: connect to the standby, and name the "
		    "primary with --primary",
		    c->standby.label);
	if (c->primary.in_recovery || strcmp(p.fingerprint, s.fingerprint) != 0)
		return pgt_err_set(err, PGT_E_USAGE, "%s is not its primary",
				   c->primary.label);
	/* of this host for sure: the postmaster that answers is the one that works there
	 */
	if (s.datadir[0] && pgt_ro_postmaster(c->standby.conn) > 0 &&
	    pgt_ro_postmaster(c->standby.conn) == pgt_local_pid(s.datadir)) {
		c->data = pgt_xstrdup(s.datadir);
		c->conf = pgt_ro_conf_read(s.datadir);
	}
	return 0;
}

int
pgt_tuning_canary_begin(struct pgt_tuning *t, struct pgt_err *err)
{
	const struct pgt_connargs args = {.dbname = t->opts.primary,
					  .password = t->password};
	struct pgt_connspec *primary = NULL;

	if (t->objective.w_tps > 0)
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "a canary's share of the calls is the router's: search "
		    "for mean or p99");
	if (pgt_connspec_new(&args, &primary, err) < 0)
		return -1;
	t->canary = pgt_xcalloc(1, sizeof(*t->canary));
	pgt_ro_meter_init(&t->canary->primary, primary);
	pgt_ro_meter_init(&t->canary->standby, pgt_connspec_copy(t->spec));
	pgt_str_copy(t->text, sizeof(t->text),
		     "measured on the standby, against the primary at the same moment");
	return check_nodes(t->canary, err);
}

void
pgt_tuning_canary_end(struct pgt_tuning *t)
{
	if (!t->canary)
		return;
	pgt_ro_meter_done(&t->canary->primary);
	pgt_ro_meter_done(&t->canary->standby);
	free(t->canary->data);
	free(t->canary->conf);
	free(t->canary);
	t->canary = NULL;
}

bool
pgt_tuning_may_restart(const struct pgt_tuning *t)
{
	return t->opts.mode == PGT_TUNE_CANARY && *t->opts.restart_command;
}

int
pgt_tuning_canary_restart(void *ctx, struct pgt_err *err)
{
	struct pgt_tuning *t = ctx;
	const struct pgt_ro_restart r = {
	    .program = t->opts.restart_command,
	    .data = t->canary->data,
	    .conf = t->canary->conf,
	    .meter = &t->canary->standby,
	};

	t->restarted = true;
	return pgt_ro_restart_node(&r, err);
}

/* Mean log ratio of the statements that both served, by the standby's calls. */
static bool
log_ratio(const struct pgt_gate_bucket *b, double *ret)
{
	double sum = 0, weight = 0, primary = 0;

	for (size_t i = 0; i < b->n_strata; i++) {
		const struct pgt_gate_stratum *s = &b->strata[i];

		if (s->canary_n < 1 || s->primary_n < 1 || !(s->canary_mean > 0) ||
		    !(s->primary_mean > 0))
			continue;
		sum += s->canary_n * log(s->canary_mean / s->primary_mean);
		weight += s->canary_n;
		primary += s->primary_n;
	}
	if (weight < CALLS_MIN || primary < CALLS_MIN)
		return false;
	*ret = sum / weight;
	return true;
}

static int
one_bucket(struct pgt_tune_canary *c, struct sums *s, struct pgt_err *err)
{
	struct pgt_gate_stratum *strata = NULL;
	struct pgt_gate_bucket b = {0};
	struct pgt_rollout_node p, n;
	double ratio;

	if (pgt_ro_meter_read(&c->primary, err) < 0 ||
	    pgt_ro_meter_read(&c->standby, err) < 0)
		return -1;
	pgt_ro_bucket(&c->primary, &c->standby, &c->limits, false, &b, &strata);
	pgt_ro_node_figures(&c->primary, &p);
	pgt_ro_node_figures(&c->standby, &n);
	if (log_ratio(&b, &ratio) && n.p99_ms > 0 && p.p99_ms > 0) {
		s->ratio += ratio;
		s->p99 += log(n.p99_ms / p.p99_ms);
		s->tps += n.tps;
		s->mean_ms += n.mean_ms;
		s->p99_ms += n.p99_ms;
		s->n++;
	} else {
		s->empty++;
	}
	free(strata);
	return 0;
}

static void
fill_window(const struct sums *s, struct pgt_window *w)
{
	memset(w, 0, sizeof(*w));
	w->n = (size_t)s->n;
	w->gaps = (size_t)s->empty;
	w->tps = s->n ? s->tps / s->n : NAN;
	w->mean_ms = s->n ? s->mean_ms / s->n : NAN;
	w->p99_ms = s->n ? s->p99_ms / s->n : NAN;
	w->hit_ratio = w->temp_bytes = w->active = NAN;
}

static double
cost_of(const struct pgt_tuning *t, const struct sums *s)
{
	double w = t->objective.w_mean + t->objective.w_p99;

	return (t->objective.w_mean * s->ratio + t->objective.w_p99 * s->p99) / w / s->n;
}

/* Against the primary now, twice what it was at the beginning. */
static bool
hurts(const struct pgt_tuning *t, const struct pgt_trial *trial, const struct sums *s)
{
	double base;

	/* The first baseline comes before there is a tuner. */
	if (trial->is_baseline || s->n < HURT_MIN)
		return false;
	base = pgt_tuner_baseline_cost(t->tuner);
	return !isnan(base) && cost_of(t, s) - base > log(HURT);
}

int
pgt_tuning_canary_measure(struct pgt_tuning *t, const struct pgt_trial *trial,
			  struct pgt_tried *ret, struct pgt_err *err)
{
	struct pgt_tune_canary *c = t->canary;
	int64_t until = pgt_clock_mono_ns() + t->opts.window_ns;
	struct sums s = {0};

	if (pgt_ro_meter_read(&c->primary, err) < 0 ||
	    pgt_ro_meter_read(&c->standby, err) < 0)
		return -1;
	while (pgt_clock_mono_ns() < until) {
		if (!pgt_tuning_wait(t, BUCKET_NS))
			return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
		if (one_bucket(c, &s, err) < 0)
			return -1;
		if (hurts(t, trial, &s))
			break;
	}
	fill_window(&s, &ret->window);
	if (s.n < 2) {
		ret->outcome.status = PGT_OUTCOME_VOID;
		pgt_str_copy(ret->why, sizeof(ret->why),
			     "too few reads on the standby: send it a share of them");
	} else if (hurts(t, trial, &s)) {
		ret->outcome.status = PGT_OUTCOME_ABANDONED;
		ret->outcome.cost = NAN;
		pgt_str_copy(ret->why, sizeof(ret->why), "it hurt: taken back at once");
	} else {
		ret->outcome.status = PGT_OUTCOME_OK;
		ret->outcome.cost = cost_of(t, &s);
	}
	return 0;
}
