/* A word that is said before the thread it is meant for has begun is not lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../../../src/engine/tuning_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mailbox.h"

static struct pgt_engine e;

static int
begin(void **state)
{
	(void)state;
	memset(&e, 0, sizeof(e));
	e.events = pgt_mailbox_new(64);
	e.to_loop = pgt_mailbox_new(64);
	e.tuning = pgt_tuning_new(&e);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	pgt_tuning_free(e.tuning);
	pgt_mailbox_free(e.to_loop);
	pgt_mailbox_free(e.events);
	return 0;
}

/* What the engine's thread does with the order, some time later. */
static void
carry_out(void)
{
	struct pgt_msg *m = pgt_mailbox_take(e.to_loop);

	assert_non_null(m);
	assert_int_equal(m->type, PGT_LM_TUNE);
	pgt_tuning_begin(e.tuning, m->data, NULL);
	pgt_msg_free(m);
}

static void
test_search_stopped_before_it_began(void **state)
{
	struct pgt_tune_opts o;
	struct pgt_err err;

	(void)state;
	pgt_tune_opts_init(&o);
	assert_int_equal(pgt_engine_tune_start(&e, &o, &err), 0);
	pgt_engine_tune_stop(&e, false);
	carry_out();
	assert_true(e.tuning->cancel);
	/* and the next one is a new one */
	assert_int_equal(pgt_engine_tune_start(&e, &o, &err), 0);
	pgt_engine_tune_stop(&e, true);
	carry_out();
	assert_false(e.tuning->cancel);
	assert_true(e.tuning->finish);
}

static void *
pause_it(void *arg)
{
	pgt_tuning_wait_while_paused(arg);
	return NULL;
}

/* Until the search says that it is in that state. */
static void
wait_for(enum pgt_tune_state state)
{
	enum pgt_tune_state now = PGT_TUNE_IDLE;
	struct pgt_msg *m;

	while (now != state)
		if ((m = pgt_mailbox_take(e.events))) {
			if (m->type == PGT_EV_OPTIMIZE)
				now = ((struct pgt_ev_optimize *)m->data)->state;
			pgt_msg_free(m);
		}
}

/* A limit of time is of searching: however long it is paused, none of it is gone. */
static void
test_paused_time_does_not_count(void **state)
{
	struct pgt_tuning *t = e.tuning;
	int64_t began, before, over, spent;
	pthread_t thread;

	(void)state;
	t->opts.time_ns = 60 * PGT_NS_PER_S;
	t->started_ns = 1000 * PGT_NS_PER_S;
	assert_false(pgt_tuning_time_is_up(t, 1060 * PGT_NS_PER_S));
	assert_true(pgt_tuning_time_is_up(t, 1061 * PGT_NS_PER_S));
	t->paused_ns = 600 * PGT_NS_PER_S;
	assert_false(pgt_tuning_time_is_up(t, 1660 * PGT_NS_PER_S));
	assert_true(pgt_tuning_time_is_up(t, 1661 * PGT_NS_PER_S));
	t->opts.time_ns = 0; /* no limit */
	assert_false(pgt_tuning_time_is_up(t, 99999 * PGT_NS_PER_S));

	/* and it is the pause that is counted */
	t->paused_ns = 0;
	began = t->started_ns = pgt_clock_mono_ns();
	pgt_engine_tune_pause(&e, true);
	assert_int_equal(pthread_create(&thread, NULL, pause_it, t), 0);
	wait_for(PGT_TUNE_PAUSED);
	before = pgt_clock_mono_ns();
	while (pgt_clock_mono_ns() - before < 20 * PGT_NS_PER_MS)
		sched_yield();
	over = pgt_clock_mono_ns() - before;
	pgt_engine_tune_pause(&e, false);
	assert_int_equal(pthread_join(thread, NULL), 0);
	spent = pgt_tuning_spent_ns(t, pgt_clock_mono_ns());
	assert_true(t->paused_ns >= over);
	assert_true(spent >= 0 && spent <= pgt_clock_mono_ns() - began - over);
}

/* Stop while it is paused: it goes on to the confirmation, which can be paused again. */
static void
test_stop_ends_a_pause(void **state)
{
	pthread_t thread;

	(void)state;
	pgt_engine_tune_pause(&e, true);
	assert_int_equal(pthread_create(&thread, NULL, pause_it, e.tuning), 0);
	wait_for(PGT_TUNE_PAUSED);
	pgt_engine_tune_stop(&e, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pgt_engine_tune_pause(&e, true);
	assert_int_equal(pthread_create(&thread, NULL, pause_it, e.tuning), 0);
	wait_for(PGT_TUNE_PAUSED);
	pgt_engine_tune_stop(&e, false); /* and restore: at once */
	assert_int_equal(pthread_join(thread, NULL), 0);
	pgt_tuning_tell(e.tuning);
	wait_for(PGT_TUNE_STOPPING);
}

/* The last word gets into a full mailbox. */
static void
test_stop_into_a_full_mailbox(void **state)
{
	struct pgt_mailbox *mb = pgt_mailbox_new(2);
	struct pgt_msg *m;

	(void)state;
	for (int i = 0; i < 3; i++)
		pgt_engine_command(mb, 7, i, NULL, NULL);
	pgt_engine_tell_stop(mb, 1);
	m = pgt_mailbox_take(mb);
	assert_int_equal(m->type, 7);
	pgt_msg_free(m);
	m = pgt_mailbox_take(mb);
	assert_int_equal(m->type, 1);
	pgt_msg_free(m);
	assert_null(pgt_mailbox_take(mb));
	pgt_mailbox_free(mb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_search_stopped_before_it_began, begin, end),
	    cmocka_unit_test_setup_teardown(test_paused_time_does_not_count, begin, end),
	    cmocka_unit_test_setup_teardown(test_stop_ends_a_pause, begin, end),
	    cmocka_unit_test(test_stop_into_a_full_mailbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
