/* One line of input at the bottom: filter and search as they are typed, the
 * palette with its list of commands, a password. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "ui_priv.h"

#define LIST_ROWS 12

static struct pgt_grid *
target(struct pgt_ui *ui)
{
	struct pgt_panel *p = pgt_ui_focus(ui);

	return p->ops->table ? &p->table : NULL;
}

void
pgt_prompt_open(struct pgt_ui *ui, enum pgt_prompt_kind kind)
{
	struct pgt_prompt *p = &ui->prompt;
	struct pgt_grid *t = target(ui);

	memset(p, 0, sizeof(*p));
	p->kind = kind;
	if (kind == PGT_PROMPT_FILTER && t && t->filter_text)
		pgt_str_copy(p->text, sizeof(p->text), t->filter_text);
	p->len = strlen(p->text);
	ui->dirty = true;
}

static void
close_prompt(struct pgt_ui *ui)
{
	explicit_bzero(&ui->prompt, sizeof(ui->prompt));
	ui->dirty = true;
}

/* ---- the palette ---- */

static bool
offered(const struct pgt_ui *ui, const struct pgt_request_info *info)
{
	if (info->group == PGT_GROUP_MOVE)
		return false;
	if (info->group != PGT_GROUP_SCREENS)
		return true;
	for (int i = 0; i < ui->n_screens; i++)
		if (ui->screens[i].ops->request == info->request)
			return true;
	return false;
}

static int
matching(const struct pgt_ui *ui, const struct pgt_request_info **out, int max)
{
	size_t word = strcspn(ui->prompt.text, " ");
	char name[64];
	int n = 0;

	if (word >= sizeof(name))
		return 0;
	memcpy(name, ui->prompt.text, word);
	name[word] = '\0';
	for (int pass = 0; pass < 2; pass++)
		for (int r = 1; r < PGT_REQ_N && n < max; r++) {
			const struct pgt_request_info *info = pgt_request_info(
			    (enum pgt_request)r);
			bool begins = strncmp(info->name, name, word) == 0;

			if (!offered(ui, info) || begins != (pass == 0))
				continue;
			if (pass == 0 || strstr(info->name, name) ||
			    strstr(info->help, name))
				out[n++] = info;
		}
	return n;
}

void
pgt_palette_draw(const struct pgt_ui *ui, const struct pgt_canvas *area)
{
	const struct pgt_request_info *list[64];
	int n = matching(ui, list, 64), rows = n < LIST_ROWS ? n : LIST_ROWS, first = 0;
	struct pgt_canvas c = *area, in;
	char key[16];

	if (rows + 2 > area->r.h)
		rows = area->r.h - 2;
	if (rows < 1)
		return;
	c.r = (struct pgt_rect){area->r.y + area->r.h - rows - 2, area->r.x, rows + 2,
				area->r.w < 84 ? area->r.w : 84};
	pgt_clear(&c, PGT_ROLE_TEXT);
	in = pgt_box(&c, "Commands", "Enter runs, Tab completes", PGT_ROLE_DIM, true);
	if (ui->prompt.choice >= rows)
		first = ui->prompt.choice - rows + 1;
	for (int i = 0; i < rows && first + i < n; i++) {
		const struct pgt_request_info *info = list[first + i];
		struct pgt_canvas line = in;

		line.selected = first + i == ui->prompt.choice;
		pgt_fill(&line, i, 0, line.r.w, PGT_ROLE_TEXT);
		pgt_put_fit(&line, i, 1, 16, PGT_LEFT, PGT_ROLE_ACCENT, info->name, 0);
		pgt_put_fit(&line, i, 18, 7, PGT_LEFT, PGT_ROLE_KEY,
			    pgt_key_name(info->key, key, sizeof(key)), 0);
		pgt_put(&line, i, 26, PGT_ROLE_TEXT, info->help);
	}
}

/* ":snooze 4h" on the alert that is looked at; 0 ends its silence. */
static void
snooze(struct pgt_ui *ui, const char *arg, struct pgt_err *err)
{
	const struct pgt_alert *a = pgt_ui_current_alert(ui);
	int64_t ns = 0;

	if (strcmp(arg, "0") != 0 && pgt_parse_duration(arg, &ns, err) < 0)
		return;
	if (!a || !ui->engine)
		pgt_err_set(err, PGT_E_USAGE,
			    "no alert is chosen: go to one on screen a");
	else if (ns < 0 || ns > 30 * 86400 * PGT_NS_PER_S)
		pgt_err_set(err, PGT_E_USAGE, "an alert is silent for 30 days at most");
	else
		pgt_alert_silence(ui, a, ns);
}

/* Commands that take a word: ":interval 2s", ":theme light". */
static bool
run_with_word(struct pgt_ui *ui, const char *cmd, const char *arg, struct pgt_err *err)
{
	struct pgt_theme theme;
	int64_t ns;

	if (strcmp(cmd, "interval") == 0) {
		if (pgt_parse_duration(arg, &ns, err) < 0)
			return true;
		if (ns < 200 * PGT_NS_PER_MS || ns > 60 * PGT_NS_PER_S) {
			pgt_err_set(err, PGT_E_USAGE, "the interval is 0.2s to 60s");
			return true;
		}
		ui->interval_ns = ns;
		if (ui->engine)
			pgt_engine_set_interval(ui->engine, ns);
		return true;
	}
	if (strcmp(cmd, "snooze") == 0) {
		snooze(ui, arg, err);
		return true;
	}
	if (strcmp(cmd, "set") == 0) {
		pgt_flow_change_set(ui, arg, err);
		return true;
	}
	if (strcmp(cmd, "theme") == 0) {
		if (pgt_theme_load(arg, &theme, err) == 0) {
			ui->theme = theme;
			pgt_screen_set_theme(&theme);
			pgt_screen_repaint();
		}
		return true;
	}
	if (strcmp(cmd, "filter") == 0 && target(ui)) {
		if (pgt_grid_filter(target(ui), arg, err) == 0)
			pgt_grid_update(target(ui), ui);
		return true;
	}
	return false;
}

static void
run_command(struct pgt_ui *ui)
{
	const struct pgt_request_info *list[64];
	struct pgt_err err = {0};
	char text[256], *arg;
	int n = matching(ui, list, 64), choice = ui->prompt.choice;
	enum pgt_request r = PGT_REQ_NONE;

	pgt_str_copy(text, sizeof(text), ui->prompt.text);
	arg = strchr(text, ' ');
	if (arg) {
		*arg++ = '\0';
		if (run_with_word(ui, text, arg, &err)) {
			close_prompt(ui);
			if (err.code != PGT_E_NONE)
				pgt_ui_notice(ui, PGT_NOTICE_ERROR, "%s", err.msg);
			return;
		}
	}
	if (choice < n)
		r = list[choice]->request;
	close_prompt(ui);
	if (r != PGT_REQ_NONE)
		pgt_ui_request(ui, r);
	else
		pgt_ui_notice(ui, PGT_NOTICE_WARN, "no command \"%s\"", text);
}

/* ---- keys ---- */

static void
apply_now(struct pgt_ui *ui, bool done)
{
	struct pgt_prompt *p = &ui->prompt;
	struct pgt_grid *t = target(ui);
	struct pgt_err err = {0};
	int rc = 0;

	p->error[0] = '\0';
	p->choice = 0;
	if (p->kind == PGT_PROMPT_FILTER && t)
		rc = pgt_grid_filter(t, p->text, &err);
	else if (p->kind == PGT_PROMPT_SEARCH && ui->n_pages)
		rc = pgt_doc_search(&pgt_page_top(ui)->doc, p->text, &err);
	else if (p->kind == PGT_PROMPT_SEARCH && t)
		rc = pgt_grid_search(t, p->text, &err);
	if (rc < 0)
		snprintf(p->error, sizeof(p->error), "%.150s", err.msg);
	else if (t && !ui->n_pages) {
		pgt_grid_update(t, ui);
		if (done && p->kind == PGT_PROMPT_SEARCH && *p->text &&
		    !pgt_grid_find(t, ui, false, true))
			pgt_ui_notice(ui, PGT_NOTICE_INFO, "no match for %s", p->text);
	} else if (ui->n_pages && done && *p->text &&
		   !pgt_doc_find(&pgt_page_top(ui)->doc, false)) {
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "no further match for %s", p->text);
	}
}

static void
accept(struct pgt_ui *ui)
{
	struct pgt_prompt *p = &ui->prompt;

	switch (p->kind) {
	case PGT_PROMPT_COMMAND:
		run_command(ui);
		return;
	case PGT_PROMPT_PASSWORD:
		if (ui->engine)
			pgt_engine_set_password(ui->engine, p->text);
		break;
	case PGT_PROMPT_FILTER:
	case PGT_PROMPT_SEARCH:
		apply_now(ui, true);
		if (p->error[0])
			return;
		break;
	case PGT_PROMPT_NONE:
		break;
	}
	close_prompt(ui);
}

static void
erase_char(struct pgt_prompt *p)
{
	while (p->len && ((unsigned char)p->text[p->len - 1] & 0xc0) == 0x80)
		p->len--;
	if (p->len)
		p->len--;
	p->text[p->len] = '\0';
}

static void
type_char(struct pgt_prompt *p, int key)
{
	char mb[MB_LEN_MAX];
	mbstate_t st;
	size_t n;

	memset(&st, 0, sizeof(st));
	n = wcrtomb(mb, (wchar_t)key, &st);
	if (n == (size_t)-1 || p->len + n >= sizeof(p->text) ||
	    !pgt_safetext_is_safe(mb, n))
		return;
	memcpy(p->text + p->len, mb, n);
	p->len += n;
	p->text[p->len] = '\0';
}

static void
complete(struct pgt_ui *ui)
{
	const struct pgt_request_info *list[64];
	int n = matching(ui, list, 64);

	if (ui->prompt.choice >= n)
		return;
	pgt_str_copy(ui->prompt.text, sizeof(ui->prompt.text),
		     list[ui->prompt.choice]->name);
	ui->prompt.len = strlen(ui->prompt.text);
	ui->prompt.choice = 0;
}

void
pgt_prompt_key(struct pgt_ui *ui, int key)
{
	const struct pgt_request_info *list[64];
	struct pgt_prompt *p = &ui->prompt;
	bool command = p->kind == PGT_PROMPT_COMMAND;

	if (key == PGT_KEY_ENTER) {
		accept(ui);
	} else if (key == PGT_KEY_ESC || key == 3) {
		if (p->kind == PGT_PROMPT_FILTER || p->kind == PGT_PROMPT_SEARCH) {
			p->text[0] = '\0';
			apply_now(ui, false);
		}
		close_prompt(ui);
	} else if (command && key == PGT_KEY_UP) {
		p->choice -= p->choice > 0;
	} else if (command && key == PGT_KEY_DOWN) {
		p->choice += p->choice + 1 < matching(ui, list, 64);
	} else if (command && key == PGT_KEY_TAB) {
		complete(ui);
	} else if (key == PGT_KEY_BACKSPACE || key == 21) {
		if (key == 21)
			p->text[p->len = 0] = '\0';
		else
			erase_char(p);
		apply_now(ui, false);
	} else if (key >= ' ' && key < PGT_KEY_BASE) {
		type_char(p, key);
		apply_now(ui, false);
	}
}

void
pgt_prompt_draw(const struct pgt_ui *ui, const struct pgt_canvas *c)
{
	static const char *const labels[] = {"", "filter (! inverts): ", "search: ", ":",
					     "password: "};
	const struct pgt_prompt *p = &ui->prompt;
	const char *shown = p->text;
	char stars[sizeof(p->text)];
	int x, room;

	if (p->kind == PGT_PROMPT_PASSWORD) {
		memset(stars, '*', p->len);
		stars[p->len] = '\0';
		shown = stars;
	}
	x = pgt_put(c, 0, 1, PGT_ROLE_KEY, labels[p->kind]);
	room = c->r.w - x - 2 - (p->error[0] ? pgt_cells(p->error) + 2 : 0);
	if (room < 10)
		room = 10;
	/* Long input: its end is what is being typed. */
	while (pgt_cells(shown) > room && *shown) {
		shown++;
		while (((unsigned char)*shown & 0xc0) == 0x80)
			shown++;
	}
	x = pgt_put(c, 0, x, PGT_ROLE_TEXT, shown);
	pgt_screen_cursor(c->r.y, c->r.x + x);
	if (p->error[0])
		pgt_put(c, 0, x + 2, PGT_ROLE_BAD, p->error);
}
