/* An advice that sets a setting: what it is now and where that comes from, the
 * statement and its way back. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "advise_priv.h"
#include "pg2une/base/str.h"

#define DOCS "https://www.postgresql.org/docs/%d/%s"

double
adv_pow2_up(double v)
{
	return v > 0 ? exp2(ceil(log2(v) - 1e-9)) : 0;
}

static bool
plain_value(const char *v)
{
	return v && !strpbrk(v, "'\\\n\r");
}

static const char *
current_text(struct adv_ctx *c, const struct pgt_setting *s)
{
	const struct pgt_knob *k = pgt_knob_find(s->name);
	double v = adv_setting(c, s->name);
	char buf[32];

	if (!k || !isfinite(v) || k->unit == PGT_UNIT_ENUM)
		return adv_setting_value(s) ? adv_setting_value(s) : "";
	return pgt_arena_strdup(c->a, pgt_knob_format(k, v, buf, sizeof(buf)));
}

/* The way back: the text that ALTER SYSTEM had written, or none. */
static const char *
undo_text(struct adv_ctx *c, const struct pgt_setting *s, const char *now, bool list)
{
	bool by_us = s->sourcefile && strstr(s->sourcefile, "postgresql.auto.conf");

	if (by_us && plain_value(now) && *now)
		return adv_sql(c, list ? "setting_list" : "setting", "name", s->name,
			       "value", now, NULL);
	return adv_sql(c, "setting_reset", "name", s->name, NULL);
}

static bool
is_list(const char *name)
{
	return strcmp(name, "shared_preload_libraries") == 0;
}

/* Where ALTER SYSTEM never wins, a person must go to where the value comes from. */
static void
where_from(struct adv_ctx *c, struct pgt_advice *a, const struct pgt_setting *s)
{
	if (!s->source || (strcmp(s->source, "command line") != 0 &&
			   strcmp(s->source, "environment variable") != 0 &&
			   strcmp(s->source, "override") != 0))
		return;
	a->how = PGT_HOW_HUMAN;
	a->statement = a->undo = NULL;
	a->act = (struct pgt_advice_act){0};
	a->costs = adv_text(c,
			    "it comes from the %s, which ALTER SYSTEM does not override: "
			    "change it there",
			    s->source);
}

static struct pgt_advice *
set(struct adv_ctx *c, const struct pgt_setting *s, const char *value, double impact,
    const char *doc)
{
	struct pgt_advice *a = adv_new(c, PGT_ADVICE_SETTING, impact, "setting:%s",
				       s->name);
	bool restart = s->context && strcmp(s->context, "postmaster") == 0;
	const char *now = current_text(c, s);
	bool list = is_list(s->name);

	a->current = now;
	a->proposed = value;
	a->title = adv_text(c, "SET %s %s -> %s", s->name, *now ? now : "(empty)", value);
	a->statement = adv_sql(c, list ? "setting_list" : "setting", "name", s->name,
			       "value", value, NULL);
	a->undo = undo_text(c, s, now, list);
	a->act = (struct pgt_advice_act){
	    .kind = "setting", .name = s->name, .value = value};
	a->how = restart ? PGT_HOW_RESTART : PGT_HOW_RELOAD;
	a->risk = restart ? PGT_GRADE_MEDIUM : PGT_GRADE_LOW;
	a->blast = restart ? "every session: the server must be restarted"
			   : "every session, from the reload on";
	a->source = adv_text(c, DOCS, c->major ? c->major : 18, doc);
	where_from(c, a, s);
	return a;
}

/* The documentation moved its vacuum page with 18. */
static const char *
doc_of(struct adv_ctx *c, const struct pgt_knob *k)
{
	static const char page[] = "runtime-config-vacuum.html";

	if (c->major >= 18 || !pgt_str_starts(k->doc, page))
		return k->doc;
	return adv_text(c, "runtime-config-autovacuum.html%s", k->doc + sizeof(page) - 1);
}

struct pgt_advice *
adv_set(struct adv_ctx *c, const char *name, double value, double impact)
{
	const struct pgt_setting *s = adv_setting_row(c, name);
	const struct pgt_knob *k = pgt_knob_find(name);
	double now = adv_setting(c, name);
	char buf[32];

	if (!s || !k || !pgt_knob_in_major(k, c->major) || k->risk == PGT_RISK_DURABILITY)
		return NULL;
	if (k->grain > 0 && value >= k->grain)
		value = round(value / k->grain) * k->grain;
	value = fmin(fmax(value, k->floor), k->ceil);
	if (isfinite(now) && fabs(now - value) <= 1e-9 * fabs(value))
		return NULL;
	pgt_knob_format(k, value, buf, sizeof(buf));
	return set(c, s, pgt_arena_strdup(c->a, buf), impact, doc_of(c, k));
}

struct pgt_advice *
adv_set_text(struct adv_ctx *c, const char *name, const char *value, double impact)
{
	const struct pgt_setting *s = adv_setting_row(c, name);
	char anchor[96];
	size_t i;

	if (!s || !plain_value(value) ||
	    strcasecmp(adv_setting_text(c, name), value) == 0)
		return NULL;
	snprintf(anchor, sizeof(anchor), "runtime-config.html#GUC-%s", name);
	for (i = strlen("runtime-config.html#GUC-"); anchor[i]; i++)
		anchor[i] = anchor[i] == '_' ? '-'
			    : anchor[i] >= 'a' && anchor[i] <= 'z'
				? (char)(anchor[i] - 'a' + 'A')
				: anchor[i];
	return set(c, s, value, impact, anchor);
}
