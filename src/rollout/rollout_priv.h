/* The machine's state, shared by forward (rollout.c) and back (back.c). */
#ifndef PG2UNE_ROLLOUT_ROLLOUT_PRIV_H
#define PG2UNE_ROLLOUT_ROLLOUT_PRIV_H

#include "pg2une/rollout/rollout.h"

enum pgt_ro_back_part {
	PGT_ROB_WEIGHT, /* first, and read back */
	PGT_ROB_PRIMARY,
	PGT_ROB_CANARY,
	PGT_ROB_DISPOSE,
	PGT_ROB_WEIGHT_AGAIN, /* it failed before: until it is done */
	PGT_ROB_END,
};

struct pgt_rollout {
	const struct pgt_rollout_plan *plan;
	const struct pgt_rollout_ops *ops;
	void *ctx;
	struct pgt_gate *gate;
	struct pgt_rollout_view v;
	int64_t now;
	bool touched; /* a weight was set, or may have been */
	bool applied[2], in_force[2]; /* begun; verified */
	bool armed, entered, home, kept, late;
	/* what was seen at this step */
	int stale, silent, step_buckets, collapsed, not_go;
	bool moved, down;
	double step_calls, seen_canary, seen_all;
	double mean_sum, mean_n, mean_before;
	/* the way back */
	enum pgt_ro_back_part back;
	bool zero_failed;
	int64_t retry_ns, zero_since_ns;
	char zero_why[200], trouble[200];
};

void pgt_ro_say(struct pgt_rollout *r, const char *fmt, ...) PGT_PRINTF(2, 3);
void pgt_ro_back(struct pgt_rollout *r, const char *why);
bool pgt_ro_do_rollback(struct pgt_rollout *r);

#endif
