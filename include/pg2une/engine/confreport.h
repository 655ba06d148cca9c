/* Reports on settings, behind `config show` and `config diff`. */
#ifndef PG2UNE_ENGINE_CONFREPORT_H
#define PG2UNE_ENGINE_CONFREPORT_H

#include <stdbool.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

struct pgt_options;
struct pgt_session;

/* {settings, overrides, file_errors, pending_restart}: settings that somebody set,
 * or all, or those whose name matches a regular expression (NULL for none). */
int pgt_config_show(struct pgt_session *s, bool all, const char *match, cJSON **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;

/* Against a file: "name = value" lines as postgresql.conf, or JSON of `inspect`,
 * `config show` or `baseline`.  Values are compared as the server reads them. */
int pgt_config_diff_file(struct pgt_session *s, const char *path, cJSON **ret,
			 struct pgt_err *err) PGT_MUST_CHECK;

/* Against a profile of the rules (oltp, olap, mixed, remote-conservative, or one of the
 * user's) on a machine that options ram, cpus and storage tell; what depends on an untold
 * machine is left out and counted in a note. */
int pgt_config_diff_profile(struct pgt_session *s, const struct pgt_options *o,
			    const char *profile, cJSON **ret,
			    struct pgt_err *err) PGT_MUST_CHECK;

/* Changes between two lists of setting rows: [{name, before, after, ...}]; pure. */
cJSON *pgt_config_changes(const cJSON *before, const cJSON *after);

#endif
