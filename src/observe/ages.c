/* Ages of the statements that each sample of the sessions sees running: they know the
 * shape of a statement's times, which its mean and deviation do not. */
#include <math.h>
#include <stdlib.h>

#include "pg2une/base/clock.h"
#include "stmts_priv.h"

#define AGED_MAX  64 /* statements; the least seen makes room */
#define HALF_LIFE (60 * PGT_NS_PER_S)

static struct obs_aged *
aged_find(const struct obs_stmts *st, int64_t queryid, uint32_t dbid)
{
	size_t i;

	for (i = 0; i < st->n_aged; i++)
		if (st->aged[i].queryid == queryid && st->aged[i].dbid == dbid)
			return &st->aged[i];
	return NULL;
}

static struct obs_aged *
aged_room(struct obs_stmts *st)
{
	size_t i, least = 0;

	if (!st->aged)
		st->aged = pgt_xcalloc(AGED_MAX, sizeof(*st->aged));
	if (st->n_aged < AGED_MAX)
		return &st->aged[st->n_aged++];
	for (i = 1; i < AGED_MAX; i++)
		if (st->aged[i].ages.n < st->aged[least].ages.n)
			least = i;
	return &st->aged[least];
}

void
obs_ages_see(struct obs *o, int64_t queryid, uint32_t dbid, int64_t age_ns)
{
	struct obs_stmts *st = o->stmts;
	struct obs_aged *a = aged_find(st, queryid, dbid);

	if (!a) {
		a = aged_room(st);
		*a = (struct obs_aged){.queryid = queryid, .dbid = dbid};
	}
	pgt_ages_add(&a->ages, (double)age_ns / (double)PGT_NS_PER_MS,
		     age_ns > o->tick.asked_ns);
}

const struct pgt_ages *
obs_ages_of(const struct obs_stmts *st, const struct pgt_query_key *key)
{
	const struct obs_aged *a = key->toplevel
				       ? aged_find(st, key->queryid, key->dbid)
				       : NULL;

	return a ? &a->ages : NULL;
}

void
obs_ages_turn(struct obs_stmts *st, int64_t dt_ns)
{
	double factor = exp2(-(double)dt_ns / (double)HALF_LIFE);
	size_t i;

	for (i = 0; i < st->n_aged; i++)
		pgt_ages_fade(&st->aged[i].ages, factor);
}

void
obs_ages_forget(struct obs_stmts *st)
{
	free(st->aged);
	st->aged = NULL;
	st->n_aged = 0;
}
