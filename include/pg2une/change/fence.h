/* Is this still the node that the change was planned for?  Read again before
 * every write: replicas share a system_identifier, and a name or address may
 * lead to another server after a failover (reference/safety.md facts 2, 3). */
#ifndef PG2UNE_CHANGE_FENCE_H
#define PG2UNE_CHANGE_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

struct pgt_writer;

struct pgt_fence {
	char system_identifier[24];
	int timeline;	  /* primary: of the WAL being written; standby: of its last
			   * checkpoint */
	bool in_recovery;
	int64_t start_us; /* postmaster start */
	char datadir[512]; /* "" when this role may not see it */
	char addr[64];	  /* "" on a Unix socket */
	int port;
	int backend_pid;
	bool locked;	  /* this very session holds the advisory lock */
};

enum pgt_fence_verdict {
	PGT_FENCE_UNKNOWN = 0,
	PGT_FENCE_SAME,
	PGT_FENCE_RESTARTED, /* the same node, started anew: verify again */
	PGT_FENCE_ROLE,	     /* promoted, demoted or on another timeline */
	PGT_FENCE_OTHER,     /* another node or cluster */
};

int pgt_fence_read(struct pgt_writer *s, struct pgt_fence *ret,
		   struct pgt_err *err) PGT_MUST_CHECK;
/* What became of `then`; why gets one line for people. */
enum pgt_fence_verdict pgt_fence_compare(const struct pgt_fence *then,
					 const struct pgt_fence *now, char *why,
					 size_t size);
cJSON *pgt_fence_json(const struct pgt_fence *f);
void pgt_fence_from_json(const cJSON *json, struct pgt_fence *ret);

#endif
