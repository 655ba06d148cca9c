/* From the raw counters of the machine and of processes to rates. */
#include <math.h>
#include <string.h>

#include "obs_priv.h"
#include "rel_priv.h"

#define SECTOR 512.0 /* of /sys/block stat, whatever the disk's own */
#define TICK_S 0.01  /* USER_HZ is 100 on every Linux */

static double
cell(const struct obs_rows *r, const char *name)
{
	return obs_num(r, 0, obs_col(r, name));
}

static void
host_cpu(const double *d, struct pgt_host *h)
{
	double total = 0;
	int i;

	for (i = 0; i < 8; i++)
		total += d[i];
	if (!(total > 0))
		return;
	h->cpu_user_pct = 100 * (d[0] + d[1]) / total;
	h->cpu_sys_pct = 100 * (d[2] + d[5] + d[6] + d[7]) / total;
	h->cpu_idle_pct = 100 * d[3] / total;
	h->cpu_iowait_pct = 100 * d[4] / total;
}

void
obs_feed_host(struct obs *o, const struct obs_rows *r)
{
	static const char *const counters[] = {
	    "user",  "nice",     "system",  "idle",         "iowait",
	    "irq",   "softirq",  "steal",   "sectors_read", "sectors_written",
	    "io_ms", "rx_bytes", "tx_bytes"};
	struct pgt_host *h = &o->host_now;
	double v[PGT_LEN(counters)], d[PGT_LEN(counters)], s;
	const char *rot = obs_str(r, 0, obs_col(r, "rotational"));
	size_t i;

	for (i = 0; i < PGT_LEN(counters); i++)
		v[i] = cell(r, counters[i]);
	obs_rel_begin(o->host_prev, o->tick.mono_ns, 0);
	s = obs_rel_delta(o->host_prev, 1, v, d, PGT_LEN(counters));
	obs_rel_end(o->host_prev);
	*h = (struct pgt_host){.n_cpus = (int)obs_i64(r, 0, obs_col(r, "cpus"), -1)};
	h->cpu_user_pct = h->cpu_sys_pct = h->cpu_idle_pct = h->cpu_iowait_pct = NAN;
	host_cpu(d, h);
	h->load1 = cell(r, "load1");
	h->load5 = cell(r, "load5");
	h->load15 = cell(r, "load15");
	h->mem_total = cell(r, "mem_total");
	h->mem_available = cell(r, "mem_available");
	h->swap_used = cell(r, "swap_total") - cell(r, "swap_free");
	h->disk_read_bps = d[8] * SECTOR / s;
	h->disk_write_bps = d[9] * SECTOR / s;
	h->disk_util_pct = d[10] / (s * 1000) * 100;
	if (h->disk_util_pct > 100) /* and not fmin(), which makes 100 of unknown */
		h->disk_util_pct = 100;
	h->net_rx_bps = d[11] / s;
	h->net_tx_bps = d[12] / s;
	h->data_total = cell(r, "fs_total");
	h->data_free = cell(r, "fs_free");
	h->wal_free = cell(r, "wal_fs_free");
	h->storage = !rot ? "unknown" : rot[0] == '1' ? "hdd" : "ssd";
	obs_status_ok(o, PGT_SEC_HOST);
}

/* CPU and I/O go into the rows of the sample that is being made: its block is
 * not shared with any snapshot yet. */
void
obs_feed_procs(struct obs *o, const struct obs_rows *r)
{
	const struct obs_part *p = &o->part[OBS_P_ACTIVITY];
	struct pgt_activity *act = (struct pgt_activity *)(uintptr_t)p->rows;
	size_t i, k;

	obs_rel_begin(o->procs, o->tick.mono_ns, 0);
	for (i = 0; i < obs_rows_n(r); i++) {
		int pid = (int)obs_i64(r, i, obs_col(r, "pid"), 0);
		double v[3], d[3], s;

		v[0] = obs_num(r, i, obs_col(r, "ticks"));
		v[1] = obs_num(r, i, obs_col(r, "read_bytes"));
		v[2] = obs_num(r, i, obs_col(r, "write_bytes"));
		s = obs_rel_delta(o->procs, (uint64_t)pid, v, d, 3);
		for (k = 0; k < p->n && act[k].pid != pid; k++)
			;
		if (k == p->n)
			continue;
		act[k].cpu_pct = 100 * d[0] * TICK_S / s;
		act[k].read_bps = d[1] / s;
		act[k].write_bps = d[2] / s;
	}
	obs_rel_end(o->procs);
}
