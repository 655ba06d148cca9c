/* What can lose data, lets anybody in, or runs out one day. */
#include <string.h>

#include "advise_priv.h"

static bool
is(const struct adv_ctx *c, const char *name, const char *value)
{
	return strcmp(adv_setting_text(c, name), value) == 0;
}

static void
durability(struct adv_ctx *c)
{
	static const struct {
		const char *name;
		double impact;
		const char *why;
	} rows[] = {
	    {"fsync", 96,
	     "after a crash of the machine the cluster may be lost as a whole"},
	    {"full_page_writes", 94,
	     "a crash of the machine may tear pages that recovery cannot mend"},
	};

	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		struct pgt_advice *a;

		if (!is(c, rows[i].name, "off"))
			continue;
		a = adv_set_text(c, rows[i].name, "on", rows[i].impact);
		if (!a)
			continue;
		a->kind = PGT_ADVICE_HYGIENE;
		adv_evidence(c, a, "pg_settings", "%s = off", rows[i].name);
		a->why = adv_text(c, "%s is off: %s.", rows[i].name, rows[i].why);
		adv_sure(c, a, PGT_GRADE_HIGH, "seen in pg_settings");
		a->effect_of = "data after a crash";
		a->costs = "writes wait for the disk, as they should";
		a->not_if = "the data can be thrown away";
	}
}

static struct pgt_advice *
word(struct adv_ctx *c, const char *identity, double impact, const char *title,
     enum pgt_grade g, const char *sure, const char *why)
{
	struct pgt_advice *a = adv_new(c, PGT_ADVICE_HYGIENE, impact, "hygiene:%s",
				       identity);

	a->title = title;
	a->why = why;
	adv_sure(c, a, g, "%s", sure);
	adv_evidence(c, a, "seen", "%s", why);
	a->source = "https://www.postgresql.org/docs/current/admin.html";
	return a;
}

static void
access(struct adv_ctx *c)
{
	const struct pgt_sch_facts *f = &c->s->facts;
	struct pgt_advice *a;

	if (f->hba_trust_net > 0)
		word(c, "trust", 70, "Ask for passwords: pg_hba.conf trusts the network",
		     PGT_GRADE_HIGH, "read from pg_hba_file_rules",
		     adv_text(c,
			      "%d lines of pg_hba.conf let anybody from the network in "
			      "as anybody "
			      "(trust).",
			      f->hba_trust_net));
	if (f->hba_password > 0)
		word(c, "password", 40, "Replace method password by scram-sha-256",
		     PGT_GRADE_HIGH, "read from pg_hba_file_rules",
		     adv_text(c, "%d lines of pg_hba.conf send passwords in clear text.",
			      f->hba_password));
	if (f->md5_roles > 0) {
		a = word(c, "md5", 30, "Give roles SCRAM passwords instead of MD5",
			 PGT_GRADE_HIGH, "read from pg_authid",
			 adv_text(c,
				  "%d roles log in with an MD5 hash, which is as good as "
				  "the password "
				  "to who reads it; 18 warns of it.",
				  f->md5_roles));
		a->not_if = "an old driver cannot do SCRAM";
	}
	if (f->public_create && c->major && f->login_roles > 2) {
		a = word(c, "public", 8, "Take CREATE on schema public from everybody",
			 PGT_GRADE_MEDIUM, "read from pg_namespace",
			 "Any role may create objects in schema public, which others "
			 "then call by "
			 "accident (CVE-2018-1058).");
		a->statement = adv_sql(c, "revoke_public", NULL);
		a->undo = adv_sql(c, "grant_public", NULL);
	}
}

static void
statements(struct adv_ctx *c)
{
	const char *libs = adv_setting_text(c, "shared_preload_libraries");
	struct pgt_advice *a;

	if (c->s->has_pgss || !c->in->schema)
		return;
	if (adv_setting_row(c, "shared_preload_libraries") &&
	    !strstr(libs, "pg_stat_statements")) {
		bool plain = !strpbrk(libs, "'\"\\");

		a = plain ? adv_set_text(c, "shared_preload_libraries",
					 adv_text(c, "%s%spg_stat_statements", libs,
						  *libs ? ", " : ""),
					 46)
			  : NULL;
		if (a)
			a->kind = PGT_ADVICE_HYGIENE;
	} else {
		a = adv_new(c, PGT_ADVICE_HYGIENE, 46, "extension:pg_stat_statements");
		a->title = "Create the extension pg_stat_statements";
		a->statement = adv_sql(c, "extension_create", "name",
				       "pg_stat_statements", NULL);
		a->undo = adv_sql(c, "extension_drop", "name", "pg_stat_statements",
				  NULL);
		a->how = PGT_HOW_HUMAN;
	}
	if (!a)
		return;
	adv_evidence(c, a, "pg_stat_statements", "does not answer");
	a->why = "Without pg_stat_statements nobody can tell which statements cost the "
		 "time: no advice on "
		 "indexes and queries.";
	adv_sure(c, a, PGT_GRADE_HIGH, "the view was asked");
	a->effect_of = "what can be known";
	a->costs = "a few percent of CPU at most, some shared memory";
}

static void
limits(struct adv_ctx *c)
{
	double used = adv_rule(c, "hygiene", "sequence_used"),
	       age = c->s->facts.db_xid_age;
	struct pgt_advice *a;

	for (size_t i = 0; i < c->s->n_sequences; i++) {
		const struct pgt_sch_sequence *s = &c->s->sequences[i];

		if (!s->q_name || !(s->used >= used))
			continue;
		a = adv_new(c, PGT_ADVICE_HYGIENE,
			    30 + 60 * (s->used - used) / (1 - used) + 15, "sequence:%s",
			    s->q_name);
		a->title = adv_text(c, "%s is %.0f%% used up", s->q_name, 100 * s->used);
		adv_evidence(c, a, "range", "%.1f%% of %s used%s%s", 100 * s->used,
			     s->type ? s->type : "its type", s->owner ? ", column " : "",
			     s->owner ? s->owner : "");
		a->why = adv_text(
		    c,
		    "%s has used %.0f%% of what %s holds; at the end every insert fails. "
		    "Make the column a bigint before.",
		    s->q_name, 100 * s->used, s->owner ? s->owner : "its type");
		adv_sure(c, a, PGT_GRADE_HIGH,
			 "last value against the smaller of both ranges");
		a->source =
		    "https://www.postgresql.org/docs/current/datatype-numeric.html";
	}
	if (age > 2.1e9 * adv_rule(c, "vacuum", "xid_warn")) {
		a = word(c, "wraparound", 70 + 25 * fmin(age / 2.1e9, 1),
			 adv_text(c, "Prevent wraparound: age %s", adv_count(c, age)),
			 PGT_GRADE_HIGH, "age(datfrozenxid)",
			 adv_text(c,
				  "The oldest database is %s transactions old, of 2.1 "
				  "billion that there "
				  "are: find what holds vacuum back, then VACUUM FREEZE.",
				  adv_count(c, age)));
		a->kind = PGT_ADVICE_VACUUM;
	}
}

static void
catalogue(struct adv_ctx *c)
{
	const struct pgt_sch_facts *f = &c->s->facts;

	if (is(c, "data_checksums", "off"))
		word(c, "checksums", 9, "Switch on data checksums", PGT_GRADE_MEDIUM,
		     "pg_settings",
		     "Data checksums are off: a page that the disk spoiled is noticed "
		     "late. "
		     "pg_checksums --enable does it while the server is stopped.");
	if (f->collation_mismatch > 0)
		word(c, "collation", 66, "Rebuild indexes: the collation library changed",
		     PGT_GRADE_HIGH, "recorded version against the library's",
		     adv_text(c,
			      "%d collations are recorded with another library version: "
			      "text indexes "
			      "may be out of order. REINDEX them, then ALTER DATABASE "
			      "... REFRESH "
			      "COLLATION VERSION.",
			      f->collation_mismatch));
	if (f->invalid_constraints > 0)
		word(c, "constraints", 12, "Validate constraints that are NOT VALID",
		     PGT_GRADE_MEDIUM, "pg_constraint",
		     adv_text(c,
			      "%d constraints were added NOT VALID and never validated: "
			      "old rows may "
			      "break them and the planner does not rely on them.",
			      f->invalid_constraints));
	for (size_t i = 0; i < c->s->n_extensions; i++) {
		const struct pgt_sch_extension *e = &c->s->extensions[i];
		struct pgt_advice *a;

		if (!e->available || !e->version ||
		    strcmp(e->available, e->version) == 0 || strpbrk(e->name, "\"-"))
			continue;
		a = adv_new(c, PGT_ADVICE_HYGIENE, 9, "extension:%s", e->name);
		a->title = adv_text(c, "Update extension %s %s -> %s", e->name,
				    e->version, e->available);
		a->statement = adv_sql(c, "extension_update", "name", e->name, NULL);
		a->current = e->version;
		a->proposed = e->available;
		adv_evidence(c, a, "installed", "%s; the files are %s", e->version,
			     e->available);
		a->why = adv_text(
		    c,
		    "The extension's SQL objects are of %s while its library is of %s.",
		    e->version, e->available);
		adv_sure(c, a, PGT_GRADE_MEDIUM, "pg_available_extensions");
	}
}

void
adv_hygiene(struct adv_ctx *c)
{
	if (c->snap)
		durability(c);
	access(c);
	statements(c);
	limits(c);
	catalogue(c);
}
