/* What the change layer needs to know of a cluster manager (Patroni); the engine
 * provides it.  Without a probe nobody asks: a server that looks managed is then
 * UNKNOWN.  What the manager sets is told and taken as JSON text ("\"24MB\"", "100",
 * "true"), so that it comes back exactly as it was.  Calls may wait. */
#ifndef PG2UNE_CHANGE_MANAGED_H
#define PG2UNE_CHANGE_MANAGED_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/err.h"

enum pgt_managed {
	PGT_MANAGED_UNKNOWN = 0,   /* could not be asked: never taken for "no" */
	PGT_MANAGED_NOT,	   /* no manager here */
	PGT_MANAGED_EPHEMERAL,	   /* managed cluster, setting not in its configuration:
				    * ALTER SYSTEM holds until the node is built anew */
	PGT_MANAGED_OVERRIDDEN,	   /* its configuration sets it: change it there */
};

struct pgt_managed_probe {
	void *ctx;
	const char *where; /* its address, for people; "" unknown */
	/* PGT_E_STATE when it manages another cluster than this one; what it says
	 * is worth nothing then.  May be NULL. */
	int (*check)(void *ctx, const char *system_identifier, struct pgt_err *err);
	/* State of one setting; value gets what the manager sets as JSON text, "" for
	 * none.  fresh: what its store holds now, for which it may want the right to
	 * write; else it may answer from a memory seconds old. */
	int (*probe)(void *ctx, const char *name, bool fresh, enum pgt_managed *ret,
		     char *value, size_t value_size, struct pgt_err *err);
	/* Compare and set, both JSON text: only when the manager's value is still
	 * `expect` (NULL: absent); value NULL removes it.  PGT_E_CONFLICT when it is
	 * not. */
	int (*patch)(void *ctx, const char *name, const char *expect, const char *value,
		     struct pgt_err *err);
};

#endif
