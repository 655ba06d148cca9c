/* Two nodes at the same moment, statement by statement. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "rollouts_priv.h"

/* How much of an estimated count is believed: slow calls come from two moments by
 * the lognormal model, whose error is alike in all buckets, so they count for less
 * than calls that were seen.  A judgement; shown as an estimate. */
#define TEMPER	   0.5
#define P99_CALLS  50
/* Fewer calls than that on both sides together are probes, ours among them. */
#define CALLS_MIN 10

void
pgt_ro_limits_take(struct pgt_ro_limits *l, const struct pgt_ro_meter *primary,
		   double latency_margin)
{
	struct pgt_ro_class *c = NULL;
	size_t n = pgt_ro_meter_all(primary, &c);
	double p = 0.99;

	pgt_ro_limits_done(l);
	l->slower = 1 + latency_margin;
	l->keys = pgt_xreallocarray(NULL, n ? n : 1, sizeof(*l->keys));
	l->p99 = pgt_xreallocarray(NULL, n ? n : 1, sizeof(*l->p99));
	for (size_t i = 0; i < n; i++) {
		struct pgt_qclass q = {.n = c[i].n, .mean = c[i].mean, .var = c[i].var,
				       .var_ok = c[i].var_ok};
		struct pgt_quantile p99;

		if (c[i].n < P99_CALLS || !c[i].var_ok ||
		    !pgt_quantile_mixture(&q, 1, &p, 1, &p99))
			continue;
		l->keys[l->n] = c[i].key;
		l->p99[l->n++] = p99.value;
	}
	free(c);
}

void
pgt_ro_limits_done(struct pgt_ro_limits *l)
{
	free(l->keys);
	free(l->p99);
	memset(l, 0, sizeof(*l));
}

static double
limit_of(const struct pgt_ro_limits *l, const struct pgt_ro_key *key)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = pgt_ro_key_cmp(&l->keys[mid], key);

		if (c == 0)
			return l->p99[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NAN;
}

/* Calls over x if the times were lognormal with these moments. */
static double
slower_than(double n, double mean, double var, double x)
{
	double s2 = log1p(var / (mean * mean)), mu = log(mean) - s2 / 2;

	if (!(s2 > 0))
		return mean > x ? n : 0;
	return n * 0.5 * erfc((log(x) - mu) / sqrt(2 * s2));
}

static void
add_slow(struct pgt_gate_bucket *b, const struct pgt_gate_stratum *s,
	 const struct pgt_ro_limits *l, const struct pgt_ro_key *key)
{
	double p99 = limit_of(l, key);

	if (isnan(p99))
		return;
	if (isnan(b->canary_slow))
		b->canary_slow = b->primary_slow = 0;
	if (s->canary_n > 0)
		b->canary_slow += TEMPER * slower_than(s->canary_n, s->canary_mean,
						       s->canary_var, l->slower * p99);
	if (s->primary_n > 0)
		b->primary_slow += TEMPER * slower_than(s->primary_n, s->primary_mean,
							s->primary_var, p99);
}

/* One bucket's estimate must not decide alone: a single hiccup makes two moments
 * say anything. */
static void
bound_slow(struct pgt_gate_bucket *b)
{
	double canary = 0, primary = 0, due;

	for (size_t i = 0; i < b->n_strata; i++) {
		canary += b->strata[i].canary_n;
		primary += b->strata[i].primary_n;
	}
	if (isnan(b->canary_slow) || !(primary > 0))
		return;
	due = canary * fmax(b->primary_slow / primary, TEMPER * 0.01);
	b->canary_slow = fmin(b->canary_slow, 3 * due + 2);
}

static struct pgt_gate_stratum
stratum(const struct pgt_ro_class *primary, const struct pgt_ro_class *canary,
	bool swapped)
{
	static const struct pgt_ro_class none;
	const struct pgt_ro_class *p = primary ? primary : &none,
				  *c = canary ? canary : &none;

	if (swapped) {
		const struct pgt_ro_class *t = p;

		p = c;
		c = t;
	}
	return (struct pgt_gate_stratum){c->n, c->mean, c->var, p->n, p->mean, p->var};
}

void
pgt_ro_bucket(const struct pgt_ro_meter *primary, const struct pgt_ro_meter *canary,
	      const struct pgt_ro_limits *limits, bool swapped, struct pgt_gate_bucket *b,
	      struct pgt_gate_stratum **ret_strata)
{
	struct pgt_gate_stratum *st =
	    pgt_xreallocarray(NULL, canary->n_classes + 1, sizeof(*st));
	size_t k = 0;

	b->n_strata = 0;
	b->canary_slow = b->primary_slow = NAN;
	/* Only what the canary serves too: the rest of the primary's work is not of
	 * this pool. */
	for (size_t i = 0; i < canary->n_classes; i++) {
		const struct pgt_ro_class *c = &canary->classes[i], *p = NULL;

		while (k < primary->n_classes &&
		       pgt_ro_key_cmp(&primary->classes[k].key, &c->key) < 0)
			k++;
		if (k < primary->n_classes &&
		    pgt_ro_key_cmp(&primary->classes[k].key, &c->key) == 0)
			p = &primary->classes[k];
		if (c->n + (p ? p->n : 0) < CALLS_MIN)
			continue;
		st[b->n_strata] = stratum(p, c, swapped);
		add_slow(b, &st[b->n_strata], limits, &c->key);
		b->n_strata++;
	}
	b->strata = st;
	bound_slow(b);
	b->canary_errors = fmax(0, canary->rollbacks);
	b->primary_errors = fmax(0, primary->rollbacks);
	if (swapped) {
		double t = b->canary_errors;

		b->canary_errors = b->primary_errors;
		b->primary_errors = t;
	}
	b->lag_bytes = fmax(0, primary->lsn - canary->lsn);
	*ret_strata = st;
}

void
pgt_ro_node_figures(const struct pgt_ro_meter *m, struct pgt_rollout_node *ret)
{
	static const double p[] = {0.5, 0.95, 0.99};
	struct pgt_qclass *q = pgt_xreallocarray(NULL, m->n_classes + 1, sizeof(*q));
	struct pgt_quantile v[3];
	double sum = 0, n = 0;

	ret->up = m->up;
	ret->p50_ms = ret->p95_ms = ret->p99_ms = ret->mean_ms = NAN;
	for (size_t i = 0; i < m->n_classes; i++) {
		const struct pgt_ro_class *c = &m->classes[i];

		q[i] = (struct pgt_qclass){.n = c->n, .mean = c->mean, .var = c->var,
					   .var_ok = c->var_ok};
		sum += c->n * c->mean;
		n += c->n;
	}
	ret->calls = m->up ? n : NAN;
	if (n > 0) {
		ret->mean_ms = sum / n;
		if (pgt_quantile_mixture(q, m->n_classes, p, 3, v)) {
			ret->p50_ms = v[0].value;
			ret->p95_ms = v[1].value;
			ret->p99_ms = v[2].value;
		}
	}
	ret->tps = m->seconds > 0 ? (m->commits + m->rollbacks) / m->seconds : NAN;
	ret->errors = m->up ? m->rollbacks : NAN;
	ret->backends = m->up ? m->backends : -1;
	ret->backends_max = m->up ? m->backends_max : -1;
	ret->lag_ms = m->up && m->in_recovery ? m->delay_ms : NAN;
	free(q);
}
