/* advise: what to change on a server, after watching it for a while. */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/cli/output.h"
#include "pg2une/engine/advice.h"
#include "pg2une/engine/engine.h"

#define DEFAULT_FOR_NS (30 * PGT_NS_PER_S)
#define FIRST_NS       (15 * PGT_NS_PER_S) /* for the first sample */
#define ROUND_NS       (60 * PGT_NS_PER_S) /* reading and planning at the end */

static const struct pgt_column advice_columns[] = {
    {"rank", "", PGT_CELL_INT},
    {"kind", "kind", PGT_CELL_TEXT},
    {"title", "recommendation", PGT_CELL_TEXT},
    {"effect.text", "expected", PGT_CELL_TEXT},
    {"confidence", "sure", PGT_CELL_TEXT},
    {"how", "how", PGT_CELL_TEXT},
    {"why", "why", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view advice_views[] = {
    {"recommendations", "Recommendations", advice_columns, "nothing to recommend", 0},
    {0},
};
static const struct pgt_option advice_options[] = {
    {.name = "only",
     .type = PGT_OPT_STR,
     .arg = "KIND",
     .help = "setting index query vacuum pooler vector hygiene"},
    {.name = "workload",
     .type = PGT_OPT_STR,
     .arg = "W",
     .help = "oltp olap mixed: instead of what is seen"},
    {.name = "profile",
     .type = PGT_OPT_STR,
     .arg = "P",
     .help = "oltp olap mixed remote-conservative, or one of your rules"},
    {.name = "for",
     .type = PGT_OPT_DURATION,
     .arg = "DURATION",
     .help = "how long to watch (30s)"},
    {.name = "all", .type = PGT_OPT_BOOL, .help = "dismissed and snoozed ones too"},
    {0},
};

static int
check_profile(struct pgt_cmd *c, const char *name, struct pgt_err *err)
{
	if (pgt_advice_profile_known(c->options, name, err))
		return 0;
	return err->code ? -1
			 : pgt_err_set(err, PGT_E_USAGE,
				       "--profile: no profile \"%.40s\"", name);
}

static int
check(struct pgt_cmd *c, struct pgt_err *err)
{
	const char *only = pgt_cmd_str(c, "only"), *w = pgt_cmd_str(c, "workload");
	const char *p = pgt_cmd_str(c, "profile");
	bool known = !only;

	for (int k = 1; only && k <= PGT_ADVICE_LAST; k++)
		known |= strcmp(only, pgt_advice_kind_name((enum pgt_advice_kind)k)) == 0;
	if (!known)
		return pgt_err_set(err, PGT_E_USAGE, "--only: no kind \"%.40s\"", only);
	if (w && strcmp(w, "oltp") != 0 && strcmp(w, "olap") != 0 &&
	    strcmp(w, "mixed") != 0)
		return pgt_err_set(err, PGT_E_USAGE,
				   "--workload: \"%.40s\" is none of oltp, olap, mixed",
				   w);
	if (p && check_profile(c, p, err) < 0)
		return -1;
	if (w || p)
		return pgt_options_set(c->options, "workload", p ? p : w, err);
	return 0;
}

struct watch {
	struct pgt_engine *e;
	struct pgt_ev_advice *last; /* the event's own message holds it */
	struct pgt_msg *msg;
	bool began, asked;
	int64_t asked_real_ns;
};

/* 1 when the answer is there. */
static int
on_message(struct watch *w, struct pgt_msg *m, struct pgt_err *err)
{
	const struct pgt_ev_link *link = m->data;
	const struct pgt_snapshot *s = m->data;
	struct pgt_ev_advice *ev = m->data;

	if (m->type == PGT_EV_SNAPSHOT && !w->began && !s->gap) {
		/* a first reading, so that the last one has something to differ from */
		w->began = true;
		pgt_engine_advice_refresh(w->e);
	} else if (m->type == PGT_EV_LINK && !link->up && *link->message) {
		pgt_err_set(err, PGT_E_CONN, "%s: %s", link->target, link->message);
		if (link->final)
			return -1;
	} else if (m->type == PGT_EV_ADVICE && !ev->collecting) {
		if (w->msg)
			pgt_msg_free(w->msg);
		w->msg = m;
		w->last = ev;
		return w->asked &&
		       (ev->collected_real_ns >= w->asked_real_ns || *ev->message);
	}
	pgt_msg_free(m);
	return 0;
}

static int
watch(struct watch *w, int64_t for_ns, struct pgt_err *err)
{
	struct pgt_mailbox *mb = pgt_engine_events(w->e);
	struct pollfd p = {.fd = pgt_mailbox_fd(mb), .events = POLLIN};
	int64_t start = pgt_clock_mono_ns(), until = INT64_MAX;
	int64_t end = start + for_ns + ROUND_NS;
	struct pgt_msg *m;
	int rc = 0;

	while (pgt_clock_mono_ns() < end && rc == 0) {
		if (!w->began && pgt_clock_mono_ns() > start + FIRST_NS)
			break;
		/* the time counts from the first whole sample, not from the start */
		if (w->began && until == INT64_MAX)
			until = pgt_clock_mono_ns() + for_ns;
		if (!w->asked && pgt_clock_mono_ns() >= until) {
			w->asked = true;
			w->asked_real_ns = pgt_clock_real_ns();
			pgt_engine_advice_refresh(w->e);
		}
		poll(&p, 1, 200);
		while (rc == 0 && (m = pgt_mailbox_take(mb)))
			rc = on_message(w, m, err);
	}
	if (!w->last || !w->last->list)
		return w->last && *w->last->message
			   ? pgt_err_set(err, PGT_E_STATE, "%s", w->last->message)
		       : err->code
			   ? -1
			   : pgt_err_set(err, PGT_E_TIMEOUT, "no sample came in time");
	pgt_err_clear(err);
	return 0;
}

static void
put_effect(cJSON *j, const struct pgt_advice *a)
{
	cJSON *e = cJSON_GetObjectItemCaseSensitive(j, "effect");
	char text[160];

	if (!a->effect_of || !isfinite(a->effect_pct)) {
		pgt_json_str(e, "text", a->effect_of);
		return;
	}
	snprintf(text, sizeof(text), "%+.0f%% %s [%.0f %.0f]", a->effect_pct,
		 a->effect_of, a->effect_lo, a->effect_hi);
	pgt_json_str(e, "text", text);
}

static cJSON *
answer(const struct pgt_cmd *c, const struct pgt_ev_advice *ev)
{
	const char *only = pgt_cmd_str(c, "only");
	cJSON *data = cJSON_CreateObject(), *list, *notes, *j;
	char when[40];
	int rank = 0;

	pgt_json_str(data, "collected",
		     pgt_clock_iso8601(ev->collected_real_ns, when, sizeof(when)));
	list = pgt_json_arr(data, "recommendations");
	for (size_t i = 0; i < ev->list->n; i++) {
		const struct pgt_advice *a = &ev->list->items[i];

		if ((only && strcmp(only, pgt_advice_kind_name(a->kind)) != 0) ||
		    (!pgt_cmd_bool(c, "all") && (ev->state[i] == PGT_ADVICE_DISMISSED ||
						 ev->state[i] == PGT_ADVICE_SNOOZED)))
			continue;
		j = pgt_advice_json(a);
		pgt_json_i64(j, "rank", ++rank);
		pgt_json_str(j, "state", pgt_advice_state_name(ev->state[i]));
		put_effect(j, a);
		pgt_json_item(list, NULL, j);
	}
	notes = pgt_json_arr(data, "notes");
	for (size_t i = 0; i < ev->list->n_notes; i++)
		pgt_json_str(notes, NULL, ev->list->notes[i]);
	return data;
}

static int
run_advise(struct pgt_cmd *c, struct pgt_err *err)
{
	int64_t for_ns = pgt_cmd_int(c, "for");
	struct watch w = {0};
	int rc;

	if (check(c, err) < 0 || pgt_engine_new(c->options, &w.e, err) < 0)
		return -1;
	rc = watch(&w, for_ns > 0 ? for_ns : DEFAULT_FOR_NS, err);
	if (rc == 0)
		c->data = answer(c, w.last);
	if (w.msg)
		pgt_msg_free(w.msg);
	pgt_engine_free(w.e);
	c->views = advice_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_advise = {
    .name = "advise",
    .group = "Tuning",
    .summary = "what to change on the server, ranked, with evidence and the way back",
    .details =
	"Watches for --for, then reads what is built and judges it.  Nothing is changed.",
    .examples = "advise --for 1min shop\nadvise --only index --format json\n"
		"advise --ram 64GB --cpus 16 --storage ssd -h db1 shop",
    .opts = advice_options,
    .run = run_advise,
};
