#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema_read_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/observe/schema.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"

#define QUERY_NS       (35 * PGT_NS_PER_S) /* above the server's own 30 s */
#define TABLES_MAX     "3000"
#define STATEMENTS_MAX "5000"

struct reader {
	struct pgt_conn *c;
	const struct pgt_caps *caps;
	struct pgt_schema *s;
	char *oids; /* "{1,2}" of the tables */
	bool lost;  /* the connection */
};

#define C(st, field, name, type)                                                         \
	{                                                                                \
		name, type, offsetof(struct st, field)                                   \
	}
#define F(st, field, type) C(st, field, #field, type)

static const struct sch_col table_cols[] = {F(pgt_sch_table, oid, SCH_OID),
					    F(pgt_sch_table, parent, SCH_OID),
					    F(pgt_sch_table, schema, SCH_TEXT),
					    F(pgt_sch_table, name, SCH_TEXT),
					    F(pgt_sch_table, q_name, SCH_SQL),
					    F(pgt_sch_table, kind, SCH_CHAR),
					    F(pgt_sch_table, persistence, SCH_CHAR),
					    F(pgt_sch_table, is_partition, SCH_BOOL),
					    F(pgt_sch_table, children, SCH_INT),
					    F(pgt_sch_table, rows, SCH_AGE),
					    F(pgt_sch_table, live, SCH_NUM),
					    F(pgt_sch_table, dead, SCH_NUM),
					    F(pgt_sch_table, mod, SCH_NUM),
					    F(pgt_sch_table, ins, SCH_NUM),
					    F(pgt_sch_table, upd, SCH_NUM),
					    F(pgt_sch_table, del, SCH_NUM),
					    F(pgt_sch_table, hot, SCH_NUM),
					    F(pgt_sch_table, seq_scan, SCH_NUM),
					    F(pgt_sch_table, seq_read, SCH_NUM),
					    F(pgt_sch_table, idx_scan, SCH_NUM),
					    F(pgt_sch_table, bytes, SCH_NUM),
					    F(pgt_sch_table, toast_bytes, SCH_NUM),
					    F(pgt_sch_table, vacuum_s, SCH_AGE),
					    F(pgt_sch_table, analyze_s, SCH_AGE),
					    F(pgt_sch_table, autovacuums, SCH_NUM),
					    F(pgt_sch_table, xid_age, SCH_NUM),
					    F(pgt_sch_table, mxid_age, SCH_NUM),
					    F(pgt_sch_table, options, SCH_TEXT),
					    {0}};
static const struct sch_col column_cols[] = {
    F(pgt_sch_column, table, SCH_OID),       F(pgt_sch_column, attnum, SCH_INT),
    F(pgt_sch_column, name, SCH_TEXT),       F(pgt_sch_column, q_name, SCH_SQL),
    F(pgt_sch_column, type, SCH_TEXT),       F(pgt_sch_column, category, SCH_CHAR),
    F(pgt_sch_column, not_null, SCH_BOOL),   F(pgt_sch_column, has_stats, SCH_BOOL),
    F(pgt_sch_column, n_distinct, SCH_NUM),  F(pgt_sch_column, null_frac, SCH_NUM),
    F(pgt_sch_column, correlation, SCH_NUM), F(pgt_sch_column, avg_width, SCH_NUM),
    F(pgt_sch_column, top_freq, SCH_NUM),    {0}};
static const struct sch_col index_cols[] = {
    F(pgt_sch_index, oid, SCH_OID),
    F(pgt_sch_index, table, SCH_OID),
    F(pgt_sch_index, parent, SCH_OID),
    F(pgt_sch_index, schema, SCH_TEXT),
    F(pgt_sch_index, name, SCH_TEXT),
    F(pgt_sch_index, q_name, SCH_SQL),
    F(pgt_sch_index, am, SCH_TEXT),
    F(pgt_sch_index, n_keys, SCH_INT),
    F(pgt_sch_index, n_atts, SCH_INT),
    F(pgt_sch_index, att, SCH_ATTS),
    F(pgt_sch_index, opclass, SCH_WORDS),
    F(pgt_sch_index, option, SCH_ATTS),
    F(pgt_sch_index, predicate, SCH_TEXT),
    F(pgt_sch_index, expressions, SCH_TEXT),
    F(pgt_sch_index, definition, SCH_SQL),
    C(pgt_sch_index, unique, "is_unique", SCH_BOOL),
    C(pgt_sch_index, primary, "is_primary", SCH_BOOL),
    C(pgt_sch_index, exclusion, "is_exclusion", SCH_BOOL),
    C(pgt_sch_index, constraint, "is_constraint", SCH_BOOL),
    F(pgt_sch_index, fk_target, SCH_BOOL),
    F(pgt_sch_index, valid, SCH_BOOL),
    F(pgt_sch_index, ready, SCH_BOOL),
    F(pgt_sch_index, replica_identity, SCH_BOOL),
    F(pgt_sch_index, building, SCH_BOOL),
    F(pgt_sch_index, clustered, SCH_BOOL),
    F(pgt_sch_index, bytes, SCH_NUM),
    F(pgt_sch_index, tuples, SCH_NUM),
    F(pgt_sch_index, scans, SCH_NUM),
    F(pgt_sch_index, last_scan_s, SCH_AGE),
    {0}};
static const struct sch_col fk_cols[] = {
    F(pgt_sch_fk, table, SCH_OID),      F(pgt_sch_fk, ref, SCH_OID),
    F(pgt_sch_fk, name, SCH_TEXT),      F(pgt_sch_fk, ref_name, SCH_TEXT),
    C(pgt_sch_fk, n, "att", SCH_COUNT), F(pgt_sch_fk, att, SCH_ATTS),
    F(pgt_sch_fk, ref_att, SCH_ATTS),   F(pgt_sch_fk, on_delete, SCH_CHAR),
    F(pgt_sch_fk, validated, SCH_BOOL), {0}};
static const struct sch_col statistics_cols[] = {
    F(pgt_sch_statistics, table, SCH_OID),  F(pgt_sch_statistics, name, SCH_TEXT),
    F(pgt_sch_statistics, kinds, SCH_TEXT), C(pgt_sch_statistics, n, "att", SCH_COUNT),
    F(pgt_sch_statistics, att, SCH_ATTS),   {0}};
static const struct sch_col statement_cols[] = {
    F(pgt_sch_statement, queryid, SCH_I64),
    F(pgt_sch_statement, userid, SCH_OID),
    F(pgt_sch_statement, text, SCH_BLOCK),
    F(pgt_sch_statement, calls, SCH_NUM),
    F(pgt_sch_statement, total_ms, SCH_NUM),
    F(pgt_sch_statement, mean_ms, SCH_NUM),
    F(pgt_sch_statement, max_ms, SCH_NUM),
    F(pgt_sch_statement, stddev_ms, SCH_NUM),
    F(pgt_sch_statement, rows, SCH_NUM),
    F(pgt_sch_statement, hit, SCH_NUM),
    F(pgt_sch_statement, read, SCH_NUM),
    F(pgt_sch_statement, temp_written, SCH_NUM),
    F(pgt_sch_statement, wal_bytes, SCH_NUM),
    F(pgt_sch_statement, plans, SCH_NUM),
    F(pgt_sch_statement, plan_ms, SCH_NUM),
    F(pgt_sch_statement, jit_ms, SCH_NUM),
    F(pgt_sch_statement, jit_functions, SCH_NUM),
    {0}};
static const struct sch_col qual_cols[] = {F(pgt_sch_qual, table, SCH_OID),
					   F(pgt_sch_qual, attnum, SCH_INT),
					   F(pgt_sch_qual, op, SCH_TEXT),
					   F(pgt_sch_qual, occurrences, SCH_NUM),
					   F(pgt_sch_qual, executions, SCH_NUM),
					   F(pgt_sch_qual, filtered, SCH_NUM),
					   {0}};
static const struct sch_col pool_cols[] = {
    F(pgt_sch_pool, database, SCH_TEXT), C(pgt_sch_pool, user, "username", SCH_TEXT),
    F(pgt_sch_pool, n, SCH_NUM), F(pgt_sch_pool, idle, SCH_NUM), {0}};
static const struct sch_col sequence_cols[] = {F(pgt_sch_sequence, q_name, SCH_SQL),
					       F(pgt_sch_sequence, type, SCH_TEXT),
					       F(pgt_sch_sequence, used, SCH_NUM),
					       F(pgt_sch_sequence, owner, SCH_TEXT),
					       {0}};
static const struct sch_col extension_cols[] = {F(pgt_sch_extension, name, SCH_TEXT),
						F(pgt_sch_extension, version, SCH_TEXT),
						F(pgt_sch_extension, available, SCH_TEXT),
						F(pgt_sch_extension, q_schema, SCH_SQL),
						{0}};
#define N(field) F(pgt_sch_counters, field, SCH_NUM)
static const struct sch_col counter_cols[] = {N(at_s),
					      N(reset_s),
					      N(db_s),
					      N(checkpoints_timed),
					      N(checkpoints_req),
					      N(checkpoint_write_ms),
					      N(checkpoint_sync_ms),
					      N(buffers_checkpoint),
					      N(buffers_clean),
					      N(buffers_backend),
					      N(buffers_alloc),
					      N(maxwritten_clean),
					      N(temp_files),
					      N(temp_bytes),
					      N(blks_hit),
					      N(blks_read),
					      N(xacts),
					      N(rollbacks),
					      N(deadlocks),
					      N(sessions),
					      N(sessions_abandoned),
					      N(session_ms),
					      N(wal_bytes),
					      N(wal_fpi),
					      N(wal_records),
					      N(wal_full),
					      {0}};
static const struct sch_col fact_cols[] = {F(pgt_sch_facts, invalid_constraints, SCH_INT),
					   F(pgt_sch_facts, superusers, SCH_INT),
					   F(pgt_sch_facts, login_roles, SCH_INT),
					   F(pgt_sch_facts, archive_failed, SCH_NUM),
					   F(pgt_sch_facts, archive_done, SCH_NUM),
					   F(pgt_sch_facts, archive_fail_age_s, SCH_AGE),
					   F(pgt_sch_facts, archive_done_age_s, SCH_AGE),
					   F(pgt_sch_facts, prepared_oldest_s, SCH_AGE),
					   F(pgt_sch_facts, db_xid_age, SCH_NUM),
					   F(pgt_sch_facts, db_mxid_age, SCH_NUM),
					   F(pgt_sch_facts, public_create, SCH_BOOL),
					   {0}};
static const struct sch_col hba_cols[] = {
    C(pgt_sch_facts, hba_trust, "trust", SCH_INT),
    C(pgt_sch_facts, hba_trust_net, "trust_net", SCH_INT),
    C(pgt_sch_facts, hba_md5, "md5", SCH_INT),
    C(pgt_sch_facts, hba_password, "password", SCH_INT),
    C(pgt_sch_facts, hba_scram, "scram", SCH_INT),
    {0}};
static const struct sch_col md5_cols[] = {F(pgt_sch_facts, md5_roles, SCH_INT), {0}};
static const struct sch_col collation_cols[] = {
    C(pgt_sch_facts, collation_mismatch, "mismatches", SCH_INT), {0}};

static void
note(struct pgt_schema *s, const char *part, const char *why)
{
	if (s->n_notes < PGT_LEN(s->notes))
		s->notes[s->n_notes++] = pgt_arena_printf(s->arena, "%s: %s", part, why);
}

static struct pgt_result *
ask(struct reader *r, const char *query, const char *schema, const char *const *params,
    int n)
{
	const struct pgt_sql *q = pgt_sql_find(query, r->s->version_num);
	struct pgt_result *res = NULL;
	struct pgt_err err = {0};
	char *sql;

	if (!q || r->lost)
		return NULL;
	sql = pgt_sql_expand(q->text, schema);
	if (pgt_conn_run(r->c, sql, params, n, QUERY_NS, &res, &err) < 0) {
		note(r->s, query, err.msg);
		r->lost = pgt_conn_state(r->c) == PGT_CONN_CLOSED;
		res = NULL;
	}
	free(sql);
	return res;
}

static void *
read_rows(struct reader *r, const char *query, const char *schema, const char *param,
	  const struct sch_col *cols, size_t size, size_t *ret_n)
{
	const char *params[] = {param};
	struct pgt_result *res = ask(r, query, schema, params, param ? 1 : 0);
	void *rows = NULL;

	*ret_n = 0;
	if (!res)
		return NULL;
	rows = sch_rows(r->s->arena, res, cols, size);
	if (rows)
		*ret_n = pgt_result_rows(res);
	else
		note(r->s, query, "more than fits into the memory for it");
	pgt_result_free(res);
	return rows;
}

static void
read_one(struct reader *r, const char *query, const struct sch_col *cols, void *dst)
{
	struct pgt_result *res = ask(r, query, "", NULL, 0);

	if (res && pgt_result_rows(res) > 0)
		sch_row(r->s->arena, res, 0, cols, dst);
	pgt_result_free(res);
}

/* ---- order, for binary search ---- */

static int
by_oid(const void *a, const void *b)
{
	const struct pgt_sch_table *x = a, *y = b;

	return (x->oid > y->oid) - (x->oid < y->oid);
}

static int
by_column(const void *a, const void *b)
{
	const struct pgt_sch_column *x = a, *y = b;

	if (x->table != y->table)
		return x->table > y->table ? 1 : -1;
	return x->attnum - y->attnum;
}

static int
by_table(const void *a, const void *b)
{
	const struct pgt_sch_index *x = a, *y = b;

	if (x->table != y->table)
		return x->table > y->table ? 1 : -1;
	return (x->oid > y->oid) - (x->oid < y->oid);
}

static struct pgt_sch_table *
find_table(const struct pgt_schema *s, uint32_t oid)
{
	struct pgt_sch_table key = {.oid = oid};

	return s->n_tables ? bsearch(&key, s->tables, s->n_tables, sizeof(key), by_oid)
			   : NULL;
}

/* What a partitioned table holds is what its leaves hold. */
static void
add_partitions(struct pgt_schema *s)
{
	for (size_t i = 0; i < s->n_tables; i++)
		if (s->tables[i].kind == 'p')
			s->tables[i].rows = s->tables[i].live = s->tables[i].bytes = 0;
	for (size_t i = 0; i < s->n_tables; i++) {
		const struct pgt_sch_table *leaf = &s->tables[i];
		struct pgt_sch_table *t = find_table(s, leaf->parent);

		if (leaf->kind == 'p')
			continue;
		for (int depth = 0; t && depth < 8;
		     depth++, t = find_table(s, t->parent)) {
			t->rows += leaf->rows > 0 ? leaf->rows : 0;
			t->live += leaf->live;
			t->bytes += leaf->bytes;
			t->seq_scan += leaf->seq_scan;
			t->seq_read += leaf->seq_read;
			t->ins += leaf->ins;
			t->upd += leaf->upd;
			t->del += leaf->del;
		}
	}
}

static char *
oid_list(const struct pgt_schema *s)
{
	struct pgt_buf b;

	pgt_buf_init(&b, 1u << 20);
	pgt_buf_putc(&b, '{');
	for (size_t i = 0; i < s->n_tables; i++)
		pgt_buf_printf(&b, "%s%u", i ? "," : "", s->tables[i].oid);
	pgt_buf_putc(&b, '}');
	return pgt_buf_take(&b);
}

static void
read_relations(struct reader *r)
{
	struct pgt_schema *s = r->s;
	char *oids;

	s->tables = read_rows(r, "schema_tables", "", TABLES_MAX, table_cols,
			      sizeof(*s->tables), &s->n_tables);
	for (size_t i = 0; i < s->n_tables; i++)
		s->tables[i].bloat_bytes = s->tables[i].bloat_ratio = NAN;
	s->cut = s->n_tables == (size_t)strtol(TABLES_MAX, NULL, 10);
	if (s->n_tables)
		qsort(s->tables, s->n_tables, sizeof(*s->tables), by_oid);
	add_partitions(s);
	oids = oid_list(s);
	s->columns = read_rows(r, "schema_columns", "", oids, column_cols,
			       sizeof(*s->columns), &s->n_columns);
	s->indexes = read_rows(r, "schema_indexes", "", oids, index_cols,
			       sizeof(*s->indexes), &s->n_indexes);
	s->fks = read_rows(r, "schema_fks", "", oids, fk_cols, sizeof(*s->fks),
			   &s->n_fks);
	s->statistics = read_rows(r, "schema_statistics", "", oids, statistics_cols,
				  sizeof(*s->statistics), &s->n_statistics);
	free(oids);
	if (s->n_columns)
		qsort(s->columns, s->n_columns, sizeof(*s->columns), by_column);
	if (s->n_indexes)
		qsort(s->indexes, s->n_indexes, sizeof(*s->indexes), by_table);
}

static void
read_bloat(struct reader *r)
{
	const char *params[] = {"1000"};
	struct pgt_result *res = ask(r, "query_bloat", "", params, 1);
	struct pgt_schema *s = r->s;

	for (size_t i = 0; res && i < pgt_result_rows(res); i++) {
		const char *schema = pgt_result_str(res, i,
						    pgt_result_col(res, "schema"));
		const char *name = pgt_result_str(res, i, pgt_result_col(res, "table"));

		for (size_t k = 0; schema && name && k < s->n_tables; k++) {
			struct pgt_sch_table *t = &s->tables[k];

			if (strcmp(t->name, name) != 0 || strcmp(t->schema, schema) != 0)
				continue;
			t->bloat_bytes = pgt_result_num(
			    res, i, pgt_result_col(res, "bloat_bytes"));
			t->bloat_ratio = pgt_result_num(
			    res, i, pgt_result_col(res, "bloat_ratio"));
			break;
		}
	}
	pgt_result_free(res);
}

static void
read_extensions(struct reader *r)
{
	struct pgt_schema *s = r->s;

	s->extensions = read_rows(r, "schema_extensions", "", NULL, extension_cols,
				  sizeof(*s->extensions), &s->n_extensions);
	for (size_t i = 0; i < s->n_extensions; i++) {
		s->has_trgm |= strcmp(s->extensions[i].name, "pg_trgm") == 0;
		s->has_vector |= strcmp(s->extensions[i].name, "vector") == 0;
	}
	s->has_hypopg = r->caps->cap[PGT_CAP_HYPOPG].available;
	s->has_hint_plan = r->caps->cap[PGT_CAP_HINT_PLAN].available;
	s->has_qualstats = r->caps->cap[PGT_CAP_QUALSTATS].available;
	s->has_pgss = r->caps->cap[PGT_CAP_STATEMENTS].available;
	if (s->has_pgss)
		s->statements = read_rows(r, "schema_statements",
					  r->caps->cap[PGT_CAP_STATEMENTS].schema,
					  STATEMENTS_MAX, statement_cols,
					  sizeof(*s->statements), &s->n_statements);
}

static void
read_quals(struct reader *r)
{
	struct pgt_schema *s = r->s;
	char *oids;

	if (!s->has_qualstats)
		return;
	oids = oid_list(s);
	s->quals = read_rows(r, "schema_quals", r->caps->cap[PGT_CAP_QUALSTATS].schema,
			     oids, qual_cols, sizeof(*s->quals), &s->n_quals);
	free(oids);
}

static void
read_facts(struct reader *r)
{
	struct pgt_sch_facts *f = &r->s->facts;
	struct pgt_result *res;

	read_one(r, "schema_facts", fact_cols, f);
	res = ask(r, "schema_facts", "", NULL, 0);
	if (res && pgt_result_rows(res) > 0)
		r->s->database = pgt_arena_strdup(
		    r->s->arena, pgt_result_str(res, 0, pgt_result_col(res, "database")));
	pgt_result_free(res);
	read_one(r, "schema_counters", counter_cols, &r->s->now);
	r->s->pools = read_rows(r, "schema_pools", "", NULL, pool_cols,
				sizeof(*r->s->pools), &r->s->n_pools);
	r->s->sequences = read_rows(r, "schema_sequences", "", NULL, sequence_cols,
				    sizeof(*r->s->sequences), &r->s->n_sequences);
	read_one(r, "schema_collation", collation_cols, f);
	read_one(r, "schema_hba", hba_cols, f);
	if (r->caps->cap[PGT_CAP_SUPERUSER].available)
		read_one(r, "schema_md5", md5_cols, f);
}

int
pgt_schema_collect(struct pgt_conn *c, const struct pgt_caps *caps,
		   const struct pgt_schema_base *prev, int64_t real_ns,
		   struct pgt_schema **ret, struct pgt_err *err)
{
	struct reader r = {.c = c, .caps = caps, .s = pgt_schema_new()};

	r.s->real_ns = real_ns;
	r.s->version_num = pgt_conn_server_version(c);
	read_relations(&r);
	read_bloat(&r);
	read_extensions(&r);
	read_quals(&r);
	read_facts(&r);
	if (r.lost) {
		pgt_schema_free(r.s);
		return pgt_err_set(err, PGT_E_CONN,
				   "the connection was lost while reading "
				   "what is built");
	}
	sch_set_window(r.s, prev);
	*ret = r.s;
	return 0;
}
