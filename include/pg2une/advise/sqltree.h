/* PostgreSQL's own parser (libpg_query) as a tree of JSON.  The library is opened on
 * first use: most of a console's start needs no parser, and relocating its tables is
 * 2 ms and 0.2 MB of every session.  Pure; any thread. */
#ifndef PG2UNE_ADVISE_SQLTREE_H
#define PG2UNE_ADVISE_SQLTREE_H

#include <stddef.h>

#include "pg2une/base/json.h"

/* The parse tree of a text, "stmts" and below; the caller frees.  NULL when it is not
 * understood or its tree is longer than max_bytes (PGT_E_PARSE), or the library is
 * missing (PGT_E_UNSUPPORTED, with the package to install). */
cJSON *pgt_sqltree_parse(const char *text, size_t max_bytes, struct pgt_err *err);

#endif
