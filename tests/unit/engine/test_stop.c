/* A word that is said before the thread it is meant for has begun is not lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../../../src/engine/tuning_priv.h"
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
	    cmocka_unit_test(test_stop_into_a_full_mailbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
