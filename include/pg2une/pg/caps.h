/* What this session may see and do, probed once, each with what to do about it
 * when it is missing.  Extensions are probed by asking the view: pg_extension
 * says yes without the preload and the SELECT then fails. */
#ifndef PG2UNE_PG_CAPS_H
#define PG2UNE_PG_CAPS_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/err.h"
#include "pg2une/pg/conn.h"


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

/* Probe all over c (waits, two round trips); a missing one is no error. */
int pgt_caps_read(struct pgt_conn *c, struct pgt_caps *ret, struct pgt_err *err);

/* The same for who may not wait: send the two statements of pgt_caps_ask(), give their
 * results to pgt_caps_parse(), send the probes, give each one's result to
 * pgt_caps_probed(), and take the whole with pgt_caps_finish(). */
#define PGT_CAPS_ASK 2

struct pgt_caps_probes {
	struct pgt_caps caps; /* so far */
	char *role;	      /* quoted */
	size_t n;
	struct {
		size_t ext;
		char *sql;
	} probe[PGT_CAP_N];
};

void pgt_caps_ask(int version, struct pgt_stmt ret[PGT_CAPS_ASK]);
/* ret is pgt_caps_finish()'s to end, also when nothing is to be probed. */
PGT_MUST_CHECK int pgt_caps_parse(const struct pgt_conn *c, const struct pgt_result *row,
				  const struct pgt_result *list,
				  struct pgt_caps_probes *ret, struct pgt_err *err);
void pgt_caps_probed(struct pgt_caps_probes *p, size_t i, const struct pgt_result *r);
/* *ret may be NULL: only frees. */
void pgt_caps_finish(struct pgt_caps_probes *p, struct pgt_caps *ret);

#endif
