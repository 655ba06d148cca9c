/* From the waits that activity tells and the lock table's rows of the same
 * batch to the forest that the screen shows. */
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "obs_priv.h"

#define ROWS_MAX 2000

enum { L_PID, L_GRANTED, L_MODE, L_TYPE, L_OBJECT, L_TAG, L_WAIT, L_NOW, L_DB, L_N };
static const char *const columns[L_N] = {"pid", "granted", "mode",   "locktype", "object",
					 "tag", "wait_us", "now_us", "datname"};

static int
lockrow_cmp(const void *a, const void *b)
{
	const struct obs_lockrow *x = a, *y = b;

	if (x->pid != y->pid)
		return (x->pid > y->pid) - (x->pid < y->pid);
	return (int)x->granted - (int)y->granted;
}

void
obs_feed_locks(struct obs *o, const struct obs_rows *r)
{
	size_t n = obs_rows_n(r), i;
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *a = obs_block_arena(block);
	struct obs_lockrow *rows = pgt_arena_array(a, n ? n : 1, sizeof(*rows));
	int c[L_N];

	obs_cols(r, columns, c, L_N);
	for (i = 0; rows && i < n; i++) {
		int64_t at = obs_i64(r, i, c[L_WAIT], 0),
			now = obs_i64(r, i, c[L_NOW], 0);

		rows[i].pid = (int)obs_i64(r, i, c[L_PID], 0);
		rows[i].granted = obs_bool(r, i, c[L_GRANTED]);
		rows[i].mode = obs_text(r, i, c[L_MODE], a, OBS_NAME_MAX);
		rows[i].type = obs_text(r, i, c[L_TYPE], a, OBS_NAME_MAX);
		rows[i].object = obs_text(r, i, c[L_OBJECT], a, OBS_NAME_MAX);
		rows[i].tag = obs_text(r, i, c[L_TAG], a, OBS_NAME_MAX);
		rows[i].wait_ns = at > 0 && now >= at ? (now - at) * OBS_US_NS : -1;
	}
	if (rows)
		qsort(rows, n, sizeof(*rows), lockrow_cmp);
	obs_part_set(o, OBS_P_LOCKROWS, block, rows, rows ? n : 0);
}

/* First row of a session; NULL when it has none. */
static const struct obs_lockrow *
rows_of(const struct obs_part *p, int pid, size_t *ret_n)
{
	const struct obs_lockrow *rows = p->rows;
	size_t lo = 0, hi = p->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (rows[mid].pid < pid)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (*ret_n = 0; lo + *ret_n < p->n && rows[lo + *ret_n].pid == pid; ++*ret_n)
		;
	return *ret_n ? &rows[lo] : NULL;
}

/* What a session waits for: its row that is not granted. */
static const struct obs_lockrow *
waits_for(const struct obs_part *p, int pid)
{
	size_t n;
	const struct obs_lockrow *r = rows_of(p, pid, &n);

	return r && !r->granted ? r : NULL; /* sorted: not granted comes first */
}

/* Ahead in the queue but holding nothing that conflicts: it waits as well. */
static bool
is_soft(const struct obs_part *p, const struct pgt_edge *e)
{
	const struct obs_lockrow *want = waits_for(p, e->waiter), *r;
	bool queued = false;
	size_t n, i;

	r = rows_of(p, e->blocker, &n);
	if (!want || !r || !want->tag)
		return false;
	for (i = 0; i < n; i++) {
		if (!r[i].tag || strcmp(r[i].tag, want->tag) != 0)
			continue;
		if (r[i].granted && pgt_forest_conflict(r[i].mode, want->mode))
			return false;
		queued |= !r[i].granted;
	}
	return queued;
}

static int
activity_index(const struct obs *o, int pid)
{
	const struct obs_part *p = &o->part[OBS_P_ACTIVITY];
	const struct pgt_activity *rows = p->rows;
	size_t i;

	for (i = 0; i < p->n; i++)
		if (rows[i].pid == pid)
			return (int)i;
	return -1;
}

static void
fill_lock(const struct obs *o, struct pgt_arena *a, const struct pgt_forest_row *f,
	  struct pgt_lock *l)
{
	const struct pgt_activity *act = o->part[OBS_P_ACTIVITY].rows;
	const struct obs_lockrow *want = waits_for(&o->part[OBS_P_LOCKROWS], f->pid);

	*l = (struct pgt_lock){.pid = f->pid,
			       .depth = f->depth,
			       .parent = f->parent,
			       .victims = f->victims,
			       .soft = f->soft,
			       .wait_ns = -1,
			       .activity = activity_index(o, f->pid)};
	if (want && f->depth > 0) {
		l->lock_type = pgt_arena_strdup(a, want->type);
		l->mode = pgt_arena_strdup(a, want->mode);
		l->object = pgt_arena_strdup(a, want->object);
		l->wait_ns = want->wait_ns;
	}
	/* before 14 the lock does not tell since when: the statement's age bounds it */
	if (f->depth > 0 && l->wait_ns < 0 && l->activity >= 0)
		l->wait_ns = act[l->activity].query_age_ns;
}

void
obs_build_locks(struct obs *o, struct pgt_snapshot *s)
{
	struct pgt_arena *a = pgt_snapshot_arena(s);
	struct pgt_forest_row *f;
	struct pgt_lock *out;
	size_t i, n;

	if (o->n_edges == 0)
		return;
	for (i = 0; i < o->n_edges; i++)
		o->edges[i].soft = is_soft(&o->part[OBS_P_LOCKROWS], &o->edges[i]);
	f = pgt_xcalloc(ROWS_MAX, sizeof(*f));
	n = pgt_forest_build(o->edges, o->n_edges, f, ROWS_MAX);
	out = pgt_arena_array(a, n, sizeof(*out));
	if (out) {
		for (i = 0; i < n; i++)
			fill_lock(o, a, &f[i], &out[i]);
		s->locks = out;
		s->n_locks = n;
	}
	free(f);
}
