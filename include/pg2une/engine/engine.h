/* The engine: threads behind every face.  A face (ui, cli, api) makes one engine
 * per watched server, reads events from its mailbox and sends commands.  The
 * same commands serve all faces, so a safety check exists once.
 *
 * Threads: the engine thread owns every monitoring connection; the exec thread
 * owns the changing one, HTTP and the journal; the store thread owns the
 * history; the optimizer thread owns its inputs.  All block every signal. */
#ifndef PG2UNE_ENGINE_ENGINE_H
#define PG2UNE_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/mailbox.h"
#include "pg2une/observe/snapshot.h"

struct pgt_options; /* engine/options.h */
struct pgt_engine;

/* Starts the threads; the connection is made in the background.  opts must
 * outlive the engine. */
int pgt_engine_new(const struct pgt_options *opts, struct pgt_engine **ret,
		   struct pgt_err *err) PGT_MUST_CHECK;
/* Stops the threads and joins them; an unconfirmed change is left to its guard. */
void pgt_engine_free(struct pgt_engine *e);
/* Where the face receives events: struct pgt_msg, type = enum pgt_event_type. */
struct pgt_mailbox *pgt_engine_events(struct pgt_engine *e);

/* ---- events ---- */

enum pgt_event_type {
	PGT_EV_SNAPSHOT = 1, /* data: const struct pgt_snapshot, one reference */
	PGT_EV_LINK,         /* data: struct pgt_ev_link */
	PGT_EV_ALERTS,   /* data: engine/alerts.h struct pgt_alert_list: all current */
	PGT_EV_ADVICE,   /* data: engine/advice.h: the ranked list */
	PGT_EV_CHANGE,   /* data: engine/changes.h: state of the change flow */
	PGT_EV_OPTIMIZE, /* data: engine/tuning.h: state of the optimizer */
	PGT_EV_ROLLOUT,  /* data: engine/rollouts.h: state of the rollout */
	PGT_EV_HISTORY,  /* data: engine/history.h struct pgt_ev_history */
	PGT_EV_RESULT,   /* data: struct pgt_ev_result: answer to a command */
	PGT_EV_NOTICE,   /* data: struct pgt_ev_notice: one line for the status bar */
};

struct pgt_ev_link {
	bool up;
	bool needs_password;
	bool final;	      /* no retry is under way: the operator must act */
	int64_t since_ns;     /* mono */
	int64_t next_try_ns;  /* mono; 0 when up */
	int attempts;
	char message[512];    /* safe text: what is wrong and what to do; "" when up */
	char target[256];     /* user@host:port/db */
};

enum pgt_notice_level { PGT_NOTICE_INFO, PGT_NOTICE_WARN, PGT_NOTICE_ERROR };
struct pgt_ev_notice {
	enum pgt_notice_level level;
	char text[512];
};

/* ---- commands; each returns at once, -1 when the engine cannot take it ---- */

enum pgt_command {
	PGT_CMD_NONE,
	PGT_CMD_CANCEL,	   /* pg_cancel_backend */
	PGT_CMD_TERMINATE, /* pg_terminate_backend */
	PGT_CMD_EXPLAIN,   /* plan of a statement, never executed */
	PGT_CMD_TEXT,	   /* full text of a statement, not cut */
};

/* The answer to a command that was given a ticket. */
struct pgt_ev_result {
	uint64_t ticket;
	enum pgt_command command;
	bool ok;
	struct pgt_err err;
	char *text; /* BLOCK-mode safe text; the event's own */
};
void pgt_ev_result_free(void *ev);

void pgt_engine_set_interval(struct pgt_engine *e, int64_t interval_ns);
void pgt_engine_pause(struct pgt_engine *e, bool pause);
void pgt_engine_kick(struct pgt_engine *e); /* sample now, or retry the link now */
void pgt_engine_set_password(struct pgt_engine *e, const char *password);
/* Sections that are on screen: bits 1u << enum pgt_section_id, and PGT_WANT_IDLE. */
void pgt_engine_want(struct pgt_engine *e, unsigned section_bits);
void pgt_engine_want_texts(struct pgt_engine *e, const struct pgt_query_key *keys,
			   size_t n);

/* Signal a session; pid and backend_start are checked again on the server just
 * before.  Refused in read-only mode.  The answer comes as PGT_EV_RESULT with
 * the ticket that is returned (0 when refused, err filled in). */
uint64_t pgt_engine_signal(struct pgt_engine *e, enum pgt_command which, int pid,
			   int64_t backend_start_us, struct pgt_err *err);
/* Write text to path (0600, its folder is made) on another thread; a notice says
 * where, or why not. */
void pgt_engine_keep(struct pgt_engine *e, const char *path, char *take_text);
/* EXPLAIN (GENERIC_PLAN on 16+; on older servers a parameter-free text only) of
 * the statement that key or text names, in the database it ran in. */
uint64_t pgt_engine_explain(struct pgt_engine *e, const struct pgt_query_key *key,
			    const char *text, const char *database, struct pgt_err *err);

#endif
