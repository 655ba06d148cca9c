#include <stdlib.h>

#include "pg2une/observe/trace.h"
#include "sampler_priv.h"

void
trace_epoch(struct pgt_trace *t)
{
	(void)t;
}

void
trace_sample(struct pgt_trace *t, const struct pgt_sampler *s, const struct obs_tick *tick,
		  const struct obs_rows *rows, const int *collectors, size_t n)
{
	(void)t; (void)s; (void)tick; (void)rows; (void)collectors; (void)n;
}
