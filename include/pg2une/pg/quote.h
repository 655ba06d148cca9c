/* Quoting without a connection: names and literals, as text; client_encoding is
 * always UTF8 here and standard_conforming_strings is not relied upon.  The
 * caller frees; invalid UTF-8 gives NULL with err. Pure. */
#ifndef PG2UNE_PG_QUOTE_H
#define PG2UNE_PG_QUOTE_H

#include <stdbool.h>

#include "pg2une/base/err.h"

char *pgt_quote_ident(const char *name, struct pgt_err *err);   /* always "quoted" */
char *pgt_quote_literal(const char *text, struct pgt_err *err); /* 'x' or E'x' */
/* Like quote_ident but bare when the name needs no quotes: for display. */
char *pgt_quote_ident_min(const char *name, struct pgt_err *err);
/* True for settings that are lists of names (pg_dump's GUC_LIST_QUOTE set):
 * shared_preload_libraries, search_path, temp_tablespaces, ... */
bool pgt_quote_is_list_setting(const char *name);

#endif
