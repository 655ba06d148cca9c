#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changes_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"

#define TEXT_MAX 4000

const char *
pgt_flow_stage_name(enum pgt_flow_stage s)
{
	static const char *const names[] = {
	    [PGT_FLOW_NONE] = "none",		[PGT_FLOW_DRAFT] = "draft",
	    [PGT_FLOW_DRY_RUN] = "dry run",	[PGT_FLOW_APPLY] = "apply",
	    [PGT_FLOW_VERIFY] = "verify",	[PGT_FLOW_VALIDATE] = "validate",
	    [PGT_FLOW_CONFIRM] = "confirm",	[PGT_FLOW_ROLLBACK] = "roll back",
	    [PGT_FLOW_CONFIRMED] = "confirmed", [PGT_FLOW_ROLLED_BACK] = "rolled back",
	    [PGT_FLOW_FENCED] = "fenced",	[PGT_FLOW_REFUSED] = "refused",
	};

	return names[s];
}

enum pgt_flow_stage
pgt_changes_stage_of(enum pgt_stage st)
{
	switch (st) {
	case PGT_ST_PLAN:
	case PGT_ST_PREFLIGHT:
		return PGT_FLOW_DRY_RUN;
	case PGT_ST_LOCK:
	case PGT_ST_SNAPSHOT:
	case PGT_ST_JOURNAL:
	case PGT_ST_ARM:
	case PGT_ST_BASELINE:
	case PGT_ST_APPLY:
	case PGT_ST_RELOAD:
		return PGT_FLOW_APPLY;
	case PGT_ST_VERIFY:
		return PGT_FLOW_VERIFY;
	case PGT_ST_STABILISE:
	case PGT_ST_VALIDATE:
		return PGT_FLOW_VALIDATE;
	case PGT_ST_CONFIRM:
		return PGT_FLOW_CONFIRM;
	case PGT_ST_ROLLBACK:
		return PGT_FLOW_ROLLBACK;
	case PGT_ST_CONFIRMED:
		return PGT_FLOW_CONFIRMED;
	case PGT_ST_ROLLED_BACK:
		return PGT_FLOW_ROLLED_BACK;
	case PGT_ST_FENCED:
	case PGT_ST_ABANDONED:
		return PGT_FLOW_FENCED;
	case PGT_ST_NOTHING:
		return PGT_FLOW_REFUSED;
	}
	return PGT_FLOW_NONE;
}

void
pgt_changes_log(struct pgt_changes *c, const char *text)
{
	if (c->n_log == PGT_FLOW_LOG) {
		free(c->log[0]);
		memmove(c->log, c->log + 1, (PGT_FLOW_LOG - 1) * sizeof(char *));
		c->n_log--;
	}
	c->log = pgt_xreallocarray(c->log, c->n_log + 1, sizeof(char *));
	c->log[c->n_log++] = pgt_safetext(text, PGT_SAFE_LINE, TEXT_MAX);
}

static char *
safe(const char *s)
{
	return s ? pgt_safetext(s, PGT_SAFE_EXACT, TEXT_MAX) : NULL;
}

static char *
inverse_text(const struct pgt_item *item, const struct pgt_prev *prev)
{
	char **list = NULL, *text = NULL;
	size_t n = 0;

	/* As it will be once the item is in force. */
	if (pgt_item_inverse(item, prev, NULL, &list, &n, NULL) == 0 && n > 0)
		text = safe(list[0]);
	pgt_sql_list_free(list, n);
	return text;
}

static enum pgt_flow_item_state
item_state(const struct pgt_changes *c, size_t i)
{
	long at = c->run ? pgt_change_run_item(c->run) : 0;

	if (c->stage == PGT_FLOW_ROLLED_BACK)
		return PGT_FLOW_ITEM_RESTORED;
	if (c->failed == (long)i)
		return PGT_FLOW_ITEM_FAILED;
	if (!c->run || c->stage < PGT_FLOW_APPLY || c->stage == PGT_FLOW_REFUSED)
		return PGT_FLOW_ITEM_WAITING;
	if (c->stage > PGT_FLOW_APPLY || (long)i < at)
		return PGT_FLOW_ITEM_DONE;
	return c->doing == (long)i ? PGT_FLOW_ITEM_DOING : PGT_FLOW_ITEM_WAITING;
}

static void
put_items(const struct pgt_changes *c, const struct pgt_changeset *cs,
	  struct pgt_ev_change *ev)
{
	const struct pgt_preflight *pf = c->run ? pgt_change_run_preflight(c->run) : NULL;

	if (!cs || cs->n_items == 0)
		return;
	ev->items = pgt_xcalloc(cs->n_items, sizeof(*ev->items));
	ev->n_items = cs->n_items;
	for (size_t i = 0; i < cs->n_items; i++) {
		const struct pgt_item *item = &cs->items[i];
		struct pgt_flow_item *f = &ev->items[i];
		char *label = pgt_item_label(item), *sql = pgt_item_sql(item, NULL);

		f->label = safe(label);
		f->sql = safe(sql ? sql : "(cannot be quoted)");
		f->why = safe(item->why);
		f->state = item_state(c, i);
		if (pf && pf->prev && i < pf->n_items && pf->prev[i].known) {
			f->was = pf->prev[i].present ? safe(pf->prev[i].text)
						     : pgt_xstrdup("unset");
			f->inverse = inverse_text(item, &pf->prev[i]);
		}
		free(label);
		free(sql);
	}
}

static void
put_checks(const struct pgt_changes *c, struct pgt_ev_change *ev)
{
	const struct pgt_preflight *pf = c->run ? pgt_change_run_preflight(c->run) : NULL;

	if (!pf || pf->n_checks == 0)
		return;
	ev->checks = pgt_xcalloc(pf->n_checks, sizeof(*ev->checks));
	ev->n_checks = pf->n_checks;
	for (size_t i = 0; i < pf->n_checks; i++) {
		ev->checks[i].severity = (int)pf->checks[i].severity;
		ev->checks[i].text = safe(pf->checks[i].text);
		ev->checks[i].fix = *pf->checks[i].fix ? safe(pf->checks[i].fix) : NULL;
	}
	ev->export_only = pf->export_only;
	if (pf->export_only) {
		char *script = pgt_preflight_script(pf, pgt_change_run_changeset(c->run));

		ev->script = pgt_safetext(script, PGT_SAFE_BLOCK, 1u << 16);
		free(script);
	}
}

static void
put_validation(const struct pgt_changes *c, struct pgt_ev_change *ev)
{
	const struct pgt_validation *v = c->run ? pgt_change_run_validation(c->run)
						: NULL;

	if (!v || c->stage <= PGT_FLOW_VALIDATE)
		return;
	pgt_str_copy(ev->verdict, sizeof(ev->verdict), pgt_verdict_name(v->verdict));
	pgt_safetext_copy(ev->verdict_text, sizeof(ev->verdict_text), v->text);
}

void
pgt_changes_tell(struct pgt_changes *c)
{
	struct pgt_ev_change *ev = pgt_xcalloc(1, sizeof(*ev));
	const struct pgt_changeset *cs = c->run ? pgt_change_run_changeset(c->run)
						: c->draft;
	int64_t left = c->run ? pgt_change_run_left_ns(c->run) : -1;

	ev->stage = c->stage;
	ev->busy = c->busy;
	ev->can_go = !c->busy && ((c->stage == PGT_FLOW_DRAFT && cs && cs->n_items > 0) ||
				  c->stage == PGT_FLOW_DRY_RUN);
	if (cs) {
		pgt_str_copy(ev->id, sizeof(ev->id), cs->id);
		pgt_changeset_short(cs->id, ev->short_id, sizeof(ev->short_id));
	}
	put_items(c, cs, ev);
	put_checks(c, ev);
	put_validation(c, ev);
	ev->log = pgt_xcalloc(c->n_log + 1, sizeof(char *));
	for (size_t i = 0; i < c->n_log; i++)
		ev->log[ev->n_log++] = pgt_xstrdup(c->log[i]);
	if (left >= 0 && c->pending)
		ev->guard_deadline_mono_ns = pgt_clock_mono_ns() + left;
	pgt_safetext_copy(ev->text, sizeof(ev->text), c->text);
	if (c->n_found) {
		ev->found = pgt_xcalloc(c->n_found, sizeof(*ev->found));
		memcpy(ev->found, c->found, c->n_found * sizeof(*ev->found));
		ev->n_found = c->n_found;
	}
	pgt_engine_post(c->e, PGT_EV_CHANGE, ev, pgt_ev_change_free);
}

void
pgt_ev_change_free(void *p)
{
	struct pgt_ev_change *ev = p;

	for (size_t i = 0; i < ev->n_items; i++) {
		free(ev->items[i].label);
		free(ev->items[i].sql);
		free(ev->items[i].inverse);
		free(ev->items[i].was);
		free(ev->items[i].why);
	}
	for (size_t i = 0; i < ev->n_checks; i++) {
		free(ev->checks[i].text);
		free(ev->checks[i].fix);
	}
	for (size_t i = 0; i < ev->n_log; i++)
		free(ev->log[i]);
	free(ev->items);
	free(ev->checks);
	free(ev->log);
	free(ev->script);
	free(ev->found);
	free(ev);
}
