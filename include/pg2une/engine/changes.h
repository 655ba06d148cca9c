/* The guided change flow as the faces see it: a draft, then one run of the change
 * pipeline at a time, one stage a page.  Runs on the change thread; every call
 * here returns at once, and a rollback gets through whatever that thread does. */
#ifndef PG2UNE_ENGINE_CHANGES_H
#define PG2UNE_ENGINE_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

struct pgt_engine;

/* Stages in the order of the track on the screen. */
enum pgt_flow_stage {
	PGT_FLOW_NONE = 0, /* nothing is being changed */
	PGT_FLOW_DRAFT,	   /* items collected, nothing asked of the server */
	PGT_FLOW_DRY_RUN,  /* preflight done: waits for "apply" */
	PGT_FLOW_APPLY,
	PGT_FLOW_VERIFY,
	PGT_FLOW_VALIDATE, /* stabilising and measuring */
	PGT_FLOW_CONFIRM,  /* waits for "confirm" until the deadline */
	PGT_FLOW_ROLLBACK,
	/* ends */
	PGT_FLOW_CONFIRMED,
	PGT_FLOW_ROLLED_BACK,
	PGT_FLOW_FENCED,   /* a person must act: text says what */
	PGT_FLOW_REFUSED,  /* the dry run refused it, or nothing was written */
};
const char *pgt_flow_stage_name(enum pgt_flow_stage s);

enum pgt_flow_item_state {
	PGT_FLOW_ITEM_WAITING = 0,
	PGT_FLOW_ITEM_DOING,
	PGT_FLOW_ITEM_DONE,
	PGT_FLOW_ITEM_FAILED,
	PGT_FLOW_ITEM_RESTORED,
};

struct pgt_flow_item {
	char *label, *sql, *inverse, *was,
	    *why; /* safe; inverse and was NULL before the dry run */
	enum pgt_flow_item_state state;
};

struct pgt_flow_check {
	int severity; /* 0 ok, 1 note, 2 warning, 3 refusal */
	char *text, *fix; /* fix NULL */
};

#define PGT_FLOW_FOUND_ITEMS 12

struct pgt_ev_change {
	enum pgt_flow_stage stage;
	bool busy;	     /* the thread works; false: it waits for a word */
	bool can_go;	     /* pgt_engine_change_go() has a meaning now */
	char id[40], short_id[12];
	struct pgt_flow_item *items;
	size_t n_items;
	struct pgt_flow_check *checks; /* of the dry run */
	size_t n_checks;
	bool export_only;    /* the server takes no ALTER SYSTEM: script is the plan */
	char *script;	     /* NULL but for export_only */
	char **log;	     /* what happened, newest last */
	size_t n_log;
	int64_t guard_deadline_mono_ns; /* goes back by itself then; 0 not armed */
	char text[512];	     /* what to do, or why it ended so */
	char verdict[16];    /* "pass" "fail" "inconclusive" "unknown"; "" before */
	char verdict_text[256];
	/* unfinished ones that were found at the start */
	struct pgt_flow_found {
		char id[40], state[24], why[256], phase[64];
		char target[256], who[128]; /* its server; user@host that began it */
		int64_t begun_real_ns;
		/* Each item as it is now: "in force, ours", "as before", ... */
		struct {
			char label[96], value[64], state[40];
		} items[PGT_FLOW_FOUND_ITEMS];
		size_t n_items;
		char unread[200]; /* why they could not be read; "" */
	} *found;
	size_t n_found;
};
void pgt_ev_change_free(void *ev);

/* The draft: add a setting (value NULL: RESET), an item as in a changeset file, or
 * a whole file's text; remove item i.  Refused while a run is on. */
int pgt_engine_change_add_setting(struct pgt_engine *e, const char *name,
				  const char *value, const char *why,
				  struct pgt_err *err) PGT_MUST_CHECK;
int pgt_engine_change_add_json(struct pgt_engine *e, const cJSON *item,
			       struct pgt_err *err) PGT_MUST_CHECK;
void pgt_engine_change_remove(struct pgt_engine *e, size_t item);
/* The next stage: dry run from DRAFT, apply from DRY_RUN.  Each needs a word of the
 * operator; the face asks for it.  Refused in read-only mode. */
int pgt_engine_change_go(struct pgt_engine *e, struct pgt_err *err) PGT_MUST_CHECK;
/* The draft goes a canary's way instead: a rollout by the plan that option "rollout"
 * names.  What speaks against it comes as a notice, and the draft stays. */
int pgt_engine_change_rollout(struct pgt_engine *e, struct pgt_err *err) PGT_MUST_CHECK;
/* Make it permanent, in CONFIRM. */
int pgt_engine_change_confirm(struct pgt_engine *e, struct pgt_err *err) PGT_MUST_CHECK;
/* From anywhere; always taken. */
void pgt_engine_change_rollback(struct pgt_engine *e, const char *reason);
/* Of the unfinished ones: "rollback" or "confirm"; the answer is the next event. */
int pgt_engine_change_recover(struct pgt_engine *e, const char *id, bool confirm,
			      struct pgt_err *err) PGT_MUST_CHECK;
/* Look again at what was left unfinished; the answer is the next event. */
void pgt_engine_change_inspect(struct pgt_engine *e);
/* True while quitting would leave an unconfirmed change to its guard. */
bool pgt_engine_change_pending(struct pgt_engine *e);

#endif
