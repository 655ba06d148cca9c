/* Blocks: the arenas of sections, shared by the snapshots that show them.  A
 * slow section is parsed once and then only referenced. */
#ifndef PG2UNE_OBSERVE_SNAPSHOT_PRIV_H
#define PG2UNE_OBSERVE_SNAPSHOT_PRIV_H

#include "pg2une/base/mem.h"
#include "pg2une/observe/snapshot.h"

struct obs_block; /* atomically counted */

struct obs_block *obs_block_new(size_t limit_bytes);
struct pgt_arena *obs_block_arena(struct obs_block *b);
void obs_block_unref(struct obs_block *b); /* NULL is legal */

/* From now on s keeps b alive; NULL is ignored. */
void obs_snapshot_hold(struct pgt_snapshot *s, struct obs_block *b);

#endif
