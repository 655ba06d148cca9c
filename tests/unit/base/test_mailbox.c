#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pg2une/base/mailbox.h"
#include "pg2une/base/mem.h"

static bool
readable(struct pgt_mailbox *mb, int timeout_ms)
{
	struct pollfd p = {.fd = pgt_mailbox_fd(mb), .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

static int freed;

static void
count_free(void *data)
{
	freed += *(int *)data;
}

static void
bounded_first_in_first_out(void **state)
{
	struct pgt_mailbox *mb = pgt_mailbox_new(3);
	struct pgt_msg *m, *extra = pgt_msg_new(9, 0, NULL, NULL);

	(void)state;
	assert_null(pgt_mailbox_take(mb));
	assert_false(readable(mb, 0));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++) {
			assert_true(
			    pgt_mailbox_post(mb, pgt_msg_new(i, 10 * i, NULL, NULL)));
			assert_true(readable(mb, 0));
		}
		assert_false(pgt_mailbox_post(mb, extra)); /* full: still ours */
		assert_int_equal(pgt_mailbox_len(mb), 3);
		for (int i = 0; i < 3; i++) {
			assert_true(readable(mb, 0));
			m = pgt_mailbox_take(mb);
			assert_int_equal(m->type, i);
			assert_int_equal(m->arg, 10 * i);
			pgt_msg_free(m);
		}
		assert_false(readable(mb, 0));
		assert_null(pgt_mailbox_take(mb));
		assert_int_equal(pgt_mailbox_len(mb), 0);
	}
	assert_int_equal(extra->type, 9);
	pgt_msg_free(extra);
	pgt_mailbox_free(mb);
}

static void
undelivered_data_is_freed(void **state)
{
	struct pgt_mailbox *mb = pgt_mailbox_new(8);
	int one = 1, ten = 10;

	(void)state;
	freed = 0;
	assert_true(pgt_mailbox_post(mb, pgt_msg_new(0, 0, &one, count_free)));
	assert_true(pgt_mailbox_post(mb, pgt_msg_new(0, 0, &ten, count_free)));
	assert_true(pgt_mailbox_post(mb, pgt_msg_new(0, 0, &ten, NULL)));
	assert_true(pgt_mailbox_post(mb, pgt_msg_new(0, 0, NULL, count_free)));
	pgt_msg_free(pgt_mailbox_take(mb));
	assert_int_equal(freed, 1);
	pgt_mailbox_free(mb);
	assert_int_equal(freed, 11);
	pgt_mailbox_free(NULL);
	pgt_msg_free(NULL);
}

enum { POSTERS = 4, EACH = 5000 };

static void *
poster(void *arg)
{
	struct pgt_mailbox *mb = arg;

	for (int i = 0; i < EACH; i++) {
		struct pgt_msg *m = pgt_msg_new(0, i, NULL, NULL);

		while (!pgt_mailbox_post(mb, m))
			sched_yield();
	}
	return NULL;
}

/* The receiver waits by poll() only: a lost wakeup would end it by the deadline. */
static void
no_wakeup_is_lost(void **state)
{
	struct pgt_mailbox *mb = pgt_mailbox_new(4);
	pthread_t threads[POSTERS];
	struct pgt_msg *m;
	int got = 0;

	(void)state;
	for (int i = 0; i < POSTERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, poster, mb), 0);
	while (got < POSTERS * EACH) {
		assert_true(readable(mb, 20000));
		while ((m = pgt_mailbox_take(mb))) {
			got++;
			pgt_msg_free(m);
		}
	}
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	assert_null(pgt_mailbox_take(mb));
	assert_false(readable(mb, 0));
	pgt_mailbox_free(mb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bounded_first_in_first_out),
	    cmocka_unit_test(undelivered_data_is_freed),
	    cmocka_unit_test(no_wakeup_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
