#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/observe/forest.h"

struct node {
	int pid;
	int parent;		 /* node index; -1: a root */
	int child, next;	 /* first child, next sibling */
	int victims;
	bool soft, seen;
};

struct graph {
	struct node *nodes;
	size_t n;
};

static int
pid_cmp(const void *a, const void *b)
{
	int x = ((const struct node *)a)->pid, y = ((const struct node *)b)->pid;

	return (x > y) - (x < y);
}

static int
node_find(const struct graph *g, int pid)
{
	size_t lo = 0, hi = g->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (g->nodes[mid].pid < pid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (int)lo;
}

static void
graph_init(struct graph *g, const struct pgt_edge *edges, size_t n)
{
	size_t i, out = 0;

	g->nodes = pgt_xcalloc(2 * n, sizeof(*g->nodes));
	for (i = 0; i < n; i++) {
		g->nodes[2 * i].pid = edges[i].waiter;
		g->nodes[2 * i + 1].pid = edges[i].blocker;
	}
	qsort(g->nodes, 2 * n, sizeof(*g->nodes), pid_cmp);
	for (i = 0; i < 2 * n; i++)
		if (out == 0 || g->nodes[out - 1].pid != g->nodes[i].pid)
			g->nodes[out++] = g->nodes[i];
	g->n = out;
	for (i = 0; i < out; i++)
		g->nodes[i].parent = g->nodes[i].child = g->nodes[i].next = -1;
	/* a hard blocker explains a wait, one ahead in the queue only fills in */
	for (i = 0; i < n; i++) {
		struct node *w = &g->nodes[node_find(g, edges[i].waiter)];
		int b = node_find(g, edges[i].blocker);

		if (&g->nodes[b] == w)
			continue;
		if (w->parent < 0 || (w->soft && !edges[i].soft)) {
			w->parent = b;
			w->soft = edges[i].soft;
		}
	}
}

/* Follow parents; a walk that comes back to itself is cut at its lowest pid. */
static void
graph_cut_cycles(struct graph *g)
{
	int *mark = pgt_xcalloc(g->n, sizeof(*mark)), at, low, k;
	size_t i;

	for (i = 0; i < g->n; i++) {
		for (at = (int)i; at >= 0 && mark[at] == 0; at = g->nodes[at].parent)
			mark[at] = (int)i + 1;
		if (at < 0 || mark[at] != (int)i + 1)
			continue;
		low = at;
		for (k = g->nodes[at].parent; k != at; k = g->nodes[k].parent)
			if (g->nodes[k].pid < g->nodes[low].pid)
				low = k;
		g->nodes[low].parent = -1;
		g->nodes[low].soft = false;
	}
	free(mark);
}

/* The next node of a depth-first walk; -1 at the end of root's tree.  With
 * going_up, it is called for each node on the way back. */
static int
walk_next(const struct graph *g, int root, int at, int *depth)
{
	if (g->nodes[at].child >= 0) {
		++*depth;
		return g->nodes[at].child;
	}
	while (at != root) {
		if (g->nodes[at].next >= 0)
			return g->nodes[at].next;
		at = g->nodes[at].parent;
		--*depth;
	}
	return -1;
}

/* Post-order counts without recursion: a node is added to its parent once all
 * of its own children are. */
static void
graph_count(struct graph *g)
{
	int *waiting = pgt_xcalloc(g->n, sizeof(*waiting)), at;
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->nodes[i].parent >= 0)
			waiting[g->nodes[i].parent]++;
	for (i = 0; i < g->n; i++) {
		at = (int)i;
		while (at >= 0 && waiting[at] == 0 && !g->nodes[at].seen) {
			int up = g->nodes[at].parent;

			g->nodes[at].seen = true;
			if (up >= 0) {
				g->nodes[up].victims += g->nodes[at].victims + 1;
				waiting[up]--;
			}
			at = up;
		}
	}
	free(waiting);
}

struct order {
	int node, victims, pid;
};

static int
order_cmp(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->victims != y->victims)
		return (x->victims < y->victims) - (x->victims > y->victims);
	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Siblings by victims, most first: sorted once for all nodes, linked backwards. */
static struct order *
graph_link(struct graph *g)
{
	struct order *o = pgt_xcalloc(g->n, sizeof(*o));
	size_t i;

	for (i = 0; i < g->n; i++)
		o[i] = (struct order){(int)i, g->nodes[i].victims, g->nodes[i].pid};
	qsort(o, g->n, sizeof(*o), order_cmp);
	for (i = g->n; i-- > 0;) {
		struct node *nd = &g->nodes[o[i].node];

		if (nd->parent < 0)
			continue;
		nd->next = g->nodes[nd->parent].child;
		g->nodes[nd->parent].child = o[i].node;
	}
	return o;
}

size_t
pgt_forest_build(const struct pgt_edge *edges, size_t n, struct pgt_forest_row *ret,
		 size_t max)
{
	struct graph g;
	struct order *order;
	int *row_of;
	size_t i, out = 0;

	if (n == 0 || max == 0)
		return 0;
	graph_init(&g, edges, n);
	graph_cut_cycles(&g);
	graph_count(&g);
	order = graph_link(&g);
	row_of = pgt_xcalloc(g.n, sizeof(*row_of));
	for (i = 0; i < g.n; i++) {
		int root = order[i].node, at, depth = 0;

		if (g.nodes[root].parent >= 0 || g.nodes[root].child < 0)
			continue;
		for (at = root; at >= 0 && out < max;
		     at = walk_next(&g, root, at, &depth)) {
			const struct node *nd = &g.nodes[at];

			row_of[at] = (int)out;
			ret[out++] = (struct pgt_forest_row){
			    nd->pid, depth, nd->parent < 0 ? -1 : row_of[nd->parent],
			    nd->victims, nd->soft};
		}
	}
	free(row_of);
	free(order);
	free(g.nodes);
	return out;
}

static const char *const modes[] = {
    "AccessShareLock",  "RowShareLock",
    "RowExclusiveLock", "ShareUpdateExclusiveLock",
    "ShareLock",        "ShareRowExclusiveLock",
    "ExclusiveLock",    "AccessExclusiveLock",
};

/* Bit m of row k: mode k conflicts with mode m. */
static const unsigned char conflicts[] = {0x80, 0xc0, 0xf0, 0xf8, 0xec, 0xfc, 0xfe, 0xff};

static int
mode_index(const char *mode)
{
	size_t i;

	for (i = 0; mode && i < PGT_LEN(modes); i++)
		if (strcmp(modes[i], mode) == 0)
			return (int)i;
	return -1;
}

bool
pgt_forest_conflict(const char *mode_a, const char *mode_b)
{
	int a = mode_index(mode_a), b = mode_index(mode_b);

	return a < 0 || b < 0 || (conflicts[a] >> b & 1);
}
