/* Sections on their own clocks: I/O, progress, databases, prepared
 * transactions, and what holds back the horizon. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/digest.h"
#include "obs_priv.h"
#include "rel_priv.h"

#define HORIZON_MAX 50

/* ---- pg_stat_io ---- */

enum { IO_READS, IO_WRITES, IO_EXTENDS, IO_FSYNCS, IO_EVICTIONS, IO_HITS, IO_RB, IO_WB,
       IO_RMS, IO_WMS, IO_FMS, IO_N };
static const char *const io_names[IO_N] = {
    "reads", "writes", "extends", "fsyncs", "evictions", "hits", "read_bytes",
    "write_bytes", "read_ms", "write_ms", "fsync_ms"};

/* NULL means that this kind of access does not happen for that object: 0. */
static double
io_rate(double d, double s, bool timed)
{
	return !timed || !isfinite(s) ? NAN : isfinite(d) ? d / s : 0;
}

static uint64_t
io_id(const struct pgt_io *io)
{
	uint32_t a = pgt_digest_crc32c(0, io->backend, strlen(io->backend));
	uint32_t b = pgt_digest_crc32c(7, io->object, strlen(io->object));

	return (uint64_t)a << 32 | pgt_digest_crc32c(b, io->context, strlen(io->context));
}

static void
io_row(struct obs *o, const struct obs_rows *r, size_t i, const int *c, struct pgt_io *p)
{
	bool timed = o->caps.cap[PGT_CAP_TRACK_IO].available;
	double v[IO_N], d[IO_N], s;
	int k;

	for (k = 0; k < IO_N; k++) {
		v[k] = obs_num(r, i, c[k]);
		v[k] = isfinite(v[k]) ? v[k] : 0;
	}
	s = obs_rel_delta(o->ios, io_id(p), v, d, IO_N);
	p->reads = io_rate(d[IO_READS], s, true);
	p->writes = io_rate(d[IO_WRITES], s, true);
	p->extends = io_rate(d[IO_EXTENDS], s, true);
	p->fsyncs = io_rate(d[IO_FSYNCS], s, true);
	p->evictions = io_rate(d[IO_EVICTIONS], s, true);
	p->hits = io_rate(d[IO_HITS], s, true);
	p->read_bytes = io_rate(d[IO_RB], s, true);
	p->write_bytes = io_rate(d[IO_WB], s, true);
	p->read_ms = io_rate(d[IO_RMS], s, timed);
	p->write_ms = io_rate(d[IO_WMS], s, timed);
	p->fsync_ms = io_rate(d[IO_FMS], s, timed);
}

void
obs_feed_io(struct obs *o, const struct obs_rows *r)
{
	size_t n = obs_rows_n(r), i;
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *a = obs_block_arena(block);
	struct pgt_io *rows = pgt_arena_array(a, n ? n : 1, sizeof(*rows));
	int c[IO_N], backend = obs_col(r, "backend"), object = obs_col(r, "object");
	int context = obs_col(r, "context");

	obs_cols(r, io_names, c, IO_N);
	obs_rel_begin(o->ios, o->tick.mono_ns, obs_i64(r, 0, obs_col(r, "reset_us"), 0));
	for (i = 0; rows && i < n; i++) {
		rows[i].backend = obs_text(r, i, backend, a, OBS_NAME_MAX);
		rows[i].object = obs_text(r, i, object, a, OBS_NAME_MAX);
		rows[i].context = obs_text(r, i, context, a, OBS_NAME_MAX);
		if (!rows[i].backend || !rows[i].object || !rows[i].context)
			rows[i].backend = rows[i].object = rows[i].context = "?";
		io_row(o, r, i, c, &rows[i]);
	}
	obs_rel_end(o->ios);
	obs_part_set(o, OBS_P_IO, block, rows, n);
	obs_status_ok(o, PGT_SEC_IO);
	if (!o->caps.cap[PGT_CAP_TRACK_IO].available) {
		o->status[PGT_SEC_IO].partial = true;
		obs_status_why(o, PGT_SEC_IO, o->caps.cap[PGT_CAP_TRACK_IO].why,
			       o->caps.cap[PGT_CAP_TRACK_IO].fix);
	}
}

/* ---- progress ---- */

static int64_t
xact_age(const struct obs *o, int pid)
{
	const struct pgt_activity *rows = o->part[OBS_P_ACTIVITY].rows;
	size_t i;

	for (i = 0; i < o->part[OBS_P_ACTIVITY].n; i++)
		if (rows[i].pid == pid)
			return rows[i].xact_age_ns;
	return -1;
}

void
obs_feed_progress(struct obs *o, const struct obs_rows *r)
{
	size_t n = obs_rows_n(r), i, out = 0;
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *a = obs_block_arena(block);
	struct pgt_progress *rows = pgt_arena_array(a, n ? n : 1, sizeof(*rows));

	for (i = 0; rows && i < n; i++) {
		struct pgt_progress *p = &rows[out];

		p->phase = obs_text(r, i, obs_col(r, "phase"), a, OBS_NAME_MAX);
		if (!p->phase)
			continue; /* another role's: only its process is told */
		p->pid = (int)obs_i64(r, i, obs_col(r, "pid"), 0);
		p->command = obs_text(r, i, obs_col(r, "command"), a, OBS_NAME_MAX);
		p->relation = obs_text(r, i, obs_col(r, "relation"), a, OBS_NAME_MAX);
		p->database = obs_text(r, i, obs_col(r, "database"), a, OBS_NAME_MAX);
		p->done = obs_num(r, i, obs_col(r, "done"));
		p->total = obs_num(r, i, obs_col(r, "total"));
		p->unit = obs_text(r, i, obs_col(r, "unit"), a, OBS_NAME_MAX);
		p->age_ns = xact_age(o, p->pid);
		out++;
	}
	obs_part_set(o, OBS_P_PROGRESS, block, rows, out);
	obs_status_ok(o, PGT_SEC_PROGRESS);
	if (out < n) {
		o->status[PGT_SEC_PROGRESS].partial = true;
		obs_status_why(o, PGT_SEC_PROGRESS, "commands of other roles are hidden",
			       o->caps.cap[PGT_CAP_MONITOR].fix);
	}
}

/* ---- databases ---- */

void
obs_feed_databases(struct obs *o, const struct obs_rows *r)
{
	enum { COMMITS, ROLLBACKS, READ, HIT, TEMP, N };
	static const char *const names[N] = {"commits", "rollbacks", "blks_read",
					     "blks_hit", "temp_bytes"};
	size_t n = obs_rows_n(r), i;
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *a = obs_block_arena(block);
	struct pgt_database *rows = pgt_arena_array(a, n ? n : 1, sizeof(*rows));
	int c[N], k, reset = obs_col(r, "reset_us");

	obs_cols(r, names, c, N);
	obs_rel_begin(o->dbs, o->tick.mono_ns, 0);
	for (i = 0; rows && i < n; i++) {
		struct pgt_database *p = &rows[i];
		double v[N], d[N], s, xacts, blocks;

		p->oid = (uint32_t)obs_i64(r, i, obs_col(r, "oid"), 0);
		p->name = obs_text(r, i, obs_col(r, "name"), a, OBS_NAME_MAX);
		p->backends = (int)obs_i64(r, i, obs_col(r, "backends"), -1);
		for (k = 0; k < N; k++)
			v[k] = obs_num(r, i, c[k]);
		/* each database has its own reset: it belongs to the identity */
		s = obs_rel_delta(
		    o->dbs, p->oid ^ (uint64_t)obs_i64(r, i, reset, 0) << 20, v, d, N);
		xacts = d[COMMITS] + d[ROLLBACKS];
		blocks = d[READ] + d[HIT];
		p->tps = xacts / s;
		p->rollback_pct = xacts > 0 ? 100 * d[ROLLBACKS] / xacts : NAN;
		p->hit_ratio = blocks > 0 ? d[HIT] / blocks : NAN;
		p->temp_bytes = d[TEMP] / s;
		p->size_bytes = -1;
		p->xid_age = obs_i64(r, i, obs_col(r, "xid_age"), -1);
		p->mxid_age = obs_i64(r, i, obs_col(r, "mxid_age"), -1);
	}
	obs_rel_end(o->dbs);
	obs_part_set(o, OBS_P_DATABASES, block, rows, n);
	obs_status_ok(o, PGT_SEC_DATABASES);
}

/* ---- the horizon ---- */

void
obs_feed_prepared(struct obs *o, const struct obs_rows *r)
{
	size_t n = obs_rows_n(r), i;
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *a = obs_block_arena(block);
	struct pgt_horizon *rows = pgt_arena_array(a, n ? n : 1, sizeof(*rows));

	for (i = 0; rows && i < n; i++) {
		int64_t age = obs_i64(r, i, obs_col(r, "age_us"), -1);

		rows[i] = (struct pgt_horizon){
		    .kind = "prepared",
		    .who = obs_text(r, i, obs_col(r, "gid"), a, OBS_NAME_MAX),
		    .xmin_age = obs_i64(r, i, obs_col(r, "xmin_age"), -1),
		    .age_ns = age < 0 ? -1 : age * OBS_US_NS,
		};
	}
	obs_part_set(o, OBS_P_PREPARED, block, rows, n);
	obs_status_ok(o, PGT_SEC_HORIZON);
}

static int
horizon_cmp(const void *a, const void *b)
{
	const struct pgt_horizon *x = a, *y = b;

	return (x->xmin_age < y->xmin_age) - (x->xmin_age > y->xmin_age);
}

static size_t
horizon_sessions(const struct obs *o, struct pgt_horizon *h)
{
	const struct pgt_activity *act = o->part[OBS_P_ACTIVITY].rows;
	size_t n = 0, i;

	for (i = 0; i < o->part[OBS_P_ACTIVITY].n; i++) {
		bool sender = act[i].backend_type &&
			      strcmp(act[i].backend_type, "walsender") == 0;

		if (act[i].xmin_age < 0 || act[i].is_ours)
			continue;
		h[n++] = (struct pgt_horizon){
		    sender ? "standby" : "backend",
		    act[i].app && act[i].app[0] ? act[i].app : act[i].user, act[i].pid,
		    act[i].xmin_age, act[i].xact_age_ns};
	}
	return n;
}

/* From what was read anyway: sessions, senders, slots; and prepared ones. */
void
obs_build_horizon(struct obs *o, struct pgt_snapshot *s)
{
	const struct obs_part *slots = &o->part[OBS_P_SLOTS],
			      *prep = &o->part[OBS_P_PREPARED];
	struct pgt_horizon *h, *out;
	const struct pgt_slot *sl = slots->rows;
	size_t n, i;

	h = pgt_xcalloc(o->part[OBS_P_ACTIVITY].n + slots->n + prep->n, sizeof(*h));
	n = horizon_sessions(o, h);
	for (i = 0; i < slots->n; i++) {
		int64_t age = sl[i].xmin_age > sl[i].catalog_xmin_age
				  ? sl[i].xmin_age
				  : sl[i].catalog_xmin_age;

		if (age >= 0)
			h[n++] = (struct pgt_horizon){"slot", sl[i].name, sl[i].pid, age,
						      -1};
	}
	for (i = 0; i < prep->n; i++)
		h[n++] = ((const struct pgt_horizon *)prep->rows)[i];
	if (n)
		qsort(h, n, sizeof(*h), horizon_cmp);
	if (n > HORIZON_MAX)
		n = HORIZON_MAX;
	out = pgt_arena_array(pgt_snapshot_arena(s), n ? n : 1, sizeof(*out));
	if (out && n) {
		memcpy(out, h, n * sizeof(*out));
		s->horizon = out;
		s->n_horizon = n;
		obs_snapshot_hold(s, prep->block);
	}
	free(h);
}
