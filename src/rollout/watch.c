/* The console's end of the traffic's guard. */
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
#include "pg2une/change/lock.h"
#include "pg2une/change/spawn.h"
#include "pg2une/rollout/watch.h"

#define PATIENCE_MS  20000
#define MESSAGE_MAX  8192

struct pgt_rollout_watch {
	pid_t pid;
	int sock;
	bool dead;
};

static int
send_order(int sock, const char *journal_path, struct pgt_err *err)
{
	cJSON *obj = cJSON_CreateObject();
	int64_t ticks = 0;
	char *text;
	ssize_t n;

	pgt_proc_start(getpid(), &ticks);
	pgt_json_str(obj, "journal", journal_path);
	pgt_json_i64(obj, "lock_fd", PGT_SPAWN_LOCK);
	pgt_json_i64(obj, "console_pid", getpid());
	pgt_json_i64(obj, "console_ticks", ticks);
	text = pgt_json_print(obj, false);
	n = send(sock, text, strlen(text), MSG_NOSIGNAL);
	free(text);
	cJSON_Delete(obj);
	return n < 0 ? pgt_err_set(err, PGT_E_IO, "the traffic's guard does not listen")
		     : 0;
}

static int
hear_answer(int sock, struct pgt_err *err)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	char text[1024], safe[400];
	ssize_t n;

	if (poll(&p, 1, PATIENCE_MS) <= 0)
		return pgt_err_set(err, PGT_E_TIMEOUT,
				   "the traffic's guard did not report in time");
	n = recv(sock, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (n <= 0)
		return pgt_err_set(err, PGT_E_IO, "the traffic's guard ended at once");
	text[n] = '\0';
	if (strcmp(text, "armed") == 0)
		return 0;
	pgt_safetext_copy(safe, sizeof(safe), text);
	return pgt_err_set(err, PGT_E_STATE, "the traffic's guard: %s", safe);
}

int
pgt_rollout_watch_start(const char *journal_path, const struct pgt_lock *lock,
			struct pgt_rollout_watch **ret, struct pgt_err *err)
{
	struct pgt_rollout_watch *w = pgt_xcalloc(1, sizeof(*w));

	w->sock = -1;
	if (pgt_spawn_self("rollout-guard", pgt_lock_fd(lock), &w->sock, &w->pid,
			   err) < 0) {
		pgt_err_prefix(err, "the traffic's guard");
		goto fail;
	}
	if (send_order(w->sock, journal_path, err) < 0 || hear_answer(w->sock, err) < 0)
		goto fail;
	*ret = w;
	return 0;

fail:
	if (w->pid > 0)
		kill(w->pid, SIGKILL); /* ours, and it has nothing to do yet */
	pgt_rollout_watch_free(w, true);
	return -1;
}

bool
pgt_rollout_watch_alive(struct pgt_rollout_watch *w)
{
	struct pollfd p = {.fd = w->sock, .events = POLLIN};
	int status;

	/* it says nothing more: readable means that its end is closed */
	if (!w->dead && waitpid(w->pid, &status, WNOHANG) == w->pid)
		w->dead = true;
	return !w->dead && poll(&p, 1, 0) == 0;
}

void
pgt_rollout_watch_beat(struct pgt_rollout_watch *w)
{
	(void)!send(w->sock, "h", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
pgt_rollout_watch_free(struct pgt_rollout_watch *w, bool ended)
{
	int status;

	if (!w)
		return;
	if (w->sock >= 0)
		close(w->sock);
	for (int tries = ended ? 25 : 1; w->pid > 0 && !w->dead && tries > 0; tries--) {
		w->dead = waitpid(w->pid, &status, WNOHANG) != 0;
		if (!w->dead && tries > 1)
			poll(NULL, 0, 20);
	}
	free(w);
}
