/* Slots and the archive: what keeps WAL and will fill the disk. */
#include <string.h>

#include "advise_priv.h"

static void
slots(struct adv_ctx *c)
{
	double bad = adv_rule(c, "hygiene", "slot_bytes");
	double keep = adv_setting(c, "max_slot_wal_keep_size");

	for (size_t i = 0; c->snap && i < c->snap->n_slots; i++) {
		const struct pgt_slot *s = &c->snap->slots[i];
		double kept = isfinite(s->retained_bytes) ? s->retained_bytes : 0;
		double xmin = (double)(s->xmin_age > s->catalog_xmin_age
					   ? s->xmin_age
					   : s->catalog_xmin_age);
		struct pgt_advice *a;

		if (s->active || (kept < 16 * MB && xmin < 100000))
			continue;
		a = adv_new(c, PGT_ADVICE_HYGIENE,
			    40 + 20 * fmin(kept / bad, 2) + (keep < 0 ? 5 : 0), "slot:%s",
			    s->name);
		a->title = adv_text(c, "Drop the abandoned slot %s", s->name);
		if (!strpbrk(s->name, "'\\"))
			a->statement = adv_sql(c, "slot_drop", "slot",
					       adv_text(c, "'%s'", s->name), NULL);
		adv_evidence(c, a, "WAL kept", "%s", adv_bytes(c, kept));
		adv_evidence(c, a, "state", "%s %s, nobody reads it",
			     s->type ? s->type : "", s->wal_status ? s->wal_status : "");
		a->why = adv_text(
		    c, "Nobody reads slot %s, which keeps %s of WAL%s; %s.", s->name,
		    adv_bytes(c, kept),
		    xmin > 0 ? adv_text(c, " and holds back vacuum by %s transactions",
					adv_count(c, xmin))
			     : "",
		    keep < 0
			? "max_slot_wal_keep_size does not limit it, so the disk does"
			: "max_slot_wal_keep_size limits it");
		adv_effect(a, "WAL kept for it", -100, -100, -100,
			   "a dropped slot keeps nothing");
		adv_sure(
		    c, a, kept > bad / 8 ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
		    "inactive and holding WAL now; how long is not recorded before 17");
		a->risk = PGT_GRADE_HIGH;
		a->blast = "its consumer, which must be set up anew";
		a->not_if = "its consumer is down for maintenance and comes back";
		a->source = "https://www.postgresql.org/docs/current/"
			    "view-pg-replication-slots.html";
	}
}

static void
archive(struct adv_ctx *c)
{
	const struct pgt_sch_facts *f = &c->s->facts;
	struct pgt_advice *a;

	if (!(f->archive_failed > 0) || f->archive_fail_age_s < 0 ||
	    f->archive_fail_age_s > 600 ||
	    (f->archive_done_age_s >= 0 && f->archive_done_age_s < f->archive_fail_age_s))
		return;
	a = adv_new(c, PGT_ADVICE_HYGIENE, 78, "archive:failing");
	a->title = "Mend archive_command: it fails";
	adv_evidence(c, a, "failures", "%s, the last %s ago",
		     adv_count(c, f->archive_failed), adv_age(c, f->archive_fail_age_s));
	adv_evidence(c, a, "last success", "%s ago", adv_age(c, f->archive_done_age_s));
	a->why = adv_text(
	    c,
	    "Archiving failed %s times, last %s ago, and nothing was archived since: WAL "
	    "piles up and backups cannot be restored to now.",
	    adv_count(c, f->archive_failed), adv_age(c, f->archive_fail_age_s));
	adv_sure(c, a, PGT_GRADE_HIGH, "pg_stat_archiver");
	a->source = "https://www.postgresql.org/docs/current/continuous-archiving.html";
}

void
adv_replication(struct adv_ctx *c)
{
	slots(c);
	archive(c);
}
