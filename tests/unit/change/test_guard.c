/* The guard and its console: what it does when that dies, sleeps, confirms or lets go. */
#include "guard_world.h"

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

static void
die_and_fail_to_sync(int64_t at)
{
	if (at >= 50 && w.console > 0) {
		put(PGT_J_CONFIRMED, NULL, NULL);
		kill_console();
		sync_instead = fails_to_sync;
	}
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
