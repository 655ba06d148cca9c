#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "conn_priv.h"

static const char *
spec_get(const struct pgt_connspec *spec, const char *key)
{
	size_t i;

	for (i = 0; i < spec->n; i++)
		if (strcmp(spec->keys[i], key) == 0)
			return spec->values[i];
	return NULL;
}

/* Set, or with a NULL value remove. */
static void
spec_set(struct pgt_connspec *spec, const char *key, const char *value)
{
	size_t i;

	for (i = 0; i < spec->n; i++)
		if (strcmp(spec->keys[i], key) == 0)
			break;
	if (i < spec->n) {
		explicit_bzero(spec->values[i], strlen(spec->values[i]));
		free(spec->values[i]);
		if (value) {
			spec->values[i] = pgt_xstrdup(value);
			return;
		}
		free(spec->keys[i]);
		spec->n--;
		spec->keys[i] = spec->keys[spec->n];
		spec->values[i] = spec->values[spec->n];
	} else if (value && spec->n < PGT_CONNSPEC_MAX) {
		spec->keys[spec->n] = pgt_xstrdup(key);
		spec->values[spec->n++] = pgt_xstrdup(value);
	}
}

static bool
is_conninfo(const char *s)
{
	return strchr(s, '=') || strncmp(s, "postgres://", 11) == 0 ||
	       strncmp(s, "postgresql://", 13) == 0;
}

int
pgt_connspec_new(const struct pgt_connargs *args, struct pgt_connspec **ret,
		 struct pgt_err *err)
{
	struct pgt_connspec *spec = pgt_xcalloc(1, sizeof(*spec));
	PQconninfoOption *opts, *o;
	char *text = NULL, *msg = NULL;

	spec->read_only = args->read_only;
	spec_set(spec, "service", args->service);
	spec_set(spec, "host", args->host);
	spec_set(spec, "port", args->port);
	spec_set(spec, "user", args->user);
	spec_set(spec, "password", args->password);
	if (args->dbname && !is_conninfo(args->dbname)) {
		spec_set(spec, "dbname", args->dbname);
	} else if (args->dbname) {
		/* what the string says wins over the flags, as in psql */
		opts = PQconninfoParse(args->dbname, &text);
		if (!opts)
			goto fail;
		for (o = opts; o->keyword; o++)
			if (o->val)
				spec_set(spec, o->keyword, o->val);
		PQconninfoFree(opts);
	}
	*ret = spec;
	return 0;

fail:
	msg = pgt_safetext_redact(text ? text : "out of memory");
	pgt_err_set(err, PGT_E_USAGE, "connection string: %s",
		    msg[0] ? msg : "not understood");
	if (err) {
		char *safe = pgt_safetext(err->msg, PGT_SAFE_LINE, sizeof(err->msg) - 1);

		pgt_safetext_copy(err->msg, sizeof(err->msg), safe);
		free(safe);
	}
	free(msg);
	PQfreemem(text);
	pgt_connspec_free(spec);
	return -1;
}

void
pgt_connspec_free(struct pgt_connspec *spec)
{
	size_t i;

	if (!spec)
		return;
	for (i = 0; i < spec->n; i++) {
		explicit_bzero(spec->values[i], strlen(spec->values[i]));
		free(spec->values[i]);
		free(spec->keys[i]);
	}
	free(spec);
}

struct pgt_connspec *
pgt_connspec_copy(const struct pgt_connspec *spec)
{
	struct pgt_connspec *copy = pgt_xcalloc(1, sizeof(*copy));
	size_t i;

	copy->read_only = spec->read_only;
	for (i = 0; i < spec->n; i++)
		spec_set(copy, spec->keys[i], spec->values[i]);
	return copy;
}

int
pgt_connspec_with(const struct pgt_connspec *spec, const char *dbname, const char *host,
		  const char *port, const char *password, struct pgt_connspec **ret,
		  struct pgt_err *err)
{
	struct pgt_connspec *copy = pgt_connspec_copy(spec);

	if (dbname && is_conninfo(dbname)) {
		pgt_connspec_free(copy);
		return pgt_err_set(err, PGT_E_USAGE, "not a plain database name");
	}
	if (dbname)
		spec_set(copy, "dbname", dbname);
	if (host) {
		spec_set(copy, "host", host);
		spec_set(copy, "hostaddr", NULL); /* it would win over host */
	}
	if (port)
		spec_set(copy, "port", port);
	if (password)
		spec_set(copy, "password", password);
	*ret = copy;
	return 0;
}

/* What libpq will use for key: ours, or its environment and defaults. */
static const char *
spec_effective(const struct pgt_connspec *spec, const PQconninfoOption *defs,
	       const char *key)
{
	const char *value = spec_get(spec, key);

	for (; !value && defs && defs->keyword; defs++)
		if (strcmp(defs->keyword, key) == 0)
			value = defs->val;
	return value;
}

char *
pgt_connspec_label(const struct pgt_connspec *spec)
{
	PQconninfoOption *defs = NULL;
	const char *user, *host, *port, *db, *service = spec_get(spec, "service");
	char *raw, *safe;

	defs = PQconndefaults();
	user = spec_effective(spec, defs, "user");
	host = spec_effective(spec, defs, "host");
	if (!host)
		host = spec_effective(spec, defs, "hostaddr");
	port = spec_effective(spec, defs, "port");
	db = spec_effective(spec, defs, "dbname");
	if (service && !spec_get(spec, "host")) /* the service file knows the rest */
		raw = pgt_xasprintf("service %s", service);
	else
		raw = pgt_xasprintf("%s@%s:%s/%s", user ? user : "",
				    host && *host ? host : "local", port ? port : "5432",
				    db && *db ? db : user ? user : "");
	safe = pgt_safetext(raw, PGT_SAFE_LINE, 256);
	free(raw);
	PQconninfoFree(defs);
	return safe;
}

char *
pgt_connspec_conninfo(const struct pgt_connspec *spec)
{
	struct pgt_buf b;
	const char *s;
	size_t i;

	pgt_buf_init(&b, 64 * 1024);
	for (i = 0; i < spec->n; i++) {
		if (strcmp(spec->keys[i], "password") == 0 ||
		    strcmp(spec->keys[i], "sslpassword") == 0)
			continue;
		pgt_buf_printf(&b, "%s%s='", b.len ? " " : "", spec->keys[i]);
		for (s = spec->values[i]; *s; s++) {
			if (*s == '\'' || *s == '\\')
				pgt_buf_putc(&b, '\\');
			pgt_buf_putc(&b, *s);
		}
		pgt_buf_putc(&b, '\'');
	}
	return b.len ? pgt_buf_take(&b) : pgt_xstrdup("");
}

char *
pgt_connspec_password(const struct pgt_connspec *spec)
{
	const char *password = spec_get(spec, "password");

	return password ? pgt_xstrdup(password) : NULL;
}
