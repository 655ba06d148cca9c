/* The console's state, and what a screen, a panel and a page are.
 *
 *   screen  an arrangement of panels, chosen by 1-9 (a table of const ops)
 *   panel   one frame: a table, or drawn by itself (a file each, const ops)
 *   page    a document over the screen: details, help (a stack, Esc goes back)
 *   prompt  one line of input at the bottom
 *   dialog  a question (CDK), modal, with the panels live behind it
 *
 * Owner: the main thread. */
#ifndef PG2UNE_UI_UI_PRIV_H
#define PG2UNE_UI_UI_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "canvas_priv.h"
#include "doc_priv.h"
#include "plot_priv.h"
#include "pg2une/engine/advice.h"
#include "pg2une/engine/alerts.h"
#include "pg2une/engine/changes.h"
#include "pg2une/engine/engine.h"
#include "pg2une/engine/history.h"
#include "pg2une/engine/rollouts.h"
#include "pg2une/engine/tuning.h"
#include "pg2une/observe/snapshot.h"
#include "request_priv.h"
#include "grid_priv.h"

#define PGT_MAX_PANELS  8
#define PGT_MAX_PAGES   8
#define PGT_MAX_SCREENS 16

struct pgt_options;
struct pgt_ui;
struct pgt_panel;
struct pgt_dialog;
struct pgt_script;

struct pgt_panel_ops {
	const char *name, *title;
	unsigned sections;                /* bits it needs: collected while on screen */
	enum pgt_section_id main_section; /* when unavailable, the panel says why */
	bool needs_section;
	const struct pgt_grid_ops *table; /* ctx is the struct pgt_ui; NULL: no rows */
	/* Draws the inside; NULL for the table alone. */
	void (*draw)(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
		     bool focused);
	/* In place of title, when it carries a figure; may be NULL. */
	void (*title_now)(const struct pgt_ui *ui, char *buf, size_t size);
	/* At the right of the frame; NULL for the table's own. */
	void (*remark)(const struct pgt_ui *ui, char *buf, size_t size,
		       enum pgt_role *role);
	/* True when it was taken. */
	bool (*request)(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r);
	/* What its keys do: requests by name, "open=detail" to say more, "_" a blank. */
	const char *hints;
	/* After those, keys that do something only at times; may be NULL. */
	const char *(*hints_now)(const struct pgt_ui *ui);
	const char *source; /* where its numbers come from: for w */
	void (*source_more)(const struct pgt_ui *ui, struct pgt_doc *doc);
};

struct pgt_panel {
	const struct pgt_panel_ops *ops;
	struct pgt_grid table;
	struct pgt_rect r; /* h 0: not on this layout; Tab still goes there, */
	bool spare;	   /* unless another shows the same, or it is empty here */
};

struct pgt_screen_ops {
	enum pgt_request request; /* the key that opens it */
	const char *title;
	const struct pgt_panel_ops *panels[PGT_MAX_PANELS + 1];
	/* Places panels in area: sets r of each; h 0 leaves one out. */
	void (*layout)(struct pgt_ui *ui, struct pgt_rect area, struct pgt_panel *panels);
};

struct pgt_screen_state {
	const struct pgt_screen_ops *ops;
	struct pgt_panel panels[PGT_MAX_PANELS];
	int n_panels, focus, wish; /* wish: to be in focus where there is room */
	bool zoom;
	bool tabbed; /* the focus was moved by hand: to a hidden one too */
};

/* ---- pages ---- */

struct pgt_page;
struct pgt_page_ops {
	const char *name;
	/* Writes the document anew, from the newest snapshot. */
	void (*build)(struct pgt_page *p, struct pgt_ui *ui);
	bool (*request)(struct pgt_page *p, struct pgt_ui *ui, enum pgt_request r);
	const char *hints; /* as of a panel */
};

struct pgt_page {
	uint64_t alert; /* alert pages: its id */
	const struct pgt_page_ops *ops;
	char title[160];
	struct pgt_doc doc;
	int pid; /* session pages */
	int64_t backend_start_us;
	struct pgt_query_key key;     /* query pages */
	char *text, *plan, *database; /* the page's own */
	struct pgt_err plan_err;
	uint32_t oid;                      /* table pages */
	uint64_t ticket;                   /* of the answer that it waits for */
	const struct pgt_panel_ops *panel; /* source pages */
	int sort_column;
	enum pgt_request screen; /* help pages */
};

/* ---- prompt ---- */

enum pgt_prompt_kind {
	PGT_PROMPT_NONE,
	PGT_PROMPT_FILTER,
	PGT_PROMPT_SEARCH,
	PGT_PROMPT_COMMAND,
	PGT_PROMPT_PASSWORD
};
struct pgt_prompt {
	enum pgt_prompt_kind kind;
	char text[256];
	size_t len;
	int choice; /* in the palette's list */
	char error[160];
};

/* ---- what was kept ---- */

struct pgt_past_row { /* an alert or a change, as page and table show it */
	const struct pgt_kept_alert *alert; /* one of both */
	const struct pgt_kept_change *change;
	int64_t ms;
};

/* The range of the history that is on the screen: panel_history.c. */
struct pgt_past {
	struct pgt_ev_history *ev; /* ours; NULL before the first answer */
	struct pgt_past_row *rows; /* of ev, newest first */
	size_t n_rows;
	int range;	       /* into the table of ranges */
	int64_t to_ms;	       /* its end; 0: now */
	int64_t asked_mono_ns; /* 0 never */
	bool waiting, stale;   /* stale: another range was chosen meanwhile */
};

/* ---- the whole ---- */

struct pgt_ui {
	struct pgt_engine *engine; /* NULL in tests */
	const struct pgt_options *opts;
	const char *environment, *cluster; /* of the options; may be NULL */
	bool read_only;
	int64_t interval_ns;

	const struct pgt_snapshot *snap; /* shown; NULL before the first */
	struct pgt_ev_alerts *alerts;    /* ours; NULL before the first */
	struct pgt_ev_change *change;    /* ours; NULL before the first */
	struct pgt_ev_advice *advice;    /* ours; NULL before the first */
	struct pgt_ev_optimize *search;  /* ours; NULL before the first */
	struct pgt_ev_rollout *rollout;  /* ours; NULL before the first */
	struct pgt_tune_opts tune;       /* what the form of a search holds */
	struct pgt_plot *history;
	struct pgt_past past;
	struct pgt_ev_link link;
	bool have_link, paused;

	struct pgt_theme theme;
	struct pgt_screen_state screens[PGT_MAX_SCREENS];
	int n_screens, screen, last_screen;
	struct pgt_page pages[PGT_MAX_PAGES];
	int n_pages;
	struct pgt_prompt prompt;
	struct pgt_dialog *dialog;
	struct pgt_script *script;

	struct pgt_ev_notice notice;
	int64_t notice_until_ns;
	unsigned wanted;       /* sections asked for last */
	uint64_t wanted_texts; /* hash of the keys asked for last */
	int jobs;              /* answers that are awaited */

	int64_t event_real_ns; /* newest event that was marked */
	bool watching;	     /* rollouts of others: asked of the engine */
	bool dirty, quit;
	int exit_code;
	int child;           /* pid of psql while it has the terminal, else 0 */
	char switch_to[128]; /* cluster to go on with after the end */
};

/* The registry: all screens, ends with ops NULL. */
extern const struct pgt_screen_ops *const pgt_screens[];

extern const struct pgt_panel_ops pgt_panel_throughput, pgt_panel_latency,
    pgt_panel_sessions, pgt_panel_waiting, pgt_panel_blocked, pgt_panel_top,
    pgt_panel_summary, pgt_panel_mini, pgt_panel_activity, pgt_panel_locks,
    pgt_panel_queries, pgt_panel_waits, pgt_panel_wait_graph, pgt_panel_wal,
    pgt_panel_checkpoints, pgt_panel_io, pgt_panel_replicas, pgt_panel_slots,
    pgt_panel_horizon, pgt_panel_receiver, pgt_panel_tables, pgt_panel_indexes,
    pgt_panel_progress, pgt_panel_host, pgt_panel_databases, pgt_panel_cost,
    pgt_panel_alerts, pgt_panel_events, pgt_panel_charts, pgt_panel_rules,
    pgt_panel_track, pgt_panel_items, pgt_panel_log, pgt_panel_now, pgt_panel_advice,
    pgt_panel_chosen, pgt_panel_search, pgt_panel_search_chart, pgt_panel_trials,
    pgt_panel_knobs, pgt_panel_effect, pgt_panel_past_tps, pgt_panel_past_p99,
    pgt_panel_past_hit, pgt_panel_past_active, pgt_panel_past_waiting, pgt_panel_past_wal,
    pgt_panel_past_rows, pgt_panel_rollout, pgt_panel_ro_primary, pgt_panel_ro_canary,
    pgt_panel_ro_evidence, pgt_panel_ro_log;

extern const struct pgt_grid_ops pgt_grid_activity, pgt_grid_locks, pgt_grid_queries;

/* ui.c: life */
void pgt_ui_init(struct pgt_ui *ui, struct pgt_engine *e, const struct pgt_options *o);
void pgt_ui_done(struct pgt_ui *ui);
/* Take an event over; msg is freed. */
void pgt_ui_event(struct pgt_ui *ui, struct pgt_msg *take_msg);
void pgt_ui_snapshot(struct pgt_ui *ui, const struct pgt_snapshot *take_snap);
void pgt_ui_notice(struct pgt_ui *ui, enum pgt_notice_level level, const char *fmt, ...)
    PGT_PRINTF(3, 4);
bool pgt_ui_goto(struct pgt_ui *ui, enum pgt_request screen);
struct pgt_screen_state *pgt_ui_screen(struct pgt_ui *ui);
struct pgt_panel *pgt_ui_focus(struct pgt_ui *ui);
/* When something on screen changes by itself (an age, a notice): mono ns. */
int64_t pgt_ui_wakeup_ns(const struct pgt_ui *ui);
const struct pgt_section *pgt_ui_section(const struct pgt_ui *ui, enum pgt_section_id id);

/* The most severe alert that is open and not acknowledged; NULL. */
const struct pgt_alert *pgt_ui_worst_alert(const struct pgt_ui *ui);
/* "p99 latency up 63% since 12:03:50" */
char *pgt_alert_line(const struct pgt_alert *a, char *buf, size_t size);
bool pgt_alert_is_silent(const struct pgt_alert *a);
/* Acknowledge or (S again: end the) silence; false: not such a request. */
bool pgt_alert_request(struct pgt_ui *ui, const struct pgt_alert *a, enum pgt_request r);
/* Alerts of a's kind are silent for so long; 0: told again. */
void pgt_alert_silence(struct pgt_ui *ui, const struct pgt_alert *a, int64_t for_ns);
/* The alert of the page on top, or in the focus; NULL: none. */
const struct pgt_alert *pgt_ui_current_alert(struct pgt_ui *ui);

/* ui_draw.c */
void pgt_ui_draw(struct pgt_ui *ui);
void pgt_ui_layout(struct pgt_ui *ui);
void pgt_ui_want(struct pgt_ui *ui);

/* ui_header.c */
void pgt_header_draw(const struct pgt_ui *ui, const struct pgt_canvas *c);
void pgt_status_draw(const struct pgt_ui *ui, const struct pgt_canvas *c);
void pgt_hints_draw(const struct pgt_ui *ui, const struct pgt_canvas *c);
/* Age of the shown data; -1 when there is none.  stale: past three intervals. */
int64_t pgt_ui_data_age_ns(const struct pgt_ui *ui, bool *ret_stale);

/* ui_request.c */
void pgt_ui_key(struct pgt_ui *ui, int key, const struct pgt_mouse *m);
void pgt_ui_request(struct pgt_ui *ui, enum pgt_request r);

/* prompt.c */
void pgt_prompt_open(struct pgt_ui *ui, enum pgt_prompt_kind kind);
void pgt_prompt_key(struct pgt_ui *ui, int key);
void pgt_prompt_draw(const struct pgt_ui *ui, const struct pgt_canvas *c);
void pgt_palette_draw(const struct pgt_ui *ui, const struct pgt_canvas *area);

/* page.c */
struct pgt_page *pgt_page_push(struct pgt_ui *ui, const struct pgt_page_ops *ops);
void pgt_page_pop(struct pgt_ui *ui);
struct pgt_page *pgt_page_top(struct pgt_ui *ui);
bool pgt_page_request(struct pgt_ui *ui, enum pgt_request r);
void pgt_page_draw(struct pgt_ui *ui, const struct pgt_canvas *c);
void pgt_page_open_help(struct pgt_ui *ui);
void pgt_page_open_source(struct pgt_ui *ui, struct pgt_panel *p);
void pgt_page_open_session(struct pgt_ui *ui, const struct pgt_activity *a);
void pgt_page_open_query(struct pgt_ui *ui, const struct pgt_query *q);
void pgt_page_open_table(struct pgt_ui *ui, const struct pgt_table *t);
/* panel_history.c: an answer (its message is taken); ask where the screen is open. */
void pgt_past_event(struct pgt_ui *ui, struct pgt_msg *take_from);
void pgt_past_refresh(struct pgt_ui *ui);
void pgt_past_done(struct pgt_past *p);
void pgt_page_open_kept(struct pgt_ui *ui, const struct pgt_past_row *r);
void pgt_page_open_alert(struct pgt_ui *ui, const struct pgt_alert *a);
void pgt_page_open_whatif(struct pgt_ui *ui, int pid);
void pgt_page_explain(struct pgt_ui *ui, struct pgt_page *p);
void pgt_page_result(struct pgt_ui *ui, const struct pgt_ev_result *r);

/* signal_flow.c: cancel and terminate, with their question */
void pgt_flow_signal(struct pgt_ui *ui, enum pgt_command which, int pid,
		     int64_t start_us);
void pgt_flow_clusters(struct pgt_ui *ui);
void pgt_flow_sort(struct pgt_ui *ui);
void pgt_flow_psql(struct pgt_ui *ui);
void pgt_flow_child_ended(struct pgt_ui *ui);

/* incident.c: what the console knows, as JSON; the caller frees.  _write has the
 * engine keep it, and a notice say where. */
char *pgt_incident_text(const struct pgt_ui *ui);
void pgt_incident_write(struct pgt_ui *ui);

bool pgt_ui_is_production(const struct pgt_ui *ui);

/* flow_change.c: the words that move a change */
void pgt_flow_change_go(struct pgt_ui *ui);
void pgt_flow_change_confirm(struct pgt_ui *ui);
void pgt_flow_change_rollback(struct pgt_ui *ui);
void pgt_flow_change_set(struct pgt_ui *ui, const char *words, struct pgt_err *err);
bool pgt_flow_rollback_possible(const struct pgt_ui *ui);
/* False when a question was asked first. */
bool pgt_flow_may_quit(struct pgt_ui *ui);
void pgt_page_open_item(struct pgt_ui *ui, uint32_t index);

/* panel_search.c, panel_effect.c, flow_search.c: the optimizer */
bool pgt_search_running(const struct pgt_ui *ui);
/* It has ended, and with something else than what is there. */
bool pgt_search_proposes(const struct pgt_ev_optimize *s);
const char *pgt_search_mode_name(enum pgt_tune_mode m);
const char *pgt_search_objective_name(enum pgt_tune_objective o);
/* The keys that steer it, as hints_now of its panels. */
const char *pgt_search_keys(const struct pgt_ui *ui);
/* Hints that the proposal has: nothing that could be a draft. */
size_t pgt_search_hints(const struct pgt_ev_optimize *s);
/* What of it can be applied: settings and indexes. */
size_t pgt_search_changes(const struct pgt_ev_optimize *s);
/* "+14.2% [+9.1 +19.0]"; "-" for NAN. */
char *pgt_search_gain(double pct, double lo, double hi, char *buf, size_t size);
/* "91% sure"; never 100. */
char *pgt_search_sure(double confidence, char *buf, size_t size);
/* "customer_o…items(customer…id)" of an index's label, where cells are fewer: table and
 * columns each keep both their ends. */
char *pgt_search_index_label(const char *label, int cells, char *buf, size_t size);
void pgt_page_open_trial(struct pgt_ui *ui, int id);
void pgt_page_open_knob(struct pgt_ui *ui, uint32_t index);
void pgt_flow_search_go(struct pgt_ui *ui); /* the form, or the proposal */
void pgt_flow_search_hold(struct pgt_ui *ui);
void pgt_flow_search_stop(struct pgt_ui *ui);
void pgt_flow_search_restore(struct pgt_ui *ui);

/* panel_rollout.c, flow_rollout.c */
bool pgt_rollout_under_way(const struct pgt_ui *ui);
void pgt_flow_rollout_confirm(struct pgt_ui *ui);
void pgt_flow_rollout_hold(struct pgt_ui *ui);
void pgt_flow_rollout_rollback(struct pgt_ui *ui);

/* Rows by identity in the shown snapshot; NULL when gone. */
const struct pgt_activity *pgt_find_session(const struct pgt_ui *ui, int pid);
const struct pgt_query *pgt_find_query(const struct pgt_ui *ui,
				       const struct pgt_query_key *k);
uint64_t pgt_query_id(const struct pgt_query_key *k);

#endif
