/* What the generated table shares with sql.c. */
#ifndef PGT_SQL_PRIV_H
#define PGT_SQL_PRIV_H

#include <stddef.h>

#include "pg2une/pg/sql.h"

struct pgt_sql_text {
	const char *path;
	const char *text;
};

/* Sorted by query, then major; the last is empty. */
extern const struct pgt_sql pgt_sql_rows[];
extern const size_t pgt_sql_n_rows;
extern const struct pgt_sql_text pgt_sql_texts[];
extern const size_t pgt_sql_n_texts;

#endif
