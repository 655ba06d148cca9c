/* The stages that measure: before the change, the pause after it, and the verdict. */
#include <poll.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/str.h"
#include "run_priv.h"

int
pgt_run_baseline(struct pgt_change_run *r, struct pgt_err *err)
{
	const struct pgt_validate_ops *v = r->opts.validate;

	if (!v || !v->baseline)
		return 0;
	return v->baseline(v->ctx, r->opts.window_ns,
			   (struct pgt_pulse){pgt_run_pulse, r}, err);
}

int
pgt_run_stabilise(struct pgt_change_run *r, struct pgt_err *err)
{
	while (pgt_clock_mono_ns() - r->since_ns < r->opts.stabilise_ns) {
		if (!pgt_run_pulse(r))
			return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
		poll(NULL, 0, 50);
	}
	return 0;
}

int
pgt_run_validate(struct pgt_change_run *r, struct pgt_err *err)
{
	const struct pgt_validate_ops *v = r->opts.validate;
	struct pgt_validation *out = &r->validation;
	cJSON *body;
	int rc;

	if (pgt_run_keep_link(r, err) < 0)
		return -1;
	if (v && v->judge &&
	    v->judge(v->ctx, r->opts.window_ns, (struct pgt_pulse){pgt_run_pulse, r}, out,
		     err) < 0) {
		if (atomic_load(&r->stop) != PGT_STOP_NONE)
			return -1;
		out->verdict = PGT_VERDICT_UNKNOWN;
		pgt_str_copy(out->text, sizeof(out->text), err->msg);
	} else if (!v || !v->judge) {
		pgt_str_copy(out->text, sizeof(out->text), "nothing was measured");
	}
	body = cJSON_CreateObject();
	pgt_json_str(body, "verdict", pgt_verdict_name(out->verdict));
	pgt_json_str(body, "text", out->text);
	if (out->figures)
		pgt_json_item(body, "figures", cJSON_Duplicate(out->figures, true));
	rc = pgt_journal_append(r->journal, PGT_J_VALIDATED, body, NULL, NULL, err);
	cJSON_Delete(body);
	if (rc < 0)
		return -1;
	pgt_run_say(r, PGT_CE_DONE, -1, "%s: %s", pgt_verdict_name(out->verdict),
		    out->text);
	if (out->verdict == PGT_VERDICT_FAIL)
		return pgt_err_set(err, PGT_E_STATE, "validation failed: %s", out->text);
	/* from here the clock runs for whoever has to confirm */
	r->deadline_boot_ns = pgt_clock_boot_ns() + r->opts.deadline_ns;
	return r->guard ? pgt_run_note_armed(r, err) : 0;
}
