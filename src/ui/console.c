/* The loop: one poll() on the terminal, the engine's mailbox, signals and a time. */
#include "pg2une/ui/console.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dialog_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/engine.h"
#include "pg2une/engine/options.h"
#include "script_priv.h"
#include "ui_priv.h"

/* A terminal that went away reads as "ready" with nothing in it, for ever. */
#define EMPTY_READS_ARE_EOF 3

static void
on_signal(struct pgt_ui *ui, int sig)
{
	switch (sig) {
	case SIGWINCH:
		if (!ui->child && pgt_screen_follow_size()) {
			pgt_dialog_resize(ui);
			ui->dirty = true;
		}
		break;
	case SIGINT:
		/* ^C in psql is psql's */
		if (!ui->child)
			pgt_ui_key(ui, 3, NULL);
		break;
	case SIGTSTP:
		if (!ui->child) {
			pgt_screen_suspend();
			pgt_dialog_resize(ui);
			ui->dirty = true;
		}
		break;
	case SIGCHLD:
		pgt_flow_child_ended(ui);
		break;
	case SIGTERM:
	case SIGHUP:
	case SIGQUIT:
		ui->quit = true;
		ui->exit_code = 128 + sig;
		break;
	}
}

static void
take_signals(struct pgt_ui *ui)
{
	int sig;

	while ((sig = pgt_screen_signal()) != 0)
		on_signal(ui, sig);
}

static bool
nothing_to_read(int fd)
{
	int n = 0;

	return ioctl(fd, FIONREAD, &n) < 0 || n == 0;
}

static void
take_keys(struct pgt_ui *ui)
{
	struct pgt_mouse m = {0};
	int key, n = 0;

	while (n < 64 && !ui->quit && !ui->child &&
	       (key = pgt_screen_key(&m)) != PGT_KEY_NONE) {
		pgt_ui_key(ui, key, &m);
		n++;
	}
}

static bool
take_events(struct pgt_ui *ui, struct pgt_mailbox *mb)
{
	struct pgt_msg *msg;
	bool any = false;

	while ((msg = pgt_mailbox_take(mb)) != NULL) {
		pgt_ui_event(ui, msg);
		any = true;
	}
	return any;
}

static int
timeout_ms(int64_t wakeup_ns)
{
	int64_t left;

	if (wakeup_ns == INT64_MAX)
		return -1;
	left = wakeup_ns - pgt_clock_mono_ns();
	if (left <= 0)
		return 0;
	left = (left + PGT_NS_PER_MS - 1) / PGT_NS_PER_MS;
	return left > 60000 ? 60000 : (int)left;
}

static int
script_steps(struct pgt_ui *ui, int64_t *wakeup_ns, struct pgt_err *err)
{
	int64_t at = INT64_MAX;
	int rc;

	while (ui->script && !ui->quit) {
		rc = pgt_script_step(ui->script, ui, &at, err);
		if (rc < 0)
			return -1;
		if (rc == 1)
			break;
		if (rc == 2) {
			pgt_script_free(ui->script);
			ui->script = NULL;
			break;
		}
		if (ui->child)
			break;
		if (ui->dirty)
			pgt_ui_draw(ui);
	}
	if (at < *wakeup_ns)
		*wakeup_ns = at;
	return 0;
}

static int
loop(struct pgt_ui *ui, struct pgt_mailbox *mb, struct pgt_err *err)
{
	int empty = 0;

	while (!ui->quit) {
		struct pollfd fds[3] = {
		    {.fd = ui->child ? -1 : pgt_screen_in_fd(), .events = POLLIN},
		    {.fd = mb ? pgt_mailbox_fd(mb) : -1, .events = POLLIN},
		    {.fd = pgt_screen_signal_fd(), .events = POLLIN},
		};
		int64_t wakeup;
		int n;

		if (ui->dirty && !ui->child)
			pgt_ui_draw(ui);
		wakeup = pgt_ui_wakeup_ns(ui);
		if (!ui->child && script_steps(ui, &wakeup, err) < 0)
			return -1;
		if (ui->quit)
			break;
		n = poll(fds, 3, ui->dirty && !ui->child ? 0 : timeout_ms(wakeup));
		if (n < 0 && errno != EINTR)
			return pgt_err_set(err, PGT_E_IO, "poll: %s",
					   pgt_strerror(errno));
		if (n == 0)
			ui->dirty = true; /* an age or a notice ran on */
		if (fds[2].revents)
			take_signals(ui);
		if (fds[1].revents)
			take_events(ui, mb);
		if (fds[0].revents & (POLLERR | POLLNVAL))
			ui->quit = true;
		if (fds[0].revents & (POLLIN | POLLHUP)) {
			/* not: a read that made no key, as of F12 */
			empty = nothing_to_read(fds[0].fd) ? empty + 1 : 0;
			take_keys(ui);
			if (empty >= EMPTY_READS_ARE_EOF)
				ui->quit = true;
		}
	}
	return 0;
}

/* Another cluster is another run of the program: nothing of the old one is left. */
static void
exec_other(const struct pgt_options *o, const char *cluster)
{
	const struct pgt_option *table;
	char **argv;
	size_t n_table;
	int n = 0;

	table = pgt_options_table(&n_table);
	argv = pgt_xcalloc(n_table + 3, sizeof(*argv));
	argv[n++] = pgt_xstrdup("pg2une");
	argv[n++] = pgt_xasprintf("--name=%s", cluster);
	for (size_t i = 0; i < n_table; i++) {
		const char *v = pgt_options_str(o, table[i].name);

		if (!v || table[i].file_only ||
		    pgt_options_origin(o, table[i].name) != PGT_FROM_FLAG ||
		    (strcmp(table[i].group, "Connection") == 0 &&
		     strcmp(table[i].name, "read-only") != 0) ||
		    strcmp(table[i].name, "script") == 0)
			continue;
		if (table[i].arg)
			argv[n++] = pgt_xasprintf("--%s=%s", table[i].name, v);
		else if (pgt_options_bool(o, table[i].name))
			argv[n++] = pgt_xasprintf("--%s", table[i].name);
	}
	execv("/proc/self/exe", argv);
	for (int i = 0; i < n; i++)
		free(argv[i]);
	free(argv);
}

static int
open_first(struct pgt_ui *ui, const struct pgt_options *o, struct pgt_err *err)
{
	const char *name = pgt_options_str(o, "screen"),
		   *script = pgt_options_str(o, "script");
	enum pgt_request r = name ? pgt_request_of_name(name) : PGT_REQ_OVERVIEW;

	if (!pgt_ui_goto(ui, r))
		return pgt_err_set(err, PGT_E_USAGE,
				   "--screen: there is no screen \"%s\"", name);
	if (script && pgt_script_open(script, &ui->script, err) < 0)
		return -1;
	return 0;
}

int
pgt_console_run(struct pgt_engine *e, const struct pgt_options *o, struct pgt_err *err)
{
	struct pgt_screen_opts so = {
	    .own = true,
	    .mouse = !pgt_options_bool(o, "no-mouse"),
	    .ascii = pgt_options_bool(o, "ascii"),
	    .no_color = pgt_options_bool(o, "no-color"),
	};
	const char *theme = pgt_options_str(o, "theme");
	struct pgt_ui *ui = pgt_xcalloc(1, sizeof(*ui));
	char switch_to[sizeof(ui->switch_to)];
	int rc;

	pgt_ui_init(ui, e, o);
	if (pgt_theme_load(theme ? theme : "dark", &ui->theme, err) < 0 ||
	    open_first(ui, o, err) < 0) {
		rc = err->code == PGT_E_IO ? 1 : 2;
		goto out;
	}
	if (pgt_screen_open(&so, err) < 0) {
		rc = err->code == PGT_E_USAGE ? 2 : 1;
		goto out;
	}
	pgt_screen_set_theme(&ui->theme);
	rc = loop(ui, pgt_engine_events(e), err) < 0 ? 1 : ui->exit_code;
	pgt_dialog_close(ui);
	pgt_screen_close();
out:
	memcpy(switch_to, ui->switch_to, sizeof(switch_to));
	pgt_script_free(ui->script);
	pgt_ui_done(ui);
	free(ui);
	if (rc == 0 && switch_to[0])
		exec_other(o, switch_to);
	return rc;
}
