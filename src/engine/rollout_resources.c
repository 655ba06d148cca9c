/* Processor, memory and disk of a node, when its processes are of this machine: the
 * server's SQL tells none of them. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "rollouts_priv.h"

struct proc {
	int ppid;
	double own_s, children_s;
};

/* /proc/PID/stat (proc(5)): the name may hold anything, so from its last bracket. */
static bool
read_proc(int pid, struct proc *ret)
{
	unsigned long utime, stime;
	long cutime, cstime;
	char path[64], text[1024], *at;
	double tick = (double)sysconf(_SC_CLK_TCK);

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!pgt_file_small(path, text, sizeof(text)) || !(at = strrchr(text, ')')))
		return false;
	if (sscanf(at + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
		   &ret->ppid, &utime, &stime, &cutime, &cstime) != 5)
		return false;
	ret->own_s = (double)(utime + stime) / tick;
	ret->children_s = (double)(cutime + cstime) / tick;
	return true;
}

int
pgt_ro_postmaster(const struct pgt_conn *c)
{
	struct proc p;

	return pgt_conn_is_here(c) && read_proc(pgt_conn_backend_pid(c), &p) ? p.ppid : 0;
}

/* Of the server's processes, those that have ended included. */
static double
server_seconds(int postmaster_pid)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	struct proc p;
	double sum = 0;
	int64_t pid;

	if (read_proc(postmaster_pid, &p))
		sum = p.own_s + p.children_s;
	while (dir && (e = readdir(dir)))
		if (pgt_parse_i64(e->d_name, &pid) && read_proc((int)pid, &p) &&
		    p.ppid == postmaster_pid)
			sum += p.own_s;
	if (dir)
		closedir(dir);
	return sum;
}

static double
memory_available_pct(void)
{
	char text[4096], *total, *free_;

	if (!pgt_file_small("/proc/meminfo", text, sizeof(text)) ||
	    !(total = strstr(text, "MemTotal:")) ||
	    !(free_ = strstr(text, "MemAvailable:")))
		return NAN;
	return 100 * strtod(free_ + 13, NULL) / strtod(total + 9, NULL);
}

void
pgt_ro_resources(struct pgt_ro_meter *m, struct pgt_rollout_node *ret)
{
	int64_t now = pgt_clock_mono_ns();
	struct statvfs st;
	double cpu, cores;
	char path[64];
	int pid;

	ret->cpu_pct = ret->mem_available_pct = ret->disk_free_pct = NAN;
	if (!m->up || (pid = pgt_ro_postmaster(m->conn)) <= 0) {
		m->cpu_at_ns = 0;
		return;
	}
	cpu = server_seconds(pid);
	cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
	if (m->cpu_at_ns && cpu >= m->cpu_s)
		ret->cpu_pct = 100 * (cpu - m->cpu_s) /
			       ((double)(now - m->cpu_at_ns) / 1e9) / cores;
	m->cpu_at_ns = now;
	m->cpu_s = cpu;
	ret->mem_available_pct = memory_available_pct();
	snprintf(path, sizeof(path), "/proc/%d/cwd", pid);
	if (statvfs(path, &st) == 0 && st.f_blocks > 0)
		ret->disk_free_pct = 100.0 * (double)st.f_bavail / (double)st.f_blocks;
}
