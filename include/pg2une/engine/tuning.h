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
};

enum pgt_tune_objective { PGT_TUNE_TPS, PGT_TUNE_MEAN, PGT_TUNE_P99 };

struct pgt_tune_opts {
	enum pgt_tune_mode mode;
	enum pgt_tune_objective objective;
	int iterations;	     /* default 30 */
	int64_t time_ns;     /* budget; 0: none */
	int64_t window_ns;   /* of one measurement; default 20 s */
	int64_t settle_ns;   /* after each change before measuring; default 3 s */
	uint64_t seed;
	double
	    ram_bytes; /* of the server's host; 0 unknown: memory settings are left out */
	int cpus;
};
void pgt_tune_opts_init(struct pgt_tune_opts *o);

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
	char config[400]; /* "work_mem=16MB random_page_cost=1.2": what differs */
};

struct pgt_tune_setting {
	char name[64], current[32], proposed[32];
	double importance; /* share of what is explained, 0..1; NAN */
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
	char now[400];	  /* what is being tried */
	struct pgt_tune_trial *trials;
	size_t n_trials;
	bool have_proposal, keep_baseline;
	double gain_pct, gain_lo, gain_hi; /* 95% */
	double confidence;
	int pairs;	  /* interleaved measurements behind it; 0: a prediction */
	struct pgt_tune_setting *settings; /* those searched, with the proposal */
	size_t n_settings;
	char text[512];	  /* why it failed, or what is labelled */
};
void pgt_ev_optimize_free(void *ev);

/* One search at a time (PGT_E_STATE); read-only allows MODEL only. */
int pgt_engine_tune_start(struct pgt_engine *e, const struct pgt_tune_opts *o,
			  struct pgt_err *err) PGT_MUST_CHECK;
void pgt_engine_tune_pause(struct pgt_engine *e, bool pause);
/* Ends after the running trial was taken back; skips to the final when finish. */
void pgt_engine_tune_stop(struct pgt_engine *e, bool finish);
/* The proposal becomes the draft of the change flow. */
int pgt_engine_tune_accept(struct pgt_engine *e, struct pgt_err *err) PGT_MUST_CHECK;

#endif
