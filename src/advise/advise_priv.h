/* What the advisors share: the input with its lookups, and how an advice is made.
 * Everything made lives in the arena of the list. */
#ifndef PG2UNE_ADVISE_ADVISE_PRIV_H
#define PG2UNE_ADVISE_ADVISE_PRIV_H

#include <math.h>

#include "pg2une/advise/advise.h"
#include "pg2une/base/knobs.h"
#include "pg2une/base/mem.h"
#include "pg2une/observe/schema.h"

#define KB 1024.0
#define MB (1024.0 * KB)
#define GB (1024.0 * MB)
#define PAGE 8192.0

struct adv_rule { /* a line of the rules file */
	const char *section, *key, *value;
};

struct adv_rules {
	struct adv_rule *row;
	size_t n;
};

struct adv_ctx {
	const struct pgt_advise_input *in;
	const struct pgt_snapshot *snap;
	const struct pgt_schema *s; /* never NULL: an empty one stands in */
	struct pgt_arena *a;
	struct adv_rules rules;
	struct pgt_advice **items;
	size_t n, cap;
	const char *notes[64];
	size_t n_notes;
	bool no_parser; /* and the notes say so */
	enum pgt_knob_class cls;
	struct pgt_knob_host host; /* 0 for what is unknown */
	int major;
	double total_ms; /* of all statements, in the window or since the reset */
	double seconds;  /* that the statement times cover; NAN */
	bool windowed;	 /* they are of a window, not since the reset */
	struct adv_parsed *parsed; /* one a statement, when asked for */
};

struct adv_ops {
	const char *name;
	void (*run)(struct adv_ctx *c);
};

/* ---- the rules ---- */

void adv_rules_parse(struct pgt_arena *a, const char *text, struct adv_rules *ret);
const char *adv_rules_find(const struct adv_rules *r, const char *section,
			   const char *key);
double adv_rule(const struct adv_ctx *c, const char *section, const char *key);
/* The statement of that name with {word} replaced: pairs of word and text, NULL.  NULL
 * when one of the texts is NULL. */
const char *adv_sql(const struct adv_ctx *c, const char *name, ...)
    __attribute__((sentinel));

/* ---- making ---- */

/* A new item; identity is made from fmt.  All unknown, confidence LOW. */
struct pgt_advice *adv_new(struct adv_ctx *c, enum pgt_advice_kind kind, double impact,
			   const char *fmt, ...) PGT_PRINTF(4, 5);
void adv_evidence(struct adv_ctx *c, struct pgt_advice *a, const char *what,
		  const char *fmt, ...) PGT_PRINTF(4, 5);
const char *adv_text(struct adv_ctx *c, const char *fmt, ...) PGT_PRINTF(2, 3);
void adv_note(struct adv_ctx *c, const char *fmt, ...) PGT_PRINTF(2, 3);
void adv_sure(struct adv_ctx *c, struct pgt_advice *a, enum pgt_grade g, const char *fmt,
	      ...) PGT_PRINTF(4, 5);
/* The percents of an effect, clamped and in order. */
void adv_effect(struct pgt_advice *a, const char *of, double pct, double lo, double hi,
		const char *how);
const char *adv_bytes(struct adv_ctx *c, double bytes);
const char *adv_count(struct adv_ctx *c, double n);
const char *adv_age(struct adv_ctx *c, double seconds);

/* ---- facts ---- */

/* A setting's number in canonical units (bytes, ms, 0/1); NAN when unknown. */
double adv_setting(const struct adv_ctx *c, const char *name);
const struct pgt_setting *adv_setting_row(const struct adv_ctx *c, const char *name);
/* As other sessions have it, in its base unit; NULL. */
const char *adv_setting_value(const struct pgt_setting *s);
const char *adv_setting_text(const struct adv_ctx *c, const char *name); /* "" unknown */
/* Difference of a counter over the window, or since the reset; NAN. */
#define ADV_COUNT(c, field)                                                              \
	(adv_has_window(c) ? (c)->s->now.field - (c)->s->before.field : (c)->s->now.field)
bool adv_has_window(const struct adv_ctx *c);
/* Seconds that ADV_COUNT covers; NAN. */
double adv_seconds(const struct adv_ctx *c);
double adv_db_seconds(const struct adv_ctx *c); /* the same for counters by database */
const char *
adv_span(struct adv_ctx *c); /* "in the last 30 s", "since the reset 3d ago" */
int adv_peak_sessions(const struct adv_ctx *c);
double adv_db_bytes(const struct adv_ctx *c);

const struct pgt_sch_table *adv_table(const struct adv_ctx *c, uint32_t oid);
const struct pgt_sch_table *adv_table_named(const struct adv_ctx *c, const char *schema,
					    const char *name);
const struct pgt_sch_column *adv_column(const struct adv_ctx *c, uint32_t table,
					int attnum);
const struct pgt_sch_column *adv_column_named(const struct adv_ctx *c, uint32_t table,
					      const char *name);
const struct pgt_sch_index *adv_indexes(const struct adv_ctx *c, uint32_t table,
					size_t *ret_n);
double adv_rows(const struct pgt_sch_table *t);
/* A statement's calls and ms over what c->seconds covers. */
double adv_calls(const struct adv_ctx *c, const struct pgt_sch_statement *q);
double adv_ms(const struct adv_ctx *c, const struct pgt_sch_statement *q);
double adv_time_pct(const struct adv_ctx *c, const struct pgt_sch_statement *q);
const char *adv_short_sql(struct adv_ctx *c, const char *text);
/* Distinct values of a column, absolute; NAN unknown. */
double adv_distinct(const struct pgt_sch_table *t, const struct pgt_sch_column *col);

/* ---- settings ---- */

/* An advice to set a row of the table of settings to value (canonical units); NULL when
 * that is what it is, when it must not be, or when this server has no such setting. */
struct pgt_advice *adv_set(struct adv_ctx *c, const char *name, double value,
			   double impact);
/* The same for one outside the table; value in words, never with a quote in it. */
struct pgt_advice *adv_set_text(struct adv_ctx *c, const char *name, const char *value,
				double impact);
double adv_pow2_up(double v);
/* What pgtune would set, canonical units, NAN where it says nothing; why ours differs. */
double adv_pgtune(const struct pgt_knob_host *host, enum pgt_knob_class cls,
		  const char *storage, const char *name);
const char *adv_pgtune_differs(const char *name);

/* ---- the advisors ---- */

void adv_settings_memory(struct adv_ctx *c);
void adv_settings_wal(struct adv_ctx *c);
void adv_settings_planner(struct adv_ctx *c);
void adv_settings_other(struct adv_ctx *c);
void adv_index_missing(struct adv_ctx *c);
void adv_index_fk(struct adv_ctx *c);
void adv_index_waste(struct adv_ctx *c);
void adv_queries(struct adv_ctx *c);
void adv_vacuum(struct adv_ctx *c);
void adv_connections(struct adv_ctx *c);
void adv_vector(struct adv_ctx *c);
void adv_replication(struct adv_ctx *c);
void adv_hygiene(struct adv_ctx *c);

#endif
