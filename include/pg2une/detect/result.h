/* What detection finds, as plain structs: faces, rules and the store include this
 * and nothing else of the layer.  Filled by detect on the engine's thread; copies are
 * free to travel. */
#ifndef PG2UNE_DETECT_RESULT_H
#define PG2UNE_DETECT_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The watched series: id, name (as in facts, JSON and tables), unit, family. */
#define PGT_METRICS(X)                                                                   \
	X(TPS, "tps", "1/s", PERFORMANCE)                                                \
	X(LATENCY_MEAN, "latency_mean", "ms", PERFORMANCE)                               \
	X(LATENCY_P99, "latency_p99", "ms", PERFORMANCE)                                 \
	X(HIT_RATIO, "buffer_hit_ratio", "", CACHE)                                      \
	X(LOCK_WAITS, "lock_waits", "", LOCKS)                                           \
	X(ACTIVE_SESSIONS, "conn_active", "", SESSIONS)                                  \
	X(TEMP_BYTES, "temp_bytes", "B/s", SPILL)                                        \
	X(WAL_BYTES, "wal_bytes", "B/s", WAL)                                            \
	X(REPLICATION_LAG, "replication_lag", "s", REPLICATION)                          \
	X(ERROR_RATE, "error_rate", "1/s", ERRORS)

enum pgt_metric {
#define X(id, name, unit, family) PGT_METRIC_##id,
	PGT_METRICS(X)
#undef X
	    PGT_METRIC__N,
};

/* Metrics of one family tell of one event: latency up and TPS down are one alert. */
#define PGT_FAMILIES(X)                                                                  \
	X(PERFORMANCE, "performance")                                                    \
	X(CACHE, "cache")                                                                \
	X(LOCKS, "locks")                                                                \
	X(SESSIONS, "sessions")                                                          \
	X(SPILL, "spill")                                                                \
	X(WAL, "wal")                                                                    \
	X(REPLICATION, "replication")                                                    \
	X(ERRORS, "errors")                                                              \
	X(QUERY, "query")

enum pgt_family {
#define X(id, name) PGT_FAMILY_##id,
	PGT_FAMILIES(X)
#undef X
	    PGT_FAMILY__N,
};

enum pgt_severity { PGT_SEV_INFO = 1, PGT_SEV_WARNING, PGT_SEV_CRITICAL };

enum pgt_alert_state {
	PGT_ALERT_OPEN = 1,
	PGT_ALERT_CLEARED,  /* the metric came back by itself */
	PGT_ALERT_ACCEPTED, /* it stayed so long that it is the new normal */
};

/* What may have caused a change: kind, name, and how it reads. */
#define PGT_EVENTS(X)                                                                    \
	X(SETTING, "setting", "setting changed")                                         \
	X(RELOAD, "reload", "configuration reloaded")                                    \
	X(RESTART, "restart", "server restarted")                                        \
	X(FAILOVER, "failover", "failover")                                              \
	X(NEW_APPLICATION, "new_application", "new application")                         \
	X(NEW_QUERY, "new_query", "new query")                                           \
	X(PLAN_CHANGE, "plan_change", "plan change suspected")                           \
	X(CHECKPOINT, "checkpoint", "checkpoint")                                        \
	X(AUTOVACUUM, "autovacuum", "autovacuum")                                        \
	X(DDL, "ddl", "schema changed")                                                  \
	X(STATS_RESET, "stats_reset", "statistics reset")                                \
	X(LOCK_PILEUP, "lock_pileup", "sessions queue behind a lock")

enum pgt_event_kind {
#define X(id, name, text) PGT_EVENT_##id,
	PGT_EVENTS(X)
#undef X
	    PGT_EVENT__N,
};

/* Something that happened.  text is safe, one line: "jit_above_cost 100000 -> 0". */
struct pgt_event {
	enum pgt_event_kind kind;
	int64_t real_ns;
	int64_t queryid; /* NEW_QUERY, PLAN_CHANGE; else 0 */
	double weight;   /* 0..1: how large it was by its own measure; 1 if unknown */
	char text[160];
};

struct pgt_cause {
	struct pgt_event event;
	double score;    /* 0..1; relative plausibility, not a probability */
	int64_t lead_ns; /* onset - event; negative: after the onset */
};

#define PGT_ALERT_CAUSES 5

struct pgt_alert {
	uint64_t id; /* 1, 2, ... within one detector; 0 is no alert */
	enum pgt_alert_state state;
	enum pgt_metric metric; /* the one that fired first; PGT_METRIC__N for a query */
	enum pgt_family family;
	uint32_t metrics;   /* bit (1 << metric) of all that joined this event */
	uint64_t query_key; /* family QUERY: the caller's key of the statement, else 0 */
	int64_t queryid;
	int direction; /* +1 up, -1 down */
	bool degrade;  /* the direction is the bad one */
	enum pgt_severity severity;
	int64_t onset_real_ns, detected_real_ns;
	int64_t ended_real_ns; /* 0 while open */
	double baseline,
	    current;       /* in the metric's unit; current is the mean since onset */
	double magnitude;  /* current / baseline - 1; a difference for ratios */
	double confidence; /* 0..1, see confidence.h */
	bool acked;        /* set by the operator through pgt_detect_ack() */
	int64_t silenced_until_real_ns; /* its kind is silent until then; 0 it is not */
	size_t n_causes;
	struct pgt_cause causes[PGT_ALERT_CAUSES]; /* best first */
};

/* An operator's word on a kind of alert: a family or, in family QUERY, one statement.  It
 * holds for the alerts of that kind that are open and for those to come. */
struct pgt_attend {
	enum pgt_family family;
	int64_t queryid;		/* 0 but for QUERY */
	int64_t said_real_ns;		/* a later word replaces an earlier one */
	int64_t silenced_until_real_ns; /* 0: it speaks */
	int64_t acked_real_ns;		/* what began before is acknowledged; 0 nothing */
};

/* The state of one chart, for the analysis page. */
enum pgt_chart_phase {
	PGT_CHART_UNKNOWN = 0, /* no data yet */
	PGT_CHART_LEARNING,    /* fewer than the warm-up's buckets */
	PGT_CHART_WATCHING,
	PGT_CHART_ALARMED,    /* baseline frozen */
	PGT_CHART_REFRACTORY, /* after an alarm or a restart */
};

struct pgt_chart_state {
	enum pgt_metric metric;
	enum pgt_chart_phase phase;
	double value;            /* last bucket, metric's unit */
	double expected, lo, hi; /* 95 % range of one bucket, metric's unit */
	double z;                /* last winsorised standardised residual */
	double cusum_up, cusum_down, h, k;
	double arl0; /* buckets, that h was solved for */
	double phi;  /* AR(1) coefficient in use, 0 if none */
	double load_slope;
	double bucket_s; /* in use; wider than configured when the series is sluggish */
	double n;        /* buckets behind the standardisation */
	bool seasonal;   /* hour-of-week medians in use */
};

struct pgt_change_point {
	size_t index; /* first point of the new regime */
	int64_t t_ns;
	double mean_before, mean_after;
	double magnitude; /* |after / before - 1| */
	double p;         /* Welch, effective sample sizes, Bonferroni */
};

/* Universal Scalability Law X(N) = lambda N / (1 + sigma (N-1) + kappa N (N-1)). */
struct pgt_usl {
	bool valid;
	double lambda, sigma, kappa;
	double r2;        /* of throughput */
	double n_peak;    /* sqrt((1 - sigma) / kappa); infinite without kappa */
	double deviation; /* last point: measured / modelled - 1 */
	size_t points;
};

struct pgt_confidence {
	double value;                              /* 0..1 */
	bool high;                                 /* >= 0.30 */
	double cusum, usl, change_point, seasonal; /* the parts */
};

/* One query that became slower. */
struct pgt_query_regression {
	uint64_t key;
	int64_t queryid;
	double before_ms, after_ms;
	double ratio;       /* after / before */
	double p, q;        /* one-sided p; Benjamini-Hochberg adjusted */
	double share;       /* of total execution time now */
	double calls_ratio; /* calls per second now / before */
	bool same_load;     /* |calls_ratio - 1| <= 0.5 */
	bool plan_change;   /* same load and at least twice the time at once */
	int64_t since_real_ns;
};

const char *pgt_metric_name(enum pgt_metric m);
const char *pgt_metric_unit(enum pgt_metric m);
enum pgt_family pgt_metric_family(enum pgt_metric m);
/* false when no metric has that name */
bool pgt_metric_parse(const char *name, enum pgt_metric *ret);
const char *pgt_family_name(enum pgt_family f);
/* False: no such family. */
bool pgt_family_parse(const char *name, enum pgt_family *ret);
const char *pgt_event_name(enum pgt_event_kind k);
const char *pgt_event_text(enum pgt_event_kind k);
const char *pgt_severity_name(enum pgt_severity s);
const char *pgt_alert_state_name(enum pgt_alert_state s);
const char *pgt_chart_phase_name(enum pgt_chart_phase p);

#endif
