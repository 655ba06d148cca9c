#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/advice.h"
#include "pg2une/engine/baseline.h"
#include "pg2une/engine/inspect.h"
#include "pg2une/engine/session.h"
#include "pg2une/pg/identity.h"

#define BASELINE_MAX (128u << 20)

static char *
baseline_path(const struct pgt_identity *id, struct pgt_err *err)
{
	char *state = pgt_file_state_dir();
	char *dir = pgt_xasprintf("%s/clusters/%s/baselines", state, id->fingerprint);
	char now[40], *path = NULL, *c;

	free(state);
	pgt_clock_iso8601(pgt_clock_real_ns(), now, sizeof(now));
	for (c = now; *c; c++)
		if (*c == ':')
			*c = '-';
	if (pgt_file_mkdirs(dir, err) == 0)
		path = pgt_xasprintf("%s/%s.json", dir, now);
	free(dir);
	return path;
}

/* What would have been recommended then.  A part that is missing is no failure; rules of
 * the user's that are not understood are. */
static int
put_advice(struct pgt_session *s, const struct pgt_options *o, cJSON *data,
	   struct pgt_err *err)
{
	struct pgt_advice_list *list;
	struct pgt_err why = {0};
	cJSON *out;

	if (pgt_advice_read(s, o, &list, NULL, &why) == 0) {
		pgt_advice_put(pgt_json_obj(data, "advice"), list);
		pgt_advice_list_free(list);
		return 0;
	}
	if (why.code == PGT_E_PARSE || why.code == PGT_E_CONN) {
		*err = why;
		return -1;
	}
	out = pgt_json_obj(data, "advice");
	pgt_json_arr(out, "recommendations");
	pgt_json_str(pgt_json_arr(out, "notes"), NULL, why.msg);
	return 0;
}

int
pgt_baseline_take(struct pgt_session *s, uint32_t sections, int64_t interval_ns,
		  const struct pgt_options *advise, const char *path, cJSON **ret,
		  struct pgt_err *err)
{
	const struct pgt_identity *id;
	char *own = NULL, *text = NULL;
	cJSON *data = NULL;
	int rc = -1;

	if (pgt_session_identity(s, &id, err) < 0)
		return -1;
	/* the place first: not to find after a minute that there is none */
	if (!path && !(path = own = baseline_path(id, err)))
		return -1;
	if (pgt_inspect_run(s, sections, interval_ns, true, &data, err) < 0)
		goto out;
	if (advise && put_advice(s, advise, data, err) < 0)
		goto out;
	pgt_json_str(data, "kind", "baseline");
	pgt_json_i64(data, "format", 1);
	text = pgt_json_print(data, true);
	if (pgt_file_replace(path, text, strlen(text), 0600, err) < 0)
		goto out;
	pgt_json_str(data, "saved_to", path);
	*ret = data;
	data = NULL;
	rc = 0;
out:
	cJSON_Delete(data);
	free(text);
	free(own);
	return rc;
}

int
pgt_baseline_read(const char *path, cJSON **ret, struct pgt_err *err)
{
	struct pgt_buf b;
	cJSON *json = NULL, *data;
	int rc = -1;

	pgt_buf_init(&b, BASELINE_MAX);
	if (pgt_file_read(path, &b, err) < 0)
		goto out;
	json = pgt_json_parse(pgt_buf_str(&b), b.len, BASELINE_MAX, err);
	if (!json) {
		pgt_err_prefix(err, "%s", path);
		goto out;
	}
	data = cJSON_GetObjectItemCaseSensitive(json, "data");
	if (cJSON_IsObject(data)) {
		data = cJSON_DetachItemViaPointer(json, data);
		cJSON_Delete(json);
		json = data;
	}
	if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(json, "sections"))) {
		pgt_err_set(err, PGT_E_PARSE, "%s: not a baseline", path);
		goto out;
	}
	*ret = json;
	json = NULL;
	rc = 0;
out:
	cJSON_Delete(json);
	pgt_buf_done(&b);
	return rc;
}
