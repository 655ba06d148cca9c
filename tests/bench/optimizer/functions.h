/* Standard functions for minimisation on their usual boxes; each takes a point of the
 * unit cube.  Definitions and minima: Surjanovic and Bingham, Virtual Library of
 * Simulation Experiments (sfu.ca/~ssurjano). */
#ifndef TEST_FUNCTIONS_H
#define TEST_FUNCTIONS_H

#include <stddef.h>

struct test_function {
	const char *name;
	size_t d;
	double minimum;
	double (*f)(size_t d, const double *u);
	/* Median simple regret of scikit-optimize's defaults, 20 seeds, after 30 and 50
	 * evaluations (numerics.md section A); 0 where it has none. */
	double skopt30, skopt50;
};

extern const struct test_function test_functions[];
extern const size_t test_functions_n;

#endif
