/* The search as an ask/tell state machine.  The owner (the optimizer thread) asks for
 * a trial, has it measured by whatever means, and tells what came of it:
 *
 *   baseline x3 -> heuristic -> past configurations -> one index or hint more or less
 *   -> Sobol -> Bayesian search
 *   -> final: the best, the same without what does not matter, the second best (fewer
 *      after a short search) and the baseline, interleaved A B C D D C B A -> done
 *
 * It does no I/O, reads no clock and starts no thread.  What is asked next depends on
 * the options and the observations only: the same seed and the same answers give the
 * same suggestions, and a saved history restores the search.
 * Cost: lower is better, log scale (optimize/objective.h).  One thread at a time. */
#ifndef PG2UNE_OPTIMIZE_TUNER_H
#define PG2UNE_OPTIMIZE_TUNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/err.h"
#include "pg2une/base/knobs.h"
#include "pg2une/optimize/safety.h"
#include "pg2une/optimize/space.h"

#define PGT_TUNER_FINALISTS 3
#define PGT_TUNER_PAST	    3
#define PGT_TUNER_FEATURES  16

enum pgt_tuner_phase {
	PGT_TUNER_BASELINE,
	PGT_TUNER_SEED, /* heuristic and past configurations */
	PGT_TUNER_INIT, /* Sobol */
	PGT_TUNER_SEARCH,
	PGT_TUNER_FINAL,
	PGT_TUNER_DONE,
};

/* An earlier search whose observations may help: ours by copy. */
struct pgt_tuner_past {
	double features[PGT_TUNER_FEATURES]; /* of its workload, see warm.h */
	size_t n_features;
	size_t n;	     /* observations */
	const double *value; /* n rows of n_dims canonical values of this space */
	const double *cost;
};

struct pgt_tuner_opts {
	uint64_t seed;
	int budget;		/* trials before the final, baselines too; default 30 */
	int baselines;		/* default 3; at least 1 when safe */
	int init;		/* Sobol points after the seeds; default 4; none when a
				 * safe search has rules of thumb to begin with.  Of
				 * several yes-or-no dimensions that are no settings
				 * each is tried alone before */
	int candidates;		/* of the acquisition, default 2000 */
	bool safe;		/* trust region and loss constraint; default of _init */
	double loss_pct;	/* no trial may lose more than this; default 8 */
	double confidence;	/* in standard deviations; default 1.64 */
	/* Rounds of A B C D D C B A, default 2.  Where a gain is likely but not certain
	 * then, as many again of the likeliest alone, and again (once only, when told to
	 * finish); -1: no final, the model's word is taken. */
	int final_rounds;
	double stop_gain_pct;	/* stop when the expected improvement is below this ... */
	int stop_rounds;	/* ... that many times; defaults 1 and 3; -1: never */
	bool have_host;		/* host, cls and mem below are meant */
	struct pgt_knob_host host;
	enum pgt_knob_class cls;
	struct pgt_memory_model mem;
	double features[PGT_TUNER_FEATURES]; /* of this workload */
	size_t n_features;
};

/* The defaults above; safe on. */
void pgt_tuner_opts_init(struct pgt_tuner_opts *o);

struct pgt_trial {
	int id; /* 1, 2, ... */
	enum pgt_tuner_phase phase;
	bool is_baseline;
	double value[PGT_SPACE_DIMS];
	/* Against the baseline, when the model can say (have_prediction). */
	bool have_prediction;
	double gain_pct, gain_lo_pct, gain_hi_pct; /* 95% interval */
	const char *why; /* static text: where the suggestion comes from */
};

enum pgt_outcome_status {
	PGT_OUTCOME_OK,
	PGT_OUTCOME_FAILED,    /* could not run: counts as the worst */
	PGT_OUTCOME_ABANDONED, /* stopped because it hurt: counts as the worst */
	PGT_OUTCOME_VOID,      /* the load was not comparable: as if never asked */
};

struct pgt_outcome {
	enum pgt_outcome_status status;
	double cost; /* when OK; when ABANDONED, a lower bound or NAN */
};

/* One told trial. */
struct pgt_observation {
	int id;
	enum pgt_tuner_phase phase;
	enum pgt_outcome_status status;
	bool is_baseline;
	double cost;   /* as told */
	double ei_pct; /* improvement that was expected of it; NAN when nobody guessed */
	double surprise; /* how many deviations costlier than predicted; NAN likewise */
	double value[PGT_SPACE_DIMS];
};

struct pgt_proposal {
	bool keep_baseline; /* nothing was shown to be better */
	double value[PGT_SPACE_DIMS];
	double gain_pct, gain_lo_pct, gain_hi_pct; /* 95%, from the final pairs */
	int pairs; /* interleaved pairs behind the interval; 0: from the model only */
	double confidence; /* one-sided probability that the gain is above 0 */
	/* Settings that the best found changes and this does not: by the surrogate they
	 * do not matter, and the pairs did not contradict. */
	int left_out;
};

struct pgt_tuner;

/* baseline: canonical values of the present configuration (n_dims), copied, as is the
 * space.  past may be NULL. */
PGT_MUST_CHECK int pgt_tuner_new(const struct pgt_space *space, const double *baseline,
				 const struct pgt_tuner_opts *opts,
				 const struct pgt_tuner_past *past, size_t n_past,
				 struct pgt_tuner **ret, struct pgt_err *err);
void pgt_tuner_free(struct pgt_tuner *t);

/* The next trial.  PGT_E_STATE when one is out already or the search is done;
 * PGT_E_CANCELLED when *cancel became true meanwhile (ask again later: nothing is
 * lost). */
PGT_MUST_CHECK int pgt_tuner_ask(struct pgt_tuner *t, const atomic_bool *cancel,
				 struct pgt_trial *ret, struct pgt_err *err);
PGT_MUST_CHECK int pgt_tuner_tell(struct pgt_tuner *t, int id,
				  const struct pgt_outcome *outcome, struct pgt_err *err);
/* Skip what is left of the search and go to the final now (time is up). */
void pgt_tuner_finish(struct pgt_tuner *t);

enum pgt_tuner_phase pgt_tuner_phase(const struct pgt_tuner *t);
const char *pgt_tuner_phase_name(enum pgt_tuner_phase phase);
/* Trials told and trials expected in all, the final's included; for progress. */
void pgt_tuner_progress(const struct pgt_tuner *t, int *ret_done, int *ret_total);
/* How many trials confirm a search of that many, before any look for more. */
int pgt_tuner_final_trials(int budget, int final_rounds);
size_t pgt_tuner_observations(const struct pgt_tuner *t,
			      const struct pgt_observation **ret);
const struct pgt_space *pgt_tuner_space(const struct pgt_tuner *t);
/* The mean cost of the baseline so far; NAN before the first. */
double pgt_tuner_baseline_cost(const struct pgt_tuner *t);

/* After PGT_TUNER_DONE the final verdict; before, the best guess (pairs = 0).
 * PGT_E_STATE before the baseline was measured. */
PGT_MUST_CHECK int pgt_tuner_propose(struct pgt_tuner *t, struct pgt_proposal *ret,
				     struct pgt_err *err);

/* The measured configuration that the model believes in most: its values (n_dims), and
 * the cost predicted for it with its standard deviation.  PGT_E_STATE before a model
 * can be fitted. */
PGT_MUST_CHECK int pgt_tuner_best(struct pgt_tuner *t, double *value, double *ret_cost,
				  double *ret_sd, struct pgt_err *err);

/* How the cost depends on one dimension about the best guess, the others held: m
 * points from end to end of the unit axis; gain against the baseline in percent with
 * a 95% band.  PGT_E_STATE before a model can be fitted. */
struct pgt_slice {
	size_t m;
	double value[64];
	double gain_pct[64], lo_pct[64], hi_pct[64];
};
PGT_MUST_CHECK int pgt_tuner_slice(struct pgt_tuner *t, size_t dim, size_t m,
				   struct pgt_slice *ret, struct pgt_err *err);
/* Which settings matter: share of the variance of the predicted cost that each
 * dimension has a part in (total-effect index of the posterior mean over the space,
 * Jansen 1999, normalised to sum 1), n_dims values. */
PGT_MUST_CHECK int pgt_tuner_importance(struct pgt_tuner *t, double *share,
					struct pgt_err *err);

/* The observations as text, and back into a new tuner of the same space, options and
 * baseline (checked).  PGT_E_PARSE, PGT_E_CONFLICT. */
void pgt_tuner_save(const struct pgt_tuner *t, struct pgt_buf *out);
PGT_MUST_CHECK int pgt_tuner_restore(struct pgt_tuner *t, const char *text,
				     struct pgt_err *err);

#endif
