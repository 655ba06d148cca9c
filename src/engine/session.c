#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/options.h"
#include "pg2une/engine/session.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/identity.h"
#include "pg2une/pg/sql.h"

#define CONNECT_NS (10 * PGT_NS_PER_S)
#define QUERY_NS   (35 * PGT_NS_PER_S) /* above the server's own 30 s */
#define TEXT_MAX   16384
#define JSON_MAX   (1u << 20)

struct pgt_session {
	struct pgt_connspec *spec;
	struct pgt_conn *conn;
	struct pgt_caps *caps;
	struct pgt_identity *identity;
};

int
pgt_session_open(const struct pgt_options *o, const char *password,
		 struct pgt_session **ret, bool *ret_needs_password, struct pgt_err *err)
{
	struct pgt_session *s = pgt_xcalloc(1, sizeof(*s));
	struct pgt_connspec *spec;
	char *label;

	if (pgt_options_connspec(o, &s->spec, err) < 0)
		goto fail;
	if (password) {
		if (pgt_connspec_with(s->spec, NULL, NULL, NULL, password, &spec, err) <
		    0)
			goto fail;
		pgt_connspec_free(s->spec);
		s->spec = spec;
	}
	s->conn = pgt_conn_new(s->spec, PGT_CONN_QUERY);
	if (pgt_conn_run_connect(s->conn, CONNECT_NS, err) < 0) {
		*ret_needs_password = pgt_conn_needs_password(s->conn);
		label = pgt_connspec_label(s->spec);
		pgt_err_prefix(err, "%s", label);
		free(label);
		goto fail;
	}
	*ret = s;
	return 0;

fail:
	pgt_session_close(s);
	return -1;
}

void
pgt_session_close(struct pgt_session *s)
{
	if (!s)
		return;
	pgt_conn_free(s->conn);
	pgt_connspec_free(s->spec);
	free(s->caps);
	free(s->identity);
	free(s);
}

int
pgt_session_version(const struct pgt_session *s)
{
	return pgt_conn_server_version(s->conn);
}

struct pgt_conn *
pgt_session_conn(struct pgt_session *s)
{
	return s->conn;
}

int
pgt_session_caps(struct pgt_session *s, const struct pgt_caps **ret, struct pgt_err *err)
{
	struct pgt_caps *caps;

	if (!s->caps) {
		caps = pgt_xcalloc(1, sizeof(*caps));
		if (pgt_caps_read(s->conn, caps, err) < 0) {
			free(caps);
			return -1;
		}
		s->caps = caps;
	}
	*ret = s->caps;
	return 0;
}

int
pgt_session_identity(struct pgt_session *s, const struct pgt_identity **ret,
		     struct pgt_err *err)
{
	struct pgt_identity *id;

	if (!s->identity) {
		id = pgt_xcalloc(1, sizeof(*id));
		if (pgt_identity_read(s->conn, id, err) < 0) {
			free(id);
			return -1;
		}
		s->identity = id;
	}
	*ret = s->identity;
	return 0;
}

/* ---- rows ---- */

/* "2026-01-31 12:04:31.25+01" to RFC 3339; "infinity" stays. */
static void
put_time(cJSON *row, const char *name, const char *text)
{
	char buf[64];
	size_t n = strlen(text), zone;

	if (n < 20 || n > 48 || text[10] != ' ') {
		pgt_json_str(row, name, text);
		return;
	}
	pgt_str_copy(buf, sizeof(buf), text);
	buf[10] = 'T';
	zone = 11 + strcspn(buf + 11, "+-");
	if (strcmp(buf + zone, "+00") == 0)
		pgt_str_copy(buf + zone, sizeof(buf) - zone, "Z");
	else if (strlen(buf + zone) == 3)
		memcpy(buf + n, ":00", 4);
	pgt_json_str(row, name, buf);
}

static void
put_text(cJSON *row, const char *name, const char *text)
{
	char *safe = pgt_safetext(text, PGT_SAFE_LINE, TEXT_MAX);
	char *clean = pgt_safetext_redact(safe); /* passwords in statements */

	pgt_json_str(row, name, clean);
	free(clean);
	free(safe);
}

static void
put_cell(cJSON *row, const struct pgt_result *r, size_t i, size_t j)
{
	const char *name = pgt_result_name(r, j), *text = pgt_result_str(r, i, (int)j);
	int64_t n;
	cJSON *json;

	if (!text) {
		pgt_json_null(row, name);
		return;
	}
	switch (pgt_result_type(r, j)) {
	case PGT_COL_INT:
		if (pgt_parse_i64(text, &n))
			pgt_json_i64(row, name, n);
		else
			pgt_json_null(row, name);
		break;
	case PGT_COL_NUM:
		pgt_json_num(row, name, pgt_result_num(r, i, (int)j));
		break;
	case PGT_COL_BOOL:
		pgt_json_bool(row, name, pgt_result_bool(r, i, (int)j));
		break;
	case PGT_COL_JSON:
		json = pgt_json_parse(text, strlen(text), JSON_MAX, NULL);
		pgt_json_item(row, name, json ? json : cJSON_CreateNull());
		break;
	case PGT_COL_TIME:
		put_time(row, name, text);
		break;
	case PGT_COL_TEXT:
		put_text(row, name, text);
		break;
	}
}

static cJSON *
rows_json(const struct pgt_result *r)
{
	cJSON *list = cJSON_CreateArray(), *row;
	size_t i, j;

	for (i = 0; i < pgt_result_rows(r); i++) {
		row = pgt_json_obj(list, NULL);
		for (j = 0; j < pgt_result_cols(r); j++)
			put_cell(row, r, i, j);
	}
	return list;
}

/* After pg_upgrade an extension may be older than its server: the view's columns
 * go by the extension.  Its history: pgstatstatements release notes. */
static int
statements_version(const struct pgt_cap_state *st, int server_version)
{
	static const struct {
		int minor, version;
	} map[] = {{8, 130000}, {9, 140000}, {10, 150000}, {11, 170000}, {12, 180000}};
	int64_t minor;
	size_t i;
	int v = 120000;

	if (!pgt_str_starts(st->version, "1.") || !pgt_parse_i64(st->version + 2, &minor))
		return server_version;
	for (i = 0; i < PGT_LEN(map); i++)
		if (map[i].minor <= minor)
			v = map[i].version;
	return v < server_version ? v : server_version;
}

static int
extension_sql(struct pgt_session *s, const char *query, const struct pgt_sql *q,
	      char **ret, struct pgt_err *err)
{
	const struct pgt_cap_state *st = NULL;
	const char *name = q->extension;
	const struct pgt_caps *caps;
	size_t i;

	if (pgt_session_caps(s, &caps, err) < 0)
		return -1;
	for (i = 0; i < PGT_CAP_N && !st; i++)
		if (strcmp(pgt_cap_names[i], name) == 0)
			st = &caps->cap[i];
	if (!st || !st->available)
		return pgt_err_set(err, PGT_E_UNSUPPORTED, "%s: %s%s%s", name,
				   st ? st->why : "not known",
				   st && st->fix[0] ? "; fix: " : "", st ? st->fix : "");
	if (strcmp(name, "pg_stat_statements") == 0)
		q = pgt_sql_find(query, statements_version(st, pgt_session_version(s)));
	if (!q)
		return pgt_err_set(err, PGT_E_UNSUPPORTED,
				   "%s %s is too old; fix: ALTER EXTENSION %s UPDATE",
				   name, st->version, name);
	*ret = pgt_sql_expand(q->text, st->schema);
	return 0;
}

int
pgt_session_rows(struct pgt_session *s, const char *query, const char *const *params,
		 int n_params, cJSON **ret, struct pgt_err *err)
{
	const struct pgt_sql *q = pgt_sql_find(query, pgt_session_version(s));
	struct pgt_result *r;
	char *sql = NULL;
	int rc;

	if (!q)
		return pgt_err_set(err, PGT_E_UNSUPPORTED,
				   "PostgreSQL %d does not have this view",
				   pgt_session_version(s) / 10000);
	if (!*q->extension)
		sql = pgt_xstrdup(q->text);
	else if (extension_sql(s, query, q, &sql, err) < 0)
		return -1;
	rc = pgt_conn_run(s->conn, sql, params, n_params, QUERY_NS, &r, err);
	free(sql);
	if (rc < 0)
		return -1;
	*ret = rows_json(r);
	pgt_result_free(r);
	return 0;
}

int
pgt_session_wait(struct pgt_session *s, int64_t ns, struct pgt_err *err)
{
	int64_t end = pgt_clock_mono_ns() + ns, left;
	struct pollfd p = {.events = POLLIN};

	while ((left = end - pgt_clock_mono_ns()) > 0) {
		p.fd = pgt_conn_fd(s->conn);
		if (poll(&p, 1, (int)(left / PGT_NS_PER_MS) + 1) > 0 &&
		    pgt_conn_step(s->conn) == PGT_CONN_CLOSED) {
			if (err)
				*err = *pgt_conn_error(s->conn);
			return -1;
		}
	}
	return 0;
}

/* ---- as JSON ---- */

int
pgt_session_identity_json(struct pgt_session *s, cJSON **ret, struct pgt_err *err)
{
	const struct pgt_identity *id;
	char start[40];
	cJSON *j;

	if (pgt_session_identity(s, &id, err) < 0)
		return -1;
	j = cJSON_CreateObject();
	pgt_json_i64(j, "tier", id->tier);
	pgt_json_str(j, "fingerprint", id->fingerprint);
	pgt_json_str(j, "node", id->node);
	pgt_json_str(j, "system_identifier", id->system_identifier);
	pgt_json_str(j, "role", id->in_recovery ? "standby" : "primary");
	pgt_json_i64(j, "timeline", id->timeline);
	pgt_json_str(j, "resolved_addr", id->resolved_addr);
	pgt_json_i64(j, "resolved_port", id->resolved_port);
	pgt_json_str(j, "config_host", id->config_host);
	pgt_json_str(j, "config_port", id->config_port);
	pgt_json_i64(j, "datid", id->datid);
	pgt_json_i64(j, "server_version_num", id->server_version_num);
	pgt_json_str(j, "version", id->version);
	pgt_json_str(j, "cluster_name", id->cluster_name);
	pgt_json_str(j, "data_directory", id->datadir[0] ? id->datadir : NULL);
	pgt_json_str(j, "start_time",
		     pgt_clock_iso8601(id->start_real_ns, start, sizeof(start)));
	pgt_json_str(j, "warning", id->warning[0] ? id->warning : NULL);
	*ret = j;
	return 0;
}

int
pgt_session_prerequisites(struct pgt_session *s, cJSON **ret, struct pgt_err *err)
{
	const struct pgt_caps *caps;
	cJSON *list, *row;
	int i;

	if (pgt_session_caps(s, &caps, err) < 0)
		return -1;
	list = cJSON_CreateArray();
	for (i = 0; i < PGT_CAP_N; i++) {
		const struct pgt_cap_state *st = &caps->cap[i];

		row = pgt_json_obj(list, NULL);
		pgt_json_str(row, "name", pgt_cap_names[i]);
		pgt_json_bool(row, "available", st->available);
		pgt_json_str(row, "version", st->version[0] ? st->version : NULL);
		pgt_json_str(row, "error", st->available ? NULL : st->why);
		pgt_json_str(row, "fix", st->available || !st->fix[0] ? NULL : st->fix);
	}
	*ret = list;
	return 0;
}
