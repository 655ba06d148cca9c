/* Indexes that are missing: shared by the finder and its judge. */
#ifndef PG2UNE_ADVISE_INDEX_PRIV_H
#define PG2UNE_ADVISE_INDEX_PRIV_H

#include "parse_priv.h"

#define CAND_KEYS 4
#define CAND_QUERIES 6

struct cand_key {
	int att;
	bool desc, nulls_first, nulls_last; /* as ORDER BY says */
	bool lower;			    /* lower(column) */
};

struct cand {
	const struct pgt_sch_table *t;
	const char *am;	       /* btree gin brin */
	const char *opclass;   /* "" for the default */
	struct cand_key key[CAND_KEYS];
	int n;
	int include[3], n_include;
	const char *predicate; /* "deleted_at IS NULL"; NULL */
	double time_pct;       /* of all statements that it serves */
	double gain_pct;       /* of all query time, expected */
	double ms, calls;
	double blocks_now, blocks_then; /* of the largest statement, per call */
	double rows_then;
	const struct pgt_sch_statement *q[CAND_QUERIES];
	int n_q;
	bool guessed; /* a column without statistics */
	bool joins;   /* the key is a join column */
	bool sorts;   /* ORDER BY comes from the index */
	bool unsure_pattern;
};

/* Columns and order as text: "(tag, created_at DESC)" for people, and as SQL. */
const char *cand_columns(struct adv_ctx *c, const struct cand *x, bool quoted);
/* Turn into an advice, with sizes, costs and what HypoPG said. */
void cand_advise(struct adv_ctx *c, const struct cand *x);
/* A free name; for any table and words. */
const char *adv_index_name(struct adv_ctx *c, const struct pgt_sch_table *t,
			   const char *words);
double adv_index_bytes(const struct adv_ctx *c, const struct pgt_sch_table *t,
		       const int *att, int n);
/* Fill statement, undo and act for an index of t; rest is "USING btree (a)". */
void adv_index_act(struct adv_ctx *c, struct pgt_advice *a, const struct pgt_sch_table *t,
		   const char *name, const char *rest);

#endif
