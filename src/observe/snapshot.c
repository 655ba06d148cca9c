#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/str.h"
#include "pg2une/observe/snapshot.h"
#include "snapshot_priv.h"

const char *const pgt_section_names[PGT_SEC_N] = {
    [PGT_SEC_BASIC] = "basic",
    [PGT_SEC_ACTIVITY] = "activity",
    [PGT_SEC_LOCKS] = "locks",
    [PGT_SEC_STATEMENTS] = "statements",
    [PGT_SEC_WAL] = "wal",
    [PGT_SEC_REPLICATION] = "replication",
    [PGT_SEC_IO] = "io",
    [PGT_SEC_PROGRESS] = "progress",
    [PGT_SEC_DATABASES] = "databases",
    [PGT_SEC_TABLES] = "tables",
    [PGT_SEC_INDEXES] = "indexes",
    [PGT_SEC_SETTINGS] = "settings",
    [PGT_SEC_HORIZON] = "horizon",
    [PGT_SEC_HOST] = "host",
};

const char *const pgt_workload_names[4] = {
    [PGT_WORKLOAD_UNKNOWN] = "unknown",
    [PGT_WORKLOAD_OLTP] = "oltp",
    [PGT_WORKLOAD_OLAP] = "olap",
    [PGT_WORKLOAD_MIXED] = "mixed",
};

struct obs_block {
	atomic_uint refs;
	struct pgt_arena *arena;
};

#define MAX_BLOCKS (PGT_SEC_N + 4)

struct snap {
	struct pgt_snapshot pub; /* first: the public face points at it */
	atomic_uint refs;
	struct pgt_arena *arena;
	struct obs_block *blocks[MAX_BLOCKS];
	size_t n_blocks;
};

struct obs_block *
obs_block_new(size_t limit_bytes)
{
	struct obs_block *b = pgt_xcalloc(1, sizeof(*b));

	atomic_init(&b->refs, 1);
	b->arena = pgt_arena_new(limit_bytes);
	return b;
}

struct pgt_arena *
obs_block_arena(struct obs_block *b)
{
	return b->arena;
}

void
obs_block_unref(struct obs_block *b)
{
	if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	pgt_arena_free(b->arena);
	free(b);
}

void
obs_snapshot_hold(struct pgt_snapshot *s, struct obs_block *b)
{
	struct snap *sn = (struct snap *)s;
	size_t i;

	if (!b)
		return;
	for (i = 0; i < sn->n_blocks; i++)
		if (sn->blocks[i] == b)
			return;
	if (sn->n_blocks == MAX_BLOCKS)
		abort(); /* a section more than the enum knows */
	atomic_fetch_add(&b->refs, 1);
	sn->blocks[sn->n_blocks++] = b;
}

/* Every double of a struct that holds nothing else. */
static void
fill_nan(void *p, size_t size)
{
	double *d = p;
	size_t i;

	for (i = 0; i < size / sizeof(*d); i++)
		d[i] = NAN;
}

static void
unknown_sessions(struct pgt_sessions *s)
{
	*s = (struct pgt_sessions){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
				   .oldest_tx_ns = -1,
				   .oldest_query_ns = -1,
				   .oldest_idle_in_tx_ns = -1};
}

struct pgt_snapshot *
pgt_snapshot_new(struct pgt_arena *take_arena)
{
	struct snap *sn = pgt_xcalloc(1, sizeof(*sn));
	struct pgt_snapshot *s = &sn->pub;

	atomic_init(&sn->refs, 1);
	sn->arena = take_arena;
	_Static_assert(sizeof(struct pgt_rates) % sizeof(double) == 0, "only doubles");
	fill_nan(&s->rate, sizeof(s->rate));
	unknown_sessions(&s->sessions);
	s->latency = (struct pgt_latency){NAN, NAN, NAN, NAN, NAN, NAN, NAN, .calls = 0};
	s->statements_total = s->statements_max = -1;
	s->statements_dealloc = s->statements_exec_ms = NAN;
	s->receiver.receive_lag_bytes = s->receiver.replay_lag_bytes = NAN;
	s->receiver.replay_delay_ms = s->receiver.conflicts = NAN;
	s->host = (struct pgt_host){-1, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN,
				    NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN,
				    NULL};
	s->cost = (struct pgt_cost){.server_ms = NAN,
				    .tick_ms = NAN,
				    .client_cpu_pct = NAN,
				    .server_cpu_pct = NAN};
	return s;
}

struct pgt_arena *
pgt_snapshot_arena(struct pgt_snapshot *s)
{
	return ((struct snap *)s)->arena;
}

const struct pgt_snapshot *
pgt_snapshot_ref(const struct pgt_snapshot *s)
{
	if (s)
		atomic_fetch_add(&((struct snap *)(uintptr_t)s)->refs, 1);
	return s;
}

void
pgt_snapshot_unref(const struct pgt_snapshot *s)
{
	struct snap *sn = (struct snap *)(uintptr_t)s;
	size_t i;

	if (!sn || atomic_fetch_sub(&sn->refs, 1) != 1)
		return;
	for (i = 0; i < sn->n_blocks; i++)
		obs_block_unref(sn->blocks[i]);
	pgt_arena_free(sn->arena);
	free(sn);
}

static int
setting_cmp(const void *key, const void *elem)
{
	return strcmp(key, ((const struct pgt_setting *)elem)->name);
}

const struct pgt_setting *
pgt_snapshot_setting(const struct pgt_snapshot *s, const char *name)
{
	return s->n_settings ? bsearch(name, s->settings, s->n_settings,
				       sizeof(*s->settings), setting_cmp)
			     : NULL;
}

double
pgt_snapshot_setting_num(const struct pgt_snapshot *s, const char *name)
{
	const struct pgt_setting *set = pgt_snapshot_setting(s, name);
	double v;

	return set && set->value && pgt_parse_double(set->value, &v) ? v : NAN;
}
