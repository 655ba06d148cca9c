/* HAProxy as a router, over its runtime socket.  It splits connections, not
 * transactions: only clients that reconnect move.  Weights are absolute, 0 to 256;
 * both at 0 for an instant refuses clients, so one is raised before the other is
 * lowered.  The file keeps the canary at 0, so that a reload or restart of HAProxy
 * ends the shift. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/infra/router.h"

#define TIMEOUT_MS 5000
#define REPLY_MAX  (1u << 20)
#define WEIGHT_SUM 100 /* weights are percents */

struct proxy {
	char *socket, *backend, *primary, *canary;
};

static void
proxy_close(void *p)
{
	struct proxy *h = p;

	free(h->socket);
	free(h->backend);
	free(h->primary);
	free(h->canary);
	free(h);
}

/* Names go into a command line of the socket: only what a server name may have. */
static bool
is_name(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "0123456789_.:-") == strlen(s);
}

static int
proxy_open(const struct pgt_router_opts *o, void **ret, struct pgt_err *err)
{
	struct proxy *h;

	if (!o->socket || !o->pool || !o->primary || !o->canary)
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "the haproxy router needs its socket, backend, and the names "
		    "of the primary's and the canary's server");
	if (!is_name(o->pool) || !is_name(o->primary) || !is_name(o->canary))
		return pgt_err_set(err, PGT_E_USAGE, "not a name of HAProxy's");
	h = pgt_xcalloc(1, sizeof(*h));
	h->socket = pgt_xstrdup(o->socket);
	h->backend = pgt_xstrdup(o->pool);
	h->primary = pgt_xstrdup(o->primary);
	h->canary = pgt_xstrdup(o->canary);
	*ret = h;
	return 0;
}

static int
dial(const struct proxy *h, struct pgt_err *err)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	if (!pgt_str_copy(a.sun_path, sizeof(a.sun_path), h->socket))
		return pgt_err_set(err, PGT_E_USAGE, "%s: too long for a socket",
				   h->socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		pgt_err_set(err, PGT_E_CONN, "HAProxy's socket %s: %s", h->socket,
			    pgt_strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static int
receive(int fd, struct pgt_buf *reply, struct pgt_err *err)
{
	int64_t until = pgt_clock_mono_ns() + TIMEOUT_MS * PGT_NS_PER_MS;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char part[4096];
	ssize_t n = 1;

	while (n > 0 && !reply->overflow) {
		int64_t left = (until - pgt_clock_mono_ns()) / PGT_NS_PER_MS;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return pgt_err_set(err, PGT_E_TIMEOUT,
					   "HAProxy's socket is silent");
		n = read(fd, part, sizeof(part));
		if (n < 0)
			return pgt_err_set(err, PGT_E_CONN, "HAProxy's socket: %s",
					   pgt_strerror(errno));
		pgt_buf_put(reply, part, (size_t)n);
	}
	return 0;
}

static int
command(const struct proxy *h, const char *line, struct pgt_buf *reply,
	struct pgt_err *err)
{
	char *sent = pgt_xasprintf("%s\n", line);
	int fd = dial(h, err), rc = -1;

	if (fd < 0)
		goto out;
	if (send(fd, sent, strlen(sent), MSG_NOSIGNAL) != (ssize_t)strlen(sent))
		pgt_err_set(err, PGT_E_CONN, "HAProxy's socket: %s", pgt_strerror(errno));
	else
		rc = receive(fd, reply, err);
	close(fd);
out:
	free(sent);
	return rc;
}

/* ---- show stat: CSV with a header line ---- */

static int
column_of(const char *header, const char *name)
{
	size_t len = strlen(name);
	int col = 0;

	while (*header == '#' || *header == ' ')
		header++;
	for (; *header && *header != '\n'; header += strcspn(header, ",\n"), col++) {
		if (*header == ',')
			header++;
		if (strncmp(header, name, len) == 0 && strchr(",\n", header[len]))
			return col;
	}
	return -1;
}

static void
cell_of(const char *line, int col, char *dst, size_t size)
{
	size_t len;

	for (; col > 0; col--) {
		line += strcspn(line, ",\n");
		if (*line != ',') {
			*dst = '\0';
			return;
		}
		line++;
	}
	len = strcspn(line, ",\n");
	if (len >= size)
		len = size - 1;
	memcpy(dst, line, len);
	dst[len] = '\0';
}

struct side {
	bool found;
	int64_t weight, sessions;
};

static void
read_side(const struct proxy *h, const char *csv, const char *server, struct side *ret)
{
	int px = column_of(csv, "pxname"), sv = column_of(csv, "svname");
	int weight = column_of(csv, "weight"), cur = column_of(csv, "scur");
	char a[128], b[128], n[32];

	for (const char *line = csv; *line;
	     line += strcspn(line, "\n"), line += *line == '\n') {
		cell_of(line, px, a, sizeof(a));
		cell_of(line, sv, b, sizeof(b));
		if (strcmp(a, h->backend) != 0 || strcmp(b, server) != 0)
			continue;
		cell_of(line, weight, n, sizeof(n));
		ret->found = pgt_parse_i64(n, &ret->weight);
		cell_of(line, cur, n, sizeof(n));
		if (!pgt_parse_i64(n, &ret->sessions))
			ret->sessions = -1;
		return;
	}
}

static int
read_both(struct proxy *h, struct side *primary, struct side *canary, struct pgt_err *err)
{
	struct pgt_buf csv;
	int rc;

	memset(primary, 0, sizeof(*primary));
	memset(canary, 0, sizeof(*canary));
	pgt_buf_init(&csv, REPLY_MAX);
	rc = command(h, "show stat", &csv, err);
	if (rc == 0) {
		read_side(h, pgt_buf_str(&csv), h->primary, primary);
		read_side(h, pgt_buf_str(&csv), h->canary, canary);
		if (!primary->found || !canary->found)
			rc = pgt_err_set(err, PGT_E_NOTFOUND,
					 "HAProxy has no server %s/%s", h->backend,
					 primary->found ? h->canary : h->primary);
	}
	pgt_buf_done(&csv);
	return rc;
}

static int
proxy_check(void *p, struct pgt_err *err)
{
	struct proxy *h = p;
	struct side primary, canary;

	if (read_both(h, &primary, &canary, err) < 0)
		return -1;
	if (canary.weight != 0)
		return pgt_err_set(
		    err, PGT_E_STATE,
		    "%s/%s already has weight %lld: it must stand at 0 in the "
		    "configuration file, so that a reload ends the shift",
		    h->backend, h->canary, (long long)canary.weight);
	return 0;
}

static int
set_weight(struct proxy *h, const char *server, int weight, struct pgt_err *err)
{
	char *line = pgt_xasprintf("set weight %s/%s %d", h->backend, server, weight),
	     *safe;
	struct pgt_buf reply;
	int rc;

	pgt_buf_init(&reply, REPLY_MAX);
	rc = command(h, line, &reply, err);
	/* An empty line is consent; anything else is a refusal. */
	if (rc == 0 && strspn(pgt_buf_str(&reply), " \r\n") != reply.len) {
		safe = pgt_safetext(pgt_buf_str(&reply), PGT_SAFE_LINE, 200);
		rc = pgt_err_set(err, PGT_E_DENIED, "HAProxy, %s: %s", line, safe);
		free(safe);
	}
	pgt_buf_done(&reply);
	free(line);
	return rc;
}

static int
proxy_set(void *p, double pct, struct pgt_err *err)
{
	struct proxy *h = p;
	struct side primary, canary;
	int to_canary = (int)lround(pct * WEIGHT_SUM / 100),
	    to_primary = WEIGHT_SUM - to_canary;
	bool up;

	if (read_both(h, &primary, &canary, err) < 0)
		return -1;
	up = to_canary > canary.weight;
	if (set_weight(h, up ? h->canary : h->primary, up ? to_canary : to_primary,
		       err) < 0 ||
	    set_weight(h, up ? h->primary : h->canary, up ? to_primary : to_canary,
		       err) < 0 ||
	    read_both(h, &primary, &canary, err) < 0)
		return -1;
	if (canary.weight != to_canary || primary.weight != to_primary)
		return pgt_err_set(err, PGT_E_STATE, "HAProxy did not take the weights");
	return 0;
}

static int
proxy_get(void *p, struct pgt_router_state *ret, struct pgt_err *err)
{
	struct side primary, canary;
	int64_t sum;

	if (read_both(p, &primary, &canary, err) < 0)
		return -1;
	sum = primary.weight + canary.weight;
	ret->configured_pct = sum > 0 ? 100.0 * (double)canary.weight / (double)sum : -1;
	ret->primary_conns = (int)primary.sessions;
	ret->canary_conns = (int)canary.sessions;
	ret->clients_waiting = -1;
	return 0;
}

const struct pgt_router_ops pgt_router_haproxy = {
    .name = "haproxy",
    .caps = PGT_ROUTER_MEASURES | PGT_ROUTER_RESTARTS_SAFE,
    .step_pct = 1,
    .open = proxy_open,
    .close = proxy_close,
    .check = proxy_check,
    .set = proxy_set,
    .get = proxy_get,
};
