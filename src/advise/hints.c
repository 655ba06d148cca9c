#include "pg2une/advise/hints.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

#define DEPTH_MAX 60
/* Of what a scan looked at: with more than that an index would not pay either. */
#define FEW_OF_SCAN 0.05
/* A cache that answers less often than that is a detour. */
#define MEMOIZE_HITS 0.1
#define JIT_MS_MIN   1.0 /* below it nobody notices */

static const struct pgt_hint_method methods[] = {
    {"nestloop", {"enable_nestloop"}},
    {"hashjoin", {"enable_hashjoin"}},
    {"mergejoin", {"enable_mergejoin"}},
    {"seqscan", {"enable_seqscan"}},
    {"indexscan", {"enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"}},
    {"memoize", {"enable_memoize"}},
    {"jit", {"jit"}},
};

struct reading {
	double all_ms; /* execution */
	double side;   /* processes that work side by side at this node */
	struct pgt_hint found[PGT_LEN(methods)];
	size_t n;
};

/* ---- a node ---- */

static double
num(const cJSON *node, const char *name, double dflt)
{
	pgt_json_get_num(node, name, &dflt);
	return dflt;
}

static const char *
text(const cJSON *node, const char *name)
{
	const char *s = "";

	pgt_json_get_str(node, name, &s);
	return s;
}

static bool
is(const cJSON *node, const char *type)
{
	return strcmp(text(node, "Node Type"), type) == 0;
}

static double
loops(const cJSON *node)
{
	return num(node, "Actual Loops", 0);
}

static double
got(const cJSON *node) /* a loop */
{
	return num(node, "Actual Rows", 0);
}

static double
expected(const cJSON *node) /* a loop; the planner's least is one row */
{
	return fmax(1, num(node, "Plan Rows", 1));
}

/* With all below, over all loops. */
static double
node_ms(const cJSON *node)
{
	return num(node, "Actual Total Time", 0) * loops(node);
}

static const cJSON *
child(const cJSON *node, const char *relationship)
{
	const cJSON *kid;

	cJSON_ArrayForEach(kid, cJSON_GetObjectItemCaseSensitive(node, "Plans"))
	{
		if (strcmp(text(kid, "Parent Relationship"), relationship) == 0)
			return kid;
	}
	return NULL;
}

static bool
too_few(const cJSON *node) /* were expected */
{
	return node && got(node) * loops(node) >= PGT_HINT_ROWS &&
	       got(node) >= PGT_HINT_FACTOR * expected(node);
}

static bool
too_many(const cJSON *node)
{
	return node && loops(node) > 0 && expected(node) >= PGT_HINT_ROWS &&
	       expected(node) >= PGT_HINT_FACTOR * fmax(1, got(node));
}

/* "Index Scan on lines"; of a hash table or a sort what goes into it. */
static void
name_of(const cJSON *node, char *buf, size_t size)
{
	const char *rel, *index;

	while ((is(node, "Hash") || is(node, "Sort") || is(node, "Materialize")) &&
	       child(node, "Outer"))
		node = child(node, "Outer");
	rel = text(node, "Relation Name");
	index = text(node, "Index Name");
	snprintf(buf, size, "%s%s%.60s", text(node, "Node Type"),
		 *rel ? " on " : *index ? " by " : "", *rel ? rel : index);
}

/* ---- candidates ---- */

PGT_PRINTF(4, 5)
static void
add(struct reading *r, const char *method, double ms, const char *fmt, ...)
{
	double share = r->all_ms > 0 ? fmin(1, ms / r->side / r->all_ms) : 0;
	const struct pgt_hint_method *m = pgt_hint_method(method);
	struct pgt_hint *h = NULL;
	va_list ap;
	size_t used;

	if (share < PGT_HINT_SHARE)
		return;
	for (size_t i = 0; i < r->n; i++)
		if (r->found[i].method == m)
			h = &r->found[i];
	if (h && h->share >= share)
		return;
	if (!h)
		h = &r->found[r->n++];
	h->method = m;
	h->share = share;
	va_start(ap, fmt);
	vsnprintf(h->why, sizeof(h->why), fmt, ap);
	va_end(ap);
	used = strlen(h->why);
	snprintf(h->why + used, sizeof(h->why) - used, "; %.0f%% of %.4g ms", 100 * share,
		 r->all_ms);
}

static void
nested_loop(struct reading *r, const cJSON *node)
{
	const cJSON *outer = child(node, "Outer"), *inner = child(node, "Inner");
	const cJSON *wrong = too_few(outer) ? outer : too_few(inner) ? inner : NULL;
	char name[120];

	if (!wrong)
		return;
	name_of(wrong, name, sizeof(name));
	/* The outer side would be read in any case. */
	add(r, "nestloop", node_ms(node) - node_ms(outer),
	    "a nested loop expected %.0f rows of its %s side (%s)%s and %.0f came",
	    expected(wrong), wrong == outer ? "outer" : "inner", name,
	    loops(wrong) > 1 ? " each time" : "", got(wrong));
}

/* What a join reads whole.  A merge stops where either side ends, so only what is sorted
 * for it; the probe of an empty hash table stops at once. */
static const cJSON *
whole(const cJSON *join, const char *side)
{
	const cJSON *node = child(join, side), *hash = child(join, "Inner");

	if (is(join, "Merge Join"))
		return node && is(node, "Sort") ? child(node, "Outer") : NULL;
	return node != hash && hash && got(hash) < 1 ? NULL : node;
}

/* A join made for many rows that did not come: the other side was read whole for them.
 * Or its hash table was made for few, and did not fit. */
static void
bulk_join(struct reading *r, const cJSON *node, const char *method, const char *words)
{
	const cJSON *a = whole(node, "Outer"), *b = whole(node, "Inner");
	const cJSON *wrong = too_many(a) ? a : too_many(b) ? b : NULL;
	char name[120];

	if (wrong) {
		name_of(wrong, name, sizeof(name));
		add(r, method, node_ms(node) - node_ms(wrong),
		    "a %s expected %.0f rows of one side (%s) and %.0f came", words,
		    expected(wrong), name, got(wrong));
	} else if (b && is(b, "Hash") && too_few(b) &&
		   num(b, "Hash Batches", 1) > num(b, "Original Hash Batches", 1)) {
		add(r, method, node_ms(node) - node_ms(a),
		    "a hash table expected %.0f rows, %.0f came and it went to disk in "
		    "%.0f parts",
		    expected(b), got(b), num(b, "Hash Batches", 1));
	}
}

static void
scan(struct reading *r, const cJSON *node, bool cut)
{
	bool seq = is(node, "Seq Scan");
	double seen = got(node) + num(node, "Rows Removed by Filter", 0);
	char name[120];

	name_of(node, name, sizeof(name));
	if (seq && !cut && too_many(node) && got(node) <= FEW_OF_SCAN * seen)
		add(r, "seqscan", node_ms(node),
		    "the %s expected %.0f rows and %.0f came of the %.0f that it read",
		    name, expected(node), got(node), seen);
	/* What runs again for each row of a join is the join's question. */
	if (!seq && loops(node) == 1 && too_few(node))
		add(r, "indexscan", node_ms(node),
		    "the %s expected %.0f rows and %.0f came", name, expected(node),
		    got(node));
}

static void
memoize(struct reading *r, const cJSON *node)
{
	double hits = num(node, "Cache Hits", 0), misses = num(node, "Cache Misses", 0);
	const cJSON *below = child(node, "Outer");

	if (below && hits + misses >= PGT_HINT_ROWS &&
	    hits < MEMOIZE_HITS * (hits + misses))
		add(r, "memoize", node_ms(node) - node_ms(below),
		    "a cache of rows answered %.0f of %.0f questions", hits,
		    hits + misses);
}

static void
look(struct reading *r, const cJSON *node, bool cut)
{
	if (loops(node) <= 0)
		return;
	if (is(node, "Nested Loop"))
		nested_loop(r, node);
	else if (is(node, "Hash Join") && !cut)
		bulk_join(r, node, "hashjoin", "hash join");
	else if (is(node, "Merge Join") && !cut)
		bulk_join(r, node, "mergejoin", "merge join");
	else if (is(node, "Memoize"))
		memoize(r, node);
	else if (is(node, "Seq Scan") || is(node, "Index Scan") ||
		 is(node, "Index Only Scan") || is(node, "Bitmap Heap Scan"))
		scan(r, node, cut);
}

/* Whether the children of node may be stopped before their end, so that fewer rows than
 * expected say nothing: under LIMIT, EXISTS and a merge, down to what reads all first. */
static bool
cuts(const cJSON *node, bool cut)
{
	const char *join = text(node, "Join Type");

	if (is(node, "Sort") || is(node, "Hash") || is(node, "Aggregate"))
		return false;
	return cut || is(node, "Limit") || is(node, "Merge Join") ||
	       strcmp(join, "Semi") == 0 || strcmp(join, "Anti") == 0;
}

static void
walk(struct reading *r, const cJSON *node, bool cut, int depth)
{
	double side = r->side;
	bool below = cuts(node, cut);
	const cJSON *kid;

	if (depth > DEPTH_MAX)
		return;
	look(r, node, cut);
	/* Below it a loop is one process's. */
	r->side = fmax(side, 1 + num(node, "Workers Launched", 0));
	cJSON_ArrayForEach(kid, cJSON_GetObjectItemCaseSensitive(node, "Plans"))
	{
		const char *as = text(kid, "Parent Relationship");

		walk(r, kid,
		     below || strcmp(as, "SubPlan") == 0 || strcmp(as, "InitPlan") == 0,
		     depth + 1);
	}
	r->side = side;
}

/* The most that worked side by side: the compilation is added up over all of them. */
static double
workers(const cJSON *node, int depth)
{
	double most = num(node, "Workers Launched", 0);
	const cJSON *kid;

	if (depth > DEPTH_MAX)
		return most;
	cJSON_ArrayForEach(kid, cJSON_GetObjectItemCaseSensitive(node, "Plans"))
	    most = fmax(most, workers(kid, depth + 1));
	return most;
}

static void
compilation(struct reading *r, const cJSON *top, const cJSON *plan)
{
	double all = num(pgt_json_path(top, "JIT.Timing"), "Total", 0);
	double ms = all / (1 + workers(plan, 0));

	if (ms >= JIT_MS_MIN && ms > PGT_HINT_JIT_SHARE * r->all_ms)
		add(r, "jit", ms, "compiling %.0f functions took %.4g ms",
		    num(pgt_json_path(top, "JIT"), "Functions", 0), ms);
}

size_t
pgt_hints_of_plan(const cJSON *explain, struct pgt_hint *ret, size_t max)
{
	const cJSON *top = cJSON_GetArrayItem(explain, 0);
	const cJSON *plan = pgt_json_path(top, "Plan");
	struct reading r = {.all_ms = num(top, "Execution Time", 0), .side = 1};
	size_t n = 0;

	if (!plan || !(r.all_ms > 0))
		return 0;
	walk(&r, plan, false, 0);
	compilation(&r, top, plan);
	for (; n < max && n < r.n; n++) {
		size_t best = n;

		for (size_t i = n + 1; i < r.n; i++)
			if (r.found[i].share > r.found[best].share)
				best = i;
		ret[n] = r.found[best];
		r.found[best] = r.found[n];
	}
	return n;
}

const struct pgt_hint_method *
pgt_hint_method(const char *name)
{
	for (size_t i = 0; i < PGT_LEN(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

char *
pgt_hint_comment(const struct pgt_hint_method *m, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "/*+");

	for (size_t i = 0; i < PGT_LEN(m->setting) && m->setting[i] && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, " Set(%s off)",
					 m->setting[i]);
	if (used < size)
		snprintf(buf + used, size - used, " */");
	return buf;
}

/* ---- two plans ---- */

static bool
same_node(const cJSON *a, const cJSON *b, int depth)
{
	static const char *const tells[] = {
	    "Node Type",     "Relation Name", "Alias",    "Index Name",
	    "Join Type",     "Strategy",      "CTE Name", "Parent Relationship",
	    "Partial Mode",  "Scan Direction", "Subplan Name"};
	const cJSON *x = cJSON_GetObjectItemCaseSensitive(a, "Plans");
	const cJSON *y = cJSON_GetObjectItemCaseSensitive(b, "Plans");

	if (depth > DEPTH_MAX)
		return false;
	for (size_t i = 0; i < PGT_LEN(tells); i++)
		if (strcmp(text(a, tells[i]), text(b, tells[i])) != 0)
			return false;
	x = x ? x->child : NULL;
	y = y ? y->child : NULL;
	for (; x && y; x = x->next, y = y->next)
		if (!same_node(x, y, depth + 1))
			return false;
	return !x && !y;
}

bool
pgt_hints_same_plan(const cJSON *a, const cJSON *b, bool compiled)
{
	const cJSON *x = cJSON_GetArrayItem(a, 0), *y = cJSON_GetArrayItem(b, 0);

	return (!compiled || !pgt_json_path(x, "JIT") == !pgt_json_path(y, "JIT")) &&
	       same_node(pgt_json_path(x, "Plan"), pgt_json_path(y, "Plan"), 0);
}

double
pgt_hints_plan_cost(const cJSON *explain)
{
	return num(pgt_json_path(cJSON_GetArrayItem(explain, 0), "Plan"), "Total Cost",
		   NAN);
}
