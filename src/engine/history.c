#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "engine_priv.h"
#include "history_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/history.h"
#include "pg2une/engine/options.h"

#define WAITING_MAX 4096
#define FLUSH_NS    (2 * PGT_NS_PER_S)
#define RETRY_NS    (30 * PGT_NS_PER_S)
#define RETAIN_NS   (600 * PGT_NS_PER_S)
#define ATTEND_NS   (30 * PGT_NS_PER_S)
#define BUCKET_MS   INT64_C(600000)
#define PAST_MS	    (30 * INT64_C(86400000))

enum hist_msg { HM_STOP = 1, HM_POINT, HM_QUERIES, HM_RECORD, HM_READ, HM_PAST };

struct node_name {
	char fingerprint[65], node_id[65], name[64];
};

struct hist_job {
	struct node_name node;
	struct pgt_hist_point point;
	struct pgt_hist_query *queries; /* n of them */
	char **texts;			/* one a query; NULL where unknown */
	size_t n;
	enum pgt_record rec;
	char *cols[PGT_RECORD_COLS];
	int n_cols;
	int64_t from_ms, to_ms;
};

struct pgt_history {
	struct pgt_engine *e;
	struct pgt_mailbox *mb;
	pthread_t thread;
	char *where;
	/* the thread's own */
	struct pgt_store *st;
	struct pgt_msg *waiting[WAITING_MAX];
	size_t n_waiting;
	uint64_t dropped;
	struct pgt_retention keep;
	int64_t next_flush_ns, next_try_ns, next_retain_ns, next_attend_ns;
	int64_t rolled_ms; /* rollups are made up to here; 0 not known */
	bool told;         /* the present trouble */
	char node_id[65];
	int64_t node_row;
	struct pgt_downsample d10, d60;
	/* read by the engine's thread */
	pthread_mutex_t lock;
	char trouble[256];
};

static void
free_job(void *p)
{
	struct hist_job *j = p;

	for (size_t i = 0; j->texts && i < j->n; i++)
		free(j->texts[i]);
	for (int i = 0; i < j->n_cols; i++)
		free(j->cols[i]);
	free(j->texts);
	free(j->queries);
	free(j);
}

static struct hist_job *
new_job(const struct pgt_node *node)
{
	struct hist_job *j = pgt_xcalloc(1, sizeof(*j));

	pgt_str_copy(j->node.fingerprint, sizeof(j->node.fingerprint),
		     node->fingerprint ? node->fingerprint : "");
	pgt_str_copy(j->node.node_id, sizeof(j->node.node_id),
		     node->node_id ? node->node_id : "");
	pgt_str_copy(j->node.name, sizeof(j->node.name), node->name ? node->name : "");
	return j;
}

static void
post(struct pgt_history *h, int type, struct hist_job *j)
{
	pgt_engine_command(h->mb, type, 0, j, free_job);
}

/* ---- on the callers' threads ---- */

void
pgt_history_snapshot(struct pgt_history *h, const struct pgt_snapshot *s)
{
	struct hist_job *j;
	double *v;

	if (!h || s->gap || !s->node.node_id)
		return;
	j = new_job(&s->node);
	v = j->point.v;
	j->point.t_ms = s->real_ns / PGT_NS_PER_MS;
	v[PGT_H_TPS] = s->rate.tps;
	v[PGT_H_ROLLBACKS] = s->rate.rollbacks;
	v[PGT_H_MEAN] = s->latency.mean_ms;
	v[PGT_H_P50] = s->latency.p50_ms;
	v[PGT_H_P95] = s->latency.p95_ms;
	v[PGT_H_P99] = s->latency.p99_ms;
	v[PGT_H_HIT] = s->rate.hit_ratio;
	v[PGT_H_ACTIVE] = s->sessions.active;
	v[PGT_H_IDLE] = s->sessions.idle;
	v[PGT_H_WAITING] = s->sessions.waiting;
	v[PGT_H_BLOCKED] = s->sessions.blocked;
	v[PGT_H_TEMP] = s->rate.temp_bytes;
	v[PGT_H_WAL] = s->rate.wal_bytes;
	v[PGT_H_LAG] = s->receiver.present ? s->receiver.replay_lag_bytes : NAN;
	for (size_t i = 0; i < s->n_replicas; i++)
		v[PGT_H_LAG] = fmax(v[PGT_H_LAG], s->replicas[i].replay_lag_bytes);
	v[PGT_H_ERRORS] = s->rate.errors;
	post(h, HM_POINT, j);
}

void
pgt_history_queries(struct pgt_history *h, const struct pgt_snapshot *s,
		    const struct pgt_hist_query *q, size_t n)
{
	struct hist_job *j;

	if (!h || n == 0 || !s->node.node_id)
		return;
	j = new_job(&s->node);
	j->n = n;
	j->queries = pgt_xreallocarray(NULL, n, sizeof(*q));
	memcpy(j->queries, q, n * sizeof(*q));
	j->texts = pgt_xcalloc(n, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < s->n_queries && !j->texts[i]; k++)
			if (s->queries[k].key.queryid == q[i].queryid &&
			    s->queries[k].text)
				j->texts[i] = pgt_xstrdup(s->queries[k].text);
	post(h, HM_QUERIES, j);
}

void
pgt_history_record(struct pgt_history *h, const struct pgt_node *node,
		   enum pgt_record rec, const char *const *cols, int n)
{
	struct hist_job *j;

	if (!h || !node->node_id)
		return;
	j = new_job(node);
	j->rec = rec;
	for (int i = 0; i < n && i < PGT_RECORD_COLS; i++)
		j->cols[j->n_cols++] = cols[i] ? pgt_xstrdup(cols[i]) : NULL;
	post(h, HM_RECORD, j);
}

void
pgt_history_read(struct pgt_history *h, const struct pgt_node *node, int64_t from_ms,
		 int64_t to_ms)
{
	struct hist_job *j;

	if (!h)
		return;
	j = new_job(node);
	j->from_ms = from_ms;
	j->to_ms = to_ms;
	post(h, HM_READ, j);
}

void
pgt_history_past(struct pgt_history *h, const struct pgt_node *node)
{
	if (h)
		post(h, HM_PAST, new_job(node));
}

/* ---- on the store thread ---- */

static int
node_row(struct pgt_history *h, const struct node_name *n, struct pgt_err *err)
{
	if (h->node_row && strcmp(h->node_id, n->node_id) == 0)
		return 0;
	if (pgt_store_node(h->st, n->fingerprint, n->node_id, n->name, &h->node_row,
			   err) < 0)
		return -1;
	pgt_str_copy(h->node_id, sizeof(h->node_id), n->node_id);
	return 0;
}

static int
write_point(struct pgt_history *h, const struct hist_job *j, struct pgt_err *err)
{
	struct pgt_hist_point p;

	if (pgt_store_put_system(h->st, h->node_row, 1, &j->point, err) < 0)
		return -1;
	if (pgt_downsample_add(&h->d10, &j->point, &p) &&
	    pgt_store_put_system(h->st, h->node_row, 10, &p, err) < 0)
		return -1;
	if (pgt_downsample_add(&h->d60, &j->point, &p) &&
	    pgt_store_put_system(h->st, h->node_row, 60, &p, err) < 0)
		return -1;
	return 0;
}

static int
write_queries(struct pgt_history *h, const struct hist_job *j, struct pgt_err *err)
{
	for (size_t i = 0; i < j->n; i++) {
		if (pgt_store_put_query(h->st, h->node_row, 60, &j->queries[i], err) < 0)
			return -1;
		if (j->texts[i] && pgt_store_put_text(h->st, j->queries[i].queryid,
						      j->texts[i], err) < 0)
			return -1;
	}
	return 0;
}

static int
write_job(struct pgt_history *h, const struct pgt_msg *m, struct pgt_err *err)
{
	const struct hist_job *j = m->data;

	if (node_row(h, &j->node, err) < 0)
		return -1;
	switch ((enum hist_msg)m->type) {
	case HM_POINT:
		return write_point(h, j, err);
	case HM_QUERIES:
		return write_queries(h, j, err);
	case HM_RECORD:
		return pgt_store_put_record(h->st, h->node_row, j->rec,
					    (const char *const *)j->cols, j->n_cols, err);
	case HM_STOP:
	case HM_READ:
	case HM_PAST:
		break;
	}
	return 0;
}

static void
forget_waiting(struct pgt_history *h)
{
	for (size_t i = 0; i < h->n_waiting; i++)
		pgt_msg_free(h->waiting[i]);
	h->n_waiting = 0;
}

/* A row that the store refuses for what it is would be refused for ever: wrong data (SQL
 * class 22), a broken constraint (23), a statement that does not fit (42). */
static bool
is_refused(const struct pgt_err *err)
{
	const char *s = err->sqlstate;

	return err->code == PGT_E_STATE ||
	       (err->code == PGT_E_SQL &&
		(strncmp(s, "22", 2) == 0 || strncmp(s, "23", 2) == 0 ||
		 strncmp(s, "42", 2) == 0));
}

static void
say(struct pgt_history *h, const char *text)
{
	pthread_mutex_lock(&h->lock);
	pgt_safetext_copy(h->trouble, sizeof(h->trouble), text);
	pthread_mutex_unlock(&h->lock);
}

void
pgt_history_trouble(struct pgt_history *h, char *buf, size_t size)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	pgt_str_copy(buf, size, h->trouble);
	pthread_mutex_unlock(&h->lock);
}

static void
trouble(struct pgt_history *h, struct pgt_err *err)
{
	static const char own[] = "history: "; /* said below; 80 columns are few */
	size_t skip = strncmp(err->msg, own, strlen(own)) == 0 ? strlen(own) : 0;

	memmove(err->msg, err->msg + skip, strlen(err->msg + skip) + 1);
	pgt_err_prefix(err, "not being kept, going on in memory");
	say(h, err->msg);
	if (!h->told)
		pgt_engine_notice(h->e, PGT_NOTICE_WARN, "history is %s", err->msg);
	h->told = true;
	h->next_try_ns = pgt_clock_mono_ns() + RETRY_NS;
	pgt_store_close(h->st);
	h->st = NULL;
	h->node_row = 0;
}

static void
drop_waiting(struct pgt_history *h, size_t i)
{
	pgt_msg_free(h->waiting[i]);
	memmove(h->waiting + i, h->waiting + i + 1,
		(h->n_waiting - i - 1) * sizeof(h->waiting[0]));
	h->n_waiting--;
	h->dropped++;
}

/* One batch; *ret_at is the job that failed, if it was one. */
static int
write_batch(struct pgt_history *h, size_t *ret_at, struct pgt_err *err)
{
	struct pgt_downsample d10 = h->d10, d60 = h->d60;

	*ret_at = h->n_waiting;
	if (pgt_store_begin(h->st, err) < 0)
		return -1;
	for (size_t i = 0; i < h->n_waiting; i++)
		if (write_job(h, h->waiting[i], err) < 0) {
			*ret_at = i;
			pgt_store_rollback(h->st);
			goto undo;
		}
	if (pgt_store_commit(h->st, err) == 0)
		return 0;

undo: /* the same jobs come again */
	h->node_row = 0; /* it may have been made in this batch */
	h->d10 = d10;
	h->d60 = d60;
	return -1;
}

/* What is refused for what it is goes, the rest is written. */
static int
write_all(struct pgt_history *h, struct pgt_err *err)
{
	size_t at;

	while (write_batch(h, &at, err) < 0) {
		if (at == h->n_waiting || !is_refused(err))
			return -1;
		pgt_engine_notice(h->e, PGT_NOTICE_WARN, "history refused an entry: %s",
				  err->msg);
		drop_waiting(h, at);
	}
	return 0;
}

static bool
ready(struct pgt_history *h)
{
	struct pgt_err err = {0};

	if (h->st)
		return true;
	if (pgt_clock_mono_ns() < h->next_try_ns)
		return false;
	if (pgt_store_open(h->where, &h->st, &err) == 0)
		return true;
	trouble(h, &err);
	return false;
}

static void
flush(struct pgt_history *h)
{
	struct pgt_err err = {0};

	h->next_flush_ns = pgt_clock_mono_ns() + FLUSH_NS;
	if (h->n_waiting == 0 || !ready(h))
		return;
	if (write_all(h, &err) < 0) {
		trouble(h, &err);
		return;
	}
	forget_waiting(h);
	if (h->told)
		pgt_engine_notice(h->e, PGT_NOTICE_INFO,
				  "history is being kept again; %llu entries were lost",
				  (unsigned long long)h->dropped);
	if (h->told)
		say(h, "");
	h->told = false;
	h->dropped = 0;
}

static void
retain(struct pgt_history *h)
{
	int64_t now_ms = pgt_clock_real_ns() / PGT_NS_PER_MS;
	struct pgt_err err = {0};

	h->next_retain_ns = pgt_clock_mono_ns() + RETAIN_NS;
	if (!h->st || h->node_row == 0)
		return;
	/* At the start all that an earlier run left behind, then what is new; a bucket
	 * counts as full a minute after its end, when its last minute was written. */
	if (pgt_store_rollup(h->st, h->node_row,
			     h->rolled_ms ? h->rolled_ms
					  : now_ms - h->keep.keep_60s * 1000,
			     now_ms - 60000, &err) < 0 ||
	    pgt_store_retain(h->st, h->node_row, now_ms, &h->keep, &err) < 0) {
		trouble(h, &err);
		return;
	}
	h->rolled_ms = (now_ms - 60000) / BUCKET_MS * BUCKET_MS;
}

/* What waits in memory answers while the store cannot. */
static void
read_waiting(const struct pgt_history *h, const struct hist_job *want,
	     struct pgt_ev_history *ev)
{
	ev->res_s = 1;
	ev->points = pgt_xreallocarray(NULL, h->n_waiting + 1, sizeof(*ev->points));
	for (size_t i = 0; i < h->n_waiting; i++) {
		const struct hist_job *j = h->waiting[i]->data;

		if (h->waiting[i]->type == HM_POINT &&
		    strcmp(j->node.node_id, want->node.node_id) == 0 &&
		    j->point.t_ms >= want->from_ms && j->point.t_ms < want->to_ms)
			ev->points[ev->n++] = j->point;
	}
}

static void
answer_read(struct pgt_history *h, const struct hist_job *j)
{
	struct pgt_ev_history *ev = pgt_xcalloc(1, sizeof(*ev));
	struct pgt_err err = {0};

	flush(h);
	ev->from_ms = j->from_ms;
	ev->to_ms = j->to_ms;
	ev->res_s = pgt_history_resolution(&h->keep, j->from_ms,
					   pgt_clock_real_ns() / PGT_NS_PER_MS,
					   j->to_ms - j->from_ms);
	if (!ready(h)) {
		pgt_history_trouble(h, ev->message, sizeof(ev->message));
		read_waiting(h, j, ev);
	} else if (node_row(h, &j->node, &err) < 0 ||
		   pgt_history_fill(h->st, h->node_row, ev, &err) < 0) {
		pgt_safetext_copy(ev->message, sizeof(ev->message), err.msg);
	}
	pgt_engine_post(h->e, PGT_EV_HISTORY, ev, pgt_ev_history_free);
}

/* What this console or another said of alerts.  (That it cannot be read is told where
 * something is written.) */
static void
tell_words(struct pgt_history *h)
{
	struct pgt_attend *words;
	struct pgt_err err = {0};
	size_t n;

	h->next_attend_ns = pgt_clock_mono_ns() + ATTEND_NS;
	if (h->st && h->node_row &&
	    pgt_records_attends(h->st, h->node_row, &words, &n, &err) == 0)
		pgt_engine_command(h->e->to_loop, PGT_LM_ATTEND, (int64_t)n, words, free);
}

/* At the start and at the end: alerts of a console that is no more are not open.  Another
 * that watches has written its own again within a bucket. */
static void
leave_alerts(struct pgt_history *h)
{
	struct pgt_err err = {0};

	if (h->st && h->node_row &&
	    pgt_store_leave_alerts(h->st, h->node_row, &err) < 0)
		pgt_err_clear(&err); /* told where something is written */
}

/* Trouble is told where something is written: without a past one begins anew. */
static void
answer_past(struct pgt_history *h, const struct hist_job *j)
{
	struct pgt_ev_history *ev = pgt_xcalloc(1, sizeof(*ev));
	int64_t now_ms = pgt_clock_real_ns() / PGT_NS_PER_MS;
	struct pgt_err err = {0};

	if (ready(h) && node_row(h, &j->node, &err) == 0 &&
	    pgt_store_get_system(h->st, h->node_row, 600, now_ms - PAST_MS, now_ms,
				 &ev->points, &ev->n, &err) == 0 &&
	    ev->n > 0)
		pgt_engine_command(h->e->to_loop, PGT_LM_PAST, 0, ev,
				   pgt_ev_history_free);
	else
		pgt_ev_history_free(ev);
	leave_alerts(h);
	tell_words(h);
}

/* False: stop. */
static bool
drain(struct pgt_history *h)
{
	struct pgt_msg *m;

	while ((m = pgt_mailbox_take(h->mb))) {
		if (m->type == HM_STOP) {
			pgt_msg_free(m);
			return false;
		}
		if (m->type == HM_READ || m->type == HM_PAST) {
			if (m->type == HM_READ)
				answer_read(h, m->data);
			else
				answer_past(h, m->data);
			pgt_msg_free(m);
			continue;
		}
		if (h->n_waiting == WAITING_MAX)
			drop_waiting(h, 0);
		h->waiting[h->n_waiting++] = m;
	}
	return true;
}

static void *
history_main(void *arg)
{
	struct pgt_history *h = arg;
	struct pollfd p = {.fd = pgt_mailbox_fd(h->mb), .events = POLLIN};

	while (drain(h)) {
		int64_t now = pgt_clock_mono_ns();

		if (now >= h->next_flush_ns)
			flush(h);
		if (now >= h->next_retain_ns)
			retain(h);
		if (now >= h->next_attend_ns)
			tell_words(h);
		/* An empty mailbox sleeps; a full one is looked at each interval. */
		poll(&p, 1, h->n_waiting > 0 ? 200 : 60000);
	}
	h->next_try_ns = 0;
	flush(h);
	leave_alerts(h);
	return NULL;
}

struct pgt_history *
pgt_history_new(struct pgt_engine *e)
{
	struct pgt_history *h;
	char *where = pgt_history_where(e->opts);

	if (!where)
		return NULL;
	h = pgt_xcalloc(1, sizeof(*h));
	h->e = e;
	h->where = where;
	h->keep = pgt_history_retention(e->opts);
	pthread_mutex_init(&h->lock, NULL);
	h->mb = pgt_mailbox_new(1024);
	h->d10.res_s = 10;
	h->d60.res_s = 60;
	h->next_retain_ns = pgt_clock_mono_ns() + 60 * PGT_NS_PER_S;
	if (pthread_create(&h->thread, NULL, history_main, h) != 0) {
		pgt_mailbox_free(h->mb);
		free(h->where);
		free(h);
		return NULL;
	}
	pthread_setname_np(h->thread, "pg2une-store");
	return h;
}

void
pgt_history_free(struct pgt_history *h)
{
	if (!h)
		return;
	pgt_engine_command(h->mb, HM_STOP, 0, NULL, NULL);
	pthread_join(h->thread, NULL);
	forget_waiting(h);
	pgt_store_close(h->st);
	pgt_mailbox_free(h->mb);
	pthread_mutex_destroy(&h->lock);
	free(h->where);
	free(h);
}
