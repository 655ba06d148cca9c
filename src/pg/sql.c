#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/pg/sql.h"
#include "sql_priv.h"

#define PGT_SQL_EXT "@ext@"

const struct pgt_sql *
pgt_sql_find(const char *query, int server_version_num)
{
	const struct pgt_sql *best = NULL;
	int major = server_version_num / 10000;
	size_t i;

	for (i = 0; i < pgt_sql_n_rows; i++)
		if (strcmp(pgt_sql_rows[i].query, query) == 0 &&
		    pgt_sql_rows[i].min_major <= major)
			best = &pgt_sql_rows[i]; /* sorted: a later one is newer */
	return best;
}

const char *
pgt_sql_get(const char *query, int server_version_num)
{
	const struct pgt_sql *q = pgt_sql_find(query, server_version_num);
	size_t i;

	if (q)
		return q->text;
	for (i = 0; i < pgt_sql_n_rows; i++)
		if (strcmp(pgt_sql_rows[i].query, query) == 0)
			return NULL; /* it exists, for newer servers only */
	fprintf(stderr, "pg2une: no query \"%s\" in the catalogue\n", query);
	abort();
}

const struct pgt_sql *
pgt_sql_all(size_t *ret_n)
{
	*ret_n = pgt_sql_n_rows;
	return pgt_sql_rows;
}

char *
pgt_sql_expand(const char *text, const char *schema)
{
	const char *at;
	struct pgt_buf b;

	pgt_buf_init(&b, 1 << 20);
	while ((at = strstr(text, PGT_SQL_EXT))) {
		pgt_buf_put(&b, text, (size_t)(at - text));
		pgt_buf_puts(&b, schema && *schema ? schema : "public");
		text = at + strlen(PGT_SQL_EXT);
	}
	pgt_buf_puts(&b, text);
	return pgt_buf_take(&b);
}

const char *
pgt_sql_file(const char *path)
{
	size_t i;

	for (i = 0; i < pgt_sql_n_texts; i++)
		if (strcmp(pgt_sql_texts[i].path, path) == 0)
			return pgt_sql_texts[i].text;
	return NULL;
}

const char *
pgt_sql_must(const char *path)
{
	const char *text = pgt_sql_file(path);

	if (!text)
		abort();
	return text;
}

const char *
pgt_sql_file_at(size_t i, const char **ret_path)
{
	if (i >= pgt_sql_n_texts)
		return NULL;
	*ret_path = pgt_sql_texts[i].path;
	return pgt_sql_texts[i].text;
}
