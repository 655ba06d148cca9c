#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advise_priv.h"
#include "pg2une/base/digest.h"

#define ARENA_MAX (256u << 20)

/* The public list with what keeps it. */
struct box {
	struct pgt_advice_list list;
	struct pgt_arena *arena;
	atomic_int refs;
};

static const struct adv_ops advisors[] = {
    {"memory", adv_settings_memory},
    {"wal", adv_settings_wal},
    {"planner", adv_settings_planner},
    {"settings", adv_settings_other},
    {"missing indexes", adv_index_missing},
    {"foreign keys", adv_index_fk},
    {"waste", adv_index_waste},
    {"queries", adv_queries},
    {"vacuum", adv_vacuum},
    {"connections", adv_connections},
    {"vector", adv_vector},
    {"replication", adv_replication},
    {"hygiene", adv_hygiene},
};

/* A sure small gain goes before an unsure larger one, but not before a far larger. */
static double
weight(enum pgt_grade g)
{
	switch (g) {
	case PGT_GRADE_HIGH:
		return 1;
	case PGT_GRADE_MEDIUM:
		return 0.75;
	case PGT_GRADE_LOW:
		return 0.4;
	case PGT_GRADE_NONE:
		break;
	}
	return 0;
}

/* What an operator saw when dismissing it: a hash of the proposal, the weight, the grade.
 */
static const char *
evidence_hash(struct adv_ctx *c, const struct pgt_advice *a)
{
	char hex[65];
	const char *text = adv_text(c, "%s|%s|%s", a->identity,
				    a->proposed ? a->proposed : "",
				    a->statement ? a->statement : "");

	pgt_digest_sha256(text, strlen(text), hex);
	return adv_text(c, "%.16s-%.0f-%d", hex, ceil(a->score), (int)a->confidence);
}

bool
pgt_advice_is_news(const char *then, const char *now)
{
	double score[2];
	int grade[2];
	const char *text[2] = {then, now};

	for (int i = 0; i < 2; i++)
		if (sscanf(text[i], "%*16[0-9a-f]-%lf-%d", &score[i], &grade[i]) != 2)
			return true;
	return strncmp(then, now, 16) != 0 || grade[1] > grade[0] ||
	       score[1] >= 2 * fmax(score[0], 1);
}

static int
by_score(const void *x, const void *y)
{
	const struct pgt_advice *a = *(struct pgt_advice *const *)x,
				*b = *(struct pgt_advice *const *)y;

	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	return strcmp(a->identity, b->identity);
}

/* The advisors point into the schema and the snapshot, which the list outlives. */
static void
own_texts(struct pgt_arena *arena, struct pgt_advice *a)
{
	const char **const texts[] = {
	    &a->identity,       &a->evidence_hash, &a->title,      &a->statement,
	    &a->undo,           &a->current,       &a->proposed,   &a->effect_of,
	    &a->effect_how,     &a->why,           &a->costs,      &a->not_if,
	    &a->confidence_why, &a->blast,         &a->source,     &a->table_schema,
	    &a->table,          &a->act.kind,      &a->act.name,   &a->act.value,
	    &a->act.database,   &a->act.role,      &a->act.schema, &a->act.table,
	    &a->act.definition,
	};

	for (size_t i = 0; i < PGT_LEN(texts); i++)
		if (*texts[i])
			*texts[i] = pgt_arena_strdup(arena, *texts[i]);
}

/* Best first, one of each identity. */
static void
rank(struct adv_ctx *c, struct box *b)
{
	struct pgt_advice *items;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		c->items[i]->score *= weight(c->items[i]->confidence);
	if (c->n)
		qsort(c->items, c->n, sizeof(*c->items), by_score);
	items = pgt_arena_array(c->a, c->n ? c->n : 1, sizeof(*items));
	for (size_t i = 0; i < c->n; i++) {
		size_t k = 0;

		while (k < n && strcmp(items[k].identity, c->items[i]->identity) != 0)
			k++;
		if (k < n)
			continue;
		items[n] = *c->items[i];
		items[n].evidence_hash = evidence_hash(c, &items[n]);
		own_texts(c->a, &items[n]);
		n++;
	}
	b->list.items = items;
	b->list.n = n;
}

static void
measure_statements(struct adv_ctx *c)
{
	double window = 0, total = 0;

	for (size_t i = 0; i < c->s->n_statements; i++) {
		window += isfinite(c->s->statements[i].ms_w) ? c->s->statements[i].ms_w
							     : 0;
		total += c->s->statements[i].total_ms;
	}
	/* ten ms of work in a window say nothing about where the time goes */
	c->windowed = c->s->window_s >= 5 && window > 10;
	c->total_ms = c->windowed ? window : total;
	c->seconds = c->windowed ? c->s->window_s : NAN;
}

static void
see_host(struct adv_ctx *c)
{
	const struct pgt_host_facts *h = &c->in->host;
	enum pgt_workload w = c->in->workload;

	if (w == PGT_WORKLOAD_UNKNOWN && c->snap)
		w = c->snap->workload;
	c->cls = w == PGT_WORKLOAD_OLTP   ? PGT_KNOB_OLTP
		 : w == PGT_WORKLOAD_OLAP ? PGT_KNOB_OLAP
					  : PGT_KNOB_MIXED;
	c->major = (c->s->version_num ? c->s->version_num
		    : c->snap         ? c->snap->node.version_num
				      : 0) /
		   10000;
	c->host.server_major = c->major;
	if (!c->in->remote_conservative) {
		c->host.ram_bytes = h->ram_bytes > 0 ? h->ram_bytes : 0;
		c->host.cores = h->cpus;
	}
	c->host.rotating_disk = h->storage && strcmp(h->storage, "hdd") == 0;
	c->host.max_connections = (int)fmax(adv_setting(c, "max_connections"), 1);
	if (c->host.ram_bytes <= 0)
		adv_note(c, "the server's memory is unknown (tell it with --ram): sizes "
			    "that depend on it are left out or proposed with low "
			    "confidence");
	if (c->host.cores <= 0)
		adv_note(c, "the server's cores are unknown (tell them with --cpus): no "
			    "advice on parallel workers");
	if (!h->storage)
		adv_note(c, "the kind of storage is unknown (tell it with --storage): "
			    "little is said of planner costs and I/O");
}

int
pgt_advise(const struct pgt_advise_input *in, struct pgt_advice_list **ret,
	   struct pgt_err *err)
{
	struct pgt_schema *empty = in->schema ? NULL : pgt_schema_new();
	struct box *b = pgt_xcalloc(1, sizeof(*b));
	struct adv_ctx c = {
	    .in = in, .snap = in->snapshot, .s = in->schema ? in->schema : empty};

	if (!in->rules) {
		pgt_schema_free(empty);
		free(b);
		return pgt_err_set(err, PGT_E_STATE, "no rules to advise by");
	}
	atomic_init(&b->refs, 1);
	c.a = b->arena = pgt_arena_new(ARENA_MAX);
	adv_rules_parse(c.a, in->rules, &c.rules);
	measure_statements(&c);
	see_host(&c);
	for (size_t i = 0; i < PGT_LEN(advisors); i++)
		advisors[i].run(&c);
	for (size_t i = 0; i < c.s->n_notes; i++)
		adv_note(&c, "%s", c.s->notes[i]);
	if (c.s->cut)
		adv_note(&c, "only the largest and busiest tables were judged");
	rank(&c, b);
	b->list.notes = pgt_arena_array(c.a, c.n_notes ? c.n_notes : 1, sizeof(char *));
	memcpy((void *)(uintptr_t)b->list.notes, c.notes, c.n_notes * sizeof(char *));
	b->list.n_notes = c.n_notes;
	b->list.real_ns = in->now_real_ns;
	free(c.items);
	free(c.parsed); /* the list keeps none of what was only read */
	pgt_schema_free(empty);
	*ret = &b->list;
	return 0;
}

struct pgt_advice_list *
pgt_advice_list_ref(struct pgt_advice_list *l)
{
	atomic_fetch_add(&((struct box *)l)->refs, 1);
	return l;
}

void
pgt_advice_list_free(struct pgt_advice_list *l)
{
	struct box *b = (struct box *)l;

	if (!b || atomic_fetch_sub(&b->refs, 1) > 1)
		return;
	pgt_arena_free(b->arena);
	free(b);
}
