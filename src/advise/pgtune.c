/* What pgtune (github.com/le0pard/pgtune, its published rules) would say, and why ours
 * differs where it does.  Of its types of application: oltp, dw for olap, mixed. */
#include <string.h>

#include "advise_priv.h"

struct tuned {
	double ram, slots, cores, shared;
	enum pgt_knob_class cls;
	bool hdd, network;
};

static double
workers_each(const struct tuned *t)
{
	double half = ceil(t->cores / 2);

	return t->cls == PGT_KNOB_OLAP ? half : fmin(half, 4);
}

static double
memory_of(const struct tuned *t, const char *name)
{
	double share = t->cls == PGT_KNOB_OLTP ? 1 : 2;

	if (!(t->ram > 0))
		return NAN;
	if (strcmp(name, "shared_buffers") == 0)
		return t->ram / 4;
	if (strcmp(name, "effective_cache_size") == 0)
		return t->ram * 0.75;
	if (strcmp(name, "maintenance_work_mem") == 0)
		return fmin(t->ram / (t->cls == PGT_KNOB_OLAP ? 8 : 16), 2 * GB);
	if (strcmp(name, "work_mem") == 0)
		return fmax((t->ram * 0.75) / ((t->slots + fmax(t->cores, 8)) * 3) /
				share,
			    64 * KB);
	return NAN;
}

static double
number_of(const struct tuned *t, const char *name)
{
	static const struct {
		const char *name;
		double of[PGT_KNOB_CLASSES]; /* mixed oltp olap */
	} fixed[] = {
	    {"min_wal_size", {GB, 2 * GB, 4 * GB}},
	    {"max_wal_size", {4 * GB, 8 * GB, 16 * GB}},
	    {"checkpoint_completion_target", {0.9, 0.9, 0.9}},
	    {"default_statistics_target", {100, 100, 500}},
	    {"wal_buffers", {16 * MB, 16 * MB, 16 * MB}},
	};

	for (size_t i = 0; i < PGT_LEN(fixed); i++)
		if (strcmp(name, fixed[i].name) == 0)
			return fixed[i].of[t->cls];
	if (strcmp(name, "random_page_cost") == 0)
		return t->hdd ? 4 : 1.1;
	if (strcmp(name, "effective_io_concurrency") == 0)
		return t->hdd ? 2 : t->network ? 300 : 200;
	if (!(t->cores >= 4))
		return NAN;
	if (strcmp(name, "max_worker_processes") == 0 ||
	    strcmp(name, "max_parallel_workers") == 0)
		return t->cores;
	if (strcmp(name, "max_parallel_workers_per_gather") == 0)
		return workers_each(t);
	if (strcmp(name, "max_parallel_maintenance_workers") == 0)
		return fmin(ceil(t->cores / 2), 4);
	return NAN;
}

double
adv_pgtune(const struct pgt_knob_host *host, enum pgt_knob_class cls, const char *storage,
	   const char *name)
{
	struct tuned t = {.ram = host->ram_bytes,
			  .slots = host->max_connections,
			  .cores = host->cores,
			  .cls = cls,
			  .hdd = host->rotating_disk,
			  .network = storage && strcmp(storage, "network") == 0};
	double v = memory_of(&t, name);

	return isfinite(v) ? v : number_of(&t, name);
}

const char *
adv_pgtune_differs(const char *name)
{
	static const struct {
		const char *name, *why;
	} rows[] = {
	    {"work_mem", "ours keeps all sessions, hash_mem_multiplier and autovacuum "
			 "within nine tenths of the memory"},
	    {"maintenance_work_mem",
	     "each autovacuum worker may take it, and all must fit together"},
	    {"shared_buffers",
	     "what does not fit beside sessions and workers is taken off"},
	    {"effective_cache_size", "sessions take their memory from the same cache"},
	    {"max_wal_size",
	     "a full disk is worse than a checkpoint: start here, and let "
	     "advise raise it by the measured WAL rate"},
	    {"min_wal_size", "recycled segments only hold disk space"},
	    {"effective_io_concurrency",
	     "from 18 on reads are asynchronous and more only queue"},
	    {"random_page_cost", "a network's latency is between a disk's and flash"},
	    {"default_statistics_target", "planning takes longer with more of it"},
	    {"max_parallel_workers_per_gather",
	     "short statements should leave the cores to each other"},
	    {"max_parallel_workers", "one core is left to the rest"},
	    {"max_worker_processes", "extensions and replication take some of them too"},
	    {"wal_buffers", "the server's own choice follows shared_buffers"},
	};

	for (size_t i = 0; i < PGT_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].why;
	return "ours is the table of settings'";
}
