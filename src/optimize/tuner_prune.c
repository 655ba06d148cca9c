/* What a finalist changes without need.  A search moves all settings at once, tries all
 * indexes and hints together, and most of them matter little; who is to approve the
 * answer wants to see those that do. */
#include <math.h>
#include <string.h>

#include "tuner_priv.h"

/* One by one goes back to its present value, the one that is missed least first,
 * as long as by the surrogate all of them together cost no more than this part of the
 * gain ... */
#define PART_OF_GAIN 0.02
/* ... and no more than this of the deviation of that loss: a loss that the trials show
 * is none that does not matter. */
#define PART_OF_SD 0.5
/* To learn whether it matters more may be left out: such a trial is one of the search. */
#define BOLD_PART_OF_GAIN 0.25
#define BOLD_PART_OF_SD	  1

const struct tuner_prune_limits tuner_prune_surely = {PART_OF_GAIN, PART_OF_SD,
							 .extras = true};
const struct tuner_prune_limits tuner_prune_boldly = {BOLD_PART_OF_GAIN, BOLD_PART_OF_SD,
							 .extras = false};

static double
gain_of(struct tuner_model *m, const struct pgt_space *s, const double *from,
	const double *to, double *ret_sd)
{
	double a[PGT_SPACE_KERNEL], b[PGT_SPACE_KERNEL], mean;

	pgt_space_kernel_of(s, from, a);
	pgt_space_kernel_of(s, to, b);
	pgt_gp_predict_step(m->gp, a, b, &mean, ret_sd);
	return tuner_model_prior_mean(m, a) - tuner_model_prior_mean(m, b) - mean;
}

/* As any trial: within memory, no rule broken, and surely not much below the baseline. */
static bool
may_try(const struct pgt_tuner *t, struct tuner_model *m, const double *value)
{
	double gain, sd;

	if (!pgt_space_keeps_rules(&t->space, t->baseline, value) ||
	    (t->opts.have_host &&
	     !pgt_memory_allowed(&t->opts.mem, &t->space, value)))
		return false;
	gain = gain_of(m, &t->space, t->baseline, value, &sd);
	return !t->opts.safe || gain - t->opts.confidence * sd >=
					log1p(-t->opts.loss_pct / 100);
}

/* The setting, or the index or hint, that is missed least, put back in value; false when
 * each is missed. */
static bool
put_back_one(const struct pgt_tuner *t, struct tuner_model *m, bool extras,
	     const double *full, double most, double part_of_sd, double *value)
{
	double least = HUGE_VAL;
	size_t which = 0;

	for (size_t i = 0; i < t->space.n_dims; i++) {
		double keep = value[i], loss, sd;

		if (tuner_is_extra(&t->space.dims[i]) != extras || keep == t->baseline[i])
			continue;
		value[i] = t->baseline[i];
		loss = -gain_of(m, &t->space, full, value, &sd);
		if (loss < least && loss <= most && loss <= part_of_sd * sd &&
		    may_try(t, m, value)) {
			least = loss;
			which = i;
		}
		value[i] = keep;
	}
	if (!isfinite(least))
		return false;
	value[which] = t->baseline[which];
	return true;
}

int
tuner_prune(const struct pgt_tuner *t, struct tuner_model *m,
	    const struct tuner_prune_limits *limits, const double *full,
	    double *ret_value)
{
	double sd, gain = gain_of(m, &t->space, t->baseline, full, &sd);
	int n = 0;

	memcpy(ret_value, full, t->space.n_dims * sizeof(*full));
	if (!(gain > 0))
		return 0;
	/* Settings first: there are more of them, and they are what a search moves
	 * without need; indexes and hints have what is left of the limits. */
	for (int extras = 0; extras <= limits->extras; extras++)
		while (put_back_one(t, m, extras, full, limits->of_gain * gain,
				    limits->of_sd, ret_value))
			n++;
	return n;
}
