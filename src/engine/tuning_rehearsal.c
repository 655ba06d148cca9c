/* Trials on a throwaway copy: no guard and nothing to take back, since nobody else uses
 * it.  Every trial begins alike: configured, restarted when any setting that is
 * searched needs it, a checkpoint, a warm-up under the same load for the same time; and
 * each does the same work, so many transactions of every client from the same seed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "rehearsal_priv.h"
#include "tuning_priv.h"


bool
pgt_tuning_has_copy(const struct pgt_tuning *t)
{
	return t->opts.mode == PGT_TUNE_REHEARSAL && !t->opts.in_place;
}

static void
say(void *arg, const char *text)
{
	struct pgt_tuning *t = arg;

	pgt_str_copy(t->now, sizeof(t->now), text);
	pgt_tuning_tell(t);
}

int
pgt_tuning_rehearse_begin(struct pgt_tuning *t, struct pgt_err *err)
{
	struct pgt_connspec *target = NULL;
	struct pgt_rehearsal_opts o = {
	    .at = t->at,
	    .script = t->opts.script,
	    .schema = t->schema,
	    .clients = t->opts.clients,
	    .seed = t->opts.seed,
	    .where = t->opts.copy_to,
	    .in_place = t->opts.in_place,
	    .cancel = &t->cancel,
	    .say = say,
	    .arg = t,
	};
	int rc;

	if (pgt_connspec_with(t->e->spec, NULL, NULL, NULL, t->password, &target,
			      err) < 0)
		return -1;
	o.target = target;
	rc = pgt_rehearsal_new(&o, &t->rehearsal, err);
	pgt_connspec_free(target);
	if (rc == 0)
		snprintf(t->text, sizeof(t->text), "measured %s; %s",
			 t->opts.in_place ? "in place, under a load of our own"
					  : "on a copy, on this machine",
			 pgt_rehearsal_load_text(t->rehearsal));
	if (rc == 0 && t->opts.in_place)
		rc = pgt_rehearsal_load(t->rehearsal, true, err);
	return rc;
}

void
pgt_tuning_rehearse_end(struct pgt_tuning *t)
{
	pgt_rehearsal_free(t->rehearsal);
	t->rehearsal = NULL;
}

static char *
conf_of(const struct pgt_tuning *t, const double *value)
{
	struct pgt_buf b;
	char v[40];

	pgt_buf_init(&b, 65536);
	/* The frame of a hint is none of the statements that are counted. */
	if (pgt_tuning_has_hints(t))
		pgt_buf_puts(&b, "pg_stat_statements.track_utility = 'off'\n");
	for (size_t i = 0; i < t->space.n_dims; i++) {
		const struct pgt_knob *k = t->space.dims[i].knob;

		if (!k || !pgt_tuning_differs(t, i, value[i]))
			continue;
		pgt_knob_format(k, value[i], v, sizeof(v));
		pgt_buf_printf(&b, "%s = '%s'\n", k->name, v);
	}
	return b.len ? pgt_buf_take(&b) : (pgt_buf_done(&b), pgt_xstrdup(""));
}

static int
set_indexes(struct pgt_tuning *t, const double *value, struct pgt_err *err)
{
	for (size_t i = 0; i < t->space.n_dims; i++) {
		struct pgt_tune_extra *x = pgt_tuning_extra_at(t, i);
		bool want = value[i] >= 0.5;

		if (!x || x->hint || x->present == want)
			continue;
		if (pgt_rehearsal_run(t->rehearsal, want ? x->statement : x->undo,
				      err) < 0)
			return -1;
		x->present = want;
	}
	return 0;
}

/* In force and warm, with nothing running on it; or why not. */
static int
put_on(struct pgt_tuning *t, const struct pgt_trial *trial, struct pgt_err *err)
{
	int64_t settle = t->opts.settle_ns;
	char *conf = conf_of(t, trial->value);
	int rc;

	if (t->restarts && settle < PGT_TUNE_WARM_NS)
		settle = PGT_TUNE_WARM_NS;
	pgt_measure_close(t->meter);
	t->meter = NULL;
	rc = pgt_rehearsal_load(t->rehearsal, false, err);
	if (rc == 0)
		rc = pgt_rehearsal_configure(t->rehearsal, conf, t->restarts, err);
	free(conf);
	if (rc < 0 || set_indexes(t, trial->value, err) < 0 ||
	    pgt_tuning_hints_set(t, trial->value, err) < 0 ||
	    pgt_rehearsal_load(t->rehearsal, true, err) < 0)
		return -1;
	if (!pgt_tuning_wait(t, settle))
		return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
	return pgt_rehearsal_load_failed(t->rehearsal, err)
		   ? -1
		   : pgt_rehearsal_load(t->rehearsal, false, err);
}

/* How much the present settings do in the length of a trial: the work of all of them.
 * Two looks of the same time at long, unequal statements would see different ones. */
static int
find_work(struct pgt_tuning *t, const struct pgt_trial *trial, struct pgt_err *err)
{
	int64_t window = t->opts.window_ns;
	struct pgt_work_report r;
	char now[sizeof(t->now)];
	size_t used;

	if (put_on(t, trial, err) < 0)
		return -1;
	pgt_str_copy(now, sizeof(now), t->now);
	say(t, "how much work makes a trial");
	if (pgt_rehearsal_work(t->rehearsal, 0, window, err) < 0)
		return -1;
	if (pgt_rehearsal_work_await(t->rehearsal, PGT_TUNE_EXTEND_MAX * window,
				     err) < 0)
		return err->code != PGT_E_TIMEOUT
			   ? -1
			   : pgt_err_set(err, PGT_E_TIMEOUT,
					 "a transaction of the load takes over %lld s: "
					 "give --trial more time",
					 (long long)((PGT_TUNE_EXTEND_MAX - 1) * window /
						     PGT_NS_PER_S));
	if (pgt_rehearsal_worked(t->rehearsal, &r, err) < 0)
		return -1;
	if (!(r.done > 0) || !(r.tps > 0))
		return pgt_err_set(err, PGT_E_STATE,
				   "no transaction of the load succeeds");
	t->work_share = pgt_work_share(r.tps, t->opts.clients, window,
				       PGT_TUNE_EXTEND_MAX);
	t->work_ns = (int64_t)(1e9 * t->work_share * t->opts.clients / r.tps);
	if (t->work_ns < window)
		t->work_ns = window;
	say(t, now);
	used = strlen(t->text);
	snprintf(t->text + used, sizeof(t->text) - used,
		 "; each trial the same %d transactions of every client", t->work_share);
	return 0;
}

struct working {
	struct pgt_tuning *t;
	int64_t until_ns;
	bool capped;
	struct pgt_work_sum sum;
	struct pgt_err failed; /* its code is set when the work could not be done */
};

static int
begin_work(void *ctx, struct pgt_err *err)
{
	struct working *w = ctx;

	w->until_ns = pgt_clock_mono_ns() + PGT_TUNE_EXTEND_MAX * w->t->work_ns;
	return pgt_rehearsal_work(w->t->rehearsal, w->t->work_share, 0, err);
}

/* It ended: begin the same again, or be content; false too when it failed. */
static bool
once_more(struct working *w)
{
	const struct pgt_tuning *t = w->t;
	struct pgt_work_report r;
	int rc = pgt_rehearsal_worked(t->rehearsal, &r, &w->failed);

	if (rc == 0 && r.done + r.failed != (double)t->work_share * t->opts.clients)
		rc = pgt_err_set(&w->failed, PGT_E_STATE,
				 "the load did %.0f transactions, not %.0f",
				 r.done + r.failed,
				 (double)t->work_share * t->opts.clients);
	return rc == 0 && pgt_work_again(&w->sum, &r, t->work_ns) &&
	       pgt_rehearsal_work(t->rehearsal, t->work_share, 0,
				  &w->failed) == 0;
}

static bool
work_goes_on(void *ctx)
{
	struct working *w = ctx;

	if (!pgt_rehearsal_works(w->t->rehearsal))
		return once_more(w);
	w->capped = pgt_clock_mono_ns() > w->until_ns;
	return !w->capped;
}

/* Part of the work is other work: it has no cost that could be compared, but not even
 * a quarter of the throughput is known to be bad.  The present settings are not, so
 * something else was. */
static void
give_up(struct pgt_tuning *t, const struct pgt_trial *trial, struct pgt_tried *ret)
{
	ret->outcome.status =
	    trial->is_baseline ? PGT_OUTCOME_VOID : PGT_OUTCOME_ABANDONED;
	ret->outcome.cost = NAN;
	memset(&ret->window, 0, sizeof(ret->window));
	snprintf(
	    ret->why, sizeof(ret->why),
	    "given up after %lld s: its work takes over %d times as long as at first",
	    (long long)(PGT_TUNE_EXTEND_MAX * t->work_ns / PGT_NS_PER_S),
	    PGT_TUNE_EXTEND_MAX);
}

static int
judge(struct pgt_tuning *t, const struct pgt_work_sum *sum, struct pgt_tried *ret,
      struct pgt_err *err)
{
	struct pgt_measure m;

	/* By pgbench's clock: from the first transaction to the end of the last. */
	ret->window.tps = sum->done / sum->s;
	m = (struct pgt_measure){.tps = ret->window.tps,
				 .mean_ms = ret->window.mean_ms,
				 .p99_ms = ret->window.p99_ms};
	if (pgt_objective_cost(&t->objective, &m, &ret->outcome.cost, err) < 0) {
		ret->outcome.status = PGT_OUTCOME_VOID;
		pgt_str_copy(ret->why, sizeof(ret->why), err->msg);
		return 0;
	}
	ret->outcome.status = PGT_OUTCOME_OK;
	return 0;
}

/* Nobody is hurt on a copy: what looks bad is measured to the end. */
static int
do_work(struct pgt_tuning *t, const struct pgt_trial *trial, struct pgt_tried *ret,
	struct pgt_err *err)
{
	struct working w = {.t = t};
	const struct pgt_work work = {begin_work, work_goes_on, &w};

	if (pgt_measure_open_work(pgt_rehearsal_spec(t->rehearsal), &t->meter, err) < 0 ||
	    pgt_measure_work(t->meter, &work, pgt_tuning_pulse(t), &ret->window, err) < 0)
		return -1;
	if (w.failed.code)
		return pgt_err_set(err, w.failed.code, "%s", w.failed.msg);
	if (!w.capped)
		return judge(t, &w.sum, ret, err);
	give_up(t, trial, ret);
	return 0;
}

int
pgt_tuning_rehearse(struct pgt_tuning *t, const struct pgt_trial *trial,
		    struct pgt_tried *ret, struct pgt_err *err)
{
	struct pgt_err why = {0};

	if ((t->work_share == 0 && find_work(t, trial, &why) < 0) ||
	    put_on(t, trial, &why) < 0) {
		pgt_str_copy(ret->why, sizeof(ret->why), why.msg);
		/* What cannot even run the present settings is no copy to judge by. */
		if (trial->is_baseline || why.code == PGT_E_CANCELLED)
			return pgt_err_set(err, why.code, "%s", why.msg);
		return 0;
	}
	if (do_work(t, trial, ret, &why) < 0) {
		/* What the load cannot do here it did under the present settings. */
		ret->outcome.status = trial->is_baseline || why.code != PGT_E_STATE
					  ? PGT_OUTCOME_VOID
					  : PGT_OUTCOME_FAILED;
		pgt_str_copy(ret->why, sizeof(ret->why), why.msg);
	}
	return 0;
}
