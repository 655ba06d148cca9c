#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pg2une/base/safetext.h"
#include "pg2une/observe/trace.h"
#include "sampler_priv.h"

#define DEFAULT_MAX ((uint64_t)64 << 20)
#define LINE_MAX_BYTES ((size_t)64 << 20)
#define CELL_MAX ((size_t)1 << 20)

struct pgt_trace {
	int fd;
	uint64_t written, max;
	bool full;
	struct pgt_err err; /* the first that happened */
	struct pgt_buf line;
};

int
pgt_trace_new(const char *path, uint64_t max_bytes, struct pgt_trace **ret,
	      struct pgt_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct pgt_trace *t;

	if (fd < 0)
		return pgt_err_set(err, PGT_E_IO, "trace %s: %s", path,
				   pgt_strerror(errno));
	t = pgt_xcalloc(1, sizeof(*t));
	t->fd = fd;
	t->max = max_bytes ? max_bytes : DEFAULT_MAX;
	pgt_buf_init(&t->line, LINE_MAX_BYTES);
	*ret = t;
	return 0;
}

int
pgt_trace_close(struct pgt_trace *t, struct pgt_err *err)
{
	struct pgt_err e;

	if (!t)
		return 0;
	if (close(t->fd) < 0 && t->err.code == PGT_E_NONE)
		pgt_err_set(&t->err, PGT_E_IO, "trace: %s", pgt_strerror(errno));
	e = t->err;
	pgt_buf_done(&t->line);
	free(t);
	if (e.code == PGT_E_NONE)
		return 0;
	if (err)
		*err = e;
	return -1;
}

/* ---- JSON, written by hand: thousands of cells a line ---- */

static void
put_str(struct pgt_buf *b, const char *raw)
{
	char *safe = NULL;
	const char *s = raw, *p;

	for (p = raw; p && *p >= 0x20 && *p < 0x7f; p++)
		;
	if (p && *p) /* bytes that JSON cannot hold; the parsers filter them too */
		s = safe = pgt_safetext(raw, PGT_SAFE_LINE, CELL_MAX);
	if (!s) {
		pgt_buf_puts(b, "null");
		return;
	}
	pgt_buf_putc(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			pgt_buf_putc(b, '\\');
		pgt_buf_putc(b, *s);
	}
	pgt_buf_putc(b, '"');
	free(safe);
}

static void
put_member(struct pgt_buf *b, const char *name, const char *value)
{
	pgt_buf_printf(b, ",\"%s\":", name);
	put_str(b, value);
}

static void
put_num(struct pgt_buf *b, const char *name, double v)
{
	if (isfinite(v))
		pgt_buf_printf(b, ",\"%s\":%.17g", name, v);
	else
		pgt_buf_printf(b, ",\"%s\":null", name);
}

/* A line that does not fit is left out whole, and nothing comes after it: a
 * trace has no holes. */
static void
line_write(struct pgt_trace *t)
{
	const char *p = pgt_buf_str(&t->line);
	size_t left;
	ssize_t n;

	pgt_buf_putc(&t->line, '\n');
	if (t->line.overflow || t->written + t->line.len > t->max)
		t->full = true;
	for (left = t->line.len; left > 0 && !t->full; left -= (size_t)n, p += n) {
		n = write(t->fd, p, left);
		if (n < 0 && errno == EINTR) {
			n = 0;
		} else if (n < 0) {
			pgt_err_set(&t->err, PGT_E_IO, "trace: %s", pgt_strerror(errno));
			t->full = true;
			n = 0;
		}
	}
	if (!t->full)
		t->written += t->line.len;
}

static void
put_caps(struct pgt_buf *b, const struct pgt_caps *caps)
{
	int i;

	pgt_buf_puts(b, ",\"caps\":[");
	for (i = 0; i < PGT_CAP_N; i++) {
		const struct pgt_cap_state *c = &caps->cap[i];

		pgt_buf_printf(b, "%s{\"available\":%s", i ? "," : "",
			       c->available ? "true" : "false");
		put_member(b, "name", pgt_cap_names[i]);
		put_member(b, "version", c->version);
		put_member(b, "schema", c->schema);
		put_member(b, "why", c->why);
		put_member(b, "fix", c->fix);
		pgt_buf_putc(b, '}');
	}
	pgt_buf_putc(b, ']');
}

void
trace_epoch(struct pgt_trace *t, const struct pgt_sampler *s)
{
	const struct obs *o = s->obs;
	struct pgt_buf *b;

	if (!t || t->full || !o->have_id)
		return;
	b = &t->line;
	pgt_buf_reset(b);
	pgt_buf_printf(b, "{\"pg2une_trace\":1,\"server_version_num\":%d,\"timeline\":%d",
		       o->version_num, o->id.timeline);
	pgt_buf_printf(b, ",\"pooled\":%s,\"start\":\"%" PRId64 "\"",
		       o->pooled ? "true" : "false", o->id.start_real_ns);
	put_member(b, "version", o->id.version);
	put_member(b, "node", o->id.node);
	put_member(b, "fingerprint", o->id.fingerprint);
	put_member(b, "cluster_name", o->id.cluster_name);
	put_member(b, "user", o->user);
	put_member(b, "database", o->database);
	put_member(b, "host", o->host);
	put_member(b, "port", o->port);
	put_caps(b, &o->caps);
	pgt_buf_putc(b, '}');
	line_write(t);
}

static void
put_tick(struct pgt_buf *b, const struct obs_tick *k)
{
	pgt_buf_printf(b, "{\"mono\":\"%" PRId64 "\",\"real\":\"%" PRId64 "\"",
		       k->mono_ns, k->real_ns);
	pgt_buf_printf(b, ",\"asked\":%" PRId64 ",\"effective\":%" PRId64, k->asked_ns,
		       k->effective_interval_ns);
	pgt_buf_printf(b, ",\"statements\":%d,\"own\":%d,\"bytes\":%zu", k->statements,
		       k->own_xacts, k->bytes);
	pgt_buf_printf(b, ",\"backed_off\":%d,\"reconnected\":%d,\"local\":%d,\"cpu\":%d",
		       k->backed_off, k->reconnected, k->is_local, k->server_is_cpu);
	put_num(b, "tick_ms", k->tick_ms);
	put_num(b, "server_ms", k->server_ms);
	put_num(b, "cpu_pct", k->client_cpu_pct);
}

static void
put_rows(struct pgt_buf *b, const char *name, const struct obs_rows *r)
{
	size_t i, n = obs_rows_n(r), c;

	pgt_buf_puts(b, "{\"q\":");
	put_str(b, name);
	if (!r->ok) {
		pgt_buf_puts(b, ",\"e\":[");
		put_str(b, r->err.sqlstate);
		pgt_buf_putc(b, ',');
		put_str(b, r->err.msg);
		pgt_buf_puts(b, "]}");
		return;
	}
	pgt_buf_puts(b, ",\"c\":[");
	for (c = 0; c < r->n_cols; c++) {
		pgt_buf_puts(b, c ? "," : "");
		put_str(b, obs_col_name(r, c));
	}
	pgt_buf_puts(b, "],\"d\":[");
	for (i = 0; i < n; i++) {
		pgt_buf_puts(b, i ? ",[" : "[");
		for (c = 0; c < r->n_cols; c++) {
			pgt_buf_puts(b, c ? "," : "");
			put_str(b, obs_str(r, i, (int)c));
		}
		pgt_buf_putc(b, ']');
	}
	pgt_buf_puts(b, "]}");
}

void
trace_sample(struct pgt_trace *t, const struct obs_tick *tick,
	     const struct obs_rows *rows, const int *collectors, size_t n)
{
	size_t i;

	if (!t || t->full)
		return;
	pgt_buf_reset(&t->line);
	put_tick(&t->line, tick);
	pgt_buf_puts(&t->line, ",\"r\":[");
	for (i = 0; i < n; i++) {
		pgt_buf_puts(&t->line, i ? "," : "");
		put_rows(&t->line, obs_collectors[collectors[i]].name, &rows[i]);
	}
	pgt_buf_puts(&t->line, "]}");
	line_write(t);
}
