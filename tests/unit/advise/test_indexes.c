/* Indexes that are missing and indexes that are too many. */
#include "world.h"

#define BLOCKS 2560 /* of the 20 MB of items */

static void
test_equality(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	items(w);
	statement(w, "SELECT id FROM items WHERE tag = $1", 100, 20, 100, BLOCKS);
	a = advise(w, "index:public.items(tag)");
	assert_non_null(a);
	assert_string_equal(a->statement, "CREATE INDEX CONCURRENTLY "
					  "pg2une_items_tag_idx ON public.items USING btree "
					  "(tag)");
	assert_string_equal(a->undo,
			    "DROP INDEX CONCURRENTLY public.pg2une_items_tag_idx");
	assert_int_equal(a->confidence, PGT_GRADE_HIGH);
	assert_true(a->effect_pct < -90 && a->effect_lo == -100 && a->effect_hi > -60);
	assert_string_equal(a->table, "items");
	assert_int_equal(a->queryid, 1);
}

static void
test_never_below_ten_thousand_rows(void **state)
{
	struct world *w = *state;
	struct pgt_sch_table *t = items(w);

	t->rows = t->live = 9999;
	statement(w, "SELECT id FROM items WHERE tag = $1", 100, 20, 1, BLOCKS);
	assert_null(advise(w, "index:public.items(tag)"));
}

static void
test_order_and_limit(void **state)
{
	struct world *w = *state;

	items(w);
	statement(w, "SELECT id FROM items WHERE tag = $1 ORDER BY at DESC LIMIT $2", 100, 20,
		  3, BLOCKS);
	assert_non_null(advise(w, "index:public.items(tag, at)"));
}

static void
test_partial(void **state)
{
	struct world *w = *state;

	items(w);
	w->column[3].null_frac = 0.02;
	statement(w, "SELECT id FROM items WHERE gone IS NULL AND tag = $1", 100, 20, 3,
		  BLOCKS);
	assert_non_null(advise(w, "index:public.items(tag) WHERE gone IS NULL"));
}

static void
test_one_that_is_there_serves(void **state)
{
	struct world *w = *state;

	items(w);
	index_on(w, "items_tag", 2, 0);
	statement(w, "SELECT id FROM items WHERE tag = $1", 100, 20, 100, BLOCKS);
	assert_null(advise(w, "index:public.items(tag)"));
	w->index[0].valid = false;
	assert_non_null(advise(w, "index:public.items(tag)"));
}

static void
test_gin_for_arrays(void **state)
{
	struct world *w = *state;

	items(w);
	statement(w, "SELECT id FROM items WHERE tags @> $1", 100, 20, 100, BLOCKS);
	assert_non_null(advise(w, "index:public.itemsgin(tags)"));
}

static void
test_a_partitioned_table_is_left_to_people(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;
	struct pgt_sch_table *t = items(w);

	t->kind = 'p';
	t->children = 4;
	statement(w, "SELECT id FROM items WHERE tag = $1", 100, 20, 100, BLOCKS);
	a = advise(w, "index:public.items(tag)");
	assert_non_null(a);
	assert_int_equal(a->how, PGT_HOW_HUMAN);
	assert_null(strstr(a->statement, "CONCURRENTLY"));
	assert_non_null(strstr(a->statement, "ON ONLY"));
	assert_null(a->act.kind);
}

static void
test_hot_updates_are_not_broken_lightly(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;
	struct pgt_sch_table *t = items(w);

	t->upd = 1e6;
	t->hot = 0.9e6;
	statement(w, "SELECT id FROM items WHERE tag = $1", 100, 20, 100, BLOCKS);
	statement(w, "UPDATE items SET tag = $1 WHERE id = $2", 50000, 0.01, 1, 4);
	a = advise(w, "index:public.items(tag)");
	assert_non_null(a);
	assert_int_equal(a->confidence, PGT_GRADE_LOW);
	assert_non_null(strstr(a->costs, "HOT"));
}

static void
test_hypopg_has_the_last_word(void **state)
{
	struct world *w = *state;
	struct pgt_advice_plan plan = {"index:public.items(tag)", 1000, 10, 2 * MB, true};
	const struct pgt_advice *a;

	items(w);
	statement(w, "SELECT id FROM items WHERE tag = $1", 100, 20, 100, BLOCKS);
	w->plans = &plan;
	w->n_plans = 1;
	a = advise(w, plan.identity);
	assert_non_null(a);
	assert_int_equal(a->confidence, PGT_GRADE_HIGH);
	assert_true(fabs(a->effect_pct + 99) < 0.01);
	plan.used = false;
	assert_null(advise(w, plan.identity));
	assert_true(noted(w, "the planner would not take it"));
}

static void
test_qualstats_tells_what_a_range_keeps(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	items(w);
	statement(w, "SELECT id FROM items WHERE at > $1", 100, 20, 10, BLOCKS);
	w->qual[0] = (struct pgt_sch_qual){1, 3, ">", 100, 1e7, 0.9999e7};
	w->s->n_quals = 1;
	a = advise(w, "index:public.items(at)");
	assert_non_null(a);
	assert_string_equal(a->evidence[2].what, "pg_qualstats");
	w->qual[0].filtered = 0.1e7; /* keeps nine of ten rows: no index helps */
	assert_null(advise(w, "index:public.items(at)"));
}

static void
test_foreign_key(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	items(w);
	w->fk[0] = (struct pgt_sch_fk){.table = 1, .ref = 2, .name = "f", .ref_name = "x.tags",
				       .n = 1, .att = {2}, .ref_att = {1}, .on_delete = 'c'};
	w->s->n_fks = 1;
	a = advise(w, "index:public.items(tag)");
	assert_non_null(a);
	assert_int_equal(a->confidence, PGT_GRADE_MEDIUM); /* no delete was seen */
	index_on(w, "items_tag", 2, 0);
	assert_null(advise(w, "index:public.items(tag)"));
}

static void
test_duplicate(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;
	struct pgt_sch_index *young;

	items(w);
	index_on(w, "a", 2, 0);
	young = index_on(w, "b", 2, 0);
	a = advise(w, "index_drop:public.b");
	assert_non_null(a);
	assert_int_equal(a->confidence, PGT_GRADE_HIGH);
	assert_string_equal(a->undo, "CREATE INDEX ...");
	assert_ptr_not_equal(a->undo, young->definition); /* the schema goes first */
	assert_ptr_not_equal(a->act.name, young->name);
	assert_true(a->effect_pct == -50);
	young->constraint = true; /* then the other one goes */
	assert_null(advise(w, "index_drop:public.b"));
	assert_non_null(advise(w, "index_drop:public.a"));
	young->constraint = false;
	young->unique = true; /* uniqueness is a promise */
	assert_null(advise(w, "index_drop:public.b"));
	young->unique = false;
	young->opclass[0] = "int4_other_ops";
	assert_null(advise(w, "index_drop:public.b"));
}

static void
test_redundant(void **state)
{
	struct world *w = *state;
	struct pgt_sch_index *shorter;

	items(w);
	shorter = index_on(w, "a", 2, 0);
	index_on(w, "b", 2, 3);
	assert_non_null(advise(w, "index_drop:public.a"));
	shorter->unique = true;
	assert_null(advise(w, "index_drop:public.a"));
	shorter->unique = false;
	shorter->replica_identity = true;
	assert_null(advise(w, "index_drop:public.a"));
	shorter->replica_identity = false;
	shorter->predicate = "(tag > 3)";
	assert_null(advise(w, "index_drop:public.a"));
}

static void
test_unused_is_believed_by_age(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;
	struct pgt_sch_index *x;

	items(w);
	x = index_on(w, "a", 2, 0);
	x->scans = 0;
	assert_null(advise(w, "index_drop:public.a"));
	assert_true(noted(w, "statistics are only"));
	w->s->now.reset_s = 10 * 86400;
	a = advise(w, "index_drop:public.a");
	assert_non_null(a);
	assert_int_equal(a->confidence, PGT_GRADE_MEDIUM);
	w->s->now.reset_s = 40 * 86400;
	assert_int_equal(advise(w, "index_drop:public.a")->confidence, PGT_GRADE_HIGH);
	w->snap.n_replicas = 1; /* whose scans are not counted here */
	assert_int_equal(advise(w, "index_drop:public.a")->confidence, PGT_GRADE_LOW);
	x->fk_target = true;
	assert_null(advise(w, "index_drop:public.a"));
}

static void
test_invalid(void **state)
{
	struct world *w = *state;
	struct pgt_sch_index *x;

	items(w);
	x = index_on(w, "items_ccnew", 2, 0);
	x->valid = false;
	assert_non_null(advise(w, "index_drop:public.items_ccnew"));
	x->building = true;
	assert_null(advise(w, "index_drop:public.items_ccnew"));
}

static void
test_bloated(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	items(w);
	index_on(w, "big", 1, 0)->bytes = 60 * MB; /* 100,000 rows need 2.2 MB */
	a = advise(w, "index_reindex:public.big");
	assert_non_null(a);
	assert_string_equal(a->statement, "REINDEX INDEX CONCURRENTLY public.big");
	assert_true(a->effect_pct < -90 && a->effect_pct > -98);
	w->column[0].has_stats = false; /* unknown widths: nothing is said */
	assert_null(advise(w, "index_reindex:public.big"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_equality),
	    TEST(test_never_below_ten_thousand_rows),
	    TEST(test_order_and_limit),
	    TEST(test_partial),
	    TEST(test_one_that_is_there_serves),
	    TEST(test_gin_for_arrays),
	    TEST(test_a_partitioned_table_is_left_to_people),
	    TEST(test_hot_updates_are_not_broken_lightly),
	    TEST(test_hypopg_has_the_last_word),
	    TEST(test_qualstats_tells_what_a_range_keeps),
	    TEST(test_foreign_key),
	    TEST(test_duplicate),
	    TEST(test_redundant),
	    TEST(test_unused_is_believed_by_age),
	    TEST(test_invalid),
	    TEST(test_bloated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
