#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pg2une/observe/forest.h"

#define ROWS 4096

static struct pgt_forest_row rows[ROWS];

static void
check(size_t i, int pid, int depth, int parent, int victims)
{
	assert_int_equal(rows[i].pid, pid);
	assert_int_equal(rows[i].depth, depth);
	assert_int_equal(rows[i].parent, parent);
	assert_int_equal(rows[i].victims, victims);
}

static void
empty(void **state)
{
	(void)state;
	assert_int_equal(pgt_forest_build(NULL, 0, rows, ROWS), 0);
}

static void
tree_two_deep(void **state)
{
	const struct pgt_edge e[] = {{20, 10, false}, {30, 20, false}, {40, 20, false},
				     {6, 5, false}};

	(void)state;
	assert_int_equal(pgt_forest_build(e, 4, rows, ROWS), 6);
	check(0, 10, 0, -1, 3); /* the larger tree first */
	check(1, 20, 1, 0, 2);
	check(2, 30, 2, 1, 0);
	check(3, 40, 2, 1, 0);
	check(4, 5, 0, -1, 1);
	check(5, 6, 1, 4, 0);
}

/* The one that is only ahead in the queue does not hide the one that holds. */
static void
hard_blocker_wins(void **state)
{
	const struct pgt_edge e[] = {{20, 10, false}, {30, 20, true}, {30, 10, false}};

	(void)state;
	assert_int_equal(pgt_forest_build(e, 3, rows, ROWS), 3);
	check(0, 10, 0, -1, 2);
	check(1, 20, 1, 0, 0);
	check(2, 30, 1, 0, 0);
	assert_false(rows[2].soft);
}

static void
soft_is_marked(void **state)
{
	const struct pgt_edge e[] = {{20, 10, false}, {30, 20, true}};

	(void)state;
	assert_int_equal(pgt_forest_build(e, 2, rows, ROWS), 3);
	check(2, 30, 2, 1, 0);
	assert_true(rows[2].soft);
}

/* A deadlock that is not resolved yet, with a tail. */
static void
cycle_ends(void **state)
{
	const struct pgt_edge e[] = {{1, 2, false}, {2, 3, false}, {3, 1, false}, {9, 3, false},
				     {7, 7, false}};
	size_t n = pgt_forest_build(e, 5, rows, ROWS), i, seen[10] = {0};

	(void)state;
	assert_int_equal(n, 4);
	check(0, 1, 0, -1, 3);
	for (i = 0; i < n; i++)
		seen[rows[i].pid]++;
	assert_int_equal(seen[1] + seen[2] + seen[3] + seen[9], 4);
	assert_int_equal(seen[1] * seen[2] * seen[3] * seen[9], 1);
}

/* A chain as long as it gets: no recursion, linear time; cut at max. */
static void
long_chain(void **state)
{
	struct pgt_edge *e = calloc(200000, sizeof(*e));
	int i;

	(void)state;
	for (i = 0; i < 200000; i++)
		e[i] = (struct pgt_edge){i + 2, i + 1, false};
	assert_int_equal(pgt_forest_build(e, 200000, rows, ROWS), ROWS);
	check(0, 1, 0, -1, 200000);
	check(ROWS - 1, ROWS, ROWS - 1, ROWS - 2, 200001 - ROWS);
	free(e);
}

/* Whatever the edges: each session once, parents before children, counts agree. */
static void
random_graphs(void **state)
{
	unsigned seed = 7, round;

	(void)state;
	for (round = 0; round < 500; round++) {
		struct pgt_edge e[40];
		size_t n, i, k, m = 1 + (seed >> 8) % 40;
		int below[64];

		for (i = 0; i < m; i++) {
			seed = seed * 1103515245u + 12345;
			e[i] = (struct pgt_edge){(int)(seed >> 9) % 12, (int)(seed >> 17) % 12,
						 seed >> 30 & 1};
		}
		n = pgt_forest_build(e, m, rows, ROWS);
		for (i = 0; i < n; i++) {
			below[i] = 0;
			assert_true(rows[i].parent < (int)i);
			assert_int_equal(rows[i].depth,
					 rows[i].parent < 0 ? 0
							    : rows[rows[i].parent].depth + 1);
			for (k = 0; k < i; k++)
				assert_int_not_equal(rows[k].pid, rows[i].pid);
		}
		for (i = n; i-- > 0;) {
			assert_int_equal(rows[i].victims, below[i]);
			if (rows[i].parent >= 0)
				below[rows[i].parent] += below[i] + 1;
		}
	}
}

static void
modes(void **state)
{
	(void)state;
	assert_false(pgt_forest_conflict("AccessShareLock", "RowExclusiveLock"));
	assert_true(pgt_forest_conflict("AccessShareLock", "AccessExclusiveLock"));
	assert_false(pgt_forest_conflict("ShareLock", "ShareLock"));
	assert_true(pgt_forest_conflict("ShareLock", "RowExclusiveLock"));
	assert_true(pgt_forest_conflict("ShareUpdateExclusiveLock", "ShareUpdateExclusiveLock"));
	assert_false(pgt_forest_conflict("RowExclusiveLock", "RowExclusiveLock"));
	assert_true(pgt_forest_conflict("nosuch", "AccessShareLock"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(empty),	      cmocka_unit_test(tree_two_deep),
	    cmocka_unit_test(hard_blocker_wins), cmocka_unit_test(soft_is_marked),
	    cmocka_unit_test(cycle_ends),     cmocka_unit_test(long_chain),
	    cmocka_unit_test(random_graphs),  cmocka_unit_test(modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
