/* The cluster manager (Patroni) as the change layer asks for it: what it says of a
 * setting, and how it is changed there.  One owner thread; calls may wait. */
#ifndef PG2UNE_ENGINE_MANAGER_H
#define PG2UNE_ENGINE_MANAGER_H

#include "pg2une/base/err.h"
#include "pg2une/change/managed.h"

struct pgt_manager;
struct pgt_options;

/* By the options patroni, patroni-user and patroni-password-file; *ret stays NULL when
 * no manager is named. */
int pgt_manager_open(const struct pgt_options *o, struct pgt_manager **ret,
		     struct pgt_err *err) PGT_MUST_CHECK;
/* From what pgt_manager_spec() said: for the guard's process. */
int pgt_manager_open_spec(const char *spec, struct pgt_manager **ret,
			  struct pgt_err *err) PGT_MUST_CHECK;
void pgt_manager_close(struct pgt_manager *m); /* NULL is legal */
/* NULL for NULL; as long as m lives. */
const struct pgt_managed_probe *pgt_manager_probe(const struct pgt_manager *m);
/* Where it is, without the password itself; NULL for NULL. */
const char *pgt_manager_spec(const struct pgt_manager *m);

#endif
