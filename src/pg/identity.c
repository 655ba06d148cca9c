#include <math.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/digest.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/identity.h"
#include "pg2une/pg/sql.h"

#define IDENTITY_TIMEOUT_NS (5 * PGT_NS_PER_S)

static void
copy_col(const struct pgt_result *r, const char *name, char *dst, size_t size)
{
	const char *s = pgt_result_str(r, 0, pgt_result_col(r, name));

	dst[0] = '\0';
	if (s)
		pgt_safetext_copy(dst, size, s);
}

static int64_t
int_col(const struct pgt_result *r, const char *name)
{
	return pgt_result_i64(r, 0, pgt_result_col(r, name), 0);
}

/* Addresses by which every host knows itself say nothing of which host it is. */
static bool
addr_is_local(const char *addr)
{
	return !addr[0] || pgt_str_starts(addr, "127.") || strcmp(addr, "::1") == 0;
}

/* The cluster by the best tier that can be had; then the node.  Told hosts and
 * ports never enter tiers 0 and 1, so that a tunnel or an alias changes nothing. */
static void
identity_digest(struct pgt_identity *id)
{
	char *key, *node;

	if (id->system_identifier[0]) {
		id->tier = 0;
		key = pgt_xstrdup(id->system_identifier);
	} else if (id->resolved_addr[0]) {
		id->tier = 1;
		key = pgt_xasprintf("%s:%d:%u", id->resolved_addr, id->resolved_port,
				    id->datid);
	} else {
		id->tier = 2;
		key = pgt_xasprintf("%s:%s", id->config_host, id->config_port);
	}
	pgt_digest_sha256(key, strlen(key), id->fingerprint);
	if (id->datadir[0])
		node = pgt_xasprintf("%s|%s|%s|%d", id->fingerprint, id->datadir,
				     addr_is_local(id->resolved_addr) ? "local"
								      : id->resolved_addr,
				     id->resolved_port);
	else
		node = pgt_xasprintf("%s||%s|%d", id->fingerprint,
				     id->resolved_addr[0] ? id->resolved_addr
							  : id->config_host,
				     id->resolved_port);
	pgt_digest_sha256(node, strlen(node), id->node);
	free(node);
	free(key);
}

int
pgt_identity_parse(const struct pgt_conn *c, const struct pgt_result *base,
		   const struct pgt_result *control, struct pgt_identity *ret,
		   struct pgt_err *err)
{
	struct pgt_identity id = {0};
	double start;

	if (!pgt_result_ok(base)) {
		if (err)
			*err = *pgt_result_error(base);
		pgt_err_prefix(err, "cannot tell which server this is");
		return -1;
	}
	if (pgt_result_rows(base) != 1)
		return pgt_err_set(err, PGT_E_PARSE,
				   "the server did not say which it is");
	id.server_version_num = (int)int_col(base, "server_version_num");
	copy_col(base, "server_version", id.version, sizeof(id.version));
	id.version[strcspn(id.version, " ")] = '\0'; /* "15.20 (Debian ...)" */
	copy_col(base, "addr", id.resolved_addr, sizeof(id.resolved_addr));
	id.resolved_port = (int)int_col(base, "port");
	id.datid = (uint32_t)int_col(base, "datid");
	copy_col(base, "cluster_name", id.cluster_name, sizeof(id.cluster_name));
	copy_col(base, "datadir", id.datadir, sizeof(id.datadir));
	id.in_recovery = pgt_result_bool(base, 0, pgt_result_col(base, "in_recovery"));
	start = pgt_result_num(base, 0, pgt_result_col(base, "start_epoch"));
	if (isfinite(start)) /* microseconds, as the server keeps it */
		id.start_real_ns = llround(start * 1e6) * PGT_NS_PER_US;
	pgt_safetext_copy(id.config_host, sizeof(id.config_host), pgt_conn_host(c));
	pgt_safetext_copy(id.config_port, sizeof(id.config_port), pgt_conn_port(c));
	if (pgt_result_rows(control) == 1) {
		copy_col(control, "system_identifier", id.system_identifier,
			 sizeof(id.system_identifier));
		id.timeline = (int)int_col(control, "timeline");
	} else if (control) {
		snprintf(id.warning, sizeof(id.warning),
			 "system identifier not readable: %.200s",
			 pgt_result_error(control)->msg);
	} else {
		snprintf(id.warning, sizeof(id.warning),
			 "system identifier not asked for");
	}
	identity_digest(&id);
	*ret = id;
	return 0;
}

int
pgt_identity_read(struct pgt_conn *c, struct pgt_identity *ret, struct pgt_err *err)
{
	int version = pgt_conn_server_version(c), rc;
	struct pgt_result *base = NULL, *control = NULL;
	struct pgt_err ignored;

	if (pgt_conn_run(c, pgt_sql_get("identity", version), NULL, 0,
			 IDENTITY_TIMEOUT_NS, &base, err) < 0)
		return -1;
	pgt_err_clear(&ignored);
	if (pgt_conn_run(c, pgt_sql_get("identity_control", version), NULL, 0,
			 IDENTITY_TIMEOUT_NS, &control, &ignored) < 0 &&
	    pgt_conn_state(c) == PGT_CONN_CLOSED) {
		if (err)
			*err = ignored;
		pgt_result_free(base);
		return -1;
	}
	rc = pgt_identity_parse(c, base, control, ret, err);
	if (rc == 0 && !control)
		snprintf(ret->warning, sizeof(ret->warning),
			 "system identifier not readable: %.200s", ignored.msg);
	pgt_result_free(base);
	pgt_result_free(control);
	return rc;
}
