#include <stdlib.h>
#include <string.h>

#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/engine/manager.h"
#include "pg2une/engine/options.h"
#include "pg2une/infra/patroni.h"

#define SPEC_MAX 4096

struct pgt_manager {
	struct pgt_managed_probe probe;
	char *url, *user, *password_file, *password, *spec;
};

static int
ask(void *ctx, const char *name, enum pgt_managed *ret, char *value, size_t value_size,
    struct pgt_err *err)
{
	const struct pgt_manager *m = ctx;
	const struct pgt_http_auth auth = {.user = m->user, .password = m->password};
	const cJSON *item = NULL;
	cJSON *config;
	char *text;

	if (pgt_patroni_config(m->url, &auth, &config, err) < 0)
		return -1;
	*ret = pgt_patroni_param(config, name, &item) == PGT_PATRONI_OVERRIDDEN
		   ? PGT_MANAGED_OVERRIDDEN
		   : PGT_MANAGED_EPHEMERAL;
	text = cJSON_IsString(item) ? pgt_xstrdup(item->valuestring)
	       : item		    ? pgt_json_print(item, false)
				    : pgt_xstrdup("");
	pgt_safetext_copy(value, value_size, text);
	free(text);
	cJSON_Delete(config);
	return 0;
}

static int
patch(void *ctx, const char *name, const char *expect, const char *value,
      struct pgt_err *err)
{
	const struct pgt_manager *m = ctx;
	const struct pgt_http_auth auth = {.user = m->user, .password = m->password};

	return pgt_patroni_patch(m->url, &auth, name, expect, value, err);
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

	pgt_json_str(o, "url", m->url);
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
	size_t len = strlen(url);

	m->url = pgt_xstrndup(url, len > 0 && url[len - 1] == '/' ? len - 1 : len);
	m->user = copy(user);
	m->password_file = copy(password_file);
	if (password_file && pgt_http_secret(password_file, &m->password, err) < 0) {
		pgt_manager_close(m);
		return -1;
	}
	m->spec = make_spec(m);
	m->probe = (struct pgt_managed_probe){.ctx = m, .probe = ask, .patch = patch};
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
	free(m->url);
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
