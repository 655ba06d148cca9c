#include <math.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/optimize/heuristic.h"

/* How far off, on the unit axis, a value loses most of its credit. */
#define WIDTH 0.25
/* The reference's cap on what a memory overrun costs. */
#define MAX_PENALTY 0.5

/* What moves throughput most, by the studies named in numerics C; the rest weigh 0.5. */
static const struct {
	const char *name;
	double weight;
} weights[] = {
    {"shared_buffers", 3}, {"work_mem", 3},		{"max_wal_size", 2},
    {"random_page_cost", 2}, {"effective_cache_size", 1}, {"checkpoint_timeout", 1},
    {"max_parallel_workers_per_gather", 1},
};

static double
weight_of(const char *name)
{
	for (size_t i = 0; i < PGT_LEN(weights); i++)
		if (strcmp(weights[i].name, name) == 0)
			return weights[i].weight;
	return 0.5;
}

static double
usual_in_range(const struct pgt_dim *d, const struct pgt_knob_host *host,
	       enum pgt_knob_class cls)
{
	double v = pgt_knob_usual(d->knob, host, cls);

	for (int i = 0; i < d->n_special; i++)
		if (v == d->special[i])
			return v;
	return fmin(fmax(v, d->lo), d->hi);
}

void
pgt_heuristic_config(const struct pgt_space *s, const struct pgt_knob_host *host,
		     enum pgt_knob_class cls, const struct pgt_memory_model *mem,
		     double *value)
{
	int work_mem = pgt_space_find(s, "work_mem");

	for (size_t i = 0; i < s->n_dims; i++)
		value[i] = s->dims[i].knob ? usual_in_range(&s->dims[i], host, cls) : 0;
	if (work_mem < 0)
		return;
	while (!pgt_memory_allowed(mem, s, value) &&
	       value[work_mem] > s->dims[work_mem].lo) {
		double half = value[work_mem] / 2;

		value[work_mem] = fmax(half, s->dims[work_mem].lo);
	}
}

double
pgt_heuristic_score(const struct pgt_space *s, const struct pgt_knob_host *host,
		    enum pgt_knob_class cls, const struct pgt_memory_model *mem,
		    const double *value)
{
	double usual[PGT_SPACE_DIMS], u[PGT_SPACE_DIMS], v[PGT_SPACE_DIMS];
	double sum = 0, score = 0, over;

	pgt_heuristic_config(s, host, cls, mem, usual);
	pgt_space_encode(s, usual, u);
	pgt_space_encode(s, value, v);
	for (size_t i = 0; i < s->n_dims; i++) {
		double w, off = (v[i] - u[i]) / WIDTH;

		if (!s->dims[i].knob)
			continue;
		w = weight_of(s->dims[i].name);
		sum += w;
		score += w * exp(-off * off);
	}
	score = sum > 0 ? score / sum : 0.5;
	over = pgt_memory_need(mem, s, value) / mem->ram_bytes - mem->limit_share;
	if (over > 0)
		score -= fmin(MAX_PENALTY, over);
	return score < 0 ? 0 : score;
}
