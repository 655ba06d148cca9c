/* The waiting forms: for threads and commands that have nothing else to do. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "conn_priv.h"

/* Whole milliseconds to the deadline, rounded up; -1 for none. */
static int
wait_ms(int64_t deadline_ns)
{
	int64_t left;

	if (deadline_ns == INT64_MAX)
		return -1;
	left = deadline_ns - pgt_clock_mono_ns();
	if (left <= 0)
		return 0;
	left = (left + PGT_NS_PER_MS - 1) / PGT_NS_PER_MS;
	return left > 1000000 ? 1000000 : (int)left;
}

bool
pgt_conn_wait(struct pgt_conn *c)
{
	struct pollfd p = {.fd = pgt_conn_fd(c), .events = c->events};
	int ms = wait_ms(c->deadline_ns);

	if (poll(&p, 1, ms) < 0 && errno != EINTR)
		return false;
	return ms != 0;
}

int
pgt_conn_run_connect(struct pgt_conn *c, int64_t timeout_ns, struct pgt_err *err)
{
	if (pgt_conn_start(c, timeout_ns, err) < 0)
		return -1;
	while (c->state == PGT_CONN_CONNECTING) {
		pgt_conn_wait(c);
		pgt_conn_step(c);
	}
	if (c->state == PGT_CONN_READY)
		return 0;
	if (err)
		*err = c->err;
	return -1;
}

/* An outcome to *ret, or its error to err. */
static int
run_outcome(struct pgt_result *take_r, struct pgt_result **ret, struct pgt_err *err)
{
	if (pgt_result_ok(take_r)) {
		*ret = take_r;
		return 0;
	}
	if (err)
		*err = *pgt_result_error(take_r);
	pgt_result_free(take_r);
	return -1;
}

int
pgt_conn_run(struct pgt_conn *c, const char *sql, const char *const *params, int n_params,
	     int64_t timeout_ns, struct pgt_result **ret, struct pgt_err *err)
{
	struct pgt_stmt stmt = {.sql = sql, .params = params, .n_params = n_params};

	if (pgt_conn_send(c, &stmt, 1, timeout_ns, err) < 0)
		return -1;
	while (c->state == PGT_CONN_BUSY) {
		pgt_conn_wait(c);
		pgt_conn_step(c);
	}
	if (c->state == PGT_CONN_DONE)
		return run_outcome(pgt_conn_take(c, 0), ret, err);
	if (err)
		*err = c->err;
	return -1;
}

int
pgt_conn_run_nums(struct pgt_conn *c, const char *sql, const char *const *params,
		  int n_params, int64_t timeout_ns, struct pgt_result **ret,
		  struct pgt_err *err)
{
	int rc;

	c->binary = true;
	rc = pgt_conn_run(c, sql, params, n_params, timeout_ns, ret, err);
	c->binary = false;
	return rc;
}

int
pgt_conn_run_simple(struct pgt_conn *c, const char *sql, int64_t timeout_ns,
		    struct pgt_result **ret, struct pgt_err *err)
{
	struct pgt_result *last = NULL;
	PGresult *res;

	if (c->state != PGT_CONN_READY)
		return pgt_err_set(err, PGT_E_STATE, "the connection is not ready");
	c->deadline_ns = timeout_ns > 0 ? pgt_clock_mono_ns() + timeout_ns : INT64_MAX;
	c->statements++;
	if (!PQsendQuery(c->pg, sql))
		goto lost;
	for (;;) {
		int rc = PQflush(c->pg);

		if (rc < 0)
			goto lost;
		c->events = (short)(rc > 0 ? POLLIN | POLLOUT : POLLIN);
		if (!PQisBusy(c->pg)) {
			res = PQgetResult(c->pg);
			if (!res)
				break;
			pgt_result_free(last);
			last = pgt_result_new(res);
			if (PQstatus(c->pg) == CONNECTION_BAD)
				goto lost;
			continue;
		}
		if (!pgt_conn_wait(c)) {
			pgt_conn_fail(
			    c, PGT_E_TIMEOUT,
			    "the server did not answer within the time allowed");
			goto failed;
		}
		if (!PQconsumeInput(c->pg))
			goto lost;
	}
	c->deadline_ns = INT64_MAX;
	c->events = POLLIN;
	if (PQstatus(c->pg) == CONNECTION_BAD)
		goto lost;
	return run_outcome(last, ret, err);

lost:
	pgt_conn_fail(c, PGT_E_CONN, PQerrorMessage(c->pg));
failed:
	pgt_result_free(last);
	if (err)
		*err = c->err;
	return -1;
}

/* PQcancel() blocks without a limit when the postmaster hangs; so it runs in a
 * thread that is left behind at the deadline and frees what it holds. */
struct cancel_job {
	PGcancel *cancel;
	int done_fd;
	atomic_int refs;
	bool ok;
	char msg[256];
};

static void
cancel_unref(struct cancel_job *job)
{
	if (atomic_fetch_sub(&job->refs, 1) != 1)
		return;
	PQfreeCancel(job->cancel);
	close(job->done_fd);
	free(job);
}

static void *
cancel_main(void *arg)
{
	struct cancel_job *job = arg;

	job->ok = PQcancel(job->cancel, job->msg, sizeof(job->msg)) == 1;
	eventfd_write(job->done_fd, 1);
	cancel_unref(job);
	return NULL;
}

int
pgt_conn_cancel(struct pgt_conn *c, int64_t timeout_ns, struct pgt_err *err)
{
	struct cancel_job *job;
	struct pollfd p = {.events = POLLIN};
	pthread_t thread;
	int64_t deadline = pgt_clock_mono_ns() + timeout_ns;
	int rc, ms;

	if (!c->pg)
		return pgt_err_set(err, PGT_E_STATE, "not connected");
	job = pgt_xcalloc(1, sizeof(*job));
	atomic_init(&job->refs, 2);
	job->cancel = PQgetCancel(c->pg);
	p.fd = job->done_fd = eventfd(0, EFD_CLOEXEC);
	if (!job->cancel || job->done_fd < 0 ||
	    pthread_create(&thread, NULL, cancel_main, job) != 0) {
		atomic_store(&job->refs, 1);
		cancel_unref(job);
		return pgt_err_set(err, PGT_E_IO, "cannot send a cancel request");
	}
	pthread_detach(thread);
	do {
		ms = wait_ms(deadline);
		rc = poll(&p, 1, ms);
	} while (rc <= 0 && ms != 0);
	if (rc <= 0)
		rc = pgt_err_set(err, PGT_E_TIMEOUT,
				 "the cancel request was not taken in time");
	else if (!job->ok)
		rc = pgt_err_set(err, PGT_E_CONN, "cancel: %.200s", job->msg);
	else
		rc = 0;
	if (rc < 0 && err) {
		char *safe = pgt_safetext(err->msg, PGT_SAFE_LINE, sizeof(err->msg) - 1);

		pgt_err_set(err, err->code, "%s", safe);
		free(safe);
	}
	cancel_unref(job);
	return rc;
}
