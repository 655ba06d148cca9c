/* Names and JSON of recommendations. */
#include "advise_priv.h"

const char *
pgt_advice_kind_name(enum pgt_advice_kind kind)
{
	static const char *const names[] = {
	    [PGT_ADVICE_SETTING] = "setting", [PGT_ADVICE_INDEX] = "index",
	    [PGT_ADVICE_QUERY] = "query",     [PGT_ADVICE_VACUUM] = "vacuum",
	    [PGT_ADVICE_POOLER] = "pooler",   [PGT_ADVICE_VECTOR] = "vector",
	    [PGT_ADVICE_HYGIENE] = "hygiene"};

	return kind >= 1 && kind <= PGT_ADVICE_LAST ? names[kind] : NULL;
}

const char *
pgt_grade_name(enum pgt_grade g)
{
	static const char *const names[] = {"none", "low", "medium", "high"};

	return names[g <= PGT_GRADE_HIGH ? g : 0];
}

static const char *
how_name(enum pgt_advice_how how)
{
	static const char *const names[] = {
	    [PGT_HOW_ONLINE] = "online", [PGT_HOW_RELOAD] = "reload",
	    [PGT_HOW_RESTART] = "restart", [PGT_HOW_HUMAN] = "human"};

	return names[how >= 1 && how <= PGT_HOW_HUMAN ? how : PGT_HOW_HUMAN];
}

static void
put_act(cJSON *j, const struct pgt_advice_act *act)
{
	cJSON *o;

	if (!act->kind) {
		pgt_json_null(j, "item");
		return;
	}
	o = pgt_json_obj(j, "item");
	pgt_json_str(o, "kind", act->kind);
	if (act->name)
		pgt_json_str(o, "name", act->name);
	if (act->value)
		pgt_json_str(o, "value", act->value);
	if (act->database)
		pgt_json_str(o, "database", act->database);
	if (act->role)
		pgt_json_str(o, "role", act->role);
	if (act->schema)
		pgt_json_str(o, "schema", act->schema);
	if (act->table)
		pgt_json_str(o, "table", act->table);
	if (act->definition)
		pgt_json_str(o, "definition", act->definition);
	if (act->unique)
		pgt_json_bool(o, "unique", true);
}

cJSON *
pgt_advice_json(const struct pgt_advice *a)
{
	cJSON *j = cJSON_CreateObject(), *o;

	pgt_json_str(j, "identity", a->identity);
	pgt_json_str(j, "evidence_hash", a->evidence_hash);
	pgt_json_str(j, "kind", pgt_advice_kind_name(a->kind));
	pgt_json_str(j, "title", a->title);
	pgt_json_str(j, "confidence", pgt_grade_name(a->confidence));
	pgt_json_str(j, "confidence_why", a->confidence_why);
	pgt_json_num(j, "score", a->score);
	pgt_json_str(j, "statement", a->statement);
	pgt_json_str(j, "undo", a->undo);
	put_act(j, &a->act);
	pgt_json_str(j, "current", a->current);
	pgt_json_str(j, "proposed", a->proposed);
	o = pgt_json_obj(j, "effect");
	pgt_json_str(o, "of", a->effect_of);
	pgt_json_num(o, "percent", a->effect_pct);
	pgt_json_num(o, "low", a->effect_lo);
	pgt_json_num(o, "high", a->effect_hi);
	pgt_json_str(o, "how", a->effect_how);
	pgt_json_str(j, "why", a->why);
	pgt_json_str(j, "costs", a->costs);
	pgt_json_str(j, "not_if", a->not_if);
	pgt_json_str(j, "risk", pgt_grade_name(a->risk));
	pgt_json_str(j, "blast", a->blast);
	pgt_json_str(j, "how", how_name(a->how));
	pgt_json_str(j, "source", a->source);
	o = pgt_json_arr(j, "evidence");
	for (size_t i = 0; i < a->n_evidence; i++) {
		cJSON *row = pgt_json_obj(o, NULL);

		pgt_json_str(row, "what", a->evidence[i].what);
		pgt_json_str(row, "value", a->evidence[i].value);
	}
	if (a->queryid) /* as text: readers of JSON lose digits past 2^53 */
		pgt_json_i64(j, "queryid", a->queryid);
	else
		pgt_json_null(j, "queryid");
	return j;
}
