#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/num/matrix.h"
#include "pg2une/optimize/heuristic.h"
#include "pg2une/optimize/objective.h"
#include "pg2une/optimize/tuner.h"

#include "serversim.h"

struct run {
	struct serversim sim;
	struct pgt_tuner *t;
	int unsafe, voided;
};

static void
begin(struct run *r, enum pgt_knob_class cls, uint64_t seed, int budget)
{
	struct pgt_tuner_opts o;

	memset(r, 0, sizeof(*r));
	assert_int_equal(sim_init(&r->sim, cls, seed, NULL), 0);
	pgt_tuner_opts_init(&o);
	o.seed = seed + 1;
	o.budget = budget;
	o.candidates = 400; /* quick */
	o.have_host = true;
	o.host = r->sim.host;
	o.cls = cls;
	pgt_memory_model_default(&o.mem, &r->sim.host, cls);
	assert_int_equal(pgt_tuner_new(&r->sim.space, r->sim.baseline, &o, NULL, 0, &r->t,
				       NULL), 0);
}

/* One trial; its values go to *ret when that is wanted.  False when it is done. */
static bool
step(struct run *r, struct pgt_trial *ret)
{
	struct pgt_outcome out = {0};
	struct pgt_err err = {0};
	struct pgt_trial tr;

	if (pgt_tuner_phase(r->t) == PGT_TUNER_DONE)
		return false;
	if (pgt_tuner_ask(r->t, NULL, &tr, &err) < 0) {
		assert_int_equal(err.code, PGT_E_STATE);
		return false;
	}
	if (!sim_measure(&r->sim, tr.value, &out.cost))
		out.status = PGT_OUTCOME_FAILED;
	r->unsafe += sim_true(&r->sim, tr.value) <
		     sim_true(&r->sim, r->sim.baseline) + log(0.9);
	assert_int_equal(pgt_tuner_tell(r->t, tr.id, &out, NULL), 0);
	if (ret)
		*ret = tr;
	return true;
}

static void
finds_a_better_configuration(void **state)
{
	struct pgt_proposal p;
	double base, got;
	struct run r;
	int done, total;

	(void)state;
	begin(&r, PGT_KNOB_OLTP, 3, 18);
	while (step(&r, NULL))
		;
	assert_int_equal(pgt_tuner_propose(r.t, &p, NULL), 0);
	pgt_tuner_progress(r.t, &done, &total);
	assert_int_equal(done, total);
	base = sim_true(&r.sim, r.sim.baseline);
	got = sim_true(&r.sim, p.value);
	assert_false(p.keep_baseline);
	assert_true(p.pairs >= 4 && p.confidence > 0.975);
	assert_true(p.gain_lo_pct <= p.gain_pct && p.gain_pct <= p.gain_hi_pct);
	assert_true(got > base + log(1.5));
	assert_true(fabs(p.gain_pct - 100 * expm1(got - base)) < 0.25 * p.gain_pct);
	assert_int_equal(r.unsafe, 0);
	pgt_tuner_free(r.t);
}

/* The same seed and answers: the same suggestions; and a saved search goes on alike. */
static void
repeats_and_restores(void **state)
{
	struct run a, b;
	struct pgt_buf saved;
	struct pgt_trial ta, tb;
	struct pgt_err err = {0};

	(void)state;
	begin(&a, PGT_KNOB_OLAP, 5, 12);
	begin(&b, PGT_KNOB_OLAP, 5, 12);
	for (int i = 0; i < 11; i++) {
		assert_true(step(&a, &ta));
		assert_true(step(&b, &tb));
		assert_memory_equal(ta.value, tb.value,
				    a.sim.space.n_dims * sizeof(double));
	}
	pgt_buf_init(&saved, 1 << 20);
	pgt_tuner_save(b.t, &saved);
	pgt_tuner_free(b.t);
	{
		struct pgt_random noise = b.sim.noise;

		begin(&b, PGT_KNOB_OLAP, 5, 12);
		b.sim.noise = noise;
	}
	assert_int_equal(pgt_tuner_restore(b.t, pgt_buf_str(&saved), NULL), 0);
	assert_int_equal(pgt_tuner_restore(b.t, pgt_buf_str(&saved), &err), -1);
	while (step(&a, &ta)) {
		assert_true(step(&b, &tb));
		assert_memory_equal(ta.value, tb.value,
				    a.sim.space.n_dims * sizeof(double));
	}
	assert_false(step(&b, NULL));
	pgt_tuner_free(b.t);

	begin(&b, PGT_KNOB_OLAP, 6, 12);
	assert_int_equal(pgt_tuner_restore(b.t, pgt_buf_str(&saved), &err), -1);
	assert_int_equal(err.code, PGT_E_CONFLICT);
	assert_int_equal(pgt_tuner_restore(b.t, "nonsense", &err), -1);
	assert_int_equal(err.code, PGT_E_PARSE);
	saved.data[saved.len / 2] = 'x';
	pgt_buf_done(&saved);
	pgt_tuner_free(a.t);
	pgt_tuner_free(b.t);
}

static void
protocol(void **state)
{
	struct pgt_outcome ok = {.cost = 1}, bad = {.cost = NAN};
	struct pgt_outcome voided = {.status = PGT_OUTCOME_VOID};
	struct pgt_trial tr, again;
	struct pgt_err err = {0};
	struct pgt_proposal p;
	struct run r;
	int done, total;

	(void)state;
	begin(&r, PGT_KNOB_OLTP, 1, 10);
	assert_int_equal(pgt_tuner_propose(r.t, &p, &err), -1);
	assert_int_equal(err.code, PGT_E_STATE);
	assert_int_equal(pgt_tuner_tell(r.t, 1, &ok, &err), -1);
	assert_int_equal(pgt_tuner_ask(r.t, NULL, &tr, NULL), 0);
	assert_true(tr.is_baseline);
	assert_int_equal(pgt_tuner_ask(r.t, NULL, &again, &err), -1);
	assert_int_equal(pgt_tuner_tell(r.t, 99, &ok, &err), -1);
	assert_int_equal(pgt_tuner_tell(r.t, tr.id, &bad, &err), -1);
	assert_int_equal(pgt_tuner_tell(r.t, tr.id, &voided, NULL), 0);
	pgt_tuner_progress(r.t, &done, &total);
	assert_int_equal(done, 0); /* a void trial is none */
	assert_true(isnan(pgt_tuner_baseline_cost(r.t)));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pgt_tuner_ask(r.t, NULL, &tr, NULL), 0);
		assert_true(tr.is_baseline);
		ok.cost = 1 + 0.01 * i;
		assert_int_equal(pgt_tuner_tell(r.t, tr.id, &ok, NULL), 0);
	}
	assert_true(pgt_tuner_baseline_cost(r.t) == 1.01);
	/* Time is up before anything else was tried: nothing is proposed. */
	pgt_tuner_finish(r.t);
	if (pgt_tuner_phase(r.t) != PGT_TUNER_DONE)
		assert_int_equal(pgt_tuner_ask(r.t, NULL, &tr, &err), -1);
	assert_int_equal(pgt_tuner_phase(r.t), PGT_TUNER_DONE);
	assert_int_equal(pgt_tuner_propose(r.t, &p, NULL), 0);
	assert_true(p.keep_baseline && p.pairs == 0);
	pgt_tuner_free(r.t);
}

static void
cancelled_ask_can_be_repeated(void **state)
{
	atomic_bool stop = false;
	struct pgt_err err = {0};
	struct pgt_trial tr;
	struct run r;

	(void)state;
	begin(&r, PGT_KNOB_OLTP, 2, 12);
	for (int i = 0; i < 9; i++)
		assert_true(step(&r, NULL));
	assert_int_equal(pgt_tuner_phase(r.t), PGT_TUNER_SEARCH);
	atomic_store(&stop, true);
	assert_int_equal(pgt_tuner_ask(r.t, &stop, &tr, &err), -1);
	assert_int_equal(err.code, PGT_E_CANCELLED);
	atomic_store(&stop, false);
	assert_int_equal(pgt_tuner_ask(r.t, &stop, &tr, NULL), 0);
	assert_true(tr.have_prediction && tr.gain_lo_pct < tr.gain_hi_pct);
	pgt_tuner_free(r.t);
}

/* When nothing helps, the present settings stay: pure noise, several seeds. */
static void
noise_is_not_proposed(void **state)
{
	int changed = 0;

	(void)state;
	for (int seed = 0; seed < 60; seed++) {
		double base[3] = {0.5, 0.5, 0.5};
		struct pgt_tuner_opts o;
		struct pgt_proposal p;
		struct pgt_trial tr;
		struct pgt_random r;
		struct pgt_space s;
		struct pgt_tuner *t;

		pgt_space_init(&s);
		assert_int_equal(pgt_space_add_real(&s, "a", 0, 1, NULL), 0);
		assert_int_equal(pgt_space_add_real(&s, "b", 0, 1, NULL), 0);
		assert_int_equal(pgt_space_add_bool(&s, "c", NULL), 0);
		pgt_tuner_opts_init(&o);
		o.seed = (uint64_t)seed;
		o.budget = 14;
		o.candidates = 200;
		base[2] = 0;
		assert_int_equal(pgt_tuner_new(&s, base, &o, NULL, 0, &t, NULL), 0);
		pgt_random_init(&r, 1000 + (uint64_t)seed);
		while (pgt_tuner_phase(t) != PGT_TUNER_DONE &&
		       pgt_tuner_ask(t, NULL, &tr, NULL) == 0) {
			struct pgt_outcome out = {.cost = 0.03 * pgt_random_normal(&r)};

			assert_int_equal(pgt_tuner_tell(t, tr.id, &out, NULL), 0);
		}
		assert_int_equal(pgt_tuner_propose(t, &p, NULL), 0);
		changed += !p.keep_baseline;
		pgt_tuner_free(t);
	}
	/* The lower bound is one of 97.5 %: 1.5 in 60 are expected, 5 seldom. */
	assert_true(changed <= 4);
}

/* Of what is likely but not certain more is measured, in whole rounds: 4, 8 or 16 pairs,
 * or 8 at most when time is up; of what is not likely, 4. */
static void
likely_is_measured_again(void **state)
{
	int seen[17] = {0};

	(void)state;
	for (int run = 0; run < 80; run++) {
		bool hurry = run >= 60, idle = run >= 40 && run < 60;
		struct pgt_tuner_opts o;
		struct pgt_proposal p;
		struct pgt_space s;
		struct pgt_tuner *t;
		struct pgt_trial tr;
		struct pgt_random r;
		double base = 0;
		int told = 0;

		pgt_space_init(&s);
		assert_int_equal(pgt_space_add_bool(&s, "index", NULL), 0);
		pgt_tuner_opts_init(&o);
		o.seed = (uint64_t)run;
		o.budget = 4;
		assert_int_equal(pgt_tuner_new(&s, &base, &o, NULL, 0, &t, NULL), 0);
		pgt_random_init(&r, 100 + (uint64_t)run);
		while (pgt_tuner_phase(t) != PGT_TUNER_DONE) {
			struct pgt_outcome out = {.cost = 0.3 * pgt_random_normal(&r)};

			if (told == 4 && hurry)
				pgt_tuner_finish(t);
			assert_int_equal(pgt_tuner_ask(t, NULL, &tr, NULL), 0);
			if (!tr.is_baseline)
				out.cost -= told < 4 ? 2 : idle ? -0.6 : 0.25;
			told++;
			assert_int_equal(pgt_tuner_tell(t, tr.id, &out, NULL), 0);
		}
		assert_int_equal(pgt_tuner_propose(t, &p, NULL), 0);
		assert_true(p.pairs == 4 || p.pairs == 8 || p.pairs == 16);
		assert_true(p.pairs == 4 || !idle);
		assert_true(p.pairs <= 8 || !hurry);
		seen[p.pairs] += !idle;
		pgt_tuner_free(t);
	}
	assert_true(seen[4] > 5 && seen[8] > 5 && seen[16] > 5);
}

/* Lower is better to the left; a little noise that is the same each time. */
static double
slope_cost(const struct pgt_trial *tr)
{
	return tr->value[0] + 0.01 * (tr->id % 3 - 1);
}

/* Something else slowed one trial: it is measured again, and that is believed. */
static void
doubted_trial_is_measured_again(void **state)
{
	double base[2] = {0.8, 0.5}, best[2], cost, sd;
	struct pgt_tuner_opts o;
	struct pgt_outcome out = {0};
	struct pgt_trial slowed, tr;
	struct pgt_space s;
	struct pgt_tuner *t;

	(void)state;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add_real(&s, "a", 0, 1, NULL), 0);
	assert_int_equal(pgt_space_add_real(&s, "b", 0, 1, NULL), 0);
	pgt_tuner_opts_init(&o);
	assert_int_equal(pgt_tuner_new(&s, base, &o, NULL, 0, &t, NULL), 0);
	/* Far enough for the model to be sure of the slope. */
	for (int search = 0; search < 4;) {
		assert_int_equal(pgt_tuner_ask(t, NULL, &slowed, NULL), 0);
		search += slowed.phase == PGT_TUNER_SEARCH;
		out.cost = slope_cost(&slowed) + (search == 4 ? 0.7 : 0);
		assert_int_equal(pgt_tuner_tell(t, slowed.id, &out, NULL), 0);
	}
	assert_int_equal(pgt_tuner_ask(t, NULL, &tr, NULL), 0);
	assert_memory_equal(tr.value, slowed.value, 2 * sizeof(double));
	assert_non_null(strstr(tr.why, "once more"));
	out.cost = slope_cost(&tr);
	assert_int_equal(pgt_tuner_tell(t, tr.id, &out, NULL), 0);
	assert_int_equal(pgt_tuner_best(t, best, &cost, &sd, NULL), 0);
	assert_memory_equal(best, slowed.value, sizeof(best));
	assert_true(fabs(cost - best[0]) < 0.1);
	/* Twice is enough, whatever it says. */
	assert_int_equal(pgt_tuner_ask(t, NULL, &tr, NULL), 0);
	assert_true(memcmp(tr.value, slowed.value, 2 * sizeof(double)) != 0);
	pgt_tuner_free(t);
}

/* The second guess is meant to be better than the first: when something else slowed it,
 * it is measured again before the search starts from the wrong one, and only then. */
static void
doubted_guess_is_measured_again(void **state)
{
	(void)state;
	for (int slowed = 0; slowed < 2; slowed++) {
		struct pgt_trial guess = {0}, tr;
		struct run r;

		begin(&r, PGT_KNOB_OLAP, 3, 18);
		do {
			struct pgt_outcome out = {0};

			assert_int_equal(pgt_tuner_ask(r.t, NULL, &tr, NULL), 0);
			if (tr.phase == PGT_TUNER_SEARCH)
				break;
			if (tr.phase == PGT_TUNER_SEED)
				guess = tr;
			assert_true(sim_measure(&r.sim, tr.value, &out.cost));
			if (slowed && strstr(tr.why, "for each sort"))
				out.cost += 0.7;
			assert_int_equal(pgt_tuner_tell(r.t, tr.id, &out, NULL), 0);
		} while (tr.phase < PGT_TUNER_SEARCH);
		assert_non_null(strstr(guess.why, "for each sort"));
		assert_int_equal(memcmp(tr.value, guess.value,
					r.sim.space.n_dims * sizeof(double)) == 0,
				 slowed);
		pgt_tuner_free(r.t);
	}
}

/* An index saves a third of the time, a hint takes as much more, of a mediocre machine:
 * all of both at once tell nothing.  The one is proposed, the other is not. */
static void
what_helps_is_told_from_what_hurts(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 6; seed++) {
		double base[PGT_SPACE_DIMS];
		struct pgt_tuner_opts o;
		struct pgt_proposal p;
		struct serversim sim;
		struct pgt_space s;
		struct pgt_trial tr;
		struct pgt_tuner *t;
		size_t d;

		assert_int_equal(sim_init(&sim, PGT_KNOB_OLTP, seed, NULL), 0);
		s = sim.space;
		d = s.n_dims;
		assert_int_equal(pgt_space_add_bool(&s, "index", NULL), 0);
		assert_int_equal(pgt_space_add_bool(&s, "hint", NULL), 0);
		memcpy(base, sim.baseline, sizeof(base));
		base[d] = base[d + 1] = 0;
		pgt_tuner_opts_init(&o);
		o.seed = seed;
		o.budget = 12;
		o.candidates = 200;
		o.have_host = true;
		o.host = sim.host;
		o.cls = sim.cls;
		pgt_memory_model_default(&o.mem, &sim.host, sim.cls);
		assert_int_equal(pgt_tuner_new(&s, base, &o, NULL, 0, &t, NULL), 0);
		while (pgt_tuner_phase(t) != PGT_TUNER_DONE) {
			struct pgt_outcome out = {0};

			assert_int_equal(pgt_tuner_ask(t, NULL, &tr, NULL), 0);
			out.cost = log(1 - 0.33 * tr.value[d] + 0.33 * tr.value[d + 1]) -
				   0.3 * sim_true(&sim, tr.value) +
				   0.03 * pgt_random_normal(&sim.noise);
			assert_int_equal(pgt_tuner_tell(t, tr.id, &out, NULL), 0);
		}
		assert_int_equal(pgt_tuner_propose(t, &p, NULL), 0);
		assert_false(p.keep_baseline);
		assert_true(p.value[d] == 1 && p.value[d + 1] == 0);
		pgt_tuner_free(t);
	}
}

static void
failures_do_not_break_it(void **state)
{
	struct pgt_outcome dead = {.status = PGT_OUTCOME_FAILED};
	struct pgt_outcome ok = {.cost = 0};
	struct pgt_proposal p;
	struct pgt_trial tr;
	struct run r;

	(void)state;
	begin(&r, PGT_KNOB_OLAP, 4, 12);
	while (pgt_tuner_phase(r.t) != PGT_TUNER_DONE &&
	       pgt_tuner_ask(r.t, NULL, &tr, NULL) == 0)
		assert_int_equal(pgt_tuner_tell(r.t, tr.id, tr.is_baseline ? &ok : &dead,
						NULL), 0);
	assert_int_equal(pgt_tuner_propose(r.t, &p, NULL), 0);
	assert_true(p.keep_baseline);
	pgt_tuner_free(r.t);
}

/* Which settings matter, and how: against a surface where the answer is known. */
static void
reports(void **state)
{
	double base[3] = {0.9, 0.5, 0.5}, share[PGT_SPACE_DIMS];
	struct pgt_tuner_opts o;
	struct pgt_slice slice;
	struct pgt_trial tr;
	struct pgt_space s;
	struct pgt_tuner *t;
	size_t best = 0;

	(void)state;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add_real(&s, "a", 0, 1, NULL), 0);
	assert_int_equal(pgt_space_add_real(&s, "b", 0, 1, NULL), 0);
	assert_int_equal(pgt_space_add_real(&s, "c", 0, 1, NULL), 0);
	pgt_tuner_opts_init(&o);
	o.safe = false;
	o.init = 8;
	o.stop_rounds = -1;
	o.budget = 24;
	assert_int_equal(pgt_tuner_new(&s, base, &o, NULL, 0, &t, NULL), 0);
	assert_int_equal(pgt_tuner_importance(t, share, NULL), -1);
	for (int i = 0; i < 24; i++) {
		struct pgt_outcome out = {0};

		assert_int_equal(pgt_tuner_ask(t, NULL, &tr, NULL), 0);
		out.cost = 2 * pow(tr.value[0] - 0.3, 2) + 0.2 * tr.value[1];
		assert_int_equal(pgt_tuner_tell(t, tr.id, &out, NULL), 0);
	}
	assert_int_equal(pgt_tuner_importance(t, share, NULL), 0);
	assert_true(share[0] > share[1] && share[1] > share[2]);
	assert_true(fabs(share[0] + share[1] + share[2] - 1) < 1e-9);
	assert_int_equal(pgt_tuner_slice(t, 0, 41, &slice, NULL), 0);
	for (size_t i = 0; i < slice.m; i++) {
		assert_true(slice.lo_pct[i] <= slice.gain_pct[i] &&
			    slice.gain_pct[i] <= slice.hi_pct[i]);
		if (slice.gain_pct[i] > slice.gain_pct[best])
			best = i;
	}
	assert_true(fabs(slice.value[best] - 0.3) < 0.08);
	assert_int_equal(pgt_tuner_slice(t, 3, 41, &slice, NULL), -1);
	pgt_tuner_free(t);
}

/* What an earlier search under the same load found is tried right after the heuristic,
 * and a dissimilar one is not asked. */
static void
past_is_used(void **state)
{
	double v[2][PGT_SPACE_DIMS], *rows;
	struct pgt_tuner_past past[2] = {{.features = {1, 2}, .n_features = 2},
					 {.features = {9, 9}, .n_features = 2}};
	struct pgt_tuner_opts o;
	struct pgt_tuner *t;
	struct pgt_trial tr;
	struct serversim sim;
	double cost[8], u[PGT_SPACE_DIMS];
	struct pgt_random r;
	size_t d;

	(void)state;
	assert_int_equal(sim_init(&sim, PGT_KNOB_OLTP, 1, NULL), 0);
	d = sim.space.n_dims;
	rows = calloc(2 * 8 * d, sizeof(double));
	assert_non_null(rows);
	pgt_random_init(&r, 1);
	for (size_t i = 0; i < 16; i++) {
		for (size_t c = 0; c < d; c++)
			u[c] = 0.4 * pgt_random_uniform(&r);
		pgt_space_decode(&sim.space, u, &rows[i * d]);
	}
	for (size_t i = 0; i < 8; i++)
		cost[i] = i == 5 ? -1 : (double)i;
	for (size_t k = 0; k < 2; k++) {
		past[k].n = 8;
		past[k].value = &rows[k * 8 * d];
		past[k].cost = cost;
		memcpy(v[k], &rows[(k * 8 + 5) * d], d * sizeof(double));
	}
	pgt_tuner_opts_init(&o);
	o.features[0] = 1.1;
	o.features[1] = 2.1;
	o.n_features = 2;
	assert_int_equal(pgt_tuner_new(&sim.space, sim.baseline, &o, past, 2, &t, NULL), 0);
	for (int i = 0; i < 5; i++) {
		struct pgt_outcome out = {.cost = 1};

		assert_int_equal(pgt_tuner_ask(t, NULL, &tr, NULL), 0);
		if (i == 3)
			assert_memory_equal(tr.value, v[0], d * sizeof(double));
		else
			assert_memory_not_equal(tr.value, v[0], d * sizeof(double));
		assert_memory_not_equal(tr.value, v[1], d * sizeof(double));
		assert_int_equal(pgt_tuner_tell(t, tr.id, &out, NULL), 0);
	}
	pgt_tuner_free(t);
	free(rows);
}

/* Lucky single measurements and the present settings are not what an earlier search
 * found; and with rules of thumb to begin with, nothing is explored evenly. */
static void
past_best_is_the_confirmed_one(void **state)
{
	struct pgt_tuner_past past = {.features = {1}, .n_features = 1, .n = 6};
	double rows[6 * PGT_SPACE_DIMS], rules[PGT_SPACE_DIMS];
	double cost[6] = {-9, 3, -5, -1, 0, 0};
	struct pgt_outcome out = {.cost = 1};
	struct pgt_tuner_opts o;
	struct serversim sim;
	struct pgt_tuner *t;
	struct pgt_trial tr;
	size_t d;

	(void)state;
	assert_int_equal(sim_init(&sim, PGT_KNOB_OLTP, 1, NULL), 0);
	d = sim.space.n_dims;
	pgt_tuner_opts_init(&o);
	o.features[0] = 1;
	o.n_features = 1;
	o.have_host = true;
	o.host = sim.host;
	o.cls = PGT_KNOB_OLTP;
	pgt_memory_model_default(&o.mem, &sim.host, o.cls);
	pgt_heuristic_config(&sim.space, &sim.host, o.cls, &o.mem, rules);
	/* present settings twice, one lucky trial, one of two measurements, the rules */
	for (size_t i = 0; i < 6; i++)
		memcpy(&rows[i * d], i < 2 ? sim.baseline : rules, d * sizeof(double));
	rows[2 * d + (size_t)pgt_space_find(&sim.space, "bgwriter_delay")] = 50;
	for (size_t i = 3; i < 5; i++)
		rows[i * d + (size_t)pgt_space_find(&sim.space, "bgwriter_delay")] = 20;
	past.value = rows;
	past.cost = cost;
	assert_int_equal(pgt_tuner_new(&sim.space, sim.baseline, &o, &past, 1, &t, NULL),
			 0);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(pgt_tuner_ask(t, NULL, &tr, NULL), 0);
		assert_int_equal(tr.phase, i < 3   ? PGT_TUNER_BASELINE
					   : i < 5 ? PGT_TUNER_SEED
						   : PGT_TUNER_SEARCH);
		if (i == 4)
			assert_memory_equal(tr.value, &rows[3 * d], d * sizeof(double));
		assert_int_equal(pgt_tuner_tell(t, tr.id, &out, NULL), 0);
	}
	pgt_tuner_free(t);
	/* When the rules were best, that is said of them. */
	cost[5] = -7;
	past.n = 6;
	cost[3] = cost[4] = 2;
	memcpy(&rows[4 * d], &rows[5 * d], d * sizeof(double));
	assert_int_equal(pgt_tuner_new(&sim.space, sim.baseline, &o, &past, 1, &t, NULL),
			 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pgt_tuner_ask(t, NULL, &tr, NULL), 0);
		assert_int_equal(pgt_tuner_tell(t, tr.id, &out, NULL), 0);
	}
	assert_memory_equal(tr.value, rules, d * sizeof(double));
	assert_non_null(strstr(tr.why, "earlier search"));
	pgt_tuner_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_a_better_configuration),
	    cmocka_unit_test(repeats_and_restores),
	    cmocka_unit_test(protocol),
	    cmocka_unit_test(cancelled_ask_can_be_repeated),
	    cmocka_unit_test(noise_is_not_proposed),
	    cmocka_unit_test(likely_is_measured_again),
	    cmocka_unit_test(doubted_trial_is_measured_again),
	    cmocka_unit_test(doubted_guess_is_measured_again),
	    cmocka_unit_test(what_helps_is_told_from_what_hurts),
	    cmocka_unit_test(failures_do_not_break_it),
	    cmocka_unit_test(reports),
	    cmocka_unit_test(past_is_used),
	    cmocka_unit_test(past_best_is_the_confirmed_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
