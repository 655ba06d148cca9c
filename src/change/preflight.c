#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/host.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/quote.h"
#include "preflight_priv.h"
#include "sqltext_priv.h"

#define ASK_NS (10 * PGT_NS_PER_S)

static const char *const severity_names[] = {
    [PGT_RULE_OK] = "ok", [PGT_RULE_NOTE] = "note",
    [PGT_RULE_WARN] = "warn", [PGT_RULE_REFUSE] = "refuse",
};

static const char *const managed_names[] = {
    [PGT_MANAGED_UNKNOWN] = "unknown",
    [PGT_MANAGED_NOT] = "not_managed",
    [PGT_MANAGED_EPHEMERAL] = "not_set_but_ephemeral",
    [PGT_MANAGED_OVERRIDDEN] = "overridden",
};

void
pgt_pre_check(struct pgt_pre *p, enum pgt_ruling sev, long item, const char *code,
	      const char *fix, const char *fmt, ...)
{
	struct pgt_preflight *out = p->out;
	struct pgt_check *c;
	char raw[400];
	va_list ap;

	out->checks = pgt_xreallocarray(out->checks, out->n_checks + 1,
					sizeof(*out->checks));
	c = &out->checks[out->n_checks++];
	memset(c, 0, sizeof(*c));
	c->severity = sev;
	c->item = item;
	pgt_str_copy(c->code, sizeof(c->code), code);
	pgt_str_copy(c->fix, sizeof(c->fix), fix);
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	pgt_safetext_copy(c->text, sizeof(c->text), raw);
	if (sev == PGT_RULE_REFUSE)
		out->refused = true;
}

int
pgt_pre_ask(struct pgt_pre *p, const char *query, const char *const *params, int n,
	    struct pgt_result **ret, struct pgt_err *err)
{
	struct pgt_writer *s;

	if (pgt_direct_writer(p->link, NULL, &s, err) < 0)
		return -1;
	return pgt_writer_run(s, pgt_change_sql(query, pgt_writer_version(s)), params, n,
			      ASK_NS, ret, err);
}

static bool
flag(const struct pgt_result *r, const char *name)
{
	return pgt_result_bool(r, 0, pgt_result_col(r, name));
}

static int
number(const struct pgt_result *r, const char *name)
{
	return (int)pgt_result_i64(r, 0, pgt_result_col(r, name), 0);
}

static char *
text(const struct pgt_result *r, const char *name)
{
	const char *s = pgt_result_str(r, 0, pgt_result_col(r, name));

	return s ? pgt_xstrdup(s) : NULL;
}

static int
read_facts(struct pgt_pre *p, struct pgt_err *err)
{
	struct pgt_server_facts *f = &p->facts;
	struct pgt_result *r = NULL;
	char *s;

	if (pgt_pre_ask(p, "server", NULL, 0, &r, err) < 0)
		return -1;
	f->superuser = flag(r, "superuser");
	f->createrole = flag(r, "createrole");
	f->may_reload = flag(r, "may_reload");
	f->sees_files = flag(r, "sees_files");
	f->sees_settings = flag(r, "sees_settings");
	f->sees_control = flag(r, "sees_control");
	s = text(r, "allow_alter_system"); /* 17 and later */
	f->alter_allowed = !s || strcmp(s, "on") == 0;
	free(s);
	f->looks_managed = flag(r, "looks_like_patroni");
	s = text(r, "managed_by");
	pgt_safetext_copy(f->managed_by, sizeof(f->managed_by), s ? s : "");
	free(s);
	s = text(r, "rolname");
	pgt_safetext_copy(p->out->user, sizeof(p->out->user), s ? s : "");
	free(s);
	f->loaded_libraries = text(r, "loaded_libraries");
	f->wal_level = text(r, "wal_level");
	f->archive_mode = text(r, "archive_mode");
	f->huge_pages = text(r, "huge_pages");
	f->boot = (struct pgt_boot_facts){
	    .ram_bytes = p->opts->ram_bytes > 0	       ? p->opts->ram_bytes
			 : pgt_direct_is_here(p->link) ? pgt_host_memory()
						       : 0,
	    .shared_buffers_bytes =
		pgt_result_num(r, 0, pgt_result_col(r, "shared_buffers_bytes")),
	    .max_connections = number(r, "max_connections"),
	    .superuser_reserved = number(r, "superuser_reserved"),
	    .reserved = number(r, "reserved"),
	    .max_wal_senders = number(r, "max_wal_senders"),
	    .wal_level = f->wal_level,
	    .archive_mode = f->archive_mode,
	    .huge_pages = f->huge_pages,
	    .loaded_libraries = f->loaded_libraries,
	    .known_libraries = p->opts->known_libraries,
	};
	pgt_result_free(r);
	return 0;
}

/* One that takes ALTER SYSTEM and a reload of ours. */
static bool
has_system_setting(const struct pgt_changeset *cs)
{
	size_t i;

	for (i = 0; i < cs->n_items; i++)
		if (cs->items[i].kind == PGT_ITEM_SETTING && !cs->items[i].managed)
			return true;
	return false;
}

static bool
has_setting(const struct pgt_changeset *cs)
{
	size_t i;

	for (i = 0; i < cs->n_items; i++)
		if (cs->items[i].kind == PGT_ITEM_SETTING)
			return true;
	return false;
}

/* A check with the very statement that mends it. */
static void
need_grant(struct pgt_pre *p, enum pgt_ruling sev, const char *grant, const char *why)
{
	char *role = pgt_quote_ident_min(p->out->user, NULL), *fix;

	fix = pgt_change_stmt(
	    grant, (struct pgt_fill[]){{"role", role ? role : "?"}, {NULL, NULL}});
	pgt_pre_check(p, sev, -1, "privilege", fix, "%s %s", p->out->user, why);
	free(fix);
	free(role);
}

static void
check_grants(struct pgt_pre *p)
{
	const struct pgt_server_facts *f = &p->facts;

	if (!f->sees_control)
		need_grant(p, PGT_RULE_REFUSE, "grant_control",
			   "may not call pg_control_system(): this node cannot be told "
			   "from others");
	if (!has_setting(p->cs))
		return;
	if (!f->may_reload && has_system_setting(p->cs))
		need_grant(p, PGT_RULE_REFUSE, "grant_reload", "may not reload");
	if (!f->sees_files)
		need_grant(
		    p, PGT_RULE_REFUSE, "grant_files",
		    "does not see pg_file_settings: the state before cannot be known");
	if (!f->sees_settings)
		need_grant(p, PGT_RULE_WARN, "grant_settings",
			   "does not see where settings come from");
}

static void
check_server(struct pgt_pre *p)
{
	const struct pgt_server_facts *f = &p->facts;

	if (p->out->server_version_num < 130000)
		pgt_pre_check(p, PGT_RULE_REFUSE, -1, "version", "",
			      "servers before 13 are not changed");
	if (!pgt_direct_is_private(p->link) && !p->opts->allow_plaintext)
		pgt_pre_check(p, PGT_RULE_REFUSE, -1, "plaintext", "sslmode=verify-full",
			      "the connection is neither local nor encrypted: somebody "
			      "in between could "
			      "pose as the server");
	if (p->cs->fingerprint[0] && p->opts->fingerprint &&
	    strcmp(p->cs->fingerprint, p->opts->fingerprint) != 0)
		pgt_pre_check(
		    p, PGT_RULE_REFUSE, -1, "fingerprint", "",
		    "the changeset was made for another cluster (%.12s, this is %.12s)",
		    p->cs->fingerprint, p->opts->fingerprint);
	if (!has_system_setting(p->cs))
		return;
	if (!f->alter_allowed || (f->managed_by[0] && !f->superuser)) {
		p->out->export_only = true;
		pgt_pre_check(
		    p, PGT_RULE_REFUSE, -1, "managed",
		    "hand the exported plan to who controls this server's parameters",
		    !f->alter_allowed
			? "allow_alter_system is off: settings are managed elsewhere"
			: "a managed service (role %s): settings are changed in its "
			  "own parameter group",
		    f->managed_by);
	}
}

static int
check_files(struct pgt_pre *p, struct pgt_err *err)
{
	struct pgt_writer *s;
	char *faults = NULL, *line, *save = NULL;

	if (!p->facts.sees_files || !has_setting(p->cs)) {
		p->out->pending = pgt_xstrdup("");
		return 0;
	}
	if (pgt_direct_writer(p->link, NULL, &s, err) < 0 ||
	    pgt_file_errors_read(s, &faults, err) < 0)
		return -1;
	p->broken_files = *faults != '\0';
	for (line = strtok_r(faults, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		pgt_pre_check(
		    p, PGT_RULE_REFUSE, -1, "file_error", "mend the line, then reload",
		    "the configuration has an error already, a reload may be void: %s",
		    line);
	free(faults);
	if (pgt_pending_read(s, p->cs, &p->out->pending, err) < 0)
		return -1;
	for (line = p->out->pending; *line; line += strcspn(line, "\n") + 1)
		pgt_pre_check(p,
			      p->opts->accept_pending ? PGT_RULE_WARN : PGT_RULE_REFUSE,
			      -1, "pending", "reload first, or take the line out",
			      "somebody else's line waits for a reload, ours would "
			      "activate it: %.*s",
			      (int)strcspn(line, "\n"), line);
	return 0;
}

int
pgt_preflight(struct pgt_direct *l, struct pgt_changeset *cs,
	      const struct pgt_preflight_opts *opts, struct pgt_preflight *ret,
	      struct pgt_err *err)
{
	struct pgt_preflight out = {.n_items = cs->n_items};
	struct pgt_pre p = {.link = l, .cs = cs, .opts = opts, .out = &out};
	struct pgt_writer *s;
	int rc = -1;
	size_t i;

	out.prev = pgt_xcalloc(cs->n_items, sizeof(*out.prev));
	out.managed = pgt_xcalloc(cs->n_items, sizeof(*out.managed));
	out.permission = pgt_xcalloc(cs->n_items, sizeof(*out.permission));
	out.needs_restart = pgt_xcalloc(cs->n_items, sizeof(*out.needs_restart));
	out.server_version_num = pgt_direct_version(l);
	if (read_facts(&p, err) < 0)
		goto out;
	check_grants(&p);
	if (p.facts.sees_control && (pgt_direct_writer(l, NULL, &s, err) < 0 ||
				     pgt_fence_read(s, &out.fence, err) < 0))
		goto out;
	pgt_pre_managers(&p);
	check_server(&p);
	if (check_files(&p, err) < 0)
		goto out;
	if ((p.facts.sees_files && !p.broken_files) || !has_setting(cs))
		for (i = 0; i < cs->n_items; i++)
			if (pgt_pre_item(&p, i, err) < 0)
				goto out;
	rc = 0;

out:
	free(p.facts.loaded_libraries);
	free(p.facts.wal_level);
	free(p.facts.archive_mode);
	free(p.facts.huge_pages);
	if (rc == 0)
		*ret = out;
	else
		pgt_preflight_done(&out);
	return rc;
}

void
pgt_preflight_done(struct pgt_preflight *p)
{
	size_t i;

	for (i = 0; p->prev && i < p->n_items; i++)
		pgt_prev_done(&p->prev[i]);
	free(p->prev);
	free(p->managed);
	free(p->permission);
	free(p->needs_restart);
	free(p->checks);
	free(p->pending);
	memset(p, 0, sizeof(*p));
}

int
pgt_preflight_verdict(const struct pgt_preflight *p, struct pgt_err *err)
{
	size_t i;

	for (i = 0; i < p->n_checks; i++)
		if (p->checks[i].severity == PGT_RULE_REFUSE &&
		    /* no grant would help there */
		    (!p->export_only || strcmp(p->checks[i].code, "managed") == 0))
			return pgt_err_set(
			    err,
			    strcmp(p->checks[i].code, "privilege") == 0 ? PGT_E_DENIED
									: PGT_E_STATE,
			    "%s%s%s", p->checks[i].text, p->checks[i].fix[0] ? ": " : "",
			    p->checks[i].fix);
	return 0;
}

static void
put_parameter_facts(cJSON *params, const struct pgt_preflight *p,
		    const struct pgt_changeset *cs)
{
	cJSON *obj, *perm;
	size_t i;
	int k = 0;

	for (i = 0; i < cs->n_items; i++) {
		if (cs->items[i].kind != PGT_ITEM_SETTING)
			continue;
		obj = cJSON_GetArrayItem(params, k++);
		cJSON_DeleteItemFromObject(obj, "patroni_override");
		pgt_json_str(obj, "patroni_override", managed_names[p->managed[i]]);
		pgt_json_str(obj, "through", cs->items[i].managed ? "manager" : "server");
		perm = pgt_json_obj(obj, "permission");
		pgt_json_bool(perm, "allowed", p->permission[i].allowed);
		pgt_json_str(perm, "reason", p->permission[i].reason);
		pgt_json_str(perm, "min_role", p->permission[i].min_role);
	}
}

cJSON *
pgt_preflight_json(const struct pgt_preflight *p, const struct pgt_changeset *cs)
{
	cJSON *json = pgt_changeset_json(cs, p->prev), *dry, *arr;
	size_t i;

	put_parameter_facts(cJSON_GetObjectItem(json, "parameters"), p, cs);
	dry = pgt_json_obj(json, "dry_run_result");
	pgt_json_bool(dry, "refused", p->refused);
	pgt_json_bool(dry, "export_only", p->export_only);
	arr = pgt_json_arr(dry, "checks");
	for (i = 0; i < p->n_checks; i++) {
		const struct pgt_check *c = &p->checks[i];
		cJSON *obj = pgt_json_obj(arr, NULL);

		pgt_json_str(obj, "severity", severity_names[c->severity]);
		pgt_json_str(obj, "code", c->code);
		pgt_json_str(obj, "item", c->item >= 0 ? cs->items[c->item].name : NULL);
		pgt_json_str(obj, "text", c->text);
		pgt_json_str(obj, "fix", c->fix[0] ? c->fix : NULL);
	}
	return json;
}

char *
pgt_preflight_script(const struct pgt_preflight *p, const struct pgt_changeset *cs)
{
	struct pgt_buf b;
	char **list, *sql;
	size_t i, k, n;

	pgt_buf_init(&b, 1024 * 1024);
	pgt_buf_printf(&b, "-- changeset %s\n", cs->id);
	for (i = 0; i < cs->n_items; i++) {
		sql = pgt_item_sql(&cs->items[i], NULL);
		pgt_buf_printf(&b, "%s%s;\n", cs->items[i].managed ? "-- " : "",
			       sql ? sql : "-- cannot be quoted");
		free(sql);
	}
	pgt_buf_puts(&b, "-- and back:\n");
	for (i = cs->n_items; i > 0; i--) {
		if (!p->prev[i - 1].known ||
		    pgt_item_inverse(&cs->items[i - 1], &p->prev[i - 1], NULL, &list, &n,
				     NULL) < 0)
			continue;
		for (k = 0; k < n; k++)
			pgt_buf_printf(&b, "-- %s;\n", list[k]);
		pgt_sql_list_free(list, n);
	}
	return pgt_buf_take(&b);
}
