#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/json.h"
#include "pg2une/base/str.h"
#include "pg2une/cli/batch.h"
#include "pg2une/engine/engine.h"
#include "pg2une/engine/options.h"
#include "pg2une/engine/snapshot_json.h"

/* How long a server may be away before a batch gives up. */
#define GIVE_UP_NS (30 * PGT_NS_PER_S)
#define TEXT_ROWS  10
/* Rates need two readings, texts are asked for: at most so many samples without are not
 * worth one of N. */
#define EARLY_MAX 3

struct batch {
	bool json;
	int64_t left;
	int64_t last_ns; /* of the last sample or of the start */
	int early;	 /* samples without rates or texts, not printed */
	bool any;	 /* a sample has come */
	char said[512];	 /* of the link, last */
	char missing[PGT_SEC_N][128]; /* of a section, as last said */
	struct pgt_query_key asked[TEXT_ROWS];
};

static char *
num(double v, const char *fmt, char *buf, size_t size)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (isnan(v))
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, fmt, v);
#pragma GCC diagnostic pop
	return buf;
}

static void
print_queries(const struct pgt_snapshot *s)
{
	char a[32], b[32], c[32];

	for (size_t i = 0; i < s->n_queries && i < TEXT_ROWS; i++) {
		const struct pgt_query *q = &s->queries[i];

		printf("  %5s%% %10s/s %10s ms  %.200s\n",
		       num(q->time_pct, "%.1f", a, 32), num(q->calls_ps, "%.1f", b, 32),
		       num(q->mean_ms, "%.3f", c, 32),
		       q->text ? q->text : "(text not fetched yet)");
	}
}

/* What is missing, and again only when that changes. */
static void
print_missing(struct batch *b, const struct pgt_snapshot *s)
{
	for (int i = 0; i < PGT_SEC_N; i++) {
		const char *why = s->section[i].available ? "" : s->section[i].why;
		char now[sizeof(b->missing[0])];

		pgt_str_copy(now, sizeof(now), why ? why : "");
		if (*now && strcmp(now, b->missing[i]) != 0)
			printf("  %s: %s%s%s\n", pgt_section_names[i], why,
			       s->section[i].fix ? "; " : "",
			       s->section[i].fix ? s->section[i].fix : "");
		memcpy(b->missing[i], now, sizeof(now));
	}
}

static void
print_text(struct batch *b, const struct pgt_snapshot *s)
{
	char t[40], n[5][32];

	printf(
	    "%s %s %s %s tps %s p50 %s p95 %s p99 %s ms hit %s sessions %d/%d active %d "
	    "blocked %d\n",
	    pgt_clock_iso8601(s->real_ns, t, sizeof(t)), s->node.name ? s->node.name : "",
	    s->node.in_recovery ? "STANDBY" : "PRIMARY",
	    s->node.version ? s->node.version : "", num(s->rate.tps, "%.1f", n[0], 32),
	    num(s->latency.p50_ms, "%.3g", n[1], 32),
	    num(s->latency.p95_ms, "%.3g", n[2], 32),
	    num(s->latency.p99_ms, "%.3g", n[3], 32),
	    num(100 * s->rate.hit_ratio, "%.2f%%", n[4], 32), s->sessions.total,
	    s->sessions.max_connections, s->sessions.active, s->sessions.blocked);
	print_missing(b, s);
	print_queries(s);
}

static void
print_snapshot(struct batch *b, const struct pgt_snapshot *s)
{
	if (b->json) {
		cJSON *top = pgt_snapshot_json(s);
		char *text = pgt_json_print(top, false);

		puts(text);
		free(text);
		cJSON_Delete(top);
	} else {
		print_text(b, s);
	}
	fflush(stdout);
}

static void
ask_texts(struct batch *b, struct pgt_engine *e, const struct pgt_snapshot *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_queries && n < TEXT_ROWS; i++)
		b->asked[n++] = s->queries[i].key;
	pgt_engine_want_texts(e, b->asked, n);
}

static bool
is_early(const struct pgt_snapshot *s)
{
	bool texts = true;

	for (size_t i = 0; i < s->n_queries && i < TEXT_ROWS; i++)
		texts &= s->queries[i].text != NULL;
	return isnan(s->rate.tps) || !texts;
}

/* 1: go on, 0: done, -1: failed. */
static int
on_event(struct batch *b, struct pgt_engine *e, const struct pgt_msg *m,
	 struct pgt_err *err)
{
	const struct pgt_ev_link *link = m->data;

	if (m->type == PGT_EV_SNAPSHOT) {
		const struct pgt_snapshot *s = m->data;

		b->any = true;
		b->said[0] = '\0';
		b->last_ns = pgt_clock_mono_ns();
		ask_texts(b, e, s);
		if (is_early(s) && b->early < EARLY_MAX) {
			b->early++;
			return 1;
		}
		print_snapshot(b, s);
		return --b->left > 0;
	}
	if (m->type == PGT_EV_LINK && !link->up) {
		/* one that was never there is not waited for */
		if (link->final || (!b->any && *link->message) ||
		    pgt_clock_mono_ns() - b->last_ns > GIVE_UP_NS)
			return pgt_err_set(err, PGT_E_CONN, "%s: %s", link->target,
					   link->message);
		if (*link->message && strcmp(link->message, b->said) != 0)
			fprintf(stderr, "pg2une: %s: %s\n", link->target, link->message);
		pgt_str_copy(b->said, sizeof(b->said), link->message);
	}
	return 1;
}

int
pgt_batch_run(struct pgt_engine *e, const struct pgt_options *o, struct pgt_err *err)
{
	struct batch b = {
	    .json = strcmp(pgt_options_str(o, "format"), "json") == 0,
	    .left = pgt_options_int(o, "batch"),
	    .last_ns = pgt_clock_mono_ns(),
	};
	struct pgt_mailbox *mb = pgt_engine_events(e);
	struct pollfd p = {.fd = pgt_mailbox_fd(mb), .events = POLLIN};
	struct pgt_msg *m;
	int rc = 1;

	while (rc > 0) {
		if (poll(&p, 1, 1000) == 0 &&
		    pgt_clock_mono_ns() - b.last_ns > 2 * GIVE_UP_NS)
			return pgt_err_set(err, PGT_E_TIMEOUT, "no sample came for 60 s");
		while (rc > 0 && (m = pgt_mailbox_take(mb))) {
			rc = on_event(&b, e, m, err);
			pgt_msg_free(m);
		}
	}
	return rc;
}
