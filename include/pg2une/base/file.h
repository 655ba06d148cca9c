/* Files: XDG folders, bounded reads, replacement that survives a crash. */
#ifndef PG2UNE_BASE_FILE_H
#define PG2UNE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/err.h"

/* $XDG_CONFIG_HOME/pg2une, $XDG_STATE_HOME/pg2une, by the home folder when the
 * variable is unset or relative; the caller frees. */
char *pgt_file_config_dir(void);
char *pgt_file_state_dir(void);
/* Make it and its parents, 0700 for those that are new; an existing one that
 * others may write to is refused. */
int pgt_file_mkdirs(const char *path, struct pgt_err *err) PGT_MUST_CHECK;
/* The whole file into out (bounded by out's maximum: PGT_E_LIMIT). */
int pgt_file_read(const char *path, struct pgt_buf *out,
		  struct pgt_err *err) PGT_MUST_CHECK;
/* The beginning of a small text, such as of /proc, in one read; false, and "" in buf:
 * there is none. */
bool pgt_file_small(const char *path, char *buf, size_t size);
/* Write beside it, fdatasync, rename over it, fsync the folder; O_NOFOLLOW. */
int pgt_file_replace(const char *path, const void *data, size_t len, mode_t mode,
		     struct pgt_err *err) PGT_MUST_CHECK;
int pgt_file_fsync_parent(const char *path, struct pgt_err *err) PGT_MUST_CHECK;
/* Owner is us, no access for group and others, a regular file: for secrets. */
int pgt_file_check_private(const char *path, struct pgt_err *err) PGT_MUST_CHECK;

#endif
