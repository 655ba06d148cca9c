/* config diff: settings against a profile of the rules, scaled to a machine that is
 * known.  The values are those of the advisors (pgt_advise_profile). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "advisor_priv.h"
#include "pg2une/advise/advise.h"
#include "pg2une/base/knobs.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/confreport.h"
#include "pg2une/engine/options.h"
#include "pg2une/engine/session.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/unit.h"

struct profile {
	struct pgt_profile_input in;
	const char *told_by;
};

/* What the operator says; over a Unix socket the server shares this machine. */
static int
know_machine(struct pgt_session *s, const struct pgt_options *o, struct profile *p,
	     struct pgt_err *err)
{
	const char *ram = pgt_options_str(o, "ram"),
		   *storage = pgt_options_str(o, "storage");
	uint64_t bytes = 0;

	p->told_by = "as told by --ram and --cpus";
	if (ram && pgt_parse_bytes(ram, &bytes, err) < 0) {
		pgt_err_prefix(err, "--ram");
		if (err)
			err->code = PGT_E_USAGE;
		return -1;
	}
	p->in.host.ram_bytes = (double)bytes;
	p->in.host.cpus = (int)pgt_options_int(o, "cpus");
	if (pgt_conn_is_unix(pgt_session_conn(s))) {
		if (!ram || !p->in.host.cpus)
			p->told_by = "this machine, reached by a Unix socket";
		if (!ram)
			p->in.host.ram_bytes = (double)sysconf(_SC_PHYS_PAGES) *
					       (double)sysconf(_SC_PAGESIZE);
		if (!p->in.host.cpus)
			p->in.host.cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	}
	/* also when it is this machine: what the profile says of it is no guess */
	p->in.host.told = true;
	p->in.host.storage = !storage                          ? NULL
			     : strcmp(storage, "hdd") == 0     ? "hdd"
			     : strcmp(storage, "network") == 0 ? "network"
							       : "ssd";
	p->in.server_major = pgt_session_version(s) / 10000;
	return 0;
}

/* Where the server already is, in the table's unit: bytes, ms, the number. */
static bool
current_value(const struct pgt_knob *k, const cJSON *row, double *ret)
{
	const char *setting = NULL, *unit = NULL;

	pgt_json_get_str(row, "setting", &setting);
	pgt_json_get_str(row, "unit", &unit);
	if (!setting)
		return false;
	if (k->unit == PGT_UNIT_BOOL || k->unit == PGT_UNIT_ENUM)
		return pgt_knob_parse(k, setting, 1, ret, NULL) == 0;
	return pgt_unit_parse(setting, unit, ret, NULL) == 0;
}

/* The server shows what -1 became: left alone, it already is the special value. */
static bool
is_automatic(const struct pgt_knob *k, const cJSON *row, double usual)
{
	const char *boot = NULL, *source = NULL;
	double v;
	int i;

	pgt_json_get_str(row, "boot_val", &boot);
	pgt_json_get_str(row, "source", &source);
	if (!boot || !source || !pgt_parse_double(boot, &v) || v != usual)
		return false;
	for (i = 0; i < k->n_special; i++)
		if (k->special[i] == usual)
			return strcmp(source, "default") == 0 ||
			       strcmp(source, "override") == 0;
	return false;
}

static void
put_recommendation(const struct profile *p, const struct pgt_profile_setting *want,
		   const cJSON *row, double now, double usual, cJSON *list)
{
	const struct pgt_knob *k = pgt_knob_find(want->name);
	bool scaled = k->base != PGT_BASE_ONE;
	const char *setting = NULL, *unit = NULL;
	cJSON *out = pgt_json_obj(list, NULL);
	char *why, a[64];
	double base;

	pgt_json_get_str(row, "setting", &setting);
	pgt_json_get_str(row, "unit", &unit);
	pgt_json_str(out, "parameter", want->name);
	if (setting && unit && pgt_parse_double(setting, &base))
		pgt_json_str(out, "current", pgt_unit_format(base, unit, a, sizeof(a)));
	else
		pgt_json_str(out, "current", setting);
	pgt_json_str(out, "recommended", want->value);
	pgt_json_num(out, "current_value", now);
	pgt_json_num(out, "recommended_value", usual);
	/* a rule of thumb, not a measurement: never "high" */
	pgt_json_str(out, "confidence", scaled ? "medium" : "low");
	why = pgt_xasprintf(
	    "%s. %s is usual for %s%s%s", want->why, want->value, p->in.name,
	    scaled ? " on a machine like this one: " : " work", scaled ? p->told_by : "");
	pgt_json_str(out, "rationale", why);
	free(why);
	why = pgt_xasprintf("profile %s of the rules; postgresql.org/docs/%d/%s",
			    p->in.name, p->in.server_major, k->doc);
	pgt_json_str(out, "source", why);
	free(why);
	pgt_json_bool(out, "needs_restart", want->restart);
}

static const cJSON *
row_of(const cJSON *rows, const char *name)
{
	const cJSON *row;
	const char *s;

	cJSON_ArrayForEach(row, rows) if (pgt_json_get_str(row, "name", &s) &&
					  strcmp(s, name) == 0) return row;
	return NULL;
}

static void
compare(const struct profile *p, const struct pgt_profile_setting *want, size_t n,
	const cJSON *rows, cJSON *list)
{
	for (size_t i = 0; i < n; i++) {
		const struct pgt_knob *k = pgt_knob_find(want[i].name);
		const cJSON *row = row_of(rows, want[i].name);
		double now, usual;

		if (!row || !current_value(k, row, &now) ||
		    pgt_knob_parse(k, want[i].value, 1, &usual, NULL) < 0)
			continue;
		/* within a tenth is the same, for a rule of thumb */
		if (!is_automatic(k, row, usual) &&
		    fabs(usual - now) > 0.1 * fmax(fabs(usual), fabs(now)))
			put_recommendation(p, &want[i], row, now, usual, list);
	}
}

static cJSON *
report(const struct profile *p, const char *workload, const cJSON *rows,
       const struct pgt_profile_setting *want, size_t n, int left_out)
{
	cJSON *data = cJSON_CreateObject();
	char text[160];

	pgt_json_str(data, "workload", workload);
	pgt_json_str(data, "profile", p->in.name);
	pgt_json_num(data, "ram_bytes",
		     p->in.host.ram_bytes > 0 ? p->in.host.ram_bytes : NAN);
	pgt_json_num(data, "cpus", p->in.host.cpus > 0 ? p->in.host.cpus : NAN);
	compare(p, want, n, rows, pgt_json_arr(data, "recommendations"));
	if (left_out > 0) {
		snprintf(text, sizeof(text),
			 "%d settings depend on the machine, which is not known: tell "
			 "--ram, --cpus and --storage",
			 left_out);
		pgt_json_str(pgt_json_arr(data, "notes"), NULL, text);
	}
	return data;
}

int
pgt_config_diff_profile(struct pgt_session *s, const struct pgt_options *o,
			const char *profile, cJSON **ret, struct pgt_err *err)
{
	struct profile p = {.in.name = profile};
	char *rules = pgt_advice_rules(o, err);
	struct pgt_profile_setting *want = NULL;
	const char *setting = NULL;
	enum pgt_workload w;
	cJSON *rows = NULL;
	int64_t slots = 100;
	int rc = -1, left_out = 0;
	size_t n;

	if (!rules)
		return -1;
	w = pgt_advise_profile_class(rules, profile);
	if (know_machine(s, o, &p, err) < 0 ||
	    pgt_session_rows(s, "inspect_settings", NULL, 0, &rows, err) < 0)
		goto out;
	pgt_json_get_str(row_of(rows, "max_connections"), "setting", &setting);
	if (setting && !pgt_parse_i64(setting, &slots))
		slots = 100;
	p.in.max_connections = (int)slots;
	p.in.rules = rules;
	if (pgt_advise_profile(&p.in, PGT_PROFILE_MIXED, &want, &n, &left_out, err) < 0)
		goto out;
	*ret = report(&p, pgt_workload_names[w], rows, want, n, left_out);
	rc = 0;
out:
	free(want);
	free(rules);
	cJSON_Delete(rows);
	return rc;
}
