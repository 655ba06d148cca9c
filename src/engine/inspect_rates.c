#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/inspect.h"

static bool
number(const cJSON *row, const char *name, double *ret)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, name);

	if (cJSON_IsNumber(v)) {
		*ret = v->valuedouble;
		return true;
	}
	return cJSON_IsRaw(v) && pgt_parse_double(v->valuestring, ret);
}

static bool
same(const cJSON *a, const cJSON *b, const char *name)
{
	const cJSON *x = cJSON_GetObjectItemCaseSensitive(a, name);
	const cJSON *y = cJSON_GetObjectItemCaseSensitive(b, name);

	if (!x || !y)
		return x == y;
	return cJSON_Compare(x, y, true);
}

static bool
same_row(const struct pgt_inspect_section *sec, const cJSON *a, const cJSON *b)
{
	size_t i;

	for (i = 0; sec->keys[i]; i++)
		if (!same(a, b, sec->keys[i]))
			return false;
	return true;
}

/* Rows mostly keep their order between samples, so look near the last hit. */
static const cJSON *
find_row(const struct pgt_inspect_section *sec, const cJSON *rows, const cJSON *row,
	 const cJSON **hint)
{
	const cJSON *it;

	for (it = *hint; it; it = it->next)
		if (same_row(sec, it, row))
			goto found;
	for (it = rows->child; it && it != *hint; it = it->next)
		if (same_row(sec, it, row))
			goto found;
	return NULL;
found:
	*hint = it->next;
	return it;
}

/* Why before and after cannot be subtracted; NULL when they can. */
static const char *
row_fault(const struct pgt_inspect_section *sec, const cJSON *before, const cJSON *after)
{
	double a, b;
	size_t i;

	if (!same(before, after, "stats_reset"))
		return "statistics were reset between the samples";
	if (!same(before, after, "stats_since"))
		return "the entry was reset or evicted between the samples";
	for (i = 0; sec->counters[i]; i++)
		if (number(before, sec->counters[i], &a) &&
		    number(after, sec->counters[i], &b) && b < a)
			return "a counter ran backwards between the samples";
	return NULL;
}

/* Add one row; rows in which nothing happened are left out of long lists. */
static void
put_row(const struct pgt_inspect_section *sec, const cJSON *before, const cJSON *after,
	double seconds, cJSON *list)
{
	const char *fault = before ? row_fault(sec, before, after) : NULL;
	cJSON *row = cJSON_CreateObject(), *delta, *per_s;
	double a, b, calls = 0, exec_ms = 0;
	bool moved = !sec->keys[0];
	size_t i;

	for (i = 0; sec->keys[i]; i++)
		cJSON_AddItemToObject(
		    row, sec->keys[i],
		    cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(after, sec->keys[i]),
				    true));
	pgt_json_bool(row, "valid", !fault);
	pgt_json_str(row, "reason", fault);
	delta = cJSON_AddObjectToObject(row, "delta");
	per_s = cJSON_AddObjectToObject(row, "per_s");
	for (i = 0; !fault && sec->counters[i]; i++) {
		a = 0;
		if (!number(after, sec->counters[i], &b) ||
		    (before && !number(before, sec->counters[i], &a)))
			continue;
		pgt_json_num(delta, sec->counters[i], b - a);
		pgt_json_num(per_s, sec->counters[i], (b - a) / seconds);
		moved |= b != a;
		if (strcmp(sec->counters[i], "calls") == 0)
			calls = b - a;
		if (strcmp(sec->counters[i], "total_exec_ms") == 0)
			exec_ms = b - a;
	}
	if (calls > 0)
		pgt_json_num(row, "mean_exec_ms", exec_ms / calls);
	if (moved || fault)
		cJSON_AddItemToArray(list, row);
	else
		cJSON_Delete(row);
}

cJSON *
pgt_inspect_rates(const struct pgt_inspect_section *sec, const cJSON *rows1,
		  const cJSON *rows2, const char *reset1, const char *reset2,
		  bool restarted, double seconds)
{
	cJSON *ret = cJSON_CreateObject(), *list;
	const cJSON *row, *before, *hint = rows1->child;
	const char *fault = NULL;

	if (restarted)
		fault = "the server restarted between the samples";
	else if (!reset1 != !reset2 || (reset1 && strcmp(reset1, reset2) != 0))
		fault = "statistics were reset between the samples";
	else if (seconds <= 0)
		fault = "no time passed between the samples";
	pgt_json_bool(ret, "valid", !fault);
	pgt_json_str(ret, "reason", fault);
	pgt_json_num(ret, "interval_s", seconds);
	list = cJSON_AddArrayToObject(ret, "rows");
	if (fault)
		return ret;
	cJSON_ArrayForEach(row, rows2)
	{
		before = find_row(sec, rows1, row, &hint);
		/* absent from a list that was cut says nothing about its past */
		if (before || sec->limit == 0 || cJSON_GetArraySize(rows1) < sec->limit)
			put_row(sec, before, row, seconds, list);
	}
	return ret;
}
