/* Pure judgements: is it the same node, may the server start with it, what does a
 * journal say happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pg2une/base/mem.h"
#include "pg2une/change/fence.h"
#include "pg2une/change/preflight.h"
#include "pg2une/change/replay.h"
#include "pg2une/change/session.h"

static enum pgt_ruling
risk(const char *name, const char *value)
{
	struct pgt_boot_facts f = {
	    .ram_bytes = 16e9,
	    .shared_buffers_bytes = 128e6,
	    .max_connections = 100,
	    .superuser_reserved = 3,
	    .reserved = 0,
	    .max_wal_senders = 10,
	    .wal_level = "replica",
	    .archive_mode = "on",
	    .huge_pages = "try",
	    .loaded_libraries = "pg_stat_statements, auto_explain",
	    .known_libraries = "pg_hint_plan",
	};
	char why[400];
	enum pgt_ruling r = pgt_boot_risk(name, value, &f, why, sizeof(why));

	if (r != PGT_RULE_OK)
		assert_true(strlen(why) > 10);
	return r;
}

static void
test_boot_breakers(void **state)
{
	(void)state;
	assert_int_equal(risk("shared_preload_libraries", "pg_stat_statements"), PGT_RULE_OK);
	assert_int_equal(risk("shared_preload_libraries", "pg_hint_plan, auto_explain"), PGT_RULE_OK);
	assert_int_equal(risk("shared_preload_libraries", "nosuch"), PGT_RULE_REFUSE);
	assert_int_equal(risk("shared_preload_libraries", ""), PGT_RULE_REFUSE);
	assert_int_equal(risk("shared_preload_libraries", "\"pg_stat_statements,auto_explain\""),
			 PGT_RULE_REFUSE);
	assert_int_equal(risk("session_preload_libraries", "nosuch"), PGT_RULE_REFUSE);
	assert_int_equal(risk("max_connections", "3"), PGT_RULE_REFUSE);
	assert_int_equal(risk("max_connections", "4"), PGT_RULE_OK);
	assert_int_equal(risk("superuser_reserved_connections", "100"), PGT_RULE_REFUSE);
	assert_int_equal(risk("reserved_connections", "97"), PGT_RULE_REFUSE);
	assert_int_equal(risk("shared_buffers", "4GB"), PGT_RULE_OK);
	assert_int_equal(risk("shared_buffers", "900GB"), PGT_RULE_REFUSE);
	assert_int_equal(risk("huge_pages", "on"), PGT_RULE_REFUSE);
	assert_int_equal(risk("wal_level", "minimal"), PGT_RULE_REFUSE);
	assert_int_equal(risk("listen_addresses", "*"), PGT_RULE_REFUSE);
	assert_int_equal(risk("recovery_target_time", "now"), PGT_RULE_REFUSE);
	assert_int_equal(risk("fsync", "off"), PGT_RULE_REFUSE);
	assert_int_equal(risk("fsync", "on"), PGT_RULE_OK);
	assert_int_equal(risk("zero_damaged_pages", "on"), PGT_RULE_REFUSE);
	assert_int_equal(risk("synchronous_commit", "off"), PGT_RULE_WARN);
	assert_int_equal(risk("synchronous_standby_names", "x"), PGT_RULE_WARN);
	assert_int_equal(risk("work_mem", "1GB"), PGT_RULE_OK);
}

static void
test_fence(void **state)
{
	struct pgt_fence a = {.system_identifier = "7", .timeline = 1, .start_us = 10,
			      .datadir = "/d1", .addr = "10.0.0.1", .port = 5432}, b;
	char why[256];

	(void)state;
	b = a;
	assert_int_equal(pgt_fence_compare(&a, &b, why, sizeof(why)), PGT_FENCE_SAME);
	b.start_us = 11;
	assert_int_equal(pgt_fence_compare(&a, &b, why, sizeof(why)), PGT_FENCE_RESTARTED);
	b.timeline = 2; /* a failover outranks a restart */
	assert_int_equal(pgt_fence_compare(&a, &b, why, sizeof(why)), PGT_FENCE_ROLE);
	b = a;
	b.in_recovery = true;
	assert_int_equal(pgt_fence_compare(&a, &b, why, sizeof(why)), PGT_FENCE_ROLE);
	b = a;
	snprintf(b.datadir, sizeof(b.datadir), "/d2"); /* a replica: same identifier */
	assert_int_equal(pgt_fence_compare(&a, &b, why, sizeof(why)), PGT_FENCE_OTHER);
	b.datadir[0] = '\0'; /* this role may not see it: says nothing */
	assert_int_equal(pgt_fence_compare(&a, &b, why, sizeof(why)), PGT_FENCE_SAME);
	snprintf(b.addr, sizeof(b.addr), "10.0.0.2");
	assert_int_equal(pgt_fence_compare(&a, &b, why, sizeof(why)), PGT_FENCE_OTHER);
	b = a;
	snprintf(b.system_identifier, sizeof(b.system_identifier), "8");
	assert_int_equal(pgt_fence_compare(&a, &b, why, sizeof(why)), PGT_FENCE_OTHER);
	b.system_identifier[0] = '\0';
	assert_int_equal(pgt_fence_compare(&a, &b, why, sizeof(why)), PGT_FENCE_UNKNOWN);
}

static void
test_fence_survives_the_journal(void **state)
{
	struct pgt_fence a = {.system_identifier = "7123456789012345678", .timeline = 3,
			      .start_us = 1790000000123456, .datadir = "/var/lib/x y", .port = 5432}, b;
	cJSON *json = pgt_fence_json(&a);
	char why[256];

	(void)state;
	pgt_fence_from_json(json, &b);
	assert_int_equal(pgt_fence_compare(&a, &b, why, sizeof(why)), PGT_FENCE_SAME);
	cJSON_Delete(json);
}

static void
test_what_may_have_happened(void **state)
{
	struct pgt_err err = {.code = PGT_E_SQL, .sqlstate = "42501"};

	(void)state;
	assert_false(pgt_write_unknown(&err));
	snprintf(err.sqlstate, sizeof(err.sqlstate), "55P03");
	assert_false(pgt_write_unknown(&err));
	snprintf(err.sqlstate, sizeof(err.sqlstate), "57014");
	assert_true(pgt_write_unknown(&err));
	err.sqlstate[0] = '\0'; /* a terminated backend */
	assert_true(pgt_write_unknown(&err));
	err.code = PGT_E_CONN;
	assert_true(pgt_write_unknown(&err));
	err.code = PGT_E_TIMEOUT;
	assert_true(pgt_write_unknown(&err));
}

/* ---- replay ---- */

static void
put(struct pgt_journal *j, enum pgt_jtype type, const char *json)
{
	cJSON *body = pgt_json_parse(json, strlen(json), 65536, NULL);
	struct pgt_err err = {0};

	assert_non_null(body);
	if (pgt_journal_append(j, type, body, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	cJSON_Delete(body);
}

static void
phase_is(struct pgt_journal *j, const char *want)
{
	struct pgt_replay r;
	struct pgt_err err = {0};
	char phase[64];

	if (pgt_replay_read(j, &r, &err) < 0)
		fail_msg("%s", err.msg);
	pgt_replay_phase(&r, phase, sizeof(phase));
	assert_string_equal(phase, want);
	pgt_replay_done(&r);
}

static void
test_replay(void **state)
{
	char dir[] = "/tmp/pg2une-replay-XXXXXX";
	struct pgt_journal *j = NULL;
	struct pgt_replay r;
	struct pgt_err err = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(pgt_journal_create(dir, "x", 0, &j, &err), 0);
	assert_int_equal(pgt_replay_read(j, &r, &err), -1); /* no plan yet */
	put(j, PGT_J_PLAN, "{\"node\": \"n\", \"changeset\": {\"items\": [{\"name\": \"a\", \"value\": 1},"
			   "{\"name\": \"b\", \"value\": 2}]}}");
	put(j, PGT_J_PREV, "{\"i\": 1, \"prev\": {\"known\": true, \"present\": true, \"text\": \"9\"}}");
	put(j, PGT_J_PREV, "{\"i\": 99, \"prev\": {\"known\": true}}"); /* of no item */
	phase_is(j, "prepared");
	put(j, PGT_J_ARMED, "{\"pid\": 5, \"deadline_boot_ms\": 9000000000000}");
	put(j, PGT_J_INTENT, "{\"i\": 0}");
	phase_is(j, "apply 1 of 2");
	put(j, PGT_J_INTENT, "{\"i\": 1}");
	put(j, PGT_J_INTENT, "{\"i\": -1}");
	phase_is(j, "reload");
	put(j, PGT_J_DONE, "{\"i\": -1}");
	phase_is(j, "verify");
	put(j, PGT_J_VERIFIED, "{}");
	put(j, PGT_J_VALIDATED, "{\"verdict\": \"inconclusive\", \"text\": \"few\"}");
	phase_is(j, "waiting for confirmation");
	put(j, PGT_J_CONFIRMED, "{}");
	put(j, PGT_J_CLOSED, "{\"outcome\": \"confirmed\"}");
	phase_is(j, "confirmed");
	assert_int_equal(pgt_replay_read(j, &r, &err), 0);
	assert_true(r.closed && r.confirmed && r.any_intent && r.intent[1] && !r.done[1]);
	assert_int_equal(r.outcome, PGT_END_CONFIRMED);
	assert_int_equal(r.verdict, PGT_VERDICT_INCONCLUSIVE);
	assert_string_equal(r.prev[1].text, "9");
	assert_true(r.armed.deadline_boot_ns == INT64_C(9000000000000) * 1000000);
	pgt_replay_done(&r);
	put(j, PGT_J_RB_BEGIN, "{\"reason\": \"the operator\"}"); /* taken back later */
	phase_is(j, "rolling back");
	put(j, PGT_J_RB_DONE, "{\"i\": 1, \"state\": \"restored\"}");
	put(j, PGT_J_CLOSED, "{\"outcome\": \"rolled_back\", \"text\": \"2 restored\"}");
	phase_is(j, "rolled_back");
	unlink(pgt_journal_path(j));
	pgt_journal_close(j);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_boot_breakers),
	    cmocka_unit_test(test_fence),
	    cmocka_unit_test(test_fence_survives_the_journal),
	    cmocka_unit_test(test_what_may_have_happened),
	    cmocka_unit_test(test_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
