/* Means of points over longer times: as they come, and of a range.  Pure. */
#include <math.h>
#include <string.h>

#include "pg2une/store/store.h"
#include "store_priv.h"

bool
pgt_downsample_add(struct pgt_downsample *d, const struct pgt_hist_point *p,
		   struct pgt_hist_point *ret)
{
	int64_t bucket = p->t_ms / (1000 * (int64_t)d->res_s);
	bool done = d->bucket != 0 && bucket != d->bucket;

	if (done) {
		ret->t_ms = d->bucket * 1000 * d->res_s;
		for (int i = 0; i < PGT_H_N; i++)
			ret->v[i] = d->n[i] ? d->sum[i] / d->n[i] : NAN;
	}
	if (done || d->bucket == 0) {
		memset(d->n, 0, sizeof(d->n));
		memset(d->sum, 0, sizeof(d->sum));
		d->bucket = bucket;
	}
	for (int i = 0; i < PGT_H_N; i++)
		if (!isnan(p->v[i])) {
			d->n[i]++;
			d->sum[i] += p->v[i];
		}
	return done;
}

size_t
pgt_hist_fold(struct pgt_hist_point *p, size_t n, int64_t step_ms)
{
	size_t out = 0;

	for (size_t i = 0, end; i < n; i = end) {
		struct pgt_hist_point mean = {.t_ms = p[i].t_ms / step_ms * step_ms};

		for (end = i; end < n && p[end].t_ms < mean.t_ms + step_ms; end++)
			;
		for (int c = 0; c < PGT_H_N; c++) {
			int known = 0;

			for (size_t k = i; k < end; k++)
				if (!isnan(p[k].v[c])) {
					mean.v[c] += p[k].v[c];
					known++;
				}
			mean.v[c] = known ? mean.v[c] / known : NAN;
		}
		p[out++] = mean;
	}
	return out;
}
