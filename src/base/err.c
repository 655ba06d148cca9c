#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pg2une/base/err.h"
#include "pg2une/base/safetext.h"

int
pgt_err_set(struct pgt_err *err, enum pgt_errcode code, const char *fmt, ...)
{
	char raw[sizeof(err->msg)];
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	err->code = code;
	err->sqlstate[0] = '\0';
	/* A message goes to every sink; a path or an argument in it came from
	 * anywhere. */
	pgt_safetext_copy(err->msg, sizeof(err->msg), raw);
	return -1;
}

void
pgt_err_prefix(struct pgt_err *err, const char *fmt, ...)
{
	char raw[2 * sizeof(err->msg)];
	va_list ap;
	int n;

	if (!err)
		return;
	va_start(ap, fmt);
	n = vsnprintf(raw, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	n = (int)strlen(raw);
	snprintf(raw + n, sizeof(raw) - (size_t)n, ": %s", err->msg);
	pgt_safetext_copy(err->msg, sizeof(err->msg), raw);
}

void
pgt_err_sqlstate(struct pgt_err *err, const char *sqlstate)
{
	if (err)
		snprintf(err->sqlstate, sizeof(err->sqlstate), "%s",
			 sqlstate ? sqlstate : "");
}

void
pgt_err_clear(struct pgt_err *err)
{
	if (err)
		memset(err, 0, sizeof(*err));
}

const char *
pgt_err_name(enum pgt_errcode code)
{
	static const char *const names[] = {
	    [PGT_E_NONE] = "none",	   [PGT_E_USAGE] = "usage",
	    [PGT_E_IO] = "io",		   [PGT_E_CONN] = "connection",
	    [PGT_E_SQL] = "sql",	   [PGT_E_TIMEOUT] = "timeout",
	    [PGT_E_DENIED] = "denied",	   [PGT_E_PARSE] = "parse",
	    [PGT_E_LIMIT] = "limit",	   [PGT_E_CONFLICT] = "conflict",
	    [PGT_E_NOTFOUND] = "notfound", [PGT_E_UNSUPPORTED] = "unsupported",
	    [PGT_E_STATE] = "state",	   [PGT_E_NUMERIC] = "numeric",
	    [PGT_E_CANCELLED] = "cancelled",
	};

	return code < sizeof(names) / sizeof(names[0]) ? names[code] : "unknown";
}

const char *
pgt_strerror(int errnum)
{
	static _Thread_local char buf[128];

	return strerror_r(errnum, buf, sizeof(buf));
}
