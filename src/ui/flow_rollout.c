/* Words to the rollout that this console drives. */
#include <stdio.h>
#include <stdlib.h>

#include "dialog_priv.h"
#include "pg2une/base/mem.h"
#include "ui_priv.h"

typedef void (*word_fn)(struct pgt_engine *e);

struct word {
	word_fn say;
};

static void
on_answer(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	(void)text;
	if (choice != 1)
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "nothing was done");
	else if (!ui->engine)
		pgt_ui_notice(ui, PGT_NOTICE_ERROR, "there is no connection");
	else
		((const struct word *)arg)->say(ui->engine);
}

static void
ask(struct pgt_ui *ui, word_fn say, const char *question, const char *effect,
    const char *yes)
{
	const char *lines[2] = {question, effect}, *buttons[2] = {"Leave it", yes};
	struct word *arg = pgt_xmalloc(sizeof(*arg));

	arg->say = say;
	pgt_dialog_confirm(ui, lines, 2, buttons, 2, on_answer, arg);
}

/* False, and said why, when its keys are not ours. */
static bool
ours(struct pgt_ui *ui)
{
	if (!ui->read_only && ui->rollout->ours)
		return true;
	pgt_ui_notice(ui, PGT_NOTICE_WARN,
		      "watched from here: %.60s drives it (pg2une rollout on that host)",
		      ui->rollout->who);
	return false;
}

void
pgt_flow_rollout_confirm(struct pgt_ui *ui)
{
	const struct pgt_ev_rollout *r = ui->rollout;
	int next = r->view.step + 1;
	const char *later = r->view.awaiting || r->view.holding
				    ? ""
				    : ", once the gate says GO again";
	char line[160], effect[160];

	if (!ours(ui))
		return;
	if (!r->view.asked && !r->view.holding) {
		pgt_ui_notice(
		    ui, PGT_NOTICE_INFO,
		    "the gate does not say GO yet: there is nothing to confirm");
		return;
	}
	if (r->view.confirmed) {
		pgt_ui_notice(ui, PGT_NOTICE_INFO,
			      "confirmed already: it goes on at the next GO");
		return;
	}
	if (next < r->n_steps) {
		snprintf(line, sizeof(line), "Go on to %.3g%% on the canary?",
			 r->view.steps[next].pct);
		snprintf(effect, sizeof(effect), "effect  more of the reads go there%s",
			 later);
	} else {
		snprintf(line, sizeof(line), "Promote the change to the primary?");
		snprintf(effect, sizeof(effect),
			 "effect  writes on the primary, guarded and validated%s", later);
	}
	ask(ui, pgt_engine_rollout_confirm, line, effect, "Go on");
}

void
pgt_flow_rollout_hold(struct pgt_ui *ui)
{
	if (!ours(ui))
		return;
	if (ui->engine)
		pgt_engine_rollout_hold(ui->engine);
	pgt_ui_notice(ui, PGT_NOTICE_INFO, "it stays at this step: C goes on");
}

void
pgt_flow_rollout_rollback(struct pgt_ui *ui)
{
	char line[160];

	if (!ours(ui))
		return;
	snprintf(line, sizeof(line), "Roll back rollout %.8s of %.60s?", ui->rollout->id,
		 ui->rollout->target);
	ask(ui, pgt_engine_rollout_rollback, line,
	    "effect  traffic leaves the canary first, then all changes go back",
	    "Roll back");
}
