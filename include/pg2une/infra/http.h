/* One HTTP request on libcurl, for Patroni and mxc.  http and https only,
 * redirects off, no signals, the reply capped.  Waits up to its timeout: exec
 * thread or command line. */
#ifndef PG2UNE_INFRA_HTTP_H
#define PG2UNE_INFRA_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

#define PGT_HTTP_REPLY_MAX (4u << 20)

struct pgt_http_auth { /* all may be NULL; strings are borrowed */
	const char *bearer;
	const char *user, *password; /* basic */
	const char *ca_file;	     /* https: verify against this */
};

/* method: GET, POST, PATCH, DELETE.  body (JSON text) may be NULL.  *ret_status is
 * the status; reply (initialised by the caller) gets the raw body.  -1 only when
 * no answer came: PGT_E_CONN, PGT_E_TIMEOUT, PGT_E_LIMIT, PGT_E_USAGE. */
int pgt_http(const char *method, const char *url, const struct pgt_http_auth *auth,
	     const char *body, int64_t timeout_ns, long *ret_status,
	     struct pgt_buf *reply, struct pgt_err *err) PGT_MUST_CHECK;

/* The same, the reply parsed: *ret is the caller's, NULL for an empty body.  A
 * reply that is not JSON is PGT_E_PARSE for status < 400, else *ret is NULL. */
int pgt_http_json(const char *method, const char *url, const struct pgt_http_auth *auth,
		  const cJSON *body, int64_t timeout_ns, long *ret_status, cJSON **ret,
		  struct pgt_err *err) PGT_MUST_CHECK;

/* A token or password from a file that only we may read; the caller frees. */
int pgt_http_secret(const char *path, char **ret, struct pgt_err *err) PGT_MUST_CHECK;

#endif
