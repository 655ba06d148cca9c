#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advisor_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/history.h"
#include "pg2une/store/store.h"

static const char *const names[] = {
    [PGT_ADVICE_NEW] = "new",
    [PGT_ADVICE_SEEN] = "seen",
    [PGT_ADVICE_ACCEPTED] = "accepted",
    [PGT_ADVICE_DISMISSED] = "dismissed",
    [PGT_ADVICE_SNOOZED] = "snoozed",
};

const char *
pgt_advice_state_name(enum pgt_advice_state s)
{
	return names[s <= PGT_ADVICE_SNOOZED ? s : 0];
}

struct pgt_mark *
pgt_marks_find(struct pgt_mark *first, const char *identity)
{
	for (; first; first = first->next)
		if (strcmp(first->identity, identity) == 0)
			return first;
	return NULL;
}

void
pgt_marks_set(struct pgt_mark **first, const char *identity, const char *evidence,
	      enum pgt_advice_state state, int64_t until_real_ns)
{
	struct pgt_mark *m = pgt_marks_find(*first, identity);

	if (!m) {
		m = pgt_xcalloc(1, sizeof(*m));
		m->identity = pgt_xstrdup(identity);
		m->next = *first;
		*first = m;
	}
	free(m->evidence);
	m->evidence = pgt_xstrdup(evidence ? evidence : "");
	m->state = state;
	m->until_real_ns = until_real_ns;
}

void
pgt_marks_free(struct pgt_mark *first)
{
	while (first) {
		struct pgt_mark *next = first->next;

		free(first->identity);
		free(first->evidence);
		free(first);
		first = next;
	}
}

/* identity, until_ms, evidence, state: dismissal_get.sql */
static int
on_row(void *ctx, const char *const *cells, int n)
{
	enum pgt_advice_state state = PGT_ADVICE_NEW;
	int64_t until = 0;

	if (n < 4 || !cells[0] || !cells[3])
		return 0;
	for (size_t i = 0; i < PGT_LEN(names); i++)
		if (strcmp(names[i], cells[3]) == 0)
			state = (enum pgt_advice_state)i;
	if (cells[1] && !pgt_parse_i64(cells[1], &until))
		until = 0;
	pgt_marks_set(ctx, cells[0], cells[2], state, until * PGT_NS_PER_MS);
	return 0;
}

void
pgt_marks_load(struct pgt_mark **first, const struct pgt_options *o,
	       const struct pgt_node *node)
{
	char *where = pgt_history_where(o);
	struct pgt_store *st;
	struct pgt_err err;
	int64_t row;

	/* without them everything shows as new: worth no complaint of its own, the store
	 * thread makes it */
	if (where && node->node_id && pgt_store_open(where, &st, &err) == 0) {
		if (pgt_store_node(st, node->fingerprint ? node->fingerprint : "",
				   node->node_id, node->name, &row, &err) < 0 ||
		    pgt_store_get_records(st, row, PGT_REC_DISMISSAL, 0, on_row, first,
					  &err) < 0)
			pgt_err_clear(&err);
		pgt_store_close(st);
	}
	free(where);
}

enum pgt_advice_state
pgt_marks_state(struct pgt_mark *first, const struct pgt_advice *a, int64_t now_real_ns,
		int64_t *ret_until)
{
	const struct pgt_mark *m = pgt_marks_find(first, a->identity);

	*ret_until = 0;
	if (!m)
		return PGT_ADVICE_NEW;
	if (m->state == PGT_ADVICE_SNOOZED && m->until_real_ns <= now_real_ns)
		return PGT_ADVICE_SEEN;
	if (m->state == PGT_ADVICE_DISMISSED &&
	    pgt_advice_is_news(m->evidence, a->evidence_hash))
		return PGT_ADVICE_NEW;
	*ret_until = m->until_real_ns;
	return m->state;
}
