/* What is searched: the settings of the table that this server has and that may be set
 * in this mode, the advisor's indexes, and hints. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/observe/workload.h"
#include "rollouts_priv.h"
#include "tuning_priv.h"

/* By what was measured, once there is that: a rehearsal's load is not the server's. */
static enum pgt_workload
workload_of(const struct pgt_tuning *t)
{
	const struct pgt_window *w = &t->base_window;
	struct pgt_workload_state state = {0};
	const struct pgt_workload_input in = {.mono_ns = 1,
					      .tps = w->tps,
					      .active = w->active,
					      .p99_ms = w->p99_ms,
					      .temp_bytes_ps = w->temp_bytes};

	return t->have_base ? pgt_workload_step(&state, &in) : t->at->workload;
}

static enum pgt_knob_class
class_of(enum pgt_workload w)
{
	return w == PGT_WORKLOAD_OLTP	? PGT_KNOB_OLTP
	       : w == PGT_WORKLOAD_OLAP ? PGT_KNOB_OLAP
					: PGT_KNOB_MIXED;
}

/* Canonical units of one unit of pg_settings: bytes or milliseconds. */
static double
bare_unit(const char *unit)
{
	static const struct {
		const char *name;
		double factor;
	} units[] = {{"B", 1},	   {"kB", 1024}, {"8kB", 8192},	 {"MB", 1048576},
		     {"16MB", 16777216}, {"ms", 1},	  {"us", 0.001}, {"s", 1000},
		     {"min", 60000}};

	for (size_t i = 0; unit && i < PGT_LEN(units); i++)
		if (strcmp(units[i].name, unit) == 0)
			return units[i].factor;
	return 1;
}

/* What was asked for: where the server was left to find a size (wal_buffers of -1) it
 * shows what it came to, as a default or as an override of what the file says. */
static const char *
asked_for(const struct pgt_setting *st)
{
	const char *source = st->source ? st->source : "";

	if (st->boot_value &&
	    (strcmp(source, "default") == 0 || strcmp(source, "override") == 0))
		return st->boot_value;
	return st->value;
}

/* False when the server does not say. */
static bool
setting_value(const struct pgt_snapshot *s, const struct pgt_knob *k, double *ret)
{
	const struct pgt_setting *st = pgt_snapshot_setting(s, k->name);
	const char *value = st ? asked_for(st) : NULL;

	return value && pgt_knob_parse(k, value, bare_unit(st->unit), ret, NULL) == 0;
}

/* ALTER SYSTEM would be masked by these, or is not ours to give. */
static bool
may_set(const struct pgt_snapshot *s, const struct pgt_knob *k)
{
	const struct pgt_setting *st = pgt_snapshot_setting(s, k->name);

	return st && st->source && strcmp(st->source, "command line") != 0 &&
	       strcmp(st->source, "environment variable") != 0;
}

/* Free bytes of the file system that holds path; 0: not to be known. */
static double
free_at(const char *path)
{
	struct statvfs v;

	return statvfs(path, &v) == 0 ? (double)v.f_bavail * (double)v.f_frsize : 0;
}

/* Where WAL goes: pg_wal's file system where we may look, else the data directory's.
 * What a rehearsal tries, its copy must hold too. */
static void
find_disk(const struct pgt_tuning *t, struct pgt_knob_host *host)
{
	const struct pgt_host *h = &t->at->host;
	struct pgt_knob_host copy;

	(void)setting_value(t->at, pgt_knob_find("max_wal_size"), &host->wal_present);
	host->wal_disk_free = h->wal_free > 0	 ? h->wal_free
			      : h->data_free > 0 ? h->data_free
						 : 0;
	if (!pgt_tuning_has_copy(t))
		return;
	copy = *host;
	copy.wal_disk_free = free_at(*t->opts.copy_to ? t->opts.copy_to : "/var/tmp");
	if (copy.wal_disk_free > 0 &&
	    pgt_knob_wal_most(&copy) < pgt_knob_wal_most(host))
		*host = copy;
}

/* A copy runs here: it has this machine, not the target's. */
static void
find_host(const struct pgt_tuning *t, struct pgt_tuner_opts *to)
{
	const struct pgt_snapshot *s = t->at;
	double ram = t->opts.ram_bytes > 0 ? t->opts.ram_bytes : s->host.mem_total;
	int cores = t->opts.cpus > 0 ? t->opts.cpus : s->host.n_cpus;

	if (pgt_tuning_has_copy(t)) {
		double here = (double)sysconf(_SC_PHYS_PAGES) *
			      (double)sysconf(_SC_PAGESIZE);
		int cores_here = (int)sysconf(_SC_NPROCESSORS_ONLN);

		ram = t->opts.ram_bytes > 0 ? fmin(t->opts.ram_bytes, here) : here;
		cores = t->opts.cpus > 0 && t->opts.cpus < cores_here ? t->opts.cpus
								      : cores_here;
	}
	to->cls = class_of(t->workload);
	to->host = (struct pgt_knob_host){
	    .ram_bytes = ram > 0 ? ram : 0,
	    .cores = cores,
	    .max_connections = s->sessions.max_connections,
	    .rotating_disk = s->host.storage && strcmp(s->host.storage, "hdd") == 0,
	    .server_major = s->node.version_num / 10000,
	};
	find_disk(t, &to->host);
	to->have_host = to->host.ram_bytes > 0 && to->host.cores > 0;
	pgt_memory_model_default(&to->mem, &to->host, to->cls);
	/* A copy has the sessions of our load: the server's own count too. */
	if (t->have_base && t->base_window.active_peak > 0)
		to->mem.active_peak =
		    fmax(t->base_window.active_peak, s->sessions.active);
}

bool
pgt_tuning_reads_only(const struct pgt_tuning *t)
{
	return t->have_base && t->base_window.read_share >= 1;
}

static bool
may_search(const struct pgt_tuning *t, const struct pgt_tuner_opts *to,
	   const struct pgt_knob *k)
{
	/* On a copy nothing masks us. */
	bool free_hand = t->opts.mode == PGT_TUNE_MODEL || pgt_tuning_has_copy(t);

	return k->search && k->risk != PGT_RISK_DURABILITY &&
	       (pgt_tuning_has_copy(t) || may_set(t->at, k)) &&
	       pgt_knob_in_major(k, to->host.server_major) &&
	       pgt_knob_fits_disk(k, &to->host, to->cls) &&
	       !(k->writes && pgt_tuning_reads_only(t)) &&
	       (k->context != PGT_CONTEXT_RESTART || free_hand ||
		(pgt_tuning_may_restart(t) && !pgt_ro_not_lower(k->name))) &&
	       (k->risk != PGT_RISK_MEMORY || to->have_host);
}

static int
add_settings(struct pgt_tuning *t, struct pgt_tuner_opts *to, struct pgt_err *err)
{
	double v;

	for (size_t i = 0; i < pgt_knob_count(); i++) {
		const struct pgt_knob *k = pgt_knob_at(i);

		if (!setting_value(t->at, k, &v))
			continue;
		pgt_memory_model_set(&to->mem, k->name, v);
		if (t->opts.action != PGT_TUNE_QUERIES && may_search(t, to, k) &&
		    pgt_space_add_knob(&t->space, k, &to->host, to->cls, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < pgt_knob_count(); i++) {
		const struct pgt_knob *k = pgt_knob_at(i);

		if (pgt_space_find(&t->space, k->name) < 0 &&
		    setting_value(t->at, k, &v))
			pgt_space_fix(&t->space, k->name, v);
	}
	return 0;
}

int
pgt_tuning_space(struct pgt_tuning *t, struct pgt_tuner_opts *to, struct pgt_err *err)
{
	t->workload = workload_of(t);
	find_host(t, to);
	pgt_space_init(&t->space);
	if (add_settings(t, to, err) < 0)
		return -1;
	for (size_t i = 0; i < t->n_extras; i++)
		if (pgt_space_add_bool(&t->space, t->extra[i].name, err) < 0)
			return -1;
	if (t->space.n_dims == 0)
		return pgt_err_set(err, PGT_E_UNSUPPORTED, "%s%s%s",
				   t->opts.action == PGT_TUNE_QUERIES
				       ? "the advisor has no index to propose here"
				       : "no setting that may be searched here",
				   pgt_tuning_wants_hints(t)
				       ? ", and the plans of the captured statements "
					 "give no hint: "
				       : "",
				   pgt_tuning_wants_hints(t) ? t->text : "");
	t->restarts = false;
	for (size_t i = 0; i < t->space.n_dims; i++) {
		const struct pgt_knob *k = t->space.dims[i].knob;

		t->baseline[i] = 0;
		if (k)
			(void)setting_value(t->at, k, &t->baseline[i]);
		t->restarts |= t->space.dims[i].restart;
	}
	return 0;
}
