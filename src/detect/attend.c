#include "attend_priv.h"

static struct pgt_attend *
find(struct attends *t, enum pgt_family family, int64_t queryid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->item[i].family == family && t->item[i].queryid == queryid)
			return &t->item[i];
	return NULL;
}

const struct pgt_attend *
attends_of(const struct attends *t, const struct pgt_alert *a)
{
	return find((struct attends *)t, a->family, a->queryid);
}

bool
attends_put(struct attends *t, const struct pgt_attend *word)
{
	struct pgt_attend *w = find(t, word->family, word->queryid);

	if (w && w->said_real_ns >= word->said_real_ns)
		return false;
	if (!w && t->n < ATTENDS_MAX)
		w = &t->item[t->n++];
	if (!w) { /* the oldest word goes */
		w = &t->item[0];
		for (size_t i = 1; i < t->n; i++)
			if (t->item[i].said_real_ns < w->said_real_ns)
				w = &t->item[i];
	}
	*w = *word;
	return true;
}

void
attends_apply(const struct attends *t, struct pgt_alert *a)
{
	const struct pgt_attend *w = attends_of(t, a);

	if (!w || a->state != PGT_ALERT_OPEN)
		return;
	a->silenced_until_real_ns = w->silenced_until_real_ns;
	a->acked |= a->onset_real_ns <= w->acked_real_ns;
}
