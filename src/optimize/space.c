#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/optimize/space.h"

/* One wide range: about 40 steps tell apart all that a noisy server can show
 * (numerics B.1; LlamaTune buckets wide ranges for the same reason). */
#define WIDE_STEPS 40

void
pgt_space_init(struct pgt_space *s)
{
	memset(s, 0, sizeof(*s));
}

static size_t
kernel_width(const struct pgt_dim *d)
{
	return d->kind == PGT_DIM_ENUM && d->n_choices > 2 ? (size_t)d->n_choices : 1;
}

int
pgt_space_find(const struct pgt_space *s, const char *name)
{
	for (size_t i = 0; i < s->n_dims; i++)
		/* Asked for each candidate of a search: most names differ at once. */
		if (s->dims[i].name[0] == name[0] &&
		    strcmp(s->dims[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* Kept, since every candidate of a search is mended by the rules. */
static void
place_rules(struct pgt_space *s)
{
	for (size_t i = 0; i < pgt_knob_rule_count() && i < PGT_SPACE_RULES; i++) {
		const struct pgt_knob_rule *r = pgt_knob_rule_at(i);

		s->rule_at[i][0] = pgt_space_find(s, r->name);
		s->rule_at[i][1] = pgt_space_find(s, r->other);
	}
}

int
pgt_space_add(struct pgt_space *s, const struct pgt_dim *dim, struct pgt_err *err)
{
	struct pgt_dim *d;
	size_t width = kernel_width(dim);

	if (s->n_dims == PGT_SPACE_DIMS || s->n_kernel + width > PGT_SPACE_KERNEL)
		return pgt_err_set(err, PGT_E_LIMIT,
				   "search space is full at %zu dimensions", s->n_dims);
	if (!(dim->lo < dim->hi) || (dim->log2 && dim->lo <= 0) || dim->n_special > 2 ||
	    (dim->kind == PGT_DIM_ENUM &&
	     (dim->n_choices < 2 || dim->n_choices > PGT_SPACE_CHOICES)))
		return pgt_err_set(err, PGT_E_USAGE, "dimension %s makes no sense",
				   dim->name);
	if (pgt_space_find(s, dim->name) >= 0)
		return pgt_err_set(err, PGT_E_USAGE, "dimension %s twice", dim->name);
	d = &s->dims[s->n_dims];
	*d = *dim;
	if (d->kind == PGT_DIM_INTEGER && d->grain <= 0)
		d->grain = 1;
	s->kernel_at[s->n_dims++] = s->n_kernel;
	s->n_kernel += width;
	place_rules(s);
	return 0;
}

int
pgt_space_add_real(struct pgt_space *s, const char *name, double lo, double hi,
		   struct pgt_err *err)
{
	struct pgt_dim d = {.kind = PGT_DIM_REAL, .lo = lo, .hi = hi};

	snprintf(d.name, sizeof(d.name), "%s", name);
	return pgt_space_add(s, &d, err);
}

int
pgt_space_add_bool(struct pgt_space *s, const char *name, struct pgt_err *err)
{
	struct pgt_dim d = {.kind = PGT_DIM_BOOL, .hi = 1};

	snprintf(d.name, sizeof(d.name), "%s", name);
	return pgt_space_add(s, &d, err);
}

int
pgt_space_add_knob(struct pgt_space *s, const struct pgt_knob *k,
		   const struct pgt_knob_host *host, enum pgt_knob_class cls,
		   struct pgt_err *err)
{
	struct pgt_dim d = {.knob = k, .restart = k->context == PGT_CONTEXT_RESTART};

	if (k->risk == PGT_RISK_DURABILITY)
		return pgt_err_set(err, PGT_E_DENIED,
				   "%s can lose data and is never searched", k->name);
	snprintf(d.name, sizeof(d.name), "%s", k->name);
	pgt_knob_range(k, host, cls, &d.lo, &d.hi);
	d.grain = k->grain;
	d.n_special = k->n_special;
	memcpy(d.special, k->special, sizeof(d.special));
	switch (k->unit) {
	case PGT_UNIT_BOOL:
		d.kind = PGT_DIM_BOOL;
		break;
	case PGT_UNIT_ENUM:
		d.kind = PGT_DIM_ENUM;
		while (d.n_choices < (int)PGT_LEN(k->choices) && k->choices[d.n_choices])
			d.n_choices++;
		break;
	case PGT_UNIT_COUNT:
		d.kind = PGT_DIM_INTEGER;
		break;
	case PGT_UNIT_NUMBER:
	case PGT_UNIT_BYTES:
	case PGT_UNIT_MS:
		d.kind = PGT_DIM_REAL;
		break;
	}
	if (d.kind == PGT_DIM_REAL || d.kind == PGT_DIM_INTEGER) {
		d.log2 = k->scale == PGT_SCALE_LOG2 && d.lo > 0;
		d.steps = WIDE_STEPS;
	}
	return pgt_space_add(s, &d, err);
}

int
pgt_space_add_knobs(struct pgt_space *s, const struct pgt_knob_host *host,
		    enum pgt_knob_class cls, bool restart_too, struct pgt_err *err)
{
	for (size_t i = 0; i < pgt_knob_count(); i++) {
		const struct pgt_knob *k = pgt_knob_at(i);

		if (!k->search || !pgt_knob_in_major(k, host->server_major) ||
		    !pgt_knob_fits_disk(k, host, cls) ||
		    (k->context == PGT_CONTEXT_RESTART && !restart_too))
			continue;
		if (pgt_space_add_knob(s, k, host, cls, err) < 0)
			return -1;
	}
	return 0;
}

static void
drop_dim(struct pgt_space *s, size_t at)
{
	memmove(&s->dims[at], &s->dims[at + 1],
		(s->n_dims - at - 1) * sizeof(s->dims[0]));
	s->n_dims--;
	s->n_kernel = 0;
	for (size_t i = 0; i < s->n_dims; i++) {
		s->kernel_at[i] = s->n_kernel;
		s->n_kernel += kernel_width(&s->dims[i]);
	}
	place_rules(s);
}

void
pgt_space_fix(struct pgt_space *s, const char *name, double value)
{
	for (size_t i = 0; i < pgt_knob_rule_count(); i++) {
		const struct pgt_knob_rule *r = pgt_knob_rule_at(i);
		bool upper = strcmp(r->other, name) == 0;
		int at = pgt_space_find(s, upper ? r->name : r->other);
		struct pgt_dim *d;

		if (at < 0 || (!upper && strcmp(r->name, name) != 0))
			continue;
		d = &s->dims[at];
		if (upper && d->hi > r->factor * value)
			d->hi = r->factor * value;
		if (!upper && d->lo < value / r->factor)
			d->lo = value / r->factor;
		if (!(d->lo < d->hi))
			drop_dim(s, (size_t)at);
	}
}

/* t in [0,1] over the ordinary range. */
static double
range_value(const struct pgt_dim *d, double t)
{
	double v;

	if (d->steps > 1)
		t = round(t * (d->steps - 1)) / (d->steps - 1);
	if (d->log2)
		v = exp2(log2(d->lo) + t * (log2(d->hi) - log2(d->lo)));
	else
		v = d->lo + t * (d->hi - d->lo);
	if (d->grain > 0)
		v = round(v / d->grain) * d->grain;
	return v < d->lo ? d->lo : v > d->hi ? d->hi : v;
}

static double
dim_decode(const struct pgt_dim *d, double u)
{
	double share = d->n_special ? PGT_SPACE_SPECIAL_SHARE : 0;
	int i;

	u = u < 0 ? 0 : u > 1 ? 1 : u;
	switch (d->kind) {
	case PGT_DIM_BOOL:
		return u >= 0.5;
	case PGT_DIM_ENUM:
		i = (int)(u * d->n_choices);
		return i < d->n_choices ? i : d->n_choices - 1;
	case PGT_DIM_REAL:
	case PGT_DIM_INTEGER:
		break;
	}
	if (u < share)
		return d->special[(int)(u / share * d->n_special)];
	return range_value(d, (u - share) / (1 - share));
}

/* What was measured outside the range (a present setting) is told apart from its
 * end, up to a range's length off. */
static double
clamp_unit(double t, bool clamp)
{
	double beyond = clamp ? 0 : 1;

	return t < -beyond ? -beyond : t > 1 + beyond ? 1 + beyond : t;
}

static double
dim_encode(const struct pgt_dim *d, double v, bool clamp)
{
	double share = d->n_special ? PGT_SPACE_SPECIAL_SHARE : 0, t;

	switch (d->kind) {
	case PGT_DIM_BOOL:
		return v >= 0.5;
	case PGT_DIM_ENUM:
		return (v + 0.5) / d->n_choices;
	case PGT_DIM_REAL:
	case PGT_DIM_INTEGER:
		break;
	}
	for (int i = 0; i < d->n_special; i++)
		if (v == d->special[i])
			return share * (i + 0.5) / d->n_special;
	if (d->log2)
		t = v > 0 ? (log2(v) - log2(d->lo)) / (log2(d->hi) - log2(d->lo)) : -1;
	else
		t = (v - d->lo) / (d->hi - d->lo);
	/* Below the range lie the special values, if there are any. */
	return share + (1 - share) * clamp_unit(t, clamp || (d->n_special && t < 0));
}

static bool
is_special(const struct pgt_dim *d, double v)
{
	for (int i = 0; i < d->n_special; i++)
		if (v == d->special[i])
			return true;
	return false;
}

/* The dependent value gives way: that is the cheaper of the two to lower. */
static void
mend_rules(const struct pgt_space *s, double *value)
{
	for (size_t i = 0; i < pgt_knob_rule_count() && i < PGT_SPACE_RULES; i++) {
		const struct pgt_knob_rule *r = pgt_knob_rule_at(i);
		int a = s->rule_at[i][0], b = s->rule_at[i][1];
		double most;

		if (a < 0 || b < 0 || is_special(&s->dims[a], value[a]) ||
		    is_special(&s->dims[b], value[b]))
			continue;
		most = r->factor * value[b];
		if (value[a] <= most)
			continue;
		if (s->dims[a].grain > 0)
			most = floor(most / s->dims[a].grain) * s->dims[a].grain;
		value[a] = most < s->dims[a].lo ? s->dims[a].lo : most;
	}
}

bool
pgt_space_keeps_rules(const struct pgt_space *s, const double *present,
		      const double *value)
{
	for (size_t i = 0; i < pgt_knob_rule_count() && i < PGT_SPACE_RULES; i++) {
		int a = s->rule_at[i][0], b = s->rule_at[i][1];

		if (a < 0 || b < 0 || is_special(&s->dims[a], value[a]) ||
		    is_special(&s->dims[b], value[b]) ||
		    (value[a] == present[a] && value[b] == present[b]))
			continue;
		if (value[a] > pgt_knob_rule_at(i)->factor * value[b])
			return false;
	}
	return true;
}

void
pgt_space_decode(const struct pgt_space *s, const double *unit, double *value)
{
	for (size_t i = 0; i < s->n_dims; i++)
		value[i] = dim_decode(&s->dims[i], unit[i]);
	mend_rules(s, value);
}

void
pgt_space_encode(const struct pgt_space *s, const double *value, double *unit)
{
	for (size_t i = 0; i < s->n_dims; i++)
		unit[i] = dim_encode(&s->dims[i], value[i], true);
}

void
pgt_space_kernel(const struct pgt_space *s, const double *unit, double *kernel)
{
	double value[PGT_SPACE_DIMS];

	pgt_space_decode(s, unit, value);
	pgt_space_kernel_of(s, value, kernel);
}

void
pgt_space_kernel_of(const struct pgt_space *s, const double *value, double *kernel)
{
	for (size_t i = 0; i < s->n_dims; i++) {
		const struct pgt_dim *d = &s->dims[i];
		double *k = &kernel[s->kernel_at[i]];

		if (kernel_width(d) == 1) {
			*k = d->kind == PGT_DIM_ENUM ? value[i]
						     : dim_encode(d, value[i], false);
			continue;
		}
		for (int c = 0; c < d->n_choices; c++)
			k[c] = c == (int)value[i];
	}
}

void
pgt_space_snap(const struct pgt_space *s, double *unit)
{
	double value[PGT_SPACE_DIMS];

	pgt_space_decode(s, unit, value);
	pgt_space_encode(s, value, unit);
}

bool
pgt_space_same(const struct pgt_space *s, const double *unit_a, const double *unit_b)
{
	double a[PGT_SPACE_DIMS], b[PGT_SPACE_DIMS];

	pgt_space_decode(s, unit_a, a);
	pgt_space_decode(s, unit_b, b);
	for (size_t i = 0; i < s->n_dims; i++)
		if (fabs(a[i] - b[i]) > 1e-9 * (s->dims[i].hi - s->dims[i].lo))
			return false;
	return true;
}
