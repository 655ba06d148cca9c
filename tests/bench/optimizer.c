/* The optimizer's figures (docs/benchmarks-optimizer.md), as Markdown tables:
 *   optimizer functions [SEEDS [NOISE_PCT [NAME]]]   simple regret
 *   optimizer server [SEEDS [FIRST [CLASS]]]  the simulated server, safe search; the
 *                          docs table is of the seeds from 0: develop on others
 *   optimizer time                            one suggestion at n = 60, d = 16 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optimizer/functions.h"
#include "optimize/serversim.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/num/matrix.h"
#include "pg2une/num/random.h"
#include "pg2une/optimize/heuristic.h"
#include "pg2une/optimize/tuner.h"

#define SEEDS_MAX 200

static void
must(int rc, const struct pgt_err *err)
{
	if (rc == 0)
		return;
	fprintf(stderr, "optimizer bench: %s\n", err->msg);
	exit(1);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double
mean(const double *v, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += v[i] / n;
	return sum;
}

/* ---- standard functions ---- */

static double
spread(const struct test_function *f)
{
	double u[PGT_SPACE_DIMS], m = 0, m2 = 0, v;
	struct pgt_random r;
	int n = 4000;

	pgt_random_init(&r, 1);
	for (int i = 0; i < n; i++) {
		for (size_t c = 0; c < f->d; c++)
			u[c] = pgt_random_uniform(&r);
		v = f->f(f->d, u);
		m += v / n;
		m2 += v * v / n;
	}
	return sqrt(m2 - m * m);
}

static struct pgt_tuner *
plain_tuner(size_t d, uint64_t seed, int budget, int baselines)
{
	double base[PGT_SPACE_DIMS] = {0};
	struct pgt_tuner_opts o;
	struct pgt_err err = {0};
	struct pgt_space s;
	struct pgt_tuner *t;

	pgt_space_init(&s);
	for (size_t c = 0; c < d; c++) {
		char name[32];

		snprintf(name, sizeof(name), "x%zu", c);
		must(pgt_space_add_real(&s, name, 0, 1, &err), &err);
	}
	pgt_tuner_opts_init(&o);
	o.seed = seed;
	o.budget = budget;
	o.baselines = baselines;
	o.init = 10;
	o.safe = false;
	o.final_rounds = -1;
	o.stop_rounds = -1;
	must(pgt_tuner_new(&s, base, &o, NULL, 0, &t, &err), &err);
	return t;
}

/* Regret after 30 and 50 evaluations: of the best one measured, or with noise of the
 * one that the model believes in. */
static void
regret(const struct test_function *f, uint64_t seed, double noise_sd, double *ret30,
       double *ret50)
{
	struct pgt_tuner *t = plain_tuner(f->d, seed, 50, 0);
	double best = HUGE_VAL, value[PGT_SPACE_DIMS], cost, sd;
	struct pgt_random r;

	pgt_random_init_stream(&r, seed, 5);
	for (int i = 1; i <= 50; i++) {
		struct pgt_outcome out = {0};
		struct pgt_err err = {0};
		struct pgt_trial tr;
		double now;

		must(pgt_tuner_ask(t, NULL, &tr, &err), &err);
		now = f->f(f->d, tr.value);
		out.cost = now + noise_sd * pgt_random_normal(&r);
		must(pgt_tuner_tell(t, tr.id, &out, &err), &err);
		best = fmin(best, now);
		if (i != 30 && i != 50)
			continue;
		if (noise_sd > 0) {
			must(pgt_tuner_best(t, value, &cost, &sd, &err), &err);
			best = f->f(f->d, value);
		}
		*(i == 30 ? ret30 : ret50) = best - f->minimum;
		best = noise_sd > 0 ? HUGE_VAL : best;
	}
	pgt_tuner_free(t);
}

static void
functions(int seeds, double noise_pct, const char *only)
{
	printf("| function (noise %g%%) | @30 | skopt @30 | @50 | skopt @50 | ms/suggestion "
	       "|\n|---|---|---|---|---|---|\n",
	       noise_pct);
	for (size_t k = 0; k < test_functions_n; k++) {
		const struct test_function *f = &test_functions[k];
		double r30[SEEDS_MAX], r50[SEEDS_MAX], m30, m50;
		double sd = only && !strstr(f->name, only) ? NAN : spread(f) * noise_pct / 100;
		int64_t start = pgt_clock_thread_cpu_ns();
		char s30[16] = "-", s50[16] = "-";

		if (isnan(sd))
			continue;
		for (int s = 0; s < seeds; s++)
			regret(f, 100 + (uint64_t)s, sd, &r30[s], &r50[s]);
		if (f->skopt30 > 0 && noise_pct == 0) {
			snprintf(s30, sizeof(s30), "%.3g", f->skopt30);
			snprintf(s50, sizeof(s50), "%.3g", f->skopt50);
		}
		m30 = mean(r30, seeds);
		m50 = mean(r50, seeds);
		printf("| %s | %.3g (%.3g) | %s | %.3g (%.3g) | %s | %.1f |\n", f->name,
		       median(r30, seeds), m30, s30, median(r50, seeds), m50, s50,
		       (double)(pgt_clock_thread_cpu_ns() - start) / 1e6 / seeds / 40);
		fflush(stdout);
	}
}

/* ---- the simulated server ---- */

struct tally {
	double at30[SEEDS_MAX], final[SEEDS_MAX], start[SEEDS_MAX], rules[SEEDS_MAX];
	double ceiling[SEEDS_MAX], named[SEEDS_MAX], idle[SEEDS_MAX];
	int trials, unsafe, died, below, kept, covered, confirm;
};

/* Settings that a configuration changes, and how many of them are worth less than 0.2%
 * each: put back alone they would not be missed. */
static void
count_named(const struct serversim *sim, const double *value, double *ret_named,
	    double *ret_idle)
{
	double back[PGT_SPACE_DIMS], whole = sim_true(sim, value);

	*ret_named = *ret_idle = 0;
	for (size_t i = 0; i < sim->space.n_dims; i++) {
		if (value[i] == sim->baseline[i])
			continue;
		memcpy(back, value, sizeof(back));
		back[i] = sim->baseline[i];
		*ret_named += 1;
		*ret_idle += whole - sim_true(sim, back) < 0.002;
	}
}

static void
search_server(enum pgt_knob_class cls, int seed, int at, struct tally *y)
{
	double value[PGT_SPACE_DIMS], cost, sd, base, got, gain;
	struct pgt_err err = {0};
	struct pgt_tuner_opts o;
	struct pgt_proposal p;
	struct serversim sim;
	struct pgt_random r;
	struct pgt_tuner *t;

	must(sim_init(&sim, cls, (uint64_t)seed, &err), &err);
	pgt_tuner_opts_init(&o);
	o.seed = (uint64_t)seed + 1;
	o.have_host = true;
	o.host = sim.host;
	o.cls = cls;
	pgt_memory_model_default(&o.mem, &sim.host, cls);
	o.mem.active_peak = sim_active_peak(&sim, (uint64_t)seed);
	pgt_random_init_stream(&r, (uint64_t)seed, 98);
	y->ceiling[at] = exp(sim_optimum(&sim, &o.mem, &r) - sim.best);
	must(pgt_tuner_new(&sim.space, sim.baseline, &o, NULL, 0, &t, &err), &err);
	base = sim_true(&sim, sim.baseline);
	y->start[at] = exp(base - sim.best);
	pgt_heuristic_config(&sim.space, &sim.host, cls, &o.mem, value);
	y->rules[at] = exp(sim_true(&sim, value) - sim.best);
	y->at30[at] = y->start[at];
	while (pgt_tuner_phase(t) != PGT_TUNER_DONE) {
		struct pgt_outcome out = {0};
		struct pgt_trial tr;

		if (pgt_tuner_phase(t) == PGT_TUNER_FINAL &&
		    pgt_tuner_best(t, value, &cost, &sd, &err) == 0 && !y->confirm)
			y->at30[at] = exp(sim_true(&sim, value) - sim.best);
		if (pgt_tuner_ask(t, NULL, &tr, &err) < 0)
			break;
		if (tr.phase == PGT_TUNER_FINAL)
			y->confirm++;
		if (!sim_measure(&sim, tr.value, &out.cost))
			out.status = PGT_OUTCOME_FAILED;
		got = sim_true(&sim, tr.value);
		y->trials++;
		y->died += out.status == PGT_OUTCOME_FAILED;
		y->unsafe += got < base + log(0.9);
		must(pgt_tuner_tell(t, tr.id, &out, &err), &err);
	}
	must(pgt_tuner_propose(t, &p, &err), &err);
	got = sim_true(&sim, p.value);
	gain = 100 * expm1(got - base);
	y->final[at] = exp(got - sim.best);
	y->below += got < base - 1e-9;
	y->kept += p.keep_baseline;
	y->covered += p.keep_baseline ||
		      (gain >= p.gain_lo_pct && gain <= p.gain_hi_pct);
	y->confirm = 0;
	count_named(&sim, p.value, &y->named[at], &y->idle[at]);
	pgt_tuner_free(t);
}

static void
server(int seeds, int first, const char *only)
{
	printf("| workload | default | heuristic | ceiling | best of the model @30: median (mean) | "
	       "final proposal: median (mean) | trials < 0.9 baseline | died | proposals "
	       "below baseline | kept | true gain in interval | settings named (idle) |\n"
	       "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
	for (int cls = PGT_KNOB_OLTP; cls <= PGT_KNOB_OLAP; cls++) {
		static struct tally y;
		double m30, mf;

		if (only && strcmp(only, pgt_knob_class_name(cls)) != 0)
			continue;
		memset(&y, 0, sizeof(y));
		for (int s = 0; s < seeds; s++)
			search_server(cls, first + s, s, &y);
		m30 = mean(y.at30, seeds);
		mf = mean(y.final, seeds);
		printf("| %s | %.2f | %.2f | %.3f | %.3f (%.3f) | %.3f (%.3f) | %d of %d (%.2f%%) "
		       "| %d | %d of %d | %d | %d | %.1f (%.1f) |\n",
		       pgt_knob_class_name(cls), mean(y.start, seeds), mean(y.rules, seeds),
		       median(y.ceiling, seeds),
		       median(y.at30, seeds), m30, median(y.final, seeds), mf, y.unsafe,
		       y.trials, 100.0 * y.unsafe / y.trials, y.died, y.below, seeds, y.kept,
		       y.covered, mean(y.named, seeds), mean(y.idle, seeds));
		fflush(stdout);
	}
}

/* ---- time of one suggestion ---- */

static void
suggestion_time(void)
{
	const struct test_function *f = &test_functions[test_functions_n - 1];
	/* With replicates, so that delays are looked for, as on a server. */
	struct pgt_tuner *t = plain_tuner(f->d, 1, 80, 3);
	double ms[21];
	int n = 0;

	for (int i = 0; i < 71; i++) {
		struct pgt_outcome out = {0};
		struct pgt_err err = {0};
		struct pgt_trial tr;
		int64_t start;

		start = pgt_clock_thread_cpu_ns();
		must(pgt_tuner_ask(t, NULL, &tr, &err), &err);
		if (i >= 50)
			ms[n++] = (double)(pgt_clock_thread_cpu_ns() - start) / 1e6;
		out.cost = f->f(f->d, tr.value);
		must(pgt_tuner_tell(t, tr.id, &out, &err), &err);
	}
	pgt_tuner_free(t);
	qsort(ms, (size_t)n, sizeof(*ms), compare);
	printf("One suggestion at n = 50 to 70, d = %zu: median %.1f ms, worst %.1f ms of CPU "
	       "time\n",
	       f->d, ms[n / 2], ms[n - 1]);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "time";
	int seeds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 20;
	if (seeds < 1 || seeds > SEEDS_MAX)
		return 2;
	if (strcmp(what, "functions") == 0)
		functions(seeds, argc > 3 ? strtod(argv[3], NULL) : 0,
			  argc > 4 ? argv[4] : NULL);
	else if (strcmp(what, "server") == 0)
		server(seeds, argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0,
		       argc > 4 ? argv[4] : NULL);
	else
		suggestion_time();
	return 0;
}
