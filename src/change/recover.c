#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/change/lock.h"
#include "pg2une/change/recover.h"
#include "pg2une/change/target.h"
#include "pg2une/pg/conn.h"

#define JOURNALS_MAX 100000

static const char *const state_names[] = {
    [PGT_FOUND_CLOSED] = "closed",	   [PGT_FOUND_HELD] = "held",
    [PGT_FOUND_UNTOUCHED] = "untouched", [PGT_FOUND_CONFIRMED] = "confirmed",
    [PGT_FOUND_HALF] = "half_applied",   [PGT_FOUND_DAMAGED] = "damaged",
};

const char *
pgt_found_state_name(enum pgt_found_state s)
{
	return s <= PGT_FOUND_DAMAGED ? state_names[s] : "?";
}

static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return pgt_xstrndup(path, slash ? (size_t)(slash - path) : 0);
}

/* ---- looking ---- */

static void
classify(struct pgt_found *f, const struct pgt_journal *j)
{
	struct pgt_lock_holder holder;
	struct pgt_err err = {0};
	char *dir;

	if (pgt_replay_read(j, &f->rec, &err) < 0) {
		/* cut short before its plan was durable: nothing can have followed */
		f->state = pgt_journal_health(j) == PGT_JH_CORRUPT ? PGT_FOUND_DAMAGED
								   : PGT_FOUND_UNTOUCHED;
		snprintf(f->why, sizeof(f->why), "%.200s", err.msg);
		return;
	}
	f->has_rec = true;
	if (pgt_journal_health(j) == PGT_JH_CORRUPT) {
		f->state = PGT_FOUND_DAMAGED;
		snprintf(f->why, sizeof(f->why), "the journal is damaged before its end");
		return;
	}
	if (f->rec.closed) {
		f->state = PGT_FOUND_CLOSED;
		return;
	}
	dir = folder_of(f->path);
	if (pgt_lock_check(dir, f->rec.node, &holder)) {
		f->state = PGT_FOUND_HELD;
		snprintf(f->why, sizeof(f->why), "%s, process %d of %s", holder.operation,
			 holder.pid, holder.who);
	} else if (!f->rec.any_intent) {
		f->state = PGT_FOUND_UNTOUCHED;
	} else if (f->rec.confirmed) {
		f->state = PGT_FOUND_CONFIRMED;
	} else {
		f->state = PGT_FOUND_HALF;
		pgt_replay_phase(&f->rec, f->why, sizeof(f->why));
	}
	free(dir);
}

static void
look_at(const char *path, const char *fingerprint, struct pgt_found *ret)
{
	struct pgt_journal *j = NULL;
	struct pgt_err err = {0};

	memset(ret, 0, sizeof(*ret));
	ret->path = pgt_xstrdup(path);
	pgt_str_copy(ret->fingerprint, sizeof(ret->fingerprint), fingerprint);
	if (pgt_journal_read(path, &j, &err) < 0) {
		ret->state = PGT_FOUND_DAMAGED;
		snprintf(ret->why, sizeof(ret->why), "%.250s", err.msg);
		return;
	}
	classify(ret, j);
	pgt_journal_close(j);
}

void
pgt_found_done(struct pgt_found *f)
{
	free(f->path);
	if (f->has_rec)
		pgt_replay_done(&f->rec);
	memset(f, 0, sizeof(*f));
}

void
pgt_found_free(struct pgt_found *list, size_t n)
{
	size_t i;

	for (i = 0; list && i < n; i++)
		pgt_found_done(&list[i]);
	free(list);
}

struct scan {
	struct pgt_found *list;
	size_t n;
	bool open_only;
	const char *prefix; /* of the id, NULL any */
};

static bool
is_journal(const char *name)
{
	size_t n = strlen(name);

	return n > 7 && strncmp(name, "cs-", 3) == 0 && strcmp(name + n - 4, ".jnl") == 0;
}

static void
scan_cluster(const char *clusters, const char *fingerprint, struct scan *sc)
{
	char *dir = pgt_xasprintf("%s/%s", clusters, fingerprint), *path;
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)) && sc->n < JOURNALS_MAX) {
		struct pgt_found f;

		if (!is_journal(e->d_name) ||
		    (sc->prefix && !pgt_str_starts(e->d_name + 3, sc->prefix)))
			continue;
		path = pgt_xasprintf("%s/%s", dir, e->d_name);
		look_at(path, fingerprint, &f);
		free(path);
		if (sc->open_only && f.state == PGT_FOUND_CLOSED) {
			pgt_found_done(&f);
			continue;
		}
		sc->list = pgt_xreallocarray(sc->list, sc->n + 1, sizeof(*sc->list));
		sc->list[sc->n++] = f;
	}
	if (d)
		closedir(d);
	free(dir);
}

static int
newest_first(const void *a, const void *b)
{
	const struct pgt_found *x = a, *y = b;
	int64_t tx = x->has_rec ? x->rec.begun_ns : 0,
		ty = y->has_rec ? y->rec.begun_ns : 0;

	return tx < ty ? 1 : tx > ty ? -1 : strcmp(x->path, y->path);
}

static int
scan(const char *fingerprint, struct scan *sc, struct pgt_err *err)
{
	char *state = pgt_file_state_dir(),
	     *clusters = pgt_xasprintf("%s/clusters", state);
	struct dirent *e;
	DIR *d = NULL;
	int rc = 0;

	free(state);
	if (fingerprint) {
		scan_cluster(clusters, fingerprint, sc);
	} else if ((d = opendir(clusters))) {
		while ((e = readdir(d)))
			if (e->d_name[0] != '.')
				scan_cluster(clusters, e->d_name, sc);
		closedir(d);
	} else if (errno != ENOENT) {
		rc = pgt_err_set(err, PGT_E_IO, "%s: %s", clusters, pgt_strerror(errno));
	}
	free(clusters);
	if (sc->n > 1)
		qsort(sc->list, sc->n, sizeof(*sc->list), newest_first);
	return rc;
}

int
pgt_recover_scan(const char *fingerprint, bool open_only, struct pgt_found **ret,
		 size_t *ret_n, struct pgt_err *err)
{
	struct scan sc = {.open_only = open_only};

	if (scan(fingerprint, &sc, err) < 0) {
		pgt_found_free(sc.list, sc.n);
		return -1;
	}
	*ret = sc.list;
	*ret_n = sc.n;
	return 0;
}

int
pgt_recover_find(const char *id, struct pgt_found *ret, struct pgt_err *err)
{
	struct scan sc = {.prefix = id};
	int rc;

	if (!*id || strspn(id, "0123456789abcdef-") != strlen(id))
		return pgt_err_set(err, PGT_E_USAGE, "not the id of a changeset: %.40s",
				   id);
	rc = scan(NULL, &sc, err);
	if (rc == 0 && sc.n == 0)
		rc = pgt_err_set(err, PGT_E_NOTFOUND, "no changeset %.40s here", id);
	if (rc == 0 && sc.n > 1)
		rc = pgt_err_set(err, PGT_E_USAGE, "%zu changesets begin with %.40s",
				 sc.n, id);
	if (rc == 0) {
		*ret = sc.list[0];
		memset(&sc.list[0], 0, sizeof(sc.list[0]));
	}
	pgt_found_free(sc.list, sc.n);
	return rc;
}

/* ---- confirming from elsewhere ---- */

static bool
may_confirm(const struct pgt_journal *j, void *arg, struct pgt_err *err)
{
	struct pgt_replay rec;
	char boot[37];
	bool ok = false;

	(void)arg;
	if (pgt_replay_read(j, &rec, err) < 0)
		return false;
	pgt_boot_id(boot);
	if (rec.closed)
		pgt_err_set(err, PGT_E_STATE, "it is closed: %s",
			    pgt_ending_name(rec.outcome));
	else if (rec.confirmed)
		pgt_err_set(err, PGT_E_STATE, "it is confirmed already");
	else if (rec.rb_begun || rec.rb_request)
		pgt_err_set(err, PGT_E_CONFLICT, "it is being rolled back");
	else if (!rec.verified)
		pgt_err_set(err, PGT_E_STATE,
			    "it was not verified yet: it can only be rolled back");
	else if (strcmp(boot, rec.armed.boot_id) == 0 &&
		 pgt_clock_boot_ns() >= rec.armed.deadline_boot_ns)
		pgt_err_set(err, PGT_E_STATE, "its deadline has passed");
	else
		ok = true;
	pgt_replay_done(&rec);
	return ok;
}

int
pgt_recover_confirm(const struct pgt_found *f, struct pgt_err *err)
{
	struct pgt_journal *j = NULL;
	struct pgt_lock_holder holder;
	struct pgt_err ignored;
	char who[128], *dir;
	cJSON *body;
	int rc;

	if (!f->has_rec)
		return pgt_err_set(err, PGT_E_STATE, "%s", f->why);
	if (pgt_journal_open(f->path, &j, err) < 0)
		return -1;
	body = cJSON_CreateObject();
	pgt_change_who(who, sizeof(who));
	pgt_json_str(body, "who", who);
	rc = pgt_journal_append(j, PGT_J_CONFIRMED, body, may_confirm, NULL, err);
	cJSON_Delete(body);
	dir = folder_of(f->path);
	if (rc == 0 && !pgt_lock_check(dir, f->rec.node, &holder))
		(void)!pgt_change_close(j, PGT_END_CONFIRMED, "confirmed", &ignored);
	free(dir);
	pgt_journal_close(j);
	return rc;
}

int
pgt_recover_close(const struct pgt_found *f, struct pgt_err *err)
{
	struct pgt_journal *j = NULL;
	int rc;

	if (pgt_journal_open(f->path, &j, err) < 0)
		return -1;
	rc = pgt_change_close(j, PGT_END_CONFIRMED, "confirmed", err);
	pgt_journal_close(j);
	return rc;
}

/* ---- rolling back from elsewhere ---- */

static int
make_link(const struct pgt_found *f, const struct pgt_recover_args *a,
	  struct pgt_direct **ret, struct pgt_err *err)
{
	struct pgt_connargs args = {.dbname = f->rec.conninfo[0] ? f->rec.conninfo
								 : NULL};
	struct pgt_connspec *spec = NULL;
	char label[64];

	if (!a->spec && pgt_connspec_new(&args, &spec, err) < 0)
		return -1;
	pgt_direct_label("recover", f->rec.cs->id, label, sizeof(label));
	*ret = pgt_direct_new(a->spec ? a->spec : spec, label, a->pulse);
	pgt_connspec_free(spec);
	return 0;
}

static int
request(struct pgt_journal *j, const char *reason, struct pgt_err *err)
{
	cJSON *body = cJSON_CreateObject();
	int rc;

	pgt_json_str(body, "reason", reason);
	rc = pgt_journal_append(j, PGT_J_RB_REQUEST, body, NULL, NULL, err);
	cJSON_Delete(body);
	return rc;
}

/* The holder has been asked: its outcome, or OPEN when it let go or is too slow. */
static enum pgt_ending
wait_for_holder(const struct pgt_found *f, struct pgt_journal *j, int64_t give_up,
		struct pgt_pulse pulse, struct pgt_err *err)
{
	char *dir = folder_of(f->path);
	enum pgt_ending out = PGT_END_OPEN;
	struct pgt_lock_holder holder;
	struct pgt_replay rec;
	bool closed = false;

	while (!closed && pgt_clock_mono_ns() < give_up &&
	       (!pulse.fn || pulse.fn(pulse.arg))) {
		if (pgt_journal_refresh(j, err) < 0 || pgt_replay_read(j, &rec, err) < 0)
			break;
		closed = rec.closed;
		out = rec.outcome;
		pgt_replay_done(&rec);
		if (closed || !pgt_lock_check(dir, f->rec.node, &holder))
			break;
		poll(NULL, 0, 50);
	}
	free(dir);
	if (!closed)
		pgt_err_set(err, PGT_E_TIMEOUT,
			    "whoever holds it has not rolled it back yet");
	return closed ? out : PGT_END_OPEN;
}

static enum pgt_ending
roll_back_here(const struct pgt_found *f, const struct pgt_recover_args *a,
	       struct pgt_journal *j, struct pgt_lock *lock,
	       struct pgt_restore_report *ret, struct pgt_err *err)
{
	struct pgt_rollback_args args = {
	    .journal = j,
	    .probe = a->probe,
	    .reason = a->reason,
	    .confirmed_too = true,
	    .take_over = true,
	    .give_up_ns = pgt_clock_mono_ns() + a->give_up_ns,
	    .freeze_ns = a->freeze_ns,
	    .pulse = a->pulse,
	    .say = a->say,
	    .say_arg = a->say_arg,
	};
	enum pgt_ending out;

	(void)lock;
	if (make_link(f, a, &args.link, err) < 0)
		return PGT_END_OPEN;
	out = pgt_rollback(&args, ret, err);
	pgt_direct_free(args.link);
	return out;
}

enum pgt_ending
pgt_recover_rollback(const struct pgt_found *f, const struct pgt_recover_args *a,
		     struct pgt_restore_report *ret, struct pgt_err *err)
{
	int64_t give_up = pgt_clock_mono_ns() + a->give_up_ns;
	enum pgt_ending out = PGT_END_OPEN;
	struct pgt_journal *j = NULL;
	struct pgt_lock *lock = NULL;
	char *dir;

	if (!f->has_rec || f->state == PGT_FOUND_DAMAGED) {
		pgt_err_set(err, PGT_E_STATE, "%s: only to be inspected: %.200s", f->path,
			    f->why);
		return PGT_END_OPEN;
	}
	if (pgt_journal_open(f->path, &j, err) < 0)
		return PGT_END_OPEN;
	dir = folder_of(f->path);
	if (pgt_lock_take(dir, f->rec.node, f->rec.cs->id, "rollback", &lock, err) < 0) {
		if (err->code == PGT_E_CONFLICT && !f->rec.closed &&
		    request(j, a->reason, err) == 0)
			out = wait_for_holder(f, j, give_up, a->pulse, err);
		if (out != PGT_END_OPEN || f->rec.closed ||
		    pgt_lock_take(dir, f->rec.node, f->rec.cs->id, "rollback", &lock,
				  err) < 0)
			goto out;
	}
	out = roll_back_here(f, a, j, lock, ret, err);

out:
	pgt_lock_release(lock);
	pgt_journal_close(j);
	free(dir);
	return out;
}

char *
pgt_recover_inspect(const struct pgt_found *f, const struct pgt_recover_args *a,
		    struct pgt_err *err)
{
	struct pgt_direct *l = NULL;
	struct pgt_buf b;
	struct pgt_prev now;
	char *label;
	size_t i;

	if (!f->has_rec) {
		pgt_err_set(err, PGT_E_STATE, "%s", f->why);
		return NULL;
	}
	if (make_link(f, a, &l, err) < 0)
		return NULL;
	if (pgt_direct_open(l, 5 * PGT_NS_PER_S, err) < 0) {
		pgt_direct_free(l);
		return NULL;
	}
	pgt_buf_init(&b, 64 * 1024);
	for (i = 0; i < f->rec.cs->n_items; i++) {
		const struct pgt_item *item = &f->rec.cs->items[i];
		const struct pgt_prev *prev = &f->rec.prev[i];
		const char *state = "cannot be read";

		memset(&now, 0, sizeof(now));
		if (prev->known &&
		    pgt_target_read(l, item, a->probe, false, &now, NULL, err) == 0)
			state = pgt_item_is_before(item, prev, &now) ? "as before"
				: pgt_item_is_ours(item, prev, &now)
				    ? "in force, ours"
				    : "changed by somebody else";
		label = pgt_item_label(item);
		pgt_buf_printf(&b, "%s\t%s\t%s\n", label, now.text ? now.text : "",
			       state);
		free(label);
		pgt_prev_done(&now);
	}
	pgt_direct_free(l);
	return pgt_buf_take(&b);
}
