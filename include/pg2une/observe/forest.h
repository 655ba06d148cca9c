/* The blocking forest: from "who waits for whom" to rows in display order, a
 * root, then its victims, depth first.  Cycles (deadlocks not yet resolved) and
 * victims of several blockers are shown once, below their first hard blocker.
 * Pure; any thread. */
#ifndef PG2UNE_OBSERVE_FOREST_H
#define PG2UNE_OBSERVE_FOREST_H

#include <stdbool.h>
#include <stddef.h>

struct pgt_edge {
	int waiter, blocker; /* pids; blocker 0 is a prepared transaction */
	bool soft;	     /* the blocker is only ahead in the queue */
};

struct pgt_forest_row {
	int pid;
	int depth;   /* 0: a root */
	int parent;  /* row of the blocker, -1 for a root */
	int victims; /* distinct sessions below, transitively */
	bool soft;   /* towards the parent */
};

/* At most max rows are written to ret, largest trees first; returns their number.
 * A session appears once.  O(V + E) and no recursion. */
size_t pgt_forest_build(const struct pgt_edge *edges, size_t n,
			struct pgt_forest_row *ret, size_t max);

/* Do two lock modes ("AccessShareLock", ...) conflict?  Table 13.2 of the
 * documentation (explicit locking); unknown modes do. */
bool pgt_forest_conflict(const char *mode_a, const char *mode_b);

#endif
