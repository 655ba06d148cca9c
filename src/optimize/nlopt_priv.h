/* NLopt, opened by the first fit: see base/dynlib.h. */
#ifndef PG2UNE_OPTIMIZE_NLOPT_PRIV_H
#define PG2UNE_OPTIMIZE_NLOPT_PRIV_H

#include <nlopt.h>

#include "pg2une/base/dynlib.h"

#define NLOPT(F) \
	F(nlopt_, create) \
	F(nlopt_, destroy) \
	F(nlopt_, force_stop) \
	F(nlopt_, optimize) \
	F(nlopt_, set_ftol_abs) \
	F(nlopt_, set_lower_bounds) \
	F(nlopt_, set_max_objective) \
	F(nlopt_, set_maxeval) \
	F(nlopt_, set_upper_bounds)

struct pgt_nlopt {
	NLOPT(PGT_DYNLIB_MEMBER)
};

extern struct pgt_nlopt pgt_nlopt; /* callable after pgt_nlopt_open() */

PGT_MUST_CHECK int pgt_nlopt_open(struct pgt_err *err);

#endif
