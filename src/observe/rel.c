#include <math.h>
#include <stdlib.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "rel_priv.h"

struct row {
	uint64_t id;
	double v[OBS_REL_MAX];
};

struct table {
	struct row *rows;
	size_t n, cap;
	int64_t mono_ns, epoch_us;
};

/* Rows come in whatever order the server likes: the old reading is sorted once,
 * the new one is appended to. */
struct obs_rel {
	struct table old, new;
};

struct obs_rel *
obs_rel_new(void)
{
	return pgt_xcalloc(1, sizeof(struct obs_rel));
}

void
obs_rel_free(struct obs_rel *r)
{
	if (!r)
		return;
	free(r->old.rows);
	free(r->new.rows);
	free(r);
}

void
obs_rel_forget(struct obs_rel *r)
{
	r->old.n = r->new.n = 0;
	r->old.mono_ns = r->new.mono_ns = 0;
}

void
obs_rel_begin(struct obs_rel *r, int64_t mono_ns, int64_t epoch_us)
{
	r->new.n = 0;
	r->new.mono_ns = mono_ns;
	r->new.epoch_us = epoch_us;
}

static int
row_cmp(const void *a, const void *b)
{
	uint64_t x = ((const struct row *)a)->id, y = ((const struct row *)b)->id;

	return (x > y) - (x < y);
}

static const struct row *
row_find(const struct table *t, uint64_t id)
{
	struct row key = {.id = id};

	return t->n ? bsearch(&key, t->rows, t->n, sizeof(key), row_cmp) : NULL;
}

double
obs_rel_delta(struct obs_rel *r, uint64_t id, const double *v, double *d, size_t n)
{
	const struct row *old = NULL;
	struct row *row;
	bool back = false;
	size_t i;

	if (r->new.n == r->new.cap) {
		r->new.cap = r->new.cap ? 2 * r->new.cap : 64;
		r->new.rows = pgt_xreallocarray(r->new.rows, r->new.cap,
						sizeof(*r->new.rows));
	}
	row = &r->new.rows[r->new.n++];
	row->id = id;
	for (i = 0; i < n; i++)
		row->v[i] = v[i];
	if (r->old.mono_ns && r->old.epoch_us == r->new.epoch_us &&
	    r->new.mono_ns > r->old.mono_ns)
		old = row_find(&r->old, id);
	for (i = 0; i < n; i++) {
		d[i] = old ? v[i] - old->v[i] : NAN;
		back |= d[i] < 0;
	}
	for (i = 0; back && i < n; i++)
		d[i] = NAN;
	if (!old || back)
		return NAN;
	return (double)(r->new.mono_ns - r->old.mono_ns) / (double)PGT_NS_PER_S;
}

void
obs_rel_end(struct obs_rel *r)
{
	struct table t = r->old;

	r->old = r->new;
	r->new = t;
	if (r->old.n)
		qsort(r->old.rows, r->old.n, sizeof(*r->old.rows), row_cmp);
}
