/* The life of a throwaway copy: copied, started, configured, removed. */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"
#include "rehearsal_priv.h"

#define PREFIX	   "pg2une-rehearsal-"
#define COPY_NS	   (3600 * PGT_NS_PER_S)
#define START_NS   (120 * PGT_NS_PER_S)
#define STOP_NS	   (60 * PGT_NS_PER_S)
#define ASK_NS	   (60 * PGT_NS_PER_S)
#define BUILD_NS   (3600 * PGT_NS_PER_S)
#define NEWEST	   19
#define OLDEST	   13
#define SPARE      1.5 /* free space over the databases: WAL, sorts, indexes */

const struct pgt_connspec *
pgt_rehearsal_spec(const struct pgt_rehearsal *r)
{
	return r->spec;
}

static void
say(const struct pgt_rehearsal *r, const char *text)
{
	if (r->o.say)
		r->o.say(r->o.arg, text);
}

char *
pgt_rehearsal_path(const struct pgt_rehearsal *r, const char *name)
{
	return pgt_xasprintf("%s/%s", r->dir, name);
}

/* ---- before ---- */

/* Debian's and Red Hat's places; PG2UNE_PGBIN wins. */
static bool
find_in(int major, const char *const *needed, size_t n_needed, char *bin, size_t size)
{
	static const char *const places[] = {"/usr/lib/postgresql/%d/bin",
					     "/usr/pgsql-%d/bin",
					     "/usr/local/pgsql-%d/bin"};
	const char *told = getenv("PG2UNE_PGBIN");
	char path[256];

	for (size_t i = told ? 0 : 1; i < PGT_LEN(places) + 1; i++) {
		size_t have = 0;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		if (i == 0)
			pgt_str_copy(bin, size, told);
		else
			snprintf(bin, size, places[i - 1], major);
#pragma GCC diagnostic pop
		for (size_t k = 0; k < n_needed; k++) {
			snprintf(path, sizeof(path), "%s/%s", bin, needed[k]);
			have += access(path, X_OK) == 0;
		}
		if (have == n_needed)
			return true;
	}
	return false;
}

static int
find_programs(struct pgt_rehearsal *r, struct pgt_err *err)
{
	static const char *const server[] = {"postgres", "pg_basebackup"};
	static const char *const load[] = {"pgbench"};
	bool found;

	if (!r->o.in_place &&
	    !find_in(r->major, server, PGT_LEN(server), r->bin, sizeof(r->bin)))
		return pgt_err_set(
		    err, PGT_E_NOTFOUND,
		    "a rehearsal needs postgres and pg_basebackup of major "
		    "%d on this machine (or say where: PG2UNE_PGBIN)",
		    r->major);
	/* Any pgbench drives any server; the nearest is taken. */
	found = find_in(r->major, load, 1, r->pgbench, sizeof(r->pgbench));
	for (int m = NEWEST; !found && m >= OLDEST; m--)
		found = find_in(m, load, 1, r->pgbench, sizeof(r->pgbench));
	return found ? 0
		     : pgt_err_set(err, PGT_E_NOTFOUND, "a rehearsal needs pgbench here");
}

static int
ask_target(struct pgt_rehearsal *r, struct pgt_err *err)
{
	struct pgt_conn *c = pgt_conn_new(r->o.target, PGT_CONN_QUERY);
	struct pgt_result *res = NULL;
	int rc = -1;

	if (pgt_conn_run_connect(c, ASK_NS, err) < 0 ||
	    pgt_conn_run(c, pgt_sql_file("sql/act/rehearsal_target.sql"), NULL, 0, ASK_NS,
			 &res, err) < 0)
		goto out;
	if (pgt_result_i64(res, 0, 1, 0) > 0) {
		pgt_err_set(err, PGT_E_UNSUPPORTED,
			    "the server has tablespaces in folders of their own: a copy "
			    "beside it would write into the same ones");
		goto out;
	}
	r->superuser = pgt_xstrdup(pgt_result_str(res, 0, 0));
	r->bytes = pgt_result_num(res, 0, 2);
	r->dbname = pgt_xstrdup(pgt_conn_db(c));
	rc = 0;
out:
	pgt_result_free(res);
	pgt_conn_free(c);
	return rc;
}

static int
check_space(const struct pgt_rehearsal *r, const char *where, struct pgt_err *err)
{
	char need[32], have[32];
	struct statvfs v;
	double free_bytes;

	if (statvfs(where, &v) < 0)
		return pgt_err_set(err, PGT_E_IO, "%s: %s", where, pgt_strerror(errno));
	free_bytes = (double)v.f_bavail * (double)v.f_frsize;
	if (!(r->bytes * SPARE > free_bytes))
		return 0;
	pgt_fmt_bytes(r->bytes * SPARE, need, sizeof(need));
	pgt_fmt_bytes(free_bytes, have, sizeof(have));
	return pgt_err_set(err, PGT_E_LIMIT,
			   "a copy takes %s with room to work; %s has %s", need, where,
			   have);
}

/* ---- the folder ---- */

/* What a killed console left: nobody holds its lock, so its processes are gone too. */
static void
reap(const char *where)
{
	DIR *d = opendir(where);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[600], owner[640];
		struct stat st;
		int fd;

		if (!pgt_str_starts(e->d_name, PREFIX))
			continue;
		snprintf(path, sizeof(path), "%s/%s", where, e->d_name);
		snprintf(owner, sizeof(owner), "%s/owner", path);
		if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) ||
		    st.st_uid != geteuid())
			continue;
		fd = open(owner, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			pgt_child_remove_tree(path);
		close(fd);
	}
	if (d)
		closedir(d);
}

static int
make_folder(struct pgt_rehearsal *r, const char *where, struct pgt_err *err)
{
	static const char *const subs[] = {"data", "s", "load"};
	char *owner;

	snprintf(r->dir, sizeof(r->dir), "%s/" PREFIX "XXXXXX", where);
	if (!mkdtemp(r->dir)) {
		pgt_err_set(err, PGT_E_IO,
			    "%s: %s: the copy needs a folder that may be written to "
			    "(--copy-to)",
			    r->dir, pgt_strerror(errno));
		r->dir[0] = '\0';
		return -1;
	}
	owner = pgt_rehearsal_path(r, "owner");
	r->owner_fd = open(owner, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	free(owner);
	if (r->owner_fd < 0 || flock(r->owner_fd, LOCK_EX | LOCK_NB) < 0 ||
	    chmod(r->dir, 0711) < 0)
		return pgt_err_set(err, PGT_E_IO, "%s: %s", r->dir, pgt_strerror(errno));
	for (size_t i = 0; i < PGT_LEN(subs); i++) {
		char *sub = pgt_rehearsal_path(r, subs[i]);
		int rc = mkdir(sub, 0700);

		if (rc == 0 && r->user.drop)
			rc = chown(sub, r->user.uid, r->user.gid);
		free(sub);
		if (rc < 0)
			return pgt_err_set(err, PGT_E_IO, "%s: %s", r->dir,
					   pgt_strerror(errno));
	}
	return 0;
}

int
pgt_rehearsal_put(const struct pgt_rehearsal *r, const char *name, const char *text,
	 struct pgt_err *err)
{
	char *path = pgt_rehearsal_path(r, name);
	/* The server runs as another user when we are root. */
	int rc = pgt_file_replace(path, text, strlen(text), 0644, err);

	free(path);
	return rc;
}

/* ---- copying and starting ---- */

static int
copy(struct pgt_rehearsal *r, struct pgt_err *err)
{
	char *program = pgt_xasprintf("%s/pg_basebackup", r->bin),
	     *data = pgt_rehearsal_path(r, "data"),
	     *log = pgt_rehearsal_path(r, "copy.log"),
	     *password = pgt_connspec_password(r->o.target),
	     *target = pgt_connspec_conninfo(r->o.target);
	const char *argv[] = {program, "-D", data,	  "-d",	       target, "-X",
			      "stream", "-c", "fast", "--no-sync", "-w",   NULL};
	const struct pgt_child_opts co = {
	    .argv = argv, .log = log, .password = password, .keep_pg = true,
	    .death_signal = SIGKILL};
	struct pgt_child c = {0};
	struct pgt_err why = {0};
	int rc = pgt_child_start(&c, &r->user, &co, &why);

	if (rc == 0)
		rc = pgt_child_await(&c, COPY_NS, r->o.cancel, log, &why);
	if (rc < 0)
		pgt_err_set(err, why.code, "%s%s", why.msg,
			    why.code == PGT_E_CANCELLED
				? ""
				: " (copying takes a role with REPLICATION or a "
				  "superuser, and a replication line in pg_hba.conf)");
	pgt_child_end(&c, SIGTERM, PGT_NS_PER_S);
	if (password)
		explicit_bzero(password, strlen(password));
	free(program);
	free(data);
	free(log);
	free(password);
	free(target);
	return rc;
}

static int
write_conf(struct pgt_rehearsal *r, struct pgt_err *err)
{
	static const char *const gone[] = {"data/standby.signal", "data/recovery.signal"};
	char *sock = pgt_rehearsal_path(r, "s"),
	     *trial = pgt_rehearsal_path(r, "trial.conf");
	char *conf = pgt_rehearsal_conf(r->o.at, sock, trial);
	int rc = 0;

	for (size_t i = 0; i < PGT_LEN(gone); i++) {
		char *path = pgt_rehearsal_path(r, gone[i]);

		unlink(path);
		free(path);
	}
	/* What ALTER SYSTEM had set is among the target's settings already. */
	if (pgt_rehearsal_put(r, "data/postgresql.auto.conf", "", err) < 0 ||
	    pgt_rehearsal_put(r, "data/postgresql.conf", conf, err) < 0 ||
	    pgt_rehearsal_put(r, "data/pg_hba.conf", "local all all trust\n", err) < 0 ||
	    pgt_rehearsal_put(r, "data/pg_ident.conf", "", err) < 0 ||
	    pgt_rehearsal_put(r, "trial.conf", "", err) < 0)
		rc = -1;
	free(sock);
	free(trial);
	free(conf);
	return rc;
}

static int
await_ready(struct pgt_rehearsal *r, const char *log, struct pgt_err *err)
{
	int64_t until = pgt_clock_mono_ns() + START_NS;
	struct pgt_err last = {0};
	char line[160];

	for (;;) {
		struct pgt_conn *c = pgt_conn_new(r->spec, PGT_CONN_QUERY);
		int rc = pgt_conn_run_connect(c, 2 * PGT_NS_PER_S, &last);

		pgt_conn_free(c);
		if (rc == 0)
			return 0;
		if (!pgt_child_runs(&r->server)) {
			pgt_child_last_line(log, line, sizeof(line));
			return pgt_err_set(err, PGT_E_STATE,
					   "the copy does not start: %s", line);
		}
		if (atomic_load(r->o.cancel))
			return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
		if (pgt_clock_mono_ns() > until)
			return pgt_err_set(err, PGT_E_TIMEOUT,
					   "the copy does not come up: %.200s", last.msg);
		poll(NULL, 0, 100);
	}
}

static int
start(struct pgt_rehearsal *r, struct pgt_err *err)
{
	char *program = pgt_xasprintf("%s/postgres", r->bin),
	     *data = pgt_rehearsal_path(r, "data"),
	     *log = pgt_rehearsal_path(r, "server.log");
	const char *argv[] = {program, "-D", data, NULL};
	const struct pgt_child_opts co = {
	    .argv = argv, .log = log, .death_signal = SIGQUIT};
	int rc = pgt_child_start(&r->server, &r->user, &co, err);

	if (rc == 0)
		rc = await_ready(r, log, err);
	free(program);
	free(data);
	free(log);
	return rc;
}

static void
stop(struct pgt_rehearsal *r)
{
	pgt_child_end(&r->server, SIGINT, STOP_NS);
}

int
pgt_rehearsal_run(struct pgt_rehearsal *r, const char *sql, struct pgt_err *err)
{
	struct pgt_conn *c = pgt_conn_new(r->spec, PGT_CONN_QUERY);
	struct pgt_result *res = NULL;
	int rc = pgt_conn_run_connect(c, ASK_NS, err);

	if (rc == 0)
		rc = pgt_conn_run(c, pgt_sql_file("sql/change/no_statement_timeout.sql"),
				  NULL, 0, ASK_NS, &res, err);
	pgt_result_free(res);
	res = NULL;
	if (rc == 0)
		rc = pgt_conn_run(c, sql, NULL, 0, BUILD_NS, &res, err);
	pgt_result_free(res);
	pgt_conn_free(c);
	return rc;
}

static int
check_conf(struct pgt_rehearsal *r, struct pgt_err *err)
{
	struct pgt_conn *c = pgt_conn_new(r->spec, PGT_CONN_QUERY);
	struct pgt_result *res = NULL;
	char text[200];
	int rc = pgt_conn_run_connect(c, ASK_NS, err);

	if (rc == 0)
		rc = pgt_conn_run(c, pgt_sql_file("sql/act/rehearsal_wrong.sql"), NULL, 0,
				  ASK_NS, &res, err);
	if (rc == 0 && pgt_result_str(res, 0, 0)) {
		pgt_safetext_copy(text, sizeof(text), pgt_result_str(res, 0, 0));
		rc = pgt_err_set(err, PGT_E_STATE, "%s", text);
	}
	pgt_result_free(res);
	pgt_conn_free(c);
	return rc;
}

int
pgt_rehearsal_configure(struct pgt_rehearsal *r, const char *conf, bool restart,
			struct pgt_err *err)
{
	if (pgt_rehearsal_put(r, "trial.conf", conf, err) < 0)
		return -1;
	if (restart || !pgt_child_runs(&r->server)) {
		stop(r);
		if (start(r, err) < 0)
			return -1;
	} else {
		kill(r->server.pid, SIGHUP);
		poll(NULL, 0, 500); /* the postmaster reads it, then tells the others */
	}
	if (pgt_rehearsal_run(r, pgt_sql_file("sql/act/rehearsal_checkpoint.sql"),
			      err) < 0)
		return -1;
	return check_conf(r, err);
}

/* ---- whole ---- */

static int
connect_to_copy(struct pgt_rehearsal *r, struct pgt_err *err)
{
	char *sock = pgt_rehearsal_path(r, "s");
	const struct pgt_connargs args = {
	    .dbname = r->dbname, .host = sock, .port = "5432", .user = r->superuser};
	int rc = pgt_connspec_new(&args, &r->spec, err);

	free(sock);
	return rc;
}

static int
make_copy(struct pgt_rehearsal *r, const char *where, struct pgt_err *err)
{
	if (ask_target(r, err) < 0 || check_space(r, where, err) < 0)
		return -1;
	say(r, "copying the server");
	if (copy(r, err) < 0 || write_conf(r, err) < 0 || connect_to_copy(r, err) < 0)
		return -1;
	say(r, "starting the copy");
	return start(r, err);
}

int
pgt_rehearsal_new(const struct pgt_rehearsal_opts *o, struct pgt_rehearsal **ret,
		  struct pgt_err *err)
{
	struct pgt_rehearsal *r = pgt_xcalloc(1, sizeof(*r));
	const char *where = o->where && *o->where ? o->where : "/var/tmp";

	r->o = *o;
	r->owner_fd = -1;
	r->major = o->at->node.version_num / 10000;
	reap(where);
	if (pgt_child_user(&r->user, err) < 0 || find_programs(r, err) < 0 ||
	    make_folder(r, where, err) < 0 ||
	    (!o->in_place && make_copy(r, where, err) < 0))
		goto fail;
	if (o->in_place)
		r->spec = pgt_connspec_copy(o->target);
	say(r, "preparing the load");
	if (pgt_rehearsal_load_prepare(r, err) < 0)
		goto fail;
	say(r, r->load_text);
	*ret = r;
	return 0;
fail:
	pgt_rehearsal_free(r);
	return -1;
}

void
pgt_rehearsal_free(struct pgt_rehearsal *r)
{
	if (!r)
		return;
	pgt_child_end(&r->load, SIGKILL, 0);
	/* It is thrown away: no checkpoint. */
	pgt_child_end(&r->server, SIGQUIT, 10 * PGT_NS_PER_S);
	if (r->dir[0])
		pgt_child_remove_tree(r->dir);
	if (r->owner_fd >= 0)
		close(r->owner_fd);
	pgt_captured_done(&r->captured);
	pgt_connspec_free(r->spec);
	free(r->superuser);
	free(r->dbname);
	free(r);
}
