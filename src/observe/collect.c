/* The registry of collectors: what is asked, when, and who reads the answer.
 * Adding one is its SQL, its parser and one line here.  The order is that of the
 * batch; "basic" is the first, its start is the batch's. */
#include <string.h>

#include "pg2une/base/clock.h"
#include "obs_priv.h"

#define S(n)  ((n) * PGT_NS_PER_S)

/* By the extension's version, which an old pg_upgrade leaves behind the server's. */
static int
pgss_minor(const struct obs *o)
{
	const char *v = o->caps.cap[PGT_CAP_STATEMENTS].version;
	int minor = 0;

	if (strncmp(v, "1.", 2) != 0)
		return v[0] ? 11 : 0;
	for (v += 2; *v >= '0' && *v <= '9' && minor < 1000; v++)
		minor = 10 * minor + (*v - '0');
	return minor;
}

static const char *
q_activity(const struct obs *o)
{
	return o->have_caps && !o->caps.cap[PGT_CAP_MONITOR].available ? "activity_all"
	       : o->wanted & PGT_WANT_IDLE ? "activity_all"
					       : "activity";
}

static const char *
q_statements(const struct obs *o)
{
	int v = pgss_minor(o);

	if (v < 8)
		return NULL;
	return v == 8 ? "statements_v8"
	     : v == 9 ? "statements_v9"
	     : v == 10 ? "statements_v10"
		       : "statements_v11";
}

static const char *
q_statements_info(const struct obs *o)
{
	return pgss_minor(o) >= 9 ? "statements_info" : NULL;
}

static const char *
q_texts(const struct obs *o)
{
	int v = pgss_minor(o);

	return v < 8 ? NULL : v == 8 ? "statement_texts_v8" : "statement_texts_v9";
}

static bool
due_texts(const struct obs *o)
{
	return obs_stmts_any_wanted(o->stmts);
}

static bool
due_locks(const struct obs *o)
{
	return o->had_waiters;
}

/* Senders when there are some; now and then in case they came unseen. */
static bool
due_replicas(const struct obs *o)
{
	return o->n_walsenders > 0 || o->part[OBS_P_REPLICAS].n > 0;
}

static bool
due_standby(const struct obs *o)
{
	return o->have_cur && o->cur.in_recovery;
}

/* After each reload the values of before are worth nothing. */
static bool
urgent_settings(const struct obs *o)
{
	return o->settings_conf_us && o->have_cur &&
	       o->cur.conf_us != o->settings_conf_us;
}

/* Several files a session: only while somebody looks. */
static bool
due_procs(const struct obs *o)
{
	return o->wanted & PGT_WANT_IDLE;
}

static int
p_rows(struct obs *o, struct pgt_buf *b)
{
	(void)o;
	pgt_buf_puts(&b[0], "500");
	return 1;
}

static int
p_activity(struct obs *o, struct pgt_buf *b)
{
	size_t i;

	if (strcmp(q_activity(o), "activity_all") == 0) {
		pgt_buf_printf(&b[0], "%zu", o->opts.max_activity);
		return 1;
	}
	pgt_buf_puts(&b[0], "5000"); /* more than are kept, so that all are counted */
	pgt_buf_putc(&b[1], '{');
	for (i = 0; i < o->n_extra; i++)
		pgt_buf_printf(&b[1], "%s%d", i ? "," : "", o->extra_pids[i]);
	pgt_buf_putc(&b[1], '}');
	return 2;
}

static int
p_locks(struct obs *o, struct pgt_buf *b)
{
	(void)o;
	pgt_buf_puts(&b[0], "2000");
	return 1;
}

static int
p_statements(struct obs *o, struct pgt_buf *b)
{
	obs_stmts_known(o->stmts, &b[0]);
	return 1;
}

static int
p_texts(struct obs *o, struct pgt_buf *b)
{
	obs_stmts_untexted(o, &b[0]);
	pgt_buf_printf(&b[1], "%d", OBS_QUERY_MAX);
	return 2;
}

const struct obs_collector obs_collectors[] = {
    {"basic", PGT_SEC_BASIC, 0, 0, PGT_CAP_N, .feed = obs_feed_basic},
    {"activity", PGT_SEC_ACTIVITY, 0, 0, PGT_CAP_N, .query = q_activity,
     .feed = obs_feed_activity, .params = p_activity},
    {"locks", PGT_SEC_LOCKS, 0, 0, PGT_CAP_N, .due = due_locks, .feed = obs_feed_locks,
     .params = p_locks},
    {"names", PGT_SEC_STATEMENTS, S(300), S(300), PGT_CAP_STATEMENTS,
     .feed = obs_feed_names},
    {"statements_count", PGT_SEC_STATEMENTS, S(300), S(300), PGT_CAP_STATEMENTS,
     .feed = obs_feed_statements_count},
    {"texts", PGT_SEC_STATEMENTS, S(1), S(1), PGT_CAP_STATEMENTS, .due = due_texts,
     .query = q_texts, .feed = obs_feed_texts, .params = p_texts},
    {"replicas", PGT_SEC_REPLICATION, S(10), S(1), PGT_CAP_N, .due = due_replicas,
     .feed = obs_feed_replicas},
    {"receiver", PGT_SEC_REPLICATION, S(2), S(1), PGT_CAP_N, .due = due_standby,
     .feed = obs_feed_receiver},
    {"slots", PGT_SEC_REPLICATION, S(10), S(1), PGT_CAP_N, .feed = obs_feed_slots},
    {"io", PGT_SEC_IO, S(10), S(1), PGT_CAP_IO_STATS, .feed = obs_feed_io},
    {"progress", PGT_SEC_PROGRESS, S(10), S(1), PGT_CAP_N, .feed = obs_feed_progress},
    {"databases", PGT_SEC_DATABASES, S(10), S(2), PGT_CAP_N, .feed = obs_feed_databases},
    {"prepared", PGT_SEC_HORIZON, S(30), S(5), PGT_CAP_N, .feed = obs_feed_prepared},
    {"settings", PGT_SEC_SETTINGS, S(60), S(60), PGT_CAP_N, .feed = obs_feed_settings,
     .urgent = urgent_settings},
    {"tables", PGT_SEC_TABLES, S(60), S(10), PGT_CAP_N, .feed = obs_feed_tables,
     .params = p_rows},
    {"indexes", PGT_SEC_INDEXES, S(60), S(20), PGT_CAP_N, .feed = obs_feed_indexes,
     .params = p_rows},
    {"statements_info", PGT_SEC_STATEMENTS, 0, 0, PGT_CAP_STATEMENTS,
     .query = q_statements_info, .feed = obs_feed_statements_info},
    {"statements", PGT_SEC_STATEMENTS, S(1), S(1), PGT_CAP_STATEMENTS,
     .query = q_statements, .feed = obs_feed_statements, .params = p_statements,
     .binary = true},
    {"host", PGT_SEC_HOST, S(2), S(1), PGT_CAP_N, .read = host_read,
     .feed = obs_feed_host},
    {"procs", PGT_SEC_ACTIVITY, S(1), S(1), PGT_CAP_N, .due = due_procs,
     .read = host_read_procs, .feed = obs_feed_procs},
};
const size_t obs_n_collectors = PGT_LEN(obs_collectors);

int
obs_collector_find(const char *name)
{
	size_t i;

	for (i = 0; i < obs_n_collectors; i++)
		if (strcmp(obs_collectors[i].name, name) == 0)
			return (int)i;
	return -1;
}

void
obs_feed(struct obs *o, const struct obs_collector *c, const struct obs_rows *r)
{
	if (r->ok)
		c->feed(o, r);
	else
		obs_status_err(o, c->section, &r->err);
}
