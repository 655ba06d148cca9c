#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/session.h"
#include "pg2une/engine/slowlog.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"

#define TAIL_BYTES (8 << 20) /* of the newest log */
#define CHUNK      (1 << 20)
#define READ_NS    (10 * PGT_NS_PER_S)
#define FILE_MAX   (256u << 20)

static void
note(cJSON *data, const char *fmt, const char *detail)
{
	cJSON *notes = cJSON_GetObjectItemCaseSensitive(data, "notes");
	char *text = pgt_xasprintf("%s%s", fmt, detail);

	pgt_json_str(notes ? notes : pgt_json_arr(data, "notes"), NULL, text);
	free(text);
}

static int
from_file(const char *file, const struct pgt_slowlog_filter *f, cJSON *data,
	  struct pgt_err *err)
{
	struct pgt_buf b;

	pgt_buf_init(&b, FILE_MAX);
	if (pgt_file_read(file, &b, err) < 0) {
		pgt_buf_done(&b);
		return -1;
	}
	pgt_json_str(data, "source", "file");
	pgt_json_item(data, "entries",
		      pgt_slowlog_parse(pgt_buf_str(&b), b.len, PGT_LOGFMT_AUTO, f,
					pgt_clock_real_ns()));
	pgt_buf_done(&b);
	return 0;
}

/* One piece of a server's file, appended to out; the bytes it had, -1 on failure.
 * Not by pgt_session_rows(): these are bytes, made safe only once they are parsed. */
static int64_t
read_piece(struct pgt_session *s, const char *path, int64_t at, int64_t len,
	   struct pgt_buf *out, struct pgt_err *err)
{
	const char *sql = pgt_sql_get("server_log_read", pgt_session_version(s)), *base64;
	char off[24], n[24];
	const char *params[3] = {path, off, n};
	struct pgt_result *r;
	unsigned char *bytes;
	char *packed;
	size_t m = 0;
	int got;

	snprintf(off, sizeof(off), "%lld", (long long)at);
	snprintf(n, sizeof(n), "%lld", (long long)len);
	if (pgt_conn_run(pgt_session_conn(s), sql, params, 3, READ_NS, &r, err) < 0)
		return -1;
	base64 = pgt_result_str(r, 0, 0);
	packed = pgt_xmalloc(base64 ? strlen(base64) + 1 : 1);
	for (; base64 && *base64; base64++) /* encode() breaks lines */
		if (*base64 > ' ')
			packed[m++] = *base64;
	pgt_result_free(r);
	bytes = pgt_xmalloc(m + 4);
	got = EVP_DecodeBlock(bytes, (unsigned char *)packed, (int)m);
	for (; got > 0 && m > 0 && packed[m - 1] == '='; m--)
		got--; /* the padding counts as bytes there */
	if (got > 0)
		pgt_buf_put(out, bytes, (size_t)got);
	free(bytes);
	free(packed);
	return got > 0 ? got : 0;
}

static int
from_server(struct pgt_session *s, const struct pgt_slowlog_filter *f, cJSON *data,
	    struct pgt_err *err)
{
	static const struct {
		const char *name;
		enum pgt_log_format format;
	} kinds[] = {{"csvlog", PGT_LOGFMT_CSV},
		     {"jsonlog", PGT_LOGFMT_JSON},
		     {"stderr", PGT_LOGFMT_STDERR}};
	const char *path = NULL;
	cJSON *rows = NULL;
	struct pgt_buf b;
	int64_t size = 0, at, got = 0;
	size_t i;
	int rc = -1;

	for (i = 0; i < PGT_LEN(kinds); i++) {
		const char *params[1] = {kinds[i].name};

		if (pgt_session_rows(s, "server_log_files", params, 1, &rows, err) == 0) {
			if (pgt_json_get_str(rows->child, "path", &path) &&
			    pgt_json_get_i64(rows->child, "size", &size))
				break;
			cJSON_Delete(rows);
			rows = NULL;
		} else if (pgt_conn_state(pgt_session_conn(s)) == PGT_CONN_CLOSED) {
			return -1;
		} /* jsonlog is unknown before 15 */
	}
	if (!path)
		return pgt_err_set(err, PGT_E_NOTFOUND, "the server keeps no log file");
	pgt_buf_init(&b, TAIL_BYTES + CHUNK);
	at = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
	if (at > 0)
		note(data, "only the last 8 MB of the log were read", "");
	for (; at < size; at += got) {
		got = read_piece(s, path, at, size - at < CHUNK ? size - at : CHUNK, &b,
				 err);
		if (got < 0)
			goto out;
		if (got == 0)
			break;
	}
	pgt_json_str(data, "source", kinds[i].name);
	pgt_json_str(data, "file", path);
	pgt_json_item(data, "entries",
		      pgt_slowlog_parse(pgt_buf_str(&b), b.len, kinds[i].format, f,
					pgt_clock_real_ns()));
	rc = 0;
out:
	pgt_buf_done(&b);
	cJSON_Delete(rows);
	return rc;
}

/* No log: the averages of pg_stat_statements, told as such. */
static int
from_statements(struct pgt_session *s, const struct pgt_slowlog_filter *f, cJSON *data,
		struct pgt_err *err)
{
	static const char *const copied[] = {"username", "database", "queryid", "query"};
	static const char *const nulls[] = {"time", "pid", "application_name", "plan"};
	char ms[40], n[24];
	const char *params[2] = {ms, n};
	cJSON *rows, *list, *out;
	const cJSON *row;
	size_t i;
	double v;

	snprintf(ms, sizeof(ms), "%.3f", f->threshold_ms);
	snprintf(n, sizeof(n), "%lld", (long long)f->limit);
	if (pgt_session_rows(s, "query_slow", params, 2, &rows, err) < 0)
		return -1;
	list = pgt_json_arr(data, "entries");
	cJSON_ArrayForEach(row, rows)
	{
		out = pgt_json_obj(list, NULL);
		v = 0;
		pgt_json_get_num(row, "max_exec_ms", &v);
		pgt_json_num(out, "duration_ms", v);
		v = 0;
		pgt_json_get_num(row, "mean_exec_ms", &v);
		pgt_json_num(out, "mean_exec_ms", v);
		v = 0;
		pgt_json_get_num(row, "calls", &v);
		pgt_json_num(out, "calls", v);
		for (i = 0; i < PGT_LEN(copied); i++)
			pgt_json_item(
			    out, copied[i],
			    cJSON_Duplicate(
				cJSON_GetObjectItemCaseSensitive(row, copied[i]), true));
		for (i = 0; i < PGT_LEN(nulls); i++)
			pgt_json_null(out, nulls[i]);
	}
	cJSON_Delete(rows);
	pgt_json_str(data, "source", "pg_stat_statements");
	return 0;
}

int
pgt_slowlog_run(struct pgt_session *s, const char *file,
		const struct pgt_slowlog_filter *f, cJSON **ret, struct pgt_err *err)
{
	const struct pgt_caps *caps;
	cJSON *data = cJSON_CreateObject();
	struct pgt_err why;
	int rc;

	pgt_json_num(data, "threshold_ms", f->threshold_ms);
	if (file) {
		rc = from_file(file, f, data, err);
		goto out;
	}
	rc = pgt_session_caps(s, &caps, err);
	if (rc < 0)
		goto out;
	pgt_err_clear(&why);
	if (caps->cap[PGT_CAP_LOG].available && from_server(s, f, data, &why) == 0)
		goto out;
	if (pgt_conn_state(pgt_session_conn(s)) == PGT_CONN_CLOSED) {
		if (err)
			*err = why;
		rc = -1;
		goto out;
	}
	note(data,
	     "the log cannot be read, so these are statements of pg_stat_statements, by "
	     "their slowest run since its reset (--since does not apply): ",
	     why.msg[0] ? why.msg : caps->cap[PGT_CAP_LOG].why);
	if (caps->cap[PGT_CAP_LOG].fix[0])
		note(data, "fix: ", caps->cap[PGT_CAP_LOG].fix);
	rc = from_statements(s, f, data, err);
out:
	if (rc == 0)
		*ret = data;
	else
		cJSON_Delete(data);
	return rc;
}
