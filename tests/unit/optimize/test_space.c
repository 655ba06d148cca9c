#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/num/random.h"
#include "pg2une/optimize/heuristic.h"
#include "pg2une/optimize/objective.h"
#include "pg2une/optimize/safety.h"
#include "pg2une/optimize/space.h"
#include "pg2une/optimize/warm.h"

#define MB 1048576.0
#define GB 1073741824.0

static const struct pgt_knob_host host = {
    .ram_bytes = 16 * GB, .cores = 8, .max_connections = 100, .server_major = 17};

static double
value_of(const struct pgt_space *s, const double *v, const char *name)
{
	int at = pgt_space_find(s, name);

	assert_true(at >= 0);
	return v[at];
}

/* Snapping twice is snapping once; values stay in range, on the grain; rules hold. */
static void
snapping(void **state)
{
	double u[PGT_SPACE_DIMS], v[PGT_SPACE_DIMS], w[PGT_SPACE_DIMS];
	struct pgt_random r;

	(void)state;
	pgt_random_init(&r, 1);
	for (int cls = 0; cls < PGT_KNOB_CLASSES; cls++) {
		struct pgt_space s;

		pgt_space_init(&s);
		assert_int_equal(pgt_space_add_knobs(&s, &host, cls, true, NULL), 0);
		assert_true(s.n_dims >= 15);
		for (int k = 0; k < 500; k++) {
			for (size_t i = 0; i < s.n_dims; i++)
				u[i] = pgt_random_uniform(&r);
			pgt_space_decode(&s, u, v);
			for (size_t i = 0; i < s.n_dims; i++) {
				const struct pgt_dim *d = &s.dims[i];
				bool special = false;

				for (int j = 0; j < d->n_special; j++)
					special |= v[i] == d->special[j];
				assert_true(special || (v[i] >= d->lo && v[i] <= d->hi));
				if (d->kind == PGT_DIM_INTEGER)
					assert_true(v[i] == floor(v[i]));
			}
			assert_true(value_of(&s, v, "min_wal_size") <=
				    0.8 * value_of(&s, v, "max_wal_size"));
			assert_true(value_of(&s, v, "max_parallel_workers_per_gather") <=
				    value_of(&s, v, "max_parallel_workers"));
			pgt_space_encode(&s, v, u);
			pgt_space_decode(&s, u, w);
			for (size_t i = 0; i < s.n_dims; i++) {
				if (strcmp(s.dims[i].name, "min_wal_size") == 0)
					continue; /* mended off its grid */
				assert_true(fabs(v[i] - w[i]) <= 1e-9 * fabs(v[i]));
			}
		}
	}
}

static void
special_values_own_a_fifth(void **state)
{
	struct pgt_dim d = {.name = "x", .kind = PGT_DIM_INTEGER, .log2 = true, .lo = 10,
			    .hi = 1000, .special = {-1, 0}, .n_special = 2};
	struct pgt_space s;
	double u, v, k;

	(void)state;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add(&s, &d, NULL), 0);
	u = 0.05;
	pgt_space_decode(&s, &u, &v);
	assert_true(v == -1);
	u = 0.19;
	pgt_space_decode(&s, &u, &v);
	assert_true(v == 0);
	pgt_space_kernel(&s, &u, &k); /* collapsed to one point */
	assert_true(fabs(k - 0.15) < 1e-12);
	u = 0.2;
	pgt_space_decode(&s, &u, &v);
	assert_true(v == 10);
	u = 0.6;
	pgt_space_decode(&s, &u, &v);
	assert_true(v == 100);
	assert_int_equal(pgt_space_add(&s, &d, NULL), -1); /* the same name twice */
}

static void
kinds_reach_the_kernel(void **state)
{
	struct pgt_dim e = {.name = "e", .kind = PGT_DIM_ENUM, .hi = 2, .n_choices = 3};
	struct pgt_space s;
	double u[3] = {0.9, 0.5, 0.7}, k[PGT_SPACE_KERNEL], v[3];

	(void)state;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add_bool(&s, "index:t(a)", NULL), 0);
	assert_int_equal(pgt_space_add(&s, &e, NULL), 0);
	assert_int_equal(pgt_space_add_real(&s, "r", -1, 1, NULL), 0);
	assert_int_equal(s.n_kernel, 5);
	pgt_space_kernel(&s, u, k);
	assert_true(k[0] == 1 && k[1] == 0 && k[2] == 1 && k[3] == 0);
	assert_true(fabs(k[4] - 0.7) < 1e-12);
	/* A present setting outside the range is not its end. */
	v[0] = 0;
	v[1] = 0;
	v[2] = -2;
	pgt_space_kernel_of(&s, v, k);
	assert_true(fabs(k[4] - -0.5) < 1e-12);
	pgt_space_encode(&s, v, u);
	assert_true(u[2] == 0);
}

static void
durability_is_refused(void **state)
{
	struct pgt_err err = {0};
	struct pgt_space s;

	(void)state;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add_knob(&s, pgt_knob_find("fsync"), &host,
					    PGT_KNOB_OLTP, &err), -1);
	assert_int_equal(err.code, PGT_E_DENIED);
	assert_int_equal(pgt_space_add_knobs(&s, &host, PGT_KNOB_OLTP, false, NULL), 0);
	for (size_t i = 0; i < s.n_dims; i++)
		assert_false(s.dims[i].restart);
}

static void
fixed_settings_bound_others(void **state)
{
	struct pgt_space s;
	int at;

	(void)state;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add_knobs(&s, &host, PGT_KNOB_OLAP, false, NULL), 0);
	pgt_space_fix(&s, "max_worker_processes", 6);
	at = pgt_space_find(&s, "max_parallel_workers");
	assert_true(at >= 0 && s.dims[at].hi == 6);
	pgt_space_fix(&s, "max_worker_processes", 1);
	assert_true(pgt_space_find(&s, "max_parallel_workers") < 0);
	assert_true(pgt_space_find(&s, "max_parallel_workers_per_gather") >= 0);
}

static double
quiet_need(struct pgt_memory_model *m, const struct pgt_space *s, const double *v)
{
	double keep = m->active_peak, need;

	m->active_peak = 1;
	need = pgt_memory_need(m, s, v);
	m->active_peak = keep;
	return need;
}

/* The formula by hand, and that the model refuses, repairs and guides the heuristic. */
static void
memory_model(void **state)
{
	struct pgt_memory_model m;
	struct pgt_space s;
	struct pgt_random r;
	double v[PGT_SPACE_DIMS], want;

	(void)state;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add_knob(&s, pgt_knob_find("work_mem"), &host,
					    PGT_KNOB_OLTP, NULL), 0);
	pgt_memory_model_default(&m, &host, PGT_KNOB_OLTP);
	assert_true(pgt_memory_model_set(&m, "shared_buffers", 4 * GB));
	assert_true(pgt_memory_model_set(&m, "hash_mem_multiplier", 2));
	assert_false(pgt_memory_model_set(&m, "jit", 1));
	assert_true(pgt_memory_model_reads("shared_buffers"));
	assert_true(pgt_memory_model_reads("max_connections"));
	assert_false(pgt_memory_model_reads("jit"));
	v[0] = 10 * MB;
	/* 4GB + 16MB + 100 (5 + 0.8)MB + (30 + 8) 10MB 1.5 + 3 x 64MB */
	want = 4 * GB + 16 * MB + 580 * MB + 38 * 15 * MB + 192 * MB;
	assert_true(fabs(pgt_memory_need(&m, &s, v) - want) < 1);
	assert_true(pgt_memory_allowed(&m, &s, v));
	v[0] = 400 * MB;
	assert_false(pgt_memory_allowed(&m, &s, v));
	pgt_random_init(&r, 1);
	pgt_memory_repair(&m, &s, &r, v);
	assert_true(pgt_memory_allowed(&m, &s, v) && v[0] < 400 * MB);
	/* A measured peak stands for the assumption, a third higher; a quiet moment only
	 * halves it; a busy one makes it stricter. */
	v[0] = 64 * MB;
	m.active_peak = 0;
	m.max_parallel_workers = 0;
	want = pgt_memory_need(&m, &s, v);
	m.active_peak = 1;
	assert_true(pgt_memory_need(&m, &s, v) < want);
	m.active_peak = 0.375 * m.active_share * m.connections;
	assert_true(fabs(pgt_memory_need(&m, &s, v) - quiet_need(&m, &s, v)) < 1);
	m.active_peak = 0.75 * m.active_share * m.connections;
	assert_true(fabs(pgt_memory_need(&m, &s, v) - want) < 1);
	m.active_peak = m.connections;
	assert_true(pgt_memory_need(&m, &s, v) > 1.5 * want);
}

static void
heuristic(void **state)
{
	for (int cls = 0; cls < PGT_KNOB_CLASSES; cls++) {
		double v[PGT_SPACE_DIMS], w[PGT_SPACE_DIMS];
		struct pgt_memory_model m;
		struct pgt_space s;
		int at;

		(void)state;
		pgt_space_init(&s);
		assert_int_equal(pgt_space_add_knobs(&s, &host, cls, true, NULL), 0);
		pgt_memory_model_default(&m, &host, cls);
		pgt_heuristic_config(&s, &host, cls, &m, v);
		assert_true(pgt_memory_allowed(&m, &s, v));
		assert_true(value_of(&s, v, "shared_buffers") == 4 * GB);
		assert_true(pgt_heuristic_score(&s, &host, cls, &m, v) > 0.99);
		memcpy(w, v, sizeof(w));
		at = pgt_space_find(&s, "shared_buffers");
		w[at] = s.dims[at].lo;
		assert_true(pgt_heuristic_score(&s, &host, cls, &m, w) < 0.95);
		at = pgt_space_find(&s, "work_mem");
		w[at] = s.dims[at].hi; /* does not fit the machine */
		assert_true(pgt_heuristic_score(&s, &host, cls, &m, w) < 0.8);
	}
}

/* Neither rules of thumb nor any candidate ask for WAL that the disk does not hold. */
static void
disk_bounds_wal(void **state)
{
	struct pgt_knob_host small = host;
	double v[PGT_SPACE_DIMS], u[PGT_SPACE_DIMS];
	struct pgt_memory_model m;
	struct pgt_random r;
	struct pgt_space s;

	(void)state;
	small.wal_disk_free = 40 * GB;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add_knobs(&s, &small, PGT_KNOB_OLAP, true, NULL), 0);
	pgt_memory_model_default(&m, &small, PGT_KNOB_OLAP);
	pgt_heuristic_config(&s, &small, PGT_KNOB_OLAP, &m, v);
	assert_true(value_of(&s, v, "max_wal_size") == 5 * GB); /* 16GB else */
	pgt_heuristic_sorts_config(&s, &small, PGT_KNOB_OLAP, &m, v);
	assert_true(value_of(&s, v, "max_wal_size") <= 5 * GB);
	pgt_random_init(&r, 1);
	for (int i = 0; i < 500; i++) {
		for (size_t c = 0; c < s.n_dims; c++)
			u[c] = i == 0 ? 1 : pgt_random_uniform(&r);
		pgt_space_decode(&s, u, v);
		assert_true(value_of(&s, v, "max_wal_size") <= 5 * GB);
		assert_true(value_of(&s, v, "min_wal_size") <=
			    0.8 * value_of(&s, v, "max_wal_size"));
	}
	/* Too little to search at all. */
	small.wal_disk_free = 6 * GB;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add_knobs(&s, &small, PGT_KNOB_OLAP, true, NULL), 0);
	assert_true(pgt_space_find(&s, "max_wal_size") < 0);
}

static void
rules_are_seen(void **state)
{
	double present[PGT_SPACE_DIMS], v[PGT_SPACE_DIMS];
	struct pgt_space s;
	size_t max, min;

	(void)state;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add_knobs(&s, &host, PGT_KNOB_OLTP, true, NULL), 0);
	for (size_t i = 0; i < s.n_dims; i++)
		present[i] = s.dims[i].lo;
	max = (size_t)pgt_space_find(&s, "max_wal_size");
	min = (size_t)pgt_space_find(&s, "min_wal_size");
	memcpy(v, present, sizeof(v));
	v[max] = 2 * GB;
	v[min] = 1.5 * GB;
	assert_true(pgt_space_keeps_rules(&s, present, v));
	v[min] = 1.75 * GB;
	assert_false(pgt_space_keeps_rules(&s, present, v));
	/* What the server has already is its own affair. */
	present[max] = v[max];
	present[min] = v[min];
	assert_true(pgt_space_keeps_rules(&s, present, v));
	v[max] = GB;
	assert_false(pgt_space_keeps_rules(&s, present, v));
}

static void
trust_region(void **state)
{
	struct pgt_trust t;

	(void)state;
	pgt_trust_init(&t);
	pgt_trust_update(&t, true);
	assert_true(t.side == 0.6);
	pgt_trust_update(&t, true);
	assert_true(fabs(t.side - 0.96) < 1e-12);
	for (int i = 0; i < 6; i++)
		pgt_trust_update(&t, false);
	assert_true(fabs(t.side - 0.6) < 1e-12);
}

static void
objective(void **state)
{
	struct pgt_measure m = {.tps = 100, .mean_ms = 10};
	struct pgt_objective o;
	struct pgt_err err = {0};
	double c;

	(void)state;
	assert_int_equal(pgt_objective_parse("tps=3,mean=1", &o, NULL), 0);
	assert_int_equal(pgt_objective_cost(&o, &m, &c, NULL), 0);
	assert_true(fabs(c - (-3 * log(100) + log(10)) / 4) < 1e-12);
	assert_true(fabs(pgt_objective_gain_pct(0, -log(1.25)) - 25) < 1e-9);
	assert_int_equal(pgt_objective_parse("p99", &o, NULL), 0);
	assert_int_equal(pgt_objective_cost(&o, &m, &c, &err), -1);
	assert_int_equal(err.code, PGT_E_NUMERIC);
	assert_int_equal(pgt_objective_parse("speed", &o, &err), -1);
	assert_int_equal(pgt_objective_parse("tps=-1", &o, &err), -1);
	assert_int_equal(pgt_objective_parse("tps,tps", &o, &err), -1);
	assert_int_equal(pgt_objective_parse("", &o, &err), -1);
	assert_int_equal(pgt_objective_parse("tps=1,", &o, &err), -1);
}

static void
comparable_load(void **state)
{
	struct pgt_measure a = {.offered_per_s = 100, .active = 8, .read_share = 0.8,
				.mix = {0.5, 0.5}, .n_mix = 2};
	struct pgt_measure b = a;
	char why[128];

	(void)state;
	assert_true(pgt_measure_comparable(&a, &b, why, sizeof(why)));
	b.offered_per_s = 135;
	assert_false(pgt_measure_comparable(&a, &b, why, sizeof(why)));
	assert_non_null(strstr(why, "offered"));
	b = a;
	b.read_share = 0.65;
	assert_false(pgt_measure_comparable(&a, &b, why, sizeof(why)));
	b = a;
	b.mix[0] = 0.2;
	b.mix[1] = 0.8;
	assert_false(pgt_measure_comparable(&a, &b, why, sizeof(why)));
	b = a;
	b.offered_per_s = 0; /* unknown */
	assert_true(pgt_measure_comparable(&a, &b, why, sizeof(why)));
}

/* A past search of the same surface earns its slope, an opposite one none. */
static void
warm_start(void **state)
{
	enum { N = 20 };
	double v[N], past[N], now[N], k[N], mean[2];
	struct pgt_space s;
	struct pgt_warm *w;

	(void)state;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add_real(&s, "x", 0, 1, NULL), 0);
	for (int i = 0; i < N; i++) {
		v[i] = k[i] = i / (N - 1.0);
		past[i] = (v[i] - 0.3) * (v[i] - 0.3);
		now[i] = 5 * past[i] + 2;
	}
	assert_int_equal(pgt_warm_new(&s, N, v, past, 1, &w, NULL), 0);
	mean[0] = pgt_warm_mean(w, &(double){0.3});
	mean[1] = pgt_warm_mean(w, &(double){0.9});
	assert_true(mean[0] < mean[1]);
	assert_true(pgt_warm_slope(w, N, 1, k, now) > 0);
	for (int i = 0; i < N; i++)
		now[i] = -now[i];
	assert_true(pgt_warm_slope(w, N, 1, k, now) == 0);
	assert_true(pgt_warm_slope(w, 3, 1, k, past) == 0);
	pgt_warm_free(w);
}

static void
warm_features(void **state)
{
	struct pgt_warm_workload a = {.read_share = 0.9, .hit_ratio = 0.99,
				      .rows_per_call = 2, .tx_per_s = 1000, .active = 8};
	struct pgt_warm_workload b = a, c = a;
	double fa[PGT_WARM_FEATURES], fb[PGT_WARM_FEATURES], fc[PGT_WARM_FEATURES];

	(void)state;
	b.tx_per_s = 1300;
	c.tx_per_s = 2;
	c.rows_per_call = 1e5;
	c.temp_bytes_per_tx = 1e8;
	pgt_warm_features(&a, fa);
	pgt_warm_features(&b, fb);
	pgt_warm_features(&c, fc);
	assert_true(pgt_warm_distance(PGT_WARM_FEATURES, fa, fb) < PGT_WARM_NEAR / 2);
	assert_true(pgt_warm_distance(PGT_WARM_FEATURES, fa, fc) > PGT_WARM_NEAR);
}

/* Rules of thumb in shares of the cores would halve the two workers of a small machine. */
static void
few_cores_keep_their_workers(void **state)
{
	struct pgt_knob_host small = {.ram_bytes = 4096.0 * 1048576, .max_connections = 100,
				     .server_major = 15};
	double v[PGT_SPACE_DIMS], present[PGT_SPACE_DIMS] = {0};

	(void)state;
	for (small.cores = 2; small.cores <= 8; small.cores += 6) {
		struct pgt_memory_model m;
		struct pgt_space s;
		int at, work;

		pgt_space_init(&s);
		assert_int_equal(
		    pgt_space_add_knobs(&s, &small, PGT_KNOB_OLAP, true, NULL), 0);
		pgt_memory_model_default(&m, &small, PGT_KNOB_OLAP);
		at = pgt_space_find(&s, "max_parallel_workers_per_gather");
		work = pgt_space_find(&s, "work_mem");
		assert_true(at >= 0 && work >= 0);
		present[at] = 2;
		present[pgt_space_find(&s, "max_parallel_workers")] = 8;
		pgt_heuristic_config(&s, &small, PGT_KNOB_OLAP, &m, v);
		assert_true(v[at] == small.cores / 2);
		pgt_heuristic_keep_workers(&s, &small, &m, present, v);
		assert_true(v[at] == (small.cores < 4 ? 2 : 4));
		assert_true(v[work] > 0 && pgt_memory_allowed(&m, &s, v));
	}
}

/* The two guesses for reports differ in every setting that costs no memory, so that each
 * is seen in two places; all that is taken together stays within the limit. */
static void
second_guess_differs(void **state)
{
	double a[PGT_SPACE_DIMS], b[PGT_SPACE_DIMS], lo[PGT_SPACE_DIMS],
	    hi[PGT_SPACE_DIMS], u[PGT_SPACE_DIMS];
	struct pgt_memory_model m;
	struct pgt_trust trust;
	struct pgt_space s;
	int gather;

	(void)state;
	pgt_space_init(&s);
	assert_int_equal(pgt_space_add_knobs(&s, &host, PGT_KNOB_OLAP, true, NULL), 0);
	pgt_memory_model_default(&m, &host, PGT_KNOB_OLAP);
	pgt_heuristic_config(&s, &host, PGT_KNOB_OLAP, &m, a);
	pgt_heuristic_sorts_config(&s, &host, PGT_KNOB_OLAP, &m, b);
	assert_true(value_of(&s, b, "work_mem") > value_of(&s, a, "work_mem"));
	assert_true(fabs(value_of(&s, b, "random_page_cost") - 2) < 0.1); /* of 1 to 4 */
	assert_true(value_of(&s, b, "checkpoint_timeout") !=
		    value_of(&s, a, "checkpoint_timeout"));
	assert_true(value_of(&s, b, "commit_delay") == 0); /* special values stay */
	assert_true(value_of(&s, b, "max_parallel_workers_per_gather") ==
		    value_of(&s, b, "max_parallel_workers"));
	assert_true(pgt_memory_allowed(&m, &s, b));
	/* However small the trust region: no workers, or all of them, is one step. */
	pgt_trust_init(&trust);
	trust.side = 0.05;
	pgt_space_encode(&s, b, u);
	pgt_trust_box(&trust, &s, u, lo, hi);
	gather = pgt_space_find(&s, "max_parallel_workers_per_gather");
	assert_true(lo[gather] == 0 && hi[gather] == 1);
	assert_true(s.dims[gather].n_special == 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(snapping),
	    cmocka_unit_test(special_values_own_a_fifth),
	    cmocka_unit_test(kinds_reach_the_kernel),
	    cmocka_unit_test(durability_is_refused),
	    cmocka_unit_test(fixed_settings_bound_others),
	    cmocka_unit_test(memory_model),
	    cmocka_unit_test(heuristic),
	    cmocka_unit_test(disk_bounds_wal),
	    cmocka_unit_test(rules_are_seen),
	    cmocka_unit_test(few_cores_keep_their_workers),
	    cmocka_unit_test(second_guess_differs),
	    cmocka_unit_test(trust_region),
	    cmocka_unit_test(objective),
	    cmocka_unit_test(comparable_load),
	    cmocka_unit_test(warm_start),
	    cmocka_unit_test(warm_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
