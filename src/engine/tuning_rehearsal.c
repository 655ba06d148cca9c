/* Trials on a throwaway copy: no guard and nothing to take back, since nobody else uses
 * it.  Every trial begins alike: configured, restarted when any setting that is
 * searched needs it, a checkpoint, the same load from the same seed, the same wait. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "rehearsal_priv.h"
#include "tuning_priv.h"


bool
pgt_tuning_has_copy(const struct pgt_tuning *t)
{
	return t->opts.mode == PGT_TUNE_REHEARSAL && !t->opts.in_place;
}

static void
say(void *arg, const char *text)
{
	struct pgt_tuning *t = arg;

	pgt_str_copy(t->now, sizeof(t->now), text);
	pgt_tuning_tell(t);
}

int
pgt_tuning_rehearse_begin(struct pgt_tuning *t, struct pgt_err *err)
{
	struct pgt_connspec *target = NULL;
	struct pgt_rehearsal_opts o = {
	    .at = t->at,
	    .script = t->opts.script,
	    .schema = t->schema,
	    .clients = t->opts.clients,
	    .seed = t->opts.seed,
	    .where = t->opts.copy_to,
	    .in_place = t->opts.in_place,
	    .cancel = &t->cancel,
	    .say = say,
	    .arg = t,
	};
	int rc;

	if (pgt_connspec_with(t->e->spec, NULL, NULL, NULL, t->password, &target, err) <
	    0)
		return -1;
	o.target = target;
	rc = pgt_rehearsal_new(&o, &t->rehearsal, err);
	pgt_connspec_free(target);
	if (rc == 0)
		snprintf(t->text, sizeof(t->text), "measured %s; %s",
			 t->opts.in_place ? "in place, under a load of our own"
					  : "on a copy, on this machine",
			 pgt_rehearsal_load_text(t->rehearsal));
	if (rc == 0 && t->opts.in_place)
		rc = pgt_rehearsal_load(t->rehearsal, true, err);
	return rc;
}

void
pgt_tuning_rehearse_end(struct pgt_tuning *t)
{
	pgt_rehearsal_free(t->rehearsal);
	t->rehearsal = NULL;
}

static char *
conf_of(const struct pgt_tuning *t, const double *value)
{
	struct pgt_buf b;
	char v[40];

	pgt_buf_init(&b, 65536);
	for (size_t i = 0; i < t->space.n_dims; i++) {
		const struct pgt_knob *k = t->space.dims[i].knob;

		if (!k || !pgt_tuning_differs(t, i, value[i]))
			continue;
		pgt_knob_format(k, value[i], v, sizeof(v));
		pgt_buf_printf(&b, "%s = '%s'\n", k->name, v);
	}
	return b.len ? pgt_buf_take(&b) : (pgt_buf_done(&b), pgt_xstrdup(""));
}

static int
set_indexes(struct pgt_tuning *t, const double *value, struct pgt_err *err)
{
	for (size_t i = 0; i < t->space.n_dims; i++) {
		struct pgt_tune_extra *x = pgt_tuning_extra_at(t, i);
		bool want = value[i] >= 0.5;

		if (!x || x->present == want)
			continue;
		if (pgt_rehearsal_run(t->rehearsal, want ? x->statement : x->undo, err) <
		    0)
			return -1;
		x->present = want;
	}
	return 0;
}

static int
open_meter(struct pgt_tuning *t, struct pgt_err *err)
{
	pgt_measure_close(t->meter);
	t->meter = NULL;
	return pgt_measure_open(pgt_rehearsal_spec(t->rehearsal), &t->meter, err);
}

/* In force and under load, or why not. */
static int
put_on(struct pgt_tuning *t, const struct pgt_trial *trial, struct pgt_err *err)
{
	int64_t settle = t->opts.settle_ns;
	char *conf = conf_of(t, trial->value);
	int rc;

	if (t->restarts && settle < PGT_TUNE_WARM_NS)
		settle = PGT_TUNE_WARM_NS;
	rc = pgt_rehearsal_load(t->rehearsal, false, err);
	if (rc == 0)
		rc = pgt_rehearsal_configure(t->rehearsal, conf, t->restarts, err);
	free(conf);
	if (rc < 0 || set_indexes(t, trial->value, err) < 0 ||
	    pgt_rehearsal_load(t->rehearsal, true, err) < 0 || open_meter(t, err) < 0)
		return -1;
	if (!pgt_tuning_wait(t, settle))
		return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
	return pgt_rehearsal_load_failed(t->rehearsal, err) ? -1 : 0;
}

int
pgt_tuning_rehearse(struct pgt_tuning *t, const struct pgt_trial *trial,
		    struct pgt_tried *ret, struct pgt_err *err)
{
	struct pgt_err why = {0};

	if (put_on(t, trial, &why) < 0) {
		pgt_str_copy(ret->why, sizeof(ret->why), why.msg);
		/* What cannot even run the present settings is no copy to judge by. */
		if (trial->is_baseline || why.code == PGT_E_CANCELLED)
			return pgt_err_set(err, why.code, "%s", why.msg);
		return 0;
	}
	if (pgt_tuning_measure(t, trial, ret, &why) < 0 ||
	    pgt_rehearsal_load_failed(t->rehearsal, &why)) {
		ret->outcome.status = PGT_OUTCOME_VOID;
		pgt_str_copy(ret->why, sizeof(ret->why), why.msg);
	}
	return 0;
}
