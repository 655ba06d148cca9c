/* config diff --workload: settings against the usual values of the table of
 * settings, scaled to a machine that is known. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pg2une/base/knobs.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/confreport.h"
#include "pg2une/engine/options.h"
#include "pg2une/engine/session.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/unit.h"

struct profile {
	struct pgt_knob_host host;
	enum pgt_knob_class cls;
	bool conservative;
	bool ram_known, cores_known;
	const char *told_by;
	int left_out; /* settings that depend on what is not known */
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
	p->host.ram_bytes = (double)bytes;
	p->host.cores = (int)pgt_options_int(o, "cpus");
	if (pgt_conn_is_unix(pgt_session_conn(s))) {
		if (!ram || !p->host.cores)
			p->told_by = "this machine, reached by a Unix socket";
		if (!ram)
			p->host.ram_bytes = (double)sysconf(_SC_PHYS_PAGES) *
					    (double)sysconf(_SC_PAGESIZE);
		if (!p->host.cores)
			p->host.cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
	}
	p->ram_known = p->host.ram_bytes > 0;
	p->cores_known = p->host.cores > 0;
	p->host.rotating_disk = storage && strcmp(storage, "hdd") == 0;
	p->host.server_major = pgt_session_version(s) / 10000;
	return 0;
}

static bool
is_eligible(struct profile *p, const struct pgt_knob *k)
{
	bool by_ram = k->base == PGT_BASE_RAM || k->base == PGT_BASE_RAM_PER_CONN;

	if (!pgt_knob_in_major(k, p->host.server_major) ||
	    k->risk == PGT_RISK_DURABILITY ||
	    strcmp(k->name, "max_connections") ==
		0) /* that is for the applications to say */
		return false;
	if (p->conservative)
		return k->base == PGT_BASE_ONE && k->context == PGT_CONTEXT_RELOAD &&
		       k->risk == PGT_RISK_LOW;
	if ((by_ram && !p->ram_known) || (k->base == PGT_BASE_CORES && !p->cores_known)) {
		p->left_out++;
		return false;
	}
	return true;
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
put_recommendation(const struct profile *p, const struct pgt_knob *k, const cJSON *row,
		   double now, double usual, cJSON *list)
{
	char a[64], b[64];
	const char *class = pgt_knob_class_name(p->cls);
	bool scaled = k->base != PGT_BASE_ONE;
	const char *setting = NULL, *unit = NULL;
	cJSON *out = pgt_json_obj(list, NULL);
	char *why;
	double base;

	pgt_json_get_str(row, "setting", &setting);
	pgt_json_get_str(row, "unit", &unit);
	pgt_json_str(out, "parameter", k->name);
	if (setting && unit && pgt_parse_double(setting, &base))
		pgt_json_str(out, "current", pgt_unit_format(base, unit, a, sizeof(a)));
	else
		pgt_json_str(out, "current", setting);
	pgt_json_str(out, "recommended", pgt_knob_format(k, usual, b, sizeof(b)));
	pgt_json_num(out, "current_value", now);
	pgt_json_num(out, "recommended_value", usual);
	/* a rule of thumb, not a measurement: never "high" */
	pgt_json_str(out, "confidence", scaled ? "medium" : "low");
	why = pgt_xasprintf("%s. %s is usual for %s%s%s", k->effect, b, class,
			    scaled ? " on a machine like this one: " : " work",
			    scaled ? p->told_by : "");
	pgt_json_str(out, "rationale", why);
	free(why);
	why = pgt_xasprintf("table of settings; postgresql.org/docs/%d/%s",
			    p->host.server_major, k->doc);
	pgt_json_str(out, "source", why);
	free(why);
	pgt_json_bool(out, "needs_restart", k->context == PGT_CONTEXT_RESTART);
}

static void
compare(struct profile *p, const cJSON *rows, cJSON *list)
{
	const struct pgt_knob *k;
	const cJSON *row;
	const char *name;
	double now, usual;
	size_t i;

	for (i = 0; i < pgt_knob_count(); i++) {
		k = pgt_knob_at(i);
		if (!is_eligible(p, k))
			continue;
		cJSON_ArrayForEach(row, rows) if (pgt_json_get_str(row, "name", &name) &&
						  strcmp(name, k->name) == 0) break;
		if (!row || !current_value(k, row, &now))
			continue;
		usual = pgt_knob_usual(k, &p->host, p->cls);
		/* within a tenth is the same, for a rule of thumb */
		if (!is_automatic(k, row, usual) &&
		    fabs(usual - now) > 0.1 * fmax(fabs(usual), fabs(now)))
			put_recommendation(p, k, row, now, usual, list);
	}
}

int
pgt_config_diff_workload(struct pgt_session *s, const struct pgt_options *o,
			 const char *workload, bool conservative, cJSON **ret,
			 struct pgt_err *err)
{
	struct profile p = {.conservative = conservative};
	cJSON *rows, *data;
	const cJSON *row;
	const char *name, *setting = NULL;
	int64_t n = 100;
	char text[160];
	int i;

	for (i = 0; i < PGT_KNOB_CLASSES; i++)
		if (strcmp(workload, pgt_knob_class_name((enum pgt_knob_class)i)) == 0)
			break;
	if (i == PGT_KNOB_CLASSES)
		return pgt_err_set(err, PGT_E_USAGE,
				   "--workload: \"%.40s\" is none of oltp, olap, mixed",
				   workload);
	p.cls = (enum pgt_knob_class)i;
	if (know_machine(s, o, &p, err) < 0 ||
	    pgt_session_rows(s, "inspect_settings", NULL, 0, &rows, err) < 0)
		return -1;
	cJSON_ArrayForEach(row, rows) if (pgt_json_get_str(row, "name", &name) &&
					  strcmp(name, "max_connections") == 0 &&
					  pgt_json_get_str(row, "setting", &setting))
	    pgt_parse_i64(setting, &n);
	p.host.max_connections = (int)n;

	data = cJSON_CreateObject();
	pgt_json_str(data, "workload", workload);
	pgt_json_str(data, "profile", conservative ? "remote-conservative" : workload);
	pgt_json_num(data, "ram_bytes", p.ram_known ? p.host.ram_bytes : NAN);
	pgt_json_num(data, "cpus", p.cores_known ? p.host.cores : NAN);
	compare(&p, rows, pgt_json_arr(data, "recommendations"));
	cJSON_Delete(rows);
	if (p.left_out > 0) {
		snprintf(
		    text, sizeof(text),
		    "%d settings depend on the machine, which is not known: tell --ram "
		    "and --cpus",
		    p.left_out);
		pgt_json_str(pgt_json_arr(data, "notes"), NULL, text);
	}
	*ret = data;
	return 0;
}
