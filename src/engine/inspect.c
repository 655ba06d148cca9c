#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/inspect.h"
#include "pg2une/engine/session.h"
#include "pg2une/pg/conn.h"

const struct pgt_inspect_section pgt_inspect_sections[] = {
    {.name = "config",
     .query = "inspect_settings",
     .in_baseline = true,
     .keys = {"name"},
     .summary = "settings"},
    {.name = "activity",
     .query = "inspect_activity",
     .keys = {"pid"},
     .limit = 500,
     .summary = "client sessions"},
    {.name = "waits",
     .query = "inspect_waits",
     .in_baseline = true,
     .keys = {"wait_event_type", "wait_event"},
     .summary = "active sessions by wait event"},
    {.name = "tables",
     .query = "inspect_tables",
     .in_baseline = true,
     .limit = 200,
     .keys = {"relid", "schema", "name"},
     .counters = {"seq_scan", "seq_tup_read", "idx_scan", "idx_tup_fetch", "n_tup_ins",
		  "n_tup_upd", "n_tup_del", "n_tup_hot_upd"},
     .summary = "the 200 most worked-on tables"},
    {.name = "queries",
     .query = "inspect_queries",
     .reset = "statements_reset",
     .in_baseline = true,
     .limit = 500,
     .keys = {"queryid", "userid", "dbid", "toplevel"},
     .counters = {"calls", "total_exec_ms", "rows", "shared_blks_hit", "shared_blks_read",
		  "shared_blks_dirtied", "shared_blks_written", "temp_blks_read",
		  "temp_blks_written", "blk_read_ms", "blk_write_ms", "wal_bytes",
		  "jit_ms"},
     .summary = "the 500 statements with the most time"},
    {.name = "databases",
     .query = "inspect_databases",
     .keys = {"datid", "name"},
     .counters = {"xact_commit", "xact_rollback", "blks_read", "blks_hit", "tup_returned",
		  "tup_fetched", "tup_inserted", "tup_updated", "tup_deleted",
		  "conflicts", "temp_files", "temp_bytes", "deadlocks"},
     .summary = "each database's counters"},
    {.name = "bgwriter",
     .query = "inspect_bgwriter",
     .in_baseline = true,
     .counters = {"checkpoints_timed", "checkpoints_req", "checkpoint_write_ms",
		  "checkpoint_sync_ms", "buffers_checkpoint", "buffers_clean",
		  "maxwritten_clean", "buffers_backend", "buffers_backend_fsync",
		  "buffers_alloc"},
     .summary = "checkpoints and background writing"},
    {.name = "wal",
     .query = "inspect_wal",
     .in_baseline = true,
     .counters = {"wal_records", "wal_fpi", "wal_bytes", "wal_buffers_full", "wal_write",
		  "wal_sync", "wal_write_ms", "wal_sync_ms"},
     .summary = "WAL, from PostgreSQL 14 on"},
    {.name = "io",
     .query = "inspect_io",
     .in_baseline = true,
     .keys = {"backend_type", "object", "context"},
     .counters = {"reads", "writes", "extends", "hits", "evictions", "reuses", "fsyncs",
		  "read_ms", "write_ms"},
     .summary = "pg_stat_io, from PostgreSQL 16 on"},
    {.name = "replication",
     .query = "inspect_replication",
     .in_baseline = true,
     .keys = {"kind", "name"},
     .summary = "senders, slots and the receiver"},
    {.name = "locks",
     .query = "inspect_locks",
     .in_baseline = true,
     .keys = {"locktype", "mode", "granted"},
     .summary = "heavyweight locks, counted"},
    {.name = "control", .query = "inspect_control", .summary = "the control file"},
    {.name = "system",
     .query = "inspect_system",
     .in_baseline = true,
     .counters = {"xact_commit", "xact_rollback", "blks_read", "blks_hit", "tup_returned",
		  "tup_fetched", "tup_inserted", "tup_updated", "tup_deleted",
		  "temp_files", "temp_bytes", "deadlocks"},
     .summary = "version, start, data directory, counters over all databases"},
    {0},
};

#define MAX_SECTIONS PGT_LEN(pgt_inspect_sections)

/* One sample of one section. */
struct sample {
	cJSON *rows; /* NULL with err */
	char *reset;
	int64_t mono_ns;
	struct pgt_err err;
};

static int
find_section(const char *name, size_t len)
{
	int i;

	if (len == 8 && memcmp(name, "settings", 8) == 0) /* its name in the view */
		return 0;
	for (i = 0; pgt_inspect_sections[i].name; i++)
		if (strlen(pgt_inspect_sections[i].name) == len &&
		    memcmp(pgt_inspect_sections[i].name, name, len) == 0)
			return i;
	return -1;
}

int
pgt_inspect_choose(const char *list, bool baseline, uint32_t *ret, struct pgt_err *err)
{
	uint32_t chosen = 0;
	struct pgt_buf known;
	size_t len;
	int i;

	for (i = 0; !list && pgt_inspect_sections[i].name; i++)
		if (!baseline || pgt_inspect_sections[i].in_baseline)
			chosen |= 1u << i;
	for (; list; list = list[len] ? list + len + 1 : NULL) {
		len = strcspn(list, ",");
		i = find_section(list, len);
		if (i >= 0) {
			chosen |= 1u << i;
			continue;
		}
		pgt_buf_init(&known, 400);
		for (i = 0; pgt_inspect_sections[i].name; i++)
			pgt_buf_printf(&known, "%s%s", i ? ", " : "",
				       pgt_inspect_sections[i].name);
		pgt_err_set(err, PGT_E_USAGE, "unknown section \"%.*s\" (known: %s)",
			    len > 40 ? 40 : (int)len, list, pgt_buf_str(&known));
		pgt_buf_done(&known);
		return -1;
	}
	*ret = chosen;
	return 0;
}

/* The newest stats_reset among rows; NULL for none. */
static char *
rows_reset(const cJSON *rows)
{
	const char *newest = NULL, *at;
	const cJSON *row;

	cJSON_ArrayForEach(row, rows) if (pgt_json_get_str(row, "stats_reset", &at) &&
					  (!newest || strcmp(at, newest) > 0))
	    newest = at;
	return newest ? pgt_xstrdup(newest) : NULL;
}

/* -1 only when the connection is gone. */
static int
take_sample(struct pgt_session *s, const struct pgt_inspect_section *sec,
	    struct sample *ret, struct pgt_err *err)
{
	struct pgt_err ignored;
	cJSON *reset = NULL;

	pgt_err_clear(&ret->err);
	ret->mono_ns = pgt_clock_mono_ns();
	if (pgt_session_rows(s, sec->query, NULL, 0, &ret->rows, &ret->err) < 0 &&
	    pgt_conn_state(pgt_session_conn(s)) == PGT_CONN_CLOSED) {
		if (err)
			*err = ret->err;
		return -1;
	}
	if (!ret->rows)
		return 0;
	if (!sec->reset) {
		ret->reset = rows_reset(ret->rows);
	} else if (pgt_session_rows(s, sec->reset, NULL, 0, &reset, &ignored) == 0) {
		ret->reset = rows_reset(reset);
		cJSON_Delete(reset);
	}
	return 0;
}

static void
sample_done(struct sample *a)
{
	cJSON_Delete(a->rows);
	free(a->reset);
}

/* A section's part of the document; takes the rows out of a and b. */
static cJSON *
section_json(const struct pgt_inspect_section *sec, struct sample *a, struct sample *b,
	     bool delta, bool both, bool restarted)
{
	struct sample *last = delta ? b : a;
	bool ok = a->rows && last->rows;
	cJSON *j = cJSON_CreateObject(), *computed = NULL;

	pgt_json_str(j, "name", sec->name);
	pgt_json_bool(j, "available", ok);
	pgt_json_str(j, "error", ok ? NULL : a->rows ? last->err.msg : a->err.msg);
	pgt_json_str(j, "mode", delta && sec->counters[0] ? "delta" : "instant");
	if (ok && delta && sec->counters[0])
		computed = pgt_inspect_rates(sec, a->rows, b->rows, a->reset, b->reset,
					     restarted,
					     (double)(b->mono_ns - a->mono_ns) / 1e9);
	pgt_json_str(j, "stats_reset", last->reset);
	if (delta)
		pgt_json_str(j, "stats_reset_before", a->reset);
	if (both) {
		pgt_json_item(j, "sample1", ok ? a->rows : cJSON_CreateNull());
		pgt_json_item(j, "sample2", ok && delta ? b->rows : cJSON_CreateNull());
		a->rows = ok ? NULL : a->rows;
		b->rows = ok && delta ? NULL : b->rows;
	} else {
		pgt_json_item(j, "data", ok ? last->rows : cJSON_CreateNull());
		last->rows = ok ? NULL : last->rows;
	}
	pgt_json_item(j, "computed", computed ? computed : cJSON_CreateNull());
	return j;
}

static const char *
start_of(const struct sample *system)
{
	const char *start = NULL;

	if (system->rows)
		pgt_json_get_str(system->rows->child, "start_time", &start);
	return start ? start : "";
}

static int
take_all(struct pgt_session *s, uint32_t sections, struct sample *samples,
	 struct pgt_err *err)
{
	size_t i;

	for (i = 0; pgt_inspect_sections[i].name; i++)
		if ((sections & 1u << i) &&
		    take_sample(s, &pgt_inspect_sections[i], &samples[i], err) < 0)
			return -1;
	return 0;
}

int
pgt_inspect_run(struct pgt_session *s, uint32_t sections, int64_t interval_ns,
		bool both_samples, cJSON **ret, struct pgt_err *err)
{
	struct sample a[MAX_SECTIONS] = {0}, b[MAX_SECTIONS] = {0};
	int system = find_section("system", 6), rc = -1;
	/* the start of the postmaster is wanted whenever there are rates */
	uint32_t taken = sections | (interval_ns > 0 ? 1u << system : 0);
	cJSON *top = cJSON_CreateObject(), *identity = NULL, *pre = NULL, *list;
	bool restarted;
	char now[40];
	size_t i;

	if (pgt_session_identity_json(s, &identity, err) < 0 ||
	    pgt_session_prerequisites(s, &pre, err) < 0 || take_all(s, taken, a, err) < 0)
		goto out;
	if (interval_ns > 0 &&
	    (pgt_session_wait(s, interval_ns, err) < 0 || take_all(s, taken, b, err) < 0))
		goto out;
	restarted = interval_ns > 0 &&
		    strcmp(start_of(&a[system]), start_of(&b[system])) != 0;

	pgt_json_str(top, "collected_at",
		     pgt_clock_iso8601(pgt_clock_real_ns(), now, sizeof(now)));
	pgt_json_str(top, "mode", interval_ns > 0 ? "delta" : "instant");
	pgt_json_num(top, "interval_s", (double)interval_ns / 1e9);
	pgt_json_item(top, "identity", identity);
	pgt_json_item(top, "prerequisites", pre);
	identity = pre = NULL;
	list = pgt_json_obj(top, "sections");
	for (i = 0; pgt_inspect_sections[i].name; i++)
		if (sections & 1u << i)
			pgt_json_item(list, pgt_inspect_sections[i].name,
				      section_json(&pgt_inspect_sections[i], &a[i], &b[i],
						   interval_ns > 0, both_samples,
						   restarted));
	*ret = top;
	top = NULL;
	rc = 0;
out:
	for (i = 0; i < MAX_SECTIONS; i++) {
		sample_done(&a[i]);
		sample_done(&b[i]);
	}
	cJSON_Delete(identity);
	cJSON_Delete(pre);
	cJSON_Delete(top);
	return rc;
}
