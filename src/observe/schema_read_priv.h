/* Rows of a result into arrays of structs, by a table of columns. */
#ifndef PG2UNE_OBSERVE_SCHEMA_READ_PRIV_H
#define PG2UNE_OBSERVE_SCHEMA_READ_PRIV_H

#include <stddef.h>

#include "pg2une/observe/schema.h"

struct pgt_arena;
struct pgt_result;

enum sch_type {
	SCH_OID,
	SCH_INT,
	SCH_I64,
	SCH_NUM,  /* NAN for NULL */
	SCH_AGE,  /* a number, -1 for NULL */
	SCH_TEXT, /* safe text; NULL stays NULL */
	SCH_BLOCK, /* safe text of several lines: SQL, whose comments end with a line */
	SCH_SQL,  /* a quoted name: NULL unless it is safe as it stands */
	SCH_CHAR,
	SCH_BOOL,
	SCH_ATTS,  /* "1 3 0" into int[PGT_SCHEMA_KEYS] */
	SCH_WORDS, /* "a b" into const char *[PGT_SCHEMA_KEYS] */
	SCH_COUNT, /* the number of words, into int */
};

struct sch_col {
	const char *name;
	enum sch_type type;
	size_t offset;
};

/* A new array of rows of the arena; NULL when it is full. */
void *sch_rows(struct pgt_arena *a, const struct pgt_result *r,
	       const struct sch_col *cols, size_t size);
/* One row into dst. */
void sch_row(struct pgt_arena *a, const struct pgt_result *r, size_t row,
	     const struct sch_col *cols, void *dst);

/* The _w values and `before`, from the counters of an earlier reading or NULL. */
void sch_set_window(struct pgt_schema *s, const struct pgt_schema_base *prev);

#endif
