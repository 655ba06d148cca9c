#include <math.h>
#include <stddef.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/optimize/safety.h"

#define MB 1048576.0
/* A measured peak is of minutes: the busiest one may be higher. */
#define PEAK_MARGIN (4.0 / 3)

/* Which settings the model reads, and where it keeps their present values. */
static const struct {
	const char *name;
	size_t offset;
} settings[] = {
    {"shared_buffers", offsetof(struct pgt_memory_model, shared_buffers)},
    {"work_mem", offsetof(struct pgt_memory_model, work_mem)},
    {"hash_mem_multiplier", offsetof(struct pgt_memory_model, hash_mem_multiplier)},
    {"maintenance_work_mem", offsetof(struct pgt_memory_model, maintenance_work_mem)},
    {"autovacuum_work_mem", offsetof(struct pgt_memory_model, autovacuum_work_mem)},
    {"autovacuum_max_workers", offsetof(struct pgt_memory_model, autovacuum_max_workers)},
    {"temp_buffers", offsetof(struct pgt_memory_model, temp_buffers)},
    {"wal_buffers", offsetof(struct pgt_memory_model, wal_buffers)},
    {"max_parallel_workers", offsetof(struct pgt_memory_model, max_parallel_workers)},
    {"max_parallel_workers_per_gather",
     offsetof(struct pgt_memory_model, max_parallel_workers_per_gather)},
    {"max_connections", offsetof(struct pgt_memory_model, max_connections)},
};

static double *
field(struct pgt_memory_model *m, size_t i)
{
	return (double *)((char *)m + settings[i].offset);
}

void
pgt_memory_model_default(struct pgt_memory_model *m, const struct pgt_knob_host *host,
			 enum pgt_knob_class cls)
{
	/* Short transactions sort little and rarely at once; reports hold several
	 * large nodes each, but few run together. */
	static const double share[PGT_KNOB_CLASSES] = {
	    [PGT_KNOB_MIXED] = 0.3, [PGT_KNOB_OLTP] = 0.3, [PGT_KNOB_OLAP] = 0.2};
	static const double nodes[PGT_KNOB_CLASSES] = {
	    [PGT_KNOB_MIXED] = 1.5, [PGT_KNOB_OLTP] = 1, [PGT_KNOB_OLAP] = 2};
	/* Most of what reports are counted for is sorts that all peak at once, which
	 * leaves the kernel more than is counted. */
	static const double limit[PGT_KNOB_CLASSES] = {
	    [PGT_KNOB_MIXED] = 0.8, [PGT_KNOB_OLTP] = 0.8, [PGT_KNOB_OLAP] = 0.85};

	*m = (struct pgt_memory_model){
	    .ram_bytes = host->ram_bytes,
	    .limit_share = limit[cls],
	    .connections = host->max_connections,
	    .active_share = share[cls],
	    .nodes = nodes[cls],
	    .backend_bytes = 5 * MB,
	    .shared_buffers = 128 * MB,
	    .work_mem = 4 * MB,
	    .hash_mem_multiplier = host->server_major >= 15 ? 2 : 1,
	    .maintenance_work_mem = 64 * MB,
	    .autovacuum_work_mem = -1,
	    .autovacuum_max_workers = 3,
	    .temp_buffers = 8 * MB,
	    .wal_buffers = -1,
	    .max_parallel_workers = 8,
	    .max_parallel_workers_per_gather = 2,
	    .max_connections = host->max_connections,
	};
}

/* PGT_LEN(settings) when it is none of them. */
static size_t
setting_of(const char *name)
{
	size_t i = 0;

	while (i < PGT_LEN(settings) && strcmp(settings[i].name, name) != 0)
		i++;
	return i;
}

bool
pgt_memory_model_reads(const char *name)
{
	return setting_of(name) < PGT_LEN(settings);
}

bool
pgt_memory_model_set(struct pgt_memory_model *m, const char *name, double value)
{
	size_t i = setting_of(name);

	if (i == PGT_LEN(settings))
		return false;
	*field(m, i) = value;
	return true;
}

/* Sessions that run a query at the peak. */
static double
busy_sessions(const struct pgt_memory_model *m)
{
	double assumed = m->active_share * m->connections, busy = assumed;

	if (m->active_peak > 0)
		busy = fmax(PEAK_MARGIN * m->active_peak, assumed / 2);
	return fmax(1, fmin(busy, m->connections));
}

double
pgt_memory_need(const struct pgt_memory_model *m, const struct pgt_space *s,
		const double *value)
{
	struct pgt_memory_model now = *m;
	double wal, query, busy, workers, vacuum;

	for (size_t i = 0; i < PGT_LEN(settings); i++) {
		int at = pgt_space_find(s, settings[i].name);

		if (at >= 0)
			*field(&now, i) = value[at];
	}
	/* The server's own rule for -1: 1/32 of shared_buffers, at most a segment. */
	wal = now.wal_buffers < 0 ? fmin(now.shared_buffers / 32, 16 * MB)
				  : now.wal_buffers;
	query = now.work_mem * now.nodes * (1 + fmax(now.hash_mem_multiplier, 1)) / 2;
	busy = busy_sessions(&now);
	workers = fmin(now.max_parallel_workers,
		       busy * now.max_parallel_workers_per_gather);
	vacuum = now.autovacuum_work_mem < 0 ? now.maintenance_work_mem
					     : now.autovacuum_work_mem;
	return now.shared_buffers + wal +
	       now.connections * (now.backend_bytes + 0.1 * now.temp_buffers) +
	       (busy + workers) * query +
	       now.autovacuum_max_workers * vacuum;
}

bool
pgt_memory_allowed(const struct pgt_memory_model *m, const struct pgt_space *s,
		   const double *value)
{
	return pgt_memory_need(m, s, value) <= m->limit_share * m->ram_bytes;
}

/* One step of repair; a count may fall by one at a time. */
#define REPAIR_FACTOR 0.85
#define REPAIR_STEPS  60

void
pgt_memory_repair(const struct pgt_memory_model *m, const struct pgt_space *s,
		  struct pgt_random *r, double *value)
{
	static const char *const lowered[] = {
	    "work_mem",		   "hash_mem_multiplier",
	    "maintenance_work_mem", "max_parallel_workers_per_gather",
	    "max_parallel_workers", "shared_buffers",
	};
	size_t at[PGT_LEN(lowered)], n = 0;

	for (size_t i = 0; i < PGT_LEN(lowered); i++)
		if (pgt_space_find(s, lowered[i]) >= 0)
			at[n++] = (size_t)pgt_space_find(s, lowered[i]);
	for (int i = 0; n && i < REPAIR_STEPS && !pgt_memory_allowed(m, s, value); i++) {
		size_t k = at[pgt_random_below(r, n)];
		const struct pgt_dim *d = &s->dims[k];
		double v = value[k] * REPAIR_FACTOR;

		if (d->grain > 0)
			v = floor(v / d->grain) * d->grain;
		value[k] = fmax(v, d->lo);
	}
}

#define SIDE_START 0.6
#define SIDE_MIN   0.05
#define SIDE_MAX   1.6
#define FACTOR	   1.6
#define FEW_VALUES 16

void
pgt_trust_init(struct pgt_trust *t)
{
	*t = (struct pgt_trust){.side = SIDE_START};
}

void
pgt_trust_update(struct pgt_trust *t, bool improved)
{
	if (improved) {
		t->successes++;
		t->failures = 0;
	} else {
		t->failures++;
		t->successes = 0;
	}
	if (t->successes == 2) {
		t->side = fmin(t->side * FACTOR, SIDE_MAX);
		t->successes = 0;
	}
	if (t->failures == 6) {
		t->side = fmax(t->side / FACTOR, SIDE_MIN);
		t->failures = 0;
	}
}

/* Without an order there is no nearness, and among few values (workers of a query) none
 * is far; a special value is within reach of the whole axis, or it could never be tried
 * or left. */
static bool
whole_axis(const struct pgt_dim *d, double centre)
{
	return d->kind == PGT_DIM_BOOL || d->kind == PGT_DIM_ENUM ||
	       (d->kind == PGT_DIM_INTEGER && (d->hi - d->lo) / d->grain <= FEW_VALUES) ||
	       (d->n_special && centre < PGT_SPACE_SPECIAL_SHARE);
}

void
pgt_trust_box(const struct pgt_trust *t, const struct pgt_space *s, const double *centre,
	      double *lo, double *hi)
{
	for (size_t i = 0; i < s->n_dims; i++) {
		const struct pgt_dim *d = &s->dims[i];

		if (whole_axis(d, centre[i])) {
			lo[i] = 0;
			hi[i] = 1;
			continue;
		}
		lo[i] = d->n_special ? 0 : fmax(0, centre[i] - t->side / 2);
		hi[i] = fmin(1, centre[i] + t->side / 2);
	}
}
