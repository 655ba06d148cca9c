/* The guard, from its orders to its end, and the rollback that it makes: its journal, its lock
 * and its console (a process) are real, server and clock are played. */
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

static int64_t
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

static void
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

/* ---- the console ---- */

static void
put(enum pgt_jtype type, const char *key, cJSON *value)
{
	cJSON *body = cJSON_CreateObject();
	struct pgt_err err;

	if (key)
		pgt_json_item(body, key, value);
	assert_int_equal(pgt_journal_append(w.j, type, body, NULL, NULL, &err), 0);
	cJSON_Delete(body);
}

static void
put_item(enum pgt_jtype type, int i)
{
	put(type, "i", cJSON_CreateNumber(i));
}

static void
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

static int
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

static int
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

static void
hang_up(int64_t at)
{
	if (at >= 100 && w.sock >= 0) { /* it lets us go, and lives on */
		close(w.sock);
		w.sock = -1;
	}
}

static cJSON *
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

static int
open_probe(const char *spec, struct pgt_managed_probe *ret, struct pgt_err *err)
{
	(void)ret;
	return strcmp(spec, "good") == 0 ? 0 : pgt_err_set(err, PGT_E_CONN, "no manager");
}

/* Give the orders; its exit code.  What it said first is in w.said. */
static int
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

static void
guard(void)
{
	assert_int_equal(guard_with(orders()), 0);
}

static struct pgt_replay
outcome(void)
{
	struct pgt_replay rec;
	struct pgt_err err;

	pgt_journal_refresh(w.j, &err);
	assert_int_equal(pgt_replay_read(w.j, &rec, &err), 0);
	return rec;
}

static void
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

static void
written(bool verified)
{
	put_item(PGT_J_INTENT, 0);
	put_item(PGT_J_DONE, 0);
	if (!verified)
		return;
	put_item(PGT_J_INTENT, -1);
	put(PGT_J_VERIFIED, NULL, NULL);
}

static void
close_as(enum pgt_ending how)
{
	struct pgt_err err;

	assert_int_equal(pgt_change_close(w.j, how, "by the console", &err), 0);
}

static void
die_at_100(int64_t at)
{
	if (at >= 100)
		kill_console();
}

static bool
pulse(void *arg)
{
	(void)arg;
	return w.pulses == 0 || --w.pulses > 0;
}

static void
say(void *arg, long item, const char *text)
{
	(void)arg;
	(void)item;
	assert_non_null(text);
	w.said_lines++;
}

static struct pgt_err rb_err;

static enum pgt_ending
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

/* ---- what it does when ---- */

static void
closes_at_50(int64_t at)
{
	if (at == 50 && w.console > 0) {
		w.script = NULL;
		close_as(PGT_END_CONFIRMED);
	}
}

static void
test_a_closed_journal_ends_it(void **state)
{
	(void)state;
	written(true);
	w.script = closes_at_50;
	guard();
	assert_ended(PGT_END_CONFIRMED, 50, 51);
	assert_int_equal(w.restores, 0);
	assert_non_null(strstr(w.said, "\"armed\":true"));
}

static void
test_lost_before_the_first_write(void **state)
{
	(void)state;
	w.script = die_at_100;
	guard();
	assert_ended(PGT_END_NOTHING, 100, 101);
	assert_int_equal(w.restores, 0);
}

static void
test_lost_half_applied_goes_back_at_once(void **state)
{
	(void)state;
	written(false);
	w.script = die_at_100;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, 100, 101);
	assert_true(w.took_over);
}

static void
test_lost_when_verified_waits_for_the_deadline(void **state)
{
	(void)state;
	written(true);
	w.script = die_at_100;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, DEADLINE_S, DEADLINE_S + 1);
}

static void
test_a_trial_waits_for_nobody(void **state)
{
	cJSON *o = orders();

	(void)state;
	written(true);
	pgt_json_bool(o, "trial", true);
	w.script = die_at_100;
	assert_int_equal(guard_with(o), 0);
	assert_ended(PGT_END_ROLLED_BACK, 100, 101);
}

static void
asked_and_lost(int64_t at)
{
	if (at == 50 && w.console > 0) {
		put(PGT_J_RB_REQUEST, "reason", cJSON_CreateString("the operator"));
		kill_console();
	}
}

static void
test_asked_for_and_lost(void **state)
{
	(void)state;
	written(true);
	w.script = asked_and_lost;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, 50, 51);
}

static void
asked_at_50(int64_t at)
{
	if (at == 50) {
		w.script = NULL;
		put(PGT_J_RB_REQUEST, "reason", cJSON_CreateString("the operator"));
	}
}

static void
test_asked_for_and_the_console_does_not_answer(void **state)
{
	struct pgt_replay rec;

	(void)state;
	written(true);
	w.script = asked_at_50;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, 52, 53);
	rec = outcome();
	assert_non_null(strstr(rec.rb_reason, "does not answer"));
	pgt_replay_done(&rec);
}

static void
confirm_at_50(int64_t at)
{
	struct pgt_replay rec = outcome();

	if (at >= 50 && !rec.confirmed)
		put(PGT_J_CONFIRMED, NULL, NULL);
	pgt_replay_done(&rec);
	if (at >= 2000) /* long after its deadline it still leaves the closing to us */
		kill_console();
}

static void
test_confirmed_is_closed_only_for_a_lost_console(void **state)
{
	(void)state;
	written(true);
	w.script = confirm_at_50;
	guard();
	assert_ended(PGT_END_CONFIRMED, 2000, 2001);
	assert_int_equal(w.restores, 0);
}

static int
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

static void
die_and_fail_to_sync(int64_t at)
{
	if (at >= 50 && w.console > 0) {
		put(PGT_J_CONFIRMED, NULL, NULL);
		kill_console();
		sync_instead = fails_to_sync;
	}
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

static void
die_with_a_full_disk(int64_t at)
{
	if (at >= 50 && w.console > 0) {
		put(PGT_J_CONFIRMED, NULL, NULL);
		kill_console();
		full = 10;
	}
}

/* What is confirmed stays; that it cannot be closed is recover's to mend. */
static void
test_confirmed_and_cannot_be_closed(void **state)
{
	struct pgt_replay rec;

	written(true);
	w.script = die_and_fail_to_sync;
	guard();
	sync_instead = NULL;
	assert_true(at_s() < 52);
	rec = outcome();
	assert_true(rec.confirmed && !rec.closed);
	pgt_replay_done(&rec);
	end(state);
	begin(state);
	written(true);
	w.script = die_with_a_full_disk;
	guard();
	full = 0;
	assert_ended(PGT_END_CONFIRMED, 52, 53); /* as soon as there is room */
	assert_int_equal(w.restores, 0);
}

static void
test_a_console_that_sleeps_over_the_deadline(void **state)
{
	(void)state;
	written(true);
	guard();
	assert_ended(PGT_END_ROLLED_BACK, DEADLINE_S + 2, DEADLINE_S + 3);
}

static void
test_nothing_written_at_the_deadline_is_the_consoles(void **state)
{
	(void)state;
	/* it lives, and may still be asking its user: there is nothing to take back */
	w.script = confirm_at_50;
	guard();
	assert_ended(PGT_END_CONFIRMED, 2000, 2001);
}

static void
die_late(int64_t at)
{
	if (at >= DEADLINE_S + 50)
		kill_console();
}

static void
test_nothing_written_and_lost_late(void **state)
{
	(void)state;
	w.script = die_late;
	guard();
	assert_ended(PGT_END_NOTHING, DEADLINE_S + 50, DEADLINE_S + 51);
}

static void
begins_back(int64_t at)
{
	struct pgt_replay rec = outcome();

	if (at >= 50 && !rec.rb_begun)
		put(PGT_J_RB_BEGIN, "reason", cJSON_CreateString("the operator"));
	if (at >= 50 && w.stopped)
		kill(w.console, SIGSTOP);
	pgt_replay_done(&rec);
}

/* One that is rolling back is left to it, longer than it tries; unless it is stopped. */
static void
test_a_console_that_rolls_back(void **state)
{
	(void)state;
	written(true);
	w.script = begins_back;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, DEADLINE_S + 90, DEADLINE_S + 91);
	end(state);
	begin(state);
	written(true);
	w.stopped = true;
	w.script = begins_back;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, DEADLINE_S + 2, DEADLINE_S + 3);
}

static void
test_lost_while_it_rolled_back(void **state)
{
	(void)state;
	written(true);
	put(PGT_J_RB_BEGIN, "reason", cJSON_CreateString("the operator"));
	w.script = die_at_100;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, 100, 101);
}

/* The journal's deadline counts, which the console may have put off since. */
static void
test_the_deadline_is_the_journals(void **state)
{
	cJSON *body = cJSON_CreateObject();
	struct pgt_err err;

	(void)state;
	written(true);
	pgt_json_i64(body, "deadline_boot_ms", (EPOCH + 5000 * S) / PGT_NS_PER_MS);
	assert_int_equal(pgt_journal_append(w.j, PGT_J_ARMED, body, NULL, NULL, &err), 0);
	cJSON_Delete(body);
	w.script = die_at_100;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, 5000, 5001);
}

/* Its console was gone before it looked, or another process has its number. */
static void
test_console_gone_from_the_start(void **state)
{
	cJSON *o;

	written(false);
	o = orders();
	cJSON_DeleteItemFromObject(o, "console_pid");
	pgt_json_i64(o, "console_pid", 0x3fffffff);
	assert_int_equal(guard_with(o), 0);
	assert_ended(PGT_END_ROLLED_BACK, 0, 1);
	end(state);
	begin(state);
	written(false);
	o = orders();
	cJSON_DeleteItemFromObject(o, "console_ticks");
	pgt_json_i64(o, "console_ticks", 1);
	assert_int_equal(guard_with(o), 0);
	assert_ended(PGT_END_ROLLED_BACK, 0, 1);
	/* it hung up before it heard the answer */
	end(state);
	begin(state);
	written(false);
	w.hung_up = true;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, 0, 1);
}

/* A kernel without pidfds, and a console whose socket another process still holds. */
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

static void
dies_at_100_but_its_socket(int64_t at)
{
	int keep = w.sock;

	if (at < 100 || w.console <= 0)
		return;
	w.sock = -1;
	kill_console();
	w.sock = keep;
}

static void
test_a_kernel_without_pidfds(void **state)
{
	(void)state;
	written(false);
	no_pidfd = true;
	w.script = dies_at_100_but_its_socket;
	guard();
	no_pidfd = false;
	assert_ended(PGT_END_ROLLED_BACK, 100, 101);
}

static void
test_a_console_that_lets_go(void **state)
{
	(void)state;
	written(false);
	w.script = hang_up;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, 100, 101);
	assert_true(w.console > 0);
}

/* ---- a server that does not let it ---- */

static void
up_at_1000(int64_t at)
{
	die_at_100(at);
	if (at == 100) {
		w.down = true;
		w.open = false;
	}
	if (at >= 1000)
		w.down = false;
}

static void
test_a_server_that_is_away_is_waited_for(void **state)
{
	(void)state;
	written(false);
	w.script = up_at_1000;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, 1000, 1005);
	assert_true(w.unreached > 100);
	assert_string_equal(w.logged, "");
}

static void
gone_for_good(int64_t at)
{
	die_at_100(at);
	if (at == 100) {
		w.down = true;
		w.open = false;
	}
	if (at >= 400)
		unlink(w.path);
	if (at >= 4 * 3600)
		w.down = false; /* else it would never end */
}

static void
test_server_and_journal_gone_for_good(void **state)
{
	written(false);
	put_item(PGT_J_INTENT, 1);
	w.script = gone_for_good;
	guard();
	assert_true(at_s() >= 1900 && at_s() < 2400); /* half an hour, and a round of trying */
	assert_non_null(strstr(w.logged, "was not rolled back on db1"));
	assert_non_null(strstr(w.logged, "work_mem"));
	assert_null(strstr(w.logged, "24MB"));
	assert_non_null(strstr(w.logged, ", jit"));
	assert_int_equal(w.restores, 0);
	/* only what may be in force is named */
	end(state);
	begin(state);
	put_item(PGT_J_INTENT, 1);
	w.script = gone_for_good;
	guard();
	assert_non_null(strstr(w.logged, "jit"));
	assert_null(strstr(w.logged, "work_mem"));
}

static void
only_the_server(int64_t at)
{
	die_at_100(at);
	if (at == 100) {
		w.down = true;
		w.open = false;
	}
	if (at >= 4 * 3600)
		w.down = false;
}

static void
test_a_journal_that_is_there_is_never_given_up(void **state)
{
	(void)state;
	written(false);
	w.script = only_the_server;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, 4 * 3600, 4 * 3600 + 5);
	assert_string_equal(w.logged, "");
}

static void
only_the_journal(int64_t at)
{
	die_at_100(at);
	if (at == 100) {
		w.sqlstate = "57P03"; /* a long crash recovery */
		w.open = false;
		unlink(w.path);
	}
	if (at >= 4 * 3600)
		w.sqlstate = NULL;
}

static void
test_a_server_that_answers_is_never_given_up(void **state)
{
	(void)state;
	written(false);
	w.script = only_the_journal;
	guard();
	assert_true(at_s() >= 4 * 3600 && at_s() < 4 * 3600 + 5);
	assert_int_equal(w.restores, 1);
	assert_true(w.item_2_had_no_intent);
	assert_string_equal(w.logged, "");
}

static void
test_frozen_for_long_is_fenced_with_instructions(void **state)
{
	struct pgt_replay rec;

	(void)state;
	written(false);
	w.result = PGT_RR_FROZEN;
	w.script = die_at_100;
	guard();
	assert_ended(PGT_END_FENCED, 160, 163);
	rec = outcome();
	assert_non_null(strstr(rec.closed_text, "By hand, on that node: ALTER SYSTEM RESET"));
	pgt_replay_done(&rec);
}

static void
thaw_at_130(int64_t at)
{
	die_at_100(at);
	if (at >= 110 && at < 120)
		w.retries = 1; /* a lost link in between: the frost counts anew */
	if (at >= 165)
		w.result = PGT_RR_DONE;
}

static void
test_frozen_for_a_while(void **state)
{
	(void)state;
	written(false);
	w.result = PGT_RR_FROZEN;
	w.script = thaw_at_130;
	guard();
	assert_ended(PGT_END_ROLLED_BACK, 165, 168);
}

static void
test_another_node_is_fenced_at_once(void **state)
{
	(void)state;
	written(false);
	w.result = PGT_RR_FENCED;
	w.item = PGT_RS_FOREIGN;
	w.script = die_at_100;
	guard();
	assert_ended(PGT_END_FENCED, 100, 101);
}

static void
busy_until_400(int64_t at)
{
	die_at_100(at);
	w.retries = at < 400 ? 1000 : 0;
}

/* More than a round of trying, with a session that is sound: it answers. */
static void
test_a_server_that_refuses_for_long(void **state)
{
	cJSON *o = orders();

	(void)state;
	pgt_json_str(o, "probe", "good");
	written(false);
	w.retry_code = PGT_E_SQL;
	w.script = busy_until_400;
	assert_int_equal(guard_with(o), 0);
	assert_ended(PGT_END_ROLLED_BACK, 400, 403);
	assert_false(w.closed_link);
}

/* ---- orders that it cannot take ---- */

static void
refused(cJSON *take_orders, const char *why)
{
	struct pgt_replay rec;

	assert_int_equal(guard_with(take_orders), 1);
	assert_non_null(strstr(w.said, "\"armed\":false"));
	if (!strstr(w.said, why))
		fail_msg("\"%s\" is not in: %s", why, w.said);
	rec = outcome();
	assert_false(rec.closed);
	pgt_replay_done(&rec);
}

static cJSON *
orders_but(const char *name, const char *value)
{
	cJSON *o = orders();

	cJSON_DeleteItemFromObject(o, name);
	if (value)
		pgt_json_str(o, name, value);
	return o;
}

static void
test_orders_that_cannot_be_taken(void **state)
{
	(void)state;
	refused(NULL, "no orders");
	refused(orders_but("journal", NULL), "incomplete orders");
	refused(orders_but("conninfo", NULL), "incomplete orders");
	refused(orders_but("lock_fd", NULL), "incomplete orders");
	refused(orders_but("console_pid", NULL), "incomplete orders");
	refused(orders_but("deadline_boot_ms", NULL), "incomplete orders");
	refused(orders_but("conninfo", "nonsense=1"), "nonsense");
	refused(orders_but("journal", "/nowhere/cs-a.jnl"), "/nowhere");
	refused(orders_but("probe", "bad"), "no manager");
	w.down = true;
	refused(orders_but("probe", "good"), "no route to it");
	refused(orders_but("conninfo", ""), "no route to it");
	w.down = false;
	w.node = PGT_FENCE_OTHER;
	refused(orders(), "another node");
	w.node = PGT_FENCE_SAME;
	w.fence_fails = true;
	refused(orders(), "no fence");
	w.fence_fails = false;
	w.writer_fails = true;
	refused(orders(), "no writer");
	assert_int_equal(pgt_guard_main(-1, NULL), 2);
}

static void
test_journals_that_name_no_node(void **state)
{
	struct pgt_journal *j = NULL;
	struct pgt_err err;
	char *path;
	cJSON *o, *plan = cJSON_CreateObject();

	(void)state;
	assert_int_equal(pgt_journal_create(w.dir, "empty", 1000, &j, &err), 0);
	path = pgt_xstrdup(pgt_journal_path(j));
	o = orders_but("journal", path);
	refused(o, "the journal is empty");
	pgt_json_item(plan, "changeset",
		      cJSON_Duplicate(cJSON_GetObjectItem(pgt_journal_at(w.j, 0)->body,
							  "changeset"),
				      true));
	assert_int_equal(pgt_journal_append(j, PGT_J_PLAN, plan, NULL, NULL, &err), 0);
	refused(orders_but("journal", path), "names no node");
	pgt_journal_close(j);
	cJSON_Delete(plan);
	unlink(path);
	free(path);
}

/* It hangs up without a word, before any orders. */
static void
test_no_orders_at_all(void **state)
{
	static const struct pgt_guard_env env = {.open_probe = open_probe};
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[0]);
	assert_int_equal(pgt_guard_main(pair[1], &env), 1);
	close(pair[1]);
}

static void
nonsense_at_50(int64_t at)
{
	const struct pgt_jrec *plan = pgt_journal_at(w.j, 0);
	struct pgt_err err;

	if (at == 50 && pgt_journal_count(w.j) < 9)
		(void)!pgt_journal_append(w.j, PGT_J_PLAN, plan->body, NULL, NULL, &err);
	die_at_100(at);
}

/* A second plan in a journal: nobody can say what it means, so nothing is written, and it
 * is left for a person to look at. */
static void
test_a_journal_that_makes_no_sense(void **state)
{
	(void)state;
	written(true);
	w.script = nonsense_at_50;
	guard();
	assert_true(at_s() >= 100 && at_s() < 102);
	assert_int_equal(w.restores, 0);
	assert_int_equal(back(false), PGT_END_OPEN);
	assert_int_equal(rb_err.code, PGT_E_PARSE);
	assert_int_equal(w.restores, 0);
	assert_int_equal(pgt_change_close(w.j, PGT_END_CONFIRMED, "", &rb_err), -1);
}

/* ---- the rollback by itself ---- */

static void
test_rollback_of_what_has_ended(void **state)
{
	written(true);
	put(PGT_J_CONFIRMED, NULL, NULL);
	assert_int_equal(back(false), PGT_END_CONFIRMED);
	assert_int_equal(w.restores, 0);
	close_as(PGT_END_CONFIRMED);
	assert_int_equal(back(false), PGT_END_OPEN);
	assert_int_equal(rb_err.code, PGT_E_STATE);
	assert_int_equal(back(true), PGT_END_ROLLED_BACK); /* asked for by name */
	assert_false(w.took_over);
	assert_int_equal(back(true), PGT_END_OPEN);
	assert_int_equal(w.restores, 1);
	end(state);
	begin(state);
	assert_int_equal(back(false), PGT_END_NOTHING);
}

static void
test_rollback_that_is_told_to_stop(void **state)
{
	written(false);
	w.down = true;
	w.pulses = 3;
	assert_int_equal(back(false), PGT_END_OPEN);
	assert_true(at_s() < 2);
	/* or gives up by itself, having noted why */
	w.pulses = 0;
	assert_int_equal(back(false), PGT_END_OPEN);
	assert_true(at_s() >= 180);
	assert_true(w.said_lines > 50);
	end(state);
	begin(state);
	written(false);
	w.lock_fails = true;
	w.pulses = 2;
	assert_int_equal(back(false), PGT_END_OPEN);
	assert_int_equal(w.restores, 0);
}

/* A session whose state is not in doubt is used on; one that is, is not. */
static void
test_rollback_and_its_session(void **state)
{
	static const struct {
		enum pgt_errcode code;
		bool closed;
	} cases[] = {{PGT_E_SQL, false},      {PGT_E_DENIED, false}, {PGT_E_STATE, false},
		     {PGT_E_CONFLICT, false}, {PGT_E_CONN, true},    {PGT_E_TIMEOUT, true}};

	for (size_t i = 0; i < PGT_LEN(cases); i++) {
		end(state);
		begin(state);
		written(false);
		w.retries = 1;
		w.retry_code = cases[i].code;
		assert_int_equal(back(false), PGT_END_ROLLED_BACK);
		assert_int_equal(w.closed_link, cases[i].closed);
		assert_int_equal(w.opened, 1 + cases[i].closed);
	}
}

/* A disk that fails does not keep the server from being put right. */
static void
test_rollback_with_a_dead_journal(void **state)
{
	(void)state;
	written(false);
	sync_instead = fails_to_sync;
	assert_int_equal(back(false), PGT_END_ROLLED_BACK);
	assert_true(pgt_journal_dead(w.j));
	assert_int_equal(back(false), PGT_END_ROLLED_BACK); /* again, and it is idempotent */
	sync_instead = NULL;
	assert_int_equal(w.restores, 2);
}

/* Whoever holds the journal's lock for long does not keep the server as it is. */
static void
test_rollback_while_another_process_holds_the_journal(void **state)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(w.path, O_RDWR | O_CLOEXEC);

	(void)state;
	written(false);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &fl), 0);
	assert_int_equal(back(false), PGT_END_ROLLED_BACK);
	assert_int_equal(w.restores, 1);
	assert_true(at_s() >= 3); /* it was waited for first */
	close(fd);
	close_as(PGT_END_ROLLED_BACK);
	assert_int_equal(pgt_change_close(w.j, PGT_END_CONFIRMED, "", &rb_err), -1);
	assert_int_equal(rb_err.code, PGT_E_STATE); /* only once */
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
	    T(test_a_closed_journal_ends_it),
	    T(test_lost_before_the_first_write),
	    T(test_lost_half_applied_goes_back_at_once),
	    T(test_lost_when_verified_waits_for_the_deadline),
	    T(test_a_trial_waits_for_nobody),
	    T(test_asked_for_and_lost),
	    T(test_asked_for_and_the_console_does_not_answer),
	    T(test_confirmed_is_closed_only_for_a_lost_console),
	    T(test_confirmed_and_cannot_be_closed),
	    T(test_a_console_that_sleeps_over_the_deadline),
	    T(test_nothing_written_at_the_deadline_is_the_consoles),
	    T(test_nothing_written_and_lost_late),
	    T(test_a_console_that_rolls_back),
	    T(test_lost_while_it_rolled_back),
	    T(test_the_deadline_is_the_journals),
	    T(test_console_gone_from_the_start),
	    T(test_a_console_that_lets_go),
	    T(test_a_kernel_without_pidfds),
	    T(test_a_server_that_is_away_is_waited_for),
	    T(test_server_and_journal_gone_for_good),
	    T(test_a_journal_that_is_there_is_never_given_up),
	    T(test_a_server_that_answers_is_never_given_up),
	    T(test_frozen_for_long_is_fenced_with_instructions),
	    T(test_frozen_for_a_while),
	    T(test_another_node_is_fenced_at_once),
	    T(test_a_server_that_refuses_for_long),
	    T(test_orders_that_cannot_be_taken),
	    T(test_journals_that_name_no_node),
	    T(test_no_orders_at_all),
	    T(test_a_journal_that_makes_no_sense),
	    T(test_rollback_of_what_has_ended),
	    T(test_rollback_that_is_told_to_stop),
	    T(test_rollback_and_its_session),
	    T(test_rollback_with_a_dead_journal),
	    T(test_rollback_while_another_process_holds_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
