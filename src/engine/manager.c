#include <stdlib.h>
#include <string.h>

#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/manager.h"
#include "pg2une/engine/options.h"
#include "pg2une/infra/patroni.h"

#define SPEC_MAX 4096

struct pgt_manager {
	struct pgt_managed_probe probe;
	char *urls; /* as given: one, or several members' with commas */
	char *user, *password_file, *password, *spec;
	char *where;	 /* the first of them, for people */
	char *answering; /* of urls, the one that answered last */
};

static struct pgt_http_auth
auth_of(const struct pgt_manager *m)
{
	return (struct pgt_http_auth){.user = m->user, .password = m->password};
}

/* The next of a list "a,b" as text of our own, without a closing slash. */
static char *
next_url(const char **at)
{
	size_t len = strcspn(*at, ","), keep = len;
	char *url;

	while (keep > 0 && ((*at)[keep - 1] == '/' || (*at)[keep - 1] == ' '))
		keep--;
	url = pgt_xstrndup(*at, keep);
	*at += len + ((*at)[len] == ',');
	while (**at == ' ')
		(*at)++;
	return url;
}

/* All members have one configuration: whoever answers will do.  ret may be NULL. */
static int
find_answering(struct pgt_manager *m, struct pgt_patroni_node *ret, struct pgt_err *err)
{
	const struct pgt_http_auth auth = auth_of(m);
	struct pgt_patroni_node node;
	const char *at = m->urls;
	char *url;

	if (m->answering && pgt_patroni_node(m->answering, &auth, &node, err) == 0)
		goto found;
	while (*at) {
		url = next_url(&at);
		if (pgt_patroni_node(url, &auth, &node, err) == 0) {
			free(m->answering);
			m->answering = url;
			goto found;
		}
		free(url);
	}
	return -1;

found:
	if (ret)
		*ret = node;
	return 0;
}

static int
check(void *ctx, const char *system_identifier, struct pgt_err *err)
{
	struct pgt_manager *m = ctx;
	struct pgt_patroni_node node = {.role = ""};

	if (find_answering(m, &node, err) < 0)
		return -1;
	/* a member whose server is down does not say: the scope was checked before */
	if (node.system_identifier[0] && system_identifier[0] &&
	    strcmp(node.system_identifier, system_identifier) != 0)
		return pgt_err_set(err, PGT_E_STATE,
				   "%s manages another cluster (system identifier %s)",
				   m->answering, node.system_identifier);
	return 0;
}

static int
ask(void *ctx, const char *name, bool fresh, enum pgt_managed *ret, char *value,
    size_t value_size, struct pgt_err *err)
{
	struct pgt_manager *m = ctx;
	const struct pgt_http_auth auth = auth_of(m);
	const cJSON *item = NULL;
	cJSON *config;
	char *text;
	int rc = 0;

	if (find_answering(m, NULL, err) < 0 ||
	    (fresh ? pgt_patroni_config_now : pgt_patroni_config)(m->answering, &auth,
								  &config, err) < 0)
		return -1;
	*ret = pgt_patroni_param(config, name, &item) == PGT_PATRONI_OVERRIDDEN
		   ? PGT_MANAGED_OVERRIDDEN
		   : PGT_MANAGED_EPHEMERAL;
	text = item && !cJSON_IsNull(item) ? pgt_json_print(item, false) : NULL;
	/* exact or not at all: it is what a rollback writes back */
	if (text && strlen(text) >= value_size)
		rc = pgt_err_set(err, PGT_E_LIMIT, "%s: the manager's value is too long",
				 name);
	else
		pgt_str_copy(value, value_size, text ? text : "");
	free(text);
	cJSON_Delete(config);
	return rc;
}

static int
patch(void *ctx, const char *name, const char *expect, const char *value,
      struct pgt_err *err)
{
	struct pgt_manager *m = ctx;
	const struct pgt_http_auth auth = auth_of(m);

	if (find_answering(m, NULL, err) < 0)
		return -1;
	return pgt_patroni_patch(m->answering, &auth, name, expect, value, err);
}

static char *
copy(const char *s)
{
	return s ? pgt_xstrdup(s) : NULL;
}

static char *
make_spec(const struct pgt_manager *m)
{
	cJSON *o = cJSON_CreateObject();
	char *text;

	pgt_json_str(o, "url", m->urls);
	pgt_json_str(o, "user", m->user);
	pgt_json_str(o, "password_file", m->password_file);
	text = pgt_json_print(o, false);
	cJSON_Delete(o);
	return text;
}

static int
open_at(const char *url, const char *user, const char *password_file,
	struct pgt_manager **ret, struct pgt_err *err)
{
	struct pgt_manager *m = pgt_xcalloc(1, sizeof(*m));
	const char *first = url;

	m->urls = pgt_xstrdup(url);
	m->where = next_url(&first);
	m->user = copy(user);
	m->password_file = copy(password_file);
	if (password_file && pgt_http_secret(password_file, &m->password, err) < 0) {
		pgt_manager_close(m);
		return -1;
	}
	m->spec = make_spec(m);
	m->probe = (struct pgt_managed_probe){
	    .ctx = m, .where = m->where, .check = check, .probe = ask, .patch = patch};
	*ret = m;
	return 0;
}

int
pgt_manager_open(const struct pgt_options *o, struct pgt_manager **ret,
		 struct pgt_err *err)
{
	const char *url = pgt_options_str(o, "patroni");

	return url ? open_at(url, pgt_options_str(o, "patroni-user"),
			     pgt_options_str(o, "patroni-password-file"), ret, err)
		   : 0;
}

int
pgt_manager_open_spec(const char *spec, struct pgt_manager **ret, struct pgt_err *err)
{
	cJSON *o = pgt_json_parse(spec, strlen(spec), SPEC_MAX, err);
	const char *url = NULL, *user = NULL, *file = NULL;
	int rc;

	if (!o)
		return -1;
	pgt_json_get_str(o, "user", &user);
	pgt_json_get_str(o, "password_file", &file);
	rc = pgt_json_get_str(o, "url", &url)
		 ? open_at(url, user, file, ret, err)
		 : pgt_err_set(err, PGT_E_PARSE, "the manager has no url");
	cJSON_Delete(o);
	return rc;
}

void
pgt_manager_close(struct pgt_manager *m)
{
	if (!m)
		return;
	if (m->password)
		explicit_bzero(m->password, strlen(m->password));
	free(m->password);
	free(m->password_file);
	free(m->urls);
	free(m->where);
	free(m->answering);
	free(m->user);
	free(m->spec);
	free(m);
}

const struct pgt_managed_probe *
pgt_manager_probe(const struct pgt_manager *m)
{
	return m ? &m->probe : NULL;
}

const char *
pgt_manager_spec(const struct pgt_manager *m)
{
	return m ? m->spec : NULL;
}
