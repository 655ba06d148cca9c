/* The optimizer as the faces see it: a search in its own thread; the console stays
 * live.  Each trial is an ordinary guarded changeset that is taken back. */
#ifndef PG2UNE_ENGINE_TUNING_H
#define PG2UNE_ENGINE_TUNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

struct pgt_engine;

enum pgt_tune_mode {
	PGT_TUNE_MODEL, /* nothing is measured: the heuristic, at once, labelled */
	PGT_TUNE_LIVE,	/* on this server, reload-only settings, one trial at a time */
	/* On a throwaway copy on this machine, where restarts are allowed, or in place on
	 * a lab server. */
	PGT_TUNE_REHEARSAL,
	/* On the watched server, a standby that takes a share of the reads, against the
	 * primary at the same moment. */
	PGT_TUNE_CANARY,
};

/* What is searched: settings, indexes and hints of the advisor, or both together. */
enum pgt_tune_action { PGT_TUNE_KNOBS, PGT_TUNE_QUERIES, PGT_TUNE_HOLISTIC };

enum pgt_tune_objective { PGT_TUNE_TPS, PGT_TUNE_MEAN, PGT_TUNE_P99 };

struct pgt_tune_opts {
	enum pgt_tune_mode mode;
	enum pgt_tune_action action;
	enum pgt_tune_objective objective;
	char weights[64];    /* "tps=0.6,p99=0.4" in place of objective; "" */
	int iterations;	     /* default 30 */
	int64_t time_ns;     /* budget, pauses not counted; 0: none */
	int64_t window_ns;   /* of one measurement; default 20 s */
	int64_t settle_ns;   /* after each change before measuring; default 3 s */
	uint64_t seed;
	double
	    ram_bytes; /* of the server's host; 0 unknown: memory settings are left out */
	int cpus;
	/* Rehearsal: the load, a pgbench script; "": the captured top queries. */
	char script[256];
	int clients; /* of that load; default 4 */
	/* Rehearsal: the watched server is itself a lab that nobody else uses: the load
	 * runs on it, no copy is made; settings that a reload takes only. */
	bool in_place;
	char copy_to[256]; /* folder that the copy is made in; "": /var/tmp */
	/* Canary: connection string of the primary; the standby is what we watch. */
	char primary[256];
	/* Canary: program that restarts the standby (called with "restart"); "": settings
	 * that need it are left out. */
	char restart_command[256];
};
void pgt_tune_opts_init(struct pgt_tune_opts *o);
/* How long it takes about: the search, no longer than time_ns, and the confirmation. */
int64_t pgt_tune_usual_ns(const struct pgt_tune_opts *o);

enum pgt_tune_state {
	PGT_TUNE_IDLE,
	PGT_TUNE_RUNNING,
	PGT_TUNE_PAUSED,
	PGT_TUNE_STOPPING,
	PGT_TUNE_DONE,
	PGT_TUNE_FAILED,
};

struct pgt_tune_trial {
	int id;
	char what[24];	 /* "baseline" "heuristic" "search" "final" */
	char status[12]; /* "ok" "failed" "abandoned" "void" */
	double tps, mean_ms, p99_ms;
	double gain_pct; /* against the baseline; NAN */
	/* The best so far, by the mean of what was measured again; NAN: none is better
	 * than the baseline. */
	double best_pct;
	/* What the model expected of it, 95%; NAN when nobody guessed. */
	double guess_pct, guess_lo, guess_hi;
	char why[64];	  /* where the suggestion came from */
	char note[200];	  /* why it failed, was abandoned or is void */
	char config[400]; /* "work_mem=16MB random_page_cost=1.2": what differs */
};

enum pgt_tune_kind { PGT_TUNE_SETTING, PGT_TUNE_INDEX, PGT_TUNE_HINT };

struct pgt_tune_setting {
	enum pgt_tune_kind kind;
	char name[64], current[32], proposed[32];
	char label[160];  /* index: "items(tag)", for those who read; else "" */
	bool restart;	  /* takes effect only after a restart */
	bool differs;	  /* the proposal changes it */
	char effect[400]; /* what it trades; the statement of an index or a hint */
	/* Of a hint: work for the application, nothing that we could apply. */
	int64_t queryid;
	char query[200];   /* the statement that it is for, shortened */
	char comment[120]; /* for pg_hint_plan, before the statement */
	char why[240];	   /* what its plan shows; of an index, what it costs */
	double cost_pct;   /* by the planner's reckoning, as a rule more; NAN */
	double importance; /* share of what is explained, 0..1; NAN */
	bool slice_log; /* draw slice_x on a log axis; print with pgt_knob_format() */
	double slice_x[24], slice_gain[24], slice_lo[24],
	    slice_hi[24]; /* 1-d effect, percent */
	size_t n_slice;
};

struct pgt_ev_optimize {
	enum pgt_tune_state state;
	struct pgt_tune_opts opts;
	char phase[24];	  /* "baseline" ... "final" */
	int done, total;  /* trials */
	int64_t started_mono_ns, eta_ns; /* eta: guess of what is left; -1 */
	char now[400];	  /* what is being tried, "" between trials */
	char now_why[64]; /* and where it came from */
	double now_guess_pct, now_guess_lo, now_guess_hi; /* 95%; NAN */
	int64_t now_began_mono_ns; /* its measurement; 0: not yet */
	struct pgt_tune_trial *trials;
	size_t n_trials;
	/* Index of the best so far, the last time that it was measured, -1 while nothing
	 * beats the baseline; by the mean of so many times: one of several measurements
	 * is lucky. */
	int best, best_times;
	double best_pct;
	bool have_proposal, keep_baseline;
	double gain_pct, gain_lo, gain_hi; /* 95% */
	double confidence;
	int pairs;	  /* interleaved measurements behind it; 0: a prediction */
	struct pgt_tune_setting *settings; /* those searched, with the proposal */
	size_t n_settings;
	char text[768];	  /* why it failed, or what is labelled */
};
void pgt_ev_optimize_free(void *ev);

/* One search at a time (PGT_E_STATE); read-only allows MODEL only. */
int pgt_engine_tune_start(struct pgt_engine *e, const struct pgt_tune_opts *o,
			  struct pgt_err *err) PGT_MUST_CHECK;
/* Between trials: a paused search has nothing of its own on the server. */
void pgt_engine_tune_pause(struct pgt_engine *e, bool pause);
/* finish: no more search, on to the confirmation and the proposal (stop).  Else the
 * running trial is taken back at once and nothing more is measured (stop and restore);
 * what the model believes by then stays to be seen but cannot be accepted. */
void pgt_engine_tune_stop(struct pgt_engine *e, bool finish);
/* The proposal becomes the draft of the change flow, settings and indexes; settings
 * that need a restart, which only a rollout gives, when restarts is said. */
int pgt_engine_tune_accept(struct pgt_engine *e, bool restarts,
			   struct pgt_err *err) PGT_MUST_CHECK;

#endif
