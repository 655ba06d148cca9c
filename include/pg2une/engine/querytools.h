/* The reports behind `query ...`: each answers a cJSON object that the caller
 * frees.  They only read; analyze runs its statement in a read-only transaction
 * that is always rolled back. */
#ifndef PG2UNE_ENGINE_QUERYTOOLS_H
#define PG2UNE_ENGINE_QUERYTOOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

struct pgt_options;
struct pgt_session;

/* Rows below which no index is suggested: a scan of so few is cheap. */
#define PGT_INDEX_MIN_ROWS 10000

/* sort: total_time mean_time max_time calls rows reads temp wal. */
int pgt_query_top(struct pgt_session *s, const char *sort, int64_t limit, cJSON **ret,
		  struct pgt_err *err) PGT_MUST_CHECK;
/* execute false: the plan alone. */
int pgt_query_analyze(struct pgt_session *s, const char *sql, bool execute,
		      int64_t timeout_ns, cJSON **ret,
		      struct pgt_err *err) PGT_MUST_CHECK;
/* table may be NULL; one that is not there is PGT_E_NOTFOUND. */
int pgt_query_index_suggest(struct pgt_session *s, const struct pgt_options *o,
			    const char *table, cJSON **ret,
			    struct pgt_err *err) PGT_MUST_CHECK;
int pgt_query_locks(struct pgt_session *s, cJSON **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;
int pgt_query_bloat(struct pgt_session *s, int64_t limit, cJSON **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;
int pgt_query_vacuum_health(struct pgt_session *s, int64_t limit, cJSON **ret,
			    struct pgt_err *err) PGT_MUST_CHECK;

#endif
