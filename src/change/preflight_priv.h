#ifndef PG2UNE_CHANGE_PREFLIGHT_PRIV_H
#define PG2UNE_CHANGE_PREFLIGHT_PRIV_H

#include "pg2une/change/preflight.h"
#include "pg2une/change/target.h"

struct pgt_result;

/* The row of sql/change/server.sql. */
struct pgt_server_facts {
	bool superuser, createrole, may_reload, sees_files, sees_settings, sees_control;
	bool alter_allowed, looks_managed;
	char managed_by[128];
	struct pgt_boot_facts boot;
	char *loaded_libraries, *wal_level, *archive_mode, *huge_pages;
};

struct pgt_pre {
	struct pgt_direct *link;
	struct pgt_changeset *cs;
	const struct pgt_preflight_opts *opts;
	struct pgt_preflight *out;
	struct pgt_server_facts facts;
	bool broken_files; /* what they hold cannot be known */
};

void pgt_pre_check(struct pgt_pre *p, enum pgt_ruling sev, long item, const char *code,
		   const char *fix, const char *fmt, ...) PGT_PRINTF(6, 7);
/* Which settings go through the cluster manager; before all other checks of items. */
void pgt_pre_managers(struct pgt_pre *p);
/* Everything about one item; -1: the server could not be asked. */
int pgt_pre_item(struct pgt_pre *p, size_t i, struct pgt_err *err);
/* A query of this layer on the main session. */
int pgt_pre_ask(struct pgt_pre *p, const char *query, const char *const *params, int n,
		struct pgt_result **ret, struct pgt_err *err);

#endif
