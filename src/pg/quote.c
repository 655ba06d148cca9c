#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/quote.h"

static char *
quote_with(const char *text, char quote, struct pgt_err *err)
{
	const char *s;
	struct pgt_buf b;

	/* Invalid UTF-8 could swallow the closing quote in a multibyte reader
	 * (CVE-2025-1094), so it is refused, not passed. */
	if (!text || !pgt_str_is_utf8(text)) {
		pgt_err_set(err, PGT_E_PARSE,
			    "cannot quote text that is not valid UTF-8");
		return NULL;
	}
	pgt_buf_init(&b, 2 * strlen(text) + 8);
	/* Right whatever standard_conforming_strings says. */
	if (quote == '\'' && strchr(text, '\\'))
		pgt_buf_putc(&b, 'E');
	pgt_buf_putc(&b, quote);
	for (s = text; *s; s++) {
		if (*s == quote || (*s == '\\' && quote == '\''))
			pgt_buf_putc(&b, *s);
		pgt_buf_putc(&b, *s);
	}
	pgt_buf_putc(&b, quote);
	return pgt_buf_take(&b);
}

char *
pgt_quote_ident(const char *name, struct pgt_err *err)
{
	if (name && !*name) {
		pgt_err_set(err, PGT_E_PARSE, "a name cannot be empty");
		return NULL;
	}
	return quote_with(name, '"', err);
}

char *
pgt_quote_literal(const char *text, struct pgt_err *err)
{
	return quote_with(text, '\'', err);
}

/* kwlist.h of PostgreSQL 18: the words that are not usable bare as a table or
 * column name (RESERVED, TYPE_FUNC_NAME and COL_NAME). */
static const char *const keywords[] = {
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric",
    "authorization", "between", "bigint", "binary", "bit", "boolean", "both", "case",
    "cast", "char", "character", "check", "coalesce", "collate", "collation", "column",
    "concurrently", "constraint", "create", "cross", "current_catalog", "current_date",
    "current_role", "current_schema", "current_time", "current_timestamp",
    "current_user", "dec", "decimal", "default", "deferrable", "desc", "distinct", "do",
    "else", "end", "except", "exists", "extract", "false", "fetch", "float", "for",
    "foreign", "freeze", "from", "full", "grant", "greatest", "group", "grouping",
    "having", "ilike", "in", "initially", "inner", "inout", "int", "integer",
    "intersect", "interval", "into", "is", "isnull", "join", "json", "json_array",
    "json_arrayagg", "json_exists", "json_object", "json_objectagg", "json_query",
    "json_scalar", "json_serialize", "json_table", "json_value", "lateral", "leading",
    "least", "left", "like", "limit", "localtime", "localtimestamp", "merge_action",
    "national", "natural", "nchar", "none", "normalize", "not", "notnull", "null",
    "nullif", "numeric", "offset", "on", "only", "or", "order", "out", "outer",
    "overlaps", "overlay", "placing", "position", "precision", "primary", "real",
    "references", "returning", "right", "row", "select", "session_user", "setof",
    "similar", "smallint", "some", "substring", "symmetric", "system_user", "table",
    "tablesample", "then", "time", "timestamp", "to", "trailing", "treat", "trim",
    "true", "union", "unique", "user", "using", "values", "varchar", "variadic",
    "verbose", "when", "where", "window", "with", "xmlattributes", "xmlconcat",
    "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi",
    "xmlroot", "xmlserialize", "xmltable",
};

static int
keyword_cmp(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

char *
pgt_quote_ident_min(const char *name, struct pgt_err *err)
{
	size_t n = name ? strlen(name) : 0;

	/* as ruleutils.c quote_identifier(): a-z, 0-9 and _ only */
	if (n > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") == n &&
	    strspn(name, "0123456789") == 0 &&
	    !bsearch(name, keywords, PGT_LEN(keywords), sizeof(keywords[0]), keyword_cmp))
		return pgt_xstrdup(name);
	return pgt_quote_ident(name, err);
}

bool
pgt_quote_is_list_setting(const char *name)
{
	/* variable_is_guc_list_quote() of pg_dump's dumputils.c: GUC_LIST_QUOTE.
	 * Plain GUC_LIST_INPUT settings (log_destination, DateStyle) split one
	 * quoted string themselves, so they are not here. */
	static const char *const lists[] = {
	    "local_preload_libraries",	"search_path",	    "session_preload_libraries",
	    "shared_preload_libraries", "temp_tablespaces", "unix_socket_directories",
	};
	size_t i;

	for (i = 0; i < PGT_LEN(lists); i++)
		if (strcasecmp(name, lists[i]) == 0)
			return true;
	return false;
}
