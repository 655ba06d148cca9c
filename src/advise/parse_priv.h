/* What a statement asks of its tables, from libpg_query's parse tree: one block for
 * each SELECT, UPDATE or DELETE in it. */
#ifndef PG2UNE_ADVISE_PARSE_PRIV_H
#define PG2UNE_ADVISE_PARSE_PRIV_H

#include "advise_priv.h"

#define RELS_MAX   12
#define PREDS_MAX  48
#define SORTS_MAX  8
#define USED_MAX   64
#define BLOCKS_MAX 16

enum adv_op {
	OP_EQ = 1,   /* = constant or parameter */
	OP_IN,	     /* = ANY, IN (...) */
	OP_RANGE,    /* < <= > >= BETWEEN */
	OP_JOIN,     /* = column of another relation */
	OP_LIKE,
	OP_ILIKE,
	OP_NULL,     /* IS NULL */
	OP_NOT_NULL, /* IS NOT NULL */
	OP_TRUE,     /* a boolean column by itself */
	OP_FALSE,
	OP_CONTAINS, /* @> <@ && ? ?| ?& */
	OP_MATCH,    /* @@ */
	OP_LOWER,    /* lower(column) = ... */
};

struct adv_pred {
	int rel, att;
	enum adv_op op;
};

struct adv_sort {
	int rel, att;
	bool desc, nulls_first, nulls_last;
	const char *distance; /* "<->" and its like; NULL: the column itself */
};

struct adv_rel {
	const struct pgt_sch_table *table;
	const char *name; /* alias or the table's name */
};

struct adv_block {
	struct adv_block *parent;
	enum { BLOCK_SELECT = 1, BLOCK_UPDATE, BLOCK_DELETE } kind;
	struct adv_rel rel[RELS_MAX];
	int n_rels;
	struct adv_pred pred[PREDS_MAX];
	int n_preds;
	struct adv_sort sort[SORTS_MAX];
	int n_sorts;
	bool sort_unknown; /* sorts by something that is no column */
	bool limit, aggregate, star, group;
	bool or_seen; /* conditions that no single index serves */
	struct {
		int rel, att;
	} used[USED_MAX], set[USED_MAX]; /* read; written by UPDATE */
	int n_used, n_set;
};

struct adv_parsed {
	bool done, ok;
	bool insert; /* INSERT ... VALUES or SELECT */
	struct adv_block *block[BLOCKS_MAX];
	int n_blocks;
	const char *ctes[16];
	int n_ctes;
};

/* Of statement i of the schema; parsed once. */
const struct adv_parsed *adv_parse(struct adv_ctx *c, size_t i);

#endif
