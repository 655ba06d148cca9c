/* Memory: what spills, what is read again and again, what all may take together. */
#include <string.h>

#include "parse_priv.h"

double
pgt_advise_memory(double shared_buffers, double work_mem, double hash_multiplier,
		  double connections, double sort_share, double maintenance,
		  double workers)
{
	return shared_buffers + sort_share * connections * work_mem * hash_multiplier +
	       workers * maintenance;
}

static double
maintenance_of_worker(const struct adv_ctx *c)
{
	double v = adv_setting(c, "autovacuum_work_mem");

	return v > 0 ? v : adv_setting(c, "maintenance_work_mem");
}

static double
taken(const struct adv_ctx *c, double shared, double work_mem, double connections)
{
	return pgt_advise_memory(
	    shared, work_mem, fmax(adv_setting(c, "hash_mem_multiplier"), 1), connections,
	    adv_rule(c, "memory", "active_share"), maintenance_of_worker(c),
	    adv_setting(c, "autovacuum_max_workers"));
}

/* Connections that can be open at once: as the pooler or the peak says is not asked
 * here; a limit must hold for what the server admits. */
static double
slots(const struct adv_ctx *c)
{
	return fmax(adv_setting(c, "max_connections"), 1);
}

/* The largest work_mem within the budget; NAN when the memory is unknown. */
static double
work_mem_room(const struct adv_ctx *c)
{
	double room = c->host.ram_bytes * adv_rule(c, "memory", "budget") -
		      taken(c, adv_setting(c, "shared_buffers"), 0, slots(c));

	if (c->host.ram_bytes <= 0)
		return NAN;
	return room / (slots(c) * adv_rule(c, "memory", "active_share") *
		       fmax(adv_setting(c, "hash_mem_multiplier"), 1));
}

/* What the statements that spill would need, largest first by bytes spilled; *ret_pct is
 * their share of query time. */
static double
spill_of(struct adv_ctx *c, struct pgt_advice *a,
	 const struct pgt_sch_statement **ret_top, double *ret_pct)
{
	double need = 0, most = 0;

	*ret_top = NULL;
	*ret_pct = 0;
	for (size_t i = 0; i < c->s->n_statements; i++) {
		const struct pgt_sch_statement *q = &c->s->statements[i];
		double calls = adv_calls(c, q);
		double temp = (c->windowed ? q->temp_w : q->temp_written) * PAGE;

		if (!(calls > 0) || !(temp > 0) || temp < MB ||
		    !adv_parse(c, i)->n_blocks)
			continue;
		*ret_pct += adv_time_pct(c, q);
		if (temp > most) {
			most = temp;
			need = temp / calls;
			*ret_top = q;
		}
		if (a)
			adv_evidence(c, a, adv_short_sql(c, q->text),
				     "%s a call, %s calls", adv_bytes(c, temp / calls),
				     adv_count(c, calls));
	}
	return need;
}

static void
explain_work_mem(struct adv_ctx *c, struct pgt_advice *a, double rate, double need,
		 double want, double room)
{
	adv_evidence(c, a, "temporary files", "%s/s %s", adv_bytes(c, rate), adv_span(c));
	adv_effect(
	    a, "temporary file bytes", want >= need * 2 ? -95 : -60,
	    want >= need * 2 ? -100 : -90, want >= need * 2 ? -70 : -20,
	    "bytes spilled a call against the proposed size; a sort takes about twice "
	    "in memory what it wrote");
	a->why = adv_text(
	    c,
	    "Sorts and hashes wrote %s/s of temporary files %s; the heaviest statement "
	    "spills %s a call against work_mem = %s. In memory they do not touch the "
	    "disk.",
	    adv_bytes(c, rate), adv_span(c), adv_bytes(c, need), a->current);
	if (isfinite(room))
		adv_sure(c, a, want >= need ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
			 "spills measured per statement; memory known (%s) and the joint "
			 "limit "
			 "of %s for work_mem holds",
			 adv_bytes(c, c->host.ram_bytes), adv_bytes(c, room));
	else
		adv_sure(c, a, PGT_GRADE_MEDIUM,
			 "spills measured; the memory is unknown, so no more than %s is "
			 "proposed (--ram tells it)",
			 adv_bytes(c, adv_rule(c, "memory", "work_mem_blind")));
	a->costs = adv_text(
	    c,
	    "up to %s a sort or hash; with all %.0f connections and half of them sorting "
	    "%s in all",
	    a->proposed, slots(c),
	    adv_bytes(c, taken(c, adv_setting(c, "shared_buffers"), want, slots(c))));
	a->risk = PGT_GRADE_MEDIUM;
	a->not_if =
	    "the spilling statement is a rare report: give its role a larger work_mem "
	    "instead (ALTER ROLE)";
}

static void
work_mem(struct adv_ctx *c)
{
	double now = adv_setting(c, "work_mem"), room = work_mem_room(c), need, want,
	       rate, pct;
	const struct pgt_sch_statement *top;
	struct pgt_advice *a;

	rate = ADV_COUNT(c, temp_bytes) / adv_db_seconds(c);
	need = spill_of(c, NULL, &top, &pct);
	/* a rate since a reset long ago hides what spills since today */
	if (!(now > 0) || (!(rate >= adv_rule(c, "memory", "temp_bytes_ps")) &&
			   !(pct >= adv_rule(c, "memory", "spill_time_pct"))))
		return;
	if (!top && c->s->has_pgss)
		return; /* index builds and their like, which work_mem does not serve */
	if (!top) {
		double files = ADV_COUNT(c, temp_files);

		need = files > 0 ? ADV_COUNT(c, temp_bytes) / files : now;
	}
	want = fmax(adv_pow2_up(need * 2.5), 2 * now);
	want = fmin(want,
		    isfinite(room) ? room : adv_rule(c, "memory", "work_mem_blind"));
	want = fmin(floor(want / MB) * MB, adv_rule(c, "memory", "work_mem_max"));
	if (want < 1.5 * now)
		return; /* there is no room: the query advisor speaks of the statement */
	a = adv_set(c, "work_mem", want, 30 + 20 * fmin(log10(rate / MB + 1), 2));
	if (!a)
		return;
	spill_of(c, a, &top, &pct);
	if (top)
		a->queryid = top->queryid;
	explain_work_mem(c, a, rate, need, want, room);
}

/* ---- shared_buffers ---- */

static void
grow_buffers(struct adv_ctx *c, double now, double hit)
{
	const struct pgt_knob *k = pgt_knob_find("shared_buffers");
	double alloc = ADV_COUNT(c, buffers_alloc) * PAGE / adv_seconds(c);
	double db = adv_db_bytes(c), want, turnover = now / alloc;
	struct pgt_advice *a;

	if (!(hit < adv_rule(c, "memory", "hit_ratio")) || db < now || !(turnover < 600))
		return;
	if (c->host.ram_bytes <= 0) {
		if (c->in->remote_conservative || now >= GB)
			return;
		adv_note(c,
			 "shared_buffers turns over every %s and the hit ratio is "
			 "%.1f%%: with "
			 "the memory known (--ram) a size would be proposed",
			 adv_age(c, turnover), 100 * hit);
		return;
	}
	want = fmin(pgt_knob_usual(k, &c->host, c->cls),
		    fmax(adv_pow2_up(db * 1.1), now));
	if (want < 1.25 * now)
		return;
	a = adv_set(c, "shared_buffers", want, 45);
	if (!a)
		return;
	adv_evidence(c, a, "hit ratio", "%.2f%% %s", 100 * hit, adv_span(c));
	adv_evidence(c, a, "buffers replaced", "%s/s: all of them every %s",
		     adv_bytes(c, alloc), adv_age(c, turnover));
	adv_evidence(c, a, "this database", "%s", adv_bytes(c, db));
	adv_evidence(c, a, "memory", "%s", adv_bytes(c, c->host.ram_bytes));
	adv_effect(a, "buffer misses", -40, -90, -5,
		   "share of the database that fits; which pages are hot is not known");
	a->why = adv_text(
	    c,
	    "%.1f%% of reads missed the server's cache of %s, which is replaced "
	    "every %s. The database has %s and the machine %s of memory.",
	    100 * (1 - hit), a->current, adv_age(c, turnover), adv_bytes(c, db),
	    adv_bytes(c, c->host.ram_bytes));
	adv_sure(
	    c, a, turnover < 120 ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
	    "hit ratio and turnover measured, memory %s; the kernel's cache may already "
	    "hold some of it",
	    c->in->host.told ? "as told" : "probed");
	a->costs = "memory that the kernel's cache then lacks; a restart";
	a->not_if = "the misses come from one report that reads the whole table once";
}

static void
shared_buffers(struct adv_ctx *c)
{
	double now = adv_setting(c, "shared_buffers");
	double hit = ADV_COUNT(c, blks_hit), miss = ADV_COUNT(c, blks_read);
	double ratio = hit + miss > 10000 ? hit / (hit + miss) : NAN;
	double ram = c->host.ram_bytes;
	struct pgt_advice *a;

	if (!(now > 0))
		return;
	if (ram > 0 && now > 0.6 * ram) {
		a = adv_set(c, "shared_buffers", 0.25 * ram, 60);
		if (!a)
			return;
		adv_evidence(c, a, "memory", "%s", adv_bytes(c, ram));
		a->why = adv_text(c,
				  "shared_buffers takes %.0f%% of the memory (%s of %s): "
				  "sessions and the kernel's cache have what is left.",
				  100 * now / ram, a->current, adv_bytes(c, ram));
		adv_sure(c, a, PGT_GRADE_HIGH, "both sizes are known");
		adv_effect(a, "memory for everything else", 80, 40, 200, "subtraction");
		return;
	}
	grow_buffers(c, now, ratio);
}

/* ---- all together ---- */

static void
overcommitted(struct adv_ctx *c)
{
	double ram = c->host.ram_bytes, wm = adv_setting(c, "work_mem"), need, want;
	double shared = adv_setting(c, "shared_buffers"), room = work_mem_room(c);
	struct pgt_advice *a;

	if (ram <= 0 || !(wm > 0))
		return;
	need = taken(c, shared, wm, slots(c));
	if (need <= ram || shared > 0.6 * ram)
		return;
	want = fmax(floor(room / MB) * MB, 4 * MB);
	if (want >= wm)
		return;
	a = adv_set(c, "work_mem", want, 30 + 40 * fmin(need / ram - 1, 1));
	if (!a)
		return;
	adv_evidence(c, a, "all together", "%s of %s", adv_bytes(c, need),
		     adv_bytes(c, ram));
	adv_evidence(c, a, "connections", "%.0f allowed, %d seen at most", slots(c),
		     adv_peak_sessions(c));
	adv_effect(a, "memory that may be taken at worst",
		   100 * (taken(c, shared, want, slots(c)) / need - 1), -100, 0,
		   "shared_buffers + share x connections x work_mem x "
		   "hash_mem_multiplier + workers x maintenance memory");
	a->why = adv_text(
	    c,
	    "shared_buffers, work_mem of half of the %.0f connections and the "
	    "autovacuum workers may take %s; the machine has %s. When they do, "
	    "the kernel ends the server.",
	    slots(c), adv_bytes(c, need), adv_bytes(c, ram));
	adv_sure(c, a, need > 2 * ram ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
		 "sizes are known; how many sessions sort at once (%.0f%%) is assumed",
		 100 * adv_rule(c, "memory", "active_share"));
	a->costs = "statements that sort more than that spill; give their roles more";
	a->not_if = "a pooler keeps the number of sessions well below max_connections";
}

static void
cache_size(struct adv_ctx *c)
{
	double now = adv_setting(c, "effective_cache_size");
	double shared = adv_setting(c, "shared_buffers"), ram = c->host.ram_bytes, want;
	struct pgt_advice *a;

	if (!(now > 0))
		return;
	if (now < shared)
		want = ram > 0 ? 0.75 * ram : fmax(2 * shared, now);
	else if (ram > 0 && (now < 0.4 * ram || now > ram))
		want = 0.75 * ram;
	else
		return;
	a = adv_set(c, "effective_cache_size", want, now < shared ? 25 : 12);
	if (!a)
		return;
	adv_evidence(c, a, "shared_buffers", "%s", adv_bytes(c, shared));
	if (ram > 0)
		adv_evidence(c, a, "memory", "%s", adv_bytes(c, ram));
	a->why = adv_text(
	    c,
	    "The planner believes that %s are cached, while %s; it prices index "
	    "scans accordingly.",
	    a->current,
	    now < shared
		? adv_text(c, "shared_buffers alone has %s", adv_bytes(c, shared))
		: adv_text(c, "the machine has %s", adv_bytes(c, ram)));
	a->effect_of = "plans that choose between index and sequential scans";
	a->effect_how = "not estimated";
	adv_sure(c, a,
		 now < shared && shared > 64 * MB ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
		 "arithmetic; nothing is allocated by it");
	a->costs = "nothing is allocated; plans may change";
}

static void
maintenance(struct adv_ctx *c)
{
	double now = adv_setting(c, "maintenance_work_mem"), ram = c->host.ram_bytes;
	double largest = 0, want;
	struct pgt_advice *a;

	for (size_t i = 0; i < c->s->n_indexes; i++)
		largest = fmax(largest, c->s->indexes[i].bytes);
	if (ram <= 0 || !(now > 0) || largest < 8 * now)
		return;
	want = fmin(fmin(ram / 16, 2 * GB), adv_pow2_up(largest / 2));
	if (want < 2 * now)
		return;
	a = adv_set(c, "maintenance_work_mem", want, 10);
	if (!a)
		return;
	adv_evidence(c, a, "largest index", "%s", adv_bytes(c, largest));
	a->why = adv_text(
	    c,
	    "The largest index has %s; building or vacuuming it with %s sorts on "
	    "disk or passes over it several times.",
	    adv_bytes(c, largest), a->current);
	adv_sure(c, a, PGT_GRADE_MEDIUM,
		 "sizes and memory are known; builds were not seen");
	a->costs = adv_text(c,
			    "%.0f autovacuum workers may take it at once unless "
			    "autovacuum_work_mem is set",
			    adv_setting(c, "autovacuum_max_workers"));
}

void
adv_settings_memory(struct adv_ctx *c)
{
	if (!c->snap)
		return;
	work_mem(c);
	shared_buffers(c);
	overcommitted(c);
	cache_size(c);
	maintenance(c);
}
