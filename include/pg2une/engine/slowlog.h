/* Slow statements from the server's log (csvlog, jsonlog or stderr lines, with
 * auto_explain's plans), read through the server or from a local file.  The
 * parser is pure and takes any bytes. */
#ifndef PG2UNE_ENGINE_SLOWLOG_H
#define PG2UNE_ENGINE_SLOWLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

struct pgt_session;

enum pgt_log_format {
	PGT_LOGFMT_AUTO,
	PGT_LOGFMT_CSV,
	PGT_LOGFMT_JSON,
	PGT_LOGFMT_STDERR
};

struct pgt_slowlog_filter {
	double threshold_ms;
	int64_t since_ns; /* not older than that before now; 0 for all */
	int64_t limit;    /* the slowest */
};

/* Read log text into an array of {time, duration_ms, pid, username, database,
 * application_name, queryid, query, plan}, slowest first; what is not there is
 * null.  The first line may be torn.  The caller frees. */
cJSON *pgt_slowlog_parse(const char *text, size_t len, enum pgt_log_format format,
			 const struct pgt_slowlog_filter *f, int64_t now_real_ns);

/* file NULL: ask the server for its current log; without one, or without the
 * permission, pg_stat_statements answers and "source" and "notes" say so.  With
 * a file, s may be NULL. */
int pgt_slowlog_run(struct pgt_session *s, const char *file,
		    const struct pgt_slowlog_filter *f, cJSON **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;

#endif
