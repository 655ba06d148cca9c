/* The encoded search space.  Three views of one configuration:
 *   unit   n_dims numbers on [0,1], what samplers and searchers move in;
 *   value  n_dims numbers in canonical units (base/knobs.h), what a server is given;
 *   kernel n_kernel numbers, what the Gaussian process sees: one per dimension,
 *          or one per choice of an enumeration of three and more (one-hot).
 * Values are snapped to what the server can hold BEFORE the kernel sees them, so
 * that two points that are the same configuration are the same point.
 * A special value (0, -1) owns its share of the first fifth of the unit axis
 * (LlamaTune, Kanellis et al., VLDB 2022: bias_prob_sv = 0.2).
 * Immutable once built; owner: the creator; any thread may read. */
#ifndef PG2UNE_OPTIMIZE_SPACE_H
#define PG2UNE_OPTIMIZE_SPACE_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/err.h"
#include "pg2une/base/knobs.h"

#define PGT_SPACE_DIMS	  40
#define PGT_SPACE_KERNEL  64
#define PGT_SPACE_CHOICES 8
#define PGT_SPACE_RULES	  16
#define PGT_SPACE_SPECIAL_SHARE 0.2

enum pgt_dim_kind { PGT_DIM_REAL, PGT_DIM_INTEGER, PGT_DIM_BOOL, PGT_DIM_ENUM };

struct pgt_dim {
	char name[64]; /* the setting, or what a boolean stands for ("index:...") */
	enum pgt_dim_kind kind;
	bool log2;	     /* else linear; lo > 0 then */
	double lo, hi;	     /* canonical units; enumerations: 0 .. n_choices-1 */
	double grain;	     /* values are multiples of it (0: none; integers: 1) */
	int steps; /* more distinct steps than this are not told apart; 0: all */
	double special[2];
	int n_special;
	int n_choices;
	bool restart;		    /* needs a restart */
	const struct pgt_knob *knob; /* NULL when it is no setting */
};

struct pgt_space {
	size_t n_dims, n_kernel;
	struct pgt_dim dims[PGT_SPACE_DIMS];
	size_t kernel_at[PGT_SPACE_DIMS]; /* first kernel coordinate of a dimension */
	int rule_at[PGT_SPACE_RULES][2]; /* dimensions of the rules of base/knobs.h; -1 */
};

void pgt_space_init(struct pgt_space *s);
/* PGT_E_LIMIT when full, PGT_E_USAGE when the dimension makes no sense. */
PGT_MUST_CHECK int pgt_space_add(struct pgt_space *s, const struct pgt_dim *dim,
				 struct pgt_err *err);
/* A plain dimension, for tests and benches. */
PGT_MUST_CHECK int pgt_space_add_real(struct pgt_space *s, const char *name, double lo,
				      double hi, struct pgt_err *err);
/* A yes or no that is no setting: an index candidate, a hint. */
PGT_MUST_CHECK int pgt_space_add_bool(struct pgt_space *s, const char *name,
				      struct pgt_err *err);
/* The dimension of one setting, its range scaled to host and class. */
PGT_MUST_CHECK int pgt_space_add_knob(struct pgt_space *s, const struct pgt_knob *k,
				      const struct pgt_knob_host *host,
				      enum pgt_knob_class cls, struct pgt_err *err);
/* Every row of the table marked for search that the server's major has;
 * restart_too admits those that need a restart. */
PGT_MUST_CHECK int pgt_space_add_knobs(struct pgt_space *s,
				       const struct pgt_knob_host *host,
				       enum pgt_knob_class cls, bool restart_too,
				       struct pgt_err *err);
/* A setting outside the space stays at value: narrow the dimensions that depend on it
 * (base/knobs.h rules).  A dimension left without a range is dropped. */
void pgt_space_fix(struct pgt_space *s, const char *name, double value);
/* -1 when absent. */
int pgt_space_find(const struct pgt_space *s, const char *name);

/* unit -> value, snapped; and the dependencies of base/knobs.h mended. */
void pgt_space_decode(const struct pgt_space *s, const double *unit, double *value);
/* Whether value keeps the dependencies of base/knobs.h; those between two values that
 * are as in present are not ours to judge. */
bool pgt_space_keeps_rules(const struct pgt_space *s, const double *present,
			   const double *value);
/* value -> unit; a value out of range goes to the nearest end. */
void pgt_space_encode(const struct pgt_space *s, const double *value, double *unit);
/* unit -> kernel through the snapped value. */
void pgt_space_kernel(const struct pgt_space *s, const double *unit, double *kernel);
/* value -> kernel, the value as it is: what was measured need not be on the grid, and
 * a present setting outside the range stays distinct from its end. */
void pgt_space_kernel_of(const struct pgt_space *s, const double *value, double *kernel);
/* unit becomes the unit coordinates of its own snapped value.  Not quite idempotent
 * where a grain is coarser than a step; compare with pgt_space_same(). */
void pgt_space_snap(const struct pgt_space *s, double *unit);
bool pgt_space_same(const struct pgt_space *s, const double *unit_a,
		    const double *unit_b);

#endif
