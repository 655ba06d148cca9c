#include <math.h>
#include <string.h>

#include "obs_priv.h"

void
obs_feed_replicas(struct obs *o, const struct obs_rows *r)
{
	size_t n = obs_rows_n(r), i;
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *a = obs_block_arena(block);
	struct pgt_replica *rows = pgt_arena_array(a, n ? n : 1, sizeof(*rows));
	bool hidden = false;

	for (i = 0; rows && i < n; i++) {
		struct pgt_replica *p = &rows[i];

		p->pid = (int)obs_i64(r, i, obs_col(r, "pid"), 0);
		p->name = obs_text(r, i, obs_col(r, "name"), a, OBS_NAME_MAX);
		p->client = obs_text(r, i, obs_col(r, "client"), a, OBS_NAME_MAX);
		p->state = obs_text(r, i, obs_col(r, "state"), a, OBS_NAME_MAX);
		p->sync_state = obs_text(r, i, obs_col(r, "sync_state"), a, OBS_NAME_MAX);
		p->slot = obs_text(r, i, obs_col(r, "slot"), a, OBS_NAME_MAX);
		p->sent_lag_bytes = obs_num(r, i, obs_col(r, "sent_lag"));
		p->write_lag_bytes = obs_num(r, i, obs_col(r, "write_lag"));
		p->flush_lag_bytes = obs_num(r, i, obs_col(r, "flush_lag"));
		p->replay_lag_bytes = obs_num(r, i, obs_col(r, "replay_lag"));
		/* the server keeps the last lag when nothing is sent any more */
		p->replay_lag_ms = p->replay_lag_bytes > 0
				       ? obs_num(r, i, obs_col(r, "replay_lag_ms"))
				       : NAN;
		hidden |= !p->state;
	}
	obs_part_set(o, OBS_P_REPLICAS, block, rows, n);
	obs_status_ok(o, PGT_SEC_REPLICATION);
	if (hidden) {
		o->status[PGT_SEC_REPLICATION].partial = true;
		obs_status_why(o, PGT_SEC_REPLICATION,
			       "positions of the standbys are hidden",
			       o->caps.cap[PGT_CAP_MONITOR].fix);
	}
}

void
obs_feed_slots(struct obs *o, const struct obs_rows *r)
{
	size_t n = obs_rows_n(r), i;
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *a = obs_block_arena(block);
	struct pgt_slot *rows = pgt_arena_array(a, n ? n : 1, sizeof(*rows));

	for (i = 0; rows && i < n; i++) {
		struct pgt_slot *p = &rows[i];

		p->name = obs_text(r, i, obs_col(r, "name"), a, OBS_NAME_MAX);
		p->type = obs_text(r, i, obs_col(r, "type"), a, OBS_NAME_MAX);
		p->database = obs_text(r, i, obs_col(r, "database"), a, OBS_NAME_MAX);
		p->wal_status = obs_text(r, i, obs_col(r, "wal_status"), a, OBS_NAME_MAX);
		p->plugin = obs_text(r, i, obs_col(r, "plugin"), a, OBS_NAME_MAX);
		p->active = obs_bool(r, i, obs_col(r, "active"));
		p->pid = (int)obs_i64(r, i, obs_col(r, "pid"), 0);
		p->retained_bytes = obs_num(r, i, obs_col(r, "retained"));
		p->xmin_age = obs_i64(r, i, obs_col(r, "xmin_age"), -1);
		p->catalog_xmin_age = obs_i64(r, i, obs_col(r, "catalog_xmin_age"), -1);
	}
	obs_part_set(o, OBS_P_SLOTS, block, rows, n);
	if (!o->status[PGT_SEC_REPLICATION].partial)
		obs_status_ok(o, PGT_SEC_REPLICATION);
}

/* Its text lives in a block of its own, as the receiver is no array. */
void
obs_feed_receiver(struct obs *o, const struct obs_rows *r)
{
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *a = obs_block_arena(block);
	struct pgt_receiver *p = &o->receiver;
	double port;

	memset(p, 0, sizeof(*p));
	p->status = obs_text(r, 0, obs_col(r, "status"), a, OBS_NAME_MAX);
	p->sender_host = obs_text(r, 0, obs_col(r, "sender_host"), a, OBS_NAME_MAX);
	p->slot = obs_text(r, 0, obs_col(r, "slot"), a, OBS_NAME_MAX);
	port = obs_num(r, 0, obs_col(r, "sender_port"));
	p->sender_port = port > 0 ? (int)port : -1;
	p->receive_lag_bytes = obs_num(r, 0, obs_col(r, "receive_lag"));
	p->replay_lag_bytes = obs_num(r, 0, obs_col(r, "replay_lag"));
	p->replay_delay_ms = obs_num(r, 0, obs_col(r, "delay_ms"));
	p->replay_paused = obs_bool(r, 0, obs_col(r, "paused"));
	p->present = p->status != NULL;
	obs_part_set(o, OBS_P_RECEIVER, block, NULL, 0);
}
