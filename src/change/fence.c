#include <stdio.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/change/fence.h"
#include "pg2une/change/session.h"
#include "pg2une/pg/conn.h"
#include "sqltext_priv.h"

#define ASK_NS (10 * PGT_NS_PER_S)

static void
copy_col(const struct pgt_result *r, const char *col, char *dst, size_t size)
{
	const char *s = pgt_result_str(r, 0, pgt_result_col(r, col));

	pgt_safetext_copy(dst, size, s ? s : "");
}

int
pgt_fence_read(struct pgt_writer *s, struct pgt_fence *ret, struct pgt_err *err)
{
	const char *params[] = {PGT_CHANGE_LOCK_KEY};
	struct pgt_result *r = NULL;
	struct pgt_fence f = {0};

	if (pgt_writer_run(s, pgt_change_sql("fence", 0), params, 1, ASK_NS, &r,
			   err) < 0) {
		pgt_err_prefix(err, "cannot tell which node this is");
		return -1;
	}
	copy_col(r, "system_identifier", f.system_identifier,
		 sizeof(f.system_identifier));
	copy_col(r, "datadir", f.datadir, sizeof(f.datadir));
	copy_col(r, "addr", f.addr, sizeof(f.addr));
	f.timeline = (int)pgt_result_i64(r, 0, pgt_result_col(r, "timeline"), 0);
	f.in_recovery = pgt_result_bool(r, 0, pgt_result_col(r, "in_recovery"));
	f.start_us = pgt_result_i64(r, 0, pgt_result_col(r, "start_us"), 0);
	f.port = (int)pgt_result_i64(r, 0, pgt_result_col(r, "port"), 0);
	f.backend_pid = (int)pgt_result_i64(r, 0, pgt_result_col(r, "pid"), 0);
	f.locked = pgt_result_bool(r, 0, pgt_result_col(r, "locked"));
	pgt_result_free(r);
	if (!f.system_identifier[0] || !f.timeline || !f.start_us)
		return pgt_err_set(err, PGT_E_STATE,
				   "the server did not say which node it is");
	*ret = f;
	return 0;
}

enum pgt_fence_verdict
pgt_fence_compare(const struct pgt_fence *then, const struct pgt_fence *now, char *why,
		  size_t size)
{
	if (!then->system_identifier[0] || !now->system_identifier[0]) {
		snprintf(why, size, "the node is not known");
		return PGT_FENCE_UNKNOWN;
	}
	if (strcmp(then->system_identifier, now->system_identifier) != 0) {
		snprintf(why, size,
			 "another cluster answers: system identifier %s, not %s",
			 now->system_identifier, then->system_identifier);
		return PGT_FENCE_OTHER;
	}
	/* not visible to one of the two roles: then it says nothing */
	if (then->datadir[0] && now->datadir[0] &&
	    strcmp(then->datadir, now->datadir) != 0) {
		snprintf(why, size,
			 "another node answers: data directory %.100s, not %.100s",
			 now->datadir, then->datadir);
		return PGT_FENCE_OTHER;
	}
	if (then->port != now->port ||
	    (then->addr[0] && now->addr[0] && strcmp(then->addr, now->addr) != 0)) {
		snprintf(why, size, "another node answers: %s port %d, not %s port %d",
			 now->addr, now->port, then->addr, then->port);
		return PGT_FENCE_OTHER;
	}
	if (then->in_recovery != now->in_recovery) {
		snprintf(why, size, "the node %s since",
			 now->in_recovery ? "became a standby" : "was promoted");
		return PGT_FENCE_ROLE;
	}
	if (then->timeline != now->timeline) {
		snprintf(why, size, "timeline %d, not %d: there was a failover",
			 now->timeline, then->timeline);
		return PGT_FENCE_ROLE;
	}
	if (then->start_us != now->start_us) {
		snprintf(why, size, "the server was restarted since");
		return PGT_FENCE_RESTARTED;
	}
	snprintf(why, size, "the same node");
	return PGT_FENCE_SAME;
}

cJSON *
pgt_fence_json(const struct pgt_fence *f)
{
	cJSON *obj = cJSON_CreateObject();

	pgt_json_str(obj, "system_identifier", f->system_identifier);
	pgt_json_i64(obj, "timeline", f->timeline);
	pgt_json_bool(obj, "in_recovery", f->in_recovery);
	pgt_json_i64(obj, "start_us", f->start_us);
	pgt_json_str(obj, "datadir", f->datadir);
	pgt_json_str(obj, "addr", f->addr);
	pgt_json_i64(obj, "port", f->port);
	return obj;
}

static void
text_into(const cJSON *json, const char *name, char *dst, size_t size)
{
	const char *s;

	if (pgt_json_get_str(json, name, &s))
		pgt_str_copy(dst, size, s);
}

void
pgt_fence_from_json(const cJSON *json, struct pgt_fence *ret)
{
	int64_t n = 0;

	memset(ret, 0, sizeof(*ret));
	text_into(json, "system_identifier", ret->system_identifier,
		  sizeof(ret->system_identifier));
	text_into(json, "datadir", ret->datadir, sizeof(ret->datadir));
	text_into(json, "addr", ret->addr, sizeof(ret->addr));
	if (pgt_json_get_i64(json, "timeline", &n))
		ret->timeline = (int)n;
	if (pgt_json_get_i64(json, "port", &n))
		ret->port = (int)n;
	pgt_json_get_i64(json, "start_us", &ret->start_us);
	pgt_json_get_bool(json, "in_recovery", &ret->in_recovery);
}
