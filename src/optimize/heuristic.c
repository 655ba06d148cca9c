#include <math.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/optimize/heuristic.h"

/* How far off, on the unit axis, a value loses most of its credit. */
#define WIDTH 0.25
/* Below this pgtune says nothing of parallelism. */
#define FEW_CORES 4
/* The reference's cap on what a memory overrun costs. */
#define MAX_PENALTY 0.5

/* What moves throughput most and what hardly does, by the studies named in numerics C
 * (OtterTune, LlamaTune, DBtune's choice); the rest weigh 1. */
static const struct {
	const char *name;
	double weight;
} weights[] = {
    {"shared_buffers", 3},
    {"work_mem", 3},
    {"max_wal_size", 2},
    {"random_page_cost", 2},
    {"checkpoint_timeout", 1.5},
    {"max_parallel_workers_per_gather", 1.5},
    {"max_parallel_workers", 0.5},
    {"maintenance_work_mem", 0.5},
    {"checkpoint_completion_target", 0.2},
    {"min_wal_size", 0.2},
    {"bgwriter_delay", 0.2},
};

double
pgt_heuristic_weight(const char *name)
{
	for (size_t i = 0; i < PGT_LEN(weights); i++)
		if (strcmp(weights[i].name, name) == 0)
			return weights[i].weight;
	return 1;
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

static double
floor_to(double v, double grain)
{
	return floor(v / grain) * grain;
}

static void
lower_until_allowed(const struct pgt_space *s, const struct pgt_memory_model *mem,
		    const char *name, double floor, double *value)
{
	int at = pgt_space_find(s, name);

	if (at < 0)
		return;
	floor = fmax(floor, s->dims[at].lo);
	while (!pgt_memory_allowed(mem, s, value) && value[at] > floor)
		value[at] = fmax(value[at] * 0.8, floor);
	if (s->dims[at].grain > 0)
		value[at] = fmax(s->dims[at].lo,
				 floor_to(value[at], s->dims[at].grain));
}

/* All autovacuum workers together should not take more than a tenth of the memory. */
static void
share_vacuum_memory(const struct pgt_space *s, const struct pgt_knob_host *host,
		    const struct pgt_memory_model *mem, double *value)
{
	int at = pgt_space_find(s, "maintenance_work_mem");
	double most = 0.1 * host->ram_bytes / fmax(1, mem->autovacuum_max_workers);

	if (at < 0 || mem->autovacuum_work_mem >= 0 || value[at] <= most)
		return;
	value[at] = fmax(s->dims[at].lo, floor_to(most, s->dims[at].grain));
}

/* Three autovacuum workers at a generous maintenance_work_mem can take what every query
 * needs: that one gives way first. */
static void
fit_memory(const struct pgt_space *s, const struct pgt_knob_host *host,
	   const struct pgt_memory_model *mem, double *value)
{
	lower_until_allowed(s, mem, "maintenance_work_mem", host->ram_bytes / 64, value);
	lower_until_allowed(s, mem, "work_mem", 0, value);
	lower_until_allowed(s, mem, "maintenance_work_mem", 0, value);
}

void
pgt_heuristic_config(const struct pgt_space *s, const struct pgt_knob_host *host,
		     enum pgt_knob_class cls, const struct pgt_memory_model *mem,
		     double *value)
{
	for (size_t i = 0; i < s->n_dims; i++)
		value[i] = s->dims[i].knob ? usual_in_range(&s->dims[i], host, cls) : 0;
	share_vacuum_memory(s, host, mem, value);
	fit_memory(s, host, mem, value);
}

void
pgt_heuristic_keep_workers(const struct pgt_space *s, const struct pgt_knob_host *host,
			   const struct pgt_memory_model *mem, const double *baseline,
			   double *value)
{
	if (host->cores >= FEW_CORES)
		return;
	for (size_t i = 0; i < s->n_dims; i++)
		if (s->dims[i].knob && s->dims[i].knob->base == PGT_BASE_CORES)
			value[i] = baseline[i];
	/* More workers may take more memory than fewer did. */
	fit_memory(s, host, mem, value);
}

static void
at_most(const struct pgt_space *s, const char *name, double most, double *value)
{
	int at = pgt_space_find(s, name);

	if (at < 0 || value[at] <= most)
		return;
	if (s->dims[at].grain > 0)
		most = floor_to(most, s->dims[at].grain);
	value[at] = fmax(s->dims[at].lo, most);
}

/* What costs no memory goes to the middle of its range: were every guess to share the
 * rules' values, nothing would be learned of them. */
static void
middle(const struct pgt_space *s, double *value)
{
	double unit[PGT_SPACE_DIMS], mid[PGT_SPACE_DIMS];
	bool moved[PGT_SPACE_DIMS] = {false};

	pgt_space_encode(s, value, unit);
	for (size_t i = 0; i < s->n_dims; i++) {
		const struct pgt_dim *d = &s->dims[i];
		double from = d->n_special ? PGT_SPACE_SPECIAL_SHARE : 0;

		moved[i] = d->knob && d->knob->base == PGT_BASE_ONE &&
			   (d->kind == PGT_DIM_REAL || d->kind == PGT_DIM_INTEGER) &&
			   unit[i] >= from && !pgt_memory_model_reads(d->name);
		if (moved[i])
			unit[i] = (from + 1) / 2;
	}
	pgt_space_decode(s, unit, mid);
	for (size_t i = 0; i < s->n_dims; i++)
		if (moved[i])
			value[i] = mid[i];
}

void
pgt_heuristic_sorts_config(const struct pgt_space *s, const struct pgt_knob_host *host,
			   enum pgt_knob_class cls, const struct pgt_memory_model *mem,
			   double *value)
{
	int at = pgt_space_find(s, "work_mem");
	double last, workers = fmax(2, host->cores / 2.0);

	pgt_heuristic_config(s, host, cls, mem, value);
	middle(s, value);
	at_most(s, "maintenance_work_mem", host->ram_bytes / 64, value);
	/* Memory is taken by all together; one query alone may have them. */
	at_most(s, "max_parallel_workers_per_gather", workers, value);
	at_most(s, "max_parallel_workers", workers, value);
	if (at < 0)
		return;
	do {
		last = value[at];
		value[at] = fmin(s->dims[at].hi, last * 1.05);
	} while (value[at] > last && pgt_memory_allowed(mem, s, value));
	value[at] = s->dims[at].grain > 0 ? floor_to(last, s->dims[at].grain) : last;
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
		w = pgt_heuristic_weight(s->dims[i].name);
		sum += w;
		score += w * exp(-off * off);
	}
	score = sum > 0 ? score / sum : 0.5;
	over = pgt_memory_need(mem, s, value) / mem->ram_bytes - mem->limit_share;
	if (over > 0)
		score -= fmin(MAX_PENALTY, over);
	return score < 0 ? 0 : score;
}
