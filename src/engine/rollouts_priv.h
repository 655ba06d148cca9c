/* What the files of the rollouts share.  Owner: the thread that drives. */
#ifndef PG2UNE_ENGINE_ROLLOUTS_PRIV_H
#define PG2UNE_ENGINE_ROLLOUTS_PRIV_H

#include <signal.h>
#include <stdatomic.h>

#include "pg2une/change/journal.h"
#include "pg2une/change/run.h"
#include "pg2une/engine/rollouts.h"
#include "pg2une/num/quantile.h"
#include "pg2une/pg/identity.h"
#include "pg2une/rollout/local.h"
#include "pg2une/rollout/watch.h"

struct pgt_connspec;
struct pgt_conn;
struct pgt_manager;

/* ---- measuring one node: rollout_meter.c ---- */

struct pgt_ro_key {
	int64_t queryid;
	uint32_t userid, dbid;
};

/* One statement within one bucket. */
struct pgt_ro_class {
	struct pgt_ro_key key;
	double n, mean, var;
	bool var_ok;
};

struct pgt_ro_reading;

struct pgt_ro_meter {
	struct pgt_connspec *spec;
	struct pgt_conn *conn;
	char *ext; /* schema of pg_stat_statements */
	char label[128];
	struct pgt_ro_reading *first, *last;
	/* since the reading before */
	struct pgt_ro_class *classes;
	size_t n_classes;
	double seconds, commits, rollbacks, conflicts;
	/* now */
	bool up, in_recovery, paused;
	double lsn, delay_ms;
	char *banner; /* a comment before each query: see rollout_live.c; may be NULL */
	int64_t asked_ns;
	double rollbacks_now; /* since the statistics began */
	int backends, backends_max;
	int writes; /* client sessions whose last statement writes; 0 too if hidden */
	struct pgt_err error;
	/* of the machine, when it is this one: rollout_resources.c */
	int64_t cpu_at_ns;
	double cpu_s;
};

void pgt_ro_meter_init(struct pgt_ro_meter *m, struct pgt_connspec *take_spec);
void pgt_ro_meter_done(struct pgt_ro_meter *m);
/* A quick look: up, in_recovery, lsn.  Connects when it must. */
int pgt_ro_meter_probe(struct pgt_ro_meter *m, struct pgt_err *err);
/* One reading; the classes are those since the reading before. */
int pgt_ro_meter_read(struct pgt_ro_meter *m, struct pgt_err *err);
/* Transactions a second since the very first reading; NAN. */
double pgt_ro_meter_tps(const struct pgt_ro_meter *m);
/* Classes since the very first reading; the caller frees. */
size_t pgt_ro_meter_all(const struct pgt_ro_meter *m, struct pgt_ro_class **ret);
int pgt_ro_key_cmp(const struct pgt_ro_key *a, const struct pgt_ro_key *b);

/* ---- the bucket from two meters: rollout_bucket.c ---- */

struct pgt_ro_limits { /* per statement: its own p99 before the rollout */
	struct pgt_ro_key *keys;
	double *p99;
	size_t n;
	double slower; /* 1 + latency_margin: times that of the primary */
};
void pgt_ro_limits_take(struct pgt_ro_limits *l, const struct pgt_ro_meter *primary,
			double latency_margin);
void pgt_ro_limits_done(struct pgt_ro_limits *l);
/* strata is the caller's to free, n in b->n_strata. */
void pgt_ro_bucket(const struct pgt_ro_meter *primary, const struct pgt_ro_meter *canary,
		   const struct pgt_ro_limits *limits, bool swapped,
		   struct pgt_gate_bucket *b, struct pgt_gate_stratum **ret_strata);
void pgt_ro_node_figures(const struct pgt_ro_meter *m, struct pgt_rollout_node *ret);

/* ---- the node's machine, when it is this one: rollout_resources.c ---- */

/* The postmaster of the backend that answers us, 0 when it is none of this machine. */
int pgt_ro_postmaster(const struct pgt_conn *c);
void pgt_ro_resources(struct pgt_ro_meter *m, struct pgt_rollout_node *ret);

/* ---- when to measure: rollout_measure.c ---- */

void pgt_ro_look_at_nodes(struct pgt_rollout_drive *d, int64_t now);
void pgt_ro_base_line(struct pgt_rollout_drive *d);
void pgt_ro_base_free(struct pgt_rollout_drive *d);

/* ---- the canary: rollout_canary.c ---- */

struct pgt_ro_make {
	bool begun, made;
	char workload[64]; /* mxc */
	int64_t next_ns, since_ns;
	pid_t pid; /* of the command that makes it */
	int out_fd;
	char last[200];
	struct pgt_ro_copy *copy; /* basebackup */
	char *conf; /* postgresql.auto.conf as it was, where we can read it */
};
enum pgt_ro_act pgt_ro_canary_make(struct pgt_rollout_drive *d, struct pgt_err *err);
enum pgt_ro_act pgt_ro_canary_end(struct pgt_rollout_drive *d, struct pgt_err *err);

/* ---- a copy made here: rollout_copy.c ---- */

enum pgt_ro_act pgt_ro_copy_make(struct pgt_rollout_drive *d, struct pgt_err *err);
/* Its server has ended again. */
int pgt_ro_copy_alive(const struct pgt_rollout_drive *d, struct pgt_err *err);
/* It streams by itself now. */
void pgt_ro_copy_ready(struct pgt_rollout_drive *d);
/* The server's programs, as far as known; NULL. */
const char *pgt_ro_copy_bin(const struct pgt_rollout_drive *d);
/* Ends the copying; the server and its files stay. */
void pgt_ro_copy_free(struct pgt_rollout_drive *d);

/* ---- restarts of the canary: rollout_restart.c ---- */

/* A standby that is restarted for a setting: by the operator's program, or pg_ctl. */
struct pgt_ro_restart {
	const char *program;	/* called with "restart"; NULL: pg_ctl of bin */
	const char *bin, *data, *log; /* data: NULL unless of this host */
	const char *conf;	/* its postgresql.auto.conf as it was; NULL unknown */
	struct pgt_ro_meter *meter;
	struct pgt_tick tick;
};
/* Waits until it answers.  When it does not start, its configuration is put back; an
 * error all the same. */
int pgt_ro_restart_node(const struct pgt_ro_restart *r, struct pgt_err *err);
/* postgresql.auto.conf of a data directory; the caller frees; NULL. */
char *pgt_ro_conf_read(const char *data);
/* A standby may not have less of this than its primary. */
bool pgt_ro_not_lower(const char *name);
bool pgt_ro_can_restart(const struct pgt_rollout_drive *d);
/* For a changeset's run; ctx is the drive.  Waits until it answers. */
int pgt_ro_restart(void *ctx, struct pgt_err *err);
/* After the primary's dry run: may what needs a restart be carried out so? */
int pgt_ro_check_restart(struct pgt_rollout_drive *d, struct pgt_err *err);
/* Keep the canary's own settings, for when it does not start with the change. */
void pgt_ro_keep_conf(struct pgt_rollout_drive *d);

/* ---- for consoles on other hosts: rollout_live.c ---- */

/* The comment that says how it stands; the caller frees; NULL: it does not fit. */
char *pgt_ro_live_text(const struct pgt_ev_rollout *ev);
int pgt_ro_live_parse(const char *text, struct pgt_ev_rollout *ret,
		      struct pgt_err *err) PGT_MUST_CHECK;

/* ---- the drive ---- */

#define PGT_RO_BASES 24 /* buckets of the time before that are kept */

struct pgt_rollout_drive {
	const struct pgt_options *options;
	struct pgt_rollout_plan *plan;
	struct pgt_rollout *machine;
	char *password;
	void (*say)(void *arg, const char *text);
	void *say_arg;
	struct pgt_identity identity; /* of the primary */
	char *dir; /* .../rollouts */
	struct pgt_lock *lock;
	struct pgt_journal *journal;
	size_t seen; /* records of the journal that were looked at */
	struct pgt_rollout_watch *watch;
	const struct pgt_router_ops *rops;
	void *router;
	struct pgt_ro_meter meter[2];
	struct pgt_ro_limits limits;
	struct pgt_ro_make make;
	struct pgt_changeset *cs[2];
	struct pgt_change_run *run[2];
	struct pgt_manager *manager; /* of the cluster, NULL none was named */
	bool handed_over; /* the canary's changeset went back for the manager's */
	atomic_int wanted; /* enum pgt_ro_wanted, from other threads */
	volatile sig_atomic_t stop;
	int64_t next_bucket_ns, next_probe_ns, next_status_ns;
	int64_t judged_since_ns, base_until_ns;
	bool was_judging, settling;
	int probe_failures;
	int stretch; /* of the buckets of this step */
	struct { /* the primary under the whole load, before anything was changed */
		struct pgt_ro_class *classes; /* all of that time */
		size_t n_classes;
		struct pgt_ro_class *bucket[PGT_RO_BASES]; /* and bucket by bucket */
		size_t bucket_n[PGT_RO_BASES];
		int n_buckets;
		double sd;
	} base;
	int64_t write_seen_ns, failed_seen_ns;
	double rollbacks_seen;
	struct pgt_rollout_node node[2];
	struct pgt_router_state rstate;
	char log[PGT_RO_LOG][160];
	char who[128];
	enum pgt_ro_state told;
	/* for the row in the history */
	double base_tps, base_p99, base_mean;
	int64_t began_real_ns;
};

enum pgt_ro_wanted { PGT_ROW_NONE, PGT_ROW_CONFIRM, PGT_ROW_HOLD, PGT_ROW_ROLLBACK };

void pgt_ro_drive_say(struct pgt_rollout_drive *d, const char *text);
extern const struct pgt_rollout_ops pgt_ro_drive_ops; /* rollout_acts.c */
int pgt_ro_status_write(struct pgt_rollout_drive *d, struct pgt_err *err);
/* For the history; the caller frees. */
char *pgt_ro_metrics(double tps, double p99, double mean);
/* What was measured with the change: latency of the node that has it, throughput of all.
 */
char *pgt_ro_after(const struct pgt_rollout_drive *d);
/* A row of the optimization runs; trouble is told, no reason to stop. */
void pgt_ro_record(struct pgt_rollout_drive *d);

#endif
