/* A rehearsal: a throwaway copy of the watched server on this machine, with a load of
 * its own.  Nobody else uses it, so it is configured, restarted and given indexes
 * without ado, and removed at the end; when the console is killed its processes die
 * with it and the next rehearsal removes the files.  Owner: the optimizer thread. */
#ifndef PG2UNE_ENGINE_REHEARSAL_PRIV_H
#define PG2UNE_ENGINE_REHEARSAL_PRIV_H

#include <stdatomic.h>

#include "child_priv.h"
#include "pg2une/observe/snapshot.h"

struct pgt_connspec;
struct pgt_item;
struct pgt_schema;

struct pgt_rehearsal_opts {
	const struct pgt_connspec *target; /* what is copied, password inside */
	const struct pgt_snapshot *at;	   /* its settings */
	/* The load: a file, "builtin:NAME" of pgbench, or "" for the captured queries of
	 * schema. */
	const char *script;
	const struct pgt_schema *schema;
	int clients;
	uint64_t seed;
	bool in_place;	   /* no copy: the load runs on the target itself */
	const char *where; /* folder for the copy; "" is /var/tmp */
	const atomic_bool *cancel;
	void (*say)(void *arg, const char *text);
	void *arg;
};

struct pgt_rehearsal;

/* Copy, start, prepare the load; minutes for a large server.  Nothing is left behind on
 * failure. */
int pgt_rehearsal_new(const struct pgt_rehearsal_opts *o, struct pgt_rehearsal **ret,
		      struct pgt_err *err) PGT_MUST_CHECK;
void pgt_rehearsal_free(struct pgt_rehearsal *r);
/* Borrowed: as its superuser, through its socket; in place, the target. */
const struct pgt_connspec *pgt_rehearsal_spec(const struct pgt_rehearsal *r);
/* "captured: 7 statements, 81% of the time"; for the label. */
const char *pgt_rehearsal_load_text(const struct pgt_rehearsal *r);

/* Lines of postgresql.conf over the target's own; restart or reload.  The load must be
 * off.  -1: it does not run so, or not with these settings. */
int pgt_rehearsal_configure(struct pgt_rehearsal *r, const char *conf, bool restart,
			    struct pgt_err *err) PGT_MUST_CHECK;
/* One statement, for as long as it takes. */
int pgt_rehearsal_run(struct pgt_rehearsal *r, const char *sql,
		      struct pgt_err *err) PGT_MUST_CHECK;
/* On: for ever.  Off, on a copy: what of it still runs there is ended too. */
int pgt_rehearsal_load(struct pgt_rehearsal *r, bool on,
		       struct pgt_err *err) PGT_MUST_CHECK;
/* The load ended by itself: why. */
bool pgt_rehearsal_load_failed(struct pgt_rehearsal *r, struct pgt_err *err);

/* The same load from its beginning, but so many transactions of each client, or for
 * so long when transactions is 0.  The endless one must be off. */
int pgt_rehearsal_work(struct pgt_rehearsal *r, int transactions, int64_t time_ns,
		       struct pgt_err *err) PGT_MUST_CHECK;
bool pgt_rehearsal_works(struct pgt_rehearsal *r);
/* Until it is over; PGT_E_TIMEOUT and PGT_E_CANCELLED leave it running. */
int pgt_rehearsal_work_await(struct pgt_rehearsal *r, int64_t patience_ns,
			     struct pgt_err *err) PGT_MUST_CHECK;
/* Once it is over: what was done, or why it was not. */
struct pgt_work_report {
	double done, failed; /* transactions */
	double tps;	     /* of those done, without connecting */
};
int pgt_rehearsal_worked(struct pgt_rehearsal *r, struct pgt_work_report *ret,
			 struct pgt_err *err) PGT_MUST_CHECK;

/* ---- rehearsal_work.c: pure ---- */

/* How many transactions of each client take about window_ns at that throughput of all:
 * five at least, unless they take most times as long; never none. */
int pgt_work_share(double tps, int clients, int64_t window_ns, int most);
/* A trial does its work again while all of it took less than half of usual_ns, what it
 * takes as things are: a second of it tells little, and what is many times as fast would
 * be judged by chance. */
struct pgt_work_sum {
	int rounds;
	double done, failed; /* transactions */
	double s;	     /* that they took */
};
/* Count one round; true: once more. */
bool pgt_work_again(struct pgt_work_sum *sum, const struct pgt_work_report *round,
		    int64_t usual_ns);
/* What pgbench 13 to 18 reports at the end; false: it does not. */
bool pgt_work_report(const char *text, struct pgt_work_report *ret);
/* Its first error, else its last line; safe text, "" when there is none. */
void pgt_work_error(const char *text, char *buf, size_t size);

/* ---- rehearsal_conf.c: pure ---- */

/* postgresql.conf of the copy: what the target has set, without what names places,
 * connections or others' services. */
char *pgt_rehearsal_conf(const struct pgt_snapshot *at, const char *socket_dir,
			 const char *trial_file);

/* ---- rehearsal_capture.c ---- */

#define PGT_CAPTURE_MAX	 24 /* statements */
#define PGT_CAPTURE_DRAW 5  /* variants of each; pgbench takes 128 scripts */

struct pgt_captured_statement {
	int64_t queryid;
	double mean_ms; /* on the server */
	size_t first, n; /* its variants among the files */
	char *text;	 /* with $1 for what was drawn */
};

struct pgt_captured {
	char **file; /* paths, each one statement */
	char **text; /* of each, values put in, without a semicolon */
	int *weight;
	size_t n;
	struct pgt_captured_statement statement[PGT_CAPTURE_MAX]; /* costliest first */
	size_t statements;	     /* that they come from */
	double calls_share, ms_share; /* of the SELECTs of everybody: what is covered */
};

void pgt_captured_done(struct pgt_captured *c);
/* Write scripts into dir for those SELECT statements of s whose every parameter can
 * be given a value that occurs: a column's own values for column = $n and IN, the mean
 * number of rows for LIMIT.  The others are left out and counted.  PGT_E_NOTFOUND when
 * there is none. */
/* How many parameters the statement has when it can be run again so; -1 when not. */
int pgt_capture_params(const struct pgt_schema *s, const char *text);
/* Write the script of variant i: the statement alone, or in one transaction after
 * "before" (with its semicolons). */
int pgt_captured_write(const struct pgt_captured *c, size_t i, const char *before,
		       struct pgt_err *err) PGT_MUST_CHECK;
/* template with words replaced: pairs of "{word}" and text, NULL; the caller frees. */
char *pgt_rehearsal_fill(const char *template, ...);
int pgt_capture(const struct pgt_schema *s, const struct pgt_connspec *copy,
		const char *dir, struct pgt_captured *ret,
		struct pgt_err *err) PGT_MUST_CHECK;

/* ---- shared by rehearsal.c and rehearsal_load.c ---- */

struct pgt_rehearsal {
	struct pgt_rehearsal_opts o;
	struct pgt_child_user user;
	int major;
	char bin[128], pgbench[128]; /* folders of programs */
	char dir[256];	/* ours: owner, log, s/ (socket), data/, load/ */
	int owner_fd;	/* locked while we live */
	char *superuser, *dbname;
	double bytes;
	struct pgt_connspec *spec;
	struct pgt_child server, load;
	struct pgt_captured captured;
	char load_text[160];
	int scale;
};

char *pgt_rehearsal_path(const struct pgt_rehearsal *r, const char *name);
int pgt_rehearsal_put(const struct pgt_rehearsal *r, const char *name, const char *text,
		      struct pgt_err *err) PGT_MUST_CHECK;
int pgt_rehearsal_load_prepare(struct pgt_rehearsal *r,
			       struct pgt_err *err) PGT_MUST_CHECK;

#endif
