#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/engine/baseline.h"
#include "pg2une/engine/confreport.h"
#include "pg2une/engine/inspect.h"

static const cJSON *
member(const cJSON *json, const char *a, const char *b)
{
	json = json ? cJSON_GetObjectItemCaseSensitive(json, a) : NULL;
	return json && b ? cJSON_GetObjectItemCaseSensitive(json, b) : json;
}

static const cJSON *
section(const cJSON *doc, const char *name)
{
	return member(doc, "sections", name);
}

/* A section's newest rows, NULL when it is not there. */
static const cJSON *
rows_of(const cJSON *doc, const char *name)
{
	static const char *const where[] = {"sample2", "sample1", "data"};
	size_t i;

	for (i = 0; i < PGT_LEN(where); i++) {
		const cJSON *rows = member(section(doc, name), where[i], NULL);

		if (cJSON_IsArray(rows))
			return rows;
	}
	return NULL;
}

static double
num(const cJSON *row, const char *name)
{
	double v = NAN;

	if (row)
		pgt_json_get_num(row, name, &v);
	return v;
}

static const char *
text(const cJSON *json, const char *name)
{
	const char *s = NULL;

	if (json)
		pgt_json_get_str(json, name, &s);
	return s;
}

static bool
same_keys(const cJSON *a, const cJSON *b, const char *const *keys)
{
	for (; *keys; keys++) {
		const cJSON *x = cJSON_GetObjectItemCaseSensitive(a, *keys);
		const cJSON *y = cJSON_GetObjectItemCaseSensitive(b, *keys);

		if ((x || y) && !(x && y && cJSON_Compare(x, y, true)))
			return false;
	}
	return true;
}

static const cJSON *
find(const cJSON *rows, const cJSON *row, const char *const *keys)
{
	const cJSON *it;

	cJSON_ArrayForEach(it, rows) if (same_keys(it, row, keys)) return it;
	return NULL;
}

/* before, after and their change under NAME_before, NAME_after, NAME_change. */
static void
put_pair(cJSON *out, const char *name, double a, double b)
{
	char key[80];
	static const char *const suffix[] = {"before", "after", "change"};
	const double v[] = {a, b, b - a};
	size_t i;

	for (i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "%s_%s", name, suffix[i]);
		pgt_json_num(out, key, v[i]);
	}
}

/* ---- statements ---- */

/* The interval's own figures where the baseline has two samples, else those since
 * the reset: comparing the two kinds would compare nothing. */
static const cJSON *
rates_of(const cJSON *doc)
{
	const cJSON *computed = member(section(doc, "queries"), "computed", NULL);
	bool valid = false;

	pgt_json_get_bool(computed, "valid", &valid);
	return valid ? cJSON_GetObjectItemCaseSensitive(computed, "rows") : NULL;
}

static double
calls_of(const cJSON *row, bool rates)
{
	return rates ? num(member(row, "delta", NULL), "calls") : num(row, "calls");
}

static double
total_of(const cJSON *row, bool rates)
{
	return rates ? num(member(row, "delta", NULL), "total_exec_ms")
		     : num(row, "total_exec_ms");
}

static void
put_query(cJSON *list, const cJSON *a, const cJSON *b, bool rates, const cJSON *texts)
{
	static const char *const keys[] = {"queryid", "userid", "dbid", "toplevel", NULL};
	const cJSON *any = b ? b : a, *named = find(texts, any, keys);
	double calls_a = a ? calls_of(a, rates) : NAN,
	       calls_b = b ? calls_of(b, rates) : NAN;
	double total_a = a ? total_of(a, rates) : NAN,
	       total_b = b ? total_of(b, rates) : NAN;
	double mean_a = total_a / calls_a, mean_b = total_b / calls_b;
	cJSON *out = pgt_json_obj(list, NULL);

	pgt_json_str(out, "queryid", text(any, "queryid"));
	pgt_json_str(out, "change", !a ? "new" : !b ? "gone" : "changed");
	put_pair(out, "calls", calls_a, calls_b);
	put_pair(out, "mean_ms", mean_a, mean_b);
	pgt_json_num(out, "mean_ratio", mean_b / mean_a);
	put_pair(out, "total_ms", total_a, total_b);
	/* counters of the same life: the mean of just the time between */
	pgt_json_num(out, "mean_between_ms",
		     a && b && !rates && calls_b > calls_a && total_b >= total_a
			 ? (total_b - total_a) / (calls_b - calls_a)
			 : NAN);
	pgt_json_str(out, "query", text(named ? named : any, "query"));
}

static double
weight(const cJSON *row)
{
	double change = num(row, "total_ms_change"), a = num(row, "total_ms_before"),
	       b = num(row, "total_ms_after");

	return fabs(isfinite(change) ? change : isfinite(a) ? a : isfinite(b) ? b : 0);
}

static int
heavier(const void *x, const void *y)
{
	double a = weight(*(cJSON *const *)x), b = weight(*(cJSON *const *)y);

	return a < b ? 1 : a > b ? -1 : 0;
}

static cJSON *
sorted(cJSON *take_list)
{
	int i, n = cJSON_GetArraySize(take_list);
	cJSON **rows = pgt_xcalloc((size_t)n + 1, sizeof(*rows)),
	      *ret = cJSON_CreateArray();

	for (i = 0; i < n; i++)
		rows[i] = cJSON_DetachItemFromArray(take_list, 0);
	qsort(rows, (size_t)n, sizeof(*rows), heavier);
	for (i = 0; i < n; i++)
		cJSON_AddItemToArray(ret, rows[i]);
	free(rows);
	cJSON_Delete(take_list);
	return ret;
}

static void
diff_queries(const cJSON *before, const cJSON *after, cJSON *data, cJSON *notes)
{
	static const char *const keys[] = {"queryid", "userid", "dbid", "toplevel", NULL};
	const cJSON *a = rates_of(before), *b = rates_of(after), *row, *other;
	const cJSON *texts = rows_of(after, "queries");
	bool rates = a && b;
	const char *r1, *r2;
	cJSON *list = cJSON_CreateArray();

	if (!rates) {
		a = rows_of(before, "queries");
		b = texts;
		r1 = text(section(before, "queries"), "stats_reset");
		r2 = text(section(after, "queries"), "stats_reset");
		if (r1 && r2 && strcmp(r1, r2) != 0)
			pgt_json_str(
			    notes, NULL,
			    "pg_stat_statements was reset between the baselines: its "
			    "counts cover different times");
	}
	pgt_json_str(data, "queries_basis", rates ? "interval" : "since reset");
	cJSON_ArrayForEach(row, a)
	{
		other = find(b, row, keys);
		if (!other || calls_of(row, rates) != calls_of(other, rates) ||
		    total_of(row, rates) != total_of(other, rates))
			put_query(list, row, other, rates, texts);
	}
	cJSON_ArrayForEach(row, b) if (!find(a, row, keys))
	    put_query(list, NULL, row, rates, texts);
	pgt_json_item(data, "queries", sorted(list));
}

/* ---- everything else: rows by keys, numbers that moved ---- */

static const struct pgt_inspect_section *
definition(const char *name)
{
	const struct pgt_inspect_section *sec;

	for (sec = pgt_inspect_sections; sec->name; sec++)
		if (strcmp(sec->name, name) == 0)
			return sec;
	abort(); /* a name that the source spells wrong */
}

static void
diff_numbers(const char *name, const cJSON *before, const cJSON *after, cJSON *data)
{
	const struct pgt_inspect_section *sec = definition(name);
	const cJSON *a = rows_of(before, name), *b = rows_of(after, name), *row, *other,
		    *v;
	cJSON *list = pgt_json_arr(data, name), *out, *changes, *one;
	size_t i;

	cJSON_ArrayForEach(row, b)
	{
		other = find(a, row, sec->keys);
		out = cJSON_CreateObject();
		for (i = 0; sec->keys[i]; i++)
			pgt_json_item(out, sec->keys[i],
				      cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(
							  row, sec->keys[i]),
						      true));
		pgt_json_str(out, "change", other ? "changed" : "new");
		changes = pgt_json_obj(out, "numbers");
		cJSON_ArrayForEach(v, row)
		{
			double x = num(other, v->string), y = num(row, v->string);

			if (!cJSON_IsNumber(v) || x == y ||
			    cJSON_HasObjectItem(out, v->string))
				continue;
			one = pgt_json_obj(changes, v->string);
			pgt_json_num(one, "before", x);
			pgt_json_num(one, "after", y);
			pgt_json_num(one, "change", y - x);
		}
		if (!other || changes->child)
			cJSON_AddItemToArray(list, out);
		else
			cJSON_Delete(out);
	}
	cJSON_ArrayForEach(row, a)
	{
		if (find(b, row, sec->keys))
			continue;
		out = pgt_json_obj(list, NULL);
		for (i = 0; sec->keys[i]; i++)
			pgt_json_item(out, sec->keys[i],
				      cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(
							  row, sec->keys[i]),
						      true));
		pgt_json_str(out, "change", "gone");
		pgt_json_obj(out, "numbers");
	}
}

static void
put_identity(const cJSON *before, const cJSON *after, cJSON *data, cJSON *notes)
{
	static const char *const names[] = {"fingerprint", "node", "role", "version"};
	cJSON *list = pgt_json_arr(data, "identity"), *out;
	size_t i;

	for (i = 0; i < PGT_LEN(names); i++) {
		const char *a = text(member(before, "identity", NULL), names[i]);
		const char *b = text(member(after, "identity", NULL), names[i]);

		if (a && b && strcmp(a, b) == 0)
			continue;
		out = pgt_json_obj(list, NULL);
		pgt_json_str(out, "name", names[i]);
		pgt_json_str(out, "before", a);
		pgt_json_str(out, "after", b);
		if (i == 0)
			pgt_json_str(notes, NULL,
				     "these are baselines of different clusters");
	}
}

cJSON *
pgt_baseline_diff(const cJSON *before, const cJSON *after)
{
	static const char *const numbers[] = {"tables", "waits", "locks", "replication"};
	cJSON *data = cJSON_CreateObject(), *notes = cJSON_CreateArray();
	const cJSON *a, *b;
	size_t i;

	pgt_json_str(data, "before", text(before, "collected_at"));
	pgt_json_str(data, "after", text(after, "collected_at"));
	put_identity(before, after, data, notes);
	a = rows_of(before, "config");
	b = rows_of(after, "config");
	if (a && b)
		pgt_json_item(data, "settings", pgt_config_changes(a, b));
	else
		pgt_json_str(notes, NULL, "settings are not in both");
	if (rows_of(before, "queries") && rows_of(after, "queries"))
		diff_queries(before, after, data, notes);
	else
		pgt_json_str(notes, NULL, "queries are not in both");
	for (i = 0; i < PGT_LEN(numbers); i++) {
		if (rows_of(before, numbers[i]) && rows_of(after, numbers[i])) {
			diff_numbers(numbers[i], before, after, data);
		} else {
			char *s = pgt_xasprintf("%s are not in both", numbers[i]);

			pgt_json_str(notes, NULL, s);
			free(s);
		}
	}
	pgt_json_item(data, "notes", notes);
	return data;
}
