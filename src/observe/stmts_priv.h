/* The inside of the statements section, shared by stmts.c and stmts_build.c. */
#ifndef PG2UNE_OBSERVE_STMTS_PRIV_H
#define PG2UNE_OBSERVE_STMTS_PRIV_H

#include "obs_priv.h"
#include "pg2une/num/shape.h"

/* Counters of one entry, in the order of the query's columns. */
enum {
	S_CALLS, S_TOTAL, S_ROWS, S_HIT, S_READ, S_DIRTIED, S_WRITTEN, S_TEMP_READ,
	S_TEMP_WRITTEN, S_IO, S_WAL, S_PLAN, S_PLANS, S_JIT, S_N,
	S_STDDEV = S_N, S_MAX, /* not counters, but read with them */
	S_ALL
};

struct obs_moment { /* what the percentiles need of one reading */
	double calls, total, stddev;
};

/* Two generations of base readings: the window reaches back to the older one.
 * A new generation begins when the younger has lived half a window. */
struct obs_base {
	double cur[S_ALL];
	double v[2][S_N];
	struct obs_moment lat[2];
	double p99_ms, var_ms2; /* of the reading at p99_ns; NAN: not to be told */
	int64_t p99_ns;		/* 0: not yet reckoned */
};

/* Most entries rest: only one that changed within the windows has base readings;
 * for all others they are the present one, of which only what is not 0 is kept. */
struct obs_entry {
	struct pgt_query_key key;
	double calls;
	struct obs_base *base; /* NULL: at rest */
	double *rest;	       /* at rest: the values whose bits are set */
	uint16_t rest_bits;
	int64_t born_ns; /* when we first saw it, 0: with the first reading */
	char *text;	 /* safe; NULL until asked for */
	bool ours;
	bool wanted, tried; /* text: is to be fetched, was asked for once */
};

struct obs_gen {
	int64_t at_ns[2];  /* mono of the older and the younger reading; 0: none */
	double dealloc[2];
	double active_ms[2], xacts[2]; /* of pg_stat_database, all databases */
};

struct obs_name {
	char kind;
	uint32_t oid;
	char *name;
};

/* Ages of one statement's calls, as the samples saw them; of all users alike, since
 * a session's row names its user, not its number. */
struct obs_aged {
	int64_t queryid;
	uint32_t dbid;
	struct pgt_ages ages;
};

struct obs_stmts {
	struct obs_entry *entries;
	size_t n_used, cap;
	uint32_t *index; /* by key: 1 + its entry; open addressing, 0 is free */
	size_t n_index;	 /* a power of two */
	struct obs_gen gen, lat;
	int64_t taken_ns;
	double last_active_ms, last_xacts; /* with the last reading */
	bool have_base;	       /* a complete reading came before */
	bool reset;	       /* pg_stat_statements was reset in this window */
	int64_t total, max; /* entries of the view, and its limit */
	double dealloc;
	int64_t reset_us;
	struct obs_name *names;
	size_t n_names;
	bool names_missing;    /* an oid without a name was seen */
	struct obs_aged *aged;
	size_t n_aged;
	struct pgt_latency latency; /* of the reading at latency_ns */
	int64_t latency_ns;
};

/* NULL: never seen running. */
const struct pgt_ages *obs_ages_of(const struct obs_stmts *st,
				   const struct pgt_query_key *key);
/* A new reading dt_ns after the last: what was seen long ago counts less. */
void obs_ages_turn(struct obs_stmts *st, int64_t dt_ns);
void obs_ages_forget(struct obs_stmts *st);

/* stmts_latency.c: percentiles of all calls, and of one entry's. */
void obs_stmts_latency(struct obs *o, struct pgt_latency *l);
double obs_stmts_p99(const struct obs *o, const struct obs_entry *e, int base,
		     double *ret_var);
/* Which generation the window reaches back to. */
int obs_gen_base(const struct obs_gen *g, int64_t now_ns, int64_t window_ns);

/* The row of this key, made when absent and create is set. */
struct obs_entry *obs_stmts_entry(struct obs_stmts *st, const struct pgt_query_key *key,
				  bool create);
/* The first rows of s are to have their texts. */
void obs_stmts_ask(struct obs *o, const struct pgt_snapshot *s);
const char *obs_stmts_name(const struct obs_stmts *st, char kind, uint32_t oid);

#endif
