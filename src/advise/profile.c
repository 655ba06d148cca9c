/* Configurations for a machine and a class of workload: the table of settings, what the
 * rules file changes for the profile, and the joint limit of memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advise_priv.h"
#include "pg2une/base/str.h"

static const char *const names[] = {[PGT_PROFILE_OLTP] = "oltp",
				    [PGT_PROFILE_OLAP] = "olap",
				    [PGT_PROFILE_MIXED] = "mixed",
				    [PGT_PROFILE_CONSERVATIVE] = "remote-conservative"};

const char *
pgt_profile_name(enum pgt_profile p)
{
	return p >= 1 && p <= PGT_PROFILE_LAST ? names[p] : NULL;
}

static const char *
in_profile(const struct adv_rules *r, const char *profile, const char *key)
{
	char section[80];

	snprintf(section, sizeof(section), "profile %s", profile);
	return adv_rules_find(r, section, key);
}

static enum pgt_knob_class
class_of(const struct adv_rules *r, const char *profile)
{
	const char *word = in_profile(r, profile, "class");

	return word && strcmp(word, "oltp") == 0   ? PGT_KNOB_OLTP
	       : word && strcmp(word, "olap") == 0 ? PGT_KNOB_OLAP
						   : PGT_KNOB_MIXED;
}

enum pgt_workload
pgt_advise_profile_class(const char *rules, const char *name)
{
	struct pgt_arena *a = pgt_arena_new(1u << 20);
	enum pgt_workload ret = PGT_WORKLOAD_UNKNOWN;
	struct adv_rules r;

	adv_rules_parse(a, rules, &r);
	if (in_profile(&r, name, "class"))
		ret = class_of(&r, name) == PGT_KNOB_OLTP   ? PGT_WORKLOAD_OLTP
		      : class_of(&r, name) == PGT_KNOB_OLAP ? PGT_WORKLOAD_OLAP
							    : PGT_WORKLOAD_MIXED;
	pgt_arena_free(a);
	return ret;
}

/* The table's value as the profile's line changes it; NAN leaves it out. */
static double
value_of(const struct pgt_knob *k, const struct pgt_knob_host *host,
	 enum pgt_knob_class cls, const char *line)
{
	double v = pgt_knob_usual(k, host, cls), factor;

	if (line && *line == '=')
		return pgt_knob_parse(k, line + 1, 1, &v, NULL) == 0 ? v : NAN;
	if (line && (!pgt_parse_double(line, &factor) || factor <= 0))
		return NAN;
	return line ? v * factor : v;
}

static bool
unknown_base(const struct pgt_knob *k, const struct pgt_profile_input *in)
{
	bool by_ram = k->base == PGT_BASE_RAM || k->base == PGT_BASE_RAM_PER_CONN;

	return (by_ram && !(in->host.ram_bytes > 0)) ||
	       (k->base == PGT_BASE_CORES && in->host.cpus <= 0) ||
	       (k->usual_hdd > 0 && !in->host.storage);
}

static struct pgt_profile_setting *
row_of(struct pgt_profile_setting *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static double
number_of(const struct pgt_profile_setting *row)
{
	double v = NAN;

	if (row && pgt_knob_parse(pgt_knob_find(row->name), row->value, 1, &v, NULL) < 0)
		return NAN;
	return v;
}

static void
write_number(struct pgt_profile_setting *row, double v)
{
	const struct pgt_knob *k = pgt_knob_find(row->name);

	if (k->grain > 0)
		v = floor(v / k->grain) * k->grain;
	pgt_knob_format(k, fmin(fmax(v, k->floor), k->ceil), row->value,
			sizeof(row->value));
}

/* What does not fit is taken from work_mem first, then from maintenance, then from
 * shared_buffers. */
static void
fit_memory(struct pgt_profile_setting *rows, size_t n, double ram, double slots,
	   double budget, double share)
{
	struct pgt_profile_setting *sb = row_of(rows, n, "shared_buffers"),
				   *wm = row_of(rows, n, "work_mem"),
				   *mm = row_of(rows, n, "maintenance_work_mem"),
				   *aw = row_of(rows, n, "autovacuum_work_mem");
	double workers = fmax(number_of(row_of(rows, n, "autovacuum_max_workers")), 3);
	double limit = ram * budget;

	if (!sb || !wm || !mm || !(ram > 0))
		return;
	for (int i = 0; i < 40; i++) {
		double each = aw && number_of(aw) > 0 ? number_of(aw) : number_of(mm);
		double all = pgt_advise_memory(number_of(sb), number_of(wm), 2, slots,
					       share, each, workers);

		if (all <= limit)
			return;
		if (number_of(wm) > 4 * MB)
			write_number(wm, fmax(number_of(wm) * 0.8, 4 * MB));
		else if (each > 32 * MB && aw && number_of(aw) > 0)
			write_number(aw, fmax(each * 0.7, 32 * MB));
		else if (number_of(mm) > 32 * MB)
			write_number(mm, fmax(number_of(mm) * 0.7, 32 * MB));
		else if (number_of(wm) > MB)
			write_number(wm, number_of(wm) * 0.8);
		else
			write_number(sb, number_of(sb) * 0.8);
	}
}

static void
keep_rules(struct pgt_profile_setting *rows, size_t n)
{
	for (size_t i = 0; i < pgt_knob_rule_count(); i++) {
		const struct pgt_knob_rule *r = pgt_knob_rule_at(i);
		struct pgt_profile_setting *a = row_of(rows, n, r->name),
					   *b = row_of(rows, n, r->other);
		double limit = r->factor * number_of(b);

		if (a && b && number_of(a) > limit)
			write_number(a, limit);
	}
}

enum wanted { LEAVE, TAKE, UNKNOWN_HOST };

static enum wanted
is_wanted(const struct pgt_knob *k, const struct pgt_profile_input *in, bool listed,
	  const char *line)
{
	if (k->risk == PGT_RISK_DURABILITY || !pgt_knob_in_major(k, in->server_major) ||
	    (line && strcmp(line, "-") == 0))
		return LEAVE;
	/* conservative: only what its section spells out */
	if (listed)
		return line && k->context == PGT_CONTEXT_RELOAD ? TAKE : LEAVE;
	if (!k->search && !line)
		return LEAVE;
	return unknown_base(k, in) ? UNKNOWN_HOST : TAKE;
}

/* After the joint limits: what pgtune says of the same machine, where it says otherwise.
 */
static void
against_pgtune(struct pgt_profile_setting *row, const struct pgt_profile_input *in,
	       const struct pgt_knob_host *host, enum pgt_knob_class cls)
{
	const struct pgt_knob *k = pgt_knob_find(row->name);
	double theirs = adv_pgtune(host, cls, in->host.storage, row->name);
	double ours = number_of(row);
	size_t n = strlen(row->why);
	char buf[32];

	if (!isfinite(theirs) || !isfinite(ours) ||
	    fabs(theirs - ours) <= 0.1 * fmax(fabs(theirs), fabs(ours)))
		return;
	snprintf(row->why + n, sizeof(row->why) - n, ". pgtune would say %s; %s",
		 pgt_knob_format(k, theirs, buf, sizeof(buf)),
		 adv_pgtune_differs(row->name));
}

static void
put_row(struct pgt_profile_setting *row, const struct pgt_profile_input *in,
	const struct pgt_knob *k, double v)
{
	row->name = k->name;
	row->restart = k->context == PGT_CONTEXT_RESTART;
	row->confidence = k->base == PGT_BASE_ONE || in->host.told ? PGT_GRADE_MEDIUM
								   : PGT_GRADE_LOW;
	snprintf(row->why, sizeof(row->why), "%s", k->effect);
	pgt_knob_format(k, v, row->value, sizeof(row->value));
}

static size_t
fill(struct pgt_profile_setting *rows, const struct adv_rules *r,
     const struct pgt_profile_input *in, const char *name,
     const struct pgt_knob_host *host, int *ret_left_out)
{
	const char *only = in_profile(r, name, "only");
	bool listed = only && strcmp(only, "listed") == 0;
	size_t n = 0;

	for (size_t i = 0; i < pgt_knob_count(); i++) {
		const struct pgt_knob *k = pgt_knob_at(i);
		const char *line = in_profile(r, name, k->name);
		enum wanted w = is_wanted(k, in, listed, line);
		double v;

		*ret_left_out += w == UNKNOWN_HOST;
		v = w == TAKE ? value_of(k, host, class_of(r, name), line) : NAN;
		if (isfinite(v))
			put_row(&rows[n++], in, k, v);
	}
	return n;
}

int
pgt_advise_profile(const struct pgt_profile_input *in, enum pgt_profile profile,
		   struct pgt_profile_setting **ret, size_t *ret_n, int *ret_left_out,
		   struct pgt_err *err)
{
	const char *name = in->name ? in->name : pgt_profile_name(profile);
	struct pgt_knob_host host = {
	    .ram_bytes = in->host.ram_bytes,
	    .cores = in->host.cpus,
	    .max_connections = in->max_connections,
	    .rotating_disk =
		in->host.storage && strcmp(in->host.storage, "hdd") == 0,
	    .server_major = in->server_major,
	};
	struct pgt_profile_setting *rows;
	struct adv_ctx c = {0};
	int left_out = 0;
	size_t n;

	if (!name || !in->rules)
		return pgt_err_set(err, PGT_E_USAGE, "no such profile, or no rules");
	c.a = pgt_arena_new(1u << 20);
	adv_rules_parse(c.a, in->rules, &c.rules);
	if (!in_profile(&c.rules, name, "class")) {
		pgt_arena_free(c.a);
		return pgt_err_set(err, PGT_E_USAGE,
				   "no profile \"%.40s\": the rules have no section "
				   "[profile %.40s] with a class",
				   name, name);
	}
	if (host.max_connections <= 0)
		host.max_connections = 100;
	rows = pgt_xcalloc(pgt_knob_count(), sizeof(*rows));
	n = fill(rows, &c.rules, in, name, &host, &left_out);
	fit_memory(rows, n, in->host.ram_bytes, host.max_connections,
		   adv_rule(&c, "memory", "budget"),
		   adv_rule(&c, "memory", "active_share"));
	keep_rules(rows, n);
	for (size_t i = 0; i < n; i++)
		against_pgtune(&rows[i], in, &host, class_of(&c.rules, name));
	pgt_arena_free(c.a);
	*ret = rows;
	*ret_n = n;
	if (ret_left_out)
		*ret_left_out = left_out;
	return 0;
}
