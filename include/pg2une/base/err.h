/* Errors.  A struct pgt_err is owned by the caller and passed last; functions
 * that take one return 0, or -1 with it filled in.  Any thread. */
#ifndef PG2UNE_BASE_ERR_H
#define PG2UNE_BASE_ERR_H

enum pgt_errcode {
	PGT_E_NONE = 0,
	PGT_E_USAGE,	   /* the caller's words are wrong: exit 2 */
	PGT_E_IO,	   /* a file or the local system failed */
	PGT_E_CONN,	   /* the connection failed or was lost */
	PGT_E_SQL,	   /* the server refused a statement; see sqlstate */
	PGT_E_TIMEOUT,	   /* a client-side deadline passed */
	PGT_E_DENIED,	   /* a privilege is missing */
	PGT_E_PARSE,	   /* malformed input */
	PGT_E_LIMIT,	   /* more data than the declared maximum */
	PGT_E_CONFLICT,	   /* somebody else holds it or changed it */
	PGT_E_UNSUPPORTED, /* this server, version or build cannot do it */
	PGT_E_NOTFOUND,
	PGT_E_STATE, /* not possible in the present state */
	PGT_E_NUMERIC, /* no finite answer (singular matrix, too few points) */
	PGT_E_CANCELLED,
};

struct pgt_err {
	enum pgt_errcode code;
	char sqlstate[6]; /* "" when the server said none */
	char msg[512];	  /* UTF-8, one line, safe text */
};

#define PGT_MUST_CHECK __attribute__((warn_unused_result))
#define PGT_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Fill err (which may be NULL) and return -1, so that "return pgt_err_set(...)" works. */
int pgt_err_set(struct pgt_err *err, enum pgt_errcode code, const char *fmt, ...)
    PGT_PRINTF(3, 4);

/* Put "prefix: " before the message that err holds. */
void pgt_err_prefix(struct pgt_err *err, const char *fmt, ...) PGT_PRINTF(2, 3);

void pgt_err_sqlstate(struct pgt_err *err, const char *sqlstate);
void pgt_err_clear(struct pgt_err *err);

/* A short lower-case name of the code, for JSON. */
const char *pgt_err_name(enum pgt_errcode code);

/* strerror without its static buffer: thread-local, valid to the next call. */
const char *pgt_strerror(int errnum);

#endif
