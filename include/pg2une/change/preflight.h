/* Everything that can be known before the first write: is each item possible,
 * allowed, effective and harmless, and how would it be undone?  Nothing is
 * written.  Owner: exec thread or command line. */
#ifndef PG2UNE_CHANGE_PREFLIGHT_H
#define PG2UNE_CHANGE_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"
#include "pg2une/change/changeset.h"
#include "pg2une/change/fence.h"
#include "pg2une/change/managed.h"
#include "pg2une/change/session.h"

enum pgt_ruling { PGT_RULE_OK = 0, PGT_RULE_NOTE, PGT_RULE_WARN, PGT_RULE_REFUSE };

struct pgt_check {
	enum pgt_ruling severity;
	long item;	/* -1: of the changeset */
	char code[32];	/* "context", "privilege", "range", "boot", "file_error" ... */
	char text[400]; /* one line, safe */
	char fix[300];	/* the exact statement or step that mends it, "" none */
};

/* How T4 tells a privilege. */
struct pgt_permission {
	bool allowed;
	char reason[200], min_role[200];
};

struct pgt_preflight_opts {
	const struct pgt_managed_probe *probe;
	const char *fingerprint, *node; /* of the server, from pg/identity.h */
	double ram_bytes; /* of the server's host; 0: as found, if that is here */
	const char
	    *known_libraries;  /* "a, b": may be preloaded besides those loaded now */
	bool node_only; /* of this node alone, over what its manager sets: a canary,
			 * a trial; the manager is not asked */
	bool allow_restart;    /* plan settings that need a restart (canary first) */
	bool allow_plaintext;  /* TCP without TLS to another host */
	bool accept_pending;   /* a reload may activate other people's lines */
	bool accept_danger;    /* durability and the like */
};

struct pgt_preflight {
	struct pgt_check *checks;
	size_t n_checks;
	bool refused;		/* some check refuses */
	bool export_only; /* this server takes no ALTER SYSTEM: hand the plan over */
	struct pgt_prev *prev;	/* per item */
	enum pgt_managed *managed;
	struct pgt_permission *permission;
	bool *needs_restart;
	size_t n_items;
	struct pgt_fence fence;
	char *pending; /* pgt_pending_read() now */
	int server_version_num;
	char user[64];
};

/* l must be open; it need not be locked.  May set item->managed.  Fails only
 * when the server cannot be asked; refusals are in *ret. */
int pgt_preflight(struct pgt_direct *l, struct pgt_changeset *cs,
		  const struct pgt_preflight_opts *opts, struct pgt_preflight *ret,
		  struct pgt_err *err) PGT_MUST_CHECK;
void pgt_preflight_done(struct pgt_preflight *p);
/* The first refusal as an error. */
int pgt_preflight_verdict(const struct pgt_preflight *p, struct pgt_err *err);
/* T4 with "dry_run_result": checks, exact SQL and exact inverse of each item. */
cJSON *pgt_preflight_json(const struct pgt_preflight *p, const struct pgt_changeset *cs);
/* The plan as a script for another way in (a parameter group, a colleague). */
char *pgt_preflight_script(const struct pgt_preflight *p, const struct pgt_changeset *cs);

/* ---- values that keep a server from starting, or lose data; pure ---- */

struct pgt_boot_facts {
	double ram_bytes, shared_buffers_bytes;
	int max_connections, superuser_reserved, reserved, max_wal_senders;
	const char *wal_level, *archive_mode, *huge_pages;
	const char *loaded_libraries; /* shared_preload_libraries now */
	const char *known_libraries;
};

/* SEV_REFUSE or _WARN with why; SEV_OK: nothing known against it. */
enum pgt_ruling pgt_boot_risk(const char *name, const char *value,
				const struct pgt_boot_facts *f, char *why, size_t size);

#endif
