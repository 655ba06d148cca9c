/* What is known of a connection, once it stands. */
#include <stdio.h>
#include <string.h>

#include "conn_priv.h"
#include "pg2une/base/file.h"
#include "pg2une/base/str.h"

static const char *
text(const char *s)
{
	return s ? s : "";
}

int
pgt_conn_server_version(const struct pgt_conn *c)
{
	return c->pg ? PQserverVersion(c->pg) : 0;
}

int
pgt_conn_backend_pid(const struct pgt_conn *c)
{
	return c->pg ? PQbackendPID(c->pg) : 0;
}

const char *
pgt_conn_param(const struct pgt_conn *c, const char *name)
{
	return c->pg ? PQparameterStatus(c->pg, name) : NULL;
}

const char *
pgt_conn_host(const struct pgt_conn *c)
{
	return c->pg ? text(PQhost(c->pg)) : "";
}

const char *
pgt_conn_port(const struct pgt_conn *c)
{
	return c->pg ? text(PQport(c->pg)) : "";
}

const char *
pgt_conn_user(const struct pgt_conn *c)
{
	return c->pg ? text(PQuser(c->pg)) : "";
}

const char *
pgt_conn_db(const struct pgt_conn *c)
{
	return c->pg ? text(PQdb(c->pg)) : "";
}

bool
pgt_conn_is_tls(const struct pgt_conn *c)
{
	return c->pg && PQsslInUse(c->pg);
}

bool
pgt_conn_is_unix(const struct pgt_conn *c)
{
	const char *host = pgt_conn_host(c);

	return host[0] == '/' || host[0] == '@';
}

uint64_t
pgt_conn_statements(const struct pgt_conn *c)
{
	return c->statements;
}

bool
pgt_conn_is_here(const struct pgt_conn *c)
{
	const char *host = pgt_conn_host(c);
	char path[64], comm[32];

	if (!pgt_conn_is_unix(c) && !pgt_str_starts(host, "127.") &&
	    strcmp(host, "::1") != 0 && strcmp(host, "localhost") != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/comm", pgt_conn_backend_pid(c));
	return pgt_file_small(path, comm, sizeof(comm)) &&
	       pgt_str_starts(comm, "postgres");
}
