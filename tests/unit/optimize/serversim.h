/* A simulated server for the tuner's tests and bench: throughput of a made-up machine
 * under a configuration of the real table of settings.  It has inert settings, special
 * values, interactions, an out-of-memory cliff whose form is not the memory model's,
 * 3% noise and 8% slow outliers.  Where its optimum lies is drawn from the seed. */
#ifndef TEST_SERVERSIM_H
#define TEST_SERVERSIM_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "pg2une/num/random.h"
#include "pg2une/optimize/safety.h"
#include "pg2une/optimize/space.h"

#define SIM_MB 1048576.0
#define SIM_GB 1073741824.0

struct serversim {
	struct pgt_space space;
	struct pgt_knob_host host;
	enum pgt_knob_class cls;
	double baseline[PGT_SPACE_DIMS]; /* the server's own defaults */
	double best; /* log throughput of the optimum, by a long search */
	/* Drawn from the seed. */
	double cache_at, work_need, wal_rate, cost_at, delay_at, bg_at, active, nodes;
	struct pgt_random noise;
};

static inline double
sim_get(const struct serversim *s, const double *v, const char *name, double absent)
{
	int at = pgt_space_find(&s->space, name);

	return at < 0 ? absent : v[at];
}

static inline double
sim_logistic(double x)
{
	return 1 / (1 + exp(-x));
}

/* A parabola in octaves that levels off. */
static inline double
sim_hill(double v, double at, double depth, double octaves)
{
	double o = (log2(v) - log2(at)) / octaves;

	return -depth * (1 - exp(-o * o));
}

/* Workers that one of several busy queries gets: all together are no more than
 * max_parallel_workers. */
static inline double
sim_workers(const struct serversim *s, const double *v)
{
	return fmin(sim_get(s, v, "max_parallel_workers_per_gather", 2),
		    sim_get(s, v, "max_parallel_workers", 8) / 2);
}

/* Bytes in use at the peak; more than the memory there is kills the server. */
static inline double
sim_memory(const struct serversim *s, const double *v)
{
	double work = sim_get(s, v, "work_mem", 4 * SIM_MB);
	double hash = sim_get(s, v, "hash_mem_multiplier", 2);

	return 1.05 * sim_get(s, v, "shared_buffers", 128 * SIM_MB) + 0.6 * SIM_GB +
	       s->host.max_connections * 8 * SIM_MB +
	       s->active * s->nodes * work * pow(hash, 0.7) * sqrt(1 + sim_workers(s, v)) +
	       2 * sim_get(s, v, "maintenance_work_mem", 64 * SIM_MB);
}

static inline double
sim_wal(const struct serversim *s, const double *v)
{
	double timeout = sim_get(s, v, "checkpoint_timeout", 300e3) / 1000;
	double size = sim_get(s, v, "max_wal_size", SIM_GB);
	double apart = fmin(timeout, 0.6 * size / s->wal_rate);
	double f = -0.45 * exp(-apart / 400);
	double delay = sim_get(s, v, "commit_delay", 0);
	double buffers = sim_get(s, v, "wal_buffers", -1);
	double pack = sim_get(s, v, "wal_compression", 0);

	f += pack == 1 ? -0.02 : pack == 2 ? 0.04 : 0;
	if (delay > 0)
		f += 0.07 * exp(-pow((log2(delay) - log2(s->delay_at)) / 2, 2)) -
		     0.25 * sim_logistic(2 * (log2(delay) - 10.5));
	if (buffers > 0)
		f -= 0.08 * sim_logistic(1.5 * (log2(4 * SIM_MB) - log2(buffers)));
	f -= 0.05 * pow(sim_get(s, v, "checkpoint_completion_target", 0.9) - 0.9, 2);
	/* Reports seldom write: the delay of a commit, the size of a WAL buffer and how
	 * full pages are packed move them as little as checkpoints do. */
	return s->cls == PGT_KNOB_OLAP ? 0.3 * f : f;
}

static inline double
sim_plans(const struct serversim *s, const double *v)
{
	bool olap = s->cls == PGT_KNOB_OLAP;
	double cost = sim_get(s, v, "random_page_cost", 4);
	double cached = sim_get(s, v, "effective_cache_size", 4 * SIM_GB);
	double reads = sim_get(s, v, "effective_io_concurrency", 1);
	double gather = sim_workers(s, v);
	double jit = sim_get(s, v, "jit", 1), f;

	f = sim_hill(cost, s->cost_at, olap ? 0.15 : 0.3, 1.2);
	f -= 0.12 * sim_logistic(3 * (log2(0.45 * s->host.ram_bytes) - log2(cached)));
	f += (olap ? 0.2 : 0.05) * sim_logistic(log2(reads + 1) - 5);
	f += olap ? 0.3 * log2(1 + gather) / 2 - 0.04 * gather
		  : -0.04 * gather;
	return f + (olap ? 0.1 : -0.12) * jit;
}

/* log throughput, up to a constant; -HUGE_VAL when the server dies. */
static inline double
sim_true(const struct serversim *s, const double *v)
{
	bool olap = s->cls == PGT_KNOB_OLAP;
	double used = sim_memory(s, v) / s->host.ram_bytes, f;
	double work = sim_get(s, v, "work_mem", 4 * SIM_MB) *
		      sqrt(sim_get(s, v, "hash_mem_multiplier", 2) / 2);
	double bg = sim_get(s, v, "bgwriter_lru_maxpages", 100);

	if (used > 0.97)
		return -HUGE_VAL;
	f = sim_hill(sim_get(s, v, "shared_buffers", 128 * SIM_MB),
		     s->cache_at * s->host.ram_bytes, olap ? 0.35 : 0.5, 2.5);
	f -= (olap ? 1.1 : 0.25) *
	     sim_logistic(1.2 * (log2(s->work_need) - log2(work)));
	f -= 0.5 * sim_logistic(40 * (used - 0.9));
	f += bg == 0 ? -0.1 : sim_hill(bg, s->bg_at, 0.05, 2);
	return f + sim_wal(s, v) + sim_plans(s, v);
}

/* Busy sessions that a few minutes show at most: the peak, or a little less. */
static inline double
sim_active_peak(const struct serversim *s, uint64_t seed)
{
	struct pgt_random r;

	pgt_random_init_stream(&r, seed, 97);
	return floor(s->active * (0.85 + 0.15 * pgt_random_uniform(&r)));
}

/* One measurement: false when the server died of it. */
static inline bool
sim_measure(struct serversim *s, const double *v, double *ret_cost)
{
	double f = sim_true(s, v);

	if (!isfinite(f))
		return false;
	f += 0.03 * pgt_random_normal(&s->noise);
	if (pgt_random_uniform(&s->noise) < 0.08)
		f += log(0.5 + 0.35 * pgt_random_uniform(&s->noise));
	*ret_cost = -f;
	return true;
}

static inline double
sim_default(const struct pgt_knob *k)
{
	static const struct {
		const char *name;
		double value;
	} defaults[] = {
	    {"shared_buffers", 128 * SIM_MB}, {"effective_cache_size", 4 * SIM_GB},
	    {"work_mem", 4 * SIM_MB}, {"hash_mem_multiplier", 2},
	    {"maintenance_work_mem", 64 * SIM_MB}, {"wal_buffers", -1},
	    {"max_wal_size", SIM_GB}, {"min_wal_size", 80 * SIM_MB},
	    {"checkpoint_timeout", 300e3}, {"checkpoint_completion_target", 0.9},
	    {"wal_compression", 0}, {"commit_delay", 0}, {"bgwriter_delay", 200},
	    {"bgwriter_lru_maxpages", 100}, {"random_page_cost", 4}, {"jit", 1},
	    {"effective_io_concurrency", 1}, {"max_parallel_workers", 8},
	    {"max_parallel_workers_per_gather", 2},
	};

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (strcmp(defaults[i].name, k->name) == 0)
			return defaults[i].value;
	return 0;
}

/* Where the optimum is, by a long random and local search that measures freely; of what
 * mem admits, unless that is NULL. */
static inline double
sim_optimum(const struct serversim *s, const struct pgt_memory_model *mem,
	    struct pgt_random *r)
{
	double best = -HUGE_VAL, bu[PGT_SPACE_DIMS] = {0}, u[PGT_SPACE_DIMS];
	double v[PGT_SPACE_DIMS], f;

	for (int i = 0; i < 30000; i++) {
		double scale = i < 3000 ? 0 : 0.3 * exp(-(i - 3000) / 6000.0);

		for (size_t c = 0; c < s->space.n_dims; c++) {
			double p = pgt_random_uniform(r);

			u[c] = scale == 0 || p < 0.02 ? pgt_random_uniform(r)
			       : p < 0.25 ? bu[c] + scale * pgt_random_normal(r)
					  : bu[c];
		}
		pgt_space_decode(&s->space, u, v);
		f = sim_true(s, v);
		if (f > best && (!mem || pgt_memory_allowed(mem, &s->space, v))) {
			best = f;
			memcpy(bu, u, sizeof(u));
		}
	}
	return best;
}

static inline int
sim_init(struct serversim *s, enum pgt_knob_class cls, uint64_t seed, struct pgt_err *err)
{
	struct pgt_random r;
	bool olap = cls == PGT_KNOB_OLAP;

	memset(s, 0, sizeof(*s));
	s->cls = cls;
	s->host = (struct pgt_knob_host){.ram_bytes = 16 * SIM_GB,
					 .cores = 8,
					 .max_connections = olap ? 60 : 150,
					 .server_major = 17,
					 .wal_disk_free = 512 * SIM_GB};
	pgt_space_init(&s->space);
	if (pgt_space_add_knobs(&s->space, &s->host, cls, true, err) < 0)
		return -1;
	for (size_t i = 0; i < s->space.n_dims; i++)
		s->baseline[i] = sim_default(s->space.dims[i].knob);
	pgt_random_init_stream(&r, seed, 99);
	s->cache_at = 0.28 * exp2(0.3 * pgt_random_normal(&r));
	s->work_need = (olap ? 160 : 10) * SIM_MB * exp2(0.6 * pgt_random_normal(&r));
	s->wal_rate = (olap ? 4 : 12) * SIM_MB * exp2(0.5 * pgt_random_normal(&r));
	s->cost_at = (olap ? 1.8 : 1.2) * exp2(0.2 * pgt_random_normal(&r));
	s->delay_at = 150 * exp2(0.7 * pgt_random_normal(&r));
	s->bg_at = 500 * exp2(0.7 * pgt_random_normal(&r));
	s->active = (olap ? 9 : 30) * exp2(0.2 * pgt_random_normal(&r));
	s->nodes = olap ? 1.6 : 1.1;
	s->best = sim_optimum(s, NULL, &r);
	pgt_random_init_stream(&s->noise, seed, 7);
	return 0;
}

#endif
