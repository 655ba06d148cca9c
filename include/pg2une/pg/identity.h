/* Who is this server: the cluster (shared by its replicas) and the node.
 * Tiers (reference/pgdba.md #6): 0 by system_identifier, 1 by server address,
 * port and database oid, 2 by the host and port that we were told. */
#ifndef PG2UNE_PG_IDENTITY_H
#define PG2UNE_PG_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"

struct pgt_conn;
struct pgt_result;

struct pgt_identity {
	int tier;			/* 0..2 */
	char system_identifier[24];	/* "" when not readable */
	char fingerprint[65]; /* SHA-256 hex of the cluster: folder and history key */
	char node[65];        /* SHA-256 hex of fingerprint + data directory or
			       * address + port: tells a standby from its primary */
	char resolved_addr[64];		/* inet_server_addr(), "" on a Unix socket */
	int resolved_port;
	char config_host[256], config_port[16];
	uint32_t datid;
	int server_version_num;
	char version[64];		/* "17.10" */
	char cluster_name[64];		/* the setting; "" when unset */
	char datadir[512];		/* "" when not readable */
	bool in_recovery;
	int timeline;			/* 0 when not readable */
	int64_t start_real_ns;		/* pg_postmaster_start_time() */
	char warning[256];		/* why the tier is above 0, "" */
};

/* Reads it over c (waits); each part degrades by itself. */
int pgt_identity_read(struct pgt_conn *c, struct pgt_identity *ret, struct pgt_err *err);
/* From the result of query "identity", for a caller with its own poll loop;
 * control is the result of "identity_control" and may be NULL or failed. */
int pgt_identity_parse(const struct pgt_conn *c, const struct pgt_result *base,
		       const struct pgt_result *control, struct pgt_identity *ret,
		       struct pgt_err *err);

#endif
