/* What takes a question or another program: signalling a session, choosing a
 * cluster or a sort column, psql. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cell_priv.h"
#include "dialog_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/options.h"
#include "ui_priv.h"

/* ---- cancel and terminate ---- */

struct signal_arg {
	enum pgt_command which;
	int pid;
	int64_t start_us;
};

static void
send_signal(struct pgt_ui *ui, const struct signal_arg *s)
{
	struct pgt_err err = {0};

	if (!ui->engine ||
	    !pgt_engine_signal(ui->engine, s->which, s->pid, s->start_us, &err)) {
		pgt_ui_notice(ui, PGT_NOTICE_ERROR, "%s",
			      err.msg[0] ? err.msg : "there is no connection");
		return;
	}
	ui->jobs++;
	pgt_ui_notice(ui, PGT_NOTICE_INFO, "%s %d: asked the server",
		      s->which == PGT_CMD_CANCEL ? "cancel" : "terminate", s->pid);
}

static void
on_typed(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	(void)text;
	if (choice == 0)
		send_signal(ui, arg);
	else
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "nothing was done");
}

bool
pgt_ui_is_production(const struct pgt_ui *ui)
{
	const char *env = ui->snap && ui->snap->node.environment &&
				  *ui->snap->node.environment
			      ? ui->snap->node.environment
			      : ui->environment;

	return env && strncasecmp(env, "prod", 4) == 0;
}

static void
on_confirmed(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	const struct signal_arg *s = arg;
	const char *name = ui->snap && ui->snap->node.name ? ui->snap->node.name : "";
	char line[2][160];
	const char *lines[2] = {line[0], line[1]};
	struct signal_arg *copy;

	(void)text;
	if (choice != 1) {
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "nothing was done");
		return;
	}
	if (!pgt_ui_is_production(ui) || !*name || s->which == PGT_CMD_CANCEL) {
		send_signal(ui, s);
		return;
	}
	snprintf(line[0], sizeof(line[0]), "This is production. Type the cluster's name");
	snprintf(line[1], sizeof(line[1]), "to terminate session %d:", s->pid);
	copy = pgt_xmalloc(sizeof(*copy));
	*copy = *s;
	pgt_dialog_type(ui, lines, 2, name, on_typed, copy);
}

void
pgt_flow_signal(struct pgt_ui *ui, enum pgt_command which, int pid, int64_t start_us)
{
	const struct pgt_activity *a = pgt_find_session(ui, pid);
	bool cancel = which == PGT_CMD_CANCEL;
	const char *buttons[2] = {"Leave it", cancel ? "Cancel statement" : "Terminate"};
	char line[5][160], age[32];
	const char *lines[5];
	struct signal_arg *arg;

	if (ui->read_only) {
		pgt_ui_notice(ui, PGT_NOTICE_WARN,
			      "read-only: sessions are not signalled");
		return;
	}
	if (!a || a->backend_start_us != start_us) {
		pgt_ui_notice(ui, PGT_NOTICE_WARN, "session %d has ended", pid);
		return;
	}
	if (a->is_ours) {
		pgt_ui_notice(ui, PGT_NOTICE_WARN, "session %d is this console's own",
			      pid);
		return;
	}
	snprintf(line[0], sizeof(line[0]), "%s session %d on %.60s%s?",
		 cancel ? "Cancel the statement of" : "Terminate", pid,
		 ui->snap->node.name ? ui->snap->node.name : "this server",
		 pgt_ui_is_production(ui) ? " (PRODUCTION)" : "");
	snprintf(line[1], sizeof(line[1]), " ");
	snprintf(line[2], sizeof(line[2]), "who     %.30s @ %.30s  app %.40s",
		 a->user ? a->user : "-", a->database ? a->database : "-",
		 a->app && *a->app ? a->app : "-");
	snprintf(line[3], sizeof(line[3]), "state   %.40s, transaction %s",
		 a->state          ? a->state
		 : a->backend_type ? a->backend_type
				   : "hidden",
		 pgt_age(a->xact_age_ns, age, sizeof(age)));
	snprintf(line[4], sizeof(line[4]), "effect  %s",
		 cancel ? (a->state && strncmp(a->state, "idle", 4) == 0
			       ? "none: it is idle; only terminate ends it"
			       : "its statement fails; the session stays")
			: "its transaction is rolled back, the client loses its session");
	for (int i = 0; i < 5; i++)
		lines[i] = line[i];
	arg = pgt_xmalloc(sizeof(*arg));
	*arg = (struct signal_arg){which, pid, start_us};
	pgt_dialog_confirm(ui, lines, 5, buttons, 2, on_confirmed, arg);
}

/* ---- choices ---- */

static void
on_sort(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	struct pgt_panel *p = pgt_ui_focus(ui);
	const int *columns = arg;

	(void)text;
	if (choice < 0 || !p->ops->table)
		return;
	if (columns[choice] < 0)
		pgt_grid_sort_by(&p->table, -1, false);
	else if (columns[choice] == p->table.sort)
		pgt_grid_sort_by(&p->table, p->table.sort, !p->table.descending);
	else
		pgt_grid_sort_by(&p->table, columns[choice],
				 !p->ops->table->columns[columns[choice]].ascending);
	pgt_grid_update(&p->table, ui);
}

void
pgt_flow_sort(struct pgt_ui *ui)
{
	struct pgt_panel *p = pgt_ui_focus(ui);
	const struct pgt_grid_ops *t = p->ops->table;
	char text[33][96];
	const char *rows[33];
	int *columns = pgt_xcalloc(33, sizeof(*columns)), n = 0, current = 0;

	for (int i = 0; i < t->n_columns && n < 32; i++) {
		if (!t->columns[i].number && !t->columns[i].string)
			continue;
		if (i == p->table.sort)
			current = n;
		snprintf(text[n], sizeof(text[n]), "%-12s %.80s", t->columns[i].name,
			 t->columns[i].help ? t->columns[i].help : "");
		rows[n] = text[n];
		columns[n++] = i;
	}
	snprintf(text[n], sizeof(text[n]), "%-12s as the server or the panel ranks it",
		 "(natural)");
	rows[n] = text[n];
	columns[n++] = -1;
	if (p->table.sort < 0)
		current = n - 1;
	pgt_dialog_choose(ui, "Sort by (the same again turns it round)", rows, n, current,
			  on_sort, columns);
}

static void
on_cluster(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	const char *name = choice >= 0 ? pgt_options_cluster_at(ui->opts, (size_t)choice)
				       : NULL;

	(void)text;
	(void)arg;
	if (!name)
		return;
	snprintf(ui->switch_to, sizeof(ui->switch_to), "%s", name);
	ui->quit = true;
}

void
pgt_flow_clusters(struct pgt_ui *ui)
{
	const char *rows[64];
	int n = 0, current = 0;

	while (ui->opts && n < 64 && pgt_options_cluster_at(ui->opts, (size_t)n)) {
		rows[n] = pgt_options_cluster_at(ui->opts, (size_t)n);
		if (ui->cluster && strcmp(rows[n], ui->cluster) == 0)
			current = n;
		n++;
	}
	if (n == 0) {
		pgt_ui_notice(ui, PGT_NOTICE_INFO,
			      "no [cluster NAME] sections in the configuration file");
		return;
	}
	pgt_dialog_choose(ui, "Go to cluster", rows, n, current, on_cluster, NULL);
}

/* ---- psql ---- */

static void
add_option(const struct pgt_options *o, const char *name, const char *flag, char **argv,
	   int *n)
{
	const char *v = pgt_options_str(o, name);

	/* What the environment gave, psql finds there too. */
	if (!v || !*v || pgt_options_origin(o, name) == PGT_FROM_ENV)
		return;
	argv[(*n)++] = pgt_xasprintf("%s%s", flag, v);
}

void
pgt_flow_psql(struct pgt_ui *ui)
{
	char *argv[8] = {pgt_xstrdup("psql")};
	const char *service = ui->opts ? pgt_options_str(ui->opts, "service") : NULL;
	int n = 1;
	pid_t pid;

	if (ui->opts) {
		add_option(ui->opts, "host", "-h", argv, &n);
		add_option(ui->opts, "port", "-p", argv, &n);
		add_option(ui->opts, "username", "-U", argv, &n);
		add_option(ui->opts, "dbname", "-d", argv, &n);
	}
	argv[n] = NULL;
	pgt_screen_leave();
	pid = fork();
	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGPIPE, SIG_DFL);
		if (service)
			setenv("PGSERVICE", service, 1);
		/* A read-only console hands out a read-only psql. */
		if (ui->read_only)
			setenv("PGOPTIONS", "-c default_transaction_read_only=on", 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	for (int i = 0; i < n; i++)
		free(argv[i]);
	if (pid < 0) {
		pgt_screen_return();
		pgt_ui_notice(ui, PGT_NOTICE_ERROR, "psql: %s", pgt_strerror(errno));
		return;
	}
	ui->child = pid;
}

void
pgt_flow_child_ended(struct pgt_ui *ui)
{
	int status;

	if (!ui->child || waitpid(ui->child, &status, WNOHANG) != ui->child)
		return;
	ui->child = 0;
	pgt_screen_return();
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		pgt_ui_notice(ui, PGT_NOTICE_ERROR, "psql is not installed here");
	ui->dirty = true;
}
