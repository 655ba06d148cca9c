/* The `model` mode: a configuration from rules of thumb, at once and without any
 * measurement, and a score in [0,1] of a configuration by the same rules.  A prior,
 * to be labelled as such, never a promise.  Pure; any thread. */
#ifndef PG2UNE_OPTIMIZE_HEURISTIC_H
#define PG2UNE_OPTIMIZE_HEURISTIC_H

#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/knobs.h"
#include "pg2une/optimize/safety.h"
#include "pg2une/optimize/space.h"

/* The usual value of every dimension that is a setting (booleans that are none: 0),
 * then maintenance_work_mem and after it work_mem lowered until the memory model
 * admits the whole. */
void pgt_heuristic_config(const struct pgt_space *s, const struct pgt_knob_host *host,
			  enum pgt_knob_class cls, const struct pgt_memory_model *mem,
			  double *value);

/* How much a setting is known to move throughput: 1 is ordinary, 0.2 hardly at all. */
double pgt_heuristic_weight(const char *name);

/* A second opinion for reports: from the same rules, but fewer parallel workers, and what
 * the memory limit leaves goes to work_mem, since a spilled sort costs more than a worker
 * gains; what costs no memory is in the middle of its range, so that both guesses
 * together tell what it does.  For trying, not for proposing unmeasured. */
void pgt_heuristic_sorts_config(const struct pgt_space *s,
				const struct pgt_knob_host *host, enum pgt_knob_class cls,
				const struct pgt_memory_model *mem, double *value);

/* Smooth version of the reference's score (pg2une.md section 5), with the memory
 * need of safety.h in place of its formula: 1 is what rules of thumb would set. */
double pgt_heuristic_score(const struct pgt_space *s, const struct pgt_knob_host *host,
			   enum pgt_knob_class cls, const struct pgt_memory_model *mem,
			   const double *value);

/* On fewer than four cores parallelism stays as in baseline, as with pgtune: two workers
 * for one report are not too many there, and with one a long sort takes twice the time
 * (docs/benchmarks.md, gains).  The memory is fitted again. */
void pgt_heuristic_keep_workers(const struct pgt_space *s,
				const struct pgt_knob_host *host,
				const struct pgt_memory_model *mem,
				const double *baseline, double *value);

#endif
