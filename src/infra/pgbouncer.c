/* PgBouncer as a router.  Facts seen on 1.18 (docs/rollout.md): RELOAD alone moves
 * persistent clients without an error, but an admin command that meets a server
 * connection in mid-login freezes the pool for server_login_retry; RELOAD says
 * RELOAD even when the file is broken.  So: wait until no login is under way (to leave
 * a canary that hangs in one: not for ever), rename the file into place, RELOAD at once
 * when that took no login, and read back what is in force. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/infra/router.h"
#include "pg2une/pg/conn.h"

#define TIMEOUT_NS  (5 * PGT_NS_PER_S)
#define QUIET_MS    50			/* two looks this far apart */
#define CALM_LOOKS  10			/* min_pool_size is filled one each 333 ms */
#define CALM_NS     (10 * PGT_NS_PER_S) /* the longest wait for such a pool */
#define QUIET_NS    (20 * PGT_NS_PER_S) /* the longest wait for logins to end */
#define LEAVE_CALM  (1 * PGT_NS_PER_S)  /* both, to leave the canary */
#define LEAVE_NS    (3 * PGT_NS_PER_S)
#define LAST_NS     (1 * PGT_NS_PER_S) /* for the login that began meanwhile */
#define POOL_MIN    20			/* server connections for a share of 5% */
#define ROUTES_MAX  (1u << 20)

struct bouncer {
	char *routes_file, *aside, *pool, *primary, *canary;
	struct pgt_connspec *spec;
	struct pgt_conn *c;
};

static void
bouncer_close(void *p)
{
	struct bouncer *b = p;

	pgt_conn_free(b->c);
	pgt_connspec_free(b->spec);
	free(b->routes_file);
	free(b->aside);
	free(b->pool);
	free(b->primary);
	free(b->canary);
	free(b);
}

static int
bouncer_open(const struct pgt_router_opts *o, void **ret, struct pgt_err *err)
{
	struct pgt_connargs args = {.dbname = o->admin};
	struct bouncer *b;

	if (!o->admin || !o->routes_file || !o->pool || !o->primary || !o->canary)
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "the pgbouncer router needs its admin conninfo, routes file, "
		    "pool, primary and canary");
	b = pgt_xcalloc(1, sizeof(*b));
	b->routes_file = pgt_xstrdup(o->routes_file);
	b->aside = pgt_xasprintf("%s.pg2une", o->routes_file);
	b->pool = pgt_xstrdup(o->pool);
	b->primary = pgt_xstrdup(o->primary);
	b->canary = pgt_xstrdup(o->canary);
	if (pgt_connspec_new(&args, &b->spec, err) < 0) {
		bouncer_close(b);
		return -1;
	}
	b->c = pgt_conn_new(b->spec, PGT_CONN_QUERY);
	*ret = b;
	return 0;
}

/* The admin console's connection is made anew when it was lost. */
static int
ask(struct bouncer *b, const char *command, struct pgt_result **ret, struct pgt_err *err)
{
	if (pgt_conn_state(b->c) == PGT_CONN_CLOSED &&
	    pgt_conn_run_connect(b->c, TIMEOUT_NS, err) < 0) {
		pgt_err_prefix(err, "PgBouncer's console");
		return -1;
	}
	if (pgt_conn_run_simple(b->c, command, TIMEOUT_NS, ret, err) < 0) {
		pgt_err_prefix(err, "PgBouncer, %s", command);
		return -1;
	}
	return 0;
}

static bool
row_is(const struct pgt_result *r, size_t row, const char *col, const char *value)
{
	const char *s = pgt_result_str(r, row, pgt_result_col(r, col));

	return s && strcmp(s, value) == 0;
}

struct traffic {
	int64_t logins, servers; /* under way; connections in any state */
};

static int
look_at_pool(struct bouncer *b, struct traffic *ret, struct pgt_err *err)
{
	static const char *const states[] = {"sv_active", "sv_idle", "sv_used",
					     "sv_tested"};
	struct pgt_result *r = NULL;
	struct traffic t = {0};

	if (ask(b, "SHOW POOLS", &r, err) < 0)
		return -1;
	for (size_t i = 0; i < pgt_result_rows(r); i++) {
		if (!row_is(r, i, "database", b->pool))
			continue;
		t.logins += pgt_result_i64(r, i, pgt_result_col(r, "sv_login"), 0);
		for (size_t k = 0; k < PGT_LEN(states); k++)
			t.servers +=
			    pgt_result_i64(r, i, pgt_result_col(r, states[k]), 0);
	}
	pgt_result_free(r);
	*ret = t;
	return 0;
}

/* A pool that is being filled logs in one after the other, with moments between them
 * (up to 333 ms, its housekeeping): calm is when its connections have stayed the same for
 * longer.  Where they never do, the traffic cannot wait for that: two looks without a
 * login must do.  Nor can it wait to leave a canary that froze in a login: that ends by
 * server_connect_timeout only. */
static int
wait_quiet(struct bouncer *b, bool leave, struct pgt_err *err)
{
	int64_t begun = pgt_clock_mono_ns(), waited = 0;
	struct traffic t, last = {.servers = -1};
	int quiet = 0, calm = 0;

	for (;;) {
		if (look_at_pool(b, &t, err) < 0)
			return -1;
		quiet = t.logins == 0 ? quiet + 1 : 0;
		calm = t.logins == 0 && t.servers == last.servers ? calm + 1 : 0;
		waited = pgt_clock_mono_ns() - begun;
		if (calm >= CALM_LOOKS ||
		    (quiet >= 2 && waited > (leave ? LEAVE_CALM : CALM_NS)))
			return 0;
		if (leave && waited > LEAVE_NS)
			return 0;
		if (waited > QUIET_NS)
			return pgt_err_set(
			    err, PGT_E_TIMEOUT,
			    "PgBouncer has kept logging in to its servers for "
			    "20 s: nothing was changed");
		last = t;
		poll(NULL, 0, QUIET_MS);
	}
}

/* The disk may have taken its time over the file. */
static int
wait_for_the_last(struct bouncer *b, struct pgt_err *err)
{
	int64_t until = pgt_clock_mono_ns() + LAST_NS;
	struct traffic t;

	for (;;) {
		if (look_at_pool(b, &t, err) < 0)
			return -1;
		if (t.logins == 0 || pgt_clock_mono_ns() > until)
			return 0;
		poll(NULL, 0, QUIET_MS / 10);
	}
}

/* What is in force: the host list of our pool; the caller frees. */
static int
hosts_in_force(struct bouncer *b, char **ret, struct pgt_err *err)
{
	struct pgt_result *r = NULL;
	char *hosts = NULL;

	if (ask(b, "SHOW DATABASES", &r, err) < 0)
		return -1;
	for (size_t i = 0; i < pgt_result_rows(r) && !hosts; i++) {
		const char *h = pgt_result_str(r, i, pgt_result_col(r, "host"));

		if (row_is(r, i, "name", b->pool))
			hosts = pgt_xstrdup(h ? h : "");
	}
	pgt_result_free(r);
	if (!hosts)
		return pgt_err_set(err, PGT_E_NOTFOUND,
				   "PgBouncer has no database \"%s\"", b->pool);
	*ret = hosts;
	return 0;
}

static int
setting_must_be(const struct pgt_result *r, const char *name, const char *wanted,
		struct pgt_err *err)
{
	for (size_t i = 0; i < pgt_result_rows(r); i++)
		if (row_is(r, i, "key", name))
			return row_is(r, i, "value", wanted)
				   ? 0
				   : pgt_err_set(
					 err, PGT_E_UNSUPPORTED,
					 "PgBouncer needs %s = %s in its configuration",
					 name, wanted);
	return pgt_err_set(err, PGT_E_UNSUPPORTED, "this PgBouncer has no %s", name);
}

static int
check_pool(struct bouncer *b, struct pgt_err *err)
{
	struct pgt_result *r = NULL;
	int64_t size = 0;

	if (ask(b, "SHOW DATABASES", &r, err) < 0)
		return -1;
	for (size_t i = 0; i < pgt_result_rows(r); i++)
		if (row_is(r, i, "name", b->pool))
			size = pgt_result_i64(r, i, pgt_result_col(r, "pool_size"), 0);
	pgt_result_free(r);
	if (size < POOL_MIN)
		return pgt_err_set(
		    err, PGT_E_UNSUPPORTED,
		    "pool_size of %s is %lld: below %d a share of 5%% cannot be "
		    "kept; raise it",
		    b->pool, (long long)size, POOL_MIN);
	return 0;
}

static int
bouncer_check(void *p, struct pgt_err *err)
{
	struct bouncer *b = p;
	struct pgt_result *r = NULL;
	struct pgt_buf text;
	char *hosts = NULL, *edited = NULL;
	int rc;

	if (hosts_in_force(b, &hosts, err) < 0)
		return -1;
	free(hosts);
	if (ask(b, "SHOW CONFIG", &r, err) < 0)
		return -1;
	rc = setting_must_be(r, "server_round_robin", "1", err);
	pgt_result_free(r);
	if (rc < 0 || check_pool(b, err) < 0)
		return -1;
	pgt_buf_init(&text, ROUTES_MAX);
	rc = pgt_file_read(b->routes_file, &text, err);
	if (rc == 0)
		rc = pgt_router_edit_routes(pgt_buf_str(&text), b->pool, "x", &edited,
					    err);
	if (rc < 0)
		pgt_err_prefix(err, "%s", b->routes_file);
	else
		unlink(b->aside); /* of a rollout that was lost long ago */
	free(edited);
	pgt_buf_done(&text);
	return rc;
}

/* The file `from` with our pool's hosts replaced becomes the routes file; mode and
 * owner stay those of `from`. */
static int
rewrite(struct bouncer *b, const char *from, const char *hosts, struct pgt_err *err)
{
	struct stat st;
	struct pgt_buf text;
	char *edited = NULL;
	int rc = -1;

	pgt_buf_init(&text, ROUTES_MAX);
	if (stat(from, &st) < 0)
		pgt_err_set(err, PGT_E_IO, "%s: %s", from, pgt_strerror(errno));
	else if (pgt_file_read(from, &text, err) == 0 &&
		 pgt_router_edit_routes(pgt_buf_str(&text), b->pool, hosts, &edited,
					err) == 0)
		rc = pgt_file_replace(b->routes_file, edited, strlen(edited),
				      st.st_mode & 07777, err);
	/* the pooler runs as somebody else, perhaps */
	if (rc == 0 && geteuid() == 0 &&
	    chown(b->routes_file, st.st_uid, st.st_gid) < 0)
		rc = pgt_err_set(err, PGT_E_IO, "%s: %s", b->routes_file,
				 pgt_strerror(errno));
	free(edited);
	pgt_buf_done(&text);
	return rc;
}

/* Before the first shift the file is put aside, as it was when it was whole: whoever
 * breaks or removes it meanwhile must not keep the traffic on the canary. */
static int
put_aside(const struct bouncer *b, struct pgt_err *err)
{
	struct stat st;
	struct pgt_buf text;
	int rc = -1;

	if (access(b->aside, F_OK) == 0)
		return 0;
	pgt_buf_init(&text, ROUTES_MAX);
	if (stat(b->routes_file, &st) < 0)
		pgt_err_set(err, PGT_E_IO, "%s: %s", b->routes_file, pgt_strerror(errno));
	else if (pgt_file_read(b->routes_file, &text, err) == 0)
		rc = pgt_file_replace(b->aside, pgt_buf_str(&text), text.len,
				      st.st_mode & 07777, err);
	if (rc == 0 && geteuid() == 0 && chown(b->aside, st.st_uid, st.st_gid) < 0)
		rc = pgt_err_set(err, PGT_E_IO, "%s: %s", b->aside, pgt_strerror(errno));
	pgt_buf_done(&text);
	return rc;
}

static int
write_routes(struct bouncer *b, const char *hosts, bool home, struct pgt_err *err)
{
	struct pgt_err ignored;

	if (rewrite(b, b->routes_file, hosts, err) == 0)
		return 0;
	return home ? rewrite(b, b->aside, hosts, &ignored) : -1;
}

static int
reload(struct bouncer *b, const char *hosts, struct pgt_err *err)
{
	struct pgt_result *r = NULL;
	char *now = NULL;
	int rc = -1;

	if (ask(b, "RELOAD", &r, err) < 0 || hosts_in_force(b, &now, err) < 0)
		goto out;
	if (strcmp(now, hosts) != 0)
		pgt_err_set(
		    err, PGT_E_STATE,
		    "PgBouncer answered RELOAD but kept its old routes: look into its "
		    "log for what is wrong with its files");
	else
		rc = 0;
out:
	pgt_result_free(r);
	free(now);
	return rc;
}

static int
bouncer_set(void *p, double pct, struct pgt_err *err)
{
	struct bouncer *b = p;
	char *hosts = pgt_router_host_list(b->primary, b->canary, pct);
	int rc = -1;

	if (wait_quiet(b, pct <= 0, err) < 0) {
		struct pgt_err ignored;

		/* Dead or deaf: at least it starts again without the canary. */
		if (pct <= 0)
			(void)!write_routes(b, hosts, true, &ignored);
		goto out;
	}
	if (pct > 0 && put_aside(b, err) < 0)
		goto out;
	if (write_routes(b, hosts, pct <= 0, err) < 0 || wait_for_the_last(b, err) < 0)
		goto out;
	rc = reload(b, hosts, err);
	/* our line is right, so another one is not */
	if (rc < 0 && pct <= 0 && err->code == PGT_E_STATE) {
		struct pgt_err why;

		if (rewrite(b, b->aside, hosts, &why) == 0)
			rc = reload(b, hosts, err);
	}
	if (rc == 0 && pct <= 0)
		unlink(b->aside);
out:
	free(hosts);
	return rc;
}

static double
configured_pct(const struct bouncer *b, const char *hosts)
{
	size_t n = 0, canary = 0, len = strlen(b->canary);

	for (const char *h = hosts; *h; h += strcspn(h, ","), h += *h == ',') {
		n++;
		canary += strcspn(h, ",") == len && strncmp(h, b->canary, len) == 0;
	}
	return n ? 100.0 * (double)canary / (double)n : -1;
}

static int
bouncer_get(void *p, struct pgt_router_state *ret, struct pgt_err *err)
{
	struct bouncer *b = p;
	struct pgt_router_state st = {0};
	struct pgt_result *r = NULL;
	char *hosts;

	if (hosts_in_force(b, &hosts, err) < 0)
		return -1;
	st.configured_pct = configured_pct(b, hosts);
	free(hosts);
	if (ask(b, "SHOW SERVERS", &r, err) < 0)
		return -1;
	for (size_t i = 0; i < pgt_result_rows(r); i++) {
		if (!row_is(r, i, "database", b->pool))
			continue;
		st.primary_conns += row_is(r, i, "addr", b->primary);
		st.canary_conns += row_is(r, i, "addr", b->canary);
	}
	pgt_result_free(r);
	if (ask(b, "SHOW POOLS", &r, err) < 0)
		return -1;
	for (size_t i = 0; i < pgt_result_rows(r); i++)
		if (row_is(r, i, "database", b->pool))
			st.clients_waiting +=
			    (int)pgt_result_i64(r, i, pgt_result_col(r, "cl_waiting"), 0);
	pgt_result_free(r);
	*ret = st;
	return 0;
}

const struct pgt_router_ops pgt_router_pgbouncer = {
    .name = "pgbouncer",
    .caps = PGT_ROUTER_MOVES_PERSISTENT | PGT_ROUTER_MEASURES,
    .step_pct = 5,
    .open = bouncer_open,
    .close = bouncer_close,
    .check = bouncer_check,
    .set = bouncer_set,
    .get = bouncer_get,
};
