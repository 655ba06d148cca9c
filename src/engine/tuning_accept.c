/* The proposal as the draft of a change: settings and indexes, each an item. */
#include <stdio.h>
#include <string.h>

#include "pg2une/base/json.h"
#include "pg2une/engine/changes.h"
#include "tuning_priv.h"

static int
accept_one(struct pgt_tuning *t, size_t dim, struct pgt_err *err)
{
	const struct pgt_knob *k = t->space.dims[dim].knob;
	const struct pgt_tune_extra *x = pgt_tuning_extra(t, dim);
	char v[40];
	cJSON *item;
	int rc;

	if (k) {
		pgt_knob_format(k, t->proposal.value[dim], v, sizeof(v));
		return pgt_engine_change_add_setting(t->e, k->name, v,
						     "from the optimizer", err);
	}
	item = x ? pgt_json_parse(x->item, strlen(x->item), 65536, err) : NULL;
	if (!item)
		return -1;
	rc = pgt_engine_change_add_json(t->e, item, err);
	cJSON_Delete(item);
	return rc;
}

static bool
is_hint(const struct pgt_tuning *t, size_t dim)
{
	const struct pgt_tune_extra *x = pgt_tuning_extra(t, dim);

	return x && x->hint;
}

int
pgt_engine_tune_accept(struct pgt_engine *e, bool restarts, struct pgt_err *err)
{
	struct pgt_tuning *t = e->tuning;
	int n = 0, hints = 0, waiting = 0;

	if (t->running || !t->have_proposal || t->proposal.keep_baseline)
		return pgt_err_set(err, PGT_E_STATE, "there is no proposal to accept");
	for (size_t i = 0; i < t->space.n_dims; i++) {
		if (!pgt_tuning_differs(t, i, t->proposal.value[i]))
			continue;
		if (is_hint(t, i)) { /* the application's work */
			hints++;
		} else if (t->space.dims[i].restart && !restarts) {
			waiting++;
		} else {
			if (accept_one(t, i, err) < 0)
				return -1;
			n++;
		}
	}
	if (n > 0)
		return 0;
	return pgt_err_set(err, PGT_E_STATE,
			   waiting > 0
			       ? "all of the proposal needs a restart: it goes by "
				 "a rollout (docs/rollout.md)"
			   : hints > 0 ? "the proposal is a hint: work for the "
					 "application, nothing to apply here"
				       : "the proposal is what is there already");
}
