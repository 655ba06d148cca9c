/* The guard before a server that does not let it, and orders that it cannot take. */
#include "guard_world.h"

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

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
