/* A month of history, written by the store's own writer on a simulated clock, and the time
 * that each range of a graph takes to read.  By tests/bench/history.
 *   history fill WHERE DAYS STATEMENTS [LIVE]
 *       of the last LIVE days (0) every second is written and forgotten again as retention
 *       goes; of the days before only what the retention leaves
 *   history read WHERE REPS    one line a range: name, resolution, points, ms of the
 *       processor, median ms, worst ms */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/history.h"
#include "pg2une/num/quantile.h"
#include "pg2une/num/random.h"
#include "pg2une/store/store.h"

#define END_S (INT64_C(1767571200)) /* a fixed now: 2026-01-05 00:00 UTC */

static struct pgt_random rnd;

static void
die(const struct pgt_err *err)
{
	fprintf(stderr, "history: %s\n", err->msg);
	exit(1);
}

static struct pgt_hist_point
point(int64_t t_s)
{
	double day = sin(2 * M_PI * (double)t_s / 86400), v = exp(0.1 * pgt_random_normal(&rnd));
	struct pgt_hist_point p = {.t_ms = t_s * 1000};

	for (int i = 0; i < PGT_H_N; i++)
		p.v[i] = (100 + 37 * i) * (1.5 + day) * v;
	p.v[PGT_H_LAG] = NAN;
	return p;
}

static struct pgt_hist_query
query(int64_t t_s, int i)
{
	double ms = exp(pgt_random_normal(&rnd));
	int64_t calls = 600 + (int64_t)(100 * pgt_random_uniform(&rnd));

	return (struct pgt_hist_query){.t_ms = t_s * 1000,
				       .queryid = INT64_C(7919) * 1000000007 * (i + 1),
				       .userid = 10,
				       .dbid = 16384,
				       .calls = calls,
				       .mean_ms = ms,
				       .total_ms = ms * (double)calls,
				       .var_ms2 = ms * ms,
				       .rows = calls,
				       .blks_hit = 12 * calls,
				       .blks_read = calls / 10};
}

static void
put_point(struct pgt_store *st, int64_t node, int res_s, const struct pgt_hist_point *p)
{
	struct pgt_err err = {0};

	if (pgt_store_put_system(st, node, res_s, p, &err) < 0)
		die(&err);
}

static void
put_queries(struct pgt_store *st, int64_t node, int res_s, int64_t t_s, int n)
{
	struct pgt_err err = {0};

	for (int i = 0; i < n; i++) {
		struct pgt_hist_query q = query(t_s, i);

		if (pgt_store_put_query(st, node, res_s, &q, &err) < 0)
			die(&err);
	}
}

/* Ten minutes as the store thread writes them. */
static void
write_stretch(struct pgt_store *st, int64_t node, int64_t from_s, int statements,
	      struct pgt_downsample *d10, struct pgt_downsample *d60)
{
	for (int64_t t = from_s; t < from_s + 600; t++) {
		struct pgt_hist_point p = point(t), mean;

		put_point(st, node, 1, &p);
		if (pgt_downsample_add(d10, &p, &mean))
			put_point(st, node, 10, &mean);
		if (pgt_downsample_add(d60, &p, &mean))
			put_point(st, node, 60, &mean);
		if (t % 60 == 0)
			put_queries(st, node, 60, t, statements);
	}
}

/* The same ten minutes without what retention would have taken by the end. */
static void
write_left(struct pgt_store *st, int64_t node, int64_t from_s, int statements)
{
	const struct pgt_retention *keep = &pgt_retention_default;
	struct pgt_hist_point p;

	for (int64_t t = from_s; t < from_s + 600; t++) {
		p = point(t);
		if (END_S - t <= keep->keep_1s)
			put_point(st, node, 1, &p);
		if (t % 10 == 0 && END_S - t <= keep->keep_10s)
			put_point(st, node, 10, &p);
		if (t % 60 == 0)
			put_point(st, node, 60, &p);
		if (t % 60 == 0 && END_S - t <= keep->keep_query_60s)
			put_queries(st, node, 60, t, statements);
	}
	if (END_S - from_s > keep->keep_query_60s)
		put_queries(st, node, 600, from_s, statements);
}

static void
fill(const char *where, int days, int statements, int live)
{
	struct pgt_downsample d10 = {.res_s = 10}, d60 = {.res_s = 60};
	struct pgt_err err = {0};
	struct pgt_store *st;
	int64_t node, from = END_S - (int64_t)days * 86400, rolled = from;
	char text[400];

	if (pgt_store_open(where, &st, &err) < 0 ||
	    pgt_store_node(st, "fp", "node-a", "shop", &node, &err) < 0)
		die(&err);
	for (int i = 0; i < statements; i++) {
		snprintf(text, sizeof(text),
			 "SELECT o.id, o.created, c.name FROM orders o JOIN customer c ON "
			 "c.id = o.customer WHERE o.state = $1 AND o.region_%d = $2 ORDER BY "
			 "o.created DESC LIMIT $3",
			 i);
		if (pgt_store_put_text(st, query(0, i).queryid, text, &err) < 0)
			die(&err);
	}
	for (int64_t t = from; t < END_S; t += 600) {
		int64_t now_ms = (t + 600) * 1000;
		bool full = t >= END_S - (int64_t)live * 86400;

		if (pgt_store_begin(st, &err) < 0)
			die(&err);
		if (full)
			write_stretch(st, node, t, statements, &d10, &d60);
		else
			write_left(st, node, t, statements);
		if (pgt_store_commit(st, &err) < 0)
			die(&err);
		if (!full && t + 600 < END_S)
			continue;
		if (pgt_store_rollup(st, node, rolled * 1000, now_ms, &err) < 0 ||
		    pgt_store_retain(st, node, now_ms, &pgt_retention_default, &err) < 0)
			die(&err);
		rolled = t + 600;
	}
	pgt_store_close(st);
}

static double
cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static void
read_ranges(const char *where, int reps)
{
	static const struct {
		const char *name;
		int64_t span_s, back_s; /* back_s: how long ago it ends */
	} ranges[] = {{"5 minutes", 300, 0},
		      {"1 hour", 3600, 0},
		      {"6 hours", 6 * 3600, 0},
		      {"12 hours", 12 * 3600, 0},
		      {"1 day", 86400, 0},
		      {"3 days", 3 * 86400, 0},
		      {"1 hour, 20 days ago", 3600, 20 * 86400},
		      {"1 week", 7 * 86400, 0},
		      {"30 days", 30 * 86400, 0}};
	struct pgt_err err = {0};
	struct pgt_store *st;
	int64_t node;

	if (pgt_store_open(where, &st, &err) < 0 ||
	    pgt_store_node(st, "fp", "node-a", "shop", &node, &err) < 0)
		die(&err);
	for (size_t i = 0; i < PGT_LEN(ranges); i++) {
		int64_t to = (END_S - ranges[i].back_s) * 1000;
		int64_t from = to - ranges[i].span_s * 1000;
		int res = pgt_history_resolution(&pgt_retention_default, from, END_S * 1000,
						 to - from);
		double *ms = pgt_xcalloc((size_t)reps, sizeof(*ms)), cpu = cpu_ms();
		size_t n = 0;
		int step = res;

		for (int k = 0; k < reps; k++) {
			int64_t t0 = pgt_clock_mono_ns();
			struct pgt_hist_point *got;

			if (pgt_history_points(st, node, res, from, to, &step, &got, &n,
					       &err) < 0)
				die(&err);
			ms[k] = (double)(pgt_clock_mono_ns() - t0) / 1e6;
			free(got);
		}
		printf("%s|%d|%zu|%.1f|%.1f|%.1f\n", ranges[i].name, step, n,
		       (cpu_ms() - cpu) / reps, pgt_quantile_of(ms, (size_t)reps, 0.5),
		       pgt_quantile_of(ms, (size_t)reps, 1));
		free(ms);
	}
	pgt_store_close(st);
}

int
main(int argc, char **argv)
{
	pgt_random_init(&rnd, 1);
	if (argc >= 5 && strcmp(argv[1], "fill") == 0)
		fill(argv[2], (int)strtol(argv[3], NULL, 10), (int)strtol(argv[4], NULL, 10),
		     argc > 5 ? (int)strtol(argv[5], NULL, 10) : 0);
	else if (argc == 4 && strcmp(argv[1], "read") == 0)
		read_ranges(argv[2], (int)strtol(argv[3], NULL, 10));
	else
		return 2;
	return 0;
}
