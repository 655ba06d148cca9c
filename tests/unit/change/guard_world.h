/* The world of a guard, played: time, server and failing calls; its journal, its lock and
 * its console (a process) are real.  Included by one .c of a program. */
#ifndef TEST_CHANGE_GUARD_WORLD_H
#define TEST_CHANGE_GUARD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/change/guard.h"
#include "pg2une/change/lock.h"
#include "pg2une/change/rollback.h"
#include "pg2une/pg/conn.h"
#include "played.h"

#define S	   PGT_NS_PER_S
#define EPOCH	   (1000 * S)
#define DEADLINE_S 600

static struct world {
	char dir[64], *path;
	struct pgt_journal *j; /* the console's */
	pid_t console;
	bool stopped, hung_up;
	int sock; /* the console's end */
	char said[4096];
	char logged[1024];
	/* called as time goes by */
	void (*script)(int64_t at_s);
	/* the server */
	bool down;
	const char *sqlstate; /* it answers, to refuse */
	enum pgt_errcode refusal;
	int restores, unreached, opened, end_backends;
	enum pgt_restore_result result;
	int retries; /* so many before the result */
	enum pgt_errcode retry_code;
	enum pgt_restore_state item;
	bool open, fence_fails, writer_fails, lock_fails, took_over, closed_link;
	enum pgt_fence_verdict node;
	int pulses; /* asked so often until it says stop; 0 always on */
	int said_lines;
	bool item_2_had_no_intent;
} w;

/* ---- time: it goes by where somebody waits ---- */

static int64_t virtual_ns;

static inline int64_t
at_s(void)
{
	return (virtual_ns - EPOCH) / S;
}

int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
	int (*real)(struct pollfd *, nfds_t, int) =
	    (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
	int got = real(fds, n, 0);

	if (got != 0)
		return got;
	virtual_ns += timeout * PGT_NS_PER_MS;
	pgt_clock_virtual(virtual_ns, virtual_ns);
	if (w.script)
		w.script(at_s());
	return real(fds, n, 0);
}

void syslog(int priority, const char *fmt, ...) PGT_PRINTF(2, 3);
void
syslog(int priority, const char *fmt, ...)
{
	va_list ap;

	(void)priority;
	va_start(ap, fmt);
	vsnprintf(w.logged, sizeof(w.logged), fmt, ap);
	va_end(ap);
}

/* ---- session.c ---- */

int
pgt_direct_open(struct pgt_direct *l, int64_t timeout_ns, struct pgt_err *err)
{
	(void)l;
	(void)timeout_ns;
	w.opened++;
	if (w.sqlstate) {
		pgt_err_set(err, PGT_E_CONN, "it is starting up");
		pgt_str_copy(err->sqlstate, sizeof(err->sqlstate), w.sqlstate);
		return -1;
	}
	if (w.down)
		return pgt_err_set(err, PGT_E_CONN, "no route to it");
	w.open = true;
	return 0;
}

void
pgt_direct_close(struct pgt_direct *l)
{
	(void)l;
	w.open = false;
	w.closed_link = true;
}

bool
pgt_direct_is_open(const struct pgt_direct *l)
{
	(void)l;
	return w.open;
}

int
pgt_direct_lock(struct pgt_direct *l, int64_t wait_ns, struct pgt_err *err)
{
	(void)l;
	(void)wait_ns;
	return w.lock_fails ? pgt_err_set(err, PGT_E_CONFLICT, "somebody holds it") : 0;
}

int
pgt_direct_lock_from(struct pgt_direct *l, const char *id, int64_t wait_ns,
		     struct pgt_err *err)
{
	assert_true(strlen(id) == 36);
	w.took_over = true;
	return pgt_direct_lock(l, wait_ns, err);
}

int
pgt_direct_writer(struct pgt_direct *l, const char *database, struct pgt_writer **ret,
		  struct pgt_err *err)
{
	(void)l;
	(void)database;
	*ret = NULL;
	return w.writer_fails ? pgt_err_set(err, PGT_E_CONN, "no writer") : 0;
}

int
pgt_fence_read(struct pgt_writer *s, struct pgt_fence *ret, struct pgt_err *err)
{
	(void)s;
	memset(ret, 0, sizeof(*ret));
	return w.fence_fails ? pgt_err_set(err, PGT_E_CONN, "no fence") : 0;
}

enum pgt_fence_verdict
pgt_fence_compare(const struct pgt_fence *then, const struct pgt_fence *now, char *why,
		  size_t size)
{
	(void)then;
	(void)now;
	snprintf(why, size, "another node");
	return w.node;
}

/* ---- restore.c ---- */

static inline void
report(const struct pgt_acting *a, struct pgt_restore_report *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->n = a->cs->n_items;
	ret->items = pgt_xcalloc(ret->n, sizeof(*ret->items));
	for (size_t i = 0; i < ret->n; i++)
		ret->items[i].state = w.item;
	ret->restored = ret->n;
}

enum pgt_restore_result
pgt_restore(const struct pgt_acting *a, const bool *intent, bool reload_intent,
	    struct pgt_restore_report *ret, struct pgt_err *err)
{
	assert_true(w.open);
	assert_true(intent[0]);
	w.item_2_had_no_intent = !intent[1];
	(void)reload_intent;
	report(a, ret);
	w.restores++;
	if (w.retries > 0 && w.retries--) {
		pgt_err_set(err, w.retry_code, "not yet");
		return PGT_RR_RETRY;
	}
	if (w.result != PGT_RR_DONE)
		pgt_err_set(err, PGT_E_DENIED, "played");
	return w.result;
}

enum pgt_restore_result
pgt_restore_unreached(const struct pgt_acting *a, const bool *intent,
		      struct pgt_restore_report *ret, const struct pgt_err *why)
{
	(void)intent;
	assert_true(why->code != PGT_E_NONE);
	w.unreached++;
	report(a, ret);
	return PGT_RR_RETRY;
}

void
pgt_restore_report_done(struct pgt_restore_report *r)
{
	free(r->items);
	memset(r, 0, sizeof(*r));
}

char *
pgt_restore_instructions(const struct pgt_restore_report *r)
{
	(void)r;
	return pgt_xstrdup("ALTER SYSTEM RESET work_mem;");
}

/* ---- calls that can be made to fail ---- */

static inline int
fails_to_sync(int fd)
{
	(void)fd;
	return -1;
}

static int (*sync_instead)(int fd);

int
fdatasync(int fd)
{
	return sync_instead ? sync_instead(fd)
			    : ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

static int full;

ssize_t
write(int fd, const void *buf, size_t n)
{
	if (full > 0 && full--) {
		errno = ENOSPC;
		return -1;
	}
	return ((ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))(fd, buf, n);
}

static bool no_pidfd;

long
syscall(long number, ...)
{
	va_list ap;
	long a, b;

	va_start(ap, number);
	a = va_arg(ap, long);
	b = va_arg(ap, long);
	va_end(ap);
	if (no_pidfd) {
		errno = ENOSYS;
		return -1;
	}
	return ((long (*)(long, ...))dlsym(RTLD_NEXT, "syscall"))(number, a, b);
}

/* ---- the console ---- */

static inline void
put(enum pgt_jtype type, const char *key, cJSON *value)
{
	cJSON *body = cJSON_CreateObject();
	struct pgt_err err;

	if (key)
		pgt_json_item(body, key, value);
	assert_int_equal(pgt_journal_append(w.j, type, body, NULL, NULL, &err), 0);
	cJSON_Delete(body);
}

static inline void
put_item(enum pgt_jtype type, int i)
{
	put(type, "i", cJSON_CreateNumber(i));
}

static inline void
kill_console(void)
{
	if (w.console <= 0)
		return;
	kill(w.console, SIGKILL);
	waitpid(w.console, NULL, 0);
	w.console = 0;
	if (w.sock >= 0)
		close(w.sock);
	w.sock = -1;
}

static inline int
begin(void **state)
{
	struct pgt_changeset *cs = pgt_changeset_new();
	cJSON *plan = cJSON_CreateObject();
	struct pgt_err err;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.sock = -1;
	w.result = PGT_RR_DONE;
	w.item = PGT_RS_RESTORED;
	w.node = PGT_FENCE_SAME;
	w.retry_code = PGT_E_CONN;
	virtual_ns = EPOCH;
	pgt_clock_virtual(virtual_ns, virtual_ns);
	snprintf(w.dir, sizeof(w.dir), "/tmp/pg2une-guard-XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	assert_int_equal(pgt_changeset_add_setting(cs, "work_mem", "24MB", &err), 0);
	assert_int_equal(pgt_changeset_add_setting(cs, "jit", "off", &err), 0);
	assert_int_equal(pgt_journal_create(w.dir, cs->id, 1000, &w.j, &err), 0);
	w.path = pgt_xstrdup(pgt_journal_path(w.j));
	pgt_json_item(plan, "changeset", pgt_changeset_json(cs, NULL));
	pgt_json_str(plan, "label", "db1");
	assert_int_equal(pgt_journal_append(w.j, PGT_J_PLAN, plan, NULL, NULL, &err), 0);
	cJSON_Delete(plan);
	pgt_changeset_free(cs);
	put(PGT_J_FENCE, NULL, NULL);
	w.console = fork();
	if (w.console == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return 0;
}

static inline int
end(void **state)
{
	(void)state;
	kill_console();
	pgt_clock_virtual_off();
	pgt_journal_close(w.j);
	unlink(w.path);
	free(w.path);
	return rmdir(w.dir);
}

static inline void
hang_up(int64_t at)
{
	if (at >= 100 && w.sock >= 0) { /* it lets us go, and lives on */
		close(w.sock);
		w.sock = -1;
	}
}

static inline cJSON *
orders(void)
{
	cJSON *o = cJSON_CreateObject();
	int64_t ticks = 0;

	pgt_proc_start(w.console, &ticks);
	pgt_json_str(o, "conninfo", "host=127.0.0.1");
	pgt_json_str(o, "journal", w.path);
	pgt_json_i64(o, "deadline_boot_ms", (EPOCH + DEADLINE_S * S) / PGT_NS_PER_MS);
	pgt_json_i64(o, "console_pid", w.console);
	pgt_json_i64(o, "console_ticks", ticks);
	pgt_json_i64(o, "lock_fd", open("/dev/null", O_RDONLY | O_CLOEXEC));
	return o;
}

static inline int
open_probe(const char *spec, struct pgt_managed_probe *ret, struct pgt_err *err)
{
	(void)ret;
	return strcmp(spec, "good") == 0 ? 0 : pgt_err_set(err, PGT_E_CONN, "no manager");
}

/* Give the orders; its exit code.  What it said first is in w.said. */
static inline int
guard_with(cJSON *take_orders)
{
	static const struct pgt_guard_env env = {.open_probe = open_probe};
	char *text = take_orders ? pgt_json_print(take_orders, false) : NULL;
	int pair[2], rc;
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	w.sock = pair[0];
	if (text)
		assert_true(send(pair[0], text, strlen(text), 0) > 0);
	else
		assert_true(send(pair[0], "no JSON", 7, 0) > 0);
	free(text);
	cJSON_Delete(take_orders);
	if (w.hung_up)
		hang_up(1000);
	rc = pgt_guard_main(pair[1], &env);
	if (w.sock >= 0) {
		n = recv(w.sock, w.said, sizeof(w.said) - 1, MSG_DONTWAIT);
		w.said[n > 0 ? n : 0] = '\0';
		close(w.sock);
		w.sock = -1;
	}
	close(pair[1]);
	return rc;
}

static inline void
guard(void)
{
	assert_int_equal(guard_with(orders()), 0);
}

static inline struct pgt_replay
outcome(void)
{
	struct pgt_replay rec;
	struct pgt_err err;

	pgt_journal_refresh(w.j, &err);
	assert_int_equal(pgt_replay_read(w.j, &rec, &err), 0);
	return rec;
}

static inline void
assert_ended(enum pgt_ending want, int64_t from_s, int64_t to_s)
{
	struct pgt_replay rec = outcome();
	int64_t at = (rec.ended_ns - EPOCH) / S;

	assert_true(rec.closed);
	assert_int_equal(rec.outcome, want);
	if (at < from_s || at > to_s)
		fail_msg("ended at %lld s, not within %lld to %lld", (long long)at,
			 (long long)from_s, (long long)to_s);
	pgt_replay_done(&rec);
}

static inline void
written(bool verified)
{
	put_item(PGT_J_INTENT, 0);
	put_item(PGT_J_DONE, 0);
	if (!verified)
		return;
	put_item(PGT_J_INTENT, -1);
	put(PGT_J_VERIFIED, NULL, NULL);
}

static inline void
close_as(enum pgt_ending how)
{
	struct pgt_err err;

	assert_int_equal(pgt_change_close(w.j, how, "by the console", &err), 0);
}

static inline void
die_at_100(int64_t at)
{
	if (at >= 100)
		kill_console();
}

static inline bool
pulse(void *arg)
{
	(void)arg;
	return w.pulses == 0 || --w.pulses > 0;
}

static inline void
say(void *arg, long item, const char *text)
{
	(void)arg;
	(void)item;
	assert_non_null(text);
	w.said_lines++;
}

static struct pgt_err rb_err;

static inline enum pgt_ending
back(bool confirmed_too)
{
	struct pgt_direct *l = pgt_direct_new(NULL, "", (struct pgt_pulse){0});
	struct pgt_rollback_args args = {
	    .link = l,
	    .journal = w.j,
	    .reason = "the test",
	    .confirmed_too = confirmed_too,
	    .give_up_ns = virtual_ns + 180 * S,
	    .freeze_ns = 3 * S,
	    .pulse = {pulse, NULL},
	    .say = say,
	};
	struct pgt_restore_report rep = {0};
	enum pgt_ending out = pgt_rollback(&args, &rep, &rb_err);

	pgt_restore_report_done(&rep);
	pgt_direct_free(l);
	return out;
}

#endif
