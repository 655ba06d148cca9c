/* One changeset from plan to end: the only place where a stage follows another.
 * Console and command line call pgt_change_run_step() again and again, asking
 * their user in between when they want to; everything else happens in here.
 * Owner: the exec thread or the command line, one thread; _request() may be
 * called from any thread and from a signal handler.
 *
 *   PLAN > PREFLIGHT > LOCK > SNAPSHOT > JOURNAL > ARM > BASELINE > APPLY (a step
 *   for each item) > RELOAD > VERIFY > STABILISE > VALIDATE > CONFIRM > CONFIRMED
 *   any of them from APPLY on > ROLLBACK > ROLLED_BACK | FENCED
 *   any of them before > NOTHING (nothing was written) */
#ifndef PG2UNE_CHANGE_RUN_H
#define PG2UNE_CHANGE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"
#include "pg2une/change/changeset.h"
#include "pg2une/change/preflight.h"
#include "pg2une/change/replay.h"
#include "pg2une/change/restore.h"

enum pgt_stage {
	PGT_ST_PLAN = 0,
	PGT_ST_PREFLIGHT,
	PGT_ST_LOCK,
	PGT_ST_SNAPSHOT,
	PGT_ST_JOURNAL,
	PGT_ST_ARM,
	PGT_ST_BASELINE,
	PGT_ST_APPLY,
	PGT_ST_RELOAD,
	PGT_ST_VERIFY,
	PGT_ST_STABILISE,
	PGT_ST_VALIDATE,
	PGT_ST_CONFIRM,	  /* waiting for _confirm() or the deadline: step polls */
	PGT_ST_ROLLBACK,
	/* ends */
	PGT_ST_CONFIRMED,
	PGT_ST_ROLLED_BACK,
	PGT_ST_FENCED,	  /* a person must act: see pgt_change_run_text() */
	PGT_ST_NOTHING,
	PGT_ST_ABANDONED, /* left to the guard */
};
const char *pgt_stage_name(enum pgt_stage st);
bool pgt_stage_is_end(enum pgt_stage st);

enum pgt_event_what { PGT_CE_BEGIN, PGT_CE_ACT, PGT_CE_DONE, PGT_CE_FAIL, PGT_CE_NOTE };
struct pgt_change_event {
	enum pgt_stage stage;
	enum pgt_event_what what;
	long item;	  /* -1: none */
	const char *text; /* one line or a statement; safe; may be NULL */
};

/* What the measurements say; the caller has the statistics. */
struct pgt_validation {
	enum pgt_verdict verdict; /* UNKNOWN = 0: no, stale or too little data */
	char text[256];
	cJSON *figures; /* taken over; may be NULL */
};
struct pgt_validate_ops {
	void *ctx;
	/* Both take about window_ns and ask pulse while they wait. */
	int (*baseline)(void *ctx, int64_t window_ns, struct pgt_pulse pulse,
			struct pgt_err *err);
	int (*judge)(void *ctx, int64_t window_ns, struct pgt_pulse pulse,
		     struct pgt_validation *ret, struct pgt_err *err);
};

struct pgt_change_opts {
	const struct pgt_connspec *spec;
	struct pgt_preflight_opts preflight; /* fingerprint and node are filled in */
	const char *probe_spec;		     /* the same probe, for the guard */
	const struct pgt_validate_ops *validate; /* NULL: the verdict stays UNKNOWN */
	/* With preflight.allow_restart: restart the server and wait until it answers, so
	 * that what needs a restart is in force before it is verified, and again after a
	 * rollback.  NULL with defer_restart: such settings are left to the next start.
	 */
	int (*restart)(void *ctx, struct pgt_err *err);
	void *restart_ctx;
	bool defer_restart;
	int64_t deadline_ns;  /* unconfirmed this long goes back; 0: 600 s */
	int64_t stabilise_ns; /* -1: 30 s */
	int64_t window_ns;    /* 0: 60 s */
	bool trial; /* nobody will confirm it: once the console is lost it goes back at
		     * once, verified or not, instead of at the deadline */
	bool auto_confirm;    /* a PASS confirms by itself; nothing else does */
	void (*say)(void *arg, const struct pgt_change_event *ev);
	void *say_arg;
};

struct pgt_change_run;

/* Takes cs.  Does nothing yet; the caller owns *ret. */
struct pgt_change_run *pgt_change_run_new(const struct pgt_change_opts *opts,
					  struct pgt_changeset *take_cs);
/* An unfinished change is left to its guard. */
void pgt_change_run_free(struct pgt_change_run *r);

/* Do the work of the present stage (of one item in APPLY) and move on.  -1: it
 * failed, err says why, and the stage has become ROLLBACK or an end. */
int pgt_change_run_step(struct pgt_change_run *r, struct pgt_err *err);
/* To be called often while a user thinks between two steps: looks after the guard,
 * the deadline and what others did.  False: step now, there is something to do: it is
 * to go back, or was confirmed from elsewhere. */
bool pgt_change_run_tend(struct pgt_change_run *r);
enum pgt_stage pgt_change_run_stage(const struct pgt_change_run *r);
long pgt_change_run_item(const struct pgt_change_run *r); /* next in APPLY */
/* Make it permanent: a durable record.  In CONFIRM only. */
int pgt_change_run_confirm(struct pgt_change_run *r, struct pgt_err *err);
/* From anywhere: the stage becomes ROLLBACK (or NOTHING before APPLY); step on. */
void pgt_change_run_rollback(struct pgt_change_run *r, const char *reason);

enum pgt_stop {
	PGT_STOP_NONE = 0,
	PGT_STOP_ROLLBACK, /* once more during the rollback: leave it to the guard */
	PGT_STOP_ABANDON,  /* left to the guard; not after a word to roll back */
	PGT_STOP_BACK,	   /* as _ROLLBACK, but a key may be pressed again and again */
};
/* Any thread, any signal handler: end what is waiting and do so. */
void pgt_change_run_request(struct pgt_change_run *r, enum pgt_stop how);

/* Nanoseconds to the automatic rollback; -1 before it is armed. */
int64_t pgt_change_run_left_ns(const struct pgt_change_run *r);
const struct pgt_preflight *pgt_change_run_preflight(const struct pgt_change_run *r);
const struct pgt_changeset *pgt_change_run_changeset(const struct pgt_change_run *r);
const struct pgt_validation *pgt_change_run_validation(const struct pgt_change_run *r);
/* Why it ended so, or what a person has to do; "" before. */
const char *pgt_change_run_text(const struct pgt_change_run *r);
const char *pgt_change_run_journal_path(const struct pgt_change_run *r); /* NULL before */
/* The journal as JSON (replay.h), or the plan before there is one. */
cJSON *pgt_change_run_json(const struct pgt_change_run *r);

#endif
