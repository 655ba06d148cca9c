/* The console's end of the guard: a guard is only taken for armed when it said so in time, and
 * one that ends is noticed.  The guard is this program again, and does as it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/change/guard.h"
#include "pg2une/change/lock.h"
#include "pg2une/change/spawn.h"
#include "pg2une/pg/conn.h"

#define PART "PG2UNE_TEST_GUARD"

/* ---- the guard's part ---- */

static int
say(const char *text)
{
	return send(3, text, strlen(text), 0) < 0;
}

static int
play(const char *part)
{
	char orders[65536];
	ssize_t n;

	if (strcmp(part, "deaf") == 0)
		return 0; /* before it has heard its orders */
	n = recv(3, orders, sizeof(orders) - 1, 0);
	if (n <= 0)
		return 1;
	orders[n] = '\0';
	if (!strstr(orders, "\"journal\":\"/j\"") ||
	    (!strstr(orders, "hunter2") && strcmp(part, "stays") != 0) ||
	    fcntl(PGT_SPAWN_LOCK, F_GETFD) < 0 || getenv("PGPASSWORD"))
		return say("{\"armed\": false, \"error\": \"bad orders\"}");
	if (strcmp(part, "refuses") == 0)
		return say("{\"armed\": false, \"error\": \"no \\u001b[31mroute\"}");
	if (strcmp(part, "mute") == 0)
		return say("{\"armed\": false}");
	if (strcmp(part, "babbles") == 0)
		return say("not JSON");
	if (strcmp(part, "dies") == 0)
		return 0;
	if (strcmp(part, "silent") == 0) {
		pause();
		return 0;
	}
	say("{\"armed\": true}");
	if (strcmp(part, "ends") == 0)
		return 0;
	if (strcmp(part, "closes") == 0)
		close(3); /* about to end, but not yet gone */
	pause();
	return 0;
}

/* ---- the console's ---- */

static struct pgt_connspec *spec;
static struct pgt_lock *lock;
static struct pgt_err err;
static char *path; /* of the journal, else /j */

static struct pgt_guard *
start_within(const char *part, int64_t patience_ns)
{
	struct pgt_guard_args args = {.spec = spec,
				      .journal_path = path ? path : "/j",
				      .lock = lock,
				      .deadline_boot_ns = 5 * PGT_NS_PER_S,
				      .patience_ns = patience_ns};
	struct pgt_guard *g = NULL;

	setenv(PART, part, 1);
	pgt_err_clear(&err);
	return pgt_guard_start(&args, &g, &err) < 0 ? NULL : g;
}

static struct pgt_guard *
start(const char *part)
{
	return start_within(part, 20 * PGT_NS_PER_S);
}

static bool
ends_in_time(struct pgt_guard *g)
{
	for (int i = 0; i < 500; i++) {
		if (!pgt_guard_alive(g))
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

static void
test_armed(void **state)
{
	struct pgt_guard *g = start("stays");
	struct pgt_armed a;
	int64_t ticks = 0;

	(void)state;
	assert_non_null(g);
	assert_true(pgt_guard_alive(g));
	pgt_guard_describe(g, &a);
	assert_true(pgt_proc_start(a.pid, &ticks));
	assert_true(ticks == a.start_ticks && a.console_pid == getpid());
	assert_int_equal(a.deadline_boot_ns, 5 * PGT_NS_PER_S);
	assert_int_equal(strlen(a.boot_id), 36);
	/* it is a session of its own: no terminal takes it along */
	assert_int_equal(getsid(a.pid), a.pid);
	kill(a.pid, SIGKILL);
	assert_true(ends_in_time(g));
	assert_false(pgt_guard_alive(g));
	pgt_guard_free(g, true);
}

static void
test_let_go(void **state)
{
	struct pgt_guard *g = start("stays");
	struct pgt_armed a;

	(void)state;
	assert_non_null(g);
	pgt_guard_describe(g, &a);
	pgt_guard_free(g, false); /* not waited for: it lives on */
	assert_int_equal(kill(a.pid, 0), 0);
	kill(a.pid, SIGKILL);
	pgt_guard_free(NULL, true);
}

static void
test_without_a_password(void **state)
{
	struct pgt_connspec *with = spec;
	struct pgt_connargs args = {.dbname = "host=127.0.0.1"};
	struct pgt_guard *g;
	struct pgt_armed a;

	(void)state;
	assert_int_equal(pgt_connspec_new(&args, &spec, &err), 0);
	g = start("stays");
	pgt_connspec_free(spec);
	spec = with;
	assert_non_null(g);
	pgt_guard_describe(g, &a);
	kill(a.pid, SIGKILL);
	pgt_guard_free(g, true);
}

static void
test_one_that_ends_is_noticed(void **state)
{
	struct pgt_guard *g = start("ends");
	struct pgt_armed a;

	(void)state;
	assert_non_null(g);
	assert_true(ends_in_time(g));
	pgt_guard_free(g, true);
	g = start("closes");
	assert_non_null(g);
	pgt_guard_describe(g, &a);
	assert_true(ends_in_time(g));
	kill(a.pid, SIGKILL);
	pgt_guard_free(g, true); /* waits a moment for it, not for ever */
}

static void
test_not_armed(void **state)
{
	static const struct {
		const char *part, *why;
		enum pgt_errcode code;
	} cases[] = {
	    {"refuses", "the guard cannot be armed: no ", PGT_E_STATE},
	    {"mute", "no reason given", PGT_E_STATE},
	    {"dies", "ended before it was armed", PGT_E_IO},
	    {"babbles", "", PGT_E_PARSE},
	};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(cases); i++) {
		assert_null(start(cases[i].part));
		assert_int_equal(err.code, cases[i].code);
		assert_non_null(strstr(err.msg, cases[i].why));
		assert_null(strchr(err.msg, '\033'));
	}
	assert_null(start_within("silent", 200 * PGT_NS_PER_MS));
	assert_int_equal(err.code, PGT_E_TIMEOUT);
	/* whether or not the orders are still taken: nothing is armed */
	assert_null(start("deaf"));
	assert_int_equal(err.code, PGT_E_IO);
	/* orders that do not fit */
	path = pgt_xcalloc(1, 70000);
	memset(path, 'x', 69999);
	assert_null(start("stays"));
	assert_non_null(strstr(err.msg, "does not listen"));
	free(path);
	path = NULL;
}

/* ---- what the system refuses ---- */

static int fail_dup, fail_pair, fail_send;

int
socketpair(int domain, int type, int protocol, int pair[2])
{
	if (fail_pair)
		return -1;
	return ((int (*)(int, int, int, int[2]))dlsym(RTLD_NEXT, "socketpair"))(
	    domain, type, protocol, pair);
}

ssize_t
send(int fd, const void *buf, size_t n, int flags)
{
	if (fail_send)
		return -1;
	return ((ssize_t(*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send"))(
	    fd, buf, n, flags);
}

int
fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (cmd == F_DUPFD_CLOEXEC && fail_dup)
		return -1;
	return ((int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl"))(fd, cmd, arg);
}

static void
test_no_process_no_socket(void **state)
{
	struct rlimit old, none;
	struct pgt_guard *g;
	struct pgt_armed a;

	(void)state;
	fail_pair = 1;
	assert_null(start("stays"));
	assert_non_null(strstr(err.msg, "the guard: socketpair"));
	fail_pair = 0;
	fail_dup = 1;
	assert_null(start("stays"));
	assert_non_null(strstr(err.msg, "no descriptor"));
	fail_dup = 0;
	fail_send = 1;
	assert_null(start("stays"));
	assert_non_null(strstr(err.msg, "does not listen"));
	fail_send = 0;
	/* no room for descriptor PGT_SPAWN_LOCK in the child: it cannot be started */
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = PGT_SPAWN_LOCK;
	setrlimit(RLIMIT_NOFILE, &none);
	assert_null(start("stays"));
	setrlimit(RLIMIT_NOFILE, &old);
	g = start("stays");
	assert_non_null(g);
	pgt_guard_describe(g, &a);
	kill(a.pid, SIGKILL);
	pgt_guard_free(g, true);
}

static int
begin(void **state)
{
	struct pgt_connargs args = {.dbname = "host=127.0.0.1", .password = "hunter2"};

	(void)state;
	lock = pgt_lock_inherit(open("/dev/null", O_RDWR | O_CLOEXEC));
	return pgt_connspec_new(&args, &spec, &err);
}

static int
end(void **state)
{
	(void)state;
	pgt_connspec_free(spec);
	pgt_lock_drop(lock);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_armed),
	    cmocka_unit_test(test_let_go),
	    cmocka_unit_test(test_without_a_password),
	    cmocka_unit_test(test_one_that_ends_is_noticed),
	    cmocka_unit_test(test_not_armed),
	    cmocka_unit_test(test_no_process_no_socket),
	};

	if (argc == 4 && strcmp(argv[1], "guard") == 0 && getenv(PART)) {
		alarm(30); /* whatever becomes of the test */
		return play(getenv(PART));
	}
	return cmocka_run_group_tests(tests, begin, end);
}
