/* Queries, vacuum, connections, vectors, replication and hygiene; the rules file. */
#include "world.h"

#define BLOCKS 2560

/* ---- queries ---- */

static void
test_n_plus_one_needs_transactions(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	items(w);
	index_on(w, "items_pkey", 1, 0)->unique = true;
	statement(w, "SELECT tag FROM items WHERE id = $1", 5000, 0.05, 1, 4);
	assert_null(advise(w, "query:n+1:1")); /* one a transaction, for all we know */
	statement(w, "COMMIT", 50, 0.01, 0, 0);
	a = advise(w, "query:n+1:1");
	assert_non_null(a);
	assert_int_equal(a->confidence, PGT_GRADE_MEDIUM);
	w->statement[1].calls = 4000;
	assert_null(advise(w, "query:n+1:1"));
}

static void
test_planned_more_than_run(void **state)
{
	struct world *w = *state;
	struct pgt_sch_statement *q =
	    statement(w, "SELECT tag FROM items WHERE id = $1", 5000, 0.05, 1, 4);

	items(w);
	index_on(w, "items_pkey", 1, 0)->unique = true;
	q->plans = 5000;
	q->plan_ms = 2 * q->total_ms;
	assert_non_null(advise(w, "query:planning:1"));
	q->plan_ms = 0.5 * q->total_ms;
	assert_null(advise(w, "query:planning:1"));
}

static void
test_correlated_columns(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	table(w, "cars", 100000, 20 * MB);
	column(w, "make", "integer", 'N', 200);
	column(w, "model", "integer", 'N', 200);
	statement(w, "SELECT * FROM cars WHERE make = $1 AND model = $2", 100, 5, 500, 600);
	a = advise(w, "statistics:public.cars(make, model)");
	assert_non_null(a);
	assert_string_equal(a->act.kind, "statistics_create");
	assert_string_equal(a->statement,
			    "CREATE STATISTICS public.pg2une_1_1_2_stat (ndistinct, "
			    "dependencies) ON make, model FROM public.cars");
	w->statement[0].rows = 300; /* 3 a call, as planned */
	assert_null(advise(w, "statistics:public.cars(make, model)"));
}

static void
test_regressed(void **state)
{
	struct world *w = *state;
	struct pgt_query_regression r = {.queryid = 1, .before_ms = 2, .after_ms = 10,
					 .ratio = 5, .share = 0.5, .q = 0.001,
					 .calls_ratio = 1, .same_load = true,
					 .plan_change = true};
	const struct pgt_advice *a;

	statement(w, "SELECT 1", 100, 10, 1, 1);
	w->regressions = &r;
	w->n_regressions = 1;
	a = advise(w, "query:regressed:1");
	assert_non_null(a);
	assert_true(a->effect_pct == -80);
	assert_int_equal(a->confidence, PGT_GRADE_HIGH);
	assert_non_null(strstr(a->why, "another plan"));
}

/* ---- vacuum ---- */

static void
test_vacuum(void **state)
{
	struct world *w = *state;
	struct pgt_sch_table *t = items(w);
	const struct pgt_advice *a;

	usual_settings(w);
	t->dead = 50000;
	a = advise(w, "vacuum:dead:public.items");
	assert_non_null(a);
	assert_string_equal(a->statement, "VACUUM (ANALYZE) public.items");
	assert_int_equal(a->how, PGT_HOW_HUMAN);
	t->dead = 5000;
	assert_null(advise(w, "vacuum:dead:public.items"));
	t->rows = t->live = 20e6;
	t->upd = 10e6;
	a = advise(w, "vacuum:scale:public.items");
	assert_non_null(a);
	assert_string_equal(a->act.value, "0.005");
	t->options = "autovacuum_enabled=false";
	assert_null(advise(w, "vacuum:scale:public.items"));
	assert_non_null(advise(w, "vacuum:disabled:public.items"));
	t->xid_age = 500e6;
	assert_non_null(advise(w, "vacuum:freeze:public.items"));
}

/* ---- connections ---- */

static void
sessions(struct world *w, const char *user, int n, int idle)
{
	w->pool[w->s->n_pools++] = (struct pgt_sch_pool){"shop", user, n, idle};
	w->snap.sessions.total += n;
	w->snap.sessions.idle += idle;
	w->snap.sessions.active += n - idle;
	w->snap.sessions.max_connections = 100;
	w->snap.sessions.reserved = 3;
}

static void
test_pools_fit_below_the_limit(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;
	double size, reserve, pools, each, direct, sum, most;

	w->host.cpus = 64; /* would have 128 a pool */
	sessions(w, "web", 50, 45);
	sessions(w, "jobs", 30, 25);
	sessions(w, "report", 12, 12);
	a = advise(w, "pooler:limit");
	assert_non_null(a);
	assert_int_equal(sscanf(a->proposed,
				"PgBouncer: pool_mode = transaction, default_pool_size = "
				"%lf, reserve_pool_size = %lf: %lf pools (database, user) x "
				"%lf + %lf direct + 5 for people = %lf, of %lf",
				&size, &reserve, &pools, &each, &direct, &sum, &most),
			 7);
	assert_true(pools == 3 && each == size + reserve && most == 97);
	assert_true(sum == pools * each + direct + 5 && sum <= most);
}

static void
test_oversized_pool(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	sessions(w, "web", 60, 59);
	a = advise(w, "pooler:oversized:shop:web");
	assert_non_null(a);
	assert_string_equal(a->proposed, "16"); /* two a core */
	assert_int_equal(a->confidence, PGT_GRADE_MEDIUM); /* one sample */
}

static void
test_a_busy_pool_is_not_oversized(void **state)
{
	sessions(*state, "web", 60, 10);
	assert_null(advise(*state, "pooler:oversized:shop:web"));
}

/* ---- vectors ---- */

static struct pgt_sch_table *
vectors(struct world *w, double rows)
{
	struct pgt_sch_table *t = table(w, "docs", rows, rows * 200);

	column(w, "id", "integer", 'N', -1);
	column(w, "snapshot_id", "integer", 'N', 10);
	column(w, "embedding", "public.vector(1536)", 'U', -1);
	w->s->has_vector = true;
	w->extension[0] = (struct pgt_sch_extension){"vector", "0.8.0", "0.8.0", "public"};
	w->s->n_extensions = 1;
	setting(w, "maintenance_work_mem", "65536", "kB");
	return t;
}

static struct pgt_sch_index *
hnsw(struct world *w, const char *opclass)
{
	struct pgt_sch_index *x = index_on(w, "docs_embedding", 3, 0);

	x->am = "hnsw";
	x->opclass[0] = opclass;
	return x;
}

#define NEAREST "SELECT id FROM docs ORDER BY embedding <=> $1 LIMIT $2"
#define NEAREST_OF                                                                       \
	"SELECT id FROM docs WHERE snapshot_id = $3 ORDER BY embedding <=> $1 LIMIT $2"

static void
test_vector_index_is_missing(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	vectors(w, 100000);
	statement(w, NEAREST, 100, 400, 10, 50000);
	a = advise(w, "vector:public.docs(embedding)");
	assert_non_null(a);
	assert_string_equal(a->act.definition,
			    "USING hnsw (embedding public.vector_cosine_ops)");
	assert_non_null(strstr(a->why, "maintenance_work_mem")); /* 64 MB for 800 MB */
	w->column[2].type = "public.vector(3072)";
	a = advise(w, "vector:public.docs(embedding)");
	assert_non_null(a);
	assert_null(a->statement);
	assert_non_null(strstr(a->why, "2,000 dimensions"));
}

static void
test_vector_operator_must_match(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	vectors(w, 100000);
	hnsw(w, "vector_l2_ops");
	statement(w, NEAREST, 100, 400, 10, 50000);
	a = advise(w, "vector:public.docs(embedding)");
	assert_non_null(a);
	assert_non_null(strstr(a->why, "another operator"));
	w->index[0].opclass[0] = "vector_cosine_ops";
	assert_null(advise(w, "vector:public.docs(embedding)"));
}

static void
test_few_filtered_rows_stay_exact(void **state)
{
	struct world *w = *state;

	vectors(w, 50000); /* 5,000 in each of ten snapshots */
	statement(w, NEAREST_OF, 100, 400, 10, 50000);
	assert_null(advise(w, "vector:public.docs(embedding)"));
	assert_true(noted(w, "exact search"));
}

static void
test_vector_filter_after_the_index(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	vectors(w, 500000);
	hnsw(w, "vector_cosine_ops");
	statement(w, NEAREST_OF, 100, 4, 4, 500);
	a = advise(w, "vector:filter:public.docs(embedding)");
	assert_non_null(a);
	assert_string_equal(a->act.kind, "database_setting");
	assert_string_equal(a->act.name, "hnsw.iterative_scan");
	w->extension[0].version = "0.7.4"; /* has none */
	a = advise(w, "vector:filter:public.docs(embedding)");
	assert_non_null(a);
	assert_null(a->act.kind);
}

static void
test_vector_answers_cut_at_ef_search(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;

	vectors(w, 500000);
	hnsw(w, "vector_cosine_ops");
	statement(w, NEAREST, 100, 4, 40, 500);
	a = advise(w, "vector:ef_search:1");
	assert_non_null(a);
	assert_string_equal(a->act.value, "100");
	w->statement[0].rows = 100 * 10;
	assert_null(advise(w, "vector:ef_search:1"));
}

static void
test_vector_index_sizes_and_churn(void **state)
{
	struct world *w = *state;
	struct pgt_sch_table *t = vectors(w, 4e6);
	struct pgt_sch_index *x = hnsw(w, "vector_cosine_ops");

	setting(w, "shared_buffers", "131072", "8kB");
	x->bytes = 32 * GB;
	assert_int_equal(
	    advise(w, "vector:size:public.docs_embedding")->confidence, PGT_GRADE_HIGH);
	t->dead = 1.2e6;
	assert_string_equal(
	    advise(w, "index_reindex:public.docs_embedding")->act.kind, "index_reindex");
	x->am = "ivfflat";
	x->definition = "CREATE INDEX ... USING ivfflat (embedding) WITH (lists='100')";
	assert_string_equal(advise(w, "vector:lists:public.docs_embedding")->proposed,
			    "lists = 2000, ivfflat.probes = 45");
	x->definition = "CREATE INDEX ... USING ivfflat (embedding) WITH (lists='1500')";
	assert_null(advise(w, "vector:lists:public.docs_embedding"));
}

/* ---- replication, hygiene ---- */

static void
test_abandoned_slot(void **state)
{
	struct world *w = *state;
	struct pgt_slot slot = {.name = "left", .type = "physical", .wal_status = "extended",
				.retained_bytes = 2 * GB};
	const struct pgt_advice *a;

	w->snap.slots = &slot;
	w->snap.n_slots = 1;
	a = advise(w, "slot:left");
	assert_non_null(a);
	assert_string_equal(a->statement, "SELECT pg_drop_replication_slot('left')");
	assert_int_equal(a->risk, PGT_GRADE_HIGH);
	slot.active = true;
	assert_null(advise(w, "slot:left"));
}

static void
test_hygiene(void **state)
{
	struct world *w = *state;

	setting(w, "fsync", "off", NULL);
	w->s->facts.hba_trust_net = 2;
	w->s->facts.md5_roles = 3;
	assert_int_equal(advise(w, "setting:fsync")->confidence, PGT_GRADE_HIGH);
	assert_non_null(advise(w, "hygiene:trust"));
	assert_non_null(advise(w, "hygiene:md5"));
	assert_null(advise(w, "hygiene:collation"));
	/* the worst comes first, and each has evidence and a reason */
	assert_string_equal(w->list->items[0].identity, "setting:fsync");
	for (size_t i = 0; i < w->list->n; i++) {
		assert_true(w->list->items[i].n_evidence > 0);
		assert_non_null(w->list->items[i].why);
		assert_non_null(w->list->items[i].confidence_why);
		assert_non_null(w->list->items[i].source);
	}
}

static void
test_statements_are_missing(void **state)
{
	struct world *w = *state;

	w->s->has_pgss = false;
	setting(w, "shared_preload_libraries", "auto_explain", NULL);
	assert_string_equal(advise(w, "setting:shared_preload_libraries")->statement,
			    "ALTER SYSTEM SET shared_preload_libraries = auto_explain, "
			    "pg_stat_statements");
}

/* ---- the rules ---- */

static void
test_a_users_own_rules(void **state)
{
	struct world *w = *state;
	struct pgt_err err = {0};
	static const char *const bad[] = {"[index]\nmin_rowz = 3", "[index]\nmin_rows = many",
					  "[nothing]\na = 1", "[profile x]\nno_such = 1",
					  "[profile x]\nwork_mem = =banana",
					  "[profile x]\nwork_mem = -2",
					  "[profile x]\nfsync = =off"};
	struct pgt_profile_input in = {.name = "web", .host = w->host, .server_major = 17};
	struct pgt_profile_setting *rows;
	char *text;
	size_t n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(pgt_advise_rules_check(w->rules, bad[i], &err), -1);
	assert_int_equal(
	    pgt_advise_rules_check(w->rules, "[index]\nmin_rows = 500000\n"
					     "[profile web]\nclass = oltp\nwork_mem = =7MB\n",
				   &err),
	    0);
	text = pgt_xasprintf("%s\n[index]\nmin_rows = 500000\n[profile web]\nclass = oltp\n"
			     "only = listed\nwork_mem = =7MB\n",
			     w->rules);
	in.rules = text;
	assert_int_equal(pgt_advise_profile_class(text, "web"), PGT_WORKLOAD_OLTP);
	assert_int_equal(pgt_advise_profile_class(text, "x"), PGT_WORKLOAD_UNKNOWN);
	assert_int_equal(pgt_advise_profile(&in, PGT_PROFILE_OLTP, &rows, &n, NULL, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].value, "7MB");
	assert_non_null(strstr(rows[0].why, "pgtune would say"));
	free(rows);
	items(w);
	statement(w, "SELECT id FROM items WHERE tag = $1", 100, 20, 100, BLOCKS);
	assert_non_null(advise(w, "index:public.items(tag)"));
	free(w->rules);
	w->rules = text;
	assert_null(advise(w, "index:public.items(tag)"));
}

static void
test_what_is_news(void **state)
{
	struct world *w = *state;
	const struct pgt_advice *a;
	char then[64];

	items(w);
	statement(w, "SELECT id FROM items WHERE tag = $1", 100, 20, 100, BLOCKS);
	statement(w, "SELECT 1", 100, 60, 1, 1); /* the first has a quarter of the time */
	a = advise(w, "index:public.items(tag)");
	snprintf(then, sizeof(then), "%s", a->evidence_hash);
	w->statement[1].total_ms *= 1.3; /* weaker */
	a = advise(w, "index:public.items(tag)");
	assert_false(pgt_advice_is_news(then, a->evidence_hash));
	w->statement[1].total_ms = 10; /* nearly all of the time now */
	a = advise(w, "index:public.items(tag)");
	assert_true(pgt_advice_is_news(then, a->evidence_hash));
	assert_true(pgt_advice_is_news("", a->evidence_hash));
	assert_true(pgt_advice_is_news("0123456789abcdef-50-3", a->evidence_hash));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_n_plus_one_needs_transactions),
	    TEST(test_planned_more_than_run),
	    TEST(test_correlated_columns),
	    TEST(test_regressed),
	    TEST(test_vacuum),
	    TEST(test_pools_fit_below_the_limit),
	    TEST(test_oversized_pool),
	    TEST(test_a_busy_pool_is_not_oversized),
	    TEST(test_vector_index_is_missing),
	    TEST(test_vector_operator_must_match),
	    TEST(test_few_filtered_rows_stay_exact),
	    TEST(test_vector_filter_after_the_index),
	    TEST(test_vector_answers_cut_at_ef_search),
	    TEST(test_vector_index_sizes_and_churn),
	    TEST(test_abandoned_slot),
	    TEST(test_hygiene),
	    TEST(test_statements_are_missing),
	    TEST(test_a_users_own_rules),
	    TEST(test_what_is_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
