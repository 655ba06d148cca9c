#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/infra/mxc.h"

#define TIMEOUT_NS (10 * PGT_NS_PER_S)
#define POLL_MS	   1000

static const char *const status_names[] = {
    [PGT_MXC_UNKNOWN] = "unknown",   [PGT_MXC_PENDING] = "pending",
    [PGT_MXC_STARTING] = "starting", [PGT_MXC_RUNNING] = "running",
    [PGT_MXC_STOPPING] = "stopping", [PGT_MXC_STOPPED] = "stopped",
    [PGT_MXC_FAILED] = "failed",
};

static enum pgt_mxc_status
status_of(const char *s)
{
	for (size_t i = 1; i < PGT_LEN(status_names); i++)
		if (strcmp(status_names[i], s) == 0)
			return (enum pgt_mxc_status)i;
	return PGT_MXC_UNKNOWN;
}

/* What the coordinator says is wrong, in one line: {"error": text}, where text may
 * carry quotes of its own, {"error": {field: [text]}} or {"errors": {"detail"}}. */
static void
error_text(const cJSON *json, char *dst, size_t size)
{
	const cJSON *e = cJSON_GetObjectItemCaseSensitive(json, "error"), *first;
	char *text = NULL, *raw;

	if (!e)
		e = cJSON_GetObjectItemCaseSensitive(json, "errors");
	if (cJSON_IsString(e)) {
		text = pgt_xstrdup(e->valuestring);
	} else if (cJSON_IsObject(e) && e->child) {
		first = cJSON_IsArray(e->child) ? cJSON_GetArrayItem(e->child, 0)
						: e->child;
		text = pgt_xasprintf("%s %s", e->child->string,
				     cJSON_IsString(first) ? first->valuestring
							   : "is refused");
	}
	raw = text ? text : pgt_xstrdup("no reason given");
	if (raw[0] == '"' && strlen(raw) > 1 && raw[strlen(raw) - 1] == '"') {
		raw[strlen(raw) - 1] = '\0';
		pgt_safetext_copy(dst, size, raw + 1);
	} else {
		pgt_safetext_copy(dst, size, raw);
	}
	free(raw);
}

static int
call(const char *method, const char *url, const char *path,
     const struct pgt_http_auth *auth, const cJSON *body, cJSON **ret,
     struct pgt_err *err)
{
	char *full = pgt_xasprintf("%s%s", url, path), why[256];
	cJSON *json = NULL;
	long status = 0;
	int rc = pgt_http_json(method, full, auth, body, TIMEOUT_NS, &status, &json, err);

	if (rc < 0) {
		pgt_err_prefix(err, "mxc");
	} else if (status >= 400) {
		error_text(json, why, sizeof(why));
		rc = pgt_err_set(err,
				 status == 401	 ? PGT_E_DENIED
				 : status == 404 ? PGT_E_NOTFOUND
				 : status == 422 ? PGT_E_USAGE
						 : PGT_E_CONN,
				 "mxc, %s %s: %ld %s", method, path, status, why);
		cJSON_Delete(json);
	} else {
		*ret = json;
	}
	free(full);
	return rc;
}

static const cJSON *
data_of(const cJSON *json, struct pgt_err *err)
{
	const cJSON *d = cJSON_GetObjectItemCaseSensitive(json, "data");

	if (!cJSON_IsObject(d)) {
		pgt_err_set(err, PGT_E_PARSE, "mxc: the answer has no \"data\"");
		return NULL;
	}
	return d;
}

static void
copy_str(const cJSON *o, const char *name, char *dst, size_t size)
{
	const char *s;

	if (pgt_json_get_str(o, name, &s))
		pgt_safetext_copy(dst, size, s);
}

static int
take_workload(cJSON *take_json, struct pgt_mxc_workload *ret, struct pgt_err *err)
{
	const cJSON *d = data_of(take_json, err);
	struct pgt_mxc_workload w = {.id = ""};
	char status[24] = "";
	int rc = d ? 0 : -1;

	if (d) {
		copy_str(d, "id", w.id, sizeof(w.id));
		copy_str(d, "status", status, sizeof(status));
		copy_str(d, "command", w.command, sizeof(w.command));
		copy_str(d, "node_id", w.node_id, sizeof(w.node_id));
		copy_str(d, "ip", w.ip, sizeof(w.ip));
		copy_str(d, "error", w.error, sizeof(w.error));
		w.status = status_of(status);
		/* The id goes into a path. */
		if (strlen(w.id) == 0 ||
		    strspn(w.id, "0123456789abcdefABCDEF-") != strlen(w.id))
			rc = pgt_err_set(err, PGT_E_PARSE,
					 "mxc: a workload without an id");
	}
	cJSON_Delete(take_json);
	if (rc == 0)
		*ret = w;
	return rc;
}

int
pgt_mxc_cluster(const char *url, const struct pgt_http_auth *auth,
		struct pgt_mxc_cluster *ret, struct pgt_err *err)
{
	struct pgt_mxc_cluster c = {0};
	int64_t nodes = 0, healthy = 0;
	const cJSON *d;
	cJSON *json;

	if (call("GET", url, "/api/cluster/status", auth, NULL, &json, err) < 0)
		return -1;
	d = data_of(json, err);
	if (d) {
		pgt_json_get_i64(d, "node_count", &nodes);
		pgt_json_get_i64(d, "nodes_healthy", &healthy);
		pgt_json_get_num(d, "available_cpu", &c.available_cpu);
		pgt_json_get_num(d, "available_memory", &c.available_memory_mb);
		c.node_count = (int)nodes;
		c.nodes_healthy = (int)healthy;
		*ret = c;
	}
	cJSON_Delete(json);
	return d ? 0 : -1;
}

int
pgt_mxc_create(const char *url, const struct pgt_http_auth *auth, const char *command,
	       int cpu, int memory_mb, struct pgt_mxc_workload *ret, struct pgt_err *err)
{
	cJSON *body = cJSON_CreateObject(), *json;
	int rc;

	pgt_json_str(body, "type", "microvm");
	pgt_json_str(body, "command", command);
	/* Not cpu_required and memory_required: those are ignored. */
	pgt_json_i64(body, "cpu", cpu);
	pgt_json_i64(body, "memory_mb", memory_mb);
	rc = call("POST", url, "/api/workloads", auth, body, &json, err);
	cJSON_Delete(body);
	return rc < 0 ? -1 : take_workload(json, ret, err);
}

int
pgt_mxc_get(const char *url, const struct pgt_http_auth *auth, const char *id,
	    struct pgt_mxc_workload *ret, struct pgt_err *err)
{
	char *path = pgt_xasprintf("/api/workloads/%s", id);
	cJSON *json;
	int rc = call("GET", url, path, auth, NULL, &json, err);

	free(path);
	return rc < 0 ? -1 : take_workload(json, ret, err);
}

int
pgt_mxc_stop(const char *url, const struct pgt_http_auth *auth, const char *id,
	     struct pgt_err *err)
{
	char *path = pgt_xasprintf("/api/workloads/%s/stop", id);
	cJSON *json = NULL;
	int rc = call("POST", url, path, auth, NULL, &json, err);

	if (rc < 0 && err && err->code == PGT_E_USAGE)
		err->code = PGT_E_STATE; /* 422 here: not in a stoppable state */
	cJSON_Delete(json);
	free(path);
	return rc;
}

int
pgt_mxc_wait(const char *url, const struct pgt_http_auth *auth, const char *id,
	     int64_t deadline_ns, const volatile bool *cancel,
	     struct pgt_mxc_workload *ret, struct pgt_err *err)
{
	struct pgt_mxc_workload w = {.status = PGT_MXC_UNKNOWN};
	struct pgt_err last = {0};

	while (!(cancel && *cancel)) {
		if (pgt_mxc_get(url, auth, id, &w, &last) < 0) {
			/* A coordinator that is away for a moment is waited for. */
			if (last.code == PGT_E_NOTFOUND || last.code == PGT_E_DENIED) {
				if (err)
					*err = last;
				return -1;
			}
		} else if (w.status == PGT_MXC_RUNNING) {
			*ret = w;
			return 0;
		}
		if (pgt_clock_mono_ns() >= deadline_ns)
			return pgt_err_set(err, PGT_E_TIMEOUT,
					   "mxc: workload %s is still %s%s%s", id,
					   status_names[w.status],
					   *w.error ? ": " : last.code ? ": " : "",
					   *w.error ? w.error : last.msg);
		poll(NULL, 0, POLL_MS);
	}
	return pgt_err_set(err, PGT_E_CANCELLED, "mxc: waiting was cancelled");
}
