/* Long simulations of detection with the real code, by tests/bench/detect.sh.
 *   detect arl REPS          average run lengths against the exact ones
 *   detect false CHARTS REPS eight weeks without a change: alarms against the budget of
 *                            one a week over CHARTS such charts
 *   detect step F REPS       steps by factor F: share found in time, delay, onset */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/world.h"
#include "pg2une/base/mem.h"
#include "pg2une/detect/cusum.h"
#include "pg2une/num/quantile.h"

#define CHARTS 12 /* one-sided charts of the default set */

static void
bench_arl(int reps)
{
	static const double shifts[] = {0, 0.5, 1, 2, 3};
	struct pgt_random r;

	pgt_random_init(&r, 1);
	printf("average run lengths, k 0.5, %d repetitions: simulated / exact\n", reps);
	for (int h = 4; h <= 5; h++) {
		for (size_t j = 0; j < PGT_LEN(shifts); j++) {
			double len[2] = {0};

			for (int i = 0; i < 2 * reps; i++) {
				struct pgt_cusum c;

				pgt_cusum_init(&c, 0.5, h,
					       i % 2 ? PGT_CUSUM_BOTH : PGT_CUSUM_UP);
				do
					len[i % 2]++;
				while (pgt_cusum_step(&c, pgt_random_normal(&r) +
							      shifts[j]) == 0);
			}
			printf("  h %d shift %.1f  one-sided %8.3f / %8.3f   "
			       "two-sided %8.3f / %8.3f\n",
			       h, shifts[j], len[0] / reps,
			       pgt_cusum_arl(0.5, h, shifts[j]), len[1] / reps,
			       pgt_cusum_arl_two_sided(0.5, h, shifts[j]));
		}
	}
}

static void
bench_false(double charts, int reps)
{
	struct world_result res;
	int total = 0;

	for (int i = 0; i < reps; i++) {
		world_run(1000 + (uint64_t)i, 7.0 * DAY * charts, 1, 0, &res);
		total += res.false_alarms;
	}
	printf("eight weeks without a change, %d runs, budget 1/week over %g charts: "
	       "%.2f alarms per week over all\n",
	       reps, charts, charts * total / reps / WEEKS);
}

static void
bench_step(double factor, int reps)
{
	double *delay = pgt_xcalloc((size_t)reps * WEEKS * 7, sizeof(*delay));
	struct world_result sum = {0}, res;
	int within = factor >= 1.9 ? 6 : 20;

	for (int i = 0; i < reps; i++) {
		world_run(5000 + (uint64_t)i, 7.0 * DAY * CHARTS, factor, within, &res);
		memcpy(delay + sum.found, res.delay, (size_t)res.found * sizeof(*delay));
		sum.found += res.found;
		sum.injected += res.injected;
		sum.in_time += res.in_time;
		sum.onset_ok += res.onset_ok;
	}
	printf("step x%.2f: %d injected, %.1f %% found, %.1f %% within %d buckets, delay "
	       "median %.0f p90 %.0f, onset within 2 buckets %.0f %%\n",
	       factor, sum.injected, 100.0 * sum.found / sum.injected,
	       100.0 * sum.in_time / sum.injected, within,
	       pgt_quantile_of(delay, (size_t)sum.found, 0.5),
	       pgt_quantile_of(delay, (size_t)sum.found, 0.9),
	       100.0 * sum.onset_ok / sum.found);
	free(delay);
}

int
main(int argc, char **argv)
{
	int reps = argc > 2 ? (int)strtol(argv[argc - 1], NULL, 10) : 1;

	if (argc == 3 && strcmp(argv[1], "arl") == 0)
		bench_arl(reps);
	else if (argc == 4 && strcmp(argv[1], "false") == 0)
		bench_false(strtod(argv[2], NULL), reps);
	else if (argc == 4 && strcmp(argv[1], "step") == 0)
		bench_step(strtod(argv[2], NULL), reps);
	else
		return 2;
	return 0;
}
