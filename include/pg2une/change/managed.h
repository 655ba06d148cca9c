/* What the change layer needs to know of a cluster manager (Patroni); layer
 * infra provides it.  A NULL probe means that nobody asked: UNKNOWN. */
#ifndef PG2UNE_CHANGE_MANAGED_H
#define PG2UNE_CHANGE_MANAGED_H

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
	/* State of one setting; value gets what the manager sets, "" for none. */
	int (*probe)(void *ctx, const char *name, enum pgt_managed *ret, char *value,
		     size_t value_size, struct pgt_err *err);
	/* Compare and set: only when the manager's value is still `expect` (NULL:
	 * absent); value NULL removes it.  PGT_E_CONFLICT when it is not. */
	int (*patch)(void *ctx, const char *name, const char *expect, const char *value,
		     struct pgt_err *err);
};

#endif
