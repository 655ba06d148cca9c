/* Sessions by wait event, averaged over the samples of the last ten seconds:
 * one sample a second says little, ten say where the time goes (average active
 * sessions). */
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/str.h"
#include "obs_priv.h"

#define WINDOW_NS  (10 * PGT_NS_PER_S)
#define SAMPLES    64 /* 10 s at 0.2 s is 50 */
#define EVENTS_MAX 512

struct event {
	char type[32], name[64];
	unsigned short count[SAMPLES];
	int now;
};

struct obs_waits {
	struct event *ev;
	size_t n, cap;
	int64_t at_ns[SAMPLES]; /* 0: unused */
	size_t slot;
	bool begun;
};

struct obs_waits *
obs_waits_new(void)
{
	return pgt_xcalloc(1, sizeof(struct obs_waits));
}

void
obs_waits_free(struct obs_waits *w)
{
	if (!w)
		return;
	free(w->ev);
	free(w);
}

/* A new sample: its slot is emptied in each event. */
void
obs_waits_begin(struct obs_waits *w)
{
	size_t i;

	w->slot = (w->slot + 1) % SAMPLES;
	w->begun = true;
	for (i = 0; i < w->n; i++) {
		w->ev[i].count[w->slot] = 0;
		w->ev[i].now = 0;
	}
}

void
obs_waits_count(struct obs_waits *w, const char *type, const char *event)
{
	struct event *e = NULL;
	size_t i;

	for (i = 0; i < w->n && !e; i++)
		if (strcmp(w->ev[i].name, event) == 0 && strcmp(w->ev[i].type, type) == 0)
			e = &w->ev[i];
	if (!e) {
		if (w->n == EVENTS_MAX)
			return; /* extensions may make up names; ours are some 250 */
		if (w->n == w->cap) {
			w->cap = w->cap ? 2 * w->cap : 16;
			w->ev = pgt_xreallocarray(w->ev, w->cap, sizeof(*w->ev));
		}
		e = &w->ev[w->n++];
		memset(e, 0, sizeof(*e));
		pgt_str_copy(e->type, sizeof(e->type), type);
		pgt_str_copy(e->name, sizeof(e->name), event);
	}
	e->now++;
	if (e->count[w->slot] < UINT16_MAX)
		e->count[w->slot]++;
}

static int
wait_cmp(const void *a, const void *b)
{
	const struct pgt_wait *x = a, *y = b;

	if (x->sessions != y->sessions)
		return (x->sessions < y->sessions) - (x->sessions > y->sessions);
	return strcmp(x->event, y->event);
}

void
obs_waits_build(struct obs_waits *w, int64_t mono_ns, struct pgt_snapshot *s)
{
	struct pgt_arena *a = pgt_snapshot_arena(s);
	struct pgt_wait *out;
	size_t i, k, n = 0, samples = 0;

	if (w->begun)
		w->at_ns[w->slot] = mono_ns;
	w->begun = false;
	for (k = 0; k < SAMPLES; k++) {
		if (w->at_ns[k] && mono_ns - w->at_ns[k] >= WINDOW_NS)
			w->at_ns[k] = 0;
		samples += w->at_ns[k] != 0;
	}
	out = pgt_arena_array(a, w->n, sizeof(*out));
	if (!samples || !out)
		return;
	for (i = 0; i < w->n; i++) {
		unsigned sum = 0;

		for (k = 0; k < SAMPLES; k++)
			if (w->at_ns[k])
				sum += w->ev[i].count[k];
		if (!sum)
			continue;
		out[n++] = (struct pgt_wait){pgt_arena_strdup(a, w->ev[i].type),
					     pgt_arena_strdup(a, w->ev[i].name),
					     (double)sum / (double)samples, w->ev[i].now};
	}
	qsort(out, n, sizeof(*out), wait_cmp);
	s->waits = out;
	s->n_waits = n;
}
