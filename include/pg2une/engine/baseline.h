/* Baselines: what `inspect` collects, with both samples, kept as one JSON
 * document under the cluster's fingerprint in the state folder; and the real
 * differences between two of them. */
#ifndef PG2UNE_ENGINE_BASELINE_H
#define PG2UNE_ENGINE_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

struct pgt_options;
struct pgt_session;

/* Take one and keep it as
 * STATE/clusters/FINGERPRINT/baselines/TIME.json, unless path names another
 * file; data gets "saved_to".  advise: the options by which "advice" is put in; NULL:
 * none. */
int pgt_baseline_take(struct pgt_session *s, uint32_t sections, int64_t interval_ns,
		      const struct pgt_options *advise, const char *path, cJSON **ret,
		      struct pgt_err *err) PGT_MUST_CHECK;

/* A document from a file, bare or in its envelope; PGT_E_PARSE when it is none. */
int pgt_baseline_read(const char *path, cJSON **ret, struct pgt_err *err) PGT_MUST_CHECK;

/* {identity, settings, queries, tables, waits, ...}; pure.  Only sections that
 * both have; others are named in notes. */
cJSON *pgt_baseline_diff(const cJSON *before, const cJSON *after);

#endif
