/* The slow clock: tables, indexes, settings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "obs_priv.h"
#include "rel_priv.h"

enum { T_SEQ, T_IDX, T_READ, T_INS, T_UPD, T_DEL, T_HOT, T_FETCHED, T_HIT, T_N };
static const char *const table_counters[T_N] = {
    "seq_scan", "idx_scan", "seq_read", "ins", "upd", "del", "hot_upd", "blks_fetched",
    "blks_hit"};

static void
table_rates(struct obs *o, const struct obs_rows *r, size_t i, const int *c,
	    struct pgt_table *t)
{
	double v[T_N], d[T_N], s;
	int k;

	for (k = 0; k < T_N; k++) {
		v[k] = obs_num(r, i, c[k]);
		v[k] = isfinite(v[k]) ? v[k] : 0; /* no index: NULL scans */
	}
	s = obs_rel_delta(o->tables, t->oid, v, d, T_N);
	t->seq_scan = d[T_SEQ] / s;
	t->idx_scan = d[T_IDX] / s;
	t->seq_read = d[T_READ] / s;
	t->ins = d[T_INS] / s;
	t->upd = d[T_UPD] / s;
	t->del = d[T_DEL] / s;
	t->hot_upd = d[T_HOT] / s;
	t->hit_ratio = d[T_FETCHED] > 0 ? d[T_HIT] / d[T_FETCHED] : NAN;
}

void
obs_feed_tables(struct obs *o, const struct obs_rows *r)
{
	size_t n = obs_rows_n(r), i;
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *a = obs_block_arena(block);
	struct pgt_table *rows = pgt_arena_array(a, n ? n : 1, sizeof(*rows));
	int c[T_N];

	obs_cols(r, table_counters, c, T_N);
	obs_rel_begin(o->tables, o->tick.mono_ns,
		      obs_i64(r, 0, obs_col(r, "reset_us"), 0));
	for (i = 0; rows && i < n; i++) {
		struct pgt_table *t = &rows[i];

		t->oid = (uint32_t)obs_i64(r, i, obs_col(r, "oid"), 0);
		t->schema = obs_text(r, i, obs_col(r, "schema"), a, OBS_NAME_MAX);
		t->name = obs_text(r, i, obs_col(r, "name"), a, OBS_NAME_MAX);
		t->database = pgt_arena_strdup(a, o->database);
		table_rates(o, r, i, c, t);
		t->live = obs_i64(r, i, obs_col(r, "live"), -1);
		t->dead = obs_i64(r, i, obs_col(r, "dead"), -1);
		t->mod_since_analyze = obs_i64(r, i, obs_col(r, "mod_since_analyze"), -1);
		t->ins_since_vacuum = obs_i64(r, i, obs_col(r, "ins_since_vacuum"), -1);
		t->size_bytes = (double)obs_i64(r, i, obs_col(r, "size_bytes"), -1);
		t->last_vacuum_s = obs_i64(r, i, obs_col(r, "last_vacuum_s"), -1);
		t->last_analyze_s = obs_i64(r, i, obs_col(r, "last_analyze_s"), -1);
		t->xid_age = obs_i64(r, i, obs_col(r, "xid_age"), -1);
		t->n_indexes = (int)obs_i64(r, i, obs_col(r, "n_indexes"), -1);
		t->vacuum_threshold = obs_num(r, i, obs_col(r, "vacuum_threshold"));
	}
	obs_rel_end(o->tables);
	obs_part_set(o, OBS_P_TABLES, block, rows, n);
	obs_status_ok(o, PGT_SEC_TABLES);
}

void
obs_feed_indexes(struct obs *o, const struct obs_rows *r)
{
	size_t n = obs_rows_n(r), i;
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *a = obs_block_arena(block);
	struct pgt_index *rows = pgt_arena_array(a, n ? n : 1, sizeof(*rows));

	obs_rel_begin(o->indexes, o->tick.mono_ns,
		      obs_i64(r, 0, obs_col(r, "reset_us"), 0));
	for (i = 0; rows && i < n; i++) {
		struct pgt_index *x = &rows[i];
		double v, d, s;

		x->oid = (uint32_t)obs_i64(r, i, obs_col(r, "oid"), 0);
		x->table_oid = (uint32_t)obs_i64(r, i, obs_col(r, "table_oid"), 0);
		x->schema = obs_text(r, i, obs_col(r, "schema"), a, OBS_NAME_MAX);
		x->name = obs_text(r, i, obs_col(r, "name"), a, OBS_NAME_MAX);
		x->table = obs_text(r, i, obs_col(r, "table"), a, OBS_NAME_MAX);
		x->scans_total = obs_i64(r, i, obs_col(r, "scans"), -1);
		v = (double)x->scans_total;
		s = obs_rel_delta(o->indexes, x->oid, &v, &d, 1);
		x->scans = d / s;
		x->stats_age_s = obs_i64(r, i, obs_col(r, "stats_age_s"), -1);
		x->size_bytes = (double)obs_i64(r, i, obs_col(r, "size_bytes"), -1);
		x->unique = obs_bool(r, i, obs_col(r, "is_unique"));
		x->primary = obs_bool(r, i, obs_col(r, "is_primary"));
		x->valid = obs_bool(r, i, obs_col(r, "is_valid"));
		x->constraint = obs_bool(r, i, obs_col(r, "is_constraint"));
		x->definition = obs_text(r, i, obs_col(r, "definition"), a,
					 OBS_QUERY_MAX);
	}
	obs_rel_end(o->indexes);
	obs_part_set(o, OBS_P_INDEXES, block, rows, n);
	obs_status_ok(o, PGT_SEC_INDEXES);
}

static int
setting_cmp(const void *a, const void *b)
{
	return strcmp(((const struct pgt_setting *)a)->name,
		      ((const struct pgt_setting *)b)->name);
}

enum {
	G_NAME,
	G_VALUE,
	G_UNIT,
	G_TYPE,
	G_CONTEXT,
	G_SOURCE,
	G_FILE,
	G_LINE,
	G_BOOT,
	G_RESET,
	G_MIN,
	G_MAX,
	G_PENDING,
	G_N
};
static const char *const setting_names[G_N] = {
    "name", "setting", "unit", "vartype", "context", "source", "sourcefile", "sourceline",
    "boot_val", "reset_val", "min_val", "max_val", "pending_restart"};

void
obs_feed_settings(struct obs *o, const struct obs_rows *r)
{
	size_t n = obs_rows_n(r), i, out = 0;
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *a = obs_block_arena(block);
	struct pgt_setting *rows = pgt_arena_array(a, n ? n : 1, sizeof(*rows));
	int c[G_N];

	obs_cols(r, setting_names, c, G_N);
	o->pending_restart = false;
	for (i = 0; rows && i < n; i++) {
		struct pgt_setting *g = &rows[out];

		g->name = obs_text(r, i, c[G_NAME], a, OBS_NAME_MAX);
		if (!g->name)
			continue;
		g->value = obs_text(r, i, c[G_VALUE], a, OBS_QUERY_MAX);
		g->unit = obs_text(r, i, c[G_UNIT], a, OBS_NAME_MAX);
		g->vartype = obs_text(r, i, c[G_TYPE], a, OBS_NAME_MAX);
		g->context = obs_text(r, i, c[G_CONTEXT], a, OBS_NAME_MAX);
		g->source = obs_text(r, i, c[G_SOURCE], a, OBS_NAME_MAX);
		g->sourcefile = obs_text(r, i, c[G_FILE], a, OBS_QUERY_MAX);
		g->sourceline = (int)obs_i64(r, i, c[G_LINE], 0);
		g->boot_value = obs_text(r, i, c[G_BOOT], a, OBS_QUERY_MAX);
		g->reset_value = obs_text(r, i, c[G_RESET], a, OBS_QUERY_MAX);
		g->min = obs_text(r, i, c[G_MIN], a, OBS_NAME_MAX);
		g->max = obs_text(r, i, c[G_MAX], a, OBS_NAME_MAX);
		g->pending_restart = obs_bool(r, i, c[G_PENDING]);
		o->pending_restart |= g->pending_restart;
		out++;
	}
	if (rows) /* by bytes already, unless an encoding says otherwise */
		qsort(rows, out, sizeof(*rows), setting_cmp);
	o->settings_conf_us = o->cur.conf_us;
	obs_part_set(o, OBS_P_SETTINGS, block, rows, out);
	obs_status_ok(o, PGT_SEC_SETTINGS);
	if (o->have_caps && !o->caps.cap[PGT_CAP_SETTINGS].available) {
		o->status[PGT_SEC_SETTINGS].partial = true;
		obs_status_why(o, PGT_SEC_SETTINGS, o->caps.cap[PGT_CAP_SETTINGS].why,
			       o->caps.cap[PGT_CAP_SETTINGS].fix);
	}
}
