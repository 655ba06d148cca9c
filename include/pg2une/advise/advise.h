/* Recommendations: what to change on this server, why, how sure, and how to go
 * back.  Pure: reads an immutable snapshot, schema facts and detection results;
 * no I/O, no clock.  Any thread.
 *
 * Rules of the house: no advice without evidence from this server; what is not
 * known (memory, cores, storage) is said and lowers the confidence, never
 * guessed; a value that would keep the server from starting is never proposed. */
#ifndef PG2UNE_ADVISE_ADVISE_H
#define PG2UNE_ADVISE_ADVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"
#include "pg2une/detect/result.h"
#include "pg2une/observe/snapshot.h"

struct pgt_schema; /* observe/schema.h */

enum pgt_advice_kind {
	PGT_ADVICE_SETTING = 1,
	PGT_ADVICE_INDEX,
	PGT_ADVICE_QUERY,
	PGT_ADVICE_VACUUM,
	PGT_ADVICE_POOLER,
	PGT_ADVICE_VECTOR,
	PGT_ADVICE_HYGIENE, /* replication, security, what is missing */
};
#define PGT_ADVICE_LAST PGT_ADVICE_HYGIENE
/* "setting" "index" ...; NULL when unknown. */
const char *pgt_advice_kind_name(enum pgt_advice_kind kind);

enum pgt_grade { PGT_GRADE_NONE = 0, PGT_GRADE_LOW, PGT_GRADE_MEDIUM, PGT_GRADE_HIGH };
const char *pgt_grade_name(enum pgt_grade g);

enum pgt_advice_how { /* what applying it takes */
	PGT_HOW_ONLINE = 1, /* CONCURRENTLY, ALTER TABLE SET, session settings */
	PGT_HOW_RELOAD,
	PGT_HOW_RESTART,
	PGT_HOW_HUMAN, /* nothing that we may run: a rewrite, a package, a decision */
};

/* What can become an item of a changeset, word for word as struct pgt_item. */
struct pgt_advice_act {
	const char *kind; /* "setting", "table_option", "index_create", ... ; NULL none */
	const char *name, *value, *database, *role, *schema, *table, *definition;
	bool unique;
};

struct pgt_advice_row { /* evidence: what, how much */
	const char *what, *value;
};

/* All text is safe text, owned by the list's arena. */
struct pgt_advice {
	const char *identity;      /* stable over time: "setting:work_mem",
				      "index:public.items(tag)" */
	const char *evidence_hash; /* for pgt_advice_is_news() */
	enum pgt_advice_kind kind;
	const char *title;     /* "CREATE INDEX items (tag, created_at)" */
	const char *statement; /* exact SQL; NULL when there is none to run */
	const char *undo;      /* exact SQL of the way back; NULL */
	struct pgt_advice_act act;
	const char *current, *proposed; /* with units; NULL */
	/* Expected effect, percent of what `effect_of` names; negative is less. */
	const char *effect_of; /* "all query time", "requested checkpoints"; NULL */
	double effect_pct, effect_lo, effect_hi; /* NAN unknown */
	const char *effect_how; /* how it was estimated */
	enum pgt_grade confidence;
	const char *confidence_why;
	const char *why;       /* two or three sentences with this server's numbers */
	const char *costs;     /* what it costs: size, writes, memory; NULL */
	const char *not_if;    /* what would change our mind */
	enum pgt_grade risk;
	const char *blast;     /* who is touched */
	enum pgt_advice_how how;
	const char *source;    /* rule and documentation page */
	const struct pgt_advice_row *evidence;
	size_t n_evidence;
	int64_t queryid;       /* 0 none */
	const char *table_schema, *table; /* of an index that is proposed; NULL */
	double score;	       /* rank: higher first */
};

/* Has the evidence changed since it was `then`, so that a dismissed one comes back?  When
 * the proposal is another, the grade rose or the weight doubled; what became weaker, or
 * moved a little, is no news. */
bool pgt_advice_is_news(const char *then, const char *now);

struct pgt_advice_list {
	const struct pgt_advice *items; /* by score, best first */
	size_t n;
	const char *const *notes; /* what could not be judged, and why */
	size_t n_notes;
	int64_t real_ns;
};
void pgt_advice_list_free(struct pgt_advice_list *l); /* one reference; NULL is legal */
struct pgt_advice_list *pgt_advice_list_ref(struct pgt_advice_list *l);

/* The machine, by probing where the server is local, or as the operator said;
 * 0 and NULL for unknown. */
struct pgt_host_facts {
	double ram_bytes;
	int cpus;
	const char *storage; /* "ssd" "hdd" "network" */
	bool told;	     /* by the operator, not probed */
};

/* A plan asked of the server for an index that was proposed: what the planner
 * thinks without and with it (HypoPG). */
struct pgt_advice_plan {
	const char *identity;
	double cost_before, cost_after;
	double index_bytes; /* its own estimate; NAN */
	bool used;	    /* the plan takes it */
};

struct pgt_advise_input {
	const struct pgt_snapshot *snapshot; /* newest */
	/* What was seen over a longer time than one interval; NULL: only now. */
	const struct pgt_sessions *recent;
	size_t n_recent;
	const struct pgt_schema *schema; /* NULL: not collected */
	const struct pgt_query_regression *regressions;
	size_t n_regressions;
	struct pgt_host_facts host;
	enum pgt_workload workload; /* UNKNOWN: as the snapshot says */
	bool remote_conservative;   /* profile: nothing that needs the host */
	/* Thresholds, profiles and texts of statements: sql/rules/advise.rules, or the
	 * user's file. */
	const char *rules;
	const struct pgt_advice_plan *plans;
	size_t n_plans;
	int64_t now_real_ns;
};

/* Run all advisors.  The caller owns *ret. */
int pgt_advise(const struct pgt_advise_input *in, struct pgt_advice_list **ret,
	       struct pgt_err *err) PGT_MUST_CHECK;

/* A configuration for a machine and a class of workload, before anything was
 * measured: where `config diff --workload` and `config tune` begin. */
enum pgt_profile {
	PGT_PROFILE_OLTP = 1,
	PGT_PROFILE_OLAP,
	PGT_PROFILE_MIXED,
	PGT_PROFILE_CONSERVATIVE, /* nothing that needs the host or a restart */
};
#define PGT_PROFILE_LAST PGT_PROFILE_CONSERVATIVE
/* "oltp" ... "remote-conservative"; NULL when unknown. */
const char *pgt_profile_name(enum pgt_profile p);

struct pgt_profile_input {
	/* Of a section [profile NAME] of the rules, in place of the enumerated one; NULL.
	 */
	const char *name;
	struct pgt_host_facts host;
	int server_major;
	int max_connections; /* as it is or should be; 0: the profile's own */
	const char *rules;
};
struct pgt_profile_setting {
	const char *name; /* static */
	char value[32];	  /* words of ALTER SYSTEM */
	bool restart;
	enum pgt_grade confidence;
	char why[400]; /* and where pgtune would say otherwise, why */
};
/* In the order of the table of settings.  What needs unknown facts is left out and
 * counted in *ret_left_out (NULL is legal).  The joint memory limit holds.  The caller
 * frees *ret.  PGT_E_USAGE: no such profile. */
int pgt_advise_profile(const struct pgt_profile_input *in, enum pgt_profile profile,
		       struct pgt_profile_setting **ret, size_t *ret_n,
		       int *ret_left_out, struct pgt_err *err) PGT_MUST_CHECK;
/* The class of workload that a profile of the rules belongs to; UNKNOWN: no such. */
enum pgt_workload pgt_advise_profile_class(const char *rules, const char *name);
/* Is a user's own file understood: every line in a section and with a name that the
 * program's rules have, numbers numbers, profiles of settings that there are?
 * PGT_E_PARSE names the line. */
int pgt_advise_rules_check(const char *rules, const char *own,
			   struct pgt_err *err) PGT_MUST_CHECK;
/* Bytes that the settings may take together: shared_buffers, work_mem for each
 * connection that works at once, autovacuum workers.  sort_share is the share of
 * connections that sort or hash at once (rules: memory.active_share). */
double pgt_advise_memory(double shared_buffers, double work_mem, double hash_multiplier,
			 double connections, double sort_share, double maintenance,
			 double workers);

/* The caller owns the tree. */
cJSON *pgt_advice_json(const struct pgt_advice *a);

#endif
