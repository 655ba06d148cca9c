/* The inside of the sampler: link.c owns every change of the link's state,
 * batch.c what is asked in one tick, sampler.c the loop around them. */
#ifndef PG2UNE_OBSERVE_SAMPLER_PRIV_H
#define PG2UNE_OBSERVE_SAMPLER_PRIV_H

#include "pg2une/base/buf.h"
#include "pg2une/pg/conn.h"
#include "obs_priv.h"

#define BATCH_MAX 48
#define HISTORY	  32

/* When a collector is due, and what it costs. */
struct slot {
	int64_t due_ns;	  /* mono */
	double cost_ms;	  /* on the server, by its clock; NAN before */
	int n_costs;	  /* how often it was measured on this line */
	bool failed;	  /* last time; tried again on the slow clock */
	char *sql;	  /* with the extension's schema in; this connection's */
	const char *src;  /* what sql was made from */
};

enum phase {
	PH_CLOSED,
	PH_CONNECTING,
	PH_IDENTITY, /* who is it, and what may we see */
	PH_CAPS,     /* the latter again, between two ticks */
	PH_PROBES,   /* of either: does each extension answer */
	PH_IDLE,
	PH_BATCH,
	PH_ENCODING
};

/* One statement of the batch in flight: a collector's, or a mark of the time. */
struct asked {
	int collector; /* index; -1: a mark */
};

struct pgt_sampler {
	struct pgt_connspec *spec;
	struct pgt_conn *conn;
	struct obs *obs;
	struct pgt_trace *trace;
	struct pgt_link_state link;
	enum phase phase;
	bool paused, kicked, first_of_link, raw_encoding;
	unsigned wanted;
	uint32_t jitter;

	struct slot *slots; /* one a collector */
	struct asked asked[BATCH_MAX];
	size_t n_asked;
	struct pgt_buf params[2 * BATCH_MAX];

	int64_t next_tick_ns, sent_ns, effective_ns, asked_interval_ns;
	double tick_ms[HISTORY], server_ms[HISTORY]; /* rings */
	size_t n_ticks;
	uint64_t statements_before, statements_sent;
	int64_t cpu_at_ns, cpu_ns; /* last reading, ten seconds apart at most */
	double cpu_pct;
	bool is_local;
	int backend_pid;	 /* as the server numbers it */
	struct pgt_identity identity; /* of the line that is being made */
	struct pgt_caps_probes probes;
	bool rechecking, pooled;
	int64_t caps_ns; /* when they were last asked for */
	int64_t backend_cpu_ns;  /* at the end of the last tick; -1 unknown */
};

/* link.c */
void link_connect(struct pgt_sampler *s);
/* The connection is CLOSED: say why, and when it is tried again. */
void link_lost(struct pgt_sampler *s);
/* A line that can never serve (a pooler's console): no retry. */
void link_refuse(struct pgt_sampler *s);
/* After the answers of IDENTITY, CAPS and PROBES; each sends what comes next, and the
 * last leaves the sampler IDLE. */
void link_identified(struct pgt_sampler *s);
void link_caps_answered(struct pgt_sampler *s);
void link_probed(struct pgt_sampler *s);
/* Ask again what we may see, when a privilege is gone or may have come.  Only between
 * two ticks. */
void link_recheck(struct pgt_sampler *s);
int link_ask_identity(struct pgt_sampler *s);

/* batch.c */
void batch_forget(struct pgt_sampler *s); /* due times and texts of this connection */
int batch_send(struct pgt_sampler *s);
/* All results are in: feed them and build. */
const struct pgt_snapshot *batch_finish(struct pgt_sampler *s);
/* When the next tick is to be, given what the last ones cost. */
void batch_schedule(struct pgt_sampler *s);

/* host.c */
bool host_is_local(const struct pgt_sampler *s, int backend_pid);
int64_t host_process_cpu_ns(int pid);

/* trace.c; a NULL trace is no trace */
void trace_sample(struct pgt_trace *t, const struct obs_tick *tick,
		  const struct obs_rows *rows, const int *collectors, size_t n);
/* Identity or capabilities changed. */
void trace_epoch(struct pgt_trace *t, const struct pgt_sampler *s);

#endif
