/* What a journal says happened to its changeset: the records played back into
 * one state.  Pure; owner: the caller. */
#ifndef PG2UNE_CHANGE_REPLAY_H
#define PG2UNE_CHANGE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/change/changeset.h"
#include "pg2une/change/fence.h"
#include "pg2une/change/journal.h"

enum pgt_ending {
	PGT_END_OPEN = 0,
	PGT_END_NOTHING,     /* it ended before anything was written */
	PGT_END_CONFIRMED,
	PGT_END_ROLLED_BACK, /* exactly as before, but for what others changed since */
	PGT_END_FENCED,	     /* left as it is, with instructions for a person */
};
const char *pgt_ending_name(enum pgt_ending out); /* "rolled_back" ... */

enum pgt_verdict { PGT_VERDICT_UNKNOWN = 0, PGT_VERDICT_PASS, PGT_VERDICT_FAIL,
		   PGT_VERDICT_INCONCLUSIVE };
const char *pgt_verdict_name(enum pgt_verdict v);

/* Who holds the guard, in a way that survives pid reuse and reboots. */
struct pgt_armed {
	int pid;
	int64_t start_ticks;
	char boot_id[37];
	int64_t deadline_boot_ns; /* CLOCK_BOOTTIME */
	int console_pid;
	int64_t console_ticks;
	/* the console's session on the server, for a guard that must end it */
	int backend_pid;
	int64_t backend_start_us;
};

struct pgt_replay {
	struct pgt_changeset *cs;
	struct pgt_prev *prev; /* cs->n_items of them */
	bool *intent, *done, *rb_done;
	char **rb_state; /* per item, what the restore said; NULL none */
	struct pgt_fence fence;
	bool has_fence, has_armed;
	char node[65], who[128], label[256], conninfo[2048], directory[512];
	char manager[2048]; /* opens the cluster manager again; no secret; "" none */
	bool reload_intent, reload_done;
	bool any_intent;
	bool verified, validated, confirmed, rb_request, rb_begun, closed;
	enum pgt_verdict verdict;
	char verdict_text[256];
	cJSON *figures; /* what was measured: "before", "after" ...; NULL nothing */
	char rb_reason[256], closed_text[16384], last_note[512];
	enum pgt_ending outcome;
	struct pgt_armed armed;
	int64_t begun_ns, ended_ns, applied_ns, rolled_back_ns; /* real */
	enum pgt_jhealth health;
	char path[512];
};

/* PGT_E_PARSE when there is no PLAN to make sense of. */
int pgt_replay_read(const struct pgt_journal *j, struct pgt_replay *ret,
		    struct pgt_err *err) PGT_MUST_CHECK;
void pgt_replay_done(struct pgt_replay *r);
/* "apply 2 of 3", "verify", "waiting for confirmation", "rolling back" ... */
void pgt_replay_phase(const struct pgt_replay *r, char *buf, size_t size);
/* T4 with what became of it, for `change show` and `change list`. */
cJSON *pgt_replay_json(const struct pgt_replay *r, bool with_events,
		       const struct pgt_journal *j);

#endif
