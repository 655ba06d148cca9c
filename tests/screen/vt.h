/* A console in process: its terminal is a pipe that libvterm reads.  Golden files
 * hold the text plane and the plane of colour roles. */
#ifndef TESTS_SCREEN_VT_H
#define TESTS_SCREEN_VT_H

#include <stdbool.h>
#include <stddef.h>

#include "ui_priv.h"

struct vt {
	struct pgt_ui ui;
	int rows, cols, fd;
	void *vterm, *screen;
	FILE *in, *out;
	int bells, titles; /* what must never happen */
	size_t bytes;      /* that the console wrote */
	char *stream;      /* all of them */
};

struct vt_opts {
	int rows, cols;
	const char *theme; /* NULL: dark */
	bool ascii, no_color;
	const char *term; /* NULL: xterm-256color */
};

/* The virtual clock stands at VT_NOW; no data yet. */
#define VT_NOW  INT64_C(1000000000000)
#define VT_REAL INT64_C(1767265471000000000) /* 2026-01-01 11:04:31 UTC */
struct vt *vt_open(const struct vt_opts *o);
void vt_close(struct vt *vt);
void vt_draw(struct vt *vt);
/* Keys as in a script: "4<Down><Enter>"; drawn after each. */
void vt_keys(struct vt *vt, const char *keys);
void vt_resize(struct vt *vt, int rows, int cols);
char *vt_text(struct vt *vt);  /* the caller frees */
char *vt_roles(struct vt *vt); /* one letter a cell: see the legend in vt.c */
bool vt_shows(struct vt *vt, const char *text);
/* Compares with golden/NAME.txt, or writes it when PG2UNE_GOLDEN is "write". */
void vt_golden(struct vt *vt, const char *name);
/* Nothing reached the terminal that could move its cursor on its own: the screen
 * that libvterm has is the one curses means. */
void vt_sane(struct vt *vt);

/* fixture.c */
enum fixture { FIXTURE_RICH, FIXTURE_EMPTY, FIXTURE_HOSTILE, FIXTURE_RAW };
const struct pgt_snapshot *fixture_snapshot(enum fixture kind, int64_t mono_ns, int tick);
struct pgt_ev_alerts *fixture_alerts(void);
struct pgt_ev_history *fixture_history(void);
struct pgt_ev_change *fixture_change(enum pgt_flow_stage stage);
/* fixture_runs.c */
struct pgt_ev_optimize *fixture_search(enum pgt_tune_state state);
struct pgt_ev_rollout *fixture_rollout(enum pgt_ro_state state, bool ours);
/* What the advisors say of this snapshot: one dismissed, one accepted. */
struct pgt_ev_advice *fixture_advice(const struct pgt_snapshot *s);
/* Two minutes of history and the newest snapshot. */
void fixture_fill(struct vt *vt, enum fixture kind);
extern const char *const fixture_hostile[];

#endif
