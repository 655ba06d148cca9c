/* Sections of what a server is and does, for `inspect` and `baseline` alike: one
 * registry, each section by itself, so that one that is missing (version,
 * extension, privilege) is a labelled gap and not a failure.
 *
 * With an interval two samples are taken.  A rate is computed only where both
 * belong to the same life of the counters: the same postmaster, the same
 * stats_reset (stats_since), and nothing that ran backwards; else the row is
 * marked invalid with the reason and carries no number. */
#ifndef PG2UNE_ENGINE_INSPECT_H
#define PG2UNE_ENGINE_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

struct pgt_session;

struct pgt_inspect_section {
	const char *name;
	const char *query;        /* of the catalogue */
	const char *reset;        /* query that tells stats_reset; NULL: a column does */
	const char *keys[5];      /* NULL-ended: what a row is known by */
	const char *counters[24]; /* NULL-ended; none: the section has no rates */
	int limit;                /* of the query: at so many rows, absent is not new */
	bool in_baseline;         /* part of a baseline unless others are named */
	const char *summary;
};

/* Ended by a NULL name. */
extern const struct pgt_inspect_section pgt_inspect_sections[];

/* "config,queries" into a set of bits by order in the table; NULL gives all, or
 * those of a baseline.  An unknown name is PGT_E_USAGE, naming the known ones. */
int pgt_inspect_choose(const char *list, bool baseline, uint32_t *ret,
		       struct pgt_err *err) PGT_MUST_CHECK;

/* Collect; interval_ns 0 takes one sample.  *ret: {identity, collected_at, mode,
 * interval_s, prerequisites, sections: {name: {...}}}; both_samples keeps sample1
 * and sample2 of each section, else data is the last one.  Fails only when the
 * server is gone. */
int pgt_inspect_run(struct pgt_session *s, uint32_t sections, int64_t interval_ns,
		    bool both_samples, cJSON **ret, struct pgt_err *err) PGT_MUST_CHECK;

/* The rates of one section, from two samples seconds apart; pure.  The caller
 * frees {valid, reason, interval_s, rows}. */
cJSON *pgt_inspect_rates(const struct pgt_inspect_section *sec, const cJSON *rows1,
			 const cJSON *rows2, const char *reset1, const char *reset2,
			 bool restarted, double seconds);

#endif
