#ifndef PG2UNE_OPTIMIZE_TUNER_PRIV_H
#define PG2UNE_OPTIMIZE_TUNER_PRIV_H

#include "pg2une/optimize/gp.h"
#include "pg2une/optimize/tuner.h"
#include "pg2une/optimize/warm.h"

/* Streams of the seed, so that no two uses share numbers. */
enum { STREAM_INIT = 1, STREAM_FIT, STREAM_SEARCH, STREAM_REPORT, STREAM_PAST };

#define SEEDS_MAX (3 + PGT_TUNER_PAST)

struct pgt_tuner {
	struct pgt_space space;
	struct pgt_tuner_opts opts;
	double baseline[PGT_SPACE_DIMS];
	double seed_value[SEEDS_MAX][PGT_SPACE_DIMS];
	const char *seed_why[SEEDS_MAX];
	int n_seeds;
	int n_toggles; /* the first of the explorations: one index or hint each */
	struct pgt_warm *warm; /* or NULL */
	struct pgt_observation *obs;
	size_t n_obs, cap_obs;
	bool finish; /* no more search */
	bool out;    /* a trial is being measured */
	struct pgt_trial trial;
	double trial_ei_pct, trial_mean, trial_sd; /* expected of it; NAN */
	struct tuner_model *model; /* of the first model_obs observations */
	size_t model_obs;
	struct tuner_final *final;
};

/* Observations with equal configurations made one, and the surrogate over them. */
struct tuner_model {
	size_t n, dims, width;
	double *value;	/* n by dims */
	double *kernel; /* n by width */
	double *cost;	/* mean, the bad side winsorised */
	double *weight; /* 1/replicates */
	double *mean;	/* posterior at each */
	bool *bad;	/* failed or abandoned at least once */
	size_t n_measured;
	struct pgt_gp_measured *measured; /* each cost, by its row */
	bool *is_base;
	struct pgt_gp *gp;
	const struct pgt_warm *warm;
	double beta, base_cost;
	size_t best; /* lowest posterior mean that is not bad */
};

#define FINALISTS PGT_TUNER_FINALISTS
struct tuner_final {
	int n; /* finalists */
	double value[FINALISTS][PGT_SPACE_DIMS];
	double expected[FINALISTS]; /* gain, by the surrogate of the search */
	int pruned;   /* the finalist that is the best without what does not matter, or -1
		       */
	int left_out; /* changes that it puts back */
	int rounds, looks;
	bool out[FINALISTS]; /* failed in the final */
	int next;	     /* -1 baseline, 0.. finalist, FINAL_OVER */
	int position;
	double se; /* of the difference of two finalists, by the pairs */
	/* The verdict so far, by finalist. */
	int pairs[FINALISTS];
	double gain[FINALISTS], lo[FINALISTS], hi[FINALISTS], confidence[FINALISTS];
};
#define FINAL_OVER (-2)

/* n_obs: how many of the observations to learn from. */
int tuner_model_new(const struct pgt_tuner *t, size_t n_obs, const atomic_bool *cancel,
		    struct tuner_model **ret, struct pgt_err *err);
void tuner_model_free(struct tuner_model *m);
/* Cost and standard deviation at m_points kernel points. */
void tuner_model_predict(const struct tuner_model *m, size_t m_points,
			 const double *kernel, double *mean, double *sd);
double tuner_model_prior_mean(void *model, const double *kernel);
/* The model of everything told so far, kept until the next tell. */
int tuner_model_now(struct pgt_tuner *t, const atomic_bool *cancel, struct pgt_err *err);

int tuner_search_next(struct pgt_tuner *t, const atomic_bool *cancel,
		      struct pgt_err *err);

/* Trials that count (not void): before the final, and in it. */
int tuner_count_search(const struct pgt_tuner *t);
bool tuner_search_over(const struct pgt_tuner *t);
/* Choose the finalists if that is not done, and bring the verdict up to date. */
int tuner_final_update(struct pgt_tuner *t, const atomic_bool *cancel,
		       struct pgt_err *err);
/* tuner_prune.c: full without the settings, indexes and hints that by the model do not
 * matter; how many those are. */
struct tuner_prune_limits {
	double of_gain, of_sd; /* all that is put back may cost no more than either */
	bool extras;	       /* indexes and hints too, after the settings */
};
extern const struct tuner_prune_limits tuner_prune_surely, tuner_prune_boldly;
int tuner_prune(const struct pgt_tuner *t, struct tuner_model *m,
		const struct tuner_prune_limits *limits, const double *full,
		double *ret_value);
/* How many are confirmed after a search of that many trials. */
int tuner_finalists(int budget);
/* An index or a hint, which a trial has or has not. */
bool tuner_is_extra(const struct pgt_dim *d);
bool tuner_same_value(const struct pgt_space *s, const double *a, const double *b);
/* Costs of the baseline before the final. */
double tuner_baseline_median(const struct pgt_tuner *t, size_t n_obs);

#endif
