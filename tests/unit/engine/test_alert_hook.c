/* The operator's command on an alert: what it is told, one at a time, and what is said of
 * one that fails. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../src/engine/engine_priv.h"
#include "../../../src/engine/watch_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"

#define ALERTS_MAX 12

static struct pgt_engine e;
static char dir[] = "/tmp/pg2une-hook-XXXXXX";

static int
begin(void **state)
{
	(void)state;
	e.events = pgt_mailbox_new(64);
	return mkdtemp(dir) ? 0 : -1;
}

static int
end(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/told", dir);
	unlink(path);
	pgt_mailbox_free(e.events);
	return rmdir(dir);
}

static void
feed(struct pgt_alert_hook *h, uint64_t first, size_t n, int64_t silenced_until)
{
	struct pgt_alert a[ALERTS_MAX] = {0};
	struct pgt_ev_alerts ev = {.real_ns = 1000, .alerts = a, .n_alerts = n};
	const struct pgt_node node = {.name = "shop"};

	for (size_t i = 0; i < n; i++)
		a[i] = (struct pgt_alert){.id = first + i,
					  .state = PGT_ALERT_OPEN,
					  .metric = PGT_METRIC_LOCK_WAITS,
					  .family = PGT_FAMILY_LOCKS,
					  .direction = 1,
					  .degrade = true,
					  .severity = PGT_SEV_CRITICAL,
					  .baseline = 1,
					  .current = 9,
					  .silenced_until_real_ns = silenced_until};
	pgt_alert_hook_feed(h, &ev, &node);
}

/* The next notice, within ten seconds. */
static void
wait_notice(char *text, size_t size)
{
	struct pollfd p = {.fd = pgt_mailbox_fd(e.events), .events = POLLIN};
	struct pgt_msg *m = pgt_mailbox_take(e.events);

	if (!m && poll(&p, 1, 10000) == 1)
		m = pgt_mailbox_take(e.events);
	assert_non_null(m);
	assert_int_equal(m->type, PGT_EV_NOTICE);
	snprintf(text, size, "%s", ((struct pgt_ev_notice *)m->data)->text);
	pgt_msg_free(m);
}

static void
test_says_why(void **state)
{
	static const struct {
		const char *command, *said;
	} rows[] = {
	    {"exit 3", "alert-command failed with status 3"},
	    {"/nowhere/page-me", "no such program"},
	    {"/etc/passwd", "it may not be run"},
	    {"kill -9 $$", "ended by signal 9"},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		struct pgt_alert_hook *h = pgt_alert_hook_new(&e, rows[i].command);

		feed(h, 1, 1, 0);
		wait_notice(text, sizeof(text));
		assert_non_null(strstr(text, rows[i].said));
		pgt_alert_hook_free(h);
	}
	assert_null(pgt_alert_hook_new(&e, NULL));
	assert_null(pgt_alert_hook_new(&e, ""));
}

/* Three alerts of one incident: each is told once, one after the other; a silent one is
 * not.  The command fails at its third line, so that its end is heard. */
static void
test_each_once(void **state)
{
	char command[400], path[64], line[80], text[512];
	struct pgt_alert_hook *h;
	int lines = 0;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/told", dir);
	snprintf(command, sizeof(command),
		 "mkdir %s/one || exit 9; echo $PG2UNE_ALERT_METRIC "
		 "$PG2UNE_ALERT_DIRECTION $PG2UNE_ALERT_SEVERITY $PG2UNE_ALERT_BASELINE "
		 "$PG2UNE_ALERT_CURRENT $PG2UNE_ALERT_CLUSTER >>%s; rmdir %s/one; "
		 "test $(wc -l <%s) -ne 3",
		 dir, path, dir, path);
	h = pgt_alert_hook_new(&e, command);
	feed(h, 1, 2, 0);
	feed(h, 3, 5, 1001);
	feed(h, 1, 7, 0);    /* the same again */
	feed(h, 8, 1, 1000); /* silent no longer */
	wait_notice(text, sizeof(text));
	assert_string_equal(text, "alert-command failed with status 1");
	pgt_alert_hook_free(h);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		assert_string_equal(line, "lock_waits up critical 1 9 shop\n");
		lines++;
	}
	fclose(f);
	assert_int_equal(lines, 3);
}

/* A command that hangs: what does not fit any more is said, and nothing waits for it. */
static void
test_bounded(void **state)
{
	char command[128], path[64], text[512];
	struct pgt_alert_hook *h;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/told", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	snprintf(command, sizeof(command), "while test -e %s; do sleep 0.05; done", path);
	h = pgt_alert_hook_new(&e, command);
	feed(h, 1, ALERTS_MAX, 0);
	for (int i = 0; i < ALERTS_MAX - 9; i++) { /* one runs, eight wait */
		wait_notice(text, sizeof(text));
		assert_string_equal(text, "alert-command is still running: it was not "
					  "started for locks");
	}
	pgt_alert_hook_free(h); /* at once, while it runs */
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_says_why),
	    cmocka_unit_test(test_each_once),
	    cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests_name("engine/alert_hook", tests, begin, end);
}
