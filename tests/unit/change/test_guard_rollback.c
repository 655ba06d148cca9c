/* The rollback that the guard makes, by itself. */
#include "guard_world.h"

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
	    T(test_rollback_of_what_has_ended),
	    T(test_rollback_that_is_told_to_stop),
	    T(test_rollback_and_its_session),
	    T(test_rollback_with_a_dead_journal),
	    T(test_rollback_while_another_process_holds_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
