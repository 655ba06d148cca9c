#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"

#include "tuner_priv.h"

#define MAGIC "pg2une-tuner 2"

/* FNV-1a over everything that a suggestion depends on besides the observations. */
static uint64_t
mix(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t
fingerprint(const struct pgt_tuner *t)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < t->space.n_dims; i++) {
		const struct pgt_dim *d = &t->space.dims[i];

		h = mix(h, d->name, strlen(d->name));
		h = mix(h, &d->lo, sizeof(d->lo));
		h = mix(h, &d->hi, sizeof(d->hi));
	}
	h = mix(h, &t->opts.seed, sizeof(t->opts.seed));
	h = mix(h, &t->opts.budget, sizeof(t->opts.budget));
	h = mix(h, &t->opts.baselines, sizeof(t->opts.baselines));
	h = mix(h, &t->opts.init, sizeof(t->opts.init));
	h = mix(h, t->baseline, t->space.n_dims * sizeof(double));
	for (int i = 0; i < t->n_seeds; i++)
		h = mix(h, t->seed_value[i], t->space.n_dims * sizeof(double));
	return h;
}

void
pgt_tuner_save(const struct pgt_tuner *t, struct pgt_buf *out)
{
	pgt_buf_printf(out, MAGIC " %016llx %d %zu\n", (unsigned long long)fingerprint(t),
		       t->finish, t->n_obs);
	for (size_t i = 0; i < t->n_obs; i++) {
		const struct pgt_observation *o = &t->obs[i];

		pgt_buf_printf(out, "%d %d %d %d %.17g %.17g %.17g", o->id,
			       (int)o->phase, (int)o->status, o->is_baseline, o->cost,
			       o->ei_pct, o->surprise);
		for (size_t c = 0; c < t->space.n_dims; c++)
			pgt_buf_printf(out, " %.17g", o->value[c]);
		pgt_buf_putc(out, '\n');
	}
}

static bool
read_number(const char **p, double *ret)
{
	char *end;

	*ret = strtod(*p, &end);
	if (end == *p)
		return false;
	*p = end;
	return true;
}

static bool
read_observation(const char **p, const struct pgt_space *s, struct pgt_observation *o)
{
	double head[7];

	for (int i = 0; i < 7; i++)
		if (!read_number(p, &head[i]))
			return false;
	memset(o, 0, sizeof(*o));
	if (!(head[1] >= 0 && head[1] < PGT_TUNER_DONE) ||
	    !(head[2] >= 0 && head[2] <= PGT_OUTCOME_VOID) ||
	    !(head[0] >= 1 && head[0] < 1e6))
		return false;
	o->id = (int)head[0];
	o->phase = (enum pgt_tuner_phase)head[1];
	o->status = (enum pgt_outcome_status)head[2];
	o->is_baseline = head[3] != 0;
	o->cost = head[4];
	o->ei_pct = head[5];
	o->surprise = head[6];
	if (o->status == PGT_OUTCOME_OK && !isfinite(o->cost))
		return false;
	for (size_t c = 0; c < s->n_dims; c++)
		if (!read_number(p, &o->value[c]) || !isfinite(o->value[c]))
			return false;
	return true;
}

int
pgt_tuner_restore(struct pgt_tuner *t, const char *text, struct pgt_err *err)
{
	struct pgt_observation *obs = NULL;
	unsigned long long print;
	unsigned long n, finish;
	const char *p = text;
	char *end;

	if (t->n_obs || t->out)
		return pgt_err_set(err, PGT_E_STATE, "the search has begun already");
	if (strncmp(p, MAGIC " ", strlen(MAGIC " ")) != 0)
		goto malformed;
	print = strtoull(p + strlen(MAGIC " "), &end, 16);
	finish = strtoul(end, &end, 10);
	n = strtoul(end, &end, 10);
	if (*end != '\n' || finish > 1 || n > 100000)
		goto malformed;
	if (print != fingerprint(t))
		return pgt_err_set(err, PGT_E_CONFLICT,
				   "saved under another space, baseline or options");
	obs = pgt_xcalloc(n, sizeof(*obs));
	p = end;
	for (size_t i = 0; i < n; i++)
		if (!read_observation(&p, &t->space, &obs[i]))
			goto malformed;
	t->obs = obs;
	t->n_obs = t->cap_obs = n;
	t->finish = finish;
	if (n && obs[n - 1].phase == PGT_TUNER_FINAL)
		return tuner_final_update(t, NULL, err);
	return 0;
malformed:
	free(obs);
	return pgt_err_set(err, PGT_E_PARSE, "not a saved search");
}
