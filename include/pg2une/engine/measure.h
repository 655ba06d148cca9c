/* Measuring a server for a while, and comparing two such windows: behind the
 * validation of a change and behind each trial of the optimizer.  It has a sampler
 * of its own, so a command and the console measure alike.  Waits; one owner: the
 * change or optimizer thread, or the command line. */
#ifndef PG2UNE_ENGINE_MEASURE_H
#define PG2UNE_ENGINE_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"
#include "pg2une/change/run.h"

struct pgt_connspec;

#define PGT_MEASURE_BUCKETS 240
#define PGT_MEASURE_KEYS    64
#define PGT_MEASURE_GAPS    2 /* gaps a window may have: its first sample has no rates */

struct pgt_bucket { /* about five seconds */
	double tps, calls_ps, mean_ms, p99_ms; /* NAN unknown; p99 is an estimate */
};

struct pgt_window {
	struct pgt_bucket bucket[PGT_MEASURE_BUCKETS];
	size_t n;
	size_t gaps;  /* samples without rates: restarts, resets, lost link */
	double tps, mean_ms, p99_ms; /* over the whole window */
	/* the mix of statements: share of calls by queryid, most first */
	int64_t key[PGT_MEASURE_KEYS];
	double share[PGT_MEASURE_KEYS];
	double key_ms[PGT_MEASURE_KEYS]; /* mean of each */
	size_t n_keys;
	double calls; /* of statements, in the whole window */
	double calls_ps;   /* NAN without statements */
	double ours_share; /* of the transactions in tps: what looking at it costs */
	double hit_ratio, temp_bytes, active; /* means */
	double active_peak; /* most sessions seen busy at once; 0 unknown */
	double read_share;    /* of rows: fetched against written, 0..1 */
	double rows_per_call; /* of statements; NAN */
};

struct pgt_meter;

int pgt_measure_open(const struct pgt_connspec *spec, struct pgt_meter **ret,
		     struct pgt_err *err) PGT_MUST_CHECK;
void pgt_measure_close(struct pgt_meter *m);
/* From now on a window goes on until that many statements were seen and buckets closed,
 * for most_ns at most: a few long reports tell nothing about a mean, and on a busy
 * machine a sample comes late. */
void pgt_measure_extend(struct pgt_meter *m, double calls, size_t buckets,
			int64_t most_ns);
/* Watch for window_ns; ends early (PGT_E_CANCELLED) when pulse says so.  stop may be
 * NULL: called with the window so far after each bucket; true ends it early and is
 * no error. */
int pgt_measure_window(struct pgt_meter *m, int64_t window_ns, struct pgt_pulse pulse,
		       bool (*stop)(void *ctx, const struct pgt_window *so_far),
		       void *ctx, struct pgt_window *ret,
		       struct pgt_err *err) PGT_MUST_CHECK;

/* A work of a known amount: begun once the first sample is there, over when it no longer
 * goes on (asked ten times a second). */
struct pgt_work {
	int (*begin)(void *ctx, struct pgt_err *err);
	bool (*goes_on)(void *ctx);
	void *ctx;
};
/* For one work that nobody else disturbs. */
int pgt_measure_open_work(const struct pgt_connspec *spec, struct pgt_meter **ret,
			  struct pgt_err *err) PGT_MUST_CHECK;
/* Watch a whole work: mean, p99 and mix are of all its statements and no others, in one
 * bucket; NAN when they could not be counted.  The rates are those of samples: what its
 * throughput was, the work knows better. */
int pgt_measure_work(struct pgt_meter *m, const struct pgt_work *work,
		     struct pgt_pulse pulse, struct pgt_window *ret,
		     struct pgt_err *err) PGT_MUST_CHECK;

/* after / before - 1 with a 95% interval: Welch's t on the logarithms of buckets,
 * its error widened for their first autocorrelation.  NAN when not known. */
struct pgt_change_pct {
	double mid, lo, hi;
};

struct pgt_comparison {
	struct pgt_change_pct tps, mean, p99;
	double mix_distance;  /* total variation of the mix of statements, 0..1 */
	double improvement_pct; /* 0.6 x TPS change + 0.4 x p99 improvement, percent */
	enum pgt_verdict verdict; /* margins 10%: see pgt_measure_compare() */
	char text[256];
};

/* FAIL when TPS fell or p99 rose by over 10% for sure; PASS when neither can have;
 * INCONCLUSIVE between; UNKNOWN with too few buckets, gaps, or another load (mix
 * distance over 0.3).  Pure. */
void pgt_measure_compare(const struct pgt_window *before, const struct pgt_window *after,
			 struct pgt_comparison *ret);
cJSON *pgt_window_json(const struct pgt_window *w);
cJSON *pgt_comparison_json(const struct pgt_comparison *c);

/* The mean time of a statement in w, had they come in ref's mix: chance decides how many
 * of the costly ones a window holds, and that is most of the noise of a plain mean.
 * NAN when w saw none of a statement that took over a tenth of ref's time, and should
 * have; what came once or twice counts as it was. */
double pgt_window_standard_ms(const struct pgt_window *ref, const struct pgt_window *w);
/* The mix distance that chance alone would give two samples of ref's mix as large as
 * ref and w. */
double pgt_window_mix_noise(const struct pgt_window *ref, const struct pgt_window *w);

/* For the change pipeline: ops that live as long as m. */
const struct pgt_validate_ops *pgt_measure_validate_ops(struct pgt_meter *m);

#endif
