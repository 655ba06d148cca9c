/* Advice on settings: golden inputs, and what each must say of them. */
#include "world.h"

static void
spilling(struct world *w)
{
	struct pgt_sch_statement *q =
	    statement(w, "SELECT * FROM items ORDER BY tag", 100, 50, 1000, 3000);

	items(w);
	usual_settings(w);
	q->temp_written = 100 * 1280; /* 10 MB a call */
	w->s->now.temp_bytes = 1000 * MB;
}

static void
test_work_mem(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	spilling(w);
	a = advise(w, "setting:work_mem");
	assert_non_null(a);
	assert_string_equal(a->proposed, "32MB");
	assert_string_equal(a->statement, "ALTER SYSTEM SET work_mem = '32MB'");
	assert_string_equal(a->undo, "ALTER SYSTEM RESET work_mem");
	assert_int_equal(a->confidence, PGT_GRADE_HIGH);
	assert_true(a->effect_lo == -100 && a->effect_hi == -70);
	assert_string_equal(a->effect_of, "temporary file bytes");
}

static void
test_work_mem_stays_within_the_joint_limit(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	spilling(w);
	w->host.ram_bytes = 3 * GB; /* 2.7 - 1 - 3 x 64 MB = 1.5 GB for 50 x 2 */
	a = advise(w, "setting:work_mem");
	assert_non_null(a);
	assert_string_equal(a->proposed, "15MB");
}

static void
test_unknown_memory_lowers_confidence_and_says_so(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	spilling(w);
	w->host = (struct pgt_host_facts){0};
	w->statement[0].temp_written = 1e6; /* 80 MB a call */
	a = advise(w, "setting:work_mem");
	assert_non_null(a);
	assert_string_equal(a->proposed, "64MB"); /* no more, blind */
	assert_int_equal(a->confidence, PGT_GRADE_MEDIUM);
	assert_non_null(strstr(a->confidence_why, "memory is unknown"));
	assert_true(noted(w, "memory is unknown") && noted(w, "cores are unknown") &&
		    noted(w, "storage is unknown"));
}

static void
test_shared_buffers_too_large(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	usual_settings(w);
	w->host.ram_bytes = 1.5 * GB;
	a = advise(w, "setting:shared_buffers");
	assert_non_null(a);
	assert_string_equal(a->proposed, "384MB");
	assert_int_equal(a->confidence, PGT_GRADE_HIGH);
}

static void
test_max_wal_size(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	setting(w, "max_wal_size", "1024", "MB");
	setting(w, "checkpoint_timeout", "300", "s");
	setting(w, "checkpoint_completion_target", "0.9", NULL);
	w->s->now.checkpoints_req = 9;
	w->s->now.checkpoints_timed = 1;
	w->s->now.wal_bytes = 1000 * 10 * MB;
	w->s->now.reset_s = 1000; /* 10 MB/s: 1.25 x 10 MB x 300 s x 1.9 = 7 GB */
	a = advise(w, "setting:max_wal_size");
	assert_non_null(a);
	assert_string_equal(a->proposed, "8GB");
	assert_int_equal(a->confidence, PGT_GRADE_HIGH);
	w->s->now.checkpoints_timed = 90; /* a few among many are not worth a word */
	assert_null(advise(w, "setting:max_wal_size"));
}

static void
compiled(struct world *w, const char *above)
{
	struct pgt_sch_statement *q = statement(w, "SELECT 1", 100, 20, 1, 1);

	q->jit_ms = 1500;
	setting(w, "jit", "off", NULL)->source = "session"; /* ours */
	w->setting[0].reset_value = "on";
	setting(w, "jit_above_cost", above, NULL);
}

static void
test_jit_goes_back_to_the_usual_threshold(void **state)
{
	const struct pgt_advice *a;

	compiled(*state, "10");
	a = advise(*state, "setting:jit_above_cost");
	assert_non_null(a);
	assert_string_equal(a->proposed, "100000");
	assert_true(a->effect_pct == -75 && a->effect_hi > -75 && a->effect_lo < -75);
	assert_null(advise(*state, "setting:jit"));
}

static void
test_jit_is_switched_off_where_the_threshold_is_usual(void **state)
{
	const struct pgt_advice *a;

	compiled(*state, "100000");
	a = advise(*state, "setting:jit");
	assert_non_null(a);
	assert_string_equal(a->proposed, "off");
	assert_string_equal(a->current, "on"); /* as others have it, not our session */
}

static void
test_storage_decides_the_price_of_a_random_page(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	setting(w, "random_page_cost", "4", NULL);
	a = advise(w, "setting:random_page_cost");
	assert_non_null(a);
	assert_string_equal(a->proposed, "1.1");
	w->host.storage = "hdd";
	assert_null(advise(w, "setting:random_page_cost"));
	w->host.storage = NULL;
	assert_null(advise(w, "setting:random_page_cost"));
}

static void
test_what_the_command_line_sets_is_left_to_people(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	setting(w, "fsync", "off", NULL)->source = "command line";
	a = advise(w, "setting:fsync");
	assert_non_null(a);
	assert_null(a->statement);
	assert_null(a->act.kind);
	assert_int_equal(a->how, PGT_HOW_HUMAN);
}

static void
test_it_goes_back_to_the_text_that_was_there(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	setting(w, "random_page_cost", "3", NULL)->sourcefile = "/x/postgresql.auto.conf";
	a = advise(w, "setting:random_page_cost");
	assert_non_null(a);
	assert_string_equal(a->undo, "ALTER SYSTEM SET random_page_cost = '3'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_work_mem),
	    TEST(test_work_mem_stays_within_the_joint_limit),
	    TEST(test_unknown_memory_lowers_confidence_and_says_so),
	    TEST(test_shared_buffers_too_large),
	    TEST(test_max_wal_size),
	    TEST(test_jit_goes_back_to_the_usual_threshold),
	    TEST(test_jit_is_switched_off_where_the_threshold_is_usual),
	    TEST(test_storage_decides_the_price_of_a_random_page),
	    TEST(test_what_the_command_line_sets_is_left_to_people),
	    TEST(test_it_goes_back_to_the_text_that_was_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
