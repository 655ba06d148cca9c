/* What /proc tells when the server runs on our machine: raw counters as rows, so
 * that a trace holds them like any answer.  Only reading; the rates are made in
 * host_feed.c. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pg2une/base/file.h"
#include "pg2une/base/str.h"
#include "sampler_priv.h"

#define PROCS_MAX 64

/* Loopback alone proves nothing (a tunnel): our server process must be there. */
bool
host_is_local(const struct pgt_sampler *s, int backend_pid)
{
	const char *host = pgt_conn_host(s->conn);
	char path[64], cmd[512];
	size_t n;

	if (!pgt_conn_is_unix(s->conn) && strcmp(host, "localhost") != 0 &&
	    !pgt_str_starts(host, "127.") && strcmp(host, "::1") != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", backend_pid);
	if (!pgt_file_small(path, cmd, sizeof(cmd)))
		return false;
	n = strlen(cmd);
	return n > 9 && strncmp(cmd, "postgres:", 9) == 0 && strstr(cmd, s->obs->user) &&
	       strstr(cmd, s->obs->database);
}

/* Nanoseconds on a CPU since the process began; -1 when it cannot be read. */
int64_t
host_process_cpu_ns(int pid)
{
	char path[64], buf[128];
	long long ns;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	if (pid <= 0 || !pgt_file_small(path, buf, sizeof(buf)) ||
	    sscanf(buf, "%lld", &ns) != 1)
		return -1;
	return ns;
}

/* ---- one row of the machine ---- */

static const char *const host_names[] = {
    "cpus", "load1", "load5", "load15", "user", "nice", "system", "idle", "iowait", "irq",
    "softirq", "steal", "mem_total", "mem_available", "swap_total", "swap_free",
    "sectors_read", "sectors_written", "io_ms", "rx_bytes", "tx_bytes", "fs_total",
    "fs_free", "rotational", "wal_fs_free"};
enum { H_N = PGT_LEN(host_names) };

static void
put(struct pgt_arena *a, const char **cell, double v)
{
	*cell = pgt_arena_printf(a, "%.17g", v);
}

static double
meminfo(const char *text, const char *key)
{
	const char *p = strstr(text, key);
	double kb;

	return p && sscanf(p + strlen(key), ": %lf", &kb) == 1 ? kb * 1024 : -1;
}

static void
read_disk(struct pgt_arena *a, const char *datadir, const char **c)
{
	unsigned long long rd, wr, busy;
	struct statvfs fs;
	struct stat st;
	char path[128], buf[528]; /* a path of 511, and "/pg_wal" */

	if (!datadir[0] || stat(datadir, &st) < 0)
		return;
	if (statvfs(datadir, &fs) == 0) {
		put(a, &c[21], (double)fs.f_blocks * (double)fs.f_frsize);
		put(a, &c[22], (double)fs.f_bavail * (double)fs.f_frsize);
	}
	/* Often on a file system of its own, behind a link. */
	snprintf(buf, sizeof(buf), "%s/pg_wal", datadir);
	if (statvfs(buf, &fs) == 0)
		put(a, &c[24], (double)fs.f_bavail * (double)fs.f_frsize);
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/stat", major(st.st_dev),
		 minor(st.st_dev));
	if (pgt_file_small(path, buf, sizeof(buf)) &&
	    sscanf(buf, "%*u %*u %llu %*u %*u %*u %llu %*u %*u %llu", &rd, &wr, &busy) ==
		3) {
		put(a, &c[16], (double)rd);
		put(a, &c[17], (double)wr);
		put(a, &c[18], (double)busy);
	}
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/queue/rotational",
		 major(st.st_dev), minor(st.st_dev));
	if (!pgt_file_small(path, buf, sizeof(buf))) { /* a partition: its disk knows */
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../queue/rotational",
			 major(st.st_dev), minor(st.st_dev));
		if (!pgt_file_small(path, buf, sizeof(buf)))
			return;
	}
	c[23] = pgt_arena_strdup(a, buf[0] == '1' ? "1" : "0");
}

static void
read_net(struct pgt_arena *a, char *text, const char **c)
{
	unsigned long long rx, tx, sum_rx = 0, sum_tx = 0;
	char *line, *save = NULL, *colon;

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		colon = strchr(line, ':');
		if (!colon || strstr(line, " lo:"))
			continue;
		if (sscanf(colon + 1, "%llu %*u %*u %*u %*u %*u %*u %*u %llu", &rx,
			   &tx) == 2) {
			sum_rx += rx;
			sum_tx += tx;
		}
	}
	put(a, &c[19], (double)sum_rx);
	put(a, &c[20], (double)sum_tx);
}

bool
host_read(const struct obs *o, struct pgt_arena *a, struct obs_rows *r)
{
	const char **c = pgt_arena_array(a, H_N, sizeof(*c));
	double l[3], t[8];
	char buf[8192];
	int i;

	if (!c || !pgt_file_small("/proc/stat", buf, sizeof(buf)))
		return false;
	if (sscanf(buf, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1], &t[2], &t[3],
		   &t[4], &t[5], &t[6], &t[7]) == 8)
		for (i = 0; i < 8; i++)
			put(a, &c[4 + i], t[i]);
	put(a, &c[0], (double)sysconf(_SC_NPROCESSORS_ONLN));
	if (pgt_file_small("/proc/loadavg", buf, sizeof(buf)) &&
	    sscanf(buf, "%lf %lf %lf", &l[0], &l[1], &l[2]) == 3)
		for (i = 0; i < 3; i++)
			put(a, &c[1 + i], l[i]);
	if (pgt_file_small("/proc/meminfo", buf, sizeof(buf))) {
		put(a, &c[12], meminfo(buf, "MemTotal"));
		put(a, &c[13], meminfo(buf, "MemAvailable"));
		put(a, &c[14], meminfo(buf, "SwapTotal"));
		put(a, &c[15], meminfo(buf, "SwapFree"));
	}
	if (pgt_file_small("/proc/net/dev", buf, sizeof(buf)))
		read_net(a, buf, c);
	read_disk(a, o->id.datadir, c);
	*r = (struct obs_rows){
	    .ok = true, .n_rows = 1, .n_cols = H_N, .names = host_names, .cells = c};
	return true;
}

/* ---- a row for each busy session's process ---- */

static const char *const proc_names[] = {"pid", "ticks", "read_bytes", "write_bytes"};

static bool
proc_row(struct pgt_arena *a, int pid, const char **c)
{
	unsigned long long ut, st, rd, wr;
	char path[64], buf[1024], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	/* the name in brackets may hold anything: look behind the last one */
	if (!pgt_file_small(path, buf, sizeof(buf)) || !(p = strrchr(buf, ')')) ||
	    sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &ut,
		   &st) != 2)
		return false;
	c[0] = pgt_arena_printf(a, "%d", pid);
	c[1] = pgt_arena_printf(a, "%llu", ut + st);
	snprintf(path, sizeof(path), "/proc/%d/io", pid); /* root or the same user only */
	if (pgt_file_small(path, buf, sizeof(buf)) &&
	    (p = strstr(buf, "\nread_bytes:")) &&
	    sscanf(p, "\nread_bytes: %llu write_bytes: %llu", &rd, &wr) == 2) {
		c[2] = pgt_arena_printf(a, "%llu", rd);
		c[3] = pgt_arena_printf(a, "%llu", wr);
	}
	return true;
}

bool
host_read_procs(const struct obs *o, struct pgt_arena *a, struct obs_rows *r)
{
	const struct pgt_activity *act = o->part[OBS_P_ACTIVITY].rows;
	const char **c = pgt_arena_array(a, PROCS_MAX * PGT_LEN(proc_names), sizeof(*c));
	size_t i, n = 0;

	for (i = 0; c && i < o->part[OBS_P_ACTIVITY].n && n < PROCS_MAX; i++)
		if (!act[i].state || strcmp(act[i].state, "idle") != 0)
			n += proc_row(a, act[i].pid, &c[n * PGT_LEN(proc_names)]);
	*r = (struct obs_rows){.ok = c != NULL,
			       .n_rows = n,
			       .n_cols = PGT_LEN(proc_names),
			       .names = proc_names,
			       .cells = c};
	return c != NULL;
}
