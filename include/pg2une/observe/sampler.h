/* The sampler: takes one sample an interval over a non-blocking connection and
 * turns two samples into a snapshot.  Owner: the engine thread, which polls.
 *
 * One pipelined batch a tick, one in flight, never queued.  Slow-clock
 * sections ride along when they are due.  After an error of a section it is
 * retried on a slow clock with its reason shown.  The interval backs off to
 * 4 x p95 of the tick time, and when the server cost passes 5% of a core. */
#ifndef PG2UNE_OBSERVE_SAMPLER_H
#define PG2UNE_OBSERVE_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/observe/snapshot.h"

struct pgt_connspec;
struct pgt_caps;

struct pgt_sampler_opts {
	int64_t interval_ns;	     /* 0.2 s to 60 s; default 1 s */
	int64_t slow_interval_ns;    /* tables, indexes, settings: default 60 s */
	int64_t statements_window_ns;/* default 10 s */
	size_t max_queries;	     /* rows kept in a snapshot: default 200 */
	size_t max_activity;	     /* default 1,000 */
	const char *cluster_name, *environment; /* shown; may be NULL */
	bool read_only;
};

enum pgt_link { PGT_LINK_CONNECTING, PGT_LINK_UP, PGT_LINK_LOST, PGT_LINK_DENIED };

struct pgt_link_state {
	enum pgt_link link;
	int64_t since_ns;     /* mono */
	int64_t next_try_ns;  /* mono; 0 when up */
	int attempts;
	bool needs_password;  /* DENIED for want of one: pgt_sampler_set_password() */
	struct pgt_err error; /* of the last failure: text says what to do */
};

struct pgt_sampler;

struct pgt_sampler *pgt_sampler_new(const struct pgt_connspec *spec,
				    const struct pgt_sampler_opts *opts);
void pgt_sampler_free(struct pgt_sampler *s);

/* For the owner's poll(): descriptor (-1 none), events, and when to call anyway. */
int pgt_sampler_fd(const struct pgt_sampler *s);
short pgt_sampler_events(const struct pgt_sampler *s);
int64_t pgt_sampler_wakeup_ns(const struct pgt_sampler *s);
/* Do what can be done now.  A finished snapshot is returned with a reference
 * for the caller, else NULL. */
const struct pgt_snapshot *pgt_sampler_step(struct pgt_sampler *s);

const struct pgt_link_state *pgt_sampler_link(const struct pgt_sampler *s);
const struct pgt_caps *pgt_sampler_caps(const struct pgt_sampler *s); /* NULL before */

void pgt_sampler_set_interval(struct pgt_sampler *s, int64_t interval_ns);
void pgt_sampler_pause(struct pgt_sampler *s, bool pause);
void pgt_sampler_kick(struct pgt_sampler *s); /* sample now; retry the link now */
void pgt_sampler_set_password(struct pgt_sampler *s, const char *password);
/* Sections that somebody looks at (bits 1 << pgt_section_id): collected each
 * tick if cheap, at once if slow.  The overview's are always collected.
 * PGT_WANT_IDLE may be among them. */
void pgt_sampler_want(struct pgt_sampler *s, unsigned section_bits);
/* Texts to fetch with the next tick, for the rows on screen. */
struct pgt_trace;
/* Also write each sample there (observe/trace.h); NULL ends it.  Borrowed. */
void pgt_sampler_record(struct pgt_sampler *s, struct pgt_trace *trace);
void pgt_sampler_want_texts(struct pgt_sampler *s, const struct pgt_query_key *keys,
			    size_t n);

#endif
