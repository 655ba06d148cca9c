#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/infra/patroni.h"

#define TIMEOUT_NS (5 * PGT_NS_PER_S)
/* Patroni itself tries its store for retry_timeout, 10 s by default: a request must not
 * be given up before it is, or it might take effect after we looked. */
#define PATCH_NS (25 * PGT_NS_PER_S)

const char *const pgt_patroni_param_names[4] = {
    [PGT_PATRONI_UNKNOWN] = "unknown",
    [PGT_PATRONI_NOT_MANAGED] = "not_managed",
    [PGT_PATRONI_OVERRIDDEN] = "overridden",
    [PGT_PATRONI_NOT_SET_BUT_EPHEMERAL] = "not_set_but_ephemeral",
};

#define VALUE_MAX 65536

/* Patroni 3.0, postgresql.py CMDLINE_OPTIONS; seen with ps on a running node. */
static const char *const command_line[] = {
    "listen_addresses",		 "port",
    "cluster_name",		 "wal_level",
    "hot_standby",		 "max_connections",
    "max_wal_senders",		 "max_prepared_transactions",
    "max_locks_per_transaction", "track_commit_timestamp",
    "max_replication_slots",	 "max_worker_processes",
    "wal_log_hints",
};

bool
pgt_patroni_on_command_line(const char *name)
{
	for (size_t i = 0; i < PGT_LEN(command_line); i++)
		if (strcmp(command_line[i], name) == 0)
			return true;
	return false;
}

static int
get(const char *url, const char *path, const struct pgt_http_auth *auth, cJSON **ret,
    long *ret_status, struct pgt_err *err)
{
	char *full = pgt_xasprintf("%s%s", url, path);
	int rc = pgt_http_json("GET", full, auth, NULL, TIMEOUT_NS, ret_status, ret, err);

	free(full);
	return rc;
}

static void
copy_str(const cJSON *o, const char *name, char *dst, size_t size)
{
	const char *s;

	if (pgt_json_get_str(o, name, &s))
		pgt_safetext_copy(dst, size, s);
}

int
pgt_patroni_node(const char *url, const struct pgt_http_auth *auth,
		 struct pgt_patroni_node *ret, struct pgt_err *err)
{
	struct pgt_patroni_node n = {.role = ""};
	const cJSON *patroni;
	int64_t timeline = 0;
	cJSON *json = NULL;
	long status;

	/* 503 is an answer too: of a node that is starting or not running. */
	if (get(url, "/patroni", auth, &json, &status, err) < 0)
		return -1;
	if (!cJSON_IsObject(json)) {
		cJSON_Delete(json);
		return pgt_err_set(
		    err, PGT_E_PARSE,
		    "%s/patroni: status %ld without the answer of a Patroni", url,
		    status);
	}
	copy_str(json, "role", n.role, sizeof(n.role));
	copy_str(json, "state", n.state, sizeof(n.state));
	copy_str(json, "database_system_identifier", n.system_identifier,
		 sizeof(n.system_identifier));
	if (pgt_json_get_i64(json, "timeline", &timeline))
		n.timeline = (int)timeline;
	pgt_json_get_bool(json, "pending_restart", &n.pending_restart);
	pgt_json_get_bool(json, "pause", &n.paused);
	patroni = cJSON_GetObjectItemCaseSensitive(json, "patroni");
	copy_str(patroni, "scope", n.scope, sizeof(n.scope));
	copy_str(patroni, "name", n.name, sizeof(n.name));
	copy_str(patroni, "version", n.version, sizeof(n.version));
	cJSON_Delete(json);
	*ret = n;
	return 0;
}

int
pgt_patroni_config(const char *url, const struct pgt_http_auth *auth, cJSON **ret,
		   struct pgt_err *err)
{
	cJSON *json = NULL;
	long status;

	if (get(url, "/config", auth, &json, &status, err) < 0)
		return -1;
	if (status != 200 || !cJSON_IsObject(json)) {
		cJSON_Delete(json);
		return pgt_err_set(err, PGT_E_CONN, "%s/config: status %ld", url, status);
	}
	*ret = json;
	return 0;
}

/* Answered with what the store then holds. */
static int
patch(const char *url, const struct pgt_http_auth *auth, const cJSON *body, cJSON **ret,
      struct pgt_err *err)
{
	char *full = pgt_xasprintf("%s/config", url);
	cJSON *reply = NULL;
	long status = 0;
	int rc = -1;

	if (pgt_http_json("PATCH", full, auth, body, PATCH_NS, &status, &reply, err) < 0)
		goto out;
	if (status == 409)
		pgt_err_set(err, PGT_E_CONFLICT,
			    "PATCH %s: the configuration changed meanwhile", full);
	else if (status == 401 || status == 403)
		pgt_err_set(err, PGT_E_DENIED,
			    "PATCH %s: Patroni wants its restapi user and password",
			    full);
	else if (status != 200 || !cJSON_IsObject(reply))
		pgt_err_set(err, PGT_E_CONN, "PATCH %s: status %ld", full, status);
	else
		rc = 0;
	if (rc == 0) {
		*ret = reply;
		reply = NULL;
	}
out:
	cJSON_Delete(reply);
	free(full);
	return rc;
}

int
pgt_patroni_config_now(const char *url, const struct pgt_http_auth *auth, cJSON **ret,
		       struct pgt_err *err)
{
	cJSON *body = cJSON_CreateObject();
	int rc;

	/* the removal of what nobody sets: an empty body gets no answer */
	pgt_json_item(body, "pg2une_reads", cJSON_CreateNull());
	rc = patch(url, auth, body, ret, err);
	cJSON_Delete(body);
	return rc;
}

static const cJSON *
parameters(const cJSON *config)
{
	return cJSON_GetObjectItemCaseSensitive(
	    cJSON_GetObjectItemCaseSensitive(config, "postgresql"), "parameters");
}

enum pgt_patroni_param
pgt_patroni_param(const cJSON *config, const char *name, const cJSON **ret_value)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(parameters(config), name);

	if (ret_value)
		*ret_value = v;
	/* A command-line one that is not set there has Patroni's own default. */
	return v || pgt_patroni_on_command_line(name) ? PGT_PATRONI_OVERRIDDEN
						      : PGT_PATRONI_NOT_SET_BUT_EPHEMERAL;
}

static char *
item_text(const cJSON *v)
{
	return v && !cJSON_IsNull(v) ? pgt_json_print(v, false) : NULL;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* What stands there must be what we expect; else PGT_E_CONFLICT. */
static int
expect(const cJSON *config, const char *name, const char *expected, struct pgt_err *err)
{
	const cJSON *v;
	char *now, *safe;
	int rc = 0;

	pgt_patroni_param(config, name, &v);
	now = item_text(v);
	if (!same_text(now, expected)) {
		safe = pgt_safetext(now, PGT_SAFE_LINE, 100);
		rc = pgt_err_set(err, PGT_E_CONFLICT,
				 "Patroni's %s is %s, expected %s: somebody changed it",
				 name, safe ? safe : "absent",
				 expected ? expected : "absent");
		free(safe);
	}
	free(now);
	return rc;
}

int
pgt_patroni_patch(const char *url, const struct pgt_http_auth *auth, const char *name,
		  const char *expected, const char *value, struct pgt_err *err)
{
	cJSON *body, *before = NULL, *after = NULL, *params, *item = NULL;
	int rc = -1;

	if (value) {
		item = pgt_json_parse(value, strlen(value), VALUE_MAX, err);
		if (!item)
			return -1;
	}
	body = cJSON_CreateObject();
	params = pgt_json_obj(pgt_json_obj(body, "postgresql"), "parameters");
	pgt_json_item(params, name, item ? item : cJSON_CreateNull());
	if (pgt_patroni_config_now(url, auth, &before, err) == 0 &&
	    expect(before, name, expected, err) == 0 &&
	    patch(url, auth, body, &after, err) == 0)
		rc = expect(after, name, value, err);
	cJSON_Delete(after);
	cJSON_Delete(before);
	cJSON_Delete(body);
	return rc;
}
