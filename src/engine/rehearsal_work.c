/* A fixed amount of work: how much it is, and what pgbench says of it.  Pure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "rehearsal_priv.h"

/* Fewer a client leave it to chance who is the last, and cores idle for long. */
#define SHARE_MIN 5
/* Of one trial: pgbench starts anew for each. */
#define ROUNDS_MAX 20

int
pgt_work_share(double tps, int clients, int64_t window_ns, int most)
{
	double each = tps * (double)window_ns / 1e9 / clients;
	double n = round(each);

	if (n < SHARE_MIN)
		n = fmin(SHARE_MIN, floor(each * most));
	return n < 1 ? 1 : n > 1e9 ? 1000000000 : (int)n;
}

bool
pgt_work_again(struct pgt_work_sum *sum, const struct pgt_work_report *round,
	       int64_t usual_ns)
{
	sum->rounds++;
	sum->done += round->done;
	sum->failed += round->failed;
	sum->s += round->tps > 0 ? round->done / round->tps : HUGE_VAL;
	return sum->rounds < ROUNDS_MAX && sum->s < (double)usual_ns / 1e9 / 2;
}

/* The number after what at the beginning of a line: the last such line. */
static bool
number_of(const char *text, const char *what, double *ret)
{
	bool found = false;

	for (const char *p = text; p; p = strchr(p, '\n')) {
		char *end;
		double v;

		p += *p == '\n';
		if (!pgt_str_starts(p, what))
			continue;
		v = strtod(p + strlen(what), &end);
		if (end == p + strlen(what) || !isfinite(v) || v < 0)
			continue;
		*ret = v;
		found = true;
	}
	return found;
}

bool
pgt_work_report(const char *text, struct pgt_work_report *ret)
{
	struct pgt_work_report r = {0};

	/* 13 says tps with and without connecting, in this order; from 14 on without. */
	if (!number_of(text, "number of transactions actually processed: ", &r.done) ||
	    !number_of(text, "tps = ", &r.tps))
		return false;
	/* Since 15: serialization failures and deadlocks, which are not tried again. */
	(void)number_of(text, "number of failed transactions: ", &r.failed);
	*ret = r;
	return true;
}

void
pgt_work_error(const char *text, char *buf, size_t size)
{
	const char *first = NULL, *last = text;
	char line[400];

	/* The first error says why, the last line often only that there was one. */
	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (*p && *p != '\n')
			last = p;
		if (!first && (pgt_str_starts(p, "pgbench: error: ") ||
			       pgt_str_starts(p, "pgbench: fatal: ")))
			first = p;
	}
	pgt_str_copy(line, sizeof(line), first ? first : last);
	line[strcspn(line, "\n")] = '\0';
	pgt_safetext_copy(buf, size, line);
}
