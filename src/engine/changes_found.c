/* What a crash left: found at the start, shown, taken back or kept. */
#include <stdlib.h>
#include <string.h>

#include "changes_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/change/recover.h"
#include "pg2une/engine/changing.h"

#define GIVE_UP_NS (60 * PGT_NS_PER_S)

/* A field of pgt_recover_inspect(), up to end; where the next begins. */
static const char *
take_field(const char *s, const char *end, char *dst, size_t size)
{
	size_t n = strcspn(s, end);
	char *piece = pgt_xstrndup(s, n);

	pgt_safetext_copy(dst, size, piece);
	free(piece);
	return s + n + (s[n] != '\0');
}

static void
put_found(const struct pgt_found *f, struct pgt_flow_found *r)
{
	struct pgt_recover_args args = {.reason = ""};
	struct pgt_err err = {0};
	char *items;

	memset(r, 0, sizeof(*r));
	pgt_str_copy(r->id, sizeof(r->id), f->rec.cs->id);
	pgt_str_copy(r->state, sizeof(r->state), pgt_found_state_name(f->state));
	pgt_safetext_copy(r->why, sizeof(r->why), f->why);
	pgt_safetext_copy(r->target, sizeof(r->target), f->rec.label);
	pgt_safetext_copy(r->who, sizeof(r->who), f->rec.who);
	r->begun_real_ns = f->rec.begun_ns;
	pgt_replay_phase(&f->rec, r->phase, sizeof(r->phase));
	items = pgt_recover_inspect(f, &args, &err);
	if (!items)
		pgt_safetext_copy(r->unread, sizeof(r->unread), err.msg);
	for (const char *s = items; s && *s && r->n_items < PGT_LEN(r->items);
	     r->n_items++) {
		s = take_field(s, "\t", r->items[r->n_items].label,
			       sizeof(r->items[0].label));
		s = take_field(s, "\t", r->items[r->n_items].value,
			       sizeof(r->items[0].value));
		s = take_field(s, "\n", r->items[r->n_items].state,
			       sizeof(r->items[0].state));
	}
	free(items);
}

void
pgt_changes_look(struct pgt_changes *c)
{
	struct pgt_found *list = NULL;
	struct pgt_err err = {0};
	size_t n = 0;

	free(c->found);
	c->found = NULL;
	c->n_found = 0;
	if (pgt_recover_scan(NULL, true, &list, &n, &err) < 0) {
		pgt_engine_notice(c->e, PGT_NOTICE_WARN, "unfinished changes: %s",
				  err.msg);
		return;
	}
	c->found = pgt_xcalloc(n + 1, sizeof(*c->found));
	for (size_t i = 0; i < n; i++) {
		if (list[i].state == PGT_FOUND_CLOSED ||
		    list[i].state == PGT_FOUND_UNTOUCHED || !list[i].has_rec)
			continue;
		put_found(&list[i], &c->found[c->n_found++]);
	}
	pgt_found_free(list, n);
}

static void
on_restore(void *arg, long item, const char *text)
{
	struct pgt_changes *c = arg;

	(void)item;
	pgt_changes_log(c, text);
	pgt_changes_tell(c);
}

void
pgt_changes_recover(struct pgt_changes *c, const char *id, bool keep)
{
	struct pgt_found f = {0};
	struct pgt_err err = {0};
	enum pgt_ending end;

	if (pgt_recover_find(id, &f, &err) < 0) {
		pgt_engine_notice(c->e, PGT_NOTICE_ERROR, "%s", err.msg);
		return;
	}
	c->busy = true;
	pgt_changes_tell(c);
	if (keep) {
		if (pgt_recover_confirm(&f, &err) < 0)
			pgt_engine_notice(c->e, PGT_NOTICE_ERROR, "%s", err.msg);
	} else {
		end = pgt_changing_rollback(c->e->opts, &f, c->password,
					    "the operator, after a crash", GIVE_UP_NS,
					    on_restore, c, &err);
		pgt_engine_notice(c->e, end == PGT_END_ROLLED_BACK ? PGT_NOTICE_INFO
								   : PGT_NOTICE_ERROR,
				  "change %.8s: %s%s%s", id, pgt_ending_name(end),
				  err.code ? ": " : "", err.msg);
	}
	c->busy = false;
	pgt_changes_keep(c->e, f.rec.cs->id);
	pgt_found_done(&f);
	pgt_changes_look(c);
}
