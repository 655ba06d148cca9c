/* Planner costs, JIT, parallelism, I/O: by what statements did and what the storage is.
 */
#include <string.h>

#include "advise_priv.h"

static void
random_page(struct adv_ctx *c)
{
	double now = adv_setting(c, "random_page_cost");
	const char *st = c->in->host.storage;
	struct pgt_advice *a;

	if (!st || strcmp(st, "ssd") != 0 || !(now >= 2))
		return;
	a = adv_set(c, "random_page_cost", 1.1, 22);
	if (!a)
		return;
	adv_evidence(c, a, "storage", "%s (%s)", st,
		     c->in->host.told ? "as told" : "probed");
	a->why = adv_text(
	    c,
	    "random_page_cost = %s prices a random page as on a rotating disk; "
	    "the storage is %s, where it costs little more than the next one.",
	    a->current, st);
	a->effect_of = "plans that choose between index and sequential scans";
	a->effect_how = "not estimated: plans change one by one";
	adv_sure(c, a, PGT_GRADE_MEDIUM,
		 "the storage is known; no plan was seen to suffer");
	a->costs = "plans change: watch the slowest statements after it";
	a->not_if = "statements were tuned around the present plans";
}

/* Where the threshold was lowered, the threshold is to blame; where it is the default or
 * above, plans are dear on paper only, and the switch is what helps. */
static struct pgt_advice *
jit_remedy(struct adv_ctx *c, double share)
{
	double above = adv_setting(c, "jit_above_cost"),
	       impact = fmin(20 + 100 * share, 70);
	const char *text = adv_rules_find(&c->rules, "query", "jit_above_cost");
	double usual = adv_rule(c, "query", "jit_above_cost");
	struct pgt_advice *a;

	if (above >= 0 && above < usual && text) {
		a = adv_set_text(c, "jit_above_cost", text, impact);
		if (a)
			a->not_if = "the statements that are compiled run for seconds";
		return a;
	}
	a = adv_set(c, "jit", 0, impact);
	if (a)
		a->not_if = "long analytic statements need it: set it for their role";
	return a;
}

static void
jit(struct adv_ctx *c)
{
	double ms = 0, total = 0, calls = 0, of_them = 0, share;
	const struct pgt_sch_statement *top = NULL;
	struct pgt_advice *a;

	for (size_t i = 0; i < c->s->n_statements; i++) {
		const struct pgt_sch_statement *q = &c->s->statements[i];

		total += q->total_ms;
		if (q->jit_ms > 0) {
			ms += q->jit_ms;
			calls += q->calls;
			of_them += q->total_ms;
			top = !top || q->jit_ms > top->jit_ms ? q : top;
		}
	}
	share = total > 0 ? fmin(ms / total, 1) : 0;
	if (!top || !(total > 100) || share < adv_rule(c, "query", "jit_share") ||
	    adv_setting(c, "jit") != 1)
		return;
	a = jit_remedy(c, share);
	if (!a)
		return;
	a->queryid = top->queryid;
	adv_evidence(c, a, "compiling",
		     "%.0f%% of all execution time, %.0f%% of those "
		     "statements'",
		     100 * share, 100 * fmin(ms / of_them, 1));
	adv_evidence(c, a, "statements", "%s calls compiled, %.3g ms of it each",
		     adv_count(c, calls), ms / fmax(calls, 1));
	adv_evidence(c, a, adv_short_sql(c, top->text),
		     "%.3g of %.3g ms a call compiling",
		     top->jit_ms / fmax(top->calls, 1), top->mean_ms);
	a->why = adv_text(
	    c,
	    "%.0f%% of execution time since the reset went into compiling "
	    "expressions (%s in %s calls): the statements are too short to earn "
	    "it back.",
	    100 * share, adv_age(c, ms / 1e3), adv_count(c, calls));
	/* what compiled code gained is lost, and was never more than half */
	adv_effect(a, "all query time", -100 * share, -100 * fmin(1.15 * share, 1),
		   -50 * share,
		   "time counted as JIT, less what compiled code had gained");
	adv_sure(c, a, PGT_GRADE_HIGH, "JIT time is counted by pg_stat_statements");
	a->costs = "long analytic statements lose what compiling gave them: set it for "
		   "their role";
}

static void
parallel(struct adv_ctx *c)
{
	double gather = adv_setting(c, "max_parallel_workers_per_gather");
	double all = adv_setting(c, "max_parallel_workers");
	double procs = adv_setting(c, "max_worker_processes");
	struct pgt_advice *a;

	if (c->host.cores <= 0)
		return;
	if (c->cls == PGT_KNOB_OLAP && gather < 2 && c->host.cores >= 4) {
		a = adv_set(c, "max_parallel_workers_per_gather",
			    fmin(c->host.cores / 2.0, fmin(all, 8)), 30);
		if (a) {
			adv_evidence(c, a, "cores", "%d", c->host.cores);
			a->why = adv_text(
			    c,
			    "The workload is analytic and the machine has %d "
			    "cores, but a query may use %s workers.",
			    c->host.cores, a->current);
			adv_sure(c, a, PGT_GRADE_MEDIUM,
				 "cores known, workload classified");
			adv_effect(a, "time of large scans", -50, -75, -20, "workers");
			a->costs = "each worker takes work_mem of its own and a core";
		}
	}
	if (procs < c->host.cores && c->host.cores > 8 && c->cls != PGT_KNOB_OLTP) {
		a = adv_set(c, "max_worker_processes", c->host.cores, 8);
		if (!a)
			return;
		adv_evidence(c, a, "cores", "%d", c->host.cores);
		a->why = adv_text(c,
				  "All background processes together are %s on %d cores.",
				  a->current, c->host.cores);
		adv_sure(c, a, PGT_GRADE_LOW, "no query was seen to lack a worker");
	}
}

static void
io(struct adv_ctx *c)
{
	double now = adv_setting(c, "effective_io_concurrency");
	double read = ADV_COUNT(c, blks_read) * PAGE / adv_db_seconds(c);
	const char *st = c->in->host.storage;
	struct pgt_advice *a;

	if (!st || strcmp(st, "hdd") == 0 || now > 16 || !(read > 10 * MB))
		return;
	a = adv_set(c, "effective_io_concurrency", c->major >= 18 ? 64 : 200, 14);
	if (!a)
		return;
	adv_evidence(c, a, "reads", "%s/s %s", adv_bytes(c, read), adv_span(c));
	adv_evidence(c, a, "storage", "%s", st);
	a->why = adv_text(
	    c,
	    "Bitmap scans ask for %s pages ahead on %s storage, and %s/s were read "
	    "%s.",
	    a->current, st, adv_bytes(c, read), adv_span(c));
	adv_sure(c, a, PGT_GRADE_MEDIUM,
		 "storage known; which scans read was not counted");
	a->costs = "bursts of reads";
}

/* Plan types switched off for everybody hide a problem and make others. */
static void
switched_off(struct adv_ctx *c)
{
	for (size_t i = 0; c->snap && i < c->snap->n_settings; i++) {
		const struct pgt_setting *s = &c->snap->settings[i];
		struct pgt_advice *a;

		if (strncmp(s->name, "enable_", 7) != 0 || !s->value || !s->boot_value ||
		    strcmp(s->value, "off") != 0 || strcmp(s->boot_value, "on") != 0 ||
		    !s->source || strcmp(s->source, "session") == 0)
			continue;
		a = adv_set_text(c, s->name, "on", 60);
		if (!a)
			continue;
		adv_evidence(c, a, "set by", "%s", s->source);
		a->why = adv_text(
		    c,
		    "%s is off for all sessions (%s): the planner avoids a whole "
		    "kind of plan even where nothing else is sensible.",
		    s->name, s->source);
		adv_sure(c, a, PGT_GRADE_HIGH, "seen in pg_settings; the default is on");
		a->effect_of = "plans of all statements";
		a->effect_how = "not estimated";
		a->costs = "plans change; the statement it was meant for may need care "
			   "of its own";
	}
}

void
adv_settings_planner(struct adv_ctx *c)
{
	if (!c->snap)
		return;
	random_page(c);
	jit(c);
	parallel(c);
	io(c);
	switched_off(c);
}
