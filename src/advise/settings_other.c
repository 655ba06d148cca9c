/* Autovacuum as a whole, and what should be written to the log. */
#include <string.h>

#include "advise_priv.h"

static bool
is_off(const struct adv_ctx *c, const char *name)
{
	return strcmp(adv_setting_text(c, name), "off") == 0;
}

static void
autovacuum_off(struct adv_ctx *c)
{
	static const char *const names[] = {"autovacuum", "track_counts"};
	double dead = 0;

	for (size_t i = 0; i < c->s->n_tables; i++)
		dead += c->s->tables[i].dead > 0 ? c->s->tables[i].dead : 0;
	for (size_t i = 0; i < PGT_LEN(names); i++) {
		struct pgt_advice *a;

		if (!is_off(c, names[i]))
			continue;
		a = adv_set_text(c, names[i], "on", 92);
		if (!a)
			continue;
		adv_evidence(c, a, "dead rows now", "%s", adv_count(c, dead));
		a->why = adv_text(
		    c,
		    "%s is off: nothing removes dead rows (%s now), refreshes "
		    "statistics or freezes, until the server forces it to avoid "
		    "wraparound.",
		    names[i], adv_count(c, dead));
		adv_sure(c, a, PGT_GRADE_HIGH, "seen in pg_settings");
		a->effect_of = "dead rows";
		a->effect_how = "not estimated";
		a->costs = "I/O of the vacuums that are due; its pace is "
			   "autovacuum_vacuum_cost_limit";
		a->not_if = "vacuums are run by a schedule that is known to work";
	}
}

/* Tables that are past their threshold, and the workers. */
static void
autovacuum_behind(struct adv_ctx *c)
{
	double limit = adv_setting(c, "autovacuum_vacuum_cost_limit");
	double workers = adv_setting(c, "autovacuum_max_workers"), behind = 0, dead = 0;
	int running = 0;
	struct pgt_advice *a;

	for (size_t i = 0; i < c->snap->n_tables; i++) {
		const struct pgt_table *t = &c->snap->tables[i];

		if (t->dead > 2 * t->vacuum_threshold && t->dead > 50000) {
			behind++;
			dead += (double)t->dead;
		}
	}
	for (size_t i = 0; i < c->snap->n_progress; i++)
		running += strcmp(c->snap->progress[i].command, "VACUUM") == 0;
	if (behind < fmax(workers, 3) || running < workers)
		return;
	if (limit < 0)
		limit = adv_setting(c, "vacuum_cost_limit");
	a = adv_set(c, "autovacuum_vacuum_cost_limit", fmin(fmax(4 * limit, 1000), 4000),
		    40);
	if (!a)
		return;
	adv_evidence(c, a, "tables past twice their threshold", "%.0f", behind);
	adv_evidence(c, a, "workers at work", "%d of %.0f", running, workers);
	a->why = adv_text(
	    c,
	    "All %.0f autovacuum workers are busy and %.0f tables with %s dead rows "
	    "wait for one; all workers share one cost limit.",
	    workers, behind, adv_count(c, dead));
	adv_sure(c, a, PGT_GRADE_MEDIUM, "seen now; a longer time may show otherwise");
	adv_effect(a, "time of a vacuum", -60, -75, -20, "ratio of the limits");
	a->costs = "more I/O while vacuuming";
}

static void
log_one(struct adv_ctx *c, const char *name, const char *value, double impact,
	const char *what, const char *why)
{
	struct pgt_advice *a = adv_set_text(c, name, value, impact);

	if (!a)
		return;
	adv_evidence(c, a, "seen", "%s", what);
	a->why = adv_text(c, "%s; %s", what, why);
	adv_sure(c, a, PGT_GRADE_MEDIUM,
		 "seen on this server; it costs a line of log each");
	a->effect_of = "what can be known afterwards";
	a->effect_how = "no effect on speed";
	a->costs = "lines in the server's log";
}

static void
logging(struct adv_ctx *c)
{
	double temp = ADV_COUNT(c, temp_files), deadlocks = ADV_COUNT(c, deadlocks);
	double slow = 0;

	for (size_t i = 0; i < c->s->n_statements; i++)
		slow = fmax(slow, c->s->statements[i].max_ms);
	if (is_off(c, "log_lock_waits") &&
	    (c->snap->sessions.blocked > 0 || deadlocks > 0))
		log_one(
		    c, "log_lock_waits", "on", 12,
		    adv_text(
			c, "%d sessions wait for locks and %s deadlocks were counted %s",
			c->snap->sessions.blocked, adv_count(c, deadlocks), adv_span(c)),
		    "the log does not say who waited for whom.");
	if (temp > 100 && adv_setting(c, "log_temp_files") < 0)
		log_one(c, "log_temp_files", "10MB", 6,
			adv_text(c, "%s temporary files were written %s",
				 adv_count(c, temp), adv_span(c)),
			"the log does not say by which statements.");
	if (slow > 5000 && adv_setting(c, "log_min_duration_statement") < 0)
		log_one(c, "log_min_duration_statement", "1s", 8,
			adv_text(c, "a statement took %s", adv_age(c, slow / 1e3)),
			"slow statements are not logged, so their parameters are lost.");
	if (is_off(c, "log_checkpoints") && ADV_COUNT(c, checkpoints_req) > 3)
		log_one(c, "log_checkpoints", "on", 5,
			adv_text(c, "%s checkpoints were requested %s",
				 adv_count(c, ADV_COUNT(c, checkpoints_req)),
				 adv_span(c)),
			"the log does not say why and how long.");
	if (is_off(c, "track_io_timing") && ADV_COUNT(c, blks_read) > 100000)
		log_one(c, "track_io_timing", "on", 7,
			adv_text(c, "%s blocks were read %s",
				 adv_count(c, ADV_COUNT(c, blks_read)), adv_span(c)),
			"how long reading takes is not measured (pg_test_timing tells "
			"its cost).");
}

void
adv_settings_other(struct adv_ctx *c)
{
	if (!c->snap)
		return;
	autovacuum_off(c);
	autovacuum_behind(c);
	logging(c);
}
