#include "pg2une/detect/cause.h"

#include <math.h>

#include "pg2une/base/clock.h"

/* How plausible it is that an event of this kind moved this family, were it right
 * before the onset: a judgement, from what these events do in PostgreSQL.  any: families
 * without a value of their own.  fade_s: how long after it the effect may still set in.
 * A statistics reset changes readings, not the server, so it ranks low but is told. */
static const struct kind {
	double any, of[PGT_FAMILY__N];
	double fade_s;
} kinds[PGT_EVENT__N] = {
    [PGT_EVENT_SETTING] = {.any = 0.90, .fade_s = 180},
    [PGT_EVENT_RELOAD] = {.any = 0.45, .fade_s = 120},
    [PGT_EVENT_RESTART] = {.any = 0.75, .of = {[PGT_FAMILY_CACHE] = 0.95}, .fade_s = 600},
    [PGT_EVENT_FAILOVER] = {.any = 0.95, .fade_s = 600},
    [PGT_EVENT_NEW_APPLICATION] = {.any = 0.50,
				   .of = {[PGT_FAMILY_SESSIONS] = 0.75},
				   .fade_s = 180},
    [PGT_EVENT_NEW_QUERY] = {.any = 0.55,
			     .of = {[PGT_FAMILY_SPILL] = 0.8, [PGT_FAMILY_CACHE] = 0.7},
			     .fade_s = 180},
    [PGT_EVENT_PLAN_CHANGE] = {.any = 0.50,
			       .of = {[PGT_FAMILY_PERFORMANCE] = 0.75,
				      [PGT_FAMILY_QUERY] = 0.80,
				      [PGT_FAMILY_CACHE] = 0.70},
			       .fade_s = 120},
    [PGT_EVENT_CHECKPOINT] =
	{.any = 0.15,
	 .of = {[PGT_FAMILY_PERFORMANCE] = 0.40, [PGT_FAMILY_WAL] = 0.60},
	 .fade_s = 60},
    [PGT_EVENT_AUTOVACUUM] = {.any = 0.15,
			      .of = {[PGT_FAMILY_PERFORMANCE] = 0.35,
				     [PGT_FAMILY_CACHE] = 0.40,
				     [PGT_FAMILY_WAL] = 0.40},
			      .fade_s = 120},
    [PGT_EVENT_DDL] = {.any = 0.60,
		       .of = {[PGT_FAMILY_PERFORMANCE] = 0.92,
			      [PGT_FAMILY_QUERY] = 0.92,
			      [PGT_FAMILY_CACHE] = 0.85,
			      [PGT_FAMILY_LOCKS] = 0.85},
		       .fade_s = 180},
    [PGT_EVENT_STATS_RESET] = {.any = 0.10,
			       .of = {[PGT_FAMILY_CACHE] = 0.20},
			       .fade_s = 60},
    [PGT_EVENT_LOCK_PILEUP] = {.any = 0.30,
			       .of = {[PGT_FAMILY_PERFORMANCE] = 0.85,
				      [PGT_FAMILY_LOCKS] = 0.95,
				      [PGT_FAMILY_SESSIONS] = 0.85,
				      [PGT_FAMILY_QUERY] = 0.70},
			       .fade_s = 60},
};

/* 1 within the onset's error, then halving each fade_s before it; what came later by
 * more than the error is no cause. */
static double
nearness(int64_t lead_ns, int64_t err_ns, double fade_s)
{
	if (lead_ns < -err_ns)
		return 0;
	if (lead_ns <= err_ns)
		return lead_ns >= 0 ? 1 : 0.8;
	return exp2(-(double)(lead_ns - err_ns) / 1e9 / fade_s);
}

size_t
pgt_causes_rank(const struct pgt_event *ev, size_t n, enum pgt_family family,
		int64_t onset_real_ns, int64_t onset_err_ns, struct pgt_cause *ret,
		size_t max)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		const struct kind *k;
		struct pgt_cause c = {.event = ev[i],
				      .lead_ns = onset_real_ns - ev[i].real_ns};
		double prior;
		size_t at;

		if ((unsigned)ev[i].kind >= PGT_EVENT__N)
			continue;
		k = &kinds[ev[i].kind];
		prior = (unsigned)family < PGT_FAMILY__N && k->of[family] > 0
			    ? k->of[family]
			    : k->any;
		c.score = prior * ev[i].weight *
			  nearness(c.lead_ns, onset_err_ns, k->fade_s);
		if (c.score < 0.02)
			continue;
		for (at = len; at > 0 && ret[at - 1].score < c.score; at--)
			if (at < max)
				ret[at] = ret[at - 1];
		if (at < max) {
			ret[at] = c;
			len += len < max;
		}
	}
	return len;
}
