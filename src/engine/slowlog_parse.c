#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/regex.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/slowlog.h"

#define QUERY_MAX 16384
#define MAX_CELLS 32
#define KEEP_MAX  100000 /* entries held while sorting */

/* One log entry; the texts point into work memory. */
struct entry {
	const char *time, *user, *database, *pid, *app, *queryid, *message;
	size_t message_len;
};

struct parser {
	const struct pgt_slowlog_filter *f;
	int64_t oldest_ns; /* real; 0 for any */
	struct pgt_regex *duration, *stamp, *who, *pid;
	cJSON *list;
	int n;
};

static char *
group(const char *s, const int *ovec, int i)
{
	return ovec[2 * i] < 0 ? NULL
			       : pgt_xstrndup(s + ovec[2 * i],
					      (size_t)(ovec[2 * i + 1] - ovec[2 * i]));
}

/* "2026-01-31 12:00:00.123 UTC" or RFC 3339.  Only UTC and numeric offsets can be
 * placed in time; a zone's name cannot, and is then not filtered by age. */
static bool
entry_time(const char *s, int64_t *ret)
{
	char buf[48];
	size_t n = strcspn(s, " T");

	if (n != 10 || strlen(s) > 40)
		return false;
	pgt_str_copy(buf, sizeof(buf), s);
	buf[10] = 'T';
	n = strcspn(buf, " ");
	if (buf[n] == ' ' &&
	    (strcmp(buf + n, " UTC") == 0 || strcmp(buf + n, " GMT") == 0))
		buf[n] = 'Z', buf[n + 1] = '\0';
	return pgt_clock_parse_iso8601(buf, ret);
}

static void
put_text(cJSON *row, const char *name, const char *text, enum pgt_safetext_mode mode)
{
	char *safe = text && *text ? pgt_safetext(text, mode, QUERY_MAX) : NULL;
	char *clean = safe ? pgt_safetext_redact(safe) : NULL;

	pgt_json_str(row, name, clean);
	free(clean);
	free(safe);
}

/* "Query Text: SELECT ..." is the first line of auto_explain's text plans, and
 * a member of its JSON ones. */
static void
put_plan(cJSON *row, char *plan)
{
	cJSON *json = pgt_json_parse(plan, strlen(plan), 4u << 20, NULL);
	const char *query = NULL;
	char *line, *end;

	if (json) {
		pgt_json_get_str(json, "Query Text", &query);
		put_text(row, "query", query, PGT_SAFE_LINE);
	} else if ((line = strstr(plan, "Query Text: "))) {
		/* the statement may have lines of its own: to the first plan node */
		end = strstr(line, "  (cost=");
		while (end && end > line && *end != '\n')
			end--;
		line = pgt_xstrndup(line + 12,
				    end ? (size_t)(end - line > 12 ? end - line - 12 : 0)
					: strlen(line + 12));
		put_text(row, "query", line, PGT_SAFE_LINE);
		free(line);
	} else {
		pgt_json_null(row, "query");
	}
	cJSON_Delete(json);
	put_text(row, "plan", plan, PGT_SAFE_BLOCK);
}

static void
on_entry(struct parser *p, const struct entry *e)
{
	int ovec[2 * 5], n;
	char *ms, *kind, *text;
	double duration = 0;
	int64_t at;
	cJSON *row;

	n = pgt_regex_groups(p->duration, e->message, e->message_len, 0, ovec, 4);
	if (n < 4 || p->n >= KEEP_MAX)
		return;
	ms = group(e->message, ovec, 1);
	if (!ms || !pgt_parse_double(ms, &duration) || duration < p->f->threshold_ms ||
	    (p->oldest_ns && e->time && entry_time(e->time, &at) && at < p->oldest_ns)) {
		free(ms);
		return;
	}
	free(ms);
	kind = group(e->message, ovec, 2);
	text = group(e->message, ovec, 3);
	row = pgt_json_obj(p->list, NULL);
	p->n++;
	put_text(row, "time", e->time, PGT_SAFE_LINE);
	pgt_json_num(row, "duration_ms", duration);
	put_text(row, "pid", e->pid, PGT_SAFE_LINE);
	put_text(row, "username", e->user, PGT_SAFE_LINE);
	put_text(row, "database", e->database, PGT_SAFE_LINE);
	put_text(row, "application_name", e->app, PGT_SAFE_LINE);
	put_text(row, "queryid",
		 e->queryid && strcmp(e->queryid, "0") != 0 ? e->queryid : NULL,
		 PGT_SAFE_LINE);
	if (kind && strcmp(kind, "plan") == 0 && text) {
		put_plan(row, text);
	} else {
		put_text(row, "query", text, PGT_SAFE_LINE);
		pgt_json_null(row, "plan");
	}
	free(kind);
	free(text);
}

/* ---- csvlog: RFC 4180 with line ends inside quotes ---- */

/* One record into cells (unquoted in place in work); the bytes it took, 0 when it
 * is not complete. */
static size_t
csv_record(const char *s, size_t len, char *work, char **cells, int *ret_n)
{
	bool quoted = false;
	size_t i, w = 0;
	int n = 0;

	cells[n++] = work;
	for (i = 0; i < len; i++) {
		if (quoted) {
			if (s[i] != '"')
				work[w++] = s[i];
			else if (i + 1 < len && s[i + 1] == '"')
				work[w++] = s[i++];
			else
				quoted = false;
		} else if (s[i] == '"') {
			quoted = true;
		} else if (s[i] == ',' || s[i] == '\n') {
			work[w++] = '\0';
			if (s[i] == '\n') {
				*ret_n = n;
				return i + 1;
			}
			if (n < MAX_CELLS)
				cells[n++] = work + w;
		} else {
			work[w++] = s[i];
		}
	}
	return 0;
}

static void
parse_csv(struct parser *p, const char *text, size_t len)
{
	char *work = pgt_xmalloc(len + 1), *cells[MAX_CELLS];
	size_t took;
	int n = 0;

	for (; len > 0; text += took, len -= took) {
		took = csv_record(text, len, work, cells, &n);
		if (took == 0 || n < 23 || strlen(cells[0]) < 19) {
			/* torn, or within a quoted text: on to the next line */
			took = strcspn(text, "\n") + 1;
			if (took >= len)
				break;
			continue;
		}
		/* runtime-config-logging.html, table of csvlog columns */
		on_entry(p, &(struct entry){.time = cells[0],
					    .user = cells[1],
					    .database = cells[2],
					    .pid = cells[3],
					    .app = cells[22],
					    .queryid = n > 25 ? cells[25] : NULL,
					    .message = cells[13],
					    .message_len = strlen(cells[13])});
	}
	free(work);
}

/* ---- jsonlog: an object a line ---- */

static const char *
str_of(const cJSON *json, const char *name)
{
	const char *s = NULL;

	pgt_json_get_str(json, name, &s);
	return s;
}

static void
parse_json(struct parser *p, const char *text, size_t len)
{
	const char *line = text, *end, *message;
	cJSON *json;

	for (; line < text + len; line = end + 1) {
		char pid[24] = "", id[32] = "";
		int64_t n;

		end = memchr(line, '\n', (size_t)(text + len - line));
		if (!end)
			return;
		json = pgt_json_parse(line, (size_t)(end - line), 16u << 20, NULL);
		message = json ? str_of(json, "message") : NULL;
		if (message) {
			if (pgt_json_get_i64(json, "pid", &n))
				snprintf(pid, sizeof(pid), "%lld", (long long)n);
			/* the parser keeps 53 bits: a longer identifier is left out */
			if (pgt_json_get_i64(json, "query_id", &n))
				snprintf(id, sizeof(id), "%lld", (long long)n);
			on_entry(p,
				 &(struct entry){.time = str_of(json, "timestamp"),
						 .user = str_of(json, "user"),
						 .database = str_of(json, "dbname"),
						 .pid = pid,
						 .queryid = id,
						 .app = str_of(json, "application_name"),
						 .message = message,
						 .message_len = strlen(message)});
		}
		cJSON_Delete(json);
	}
}

/* ---- stderr: a prefix, a level, the text, and lines that go on with a tab ---- */

static void
stderr_entry(struct parser *p, const char *s, size_t prefix_len, size_t len)
{
	int ovec[2 * 4];
	struct entry e = {0};
	char *time = NULL, *user = NULL, *db = NULL, *pid = NULL, *text;
	size_t i, n = 0;

	if (pgt_regex_groups(p->stamp, s, prefix_len, 0, ovec, 2) >= 2)
		time = group(s, ovec, 1);
	if (pgt_regex_groups(p->pid, s, prefix_len, 0, ovec, 2) >= 2)
		pid = group(s, ovec, 1);
	if (pgt_regex_groups(p->who, s, prefix_len, 0, ovec, 3) >= 3) {
		user = group(s, ovec, 1);
		db = group(s, ovec, 2);
	}
	text = pgt_xmalloc(len + 1);
	for (i = prefix_len; i < len; i++)
		if (s[i] != '\t' || s[i - 1] != '\n') /* the sign that a line goes on */
			text[n++] = s[i];
	text[n] = '\0';
	e = (struct entry){.time = time,
			   .user = user,
			   .database = db,
			   .pid = pid,
			   .message = text,
			   .message_len = n};
	on_entry(p, &e);
	free(text);
	free(time);
	free(user);
	free(db);
	free(pid);
}

static void
parse_stderr(struct parser *p, const char *text, size_t len)
{
	const char *s = text, *end = text + len, *mark, *next;

	while (s < end) {
		next = s;
		do { /* to the first line that does not begin with a tab */
			next = memchr(next, '\n', (size_t)(end - next));
			next = next ? next + 1 : end;
		} while (next < end && *next == '\t');
		mark = memmem(s, (size_t)(next - s), "LOG:  duration: ", 16);
		if (mark && memchr(s, '\n', (size_t)(mark - s)) == NULL)
			stderr_entry(p, s, (size_t)(mark + 6 - s),
				     (size_t)(next - s) - (next[-1] == '\n'));
		s = next;
	}
}

/* ---- all together ---- */

/* A csvlog line: a time, then commas; the first may be torn, and a text may go on
 * to the next, so either of the first two lines may tell. */
static bool
is_csv_line(const char *line, size_t len)
{
	size_t i, commas = 0;

	for (i = 0; i < len && line[i] != '\n'; i++)
		commas += line[i] == ',';
	return commas >= 12 && len > 19 && line[4] == '-' && line[13] == ':';
}

static enum pgt_log_format
guess(const char *text, size_t len)
{
	const char *second = memchr(text, '\n', len);
	size_t left = second ? (size_t)(text + len - second - 1) : 0;

	if (len > 0 && (text[0] == '{' || (left > 0 && second[1] == '{')))
		return PGT_LOGFMT_JSON;
	if (is_csv_line(text, len) || (left > 0 && is_csv_line(second + 1, left)))
		return PGT_LOGFMT_CSV;
	return PGT_LOGFMT_STDERR;
}

static int
slower(const void *a, const void *b)
{
	const cJSON *x = *(cJSON *const *)a, *y = *(cJSON *const *)b;
	double p = 0, q = 0;

	pgt_json_get_num(x, "duration_ms", &p);
	pgt_json_get_num(y, "duration_ms", &q);
	return p < q ? 1 : p > q ? -1 : 0;
}

static cJSON *
slowest(cJSON *take_list, int n, int64_t limit)
{
	cJSON **rows = pgt_xcalloc((size_t)n + 1, sizeof(*rows)),
	      *ret = cJSON_CreateArray();
	int i;

	for (i = 0; i < n; i++)
		rows[i] = cJSON_DetachItemFromArray(take_list, 0);
	qsort(rows, (size_t)n, sizeof(*rows), slower);
	for (i = 0; i < n; i++) {
		if (i < limit)
			cJSON_AddItemToArray(ret, rows[i]);
		else
			cJSON_Delete(rows[i]);
	}
	free(rows);
	cJSON_Delete(take_list);
	return ret;
}

cJSON *
pgt_slowlog_parse(const char *text, size_t len, enum pgt_log_format format,
		  const struct pgt_slowlog_filter *f, int64_t now_real_ns)
{
	struct parser p = {.f = f, .list = cJSON_CreateArray()};
	cJSON *ret = NULL;

	p.oldest_ns = f->since_ns > 0 ? now_real_ns - f->since_ns : 0;
	if (format == PGT_LOGFMT_AUTO)
		format = guess(text, len);
	if (pgt_regex_new(
		"^(?:LOG:  )?duration: ([0-9.]+) ms  ?(statement|plan|execute|bind|parse)"
		"(?: [^:]*)?:[ \\n]*((?s).*)",
		0, &p.duration, NULL) < 0 ||
	    pgt_regex_new("(\\d{4}-\\d\\d-\\d\\d[ T]\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d+)?"
			  "(?: ?[A-Z]{3,5}|Z|[+-]\\d\\d(?::?\\d\\d)?)?)",
			  0, &p.stamp, NULL) < 0 ||
	    pgt_regex_new("([^\\s@\\[\\]]+)@([^\\s@\\[\\]:,]+)", 0, &p.who, NULL) < 0 ||
	    pgt_regex_new("\\[(\\d+)(?:-\\d+)?\\]", 0, &p.pid, NULL) < 0)
		abort(); /* patterns of our own */
	switch (format) {
	case PGT_LOGFMT_AUTO:
	case PGT_LOGFMT_STDERR:
		parse_stderr(&p, text, len);
		break;
	case PGT_LOGFMT_CSV:
		parse_csv(&p, text, len);
		break;
	case PGT_LOGFMT_JSON:
		parse_json(&p, text, len);
		break;
	}
	ret = slowest(p.list, p.n, f->limit);
	pgt_regex_free(p.duration);
	pgt_regex_free(p.stamp);
	pgt_regex_free(p.who);
	pgt_regex_free(p.pid);
	return ret;
}
