/* A data directory copied while its server runs, between the backup functions, and
 * removed again.  Owner: any one thread; waits for the disk. */
#ifndef PG2UNE_ROLLOUT_TREE_H
#define PG2UNE_ROLLOUT_TREE_H

#include <stdatomic.h>
#include <stdint.h>

#include "pg2une/base/err.h"

struct pgt_tree_job { /* shared with whoever watches */
	atomic_bool cancel;
	_Atomic uint64_t bytes; /* copied so far */
};

/* Copy what a base backup needs of src into dst, an empty directory: what the server
 * makes anew is left out (documentation of the replication protocol, BASE_BACKUP),
 * files that vanish meanwhile too, and pg_control comes last.  Owners are kept when we
 * may.  PGT_E_UNSUPPORTED: it has tablespaces elsewhere. */
int pgt_tree_copy_data(const char *src, const char *dst, struct pgt_tree_job *job,
		       struct pgt_err *err) PGT_MUST_CHECK;
/* Copy files and folders of src that dst lacks: a folder of configuration. */
int pgt_tree_copy_missing(const char *src, const char *dst,
			  struct pgt_err *err) PGT_MUST_CHECK;
/* Everything below path and path itself; links are not followed. */
int pgt_tree_remove(const char *path, struct pgt_err *err) PGT_MUST_CHECK;

#endif
