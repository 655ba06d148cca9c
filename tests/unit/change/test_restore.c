/* Compare-and-restore with every failure that a server, a manager or a file can make:
 * what lies around it (session, target, act) is played here.  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/change/act_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/change/target.h"

#define N 4

/* One failure, at the k-th call (from 1) of what it is about. */
struct fail {
	int at, seen;
	enum pgt_errcode code;
	const char *sqlstate;
};

static struct world {
	struct pgt_changeset *cs;
	struct pgt_prev prev[N];
	const char *now[N];	  /* NULL absent */
	const char *effective[N]; /* what sessions see; NULL unknown */
	const char *source, *sourcefile; /* where they say that it comes from */
	bool keeps;		  /* writes say yes and change nothing */
	const char *meddler;	  /* what somebody writes right after us */
	const char *faults;
	enum pgt_fence_verdict verdict;
	struct fail fence, read, sql, writer, fresh, files, setting, reload, manager, patch,
	    managed_read;
	int reloads, writes, intents, dones;
	bool reload_applies;
	int applies_after;     /* looks, when it does not at once */
	const char *leftovers; /* of the index of item 0 */
	bool pending_restart;
} w;

/* Time goes by where somebody waits. */
int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
	static int64_t now_ns = PGT_NS_PER_S;

	(void)fds;
	(void)n;
	now_ns += timeout * PGT_NS_PER_MS;
	pgt_clock_virtual(now_ns, now_ns);
	if (w.applies_after > 0 && --w.applies_after == 0)
		for (size_t i = 0; i < w.cs->n_items; i++)
			w.effective[i] = w.prev[i].effective;
	return 0;
}

static int
may_fail(struct fail *f, struct pgt_err *err)
{
	if (++f->seen != f->at)
		return 0;
	pgt_err_set(err, f->code, "played");
	if (f->sqlstate)
		pgt_str_copy(err->sqlstate, sizeof(err->sqlstate), f->sqlstate);
	return -1;
}

static size_t
index_of(const struct pgt_item *item)
{
	return (size_t)(item - w.cs->items);
}

/* ---- act.c ---- */

void
pgt_act_say(const struct pgt_acting *a, long item, const char *text)
{
	(void)a;
	(void)item;
	assert_non_null(text);
}

int
pgt_act_journal(const struct pgt_acting *a, enum pgt_jtype type, long item,
		const char *key, const char *text, struct pgt_err *err)
{
	(void)a;
	(void)item;
	(void)key;
	(void)text;
	w.intents += type == PGT_J_RB_INTENT;
	w.dones += type == PGT_J_RB_DONE;
	/* a journal that fails must not keep the server from being put right */
	return pgt_err_set(err, PGT_E_IO, "played");
}

int
pgt_act_fence(const struct pgt_acting *a, bool may_restart, enum pgt_fence_verdict *ret,
	      struct pgt_err *err)
{
	(void)a;
	assert_true(may_restart);
	*ret = PGT_FENCE_SAME;
	if (may_fail(&w.fence, err) < 0) {
		*ret = w.verdict;
		return -1;
	}
	if (w.fence.at && w.fence.seen > w.fence.at && w.verdict != PGT_FENCE_UNKNOWN) {
		*ret = w.verdict; /* a node does not become another for a moment */
		return pgt_err_set(err, PGT_E_STATE, "played");
	}
	return 0;
}

static void
write_back(size_t i)
{
	w.writes++;
	if (w.meddler)
		w.now[i] = w.meddler;
	else if (!w.keeps)
		w.now[i] = w.prev[i].present ? w.prev[i].text : NULL;
}

int
pgt_act_sql(const struct pgt_acting *a, const struct pgt_item *item, const char *sql,
	    struct pgt_err *err)
{
	(void)a;
	assert_true(w.intents > 0); /* never without its intent */
	if (item->kind == PGT_ITEM_INDEX_REINDEX) {
		assert_non_null(strstr(sql, "DROP INDEX"));
		w.writes++;
		w.leftovers = w.writes == 2 ? NULL : w.leftovers;
		return 0;
	}
	assert_true(w.intents > w.writes);
	assert_non_null(strstr(sql, "ALTER"));
	if (may_fail(&w.sql, err) < 0)
		return -1;
	write_back(index_of(item));
	return 0;
}

int
pgt_act_reload_now(const struct pgt_acting *a, struct pgt_err *err)
{
	size_t i;

	(void)a;
	if (may_fail(&w.reload, err) < 0)
		return -1;
	w.reloads++;
	for (i = 0; i < w.cs->n_items && w.reload_applies; i++)
		w.effective[i] = w.prev[i].effective;
	return 0;
}

int
pgt_act_manager(const struct pgt_acting *a, struct pgt_err *err)
{
	(void)a;
	return may_fail(&w.manager, err);
}

int
pgt_act_patch(const struct pgt_acting *a, const struct pgt_item *item, const char *expect,
	      const char *value, struct pgt_err *err)
{
	size_t i = index_of(item);

	(void)a;
	if (may_fail(&w.patch, err) < 0)
		return -1;
	assert_string_equal(expect, "\"24MB\"");
	if (w.prev[i].present)
		assert_string_equal(value, w.prev[i].text);
	else
		assert_null(value);
	write_back(i);
	if (w.reload_applies)
		w.effective[i] = w.prev[i].effective;
	return 0;
}

/* ---- target.c and session.c ---- */

static int
tell(size_t i, struct pgt_prev *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->known = true;
	ret->present = w.now[i] != NULL;
	ret->text = w.now[i] ? pgt_xstrdup(w.now[i]) : NULL;
	ret->leftovers = i == 0 && w.leftovers ? pgt_xstrdup(w.leftovers) : NULL;
	return 0;
}

int
pgt_target_read(struct pgt_direct *l, const struct pgt_item *item,
		const struct pgt_managed_probe *probe, bool fresh, struct pgt_prev *ret,
		struct pgt_object_info *info, struct pgt_err *err)
{
	(void)l;
	(void)probe;
	(void)fresh;
	(void)info;
	return may_fail(&w.read, err) < 0 ? -1 : tell(index_of(item), ret);
}

int
pgt_target_managed(const struct pgt_item *item, const struct pgt_managed_probe *probe,
		   bool fresh, struct pgt_prev *ret, struct pgt_err *err)
{
	(void)probe;
	assert_true(fresh); /* what is put back is told by the store, not by a cache */
	return may_fail(&w.managed_read, err) < 0 ? -1 : tell(index_of(item), ret);
}

int
pgt_setting_read(struct pgt_writer *s, const char *name, struct pgt_setting_info *ret,
		 struct pgt_err *err)
{
	size_t i;

	(void)s;
	if (may_fail(&w.setting, err) < 0)
		return -1;
	memset(ret, 0, sizeof(*ret));
	ret->pending_restart = w.pending_restart;
	for (i = 0; i < w.cs->n_items; i++)
		if (strcmp(w.cs->items[i].name, name) == 0 && w.effective[i]) {
			ret->effective = pgt_xstrdup(w.effective[i]);
			ret->vartype = i == 0 ? pgt_xstrdup("string") : NULL;
			ret->source = w.source ? pgt_xstrdup(w.source) : NULL;
			ret->sourcefile = w.sourcefile ? pgt_xstrdup(w.sourcefile) : NULL;
		}
	return 0;
}

void
pgt_setting_info_done(struct pgt_setting_info *info)
{
	free(info->effective);
	free(info->vartype);
	free(info->source);
	free(info->sourcefile);
}

int
pgt_file_errors_read(struct pgt_writer *s, char **ret, struct pgt_err *err)
{
	(void)s;
	if (may_fail(&w.files, err) < 0)
		return -1;
	*ret = pgt_xstrdup(w.faults ? w.faults : "");
	return 0;
}

int
pgt_direct_writer(struct pgt_direct *l, const char *database, struct pgt_writer **ret,
		  struct pgt_err *err)
{
	(void)l;
	(void)database;
	*ret = NULL;
	return may_fail(&w.writer, err);
}

int
pgt_direct_fresh(struct pgt_direct *l, const char *database, struct pgt_writer **ret,
		 struct pgt_err *err)
{
	(void)l;
	(void)database;
	*ret = NULL;
	return may_fail(&w.fresh, err);
}

void
pgt_writer_close(struct pgt_writer *s)
{
	(void)s;
}

bool
pgt_write_unknown(const struct pgt_err *err)
{
	return err->code != PGT_E_SQL && err->code != PGT_E_DENIED;
}

/* ---- the play ---- */

/* work_mem was 8MB, jit absent; both are ours now. */
static int
begin(void **state)
{
	struct pgt_err err = {0};

	(void)state;
	memset(&w, 0, sizeof(w));
	w.cs = pgt_changeset_new();
	assert_int_equal(pgt_changeset_add_setting(w.cs, "work_mem", "24MB", &err), 0);
	assert_int_equal(pgt_changeset_add_setting(w.cs, "jit", "off", &err), 0);
	w.prev[0] = (struct pgt_prev){.known = true, .present = true,
				      .text = (char *)"8MB", .effective = (char *)"8MB"};
	w.prev[1] = (struct pgt_prev){.known = true, .effective = (char *)"on"};
	w.now[0] = w.effective[0] = "24MB";
	w.now[1] = w.effective[1] = "off";
	w.reload_applies = true;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	pgt_changeset_free(w.cs);
	return 0;
}

static struct pgt_restore_report rep;
static struct pgt_err err;

static enum pgt_restore_result
run(const bool *intent, bool reload_intent)
{
	struct pgt_acting a = {.cs = w.cs, .prev = w.prev};
	static const struct pgt_fence fence;

	a.fence = &fence;
	pgt_restore_report_done(&rep);
	pgt_err_clear(&err);
	return pgt_restore(&a, intent, reload_intent, &rep, &err);
}

static char *
by_hand(void)
{
	static char text[4096];
	char *s = pgt_restore_instructions(&rep);

	pgt_str_copy(text, sizeof(text), s);
	free(s);
	return text;
}

static void
test_back_exactly(void **state)
{
	(void)state;
	assert_int_equal(run(NULL, true), PGT_RR_DONE);
	assert_int_equal(rep.restored, 2);
	assert_string_equal(w.now[0], "8MB");
	assert_null(w.now[1]);
	assert_true(w.reloads == 1 && rep.reloaded && w.intents == 3 && w.dones == 3);
	assert_string_equal(by_hand(), "");
	/* again: it is idempotent */
	assert_int_equal(run(NULL, true), PGT_RR_DONE);
	assert_int_equal(rep.untouched, 2);
	assert_int_equal(w.writes, 2);
	assert_string_equal(pgt_restore_state_name(PGT_RS_RESTORED), "restored");
	assert_string_equal(pgt_restore_state_name((enum pgt_restore_state)99), "?");
}

static void
test_only_what_has_an_intent(void **state)
{
	const bool intent[N] = {true, false};

	(void)state;
	assert_int_equal(run(intent, false), PGT_RR_DONE);
	assert_string_equal(w.now[1], "off");
	assert_int_equal(rep.items[1].state, PGT_RS_UNTOUCHED);
	/* the value was in force though no reload of ours was meant: one is made */
	assert_int_equal(w.reloads, 1);
}

static void
test_nothing_active_means_no_reload(void **state)
{
	(void)state;
	w.effective[0] = "8MB";
	w.effective[1] = "on";
	assert_int_equal(run(NULL, false), PGT_RR_DONE);
	assert_int_equal(w.reloads, 0);
}

static void
test_others_values_are_left(void **state)
{
	(void)state;
	w.now[0] = "77MB";
	assert_int_equal(run(NULL, true), PGT_RR_DONE);
	assert_int_equal(rep.items[0].state, PGT_RS_FOREIGN);
	assert_string_equal(w.now[0], "77MB");
	assert_int_equal(rep.foreign, 1);
	assert_int_equal(w.writes, 1);
	assert_string_equal(by_hand(), "");
}

static void
test_somebody_writes_right_after(void **state)
{
	(void)state;
	w.meddler = "99MB";
	assert_int_equal(run(NULL, true), PGT_RR_DONE);
	assert_int_equal(rep.foreign, 2);
}

static void
test_unknown_before_was_never_written(void **state)
{
	(void)state;
	w.prev[1].known = false;
	assert_int_equal(run(NULL, true), PGT_RR_DONE);
	assert_int_equal(rep.items[1].state, PGT_RS_UNTOUCHED);
	assert_string_equal(w.now[1], "off");
}

static void
test_no_effect_is_told_as_failed(void **state)
{
	(void)state;
	w.keeps = true;
	assert_int_equal(run(NULL, true), PGT_RR_RETRY);
	assert_int_equal(rep.items[0].state, PGT_RS_FAILED);
	assert_int_equal(rep.failed, 2);
	assert_non_null(strstr(by_hand(), "ALTER SYSTEM SET work_mem = '8MB';"));
	assert_non_null(strstr(by_hand(), "pg_reload_conf"));
}

static void
test_denied_freezes_with_instructions(void **state)
{
	(void)state;
	w.sql = (struct fail){.at = 2, .code = PGT_E_DENIED, .sqlstate = "42501"};
	assert_int_equal(run(NULL, true), PGT_RR_FROZEN);
	assert_int_equal(rep.items[0].state, PGT_RS_DENIED);
	assert_int_equal(rep.items[1].state, PGT_RS_RESTORED);
	assert_non_null(strstr(by_hand(), "ALTER SYSTEM SET work_mem = '8MB';"));
	assert_null(strstr(by_hand(), "jit"));
}

static void
test_refused_statement_is_tried_again(void **state)
{
	(void)state;
	w.sql = (struct fail){.at = 1, .code = PGT_E_SQL, .sqlstate = "22023"};
	assert_int_equal(run(NULL, true), PGT_RR_RETRY);
	assert_int_equal(rep.items[1].state, PGT_RS_FAILED);
	assert_int_equal(run(NULL, true), PGT_RR_DONE);
}

static void
test_lost_link_at_each_point_is_tried_again(void **state)
{
	struct fail *const points[] = {&w.fence,  &w.read,  &w.sql,   &w.writer,
				       &w.fresh,  &w.files, &w.setting, &w.reload};
	size_t p;
	int at;

	for (p = 0; p < PGT_LEN(points); p++)
		for (at = 1; at <= 8; at++) {
			enum pgt_restore_result got;

			end(state);
			begin(state);
			*points[p] = (struct fail){.at = at, .code = PGT_E_CONN};
			got = run(NULL, true);
			if (points[p]->seen < at) {
				assert_int_equal(got, PGT_RR_DONE);
				break;
			}
			/* reading back may fail after the write: that one is not known */
			assert_true(got == PGT_RR_RETRY || got == PGT_RR_DONE);
			*points[p] = (struct fail){0};
			assert_int_equal(run(NULL, true), PGT_RR_DONE);
			assert_string_equal(w.now[0], "8MB");
			assert_null(w.now[1]);
			assert_string_equal(w.effective[0], "8MB");
		}
}

static void
test_another_node_is_never_written(void **state)
{
	static const enum pgt_fence_verdict verdicts[] = {PGT_FENCE_ROLE, PGT_FENCE_OTHER};
	size_t v;
	int at;

	for (v = 0; v < PGT_LEN(verdicts); v++)
		for (at = 1; at <= 4; at++) {
			end(state);
			begin(state);
			w.verdict = verdicts[v];
			w.fence = (struct fail){.at = at, .code = PGT_E_STATE};
			assert_int_equal(run(NULL, true), PGT_RR_FENCED);
			assert_int_equal(w.writes, at > 2 ? at - 2 : 0);
			if (at == 1)
				assert_non_null(strstr(by_hand(),
						       "ALTER SYSTEM RESET jit;"));
		}
	/* a doubt is no verdict */
	end(state);
	begin(state);
	w.fence = (struct fail){.at = 1, .code = PGT_E_STATE};
	assert_int_equal(run(NULL, true), PGT_RR_RETRY);
	assert_int_equal(run(NULL, true), PGT_RR_DONE);
}

static void
test_state_error_of_one_statement(void **state)
{
	(void)state;
	w.read = (struct fail){.at = 1, .code = PGT_E_STATE};
	assert_int_equal(run(NULL, true), PGT_RR_RETRY);
	assert_int_equal(run(NULL, true), PGT_RR_DONE);
}

static void
test_broken_files_freeze_the_reload(void **state)
{
	(void)state;
	w.faults = "/x/postgresql.conf:3: syntax error\nanother";
	assert_int_equal(run(NULL, true), PGT_RR_FROZEN);
	assert_non_null(strstr(rep.why, "/x/postgresql.conf:3"));
	assert_null(strstr(rep.why, "another"));
	assert_string_equal(w.now[0], "8MB");
}

static void
test_reload_denied_freezes(void **state)
{
	(void)state;
	w.reload = (struct fail){.at = 1, .code = PGT_E_DENIED, .sqlstate = "42501"};
	assert_int_equal(run(NULL, true), PGT_RR_FROZEN);
	assert_non_null(strstr(rep.why, "not reloaded"));
}

static void
test_inverse_that_cannot_be_written(void **state)
{
	(void)state;
	/* an empty list has no exact text */
	free(w.cs->items[0].name);
	w.cs->items[0].name = pgt_xstrdup("search_path");
	w.prev[0].text = (char *)"";
	assert_int_equal(run(NULL, true), PGT_RR_RETRY);
	assert_int_equal(rep.items[0].state, PGT_RS_FAILED);
}

/* A broken REINDEX left two pieces: both go, and nothing is reloaded for it. */
static void
test_pieces_of_an_index(void **state)
{
	(void)state;
	w.cs->items[0].kind = PGT_ITEM_INDEX_REINDEX;
	w.prev[0].leftovers = (char *)"";
	w.now[0] = w.prev[0].text;
	w.leftovers = "public.i_ccnew\npublic.i_ccnew1";
	assert_int_equal(run((bool[N]){true, false}, false), PGT_RR_DONE);
	assert_int_equal(rep.items[0].state, PGT_RS_RESTORED);
	assert_int_equal(w.writes, 2);
	assert_int_equal(w.reloads, 0);
	assert_non_null(strstr(rep.items[0].sql, ";\nDROP INDEX"));
	/* where it was not reached nobody knows them: there is nothing to say */
	end(state);
	begin(state);
	w.cs->items[0].kind = PGT_ITEM_INDEX_REINDEX;
	w.verdict = PGT_FENCE_ROLE;
	w.fence = (struct fail){.at = 1, .code = PGT_E_STATE};
	assert_int_equal(run((bool[N]){true, false}, false), PGT_RR_FENCED);
	assert_string_equal(by_hand(), "");
}

/* Only what was meant, and known before, is told to a person. */
static void
test_instructions_are_for_what_was_meant(void **state)
{
	(void)state;
	w.verdict = PGT_FENCE_ROLE;
	w.fence = (struct fail){.at = 1, .code = PGT_E_STATE};
	assert_int_equal(run((bool[N]){false, true}, true), PGT_RR_FENCED);
	assert_non_null(strstr(by_hand(), "RESET jit"));
	assert_null(strstr(by_hand(), "work_mem"));
	end(state);
	begin(state);
	w.verdict = PGT_FENCE_ROLE;
	w.fence = (struct fail){.at = 1, .code = PGT_E_STATE};
	w.prev[1].known = false;
	assert_int_equal(run(NULL, true), PGT_RR_FENCED);
	assert_null(strstr(by_hand(), "jit"));
}

/* New sessions see the old values only after a while, or not within the patience. */
static void
test_reload_that_takes_its_time(void **state)
{
	(void)state;
	w.reload_applies = false;
	w.applies_after = 5;
	assert_int_equal(run(NULL, true), PGT_RR_DONE);
	end(state);
	begin(state);
	w.reload_applies = false;
	assert_int_equal(run(NULL, true), PGT_RR_RETRY);
	assert_non_null(strstr(err.msg, "not yet seen"));
}

/* Somebody wrote the configuration file while our line stood over it: with the line gone
 * that holds, and is waited for no longer. */
static void
test_what_others_wrote_below_our_line(void **state)
{
	static const struct {
		const char *source, *file;
		bool settled;
	} cases[] = {
	    {"configuration file", "/pg/postgresql.conf", true},
	    {"configuration file", "x.conf", true},
	    {"configuration file", "/pg/postgresql.auto.conf", false},
	    {"default", NULL, true},
	    {"default", "", true},
	    {"command line", NULL, false},
	    {NULL, NULL, false},
	};

	for (size_t i = 0; i < PGT_LEN(cases); i++) {
		w.source = cases[i].source;
		w.sourcefile = cases[i].file;
		w.reload_applies = false; /* "off" is seen on; it was "on" */
		assert_int_equal(run((bool[N]){false, true}, true),
				 cases[i].settled ? PGT_RR_DONE : PGT_RR_RETRY);
		end(state);
		begin(state);
	}
	/* where a line of ours stood before, it must rule again */
	w.source = "configuration file";
	w.sourcefile = "/pg/postgresql.conf";
	w.reload_applies = false;
	assert_int_equal(run((bool[N]){true, false}, true), PGT_RR_RETRY);
}

/* What says nothing about a reload: a table's option, a value that was not known before or
 * is not now, one that waits for a restart. */
static void
test_what_is_not_stale(void **state)
{
	(void)state;
	w.cs->items[1].kind = PGT_ITEM_TABLE_OPTION;
	w.cs->items[1].schema = pgt_xstrdup("public");
	w.cs->items[1].table = pgt_xstrdup("t");
	w.cs->items[1].database = pgt_xstrdup("bench");
	w.effective[0] = "8MB";
	assert_int_equal(run((bool[N]){false, true}, false), PGT_RR_DONE);
	assert_int_equal(w.reloads, 0);
	assert_int_equal(run(NULL, false), PGT_RR_DONE);
	assert_int_equal(w.reloads, 0);
	end(state);
	begin(state);
	w.prev[0].effective = NULL;
	w.effective[1] = NULL;
	assert_int_equal(run(NULL, false), PGT_RR_DONE);
	assert_int_equal(w.reloads, 0);
	end(state);
	begin(state);
	w.pending_restart = true;
	assert_int_equal(run((bool[N]){false, true}, false), PGT_RR_DONE);
	assert_int_equal(w.reloads, 0);
	end(state);
	begin(state);
	w.fresh = (struct fail){.at = 1, .code = PGT_E_CONN};
	assert_int_equal(run(NULL, false), PGT_RR_RETRY);
	assert_int_equal(run(NULL, false), PGT_RR_DONE);
}

/* A statement says that something is amiss, and then the node cannot be asked either, or is
 * another one. */
static void
test_doubt_after_a_doubt(void **state)
{
	static const enum pgt_fence_verdict verdicts[] = {PGT_FENCE_UNKNOWN, PGT_FENCE_OTHER,
							  PGT_FENCE_ROLE};

	for (size_t i = 0; i < PGT_LEN(verdicts); i++) {
		end(state);
		begin(state);
		w.verdict = verdicts[i];
		w.fence = (struct fail){.at = 2, .code = PGT_E_CONN};
		w.read = (struct fail){.at = 1, .code = PGT_E_STATE};
		assert_int_equal(run(NULL, true), i ? PGT_RR_FENCED : PGT_RR_RETRY);
		assert_int_equal(w.writes, 0);
	}
}

/* ---- through the manager ---- */

static void
make_managed(bool second)
{
	w.cs->items[0].managed = true;
	w.cs->items[0].manager = pgt_xstrdup("http://m:8008");
	w.prev[0].text = (char *)"\"8MB\"";
	w.now[0] = "\"24MB\"";
	if (second) {
		w.cs->items[1].managed = true;
		w.now[1] = "\"24MB\"";
		free(w.cs->items[1].value);
		w.cs->items[1].value = pgt_xstrdup("24MB");
	}
}

static enum pgt_restore_result
run_unreached(void)
{
	struct pgt_acting a = {.cs = w.cs, .prev = w.prev};
	struct pgt_err why = {.code = PGT_E_CONN, .msg = "no route"};
	static const struct pgt_fence fence;

	a.fence = &fence;
	pgt_restore_report_done(&rep);
	return pgt_restore_unreached(&a, NULL, &rep, &why);
}

static void
test_managed_goes_back_exactly(void **state)
{
	(void)state;
	make_managed(true);
	assert_int_equal(run(NULL, false), PGT_RR_DONE);
	assert_string_equal(w.now[0], "\"8MB\"");
	assert_null(w.now[1]);
	assert_int_equal(w.reloads, 0); /* the manager reloads */
}

static void
test_mixed_goes_back_each_its_way(void **state)
{
	(void)state;
	make_managed(false);
	w.effective[0] = "8MB";
	assert_int_equal(run(NULL, true), PGT_RR_DONE);
	assert_string_equal(w.now[0], "\"8MB\"");
	assert_null(w.now[1]);
	assert_int_equal(w.reloads, 1);
}

static void
test_managed_survives_a_failover_and_a_lost_node(void **state)
{
	(void)state;
	make_managed(true);
	w.verdict = PGT_FENCE_ROLE;
	w.fence = (struct fail){.at = 1, .code = PGT_E_STATE};
	assert_int_equal(run(NULL, false), PGT_RR_DONE);
	assert_string_equal(w.now[0], "\"8MB\"");
	end(state);
	begin(state);
	make_managed(true);
	assert_int_equal(run_unreached(), PGT_RR_DONE);
	assert_string_equal(w.now[0], "\"8MB\"");
}

static void
test_mixed_is_fenced_with_the_nodes_part_only(void **state)
{
	(void)state;
	make_managed(false);
	w.verdict = PGT_FENCE_OTHER;
	w.fence = (struct fail){.at = 1, .code = PGT_E_STATE};
	assert_int_equal(run(NULL, true), PGT_RR_FENCED);
	assert_string_equal(w.now[0], "\"8MB\"");
	assert_string_equal(w.now[1], "off");
	assert_non_null(strstr(by_hand(), "ALTER SYSTEM RESET jit;"));
	assert_null(strstr(by_hand(), "curl"));
	end(state);
	begin(state);
	make_managed(false);
	assert_int_equal(run_unreached(), PGT_RR_RETRY);
	assert_string_equal(rep.why, "no route");
	end(state);
	begin(state);
	assert_int_equal(run_unreached(), PGT_RR_RETRY);
}

static void
test_mixed_and_only_a_part_was_meant(void **state)
{
	struct pgt_acting a = {.cs = w.cs, .prev = w.prev};
	struct pgt_err why = {.code = PGT_E_CONN, .msg = "no route"};
	static const struct pgt_fence fence;

	(void)state;
	/* the node's own part was never written: the manager's is all there is */
	make_managed(false);
	a.fence = &fence;
	pgt_restore_report_done(&rep);
	assert_int_equal(pgt_restore_unreached(&a, (bool[N]){true, false}, &rep, &why),
			 PGT_RR_DONE);
	assert_string_equal(w.now[0], "\"8MB\"");
	assert_string_equal(w.now[1], "off");
	/* and the other way round: the manager is not asked */
	pgt_restore_report_done(&rep);
	assert_int_equal(pgt_restore_unreached(&a, (bool[N]){false, true}, &rep, &why),
			 PGT_RR_RETRY);
	assert_non_null(strstr(by_hand(), "RESET jit"));
	/* it does not answer either */
	end(state);
	begin(state);
	make_managed(true);
	w.manager = (struct fail){.at = 1, .code = PGT_E_CONN};
	assert_int_equal(run_unreached(), PGT_RR_RETRY);
	assert_int_equal(run_unreached(), PGT_RR_DONE);
}

static void
test_manager_silent_or_changed(void **state)
{
	struct fail *const points[] = {&w.manager, &w.managed_read, &w.patch};
	size_t p;

	for (p = 0; p < PGT_LEN(points); p++) {
		end(state);
		begin(state);
		make_managed(true);
		*points[p] = (struct fail){.at = 1, .code = PGT_E_TIMEOUT};
		assert_int_equal(run(NULL, false), PGT_RR_RETRY);
		assert_non_null(strstr(by_hand(), "curl -X PATCH http://m:8008/config -d "
						  "'{\"postgresql\":{\"parameters\":{"
						  "\"work_mem\":\"8MB\"}}}'"));
		assert_int_equal(run(NULL, false), PGT_RR_DONE);
	}
	end(state);
	begin(state);
	make_managed(true);
	w.patch = (struct fail){.at = 1, .code = PGT_E_DENIED};
	assert_int_equal(run(NULL, false), PGT_RR_FROZEN);
	assert_int_equal(rep.items[1].state, PGT_RS_DENIED);
	end(state);
	begin(state);
	make_managed(true);
	w.patch = (struct fail){.at = 2, .code = PGT_E_CONFLICT};
	assert_int_equal(run(NULL, false), PGT_RR_RETRY);
	assert_int_equal(rep.items[0].state, PGT_RS_FAILED);
	end(state);
	begin(state);
	make_managed(true);
	w.now[0] = "\"9MB\"";
	assert_int_equal(run(NULL, false), PGT_RR_DONE);
	assert_int_equal(rep.items[0].state, PGT_RS_FOREIGN);
	w.now[0] = "\"8MB\"";
	w.effective[0] = "8MB";
	assert_int_equal(run(NULL, false), PGT_RR_DONE);
	assert_int_equal(rep.items[0].state, PGT_RS_UNTOUCHED);
}

static void
test_manager_that_is_slow_to_apply(void **state)
{
	(void)state;
	make_managed(true);
	w.fresh = (struct fail){.at = 1, .code = PGT_E_CONN};
	assert_int_equal(run(NULL, false), PGT_RR_RETRY);
	end(state);
	begin(state);
	make_managed(true);
	w.reload_applies = false;
	assert_int_equal(run(NULL, false), PGT_RR_RETRY);
	assert_non_null(strstr(err.msg, "not applied it"));
}

static void
test_quotes_in_a_request(void **state)
{
	(void)state;
	make_managed(false);
	w.prev[0].text = (char *)"\"it's\"";
	w.manager = (struct fail){.at = 1, .code = PGT_E_CONN};
	assert_int_equal(run(NULL, false), PGT_RR_RETRY);
	assert_non_null(strstr(by_hand(), "\"it'\\''s\""));
}

static int
done(void **state)
{
	(void)state;
	pgt_restore_report_done(&rep);
	return 0;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
	    T(test_back_exactly),
	    T(test_only_what_has_an_intent),
	    T(test_nothing_active_means_no_reload),
	    T(test_others_values_are_left),
	    T(test_somebody_writes_right_after),
	    T(test_unknown_before_was_never_written),
	    T(test_no_effect_is_told_as_failed),
	    T(test_denied_freezes_with_instructions),
	    T(test_refused_statement_is_tried_again),
	    T(test_lost_link_at_each_point_is_tried_again),
	    T(test_another_node_is_never_written),
	    T(test_state_error_of_one_statement),
	    T(test_broken_files_freeze_the_reload),
	    T(test_reload_denied_freezes),
	    T(test_inverse_that_cannot_be_written),
	    T(test_pieces_of_an_index),
	    T(test_instructions_are_for_what_was_meant),
	    T(test_reload_that_takes_its_time),
	    T(test_what_others_wrote_below_our_line),
	    T(test_what_is_not_stale),
	    T(test_doubt_after_a_doubt),
	    T(test_mixed_and_only_a_part_was_meant),
	    T(test_managed_goes_back_exactly),
	    T(test_mixed_goes_back_each_its_way),
	    T(test_managed_survives_a_failover_and_a_lost_node),
	    T(test_mixed_is_fenced_with_the_nodes_part_only),
	    T(test_manager_silent_or_changed),
	    T(test_manager_that_is_slow_to_apply),
	    T(test_quotes_in_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
