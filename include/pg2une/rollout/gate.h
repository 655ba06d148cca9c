/* May the canary get more traffic?  Canary against primary at the same moment,
 * judged by sequential tests that stay valid however often one looks.  Pure: no
 * I/O, no clock.  One owner.
 *
 * Three processes over buckets of a few seconds (reference/numerics.md section E):
 *   mean    per statement, log ratio of the mean times, joined by their share of
 *           the time; a normal-mixture confidence sequence (Howard, Ramdas,
 *           McAuliffe, Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic
 *           confidence sequences", eq. 14)
 *   tail    calls slower than their statement's 99th percentile: a mixture of
 *           likelihood ratios, an e-process (Ville 1939); no bucket alone proves harm,
 *           since one stall makes many slow calls
 *   errors  the same on failed transactions
 * The error probability alpha is split: mean 0.2, tail 0.7, errors 0.1.
 *
 * With all traffic on the canary there is no control at the same moment.  Then its mean
 * is held against the primary's own under the whole load before the rollout.  What has
 * changed since then does not average out: three standard deviations of it, as seen from
 * bucket to bucket before, widen the interval for a no-go, one is granted for a go, and
 * no error probability is promised. */
#ifndef PG2UNE_ROLLOUT_GATE_H
#define PG2UNE_ROLLOUT_GATE_H

#include <stdbool.h>
#include <stddef.h>

/* A share is dealt out in connections, 20 of them at least: known to half of one. */
#define PGT_GATE_SHARE_SLACK 0.025

enum pgt_gate_verdict {
	PGT_GATE_UNKNOWN = 0, /* no or too few samples: never passes */
	PGT_GATE_GO,
	PGT_GATE_NO_GO,
	PGT_GATE_EXTEND, /* nothing speaks against it, but not enough for it */
};
extern const char *const pgt_gate_verdict_names[4];

struct pgt_gate_config {
	double alpha;	       /* 0.05 */
	double latency_margin; /* 0.10: non-inferiority margin at full exposure */
	double throughput_margin; /* 0.10: it serves less of its due than 1 - this; the
				   * due is known to half a connection of 20 only */
	double min_calls; /* of the canary, for GO without a proven better tail: 2000 */
	int min_buckets;       /* 3 */
	double min_bucket_calls; /* per arm in a bucket, else it is left out: 10 */
	double noise_sd;       /* of the log ratio of two identical servers, per bucket:
				* 0.03, from A/A runs of the lab */
	double max_lag_bytes;  /* replay lag of the canary: 64 MiB; 0 no limit */
	int starved_buckets;   /* in a row: 3 */
	/* Floors of the canary's machine, in percent; 0 none.  Read by the caller, see
	 * resources_short. */
	double min_memory_pct, min_disk_pct;
	double max_connections_pct; /* of its max_connections in use: 95 */
};
void pgt_gate_defaults(struct pgt_gate_config *c);

/* One statement within one bucket; times in ms. */
struct pgt_gate_stratum {
	double canary_n, canary_mean, canary_var;
	double primary_n, primary_mean, primary_var;
};

struct pgt_gate_bucket {
	const struct pgt_gate_stratum *strata;
	size_t n_strata;
	/* Calls of the canary over (1 + latency_margin) c and of the primary over c,
	 * c being the statement's own p99 on the primary before the rollout (own: the
	 * tail of the fast ones would hide below that of the slow ones), summed over
	 * statements; NAN when not known. */
	double canary_slow, primary_slow;
	double canary_errors, primary_errors; /* failed transactions */
	double share;		/* configured share of the canary, 0..1 */
	double canary_conn_share; /* of server connections, 0..1; NAN unknown */
	double lag_bytes;	/* NAN unknown */
	bool write_refused;	/* a write reached the canary: SQLSTATE 25006 */
	bool resources_short;	/* memory or disk of the canary below its floor */
	bool stale;		/* one side could not be measured */
	/* All traffic is on the canary: the strata's primary side is of another time,
	 * when the primary had all of it, and control_sd is by how much the log of its
	 * means varied then from bucket to bucket.  calls_* are of this bucket. */
	bool historical;
	double control_sd;
	double calls_canary, calls_primary;
};

struct pgt_gate_evidence {
	enum pgt_gate_verdict verdict;
	const char *reason;	/* static text, for people */
	double mean_ratio, mean_lo, mean_hi; /* canary / primary - 1; NAN before any */
	double margin;		/* in force at this share */
	double tail_ratio;	/* rate of slow calls, canary / primary - 1; NAN */
	double tail_e_harm, tail_e_better; /* e-values; harm proven at tail_limit */
	double tail_limit;
	double error_e, error_limit;
	double canary_calls, primary_calls;
	double achieved_share;	/* of calls, 0..1; NAN */
	int buckets, stale_buckets;
	bool historical; /* the means are against another time: see above */
	int starved; /* buckets in a row in which the canary got less than half its due */
};

struct pgt_gate;

struct pgt_gate *pgt_gate_new(const struct pgt_gate_config *c);
void pgt_gate_free(struct pgt_gate *g);
/* A new step: evidence is kept (it is about the same change), the minimum of
 * buckets and of calls counts anew. */
void pgt_gate_step(struct pgt_gate *g, double share);
void pgt_gate_add(struct pgt_gate *g, const struct pgt_gate_bucket *b);
/* Valid after any number of looks. */
struct pgt_gate_evidence pgt_gate_look(const struct pgt_gate *g);

/* The margin in force at a share: what is risked in all, share x margin, stays at
 * half of latency_margin, so a small step needs less proof; between latency_margin
 * and 1. */
double pgt_gate_margin(const struct pgt_gate_config *c, double share);

#endif
