/* The console's end of the guard: start it, hear whether it lives. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/change/guard.h"
#include "pg2une/change/lock.h"
#include "pg2une/change/spawn.h"
#include "pg2une/pg/conn.h"

#define MESSAGE_MAX 65536

struct pgt_guard {
	pid_t pid;
	int sock;
	bool dead;
	struct pgt_armed armed;
};

static int
send_order(int sock, const struct pgt_guard_args *args, struct pgt_err *err)
{
	cJSON *obj = cJSON_CreateObject();
	char *conninfo = pgt_connspec_conninfo(args->spec);
	char *password = pgt_connspec_password(args->spec), *text;
	int64_t ticks = 0;
	ssize_t n;
	size_t len;

	pgt_proc_start(getpid(), &ticks);
	pgt_json_str(obj, "conninfo", conninfo);
	pgt_json_str(obj, "password", password);
	pgt_json_str(obj, "journal", args->journal_path);
	pgt_json_str(obj, "probe", args->probe_spec);
	pgt_json_i64(obj, "lock_fd", PGT_SPAWN_LOCK);
	pgt_json_bool(obj, "trial", args->trial);
	pgt_json_i64(obj, "deadline_boot_ms", args->deadline_boot_ns / PGT_NS_PER_MS);
	pgt_json_i64(obj, "console_pid", getpid());
	pgt_json_i64(obj, "console_ticks", ticks);
	text = pgt_json_print(obj, false);
	len = strlen(text);
	n = len < MESSAGE_MAX ? send(sock, text, len, MSG_NOSIGNAL) : -1;
	explicit_bzero(text, len);
	if (password)
		explicit_bzero(password, strlen(password));
	free(text);
	free(password);
	free(conninfo);
	cJSON_Delete(obj);
	if (n < 0)
		return pgt_err_set(err, PGT_E_IO, "the guard does not listen");
	return 0;
}

static int
hear_answer(struct pgt_guard *g, int64_t patience_ns, struct pgt_err *err)
{
	struct pollfd p = {.fd = g->sock, .events = POLLIN};
	char text[4096], safe[400];
	const char *why;
	bool armed = false;
	cJSON *obj;
	ssize_t n;

	if (poll(&p, 1, (int)(patience_ns / PGT_NS_PER_MS)) <= 0)
		return pgt_err_set(err, PGT_E_TIMEOUT,
				   "the guard did not report in time");
	n = recv(g->sock, text, sizeof(text), MSG_DONTWAIT);
	if (n <= 0)
		return pgt_err_set(err, PGT_E_IO, "the guard ended before it was armed");
	obj = pgt_json_parse(text, (size_t)n, sizeof(text), err);
	if (!obj)
		return -1;
	pgt_json_get_bool(obj, "armed", &armed);
	if (!armed) {
		pgt_safetext_copy(
		    safe, sizeof(safe),
		    pgt_json_get_str(obj, "error", &why) ? why : "no reason given");
		pgt_err_set(err, PGT_E_STATE, "the guard cannot be armed: %s", safe);
	}
	cJSON_Delete(obj);
	return armed ? 0 : -1;
}

int
pgt_guard_start(const struct pgt_guard_args *args, struct pgt_guard **ret,
		struct pgt_err *err)
{
	struct pgt_guard *g = pgt_xcalloc(1, sizeof(*g));

	g->sock = -1;
	if (pgt_spawn_self("guard", pgt_lock_fd(args->lock), &g->sock, &g->pid,
			   err) < 0) {
		pgt_err_prefix(err, "the guard");
		goto fail;
	}
	if (send_order(g->sock, args, err) < 0 ||
	    hear_answer(g, args->patience_ns, err) < 0)
		goto fail;
	g->armed.pid = g->pid;
	pgt_proc_start(g->pid, &g->armed.start_ticks);
	pgt_boot_id(g->armed.boot_id);
	g->armed.deadline_boot_ns = args->deadline_boot_ns;
	g->armed.console_pid = getpid();
	pgt_proc_start(getpid(), &g->armed.console_ticks);
	*ret = g;
	return 0;

fail:
	if (g->pid > 0)
		kill(g->pid, SIGKILL); /* ours, and it has nothing to do yet */
	pgt_guard_free(g, true);
	return -1;
}

bool
pgt_guard_alive(struct pgt_guard *g)
{
	struct pollfd p = {.fd = g->sock, .events = POLLIN};
	int status;

	if (g->dead)
		return false;
	/* it says nothing more: readable means that its end is closed */
	if (waitpid(g->pid, &status, WNOHANG) == g->pid)
		g->dead = true;
	else if (poll(&p, 1, 0) > 0)
		return false; /* about to end: reaped later */
	return !g->dead;
}

void
pgt_guard_describe(const struct pgt_guard *g, struct pgt_armed *ret)
{
	*ret = g->armed;
}

void
pgt_guard_free(struct pgt_guard *g, bool ended)
{
	int status, tries;

	if (!g)
		return;
	if (g->sock >= 0)
		close(g->sock);
	for (tries = ended ? 25 : 1; g->pid > 0 && !g->dead && tries > 0; tries--) {
		g->dead = waitpid(g->pid, &status, WNOHANG) != 0;
		if (!g->dead && tries > 1)
			poll(NULL, 0, 20);
	}
	free(g);
}
