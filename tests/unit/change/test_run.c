/* The machine of one change with everything around it played, its journal and lock real:
 * what is asked for between two looks is not lost, and what ends lets its guard go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../src/change/run_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/change/recover.h"
#include "pg2une/change/spawn.h"
#include "pg2une/change/target.h"
#include "pg2une/pg/conn.h"
#include "played.h"

static struct world {
	struct pgt_change_run *run;
	int guards; /* alive */
	bool guard_dies, guard_refuses;
	int acts, verifies, verify_fails, lock_fails;
	enum pgt_fence_verdict fence;
	enum pgt_errcode verify_code;
	/* when an act, a verification or a rollback is under way */
	void (*during)(void);
	enum pgt_ending rollback;
	bool pulse_said_stop;
	char home[64];
} w;

/* ---- session.c ---- */

int
pgt_direct_open(struct pgt_direct *l, int64_t timeout_ns, struct pgt_err *err)
{
	(void)timeout_ns;
	(void)err;
	l->open = true;
	return 0;
}

void
pgt_direct_close(struct pgt_direct *l)
{
	l->open = false;
}

int
pgt_direct_lock(struct pgt_direct *l, int64_t wait_ns, struct pgt_err *err)
{
	(void)l;
	(void)wait_ns;
	if (w.lock_fails > 0 && w.lock_fails--)
		return pgt_err_set(err, PGT_E_CONFLICT, "held by somebody else");
	return 0;
}

bool
pgt_direct_is_open(const struct pgt_direct *l)
{
	return l->open;
}

int
pgt_direct_identity(struct pgt_direct *l, struct pgt_identity *ret, struct pgt_err *err)
{
	(void)l;
	(void)err;
	memset(ret, 0, sizeof(*ret));
	pgt_str_copy(ret->fingerprint, sizeof(ret->fingerprint),
		     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	pgt_str_copy(ret->node, sizeof(ret->node), "0123456789abcdef0123");
	return 0;
}

int
pgt_direct_writer(struct pgt_direct *l, const char *database, struct pgt_writer **ret,
		  struct pgt_err *err)
{
	(void)l;
	(void)database;
	(void)err;
	*ret = NULL;
	return 0;
}

int
pgt_direct_backend_pid(const struct pgt_direct *l)
{
	(void)l;
	return 1;
}

int64_t
pgt_direct_backend_start_us(const struct pgt_direct *l)
{
	(void)l;
	return 1;
}

/* recover.c asks for it; nothing here does */
int
pgt_target_read(struct pgt_direct *l, const struct pgt_item *item,
		const struct pgt_managed_probe *probe, bool fresh, struct pgt_prev *ret,
		struct pgt_object_info *info, struct pgt_err *err)
{
	(void)l;
	(void)item;
	(void)probe;
	(void)fresh;
	(void)ret;
	(void)info;
	return pgt_err_set(err, PGT_E_STATE, "not played");
}

/* ---- the fence, the dry run, the acts ---- */

int
pgt_fence_read(struct pgt_writer *s, struct pgt_fence *ret, struct pgt_err *err)
{
	(void)s;
	(void)err;
	memset(ret, 0, sizeof(*ret));
	ret->locked = true;
	return 0;
}

enum pgt_fence_verdict
pgt_fence_compare(const struct pgt_fence *then, const struct pgt_fence *now, char *why,
		  size_t size)
{
	(void)then;
	(void)now;
	snprintf(why, size, "played");
	return PGT_FENCE_SAME;
}

int
pgt_preflight(struct pgt_direct *l, struct pgt_changeset *cs,
	      const struct pgt_preflight_opts *opts, struct pgt_preflight *ret,
	      struct pgt_err *err)
{
	(void)l;
	(void)opts;
	(void)err;
	memset(ret, 0, sizeof(*ret));
	ret->n_items = cs->n_items;
	ret->prev = pgt_xcalloc(cs->n_items, sizeof(*ret->prev));
	ret->needs_restart = pgt_xcalloc(cs->n_items, sizeof(bool));
	ret->fence.locked = true;
	for (size_t i = 0; i < cs->n_items; i++)
		ret->prev[i].known = true;
	return 0;
}

void
pgt_preflight_done(struct pgt_preflight *p)
{
	free(p->prev);
	free(p->needs_restart);
}

int
pgt_preflight_verdict(const struct pgt_preflight *p, struct pgt_err *err)
{
	(void)p;
	(void)err;
	return 0;
}

cJSON *
pgt_preflight_json(const struct pgt_preflight *p, const struct pgt_changeset *cs)
{
	(void)p;
	(void)cs;
	return cJSON_CreateObject();
}

static void
meanwhile(void)
{
	void (*fn)(void) = w.during;

	w.during = NULL;
	if (fn)
		fn();
}

static int
put(struct pgt_journal *j, enum pgt_jtype type, long i, struct pgt_err *err)
{
	cJSON *body = cJSON_CreateObject();
	int rc;

	pgt_json_i64(body, "i", i);
	rc = pgt_journal_append(j, type, body, NULL, NULL, err);
	cJSON_Delete(body);
	return rc;
}

int
pgt_act_item(const struct pgt_acting *a, size_t i, struct pgt_err *err)
{
	w.acts++;
	meanwhile();
	return put(a->journal, PGT_J_INTENT, (long)i, err);
}

int
pgt_act_reload(const struct pgt_acting *a, const char *pending, struct pgt_err *err)
{
	(void)pending;
	return put(a->journal, PGT_J_INTENT, -1, err);
}

int
pgt_act_fence(const struct pgt_acting *a, bool may_restart, enum pgt_fence_verdict *ret,
	      struct pgt_err *err)
{
	(void)a;
	(void)may_restart;
	(void)err;
	*ret = w.fence;
	return 0;
}

int
pgt_verify(const struct pgt_acting *a, int64_t wait_ns, struct pgt_err *err)
{
	(void)a;
	(void)wait_ns;
	w.verifies++;
	meanwhile();
	if (w.verify_fails > 0 && w.verify_fails--)
		return pgt_err_set(err, w.verify_code, "played");
	return 0;
}

/* ---- the guard ---- */

struct pgt_guard {
	bool dead;
};

int
pgt_guard_start(const struct pgt_guard_args *args, struct pgt_guard **ret,
		struct pgt_err *err)
{
	assert_non_null(args->lock);
	if (w.guard_refuses)
		return pgt_err_set(err, PGT_E_TIMEOUT, "played");
	*ret = pgt_xcalloc(1, sizeof(**ret));
	w.guards++;
	return 0;
}

bool
pgt_guard_alive(struct pgt_guard *g)
{
	if (w.guard_dies)
		g->dead = true;
	w.guard_dies = false;
	return !g->dead;
}

void
pgt_guard_describe(const struct pgt_guard *g, struct pgt_armed *ret)
{
	(void)g;
	memset(ret, 0, sizeof(*ret));
}

void
pgt_guard_free(struct pgt_guard *g, bool ended)
{
	(void)ended;
	if (!g)
		return;
	w.guards--;
	free(g);
}

/* ---- the way back ---- */

int
pgt_change_close(struct pgt_journal *j, enum pgt_ending outcome, const char *text,
		 struct pgt_err *err)
{
	cJSON *body = cJSON_CreateObject();
	int rc;

	pgt_json_str(body, "outcome", pgt_ending_name(outcome));
	pgt_json_str(body, "text", text);
	rc = pgt_journal_append(j, PGT_J_CLOSED, body, NULL, NULL, err);
	cJSON_Delete(body);
	return rc;
}

enum pgt_ending
pgt_rollback(const struct pgt_rollback_args *args, struct pgt_restore_report *ret,
	     struct pgt_err *err)
{
	(void)ret;
	meanwhile();
	if (!args->pulse.fn(args->pulse.arg)) {
		w.pulse_said_stop = true;
		pgt_err_set(err, PGT_E_TIMEOUT, "told to stop trying");
		return PGT_END_OPEN;
	}
	if (w.rollback == PGT_END_OPEN)
		pgt_err_set(err, PGT_E_CONN, "no route");
	else
		pgt_change_close(args->journal, w.rollback, "played", err);
	return w.rollback;
}

/* ---- the play ---- */

static int
begin(void **state)
{
	struct pgt_changeset *cs = pgt_changeset_new();
	struct pgt_connargs conn = {.host = "127.0.0.1"};
	struct pgt_change_opts o = {.stabilise_ns = 0};
	struct pgt_connspec *spec = NULL;
	struct pgt_err err;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.rollback = PGT_END_ROLLED_BACK;
	w.fence = PGT_FENCE_SAME;
	w.verify_code = PGT_E_STATE;
	snprintf(w.home, sizeof(w.home), "/tmp/pg2une-run-XXXXXX");
	assert_non_null(mkdtemp(w.home));
	setenv("XDG_STATE_HOME", w.home, 1);
	assert_int_equal(pgt_changeset_add_setting(cs, "work_mem", "24MB", &err), 0);
	assert_int_equal(pgt_changeset_add_setting(cs, "jit", "off", &err), 0);
	assert_int_equal(pgt_connspec_new(&conn, &spec, &err), 0);
	o.spec = spec;
	w.run = pgt_change_run_new(&o, cs);
	pgt_connspec_free(spec);
	return 0;
}

static int
end(void **state)
{
	char *cmd[] = {(char *)"rm", (char *)"-rf", w.home, NULL};
	pid_t pid;

	(void)state;
	pgt_change_run_free(w.run);
	assert_int_equal(w.guards, 0); /* whoever ends lets it go */
	pid = fork();
	if (pid == 0) {
		execv("/bin/rm", cmd);
		_exit(1);
	}
	return pid > 0 ? 0 : -1;
}

static enum pgt_stage
go_to(enum pgt_stage until)
{
	struct pgt_err err;

	while (pgt_change_run_stage(w.run) < until)
		(void)!pgt_change_run_step(w.run, &err);
	return pgt_change_run_stage(w.run);
}

static void
to_the_end(void)
{
	struct pgt_err err;

	for (int i = 0; i < 20 && !pgt_stage_is_end(pgt_change_run_stage(w.run)); i++)
		(void)!pgt_change_run_step(w.run, &err);
	assert_true(pgt_stage_is_end(pgt_change_run_stage(w.run)));
}

/* As the loops of the faces: look often, step when told to. */
static void
look(int times)
{
	struct pgt_err err;

	for (int i = 0; i < times && !pgt_stage_is_end(pgt_change_run_stage(w.run)); i++) {
		usleep(160000); /* longer than between two looks of its own */
		if (!pgt_change_run_tend(w.run))
			(void)!pgt_change_run_step(w.run, &err);
	}
}

static struct pgt_journal *
from_elsewhere(void)
{
	struct pgt_journal *j = NULL;
	struct pgt_err err;

	assert_int_equal(pgt_journal_open(pgt_change_run_journal_path(w.run), &j, &err), 0);
	return j;
}

static void
write_elsewhere(enum pgt_jtype type)
{
	struct pgt_journal *j = from_elsewhere();
	struct pgt_err err;

	assert_int_equal(pgt_journal_append(j, type, NULL, NULL, NULL, &err), 0);
	pgt_journal_close(j);
}

static void
test_all_the_way(void **state)
{
	struct pgt_err err;

	(void)state;
	assert_int_equal(go_to(PGT_ST_CONFIRM), PGT_ST_CONFIRM);
	assert_int_equal(w.acts, 2);
	assert_int_equal(w.guards, 1);
	assert_true(pgt_change_run_left_ns(w.run) > 0);
	assert_true(pgt_change_run_tend(w.run));
	assert_int_equal(pgt_change_run_confirm(w.run, &err), 0);
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_CONFIRMED);
	assert_true(pgt_change_run_tend(w.run));
	assert_int_equal(pgt_change_run_step(w.run, &err), -1);
	assert_int_equal(pgt_change_run_left_ns(w.run), -1);
}

/* Whoever waits for a word hears of one that was said elsewhere. */
static void
test_confirmed_from_elsewhere_ends_the_wait(void **state)
{
	(void)state;
	assert_int_equal(go_to(PGT_ST_CONFIRM), PGT_ST_CONFIRM);
	write_elsewhere(PGT_J_CONFIRMED);
	look(4);
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_CONFIRMED);
}

static void
test_rollback_from_elsewhere_ends_the_wait(void **state)
{
	(void)state;
	assert_int_equal(go_to(PGT_ST_CONFIRM), PGT_ST_CONFIRM);
	write_elsewhere(PGT_J_RB_REQUEST);
	look(4);
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_ROLLED_BACK);
}

static void
ask_back(void)
{
	pgt_change_run_request(w.run, PGT_STOP_BACK);
}

static void
ask_signal(void)
{
	pgt_change_run_request(w.run, PGT_STOP_ROLLBACK);
}

static void
hang_up(void)
{
	pgt_change_run_request(w.run, PGT_STOP_ABANDON);
}

/* A word in the middle of a step is heard at the next look, wherever it came. */
static void
test_word_in_the_middle_of_a_step(void **state)
{
	struct pgt_err err;

	(void)state;
	go_to(PGT_ST_APPLY);
	w.during = ask_back;
	(void)!pgt_change_run_step(w.run, &err);
	assert_int_equal(w.acts, 1);
	to_the_end();
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_ROLLED_BACK);
	assert_int_equal(w.acts, 1); /* the second item was never written */
}

static void
test_word_before_the_first_write(void **state)
{
	(void)state;
	go_to(PGT_ST_BASELINE);
	ask_back();
	to_the_end();
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_NOTHING);
	assert_int_equal(w.acts, 0);
}

/* A key is pressed again while it goes back: it goes back all the same. */
static void
test_key_pressed_again(void **state)
{
	(void)state;
	go_to(PGT_ST_CONFIRM);
	ask_back();
	w.during = ask_back;
	to_the_end();
	assert_false(w.pulse_said_stop);
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_ROLLED_BACK);
}

/* The second signal leaves it to the guard, which must not wait for us any longer. */
static void
test_second_signal_lets_the_guard_go(void **state)
{
	(void)state;
	go_to(PGT_ST_CONFIRM);
	ask_signal();
	w.during = ask_signal;
	to_the_end();
	assert_true(w.pulse_said_stop);
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_ABANDONED);
	assert_int_equal(w.guards, 0); /* though this process lives on */
}

static void
test_rollback_that_does_not_get_through_lets_the_guard_go(void **state)
{
	(void)state;
	go_to(PGT_ST_VERIFY);
	w.rollback = PGT_END_OPEN;
	ask_back();
	to_the_end();
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_ABANDONED);
	assert_non_null(strstr(pgt_change_run_text(w.run), "the guard goes on trying"));
	assert_int_equal(w.guards, 0);
}

/* Ctrl-C, and then the terminal closes: the first word counts. */
static void
test_hang_up_after_the_word_to_roll_back(void **state)
{
	(void)state;
	go_to(PGT_ST_CONFIRM);
	ask_signal();
	hang_up();
	to_the_end();
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_ROLLED_BACK);
}

static void
test_hang_up_alone_is_left_to_the_guard(void **state)
{
	(void)state;
	go_to(PGT_ST_CONFIRM);
	hang_up();
	to_the_end();
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_ABANDONED);
}

static void
test_hang_up_then_rollback(void **state)
{
	(void)state;
	go_to(PGT_ST_CONFIRM);
	hang_up();
	ask_back();
	to_the_end();
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_ROLLED_BACK);
}

/* What cannot be asked just now is not kept, and not thrown away either. */
static void
test_confirmation_that_fails_can_be_said_again(void **state)
{
	struct pgt_err err;

	(void)state;
	go_to(PGT_ST_CONFIRM);
	w.lock_fails = 1;
	assert_int_equal(pgt_change_run_confirm(w.run, &err), -1);
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_CONFIRM);
	assert_true(pgt_change_run_tend(w.run));
	assert_int_equal(pgt_change_run_confirm(w.run, &err), 0);
}

static void
test_what_is_no_longer_there_is_not_kept(void **state)
{
	struct pgt_err err;

	(void)state;
	go_to(PGT_ST_CONFIRM);
	w.verify_fails = 1;
	assert_int_equal(pgt_change_run_confirm(w.run, &err), -1);
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_ROLLBACK);
	to_the_end();
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_ROLLED_BACK);
}

static void
test_guard_that_dies_is_armed_anew_or_it_goes_back(void **state)
{
	(void)state;
	go_to(PGT_ST_CONFIRM);
	w.guard_dies = true;
	look(2);
	assert_int_equal(w.guards, 1);
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_CONFIRM);
	w.guard_dies = w.guard_refuses = true;
	look(4);
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_ROLLED_BACK);
	assert_non_null(strstr(pgt_change_run_text(w.run), "no other could be armed"));
}

static void
test_confirmed_while_it_was_taken_back(void **state)
{
	(void)state;
	go_to(PGT_ST_CONFIRM);
	write_elsewhere(PGT_J_CONFIRMED);
	w.rollback = PGT_END_CONFIRMED;
	ask_back();
	to_the_end();
	assert_int_equal(pgt_change_run_stage(w.run), PGT_ST_CONFIRMED);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
	    T(test_all_the_way),
	    T(test_confirmed_from_elsewhere_ends_the_wait),
	    T(test_rollback_from_elsewhere_ends_the_wait),
	    T(test_word_in_the_middle_of_a_step),
	    T(test_word_before_the_first_write),
	    T(test_key_pressed_again),
	    T(test_second_signal_lets_the_guard_go),
	    T(test_rollback_that_does_not_get_through_lets_the_guard_go),
	    T(test_hang_up_after_the_word_to_roll_back),
	    T(test_hang_up_alone_is_left_to_the_guard),
	    T(test_hang_up_then_rollback),
	    T(test_confirmation_that_fails_can_be_said_again),
	    T(test_what_is_no_longer_there_is_not_kept),
	    T(test_guard_that_dies_is_armed_anew_or_it_goes_back),
	    T(test_confirmed_while_it_was_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
