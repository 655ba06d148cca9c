#include <stdlib.h>
#include <string.h>

#include "advise_priv.h"
#include "pg2une/base/str.h"

/* What pg_settings.unit counts in, in bytes or milliseconds. */
static double
unit_factor(const char *unit)
{
	static const struct {
		const char *unit;
		double factor;
	} units[] = {{"8kB", PAGE}, {"kB", KB},        {"MB", MB},
		     {"B", 1},      {"16MB", 16 * MB}, {"ms", 1},
		     {"s", 1e3},    {"min", 60e3},     {"us", 1e-3}};

	for (size_t i = 0; unit && i < PGT_LEN(units); i++)
		if (strcmp(units[i].unit, unit) == 0)
			return units[i].factor;
	return 1;
}

const struct pgt_setting *
adv_setting_row(const struct adv_ctx *c, const char *name)
{
	return c->snap ? pgt_snapshot_setting(c->snap, name) : NULL;
}

/* Our own sessions set a few (jit, timeouts): what other sessions have is reset_val. */
const char *
adv_setting_value(const struct pgt_setting *s)
{
	bool ours = s && s->source && strcmp(s->source, "session") == 0;

	return !s ? NULL : ours && s->reset_value ? s->reset_value : s->value;
}

const char *
adv_setting_text(const struct adv_ctx *c, const char *name)
{
	const char *v = adv_setting_value(adv_setting_row(c, name));

	return v ? v : "";
}

double
adv_setting(const struct adv_ctx *c, const char *name)
{
	const struct pgt_setting *s = adv_setting_row(c, name);
	const char *text = adv_setting_value(s);
	double v;

	if (!text)
		return NAN;
	if (strcmp(text, "on") == 0)
		return 1;
	if (strcmp(text, "off") == 0)
		return 0;
	if (!pgt_parse_double(text, &v))
		return NAN;
	return v < 0 ? v : v * unit_factor(s->unit);
}

bool
adv_has_window(const struct adv_ctx *c)
{
	return c->s->window_s >= 5 && isfinite(c->s->before.at_s);
}

double
adv_seconds(const struct adv_ctx *c)
{
	return adv_has_window(c) ? c->s->window_s : c->s->now.reset_s;
}

double
adv_db_seconds(const struct adv_ctx *c)
{
	return adv_has_window(c) ? c->s->window_s : c->s->now.db_s;
}

const char *
adv_span(struct adv_ctx *c)
{
	if (adv_has_window(c))
		return adv_text(c, "in the last %s", adv_age(c, c->s->window_s));
	if (c->s->now.reset_s > 0)
		return adv_text(c, "since the statistics reset %s ago",
				adv_age(c, c->s->now.reset_s));
	return "since the statistics reset";
}

int
adv_peak_sessions(const struct adv_ctx *c)
{
	int peak = c->snap ? c->snap->sessions.total : 0;

	for (size_t i = 0; i < c->in->n_recent; i++)
		if (c->in->recent[i].total > peak)
			peak = c->in->recent[i].total;
	return peak;
}

double
adv_db_bytes(const struct adv_ctx *c)
{
	double sum = 0;

	for (size_t i = 0; i < c->s->n_tables; i++)
		if (c->s->tables[i].kind != 'p')
			sum += c->s->tables[i].bytes + c->s->tables[i].toast_bytes;
	for (size_t i = 0; i < c->s->n_indexes; i++)
		sum += c->s->indexes[i].bytes;
	return sum;
}

static int
cmp_table(const void *key, const void *row)
{
	uint32_t k = *(const uint32_t *)key, r = ((const struct pgt_sch_table *)row)->oid;

	return (k > r) - (k < r);
}

const struct pgt_sch_table *
adv_table(const struct adv_ctx *c, uint32_t oid)
{
	return c->s->n_tables ? bsearch(&oid, c->s->tables, c->s->n_tables,
					sizeof(*c->s->tables), cmp_table)
			      : NULL;
}

/* Without a schema: the only one of that name, or the one in public. */
const struct pgt_sch_table *
adv_table_named(const struct adv_ctx *c, const char *schema, const char *name)
{
	const struct pgt_sch_table *found = NULL;

	for (size_t i = 0; i < c->s->n_tables; i++) {
		const struct pgt_sch_table *t = &c->s->tables[i];

		if (strcmp(t->name, name) != 0 ||
		    (schema && strcmp(t->schema, schema) != 0))
			continue;
		if (schema || strcmp(t->schema, "public") == 0)
			return t;
		if (found)
			return NULL;
		found = t;
	}
	return found;
}

static size_t
first_column(const struct adv_ctx *c, uint32_t table)
{
	size_t lo = 0, hi = c->s->n_columns;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c->s->columns[mid].table < table)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct pgt_sch_column *
adv_column(const struct adv_ctx *c, uint32_t table, int attnum)
{
	for (size_t i = first_column(c, table);
	     i < c->s->n_columns && c->s->columns[i].table == table; i++)
		if (c->s->columns[i].attnum == attnum)
			return &c->s->columns[i];
	return NULL;
}

const struct pgt_sch_column *
adv_column_named(const struct adv_ctx *c, uint32_t table, const char *name)
{
	for (size_t i = first_column(c, table);
	     i < c->s->n_columns && c->s->columns[i].table == table; i++)
		if (strcmp(c->s->columns[i].name, name) == 0)
			return &c->s->columns[i];
	return NULL;
}

const struct pgt_sch_index *
adv_indexes(const struct adv_ctx *c, uint32_t table, size_t *ret_n)
{
	size_t lo = 0, hi = c->s->n_indexes, n = 0;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c->s->indexes[mid].table < table)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + n < c->s->n_indexes && c->s->indexes[lo + n].table == table)
		n++;
	*ret_n = n;
	return n ? &c->s->indexes[lo] : NULL;
}

double
adv_rows(const struct pgt_sch_table *t)
{
	double live = t->live > 0 ? t->live : 0;

	return t->rows > live ? t->rows : live;
}

double
adv_calls(const struct adv_ctx *c, const struct pgt_sch_statement *q)
{
	return c->windowed ? q->calls_w : q->calls;
}

double
adv_ms(const struct adv_ctx *c, const struct pgt_sch_statement *q)
{
	return c->windowed ? q->ms_w : q->total_ms;
}

double
adv_time_pct(const struct adv_ctx *c, const struct pgt_sch_statement *q)
{
	return c->total_ms > 0 ? 100 * adv_ms(c, q) / c->total_ms : 0;
}

double
adv_distinct(const struct pgt_sch_table *t, const struct pgt_sch_column *col)
{
	if (!col || !col->has_stats || !isfinite(col->n_distinct) || col->n_distinct == 0)
		return NAN;
	return col->n_distinct > 0 ? col->n_distinct : -col->n_distinct * adv_rows(t);
}
