/* One connection of a command, which waits for each answer: what inspection,
 * reports and baselines are made over.  Answers are cJSON trees whose text is
 * safe and whose secrets are redacted.  One owner thread. */
#ifndef PG2UNE_ENGINE_SESSION_H
#define PG2UNE_ENGINE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

struct pgt_caps;
struct pgt_conn;
struct pgt_identity;
struct pgt_options;
struct pgt_session;

/* Connect as the options say; password may be NULL.  *ret_needs_password tells a
 * failure for want of one. */
int pgt_session_open(const struct pgt_options *o, const char *password,
		     struct pgt_session **ret, bool *ret_needs_password,
		     struct pgt_err *err) PGT_MUST_CHECK;
void pgt_session_close(struct pgt_session *s);

int pgt_session_version(const struct pgt_session *s); /* server_version_num */
struct pgt_conn *pgt_session_conn(struct pgt_session *s);
/* Read on first use, then kept. */
int pgt_session_caps(struct pgt_session *s, const struct pgt_caps **ret,
		     struct pgt_err *err) PGT_MUST_CHECK;
int pgt_session_identity(struct pgt_session *s, const struct pgt_identity **ret,
			 struct pgt_err *err) PGT_MUST_CHECK;

/* Rows of a query of the catalogue as an array of objects, which the caller
 * frees; an extension's query is chosen by the extension's version.  A version
 * without the query, or a missing extension, is PGT_E_UNSUPPORTED. */
int pgt_session_rows(struct pgt_session *s, const char *query, const char *const *params,
		     int n_params, cJSON **ret, struct pgt_err *err) PGT_MUST_CHECK;
/* Wait, noticing when the server goes away. */
int pgt_session_wait(struct pgt_session *s, int64_t ns,
		     struct pgt_err *err) PGT_MUST_CHECK;

/* As JSON: the identity; the prerequisites, each {name, available, version,
 * error, fix}.  The caller frees. */
int pgt_session_identity_json(struct pgt_session *s, cJSON **ret,
			      struct pgt_err *err) PGT_MUST_CHECK;
int pgt_session_prerequisites(struct pgt_session *s, cJSON **ret,
			      struct pgt_err *err) PGT_MUST_CHECK;

#endif
