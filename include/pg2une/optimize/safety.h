/* What may be tried on a server at all: a white-box bound on memory, and the box
 * around the incumbent.  Pure; any thread. */
#ifndef PG2UNE_OPTIMIZE_SAFETY_H
#define PG2UNE_OPTIMIZE_SAFETY_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/knobs.h"
#include "pg2une/num/random.h"
#include "pg2une/optimize/space.h"

/* What the server would need at its peak, in bytes:
 *   shared_buffers + wal_buffers
 *   + connections x (backend + a tenth of temp_buffers
 *                    + active_share x work_mem x nodes x hash_mem_multiplier')
 *   + parallel workers, as many as busy queries may start, at the same work_mem
 *   + autovacuum_max_workers x (autovacuum_work_mem or maintenance_work_mem)
 * hash_mem_multiplier' is (1 + h)/2: half of the nodes hash.  Where the peak of busy
 * sessions was measured, a third more than that stands for active_share x connections,
 * but never less than half of it: a short look may have missed the busy hour. */
struct pgt_memory_model {
	double ram_bytes;
	double limit_share;	  /* of ram, default 0.8; reports 0.85 */
	int connections;	  /* expected peak of busy and idle together */
	double active_share;	  /* of connections that run a query at the peak */
	double active_peak;	  /* busy sessions measured at the peak; 0: unknown */
	double nodes;		  /* sorts and hashes that a query holds at once */
	double backend_bytes;	  /* private memory of an idle backend */
	/* Present settings, for what the space does not vary. */
	double shared_buffers, work_mem, hash_mem_multiplier, maintenance_work_mem,
	    autovacuum_work_mem, autovacuum_max_workers, temp_buffers, wal_buffers,
	    max_parallel_workers, max_parallel_workers_per_gather, max_connections;
};

/* Defaults: PostgreSQL's own settings; limit, nodes and share by class. */
void pgt_memory_model_default(struct pgt_memory_model *m,
			      const struct pgt_knob_host *host, enum pgt_knob_class cls);
/* Put a present setting into the model by name; false when it is not one of its. */
bool pgt_memory_model_set(struct pgt_memory_model *m, const char *name, double value);
/* Whether the need depends on a setting: one of those that _set takes. */
bool pgt_memory_model_reads(const char *name);
/* Peak bytes under a configuration of the space. */
double pgt_memory_need(const struct pgt_memory_model *m, const struct pgt_space *s,
		       const double *value);
/* need <= limit_share x ram. */
bool pgt_memory_allowed(const struct pgt_memory_model *m, const struct pgt_space *s,
			const double *value);

/* Lower settings that take memory, by turns drawn from r, until the limit is kept or
 * nothing is left to lower. */
void pgt_memory_repair(const struct pgt_memory_model *m, const struct pgt_space *s,
		       struct pgt_random *r, double *value);

/* Trust region around the incumbent, in unit coordinates: side 0.6, x1.6 after 2
 * successes in a row, /1.6 after 6 failures (numerics B.6, which has 0.35; after TuRBO,
 * Eriksson et al., NeurIPS 2019). */
struct pgt_trust {
	double side;
	int successes, failures;
};

void pgt_trust_init(struct pgt_trust *t);
void pgt_trust_update(struct pgt_trust *t, bool improved);
void pgt_trust_box(const struct pgt_trust *t, const struct pgt_space *s,
		   const double *centre, double *lo, double *hi);

#endif
