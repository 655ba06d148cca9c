/* Counters of the whole cluster, and the one place that decides whether the
 * interval between two samples may be turned into rates. */
#include <math.h>
#include <stdlib.h>

#include "pg2une/base/clock.h"
#include "obs_priv.h"

#define RATES_MIN_US 700000

static const char *const counter_names[OBS_C_N] = {
#define X(name) [OBS_C_##name] = #name,
    OBS_COUNTERS(X)
#undef X
};

static int64_t
col_i64(const struct obs_rows *r, const char *name)
{
	return obs_i64(r, 0, obs_col(r, name), 0);
}

static void
basic_parse(const struct obs_rows *r, struct obs_basic *b)
{
	int i;

	b->begin_us = col_i64(r, "begin_us");
	b->stats_us = col_i64(r, "stats_us");
	b->start_us = col_i64(r, "start_us");
	b->conf_us = col_i64(r, "conf_us");
	b->reset_us = col_i64(r, "reset_us");
	b->wal_reset_us = col_i64(r, "wal_reset_us");
	b->bg_reset_us = col_i64(r, "bg_reset_us");
	b->in_recovery = obs_bool(r, 0, obs_col(r, "in_recovery"));
	b->read_only = obs_bool(r, 0, obs_col(r, "read_only"));
	b->max_connections = (int)obs_i64(r, 0, obs_col(r, "max_connections"), -1);
	b->reserved = (int)obs_i64(r, 0, obs_col(r, "reserved"), -1);
	for (i = 0; i < OBS_C_N; i++)
		b->c[i] = obs_num(r, 0, obs_col(r, counter_names[i]));
}

/* By the server's clock, so that the network's jitter is not in the rates; by
 * ours when the server's was set in between. */
static int64_t
basic_interval(const struct obs *o)
{
	int64_t server = (o->cur.stats_us - o->prev.stats_us) * OBS_US_NS;
	int64_t ours = o->tick.mono_ns - o->status[PGT_SEC_BASIC].taken_ns;
	int64_t slack = ours / 2 + PGT_NS_PER_S;

	if (server > ours + slack || server < ours - slack)
		return ours;
	return server;
}

static unsigned
basic_gap(const struct obs *o, int64_t interval_ns)
{
	const struct obs_basic *a = &o->prev, *b = &o->cur;
	unsigned gap = 0;
	int i;

	if (!o->have_prev)
		return PGT_GAP_FIRST;
	if (a->start_us != b->start_us)
		gap |= PGT_GAP_RESTART;
	if (a->in_recovery != b->in_recovery)
		gap |= PGT_GAP_FAILOVER;
	if (a->reset_us != b->reset_us)
		gap |= PGT_GAP_STATS_RESET;
	if (o->tick.reconnected || interval_ns > 3 * o->tick.asked_ns + 2 * PGT_NS_PER_S)
		gap |= PGT_GAP_PAUSE;
	for (i = 0; i <= OBS_C_active_ms; i++)
		if (b->c[i] < a->c[i])
			gap |= PGT_GAP_NEGATIVE;
	return gap;
}

static double
delta(const struct obs *o, enum obs_counter c)
{
	return o->cur.c[c] - o->prev.c[c]; /* NAN if either is */
}

/* A counter of a group with a reset of its own: unknown when it went back. */
static double
delta_group(const struct obs *o, enum obs_counter c, bool same_epoch)
{
	double d = delta(o, c);

	return same_epoch && d >= 0 ? d : NAN;
}

static void
rates_background(struct obs *o, double s)
{
	struct pgt_rates *r = &o->rate;
	bool wal = o->prev.wal_reset_us == o->cur.wal_reset_us;
	bool bg = o->prev.bg_reset_us == o->cur.bg_reset_us;

	r->wal_bytes = delta_group(o, OBS_C_wal_bytes, wal) / s;
	r->wal_records = delta_group(o, OBS_C_wal_records, wal) / s;
	r->wal_fpi = delta_group(o, OBS_C_wal_fpi, wal) / s;
	r->checkpoints_timed = delta_group(o, OBS_C_ckpt_timed, bg);
	r->checkpoints_req = delta_group(o, OBS_C_ckpt_req, bg);
	r->checkpoint_write_ms = delta_group(o, OBS_C_ckpt_write_ms, bg);
	r->checkpoint_sync_ms = delta_group(o, OBS_C_ckpt_sync_ms, bg);
	r->buffers_checkpoint = delta_group(o, OBS_C_buf_ckpt, bg) / s;
	r->buffers_clean = delta_group(o, OBS_C_buf_clean, bg) / s;
	r->buffers_backend = delta_group(o, OBS_C_buf_backend, bg) / s;
	r->buffers_alloc = delta_group(o, OBS_C_buf_alloc, bg) / s;
}

static void
rates_fill(struct obs *o)
{
	struct pgt_rates *r = &o->rate;
	double s = (double)o->interval_ns / (double)PGT_NS_PER_S, blocks;

	/* our own transactions are not the server's work */
	r->commits = fmax(0, delta(o, OBS_C_commits) - o->own_pending) / s;
	r->rollbacks = delta(o, OBS_C_rollbacks) / s;
	r->tps = r->commits + r->rollbacks;
	r->blks_read = delta(o, OBS_C_blks_read) / s;
	r->blks_hit = delta(o, OBS_C_blks_hit) / s;
	blocks = r->blks_read + r->blks_hit;
	r->hit_ratio = blocks > 0 ? r->blks_hit / blocks : NAN;
	r->temp_bytes = delta(o, OBS_C_temp_bytes) / s;
	r->temp_files = delta(o, OBS_C_temp_files) / s;
	r->tup_returned = delta(o, OBS_C_tup_returned) / s;
	r->tup_fetched = delta(o, OBS_C_tup_fetched) / s;
	r->tup_inserted = delta(o, OBS_C_tup_inserted) / s;
	r->tup_updated = delta(o, OBS_C_tup_updated) / s;
	r->tup_deleted = delta(o, OBS_C_tup_deleted) / s;
	r->deadlocks = delta(o, OBS_C_deadlocks);
	r->conflicts = delta(o, OBS_C_conflicts);
	r->sessions_new = delta(o, OBS_C_sessions);
	r->sessions_lost = delta(o, OBS_C_sessions_abandoned) +
			   delta(o, OBS_C_sessions_fatal) +
			   delta(o, OBS_C_sessions_killed);
	r->active_time_ms = delta(o, OBS_C_active_ms) / s;
	r->errors = r->rollbacks;
	if (isfinite(delta(o, OBS_C_sessions_fatal)))
		r->errors += delta(o, OBS_C_sessions_fatal) / s;
	r->blk_read_ms = delta(o, OBS_C_blk_read_ms) / s;
	r->blk_write_ms = delta(o, OBS_C_blk_write_ms) / s;
	if (o->have_caps && !o->caps.cap[PGT_CAP_TRACK_IO].available)
		r->blk_read_ms = r->blk_write_ms = NAN; /* 0 would be a lie */
	rates_background(o, s);
}

static void
rates_unknown(struct obs *o)
{
	double *d = (double *)&o->rate;
	size_t i;

	for (i = 0; i < sizeof(o->rate) / sizeof(*d); i++)
		d[i] = NAN;
}

/* A backend publishes its counters at most once a second since 15; on 13 and 14
 * the collector's copy may still be the same one.  So near a reading says less
 * than the last rates do. */
static bool
is_too_soon(const struct obs *o, const struct obs_basic *b)
{
	const struct obs_basic *a = &o->cur;

	return o->have_cur && !o->tick.reconnected && b->stats_us >= a->stats_us &&
	       b->stats_us - a->stats_us < RATES_MIN_US && b->start_us == a->start_us &&
	       b->reset_us == a->reset_us && b->in_recovery == a->in_recovery;
}

static void
none(double *count)
{
	if (isfinite(*count))
		*count = 0;
}

static void
events_none(struct pgt_rates *r)
{
	none(&r->deadlocks);
	none(&r->conflicts);
	none(&r->checkpoints_timed);
	none(&r->checkpoints_req);
	none(&r->checkpoint_write_ms);
	none(&r->checkpoint_sync_ms);
	none(&r->sessions_new);
	none(&r->sessions_lost);
}

void
obs_feed_basic(struct obs *o, const struct obs_rows *r)
{
	struct obs_basic b;
	int64_t interval;

	if (obs_rows_n(r) != 1)
		return;
	basic_parse(r, &b);
	o->basic_fed = true;
	o->held = is_too_soon(o, &b);
	if (o->held) {
		if (o->have_prev)
			events_none(&o->rate);
		else
			o->gap |= PGT_GAP_FIRST;
		return;
	}
	o->prev = o->cur;
	o->have_prev = o->have_cur;
	o->cur = b;
	o->have_cur = true;

	interval = o->have_prev ? basic_interval(o) : 0;
	o->gap |= basic_gap(o, interval);
	if (interval <= 0)
		o->gap |= o->have_prev ? PGT_GAP_PAUSE : 0;
	if (o->gap) {
		o->interval_ns = 0;
		rates_unknown(o);
	} else {
		o->interval_ns = interval;
		rates_fill(o);
	}
	o->own_pending = 0;
	obs_status_ok(o, PGT_SEC_BASIC);
	if (o->pooled)
		obs_status_why(o, PGT_SEC_BASIC,
			       "through a connection pooler: its own waits are not seen",
			       "connect to the server directly");
	obs_status_ok(o, PGT_SEC_WAL);
	if (b.in_recovery)
		obs_status_why(o, PGT_SEC_WAL, "a standby writes no WAL of its own", "");
}
