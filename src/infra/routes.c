/* PgBouncer's included routes file: one line a database, "name = key=value ...". */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/infra/router.h"

/* With 20 entries and server_round_robin a share has steps of 5%. */
#define ENTRIES	  20
#define ROUTES_MAX (1u << 20)

char *
pgt_router_host_list(const char *primary, const char *canary, double pct)
{
	int canaries = (int)lround(pct * ENTRIES / 100), placed = 0;
	struct pgt_buf b;

	pgt_buf_init(&b, ROUTES_MAX);
	for (int i = 0; i < ENTRIES; i++) {
		/* Bresenham: as even as it can be, so that few connections see the
		 * share too. */
		bool here = (i + 1) * canaries / ENTRIES > placed;

		placed += here;
		if (i)
			pgt_buf_putc(&b, ',');
		pgt_buf_puts(&b, here ? canary : primary);
	}
	return pgt_buf_take(&b);
}

static bool
line_is_pool(const char *line, size_t len, const char *pool)
{
	size_t n = strlen(pool), i = 0;

	while (i < len && (line[i] == ' ' || line[i] == '\t'))
		i++;
	if (len - i < n || strncmp(line + i, pool, n) != 0)
		return false;
	for (i += n; i < len && (line[i] == ' ' || line[i] == '\t'); i++)
		;
	return i < len && line[i] == '=';
}

/* The value of host= within the line: where it begins and ends. */
static bool
find_host(const char *line, size_t len, size_t *ret_from, size_t *ret_to)
{
	for (size_t i = 0; i + 5 <= len; i++) {
		size_t to;

		if (strncmp(line + i, "host=", 5) != 0 ||
		    (i > 0 && line[i - 1] != ' ' && line[i - 1] != '\t' &&
		     line[i - 1] != '='))
			continue;
		for (to = i + 5; to < len && line[to] != ' ' && line[to] != '\t'; to++)
			;
		*ret_from = i + 5;
		*ret_to = to;
		return true;
	}
	return false;
}

int
pgt_router_edit_routes(const char *text, const char *pool, const char *hosts, char **ret,
		       struct pgt_err *err)
{
	const char *line = text;
	size_t from, to, len;
	struct pgt_buf b;

	for (; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (line_is_pool(line, len, pool))
			break;
	}
	if (!*line)
		return pgt_err_set(err, PGT_E_NOTFOUND,
				   "no line \"%s = ...\" in the routes file", pool);
	if (!find_host(line, len, &from, &to))
		return pgt_err_set(err, PGT_E_PARSE, "the line of %s has no host=", pool);
	pgt_buf_init(&b, ROUTES_MAX);
	pgt_buf_put(&b, text, (size_t)(line - text) + from);
	pgt_buf_puts(&b, hosts);
	pgt_buf_puts(&b, line + to);
	if (b.overflow) {
		pgt_buf_done(&b);
		return pgt_err_set(err, PGT_E_LIMIT, "the routes file is too long");
	}
	*ret = pgt_buf_take(&b);
	return 0;
}
