/* What happens beside the stages: the guard, the journal and the deadline are
 * looked after in every wait. */
#include "pg2une/base/clock.h"
#include "pg2une/base/str.h"
#include "run_priv.h"

#define TEND_NS	 (150 * PGT_NS_PER_MS)
#define REARM_NS (2 * PGT_NS_PER_S)

static void
stop_for(struct pgt_change_run *r, const char *reason)
{
	int none = PGT_STOP_NONE;

	if (!r->reason[0])
		pgt_str_copy(r->reason, sizeof(r->reason), reason);
	atomic_compare_exchange_strong(&r->stop, &none, PGT_STOP_ROLLBACK);
}

static void
tend_guard(struct pgt_change_run *r)
{
	struct pgt_err err;

	if (pgt_guard_alive(r->guard))
		return;
	pgt_run_say(r, PGT_CE_NOTE, -1, "the guard died: another one is armed");
	pgt_guard_free(r->guard, true);
	r->guard = NULL;
	if (pgt_run_start_guard(r, REARM_NS, &err) < 0 || pgt_run_note_armed(r, &err) < 0)
		stop_for(r, "the guard died and no other could be armed");
}

/* What others did to our journal: the guard, `change confirm`, `change rollback`. */
static void
tend_journal(struct pgt_change_run *r)
{
	struct pgt_replay rec;
	struct pgt_err err;

	pgt_journal_refresh(r->journal, &err);
	if (pgt_journal_count(r->journal) == r->journal_seen ||
	    pgt_replay_read(r->journal, &rec, &err) < 0)
		return;
	r->journal_seen = pgt_journal_count(r->journal);
	if (rec.rb_begun)
		stop_for(r, "the guard began to roll back");
	else if (rec.rb_request)
		stop_for(r, rec.rb_reason[0] ? rec.rb_reason : "asked for");
	else if (rec.confirmed)
		r->confirmed_elsewhere = true;
	pgt_replay_done(&rec);
}

/* An index may take longer to build than a change may wait for its confirmation. */
static void
tend_deadline(struct pgt_change_run *r)
{
	int64_t left = r->deadline_boot_ns - pgt_clock_boot_ns();
	struct pgt_err err;

	if (r->stage == PGT_ST_APPLY && r->item < r->cs->n_items &&
	    pgt_item_is_index(&r->cs->items[r->item]) && left < r->opts.deadline_ns / 2 &&
	    r->guard) {
		r->deadline_boot_ns = pgt_clock_boot_ns() + r->opts.deadline_ns;
		if (pgt_run_note_armed(r, &err) < 0)
			stop_for(r, err.msg);
	} else if (left <= 0) {
		stop_for(r, "not confirmed by the deadline");
	}
}

/* Also the pulse of every wait of ours. */
bool
pgt_run_pulse(void *arg)
{
	struct pgt_change_run *r = arg;
	int64_t now = pgt_clock_mono_ns();

	if (r->stage == PGT_ST_ROLLBACK)
		return atomic_load(&r->stops) == r->stops_seen;
	if (!r->tending && r->guard && now - r->tended_ns >= TEND_NS) {
		r->tending = true;
		r->tended_ns = now;
		tend_guard(r);
		tend_journal(r);
		if (!r->confirmed_elsewhere)
			tend_deadline(r);
		r->tending = false;
	}
	return r->tending || atomic_load(&r->stop) == PGT_STOP_NONE;
}

bool
pgt_change_run_tend(struct pgt_change_run *r)
{
	if (pgt_stage_is_end(r->stage))
		return true;
	return r->stage != PGT_ST_ROLLBACK && pgt_run_pulse(r) &&
	       !(r->stage == PGT_ST_CONFIRM && r->confirmed_elsewhere);
}
