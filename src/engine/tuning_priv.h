/* The optimizer's thread: one search.  It owns the tuner, the meter and, during a
 * trial, the run that changes the server and takes it back. */
#ifndef PG2UNE_ENGINE_TUNING_PRIV_H
#define PG2UNE_ENGINE_TUNING_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine_priv.h"
#include "pg2une/engine/measure.h"
#include "pg2une/engine/tuning.h"
#include "pg2une/optimize/objective.h"
#include "pg2une/optimize/tuner.h"
#include "pg2une/optimize/warm.h"

#define PGT_TUNE_TRIALS 256
#define PGT_TUNE_EXTRAS 8 /* indexes */
#define PGT_TUNE_HINTS	4
#define PGT_TUNE_QUERY	200 /* of a statement's text, for those who read */
/* After a restart the caches are cold: that long at least before measuring. */
#define PGT_TUNE_WARM_NS (6 * PGT_NS_PER_S)
/* A trial of few or slow statements goes on for that many times its length at most. */
#define PGT_TUNE_EXTEND_MAX 4

struct pgt_change_run;
struct pgt_hint_method;
struct pgt_rehearsal;
struct pgt_schema;
struct pgt_tune_canary;

/* An index of the advisor or a hint for one statement, which a trial has or has not. */
struct pgt_tune_extra {
	/* Of its dimension: "index:public.items(tag)", "no nestloop in query 4711"; a
	 * longer one is cut to something that no other is cut to. */
	char name[64];
	char label[160]; /* index: "items(tag)", for those who read; else "" */
	char *statement, *undo; /* exact SQL; of a hint there is nothing to undo */
	char *item;		/* as an item of a changeset file */
	double cost_pct;	/* planner's, with HypoPG: change of the statement it is
				 * for; NAN not asked */
	bool present;		/* index: on the copy, now */
	const struct pgt_hint_method *hint; /* what is off; NULL: an index */
	size_t captured; /* the statement of the load that it is for */
	int64_t queryid;
	char *query;   /* its text, shortened */
	char why[240]; /* hint: what the plan shows; index: what it costs */
};

struct pgt_tuning {
	struct pgt_engine *e;
	pthread_mutex_t lock; /* guards started and the option of a new search */
	pthread_t thread;
	bool started;
	atomic_bool cancel, finish, paused, running;
	char *password;
	/* set before the thread starts */
	struct pgt_tune_opts opts;
	const struct pgt_snapshot *at; /* settings, host and class at the start */
	/* the thread's own */
	struct pgt_schema *schema; /* of the target; NULL not needed */
	struct pgt_tune_extra extra[PGT_TUNE_EXTRAS + PGT_TUNE_HINTS];
	size_t n_extras;
	struct pgt_rehearsal *rehearsal; /* the copy, or the load alone; NULL */
	/* of each trial on the copy: transactions of a client (0: not known yet), and
	 * about how long they take as it is */
	int work_share;
	int64_t work_ns;
	struct pgt_tune_canary *canary;	 /* NULL */
	struct pgt_change_run *run;	 /* what the trial has in force; NULL */
	enum pgt_workload workload;	 /* of the server, or of the first baseline */
	bool restarts;			 /* each trial begins with a restart */
	bool restarted;			 /* this one did */
	bool put_any;			 /* a trial was in force already */
	struct pgt_space space;
	double baseline[PGT_SPACE_DIMS];
	struct pgt_tuner *tuner;
	struct pgt_meter *meter;
	struct pgt_connspec *spec;
	struct pgt_objective objective;
	struct pgt_window base_window; /* the first baseline: what trials compare with */
	bool have_base;
	double worst_ms, least_rate; /* of the baselines; NAN before the first */
	double base_cost; /* NAN before the first */
	char run_id[37];
	int64_t started_ns, started_real_ns, paused_ns; /* how long it has been paused */
	enum pgt_tune_state state;
	struct pgt_tune_trial trials[PGT_TUNE_TRIALS];
	size_t n_trials;
	int voids; /* in a row */
	char now[400], now_why[64], text[768];
	double now_guess[3]; /* percent, low, high; NAN */
	int64_t now_began_ns;
	struct pgt_proposal proposal;
	bool have_proposal;
};

struct pgt_tuning *pgt_tuning_new(struct pgt_engine *e);
void pgt_tuning_free(struct pgt_tuning *t); /* takes back what is under way */
/* On the engine thread: begin with what s knows.  A refusal becomes an event. */
void pgt_tuning_begin(struct pgt_tuning *t, const struct pgt_tune_opts *o,
		      const struct pgt_snapshot *s);
/* Of the budget of time: what was paused does not count. */
int64_t pgt_tuning_spent_ns(const struct pgt_tuning *t, int64_t now_ns);
bool pgt_tuning_time_is_up(const struct pgt_tuning *t, int64_t now_ns);
/* On the search's thread, between trials. */
void pgt_tuning_wait_while_paused(struct pgt_tuning *t);
void pgt_tuning_set_password(struct pgt_tuning *t, const char *password);

/* tuning_trial.c: put value on the server, measure, take it back.  0 with *ret; -1
 * when the server is not as before: the search must end. */
struct pgt_tried {
	struct pgt_outcome outcome;
	struct pgt_window window;
	char why[200]; /* it failed, was abandoned or void */
};
int pgt_tuning_try(struct pgt_tuning *t, const struct pgt_trial *trial,
		   struct pgt_tried *ret, struct pgt_err *err) PGT_MUST_CHECK;
/* "work_mem=16MB ...": what differs from the baseline. */
void pgt_tuning_describe(const struct pgt_tuning *t, const double *value, char *buf,
			 size_t size);
bool pgt_tuning_differs(const struct pgt_tuning *t, size_t dim, double value);

/* tuning_space.c: fills t->space and t->baseline, and of the tuner's options the host,
 * the class and the memory model. */
int pgt_tuning_space(struct pgt_tuning *t, struct pgt_tuner_opts *to,
		     struct pgt_err *err) PGT_MUST_CHECK;

/* The first baseline saw not one row written: what acts on writes alone is not searched,
 * since nothing could be learned of it and the answer would name it all the same. */
bool pgt_tuning_reads_only(const struct pgt_tuning *t);

/* tuning_extra.c: read the schema, ask the advisor, keep its index candidates. */
int pgt_tuning_extras(struct pgt_tuning *t, struct pgt_err *err) PGT_MUST_CHECK;
/* Latencies are of pg_stat_statements: without it a goal that has them says nothing. */
int pgt_tuning_sees_latency(struct pgt_tuning *t, struct pgt_err *err) PGT_MUST_CHECK;
void pgt_tuning_extras_done(struct pgt_tuning *t);
/* NULL when dimension dim is a setting. */
const struct pgt_tune_extra *pgt_tuning_extra(const struct pgt_tuning *t, size_t dim);
struct pgt_tune_extra *pgt_tuning_extra_at(struct pgt_tuning *t, size_t dim);

/* tuning_hint.c: hints are found and tried only where the load is captured statements
 * on a copy. */
bool pgt_tuning_wants_hints(const struct pgt_tuning *t);
/* Read the plans of the captured statements, keep what might help as extras; says so in
 * t->text. */
int pgt_tuning_hints(struct pgt_tuning *t, struct pgt_err *err) PGT_MUST_CHECK;
bool pgt_tuning_has_hints(const struct pgt_tuning *t);
/* Write the scripts of the statements that have hints; the load must be off. */
int pgt_tuning_hints_set(struct pgt_tuning *t, const double *value,
			 struct pgt_err *err) PGT_MUST_CHECK;

/* tuning_rehearsal.c */
bool pgt_tuning_has_copy(const struct pgt_tuning *t);
int pgt_tuning_rehearse_begin(struct pgt_tuning *t, struct pgt_err *err) PGT_MUST_CHECK;
void pgt_tuning_rehearse_end(struct pgt_tuning *t);
/* As pgt_tuning_try(). */
int pgt_tuning_rehearse(struct pgt_tuning *t, const struct pgt_trial *trial,
			struct pgt_tried *ret, struct pgt_err *err) PGT_MUST_CHECK;
/* tuning_past.c: the tuner, with what earlier searches under similar workloads saw. */
int pgt_tuning_new_tuner(struct pgt_tuning *t, struct pgt_tuner_opts *to,
			 struct pgt_err *err) PGT_MUST_CHECK;
/* Features of a workload (optimize/warm.h); false when some are not known. */
bool pgt_tuning_features(const struct pgt_window *w, double *ret);
/* "mean": costs of different goals are not compared. */
const char *pgt_tuning_goal(const struct pgt_tuning *t);
void pgt_tuning_put_features(const struct pgt_tuning *t, cJSON *base);

/* tuning_canary.c */
int pgt_tuning_canary_begin(struct pgt_tuning *t, struct pgt_err *err) PGT_MUST_CHECK;
void pgt_tuning_canary_end(struct pgt_tuning *t);
int pgt_tuning_canary_measure(struct pgt_tuning *t, const struct pgt_trial *trial,
			      struct pgt_tried *ret, struct pgt_err *err) PGT_MUST_CHECK;
/* Settings that need a restart of the canary are searched. */
bool pgt_tuning_may_restart(const struct pgt_tuning *t);
/* By the operator's program, until it answers; for a changeset's run; ctx is the tuning.
 */
int pgt_tuning_canary_restart(void *ctx, struct pgt_err *err) PGT_MUST_CHECK;
/* tuning_trial.c: measure and judge what is in force now, not on a copy. */
int pgt_tuning_measure(struct pgt_tuning *t, const struct pgt_trial *trial,
		       struct pgt_tried *ret, struct pgt_err *err) PGT_MUST_CHECK;
/* The throughput of a window: transactions, or statements where those tell more. */
double pgt_tuning_rate(const struct pgt_tuning *t, const struct pgt_window *w);
/* False: the search was cancelled, or what is in force must go back now.  Looks after
 * the trial's guard; to be asked often. */
bool pgt_tuning_goes_on(struct pgt_tuning *t);
/* The same, for what measures. */
struct pgt_pulse pgt_tuning_pulse(struct pgt_tuning *t);
/* Wait as long as it goes on. */
bool pgt_tuning_wait(struct pgt_tuning *t, int64_t ns);

/* tuning_event.c */
void pgt_tuning_tell(struct pgt_tuning *t);
/* The best of what was measured, by the mean of each configuration; *ret its last
 * observation.  0: nothing beats the baseline. */
double pgt_tuning_best(const struct pgt_tuning *t, const struct pgt_observation **ret,
		       int *ret_times);
void pgt_tuning_keep_trial(struct pgt_tuning *t, const struct pgt_trial *trial,
			   const struct pgt_tried *tried);
void pgt_tuning_keep_run(struct pgt_tuning *t, const char *status);

#endif
