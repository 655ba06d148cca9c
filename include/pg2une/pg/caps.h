/* What this session may see and do, probed once, each with what to do about it
 * when it is missing.  Extensions are probed by asking the view: pg_extension
 * says yes without the preload and the SELECT then fails. */
#ifndef PG2UNE_PG_CAPS_H
#define PG2UNE_PG_CAPS_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/err.h"

struct pgt_conn;
struct pgt_result;

enum pgt_cap {
	PGT_CAP_MONITOR,	/* sees other sessions' queries: pg_read_all_stats */
	PGT_CAP_SETTINGS,	/* pg_read_all_settings */
	PGT_CAP_STATEMENTS,	/* pg_stat_statements answers */
	PGT_CAP_STATEMENTS_ALL, /* ... with the text of others */
	PGT_CAP_TRACK_IO,	/* track_io_timing on */
	PGT_CAP_WAL_STATS,	/* pg_stat_wal, 14+ */
	PGT_CAP_IO_STATS,	/* pg_stat_io, 16+ */
	PGT_CAP_CONTROL,	/* pg_control_system() */
	PGT_CAP_FILE_SETTINGS,	/* pg_file_settings */
	PGT_CAP_LOG,		/* pg_current_logfile + pg_read_file or pg_ls_logdir */
	PGT_CAP_SIGNAL,		/* pg_signal_backend or superuser */
	PGT_CAP_ALTER_SYSTEM,	/* may ALTER SYSTEM at least something */
	PGT_CAP_RELOAD,		/* EXECUTE on pg_reload_conf() */
	PGT_CAP_SUPERUSER,
	PGT_CAP_HYPOPG,
	PGT_CAP_QUALSTATS,
	PGT_CAP_HINT_PLAN,
	PGT_CAP_PGSTATTUPLE,
	PGT_CAP_BUFFERCACHE,
	PGT_CAP_KCACHE,
	PGT_CAP_WAIT_SAMPLING,
	PGT_CAP_VECTOR,
	PGT_CAP_N
};

struct pgt_cap_state {
	bool available;
	char version[24]; /* of the extension, "" */
	char schema[64];  /* where it is installed, quoted for SQL, "" */
	char why[256];	  /* why not, safe text */
	char fix[256];	  /* the exact statement or package that mends it */
};

struct pgt_caps {
	int server_version_num;
	struct pgt_cap_state cap[PGT_CAP_N];
};

extern const char *const pgt_cap_names[PGT_CAP_N];

/* Probe all over c (waits, at most a few round trips); a missing one is no error. */
int pgt_caps_read(struct pgt_conn *c, struct pgt_caps *ret, struct pgt_err *err);

#endif
