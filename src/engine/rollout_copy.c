/* A canary that is a copy of the primary, made on this host: by pg_basebackup where the
 * server's programs hold one, else by the backup functions and a copy of the files.
 * Nothing of it stays on the primary: the slot that keeps the WAL is temporary, and so
 * is the one that the copy's own walreceiver makes. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"
#include "pg2une/rollout/local.h"
#include "pg2une/rollout/tree.h"
#include "rollouts_priv.h"

#define CONNECT_NS (10 * PGT_NS_PER_S)
#define ASK_NS	   (30 * PGT_NS_PER_S)
#define BACKUP_NS  (120 * PGT_NS_PER_S) /* its checkpoint, at once */
#define VERSION_NS (10 * PGT_NS_PER_S)
#define SAY_NS	   (5 * PGT_NS_PER_S)
#define START_NS   (3 * PGT_NS_PER_S)
#define FREE_PART  1.1 /* of the databases' size that must be free */
#define SMALL_MAX  (1u << 20)

enum stage { PREPARE = 0, COPYING, STARTED };

struct pgt_ro_copy {
	enum stage stage;
	struct pgt_conn *conn; /* holds the slot and the backup */
	char *data, *log;      /* the copy's */
	char *from, *config, *hba, *ident, *bin;
	double bytes;
	bool here; /* the primary's files are on this host */
	/* either a thread of ours or pg_basebackup */
	bool threaded;
	pthread_t thread;
	struct pgt_tree_job job;
	atomic_int over; /* 1 done, -1 failed */
	struct pgt_err why;
	pid_t pid;
	int64_t said_ns, started_ns;
};

static int
ask(struct pgt_ro_copy *c, const char *name, bool before_15, const char *param,
    int64_t timeout_ns, struct pgt_result **ret, struct pgt_err *err)
{
	const char *params[] = {param};
	bool old = before_15 && pgt_conn_server_version(c->conn) < 150000;
	char path[96];

	snprintf(path, sizeof(path), "sql/act/%s%s.sql", name, old ? "_13" : "");
	return pgt_conn_run(c->conn, pgt_sql_file(path), params, param ? 1 : 0,
			    timeout_ns, ret, err);
}

static char *
text_at(const struct pgt_result *r, const char *col)
{
	const char *s = pgt_result_str(r, 0, pgt_result_col(r, col));

	return pgt_xstrdup(s ? s : "");
}

/* ---- before anything is made ---- */

/* A backend works in its data directory: is it a process of this host? */
static bool
is_here(const struct pgt_ro_copy *c)
{
	char link[64], cwd[4096], *real = realpath(c->from, NULL);
	ssize_t n;
	bool here;

	snprintf(link, sizeof(link), "/proc/%d/cwd", pgt_conn_backend_pid(c->conn));
	n = readlink(link, cwd, sizeof(cwd) - 1);
	cwd[n > 0 ? n : 0] = '\0';
	here = real && strcmp(real, cwd) == 0;
	free(real);
	return here;
}

static char *
bin_of(const struct pgt_rollout_drive *d, const struct pgt_ro_copy *c)
{
	char link[64], exe[4096], *slash;
	ssize_t n;

	if (d->plan->canary.bin)
		return pgt_xstrdup(d->plan->canary.bin);
	snprintf(link, sizeof(link), "/proc/%d/exe", pgt_conn_backend_pid(c->conn));
	n = c->here ? readlink(link, exe, sizeof(exe) - 1) : -1;
	exe[n > 0 ? n : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	return slash ? pgt_xstrdup(exe) : NULL;
}

static int
source_facts(struct pgt_rollout_drive *d, struct pgt_ro_copy *c, struct pgt_err *err)
{
	struct pgt_result *r = NULL;

	c->conn = pgt_conn_new(d->meter[PGT_RO_PRIMARY].spec, PGT_CONN_APPLY);
	if (pgt_conn_run_connect(c->conn, CONNECT_NS, err) < 0 ||
	    ask(c, "rollout_source", false, NULL, ASK_NS, &r, err) < 0)
		return -1;
	c->from = text_at(r, "data");
	c->config = text_at(r, "config");
	c->hba = text_at(r, "hba");
	c->ident = text_at(r, "ident");
	c->bytes = pgt_result_num(r, 0, pgt_result_col(r, "bytes"));
	pgt_result_free(r);
	c->here = is_here(c);
	c->bin = bin_of(d, c);
	if (!c->bin)
		return pgt_err_set(err, PGT_E_USAGE,
				   "where are the server's programs for the canary? Say "
				   "\"bin\" in the plan");
	return 0;
}

/* A server of another major does not start on these files. */
static int
check_version(struct pgt_ro_copy *c, const char *dir, struct pgt_err *err)
{
	char *program = pgt_xasprintf("%s/postgres", c->bin),
	     *out = pgt_xasprintf("%s/version", dir);
	char *argv[] = {program, (char *)(uintptr_t)"-V", NULL};
	int status = 0, want = pgt_conn_server_version(c->conn) / 10000, have = 0, rc;
	struct pgt_buf b;
	const char *s;

	pgt_buf_init(&b, SMALL_MAX);
	rc = pgt_local_run(argv, dir, out, VERSION_NS, (struct pgt_tick){0}, &status,
			   err);
	if (rc == 0 && pgt_file_read(out, &b, err) == 0 &&
	    (s = strstr(pgt_buf_str(&b), ") ")))
		have = (int)strtol(s + 2, NULL, 10);
	if (rc == 0 && have != want)
		rc = pgt_err_set(err, PGT_E_UNSUPPORTED,
				 "%s is of major %d, the server of %d", program, have,
				 want);
	unlink(out);
	pgt_buf_done(&b);
	free(program);
	free(out);
	return rc;
}

static int
check_space(struct pgt_ro_copy *c, const char *dir, struct pgt_err *err)
{
	struct statvfs st;
	double free_bytes;

	if (statvfs(dir, &st) < 0)
		return pgt_err_set(err, PGT_E_IO, "%s: %s", dir, pgt_strerror(errno));
	free_bytes = (double)st.f_bavail * (double)st.f_frsize;
	if (free_bytes < FREE_PART * c->bytes)
		return pgt_err_set(
		    err, PGT_E_LIMIT,
		    "%s: %.1f GB are free, the databases have %.1f GB: too little room",
		    dir, free_bytes / 1e9, c->bytes / 1e9);
	return 0;
}

/* ---- copying ---- */

static void *
copy_main(void *arg)
{
	struct pgt_ro_copy *c = arg;
	int rc = pgt_tree_copy_data(c->from, c->data, &c->job, &c->why);

	atomic_store(&c->over, rc == 0 ? 1 : -1);
	return NULL;
}

static int
begin_files(struct pgt_rollout_drive *d, struct pgt_ro_copy *c, struct pgt_err *err)
{
	struct pgt_result *r = NULL;
	sigset_t all, before;
	char label[64];

	if (!c->here)
		return pgt_err_set(
		    err, PGT_E_UNSUPPORTED,
		    "the primary's files are not on this host and %s has no "
		    "pg_basebackup: make the canary with a command of yours",
		    c->bin);
	snprintf(label, sizeof(label), "pg2une %.8s", d->plan->id);
	if (ask(c, "rollout_backup_start", true, label, BACKUP_NS, &r, err) < 0)
		return -1;
	pgt_result_free(r);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	c->threaded = pthread_create(&c->thread, NULL, copy_main, c) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return c->threaded ? 0 : pgt_err_set(err, PGT_E_IO, "no thread to copy with");
}

static char *
replication_conninfo(const struct pgt_rollout_drive *d)
{
	return d->plan->canary.primary_conninfo
		   ? pgt_xstrdup(d->plan->canary.primary_conninfo)
		   : pgt_connspec_conninfo(d->meter[PGT_RO_PRIMARY].spec);
}

static int
begin_basebackup(struct pgt_rollout_drive *d, struct pgt_ro_copy *c, const char *program,
		 struct pgt_err *err)
{
	char *conninfo = replication_conninfo(d);
	char *argv[] = {(char *)(uintptr_t)program,
			(char *)(uintptr_t)"--no-password",
			(char *)(uintptr_t)"-X",
			(char *)(uintptr_t)"stream",
			(char *)(uintptr_t)"-c",
			(char *)(uintptr_t)"fast",
			(char *)(uintptr_t)"-D",
			c->data,
			(char *)(uintptr_t)"-d",
			conninfo,
			NULL};
	int rc = pgt_local_spawn(argv, c->data, c->log, &c->pid, err);

	free(conninfo);
	return rc;
}

static int
prepare(struct pgt_rollout_drive *d, struct pgt_ro_copy *c, struct pgt_err *err)
{
	const char *dir = d->plan->canary.directory;
	struct pgt_result *r = NULL;
	char *program, slot[32], text[200];
	bool client;
	int rc;

	/* written down first: whoever comes after a crash removes it */
	if (source_facts(d, c, err) < 0 ||
	    pgt_ro_drive_ops.journal(d, "copy", 0, dir, err) < 0 ||
	    pgt_local_claim(dir, d->plan->id, c->here ? c->from : "/", err) < 0 ||
	    check_version(c, dir, err) < 0 || check_space(c, dir, err) < 0)
		return -1;
	snprintf(slot, sizeof(slot), "pg2une_%.8s", d->plan->id);
	if (ask(c, "rollout_slot", false, slot, ASK_NS, &r, err) < 0) {
		pgt_err_prefix(err, "a temporary replication slot");
		return -1;
	}
	pgt_result_free(r);
	program = pgt_xasprintf("%s/pg_basebackup", c->bin);
	client = access(program, X_OK) == 0;
	snprintf(text, sizeof(text), "copying %.1f GB into %.100s %s", c->bytes / 1e9,
		 dir, client ? "with pg_basebackup" : "between the backup functions");
	pgt_ro_drive_say(d, text);
	rc = client ? begin_basebackup(d, c, program, err) : begin_files(d, c, err);
	free(program);
	return rc;
}

static enum pgt_ro_act
await_copy(struct pgt_rollout_drive *d, struct pgt_ro_copy *c, struct pgt_err *err)
{
	int64_t now = pgt_clock_mono_ns();
	int over = atomic_load(&c->over), status = 0;
	char text[100], tail[200];

	if (c->pid > 0 && waitpid(c->pid, &status, WNOHANG) == c->pid) {
		c->pid = 0;
		over = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 1 : -1;
		if (over < 0) {
			pgt_local_log_tail(c->log, tail, sizeof(tail));
			pgt_err_set(&c->why, PGT_E_STATE, "pg_basebackup failed: %s",
				    tail[0] ? tail : "see its log");
		}
	}
	if (over == 0) {
		if (c->threaded && now - c->said_ns > SAY_NS) {
			c->said_ns = now;
			snprintf(text, sizeof(text), "%.2f GB copied",
				 (double)atomic_load(&c->job.bytes) / 1e9);
			pgt_ro_drive_say(d, text);
		}
		return PGT_RO_WAIT;
	}
	if (c->threaded) {
		pthread_join(c->thread, NULL);
		c->threaded = false;
		if (over > 0)
			return PGT_RO_OK;
	}
	if (over > 0)
		return PGT_RO_OK;
	*err = c->why;
	return PGT_RO_FAILED;
}

/* ---- the copy becomes a standby ---- */

static int
put_file(const struct pgt_ro_copy *c, const char *name, const char *text,
	 struct pgt_err *err)
{
	char *path = pgt_xasprintf("%s/%s", c->data, name);
	struct stat st;
	int rc = pgt_file_replace(path, text, strlen(text), 0600, err);

	if (rc == 0 && geteuid() == 0 &&
	    (stat(c->data, &st) < 0 || chown(path, st.st_uid, st.st_gid) < 0))
		rc = pgt_err_set(err, PGT_E_IO, "%s: %s", path, pgt_strerror(errno));
	free(path);
	return rc;
}

/* Configuration that lies elsewhere (as Debian's does) comes along. */
static int
bring_config(const struct pgt_ro_copy *c, struct pgt_err *err)
{
	char *folder = pgt_xstrdup(c->config), *slash = strrchr(folder, '/');
	int rc = 0;

	if (slash)
		*slash = '\0';
	if (slash && c->here && strcmp(folder, c->from) != 0)
		rc = pgt_tree_copy_missing(folder, c->data, err);
	free(folder);
	return rc;
}

static int
stop_backup(struct pgt_ro_copy *c, struct pgt_err *err)
{
	struct pgt_result *r = NULL;
	char *label, *map;
	int rc;

	if (ask(c, "rollout_backup_stop", true, NULL, BACKUP_NS, &r, err) < 0)
		return -1;
	label = text_at(r, "labelfile");
	map = text_at(r, "spcmapfile");
	pgt_result_free(r);
	rc = put_file(c, "backup_label", label, err);
	if (rc == 0 && *map)
		rc = put_file(c, "tablespace_map", map, err);
	free(label);
	free(map);
	return rc;
}

static const char *
base_name(const char *path, const char *dflt)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : dflt;
}

/* On the command line stands what places the copy: so its postgresql.auto.conf is the
 * primary's, and ALTER SYSTEM works as on it. */
static int
start_server(struct pgt_rollout_drive *d, struct pgt_ro_copy *c, struct pgt_err *err)
{
	const char *dir = d->plan->canary.directory;
	char *conninfo = replication_conninfo(d);
	char *more[] = {
	    pgt_xasprintf("data_directory=%s", c->data),
	    pgt_xasprintf("config_file=%s/%s", c->data,
			  base_name(c->config, "postgresql.conf")),
	    pgt_xasprintf("hba_file=%s/%s", c->data, base_name(c->hba, "pg_hba.conf")),
	    pgt_xasprintf("ident_file=%s/%s", c->data,
			  base_name(c->ident, "pg_ident.conf")),
	    pgt_xasprintf("port=%d", d->plan->canary.port),
	    pgt_xasprintf("listen_addresses=%s", d->plan->canary.listen
						     ? d->plan->canary.listen
						     : "127.0.0.1"),
	    pgt_xasprintf("unix_socket_directories=%s/sock", dir),
	    pgt_xasprintf("primary_conninfo=%s application_name=pg2une_canary", conninfo),
	    pgt_xstrdup("primary_slot_name="),
	    pgt_xstrdup("wal_receiver_create_temp_slot=on"),
	    pgt_xstrdup("hot_standby=on"),
	    pgt_xstrdup("archive_mode=off"),
	    pgt_xstrdup("external_pid_file="),
	    pgt_xstrdup("logging_collector=off"),
	    pgt_xstrdup("log_destination=stderr"),
	};
	int rc = pgt_local_start(c->bin, c->data, (const char *const *)more,
				 PGT_LEN(more), c->log, err);

	for (size_t i = 0; i < PGT_LEN(more); i++)
		free(more[i]);
	free(conninfo);
	c->started_ns = pgt_clock_mono_ns();
	return rc;
}

static int
become_standby(struct pgt_rollout_drive *d, struct pgt_ro_copy *c, bool files,
	       struct pgt_err *err)
{
	if ((files && stop_backup(c, err) < 0) || bring_config(c, err) < 0 ||
	    put_file(c, "standby.signal", "", err) < 0)
		return -1;
	pgt_ro_drive_say(d, "copied; the canary starts");
	return start_server(d, c, err);
}

/* ---- for the canary's acts ---- */

enum pgt_ro_act
pgt_ro_copy_make(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	struct pgt_ro_copy *c = d->make.copy;
	enum pgt_ro_act a;
	bool files;

	if (!c) {
		c = d->make.copy = pgt_xcalloc(1, sizeof(*c));
		c->data = pgt_xasprintf("%s/data", d->plan->canary.directory);
		c->log = pgt_xasprintf("%s/log", d->plan->canary.directory);
	}
	switch (c->stage) {
	case PREPARE:
		if (prepare(d, c, err) < 0)
			return PGT_RO_FAILED;
		c->stage = COPYING;
		return PGT_RO_WAIT;
	case COPYING:
		files = c->threaded;
		a = await_copy(d, c, err);
		if (a != PGT_RO_OK)
			return a;
		if (become_standby(d, c, files, err) < 0)
			return PGT_RO_FAILED;
		c->stage = STARTED;
		return PGT_RO_WAIT;
	case STARTED:
		break;
	}
	return PGT_RO_OK;
}

int
pgt_ro_copy_alive(const struct pgt_rollout_drive *d, struct pgt_err *err)
{
	const struct pgt_ro_copy *c = d->make.copy;
	char tail[200];

	if (!c || c->stage != STARTED || pgt_local_pid(c->data) > 0 ||
	    pgt_clock_mono_ns() - c->started_ns < START_NS)
		return 0;
	pgt_local_log_tail(c->log, tail, sizeof(tail));
	return pgt_err_set(err, PGT_E_STATE, "the canary's server has ended: %s",
			   tail[0] ? tail : "see its log");
}

void
pgt_ro_copy_ready(struct pgt_rollout_drive *d)
{
	struct pgt_ro_copy *c = d->make.copy;

	if (!c)
		return;
	pgt_conn_free(c->conn); /* and with it the slot */
	c->conn = NULL;
}

const char *
pgt_ro_copy_bin(const struct pgt_rollout_drive *d)
{
	return d->make.copy && d->make.copy->bin ? d->make.copy->bin
						 : d->plan->canary.bin;
}

void
pgt_ro_copy_free(struct pgt_rollout_drive *d)
{
	struct pgt_ro_copy *c = d->make.copy;

	if (!c)
		return;
	d->make.copy = NULL;
	atomic_store(&c->job.cancel, true);
	if (c->threaded)
		pthread_join(c->thread, NULL);
	if (c->pid > 0) {
		kill(c->pid, SIGTERM);
		waitpid(c->pid, NULL, 0);
	}
	pgt_conn_free(c->conn);
	free(c->data);
	free(c->log);
	free(c->from);
	free(c->config);
	free(c->hba);
	free(c->ident);
	free(c->bin);
	free(c);
}
