/* The SQL of this layer: files below sql/change/, embedded by the build. */
#ifndef PG2UNE_CHANGE_SQLTEXT_PRIV_H
#define PG2UNE_CHANGE_SQLTEXT_PRIV_H

/* sql/change/<name>_<major>.sql with the newest major not above the server's,
 * else sql/change/<name>.sql; without its leading comments.  Aborts when there
 * is none. */
const char *pgt_change_sql(const char *name, int server_version_num);

struct pgt_fill {
	const char *key, *text;
};
/* sql/change/stmt/<name>.sql with each {key} replaced; keys end with a NULL one.
 * The caller frees. */
char *pgt_change_stmt(const char *name, const struct pgt_fill *fills);

#endif
