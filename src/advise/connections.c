/* Connections: how near the limit, how idle, how short-lived. */
#include <string.h>

#include "advise_priv.h"

#define DOC "https://www.pgbouncer.org/config.html"

static double
cores(const struct adv_ctx *c)
{
	return c->host.cores > 0 ? c->host.cores : NAN;
}

/* Enough to keep cores and disks busy: 2-4 a core is where throughput peaks for short
 * transactions (the USL's usual range); what was active is known better. */
static double
pool_size(const struct adv_ctx *c)
{
	double most = 1;

	for (size_t i = 0; i < c->in->n_recent; i++)
		most = fmax(most, c->in->recent[i].active);
	return isfinite(cores(c)) ? fmin(fmax(1.5 * most, 2 * cores(c)), 4 * cores(c))
				  : 1.5 * most;
}

/* Sessions that stay beside a pooler: replication. */
static double
direct_sessions(const struct adv_ctx *c)
{
	double n = 0;

	for (size_t i = 0; i < c->snap->n_activity; i++)
		n += c->snap->activity[i].backend_type &&
		     strcmp(c->snap->activity[i].backend_type, "walsender") == 0;
	return n;
}

/* The sum that must hold: pools x (size + reserve) + direct sessions + those reserved for
 * the superuser, at most max_connections (pgbouncer.org/config.html). */
static const char *
pool_words(struct adv_ctx *c, double most)
{
	double size = ceil(pool_size(c)), reserve = ceil(size / 5);
	double n = fmax((double)c->s->n_pools, 1), direct = direct_sessions(c);
	double fit = floor((most - direct - 5) / n);

	if (size + reserve > fit) {
		size = fmax(floor(fit / 1.2), 1);
		reserve = fmax(fit - size, 0);
	}
	return adv_text(
	    c,
	    "PgBouncer: pool_mode = transaction, default_pool_size = %.0f, "
	    "reserve_pool_size = %.0f: %.0f pools (database, user) x %.0f + %.0f "
	    "direct + 5 for people = %.0f, of %.0f that clients may have",
	    size, reserve, n, size + reserve, direct, n * (size + reserve) + direct + 5,
	    most);
}

static void
near_limit(struct adv_ctx *c)
{
	const struct pgt_sessions *s = &c->snap->sessions;
	double peak = adv_peak_sessions(c),
	       most = s->max_connections - fmax(s->reserved, 0);
	double idle = s->total > 0 ? (double)s->idle / s->total : 0;
	struct pgt_advice *a;

	if (most <= 0 || peak < adv_rule(c, "connections", "peak_share") * most)
		return;
	a = adv_new(c, PGT_ADVICE_POOLER, 40 + 40 * fmin(peak / most, 1), "pooler:limit");
	a->title = adv_text(c, "Pool connections: %.0f of %.0f used", peak, most);
	adv_evidence(c, a, "most at once", "%.0f of %.0f", peak, most);
	adv_evidence(c, a, "now", "%d active, %d idle, %d idle in transaction", s->active,
		     s->idle, s->idle_in_tx);
	a->why = adv_text(
	    c,
	    "%.0f of %.0f connection slots were taken and %.0f%% of them are idle: the "
	    "next clients will be refused. A pooler in transaction mode with about "
	    "%.0f server connections carries this load.",
	    peak, most, 100 * idle, ceil(pool_size(c)));
	a->current = adv_text(c, "max_connections = %d", s->max_connections);
	a->proposed = pool_words(c, most);
	adv_effect(a, "server connections", 100 * (pool_size(c) / fmax(peak, 1) - 1), -95,
		   0, "sessions active at once, half as many again");
	adv_sure(c, a, idle > 0.5 ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
		 "sessions counted over %zu samples", c->in->n_recent + 1);
	a->costs = "session state (SET, LISTEN, advisory locks, prepared statements "
		   "before PgBouncer "
		   "1.21) does not survive between transactions";
	a->not_if = "clients keep session state; then lower their own pools";
	a->blast = "every client: its address changes";
	a->risk = PGT_GRADE_MEDIUM;
	a->source = DOC;
}

/* Many sessions that hardly ever do anything, all of one pool. */
static void
oversized(struct adv_ctx *c)
{
	const struct pgt_sch_pool *p = c->s->n_pools ? &c->s->pools[0] : NULL;
	struct pgt_advice *a;
	double share, want, n, most_active = 1;

	if (!p || !p->database || !p->user)
		return;
	n = p->n;
	share = p->idle / fmax(n, 1);
	for (size_t i = 0; i < c->in->n_recent; i++)
		most_active = fmax(most_active,
				   c->in->recent[i].active +
				       c->in->recent[i].idle_in_tx);
	want = fmax(ceil(1.5 * most_active), isfinite(cores(c)) ? 2 * cores(c) : 5);
	if (n < adv_rule(c, "connections", "pool_min") ||
	    share < adv_rule(c, "connections", "idle_share") || n < 3 * want)
		return;
	a = adv_new(c, PGT_ADVICE_POOLER, 24 + 10 * fmin(n / 100, 2),
		    "pooler:oversized:%s:%s", p->database, p->user);
	a->title = adv_text(c, "Shrink the pool of %s on %s: %.0f sessions, %.0f%% idle",
			    p->user, p->database, n, 100 * share);
	a->current = adv_text(c, "%.0f sessions", n);
	a->proposed = adv_text(c, "%.0f", want);
	adv_evidence(c, a, "sessions", "%.0f, of them %.0f idle now", n, p->idle);
	adv_evidence(c, a, "busy at once", "%.0f at most over %zu samples", most_active,
		     c->in->n_recent + 1);
	for (size_t k = 0; k < c->s->n_pools && k < 4; k++)
		adv_evidence(c, a, "pool", "%s on %s: %.0f", p[k].user, p[k].database,
			     p[k].n);
	a->why = adv_text(
	    c,
	    "%s holds %.0f sessions on %s of which %.0f%% are idle; no more than %.0f "
	    "were "
	    "busy at once. Each keeps a process and its caches, and all of them awake "
	    "together queue for the same cores.",
	    p->user, n, p->database, 100 * share, most_active);
	adv_effect(a, "sessions of the pool", 100 * (want / n - 1), -98, -30,
		   "half as many again as were busy at once");
	adv_sure(c, a, c->in->n_recent >= 10 ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
		 "sessions counted; seen over %zu samples only", c->in->n_recent + 1);
	a->costs = "clients wait in the pool at a peak that was not seen";
	a->not_if = "peaks come at other times";
	a->blast = "the clients of that pool";
	a->source = DOC;
}

static void
churn(struct adv_ctx *c)
{
	double rate = ADV_COUNT(c, sessions) / adv_db_seconds(c);
	struct pgt_advice *a;

	if (!(rate >= adv_rule(c, "connections", "churn_ps")) ||
	    ADV_COUNT(c, sessions) < 300)
		return;
	a = adv_new(c, PGT_ADVICE_POOLER, 30 + 15 * fmin(log10(rate), 2), "pooler:churn");
	a->title = adv_text(c, "Pool connections: %.0f new ones a second", rate);
	adv_evidence(c, a, "sessions begun", "%.1f/s %s", rate, adv_span(c));
	adv_evidence(
	    c, a, "a session lasts", "%s on average",
	    adv_age(c, ADV_COUNT(c, session_ms) / 1e3 / fmax(ADV_COUNT(c, sessions), 1)));
	a->why = adv_text(
	    c,
	    "%.1f sessions begin each second %s; each costs a process, its caches and an "
	    "authentication. A pool in the application or PgBouncer keeps them.",
	    rate, adv_span(c));
	adv_effect(a, "sessions begun", -95, -100, -70, "a pool keeps them open");
	adv_sure(c, a, PGT_GRADE_HIGH, "counted by pg_stat_database");
	a->not_if = "they come from a health check";
	a->source = DOC;
}

static void
idle_in_transaction(struct adv_ctx *c)
{
	double oldest = (double)c->snap->sessions.oldest_idle_in_tx_ns / 1e9;
	struct pgt_advice *a;

	if (oldest < adv_rule(c, "connections", "idle_in_tx_s") ||
	    adv_setting(c, "idle_in_transaction_session_timeout") > 0)
		return;
	a = adv_set_text(c, "idle_in_transaction_session_timeout", "10min", 38);
	if (!a)
		return;
	adv_evidence(c, a, "oldest", "%s, pid %d", adv_age(c, oldest),
		     c->snap->sessions.oldest_idle_in_tx_pid);
	a->why = adv_text(
	    c,
	    "Session %d is idle in a transaction since %s: it keeps its locks and holds "
	    "back vacuum, and nothing ends it.",
	    c->snap->sessions.oldest_idle_in_tx_pid, adv_age(c, oldest));
	adv_sure(c, a, PGT_GRADE_HIGH, "seen now, and no timeout is set");
	a->effect_of = "how long such a session lasts";
	a->effect_how = "the timeout itself";
	a->costs = "clients that pause so long lose their transaction";
	a->not_if = "a client is meant to hold a transaction that long";
}

static void
too_many_allowed(struct adv_ctx *c)
{
	double most = adv_setting(c, "max_connections"), peak = adv_peak_sessions(c),
	       want;
	struct pgt_advice *a;

	if (most < 500 || peak > 0.3 * most || c->in->n_recent < 2)
		return;
	want = fmax(100, ceil(2 * peak / 50) * 50);
	a = adv_set(c, "max_connections", want, 15 + (most >= 2000 ? 15 : 0));
	if (!a)
		return;
	adv_evidence(c, a, "most at once", "%.0f of %.0f", peak, most);
	a->why = adv_text(c,
			  "%.0f slots are allowed and %.0f were used at most: work_mem "
			  "must be sized for "
			  "all of them, and a stampede would start as many processes.",
			  most, peak);
	adv_effect(a, "memory that may be taken at worst", 100 * (want / most - 1), -95,
		   -10, "slots");
	adv_sure(c, a, PGT_GRADE_MEDIUM, "seen over %zu samples only",
		 c->in->n_recent + 1);
	a->costs = "more clients than that are refused; standbys need at least the "
		   "primary's value";
	a->not_if = "peaks come at other times";
}

void
adv_connections(struct adv_ctx *c)
{
	if (!c->snap)
		return;
	near_limit(c);
	oversized(c);
	churn(c);
	idle_in_transaction(c);
	too_many_allowed(c);
}
