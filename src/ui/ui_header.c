/* First and last lines: who and where we are, how fresh this is, what was said,
 * which keys work. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cell_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "ui_priv.h"

#define BLOCKED_NS PGT_NS_PER_S

struct segment {
	char text[96];
	enum pgt_role role;
	int prio; /* the lowest goes first */
	bool right, dropped;
};

struct header {
	struct segment seg[16];
	int n;
};

static struct segment *
add(struct header *h, int prio, bool right, enum pgt_role role)
{
	struct segment *s = &h->seg[h->n++];

	s->prio = prio;
	s->right = right;
	s->role = role;
	return s;
}

static enum pgt_role
environment_role(const char *env)
{
	if (!env || !*env)
		return PGT_ROLE_CLUSTER;
	if (strncasecmp(env, "prod", 4) == 0)
		return PGT_ROLE_PRODUCTION;
	if (strncasecmp(env, "stag", 4) == 0 || strncasecmp(env, "pre", 3) == 0)
		return PGT_ROLE_STAGING;
	return PGT_ROLE_CLUSTER;
}

int64_t
pgt_ui_data_age_ns(const struct pgt_ui *ui, bool *ret_stale)
{
	int64_t age, interval = ui->interval_ns;

	*ret_stale = false;
	if (!ui->snap)
		return -1;
	age = pgt_clock_mono_ns() - ui->snap->mono_ns;
	if (ui->snap->cost.effective_interval_ns > interval)
		interval = ui->snap->cost.effective_interval_ns;
	*ret_stale = !ui->paused && age > 3 * interval + PGT_NS_PER_S;
	return age < 0 ? 0 : age;
}

static void
put_identity(const struct pgt_ui *ui, struct header *h)
{
	const struct pgt_node *n = ui->snap ? &ui->snap->node : NULL;
	const char *env = n && n->environment && *n->environment ? n->environment
								 : ui->environment;
	const char *name = n && n->name ? n->name : ui->cluster ? ui->cluster : "pg2une";
	enum pgt_role role = environment_role(env);
	struct segment *s = add(h, 100, false, role);

	if (role == PGT_ROLE_PRODUCTION)
		snprintf(s->text, sizeof(s->text), " %.40s PRODUCTION ", name);
	else
		snprintf(s->text, sizeof(s->text), " %.48s ", name);
	if (!n)
		return;
	s = add(h, 90, false, PGT_ROLE_HEADER);
	snprintf(s->text, sizeof(s->text), "%s%s", n->in_recovery ? "STANDBY" : "PRIMARY",
		 n->pending_restart ? " restart pending" : "");
	if (n->version) {
		s = add(h, 50, false, PGT_ROLE_HEADER);
		snprintf(s->text, sizeof(s->text), "%.20s", n->version);
	}
}

static void
put_server(const struct pgt_ui *ui, struct header *h)
{
	const struct pgt_snapshot *s = ui->snap;
	struct segment *seg;
	char up[32];

	if (s->node.start_real_ns > 0 && s->real_ns > s->node.start_real_ns) {
		int64_t ns = s->real_ns - s->node.start_real_ns;

		seg = add(h, 30, false, PGT_ROLE_HEADER_DIM);
		if (ns >= 86400 * PGT_NS_PER_S)
			snprintf(up, sizeof(up), "%lldd",
				 (long long)(ns / (86400 * PGT_NS_PER_S)));
		else if (ns >=
			 60 * PGT_NS_PER_S) /* no seconds: they would redraw all day */
			pgt_fmt_duration(ns / (60 * PGT_NS_PER_S) * 60 * PGT_NS_PER_S, up,
					 sizeof(up));
		else
			snprintf(up, sizeof(up), "<1m");
		snprintf(seg->text, sizeof(seg->text), "up %s", up);
	}
	if (s->workload != PGT_WORKLOAD_UNKNOWN) {
		seg = add(h, 40, false, PGT_ROLE_HEADER);
		snprintf(seg->text, sizeof(seg->text), "%s",
			 pgt_workload_names[s->workload]);
	}
}

static void
put_age(const struct pgt_ui *ui, struct header *h)
{
	bool stale;
	int64_t age = pgt_ui_data_age_ns(ui, &stale);
	struct segment *s;
	char text[32];

	if (age < 0)
		return;
	s = add(h, 95, true, stale ? PGT_ROLE_STALE : PGT_ROLE_HEADER);
	if (ui->paused) {
		s->role = PGT_ROLE_STALE;
		pgt_fmt_duration(age / PGT_NS_PER_S * PGT_NS_PER_S, text, sizeof(text));
		snprintf(s->text, sizeof(s->text), " PAUSED %s ", text);
	} else if (stale) {
		pgt_fmt_duration(age / PGT_NS_PER_S * PGT_NS_PER_S, text, sizeof(text));
		snprintf(s->text, sizeof(s->text), " STALE %s old ", text);
	} else if (age >= 2 * PGT_NS_PER_S) {
		pgt_fmt_duration(age / PGT_NS_PER_S * PGT_NS_PER_S, text, sizeof(text));
		snprintf(s->text, sizeof(s->text), "data %s old", text);
	} else {
		snprintf(s->text, sizeof(s->text), "data <2s");
	}
}

/* What this console has under way, or watches: seen from every screen. */
static void
put_runs(const struct pgt_ui *ui, struct header *h)
{
	const struct pgt_ev_change *c = ui->change;
	struct segment *s;

	if (pgt_rollout_under_way(ui)) {
		s = add(h, 85, true, PGT_ROLE_STALE);
		snprintf(s->text, sizeof(s->text), " ROLLOUT %.3g%%%s ",
			 ui->rollout->view.pct > 0 ? ui->rollout->view.pct : 0,
			 ui->rollout->view.awaiting ? ": C?" : "");
	}
	if (c && c->stage >= PGT_FLOW_APPLY && c->stage <= PGT_FLOW_ROLLBACK) {
		s = add(h, 86, true, PGT_ROLE_STALE);
		snprintf(s->text, sizeof(s->text), " CHANGE: %s%s ",
			 pgt_flow_stage_name(c->stage),
			 c->stage == PGT_FLOW_CONFIRM ? "?" : "");
	}
	if (pgt_search_running(ui)) {
		s = add(h, 84, true, PGT_ROLE_STALE);
		if (ui->search->total > 0)
			snprintf(s->text, sizeof(s->text), " SEARCH %d/%d ",
				 ui->search->done, ui->search->total);
		else /* it is being prepared */
			pgt_str_copy(s->text, sizeof(s->text), " SEARCH ");
	}
}

static void
put_own(const struct pgt_ui *ui, struct header *h)
{
	const struct pgt_snapshot *s = ui->snap;
	struct segment *seg;
	char a[32], b[32];
	int64_t every = ui->interval_ns;

	seg = add(h, 60, true, PGT_ROLE_HEADER);
	snprintf(seg->text, sizeof(seg->text), "%s",
		 ui->read_only            ? "READ-ONLY"
		 : s && s->node.read_only ? "read-only"
					  : "read-write");
	if (!s) {
		add(h, 10, true, PGT_ROLE_HEADER_DIM);
		return;
	}
	if (s->cost.backed_off)
		every = s->cost.effective_interval_ns;
	seg = add(h, 20, true, s->cost.backed_off ? PGT_ROLE_STALE : PGT_ROLE_HEADER_DIM);
	snprintf(seg->text, sizeof(seg->text), "every %s%s", pgt_age(every, a, sizeof(a)),
		 s->cost.backed_off ? " (slowed)" : "");
	put_age(ui, h);
	seg = add(h, 10, true, PGT_ROLE_HEADER_DIM);
	/* Whole steps of the own cost: digits that change each second cost bytes
	 * and say nothing. */
	snprintf(seg->text, sizeof(seg->text), "cost %sms/%s%%",
		 pgt_num(s->cost.server_ms, 1, a, sizeof(a)),
		 pgt_num(s->cost.client_cpu_pct, 1, b, sizeof(b)));
}

static int
total_cells(const struct header *h)
{
	int total = 0;

	for (int i = 0; i < h->n; i++)
		if (!h->seg[i].dropped && h->seg[i].text[0])
			total += pgt_cells(h->seg[i].text) + 2;
	return total;
}

void
pgt_header_draw(const struct pgt_ui *ui, const struct pgt_canvas *c)
{
	struct header h = {.n = 0};
	int x = 0, right = 0;
	bool dropped = false;

	put_identity(ui, &h);
	if (ui->snap)
		put_server(ui, &h);
	put_runs(ui, &h);
	put_own(ui, &h);
	while (total_cells(&h) + (dropped ? 2 : 0) > c->r.w) {
		int worst = -1;

		for (int i = 0; i < h.n; i++)
			if (!h.seg[i].dropped && h.seg[i].prio < 100 &&
			    (worst < 0 || h.seg[i].prio < h.seg[worst].prio))
				worst = i;
		if (worst < 0)
			break;
		h.seg[worst].dropped = dropped = true;
	}
	pgt_fill(c, 0, 0, c->r.w, PGT_ROLE_HEADER);
	for (int i = 0; i < h.n; i++)
		if (!h.seg[i].right && !h.seg[i].dropped)
			x = pgt_put(c, 0, x, h.seg[i].role, h.seg[i].text) + 2;
	if (dropped)
		pgt_put(c, 0, x - 1, PGT_ROLE_HEADER_DIM, pgt_glyph(PGT_G_ELLIPSIS));
	for (int i = 0; i < h.n; i++)
		if (h.seg[i].right && !h.seg[i].dropped && h.seg[i].text[0])
			right += pgt_cells(h.seg[i].text) + 2;
	x = c->r.w - right + 1;
	for (int i = 0; i < h.n; i++)
		if (h.seg[i].right && !h.seg[i].dropped && h.seg[i].text[0])
			x = pgt_put(c, 0, x, h.seg[i].role, h.seg[i].text) + 2;
}

/* ---- the last two lines ---- */

static const char *
gap_text(unsigned gap)
{
	if (gap & PGT_GAP_FAILOVER)
		return "another node or role answers now: rates begin anew";
	if (gap & PGT_GAP_RESTART)
		return "the server was restarted: rates begin anew";
	if (gap & PGT_GAP_STATS_RESET)
		return "statistics were reset: this interval has no rates";
	if (gap & PGT_GAP_NEGATIVE)
		return "a counter ran backwards: this interval has no rates";
	if (gap & PGT_GAP_PAUSE)
		return "sampling had paused: this interval has no rates";
	if (gap & PGT_GAP_PGSS_RESET)
		return "pg_stat_statements was reset: query rates begin anew";
	if (gap & PGT_GAP_FIRST)
		return "first sample: rates come with the next one";
	return NULL;
}

/* Of those that wait, directly or not, behind root i of the tree. */
static int64_t
longest_wait_ns(const struct pgt_snapshot *s, size_t i)
{
	int64_t longest = 0;

	for (size_t k = i + 1; k < s->n_locks && s->locks[k].depth > 0; k++)
		if (s->locks[k].wait_ns > longest)
			longest = s->locks[k].wait_ns;
	return longest;
}

/* The most pressing thing that can be said without the detector. */
static enum pgt_role
summary(const struct pgt_ui *ui, char *buf, size_t size)
{
	const struct pgt_snapshot *s = ui->snap;
	const struct pgt_alert *a;
	char age[32];

	if (gap_text(s->gap)) {
		snprintf(buf, size, "%s", gap_text(s->gap));
		return s->gap == PGT_GAP_FIRST ? PGT_ROLE_DIM : PGT_ROLE_WARN;
	}
	a = pgt_ui_worst_alert(ui);
	if (a) {
		char what[200];

		snprintf(buf, size, "%s %s%s%s    a alerts",
			 pgt_glyph(a->direction > 0 ? PGT_G_UP : PGT_G_DOWN),
			 pgt_alert_line(a, what, sizeof(what)), a->n_causes ? ": " : "",
			 a->n_causes ? a->causes[0].event.text : "");
		return a->severity == PGT_SEV_CRITICAL ? PGT_ROLE_BAD
		       : a->degrade                    ? PGT_ROLE_WARN
						       : PGT_ROLE_TEXT;
	}
	/* Waits of a moment are how row locks work: only what lasts is told. */
	for (size_t i = 0; i < s->n_locks; i++)
		if (s->locks[i].depth == 0 && s->locks[i].victims > 0 &&
		    longest_wait_ns(s, i) >= BLOCKED_NS) {
			snprintf(buf, size, "%s pid %d blocks %d session%s    3 locks",
				 pgt_glyph(PGT_G_UP), s->locks[i].pid,
				 s->locks[i].victims,
				 s->locks[i].victims == 1 ? "" : "s");
			return PGT_ROLE_WARN;
		}
	if (s->sessions.oldest_idle_in_tx_ns > 60 * PGT_NS_PER_S) {
		snprintf(buf, size,
			 "%s pid %d is idle in a transaction for %s    2 activity",
			 pgt_glyph(PGT_G_UP), s->sessions.oldest_idle_in_tx_pid,
			 pgt_age(s->sessions.oldest_idle_in_tx_ns / (60 * PGT_NS_PER_S) *
				     (60 * PGT_NS_PER_S),
				 age, sizeof(age)));
		return PGT_ROLE_WARN;
	}
	*buf = '\0';
	return PGT_ROLE_DIM;
}

void
pgt_status_draw(const struct pgt_ui *ui, const struct pgt_canvas *c)
{
	static const enum pgt_role roles[] = {PGT_ROLE_TEXT, PGT_ROLE_WARN, PGT_ROLE_BAD};
	char buf[512];
	enum pgt_role role;

	if (ui->notice.text[0] && ui->notice_until_ns > pgt_clock_mono_ns()) {
		pgt_put(c, 0, 1, roles[ui->notice.level], ui->notice.text);
		return;
	}
	if (ui->have_link && !ui->link.up && c->r.y < 11) {
		/* too low for a banner */
		pgt_put(c, 0, 1, PGT_ROLE_BAD, ui->link.message);
		return;
	}
	if (!ui->snap)
		return;
	role = summary(ui, buf, sizeof(buf));
	pgt_put(c, 0, 1, role, buf);
}

static int
put_hint(const struct pgt_canvas *c, int x, int key, const char *text)
{
	char name[16];

	pgt_key_name(key, name, sizeof(name));
	if (x + pgt_cells(name) + 1 + pgt_cells(text) > c->r.w)
		return -1;
	x = pgt_put(c, 0, x, PGT_ROLE_KEY, name);
	return pgt_put(c, 0, x + 1, PGT_ROLE_HINT, text) + 2;
}

/* "open=detail explain": the key of each and what it does here. */
static int
hints_of_names(const struct pgt_canvas *c, int x, const char *names)
{
	char word[64], *label;

	while (*names && x >= 0) {
		size_t n = strcspn(names, " ");
		const struct pgt_request_info *info;

		if (n < sizeof(word)) {
			memcpy(word, names, n);
			word[n] = '\0';
			label = strchr(word, '=');
			if (label)
				*label++ = '\0';
			for (char *p = label; p && *p; p++)
				*p = *p == '_' ? ' ' : *p;
			info = pgt_request_info(pgt_request_of_name(word));
			if (info)
				x = put_hint(c, x, info->key,
					     label         ? label
					     : *info->hint ? info->hint
							   : info->name);
		}
		names += n;
		names += *names == ' ';
	}
	return x;
}

static int
tab_cells(const struct pgt_ui *ui, int i, int gap)
{
	const struct pgt_request_info *info = pgt_request_info(
	    ui->screens[i].ops->request);

	return 1 + 1 + pgt_cells(info->hint) + 1 + gap;
}

/* The screens by their keys; where not all fit, those round the present one. */
static void
put_tabs(const struct pgt_ui *ui, const struct pgt_canvas *c)
{
	int gap = c->r.w >= 110, total = 0, first = 0, x = 1, room = c->r.w - 3;
	char name[16];

	for (int i = 0; i < ui->n_screens; i++)
		total += tab_cells(ui, i, gap);
	if (total > c->r.w && gap) {
		gap = 0;
		for (int i = total = 0; i < ui->n_screens; i++)
			total += tab_cells(ui, i, gap);
	}
	while (total > room && first < ui->screen) {
		int upto = 0;

		for (int i = first; i <= ui->screen; i++)
			upto += tab_cells(ui, i, gap);
		if (upto <= room)
			break;
		total -= tab_cells(ui, first++, gap);
	}
	if (first > 0)
		x = pgt_put(c, 0, x, PGT_ROLE_HINT, pgt_glyph(PGT_G_ELLIPSIS)) + 1;
	for (int i = first; i < ui->n_screens; i++) {
		const struct pgt_request_info *info = pgt_request_info(
		    ui->screens[i].ops->request);

		if (x + tab_cells(ui, i, gap) - 1 - gap >
		    c->r.w - (i + 1 < ui->n_screens)) {
			pgt_put(c, 0, c->r.w - 1, PGT_ROLE_HINT,
				pgt_glyph(PGT_G_ELLIPSIS));
			break;
		}
		pgt_key_name(info->key, name, sizeof(name));
		x = pgt_put(c, 0, x, PGT_ROLE_KEY, name) + 1;
		x = pgt_put(c, 0, x, i == ui->screen ? PGT_ROLE_TITLE : PGT_ROLE_HINT,
			    info->hint) +
		    1 + gap;
	}
}

/* "Tab 2/5": more panels than are on the screen. */
static int
put_panels(const struct pgt_ui *ui, const struct pgt_canvas *c)
{
	const struct pgt_screen_state *st = &ui->screens[ui->screen];
	int n = 0, at = 0, shown = 0;
	char text[24];

	for (int i = 0; i < st->n_panels; i++) {
		n += !st->panels[i].spare;
		shown += st->panels[i].r.h > 0;
		if (i == st->focus)
			at = n;
	}
	if (n <= shown || st->zoom)
		return 0;
	snprintf(text, sizeof(text), "%d/%d", at, n);
	return put_hint(c, 0, PGT_KEY_TAB, text);
}

void
pgt_hints_draw(const struct pgt_ui *ui, const struct pgt_canvas *c)
{
	const struct pgt_screen_state *st = &ui->screens[ui->screen];
	const struct pgt_panel_ops *ops = st->panels[st->focus].ops;
	const char *now = ops->hints_now ? ops->hints_now(ui) : NULL;
	struct pgt_canvas left = *c, right = *c;
	int tail = 14, x = 1;

	if (ui->n_pages) {
		hints_of_names(c, 1, ui->pages[ui->n_pages - 1].ops->hints);
		return;
	}
	if (c->r.w > 2 * tail) {
		right.r.w = tail;
		right.r.x += c->r.w - tail;
		x = put_hint(&right, 0, '?', "help");
		put_hint(&right, x, 'q', "quit");
		left.r.w -= tail + 1;
		right.r.w = 9;
		right.r.x -= right.r.w;
		if (put_panels(ui, &right))
			left.r.w -= right.r.w;
	}
	if (!ops->hints && !now) {
		put_tabs(ui, &left);
		return;
	}
	x = ops->hints ? hints_of_names(&left, 1, ops->hints) : 1;
	if (x > 0 && now)
		x = hints_of_names(&left, x, now);
	if (x > 0 && x + 22 < left.r.w) {
		x = pgt_put(&left, 0, x, PGT_ROLE_KEY, "0-9 a r c o t");
		pgt_put(&left, 0, x + 1, PGT_ROLE_HINT, "screens");
	}
}

int64_t
pgt_ui_wakeup_ns(const struct pgt_ui *ui)
{
	int64_t now = pgt_clock_mono_ns(), at = INT64_MAX, age;
	bool stale;

	if (ui->notice.text[0] && ui->notice_until_ns > now)
		at = ui->notice_until_ns;
	age = pgt_ui_data_age_ns(ui, &stale);
	if (age >= 0) {
		/* the age is shown from 2 s on, in whole seconds */
		int64_t next = (age / PGT_NS_PER_S + 1) * PGT_NS_PER_S;

		if (next < 2 * PGT_NS_PER_S)
			next = 2 * PGT_NS_PER_S;
		if (ui->snap->mono_ns + next < at)
			at = ui->snap->mono_ns + next;
	}
	if (ui->have_link && !ui->link.up && now + PGT_NS_PER_S < at)
		at = now + PGT_NS_PER_S;
	return at;
}
