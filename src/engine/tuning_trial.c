#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changes_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/changing.h"
#include "tuning_priv.h"

/* A trial is abandoned once its throughput is below this part of the baseline for
 * sure, or its mean time above this multiple: reference/numerics.md section B.6. */
#define HURT_TPS  0.9
#define HURT_MEAN 2.0
/* A trial of few statements goes on until so many were seen. */
#define CALLS_MIN   40
#define BUCKETS_MIN 2
/* What runs when a setting changes ends under the old one: it is waited for, in part. */
#define SETTLE_MAX_NS (30 * PGT_NS_PER_S)
/* A trial under another mix of statements says nothing: this far off, beyond chance. */
#define MIX_MAX	  0.3
#define MIX_NOISE 1.5
/* Beyond this share of all transactions our own looking is more than noise. */
#define OURS_MAX  0.25
#define BUCKET_S  5 /* of a window: measure.h */
#define MARGIN_NS (120 * PGT_NS_PER_S) /* the guard's deadline beyond the plan */

bool
pgt_tuning_differs(const struct pgt_tuning *t, size_t dim, double value)
{
	const struct pgt_knob *k = t->space.dims[dim].knob;
	char a[40], b[40];

	if (!k)
		return value != t->baseline[dim];
	/* Compared as the server would hold them. */
	pgt_knob_format(k, value, a, sizeof(a));
	pgt_knob_format(k, t->baseline[dim], b, sizeof(b));
	return strcmp(a, b) != 0;
}

static void
describe_one(const struct pgt_tuning *t, size_t dim, double value, char *buf, size_t size)
{
	const struct pgt_dim *d = &t->space.dims[dim];
	const struct pgt_tune_extra *x = pgt_tuning_extra(t, dim);
	char v[40];

	if (d->knob) {
		pgt_knob_format(d->knob, value, v, sizeof(v));
		snprintf(buf, size, "%s=%s", d->name, v);
	} else if (x && *x->label) {
		snprintf(buf, size, "[index %s]", x->label);
	} else {
		snprintf(buf, size, "[%s]", d->name);
	}
}

void
pgt_tuning_describe(const struct pgt_tuning *t, const double *value, char *buf,
		    size_t size)
{
	size_t used = 0, n = t->space.n_dims;
	char one[200];

	buf[0] = '\0';
	/* Indexes and hints first: they are few, weigh most, and a line is soon full. */
	for (size_t k = 0; k < 2 * n && used < size; k++) {
		size_t i = k % n;

		if ((k < n) == !!t->space.dims[i].knob ||
		    !pgt_tuning_differs(t, i, value[i]))
			continue;
		describe_one(t, i, value[i], one, sizeof(one));
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
					 one);
	}
	if (used == 0)
		pgt_str_copy(buf, size, "as it is");
}

/* While it is measured the change has nobody else to look after it: its guard may die,
 * somebody may ask for it back. */
bool
pgt_tuning_goes_on(struct pgt_tuning *t)
{
	return !t->cancel && (!t->run || pgt_change_run_tend(t->run));
}

static bool
goes_on(void *arg)
{
	return pgt_tuning_goes_on(arg);
}

struct pgt_pulse
pgt_tuning_pulse(struct pgt_tuning *t)
{
	return (struct pgt_pulse){.fn = goes_on, .arg = t};
}

/* ---- when it hurts ---- */

/* A few reports a minute drown among what our own samples commit: then calls are the
 * better count.  So they are of a load of our own, on a server in place, whose mix is
 * taken out by the mean time of the very stretches that calls are counted in.  The first
 * baseline decides for all. */
static bool
by_calls(const struct pgt_tuning *t, const struct pgt_window *w)
{
	const struct pgt_window *base = t->have_base ? &t->base_window : w;

	return (t->rehearsal || base->ours_share > OURS_MAX) && base->calls_ps > 0;
}

double
pgt_tuning_rate(const struct pgt_tuning *t, const struct pgt_window *w)
{
	return by_calls(t, w) ? w->calls_ps : w->tps;
}

static bool
hurts(void *ctx, const struct pgt_window *so_far)
{
	const struct pgt_tuning *t = ctx;
	double sum = 0, m2 = 0, total = 0, mean, sd, upper, slow;
	bool calls = by_calls(t, so_far);
	size_t n = 0, known = 0;

	if (!t->have_base || so_far->n < BUCKETS_MIN)
		return false;
	for (size_t i = 0; i < so_far->n; i++) {
		double r = calls ? so_far->bucket[i].calls_ps : so_far->bucket[i].tps;

		known += !isnan(r);
		if (r > 0) {
			sum += log(r);
			total += r * BUCKET_S;
			n++;
		}
	}
	if (n == 0)
		return known && t->least_rate > 1; /* nothing goes through at all */
	mean = sum / (double)n;
	for (size_t i = 0; i < so_far->n; i++) {
		double r = calls ? so_far->bucket[i].calls_ps : so_far->bucket[i].tps;

		if (r > 0)
			m2 += pow(log(r) - mean, 2);
	}
	/* Few points: their own scatter, but at least 5%. */
	sd = fmax(0.05, n > 1 ? sqrt(m2 / (double)(n - 1)) : 0.3);
	/* Few transactions scatter by their count alone. */
	upper = mean + 3 * fmax(sd / sqrt((double)n), 1 / sqrt(fmax(1, total)));
	if (upper < log(HURT_TPS * t->least_rate))
		return true;
	slow = pgt_window_standard_ms(&t->base_window, so_far);
	return slow > HURT_MEAN * t->worst_ms * (1 + 2 / sqrt(fmax(1, so_far->calls))) &&
	       slow - t->worst_ms > 0.1;
}

/* ---- the change ---- */

static struct pgt_changeset *
make_changeset(const struct pgt_tuning *t, const struct pgt_trial *trial,
	       struct pgt_err *err)
{
	struct pgt_changeset *cs = pgt_changeset_new();
	char v[40];

	for (size_t i = 0; i < t->space.n_dims; i++) {
		const struct pgt_knob *k = t->space.dims[i].knob;

		if (!k || !pgt_tuning_differs(t, i, trial->value[i]))
			continue;
		pgt_knob_format(k, trial->value[i], v, sizeof(v));
		if (pgt_changeset_add_setting(cs, k->name, v, err) < 0) {
			pgt_changeset_free(cs);
			return NULL;
		}
	}
	cs->note = pgt_xasprintf("optimizer %.8s, trial %d", t->run_id, trial->id);
	return cs;
}

/* Up to CONFIRM, that is: in force and verified. */
static int
put_on(struct pgt_change_run *run, struct pgt_err *err)
{
	while (pgt_change_run_stage(run) < PGT_ST_CONFIRM)
		if (pgt_change_run_step(run, err) < 0)
			return -1;
	return pgt_change_run_stage(run) == PGT_ST_CONFIRM
		   ? 0
		   : pgt_err_set(err, PGT_E_STATE, "%s", pgt_change_run_text(run));
}

/* Whatever happened: back to the state before, or say that it is not. */
static int
take_off(struct pgt_change_run *run, struct pgt_err *err)
{
	struct pgt_err ignored;

	if (!pgt_stage_is_end(pgt_change_run_stage(run)))
		pgt_change_run_rollback(run, "the trial is over");
	while (!pgt_stage_is_end(pgt_change_run_stage(run)))
		if (pgt_change_run_step(run, &ignored) < 0 &&
		    !pgt_stage_is_end(pgt_change_run_stage(run)))
			pgt_change_run_tend(run);
	switch (pgt_change_run_stage(run)) {
	case PGT_ST_ROLLED_BACK:
	case PGT_ST_NOTHING:
		return 0;
	default:
		return pgt_err_set(err, PGT_E_STATE,
				   "the trial could not be taken back: %s",
				   pgt_change_run_text(run));
	}
}

/* A load of our own is always the same one. */
static bool
another_load(const struct pgt_tuning *t, const struct pgt_window *w)
{
	struct pgt_comparison c;

	if (t->rehearsal)
		return false;
	pgt_measure_compare(&t->base_window, w, &c);
	return c.mix_distance >
	       MIX_MAX + MIX_NOISE * pgt_window_mix_noise(&t->base_window, w);
}

/* As if the statements had come in the first baseline's mix.  Sessions that call again
 * at once, as those of a load of our own do, turn what that does to the mean time into
 * throughput. */
static void
standardise(const struct pgt_tuning *t, const struct pgt_window *w, struct pgt_measure *m)
{
	double ms = pgt_window_standard_ms(&t->base_window, w);

	if (t->rehearsal && w->mean_ms > 0)
		m->tps *= w->mean_ms / ms;
	m->mean_ms = ms;
}

static void
judge(struct pgt_tuning *t, const struct pgt_trial *trial, struct pgt_tried *ret)
{
	const struct pgt_window *w = &ret->window;
	struct pgt_measure m = {
	    .tps = pgt_tuning_rate(t, w), .mean_ms = w->mean_ms, .p99_ms = w->p99_ms};
	struct pgt_err err = {0};

	ret->outcome.status = PGT_OUTCOME_VOID;
	if (w->gaps > PGT_MEASURE_GAPS || w->n < BUCKETS_MIN) {
		snprintf(ret->why, sizeof(ret->why),
			 "too few samples: %zu stretches of %d s, %zu gaps", w->n,
			 BUCKET_S, w->gaps);
		return;
	}
	if (t->have_base && !trial->is_baseline && another_load(t, w)) {
		pgt_str_copy(ret->why, sizeof(ret->why), "another load");
		return;
	}
	if (t->have_base && !isnan(w->mean_ms)) {
		standardise(t, w, &m);
		if (isnan(m.mean_ms)) {
			pgt_str_copy(ret->why, sizeof(ret->why),
				     "a statement that took much of the time did not "
				     "come up");
			return;
		}
	}
	if (pgt_objective_cost(&t->objective, &m, &ret->outcome.cost, &err) < 0)
		pgt_str_copy(ret->why, sizeof(ret->why), err.msg);
	else
		ret->outcome.status = PGT_OUTCOME_OK;
}

bool
pgt_tuning_wait(struct pgt_tuning *t, int64_t ns)
{
	int64_t until = pgt_clock_mono_ns() + ns;
	bool on = pgt_tuning_goes_on(t);

	for (; on && pgt_clock_mono_ns() < until; on = pgt_tuning_goes_on(t))
		poll(NULL, 0, 50);
	return on;
}

/* What the present settings did at their worst: a trial must do worse to hurt. */
static void
note_baseline(struct pgt_tuning *t, const struct pgt_window *w)
{
	double ms = t->have_base ? pgt_window_standard_ms(&t->base_window, w)
				 : w->mean_ms;
	double r = pgt_tuning_rate(t, w);

	if (!(t->worst_ms > 0) || ms > t->worst_ms)
		t->worst_ms = ms;
	if (!(t->least_rate > 0) || r < t->least_rate)
		t->least_rate = r;
}

int
pgt_tuning_measure(struct pgt_tuning *t, const struct pgt_trial *trial,
		   struct pgt_tried *ret, struct pgt_err *err)
{
	bool watch = t->have_base && !trial->is_baseline;

	if (t->canary)
		return pgt_tuning_canary_measure(t, trial, ret, err);
	pgt_measure_extend(t->meter, CALLS_MIN, BUCKETS_MIN,
			   PGT_TUNE_EXTEND_MAX * t->opts.window_ns);
	if (pgt_measure_window(t->meter, t->opts.window_ns, pgt_tuning_pulse(t),
			       watch ? hurts : NULL, t, &ret->window, err) < 0)
		return -1;
	if (watch && hurts(t, &ret->window)) {
		ret->outcome.status = PGT_OUTCOME_ABANDONED;
		ret->outcome.cost = NAN;
		pgt_str_copy(ret->why, sizeof(ret->why), "it hurt: taken back at once");
	} else {
		judge(t, trial, ret);
		if (trial->is_baseline && ret->outcome.status == PGT_OUTCOME_OK)
			note_baseline(t, &ret->window);
	}
	return 0;
}

static int64_t
settle_ns(const struct pgt_tuning *t)
{
	double slow_ns = t->have_base && t->base_window.mean_ms > 0
			     ? 2 * t->base_window.mean_ms * (double)PGT_NS_PER_MS
			     : 0;

	return slow_ns > (double)SETTLE_MAX_NS	     ? SETTLE_MAX_NS
	       : slow_ns > (double)t->opts.settle_ns ? (int64_t)slow_ns
						     : t->opts.settle_ns;
}

/* On a canary that may be restarted each trial begins with a restart, its settings
 * needing one or not: none has warmer caches than another. */
static int
begin_alike(struct pgt_tuning *t, struct pgt_err *err)
{
	if (!pgt_tuning_may_restart(t))
		return 0;
	if (!t->restarted && pgt_tuning_canary_restart(t, err) < 0)
		return -1;
	return pgt_tuning_wait(t, PGT_TUNE_WARM_NS)
		   ? 0
		   : pgt_err_set(err, PGT_E_CANCELLED, "stopped");
}

int
pgt_tuning_try(struct pgt_tuning *t, const struct pgt_trial *trial, struct pgt_tried *ret,
	       struct pgt_err *err)
{
	int64_t settle = settle_ns(t);
	struct pgt_changing_choice choice = {
	    .trial = true,
	    .stabilise_ns = settle,
	    .deadline_ns = settle + PGT_TUNE_EXTEND_MAX * t->opts.window_ns + MARGIN_NS,
	    .restart = pgt_tuning_may_restart(t) ? pgt_tuning_canary_restart : NULL,
	    .restart_ctx = t,
	};
	struct pgt_change_run *run = NULL;
	struct pgt_changeset *cs;
	struct pgt_err why = {0};
	bool refused;
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->outcome.status = PGT_OUTCOME_FAILED;
	if (pgt_tuning_has_copy(t))
		return pgt_tuning_rehearse(t, trial, ret, err);
	cs = make_changeset(t, trial, err);
	if (!cs)
		return -1;
	t->restarted = false;
	if (cs->n_items == 0) {
		pgt_changeset_free(cs);
		if (begin_alike(t, &why) < 0 ||
		    pgt_tuning_measure(t, trial, ret, &why) < 0) {
			ret->outcome.status = PGT_OUTCOME_VOID;
			pgt_str_copy(ret->why, sizeof(ret->why), why.msg);
		}
		return 0;
	}
	if (pgt_changing_new(t->e->opts, t->password, &choice, cs, &run, err) < 0)
		return -1;
	t->run = run;
	refused = put_on(run, &why) < 0 && !t->put_any &&
		  pgt_change_run_stage(run) == PGT_ST_NOTHING;
	t->put_any |= why.code == 0;
	if (why.code != 0) {
		pgt_str_copy(ret->why, sizeof(ret->why), why.msg);
	} else if (begin_alike(t, &why) < 0 ||
		   pgt_tuning_measure(t, trial, ret, &why) < 0) {
		ret->outcome.status = PGT_OUTCOME_VOID;
		pgt_str_copy(ret->why, sizeof(ret->why), why.msg);
	}
	t->run = NULL;
	rc = take_off(run, err);
	pgt_changes_keep(t->e, pgt_change_run_changeset(run)->id);
	pgt_change_run_free(run);
	/* The rest would be refused too, and each count as a bad configuration. */
	if (rc == 0 && refused)
		return pgt_err_set(err, PGT_E_DENIED, "no trial can begin here: %s",
				   ret->why);
	return rc;
}
