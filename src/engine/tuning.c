#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/digest.h"
#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/changes.h"
#include "pg2une/optimize/heuristic.h"
#include "pg2une/pg/conn.h"
#include "tuning_priv.h"

/* Trials in a row that say nothing: then the search cannot go on. */
#define VOIDS_MAX 5
/* Of a copy before each trial, with the warm-up: for the first reckoning only. */
#define RESTART_NS (8 * PGT_NS_PER_S)

void
pgt_tune_opts_init(struct pgt_tune_opts *o)
{
	*o = (struct pgt_tune_opts){
	    .mode = PGT_TUNE_LIVE,
	    .objective = PGT_TUNE_MEAN,
	    .iterations = 30, /* as the reference: pg2une.md section 5 */
	    .clients = 4,
	    .window_ns = 20 * PGT_NS_PER_S,
	    .settle_ns = 3 * PGT_NS_PER_S,
	    .seed = 1,
	};
}

int64_t
pgt_tune_usual_ns(const struct pgt_tune_opts *o)
{
	bool copy = o->mode == PGT_TUNE_REHEARSAL && !o->in_place;
	int64_t each = o->window_ns + (copy ? RESTART_NS : o->settle_ns);
	int64_t search = each * o->iterations;
	struct pgt_tuner_opts usual;

	pgt_tuner_opts_init(&usual);
	if (o->time_ns > 0 && o->time_ns < search)
		search = o->time_ns;
	return search +
	       each * pgt_tuner_final_trials(o->iterations, usual.final_rounds);
}

/* ---- the search ---- */

static void
propose(struct pgt_tuning *t)
{
	t->have_proposal = pgt_tuner_propose(t->tuner, &t->proposal, NULL) == 0;
}

int64_t
pgt_tuning_spent_ns(const struct pgt_tuning *t, int64_t now_ns)
{
	return now_ns - t->started_ns - t->paused_ns;
}

bool
pgt_tuning_time_is_up(const struct pgt_tuning *t, int64_t now_ns)
{
	return t->opts.time_ns > 0 && pgt_tuning_spent_ns(t, now_ns) > t->opts.time_ns;
}

static bool
time_is_up(const struct pgt_tuning *t)
{
	return pgt_tuning_time_is_up(t, pgt_clock_mono_ns());
}

static void
set_guess(const struct pgt_trial *trial, double *pct, double *lo, double *hi)
{
	*pct = trial->have_prediction ? trial->gain_pct : NAN;
	*lo = trial->have_prediction ? trial->gain_lo_pct : NAN;
	*hi = trial->have_prediction ? trial->gain_hi_pct : NAN;
}

static void
remember(struct pgt_tuning *t, const struct pgt_trial *trial,
	 const struct pgt_tried *tried)
{
	const struct pgt_observation *best;
	struct pgt_tune_trial *r;
	double base;
	int times;

	if (trial->is_baseline && tried->outcome.status == PGT_OUTCOME_OK &&
	    !t->have_base) {
		t->base_window = tried->window;
		t->have_base = true;
	}
	if (t->n_trials == PGT_TUNE_TRIALS)
		return;
	r = &t->trials[t->n_trials++];
	r->id = trial->id;
	pgt_str_copy(r->what, sizeof(r->what),
		     trial->is_baseline ? "baseline"
					: pgt_tuner_phase_name(trial->phase));
	pgt_str_copy(r->status, sizeof(r->status),
		     tried->outcome.status == PGT_OUTCOME_OK	      ? "ok"
		     : tried->outcome.status == PGT_OUTCOME_FAILED    ? "failed"
		     : tried->outcome.status == PGT_OUTCOME_ABANDONED ? "abandoned"
								      : "void");
	r->tps = tried->window.n ? tried->window.tps : NAN;
	r->mean_ms = tried->window.n ? tried->window.mean_ms : NAN;
	r->p99_ms = tried->window.n ? tried->window.p99_ms : NAN;
	base = pgt_tuner_baseline_cost(t->tuner);
	r->gain_pct = tried->outcome.status == PGT_OUTCOME_OK && !isnan(base)
			  ? pgt_objective_gain_pct(base, tried->outcome.cost)
			  : NAN;
	r->best_pct = pgt_tuning_best(t, &best, &times);
	if (!best)
		r->best_pct = NAN;
	set_guess(trial, &r->guess_pct, &r->guess_lo, &r->guess_hi);
	pgt_str_copy(r->why, sizeof(r->why), trial->why);
	pgt_str_copy(r->note, sizeof(r->note), tried->why);
	pgt_tuning_describe(t, trial->value, r->config, sizeof(r->config));
}

static void
end_now(struct pgt_tuning *t)
{
	t->now[0] = t->now_why[0] = '\0';
	t->now_guess[0] = t->now_guess[1] = t->now_guess[2] = NAN;
	t->now_began_ns = 0;
}

void
pgt_tuning_wait_while_paused(struct pgt_tuning *t)
{
	int64_t since;

	if (!t->paused)
		return;
	since = pgt_clock_mono_ns();
	t->state = PGT_TUNE_PAUSED;
	end_now(t);
	pgt_tuning_tell(t);
	while (t->paused && !t->cancel)
		poll(NULL, 0, 100);
	t->paused_ns += pgt_clock_mono_ns() - since;
	t->state = PGT_TUNE_RUNNING;
}

static void
begin_now(struct pgt_tuning *t, const struct pgt_trial *trial)
{
	pgt_tuning_describe(t, trial->value, t->now, sizeof(t->now));
	pgt_str_copy(t->now_why, sizeof(t->now_why), trial->why);
	set_guess(trial, &t->now_guess[0], &t->now_guess[1], &t->now_guess[2]);
	t->now_began_ns = pgt_clock_mono_ns();
	pgt_tuning_tell(t);
}

static int
told(struct pgt_tuning *t, const struct pgt_trial *trial, const struct pgt_tried *tried,
     struct pgt_err *err)
{
	t->voids = tried->outcome.status == PGT_OUTCOME_VOID ? t->voids + 1 : 0;
	if (t->voids > VOIDS_MAX)
		return pgt_err_set(err, PGT_E_STATE, "no comparable measurement: %s",
				   tried->why);
	if (*tried->why)
		pgt_engine_notice(t->e, PGT_NOTICE_INFO, "trial %d %s", trial->id,
				  tried->why);
	if (pgt_tuner_tell(t->tuner, trial->id, &tried->outcome, err) < 0)
		return -1;
	remember(t, trial, tried);
	pgt_tuning_keep_trial(t, trial, tried);
	return 0;
}

static int
one_trial(struct pgt_tuning *t, struct pgt_err *err)
{
	struct pgt_tried tried;
	struct pgt_trial trial;
	struct pgt_err why = {0};

	if (pgt_tuner_ask(t->tuner, &t->cancel, &trial, &why) < 0) {
		/* Nothing is worth confirming: the answer is to keep what is there. */
		if (pgt_tuner_phase(t->tuner) == PGT_TUNER_DONE)
			return 0;
		if (why.code != PGT_E_NOTFOUND)
			return pgt_err_set(err, why.code, "%s", why.msg);
		pgt_tuner_finish(t->tuner); /* a small space that was tried whole */
		return 0;
	}
	begin_now(t, &trial);
	if (pgt_tuning_try(t, &trial, &tried, err) < 0)
		return -1;
	if (t->cancel) /* what was cut short says nothing */
		return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
	return told(t, &trial, &tried, err);
}

static void
say_left_out(struct pgt_tuning *t)
{
	size_t len = strlen(t->text);

	if (t->have_proposal && t->proposal.left_out > 0)
		snprintf(t->text + len, sizeof(t->text) - len,
			 "%s%d of what the search had changed stays as it "
			 "is: without that the gain is no less, as far as was measured",
			 len ? "; " : "", t->proposal.left_out);
	len = strlen(t->text);
	if (pgt_tuning_reads_only(t) && t->opts.action != PGT_TUNE_QUERIES)
		snprintf(t->text + len, sizeof(t->text) - len,
			 "%sno row was written in the first baseline: settings of WAL, "
			 "checkpoints and vacuum were not searched",
			 len ? "; " : "");
}

static int
search(struct pgt_tuning *t, struct pgt_err *err)
{
	bool finishing = false;

	while (pgt_tuner_phase(t->tuner) != PGT_TUNER_DONE) {
		pgt_tuning_wait_while_paused(t);
		if (t->cancel)
			return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
		if (!finishing && (t->finish || time_is_up(t))) {
			pgt_tuner_finish(t->tuner);
			finishing = true;
			continue;
		}
		if (one_trial(t, err) < 0)
			return -1;
		propose(t);
		pgt_tuning_tell(t);
	}
	propose(t);
	say_left_out(t);
	return 0;
}

/* Mode model: nothing is measured, and it says so. */
static void
by_model(struct pgt_tuning *t, const struct pgt_tuner_opts *to)
{
	size_t asked = 0;

	memset(&t->proposal, 0, sizeof(t->proposal));
	pgt_heuristic_config(&t->space, &to->host, to->cls, &to->mem, t->proposal.value);
	pgt_heuristic_keep_workers(&t->space, &to->host, &to->mem, t->baseline,
				   t->proposal.value);
	t->proposal.gain_pct = t->proposal.gain_lo_pct = t->proposal.gain_hi_pct = NAN;
	t->proposal.confidence = NAN;
	t->have_proposal = true;
	for (size_t i = 0; i < t->space.n_dims; i++)
		if (!t->space.dims[i].knob)
			t->proposal.value[i] = 1;
	for (size_t i = 0; i < t->n_extras; i++)
		asked += !isnan(t->extra[i].cost_pct);
	pgt_str_copy(t->text, sizeof(t->text),
		     t->n_extras == 0
			 ? "rules of thumb only: nothing was measured on this "
			   "server"
		     : asked > 0 ? "rules of thumb, and indexes by the planner's "
				   "costs: nothing was measured on this server"
				 : "rules of thumb, and indexes of the advice, of which "
				   "the planner was not asked (no HypoPG): nothing was "
				   "measured on this server");
}

static int
check_mode(const struct pgt_tuning *t, struct pgt_err *err)
{
	if (t->opts.action != PGT_TUNE_KNOBS && t->opts.mode != PGT_TUNE_MODEL &&
	    !pgt_tuning_has_copy(t))
		return pgt_err_set(
		    err, PGT_E_UNSUPPORTED,
		    "indexes are built on a copy (--mode rehearsal) or asked "
		    "of the planner (--mode model): not on a server in use, "
		    "and a standby cannot have its own");
	return 0;
}

static int
set_objective(struct pgt_tuning *t, struct pgt_err *err)
{
	if (*t->opts.weights)
		return pgt_objective_parse(t->opts.weights, &t->objective, err);
	t->objective = (struct pgt_objective){.w_tps = t->opts.objective == PGT_TUNE_TPS,
					      .w_mean = t->opts.objective ==
							PGT_TUNE_MEAN,
					      .w_p99 = t->opts.objective == PGT_TUNE_P99};
	return 0;
}

/* Where the trials run, and what measures them. */
static int
open_target(struct pgt_tuning *t, struct pgt_err *err)
{
	if (pgt_tuning_has_copy(t))
		return pgt_tuning_rehearse_begin(t, err);
	if (pgt_connspec_with(t->e->spec, NULL, NULL, NULL, t->password, &t->spec,
			      err) < 0)
		return -1;
	if (t->opts.mode == PGT_TUNE_CANARY)
		return pgt_tuning_canary_begin(t, err);
	if (t->opts.mode == PGT_TUNE_REHEARSAL && pgt_tuning_rehearse_begin(t, err) < 0)
		return -1;
	return pgt_measure_open(t->spec, &t->meter, err);
}

/* A void look says neither what kind of work it is nor which earlier searches saw the
 * like: look again before going on without. */
static int
look(struct pgt_tuning *t, const struct pgt_trial *trial, struct pgt_tried *tried,
     struct pgt_err *err)
{
	for (int i = 0;; i++) {
		if (pgt_tuning_try(t, trial, tried, err) < 0)
			return -1;
		if (t->cancel)
			return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
		if (tried->outcome.status != PGT_OUTCOME_VOID || i == VOIDS_MAX ||
		    t->finish || time_is_up(t))
			return 0;
		pgt_engine_notice(t->e, PGT_NOTICE_INFO, "first look %s", tried->why);
	}
}

/* The first baseline tells which earlier searches saw a similar workload; then it is
 * the tuner's first trial. */
static int
first_look(struct pgt_tuning *t, struct pgt_tuner_opts *to, struct pgt_err *err)
{
	struct pgt_trial trial = {.is_baseline = true, .why = "the present settings"};
	struct pgt_tried *tried = pgt_xcalloc(1, sizeof(*tried));
	int rc;

	memcpy(trial.value, t->baseline, sizeof(trial.value));
	begin_now(t, &trial);
	rc = look(t, &trial, tried, err);
	if (rc == 0 && tried->outcome.status == PGT_OUTCOME_OK) {
		t->base_window = tried->window;
		t->have_base = true;
		/* What kind of work it is, a load of our own shows only now. */
		rc = pgt_tuning_space(t, to, err);
	}
	if (rc == 0)
		rc = pgt_tuning_new_tuner(t, to, err);
	if (rc == 0)
		rc = pgt_tuner_ask(t->tuner, &t->cancel, &trial, err);
	if (rc == 0)
		rc = told(t, &trial, tried, err);
	free(tried);
	return rc;
}

static int
prepare(struct pgt_tuning *t, struct pgt_tuner_opts *to, struct pgt_err *err)
{
	pgt_tuner_opts_init(to);
	to->seed = t->opts.seed;
	to->budget = t->opts.iterations;
	if (check_mode(t, err) < 0 || pgt_tuning_extras(t, err) < 0)
		return -1;
	/* Hints need the copy: what there is to search is known only then. */
	if (!pgt_tuning_wants_hints(t) && pgt_tuning_space(t, to, err) < 0)
		return -1;
	if (t->opts.mode == PGT_TUNE_MODEL) {
		if (!to->have_host && t->opts.action != PGT_TUNE_QUERIES)
			return pgt_err_set(
			    err, PGT_E_USAGE,
			    "the server's memory and cores are unknown: say "
			    "--ram and --cpus");
		return 0;
	}
	if (set_objective(t, err) < 0 ||
	    (!pgt_tuning_has_copy(t) && pgt_tuning_sees_latency(t, err) < 0) ||
	    open_target(t, err) < 0)
		return -1;
	if (pgt_tuning_wants_hints(t) &&
	    (pgt_tuning_hints(t, err) < 0 || pgt_tuning_space(t, to, err) < 0))
		return -1;
	return first_look(t, to, err);
}

static void *
tuning_main(void *arg)
{
	struct pgt_tuning *t = arg;
	struct pgt_tuner_opts to;
	struct pgt_err err = {0};
	int rc;

	t->state = PGT_TUNE_RUNNING;
	pgt_engine_command(t->e->to_loop, PGT_LM_RUN, 1, NULL, NULL);
	rc = prepare(t, &to, &err);
	if (rc == 0 && t->opts.mode == PGT_TUNE_MODEL)
		by_model(t, &to);
	else if (rc == 0)
		rc = search(t, &err);
	pgt_measure_close(t->meter);
	t->meter = NULL;
	pgt_tuning_rehearse_end(t);
	pgt_tuning_canary_end(t);
	t->state = rc == 0 ? PGT_TUNE_DONE : PGT_TUNE_FAILED;
	end_now(t);
	if (rc < 0)
		pgt_safetext_copy(t->text, sizeof(t->text), err.msg);
	pgt_tuning_keep_run(t, rc == 0 ? "done" : "failed");
	pgt_engine_command(t->e->to_loop, PGT_LM_RUN, 0, NULL, NULL);
	pgt_tuning_tell(t);
	t->running = false;
	return NULL;
}

/* ---- from other threads ---- */

struct pgt_tuning *
pgt_tuning_new(struct pgt_engine *e)
{
	struct pgt_tuning *t = pgt_xcalloc(1, sizeof(*t));

	t->e = e;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void
clear(struct pgt_tuning *t)
{
	if (t->started) {
		pthread_join(t->thread, NULL);
		t->started = false;
	}
	pgt_tuner_free(t->tuner);
	pgt_connspec_free(t->spec);
	pgt_snapshot_unref(t->at);
	pgt_tuning_extras_done(t);
	t->tuner = NULL;
	t->spec = NULL;
	t->at = NULL;
	t->n_trials = 0;
	t->voids = 0;
	t->put_any = false;
	t->paused_ns = 0;
	t->work_share = 0;
	t->have_base = t->have_proposal = false;
	t->base_cost = t->worst_ms = t->least_rate = NAN;
	t->text[0] = '\0';
	end_now(t);
}

void
pgt_tuning_free(struct pgt_tuning *t)
{
	if (!t)
		return;
	t->cancel = true;
	clear(t);
	if (t->password)
		explicit_bzero(t->password, strlen(t->password));
	free(t->password);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
pgt_tuning_set_password(struct pgt_tuning *t, const char *password)
{
	pthread_mutex_lock(&t->lock);
	if (!t->running) {
		free(t->password);
		t->password = pgt_xstrdup(password);
	}
	pthread_mutex_unlock(&t->lock);
}

void
pgt_tuning_begin(struct pgt_tuning *t, const struct pgt_tune_opts *o,
		 const struct pgt_snapshot *s)
{
	pthread_mutex_lock(&t->lock);
	if (t->running) {
		pthread_mutex_unlock(&t->lock);
		pgt_engine_notice(t->e, PGT_NOTICE_WARN, "the optimizer runs already");
		return;
	}
	clear(t);
	t->opts = *o;
	t->at = s ? pgt_snapshot_ref(s) : NULL;
	t->started_ns = pgt_clock_mono_ns();
	t->started_real_ns = pgt_clock_real_ns();
	pgt_digest_uuid(t->run_id);
	if (!s || s->n_settings == 0) {
		t->state = PGT_TUNE_FAILED;
		pgt_str_copy(
		    t->text, sizeof(t->text),
		    "the server's settings are not known yet: try again in a moment");
		pgt_tuning_tell(t);
	} else {
		t->running = true;
		t->started = pthread_create(&t->thread, NULL, tuning_main, t) == 0;
		t->running = t->started;
		if (t->started)
			pthread_setname_np(t->thread, "pg2une-optimize");
	}
	pthread_mutex_unlock(&t->lock);
}

int
pgt_engine_tune_start(struct pgt_engine *e, const struct pgt_tune_opts *o,
		      struct pgt_err *err)
{
	struct pgt_tune_opts *copy;

	if (e->read_only && o->mode != PGT_TUNE_MODEL)
		return pgt_err_set(
		    err, PGT_E_DENIED,
		    "read-only: only --mode model, which measures and changes nothing");
	if (e->tuning->running)
		return pgt_err_set(err, PGT_E_STATE, "the optimizer runs already");
	copy = pgt_xmalloc(sizeof(*copy));
	*copy = *o;
	/* Here and not when it begins: a stop may be said before it has. */
	e->tuning->cancel = e->tuning->finish = e->tuning->paused = false;
	pgt_engine_command(e->to_loop, PGT_LM_TUNE, 0, copy, free);
	return 0;
}

void
pgt_engine_tune_pause(struct pgt_engine *e, bool pause)
{
	e->tuning->paused = pause;
}

void
pgt_engine_tune_stop(struct pgt_engine *e, bool finish)
{
	if (finish) {
		e->tuning
		    ->paused = false; /* the confirmation begins, and may be paused */
		e->tuning->finish = true;
	} else {
		e->tuning->cancel = true;
	}
}
