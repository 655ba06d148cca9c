/* A server for the advisors: settings, tables, statements, put together by hand. */
#ifndef TESTS_UNIT_ADVISE_WORLD_H
#define TESTS_UNIT_ADVISE_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/advise/advise.h"
#include "pg2une/base/mem.h"
#include "pg2une/observe/schema.h"

#define KB	  1024.0
#define MB	  1048576.0
#define GB	  1073741824.0
#define WORLD_MAX 64

struct world {
	struct pgt_schema *s;
	struct pgt_snapshot snap;
	struct pgt_setting setting[WORLD_MAX];
	struct pgt_sch_pool pool[8];
	struct pgt_sch_table table[WORLD_MAX];
	struct pgt_sch_column column[WORLD_MAX];
	struct pgt_sch_index index[WORLD_MAX];
	struct pgt_sch_statement statement[WORLD_MAX];
	struct pgt_sch_fk fk[WORLD_MAX];
	struct pgt_sch_extension extension[WORLD_MAX];
	struct pgt_sch_qual qual[WORLD_MAX];
	struct pgt_host_facts host;
	struct pgt_query_regression *regressions;
	size_t n_regressions;
	struct pgt_advice_plan *plans;
	size_t n_plans;
	char *rules;
	struct pgt_advice_list *list;
};

static char *
world_rules(void)
{
	FILE *f = fopen("sql/rules/advise.rules", "r");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	return text;
}

static int
world_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->s = pgt_schema_new();
	w->s->version_num = 170004;
	w->s->database = "shop";
	w->s->has_pgss = true;
	w->s->now.db_s = w->s->now.reset_s = 100;
	w->s->tables = w->table;
	w->s->columns = w->column;
	w->s->indexes = w->index;
	w->s->statements = w->statement;
	w->s->fks = w->fk;
	w->s->extensions = w->extension;
	w->s->quals = w->qual;
	w->snap.settings = w->setting;
	w->s->pools = w->pool;
	w->snap.node.version_num = 170004;
	w->snap.rate.wal_bytes = w->snap.host.data_free = NAN;
	w->host = (struct pgt_host_facts){16 * GB, 8, "ssd", true};
	w->rules = world_rules();
	*state = w;
	return 0;
}

static int
world_down(void **state)
{
	struct world *w = *state;

	pgt_advice_list_free(w->list);
	pgt_schema_free(w->s);
	free(w->rules);
	free(w);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct pgt_setting *)a)->name,
		      ((const struct pgt_setting *)b)->name);
}

static struct pgt_setting *__attribute__((unused))
setting(struct world *w, const char *name, const char *value, const char *unit)
{
	w->setting[w->snap.n_settings] =
	    (struct pgt_setting){.name = name, .value = value, .unit = unit,
				 .context = "sighup", .source = "configuration file"};
	return &w->setting[w->snap.n_settings++];
}

/* The usual ones of a small server. */
static void __attribute__((unused))
usual_settings(struct world *w)
{
	setting(w, "work_mem", "4096", "kB");
	setting(w, "shared_buffers", "131072", "8kB"); /* 1 GB */
	setting(w, "hash_mem_multiplier", "2", NULL);
	setting(w, "max_connections", "100", NULL);
	setting(w, "maintenance_work_mem", "65536", "kB");
	setting(w, "autovacuum_work_mem", "-1", "kB");
	setting(w, "autovacuum_max_workers", "3", NULL);
	setting(w, "autovacuum_vacuum_scale_factor", "0.2", NULL);
	setting(w, "autovacuum_freeze_max_age", "200000000", NULL);
}

static struct pgt_sch_table *
table(struct world *w, const char *name, double rows, double bytes)
{
	struct pgt_sch_table *t = &w->table[w->s->n_tables++];

	*t = (struct pgt_sch_table){.oid = (uint32_t)w->s->n_tables, .schema = "public",
				    .name = name, .kind = 'r', .persistence = 'p',
				    .rows = rows, .live = rows, .bytes = bytes,
				    .vacuum_s = 60, .analyze_s = 60, .options = "",
				    .bloat_bytes = NAN, .bloat_ratio = NAN};
	t->q_name = pgt_arena_printf(w->s->arena, "public.%s", name);
	t->ins_w = t->upd_w = t->del_w = t->seq_scan_w = t->seq_read_w = NAN;
	return t;
}

/* Of the newest table. */
static struct pgt_sch_column *__attribute__((unused))
column(struct world *w, const char *name, const char *type, char category, double n_distinct)
{
	struct pgt_sch_column *c = &w->column[w->s->n_columns++];

	*c = (struct pgt_sch_column){.table = (uint32_t)w->s->n_tables, .name = name,
				     .q_name = name, .type = type, .category = category,
				     .has_stats = n_distinct != 0, .n_distinct = n_distinct,
				     .avg_width = 8};
	c->attnum = 1;
	for (size_t i = 0; i + 1 < w->s->n_columns; i++)
		c->attnum += w->column[i].table == c->table;
	return c;
}

static __attribute__((unused)) struct pgt_sch_index *
index_on(struct world *w, const char *name, int first, int second)
{
	struct pgt_sch_index *x = &w->index[w->s->n_indexes++];

	*x = (struct pgt_sch_index){.oid = 1000 + (uint32_t)w->s->n_indexes,
				    .table = (uint32_t)w->s->n_tables, .schema = "public",
				    .name = name, .am = "btree", .n_keys = second ? 2 : 1,
				    .n_atts = second ? 2 : 1, .att = {first, second},
				    .opclass = {"int4_ops", "int4_ops"}, .valid = true,
				    .ready = true, .bytes = 2 * MB, .scans = 5,
				    .definition = "CREATE INDEX ..."};
	x->q_name = pgt_arena_printf(w->s->arena, "public.%s", name);
	return x;
}

static struct pgt_sch_statement *__attribute__((unused))
statement(struct world *w, const char *text, double calls, double mean_ms, double rows,
	  double blocks)
{
	struct pgt_sch_statement *q = &w->statement[w->s->n_statements++];

	*q = (struct pgt_sch_statement){.queryid = (int64_t)w->s->n_statements, .text = text,
					.calls = calls, .total_ms = calls * mean_ms,
					.mean_ms = mean_ms, .max_ms = mean_ms,
					.rows = calls * rows, .hit = calls * blocks,
					.jit_ms = NAN};
	q->calls_w = q->ms_w = q->rows_w = q->temp_w = q->read_w = NAN;
	return q;
}

/* A table of 100,000 rows, 20 MB: id, tag (1,000 values), at, gone (99 % set). */
static struct pgt_sch_table *__attribute__((unused))
items(struct world *w)
{
	struct pgt_sch_table *t = table(w, "items", 100000, 20 * MB);

	column(w, "id", "integer", 'N', -1);
	column(w, "tag", "integer", 'N', 1000);
	column(w, "at", "timestamp with time zone", 'D', -1);
	column(w, "gone", "timestamp with time zone", 'D', 1)->null_frac = 0.01;
	column(w, "tags", "integer[]", 'A', -0.5);
	return t;
}

static const struct pgt_advice *
advise(struct world *w, const char *identity)
{
	struct pgt_advise_input in = {.snapshot = &w->snap,
				      .schema = w->s,
				      .regressions = w->regressions,
				      .n_regressions = w->n_regressions,
				      .host = w->host,
				      .rules = w->rules,
				      .plans = w->plans,
				      .n_plans = w->n_plans};
	struct pgt_err err = {0};

	qsort(w->setting, w->snap.n_settings, sizeof(w->setting[0]), by_name);
	pgt_advice_list_free(w->list);
	assert_int_equal(pgt_advise(&in, &w->list, &err), 0);
	for (size_t i = 0; i < w->list->n; i++)
		if (strcmp(w->list->items[i].identity, identity) == 0)
			return &w->list->items[i];
	return NULL;
}

static bool __attribute__((unused))
noted(const struct world *w, const char *part)
{
	for (size_t i = 0; i < w->list->n_notes; i++)
		if (strstr(w->list->notes[i], part))
			return true;
	return false;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)

#endif
