#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/digest.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/changes.h"
#include "pg2une/optimize/heuristic.h"
#include "pg2une/pg/conn.h"
#include "tuning_priv.h"

/* Trials in a row that say nothing: then the search cannot go on. */
#define VOIDS_MAX 5

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

/* ---- the space ---- */

static enum pgt_knob_class
class_of(const struct pgt_snapshot *s)
{
	return s->workload == PGT_WORKLOAD_OLTP	  ? PGT_KNOB_OLTP
	       : s->workload == PGT_WORKLOAD_OLAP ? PGT_KNOB_OLAP
						  : PGT_KNOB_MIXED;
}

/* Canonical units of one unit of pg_settings: bytes or milliseconds. */
static double
bare_unit(const char *unit)
{
	static const struct {
		const char *name;
		double factor;
	} units[] = {{"B", 1},	   {"kB", 1024}, {"8kB", 8192},	 {"MB", 1048576},
		     {"16MB", 16777216}, {"ms", 1},	  {"us", 0.001}, {"s", 1000},
		     {"min", 60000}};

	for (size_t i = 0; unit && i < PGT_LEN(units); i++)
		if (strcmp(units[i].name, unit) == 0)
			return units[i].factor;
	return 1;
}

/* False when the server does not say. */
static bool
setting_value(const struct pgt_snapshot *s, const struct pgt_knob *k, double *ret)
{
	const struct pgt_setting *st = pgt_snapshot_setting(s, k->name);

	return st && st->value &&
	       pgt_knob_parse(k, st->value, bare_unit(st->unit), ret, NULL) == 0;
}

/* ALTER SYSTEM would be masked by these, or is not ours to give. */
static bool
may_set(const struct pgt_snapshot *s, const struct pgt_knob *k)
{
	const struct pgt_setting *st = pgt_snapshot_setting(s, k->name);

	return st && st->source && strcmp(st->source, "command line") != 0 &&
	       strcmp(st->source, "environment variable") != 0;
}

static int
build_space(struct pgt_tuning *t, struct pgt_tuner_opts *to, struct pgt_err *err)
{
	const struct pgt_snapshot *s = t->at;
	bool restart = t->opts.mode == PGT_TUNE_MODEL;
	double ram = t->opts.ram_bytes > 0 ? t->opts.ram_bytes : s->host.mem_total;
	double v;

	to->cls = class_of(s);
	to->host = (struct pgt_knob_host){
	    .ram_bytes = ram > 0 ? ram : 0,
	    .cores = t->opts.cpus > 0 ? t->opts.cpus : s->host.n_cpus,
	    .max_connections = s->sessions.max_connections,
	    .rotating_disk = s->host.storage && strcmp(s->host.storage, "hdd") == 0,
	    .server_major = s->node.version_num / 10000,
	};
	to->have_host = to->host.ram_bytes > 0 && to->host.cores > 0;
	pgt_memory_model_default(&to->mem, &to->host, to->cls);
	pgt_space_init(&t->space);
	for (size_t i = 0; i < pgt_knob_count(); i++) {
		const struct pgt_knob *k = pgt_knob_at(i);

		if (!setting_value(s, k, &v))
			continue;
		pgt_memory_model_set(&to->mem, k->name, v);
		if (!k->search || k->risk == PGT_RISK_DURABILITY || !may_set(s, k) ||
		    !pgt_knob_in_major(k, to->host.server_major) ||
		    (k->context == PGT_CONTEXT_RESTART && !restart) ||
		    (k->risk == PGT_RISK_MEMORY && !to->have_host))
			continue;
		if (pgt_space_add_knob(&t->space, k, &to->host, to->cls, err) < 0)
			return -1;
		t->baseline[t->space.n_dims - 1] = v;
	}
	for (size_t i = 0; i < pgt_knob_count(); i++) {
		const struct pgt_knob *k = pgt_knob_at(i);

		if (pgt_space_find(&t->space, k->name) < 0 && setting_value(s, k, &v))
			pgt_space_fix(&t->space, k->name, v);
	}
	if (t->space.n_dims == 0)
		return pgt_err_set(err, PGT_E_UNSUPPORTED,
				   "no setting that may be searched here");
	return 0;
}

/* pgt_space_fix() may have dropped a dimension: line the baseline up again. */
static void
realign_baseline(struct pgt_tuning *t)
{
	double v;

	for (size_t i = 0; i < t->space.n_dims; i++)
		if (t->space.dims[i].knob &&
		    setting_value(t->at, t->space.dims[i].knob, &v))
			t->baseline[i] = v;
}

/* ---- the search ---- */

static void
propose(struct pgt_tuning *t)
{
	t->have_proposal = pgt_tuner_propose(t->tuner, &t->proposal, NULL) == 0;
}

static bool
time_is_up(const struct pgt_tuning *t)
{
	return t->opts.time_ns > 0 &&
	       pgt_clock_mono_ns() - t->started_ns > t->opts.time_ns;
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
	struct pgt_tune_trial *r;
	double base;

	if (trial->is_baseline && tried->outcome.status == PGT_OUTCOME_OK) {
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

static void
wait_while_paused(struct pgt_tuning *t)
{
	if (!t->paused)
		return;
	t->state = PGT_TUNE_PAUSED;
	end_now(t);
	pgt_tuning_tell(t);
	while (t->paused && !t->cancel && !t->finish)
		poll(NULL, 0, 100);
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
one_trial(struct pgt_tuning *t, struct pgt_err *err)
{
	struct pgt_tried tried;
	struct pgt_trial trial;

	if (pgt_tuner_ask(t->tuner, &t->cancel, &trial, err) < 0)
		return -1;
	begin_now(t, &trial);
	if (pgt_tuning_try(t, &trial, &tried, err) < 0)
		return -1;
	if (t->cancel) /* what was cut short says nothing */
		return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
	t->voids = tried.outcome.status == PGT_OUTCOME_VOID ? t->voids + 1 : 0;
	if (t->voids > VOIDS_MAX)
		return pgt_err_set(err, PGT_E_STATE, "no comparable measurement: %s",
				   tried.why);
	if (*tried.why)
		pgt_engine_notice(t->e, PGT_NOTICE_INFO, "trial %d %s", trial.id,
				  tried.why);
	if (pgt_tuner_tell(t->tuner, trial.id, &tried.outcome, err) < 0)
		return -1;
	remember(t, &trial, &tried);
	pgt_tuning_keep_trial(t, &trial, &tried);
	return 0;
}

static int
search(struct pgt_tuning *t, struct pgt_err *err)
{
	bool finishing = false;

	while (pgt_tuner_phase(t->tuner) != PGT_TUNER_DONE) {
		if (t->cancel)
			return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
		if (!finishing && (t->finish || time_is_up(t))) {
			pgt_tuner_finish(t->tuner);
			finishing = true;
			continue;
		}
		wait_while_paused(t);
		if (one_trial(t, err) < 0)
			return -1;
		propose(t);
		pgt_tuning_tell(t);
	}
	propose(t);
	return 0;
}

/* Mode model: nothing is measured, and it says so. */
static void
by_model(struct pgt_tuning *t, const struct pgt_tuner_opts *to)
{
	memset(&t->proposal, 0, sizeof(t->proposal));
	pgt_heuristic_config(&t->space, &to->host, to->cls, &to->mem, t->proposal.value);
	t->proposal.gain_pct = t->proposal.gain_lo_pct = t->proposal.gain_hi_pct = NAN;
	t->proposal.confidence = NAN;
	t->have_proposal = true;
	pgt_str_copy(t->text, sizeof(t->text),
		     "rules of thumb only: nothing was measured on this server");
}

static int
prepare(struct pgt_tuning *t, struct pgt_tuner_opts *to, struct pgt_err *err)
{
	pgt_tuner_opts_init(to);
	to->seed = t->opts.seed;
	to->budget = t->opts.iterations;
	if (build_space(t, to, err) < 0)
		return -1;
	realign_baseline(t);
	if (t->opts.mode == PGT_TUNE_MODEL) {
		if (!to->have_host)
			return pgt_err_set(
			    err, PGT_E_USAGE,
			    "the server's memory and cores are unknown: say "
			    "--ram and --cpus");
		return 0;
	}
	t->objective = (struct pgt_objective){.w_tps = t->opts.objective == PGT_TUNE_TPS,
					      .w_mean = t->opts.objective ==
							PGT_TUNE_MEAN,
					      .w_p99 = t->opts.objective == PGT_TUNE_P99};
	if (pgt_connspec_with(t->e->spec, NULL, NULL, NULL, t->password, &t->spec,
			      err) < 0 ||
	    pgt_measure_open(t->spec, &t->meter, err) < 0)
		return -1;
	return pgt_tuner_new(&t->space, t->baseline, to, NULL, 0, &t->tuner, err);
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
	t->state = rc == 0 ? PGT_TUNE_DONE : PGT_TUNE_FAILED;
	end_now(t);
	if (rc < 0)
		pgt_safetext_copy(t->text, sizeof(t->text), err.msg);
	pgt_tuning_keep_run(t, rc == 0 ? "done" : "failed");
	pgt_engine_command(t->e->to_loop, PGT_LM_RUN, 0, NULL, NULL);
	pgt_tuning_tell(t);
	pgt_measure_close(t->meter);
	t->meter = NULL;
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
		t->cancel = true;
		pthread_join(t->thread, NULL);
		t->started = false;
	}
	pgt_tuner_free(t->tuner);
	pgt_connspec_free(t->spec);
	pgt_snapshot_unref(t->at);
	t->tuner = NULL;
	t->spec = NULL;
	t->at = NULL;
	t->n_trials = 0;
	t->voids = 0;
	t->have_base = t->have_proposal = false;
	t->base_cost = NAN;
	t->text[0] = '\0';
	end_now(t);
	t->cancel = t->finish = t->paused = false;
}

void
pgt_tuning_free(struct pgt_tuning *t)
{
	if (!t)
		return;
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
	if (finish)
		e->tuning->finish = true;
	else
		e->tuning->cancel = true;
}

int
pgt_engine_tune_accept(struct pgt_engine *e, struct pgt_err *err)
{
	struct pgt_tuning *t = e->tuning;
	char v[40];
	int n = 0;

	if (t->running || !t->have_proposal || t->proposal.keep_baseline)
		return pgt_err_set(err, PGT_E_STATE, "there is no proposal to accept");
	for (size_t i = 0; i < t->space.n_dims; i++) {
		const struct pgt_knob *k = t->space.dims[i].knob;

		if (!k || !pgt_tuning_differs(t, i, t->proposal.value[i]))
			continue;
		pgt_knob_format(k, t->proposal.value[i], v, sizeof(v));
		if (pgt_engine_change_add_setting(e, k->name, v, "from the optimizer",
						  err) < 0)
			return -1;
		n++;
	}
	return n ? 0
		 : pgt_err_set(err, PGT_E_STATE, "the proposal is what is there already");
}
